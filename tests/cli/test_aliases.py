"""Aliases: a person's own names for commands, which never take a command's."""

from pathlib import Path

import pytest
from typer._completion_classes import BashComplete

from hongbao import settings
from hongbao.cli import COMPLETE
from hongbao.commands.caller import Caller
from hongbao.commands.house import root_command
from hongbao.commands.library import shared_options
from hongbao.commands.table import NAMES
from tests.cli.shell import Shell
from tests.every import every


@pytest.fixture
def mine(new_year: Shell, tmp_path: Path) -> Shell:
    """A shell at the same home, with a file of settings of its own."""
    mine = Shell(new_year.home, new_year.pin)
    mine.home = tmp_path / "home"
    mine.home.symlink_to(new_year.home)
    return mine


def file_of(shell: Shell) -> Path:
    return shell.home.parent / "config.toml"


def test_an_alias_is_what_it_stands_for_and_what_follows(mine: Shell):
    """
    Options may stand before it, as before a command; in JSON, too, and with quotes inside.
    """
    mine.does("alias", "mine", "packets --sent --limit 2")
    mine.does("alias", "刚", "history --with '小刚'")

    assert mine.does("packets", "--sent", "--limit", "2") == mine.does("mine")
    assert mine.does("packets", "--sent", "--limit", "1") == mine.does("mine", "--limit", "1")
    assert mine.does("history", "--with", "小刚") == mine.does("刚")
    assert mine.answers("packets", "--sent", "--limit", "2", "-p", "小红") == (
        mine.answers("-p", "小红", "mine")
    )


def test_json_inside_an_alias_holds_for_its_refusals(mine: Shell):
    """
    They name the command that was run, not the name that was typed.
    """
    mine.does("alias", "five", "send --count 5 --json")

    said = mine("five")

    assert (2, "") == (said.code, said.out)
    assert '"hint": "see `hongbao send --help`"' in said.err


def test_aliases_are_listed_shown_and_removed(mine: Shell):
    """
    By `alias`, in the list of commands, and in help.
    """
    mine.does("alias", "rp", "send --count 5")

    assert ["rp\tsend --count 5"] == mine.does("alias").lines
    assert {"aliases": [{"alias": "rp", "command": "send --count 5"}]} == mine.answers("alias")
    assert "send --count 5\n" == mine.does("alias", "rp").out
    assert "Your aliases:\n  rp  send --count 5\n" in mine.does("--help").out
    assert mine.does("help", "rp").out == (
        f"rp is short for `hongbao send --count 5`\n\n{mine.does('help', 'send').out}"
    )
    mine.does("alias", "--remove", "rp")
    assert "" == mine.does("alias").out
    assert "Your aliases" not in mine.does("--help").out


@every(
    ("typed", "code", "message"),
    [
        (("send", "balance"), "invalid_setting", "'send' is a command, and no alias takes its"),
        (("-x", "balance"), "usage", "no option -x"),
        (("a b", "balance"), "invalid_setting", "'a b' cannot be an alias"),
        (("x" * 33, "balance"), "invalid_setting", "cannot be an alias"),
        (("x", "rp"), "invalid_setting", "aliases.x must begin with a command of hongbao"),
        (("x", ""), "invalid_setting", "must begin with a command of hongbao"),
        (("x", "send 'a"), "invalid_setting", "aliases.x has a quotation mark too many or too"),
        (("x", "send 5 --yes"), "invalid_setting", "has --yes, an operator or a secret"),
        (("x", "send 5 -ny"), "invalid_setting", "has --yes, an operator or a secret"),
        (("x", "send 5 --pin-file=a"), "invalid_setting", "has --yes, an operator or a secret"),
        (("x",), "alias_not_found", "there is no alias 'x'"),
        (("--remove", "x"), "alias_not_found", "there is no alias 'x'"),
        (("--remove",), "usage", "NAME is missing"),
        (("--remove", "x", "send"), "conflicting_options", "cannot be given together"),
    ],
)
def test_what_cannot_be_an_alias_is_refused(
    empty: Shell, typed: tuple[str, ...], code: str, message: str
):
    """
    By `alias` and by `config set` alike; nothing is written.
    """
    _exit, error = empty.refuses("alias", *typed)

    assert (code, True) == (error["code"], message in str(error["message"]))
    if code == "invalid_setting" and " " not in typed[0]:
        _exit, same = empty.refuses("config", "set", f"aliases.{typed[0]}", typed[1])
        assert same["code"] == code
    assert not file_of(empty).exists()


@every(
    ("text", "message"),
    [
        ("rp", "aliases.x must begin with a command of hongbao"),
        ("-p 小红 balance", "aliases.x must begin with a command of hongbao"),
        ("send 'a", "aliases.x has a quotation mark too many or too few"),
        ("send --yes", "aliases.x has --yes, an operator or a secret, which are given each time"),
    ],
)
def test_an_alias_in_the_file_that_is_none_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
):
    """
    Where it is used: one alias never leads to another, nor round in circles.
    """
    mine = Shell(tmp_path / "home", "246813")
    file_of(mine).write_text(f'[aliases]\nrp = "x"\nx = "{text}"\n', encoding="utf-8")

    code, error = mine.refuses("x", "5")

    assert (2, 3) == (code, error["line"])
    assert f"{file_of(mine)}:3: {message}" == error["message"]


def test_a_command_of_the_same_name_wins_and_says_so(mine: Shell):
    """
    As when a later version has a command that is called so.
    """
    file_of(mine).write_text('[aliases]\nbalance = "history"\n', encoding="utf-8")
    ignored = "note: your alias balance is ignored, since hongbao has a command of that name\n"

    said = mine.does("balance")

    assert ignored == said.err
    assert said.out == mine.does("balance", HONGBAO_CONFIG="/dev/null").out
    assert "Your aliases" not in mine.does("--help").out


def test_no_settings_are_read_for_an_alias_where_a_command_is_typed(
    monkeypatch: pytest.MonkeyPatch,
):
    """
    What is typed most costs nothing more.
    """
    assert settings.VALUED == (*("--profile", "-p", "--pin-file", "--totp-file"),)
    valued = {name for name, _ in shared_options() if " " in name.replace(", ", ",")}
    spelled = {each.split(" ")[0] for name in valued for each in name.split(", ")}
    assert spelled == set(settings.VALUED)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("r",), {"rp", "refund", "receipt"}),
        (("rp", "--gr"), {"--greeting"}),
        (("-p", "小红", "rp", "--co"), {"--count", "--cover"}),
        (("broken", "--gr"), set()),
    ],
)
def test_aliases_are_completed_and_so_is_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], expected: set[str]
):
    """
    As the command that they stand for is.
    """
    config = tmp_path / "config.toml"
    config.write_text('[aliases]\nrp = "send --each 5"\nbroken = "rp"\n', encoding="utf-8")
    monkeypatch.setenv("HONGBAO_CONFIG", str(config))
    house = root_command()
    completer = BashComplete(house, {"obj": Caller()}, "hongbao", COMPLETE)

    found = {item.value for item in completer.get_completions([*typed[:-1]], typed[-1])}

    assert found >= expected
    assert found <= {*NAMES, "rp", "broken"} or found == expected
