"""What the READMEs promise on their first screen is what a reader gets."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from hongbao.story import Answered, Told, play, read
from hongbao.story.player import Screen
from tests import warm

ROOT = Path(__file__).parent.parent
STORY = ROOT / "tests" / "stories" / "readme.txt"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
READMES = [("README.md", "en"), ("README.zh.md", "zh_CN")]


def played(language: str) -> str:
    """Return what a terminal of 80 columns shows of the story behind its second paragraph."""
    shown: list[str] = []
    told = 0
    story = play(read(STORY), language=language, screen=Screen(80, 50))
    with warm.stories(), closing(story) as events:
        for event in events:
            told += isinstance(event, Told)
            if told == 2 and isinstance(event, Answered):
                said = ESCAPE.sub("", event.out + event.err).replace("\r\n", "\n")
                lines = [line.rstrip() for line in said.strip("\n").split("\n")]
                shown.append("\n".join([f"$ {event.command}", *lines]))
    return "\n\n".join(shown) + "\n"


@pytest.mark.parametrize(("readme", "language"), READMES)
def test_the_transcript_is_what_the_commands_say(readme: str, language: str) -> None:
    """
    Every line of the transcript comes from the real commands, in the page's own language.
    """
    page = (ROOT / readme).read_text(encoding="utf-8")

    transcript = re.search(
        r"^<!-- checked by tests/test_readme.py -->\n```console\n(.*?)```$",
        page,
        re.MULTILINE | re.DOTALL,
    )

    assert transcript is not None
    assert played(language) == transcript[1]
