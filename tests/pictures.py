"""
The pictures of the docs: screens and recordings of the program, drawn by it, in both languages.

``python -m tests.pictures`` writes them anew; the test that calls `pictures` refuses one that is no
longer what the program shows. Each story next to them (``*.txt``) is a recording that moves.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

from hongbao import words
from hongbao.answers import Year
from hongbao.recordings import moving
from hongbao.recordings.film import Film, filmed
from hongbao.story import running
from hongbao.story.script import whole_text
from hongbao.ui import books, opening, packets
from hongbao.ui import year as year_screen
from hongbao.ui.picture import Screen, Theme, svg, taken
from hongbao.units import yuan
from tests import warm
from tests.cli.shell import Shell

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
LANGUAGES = {"en": "en", "zh": "zh_CN"}
THEMES = [theme for theme in get_args(Theme) if theme != "auto"]

ROWS = 22
"""How high the terminal is in a recording on a page: all of it is to be seen at once."""

PEOPLE = ("小红", "小刚", "李四", "王五")


YEAR: Year = {
    "profile": "小明",
    "year": 2026,
    "lunar": True,
    "first_day": "2026-02-16",
    "last_day": "2027-02-04",
    "at": "2027-02-04T20:00:00+08:00",
    "sandbox": False,
    "title": "lucky",
    "received_count": 37,
    "received_fen": 612_88,
    "sent_count": 24,
    "sent_fen": 688_66,
    "luckiest_fen": 88_88,
    "luckiest_shares": 20,
    "luckiest_sender": "小红",
    "fastest_micros": 412_000,
    "fastest_sender": "李四",
    "generous": "小红",
    "generous_fen": 213_40,
    "streak": 4,
    "greeting": "恭喜发财，大吉大利",
    "greeting_count": 11,
    "months": [
        {"month": month, "received_fen": received_fen, "sent_fen": sent_fen}
        for month, received_fen, sent_fen in (
            *(("2026-02", 188_20, 233_00), ("2026-03", 66_60, 28_88), ("2026-04", 12_00, 0)),
            *(("2026-05", 52_00, 52_00), ("2026-06", 40_12, 61_80), ("2026-07", 0, 8_88)),
            *(("2026-08", 25_60, 18_00), ("2026-09", 33_00, 66_66), ("2026-10", 71_36, 88_00)),
            *(("2026-11", 18_88, 11_44), ("2026-12", 24_00, 20_00), ("2027-01", 81_12, 100_00)),
            *(("2027-02", 0, 0),),
        )
    ],
}
"""A year that was made up: one with something in every month takes too long to live."""


class Seen(NamedTuple):
    """A screen for a picture, and in each language its title and what is seen on it."""

    show: Callable[[], Screen]
    titles: dict[str, str]
    said: dict[str, str]


def pictures() -> Iterator[tuple[Path, str]]:
    """Yield each picture with the path it is kept at."""
    spoken = words.language()
    with tempfile.TemporaryDirectory() as folder:
        shell, packet = played(Path(folder))
        try:
            for ending, language in LANGUAGES.items():
                for name, seen in _screens(shell, packet).items():
                    words.use_language(language)
                    screen = seen.show()
                    for theme in THEMES:
                        path = FOLDER / f"{name}-{ending}-{theme}.svg"
                        title, said = seen.titles[ending], seen.said[ending]
                        yield path, svg(screen, title=title, description=said, theme=theme)
        finally:
            words.use_language(spoken)
    for name, film in films().items():
        for theme in THEMES:
            yield FOLDER / f"{name}-{theme}.svg", moving.svg(film, theme=theme)


@cache
def films() -> dict[str, Film]:
    """Return the film of each story next to the pictures, in each language, by its name."""
    spoken = words.language()
    made = {}
    try:
        for story in sorted(FOLDER.glob("*.txt")):
            for ending, language in LANGUAGES.items():
                words.use_language(language)
                with warm.stories():
                    made[f"{story.stem}-{ending}"] = filmed(
                        whole_text(story),
                        title=story.stem,
                        run=running.process,
                        variables=os.environ,
                        given={},
                        rows=ROWS,
                    )
    finally:
        words.use_language(spoken)
    return made


def played(folder: Path) -> tuple[Shell, str]:
    """Return a home in which a packet was sent and raced for, and that packet."""
    shell = Shell(folder / "home", "246813")
    founded = shell.plays(
        ("init", "小明", "--clock", "2026-02-16T12:00:00+08:00", "--dice", "2026"),
        *(("init", name) for name in PEOPLE),
        ("identify", "--name", "张三", "--id-number", "11010519491231002X"),
        ("card", "add", "9999010000000003"),
        ("topup", "500"),
        ("clock", "set", "2026-02-16T20:00:00+08:00"),
        ("send", "88.88", "--count", "4"),
    )
    assert [] == [each.err for each in founded if each.code]
    packet = str(shell.answers("packets", "--sent")["packets"][0]["packet"])
    raced = shell.plays(
        *(
            line
            for name, pause in zip(PEOPLE, ("2s", "1s", "7s", "19s"), strict=True)
            for line in (("clock", "advance", pause), ("claim", packet, "-p", name))
        )
    )
    assert [] == [each.err for each in raced if each.code]
    return shell, packet


def _screens(shell: Shell, packet: str) -> dict[str, Seen]:
    shown: Any = shell.answers("show", packet)
    accounts: Any = shell.answers("books")
    best = max(shown["shares"], key=lambda share: share["amount_fen"])
    opened = opening.Opening(
        amount_fen=best["amount_fen"],
        sender=shown["sender"],
        greeting=shown["greeting"],
        seat=best["seat"],
        shares=shown["count"],
        is_luckiest=True,
    )

    def open_envelope() -> Screen:
        lines = opening.frame(1.3, opened, 40, words.language())
        return Screen(lines, 40)

    return {
        "opening": Seen(
            open_envelope,
            {"en": "Opening a red packet", "zh": "拆红包"},
            {
                "en": "A red envelope is open; on the golden card that has come out of it:"
                f" 福 and {yuan(best['amount_fen'])} yuan.",
                "zh": f"红包已拆开，抽出的金色卡片上写着：福，{yuan(best['amount_fen'])}元。",
            },
        ),
        "race": Seen(
            lambda: taken(lambda: packets.show_packet(shown)),
            {"en": "The shares of a red packet, and the race", "zh": "大家的手气"},
            {
                "en": f"{shown['count']} shares as bars, with that of {best['profile']}, the"
                f" largest, marked ★; below them four lanes show who came when.",
                "zh": f"{shown['count']}个红包画成长短不一的条，{best['profile']}的最长，标有★；"
                "下面四条赛道表示先后快慢。",
            },
        ),
        "year": Seen(
            lambda: taken(lambda: year_screen.show_year(YEAR)),
            {"en": "A year of red packets", "zh": "红包年"},
            {
                "en": "Thirty-seven packets received and twenty-four sent, the luckiest share, the"
                " fastest claim and the most generous friend; below them each month has two bars.",
                "zh": "收到37个红包，发出24个；手气最佳、最快领取、最大方的朋友；"
                "下面每个月有两根条。",
            },
        ),
        "books": Seen(
            lambda: taken(lambda: books.show_books(accounts)),
            {"en": "Three tiers of T-accounts", "zh": "三层T形账"},
            {
                "en": "The books of the platform, the bank and the central bank side by side:"
                " what each owns on the left, what it owes on the right.",
                "zh": "平台、银行和央行的账并排：左边是资产，右边是负债。",
            },
        ),
    }


def main() -> None:
    """Write every picture that has changed."""
    FOLDER.mkdir(exist_ok=True)
    for path, drawn in pictures():
        if not path.exists() or path.read_text("utf-8") != drawn:
            path.write_text(drawn, encoding="utf-8")
            sys.stdout.write(f"{path.name} is new\n")


if __name__ == "__main__":
    main()
