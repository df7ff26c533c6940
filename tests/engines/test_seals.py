"""Several acts in a group: each stands alone, and the refused one is not there."""

import pytest

from hongbao.changes.packets import AddPacket, AddUsage
from hongbao.changes.people import SetRefundTo
from hongbao.domain.packet import PacketState
from hongbao.questions import Question
from hongbao.store import Decided, Store
from tests.engines.acts import (
    BASE,
    DAY,
    LI,
    NEXT,
    TOPUP_FEN,
    ZHANG,
    act,
    balance,
    decide,
    in_packet,
    packet_row,
    picture,
    seal,
    send,
)
from tests.engines.conftest import Engine

FLOWS = frozenset({"send_balance"})


class Refused(Exception):
    """An act that its own rules refuse, while it is decided."""


def decided(store: Store, number: int, amount_fen: int, sender: int = ZHANG) -> Decided:
    """Decide to send packet *number*, as an act does: look, check, then apply."""
    if store.balance_fen(balance(sender)) < amount_fen:
        raise Refused
    entry = store.head().entry + 1
    return decide(
        store,
        AddPacket(packet_row(number, entry, total_fen=amount_fen)),
        AddUsage(sender, "send_balance", DAY, amount_fen),
        SetRefundTo(sender, "balance" if number % 2 else "card"),
        transfers=[send(number, amount_fen, sender)],
        profile=sender,
        request_id=f"send-{number}",
    )


def grouped(store: Store, *amounts_fen: int) -> list[bool]:
    """Send packets of *amounts_fen* together; return which of them were refused."""
    refused = []
    with store.transaction():
        group: list[Decided] = []
        for number, amount_fen in enumerate(amounts_fen, 1):
            try:
                group.append(decided(store, number, amount_fen))
                store.append(group[-1:], seal, more=True)
                refused.append(False)
            except Refused:
                refused.append(True)
        store.append([], seal)
    return refused


def test_of_three_acts_the_refused_one_is_not_there(store: Store, engine: Engine):
    """The second sends more than the first has left, and the third all of it."""
    assert [False, True, False] == grouped(store, 6_000, 4_001, 4_000)
    for each in (store, engine.open()):
        assert NEXT + 1 == each.head().entry
        assert each.packet("packet-1") is not None
        assert each.packet("packet-2") is None
        assert each.packet("packet-3") is not None
        assert [6_000, 0, 4_000] == [each.balance_fen(in_packet(number)) for number in (1, 2, 3)]
        assert 0 == each.balance_fen(balance(ZHANG))
        assert TOPUP_FEN == each.usage_of(ZHANG).used_fen(FLOWS, DAY, DAY)
        assert each.request("send-2", ZHANG).act is None


def seals(store: Store) -> list[bytes | None]:
    """Return the MACs behind the first acts, and see that they are what seals each of them."""
    macs = [mac for _, mac in store.audit(Question.SEALED_ACTS)][BASE:]
    heads = [store.head(entry) for entry in range(NEXT, NEXT + len(macs))]
    if store.has_lanes:
        assert [(entry, mac) for entry, mac in enumerate(macs, NEXT)] == [
            head and head[:2] for head in heads
        ]
        assert None not in macs
    return macs


def is_sealed_together(store: Store) -> bool:
    """Return whether the two acts of a group have a seal as the engine gives it."""
    first, last = seals(store)
    if store.has_lanes:
        return first != last
    return first is None and {store.head()} == {store.head(NEXT), store.head(NEXT + 1)}


def test_the_seal_is_one_if_the_chain_is_and_everything_else_is_by_act(store: Store):
    before = store.head()
    grouped(store, 6_000, 4_001, 4_000)

    assert is_sealed_together(store)
    assert before == store.head(BASE)
    assert store.head(NEXT + 2) is None
    assert seals(store)[-1] == store.head().mac
    acts = [*store.acts(after=BASE, limit=10)]
    assert [NEXT, NEXT + 1] == [act.entry for act in acts]
    assert [store.act(NEXT), store.act(NEXT + 1)] == acts
    assert ["send-1", "send-3"] == [act.request_id for act in acts]
    sent = [store.packet(entry=act.entry) for act in acts]
    assert ["packet-1", "packet-3"] == [row.packet.id for row in sent if row is not None]
    assert {NEXT: 6_000, NEXT + 1: 4_000} == {
        line[0]: line[6] for line in store.audit(Question.SEALED_TRANSFERS) if line[0] > BASE
    }
    assert [(NEXT, "profile", "1"), (NEXT + 1, "profile", "1")] == [
        row[:3] for row in store.audit(Question.SEALED_ROWS) if row[0] > BASE
    ]


def test_the_next_seal_stands_on_that_of_the_group(store: Store):
    grouped(store, 10, 20)
    heads = [store.head(NEXT), store.head()]
    act(store)
    assert NEXT + 2 == store.head().entry
    assert [*heads, store.head()] == [store.head(entry) for entry in range(NEXT, NEXT + 3)]


def test_a_group_may_be_appended_at_once(store: Store, engine: Engine):
    with store.transaction():
        acts = [decide(store, entry=NEXT), decide(store, entry=NEXT + 1, profile=LI)]
        store.append(acts, seal)
    for each in (store, engine.open()):
        assert is_sealed_together(each)
        assert NEXT + 1 == each.head().entry


def test_what_the_engine_refuses_undoes_the_whole_group(store: Store, engine: Engine):
    before = picture(store)
    with pytest.raises(engine.refusals):
        _both_in_one_packet(store)
    for each in (store, engine.open()):
        assert before == picture(each)


def _both_in_one_packet(store: Store) -> None:
    with store.transaction():
        store.append([decided(store, 1, 6_000)], seal, more=True)
        store.append([decided(store, 1, 1)], seal, more=True)


def test_nobody_sees_a_group_before_it_is_sealed(store: Store, engine: Engine):
    other = engine.open()
    before = picture(other)
    with store.transaction():
        one = decided(store, 1, 6_000)
        store.append([one], seal, more=True)
        assert before == picture(other)
        assert other.packet("packet-1") is None
        store.append([], seal)
        assert before == picture(other)
    assert picture(store) == picture(other)
    found = other.packet("packet-1")
    assert found is not None
    assert PacketState.OPEN == found.packet.state(found.packet.created_at)
