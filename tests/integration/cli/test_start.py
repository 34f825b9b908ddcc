"""Help, version and completion import no library that is slow to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pykube", "requests", "httpx", "celpy", "jsonschema", "rich", "yaml", "pydantic", "minio", "churn_report")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["lint", "--help"], ["status", "--help"], ["completion", "bash"]]
)
def test_no_heavy_import(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from churnctl.__main__ import run\n"
        f"assert run({arguments!r}) == 0\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
