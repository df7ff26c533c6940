"""Luck that follows a seed is said to be none, wherever nothing else shows it."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import Shell, plain

SAID = "randomness is fixed by a seed"


def lived(home: Path, *chosen: str) -> tuple[Shell, str]:
    """Return somebody who has money, and a packet of theirs that was claimed to its end."""
    shell = Shell(home, "246813")
    shell.does("init", "小明", *chosen)
    shell.does("card", "add", "9999010000000003")
    shell.does("topup", "100")
    shell.does("init", "小红")
    packet = json.loads(shell.does("send", "10", "--json", "-p", "小明").out)["packet"]
    shell.does("claim", packet, "-p", "小红")
    return shell, packet


@pytest.mark.parametrize(
    ("chosen", "is_said"),
    [(("--dice", "88"), True), (("--demo",), False)],
)
def test_a_packet_whose_luck_is_scripted_says_so(
    chosen: tuple[str, ...], is_said: bool, tmp_path: Path
):
    """
    With a real clock and a seed, `send` and `verify` say that whoever knows the seed knows each
    share; to people on standard error, to programs in the answer. A demo's clock says it by itself.
    """
    shell, packet = lived(tmp_path / "home", *chosen)

    sent, verified = shell.does("send", "10"), shell.does("verify", packet)
    told = [
        json.loads(shell.does("send", "10", "--json").out),
        json.loads(shell.does("verify", packet, "--json").out),
    ]

    assert [is_said] * 2 == [SAID in sent.err, SAID in verified.err]
    assert [is_said] * 2 == [answer["scripted"] for answer in told]


def test_luck_of_ones_own_is_told_wherever_the_share_is(tmp_path: Path):
    """
    To programs with the answer; to people beside the share; in a pipe of `verify` with the nonce.
    """
    shell, _ = lived(tmp_path / "home", "--demo")
    packet = json.loads(shell.does("send", "10", "--count", "2", "--json", "-p", "小明").out)[
        "packet"
    ]

    claimed = json.loads(
        shell.does("claim", packet, "--luck", " 八方来财 ", "--json", "-p", "小红").out
    )
    shell.does("claim", packet, "-p", "小明")

    shown = plain(shell.at_terminal("show", packet).out)
    proof = [line.split("\t") for line in shell.does("verify", packet).out.splitlines()]
    assert "八方来财" == claimed["luck"]
    assert [1, 1] == [shown.count(text) for text in ("八方来财", "luck  ")]
    assert [claimed["nonce"], "八方来财"] == proof[0][4:]
    assert (32, "") == (len(proof[1][4]), proof[1][5])


def test_luck_that_no_screen_can_show_is_refused(tmp_path: Path):
    """
    Before anything of the packet is looked at, in both languages, with exit code 2.
    """
    shell, packet = lived(tmp_path / "home", "--demo")

    said = [
        shell("claim", packet, "--luck", "8" * 65),
        shell("claim", packet, "--luck", "\x1b[2J"),
        shell("claim", packet, "--luck", "8" * 65, HONGBAO_LANG="zh"),
    ]

    assert [2, 2, 2] == [each.code for each in said]
    assert "luck" in said[0].err
    assert "64" in said[0].err
    assert "U+001B" in said[1].err
    assert "\x1b" not in said[1].err
    assert "手气词" in said[2].err
