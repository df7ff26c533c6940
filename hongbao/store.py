"""The drawer: everything that knows SQL, and nothing that decides."""

from hongbao.engines.sqlcipher.cases import Cases
from hongbao.engines.sqlcipher.channel import Channel
from hongbao.engines.sqlcipher.devices import Devices
from hongbao.engines.sqlcipher.engine import BUSY_SECONDS, FORM, RESTORE
from hongbao.engines.sqlcipher.external import External
from hongbao.engines.sqlcipher.history import History
from hongbao.engines.sqlcipher.looking import Looking
from hongbao.engines.sqlcipher.packets import Packets
from hongbao.engines.sqlcipher.people import People
from hongbao.engines.sqlcipher.risk import Risk
from hongbao.engines.sqlcipher.rows import (
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
