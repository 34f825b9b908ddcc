"""A port that was given away is nobody else's, though nobody listens on it yet."""

from __future__ import annotations

import subprocess
import sys

import pytest
from churn_devcluster import ports
from churn_devcluster.errors import DevclusterError

pytestmark = pytest.mark.cluster

# Forty that nobody else draws.
_FIRST, _LAST = 14000, 14039
_OTHER = f"""
import sys
from churn_devcluster import ports
ports._FIRST, ports._LAST = {_FIRST}, {_LAST}
print(*ports.free_ports(18), flush=True)
sys.stdin.read()
"""


def test_two_processes_are_given_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_FIRST", _FIRST)
    monkeypatch.setattr(ports, "_LAST", _LAST)
    command = [sys.executable, "-c", _OTHER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours = set(ports.free_ports(18))
        assert len(theirs) == len(ours) == 18
        assert not theirs & ours
        with pytest.raises(DevclusterError, match="No 10 free ports"):
            ports.free_ports(10)
        other.communicate()
    assert set(ports.free_ports(10)) - ours, "what the other process had ends with it"
