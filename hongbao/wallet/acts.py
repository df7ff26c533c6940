"""The context of an act: what it may read, and the changes that it wants written."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hongbao.domain.ids import request_id as make_request_id
from hongbao.domain.ledger import Transfer
from hongbao.domain.risk.record import Record
from hongbao.store import CaseRow, DeviceRow, HomeRow, ProfileRow
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import Answer
    from hongbao.home.opened import Home
    from hongbao.store import Change


class Doing:
    """
    An act while it is decided: what it will change, and nothing of that is changed yet.

    *entry* is the id that the act's entry will have; *now* is the ledger's clock. The work adds
    transfers with `post` and other changes with `change`, draws with *chance*, and says with
    *packet*, *counterparty* and *message* what its entry is about. All of it is applied together,
    once the work has been done to its end.
    """

    def __init__(
        self,
        home: "Home",
        *,
        entry: int,
        now: datetime,
        home_row: HomeRow,
        home_before: HomeRow | None,
        request_id: str | None,
    ) -> None:
        self.entry = entry
        self.now = now
        self.home_row = home_row
        self.home_before = home_before
        epoch = 0 if home_row.dice is None else home.store.head().restored
        self.chance = Chance(home.env.chance, home_row, epoch)
        self.request_id = request_id or make_request_id(self.chance(16))
        self.packet: int | None = None
        self.counterparty: int | None = None
        self.message: int | None = None
        self.transfers: list[Transfer] = []
        self.changes: list[Change] = []

    def post(self, *transfers: Transfer) -> None:
        """Add *transfers* to the act."""
        self.transfers += transfers

    def change(self, *changes: "Change") -> None:
        """Add *changes* to the act."""
        self.changes += changes

    def set_home(self, **facts: Any) -> None:
        """Change what is true of the whole home, as `HomeRow` names it."""
        self.home_row = self.home_row._replace(**facts)

    @property
    def common(self) -> "Answer":
        """The keys that every answer begins with."""
        return {"request_id": self.request_id, "at": iso(self.now)}


class Act(Doing):
    """
    An act that is about one profile, *me*; *balance_fen* follows what is posted.

    *inputs* is the digest of what was asked; *record* is how risk control judged it, and *cases*
    are those that it opened.
    """

    device: DeviceRow | None = None
    """What it is done from; None if no request caused it, or if its signature is not believed."""

    def __init__(self, home: "Home", *, me: ProfileRow, inputs: bytes = b"", **facts: Any) -> None:
        super().__init__(home, **facts)
        self.me = me
        self.inputs = inputs
        self.record: Record | None = None
        self.cases: list[CaseRow] = []
        self.before_fen = self.balance_fen = home.balance_fen(me)

    def post(self, *transfers: Transfer) -> None:
        mine = self.me.account
        for transfer in transfers:
            self.transfers.append(transfer)
            if transfer.debit == mine:
                self.balance_fen -= transfer.amount_fen
            if transfer.credit == mine:
                self.balance_fen += transfer.amount_fen


class Chance:
    """
    Random bytes for one act.

    A demo home has dice instead: each draw is the next number of a stream that its seed fixes, so
    that the same commands give the same ledger again. Keys and salts never come from here.

    The *epoch* is the entry of the last restore, or 0: the dice of a ledger that came back from a
    copy are others, or they would give ids again that were given in the one it takes the place of.
    """

    def __init__(self, random: Callable[[int], bytes], home: HomeRow, epoch: int = 0) -> None:
        self._random = random
        self._dice = home.dice
        self._epoch = b"@%d/" % epoch if epoch else b""
        self.drawn = home.dice_drawn

    def __call__(self, length: int) -> bytes:
        if self._dice is None:
            return self._random(length)
        import hmac

        self.drawn += 1
        blocks = -(-length // 32)  # each is what SHA-256 gives; the first has no number
        numbers = (b"" if block == 0 else b"/%d" % block for block in range(blocks))
        start = b"%b%d" % (self._epoch, self.drawn)
        drawn = (hmac.digest(self._dice, start + n, "sha256") for n in numbers)
        return b"".join(drawn)[:length]
