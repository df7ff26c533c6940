"""
The values that hongbao asks for if they were left out, and what there is to choose from.

A value of this kind is declared once: shells complete it, `last` is the newest of it, and on a
terminal a missing one is asked for, from a list if it can be listed. Nothing is asked of a program.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hongbao import errors
from hongbao.commands.caller import Caller
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.domain.ids import parse_challenge_id, parse_packet_id
from hongbao.domain.money import parse_yuan
from hongbao.domain.text import parse_profile_name
from hongbao.errors import HongbaoError
from hongbao.units import yuan
from hongbao.words import N_, in_language

if TYPE_CHECKING:
    from hongbao.answers import DeviceLine, PacketLine
    from hongbao.ui.picker import Choice
    from hongbao.wallet import Wallet

LAST = ("last", "@")
"""What the newest is called. No id can be: none has so few letters, and no ``@``."""


class Newest:
    """The newest, until it can be looked up: whose it is may be typed behind it."""


NEWEST = Newest()


class Asked:
    """A value that a terminal is asked for, as text, if it was left out; *read* reads it."""

    list_command = ""
    """The command that lists what there is to choose from, if one does."""

    def __init__(self, question: str, read: Callable[[str], Any] = str) -> None:
        self.question = question
        self.read = read
        self.__name__ = question  # the command-line library asks a reader for its name

    def __call__(self, text: str) -> Any:
        return self.read(text)

    def ask(self, call: Caller, flag: str) -> Any:
        return call.ask(self.question, flag=flag, read=self.read)


class Chosen(Asked):
    """
    A value that is one of a list; *find* looks the list up, the newest first.

    *kind* says what there is none of, if the list is empty (see `NothingFits`). If it *has_last*,
    `LAST` is the newest of it.
    """

    def __init__(
        self,
        question: str,
        find: "Callable[[Wallet], Sequence[Choice]]",
        *,
        kind: str,
        list_command: str,
        read: Callable[[str], Any] = str,
        has_last: bool = False,
    ) -> None:
        super().__init__(question, read)
        self.find = find
        self.kind = kind
        self.list_command = list_command
        self.has_last = has_last

    def __call__(self, text: str) -> Any:
        if self.has_last and text.strip().casefold() in LAST:
            return NEWEST
        return self.read(text)

    def complete(self, ctx: Context, incomplete: str) -> list[tuple[str, str]]:
        """Return what a shell offers; nothing if the home is not there or would prompt."""
        call = ctx.find_object(Caller)
        assert call is not None
        try:
            found = self._offered(call)
        except HongbaoError:
            return []
        offered = [(choice.value, " · ".join(choice.about)) for choice in found]
        if self.has_last and found:
            offered.append((LAST[0], found[0].row))
        return offered

    def ask(self, call: Caller, flag: str) -> Any:
        return self.read(call.choose(self.question, self._some(call), flag=flag))

    def newest(self, call: Caller) -> Any:
        """Return the newest. Raises NothingFits."""
        return self.read(self._some(call)[0].value)

    def _some(self, call: Caller) -> "Sequence[Choice]":
        found = self._found(call)
        if not found:
            raise errors.NothingFits(self.kind, list_command=self.list_command)
        return found

    def _found(self, call: Caller) -> "Sequence[Choice]":
        with call.wallet() as wallet:
            return self.find(wallet)

    def _offered(self, call: Caller) -> "Sequence[Choice]":
        """Return what is found without a message and without a prompt."""
        from hongbao.wallet import Wallet

        with Wallet.open(call.env, profile=call.acting_as, passphrase=None) as wallet:
            return self.find(wallet)


class Listed(Chosen):
    """A value out of a list that is the same in every home."""

    def __init__(self, question: str, find: "Callable[[], Sequence[Choice]]", help: str) -> None:
        super().__init__(question, lambda _wallet: find(), kind="", list_command=help)
        self._values = find

    def values(self) -> tuple[str, ...]:
        """Return the values, for a shell that offers them."""
        return tuple(choice.value for choice in self._values())

    def _found(self, call: Caller) -> "Sequence[Choice]":
        return self._values()

    _offered = _found


def argument(asked: Asked, *, metavar: str, help: str) -> Any:
    """Return an argument that is *asked* for if it is left out."""
    complete = asked.complete if isinstance(asked, Chosen) else None
    return Argument(metavar=metavar, parser=asked, autocompletion=complete, help=help)


def option(asked: Asked, *names: str, metavar: str, help: str) -> Any:
    """Return an option that is *asked* for if it is left out."""
    complete = asked.complete if isinstance(asked, Chosen) else None
    return Option(*names, metavar=metavar, parser=asked, autocompletion=complete, help=help)


# --- what there is to choose from ----------------------------------------------------------------


def choice(value: str, *about: str) -> "Choice":
    from hongbao.ui.picker import Choice

    return Choice(value, tuple(each for each in about if each))


def _packets(
    which: str | None = None, fits: "Callable[[PacketLine], bool]" = lambda _line: True
) -> "Callable[[Wallet], Sequence[Choice]]":
    def find(wallet: "Wallet") -> "Sequence[Choice]":
        return [_packet(line) for line in wallet.packets(which) if fits(line)]

    return find


def _packet(line: "PacketLine") -> "Choice":
    shares = f"{line['claimed_count']}/{line['count']}"
    return choice(line["packet"], line["sender"], yuan(line["total_fen"]), shares, line["greeting"])


CLAIMABLE = Chosen(
    N_("packet"),
    _packets("claimable"),
    kind="claimable",
    list_command="hongbao packets --claimable",
    read=parse_packet_id,
    has_last=True,
)
"""Packets that the one who acts can claim."""

PACKET = Chosen(
    N_("packet"),
    _packets(),
    kind="packet",
    list_command="hongbao packets",
    read=parse_packet_id,
    has_last=True,
)

DUE = Chosen(
    N_("packet"),
    _packets("sent", lambda line: line["state"] == "expired"),
    kind="due",
    list_command="hongbao packets --sent",
    read=parse_packet_id,
    has_last=True,
)
"""Packets of which something is due back to the one who acts."""

CLOSED = Chosen(
    N_("packet"),
    _packets(fits=lambda line: line["state"] in ("finished", "refunded")),
    kind="closed",
    list_command="hongbao packets",
    read=parse_packet_id,
    has_last=True,
)
"""Packets whose seed is published, so that they can be verified."""


def _movements(name: str) -> "Callable[[Wallet], Sequence[Choice]]":
    """Return a look-up of the newest movements, by their packet or else by the key *name*."""

    def find(wallet: "Wallet") -> "Sequence[Choice]":
        return [each for _entry, each in _moved(wallet, name)]

    return find


_MOVEMENTS = 50
"""How many movements, or requests that made none, are offered."""


def _moved(wallet: "Wallet", name: str) -> "list[tuple[int, Choice]]":
    """Return the newest movements, each with its entry; of one packet's, the newest alone."""
    from hongbao.ui import wording

    found: dict[str, tuple[int, Choice]] = {}
    lines: Sequence[Mapping[str, Any]] = wallet.history(limit=_MOVEMENTS)["movements"]
    for line in lines:
        value = line["packet"] or line[name]
        who = line["counterparty"] or line["card"] or ""
        about = wording.act(line["act"]), yuan(line["amount_fen"] or line["card_fen"] or 0), who
        offered = choice(value, *about, wording.when(line["at"]))
        found.setdefault(value, (line["entry"], offered))
    return list(found.values())


def _judged(wallet: "Wallet") -> "Sequence[Choice]":
    """Return what risk control judged, the newest first: movements, and what it stopped."""
    from hongbao.ui import risk, wording

    found = {each.value: (entry, each) for entry, each in _moved(wallet, "request_id")}
    for stop in wallet.stopped(_MOVEMENTS):
        about = risk.what(stop.what), yuan(stop.amount_fen), risk.answer(stop.verdict)
        offered = choice(stop.request_id, *about, wording.when(stop.at))
        found[stop.request_id] = max(
            found.get(stop.request_id, (0, offered)), (stop.entry, offered)
        )
    return [each for _entry, each in sorted(found.values(), reverse=True)]


def _traceable(wallet: "Wallet") -> "Sequence[Choice]":
    """Return payments that wait for their bank, then movements and packets, the newest first."""
    from hongbao.ui import wording

    waiting = [choice(payment, wording.message_state("sent")) for payment in wallet.under_way()]
    lines = wallet.packets()
    packets = {line["packet"]: line["created_at"] for line in lines}
    moved = {
        line["packet"] or line["request_id"]: line["at"]
        for line in reversed(wallet.history(limit=50)["movements"])
    }
    about = {each.value: each for each in _movements("request_id")(wallet)}
    about |= {line["packet"]: _packet(line) for line in lines}
    order = {**packets, **moved}
    newest = sorted(order, key=lambda value: order[value], reverse=True)
    return [*reversed(waiting), *(about[value] for value in newest if value in about)]


TRACEABLE = Chosen(
    N_("packet or payment"),
    _traceable,
    kind="movement",
    list_command="hongbao history",
    has_last=True,
)

RECEIPT = Chosen(
    N_("movement"),
    _movements("id"),
    kind="movement",
    list_command="hongbao history",
    has_last=True,
)
"""The subjects of receipts: the newest movements, by packet or else by id."""

REQUEST = Chosen(
    N_("request"),
    _judged,
    kind="movement",
    list_command="hongbao history",
    has_last=True,
)


def _cases(*, closed: bool) -> "Callable[[Wallet], Sequence[Choice]]":
    def find(wallet: "Wallet") -> "Sequence[Choice]":
        lines = wallet.cases(closed=closed, limit=100)["cases"]
        found = [
            choice(line["case"], yuan(line["amount_fen"]), in_language(line["why"]))
            for line in lines
        ]
        return found if closed else found[::-1]

    return find


OPEN_CASE = Chosen(
    N_("case"),
    _cases(closed=False),
    kind="open_case",
    list_command="hongbao review list",
    has_last=True,
)

CASE = Chosen(
    N_("case"),
    _cases(closed=True),
    kind="case",
    list_command="hongbao review list --all",
    has_last=True,
)

CHALLENGE = Chosen(
    N_("challenge"),
    lambda wallet: [
        choice(line["challenge"], yuan(line["amount_fen"] or 0), in_language(line["why"]))
        for line in sorted(wallet.challenges(), key=lambda line: line["at"], reverse=True)
    ],
    kind="challenge",
    list_command="hongbao challenge list",
    read=parse_challenge_id,
    has_last=True,
)

BILL = Chosen(
    N_("bill"),
    lambda wallet: [
        choice(line["bill"], line["file"])
        for line in sorted(wallet.bills(), key=lambda line: line["imported_at"], reverse=True)
    ],
    kind="bill",
    list_command="hongbao import --list",
    has_last=True,
)

DIFFERENCE = Chosen(
    N_("payment"),
    lambda wallet: [
        choice(line["message"], line["profile"], yuan(line["amount_fen"]), line["date"])
        for line in reversed(wallet.reconcile()["differences"])
        if not line["corrected"]
    ],
    kind="difference",
    list_command="hongbao reconcile",
    has_last=True,
)
"""Today's payments about which a bank says something else than we do."""

CARD = Chosen(
    N_("card"),
    lambda wallet: [
        choice(line["card"], line["bank_name"], line["number"]) for line in wallet.cards()
    ],
    kind="card",
    list_command="hongbao card list",
)

OTHER_PROFILE = Chosen(
    N_("profile"),
    lambda wallet: [choice(line["profile"]) for line in wallet.profiles() if not line["current"]],
    kind="profile",
    list_command="hongbao profiles",
)
"""Everybody but the one whom `use` has chosen."""

OPERATOR = Chosen(
    N_("operator"),
    lambda wallet: [choice(line["operator"]) for line in wallet.operators()],
    kind="operator",
    list_command="hongbao operator list",
)


def _devices(fits: "Callable[[DeviceLine], bool]", kind: str = "device") -> Chosen:
    return Chosen(
        N_("device"),
        lambda wallet: [
            choice(line["device"], line["city"]) for line in wallet.devices() if fits(line)
        ],
        kind=kind,
        list_command="hongbao device list",
    )


DEVICE = _devices(lambda _line: True)

OTHER_DEVICE = _devices(lambda line: not line["current"], "other_device")
"""Devices that can be removed: all but the one that acts."""

WAITING_DEVICE = _devices(lambda line: line["state"] == "pending", "waiting_device")

CUT_DEVICE = _devices(lambda line: line["cut_at"] is not None)
"""Devices whose session was ended."""


# --- lists that are the same in every home -------------------------------------------------------


def _banks() -> "Sequence[Choice]":
    from hongbao.domain.identity import BANKS
    from hongbao.ui import wording

    return [choice(bank.code, wording.bank_name(bank.code)) for bank in BANKS]


def _places() -> "Sequence[Choice]":
    from hongbao.domain.policy import CHANNELS
    from hongbao.ui import wording

    return [*_banks(), *(choice(code, wording.channel(code)) for code in CHANNELS)]


def _bank_faults() -> "Sequence[Choice]":
    from hongbao.domain.channel import Fault
    from hongbao.ui import wording

    return [*(choice(str(fault), wording.fault(str(fault))) for fault in Fault), choice("off")]


def _cities() -> "Sequence[Choice]":
    from hongbao.domain.risk.places import PLACES

    return [choice(place.code, place.name_zh) for place in PLACES]


def _formats() -> "Sequence[Choice]":
    from hongbao import statements

    return [choice(name, " ".join(statements.endings(name))) for name in statements.FORMATS]


BANK = Listed(N_("bank"), _banks, "hongbao bank list")
PLACE = Listed(N_("bank or channel"), _places, "hongbao bank list")
BANK_FAULT = Listed(N_("fault"), _bank_faults, "hongbao bank fault --help")
DEVICE_FAULT = Listed(
    N_("fault"),
    lambda: [choice(name) for name in ("replay", "forge", "none")],
    "hongbao device fault --help",
)
CITY = Listed(N_("city"), _cities, "hongbao device move --help")
FORMAT = Listed(N_("format"), _formats, "hongbao export --help")
TEXT_FORMAT = Listed(
    N_("format"),
    lambda: [each for each in _formats() if each.value not in ("pdf", "wechat-xlsx", "xlsx")],
    "hongbao export --help",
)
"""What a terminal can show."""

REPORT_FORMAT = Listed(
    N_("format"), lambda: [choice(name) for name in ("csv", "json")], "hongbao review report --help"
)

# --- what can be anything ------------------------------------------------------------------------

AMOUNT = Asked(N_("amount, in yuan"), parse_yuan)
NEW_DEVICE = Asked(N_("name of the new device"))
NEW_PROFILE = Asked(N_("name of the new profile"), parse_profile_name)
REASON = Asked(N_("reason, for later readers"))
