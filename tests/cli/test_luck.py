"""Luck that follows a seed is said to be none, wherever nothing else shows it."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import Shell

SAID = "this home's chance is scripted"


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
