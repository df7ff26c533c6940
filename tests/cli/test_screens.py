"""Screens for people: any width, both scripts, nothing that a terminal would obey."""

import ast
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
from rich.cells import cell_len

import hongbao
from hongbao.auditing import PROBLEMS
from hongbao.commands.streams import PLAINLY
from tests.cli.shell import Shell, plain

HOUSE = Path(hongbao.__file__).parent

LOOKED_AT: dict[str, Sequence[str]] = {
    "profiles": ("profiles",),
    "cards": ("card",),
    "policies": ("policy",),
    "balance": ("balance",),
    "limits": ("limits",),
    "limits of a stranger": ("limits", "-p", "小刚"),
    "packets": ("packets",),
    "packets of another": ("packets", "-p", "小红"),
    "no packets": ("packets", "--claimable", "-p", "小刚", "--received", "--limit", "1"),
    "an open packet": ("show", "{lucky}"),
    "a finished packet": ("show", "{equal}"),
    "an exclusive packet": ("show", "{exclusive}"),
    "a refunded packet": ("show", "{refunded}"),
    "a proof": ("verify", "{equal}"),
    "history": ("history",),
    "history by card": ("history", "--kind", "send"),
    "sums": ("history", "--by", "kind"),
    "a chart": ("history", "--chart"),
    "a year": ("year",),
    "a lunar year": ("year", "--lunar", "-p", "小红"),
    "check": ("check",),
    "clock": ("clock",),
    "refund": ("refund",),
    "send": ("send", "66.66", "--count", "3", "-n"),
    "send each": ("send", "--each", "8.88", "--count", "10", "-n"),
    "send to": ("send", "52", "--to", "小红", "-n"),
    "topup": ("topup", "12345.67", "-n"),
    "withdraw": ("withdraw", "100", "-n"),
    "claim": ("claim", "{lucky}"),
    "a refusal": ("claim", "{lucky}", "-p", "小红"),
    "a refusal with a hint": ("withdraw", "100000"),
    "a limit": ("send", "1001", "--count", "9", "-p", "小刚"),
    "a usage error": ("send", "5", "--cuont", "3"),
    "a full error": ("policy", "use", "{pin}"),
    # What banks answer, by the amounts that fail by themselves; and how it looks in the end.
    "where refunds go": ("card", "refunds"),
    "a bank that declines": ("topup", "444.05"),
    "a card with too little": ("send", "444.06", "--count", "5", "--from", "icbc-0003"),
    "a closed account": ("withdraw", "444.07"),
    "a bank that is down": ("topup", "444.08"),
    "a pending top-up": ("topup", "444.01"),
    "a pending packet": ("send", "444.02", "--count", "5", "--from", "icbc-0003"),
    "a pending withdrawal": ("withdraw", "444.03"),
    "a balance on its way": ("balance",),
    "the clock turned": ("clock", "advance", "25h"),
    "the clock turned again": ("clock", "advance", "25h"),
    "history with banks": ("history",),
}


Seen = Callable[[str], dict[str, str]]


@pytest.fixture(scope="session")
def seen(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Return what shows each screen in a language and a width, such as ``zh_CN 40``."""

    @cache
    def shown(size: str) -> dict[str, str]:
        language, columns = size.split()
        shell = new_year.copied_to(tmp_path_factory.mktemp("screens") / "home")
        lines = [
            [word.format(**shell.packets, pin=shell.pin_file) for word in line]
            for line in LOOKED_AT.values()
        ]
        screens = shell.screens(*lines, columns=int(columns), HONGBAO_LANG=language)
        return dict(zip(LOOKED_AT, screens, strict=True))

    return shown


SIZES = ("en 80", "en 40", "zh_CN 80", "zh_CN 40")


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("size", SIZES)
def test_no_line_is_wider_than_the_terminal(seen: Seen, size: str):
    """
    Measured in cells, of which a Chinese character fills two; only a path may stand out.
    """
    columns = int(size.split()[1])

    for name, screen in seen(size).items():
        wide = [line for line in plain(screen).splitlines() if cell_len(line) > columns]
        assert (name, []) == (name, [line for line in wide if "/home.pin" not in line])
        assert "bug" not in screen


@pytest.mark.parametrize("size", SIZES)
def test_an_amount_is_never_broken_or_cut(seen: Seen, size: str):
    """
    However narrow: a number that is not whole is a wrong number.
    """
    screens = {name: plain(screen) for name, screen in seen(size).items()}

    assert "12345.67" in screens["topup"]
    assert "200000.00" in screens["limits"]
    for screen in screens.values():
        assert not re.search(r"\d…|\d\.\n|\d\n\.\d|\d\.\d\n\d", screen)


def test_a_table_lines_up_under_its_titles(seen: Seen):
    """
    Chinese names and Latin ids in one column end in the same cell.
    """
    screen = plain(seen("zh_CN 80")["packets"]).splitlines()
    head, rows = screen[0], screen[1:5]

    place = cell_len(head[: head.index("总额")]) + cell_len("总额")
    ends = {cell_len(row[: re.search(r"\d+\.\d\d(?=  )", row).end()]) for row in rows}  # type: ignore[union-attr]

    assert {place} == ends


DRAWN: dict[str, Sequence[str]] = {
    **{name: LOOKED_AT[name] for name in ("limits", "packets", "an open packet", "check", "send")},
    **{name: LOOKED_AT[name] for name in ("sums", "a chart", "a year")},
    "books": ("books",),
    "an act in the books": ("books", "{lucky}"),
    "a trace": ("trace", "{exclusive}"),
    "risk": ("risk",),
    "rules": ("risk", "rules"),
    "banks": ("bank",),
}


def test_an_ascii_terminal_gets_lines_and_marks_of_its_own(new_year: Shell):
    """
    What is drawn has a plain form, as wide; only words of other scripts are escaped.
    """
    lines = [[word.format(**new_year.packets) for word in line] for line in DRAWN.values()]

    drawn = new_year.screens(*lines, columns=100)
    plainly = new_year.screens(*lines, columns=100, PYTHONIOENCODING="ascii")

    for name, screen, told in zip(DRAWN, drawn, plainly, strict=True):
        assert (name, True) == (name, told.isascii())
        escaped = {int(code, 16) for code in re.findall(r"\\(?:x|u|U000)([0-9a-f]{2,5})", told)}
        assert (name, set()) == (name, {hex(code) for code in escaped if code < 0x2E80})
        assert (name, len(screen.splitlines())) == (name, len(told.splitlines()))
    assert "--- debit" in plainly[list(DRAWN).index("books")]


SIGNS = re.compile(r"[\u0080-\u200b\u200e-\u2e7f]")  # the two between join signs, and draw none


NEVER_IN_ASCII = ("motion.py", "opening.py", "picture.py", "privacy.py")
"""What draws only where all its signs can be shown, or into files in UTF-8."""


def test_every_sign_that_is_drawn_has_a_plain_form():
    """
    In sentences, and wherever the window draws.
    """
    sources = [
        path.read_text("utf-8")
        for path in (HOUSE / "ui").glob("*.py")
        if path.name not in NEVER_IN_ASCII
    ]
    drawn = {
        sign
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for sign in SIGNS.findall(node.value)
    }
    catalogue = (HOUSE / "locale/zh_CN/LC_MESSAGES/hongbao.po").read_text("utf-8")
    said = {
        sign
        for message in re.findall(r'^msgid ((?:".*"\n)+)', catalogue, re.MULTILINE)
        for sign in SIGNS.findall(message)
    }

    assert {"·", "─"} <= drawn | said
    assert set() == {
        sign for sign in drawn | said if sign.encode("ascii", PLAINLY).decode().startswith("\\")
    }


@pytest.mark.parametrize("size", SIZES)
def test_somebodys_text_is_shown_and_not_obeyed(seen: Seen, size: str):
    """
    A greeting in markup is those very characters.
    """
    screen = plain(seen(size)["a finished packet"])

    assert "[bold]新年[/]快乐" in screen


def test_an_open_packet_is_red(seen: Seen, new_year: Shell):
    """
    What can be claimed stands out.
    """
    screen = seen("en 80")["packets"]

    assert f"\x1b[31m{new_year.packets['lucky']}\x1b[0m" in screen


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_only_decoration(new_year: Shell, seen: Seen, variable: dict[str, str]):
    """
    Without it the same characters stand in the same places.
    """
    lines = [("packets",), ("balance",), ("show", new_year.packets["equal"])]

    screens = new_year.screens(*lines, columns=80, HONGBAO_LANG="en", **variable)

    with_colour = [seen("en 80")[name] for name in ("packets", "balance")]
    assert [plain(screen) for screen in with_colour] == [plain(screen) for screen in screens[:2]]
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", "".join(screens))


def test_the_terminals_width_can_be_overruled(new_year: Shell):
    """
    COLUMNS is what a person says the width is.
    """
    (screen,) = new_year.screens(("packets",), columns=80, COLUMNS="40")

    assert max(map(cell_len, plain(screen).splitlines())) <= 40


# --- what stands on a screen ---------------------------------------------------------------------


def lines_of(seen: Seen, size: str, name: str) -> list[str]:
    screen = plain(seen(size)[name])
    return [line.rstrip() for line in screen.splitlines()]


def test_a_balance_says_what_is_free_and_what_waits(seen: Seen):
    """
    And what is due back only where something is.
    """
    lines = lines_of(seen, "zh_CN 80", "balance")

    assert ["小明", "可用", "红包待领", "合计"] == [line.split()[0] for line in lines]


def test_a_balance_says_what_is_on_its_way(seen: Seen):
    """
    A withdrawal that the bank has not answered is still the person's money, and not to spend.
    """
    lines = lines_of(seen, "en 80", "a balance on its way")

    assert ["小明", "available", "in", "on", "in", "hint:"] == [line.split()[0] for line in lines]
    assert lines[5].endswith("`hongbao settle`")
    assert "444.03" == lines[3].split()[-1]


TURNED = {
    "en 80": (
        "小明 · 52.00 of {packet} arrived at icbc-0003",
        "小明 · 444.03 could not reach icbc-0003 · returned to the balance",
    ),
    "zh_CN 80": (
        "小明 · {packet} 退回的52.00元已到账 icbc-0003",
        "小明 · 444.03元无法到账 icbc-0003 · 已退回零钱",
    ),
}


@pytest.mark.parametrize(("size", "ends"), TURNED.items())
def test_the_clock_tells_what_payments_came_to(
    seen: Seen, new_year: Shell, size: str, ends: tuple[str, ...]
):
    """
    Each in one line of its own, in words, with whose it is and which card.
    """
    lines = lines_of(seen, size, "the clock turned") + lines_of(
        seen, size, "the clock turned again"
    )

    for end in ends:
        assert 1 == lines.count(end.format(packet=new_year.packets["exclusive"]))


def test_a_packet_shows_its_progress(seen: Seen):
    """
    How many of how many, how much of how much, and how long it is open.
    """
    english = lines_of(seen, "en 80", "an open packet")
    chinese = lines_of(seen, "zh_CN 80", "an open packet")

    assert re.match(r"2/3 claimed, \d+\.\d\d/66\.66 in all$", english[4])
    assert "open for 1d more · until 2026-02-17 20:00:00" == english[5]
    assert re.match(r"已领取2/3个，共\d+\.\d\d/66\.66元$", chinese[4])
    assert "还剩1天 · 有效至2026-02-17 20:00:00" == chinese[5]


def test_a_finished_packet_says_how_quickly_it_went(seen: Seen):
    """
    In the words that everyone knows.
    """
    assert "2个红包共17.76元，1秒被抢光" in lines_of(seen, "zh_CN 40", "a finished packet")
    assert "2 shares, 17.76 in all, gone in 1s" in lines_of(seen, "en 40", "a finished packet")


def test_an_unconfirmed_limit_is_marked(seen: Seen):
    """
    A number that no source is sure of carries a mark, and the mark a footnote.
    """
    lines = lines_of(seen, "en 80", "limits of a stranger")

    assert lines[3].startswith("a day†")
    assert "† unconfirmed; you can change it in your own policy file" in lines


def test_every_check_has_a_line(seen: Seen):
    """
    A tick for each, but for that of a log, which only a ledger on a cluster has.
    """
    lines = lines_of(seen, "zh_CN 40", "check")

    assert len(PROBLEMS.keys() - {"log"}) == sum(line.startswith("✓ ") for line in lines)


# --- what falls due on a real clock --------------------------------------------------------------

SENT_AT, LATER = "2026-02-16T20:00:00+08:00", "2026-02-17T21:00:00+08:00"


@pytest.fixture(scope="module")
def expired(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home on the real clock, from which somebody went away for 25 hours."""
    shell = Shell(tmp_path_factory.mktemp("expired") / "home", "246813")
    said = shell.plays(
        ("init", "小明"),
        ("init", "小红"),
        ("card", "add", "9999010000000003"),
        ("topup", "100"),
        ("send", "10", "--count", "2"),
        ("claim", "{1}", "-p", "小红"),
        now=SENT_AT,
    )
    assert [] == [each.err for each in said if each.code]
    shell.packets["late"] = re.findall("hb_[0-9A-Z]{8}", said[4].out)[0]
    return shell


def test_what_is_due_back_is_said_with_the_way_to_get_it(expired: Shell):
    """
    On the balance, in the list and on the packet itself.
    """
    late = expired.packets["late"]

    balance, packets, packet = map(
        plain,
        expired.screens(("balance",), ("packets",), ("show", late), columns=80, now=LATER),
    )

    assert re.search(r"due back +\d\.\d\d", balance)
    assert "hint: return the unclaimed amounts with `hongbao refund`" in balance
    assert re.search(rf"{late} +you +lucky +expired", packets)
    assert re.search(r"expired at 2026-02-17 20:00:00 · \d\.\d\d due back", packet)
    assert f"hint: return the unclaimed amount: `hongbao refund {late}`" in packet


def test_an_expired_packet_is_refused_and_refunded(expired: Shell, tmp_path: Path):
    """
    Never both: claimed until the instant, refunded from it on.
    """
    shell = expired.copied_to(tmp_path / "home")
    late = shell.packets["late"]

    said = shell.plays(
        ("claim", late, "--json"), ("refund",), ("refund", late, "--json"), ("balance",), now=LATER
    )

    assert [11, 0, 11, 0] == [each.code for each in said]
    assert '"packet_expired"' in said[0].err
    assert re.match(rf"returned \d\.\d\d of {late} to balance · balance 9\d\.\d\d\n", said[1].out)
    assert '"packet_refunded"' in said[2].err


def test_a_minute_before_it_is_still_open(expired: Shell):
    """
    The same packet, looked at a little earlier.
    """
    (screen,) = expired.screens(
        ("show", expired.packets["late"]), columns=80, now="2026-02-17T19:59:30+08:00"
    )

    assert "open for 30s more" in plain(screen)
