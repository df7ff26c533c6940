"""The opening: every frame of it, on virtual terminals, without waiting."""

from collections.abc import Iterator
from typing import Any

import pyte
import pytest
from rich.cells import cell_len

from hongbao.queries.packets import Standing
from hongbao.ui import motion, opening, packets
from hongbao.ui.opening import HEIGHT, Lines, Opening
from hongbao.ui.picture import Run, Style
from tests.every import every

RATE = 20
"""Frames a second that are looked at."""

SHOWN = {
    "a share": Opening(6666, "小明", "恭喜发财，大吉大利", 2, 3),
    "the luckiest": Opening(1, "Ann Lee", "Happy New Year", 3, 3, is_luckiest=True),
    "luckiest so far": Opening(20000, "😀熊猫", "🧧" * 30, 49, 50, is_luckiest=True, brief=True),
    "all of it": Opening(123456789, "名" * 32, "", 1, 1),
}
SIZES = [(width, language) for width in (30, 40, 80) for language in ("en", "zh_CN")]


def frames(shown: Opening, width: int, language: str) -> Iterator[Lines]:
    for number in range(round(shown.seconds * RATE) + 1):
        yield opening.frame(number / RATE, shown, width, language)


def text(lines: Lines) -> list[str]:
    return ["".join(run.text for run in line) for line in lines]


@every("width, language", SIZES)
def test_every_frame_is_as_large_as_the_others(width: int, language: str) -> None:
    for shown in SHOWN.values():
        for lines in frames(shown, width, language):
            assert HEIGHT == len(lines)
            assert {min(width, opening.WIDTH_MAX)} == {cell_len(line) for line in text(lines)}


@every("width, language", [(80, "en"), (40, "zh_CN")])
def test_a_terminal_shows_each_frame_and_nothing_of_the_one_before(
    width: int, language: str
) -> None:
    for shown in SHOWN.values():
        terminal = pyte.Screen(width, HEIGHT + 2)
        stream = pyte.Stream(terminal)
        stream.feed("$ hongbao claim\r\n")
        over = 0
        for lines in frames(shown, width, language):
            stream.feed(motion.drawn(lines, over=over).replace("\n", "\r\n"))
            over = len(lines)
            seen = [line.rstrip() for line in terminal.display]
            assert ["$ hongbao claim", *(line.rstrip() for line in text(lines)), ""] == seen
            assert (0, HEIGHT + 1) == (terminal.cursor.x, terminal.cursor.y)


@every("width, language", SIZES)
def test_the_amount_is_there_in_time_to_be_read(width: int, language: str) -> None:
    for amount, shown in {"66.66": SHOWN["a share"], "200.00": SHOWN["luckiest so far"]}.items():
        seen = ["\n".join(text(lines)) for lines in frames(shown, width, language)]
        first = next(number for number, frame in enumerate(seen) if amount in frame)
        assert shown.seconds - first / RATE >= 0.15
        assert all(amount in frame for frame in seen[first:])
        assert not any(amount in frame for frame in seen[:first])


def test_it_begins_sealed_and_ends_open() -> None:
    for shown in SHOWN.values():
        if not shown.brief:
            first = "\n".join(text(opening.frame(0.4, shown, 80, "en")))
            assert "封" in first
            assert "福" not in first
        last = "\n".join(text(opening.frame(shown.seconds, shown, 80, "en")))
        assert "福" in last
        assert "封" not in last


@every("language, said", [("en", "★ luckiest so far"), ("zh_CN", "★ 目前手气最佳")])
def test_the_luckiest_is_told_so_in_words(language: str, said: str) -> None:
    shown = SHOWN["luckiest so far"]
    assert said in "\n".join(text(opening.frame(shown.seconds, shown, 40, language)))
    none = SHOWN["a share"]
    assert "★" not in "\n".join(text(opening.frame(none.seconds, none, 40, language)))


def test_a_frame_depends_on_nothing_but_what_it_is_given() -> None:
    shown = SHOWN["a share"]
    once, again = (list(frames(shown, 40, "en")) for _ in range(2))
    assert once == again


def test_a_first_opening_takes_no_longer_than_the_eye_likes() -> None:
    assert [1.5, 1.5, 0.5, 1.5] == [shown.seconds for shown in SHOWN.values()]


@every(
    "style, codes",
    [
        (opening.GOLD_ON_RED, "\x1b[1;33;41mx\x1b[0m"),
        (opening.RED, "\x1b[41mx\x1b[0m"),
        (Style(), "x"),
        (Style(dim=True, underline=True), "\x1b[2;4mx\x1b[0m"),
    ],
)
def test_a_style_is_told_in_codes(style: Style, codes: str) -> None:
    assert codes == motion.ansi([Run("x", style)])


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_only_the_eight_colours_are_used(shown: Opening) -> None:
    told = "".join(motion.drawn(lines, over=0) for lines in frames(shown, 80, "en"))
    assert "\x1b[9" not in told
    assert "38;" not in told


CLAIMED: Any = {
    "amount_fen": 6666,
    "sender": "Ann\x1b[2JLee",
    "greeting": "恭喜发财",
    "seat": 2,
    "count": 3,
    "held": None,
}


@every("claims, seconds", [(1, 1.5), (3, 1.5), (4, 0.5), (100, 0.5)])
def test_it_is_brief_from_the_fourth_in_a_day_on(claims: int, seconds: float) -> None:
    shown = packets.opening(CLAIMED, Standing("Ann Lee", 6666, True, claims))
    assert shown is not None
    assert seconds == shown.seconds
    assert shown.is_luckiest
    assert "\x1b" not in shown.sender


@every("facts", [{"held": {"case": "rc_1"}}, {"replayed": True}])
def test_what_is_on_hold_or_repeated_is_not_celebrated(facts: dict[str, Any]) -> None:
    assert packets.opening(CLAIMED | facts, Standing(None, 0, False, 1)) is None
