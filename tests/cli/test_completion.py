"""What a shell offers where a value is typed: all that would be taken there, and nothing else."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer._completion_classes import BashComplete

from hongbao import packs, policies, statements
from hongbao.cli import COMPLETE
from hongbao.commands import completing, scripts
from hongbao.commands.caller import Caller
from hongbao.commands.house import root_command
from hongbao.commands.root import app
from tests.cli.shell import Shell
from tests.consumers import program
from tests.every import every

FREE = {
    # What can be anything, is new, or is a file, which the shell itself knows best.
    *(
        "ADDRESS",
        "AMOUNT",
        "CODE",
        "COMMAND",
        "COUNT",
        "DATE",
        "DURATION",
        "ENTRY",
        "EVENT",
        "FILE",
        "PORT",
    ),
    *("FOLDER", "ID", "INSTANT", "KEY", "NUMBER", "PROGRAM", "SEED", "SPAN", "TEXT", "YEAR"),
}
NEW = {
    *(("init", "name"), ("operator add", "name"), ("device add", "name"), ("identify", "name")),
    *(("learn new", "name"), ("webhook add", "url"), ("class task-new", "name")),
    ("events publish", "to"),
    ("home grants", "user"),
}
"""Names of what is not there yet, and a person's own."""


def parameters(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every argument and option that takes a value, with its command's words."""
    context = typer.Context(command)
    for param in command.params:
        if not getattr(param, "is_flag", False):
            yield " ".join(words), param
    for name in getattr(command, "commands", ()):
        yield from parameters(command.get_command(context, name), (*words, name))


PARAMETERS = {
    f"{words} {param.name}".strip(): (words, param) for words, param in parameters(root_command())
}


@every("which", PARAMETERS)
def test_every_value_that_can_be_known_is_offered(which: str):
    """
    It has a list of choices, or somebody who looks them up.
    """
    words, param = PARAMETERS[which]
    metavar = str(getattr(param, "metavar", None) or "").strip("[]{}").rpartition("|")[2]

    known = hasattr(param.type, "choices") or param._custom_shell_complete is not None

    assert known or metavar in FREE or (words, param.name) in NEW, metavar


def offered(shell: Shell, monkeypatch: pytest.MonkeyPatch, *typed: str) -> list[str]:
    """Return what is offered behind what is *typed*; its last word is only begun."""
    monkeypatch.setenv("HONGBAO_HOME", str(shell.home))
    house = root_command()
    completer = BashComplete(house, {"obj": Caller()}, "hongbao", COMPLETE)
    return [item.value for item in completer.get_completions([*typed[:-1]], typed[-1])]


OFFERED: list[tuple[Sequence[str], Sequence[str]]] = [
    (("export", "--format", ""), sorted(statements.FORMATS)),
    (("export", "--format", "be"), ["beancount"]),
    (("why", "insufficient_b"), ["insufficient_balance"]),
    (("why", "13"), ["13", "130"]),
    (("review", "report", "--format", ""), ["csv", "json"]),
    (("receipt", "hb_7Q2M4K9X", "--format", "p"), ["pdf"]),
    (("policy", "use", ""), sorted([*policies.names(), "standard@2"])),
    (("policy", "show", "pb"), ["pboc-2015"]),
    (("init", "小白", "--policy", ""), sorted([*policies.names(), "standard@2"])),
    (("risk", "use", ""), sorted([*packs.names(), "standard/1"])),
    (("risk", "rules", "st"), sorted([*packs.names(), "standard/1"])),
    (("risk", "replay", "--pack", "strict"), ["strict"]),
    (("risk", "show", ""), ["小刚", "小明", "小红"]),
    (("send", "5", "--to", ""), ["小刚", "小红"]),
    (("-p", "小红", "send", "5", "--to", ""), ["小刚", "小明"]),
    (("send", "5", "--to", "小红", "-p", ""), ["小刚", "小明", "小红"]),
    (("use", ""), ["小刚", "小红"]),
    (("history", "--with", ""), ["小刚", "小红"]),
    (("history", "--kind", "top"), ["topup"]),
    (("send", "5", "--from", ""), ["balance", "icbc-0003"]),
    (("send", "5", "--deal", ""), ["double-mean", "shuffled"]),
    (("topup", "5", "--card", ""), ["icbc-0003"]),
    (("card", "refunds", ""), ["balance", "card"]),
    (("bank", "fault", ""), ["abc", "boc", "ccb", "cmb", "icbc", "netsunion", "unionpay"]),
    (("bank", "fault", "icbc", "dou"), ["double-booking"]),
    (("device", "add", ""), []),
    (("device", "approve", ""), ["tablet"]),
    (("device", "remove", ""), ["tablet"]),
    (("device", "login", ""), []),
    (("device", "fault", ""), ["tablet", "小明-1"]),
    (("device", "fault", "小明-1", ""), ["forge", "none", "replay"]),
    (("device", "move", "shang"), ["shanghai"]),
    (("refund", ""), []),
    (("reconcile", "--bank", "c"), ["ccb", "cmb"]),
    (("reconcile", "resolve", ""), []),
    (("completion", ""), ["bash", "fish", "zsh"]),
]


@pytest.fixture(scope="module")
def here(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = new_year.copied_to(tmp_path_factory.mktemp("completed") / "home")
    shell.does("device", "add", "tablet")
    return shell


@pytest.mark.parametrize(("typed", "values"), OFFERED, ids=" ".join)
def test_what_would_be_taken_is_offered(
    here: Shell, monkeypatch: pytest.MonkeyPatch, typed: Sequence[str], values: Sequence[str]
):
    """
    And nothing that would be refused: oneself, a device that is in already, a packet not due.
    """
    assert list(values) == sorted(offered(here, monkeypatch, *typed))


def test_packets_are_offered_for_what_can_be_done_with_them(
    here: Shell, monkeypatch: pytest.MonkeyPatch
):
    """
    A seed is published once a packet is closed; until then there is nothing to verify.
    """
    packets = here.packets

    verified = offered(here, monkeypatch, "verify", "")
    shown = offered(here, monkeypatch, "show", "")

    assert {packets["refunded"], packets["equal"]} <= set(verified)
    assert packets["lucky"] not in verified
    assert set(packets.values()) <= set(shown)


def test_a_difference_is_offered_for_its_resolution(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    """
    The payment that a bank has and we have not.
    """
    assert 22 == shell("topup", "444.10").code

    payment, last = offered(shell, monkeypatch, "reconcile", "resolve", "")

    assert "last" == last

    assert "surplus" in shell("reconcile").out.partition(payment)[0]


# --- without hongbao: the table in the shell's script ---------------------------------------------


def test_the_table_has_what_the_library_has():
    """
    Every command with all its options under all their names, and nothing else.
    """
    found = {level.path: level for level in completing.levels(app, {})}
    shared = {option.word.text for option in completing.shared()}
    house = root_command()

    for path, command in {"": house, **dict(commands(house))}.items():
        level = found.pop(path)
        assert [word.text for word in level.commands] == [*getattr(command, "commands", ())]
        named = {name for param in command.params for name in param.opts if name.startswith("-")}
        ours = {option.word.text for option in level.options}
        assert (path, named | shared) == (path, ours | shared)
        valued = {option.word.text for option in level.options if option.taken.kind}
        assert valued == {
            name
            for param in command.params
            for name in param.opts
            if not getattr(param, "is_flag", True) and name in ours
        }
    assert {} == found


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each command below *group*, by its words."""
    for name in group.commands:
        command = group.get_command(typer.Context(group), name)
        yield " ".join((*words, name)), command
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))


@every("shell", ["bash", "zsh", "fish"])
def test_a_script_has_the_version_and_no_name_of_a_person(shell: str):
    """
    It lies in a file that is not encrypted; the same fixed values are in each.
    """
    written = scripts.script(shell, completing.levels(app, {"rp": "send"}), completing.shared())

    assert written.startswith(f"# hongbao {version('hongbao')}\n")
    assert "double-mean" in written
    assert "rp" in written
    assert not re.search(r"hb_[0-9A-Z]{8}|小明|小刚|icbc-0003", written)


TABLED = [
    ("hongbao sen", "send"),
    ("hongbao -p 小红 --json bala", "balance"),
    ("hongbao rec", "receipt reconcile record"),
    ("hongbao rp", "rp"),
    ("hongbao card ''", "add list remove refunds"),
    ("hongbao send --gree", "--greeting"),
    ("hongbao send 5 --deal ''", "double-mean shuffled"),
    ("hongbao export --format = be", "beancount"),
    ("hongbao bank fault icbc dou", "double-booking"),
    ("hongbao lab over", "oversell"),
    ("hongbao help card acc", "accessibility"),
    ("hongbao config set moti", "motion"),
    ("hongbao completion ''", "bash zsh fish"),
    ("hongbao export -o ''", ""),  # a file: bash's own completion
]
ASKED = [
    *("hongbao use 小", "hongbao send 5 --to ''", "hongbao rp --gree", "hongbao -- sen"),
    "hongbao send --dry-run --dry",  # which is there already
]


def test_bash_starts_no_hongbao_for_what_is_in_the_table(here: Shell, tmp_path: Path):
    """
    For the name of a person, and for what is behind an alias, it does.
    """
    (tmp_path / "config.toml").write_text('[aliases]\nrp = "send"\n', encoding="utf-8")
    said = here.does("completion", "bash", HONGBAO_CONFIG=str(tmp_path / "config.toml"))
    typed = [*(words for words, _offered in TABLED), *ASKED]
    asked = "\n".join(
        f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_hongbao_completion hongbao; echo "${COMPREPLY[*]}"'
        for words in typed
    )
    (tmp_path / "hongbao").write_text("#!/bin/sh\necho asked\n", encoding="utf-8")
    (tmp_path / "hongbao").chmod(0o755)

    done = subprocess.run(
        [program("bash"), "--norc", "-c", f"{said.out}\n{asked}"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "" == done.stderr
    lines = done.stdout.splitlines()
    for (words, expected), line in zip(TABLED, lines, strict=False):
        assert (words, sorted(expected.split())) == (words, sorted(line.split()))
    assert ["asked"] * len(ASKED) == lines[len(TABLED) :]


def test_the_installed_command_offers_them_to_bash(here: Shell):
    """
    One a line, as the script that `completion bash` prints reads them.
    """
    said = here(
        COMP_WORDS="hongbao export --format x", COMP_CWORD="3", _HONGBAO_COMPLETE="complete_bash"
    )

    assert ["xlsx"] == said.lines
