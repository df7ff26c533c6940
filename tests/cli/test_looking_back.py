"""Looking back: sums of the history, and the balance over time."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from hongbao import words
from hongbao.ui import picture, sums
from tests.cli.shell import Shell, plain
from tests.every import every

SIZES = [(columns, language) for columns in (80, 40) for language in ("en", "zh_CN")]
BY = ("day", "month", "person", "kind")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell in a sandbox, for looking only: it has two weeks of history."""
    begun = Shell(tmp_path_factory.mktemp("looking-back") / "home", "246813")
    return Shell(Path(begun.answers("sandbox")["home"]), "246813")


@every(
    "by, filters", [(by, ()) for by in BY] + [("day", ("--last", "1w")), ("kind", ("-p", "小红"))]
)
def test_sums_equal_the_statement(sandbox: Shell, by: str, filters: tuple[str, ...]):
    """
    All groups together are what a statement of the same period adds up to.
    """
    stated = sandbox.answers("export", "--format", "json", *filters)
    added = sandbox.answers("history", "--by", by, *filters)

    for key in ("count", "in_fen", "out_fen"):
        assert stated[key] == added[key] == sum(group[key] for group in added["groups"])
    assert stated["closing_fen"] - stated["opening_fen"] == added["net_fen"]
    assert added["net_fen"] == sum(group["net_fen"] for group in added["groups"])
    assert len(added["groups"]) == len({group["group"] for group in added["groups"]})


def test_a_group_is_what_the_history_has_of_it(sandbox: Shell):
    """
    Each kind, day and person, line by line; and a filter leaves out the same.
    """
    lines: list[Any] = sandbox.answers("history", "--limit", "100")["movements"]
    of_a_line = {
        "day": lambda line: line["at"][:10],
        "month": lambda line: line["at"][:7],
        "person": lambda line: line["counterparty"],
        "kind": lambda line: line["act"],
    }
    for by, group_of in of_a_line.items():
        for group in sandbox.answers("history", "--by", by)["groups"]:
            amounts = [line["amount_fen"] for line in lines if group_of(line) == group["group"]]
            assert (len(amounts), sum(amounts)) == (group["count"], group["net_fen"])
            assert group["in_fen"] == sum(amount for amount in amounts if amount > 0)
    [only] = sandbox.answers("history", "--by", "kind", "--kind", "claim", "--with", "小红")[
        "groups"
    ]
    assert only["in_fen"] == sum(
        line["amount_fen"]
        for line in lines
        if (line["act"], line["counterparty"]) == ("claim", "小红")
    )


def test_time_is_in_order_and_the_largest_comes_first(sandbox: Shell):
    days = [group["group"] for group in sandbox.answers("history", "--by", "day")["groups"]]
    people = sandbox.answers("history", "--by", "person")["groups"]
    moved = [group["in_fen"] + group["out_fen"] for group in people]

    assert days == sorted(days)
    assert moved == sorted(moved, reverse=True)


def test_sums_are_a_list_like_any_other(sandbox: Shell):
    """
    In a pipe, with a header, as CSV and by columns; in every language the same.
    """
    first = sandbox.answers("history", "--by", "month")["groups"][0]
    row = sandbox.does("history", "--by", "month", HONGBAO_LANG="zh").out
    [record] = csv.DictReader(
        io.StringIO(sandbox.does("history", "--by", "month", "--csv").out, newline="")
    )

    assert ["2026-02", str(first["count"])] == row.split("\t")[:2]
    assert row == "\t".join(record.values()) + "\n"
    assert ["group", "count", "in_yuan", "out_yuan", "net_yuan"] == [*record]
    picked = sandbox.does("history", "--chart", "--header", "--columns", "balance_fen").lines
    balances = [point["balance_fen"] for point in sandbox.answers("history", "--chart")["points"]]
    assert ["balance_fen", *map(str, balances)] == picked


def test_the_chart_ends_at_the_balance(sandbox: Shell):
    charted = sandbox.answers("history", "--chart")
    later = sandbox.answers("history", "--chart", "--last", "1w")

    assert (0, charted["closing_fen"]) == (
        charted["opening_fen"],
        charted["points"][-1]["balance_fen"],
    )
    assert charted["closing_fen"] == sandbox.answers("balance")["available_fen"]
    before = [point for point in charted["points"] if point["at"] < later["begins_at"]]
    assert before[-1]["balance_fen"] == later["opening_fen"]
    assert charted["points"] == [*before, *later["points"]]


@every("columns, language", SIZES)
def test_both_fit_on_the_screen(sandbox: Shell, columns: int, language: str):
    lines = [("history", "--by", by) for by in BY] + [("history", "--chart")]
    screens = sandbox.screens(*lines, columns=columns, HONGBAO_LANG=language[:2])

    for name, screen in zip((*BY, "chart"), screens, strict=True):
        shown = [line.rstrip() for line in plain(screen).splitlines()]
        assert (name, True) == (name, max(map(cell_len, shown)) <= columns)
        assert any("█" in line for line in shown)
    assert "498.62" in screens[-1]


def chart(points: list[int], *, opening: int = 0, days: int = 10) -> Any:
    """Return the balance over *days* with *points*, a day each."""
    return {
        "profile": "小明",
        "begins_at": "2026-02-01T00:00:00+08:00",
        "ends_at": f"2026-02-{1 + days:02}T00:00:00+08:00",
        "opening_fen": opening,
        "closing_fen": points[-1],
        "points": [
            {
                "entry": number,
                "at": f"2026-02-{1 + min(number, days):02}T00:00:00+08:00",
                "balance_fen": fen,
            }
            for number, fen in enumerate(points)
        ],
    }


def drawn(answer: Any, columns: int = 80) -> list[str]:
    words.use_language("en")
    return picture.taken(lambda: sums.show_balances(answer), columns=columns).text.splitlines()


def test_a_column_is_as_high_as_the_balance():
    """
    It is full at the top's amount, half at half of it, and empty at zero.
    """
    lines = drawn(chart([1000, 500, 0], days=3))
    columns = [line[line.index("│") + 1 :].ljust(72) for line in lines[:8]]

    for part, blocks in enumerate((8, 4, 0)):
        middle = 72 * (2 * part + 1) // 6
        assert blocks == sum(row[middle] == "█" for row in columns), part
    assert (" 10.00 │", "  5.00 │", "  0.00 ┼") == tuple(f" {lines[n][:7]}" for n in (0, 4, 8))
    assert ["2026-02-01", "2026-02-04"] == lines[9].split()


def test_a_little_money_is_seen_and_a_clock_that_stands_still_has_a_chart():
    assert "▁" in drawn(chart([1, 100_000, 1]))[7]
    still = drawn(chart([1000, 500, 800], days=0))
    assert 3 == len({still[row].count("█") for row in range(8)} - {0})
    assert ["2026-02-01", "00:00"] == still[9].split()


@every(
    "typed",
    [
        ("--chart", "--by", "day"),
        ("--chart", "--kind", "claim"),
        ("--chart", "--with", "小红"),
        ("--chart", "--limit", "5"),
        ("--by", "day", "--before", "9"),
        ("--by", "day", "--limit", "5"),
    ],
)
def test_what_does_not_go_together_is_refused(sandbox: Shell, typed: tuple[str, ...]):
    code, error = sandbox.refuses("history", *typed)
    assert (2, "conflicting_options") == (code, error["code"])
    words_of = [word for word in typed if word.startswith("--")]
    assert all(option in error["message"] for option in words_of)


def test_who_has_no_history_is_told_so(new_year: Shell):
    lines = [("history", "--by", "day", "--from", "2030"), ("history", "--chart", "--from", "2030")]
    for screen in new_year.screens(*lines, columns=80):
        assert "no movements" == plain(screen).strip()
