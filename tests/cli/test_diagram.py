"""`hongbao trace --diagram`, `--mermaid` and `--svg`: who sent what to whom."""

import re
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from hongbao import words
from hongbao.ui import diagram, trace
from hongbao.ui.script import Sheet, columns
from hongbao.ui.sequence import (
    _LABELS,
    Arrow,
    Drawn,
    Lane,
    Omitted,
    label,
    mermaid,
    quoted,
    sequence,
)
from tests.cli.shell import Shell, plain
from tests.every import every

SUBJECTS = ("t1", "s1", "s2", "lost", "declined", "big", "w1")

HOSTILE = (
    *("end", "End of", "a;b", "#1", "%% x", "participant", "p1", "-->>", "a:b", "<b>x</b>"),
    *('"q"', "Ann Lee", "😀熊猫", "العربية", "a&b", "alt; end", "{}", "note over p1", "\\n"),
)

_TEXT = r"(?:[^\W_]|[ .,:+/()→×…，。：、·_-]|#\d+;)+"
_MERMAID = re.compile(
    rf"sequenceDiagram\n(?:    (?:actor|participant) p\d+ as {_TEXT}\n)+"
    rf"(?:    (?:p\d+(?:->>|-->>|--x)p\d+: {_TEXT}(?:<br/>{_TEXT})*"
    rf"|Note over p\d+(?:,p\d+)?: {_TEXT})\n)*"
)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell whose home has payments of every kind."""
    shell = Shell(tmp_path_factory.mktemp("lived") / "home", "246813")
    people = ["小红", "Ann Lee", "😀熊猫", "小刚", "小丽"]
    said = shell.plays(
        ("init", "小明", "--clock", "2026-02-16T20:00:00+08:00", "--dice", "2026"),
        *(("init", name) for name in people),
        ("card", "add", "9999010000000003"),
        ("topup", "100", "--request-id", "t1"),
        ("send", "10", "--count", "2", "--request-id", "s1"),
        ("claim", "last", "-p", "小红"),
        ("send", "20", "--from", "icbc-0003", "--count", "2", "--request-id", "s2"),
        ("claim", "last", "-p", "Ann Lee"),
        ("send", "9", "--count", "5", "--request-id", "big"),
        *(("claim", "last", "-p", name) for name in people),
        ("withdraw", "5", "--request-id", "w1"),
    )
    assert [] == [each.err for each in said if each.code]
    shell("topup", "444.01", "--request-id", "lost")
    shell.does("bank", "fault", "icbc", "decline")
    assert 22 == shell("topup", "7", "--request-id", "declined").code
    shell.does("bank", "fault", "icbc", "off")
    shell.does("clock", "advance", "25h", "--yes")
    shell.does("settle")
    return shell


def screen_of(traced: object, width: int) -> list[str]:
    sheet = Sheet(width)
    with redirect_stdout(sheet):
        diagram.show_diagram(traced)  # type: ignore[arg-type]
    return plain(sheet.getvalue()).splitlines()


def test_every_code_of_a_step_has_a_label():
    """
    A step that a trace can say is an arrow or a point in the drawing.
    """
    assert set(trace._SAYS) == set(_LABELS)


def test_the_diagram_is_drawn_in_any_width(lived: Shell):
    """
    In columns of the terminal: under its name, each lane is where it is in every row.
    """
    for subject in SUBJECTS:
        traced = lived.answers("trace", subject)
        for language in ("en", "zh_CN"):
            words.use_language(language)
            for width in (40, 60, 80, 100):
                rows = screen_of(traced, width)
                assert [] == [row for row in rows if columns(row) > width], (subject, width)
                if not any("├" in row for row in rows):
                    continue
                lanes = [at for at, sign in cells(rows[-1]).items() if sign == "│"]
                for row in rows[3:]:
                    drawn = cells(row)
                    assert {at for at, sign in drawn.items() if sign in "├┤●"} <= set(lanes)


def cells(row: str) -> dict[int, str]:
    """Return the signs of *row* by their columns."""
    found, at = {}, 0
    for sign in row:
        found[at] = sign
        at += columns(sign)
    return found


def test_all_that_moved_is_in_the_drawing(lived: Shell):
    """
    As the trace has it, and at most one answer that never came.
    """
    for subject in SUBJECTS:
        traced = lived.answers("trace", subject)
        arrows = [event for event in sequence(traced).events if isinstance(event, Arrow)]
        shown = [moved for arrow in arrows for moved in arrow.moved]
        steps = traced["steps"]
        if subject == "big":  # of many claims, the first two and the last
            assert any(isinstance(event, Omitted) for event in sequence(traced).events)
            assert 3 == sum(arrow.step == 5 for arrow in arrows)
            continue
        assert len(shown) == sum(len(step["movements"]) for step in steps)
        assert [step["step"] for step in steps if step["says"] != "instructed"] == [
            arrow.step
            for arrow in arrows
            if arrow.label != label("instructed", {"amount_fen": _fen(steps)})
        ]
    assert "lost" in [
        arrow.way
        for arrow in sequence(lived.answers("trace", "lost")).events
        if isinstance(arrow, Arrow)
    ]


def _fen(steps: list[dict[str, dict[str, object]]]) -> object:
    return next((step["facts"]["amount_fen"] for step in steps if "bank" in step["facts"]), 0)


def test_a_narrow_terminal_gets_a_list(lived: Shell):
    """
    With the same words.
    """
    traced = lived.answers("trace", "s2")
    rows = screen_of(traced, 40)

    assert "① 小明 → platform · create: 20.00 for 2" in rows
    assert "③ ICBC → platform · answer: posted 20.00" in rows
    assert not any("│" in row for row in rows)


def test_a_pipe_gets_the_drawing_without_colours(lived: Shell):
    """
    As wide as 80 columns; and --json is the trace.
    """
    drawn = lived.does("trace", "s2", "--diagram").out

    assert "\x1b" not in drawn
    assert drawn.splitlines() == screen_of(lived.answers("trace", "s2"), 80)
    assert lived.answers("trace", "s2") == lived.answers("trace", "s2", "--diagram")


def test_mermaid_is_text_that_mermaid_reads(lived: Shell):
    """
    Each line by a strict grammar, in both languages.
    """
    for subject in SUBJECTS:
        for language in ("en", "zh"):
            text = lived.does("trace", subject, "--mermaid", HONGBAO_LANG=language).out
            assert _MERMAID.fullmatch(text), text
    said = lived.answers("trace", "s2", "--mermaid")
    assert {"subject", "mermaid"} == set(said)


@every("name", HOSTILE)
def test_a_name_is_only_a_text_to_mermaid(name: str):
    """
    In any script. (Mermaid 11 draws each of these as it is written here.)
    """
    person, platform = Lane("person", name), Lane("platform", "platform")
    text = mermaid(Drawn((person, platform), (Arrow(1, person, platform, name),)))

    assert _MERMAID.fullmatch(text), text
    decoded = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), quoted(name))
    assert name == decoded
    assert not re.search(r"\bend\b", quoted(name), re.IGNORECASE)


def test_the_drawing_is_saved_as_a_picture(lived: Shell, tmp_path: Path):
    """
    With the names that were asked for, and else without other people's.
    """
    for number, options in enumerate(((), ("--names",), ("--no-amounts",))):
        file = tmp_path / f"{number}.svg"
        lived.does("trace", "s2", "--svg", str(file), *options)
        text = file.read_text(encoding="utf-8")
        ET.fromstring(text)
        assert ("Ann Lee" in text) is (options == ("--names",))
        assert ("20.00" in text) is (options != ("--no-amounts",))
        assert "platform" in text


def test_what_cannot_be_both_is_refused(lived: Shell):
    """
    Before anything is looked at.
    """
    for options in (
        ("--mermaid",),
        ("--csv",),
        ("--mermaid", "--svg", "a"),
    ):
        code, error = lived.refuses("trace", "s2", "--diagram", *options)
        assert (2, "conflicting_options") == (code, error["code"])
