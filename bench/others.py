"""What else a person waits for: opening a home, trying a PIN, re-adding everything."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from bench.homes import env_of, found, pin
from hongbao.store import Holder
from hongbao.wallet import Wallet


class Check(NamedTuple):
    """One ``check`` of a whole ledger."""

    transfers: int
    seconds: float

    @property
    def transfers_a_second(self) -> float:
        return self.transfers / self.seconds


def check(home: Path) -> Check:
    """Re-add everything in the ledger of *home*, which has to be in order."""
    with Wallet.open(env_of(home)) as wallet:
        start = perf_counter()
        checked = wallet.check()
        spent = perf_counter() - start
    assert checked["ok"], [found for found in checked["findings"] if not found["ok"]]
    return Check(checked["transfers"], spent)


def opening(home: Path, times: int) -> float:
    """Return the seconds it takes to open *home* and close it, in a process that is awake."""
    return _median_seconds(lambda: Wallet.open(env_of(home)).close(), times)


def pin_try(folder: Path, times: int) -> float:
    """
    Return the seconds one try at a PIN takes, at the cost that people's PINs have.

    It is meant to be slow: it is what makes a stolen ledger hard to search.
    """
    home = folder / "home"
    found(env_of(home, cheap=False), "holder")
    with Wallet.open(env_of(home, cheap=False)) as wallet:
        me = wallet.me
        hashed = wallet.store.pin(Holder("profile", me.id)).hash
        return _median_seconds(lambda: wallet.vault.pin_matches(me.id, pin(), hashed), times)


def _median_seconds(act: Callable[[], object], times: int) -> float:
    spent = []
    for _time in range(times):
        start = perf_counter()
        act()
        spent.append(perf_counter() - start)
    return median(spent)
