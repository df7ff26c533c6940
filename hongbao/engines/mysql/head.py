"""
The head row: the one row that every act on a cluster locks first, and changes.

On one node it is a queue. Between the nodes of a cluster that certifies by rows written (Galera),
each of which has a lock of its own, it makes any two acts conflict, so that all but one begin
again. A lane for each profile and packet is to take its place.
"""

from collections.abc import Callable
from typing import Any

LOCK = "SELECT version FROM head WHERE one = 1 FOR UPDATE"
_CHANGE = "UPDATE head SET version = %s WHERE one = 1 AND version = %s"


def changed(run: Callable[..., Any], version: int) -> bool:
    """Change the head row from *version*; False if another act has done so before."""
    return bool(run(_CHANGE, (version + 1, version)) == 1)
