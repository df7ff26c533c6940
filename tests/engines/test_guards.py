"""What risk control, devices and bills read and say, each query by all it is asked."""

from datetime import timedelta

import pytest

from hongbao.changes.bills import AddBill, RemoveBill
from hongbao.changes.cards import BindCard, OpenDeposit, RemoveCard
from hongbao.changes.cases import AddCase
from hongbao.changes.devices import AddDevice, Enrol
from hongbao.changes.guards import AddChallenge, AddStop, KeepHabit, PassChallenge, SetChallenge
from hongbao.changes.home import KeepRules, SetHome
from hongbao.changes.packets import AddPacket, HoldPacket
from hongbao.changes.payments import AddBankLine, AddCorrection, AddMessage, SetFault
from hongbao.changes.people import AddOperator, AddProfile, Identify
from hongbao.domain.channel import Direction, Fault, FaultRow
from hongbao.domain.ledger import Account, Kind
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.errors import Damaged
from hongbao.store import CaseRow, Change, HabitRow, JudgedRow, PacketView, Store
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
    decide,
    packet_row,
    profile_row,
    seal,
)
from tests.engines.cases import CHALLENGE, LINE, MESSAGE

SECOND = timedelta(seconds=1)


def test_what_was_judged(store: Store):
    """
    Of a profile, an entry, those before one; of a request, what was stopped and what it made.
    """
    first = act(store, profile=LI, at=T1, facts='{"a":1}', risk='{"r":1}')
    act(store, AddStop(NEXT + 1, LI, "asked"), profile=LI, name="stopped")
    act(store, AddStop(NEXT + 2, ZHANG, "asked"), name="stopped")
    made = act(store, profile=LI, request_id="asked")
    act(store, profile=LI, risk=None)
    everyone = [1, BASE, first, NEXT + 1, NEXT + 2, made]

    def found(*profile, **how):
        return [row.entry for row in store.judged(*profile, **how)]

    assert everyone == found()
    assert [first, NEXT + 1, made] == found(LI)
    assert [] == found(WANG)
    assert [NEXT + 1] == found(LI, entry=NEXT + 1)
    assert [] == found(LI, entry=NEXT + 2)
    assert [NEXT + 2] == found(entry=NEXT + 2)
    assert [first] == found(LI, before=NEXT + 1)
    assert everyone[:3] == found(before=NEXT + 1)
    assert [NEXT + 1, made] == found(LI, request_id="asked")
    assert [NEXT + 2] == found(ZHANG, request_id="asked")
    assert [] == found(LI, request_id="never")
    assert [NEXT + 1] == found(LI, stopped=True)
    assert [NEXT + 2] == found(ZHANG, stopped=True)
    assert [JudgedRow(first, LI, T1, "send", f"request-{first}", '{"a":1}', '{"r":1}')] == list(
        store.judged(entry=first)
    )


def test_a_habit_and_what_came_since(store: Store):
    """
    From where it was kept on, or from what is known, and then without its text.
    """
    for number in range(3):
        act(store, profile=LI, risk=f"{{{number}}}" if number else None)
    records = [(NEXT + 1, "{1}"), (NEXT + 2, "{2}")]

    assert (None, records) == store.habit(LI)
    assert (None, records[1:]) == store.habit(LI, NEXT + 1)
    store.apply([KeepHabit(LI, HabitRow(NEXT + 1, "text"))])
    assert (HabitRow(NEXT + 1, "text"), records[1:]) == store.habit(LI)
    assert (HabitRow(NEXT + 1, ""), records) == store.habit(LI, NEXT)
    assert (HabitRow(NEXT + 1, ""), []) == store.habit(LI, NEXT + 2)
    assert (None, []) == store.habit(WANG)
    assert (None, [(1, "{}"), (BASE, "{}")]) == store.habit(ZHANG)


def test_challenges_that_wait_or_were_passed(store: Store):
    """
    Of one profile, until they end; passed ones by what was asked for, in their order.
    """
    other = bytes([1]) * 32
    rows = [
        CHALLENGE._replace(number=5, id="e", entry=5),
        CHALLENGE._replace(number=2, id="b", entry=2, inputs=other),
        CHALLENGE._replace(number=3, id="c", entry=3, profile=LI),
        CHALLENGE._replace(number=4, id="d", entry=4),
    ]
    store.apply([AddChallenge(row) for row in rows])

    def found(profile, now, **how):
        return [row.id for row in store.challenges(profile, now, **how)]

    assert ["b", "d", "e"] == found(ZHANG, T0)
    assert ["c"] == found(LI, T1 - SECOND)
    assert [] == found(ZHANG, T1)
    assert [] == found(ZHANG, T0, passed=CHALLENGE.inputs)
    store.apply([PassChallenge(5, T2), PassChallenge(2, T2), PassChallenge(4, T2)])
    store.apply([SetChallenge(4, "used", NEXT)])
    assert [] == found(ZHANG, T0)
    assert ["e"] == found(ZHANG, T1, passed=CHALLENGE.inputs)
    assert ["b"] == found(ZHANG, T1, passed=other)
    assert [] == found(ZHANG, T2, passed=other)
    assert [] == found(LI, T1, passed=other)
    assert [rows[2]] == store.challenges(called="c")
    assert [] == store.challenges(called="f")


def test_bills_are_found_by_name_and_by_content(store: Store):
    """
    Those of a profile that were not removed, in their order; lines within a span.
    """
    one, two = bytes([1]) * 32, bytes([2]) * 32
    day = timedelta(days=1).total_seconds() * 1_000_000
    later = LINE._replace(number=2, at=LINE.at + int(day))
    store.apply(
        [
            AddBill(7, "bill-7", ZHANG, NEXT, one, [later, LINE]),
            AddBill(5, "bill-5", LI, NEXT + 3, two, [LINE]),
            AddBill(4, "bill-4", ZHANG, NEXT + 1, two, []),
        ]
    )

    def found(profile=ZHANG, **how):
        return [bill.number for bill in store.bills(profile, **how)]

    assert [4, 7] == found()
    assert [(5, "bill-5", NEXT + 3)] == store.bills(LI)
    assert [4, 5, 7] == found(None)
    assert [7] == found(called=one)
    assert [4] == found(called=two)
    assert [4, 5] == found(None, called=two)
    assert [7] == found(called="bill-7")
    assert [] == found(called="bill-5")
    assert [5] == found(None, called="bill-5")
    at = T0 + timedelta(microseconds=LINE.at - to_micros(T0))
    assert [LINE, later] == list(store.bill_rows(7))
    assert [later] == list(store.bill_rows(7, at + SECOND))
    assert [LINE] == list(store.bill_rows(7, at, at + SECOND))
    assert [] == list(store.bill_rows(7, None, at))
    store.apply([RemoveBill(7, NEXT + 2)])
    assert [4] == found()
    assert [7] == found(None, called=one)
    assert [[], [LINE]] == [list(store.bill_rows(number)) for number in (7, 5)]


def test_how_a_profile_stands_on_a_device(store: Store):
    """
    Cards that are bound, devices that may act, profiles on the device, and others who were asked.
    """
    assert (1, 1, 1, 0) == store.standing(ZHANG, 1)
    assert ["Phone"] == [device.name for device in store.devices(ZHANG)]
    store.apply(
        [
            AddDevice(2, "Tablet", "tablet", b"t" * 32, T0),
            Enrol(ZHANG, 2, "certified", T0),
            Enrol(LI, 1, "pending", T0),
            Enrol(WANG, 1, "removed", T0),
            OpenDeposit(2, "icbc", b"x" * 32),
            BindCard(2, ZHANG, "icbc-2222", 2, b"number", "2222", T1),
        ]
    )
    assert (2, 2, 1, 1) == store.standing(ZHANG, 1)
    assert [1, 2] == [card.id for card in store.cards()]
    bound = store.deposit(b"x" * 32)
    assert bound is not None
    assert bound.is_bound
    assert (0, 0, 1, 1) == store.standing(LI, 1)
    assert (0, 0, 1, 2) == store.standing(WANG, 1)
    store.apply([RemoveCard(2, T1), Enrol(LI, 1, "certified", T1), Enrol(ZHANG, 2, "pending", T1)])
    assert [1] == [card.id for card in store.cards()]
    assert (1, 1, 2, 1) == store.standing(ZHANG, 1)
    assert (1, 1, 0, 0) == store.standing(ZHANG, 2)
    assert (0, 1, 0, 1) == store.standing(LI, 2)


def test_a_held_packet_is_claimed_when_its_hold_has_released_it(store: Store):
    """
    At its end, if that releases; a packet that will come back, or waits still, is not open.
    """
    holds: list[Change] = []
    for number, until, ends in ((1, T1, "release"), (2, T1, "return"), (3, T2, "release")):
        case = CaseRow(
            *(10 - number, f"case-{number}", "hold", ZHANG, "rule", 1000, NEXT + number),
            *(number, None, until, ends),
        )
        row = packet_row(number, NEXT + number)
        row = row._replace(packet=row.packet._replace(expires_at=T2 + SECOND))
        holds += [AddPacket(row), AddCase(case), HoldPacket(number, 10 - number)]
    store.apply(holds)

    def seen(view, profile, now):
        return [row.packet.number for row in store.packets(view, profile, now, -1)]

    for view, profile in (
        (PacketView.CLAIMABLE, LI),
        (PacketView.CLAIMABLE_OR_OWN, LI),
        (PacketView.OPEN, ZHANG),
    ):
        assert [] == seen(view, profile, T1 - SECOND)
        assert [1] == seen(view, profile, T1)
        assert [1, 3] == seen(view, profile, T2)


def test_rules_are_listed_and_read(store: Store):
    """
    In their order; a text with zeros in it was on a page that is not authentic.
    """
    store.apply([KeepRules("policy", "a@2", "two"), KeepRules("risk_pack", "pack@1", "one\0")])

    assert ["a@2", "rules@1"] == store.rules("policy")
    assert [] == store.rules("risk_model")
    assert "two" == store.rules("policy", "a@2")
    assert store.rules("policy", "a@1") is None
    with pytest.raises(Damaged):
        store.rules("risk_pack", "pack@1")


def test_a_packet_for_one_is_read_as_it_was_sent(store: Store):
    """
    Whom it is for, by key and by name, and from which card.
    """
    row = packet_row(7, NEXT, shares=1)
    sent = row._replace(
        packet=row.packet._replace(kind=PacketKind.EXCLUSIVE, deal=DealRule.EQUAL, recipient=LI),
        card=1,
        cover="cover",
        recipient_name="Li",
    )
    act(store, AddPacket(sent))

    assert sent == store.packet(7) == store.packet("packet-7") == store.packet(entry=NEXT)
    assert store.packet(entry=BASE) is None
    assert [8, 4] == [store.next_number(table) for table in ("packet", "profile")]
    assert [[sent], []] == [
        store.packets(PacketView.CLAIMABLE, profile, T0, -1) for profile in (LI, WANG)
    ]


def test_what_was_put_right_and_what_is_broken(store: Store):
    """
    A correction with its message; a fault with the amount that it is about, if it is about one.
    """
    other = MESSAGE._replace(number=7, id="message-7", entry=NEXT + 1)
    act(store, AddMessage(MESSAGE))
    act(store, AddMessage(other))
    act(
        store,
        AddCorrection(7, "amount", Direction.DEBIT, 100, "why", 1, NEXT + 2),
        SetFault(FaultRow(BANK, Fault.DOWN, None), NEXT + 2),
        SetFault(FaultRow("abc", Fault.DOWN, 250), NEXT + 2),
        at=T1,
    )

    assert other == store.message(7)
    assert [(store.message(7), "amount", 100)] == list(store.clearing(BANK).corrections)
    assert [
        (FaultRow("abc", Fault.DOWN, 250), T1),
        (FaultRow(BANK, Fault.DOWN, None), T1),
    ] == store.faults()


def test_the_home_is_read_again_after_it_was_changed(store: Store):
    """
    Also in the act that changes it.
    """
    with store.transaction(dry_run=True):
        home = store.home()
        assert home is not None
        store.apply([SetHome(home._replace(generation=7))])
        assert home._replace(generation=7) == store.home()
    assert home == store.home()


def test_a_person_who_was_another_is_gone(store: Store):
    """
    Nobody else is.
    """
    who = [profile_row(number) for number in (ZHANG, LI)]
    store.apply([Identify(row, ZHANG, b"i" * 32, b"n" * 32, b"id", b"name") for row in who])

    assert [True, False, True] == [
        store.state(("person", person)).values is not None for person in (ZHANG, LI, WANG)
    ]


def test_each_bank_numbers_its_own_lines(store: Store):
    """
    From one on, whatever the others write.
    """
    other = MESSAGE._replace(number=2, id="message-2", bank="abc", entry=NEXT + 1)
    act(store, AddMessage(MESSAGE))
    act(store, AddMessage(other))
    for message in (MESSAGE, MESSAGE, other):
        act(store, AddBankLine(message, Direction.DEBIT, 500, "BOOK", DAY, NEXT + 1))

    assert ["CMB-000001", "CMB-000002"] == [line[0] for line in store.clearing(BANK).theirs]
    assert ["ABC-000001"] == [line[0] for line in store.clearing("abc").theirs]


def test_rows_have_the_numbers_that_they_are_given(store: Store):
    """
    Not the next ones that the engine would give; and how long an act took is kept with it.
    """
    row = profile_row(20)
    store.apply(
        [
            AddProfile(row, "p20", "hash"),
            AddOperator(30, "Mei", "mei", "hash", T0),
            AddDevice(40, "Tablet", "tablet", b"t" * 32, T0),
            OpenDeposit(50, "icbc", b"x" * 32),
            BindCard(60, LI, "icbc-2222", 50, b"number", "2222", T1),
        ]
    )
    with store.transaction():
        alone = decide(store)._replace(took="1:5")
        store.append([alone], seal)

    assert row == store.profile(20) == store.profile("p20")
    assert store.state(("person", 20)).values is not None
    assert [1, 30] == [operator.id for operator in store.operators()]
    assert [40] == [device[0] for device in store.devices(None, "tablet")]
    assert [(60, Account("icbc", Kind.DEPOSIT, 50))] == [
        (card.id, card.deposit) for card in store.cards(LI)
    ]
    found = store.act(NEXT)
    assert found is not None
    assert {1: 5} == found.took
