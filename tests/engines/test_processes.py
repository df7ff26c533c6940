"""Several processes on one ledger: moments, races, and numbers that are given once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hongbao.changes.packets import AddClaim, AddPacket, AddUsage
from hongbao.changes.people import AddProfile
from hongbao.domain.fairness import DrawInput
from hongbao.questions import Question
from hongbao.store import RESTORE, Store
from tests.engines.acts import (
    BASE,
    DAY,
    NEXT,
    T1,
    TOPUP_FEN,
    ZHANG,
    act,
    add,
    balance,
    claim,
    in_packet,
    packet_row,
    picture,
    profile_row,
    send,
    topup,
)
from tests.engines.conftest import Engine
from tests.vault.processes import race, run

FLOWS = frozenset({"topup"})


def alone(engine: Engine, write: Callable[[Store], object]) -> None:
    """Let another process *write*, with the ledger opened anew."""

    def act() -> None:
        write(engine.open())

    assert run(act) == 0


# --- moments -------------------------------------------------------------------------------------


def test_a_snapshot_is_one_moment_while_another_process_writes(store: Store, engine: Engine):
    with store.snapshot():
        before = picture(store)
        alone(engine, lambda other: act(other, transfers=[topup(ZHANG, 1)]))
        with store.snapshot():  # the same one
            assert before == picture(store)
        assert TOPUP_FEN == store.balance_fen(balance(ZHANG))
        inside = store.in_transaction
    assert (True, False) == (inside, store.in_transaction)
    assert NEXT == store.head().entry
    assert TOPUP_FEN + 1 == store.balance_fen(balance(ZHANG))


def test_what_is_not_committed_is_seen_by_nobody_else(store: Store, engine: Engine):
    other = engine.open()
    before = picture(other)
    with store.transaction():
        add(store, AddPacket(packet_row(1, NEXT)), transfers=[send(1, 1000)])
        assert store.packet("packet-1") is not None
        assert before == picture(other)
    assert picture(store) == picture(other) != before


def test_a_transaction_within_another_ends_with_it(store: Store, engine: Engine):
    before = picture(store)
    with store.transaction(dry_run=True):
        act(store, AddUsage(ZHANG, "topup", DAY, 1))
        assert store.in_transaction
        assert NEXT == store.head().entry
    assert before == picture(store) == picture(engine.open())


# --- races ---------------------------------------------------------------------------------------


def test_ten_processes_change_the_same_rows_one_after_the_other(store: Store, engine: Engine):
    """Each looks before it writes; none of a hundred acts is lost, or made on an old look."""
    processes, acts = 10, 10
    engine.close()

    def one(number: int) -> bytes:
        ledger = engine.open()
        for _ in range(acts):
            with ledger.transaction(("profile", ZHANG), ("person", ZHANG)):
                has_fen = ledger.balance_fen(balance(ZHANG))
                add(
                    ledger,
                    AddUsage(ZHANG, "topup", DAY, 1),
                    transfers=[topup(ZHANG, 1)],
                    request_id=f"{number} after {has_fen}",
                )
        return b"done"

    assert [b"done"] * processes == race(processes, one)
    store = engine.open()
    total = processes * acts
    assert BASE + total == store.head().entry
    assert TOPUP_FEN + total == store.balance_fen(balance(ZHANG))
    assert total == store.usage_of(ZHANG).used_fen(FLOWS, DAY, DAY)
    looked = [
        int(str(fields[3]).split()[-1])
        for fields, _mac in list(store.audit(Question.SEALED_ACTS))[BASE:]
    ]
    assert list(range(TOPUP_FEN, TOPUP_FEN + total)) == looked
    assert len({mac for _fields, mac in store.audit(Question.SEALED_ACTS)}) == BASE + total


def test_ten_processes_after_five_shares(store: Store, engine: Engine):
    """Five get one, five are refused, and the packet's account is empty."""
    shares, each_fen = 5, 200
    for number in range(4, 12):
        act(store, AddProfile(profile_row(number), f"p{number}", "hash"))
    entry = store.head().entry + 1
    row = packet_row(1, entry, total_fen=shares * each_fen, shares=shares)
    act(store, AddPacket(row), transfers=[send(1, shares * each_fen)])
    engine.close()

    def one(number: int) -> bytes:
        ledger, me = engine.open(), number + 2
        with ledger.transaction(("packet", 1)):
            found = ledger.packet("packet-1")
            assert found is not None
            if not found.packet.shares_left:
                return b"finished"
            drawn = DrawInput(bytes(16))
            add(
                ledger,
                AddClaim(found.packet, me, each_fen, drawn, ledger.head().entry + 1, T1),
                transfers=[claim(1, each_fen, me)],
                profile=me,
            )
        return b"claimed"

    told = race(10, one)
    assert shares == told.count(b"claimed")
    assert 10 - shares == told.count(b"finished")
    store = engine.open()
    claims = store.claims(1)
    assert list(range(1, shares + 1)) == [each.seat for each in claims]
    assert shares == len({each.profile for each in claims})
    assert 0 == store.balance_fen(in_packet(1))
    assert shares * each_fen == sum(store.balance_fen(balance(each.profile)) for each in claims)
    found = store.packet("packet-1")
    assert found is not None
    assert T1 == found.packet.closed_at


def test_ten_processes_under_one_request_do_it_once(store: Store, engine: Engine):
    engine.close()

    def one(_number: int) -> bytes:
        ledger = engine.open()
        with ledger.transaction(("profile", ZHANG)):
            first = ledger.request("same", ZHANG).act
            if first is None:
                return b"%d" % add(ledger, transfers=[topup(ZHANG, 1)], request_id="same")
            return b"%d" % first.entry

    assert {b"%d" % NEXT} == set(race(10, one))
    assert TOPUP_FEN + 1 == engine.open().balance_fen(balance(ZHANG))


# --- numbers -------------------------------------------------------------------------------------


def test_ten_processes_are_given_ten_numbers(store: Store, engine: Engine):
    engine.close()

    def one(_number: int) -> bytes:
        ledger = engine.open()
        with ledger.transaction(("profile", ZHANG)):
            number = ledger.next_number("packet")
            add(ledger, AddPacket(packet_row(number, ledger.head().entry + 1)))
        return b"%d" % number

    assert {b"%d" % number for number in range(1, 11)} == set(race(10, one))


def test_a_number_that_was_given_is_not_given_again_after_a_rollback_or_a_kill(
    store: Store, engine: Engine
):
    act(store, AddPacket(packet_row(store.next_number("packet"), NEXT)))
    given = [1]
    with store.transaction(dry_run=True):
        add(store, AddPacket(packet_row(store.next_number("packet"), NEXT + 1)))
        assert store.next_number("packet") not in given
    engine.close()

    def killed() -> None:
        ledger = engine.open()
        with ledger.transaction():
            add(ledger, AddPacket(packet_row(ledger.next_number("packet"), NEXT + 1)))

    assert engine.killed_at(1, killed, everywhere=False)
    store = engine.open()
    assert store.packet("packet-2") is None
    assert store.next_number("packet") not in given
    act(store, AddPacket(packet_row(store.next_number("packet"), NEXT + 1)))
    assert store.packet(2).packet.id == "packet-2"


def test_a_ledger_that_came_back_from_a_copy_gives_no_number_again(
    store: Store, engine: Engine, tmp_path: Path
):
    """Not those that were lost with what the copy took the place of, either."""
    if store.file is None:
        pytest.skip("only a file is replaced by a copy")
    copied = picture(store)
    store.file.copy_to(tmp_path / "copy.db")
    for number in range(1, 6):
        act(store, AddPacket(packet_row(number, NEXT + number - 1)))
    lost = store.head().entry

    copy = engine.open("copy").file
    assert copy is not None
    store.file.overwrite_with(copy)
    assert copied == picture(store)
    restored = lost + 1
    act(store, entry=restored, request_id=f"{RESTORE}{restored:09d}", name="restore")

    for each in (store, engine.open()):
        assert restored == each.head().restored
        for table in ("packet", "message", "profile", "device"):
            assert each.next_number(table) > restored
