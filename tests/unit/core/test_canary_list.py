"""Steps and readings of KServe's own canaries, by driving a small KServe with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from churn_operator.core.canary_list import CanaryListObservation, CanaryShare, ListedCanary, ListedVersion
from churn_operator.core.traffic import (
    Arrangement,
    CanaryListStep,
    PredictorSettings,
    Readiness,
    ServedVersion,
)

pytestmark = pytest.mark.unit

_SETTINGS = PredictorSettings(runtime="churn-serving", min_replicas=1, max_replicas=3)
_ONE = ServedVersion(1, "s3://mlops/one", "aaaa")
_TWO = ServedVersion(2, "s3://mlops/two", "bbbb")
_CANARY_SETTINGS = replace(_SETTINGS, max_replicas=None)


def _listed(version: ServedVersion, settings: PredictorSettings = _SETTINGS) -> ListedVersion:
    return ListedVersion(version.number, version.uri, settings)


def _canary(version: ServedVersion, percent: int) -> ListedCanary:
    return ListedCanary(_listed(version, _CANARY_SETTINGS), percent)


_ALONE = CanaryListObservation(_listed(_ONE), Readiness.READY, url="http://telco")
_SPLIT = replace(_ALONE, canary=_canary(_TWO, 10), shares=(CanaryShare(2, True, 10),))


def _wish(stable: ServedVersion | None, candidate: ServedVersion | None, weight: int = 100) -> Arrangement:
    return Arrangement(stable, candidate, weight, _SETTINGS)


@dataclass
class SmallKServe:
    """Applies steps; a version becomes ready when `ready` names it. Status follows when it is told to."""

    observation: CanaryListObservation
    ready: set[int]

    def apply(self, step: CanaryListStep) -> None:
        stable = ListedVersion(step.stable.number, step.stable.uri, step.settings)
        canary = _canary(step.candidate, step.percent) if step.candidate else None
        self.observation = replace(self.observation, predictor=stable, canary=canary)

    def follow(self) -> None:
        seen = self.observation
        canary = seen.canary
        number = canary.version.number if canary else None
        shares = (CanaryShare(number, number in self.ready, canary.percent),) if canary else ()
        readiness = Readiness.READY if seen.predictor.number in self.ready else Readiness.PROGRESSING
        url = seen.url or ("http://telco" if readiness is Readiness.READY else None)
        self.observation = replace(seen, shares=shares, readiness=readiness, url=url)

    def pursue(self, wish: Arrangement) -> list[CanaryListStep]:
        """Take steps as long as there are any; the status follows each."""
        taken: list[CanaryListStep] = []
        while (step := self.observation.step_towards(wish, "")) is not None:
            assert isinstance(step, CanaryListStep)
            assert len(taken) < 10, f"no end of {taken}"
            taken.append(step)
            self.apply(step)
            self.follow()
        return taken


def test_a_split_is_written_at_once_because_kserve_waits_for_the_canary() -> None:
    assert _ALONE.step_towards(_wish(_ONE, _TWO, 10), "") == CanaryListStep(_ONE, _TWO, 10, _SETTINGS)


def test_a_split_that_is_there_is_no_step_and_in_effect() -> None:
    wish = _wish(_ONE, _TWO, 10)
    assert _SPLIT.step_towards(wish, "") is None
    assert _SPLIT.in_effect(wish, "")
    assert [_SPLIT.reading(version, "").percent for version in (_ONE, _TWO)] == [90, 10]


def test_a_canary_that_is_not_ready_has_no_traffic() -> None:
    waiting = replace(_SPLIT, shares=(CanaryShare(2, False, 10),))
    assert waiting.step_towards(_wish(_ONE, _TWO, 10), "") is None
    assert not waiting.in_effect(_wish(_ONE, _TWO, 10), "")
    reading = waiting.reading(_TWO, "")
    assert (reading.readiness, reading.percent, reading.answering) == (Readiness.PROGRESSING, 0, False)
    assert waiting.reading(_ONE, "").percent == 100


def test_shares_cannot_be_told_until_status_lists_the_canaries_of_spec() -> None:
    ahead = replace(_SPLIT, canary=_canary(_TWO, 50))
    assert ahead.shifting
    assert not ahead.in_effect(_wish(_ONE, _TWO, 50), "")
    assert not _SPLIT.shifting
    assert replace(_SPLIT, canary=None).shifting


def test_a_ready_canary_is_promoted_in_one_step() -> None:
    kserve = SmallKServe(_SPLIT, {1, 2})
    assert kserve.pursue(_wish(_TWO, None)) == [CanaryListStep(_TWO, None, 0, _SETTINGS)]
    assert kserve.observation.in_effect(_wish(_TWO, None), "")


def test_a_rollback_in_a_canary_is_one_step() -> None:
    assert _SPLIT.step_towards(_wish(_ONE, None), "") == CanaryListStep(_ONE, None, 0, _SETTINGS)


def test_a_version_is_never_promoted_before_it_is_ready() -> None:
    kserve = SmallKServe(_ALONE, {1})
    stays = ServedVersion(1, _ONE.uri, "")
    assert kserve.pursue(_wish(_TWO, None)) == [CanaryListStep(stays, _TWO, 100, _SETTINGS)]
    assert kserve.observation.predictor.number == 1
    kserve.ready.add(2)
    kserve.follow()
    assert kserve.pursue(_wish(_TWO, None)) == [CanaryListStep(_TWO, None, 0, _SETTINGS)]


def test_after_a_promotion_the_good_version_comes_back_beside_the_bad_one() -> None:
    kserve = SmallKServe(replace(_ALONE, predictor=_listed(_TWO)), {1, 2})
    assert [step.stable.number for step in kserve.pursue(_wish(_ONE, None))] == [2, 1]
    assert kserve.observation.in_effect(_wish(_ONE, None), "")


def test_a_first_rollout_makes_the_predictor() -> None:
    first = CanaryListObservation(_listed(_ONE), Readiness.PROGRESSING)
    assert first.step_towards(_wish(None, _ONE), "") is None
    assert not first.in_effect(_wish(None, _ONE), "")
    assert replace(first, readiness=Readiness.READY, url="http://telco").in_effect(_wish(None, _ONE), "")


def test_a_second_candidate_of_a_first_rollout_does_not_inherit_the_failure_of_the_first() -> None:
    failed = CanaryListObservation(_listed(_ONE), Readiness.FAILED, "no such file")
    assert failed.reading(_ONE, "").readiness is Readiness.FAILED
    canary = replace(failed, canary=_canary(_TWO, 100), shares=(CanaryShare(2, True, 100),))
    step = canary.step_towards(_wish(None, _TWO), "")
    assert step == CanaryListStep(_TWO, None, 0, _SETTINGS)
    behind = replace(canary, predictor=_listed(_TWO), canary=None)
    assert behind.reading(_TWO, "").readiness is Readiness.PROGRESSING


def test_a_change_of_settings_reaches_both_versions() -> None:
    wish = replace(_wish(_ONE, _TWO, 10), settings=replace(_SETTINGS, runtime="other"))
    assert _SPLIT.step_towards(wish, "") == CanaryListStep(_ONE, _TWO, 10, wish.settings)


def test_what_webhooks_add_to_a_canary_is_no_difference_but_a_lack_is() -> None:
    more = replace(_CANARY_SETTINGS, requests=(("memory", "2Gi"),))
    added = replace(_SPLIT, canary=ListedCanary(_listed(_TWO, more), 10))
    assert added.step_towards(_wish(_ONE, _TWO, 10), "") is None
    wish = replace(_wish(_ONE, _TWO, 10), settings=replace(_SETTINGS, requests=(("cpu", "1"),)))
    lacking = replace(added, predictor=_listed(_ONE, wish.settings))
    assert lacking.step_towards(wish, "") == CanaryListStep(_ONE, _TWO, 10, wish.settings)


def test_standard_mode_does_not_scale_to_zero() -> None:
    wish = replace(_wish(_ONE, _TWO, 10), settings=replace(_SETTINGS, min_replicas=0))
    assert _SPLIT.step_towards(wish, "") is None


def test_other_peoples_canaries_are_removed() -> None:
    crowded = replace(_SPLIT, others=True)
    assert crowded.step_towards(_wish(_ONE, _TWO, 10), "") == CanaryListStep(_ONE, _TWO, 10, _SETTINGS)
    assert crowded.shifting


def test_a_predictor_that_is_nobodys_stays_until_ours_is_ready() -> None:
    theirs = replace(_ALONE, predictor=ListedVersion(None, "s3://theirs", _SETTINGS))
    step = theirs.step_towards(_wish(_ONE, None), "")
    assert step == CanaryListStep(ServedVersion(0, "s3://theirs", ""), _ONE, 100, _SETTINGS)
    kserve = SmallKServe(theirs, {1})
    kserve.apply(step)
    kserve.observation = replace(kserve.observation, predictor=theirs.predictor)
    assert kserve.observation.step_towards(_wish(_ONE, None), "") is None


def test_a_version_that_is_nowhere_is_absent() -> None:
    assert _SPLIT.reading(ServedVersion(3, "s3://mlops/three", "cccc"), "").readiness is Readiness.ABSENT
