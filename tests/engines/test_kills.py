"""Killed without a word while it writes: the ledger is the old one or the new one, whole."""

import os
import random
import signal
import time
from collections.abc import Callable
from itertools import count

import pytest

from hongbao.changes.home import KeepRules
from hongbao.changes.packets import AddClaim, AddPacket, AddUsage
from hongbao.changes.people import SetRefundTo
from hongbao.domain.fairness import DrawInput
from hongbao.questions import Question
from hongbao.store import Store
from tests.engines.acts import (
    BASE,
    DAY,
    LI,
    NEXT,
    T1,
    TOPUP_FEN,
    ZHANG,
    act,
    add,
    balance,
    claim,
    decide,
    found,
    packet_row,
    picture,
    seal,
    send,
    topup,
)
from tests.engines.conftest import Engine
from tests.vault.processes import finished, start
from tests.wallet.kills import SWEEPS


def write(store: Store) -> None:
    """Send a packet and claim of it: two acts under one seal, of six changes."""
    row = packet_row(1, NEXT)
    with store.transaction():
        acts = [
            decide(
                store,
                AddPacket(row),
                AddUsage(ZHANG, "send_balance", DAY, 1000),
                SetRefundTo(ZHANG, "balance"),
                KeepRules("policy", "new@1", "text" * 5_000),
                entry=NEXT,
                transfers=[send(1, 1000)],
            )
        ]
        store.append(acts, seal, more=True)
        acts.append(
            decide(
                store,
                AddClaim(row.packet, LI, 400, DrawInput(bytes(16)), NEXT + 1, T1),
                SetRefundTo(LI, "balance"),
                profile=LI,
                transfers=[claim(1, 400, LI)],
            )
        )
        store.append(acts[1:], seal, more=True)
        store.append([], seal)


@SWEEPS
def test_a_commit_that_is_killed_was_made_whole_or_not_at_all(everywhere: bool, engine: Engine):
    unharmed = engine.create("unharmed")
    found(unharmed)
    before = picture(unharmed)
    write(unharmed)
    after = picture(unharmed)
    seen = []

    for step in count(1):
        name = f"killed-{step}"
        found(engine.create(name))
        engine.close()

        def act(name: str = name) -> None:
            write(engine.open(name))

        killed = engine.killed_at(step, act, everywhere=everywhere)
        store = engine.open(name)
        assert picture(store) in (before, after)
        seen.append(store.head().entry)
        if seen[-1] == BASE:  # and it can be done again
            write(store)
        assert after == picture(store)
        if not killed:
            break

    assert {BASE, NEXT + 1} == set(seen)
    assert seen == sorted(seen)


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_what_was_told_is_there_whenever_the_process_is_killed(kills: int, engine: Engine):
    """
    A process commits as fast as it can, says so each time, and is killed at any moment at all, in
    the midst of a write to the disk too. What it has told is there, and at most one act more.
    """
    found(engine.create())
    engine.close()
    chance = random.Random(kills)

    for _ in range(kills):
        before = engine.open().head().entry
        engine.close()
        mouth, pen = os.pipe()
        child = start(_telling(engine, pen))
        os.close(pen)
        told = [os.read(mouth, 8)]  # it is on its way
        time.sleep(chance.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        assert -signal.SIGKILL == finished(child)
        while number := os.read(mouth, 8):
            told.append(number)
        os.close(mouth)

        store = engine.open()
        head = store.head().entry
        last = int.from_bytes(told[-1], "big")
        assert before < last <= head <= last + 1
        assert TOPUP_FEN + head - BASE == store.balance_fen(balance(ZHANG))
        assert head - BASE == store.usage_of(ZHANG).used_fen(frozenset({"topup"}), DAY, DAY)
        acts = list(store.audit(Question.SEALED_ACTS))
        assert list(range(1, head + 1)) == [fields[0] for fields, _mac in acts]
        assert None not in [mac for _fields, mac in acts]
        assert [] == [*store.audit(Question.FILE_PROBLEMS)]
        engine.close()


def _telling(engine: Engine, pen: int) -> Callable[[], None]:
    def commit() -> None:
        store = engine.open()
        while True:
            entry = act(store, AddUsage(ZHANG, "topup", DAY, 1), transfers=[topup(ZHANG, 1)])
            os.write(pen, entry.to_bytes(8, "big"))

    return commit


def test_whoever_waits_for_a_killed_process_goes_on(store: Store, engine: Engine):
    """A lock dies with its holder: the next one writes at once, and finds nothing half done."""
    before = picture(store)
    engine.close()
    mouth, pen = os.pipe()

    def holding() -> None:
        ledger = engine.open()
        with ledger.transaction():
            add(ledger, AddPacket(packet_row(1, NEXT)), transfers=[send(1, 1000)])
            os.write(pen, b"!")
            time.sleep(60)

    child = start(holding)
    assert b"!" == os.read(mouth, 1)
    os.kill(child, signal.SIGKILL)
    assert -signal.SIGKILL == finished(child)
    store = engine.open()
    assert before == picture(store)
    assert NEXT == act(store, AddPacket(packet_row(1, NEXT)), transfers=[send(1, 1000)])
