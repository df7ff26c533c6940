"""The READMEs' first screen has what a newcomer needs, and the whole of them is read in minutes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh.md")


@pytest.mark.parametrize("readme", READMES)
def test_the_first_screen_says_what_it_is_and_how_it_begins(readme: str) -> None:
    """
    A sentence, the two commands that need nothing, one line to install it, a sandbox, a picture.
    """
    first = "\n".join((ROOT / readme).read_text("utf-8").split("\n")[:24])

    for found in ("红包", "make demo", "make test", "pipx install", "hongbao sandbox", "<img src="):
        assert found in first


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_is_short(readme: str) -> None:
    """
    What is longer has a page of its own, behind one of the three doors.
    """
    text = (ROOT / readme).read_text("utf-8")

    assert text.count("\n") <= 131
    assert len(re.findall("^## ", text, re.MULTILINE)) == 5


def test_both_readmes_show_the_same_commands() -> None:
    """
    English and Chinese are equals: what the one types, the other does.
    """
    english, chinese = (
        re.findall(r"^\$ (hongbao [^#\n]*|make \w+|pipx [^#\n]*|sh \S+)", text, re.MULTILINE)
        for text in ((ROOT / name).read_text("utf-8") for name in READMES)
    )

    assert [typed.strip() for typed in english] == [typed.strip() for typed in chinese]
