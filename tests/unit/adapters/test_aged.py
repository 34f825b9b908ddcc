"""One request answers many for a while."""

import asyncio

import pytest
from churn_operator.adapters.aged import Aged
from churn_operator.errors import Transient

pytestmark = pytest.mark.unit


class Source:
    """Counts how often it is asked; fails while `failing`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.failing = False
        self.answer: Aged[int] = Aged(self._ask, lambda: self.now)

    async def _ask(self) -> int:
        self.asked += 1
        asked = self.asked
        await asyncio.sleep(0)
        if self.failing:
            raise Transient("KFP", "out")
        return asked


async def test_concurrent_callers_share_one_request() -> None:
    source = Source()
    assert await asyncio.gather(*(source.answer.get(5) for _ in range(50))) == [1] * 50
    assert source.asked == 1


async def test_an_answer_serves_until_it_is_too_old() -> None:
    source = Source()
    await source.answer.get(5)
    source.now = 5
    assert await source.answer.get(5) == 1
    source.now = 5.1
    assert await source.answer.get(5) == 2


async def test_zero_age_asks_anew() -> None:
    source = Source()
    await source.answer.get(0)
    source.now = 0.001
    assert await source.answer.get(0) == 2


async def test_a_failure_is_shared_but_soon_forgotten() -> None:
    source = Source()
    source.failing = True
    failures = await asyncio.gather(*(source.answer.get(300) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(failure, Transient) for failure in failures)
    assert source.asked == 1
    source.failing = False
    source.now = 2.1
    assert await source.answer.get(300) == 2


async def test_a_caller_that_gives_up_does_not_take_the_answer_from_the_others() -> None:
    source = Source()
    impatient = asyncio.create_task(source.answer.get(5))
    patient = asyncio.create_task(source.answer.get(5))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 1
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_forgetting_asks_anew() -> None:
    source = Source()
    await source.answer.get(5)
    source.answer.forget()
    assert await source.answer.get(5) == 2
