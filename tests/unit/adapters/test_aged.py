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


async def test_within_its_grace_an_old_answer_is_given_while_a_new_one_is_asked_for() -> None:
    source = Source()
    await source.answer.get(5, grace=2)
    source.now = 6
    assert await asyncio.gather(*(source.answer.get(5, grace=2) for _ in range(20))) == [1] * 20
    assert await asyncio.wait_for(_answered(source, 2), 5) == 2
    assert source.asked == 2, "asked once for all of them"


async def test_past_its_grace_an_old_answer_is_not_given() -> None:
    source = Source()
    await source.answer.get(5, grace=2)
    source.now = 7.1
    assert await source.answer.get(5, grace=2) == 2


async def test_after_a_failure_the_answer_before_it_is_not_given() -> None:
    source = Source()
    await source.answer.get(5, grace=2)
    source.now, source.failing = 6, True
    assert await source.answer.get(5, grace=2) == 1
    await asyncio.sleep(0.01)
    with pytest.raises(Transient):
        await source.answer.get(5, grace=2)


async def test_forgetting_forgets_the_answer_before_too() -> None:
    source = Source()
    await source.answer.get(5, grace=2)
    source.now = 6
    await source.answer.get(5, grace=2)
    source.answer.forget()
    assert await source.answer.get(5, grace=2) > 1


async def _answered(source: Source, wished: int) -> int:
    while True:
        answer = await source.answer.get(5, grace=2)
        if answer == wished:
            return answer
        await asyncio.sleep(0)
