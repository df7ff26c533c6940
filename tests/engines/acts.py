"""Acts on a bare ledger: who is there at first, and one way to apply, append and seal."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hongbao.changes.cards import BindCard, OpenDeposit
from hongbao.changes.devices import AddDevice, Enrol
from hongbao.changes.home import KeepRules, SetHome
from hongbao.changes.people import AddOperator, AddProfile
from hongbao.domain.chain import canonical, state
from hongbao.domain.fairness import SEED_BYTES
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.packet import DealRule, Packet, PacketKind
from hongbao.questions import Question
from hongbao.store import (
    SEALED,
    Change,
    Decided,
    EntryRow,
    HomeRow,
    PacketRow,
    ProfileRow,
    RowKey,
    Store,
    as_sealed,
    key_of,
)

T0 = datetime(2026, 2, 16, 4, 0, tzinfo=UTC)
T1 = T0 + timedelta(hours=1)
T2 = T0 + timedelta(hours=25)
DAY = "2026-02-16"
DIGEST = bytes(32)

ZHANG, LI, WANG = 1, 2, 3
NAMES = {ZHANG: "Zhang", LI: "Li", WANG: "Wang"}
TOPUP_FEN = 10_000
BANK = "cmb"

BASE = 2
"""The last entry of `found`."""

NEXT = BASE + 1


def balance(profile: int) -> Account:
    return Account(PLATFORM, Kind.BALANCE, profile)


def in_packet(number: int) -> Account:
    return Account(PLATFORM, Kind.PACKET, number)


def profile_row(number: int) -> ProfileRow:
    name = NAMES.get(number, f"profile-{number}")
    return ProfileRow(number, name, number, balance(number), T0, None, None, "card")


HOME = HomeRow(T0, None, 1, None, "rules@1", ZHANG, None, 0)


def packet_row(number: int, entry: int, *, total_fen: int = 1000, shares: int = 2) -> PacketRow:
    packet = Packet(
        number=number,
        id=f"packet-{number}",
        sender=ZHANG,
        recipient=None,
        kind=PacketKind.LUCKY,
        deal=DealRule.DOUBLE_MEAN,
        total_fen=total_fen,
        count=shares,
        share_max_fen=total_fen,
        claimed_fen=0,
        claimed_count=0,
        created_at=T0,
        expires_at=T2,
        closed_at=None,
    )
    return PacketRow(
        packet, in_packet(number), entry, None, bytes(SEED_BYTES), "好", None, "Zhang", None
    )


def send(number: int, amount_fen: int, sender: int = ZHANG) -> Transfer:
    return Transfer(balance(sender), in_packet(number), amount_fen, Reason.SEND)


def claim(number: int, amount_fen: int, claimer: int) -> Transfer:
    return Transfer(in_packet(number), balance(claimer), amount_fen, Reason.CLAIM)


def topup(profile: int, amount_fen: int) -> Transfer:
    source = Account(PLATFORM, Kind.INCOMING, 1)
    return Transfer(source, balance(profile), amount_fen, Reason.TOPUP)


def found(store: Store) -> None:
    """Make a home of three profiles, the first of which has a device, a card and money."""
    act(
        store,
        KeepRules("policy", "rules@1", "rules"),
        *(AddProfile(profile_row(n), NAMES[n].lower(), f"hash of {n}") for n in NAMES),
        SetHome(HOME),
        AddOperator(1, "Chen", "chen", "hash", T0),
        AddDevice(1, "Phone", "phone", b"p" * 32, T0),
        Enrol(ZHANG, 1, "approved", T0),
    )
    act(
        store,
        OpenDeposit(1, BANK, b"c" * 32),
        BindCard(1, ZHANG, "cmb-0001", 1, b"sealed", "0001", T0),
        transfers=[topup(ZHANG, TOPUP_FEN)],
    )
    assert store.head().entry == BASE


def act(store: Store, *changes: Change, **told: Any) -> int:
    """Do one act in a transaction of its own, and return its entry."""
    with store.transaction():
        return add(store, *changes, **told)


def add(store: Store, *changes: Change, **told: Any) -> int:
    """Apply *changes* as one act, and seal it."""
    decided = decide(store, *changes, **told)
    store.append([decided], seal)
    return int(str(decided.fields[0]))


def decide(
    store: Store,
    *changes: Change,
    transfers: Sequence[Transfer] = (),
    profile: int | None = ZHANG,
    request_id: str | None = None,
    entry: int | None = None,
    name: str = "send",
    **columns: Any,
) -> Decided:
    """
    Apply *changes* as what an act has decided, and return it as the chain takes it.

    *columns* are those of its entry that matter where they are asked for.
    """
    entry = store.head().entry + 1 if entry is None else entry
    store.apply(changes)
    fields = EntryRow(
        id=entry,
        act=name,
        profile=profile,
        request_id=request_id or f"request-{entry}",
        inputs=DIGEST,
        packet=None,
        counterparty=None,
        amount_fen=0,
        balance_fen=None,
        policy=None,
        at=T0,
        clock="real",
        facts="{}",
        generation=1,
        risk="{}",
    )._replace(**columns)
    rows = [(row, digest_of(store, row)) for row in sealed_by(changes)]
    return Decided(fields.sealed_fields, transfers, rows, None)


def sealed_by(changes: Iterable[Change]) -> list[RowKey]:
    touched = {row for change in changes for row in change.touches if row[0] in SEALED}
    return sorted(touched, key=lambda row: (row[0], key_of(row)))


def digest_of(store: Store, row: RowKey) -> bytes | None:
    values = store.state(row).values
    return None if values is None else hashlib.sha256(state(row[0], key_of(row), values)).digest()


def seal(before: bytes, content: bytes) -> bytes:
    """Stand in for the vault: what seals an entry's bytes upon the MAC *before*."""
    return hashlib.sha256(before + content).digest()


def mac_of(before: bytes, acts: Sequence[Decided]) -> bytes:
    """Return what seals *acts* upon the MAC *before*, where they have one chain."""
    return seal(before, canonical([as_sealed(act) for act in acts]))


def states(store: Store) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Return every row of state."""
    return {
        (table, key): row for table in SEALED for key, row in store.audit(Question.STATES, table)
    }


def picture(store: Store) -> dict[str, Any]:
    """Return all that the chain and the state say: two ledgers with one picture are the same."""
    with store.snapshot():
        return {
            "head": store.head(),
            "states": states(store),
            "seals": sorted(store.audit(Question.LAST_SEALS)),
            "acts": list(store.audit(Question.SEALED_ACTS)),
            "transfers": list(store.audit(Question.SEALED_TRANSFERS)),
            "rows": list(store.audit(Question.SEALED_ROWS)),
            "balances": [store.balance_fen(balance(profile)) for profile in NAMES],
            "numbers": [store.next_number(table) for table in ("packet", "message", "profile")],
        }
