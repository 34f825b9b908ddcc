"""How long a sentence in status may be: others write some of them, and an object has to fit into etcd."""

from __future__ import annotations

LONGEST_QUOTED = 800
"""Characters of what a run, a model server or an API said; status keeps up to a hundred of them."""
LONGEST_MESSAGE = 2000
"""Characters of a condition's message."""


ANOTHER_TRY = (
    "change the training part of spec, the data or your own pipeline to train another, or annotate churnops.dev/retry"
)
"""What a person can do about a training or a model that went wrong."""


def shortened(text: str, most: int = LONGEST_QUOTED) -> str:
    """The text, or its beginning and an ellipsis: at most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
