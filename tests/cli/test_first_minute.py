"""
The first minute of a stranger, at a real shell on a real terminal.

They type what is on the screen and know nothing else: from no wallet at all to an opened packet.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND, Shell, plain
from tests.consumers import program

READY = "ready> "


def copied(pattern: str) -> Callable[[str], str]:
    """Return what types the last line on the screen that fits *pattern*, as one would copy it."""

    def keys(screen: str) -> str:
        found = re.findall(rf"^  ({pattern})$", plain(screen), re.MULTILINE)
        assert found, screen
        return f"{found[-1]}\n"

    return keys


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_each_screen_shows_the_next_command(tmp_path: Path, language: str):
    """
    The same, typed without a shell, which is quick enough for each day.
    """
    stranger = Shell(tmp_path / "nowhere", "246813")

    def shows(typed: str, home: str = "") -> str:
        said = stranger.at_terminal(
            *typed.split()[1:], HONGBAO_LANG=language, HONGBAO_HOME=home.replace("~", str(tmp_path))
        )
        assert (0, False) == (said.code, "hongbao: " in said.out)
        return plain(said.out)

    made = shows(copied(r"hongbao sandbox")(shows("hongbao")))
    home = copied(r"export HONGBAO_HOME=\S+")(made).partition("=")[2].strip()
    for pattern in (r"hongbao claim hb_\w+", r"hongbao show hb_\w+"):
        assert "23.88" in shows(copied(pattern)(made), home)
    assert not stranger.home.exists()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_from_nothing_to_an_opened_packet(tmp_path: Path, language: str):
    """
    In five commands, each of them shown by the one before.
    """
    stranger = Shell(tmp_path / "nowhere", "246813")
    said = stranger.at_terminal(
        argv=[program("bash"), "--norc", "--noprofile", "-i"],
        replies=[
            (READY, "hongbao\n"),
            (READY, copied(r"hongbao sandbox")),
            (READY, copied(r"export HONGBAO_HOME=\S+")),
            (READY, copied(r"hongbao claim hb_\w+")),
            (READY, copied(r"hongbao show hb_\w+")),
            (READY, "exit\n"),
        ],
        PATH=f"{Path(COMMAND[0]).parent}:{stranger.environment()['PATH']}",
        PS1=READY,
        HONGBAO_HOME="",
        HONGBAO_LANG=language,
    )

    screen = plain(said.out)
    assert 0 == said.code
    opened, shown = (
        screen.rpartition(f"{READY}hongbao {verb} hb_")[2] for verb in ("claim", "show")
    )
    assert "23.88" in opened.partition(READY)[0]
    assert "23.88" in shown.partition(READY)[0]
    assert "hongbao: " not in screen
    assert not stranger.home.exists()
