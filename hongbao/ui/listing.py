"""
Lists, each declared once: its columns serve the screen, pipes, CSV, help and completion.

A column is named by its key in the answer's JSON, in every language. An amount has two names: its
key, such as ``amount_fen``, for whole fen, and ``amount_yuan`` for the same in yuan.

What a list prints into a pipe without any option never changes: scripts count its columns.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hongbao import rows
from hongbao.errors import UnknownColumn
from hongbao.ui.screen import Cell, Column, Row, is_terminal, line, pipe, safe, table
from hongbao.units import yuan
from hongbao.words import N_, _

Answered = Mapping[str, Any]

HELP = "help"
"""What is typed instead of names, to see them."""

FEN, YUAN = "_fen", "_yuan"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

_BOM = "\ufeff"
_YES, _NO = "true", "false"


class Field(rows.Row):
    """
    One column of a list: the *key* of its value in a row, and its *head* on the screen.

    *says* explains it in one line, if `_SAYS` does not. *text* gives its value for programs, where
    that is not the plain one; *show* gives its cell on the screen, where that is another.
    """

    key: str
    head: Column = Column("")
    show: Callable[[Any], Cell | str] | None = None
    text: Callable[[Any], object] | None = None
    says: str = ""

    @property
    def name(self) -> str:
        """The name in a header: that of an amount says that it is in yuan."""
        return self.key.removesuffix(FEN) + YUAN if self.key.endswith(FEN) else self.key


class Pick(rows.Row):
    """A column as it was asked for: its *name*, which of an amount says the unit, and its field."""

    name: str
    field: Field

    def value(self, row: Answered) -> object:
        """Return the value for programs: a text, a number, or None."""
        if self.field.text is not None:
            return self.field.text(row)
        value = row[self.field.key]
        return yuan(value) if self.is_yuan and value is not None else _plain(value)

    @property
    def is_yuan(self) -> bool:
        return self.name.endswith(YUAN) and self.name != self.field.key

    def cell(self, row: Answered) -> Cell | str:
        """Return what a person sees."""
        if self.field.show is not None and self.name == self.field.name:
            return self.field.show(row)
        value = self.value(row)
        return "" if value is None else safe(str(value))

    def head(self) -> Column:
        """Return the heading on the screen; a column that has none is called by its name."""
        head = self.field.head
        if head.title and self.name == self.field.name:
            return head._replace(title=_(head.title))
        return head._replace(title=self.name, below=True, named=True)


class Layout(rows.Row):
    """How a list was asked for: in which form, and with which *columns*."""

    header: bool = False
    csv: str | None = None
    columns: str | None = None

    @property
    def is_for_programs(self) -> bool:
        return self.header or self.csv is not None


class Listing(rows.Row):
    """
    One list: the key of its *rows* in the answer, which without one is the only row itself.

    *fields* are printed into a pipe, in this order for ever; *more* are printed where they are
    asked for. *screen* names the columns that a terminal shows, and may have some that only a
    terminal has. *every* finds the rows where they are not simply a list in the answer. *empty* is
    said where there are none. *facts* are keys of the answer that a pipe gets behind the rows, each
    on a line after its name. A list that *is_part* of what a pipe gets is printed there by another.
    """

    rows: str
    fields: tuple[Field, ...]
    more: tuple[Field, ...] = ()
    screen: tuple[str | Field, ...] = ()
    empty: str = ""
    every: Callable[[Any], Iterable[Any]] | None = None
    facts: tuple[str | Field, ...] = ()
    is_part: bool = False

    # --- its columns -----------------------------------------------------------------------------

    def names(self) -> dict[str, Field]:
        """Return every name that can be asked for, the default ones first."""
        named = {field.name: field for field in (*self.fields, *self.more)}
        return named | {field.key: field for field in named.values()}

    def picked(self, columns: str | None, default: Sequence[Pick]) -> list[Pick]:
        """
        Return the columns that were typed: ``a,b`` chooses and orders, ``+c`` adds to *default*.

        Raises UnknownColumn.
        """
        if columns is None:
            return [*default]
        names = self.names()
        asked = columns.replace("\uff0c", ",").strip()
        adds = asked.startswith("+")
        typed = [part.strip().removeprefix("+") for part in asked.split(",")]
        for name in typed:
            if name not in names:
                known = [field.name for field in (*self.fields, *self.more)]
                raise UnknownColumn(name, known=", ".join(known))
        picks = [Pick(name, names[name]) for name in typed]
        return [*default, *(pick for pick in picks if pick not in default)] if adds else picks

    def piped(self) -> list[Pick]:
        """Return the columns that a pipe gets by default."""
        return [Pick(field.name, field) for field in self.fields]

    def shown(self) -> list[Pick]:
        """Return the columns that a terminal shows by default."""
        named = {field.key: field for field in (*self.fields, *self.more)}
        fields = [named[each] if isinstance(each, str) else each for each in self.screen]
        return [Pick(field.name, field) for field in fields] or self.piped()

    def showing(self, **shows: Callable[[Any], Cell | str]) -> Listing:
        """Return this list with other ways to show some keys: by what else is known of a row."""

        def with_shows(fields: tuple[Field, ...]) -> tuple[Field, ...]:
            return tuple(
                field._replace(show=shows[field.key]) if field.key in shows else field
                for field in fields
            )

        return self._replace(fields=with_shows(self.fields), more=with_shows(self.more))

    # --- printing --------------------------------------------------------------------------------

    def of(self, answer: Answered) -> list[Any]:
        """Return the rows in *answer*."""
        if self.every is not None:
            return [*self.every(answer)]
        return [*answer[self.rows]] if self.rows else [answer]

    def print_rows(self, rows: Sequence[Any], layout: Layout, *, is_more: bool = False) -> None:
        """Print *rows* as they were asked for; without a header if there *is_more* than these."""
        if layout.is_for_programs:
            self._print_for_programs(rows, layout, first=not is_more)
        elif is_terminal() and is_more:
            picks = self.picked(layout.columns, self.shown())
            for row in rows:
                cells = [pick.cell(row) for pick in picks]
                line("  ".join(cell if isinstance(cell, str) else cell.text for cell in cells))
        elif is_terminal():
            self.draw(rows, layout.columns)
        elif layout.columns is None:
            pipe(*([pick.value(row) for pick in self.piped()] for row in rows))
        else:
            self._print_for_programs(rows, layout, first=False)

    def print_facts(self, answer: Answered) -> None:
        """Print into a pipe what *answer* says besides its rows."""
        fields = [Field(fact) if isinstance(fact, str) else fact for fact in self.facts]
        pipe(*((field.name, Pick(field.name, field).value(answer)) for field in fields))

    def draw(
        self, rows: Sequence[Any], columns: str | None = None, *, before: Sequence[Row] = ()
    ) -> None:
        """Print *rows* as a table on the terminal, and *before* them what has no columns of its."""
        if not rows and not before:
            if self.empty:
                line(_(self.empty))
            return
        picks = self.picked(columns, self.shown())
        heads = [pick.head() for pick in picks]
        if all(head.below for head in heads):
            heads[0] = heads[0]._replace(below=False)
        if columns is not None:
            heads = [head._replace(extra=False) for head in heads]
        table(heads, [*before, *([pick.cell(row) for pick in picks] for row in rows)])

    def _print_for_programs(self, rows: Sequence[Any], layout: Layout, *, first: bool) -> None:
        picks = self.picked(layout.columns, self.piped())
        texts = [[pick.value(row) for pick in picks] for row in rows]
        names = [pick.name for pick in picks]
        if layout.csv is None:
            if first:
                print(*names, sep="\t")
            for values in texts:
                print(*map(_tab_separated, values), sep="\t")
            return
        is_excel = layout.csv == "excel"
        lines = [_comma_separated(values, picks, is_excel=is_excel) for values in texts]
        head = (_BOM if is_excel else "") + ",".join(names)
        _write_utf8("".join(f"{line}\n" for line in ([head, *lines] if first else lines)))

    def for_json(self, answer: Answered, columns: str) -> dict[str, Any]:
        """Return *answer* with only the chosen columns of its rows, by their names."""
        rows = [self.chosen(row, columns) for row in self.of(answer)]
        return {**answer, self.rows: rows} if self.rows else rows[0]

    def chosen(self, row: Answered, columns: str) -> dict[str, Any]:
        """Return only the chosen columns of *row*, by their names."""
        return {
            pick.name: pick.value(row)
            if pick.is_yuan or pick.field.key not in row
            else row[pick.field.key]
            for pick in self.picked(columns, self.piped())
        }

    # --- its help --------------------------------------------------------------------------------

    def explained(self) -> dict[str, Any]:
        """Return each name with what it is, as `--columns help` answers."""
        usual = {field.key for field in self.fields}
        return {
            "columns": [
                {"column": field.name, "says": _(_says(field)), "default": field.key in usual}
                for field in (*self.fields, *self.more)
            ]
        }

    def offered(self, incomplete: str) -> list[str]:
        """Return what a shell may complete *incomplete* to: its last name, behind the others."""
        before, comma, last = incomplete.rpartition(",")
        start = f"{before}{comma}" or ("+" if last.startswith("+") else "")
        taken = before.removeprefix("+").split(",")
        last = last.removeprefix("+")
        return [
            f"{start}{name}" for name in self.names() if name.startswith(last) and name not in taken
        ]


def show_explained(explained: Answered) -> None:
    """Print the names of a list's columns, those of the default first."""
    rows = explained["columns"]
    if not is_terminal():
        pipe(*((row["column"], row["says"]) for row in rows))
        return
    table(
        [Column(_("column")), Column(_("what it is"), below=True), Column("", below=True)],
        [
            [
                Cell(row["column"], "bold"),
                row["says"],
                Cell("" if row["default"] else _("on request"), "dim"),
            ]
            for row in rows
        ],
    )
    print()
    line(_("amounts end in _yuan, or in _fen for whole fen"))


# --- values --------------------------------------------------------------------------------------


def _plain(value: object) -> object:
    """Return *value* as one cell: a list with commas, a text in two languages in English."""
    match value:
        case bool():
            return _YES if value else _NO
        case list():
            return ",".join(str(_plain(item)) for item in value)
        case {"en": str() as text}:
            return text
    return value


def mark(key: str, text: str = "*", otherwise: str = "") -> Callable[[Any], object]:
    """Return how a pipe says whether *key* holds: by a *text*, or by what stands *otherwise*."""
    return lambda row: text if row[key] else otherwise


def named_current(key: str) -> Callable[[Any], Cell]:
    """Return how a screen shows the name in *key*: that of the current one is bold."""
    return lambda row: Cell(safe(row[key]), "bold" if row["current"] else "")


def dated(key: str) -> Callable[[Any], Cell]:
    """Return how a screen shows the day of *key*."""
    from hongbao.ui import wording

    return lambda row: Cell(wording.when(row[key])[:10], "dim")


CURRENT = Field(
    "current",
    Column(" "),
    lambda row: Cell("●" if row["current"] else " ", "red"),
    mark("current"),
)
"""What marks the row that acts, or is active."""

SIGNED = N_("the change of the balance, with its sign")


def _tab_separated(value: object) -> str:
    text = "" if value is None else str(value)
    escaped = text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n")
    return _printable(escaped)


def _comma_separated(values: Sequence[object], picks: Sequence[Pick], *, is_excel: bool) -> str:
    cells = []
    for value, pick in zip(values, picks, strict=True):
        text = "" if value is None else _printable(str(value), "\t\r\n")
        if is_excel and not pick.is_yuan and isinstance(value, str):
            text = f"'{text}" if text.startswith(_FORMULA_STARTS) else text
        if any(sign in text for sign in ',"\r\n') or (not text and len(values) == 1):
            text = '"{}"'.format(text.replace('"', '""'))
        cells.append(text)
    return ",".join(cells)


def _printable(text: str, besides: str = "") -> str:
    """Return the whole of *text*; of its control characters only those *besides* stay raw."""
    return "".join(
        c if c in besides or unicodedata.category(c) != "Cc"
        else c.encode("unicode_escape").decode()
        for c in text
    )  # fmt: skip


def _write_utf8(text: str) -> None:
    """Write *text* in UTF-8 with its line ends as they are, not as standard output has them."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


# --- what the columns are ------------------------------------------------------------------------


def _says(field: Field) -> str:
    return field.says or _SAYS[field.key]


_SAYS = {
    "about": N_("what the act was about: a case, a payment or a name"),
    "act": N_("the kind of act, as a code"),
    "actor": N_("who acted: a profile, an operator, platform, or a bank's code"),
    "amount_fen": N_("the amount"),
    "asked": N_("the requested act, as a code"),
    "at": N_("when it happened"),
    "balance_fen": N_("the balance after it"),
    "bank": N_("the bank's code"),
    "bank_name": N_("the bank's name"),
    "begins_at": N_("the first second of the period"),
    "bill": N_("the bill's ID"),
    "bound_at": N_("when the card was bound"),
    "card": N_("the card's name"),
    "card_fen": N_("what it did to the card, with its sign"),
    "card_gone": N_("true if the card that had paid was removed"),
    "card_tail": N_("the card's last four digits"),
    "cards": N_("the number of cards"),
    "case": N_("the case's ID"),
    "challenge": N_("the challenge's ID"),
    "channel": N_("the channel that payments take first"),
    "city": N_("the city's code; unknown if it is not known"),
    "claimed_count": N_("the number of shares claimed"),
    "claimed_fen": N_("the amount claimed so far"),
    "confidence": N_("how well the rule is confirmed: A, B or C"),
    "count": N_("the number of shares"),
    "counterparty": N_("the other person"),
    "counts": N_("the flows that the limit counts"),
    "created_at": N_("when it was sent"),
    "current": N_("* marks the current one"),
    "cut_at": N_("when its session was ended"),
    "decision": N_("the operator's decision: approve, reject or escalate"),
    "deposits_fen": N_("the customers' deposits"),
    "device": N_("the device's name"),
    "ends": N_("how a hold ends automatically: release or return"),
    "ends_at": N_("the last second of the period"),
    "entry": N_("the number of the ledger's entry"),
    "event": N_("the event's number"),
    "expires_at": N_("when it expires"),
    "fault": N_("the simulated fault"),
    "faults": N_("the simulated faults"),
    "fee_fen": N_("the fee"),
    "file": N_("the file's name"),
    "format": N_("the source of the bill"),
    "greeting": N_("the packet's greeting"),
    "held": N_("the case that holds it"),
    "here": N_("here if its key is on this machine, otherwise elsewhere"),
    "holder": N_("the nickname in the bill"),
    "id": N_("the ID, the same in every format"),
    "id_number": N_("the ID number, masked"),
    "imported_at": N_("when it was imported"),
    "in_fen": N_("the income"),
    "kind": N_("the kind, as a code"),
    "left_fen": N_("the amount left"),
    "limit_fen": N_("the limit"),
    "line": N_("the line of characters"),
    "name": N_("the name"),
    "neutral_fen": N_("the sum of neutral rows"),
    "number": N_("the number, masked"),
    "opened_at": N_("when it was opened"),
    "operator": N_("the operator's name"),
    "out_fen": N_("the expenses"),
    "packet": N_("the packet's ID"),
    "packet_kind": N_("the kind of packet, as a code"),
    "payment": N_("the payment's ID"),
    "period": N_("the period of the limit, as a code"),
    "person": N_("a number for the person, without a name"),
    "policy": N_("the policy's name"),
    "prefix": N_("the digits that its card numbers begin with"),
    "profile": N_("the profile's name"),
    "real_name": N_("the real name, masked"),
    "reason": N_("the reason given"),
    "recipient": N_("the only person who can claim it"),
    "refunded_fen": N_("the amount that was returned"),
    "request_id": N_("the request's ID"),
    "returns_at": N_("when the limit resets"),
    "rule": N_("the rule's name"),
    "second_needed": N_("second if another operator has to agree"),
    "sender": N_("who sent it"),
    "session": N_("the session's number"),
    "set_at": N_("when it was set"),
    "shared_with": N_("other profiles that use the device"),
    "shares": N_("the number of shares"),
    "shipped": N_("true if it comes with hongbao"),
    "since": N_("since when"),
    "sought": N_("the character to count"),
    "state": N_("the state, as a code"),
    "status": N_("the payment's status, as a code"),
    "tier": N_("the tier, as a code"),
    "title": N_("the title in English"),
    "title_zh": N_("the title in Chinese"),
    "total_fen": N_("the whole amount"),
    "tries_left": N_("the number of tries left"),
    "until": N_("when a hold ends automatically"),
    "used_fen": N_("the amount used"),
    "what": N_("the act, as a code"),
    "why": N_("what the rule says, in English"),
    "available_fen": N_("what can be spent"),
    "before_fen": N_("the amount before"),
    "claim": N_("the claim's request ID"),
    "due_back_fen": N_("in expired packets, until it is refunded"),
    "facts": N_("the details, as JSON"),
    "frozen_fen": N_("in packets that can still be claimed"),
    "held_fen": N_("on hold, by risk control"),
    "luck": N_("the claimer's own text in the draw"),
    "message": N_("the message's ID"),
    "messages": N_("the IDs of messages to banks"),
    "movements": N_("what moved, as `book:debit>credit=amount`"),
    "nonce": N_("the nonce that was drawn for the share"),
    "on_its_way_fen": N_("on its way to a card"),
    "owner": N_("whose account it is; empty without an owner"),
    "recomputed_fen": N_("the amount recomputed from public data"),
    "says": N_("what happened, as a code"),
    "seat": N_("the number of the share"),
    "took_micros": N_("how long it took, in microseconds"),
    "unanswered": N_("the number of payments that a bank has not answered"),
    "withdrawable_fen": N_("what can be withdrawn now"),
    "withdrawable_from": N_("when more can be withdrawn"),
    "withdrawable_later_fen": N_("what can be withdrawn later"),
    "yours": N_("true if you sent it"),
    "yours_fen": N_("what you claimed of it"),
}
"""What a column is, where its own list does not say it otherwise."""
