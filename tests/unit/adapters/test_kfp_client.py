"""What a client of KFP leaves on the machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from churn_operator.adapters.kfp_client import new_client

pytestmark = pytest.mark.unit


def test_a_client_needs_no_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    new_client("http://127.0.0.1:1", None)
    assert list(tmp_path.iterdir()) == []
