"""What kopf is told."""

from __future__ import annotations

from churn_operator.handlers import operator_settings


def test_named_namespaces_are_not_searched_for_since_one_that_is_just_created_would_be_missed() -> None:
    assert operator_settings(("team",)).scanning.disabled
    assert not operator_settings(()).scanning.disabled


def test_kopf_writes_nothing_by_itself() -> None:
    settings = operator_settings(())
    assert not settings.posting.enabled
    assert settings.peering.standalone


def test_kopf_kills_no_process_in_which_it_is_begun_again() -> None:
    assert operator_settings(()).process.ultimate_exiting_timeout is None
