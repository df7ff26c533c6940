"""
What an act costs the engine does not grow with the ledger.

Counted in steps of the engine's own machine, which a busy computer cannot change. DESIGN has it
as: index by what is asked, keep counters, never scan.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from bench.bare import connect
from bench.homes import CLAIMER, SENDER, env_of, pin, send_packets
from bench.ledger import grow
from hongbao.engines.sqlcipher import Ledger
from hongbao.wallet import Wallet
from tests.wallet.world import below

STEPS = 10  # counted at once


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home with a short ledger and one with a ledger many times as long."""
    folder = tmp_path_factory.mktemp("costs")
    grow(folder / "short", 100, 5)
    grow(folder / "long", 2_500, 5)
    return folder / "short", folder / "long"


@contextmanager
def counted(home: Path, profile: str) -> Iterator[tuple[Wallet, Callable[[], int]]]:
    """Open *home*, with a way to ask how many steps its engine has taken so far."""
    ticks = count()
    taken = 0

    def tick() -> int:
        nonlocal taken
        taken = next(ticks)
        return 0

    with Wallet.open(env_of(home), profile=profile) as wallet:
        wallet.store.close()
        connection = connect(below(wallet).path, wallet.vault.page_key)
        wallet.home.store = Ledger(below(wallet).path, connection)
        connection.set_progress_handler(tick, STEPS)
        yield wallet, lambda: taken * STEPS


def claim(wallet: Wallet, packet: str) -> object:
    return wallet.claim(packet)


def send(wallet: Wallet, packet: str) -> object:
    return wallet.send(1_00, count=5, pin=pin)


def topup(wallet: Wallet, packet: str) -> object:
    return wallet.topup(1_00, pin=pin)


def withdraw(wallet: Wallet, packet: str) -> object:
    return wallet.withdraw(1_00, pin=pin)


def balance(wallet: Wallet, packet: str) -> object:
    return wallet.balance()


def today(wallet: Wallet, packet: str) -> object:
    return wallet.today()


def history(wallet: Wallet, packet: str) -> object:
    return wallet.history(limit=5)


def show(wallet: Wallet, packet: str) -> object:
    return wallet.show(packet)


def limits(wallet: Wallet, packet: str) -> object:
    return wallet.limits()


def packets(wallet: Wallet, packet: str) -> object:
    return wallet.packets(limit=5)


def trace(wallet: Wallet, packet: str) -> object:
    return wallet.trace(packet)


def diff(wallet: Wallet, packet: str) -> object:
    return wallet.books(diff=True)


def period(wallet: Wallet, packet: str) -> object:
    """The last movements' statement: as many of them in either ledger."""
    newest = wallet.history(limit=5)["movements"]
    since = datetime.fromisoformat(newest[-1]["at"])
    with wallet.statement(since=since) as statement:
        return [*statement.lines, *reversed(statement.lines)]


@pytest.mark.parametrize(
    "act",
    [
        *(claim, send, topup, withdraw, balance, today, history, show, limits),
        *(packets, trace, diff, period),
    ],
)
def test_an_act_takes_as_many_steps_in_a_long_ledger(homes, act):
    """
    Fifty times the transfers make no act look at more rows.
    """
    steps = []
    for home in homes:
        first, second = send_packets(env_of(home), 2)
        with counted(home, CLAIMER if act in (claim, show) else SENDER) as (wallet, taken):
            act(wallet, first)  # the policy is read once
            before = taken()
            act(wallet, second)
            steps.append(taken() - before)

    short, long = steps

    assert long <= 1.2 * short
