"""Runs the compiled package with kfp.local, in a process of its own because its configuration is global.

Usage: run_pipeline.py <package> <work folder> <JSON of arguments>. Exit code 1 when the run fails.
"""

import json
import sys
from pathlib import Path

from kfp import components, local

package, work, arguments = sys.argv[1:]
local.init(
    local.SubprocessRunner(use_venv=False),
    pipeline_root=str(Path(work) / "root"),
    workspace_root=str(Path(work) / "workspace"),
    raise_on_error=True,
)
components.load_component_from_file(package)(**json.loads(arguments))
