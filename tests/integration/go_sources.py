"""Small Go programs of the tests, which ask a library that has no other form.

`python -m tests.integration.go_sources` builds them all, so that no test has to ask the network for their modules.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from churn_devcluster.build import build_progress, exclusive_build, find_go
from churn_devcluster.cache import cache_folder

_BUILD_SECONDS = 1800


def built(sources: Path) -> Path:
    """The program of a Go module in a folder of its own, which is built once for these sources."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sorted(sources.iterdir()))).hexdigest()[:12]
    program = cache_folder() / "bin" / f"{sources.name}-{digest}" / sources.name
    if os.access(program, os.X_OK):
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    with build_progress() as progress, exclusive_build(program.parent / "lock", progress.say, sources.name):
        if program.exists():
            return program
        progress.say(f"building {sources.name} (a minute or two on two cores)")
        partial = program.with_name("partial")
        go = find_go(sources.name, "run the other tests")
        command = [go, "build", "-trimpath", "-ldflags=-s -w", "-o", partial, "."]
        environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
        subprocess.run(command, cwd=sources, env=environment, check=True, timeout=_BUILD_SECONDS)
        partial.replace(program)
    return program


if __name__ == "__main__":
    for module in sorted(Path(__file__).parent.rglob("go.mod")):
        print(built(module.parent))
