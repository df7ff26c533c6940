"""`hongbao year`: a year of red packets, in numbers and as a screen."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest
from rich.cells import cell_len

from hongbao import answers
from tests.cli.shell import Shell, plain
from tests.every import every

SIZES = [(columns, language) for columns in (80, 40) for language in ("en", "zh_CN")]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell in a sandbox, for looking only: it has two weeks of history."""
    begun = Shell(tmp_path_factory.mktemp("year") / "home", "246813")
    return Shell(Path(begun.answers("sandbox")["home"]), "246813")


def packets(shell: Shell, which: str, *options: str) -> list[dict[str, Any]]:
    ids = [packet["packet"] for packet in shell.answers("packets", which, *options)["packets"]]
    return [shell.answers("show", packet, *options) for packet in ids]


@every("name", ["小明", "Alice", "小红"])
def test_a_year_is_what_its_packets_are(sandbox: Shell, name: str):
    """
    Counted again from each packet that was received or sent.
    """
    year = sandbox.answers("year", "-p", name)
    received, sent = (packets(sandbox, which, "-p", name) for which in ("--received", "--sent"))
    mine = [
        (packet, share)
        for packet in received
        for share in packet["shares"]
        if share["profile"] == name
    ]
    best = max(mine, key=lambda each: each[1]["amount_fen"])

    assert set(get_type_hints(answers.Year)) == set(year)
    assert len(received) == year["received_count"]
    assert sum(share["amount_fen"] for _packet, share in mine) == year["received_fen"]
    assert (len(sent), sum(packet["total_fen"] for packet in sent)) == (
        year["sent_count"],
        year["sent_fen"],
    )
    assert (best[1]["amount_fen"], best[0]["count"], best[0]["sender"]) == (
        year["luckiest_fen"],
        year["luckiest_shares"],
        year["luckiest_sender"],
    )
    given: dict[str, int] = {}
    for packet, share in mine:
        if packet["sender"] != name:
            given[packet["sender"]] = given.get(packet["sender"], 0) + share["amount_fen"]
    assert max(given.values()) == given[year["generous"]] == year["generous_fen"]
    assert year["greeting"] in {packet["greeting"] for packet in sent}
    assert [f"2026-{month:02}" for month in range(1, 13)] == [m["month"] for m in year["months"]]
    for key in ("received_fen", "sent_fen"):
        assert year[key] == sum(month[key] for month in year["months"])
    assert (True, 2026, True) == (year["sandbox"], year["year"], year["title"] is not None)


def test_a_lunar_year_begins_on_new_years_eve(sandbox: Shell):
    """
    Two weeks before New Year's Eve of 2026 are of the year before.
    """
    snake = sandbox.answers("year", "--lunar", "--year", "2025")
    horse = sandbox.answers("year", "--lunar")

    assert ("2025-01-28", "2026-02-15") == (snake["first_day"], snake["last_day"])
    assert ("2026-02-16", "2027-02-04") == (horse["first_day"], horse["last_day"])
    whole = sandbox.answers("year")
    for key in ("received_fen", "sent_fen", "received_count", "sent_count"):
        assert whole[key] == snake[key] + horse[key]
    assert ("2025-01", "2026-02") == (snake["months"][0]["month"], snake["months"][-1]["month"])


def test_a_year_with_few_packets_has_a_kind_line_and_a_next_step(sandbox: Shell):
    none = sandbox.does("year", "--year", "2020")
    screens = sandbox.screens(("year", "--year", "2020"), columns=80)

    assert "send a red packet: `hongbao send 8.88 --count 3`" in none.err
    assert "title\t\n" in none.out
    assert "no red packets in this year yet" in plain(screens[0])
    assert None is sandbox.answers("year", "--year", "2020")["luckiest_fen"]


@every("columns, language", SIZES)
def test_the_screen_fits_and_has_a_title(sandbox: Shell, columns: int, language: str):
    lines = [("year", "-p", name) for name in ("小明", "Alice")] + [
        ("year", "--lunar", "--year", "2025")
    ]
    shown = sandbox.screens(*lines, columns=columns, HONGBAO_LANG=language[:2])
    titles = {"en": ("the open-handed", "Snake"), "zh_CN": ("散财童子", "蛇年")}[language]

    for screen in shown:
        rows = [row.rstrip() for row in plain(screen).splitlines()]
        assert max(map(cell_len, rows)) <= columns
        assert "SANDBOX" in screen
        assert 12 <= sum(row[:5] in ("2025-", "2026-") for row in rows)
    assert (True, True) == (titles[0] in shown[0], titles[1] in shown[2])


@every("year", ["1999", "2100", "x"])
def test_a_year_that_is_not_known_is_refused(sandbox: Shell, year: str):
    code, error = sandbox.refuses("year", "--year", year)
    assert (2, "usage") == (code, error["code"])
