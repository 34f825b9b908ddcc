"""What the devcluster raises."""

from __future__ import annotations


class DevclusterError(Exception):
    """Something the person at the keyboard can mend; the message is a sentence that says how."""
