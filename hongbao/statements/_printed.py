"""
The printed statement for people (html, pdf): its facts and words, in English and in Chinese.

The words are the catalogue's, in the language of the sheet's style: a page keeps its language,
its format. How the page looks is the business of each format that prints one.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from hongbao.statements import Sheet
from hongbao.statements._wording import plain
from hongbao.units import CHINA, clock, yuan
from hongbao.words import N_, SANDBOX, spoken

if TYPE_CHECKING:
    from hongbao.answers import MovementLine

Facts = list[tuple[str, str]]
"""What is said of something: a name and a value each."""


Row = dict[str, str]
"""A movement, cell by cell, under the names of `COLUMNS`."""

COLUMNS = {
    "entry": N_("entry"),
    "at": N_("time"),
    "what": N_("what"),
    "other": N_("with"),
    "packet": N_("packet"),
    "card": N_("card"),
    "amount": N_("amount"),
    "balance": N_("balance"),
}
"""The columns side by side, and their headings."""

RIGHT = frozenset({"entry", "card", "amount", "balance"})
"""The columns that are numbers, and stand at the right."""

_SENT = {
    "lucky": N_("lucky packet sent · for {count}"),
    "equal": N_("equal packet sent · for {count}"),
    "exclusive": N_("exclusive packet sent"),
}

_WORDS = {
    "topup": N_("top-up"),
    "withdraw_returned": N_("withdrawal returned"),
    "claim": N_("packet claimed"),
    "released": N_("held packet released"),
    "approved": N_("held packet approved"),
    "refund": N_("packet returned"),
    "refund_to_balance": N_("refund went to the balance instead"),
    "returned": N_("held packet returned"),
    "rejected": N_("held packet rejected"),
}

_OF_A_WITHDRAWAL = {
    "returned": N_("held withdrawal returned"),
    "rejected": N_("held withdrawal rejected"),
}

_STANDS = {
    "held": N_("on hold"),
    "on_its_way": N_("in transit"),
    "came_back": N_("did not arrive"),
}
"""How a payment to a card stood at the end of the period, unless it had arrived."""

_TO_A_CARD = frozenset({"withdraw", "refund", "returned", "rejected"})

COMMAND = "hongbao verify-statement FILE"
"""What tells whether a statement is genuine."""


class Printed:
    """
    A sheet as it is printed, in words and amounts. Its rows come one by one, oldest first.

    Each text is on one line and holds nothing that a screen would obey (see `plain`), but may hold
    what a format gives a meaning.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._say = spoken(sheet.style.language)

    @property
    def language(self) -> str:
        """The language as HTML and PDF name it."""
        return "zh-CN" if self._sheet.style.language.startswith("zh") else "en"

    @property
    def title(self) -> str:
        """The title of the page; that of a sandbox says what it is."""
        title = self._begun(N_("statement"))
        return f"{SANDBOX} · {title}" if self._sheet.statement.sandbox else title

    @property
    def name(self) -> str:
        """The name of the page: its kind, holder and period."""
        return f"{self.title} · {plain(self._sheet.statement.profile)} · {self.period}"

    @property
    def period(self) -> str:
        """
        From when to when, in China's days where it is whole days.

        An end that is open, or has not come yet, is the last entry's time: what comes after it
        cannot be known here.
        """
        statement = self._sheet.statement
        begins, ends = _day(statement.begins_at), clock(statement.ends_at)
        if statement.ends_at == statement.until and _is_midnight(statement.ends_at):
            ends = _day(statement.ends_at - timedelta(days=1))
        return self._say(N_("{since} to {until}"), since=begins, until=ends)

    @property
    def who(self) -> Facts:
        """The holder, as far as known: the numbers are masked, unless it was asked for in full."""
        holder = self._sheet.statement.holder
        facts = [(N_("profile"), plain(self._sheet.statement.profile))]
        if holder["real_name"] is None:
            facts.append((N_("real name"), self._say(N_("not verified"))))
        else:
            facts.append((N_("real name"), plain(holder["real_name"])))
        if holder["id_number"] is not None:
            facts.append((N_("ID number"), plain(holder["id_number"])))
        facts += [
            (N_("card"), self._card(card["bank"], plain(card["number"])))
            for card in holder["cards"]
        ]
        return [(self._begun(name), fact) for name, fact in facts]

    @property
    def sums(self) -> Facts:
        """The sums: opening balance, money in and out, closing balance."""
        statement = self._sheet.statement
        return [
            (self._begun(name), fact)
            for name, fact in (
                (N_("opening balance"), yuan(statement.opening_fen)),
                (N_("money in"), yuan(statement.in_fen)),
                (N_("money out"), yuan(statement.out_fen)),
                (N_("closing balance"), yuan(statement.closing_fen)),
                (N_("movements"), str(statement.count)),
            )
        ]

    @property
    def headings(self) -> Row:
        """The headings of the columns."""
        return {column: self._begun(heading) for column, heading in COLUMNS.items()}

    def rows(self) -> Iterator[Row]:
        """Return the movements' rows, which are read as they are asked for."""
        return map(self._row, self._sheet.lines)

    @property
    def count(self) -> int:
        """The number of rows."""
        return self._sheet.statement.count

    @property
    def nothing(self) -> str:
        """What replaces the table if there is no movement."""
        return self._say(N_("No movements in this period."))

    @property
    def proof(self) -> Facts:
        """The proof: the ledger's head, and how to verify the page."""
        statement = self._sheet.statement
        return [
            (self._begun(N_("ledger's head")), self.head),
            (self._begun(N_("head's seal")), self.seal),
            (self._begun(N_("signer's public key")), statement.signer.public_key.hex()),
            (self._begun(N_("to verify this file")), COMMAND),
        ]

    @property
    def head(self) -> str:
        """The last entry that the statement rests on."""
        return self._say(N_("entry {entry}"), entry=self._sheet.statement.head["entry"])

    @property
    def seal(self) -> str:
        """That entry's seal, which covers every entry before it too."""
        return self._sheet.statement.head["mac"]

    @property
    def notes(self) -> list[str]:
        """The notes for readers of the page."""
        notes = [
            N_(
                "Amounts are in yuan: the change of the balance, and next to it the change "
                "of a bank card. Times are China's, UTC+08:00."
            )
        ]
        if self._sheet.statement.masked:
            notes.append(N_("Names are masked in this copy."))
        notes.append(
            N_(
                "hongbao is a simulation. It moves no real money, and this is not a "
                "document of a bank or payment company."
            )
        )
        return [self._say(note) for note in notes]

    @property
    def beside(self) -> str:
        """The note on the signature's file, for a format without a place for it."""
        return self._say(N_("The signature is a file next to this one, which ends in .sig."))

    def page(self, number: int, count: int) -> str:
        """Return which page of how many it is."""
        return self._say(N_("page {number} of {count}"), number=number, count=count)

    def _row(self, line: "MovementLine") -> Row:
        card_fen = line["card_fen"]
        if line["counterparty"] is None and line["bank"] is not None:
            other = self._card(line["bank"], plain(line["card_tail"] or ""))
        else:
            other = plain(line["counterparty"] or line["card"] or "")
        return {
            "entry": str(line["entry"]),
            "at": clock(datetime.fromisoformat(line["at"])),
            "what": _capital(self._what(line)),
            "other": other,
            "packet": plain(line["packet"] or ""),
            "card": "" if card_fen is None else _signed(card_fen),
            "amount": _signed(line["amount_fen"]),
            "balance": yuan(line["balance_fen"]),
        }

    def _what(self, line: "MovementLine") -> str:
        what = self._moved(line)
        if line["card_gone"]:
            return self._say(N_("{what} · the card was removed"), what=what)
        stands = _STANDS.get(line["status"])
        if stands is None or line["act"] not in _TO_A_CARD:
            return what
        return f"{what} · {self._say(stands)}"

    def _moved(self, line: "MovementLine") -> str:
        match line["act"]:
            case "send":
                return self._say(_SENT[line["packet_kind"] or "lucky"], count=line["shares"])
            case "claim" if not line["amount_fen"]:
                return self._say(N_("packet claimed · held"))
            case "withdraw" if line["fee_fen"]:
                return self._say(N_("withdrawal · fee {fee_fen}"), fee_fen=line["fee_fen"])
            case "withdraw":
                return self._say(N_("withdrawal"))
            case "returned" | "rejected" as act if line["packet"] is None:
                return self._say(_OF_A_WITHDRAWAL[act])
            case act:
                return self._say(_WORDS[act])

    def _card(self, bank: str, number: str) -> str:
        return self._say(N_("{bank} {number}"), bank=bank, number=number)

    def _begun(self, name: str) -> str:
        return _capital(self._say(name))


def _capital(said: str) -> str:
    return said[0].upper() + said[1:]


def _signed(amount_fen: int) -> str:
    return f"+{yuan(amount_fen)}" if amount_fen > 0 else yuan(amount_fen)


def _day(at: datetime) -> str:
    return clock(at)[:10] if _is_midnight(at) else clock(at)


def _is_midnight(at: datetime) -> bool:
    return at.astimezone(CHINA).time() == time.min
