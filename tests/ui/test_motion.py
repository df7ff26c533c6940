"""Motion: who may be shown it, and that one module draws all of it."""

import ast
from contextlib import redirect_stderr
from pathlib import Path

import pytest

import hongbao
from hongbao.settings import Settings
from hongbao.ui import motion, progress
from hongbao.ui.script import Sheet
from tests.every import every

HOUSE = Path(hongbao.__file__).parent
WORLD = {"TERM": "xterm-256color"}


@every(
    "settings, variables",
    [
        (Settings(motion="off"), {}),
        (Settings(prompts="plain"), {}),
        *((Settings(), {"TERM": term}) for term in ("", "dumb")),
        *((Settings(), {name: "1"}) for name in ("CI", "NO_COLOR", "ACCESSIBLE")),
        *((Settings(), {"REDUCED_MOTION": value}) for value in ("1", "true", "reduce")),
    ],
)
def test_nothing_moves_for_who_does_not_want_it(
    settings: Settings, variables: dict[str, str]
) -> None:
    assert not motion.is_wanted(settings, WORLD | variables)


@every(
    "variables",
    [{}, {"CI": ""}, {"NO_COLOR": ""}, {"REDUCED_MOTION": ""}],
)
def test_it_does_for_others(variables: dict[str, str]) -> None:
    assert motion.is_wanted(Settings(), WORLD | variables)


def test_a_bar_that_fills_needs_no_colour() -> None:
    assert motion.may_move(Settings(), WORLD | {"NO_COLOR": "1"})


@every("may_move", [True, False])
def test_progress_is_shown_where_something_may_move(may_move: bool) -> None:
    terminal = Sheet(80)
    with redirect_stderr(terminal), progress.counting("settling", lambda: may_move) as counted:
        for done in (10_000, 20_000):
            counted(done, 20_000)
    assert may_move is ("settling" in terminal.getvalue())


@pytest.mark.usefixtures("capsys")
def test_without_a_terminal_nothing_can_move() -> None:
    assert not motion.is_possible()


MOVING = {"rich.live", "rich.progress", "rich.spinner", "rich.status"}


def moves(text: str) -> set[str]:
    """Return the escapes in *text* that are more than a style."""
    parts = (part.lstrip("0123456789;") for part in text.split("\x1b[")[1:])
    return {part[:5] for part in parts if not part.startswith("m")}


def drawing(source: str) -> set[str]:
    """Return what *source* has of escapes and of libraries that draw one thing over another."""
    found: set[str] = set()
    if "x1b[" not in source and not any(name in source for name in MOVING):
        return found
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values=parts):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "0" for part in parts
                )
                found |= moves(text)
                for part in parts:
                    if isinstance(part, ast.Constant):
                        part.value = ""  # looked at within its text
            case ast.Constant(value=str(text)) if "\x1b[" in text:
                found |= moves(text)
            case ast.ImportFrom(module=str(name)) | ast.Import(names=[ast.alias(name=name)]):
                found |= {name} & MOVING
    return found


def test_one_module_draws_all_frames() -> None:
    found = {
        str(path.relative_to(HOUSE)): drawn
        for path in HOUSE.rglob("*.py")
        if path != HOUSE / "terminal.py"  # what keys send, not what is drawn
        if (drawn := drawing(path.read_text(encoding="utf-8")))
    }
    assert {"ui/motion.py", "ui/progress.py"} == set(found)
    assert {"rich.progress"} == found["ui/progress.py"]


@every(
    "source",
    [
        'print("\\x1b[2J")',
        'print(f"\\x1b[{n}A")',
        "from rich.live import Live",
        "def f():\n import rich.status",
    ],
)
def test_another_one_would_be_noticed(source: str) -> None:
    assert drawing(source)
