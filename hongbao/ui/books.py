"""Books on the terminal: the platform, the banks and the central bank side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from hongbao.ui import wording
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, Row, console, line, safe, table
from hongbao.ui.script import columns, wrapped
from hongbao.units import yuan
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from rich.text import Text

    from hongbao.answers import AccountLine, BookShown, BooksShown, MovedLine

_GAP = 2
_SIDE_COLUMNS_MAX = 28
_BAR = " │ "
"""What stands between the two sides of a T."""


BOOK = Field(
    "book",
    Column(N_("book")),
    lambda row: wording.book(row["book"]),
    says=N_("whose book it is: platform, central, or a bank's code"),
)
KIND = Field(
    "kind",
    Column(N_("account")),
    lambda row: wording.account(row["kind"]),
    says=N_("the kind of account, as a code"),
)
SIDE = Field("side", says=N_("debit or credit"))

ACCOUNTS = Listing(
    rows="books",
    every=lambda answer: (
        {"book": book["book"], **account}
        for book in answer["books"]
        for account in book["accounts"]
    ),
    fields=(
        BOOK,
        KIND,
        Field("owner", Column(N_("owner"), gives=True)),
        SIDE,
        Field("before_fen", Column(N_("before"), right=True)),
        Field("held_fen", Column(N_("holds"), right=True), says=N_("the amount in the account")),
    ),
    more=(Field("count", says=N_("the number of accounts in this row")),),
)


def show_books(books: BooksShown) -> None:
    """Print each institution's book as a T: what it owns on the left, what it owes on the right."""
    show_heading(books)
    show_tiers(books)
    print()
    if books["diff"]:
        _show_moved(books["transfers"])
    else:
        _show_crossing(books["books"])
    print()
    line(_("debit, on the left: what a book owns · credit, on the right: what it owes"))


def show_heading(books: BooksShown) -> None:
    """Print which moment it is, or which act they are before and after."""
    at = wording.when(books["at"])
    if not books["diff"]:
        line(say(N_("the books at {at}"), at=at), bold=at)
    elif books["entry"] is None:
        line(_("there is no act to show yet"))
    else:
        act = books["act"] or ""
        act = safe(wording.reason(_ACTS.get(act, act)))
        line(
            say(
                N_("before → after · {act} · entry {entry} · {at}"),
                act=act,
                entry=books["entry"],
                at=at,
            ),
            bold=act,
        )
        if books["request_id"]:
            line(safe(books["request_id"]), dim=safe(books["request_id"]))
    print()


_ACTS = {"card_add": "opening", "identify": "opening", "correct": "correction"}
"""Acts that have no name here, by the reason of their transfers."""


def show_tiers(books: BooksShown) -> None:
    """Print the Ts, and of an act the names of those that it left alone."""
    tiers = _tiers(books)
    if moved := [tier for tier in tiers if tier[0].totals is not None]:
        _show_moved_tiers(moved)
    if still := [tier[0].title for tier in tiers if tier[0].totals is None]:
        text = say(N_("unchanged: {books}"), books=_(", ").join(still))
        line(text, dim=text)


# --- three tiers ---------------------------------------------------------------------------------


class _Item(NamedTuple):
    """One line of a side: its *names*, kind before owner, and its amounts with their styles."""

    names: Sequence[str]
    amounts: Sequence[tuple[str, str]]
    style: str = ""


class _T(NamedTuple):
    """One book as it is drawn; without any lines where the act left it untouched."""

    title: str
    debits: Sequence[_Item]
    credits: Sequence[_Item]
    totals: tuple[_Item, _Item] | None


_Tier = Sequence[_T]


def _tiers(books: BooksShown) -> list[_Tier]:
    """Return the platform's book, the banks' and the central bank's; with --diff what changed."""
    diff = books["diff"]
    shown: list[tuple[str, list[_T]]] = [
        (wording.book("platform"), []),
        (_("banks"), []),
        (wording.book("central"), []),
    ]
    for book in books["books"]:
        if not diff or any(_changed(account) for account in book["accounts"]):
            place = {"platform": 0, "central": 2}.get(book["book"], 1)
            shown[place][1].append(_t(book, diff=diff))
    return [ts or [_T(title, (), (), None)] for title, ts in shown]


def _changed(account: AccountLine) -> bool:
    return account["before_fen"] != account["held_fen"]


def _t(book: BookShown, *, diff: bool) -> _T:
    held = [account for account in book["accounts"] if account["held_fen"] or _changed(account)]
    sides = {
        side: [
            _item(book["book"], account, diff=diff)
            for account in (_merged(held) if diff else held)
            if _on(account, side)
        ]
        for side in ("debit", "credit")
    }
    debit, credit = (
        _Item(
            (),
            _amounts(
                sum(account["before_fen"] for account in book["accounts"] if _on(account, side)),
                held_fen,
                signed=False,
            ),
            "bold",
        )
        for side, held_fen in (("debit", book["debits_fen"]), ("credit", book["credits_fen"]))
    )
    return _T(wording.book(book["book"]), sides["debit"], sides["credit"], (debit, credit))


def _on(account: AccountLine, side: str) -> bool:
    return account["side"] == side


def _merged(accounts: Iterable[AccountLine]) -> list[AccountLine]:
    """Sum up, kind by kind, what an act left as it was."""
    found: list[AccountLine] = []
    still: dict[str, AccountLine] = {}
    for account in accounts:
        kind = account["kind"]
        if _changed(account):
            found.append(account)
        elif kind in still:
            other = still[kind]
            other["owner"] = None
            for key in ("before_fen", "held_fen", "count"):
                other[key] += account[key]
        else:
            still[kind] = account.copy()
            found.append(still[kind])
    return found


def _item(book: str, account: AccountLine, *, diff: bool) -> _Item:
    is_still = diff and not _changed(account)
    return _Item(
        _names(book, account),
        _amounts(account["before_fen"], account["held_fen"], signed=True),
        "dim" if is_still else "",
    )


def _names(book: str, account: AccountLine) -> list[str]:
    """Return the names of lines: in the central bank's book, by their owner."""
    kind, owner = account["kind"], account["owner"]
    if book == "central" and kind == "platform_reserve":
        return [wording.book("platform")]
    if book == "central" and kind == "bank_reserve":
        return [_short(owner) if owner else _("banks")]
    if owner is None:
        many = [f"×{account['count']}"] if account["count"] > 1 else []
        return [wording.account(kind, summed=True), *many]
    return [wording.account(kind), _short(owner)]


def _short(owner: str) -> str:
    """Return *owner* without the mark of a demo bank, which is in that bank's title."""
    name = wording.book(owner)
    return safe(owner) if name == owner else name.partition(" (")[0].partition("（")[0]


def _amounts(before_fen: int, held_fen: int, *, signed: bool) -> list[tuple[str, str]]:
    if before_fen == held_fen:
        return [(yuan(held_fen), "")]
    amounts = [(yuan(before_fen), "dim"), (f"→ {yuan(held_fen)}", "bold")]
    if signed:
        more = held_fen > before_fen
        change = yuan(held_fen - before_fen)
        amounts.append((f"+{change}" if more else change, "green" if more else "red"))
    return amounts


def _show_moved_tiers(tiers: Sequence[_Tier]) -> None:
    """Print the tiers side by side; one below the other where an amount would not fit."""
    out, count = console(), len(tiers)
    ts = [t for tier in tiers for t in tier]
    needed = max(columns(text) for t in ts for item in _items(t) for text, _style in item.amounts)
    beside = (out.width - _GAP * (count - 1)) // count
    for width, is_beside in ((beside, True), (out.width, False)):
        side = min((width - len(_BAR)) // 2, _SIDE_COLUMNS_MAX)
        if side < needed:
            continue
        if is_beside:
            _print_beside([_drawn_tier(tier, side) for tier in tiers], side)
        else:
            _print([text for tier in tiers for text in [*_drawn_tier(tier, side), None]][:-1])
        return
    for t in ts:
        line(t.title, bold=t.title)
        for item in _items(t):
            line("  " + " ".join(item.names))
            for amount, _style in item.amounts:
                line("    " + amount)


def _items(t: _T) -> list[_Item]:
    return [*t.debits, *t.credits, *(t.totals or ())]


def _print(lines: Iterable[Text | None]) -> None:
    out = console()
    for text in lines:
        if text is not None:
            text.rstrip()
        out.print("" if text is None else text, no_wrap=True, overflow="ignore", crop=False)


def _print_beside(tiers: Sequence[Sequence[Text | None]], side: int) -> None:
    from rich.text import Text

    width = 2 * side + len(_BAR)
    rows = []
    for parts in zip_longest(*tiers):
        row = Text()
        for place, part in enumerate(parts):
            row.append(" " * (place * (width + _GAP) - row.cell_len))
            row.append_text(part or Text())
        rows.append(row)
    _print(rows)


def _drawn_tier(tier: _Tier, side: int) -> list[Text | None]:
    drawn: list[Text | None] = []
    for t in tier:
        drawn += [None, *_drawn(t, side)] if drawn else _drawn(t, side)
    return drawn


def _drawn(t: _T, side: int) -> list[Text]:
    """Draw one book, each of its two sides *side* columns wide."""
    from rich.text import Text

    width = 2 * side + len(_BAR)
    title = _padded(Text(t.title, "bold"), width, "center")
    assert t.totals is not None  # an untouched book has a separate line
    rows = zip_longest(
        [text for item in t.debits for text in _drawn_item(item, side)],
        [text for item in t.credits for text in _drawn_item(item, side)],
    )
    heads = _ruled(_("debit"), side), _ruled(_("credit"), side)
    totals = zip_longest(*(_drawn_item(item, side) for item in t.totals))
    return [
        title,
        Text("─┬─".join(heads), "dim"),
        *(_joined(left, right, side) for left, right in rows),
        Text(f"{'─' * side}─┼─{'─' * side}", "dim"),
        *(_joined(left, right, side) for left, right in totals),
    ]


def _ruled(word: str, side: int) -> str:
    """Return a rule of *side* columns with *word* in its middle."""
    free = max(side - columns(word) - 2, 0)
    return f"{'─' * (free // 2)} {word} {'─' * (free - free // 2)}"


def _joined(left: Text | None, right: Text | None, side: int) -> Text:
    from rich.text import Text

    row = Text().append_text(_padded(left or Text(), side, "left"))
    return row.append(_BAR, "dim").append_text(right or Text())


def _drawn_item(item: _Item, side: int) -> list[Text]:
    """Draw a line of a side: its amounts next to its name if they fit, else below it."""
    from rich.text import Text

    whole = " ".join(item.names)
    parts = [whole] if columns(whole) <= side else item.names
    names = [Text(name, item.style) for part in parts for name in wrapped(part, side)]
    amounts = _packed(item.amounts, side)
    for amount in amounts:
        amount.style = item.style
    if names and len(amounts) == 1 and names[-1].cell_len + 1 + amounts[0].cell_len <= side:
        last = names.pop()
        room = side - last.cell_len
        return [*names, last.append_text(_padded(amounts[0], room, "right"))]
    return [*names, *(_padded(amount, side, "right") for amount in amounts)]


def _packed(amounts: Sequence[tuple[str, str]], width: int) -> list[Text]:
    """Put as many amounts on a line as fit."""
    from rich.text import Text

    lines: list[Text] = []
    for amount, style in amounts:
        if lines and lines[-1].cell_len + 1 + columns(amount) <= width:
            lines[-1].append(" ").append(amount, style)
        else:
            lines.append(Text().append(amount, style))
    return lines


def _padded(text: Text, width: int, where: str) -> Text:
    """Return *text* filled up to *width* columns; a name that is too long is cut."""
    if text.cell_len > width:
        text.truncate(width, overflow="ellipsis")
    free = width - text.cell_len
    before = {"left": 0, "center": free // 2, "right": free}[where]
    text.pad_left(before)
    text.pad_right(free - before)
    return text


# --- between the books ---------------------------------------------------------------------------


def _show_crossing(books: Sequence[BookShown]) -> None:
    """Print what one book says of another: the same money, seen from both ends."""
    reserve = _held(books, "platform", "reserve")
    kept = _held(books, "central", "platform_reserve")
    settlement = _held(books, "bank", "settlement")
    owed = _held(books, "central", "bank_reserve")
    incoming, taken = _held(books, "platform", "incoming"), _held(books, "bank", "outgoing")
    outgoing, paid = _held(books, "platform", "outgoing"), _held(books, "bank", "incoming")
    rows = [
        (_("the platform's reserve"), reserve, None, kept, _differs(reserve, kept)),
        (_("the banks' reserves"), None, settlement, owed, _differs(settlement, owed)),
        (_("in transit to the platform"), incoming, taken, None, _waits(incoming, taken)),
        (_("in transit to the banks"), outgoing, paid, None, _waits(outgoing, paid)),
    ]
    lines: list[Row] = [
        [name, *("" if fen is None else yuan(fen) for fen in held), mark]
        for name, *held, mark in rows
        if any(held)
    ]
    if not lines:
        return
    table(
        [
            Column(_("between the books")),
            Column(wording.book("platform"), right=True, below=True, named=True),
            Column(_("banks"), right=True, below=True, named=True),
            Column(wording.book("central"), right=True, below=True, named=True),
            Column("", right=True),
        ],
        lines,
    )


def _held(books: Sequence[BookShown], tier: str, kind: str) -> int:
    return sum(
        account["held_fen"]
        for book in books
        if (book["book"] if book["book"] in ("platform", "central") else "bank") == tier
        for account in book["accounts"]
        if account["kind"] == kind
    )


def _differs(one_fen: int, other_fen: int) -> Cell:
    return Cell("✓", "green") if one_fen == other_fen else Cell(_("✗ they differ"), "bold red")


def _waits(one_fen: int, other_fen: int) -> Cell:
    """Return the mark for money under way, which one end may know of before the other."""
    return Cell("✓", "green") if one_fen == other_fen else Cell(_("unknown"), "yellow")


def _show_moved(moved: Sequence[MovedLine]) -> None:
    """Print what an act moved, book by book: a movement never leaves its book."""
    if not moved:
        line(_("no money moved"))
        return
    table(
        [
            Column(_("book"), gives=True),
            Column(_("from → to"), below=True),
            Column(_("amount"), right=True),
            Column(_("why"), below=True),
        ],
        [
            [
                wording.book(move["book"]),
                way(move),
                Cell(yuan(move["amount_fen"]), "bold"),
                Cell(wording.reason(move["reason"]), "dim"),
            ]
            for move in moved
        ],
    )


def way(move: MovedLine) -> str:
    """Return which account gave and which one got."""
    return f"{wording.account(move['debit'])} → {wording.account(move['credit'])}"
