"""The rules of money and of facts, which an engine keeps whatever it is told to do."""

from collections.abc import Sequence
from typing import Any

import pytest

from hongbao.changes.bills import RemoveBill
from hongbao.changes.cases import CloseCase
from hongbao.changes.home import KeepRules
from hongbao.changes.packets import AddClaim, AddPacket, AddUsage
from hongbao.changes.payments import AddMessage, SetMessageOutcome
from hongbao.domain.channel import MessageState
from hongbao.domain.ledger import LEGAL, PLATFORM, SIDES, Account, Kind, Reason, Transfer
from hongbao.questions import Question
from hongbao.store import Change, Store
from tests.engines.acts import (
    BANK,
    BASE,
    DAY,
    LI,
    NEXT,
    TOPUP_FEN,
    WANG,
    ZHANG,
    act,
    add,
    balance,
    claim,
    in_packet,
    packet_row,
    picture,
    seal,
    send,
    topup,
)
from tests.engines.cases import BATCH, BILL, CASES, DRAWN, HALF, HELD, MESSAGE, PACKET
from tests.engines.conftest import Engine


def test_money_is_where_it_was_moved_to(store: Store, engine: Engine):
    act(store, AddPacket(PACKET), transfers=[send(1, 1000)])
    act(
        store,
        AddClaim(PACKET.packet, LI, 400, DRAWN, NEXT + 1, HALF.created_at),
        transfers=[claim(1, 400, LI)],
    )
    for each in (store, engine.open()):
        assert TOPUP_FEN - 1000 == each.balance_fen(balance(ZHANG))
        assert 400 == each.balance_fen(balance(LI))
        assert 600 == each.balance_fen(in_packet(1))
        assert TOPUP_FEN == each.balance_fen(Account(PLATFORM, Kind.INCOMING, 1))
        assert 0 == each.balance_fen(balance(WANG))
        assert [
            (BASE, PLATFORM, "incoming", 1, "balance", ZHANG, TOPUP_FEN, "topup"),
            (NEXT, PLATFORM, "balance", ZHANG, "packet", 1, 1000, "send"),
            (NEXT + 1, PLATFORM, "packet", 1, "balance", LI, 400, "claim"),
        ] == list(each.audit(Question.SEALED_TRANSFERS))


def test_no_account_falls_below_zero_on_its_own_side(store: Store, engine: Engine):
    """
    Every legal move is tried between two accounts that have nothing.

    What is owed can only grow by what is owned, so all others are refused, and leave nothing.
    """
    before, moved = picture(store), set()
    for giver, taker, reason in sorted(LEGAL):
        move = Transfer(Account("book", giver, 99), Account("book", taker, 98), 1, reason)
        try:
            with store.transaction(dry_run=True):
                add(store, transfers=[move])
                moved.add((giver, taker))
        except engine.refusals:
            pass
        assert before == picture(store), move
    assert moved == {
        (giver, taker)
        for giver, taker, _ in LEGAL
        if (SIDES[giver], SIDES[taker]) == ("debit", "credit")
    }


def test_a_failed_append_leaves_everything_where_it_was(store: Store, engine: Engine):
    """The first transfer and the packet were fine; the second transfer is a fen too much."""
    before = picture(store)
    with pytest.raises(engine.refusals):
        act(
            store,
            AddPacket(PACKET),
            AddUsage(ZHANG, "send_balance", DAY, 1000),
            transfers=[send(1, TOPUP_FEN), send(1, 1)],
        )
    for each in (store, engine.open()):
        assert before == picture(each)
        assert each.packet("packet-1") is None
    assert NEXT == act(store, AddPacket(PACKET), transfers=[send(1, TOPUP_FEN)])
    assert 0 == store.balance_fen(balance(ZHANG))


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(
            Transfer(balance(ZHANG), Account(BANK, Kind.PACKET, 1), 1, Reason.SEND), id="two books"
        ),
        pytest.param(Transfer(balance(ZHANG), balance(LI), 1, Reason.SEND), id="no such move"),
        pytest.param(send(1, 0), id="nothing"),
        pytest.param(send(1, -1), id="less than nothing"),
    ],
)
def test_a_move_that_no_rule_allows_is_refused(move: Transfer, store: Store):
    before = picture(store)
    with pytest.raises(ValueError, match=r"moves|stays"):
        act(store, AddPacket(PACKET), transfers=[send(1, 10), move])
    assert before == picture(store)


OUTCOME = SetMessageOutcome(1, MessageState.REJECTED, NEXT)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        pytest.param([AddPacket(PACKET)], AddPacket(PACKET), id="a packet's number"),
        pytest.param(
            [AddPacket(PACKET)],
            AddPacket(packet_row(2, NEXT + 1)._replace(packet=PACKET.packet._replace(number=2))),
            id="a packet's id",
        ),
        pytest.param(
            [AddPacket(PACKET), AddClaim(PACKET.packet, LI, 400, DRAWN, NEXT, HALF.created_at)],
            AddClaim(HALF, LI, 600, DRAWN, NEXT + 1, HALF.created_at),
            id="a claim of the same profile",
        ),
        pytest.param(
            [AddPacket(PACKET), AddClaim(PACKET.packet, LI, 400, DRAWN, NEXT, HALF.created_at)],
            AddClaim(PACKET.packet, WANG, 600, DRAWN, NEXT + 1, HALF.created_at),
            id="a claim of the same share",
        ),
        pytest.param(
            [AddPacket(PACKET)],
            AddClaim(PACKET.packet, LI, 1001, DRAWN, NEXT + 1, HALF.created_at),
            id="more than the packet has",
        ),
        pytest.param([KeepRules("policy", "a", "a")], KeepRules("policy", "a", "b"), id="rules"),
        pytest.param([], AddUsage(ZHANG, "topup", DAY, -1), id="less than nothing used"),
        pytest.param(
            [AddMessage(MESSAGE), OUTCOME],
            SetMessageOutcome(1, MessageState.ACCEPTED, NEXT + 1),
            id="a second outcome",
        ),
        pytest.param(
            [*HELD, CloseCase(1, "released", NEXT)],
            CloseCase(1, "returned", NEXT + 1),
            id="a second decision",
        ),
        pytest.param([BILL, RemoveBill(1, NEXT)], RemoveBill(1, NEXT + 1), id="a second removal"),
        pytest.param(
            [BILL], BILL._replace(number=2, bill_id="bill-2", entry=NEXT + 1), id="the same bill"
        ),
        pytest.param([BATCH], BATCH, id="a batch"),
    ],
)
def test_what_happened_once_does_not_happen_again(
    first: Sequence[Change], again: Change, store: Store, engine: Engine
):
    act(store, *first)
    before = picture(store)
    with pytest.raises(engine.refusals):
        act(store, again)
    assert before == picture(store)


def test_a_request_is_done_once_by_each_profile(store: Store, engine: Engine):
    act(store, request_id="same")
    before = picture(store)
    with pytest.raises(engine.refusals):
        act(store, request_id="same", transfers=[topup(ZHANG, 1)])
    assert before == picture(store)
    act(store, request_id="same", profile=LI)
    found = store.request("same", ZHANG).act, store.request("same", LI).act
    assert [NEXT, NEXT + 1] == [act.entry for act in found if act is not None]
    assert (None, None) == store.request("same", WANG)


def test_an_entry_is_written_once_and_sealed_once(store: Store, engine: Engine):
    before = picture(store)
    for entry in (BASE, 1):
        with pytest.raises(engine.refusals):
            act(store, entry=entry, request_id="other")
    with store.transaction():
        assert store.append([], seal) is None  # what stands is sealed already
    assert before == picture(store)


def test_a_refused_change_among_others_leaves_none_of_them(store: Store, engine: Engine):
    before = picture(store)
    with pytest.raises(engine.refusals):
        act(
            store,
            KeepRules("policy", "x", "x"),
            AddUsage(LI, "topup", DAY, 5),
            AddUsage(LI, "topup", DAY, -6),
        )
    assert before == picture(store)
    assert store.rules("policy", "x") is None


def test_names_are_given_once(store: Store, engine: Engine):
    people: dict[str, Any] = {type(case.change).__name__: case.change for case in CASES}
    before = picture(store)
    for change in (
        people["AddProfile"]._replace(name_key="zhang"),
        people["AddOperator"]._replace(name_key="chen"),
        people["AddDevice"]._replace(name_key="phone"),
        people["AddDevice"]._replace(public_key=b"p" * 32),
        people["OpenDeposit"]._replace(number_index=b"c" * 32),
    ):
        with pytest.raises(engine.refusals):
            act(store, change)
        assert before == picture(store), change
