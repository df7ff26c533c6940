"""What else a person waits for: opening a home, trying a PIN, re-adding everything."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

from bench.homes import env_of, found, pin
from hongbao.queries.check import Scope
from hongbao.store import Holder
from hongbao.wallet import Wallet


class Check(NamedTuple):
    """One ``check`` of a ledger: what it took by the clock, and of all cores together."""

    transfers: int
    seconds: float
    cpu_seconds: float

    @property
    def transfers_a_second(self) -> float:
        return self.transfers / self.seconds

    @property
    def cpu_micros(self) -> float:
        """Microseconds of all cores for one transfer."""
        return self.cpu_seconds / self.transfers * 1_000_000


def check(home: Path, scope: Scope = Scope.ALL) -> Check:
    """
    Check the ledger of *home*, which has to be in order, as far as *scope* goes.

    A whole check notes what the others compare with.
    """
    with Wallet.open(env_of(home)) as wallet:
        start, cpu = perf_counter(), process_time()
        checked = wallet.check(scope=scope)
        spent, cpu_spent = perf_counter() - start, process_time() - cpu
    assert checked["ok"], [found for found in checked["findings"] if not found["ok"]]
    return Check(checked["transfers"], spent, cpu_spent)


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
