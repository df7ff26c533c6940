"""
The pages money-1.md, money-1.zh.md and money-2.md are true: every line of their pictures is in the
ledger that their commands leave.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hongbao.domain.channel import NEXT, MessageState
from hongbao.domain.ledger import LEGAL, Kind
from hongbao.units import yuan
from tests.cli.transcripts import HOMES, Page, founded, furnish, pages
from tests.wallet.world import World

BOOKS = {
    "ICBC's book": "icbc",
    "CMB's book": "cmb",
    "platform's book": "platform",
    "central bank": "central",
}
_BOOK = re.compile("|".join(map(re.escape, BOOKS)))
_ENTRY = re.compile(r"^ *(\d+)  (\w+)")
_MOVE = re.compile(r"(\w+) -> (\w+) +([\d.]+)")

Move = tuple[str, str, str, str]
"""A book, two kinds of account, and an amount in yuan."""

Steps = dict[int, tuple[str, list[Move]]]
"""Entries by number: what each is called, and what it moves."""


PAGES = {page.path.name: page for page in pages() if page.path.name.startswith("money-")}


@pytest.fixture(scope="module", params=["money-1.md", "money-1.zh.md", "money-2.md"])
def page(request: pytest.FixtureRequest) -> Page:
    return PAGES[request.param]


def pictures(page: Page) -> list[str]:
    return re.findall(r"```text\n(.*?)```", page.text, re.DOTALL)


def drawn(picture: str) -> Iterator[tuple[int, str, list[Move]]]:
    """Yield the entries of *picture*: a move belongs to the book it names, or stands below."""
    columns: list[tuple[int, str]] = []
    entry: tuple[int, str, list[Move]] | None = None
    for line in picture.splitlines():
        books = [(found.start(), BOOKS[found[0]]) for found in _BOOK.finditer(line)]
        if line.startswith("entry"):
            columns = books
            continue
        if begun := _ENTRY.match(line):
            if entry is not None:
                yield entry
            entry = (int(begun[1]), begun[2], [])
        for move in _MOVE.finditer(line):
            assert entry is not None, line
            named = books or [place for place in columns if place[0] <= move.start()]
            entry[2].append((named[-1][1], move[1], move[2], move[3]))
    if entry is not None:
        yield entry


@pytest.fixture(scope="module")
def ledger(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Play the page, and return what its home has written down."""
    shell = founded(tmp_path_factory.mktemp("money"), HOMES[page.home])
    furnish(shell)
    shell.plays(*(command.words for commands in page.commands for command in commands))
    steps: Steps = {}
    db: Any = World(shell.home).raw()
    for entry, act, book, debit, credit, fen in db.execute(
        "SELECT entry.id, act, transfer.book, giver.kind, taker.kind, transfer.amount_fen"
        " FROM entry LEFT JOIN transfer ON transfer.entry = entry.id"
        " LEFT JOIN account AS giver ON giver.id = debit"
        " LEFT JOIN account AS taker ON taker.id = credit ORDER BY entry.id, transfer.id"
    ):
        moves = steps.setdefault(entry, (act, []))[1]
        if book is not None:
            moves.append((book, debit, credit, yuan(fen)))
    db.close()
    return steps


# --- pictures ------------------------------------------------------------------------------------


def test_a_picture_is_what_the_ledger_says(page: Page, ledger: Steps):
    """
    Each entry with its number, its name, and all that it moved: no more and no less.
    """
    shown = [entry for picture in pictures(page) for entry in drawn(picture)]

    assert shown
    assert [ledger[number] for number, _act, _moves in shown] == [
        (act, moves) for _number, act, moves in shown
    ]


def test_a_picture_leaves_no_step_out(page: Page, ledger: Steps):
    """
    From its first entry to its last, except where it shows what several payments have in common.
    """
    for picture in pictures(page):
        numbers = [number for number, _act, _moves in drawn(picture)]
        if numbers and numbers == sorted(numbers):
            assert list(range(numbers[0], numbers[-1] + 1)) == numbers


def test_pictures_fit_a_terminal_in_any_language(page: Page):
    """
    80 columns of ASCII: what is wide in one font is askew in another.
    """
    for picture in pictures(page):
        assert picture.isascii()
        assert max(map(len, picture.splitlines())) <= 80


def test_both_languages_show_the_same_pictures():
    """
    Every entry that the English page draws is in the Chinese one, and no other.
    """
    english, chinese = (
        [entry for picture in pictures(PAGES[name]) for entry in drawn(picture)]
        for name in ("money-1.md", "money-1.zh.md")
    )

    assert english == chinese


# --- words ---------------------------------------------------------------------------------------


def rows(page: Page, heading: str) -> list[list[str]]:
    """Return the cells of the rows below *heading*, each as the words in code that are in it."""
    table = page.text.partition(f"\n{heading}")[2].partition("\n\n")[0]
    return [
        [" ".join(re.findall(r"`(\w+)`", cell)) for cell in row.strip("|").split("|")]
        for row in table.strip().splitlines()
        if "`" in row
    ]


def test_a_message_goes_where_the_page_says():
    """
    The table of states is the rule, state by state.
    """
    told = {
        MessageState(state): frozenset(map(MessageState, after.split()))
        for state, after in rows(PAGES["money-2.md"], "| state | what may follow |")
    }

    assert told == NEXT


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("money-1.md", "| book | owns (debit) | owes (credit) |"),
        ("money-1.zh.md", "| 账本 | 资产（借） | 负债（贷） |"),
    ],
)
def test_each_book_has_the_accounts_that_the_page_says(name: str, heading: str):
    """
    All of them, and each is somewhere in a legal move.
    """
    kinds = " ".join(" ".join(cells[1:]) for cells in rows(PAGES[name], heading)).split()
    moving = {kind for debit, credit, _reason in LEGAL for kind in (debit, credit)}

    assert set(Kind) == moving == set(map(Kind, kinds))
