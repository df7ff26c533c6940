"""
The examples of `hongbao why`: each is a story, and its last command is refused with the code.

``python -m tests.why`` plays them all and writes what they gave to ``hongbao/why/played.json``;
the tests that call `play` refuse an old one. A code in the arguments plays that one alone.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from hongbao import why
from hongbao.story.player import Answered, Asked, Failed, Player, Skipped
from hongbao.story.script import Command, Prop, Story, parse
from tests import warm

RANDOM = frozenset({"public_key", "sha256", "signature", "mac"})
"""Facts that follow from keys, which are random everywhere."""

PIN = "pin"


class Begun(NamedTuple):
    """Where the examples begin: the folder after the start was played, and the names it filled."""

    folder: Path
    names: dict[str, str]


@contextmanager
def begun() -> Iterator[Begun]:
    """Play the start, once for many examples."""
    with tempfile.TemporaryDirectory() as place, warm.stories():
        player = _player(Path(place), {})
        text = (why.FOLDER / why.START).read_text(encoding="utf-8")
        failed = [each for each in player.outcomes(parse(text, why.START)) if _is_wrong(each)]
        assert not failed, failed
        yield Begun(Path(place), dict(player.names))


def play(explanation: why.Explanation, start: Begun) -> dict[str, Any]:
    """
    Play the example of *explanation* and return what is kept of it.

    Raises AssertionError where a command ends with another code than its story says.
    """
    story = parse(why.story_of(explanation), f"{explanation.code} (why)")
    own = parse_own(explanation, story)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "example")
        if explanation.start == "wallet":
            shutil.copytree(start.folder, folder)
        else:
            folder.mkdir()
        player = _player(folder, start.names if explanation.start == "wallet" else {})
        if (folder / PIN).exists():
            player.variables["HONGBAO_PIN_FILE"] = PIN
        lines, answered = [], None
        for scene in own:
            if isinstance(scene, Prop) and scene.name != PIN:
                lines.append(f"file {scene.name}: {scene.text}")
            for each in player.outcomes(Story(story.source, (scene,))):
                assert not _is_wrong(each), each
                if isinstance(each, Asked):
                    lines.append(each.command)
                if isinstance(each, Answered):
                    answered = each
        assert answered is not None
        lines[-1] = lines[-1].replace(" --json", "", 1)
        error = json.loads(answered.err.strip().splitlines()[-1])["error"]
        assert explanation.code == error["code"], error
        return {"lines": lines, "error": _steady(error)}


def parse_own(explanation: why.Explanation, story: Story) -> list[Any]:
    """Return the scenes of *story* that are the example's own; the last answers in JSON."""
    assert explanation.story is not None
    count = len(explanation.story.splitlines())
    first = len(why.story_of(explanation).splitlines()) - count + 1
    own = [scene for scene in story.scenes if scene.line >= first]
    last = own[-1]
    assert isinstance(last, Command)
    return [*own[:-1], replace(last, typed=f"{last.typed} --json")]


def _player(folder: Path, names: dict[str, str]) -> Player:
    return Player(folder, None, "en", None, os.environ, names, None)


def _is_wrong(outcome: object) -> bool:
    return isinstance(outcome, Failed | Skipped)


def _steady(error: Any) -> Any:
    """Return *error* with the same in place of what is random, however deep."""
    if not isinstance(error, dict):
        return error
    return {
        name: "5d" * 32 if name in RANDOM and value else _steady(value)
        for name, value in error.items()
    }


def main(chosen: list[str]) -> None:
    """Play the examples and write what they gave."""
    kept = json.loads(why.PLAYED.read_text("utf-8")) if why.PLAYED.exists() else {}
    explained = why.explanations()
    kept = {code: entry for code, entry in kept.items() if code in explained}
    with begun() as start:
        for code, explanation in explained.items():
            if explanation.story is None or (chosen and code not in chosen):
                if explanation.story is None:
                    kept.pop(code, None)
                continue
            try:
                kept[code] = play(explanation, start)
            except AssertionError as error:
                sys.stderr.write(f"{code}: {error}\n")
    text = json.dumps(dict(sorted(kept.items())), ensure_ascii=False, indent=1)
    why.PLAYED.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
