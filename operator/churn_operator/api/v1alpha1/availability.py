"""Fields whose behaviour this version does not have yet: refused at apply, never ignored.

Each rule goes when its behaviour comes; nothing else needs to change.
"""

from __future__ import annotations

_LATER = "is not available in this version of the operator"

NOT_YET_AVAILABLE: tuple[tuple[str, str], ...] = (
    ("self.triggers.specChange", f"triggers.specChange: false {_LATER}: remove it, or use suspend"),
    ("!has(self.triggers.schedule)", f"triggers.schedule {_LATER}: remove it"),
    ("!self.triggers.drift", f"triggers.drift {_LATER}: remove it"),
    ("!has(self.triggers.cooldown)", f"triggers.cooldown {_LATER}: remove it"),
    ("!has(self.triggers.maxRunsPerDay)", f"triggers.maxRunsPerDay {_LATER}: remove it"),
    ("!has(self.drift)", f"drift {_LATER}: remove it"),
)
