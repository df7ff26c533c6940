"""The grammar of stories: docs/reference/stories.md and the parser have the same kinds of line."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from hongbao.errors import InvalidStory
from hongbao.errors.stories import STORY_PROBLEMS
from hongbao.story import parse
from hongbao.story.script import (
    Command,
    Expectation,
    Race,
    Scene,
    Story,
    Together,
    Total,
    Used,
)

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "stories.md"

CLOSED = {"race": "claim [packet]\nend\n    1 => 0\n", "together": "balance => 0\nend\n"}
"""What has to follow the first line of a block."""


def rows(heading: str) -> list[list[str]]:
    """Return the rows of the table below the line that begins with *heading*."""
    text = PAGE.read_text("utf-8").partition(f"\n{heading}")[2]
    table = re.search(r"(?m)^\|(?:.*\n\|)+.*\n", text)
    assert table is not None
    return [
        [cell.strip() for cell in line.strip("| \n").split(" | ")]
        for line in table[0].splitlines()[2:]
    ]


LINES = rows("## What a line can be")


def story_of(example: str, folder: Path) -> Story:
    """Read a story that has the line *example* where one may stand."""
    (folder / "begin.txt").write_text("balance => 0\n", "utf-8")
    if example.startswith("# hongbao"):
        return parse(f"{example}\nbalance => 0\n", "a.txt", folder)
    before = "given packet = hb_7Q2M4K9X\nbalance => 0\n"
    return parse(
        f"{before}{example}\n{CLOSED.get(example.split(maxsplit=1)[0], '')}", "a.txt", folder
    )


def kinds_of(story: Story) -> set[object]:
    """Return all that the parser has found in *story*, by kind."""
    found: set[object] = set()
    for scene in story.scenes:
        found.add(type(scene))
        if isinstance(scene, Used):
            found |= kinds_of(scene.story)
        commands: tuple[Command, ...] = (scene,) if isinstance(scene, Command) else ()
        if isinstance(scene, Race | Together):
            commands = scene.commands
        for command in commands:
            found |= {name for name in ("actor", "error_code") if getattr(command, name)}
            found |= {expected.where for expected in command.expected}
        if isinstance(scene, Race):
            found |= {each.what for each in scene.expected}
            found |= {f"race {each.where}" for each in scene.books}
    return found


@pytest.mark.parametrize("row", LINES, ids=lambda row: row[0])
def test_each_kind_of_line_is_read(row: list[str], tmp_path: Path):
    """
    Its example is a line of that kind: as it is written, it can be read.
    """
    lines, _meaning, example = row
    example = example.strip("`")

    assert story_of(example, tmp_path).scenes
    word = re.match(r"`\s*([a-z!#>{2]+)", lines)
    assert word is None or example.strip().startswith(word[1])


def test_all_that_the_parser_reads_is_in_the_table(tmp_path: Path):
    """
    Every kind of scene, of expectation and of total.
    """
    found = {kind for row in LINES for kind in kinds_of(story_of(row[2].strip("`"), tmp_path))}
    totals = [row[0].strip("`").strip() for row in rows("Below the `end`")]
    filled = {"FACT": "reserve = 0", "FIELD": "amount_fen", "NUMBER": "1", "A B C": "1 2"}
    for line in totals:
        total = re.sub("|".join(filled), lambda word: filled[word[0]], line)
        found |= kinds_of(parse(f"race\nbalance\nend\n    {total}\n", "a.txt"))

    scenes = set(get_args(Scene))
    wheres = set(get_args(get_type_hints(Expectation)["where"]))
    whats = set(get_args(get_type_hints(Total)["what"]))
    assert scenes | wheres | whats | {"actor", "error_code", "race books"} == found


WRONG = {
    "no_arrow": "balance",
    "no_exit_code": "balance => x",
    "open_quote": "send 1 --greeting 'x => 0",
    "no_command": "    > x",
    "no_error_code": "balance => 10:no_such_thing",
    "other_exit_code": "balance => 10:already_claimed",
    "bad_fact": "balance => 0\n    fact: blance = 1",
    "no_command_word": "HONGBAO_LANG=zh => 0",
    "bad_expectation": "balance => 0\n    x",
    "bad_json": "balance => 0\n    {x",
    "unknown_name": "balance => 0\n    fact: packet [x] state = open",
    "not_yours": "HONGBAO_ERROR_FILE=x balance => 0",
    "file_taken": "file home: x",
    "other_form": "# hongbao story 2",
}


@pytest.mark.parametrize(("problem", "text"), WRONG.items())
def test_each_mistake_is_named_before_anything_runs(problem: str, text: str):
    """
    With the line, and what belongs there.
    """
    with pytest.raises(InvalidStory) as caught:
        parse(text, "a.txt")
    assert problem == caught.value.problem
    assert problem in STORY_PROBLEMS
    assert text.count("\n") + 1 == caught.value.line
