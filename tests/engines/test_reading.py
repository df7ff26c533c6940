"""What is read of the past and of what waits, after a few acts at known times."""

from datetime import timedelta

import pytest

from hongbao.changes.cases import AddCase, AddOpinion, CloseCase
from hongbao.changes.guards import AddStop
from hongbao.changes.packets import (
    AddClaim,
    AddMaturing,
    AddPacket,
    AddUsage,
    ClosePacket,
    HoldPacket,
)
from hongbao.changes.payments import (
    AddBankLine,
    AddMessage,
    KeepBankMessage,
    SetMessageOutcome,
    SetMessageSent,
    SetMessageUnknown,
)
from hongbao.domain.channel import Direction, MessageState
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.errors import Damaged
from hongbao.store import (
    BankMessageRow,
    CaseRow,
    CaseView,
    MessageView,
    PacketView,
    Store,
)
from hongbao.units import to_micros
from tests.engines.acts import (
    BANK,
    BASE,
    DAY,
    LI,
    NEXT,
    T0,
    T1,
    T2,
    WANG,
    ZHANG,
    act,
    balance,
    claim,
    in_packet,
    packet_row,
    send,
    topup,
)
from tests.engines.cases import DRAWN, MESSAGE, PACKET
from tests.engines.conftest import Engine

SECOND = timedelta(seconds=1)
SENT, CLAIMED, ASKED, PAID, BACK = range(NEXT, NEXT + 5)
PAYMENT = MESSAGE._replace(entry=ASKED)


@pytest.fixture
def told(store: Store) -> Store:
    """A packet of 10.00 is sent, 4.00 of it are claimed, 5.00 are topped up, 6.00 come back."""
    act(
        store,
        AddPacket(PACKET),
        transfers=[send(1, 1000)],
        packet=1,
        amount_fen=-1000,
        balance_fen=9000,
    )
    act(
        store,
        AddClaim(PACKET.packet, LI, 400, DRAWN, CLAIMED, T1),
        transfers=[claim(1, 400, LI)],
        name="claim",
        profile=LI,
        packet=1,
        counterparty=ZHANG,
        amount_fen=400,
        balance_fen=400,
        at=T1,
    )
    act(
        store,
        AddMessage(PAYMENT),
        name="topup",
        message=1,
        balance_fen=9000,
        at=T1,
        verdict="allow",
    )
    act(
        store,
        SetMessageOutcome(1, MessageState.ACCEPTED, PAID),
        transfers=[topup(ZHANG, 500)],
        name="accepted",
        message=1,
        amount_fen=500,
        balance_fen=9500,
        at=T1 + SECOND,
    )
    act(
        store,
        ClosePacket(1, T2),
        transfers=[Transfer(in_packet(1), balance(ZHANG), 600, Reason.REFUND)],
        name="refund",
        packet=1,
        amount_fen=600,
        balance_fen=10_100,
        operator=1,
        at=T2,
    )
    return store


ACTS = ("send", "claim", "topup", "accepted", "refund")


def test_an_act_is_looked_for_by_its_time(told: Store):
    """
    A span is of entries, from the first at a moment or later to the last before another.
    """
    spans = {
        (None, None): range(1, BACK + 1),
        (T0, None): range(1, BACK + 1),
        (T0 - SECOND, T0): range(1, 1),
        (T0, T1): range(1, CLAIMED),
        (T1, T2): range(CLAIMED, BACK),
        (T0 + SECOND, T1 + SECOND): range(CLAIMED, PAID),
        (T1 + SECOND, None): range(PAID, BACK + 1),
        (T1 + 2 * SECOND, T2 + SECOND): range(BACK, BACK + 1),
        (T2 + SECOND, None): range(BACK + 1, BACK + 1),
    }
    assert spans == {(since, until): told.span(since, until) for since, until in spans}
    assert range(BACK, BACK + 1) == told.span(last=1)
    assert range(CLAIMED, BACK) == told.span(until=T2, last=4)
    assert range(1, BACK + 1) == told.span(last=BACK)
    assert range(1, BACK + 1) == told.span(last=100)


def test_a_history_is_told_line_by_line(told: Store):
    """
    Newest first: what was asked for and came, what is still in a packet by then.
    """
    whole = range(NEXT, BACK + 1)
    lines = list(told.movements(ZHANG, whole, acts=ACTS))

    def times(*moments):
        return [to_micros(moment) for moment in moments]

    assert [BACK, PAID, ASKED, SENT] == [line.entry for line in lines]
    assert ["refund", "accepted", "topup", "send"] == [line.act for line in lines]
    assert times(T2, T1 + SECOND, T1, T0) == [line.micros for line in lines]
    assert [f"request-{n}" for n in (BACK, PAID, ASKED, SENT)] == [e.request_id for e in lines]
    assert [600, 500, 0, -1000] == [line.amount_fen for line in lines]
    assert [10_100, 9500, 9000, 9000] == [line.balance_fen for line in lines]
    assert ["packet-1", None, None, "packet-1"] == [line.packet for line in lines]
    assert ["lucky", None, None, "lucky"] == [line.packet_kind for line in lines]
    assert [2, None, None, 2] == [line.shares for line in lines]
    assert ["好", None, None, "好"] == [line.greeting for line in lines]
    assert [None, None, None, 600] == [line.refunded_fen for line in lines]
    assert [None] * 4 == [line.counterparty for line in lines]
    assert ["{}", "{}", "{}", None] == [line.facts for line in lines]
    assert ["done"] * 4 == [line.status for line in lines]
    assert [None, ASKED, None, None] == [line.asked for line in lines]
    (claimed,) = told.movements(LI, whole, acts=ACTS)
    assert (CLAIMED, ZHANG, None) == (claimed.entry, claimed.counterparty, claimed.facts)


def test_a_history_is_asked_for_in_parts(told: Store):
    """
    By acts, order, number, span, counterparty; and how it stood at another end.
    """

    def found(profile=ZHANG, span=range(NEXT, BACK + 1), acts=ACTS, **how):
        return [line.entry for line in told.movements(profile, span, acts=acts, **how)]

    assert [SENT, ASKED, PAID, BACK] == found(newest_first=False)
    assert [BACK, PAID] == found(limit=2)
    assert [PAID, ASKED] == found(span=range(ASKED, BACK))
    assert [SENT] == found(acts=["send", "claim"])
    assert [CLAIMED] == found(profile=LI, counterparty=ZHANG)
    assert [] == found(profile=LI, counterparty=WANG)
    assert [PAID] == found(asked_before=PAID)
    assert [] == found(asked_before=ASKED)

    before = told.movements(ZHANG, range(NEXT, PAID), acts=ACTS)
    assert [("on_its_way", None), ("done", 0)] == [(e.status, e.refunded_fen) for e in before]
    after = told.movements(ZHANG, range(NEXT, PAID), acts=ACTS, end=BACK + 1)
    assert [("done", None), ("done", 600)] == [(e.status, e.refunded_fen) for e in after]


def test_what_is_held_says_so_in_the_history(told: Store):
    """
    Until its case is closed; then whether it came back. Other cases hold nothing.
    """
    sent = CaseRow(1, "case-1", "hold", ZHANG, "rule", 5, SENT, 1, None, T2, "return")
    paid = sent._replace(number=2, id="case-2", entry=PAID, packet=None, message=1)
    back = paid._replace(
        number=3, id="case-3", kind="large", entry=BACK, message=None, until=None, ends=None
    )
    act(told, AddCase(sent), AddCase(paid), AddCase(back))
    act(told, CloseCase(1, "returned", BACK + 2), CloseCase(2, "approved", BACK + 2))

    def stood(end):
        span = range(NEXT, BACK + 1)
        return [line.status for line in told.movements(ZHANG, span, acts=ACTS, end=end)]

    assert ["done", "held", "done", "held"] == stood(BACK + 2)
    assert ["done", "done", "done", "came_back"] == stood(BACK + 3)


def test_a_span_adds_up(told: Store):
    """
    What came in and went out, and the balance before and after it.
    """
    assert (6, 1100, 1000, 0, 10_100, 6) == told.totals(ZHANG, told.span(), ACTS)
    assert (2, 500, 0, 9000, 9500, 2) == told.totals(ZHANG, range(ASKED, BACK), ACTS)
    assert (1, 600, 0, 9000, 10_100, 2) == told.totals(ZHANG, range(PAID, BACK + 1), ["refund"])
    assert (0, 0, 0, 9000, 9500, 2) == told.totals(ZHANG, range(ASKED, BACK))
    assert (1, 400, 0, 0, 400, 1) == told.totals(LI, told.span(), ACTS)
    assert (0, 0, 0, 0, 0, 0) == told.totals(WANG, told.span(), ACTS)
    assert (2, 0, 0, 0, 0, 2) == told.totals(ZHANG, range(1, NEXT), ACTS)


def test_what_entries_have_moved(told: Store):
    """
    Their transfers, and of each account that has moved since what they themselves did.
    """
    moved = told.moved([SENT, PAID])

    assert [
        (SENT, PLATFORM, "balance", "packet", 1000, "send"),
        (PAID, PLATFORM, "incoming", "balance", 500, "topup"),
    ] == list(moved.transfers)
    assert {
        (PLATFORM, Kind.BALANCE, ZHANG, 10_100, 100, -500),
        (PLATFORM, Kind.BALANCE, LI, 400, 400, 0),
        (PLATFORM, Kind.PACKET, 1, 0, 0, 1000),
        (PLATFORM, Kind.INCOMING, 1, 10_500, 500, 500),
    } == {tuple(change) for change in moved.accounts}
    assert {(PLATFORM, Kind.BALANCE, ZHANG, 10_100, 600, 600)} < {
        tuple(change) for change in told.moved([BACK]).accounts
    }


def test_what_accounts_hold(told: Store):
    """
    Each kind of a book together; of packets, those that are open.
    """
    assert {
        (PLATFORM, Kind.BALANCE, 0, 3, 10_500),
        (PLATFORM, Kind.INCOMING, 1, 1, 10_500),
    } == {tuple(row) for row in told.held([PLATFORM])}
    act(told, AddPacket(packet_row(2, BACK + 1)), transfers=[send(2, 1000)])
    assert [(PLATFORM, Kind.PACKET, 0, 1, 1000)] == told.held([PLATFORM], [Kind.PACKET])
    assert {(PLATFORM, Kind.BALANCE, 0, 3, 9500), (PLATFORM, Kind.PACKET, 0, 1, 1000)} == {
        tuple(row) for row in told.held([PLATFORM, BANK], {Kind.BALANCE, Kind.PACKET})
    }
    assert [(BANK, Kind.DEPOSIT, 0, 1, 0)] == told.held([BANK])
    assert [(PLATFORM, Kind.BALANCE, 0, 3, 9500)] == told.held([PLATFORM], [Kind.BALANCE])


def test_records_are_counted(told: Store):
    """
    What risk control and operators did, and over what time.
    """
    case = CaseRow(1, "case-1", "large", ZHANG, "rule", 500, ASKED, None, None, None, None)
    other = case._replace(number=2, id="case-2", kind="suspicious", rule="other")
    third = case._replace(number=3, id="case-3", rule="third")
    act(told, AddCase(case), AddCase(other), AddCase(third), AddStop(BACK + 1, LI, "stopped"))
    act(
        told,
        AddOpinion(BACK + 2, 1, 1, "approve", "fine"),
        CloseCase(1, "approved", BACK + 2),
        profile=None,
        operator=1,
        at=T2 + SECOND,
    )

    records = told.records_kept()

    assert (T0, T2 + SECOND) == (records.first_at, records.last_at)
    assert (BACK + 2, 1, 1) == (records.entries, records.judged, records.stopped)
    assert {"large": 2, "suspicious": 1} == records.cases
    assert (2, 1, 2) == (records.waiting, records.opinions, records.by_operators)


def test_an_empty_ledger_has_no_records(engine: Engine):
    """
    And no time of them.
    """
    records = engine.create("empty").records_kept()

    assert (None, None, 0, 0, 0, {}, 0, 0, 0) == records
    assert 0 == engine.open("empty").head().entry


def test_the_first_day_of_a_use(store: Store):
    """
    Of any of the flows, within the days that are asked for; days that came to nothing are none.
    """
    for day, flow, fen in (
        ("2026-02-14", "topup", 0),
        ("2026-02-15", "withdraw", 5),
        (DAY, "topup", 500),
        ("2026-02-18", "topup", 200),
    ):
        store.apply([AddUsage(ZHANG, flow, day, fen)])
    usage = store.usage_of(ZHANG)
    topups, both = frozenset({"topup"}), frozenset({"topup", "withdraw"})

    assert DAY == usage.first_used_day(topups, "2026-02-01", "2026-02-28")
    assert "2026-02-15" == usage.first_used_day(both, "2026-02-15", "2026-02-15")
    assert "2026-02-18" == usage.first_used_day(both, "2026-02-17", "2026-02-18")
    assert usage.first_used_day(topups, "2026-02-19", "2026-02-28") is None
    assert store.usage_of(LI).first_used_day(both, "2026-02-01", "2026-02-28") is None
    assert 700 == usage.used_fen(topups, DAY, "2026-02-18")
    assert 505 == usage.used_fen(both, "2026-02-15", DAY)
    assert 705 == usage.used_lifetime_fen(both)


def test_packets_are_seen_by_who_may_do_what(told: Store):
    """
    Each view finds its own, in its own order.
    """
    second, third = packet_row(2, BACK + 1), packet_row(3, BACK + 2, shares=1)
    second = second._replace(packet=second.packet._replace(expires_at=T2 + SECOND))
    act(told, AddPacket(second))
    act(told, AddPacket(third))

    def seen(view, profile=None, now=T1, limit=-1):
        return [row.packet.number for row in told.packets(view, profile, now, limit)]

    assert [3, 2, 1] == seen(PacketView.SENT, ZHANG)
    assert [3, 2] == seen(PacketView.SENT, ZHANG, limit=2)
    assert [] == seen(PacketView.SENT, LI)
    assert [1] == seen(PacketView.RECEIVED, LI)
    assert [3, 2] == seen(PacketView.CLAIMABLE, LI)
    assert [] == seen(PacketView.CLAIMABLE, ZHANG)
    assert [2] == seen(PacketView.CLAIMABLE_OR_OWN, ZHANG)
    assert [2] == seen(PacketView.CLAIMABLE, LI, now=T2)
    assert [3, 2] == seen(PacketView.OPEN, ZHANG)
    assert [] == seen(PacketView.OPEN, ZHANG, now=T2 + SECOND)
    assert [3] == seen(PacketView.DUE, now=T2)
    assert [3, 2] == seen(PacketView.DUE, ZHANG, now=T2 + SECOND)
    assert [] == seen(PacketView.DUE, LI, now=T2 + SECOND)


def test_what_is_due_next(store: Store):
    """
    A hold's end, a refund, a delivery or its giving up; and whether anything waits for an answer.
    """
    patience = timedelta(minutes=5)

    def due(now=T0):
        return tuple(store.next_due(now, patience))

    assert (None, None, None, False) == due()
    act(store, AddPacket(PACKET))
    assert (None, T2, None, False) == due()
    hold = CaseRow(1, "case-1", "hold", ZHANG, "rule", 1000, NEXT, 1, None, T1, "release")
    act(store, AddCase(hold), HoldPacket(1, 1))
    assert (T1, None, None, False) == due()
    act(store, CloseCase(1, "released", NEXT + 2), HoldPacket(1, None))
    act(store, AddMessage(MESSAGE._replace(entry=NEXT + 3, due_at=T1)))
    assert (None, T2, T1, False) == due()
    assert (None, T2, T1 + patience, False) == due(T1)
    assert (None, T2, None, False) == due(T1 + patience)
    act(store, SetMessageSent(1, DAY))
    assert (None, T2, None, False) == due()
    act(store, SetMessageUnknown(1))
    assert (None, T2, None, True) == due()
    act(store, SetMessageOutcome(1, MessageState.REJECTED, NEXT + 6))
    assert (None, T2, None, False) == due()
    act(store, KeepBankMessage(BankMessageRow(1, BANK, "late", None)))
    assert (None, T2, None, True) == due()
    assert isinstance(store.next_due(T0, patience).is_unfinished, bool)


def test_both_sides_of_a_clearing_day(told: Store):
    """
    Ours by their ids, theirs by the bank's own numbers; of one day, or of one message.
    """
    act(told, AddBankLine(PAYMENT, Direction.DEBIT, 500, "BOOK", DAY, BACK + 1), at=T2)

    for cleared in (
        told.clearing(BANK),
        told.clearing(BANK, DAY),
        told.clearing(BANK, DAY, message=1),
        told.clearing(BANK, message=1),
    ):
        assert [("message-1", "debit", 500, "accepted", T0)] == [tuple(e) for e in cleared.ours]
        assert [("CMB-000001", "message-1", "debit", 500, "BOOK", T2)] == [
            tuple(line) for line in cleared.theirs
        ]
        assert [] == list(cleared.corrections)
    for cleared in (
        told.clearing("icbc"),
        told.clearing(BANK, "2026-02-17"),
        told.clearing(BANK, message=2),
    ):
        assert [[], []] == [list(cleared.ours), list(cleared.theirs)]


def test_a_ledger_knows_whether_it_is_still_in_its_place(engine: Engine, store: Store):
    """
    Another file that has its name is another ledger.
    """
    file, other = store.file, engine.create("other").file
    if file is None or other is None:
        pytest.skip("only a file has a place")
    assert file.is_in_place()

    other.path.replace(file.path)
    assert not file.is_in_place()
    file.path.unlink()
    assert not file.is_in_place()
    assert BASE == store.head().entry
    assert Account(PLATFORM, Kind.BALANCE, ZHANG) == balance(ZHANG)


def test_acts_are_found_by_what_they_are_about(told: Store):
    """
    A payment, a packet's claims, the parts of a request, operators; from an entry on.
    """
    for number in (1, 2):
        act(told, request_id=f"many/{number}", profile=LI, at=T2)
    act(told, request_id="many", profile=LI, at=T2)
    act(told, request_id="many/3", profile=WANG, at=T2)
    last = BACK + 4

    def found(**how):
        return [each.entry for each in told.acts(**how)]

    assert list(range(1, last + 1)) == found()
    assert [BACK, *range(BACK + 1, last + 1)] == found(after=PAID)
    assert [BACK, BACK + 1] == found(after=PAID, limit=2)
    assert [ASKED, PAID] == found(message=1)
    assert [ASKED] == found(message=1, limit=1)
    assert [] == found(message=2)
    assert [CLAIMED] == found(claims_of=1)
    assert [BACK + 1, BACK + 2] == found(parts_of=("many", LI))
    assert [last] == found(parts_of=("many", WANG))
    assert [BACK] == found(by_operators=True)
    assert [] == found(by_operators=True, limit=0)

    (claimed,) = told.acts(claims_of=1)
    assert (
        *(CLAIMED, "claim", LI, f"request-{CLAIMED}", bytes(32), 1, None, T1, "{}", 400, None),
        *("Li", "packet-1", None, "Zhang", None),
    ) == claimed
    paid = told.act(PAID)
    assert paid is not None
    assert ("message-1", 1, None, "Zhang") == (
        paid.message_id,
        paid.message,
        paid.packet_id,
        paid.profile_name,
    )
    back = told.act(closing=(1, T2))
    assert back is not None
    assert (BACK, "Chen") == (back.entry, back.operator)
    assert told.act(closing=(1, T2), among=["returned"]) is None
    assert told.act(closing=(1, T2 + SECOND)) is None
    assert told.act(closing=(2, T2)) is None
    moved_last = told.act()
    assert moved_last is not None
    assert BACK == moved_last.entry
    assert told.act(100) is None


def test_one_request_is_looked_for(told: Store):
    """
    Of its own profile; the first that is asked about is looked for, too.
    """
    asked = told.request(f"request-{PAID}", ZHANG)
    assert asked.act is not None
    assert (PAID, None) == (asked.act.entry, asked.refusal)
    assert (None, None) == told.request(f"request-{PAID}", LI)
    assert {(f"request-{PAID}", ZHANG)} == set(told.request(among=[(f"request-{PAID}", ZHANG)]))


def test_cases_are_seen_by_who_works_on_them(told: Store):
    """
    Each view finds its own, in its own order, and of one profile where that is asked.
    """
    act(told, AddPacket(packet_row(2, BACK + 1)))
    hold = CaseRow(1, "case-1", "hold", LI, "rule", 500, BACK + 2, 2, None, T2, "return")
    large = CaseRow(2, "case-2", "large", ZHANG, "rule", 0, BACK + 2, None, None, None, None)
    later = hold._replace(number=3, id="case-3", rule="late", profile=ZHANG, until=T1)
    act(told, AddCase(hold), AddCase(large), AddCase(later))
    act(
        told,
        AddCase(large._replace(number=4, id="case-4", entry=BACK + 3)),
        CloseCase(2, "approved", BACK + 3),
        AddOpinion(BACK + 3, 2, 1, "approve", "fine"),
    )
    act(told, AddOpinion(BACK + 4, 2, 1, "escalate", "again"), at=T2)

    def seen(view, **how):
        return [case.number for case in told.cases(view, **how)]

    assert [1, 3, 4] == seen(CaseView.WAITING)
    assert [1] == seen(CaseView.WAITING, profile=LI)
    assert [1, 3] == seen(CaseView.WAITING, limit=2)
    assert [4, 3, 2, 1] == seen(CaseView.ALL)
    assert [4, 3, 2] == seen(CaseView.ALL, profile=ZHANG)
    assert [1, 2, 3] == seen(CaseView.OPENED, entries=range(BACK + 2, BACK + 3))
    assert [4] == seen(CaseView.OPENED, entries=range(BACK + 3, BACK + 9))
    assert [] == seen(CaseView.OPENED)
    assert [1, 3] == seen(CaseView.HOLDS, packet=2)
    assert [] == seen(CaseView.HOLDS, packet=1)
    assert [3] == seen(CaseView.ENDED, until=T1)
    assert [3, 1] == seen(CaseView.ENDED, until=T2)
    assert [] == seen(CaseView.ENDED)

    newest = told.case(last_of=(ZHANG, "rule"))
    assert newest is not None
    assert 4 == newest.number
    assert told.case(last_of=(WANG, "rule")) is None
    assert told.case("case-9") is None
    assert told.case(holding=1) is None
    assert [
        (BACK + 3, 1, "Chen", "approve", "fine", T0),
        (BACK + 4, 1, "Chen", "escalate", "again", T2),
    ] == list(told.case(2).opinions)
    assert ("approved", BACK + 3, T2) == (*told.case(2)[-3:-1], told.case(1).until)
    with pytest.raises(Damaged):
        told.case(9)


def test_messages_are_seen_by_how_they_stand(told: Store):
    """
    Under way, due, unsent, late, and those that carry a packet's money back.
    """
    for number, profile, due_at in ((2, ZHANG, T2), (3, LI, T1), (4, ZHANG, T1)):
        entry = BACK + number - 1
        message = MESSAGE._replace(
            number=number, id=f"message-{number}", profile=profile, due_at=due_at, entry=entry
        )
        act(told, AddMessage(message))
    refund = MESSAGE._replace(
        number=5,
        id="message-5",
        direction=Direction.CREDIT,
        reason=Reason.REFUND,
        packet=1,
        entry=BACK + 4,
        due_at=T2 + SECOND,
    )
    held = CaseRow(1, "case-1", "hold", ZHANG, "rule", 500, BACK + 4, None, 4, T2, "return")
    act(told, AddMessage(refund), SetMessageUnknown(3), AddCase(held))
    act(told, KeepBankMessage(BankMessageRow(1, BANK, "late", None)))

    def seen(view, **how):
        return [message.number for message in told.messages(view, **how)]

    assert [2, 4, 5] == seen(MessageView.UNDER_WAY, profile=ZHANG)
    assert [3] == seen(MessageView.UNDER_WAY, profile=LI)
    assert [5] == seen(MessageView.RETURNING, packet=1)
    assert [] == seen(MessageView.RETURNING, packet=2)
    assert [3] == seen(MessageView.DUE, now=T1)
    assert [3, 2] == seen(MessageView.DUE, now=T2)
    assert [2] == seen(MessageView.DUE, now=T2, profile=ZHANG)
    assert [] == seen(MessageView.DUE)
    assert [2, 5] == seen(MessageView.UNSENT, now=T2 + SECOND)
    assert [1] == seen(MessageView.LATE)
    assert [1] == seen(MessageView.LATE, profile=ZHANG, now=T0)
    assert [] == seen(MessageView.LATE, profile=LI)

    by_entry, by_outcome = told.message(entry=ASKED), told.message(outcome=PAID)
    assert by_entry is not None
    assert by_entry == by_outcome == told.message("message-1") == told.message(1)
    assert told.message(entry=PAID) is None
    assert told.message(outcome=ASKED) is None
    assert refund == told.message("message-5")
    holding = told.case(holding=4)
    assert holding is not None
    assert 1 == holding.number
    with pytest.raises(Damaged):
        told.message(9)


def test_what_is_unsettled_is_added_up_by_bank(told: Store):
    """
    Accepted, and in no batch yet: money in and money out apart.
    """
    rows = [
        MESSAGE._replace(number=2, id="m2", entry=BACK + 1, amount_fen=70),
        MESSAGE._replace(
            number=3,
            id="m3",
            entry=BACK + 2,
            direction=Direction.CREDIT,
            reason=Reason.WITHDRAW,
            amount_fen=30,
            fee_fen=1,
        ),
        MESSAGE._replace(number=4, id="m4", entry=BACK + 3, bank="abc"),
        MESSAGE._replace(number=5, id="m5", entry=BACK + 4),
    ]
    for row in rows:
        act(told, AddMessage(row))
    for number in (2, 3, 4):
        act(told, SetMessageOutcome(number, MessageState.ACCEPTED, BACK + 3 + number))

    assert [("abc", 1, 500, 0, 0), (BANK, 2, 570, 1, 30)] == told.unsettled()


def test_what_a_profile_has_beside_their_balance(told: Store):
    """
    In packets that are open, due or held, on its way to a card, and what matures.
    """
    act(
        told,
        AddPacket(packet_row(2, BACK + 1)),
        AddMaturing(ZHANG, T1, 70),
        AddMaturing(ZHANG, T2, 30),
    )
    assert (1000, 0, 0, 0, 0, 100, T1) == told.sums(ZHANG, T0)
    assert (1000, 0, 0, 0, 0, 30, T2) == told.sums(ZHANG, T1)
    assert (0, 1000, 0, 0, 0, 0, None) == told.sums(ZHANG, T2)
    assert (0, 0, 0, 0, 0, 0, None) == told.sums(LI, T0)

    hold = CaseRow(1, "case-1", "hold", ZHANG, "rule", 1000, BACK + 1, 2, None, T1, "return")
    withdraw = MESSAGE._replace(
        number=2,
        id="message-2",
        entry=BACK + 2,
        direction=Direction.CREDIT,
        reason=Reason.WITHDRAW,
        amount_fen=40,
        fee_fen=2,
    )
    act(told, AddCase(hold), HoldPacket(2, 1), AddMessage(withdraw), SetMessageUnknown(2))
    sums = told.sums(ZHANG, T0)
    assert (0, 0, 1000, 42, 1) == sums[:5]
    assert 1042 == sums.all_fen
    assert (0, 1000, 0, 42, 1) == told.sums(ZHANG, T1)[:5]
