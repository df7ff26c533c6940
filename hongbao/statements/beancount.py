"""
Beancount: a complete journal, which bean-check adds up again.

It opens its accounts, carries each movement's id as the entry's only link, and ends in a balance
assertion. Free text is in strings, in which nothing but the quote and the backslash
means anything.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._journal import (
    COMMENT,
    CURRENCY,
    OPENING_BALANCES,
    Entry,
    Posting,
    balance_account,
    ends_with_a_day,
    entries,
    first_day,
    header,
    last_day,
    opening_id,
)
from hongbao.statements._spool import put_behind
from hongbao.statements._wording import Words, plain
from hongbao.units import yuan

ENDINGS = (".beancount", ".bean")
SIGNATURE = (f"{COMMENT}hongbao-signature: ".encode(), b"\n")


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as a beancount journal."""
    put_behind(out, lambda: "".join(header(sheet.statement)), _lines(sheet))


def _lines(sheet: Sheet) -> Iterator[str]:
    statement, root = sheet.statement, sheet.style.root
    opened: set[str] = set()

    def booked(entry: Entry) -> str:
        """Return *entry*, behind the opening of accounts that are used for the first time."""
        id_, day, (payee, narration), facts, postings = entry
        opening = ""
        for posting in postings:
            if posting.account not in opened:
                opened.add(posting.account)
                opening += f"{day} open {posting.account} {CURRENCY}\n"
        said = "".join([f"  {name}: {_quoted(fact)}\n" for name, fact in facts])
        lines = "".join(
            [
                f"  {account:<36}  {yuan(amount_fen):>12} {CURRENCY}\n"
                for account, amount_fen, _ in postings
            ]
        )
        return (
            f"{opening}{day} * {_quoted(payee)} {_quoted(narration)} ^{id_}\n"
            f'  hongbao-id: "{id_}"\n{said}{lines}\n'
        )

    balance, first = balance_account(root), str(first_day(statement))
    yield f'\noption "operating_currency" "{CURRENCY}"\n\n'
    yield f"{first} commodity {CURRENCY}\n"
    yield f"{first} open {balance} {CURRENCY}\n\n"
    opened.add(balance)
    if fen := statement.opening_fen:
        yield booked(
            Entry(
                opening_id(statement, root),
                first,
                Words(statement.profile, "期初余额"),
                [],
                (Posting(balance, fen, fen), Posting(OPENING_BALANCES, -fen, None)),
            )
        )
    for entry in entries(sheet):
        yield booked(entry)
    checked = last_day(statement) + timedelta(days=1)  # it is looked at when that day begins
    if not ends_with_a_day(statement):
        yield f"{COMMENT}of this file alone: later movements of the day before would be missing\n"
    # Left to itself, beancount lets an assertion be wrong by a whole fen.
    yield f"{checked} balance {balance}  {yuan(statement.closing_fen)} ~ 0 {CURRENCY}\n\n"


@lru_cache(maxsize=2048)
def _quoted(text: str) -> str:
    """
    Return *text*, which may be free text, as a string that holds it and ends where it ends.

    >>> _quoted('a"\\\\\\nplugin "evil"')
    '"a\\\\"\\\\\\\\ plugin \\\\"evil\\\\""'
    """
    escaped = plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
