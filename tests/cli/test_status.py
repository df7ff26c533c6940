"""`hongbao` alone, and `hongbao status`: a welcome, or today at a glance."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
from rich.cells import cell_len

from hongbao import answers
from tests.cli.shell import Shell, plain

WAYS = ("hongbao sandbox", "hongbao demo", "hongbao init NAME")


def listing(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.suffix not in (".db-shm", ".db-wal")
    }


def test_without_a_wallet_there_are_three_ways_to_begin(empty: Shell):
    """
    On a terminal a dozen lines, in a pipe one line; and nothing is made.
    """
    piped = empty()
    answer = {"home": str(empty.home), "locked": False, "wallet": None, "next": "hongbao sandbox"}

    assert (0, "") == (piped.code, piped.err)
    assert piped.out == "\t".join(("none", str(empty.home), *WAYS)) + "\n"
    assert [answer] * 2 == [empty.answers(), empty.answers("status")]
    for language in ("en", "zh_CN"):
        for columns in (40, 80):
            said = empty.at_terminal(columns=columns, HONGBAO_LANG=language)
            lines = plain(said.out).splitlines()
            assert 0 == said.code
            assert columns >= max(cell_len(line) for line in lines)
            assert (10 if columns == 80 else 12) <= len(lines) <= 20
            ways = WAYS if language == "en" else (*WAYS[:-1], "hongbao init <用户名>")
            assert [way for way in ways if f"  {way}" in lines] == [*ways]
    assert not empty.home.exists()


def test_a_day_on_which_something_waits(new_year: Shell):
    """
    Only rows that have something are there; the ids can be pasted, and so can the next command.
    """
    lucky, exclusive = new_year.packets["lucky"], new_year.packets["exclusive"]
    mine, hers = new_year.answers(), new_year.answers("-p", "小红")
    wallet = mine["wallet"]
    balance = new_year.answers("balance")

    assert set(get_type_hints(answers.Status)) == set(mine)
    assert set(get_type_hints(answers.Today)) == set(wallet)
    assert set(get_type_hints(answers.TodayPacket)) == set(wallet["open"][0])
    assert {name: balance[name] for name in balance if name in wallet} == {
        name: wallet[name] for name in wallet if name in balance
    }
    assert {exclusive, lucky} == {packet["packet"] for packet in wallet["open"]}
    assert ([], 0, 2) == (wallet["claimable"], wallet["claimable_count"], wallet["open_count"])
    assert f"hongbao show {wallet['open'][0]['packet']}" == mine["next"]
    assert f"hongbao claim {exclusive} -p 小红" == hers["next"]
    assert [exclusive] == [packet["packet"] for packet in hers["wallet"]["claimable"]]

    piped = [line.split("\t") for line in new_year("status", "-p", "小红").lines]
    assert ["wallet", "balance", "claimable", "next"] == [row[0] for row in piped]
    assert ["next", hers["next"]] == piped[-1]
    assert new_year("-p", "小红").out == new_year("status", "-p", "小红").out


@pytest.mark.parametrize("columns", [40, 80])
def test_it_fits_a_terminal(new_year: Shell, columns: int):
    """
    Only a command to copy is wider than a terminal may be.
    """
    for language in ("en", "zh_CN"):
        for who in ("小明", "小红", "小刚"):
            shown = new_year.at_terminal(
                "-p", who, columns=columns, HONGBAO_LANG=language, HOME="/nowhere"
            )
            lines = [
                line for line in plain(shown.out).splitlines() if str(new_year.home) not in line
            ]
            wide = [line for line in lines if cell_len(line) > columns]
            assert (0, []) == (shown.code, [w for w in wide if not w.startswith("hongbao ")])
            assert who in lines[0] or who in shown.out
            assert lines[-1].endswith(f"-p {who}")


def test_more_than_three_are_counted(shell: Shell):
    """
    And the command that lists the others is shown.
    """
    shell.plays(*(("send", "1", "--to", "小刚") for _ in range(4)))
    wallet = shell.answers("status", "-p", "小刚")["wallet"]

    assert (3, 4) == (len(wallet["claimable"]), wallet["claimable_count"])
    assert ["more", "claimable", "1"] in [
        line.split("\t") for line in shell("status", "-p", "小刚").lines
    ]
    shown = plain(shell.at_terminal("status", "-p", "小刚").out)
    assert "+1 more" in shown
    assert "hongbao packets --claimable -p 小刚" in shown


def test_it_changes_nothing(shell: Shell):
    """
    Not even what has fallen due: an expired packet stays until `refund` returns it.
    """
    shell.does("clock", "advance", "23h")
    before = listing(shell.home)
    for typed in ((), ("status",), ("--json",), ("-p", "小红")):
        shell.does(*typed)
    shell.at_terminal()

    assert before == listing(shell.home)


def test_a_locked_wallet_says_so_and_asks_nothing(shell: Shell):
    """
    A passphrase from a file opens it, and otherwise it stays locked: exit code 0 both times.
    """
    passphrase = shell.home.with_name("passphrase")
    passphrase.write_text("correct horse battery")
    shell.does("lock", "--passphrase-file", str(passphrase))

    locked = {"home": str(shell.home), "locked": True, "wallet": None, "next": "hongbao unlock"}
    assert locked == shell.answers()
    assert f"locked\t{shell.home}\nnext\thongbao unlock\n" == shell().out
    shown = shell.at_terminal(HONGBAO_PASSPHRASE_FILE="")
    assert (0, True) == (shown.code, "is locked by a passphrase" in " ".join(shown.out.split()))
    opened = shell.answers(HONGBAO_PASSPHRASE_FILE=str(passphrase))
    assert "小明" == opened["wallet"]["profile"]


def test_a_profile_that_is_not_there_is_refused(new_year: Shell):
    """
    What was typed wrongly never looks like success.
    """
    code, error = new_year.refuses("-p", "小黑")

    assert (10, "profile_not_found") == (code, error["code"])


def test_the_setting_bare_brings_help_back(new_year: Shell, tmp_path: Path):
    """
    For `hongbao` alone; `status` is as before.
    """
    file = tmp_path / "config.toml"
    file.write_text('bare = "help"\n')

    assert new_year("--help").out == new_year(HONGBAO_CONFIG=str(file)).out
    assert new_year("status").out == new_year("status", HONGBAO_CONFIG=str(file)).out


def test_it_wakes_no_more_than_balance(new_year: Shell):
    """
    Starting is most of what a command costs, and what it imports most of starting.
    """
    count = "import sys; from hongbao import cli; cli.main(sys.argv[1:]); print(*sys.modules)"

    def woken(*typed: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", count, *typed, "--json"],
            env=new_year.environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        document, _, modules = done.stdout.partition("\n")
        assert json.loads(document)
        return set(modules.split())

    own = {"hongbao.commands.status", "hongbao.queries.status"}
    assert own >= woken() - woken("balance")


def test_a_wallet_that_the_environment_names_is_named(empty: Shell):
    """
    It may be mistyped; the usual place needs no name.
    """
    code, error = empty.refuses("balance")
    assert (10, str(empty.home)) == (code, error["path"])
    assert str(empty.home) in error["message"]
    assert "path" not in empty.refuses("balance", HONGBAO_HOME="")[1]
