"""A story step by step: what runs, what is shown again, and where the home is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hongbao.story import Answered, Asked, AtOnce, Began, Closed, Outcome, Readied, Told
from hongbao.story.snapshots import Snapshots
from hongbao.story.stepping import Steps


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "story").mkdir()
    return tmp_path / "story"


def outcomes(home: Path) -> Iterator[Outcome]:
    """A story whose commands count how often they ran, in the home itself."""
    count = home / "count"
    count.write_text("0")
    yield Told(1, "once")
    yield Asked(2, "a")
    count.write_text("1")
    yield Answered(2, "a", 0, "", "")
    yield Began(3, "One")
    yield Readied(4, "together", ("b", "c"))
    count.write_text("2")
    yield AtOnce(4, "together", 2, [1, 2])
    for line, command in ((5, "b"), (6, "c")):
        yield Asked(line, command)
        yield Answered(line, command, 0, "", "")
    yield Began(7, "Two")
    yield Asked(8, "d")
    count.write_text("3")
    yield Answered(8, "d", 0, "", "")
    yield Told(9, "the end")
    yield Closed("ab", None)


def test_each_command_runs_once_and_the_home_is_where_the_step_is(home: Path):
    """
    However often it is gone over, and wherever from.
    """
    steps = Steps(outcomes(home), Snapshots(home, home.parent / "kept"))
    count = home / "count"

    def seen() -> tuple[int, str]:
        return steps.at, count.read_text()

    assert (0, "0") == seen()
    assert not steps.back()
    assert ["a"] == [each.command for each in steps.forward() if isinstance(each, Answered)]
    assert isinstance(steps.now.typed, Readied)
    assert (1, "1") == seen()
    came = steps.forward()
    assert ["b", "c"] == [each.command for each in came if isinstance(each, Answered)]
    assert (2, "2") == seen()
    assert steps.back()
    assert (1, "1") == seen()
    assert steps.back()
    assert (0, "0") == seen()
    steps.forward()
    assert came == steps.forward()
    assert (2, "2") == seen()
    steps.forward()
    assert steps.is_over
    assert (3, "3") == seen()
    assert [Told, Closed] == [type(each) for each in steps.now.before]


def test_a_chapter_is_reached_through_what_lies_between(home: Path):
    """
    Forward by running it, once; back at once.
    """
    steps = Steps(outcomes(home), Snapshots(home, home.parent / "kept"))
    assert ["a", "b"] == [_first(step.typed) for step in steps.to_chapter(2)]
    assert (2, "Two") == (steps.at, steps.now.title)
    assert [] == list(steps.to_chapter(1))
    assert (1, "1") == (steps.at, (home / "count").read_text())
    assert [] == list(steps.to_chapter(1))
    assert ["b", "d"] == [_first(step.typed) for step in steps.to_chapter(9)]
    assert steps.is_over


def _first(typed: Asked | Readied | None) -> str:
    assert typed is not None
    return typed.command if isinstance(typed, Asked) else typed.commands[0]
