"""The drawer: everything that knows SQL, and nothing that decides."""

from hongbao.drawer.cases import Cases
from hongbao.drawer.channel import Channel
from hongbao.drawer.devices import Devices
from hongbao.drawer.engine import BUSY_SECONDS, FORM, RESTORE
from hongbao.drawer.external import External
from hongbao.drawer.history import History
from hongbao.drawer.looking import Looking
from hongbao.drawer.packets import Packets
from hongbao.drawer.people import People
from hongbao.drawer.risk import Risk
from hongbao.drawer.rows import (
    EMPTY_HEAD,
    ActRow,
    BankMessageRow,
    BatchRow,
    BillFileRow,
    CardRow,
    CaseActRow,
    CaseRow,
    ChallengeRow,
    ChangeRow,
    ClaimRow,
    DeviceRow,
    EntryRow,
    EventRow,
    Head,
    HeldRow,
    Holder,
    HomeRow,
    JudgedRow,
    Marks,
    MessageRow,
    MovedRow,
    Movement,
    OperatorRow,
    OpinionRow,
    PacketRow,
    PinRow,
    ProfileRow,
    RecordsRow,
    TakenRow,
)

__all__ = [
    "BUSY_SECONDS",
    "EMPTY_HEAD",
    "FORM",
    "RESTORE",
    "ActRow",
    "BankMessageRow",
    "BatchRow",
    "BillFileRow",
    "CardRow",
    "CaseActRow",
    "CaseRow",
    "ChallengeRow",
    "ChangeRow",
    "ClaimRow",
    "DeviceRow",
    "EntryRow",
    "EventRow",
    "Head",
    "HeldRow",
    "Holder",
    "HomeRow",
    "JudgedRow",
    "Marks",
    "MessageRow",
    "MovedRow",
    "Movement",
    "OperatorRow",
    "OpinionRow",
    "PacketRow",
    "PinRow",
    "ProfileRow",
    "RecordsRow",
    "Store",
    "TakenRow",
]


class Store(People, Devices, Packets, Channel, Risk, Cases, External, History, Looking):
    """
    One open ledger: its books, its people, its packets, its payments, its guards and its past.

    Reads outside `transaction` see the last committed state. Every method speaks the domain's
    words; which engine lies below is nobody else's business.
    """
