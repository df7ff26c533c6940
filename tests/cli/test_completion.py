"""What a shell offers where a value is typed: all that would be taken there, and nothing else."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer
from typer._completion_classes import BashComplete

from hongbao import packs, policies, statements
from hongbao.cli import COMPLETE
from hongbao.commands.caller import Caller
from hongbao.commands.house import root_command
from tests.cli.shell import Shell
from tests.every import every

FREE = {
    # What can be anything, is new, or is a file, which the shell itself knows best.
    *("AMOUNT", "CODE", "COMMAND", "COUNT", "DATE", "DURATION", "ENTRY", "EVENT", "FILE"),
    *("FOLDER", "ID", "INSTANT", "KEY", "NUMBER", "PROGRAM", "SEED", "SPAN", "TEXT", "YEAR"),
}
NEW = {
    *(("init", "name"), ("operator add", "name"), ("device add", "name"), ("identify", "name")),
    *(("learn new", "name"), ("webhook add", "url"), ("class task-new", "name")),
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


def test_the_installed_command_offers_them_to_bash(here: Shell):
    """
    One a line, as the script that `completion bash` prints reads them.
    """
    said = here(
        COMP_WORDS="hongbao export --format x", COMP_CWORD="3", _HONGBAO_COMPLETE="complete_bash"
    )

    assert ["xlsx"] == said.lines
