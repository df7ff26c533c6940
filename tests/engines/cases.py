"""A case for every kind of change: what is there before, and what is read when it was applied."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from hongbao.changes.bills import AddBill, RemoveBill
from hongbao.changes.cards import BindCard, OpenDeposit, RemoveCard, ResealCard
from hongbao.changes.cases import AddCase, AddOpinion, CloseCase, EscalateCase
from hongbao.changes.devices import (
    AddDevice,
    BeginSession,
    Certify,
    CutSession,
    Enrol,
    RetireDevice,
    SetCity,
    SetCounter,
    SetDeviceFault,
)
from hongbao.changes.guards import (
    AddChallenge,
    AddStop,
    CountTry,
    KeepHabit,
    PassChallenge,
    SetChallenge,
)
from hongbao.changes.home import KeepRules, RememberRefusal, SealAgain, SetHome, SetReadings
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
    AddBatch,
    AddCorrection,
    AddMessage,
    ClearFaults,
    KeepBankMessage,
    SetFault,
    SetMessageOutcome,
    SetMessageSent,
    SetMessageUnknown,
    SettleMessages,
)
from hongbao.changes.people import (
    AddOperator,
    AddProfile,
    Identify,
    ReindexPerson,
    Reseal,
    SetPin,
    SetPinTries,
    SetRefundTo,
    SetTotp,
    SetTotpStep,
)
from hongbao.domain.bill import Kept
from hongbao.domain.channel import Direction, Fault, FaultRow, MessageState
from hongbao.domain.fairness import DrawInput
from hongbao.domain.ledger import Account, Kind, Reason
from hongbao.domain.packet import Hold
from hongbao.domain.settlement import Gross
from hongbao.errors import Damaged
from hongbao.questions import Question
from hongbao.store import (
    BankMessageRow,
    BatchRow,
    CardRow,
    CaseRow,
    ChallengeRow,
    Change,
    ClaimRow,
    DepositRow,
    HabitRow,
    Holder,
    MessageRow,
    OperatorRow,
    PinRow,
    Store,
)
from tests.engines.acts import (
    BANK,
    BASE,
    DAY,
    DIGEST,
    HOME,
    LI,
    NEXT,
    T0,
    T1,
    T2,
    WANG,
    ZHANG,
    packet_row,
    profile_row,
)


class Case(NamedTuple):
    """A *change*, how its trace is *read*, and what is *expected* of it."""

    change: Change
    read: Callable[[Store], object]
    expected: object
    before: tuple[Change, ...] = ()


NOTHING = "nothing is there"


def seen(case: Case, store: Store) -> object:
    """Return what *case* reads in *store*; a row that is not there yet is NOTHING."""
    try:
        return case.read(store)
    except (AttributeError, Damaged, IndexError, TypeError):
        return NOTHING


PROFILE = Holder("profile", ZHANG)
OPERATOR = Holder("operator", 1)
PACKET = packet_row(1, NEXT)
DRAWN = DrawInput(b"n" * 16, "luck")
CLAIM = AddClaim(PACKET.packet, LI, 400, DRAWN, NEXT, T1)
HALF = PACKET.packet._replace(claimed_fen=400, claimed_count=1)
CARD = CardRow(
    *(1, ZHANG, "cmb-0001", BANK, "0001", b"sealed", Account(BANK, Kind.DEPOSIT, 1), T0, None),
    b"c" * 32,
)
MESSAGE = MessageRow(
    number=1,
    id="message-1",
    channel="netsunion",
    bank=BANK,
    card=1,
    profile=ZHANG,
    direction=Direction.DEBIT,
    reason=Reason.TOPUP,
    amount_fen=500,
    fee_fen=0,
    packet=None,
    terms={"for": "红包"},
    created_at=T0,
    due_at=T0,
    entry=NEXT,
    day=DAY,
)
ACCEPTED = (AddMessage(MESSAGE), SetMessageOutcome(1, MessageState.ACCEPTED, NEXT))
BATCH = AddBatch(BatchRow(1, "batch-1", NEXT), [Gross(BANK, 1, 500, 0, 0)])
CASE = CaseRow(
    *(1, "case-1", "hold", ZHANG, "rule", 1000, NEXT, 1, None, T1, "release"),
)
HELD = (AddPacket(PACKET), AddCase(CASE))
CHALLENGE = ChallengeRow(1, "challenge-1", ZHANG, NEXT, DIGEST, "{}", T1)
ASKED = (AddChallenge(CHALLENGE),)
LINE = Kept(1, 1_771_214_400_000_000, "kind", "Li", "tea", "out", 500, "card", "ok", "x1", "", "")
BILL = AddBill(1, "bill-1", ZHANG, NEXT, DIGEST, [LINE])
TABLET = AddDevice(2, "Tablet", "tablet", b"t" * 32, T0)
FAULT = FaultRow(BANK, Fault.DOWN, None)
TOPUPS = frozenset({"topup"})


def phone(store: Store) -> Any:
    return next(iter(store.devices(ZHANG, "phone")), None)


def zhang(store: Store) -> Any:
    return store.profile(ZHANG)


def standing(store: Store, profile: int) -> object:
    return [device.state for device in store.devices(profile, "phone")]


def rules(kind: str, store: Store) -> str | None:
    return store.rules(kind, "new@1")


def tablet(store: Store) -> Any:
    return next(iter(store.devices(None, "tablet")), None)


def sealing(store: Store) -> list[tuple[int, str]]:
    """Return the profiles that entries after those of `found` have left, each with its entry."""
    rows = store.audit(Question.SEALED_ROWS)
    return [(entry, key) for entry, table, key, _ in rows if table == "profile" and entry > BASE]


def used_fen(store: Store) -> int:
    return store.usage_of(ZHANG).used_fen(TOPUPS, DAY, DAY)


def packet(store: Store) -> Any:
    found = store.packet("packet-1")
    return found and found.packet


def challenge(store: Store) -> Any:
    return next(iter(store.challenges(called="challenge-1")), None)


CASES = [
    # --- the home
    Case(SetHome(HOME._replace(generation=2)), lambda s: s.home(), HOME._replace(generation=2)),
    Case(
        SetHome(HOME._replace(dice=b"d", virtual_at=T1)),
        lambda s: s.home(),
        HOME._replace(dice=b"d", virtual_at=T1),
    ),
    Case(
        SetReadings(HOME._replace(current_profile=LI)),
        lambda s: s.home(),
        HOME._replace(current_profile=LI),
    ),
    *(
        Case(KeepRules(kind, "new@1", "文"), partial(rules, kind), "文")
        for kind in ("policy", "risk_pack", "risk_model")
    ),
    Case(
        RememberRefusal("asked", ZHANG, DIGEST, "{}", 1, DIGEST),
        lambda s: (s.request("asked", ZHANG).refusal, s.request("asked", LI).refusal),
        ((DIGEST, "{}"), None),
    ),
    Case(SealAgain((("profile", LI), ("profile", WANG))), sealing, [(NEXT, "2"), (NEXT, "3")]),
    # --- people
    Case(AddProfile(profile_row(4), "four", "hash"), lambda s: s.profile("four"), profile_row(4)),
    Case(
        AddOperator(2, "Mei", "mei", "hash", T0),
        lambda s: s.operators("mei"),
        [OperatorRow(2, "Mei")],
    ),
    Case(SetPin(PROFILE, "new"), lambda s: s.pin(PROFILE), PinRow("new", 0, 0, None)),
    Case(SetPin(OPERATOR, "new"), lambda s: s.pin(OPERATOR), PinRow("new", 0, 0, None)),
    Case(
        SetPinTries(PROFILE, 3, 1, T1),
        lambda s: s.pin(PROFILE),
        PinRow("hash of 1", 3, 1, T1),
    ),
    Case(SetPinTries(OPERATOR, 3, 1, T1), lambda s: s.pin(OPERATOR), PinRow("hash", 3, 1, T1)),
    Case(SetTotp(ZHANG, b"secret"), lambda s: zhang(s).totp_secret, b"secret"),
    Case(SetTotp(ZHANG, None), lambda s: zhang(s).totp_secret, None, (SetTotp(ZHANG, b"x"),)),
    Case(SetTotpStep(ZHANG, 7), lambda s: zhang(s).totp_step, 7),
    Case(SetRefundTo(ZHANG, "balance"), lambda s: zhang(s).refund_to, "balance"),
    Case(
        Identify(profile_row(ZHANG), ZHANG, b"i" * 32, b"n" * 32, b"id", b"name"),
        zhang,
        profile_row(ZHANG)._replace(
            id_number=b"id",
            real_name=b"name",
            id_number_index=b"i" * 32,
            real_name_index=b"n" * 32,
        ),
    ),
    Case(
        Identify(profile_row(LI), ZHANG, b"i" * 32, b"n" * 32, b"id", b"name"),
        lambda s: ([p.id for p in s.profiles(person=ZHANG)], s.profiles(person=LI), used_fen(s)),
        ([ZHANG, LI], [], 800),
        (
            Identify(profile_row(ZHANG), ZHANG, b"i" * 32, b"n" * 32, b"id", b"name"),
            AddUsage(ZHANG, "topup", DAY, 500),
            AddUsage(LI, "topup", DAY, 300),
        ),
    ),
    Case(
        Reseal(ZHANG, b"a", b"b", b"c"),
        lambda s: (zhang(s).real_name, zhang(s).id_number, zhang(s).totp_secret),
        (b"a", b"b", b"c"),
    ),
    Case(
        ReindexPerson(ZHANG, b"j" * 32, b"m" * 32),
        lambda s: [(p.id, p.real_name_index) for p in s.profiles(id_number=b"j" * 32)],
        [(ZHANG, b"m" * 32)],
        (Identify(profile_row(ZHANG), ZHANG, b"i" * 32, b"n" * 32, b"id", b"name"),),
    ),
    # --- cards
    Case(
        OpenDeposit(2, "icbc", b"x" * 32),
        lambda s: s.deposit(b"x" * 32),
        DepositRow(Account("icbc", Kind.DEPOSIT, 2), is_bound=False),
    ),
    Case(
        BindCard(2, LI, "icbc-2222", 2, b"number", "2222", T1),
        lambda s: s.cards(LI),
        [
            CardRow(
                *(2, LI, "icbc-2222", "icbc", "2222", b"number"),
                *(Account("icbc", Kind.DEPOSIT, 2), T1, None, b"x" * 32),
            )
        ],
        (OpenDeposit(2, "icbc", b"x" * 32),),
    ),
    Case(
        RemoveCard(1, T1),
        lambda s: (s.cards(ZHANG), s.cards(ZHANG, removed=True), s.deposit(b"c" * 32)),
        ([], [CARD._replace(removed_at=T1)], DepositRow(CARD.deposit, is_bound=False)),
    ),
    Case(
        ResealCard(CARD, b"again", b"y" * 32),
        lambda s: s.card(1),
        CARD._replace(number=b"again", number_index=b"y" * 32),
    ),
    # --- devices
    Case(
        TABLET,
        lambda s: (tablet(s).public_key, s.profiles(device=2)),
        (b"t" * 32, []),
    ),
    Case(
        RetireDevice(2),
        lambda s: (tablet(s), [device.public_key for device in s.devices(None)]),
        (None, [b"t" * 32]),
        (TABLET,),
    ),
    Case(Enrol(LI, 1, "pending", T1), lambda s: standing(s, LI), ["pending"]),
    Case(
        Enrol(ZHANG, 1, "removed", T1),
        lambda s: (phone(s).state, phone(s).since),
        ("removed", T1),
    ),
    Case(Certify(ZHANG, 1), lambda s: phone(s).state, "certified"),
    Case(
        CutSession(1, T1),
        lambda s: (phone(s).cut_at, phone(s).fault),
        (T1, None),
        (SetDeviceFault(1, "forge"),),
    ),
    Case(
        BeginSession(1),
        lambda s: (phone(s).session, phone(s).cut_at),
        (2, None),
        (CutSession(1, T1),),
    ),
    Case(SetCounter(1, 9), lambda s: phone(s).counter, 9),
    Case(SetCity(1, 7), lambda s: phone(s).city, 7),
    Case(SetDeviceFault(1, "forge"), lambda s: phone(s).fault, "forge"),
    # --- packets
    Case(AddPacket(PACKET), lambda s: s.packet("packet-1"), PACKET),
    Case(
        CLAIM,
        lambda s: (packet(s), s.claims(1), s.claims(1, LI)[0].amount_fen),
        (HALF, [ClaimRow(T0, 1, LI, "Li", 400, f"request-{NEXT}", DRAWN, NEXT)], 400),
        (AddPacket(PACKET),),
    ),
    Case(
        AddClaim(HALF, WANG, 600, DRAWN._replace(luck=None), NEXT, T1),
        packet,
        HALF._replace(claimed_fen=1000, claimed_count=2, closed_at=T1),
        (AddPacket(PACKET), CLAIM),
    ),
    Case(ClosePacket(1, T1), lambda s: packet(s).closed_at, T1, (AddPacket(PACKET),)),
    Case(HoldPacket(1, 1), lambda s: packet(s).hold, Hold(1, T1, "release"), HELD),
    Case(HoldPacket(1, None), lambda s: packet(s).hold, None, (*HELD, HoldPacket(1, 1))),
    Case(AddMaturing(ZHANG, T1, 500), lambda s: s.sums(ZHANG, T0)[-2:], (500, T1)),
    Case(
        AddMaturing(ZHANG, T1, 500),
        lambda s: s.sums(ZHANG, T0)[-2:],
        (800, T1),
        (AddMaturing(ZHANG, T1, 300),),
    ),
    Case(AddUsage(ZHANG, "topup", DAY, 500), used_fen, 500),
    Case(
        AddUsage(ZHANG, "topup", DAY, -200),
        lambda s: (used_fen(s), s.usage_of(ZHANG).used_lifetime_fen(TOPUPS)),
        (300, 300),
        (AddUsage(ZHANG, "topup", DAY, 500),),
    ),
    # --- payments
    Case(AddMessage(MESSAGE), lambda s: s.message(1), MESSAGE),
    Case(
        SetMessageSent(1, "2026-02-17"),
        lambda s: s.message(1),
        MESSAGE._replace(state=MessageState.SENT, day="2026-02-17"),
        (AddMessage(MESSAGE),),
    ),
    Case(
        SetMessageUnknown(1),
        lambda s: s.message(1).state,
        MessageState.UNKNOWN,
        (AddMessage(MESSAGE),),
    ),
    Case(
        SetMessageOutcome(1, MessageState.REJECTED, NEXT),
        lambda s: s.message(1),
        MESSAGE._replace(state=MessageState.REJECTED, outcome=NEXT),
        (AddMessage(MESSAGE),),
    ),
    Case(
        KeepBankMessage(BankMessageRow(1, BANK, "queued", None, T1)),
        lambda s: s.bank_message(1),
        BankMessageRow(1, BANK, "queued", None, T1),
        (AddMessage(MESSAGE),),
    ),
    Case(
        KeepBankMessage(BankMessageRow(1, BANK, "refused", "closed")),
        lambda s: s.bank_message(1),
        BankMessageRow(1, BANK, "refused", "closed"),
        (AddMessage(MESSAGE), KeepBankMessage(BankMessageRow(1, BANK, "queued", None, T1))),
    ),
    Case(
        AddBankLine(MESSAGE, Direction.DEBIT, 500, "BOOK", DAY, NEXT),
        lambda s: [line.amount_fen for line in s.clearing(BANK, message=1).theirs],
        [500],
        (AddMessage(MESSAGE),),
    ),
    Case(SetFault(FAULT, NEXT), lambda s: s.faults(), [(FAULT, T0)]),
    Case(ClearFaults(BANK), lambda s: s.faults(), [], (SetFault(FAULT, BASE),)),
    Case(
        BATCH,
        lambda s: [made and made.entry for made in (s.act(batch=1), s.act(batch="batch-1"))],
        [NEXT] * 2,
    ),
    Case(
        SettleMessages(1, None),
        lambda s: (s.message(1).batch, s.unsettled()),
        (1, []),
        (*ACCEPTED, BATCH),
    ),
    Case(
        AddCorrection(1, "amount", Direction.DEBIT, 100, "why", 1, NEXT),
        lambda s: [each.amount_fen for each in s.clearing(BANK, DAY, message=1).corrections],
        [100],
        (AddMessage(MESSAGE),),
    ),
    # --- cases
    Case(AddCase(CASE), lambda s: s.case("case-1"), CASE, (AddPacket(PACKET),)),
    Case(
        CloseCase(1, "released", NEXT),
        lambda s: s.case("case-1"),
        CASE._replace(state="released", closed=NEXT),
        HELD,
    ),
    Case(EscalateCase(1), lambda s: s.case(1).state, "escalated", HELD),
    Case(
        AddOpinion(NEXT, 1, 1, "approve", "fine"),
        lambda s: s.case(1).opinions,
        ((NEXT, 1, "Chen", "approve", "fine", T0),),
        HELD,
    ),
    # --- guards
    Case(KeepHabit(ZHANG, HabitRow(1, "{}")), lambda s: s.habit(ZHANG).kept, HabitRow(1, "{}")),
    Case(
        KeepHabit(ZHANG, HabitRow(2, "{2}")),
        lambda s: s.habit(ZHANG).kept,
        HabitRow(2, "{2}"),
        (KeepHabit(ZHANG, HabitRow(1, "{}")),),
    ),
    Case(
        AddStop(NEXT, ZHANG, "asked"),
        lambda s: [row.entry for row in s.judged(ZHANG, request_id="asked")],
        [NEXT],
    ),
    Case(AddChallenge(CHALLENGE), challenge, CHALLENGE),
    Case(CountTry(1), challenge, CHALLENGE._replace(tries=1), ASKED),
    Case(
        PassChallenge(1, T2),
        challenge,
        CHALLENGE._replace(state="passed", expires_at=T2),
        ASKED,
    ),
    Case(SetChallenge(1, "failed"), challenge, CHALLENGE._replace(state="failed"), ASKED),
    Case(SetChallenge(1, "used", NEXT), challenge, CHALLENGE._replace(state="used"), ASKED),
    # --- bills
    Case(
        BILL,
        lambda s: (list(s.bill_rows(1)), [bill.id for bill in s.bills(ZHANG)]),
        ([LINE], ["bill-1"]),
    ),
    Case(
        RemoveBill(1, NEXT),
        lambda s: (list(s.bill_rows(1)), s.bills(ZHANG), bool(s.bills(None, called="bill-1"))),
        ([], [], True),
        (BILL,),
    ),
]
