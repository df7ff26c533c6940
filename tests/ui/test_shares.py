"""The shares of a packet as bars, and the race for them, as a terminal shows them."""

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from rich.cells import cell_len

from hongbao import words
from hongbao.ui import packets, picture
from tests.every import every
from tests.ui.test_picture import PACKET

SIZES = [(columns, language) for columns in (80, 40) for language in ("en", "zh_CN")]


def packet(shares: Sequence[tuple[str, int, float]], **facts: Any) -> Any:
    """Return a packet with *shares*: whose, how much, and how many seconds after it was sent."""
    made = deepcopy(PACKET)
    best = max(amount_fen for _name, amount_fen, _after in shares)
    made["shares"] = [
        {
            **deepcopy(PACKET["shares"][0]),
            "seat": seat,
            "profile": name,
            "amount_fen": amount_fen,
            "luckiest": amount_fen == best,
            "at": f"2026-02-16T20:{int(after) // 60:02}:{after % 60:09.6f}+08:00",
        }
        for seat, (name, amount_fen, after) in enumerate(shares, 1)
    ]
    return {**made, "count": len(shares), "claimed_count": len(shares), **facts}


def shown(made: Any, columns: int, language: str) -> list[str]:
    words.use_language(language)
    text = picture.taken(lambda: packets.show_packet(made), columns=columns).text
    assert all(cell_len(line) <= columns for line in text.splitlines())
    return text.splitlines()


THREE = [("小红", 1000, 0.25), ("Ann Lee", 4000, 2), ("😀熊猫", 1, 8)]


@every("columns, language", SIZES)
def test_bars_compare_the_shares_and_a_word_marks_the_luckiest(columns: int, language: str) -> None:
    lines = shown(packet(THREE), columns, language)
    rows = [line for line in lines if re.match(r"\d  .*\d\.\d\d", line)]
    bars = [re.search("[█▏▎▍▌▋▊▉]+", row) for row in rows]
    assert ["███", "█" * 12, "▏"] == [found and found[0] for found in bars]
    assert 1 == len(
        {found and cell_len(row[: found.start()]) for row, found in zip(rows, bars, strict=True)}
    )
    marked = [line for line in lines if "★" in line]
    assert 1 == len(marked)
    assert {"en": "★ luckiest", "zh_CN": "★ 手气最佳"}[language] in marked[0]


@every("columns, language", SIZES)
def test_the_race_shows_who_came_when(columns: int, language: str) -> None:
    lanes = [line for line in shown(packet(THREE), columns, language) if "●" in line]
    assert ["1", "2", "3"] == [lane[0] for lane in lanes]
    lengths = [lane.count("─") for lane in lanes]
    assert lengths == [lengths[2] // 32, lengths[2] // 4, lengths[2]]
    wanted = {"en": ["+250 ms", "+2.0 s", "+8.0 s"], "zh_CN": ["+250毫秒", "+2.0秒", "+8.0秒"]}
    assert wanted[language] == [lane.rpartition("  ")[2] for lane in lanes]


@every("columns, language", SIZES)
def test_of_a_long_race_the_ends_are_shown(columns: int, language: str) -> None:
    many = [(f"Christopher Robin {seat}", 100 + seat, seat / 10) for seat in range(1, 101)]
    lanes = [line.strip() for line in shown(packet(many), columns, language) if "●" in line]
    assert [*range(1, 11), *range(91, 101)] == [int(lane.split()[0]) for lane in lanes]


@every(
    "made",
    [
        packet(THREE, state="open", finished_in_seconds=None),
        packet([(name, amount_fen, 0) for name, amount_fen, _after in THREE]),
        packet(THREE[:1]),
    ],
)
def test_without_a_race_none_is_shown(made: Any) -> None:
    assert not any("●" in line for line in shown(made, 80, "en"))


def test_equal_shares_have_no_bars() -> None:
    lines = shown(packet(THREE, kind="equal"), 80, "en")
    assert not any("█" in line for line in lines)
    assert any("●" in line for line in lines)
