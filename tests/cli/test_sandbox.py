"""`hongbao sandbox`: a ready wallet to play in, marked as one for ever."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from rich.cells import cell_len

from bench.bare import connect_to
from bench.homes import env_of
from hongbao import answers
from hongbao.domain.pin import OF_SANDBOXES
from hongbao.store import SANDBOX_MARK
from tests.cli.shell import COMMAND, Shell, plain
from tests.consumers import program

USUAL = Path(".local", "share", "hongbao-sandbox")
PACKET = "hb_38KMMAWG"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, dict[str, Any]]:
    """A shell in a sandbox, for looking only; and what `sandbox --json` said."""
    begun = Shell(tmp_path_factory.mktemp("sandbox") / "home", "246813")
    answer = begun.answers("sandbox")
    return Shell(Path(answer["home"]), "975312"), answer


@pytest.fixture
def sandbox(made: tuple[Shell, dict[str, Any]], tmp_path: Path) -> Shell:
    """A shell in a copy of that sandbox; its PIN file is another wallet's."""
    return made[0].copied_to(tmp_path / "sandbox")


def test_one_command_makes_a_ready_wallet(made: tuple[Shell, dict[str, Any]]):
    """
    Three people with money, two weeks of history, and a packet that waits to be opened.
    """
    shell, answer = made
    status = shell.answers()
    lines = shell.answers("history")["movements"]
    acts = [line["act"] for line in lines]

    assert set(get_type_hints(answers.SandboxMade)) == set(answer)
    assert ["小明", "Alice", "小红"] == [one["profile"] for one in answer["people"]]
    assert all(one["available_fen"] > 0 for one in answer["people"])
    assert (PACKET, "2026-02-16T20:00:00+08:00") == (answer["packet"], answer["at"])
    assert f"{OF_SANDBOXES}\n" == Path(answer["pin_file"]).read_text()
    assert (True, f"hongbao claim {PACKET}") == (status["wallet"]["sandbox"], status["next"])
    assert {"topup", "withdraw", "send", "claim", "refund"} == set(acts)
    assert 12 <= len(acts) <= 16
    assert ("2026-02-02", "2026-02-15") == (lines[-1]["at"][:10], lines[0]["at"][:10])
    finished = [p for p in shell.answers("packets")["packets"] if p["state"] == "finished"]
    assert 3 in [packet["count"] for packet in finished]
    assert shell.answers("check")["ok"]


def test_the_same_sandbox_has_the_same_ids(made: tuple[Shell, dict[str, Any]], tmp_path: Path):
    """
    So pages can print them, in both languages.
    """
    first, _answer = made
    again = Shell(tmp_path / "home", "246813")
    again.does("sandbox", "--at", str(tmp_path / "again"), HONGBAO_LANG="zh_CN")
    second = Shell(tmp_path / "again", "246813")

    for typed in (("history",), ("packets",), ("profiles",), ("events", "--limit", "100")):
        assert first(*typed).out == second(*typed).out


def test_the_first_commands_need_no_pin(sandbox: Shell):
    """
    The sandbox types everyone's, also where HONGBAO_PIN_FILE is that of another wallet.
    """
    assert "claimed " in sandbox.does("claim", PACKET).out
    assert "sent hb_" in sandbox.does("send", "6.66", "--count", "3").out
    assert "topped up" in sandbox.does("topup", "10", "-p", "Alice").out
    shown = sandbox.at_terminal("withdraw", "5")
    assert (0, False) == (shown.code, "PIN" in shown.out)
    assert sandbox.answers("check")["ok"]


def test_the_default_profile_is_another_wallets(made: tuple[Shell, dict[str, Any]], tmp_path: Path):
    """
    It is a setting for every wallet, and the people of a sandbox are others.
    """
    shell, _answer = made
    file = tmp_path / "config.toml"
    file.write_text('default_profile = "老王"\n', "utf-8")

    assert "小明" == shell.answers("balance", HONGBAO_CONFIG=str(file))["profile"]
    assert 10 == shell("balance", "-p", "老王", HONGBAO_CONFIG=str(file)).code


def test_a_pin_of_ones_own_is_asked_for(sandbox: Shell):
    """
    The sandbox's own is the only weak one that is accepted; once changed, it is not everyone's.
    """
    new = sandbox.home.with_name("new.pin")
    new.write_text("111111")
    code, error = sandbox.refuses("pin", "change", "--new-pin-file", str(new))
    assert (14, "weak_pin") == (code, error["code"])
    new.write_text("246813")
    sandbox.does("pin", "change", "--new-pin-file", str(new))

    code, error = sandbox.refuses("topup", "10", HONGBAO_PIN_FILE="")
    assert (2, "unanswered") == (code, error["code"])
    sandbox.does("topup", "10", HONGBAO_PIN_FILE=str(new))
    sandbox.does("topup", "10", "-p", "小红")
    sandbox.does("init", "小强", "--pin-file", str(new))


def test_only_a_new_folder_is_ever_used(tmp_path: Path):
    """
    What is there stays as it is; `--fresh` makes another one next to it.
    """
    shell = Shell(tmp_path / "home", "246813")
    first = shell.answers("sandbox", "--empty", "--people", "2")
    before = sorted(Path(first["home"]).rglob("*"))

    code, error = shell.refuses("sandbox")
    assert (2, "sandbox_exists", first["home"]) == (code, error["code"], error["path"])
    assert before == sorted(Path(first["home"]).rglob("*"))
    second = shell.answers("sandbox", "--fresh", "--empty")
    assert [f"{tmp_path / USUAL}", f"{tmp_path / USUAL}-2"] == [first["home"], second["home"]]
    assert (None, 2, 3) == (first["packet"], len(first["people"]), len(second["people"]))

    taken = tmp_path / "taken"
    taken.mkdir()
    code, error = shell.refuses("sandbox", "--at", str(taken))
    assert (2, "sandbox_exists", []) == (code, error["code"], [*taken.iterdir()])
    code, error = shell.refuses("sandbox", "--at", str(taken), "--fresh")
    assert (2, "conflicting_options") == (code, error["code"])
    assert not shell.home.exists()


def test_one_that_is_killed_half_way_leaves_no_half(tmp_path: Path):
    """
    The next attempt makes a whole one in the same place.
    """
    shell = Shell(tmp_path / "home", "246813")
    place = tmp_path / USUAL
    making = subprocess.Popen([*COMMAND, "sandbox"], env=shell.environment(HONGBAO_HOME=""))
    while not list(place.parent.glob(f".{place.name}-*/data")):
        assert making.poll() is None
        time.sleep(0.005)
    making.kill()
    making.wait()

    assert not place.exists()
    assert str(place) == shell.answers("sandbox", "--empty", "--people", "2")["home"]


def test_a_shell_where_something_else_is_names_what_can_be_made(tmp_path: Path):
    """
    What is there is never written to; `hongbao sandbox` alone would be refused.
    """
    shell = Shell(tmp_path / "home", "246813")
    place = tmp_path / USUAL
    for at, command in (((), "hongbao sandbox"), (("--at", "my box"), "--at 'my box'")):
        _code, error = shell.refuses("sandbox", "shell", *at)
        assert error["hint"].endswith(f"{command}`")
    place.mkdir(parents=True)
    code, error = shell.refuses("sandbox", "shell")
    assert (10, "hongbao sandbox --fresh") == (code, error["command"])


@pytest.mark.slow
def test_many_people_have_names_that_are_numbers(tmp_path: Path):
    """
    After the twentieth.
    """
    shell = Shell(tmp_path / "home", "246813")
    made = shell.answers("sandbox", "--people", "21", "--empty")
    assert "P21" == made["people"][-1]["profile"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_where_it_cannot_be_written_nothing_is_left(tmp_path: Path):
    """
    And the refusal names the folder.
    """
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    code, error = Shell(tmp_path / "home", "246813").refuses("sandbox", "--at", str(closed / "s"))

    assert (21, "storage_refused", []) == (code, error["code"], [*closed.iterdir()])


def test_the_mark_is_for_ever(sandbox: Shell, shell: Shell):
    """
    No other wallet can get it, by any seed that can be typed; and an edit of it is found.
    """
    other = Shell(shell.home.with_name("other"), "246813")
    other.does("init", "小明", "--demo", "--dice", SANDBOX_MARK.decode("latin-1"))
    for home, is_sandbox in ((sandbox.home, True), (shell.home, False), (other.home, False)):
        status = Shell(home, "246813").answers()
        assert is_sandbox == status["wallet"]["sandbox"]

    _edit_dice(shell.home, SANDBOX_MARK + b"2026")
    _edit_dice(sandbox.home, b"sandbox")
    for edited in (shell, sandbox):
        code, error = edited.refuses("balance")
        assert (19, "state_altered") == (code, error["code"])
        assert 19 == edited("check").code


def _edit_dice(home: Path, dice: bytes) -> None:
    connection = connect_to(env_of(home))
    connection.execute("UPDATE home SET dice = ?", [dice])
    connection.close()


def test_screens_that_name_the_wallet_say_sandbox(made: tuple[Shell, dict[str, Any]]):
    """
    In both languages; and a real wallet's say nothing of it.
    """
    shell, _answer = made
    for typed in (
        ("status",),
        ("check",),
        ("profiles",),
        ("receipt", "hb_TZGSXPA5"),
        ("export", "--format", "csv"),
    ):
        for language in ("en", "zh_CN"):
            assert "SANDBOX" in shell.at_terminal(*typed, HONGBAO_LANG=language).out


def test_a_printed_statement_says_sandbox(sandbox: Shell, shell: Shell):
    """
    In its title, where a reader could take it for real; and it is still found genuine.
    """
    for each, title in ((sandbox, "SANDBOX · Statement"), (shell, "Statement")):
        file = each.home.with_name(f"{each.home.name}.html")
        each.does("export", "-o", str(file))
        assert f"</i>{title}</h1>" in file.read_text("utf-8")
        assert each("verify-statement", str(file)).out.startswith("genuine\t")


@pytest.mark.parametrize("columns", [40, 80])
def test_what_it_says_fits_a_terminal(tmp_path: Path, columns: int):
    """
    Only a command to copy may be wider; the first of them all is the packet.
    """
    shell = Shell(tmp_path / "home", "246813")
    for number, language in enumerate(("en", "zh_CN")):
        said = shell.at_terminal(
            *("sandbox", "--at", str(tmp_path / f"s{number}")),
            columns=columns,
            HONGBAO_LANG=language,
            SHELL="/usr/bin/fish" if number else "/bin/bash",
        )
        shown = plain(said.out)
        export = "set -x HONGBAO_HOME " if number else "export HONGBAO_HOME="
        assert (0, True) == (said.code, f"  hongbao claim {PACKET}\n" in shown)
        assert f"  {export}~/s{number}\n" in shown
        assert f"  hongbao sandbox shell --at ~/s{number}\n" in shown
        wide = [line for line in shown.splitlines() if cell_len(line) > columns]
        assert [] == [line for line in wide if not line.startswith("  hongbao ")]


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish", "sh"])
def test_a_shell_of_its_own(made: tuple[Shell, dict[str, Any]], shell_name: str):
    """
    The sandbox is its wallet, the prompt says so, and what belongs to another wallet is not there.
    """
    path = program(shell_name)
    shell, answer = made
    typed = 'echo home=$HONGBAO_HOME "pin=$HONGBAO_PIN_FILE."\nexit\n'
    said = shell("sandbox", "shell", "--at", answer["home"], stdin=typed, SHELL=path)
    assert (0, f"home={answer['home']} pin=.\n") == (said.code, said.out)

    if shell_name in ("bash", "zsh"):
        seen = shell.at_terminal(
            *("sandbox", "shell", "--at", answer["home"]),
            replies=[("(sandbox) ", "exit\n")],
            SHELL=path,
        )
        assert (0, True) == (seen.code, "(sandbox) " in plain(seen.out))


def test_a_sandbox_that_is_there_is_the_first_way_to_begin(made: tuple[Shell, dict[str, Any]]):
    """
    To someone who has no other wallet, and has left it.
    """
    _shell, answer = made
    outside = Shell(Path(answer["home"]).parents[2] / "home", "246813")

    assert "hongbao sandbox shell" == outside.answers()["next"]
    assert "  hongbao sandbox shell\n" in plain(outside.at_terminal().out)
    assert "\thongbao sandbox shell\t" in outside().out


def test_a_shell_in_something_else_is_refused(shell: Shell):
    """
    A real wallet is no sandbox, and neither is a folder that is not there.
    """
    for place in (shell.home, shell.home / "nowhere"):
        code, error = shell.refuses("sandbox", "shell", "--at", str(place))
        assert (10, "sandbox_not_found") == (code, error["code"])


def test_a_demo_identity_is_nobodys(shell: Shell):
    """
    It needs no number, works in every wallet, and shows by its first digits what it is.
    """
    first = shell.answers("identify", "--demo", "-p", "小红")
    second = shell.answers("identify", "--demo", "--name", "王五", "-p", "小刚")

    assert ("9999**********0024", "小*") == (first["id_number"], first["real_name"])
    assert ("9999**********0032", "王*") == (second["id_number"], second["real_name"])
    assert 1 == second["profiles_of_person"]
    for option in ("--id-number", "--id-file"):
        code, error = shell.refuses("identify", "--demo", option, "x")
        assert (2, "conflicting_options") == (code, error["code"])
