"""Where the ledger of a home is: a file in it, or on a cluster whose address it notes."""

from pathlib import Path

from hongbao.env import Env
from hongbao.errors import NotOnCluster

LEDGER = "ledger.db"
"""The ledger's file name in a home's ``data/``."""


SET_ASIDE = f"moved-{LEDGER}"
"""What the file is called, in its place, of a ledger that has moved to a cluster."""


CLUSTER = "ledger.toml"
"""The name of the note, in its place, of a ledger that is on a cluster."""


def cluster_note(env: Env) -> Path:
    """Return where the address of a ledger on a cluster is noted."""
    return env.data / CLUSTER


def is_on_cluster(env: Env) -> bool:
    """Return whether the ledger of *env*'s home is on a cluster."""
    return cluster_note(env).exists()


def refuse_on_cluster(env: Env, command: str) -> None:
    """Raise NotOnCluster, of *command*, if the ledger of *env*'s home is on a cluster."""
    if is_on_cluster(env):
        raise NotOnCluster(command)


def has_ledger(env: Env) -> bool:
    """Return whether the home of *env* has a ledger, which may be damaged."""
    if is_on_cluster(env):
        return True
    try:
        return bool((env.data / LEDGER).stat().st_size)
    except OSError:
        return False
