"""What was left out is asked for on a terminal, and nowhere else; `last` is the newest."""

import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hongbao.ui.picker import Choice, look
from hongbao.ui.script import columns as columns_of
from hongbao.words import use_language
from tests.cli.shell import Shell
from tests.cli.typist import (
    BACKSPACE,
    CTRL_C,
    CTRL_D,
    DOWN,
    ENTER,
    ESC,
    UP,
    Typist,
    pasted,
    typing,
)
from tests.every import every

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh_CN"])
SCREENS = pytest.mark.parametrize(
    ("language", "columns"),
    [
        ("en", 80),
        ("zh_CN", 40),
        pytest.param("en", 40, marks=pytest.mark.slow),
        pytest.param("zh_CN", 80, marks=pytest.mark.slow),
    ],
)
HINT = {"en": "type to filter", "zh_CN": "输入以筛选"}
ASKED = HINT["en"]


@pytest.fixture(scope="module")
def generous(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home in which 小红 can claim three packets: an exclusive one, and two newer ones."""
    shell = new_year.copied_to(tmp_path_factory.mktemp("generous") / "home")
    for name, amount in (("older", "8.88"), ("newer", "6.66")):
        shell.packets[name] = shell.sends(amount, "--count", "2", "-g", f"{name} one")
    return shell


@pytest.fixture
def giving(generous: Shell, tmp_path: Path) -> Shell:
    return generous.copied_to(tmp_path / "home")


@contextmanager
def claiming(shell: Shell, *typed: str, **settings: object) -> Iterator[Typist]:
    """Type `claim` for 小红 without a packet."""
    with typing(shell, "claim", "-p", "小红", *typed, **settings) as person:  # type: ignore[arg-type]
        yield person


def claimed_by(shell: Shell, packet: str) -> list[str]:
    return [share["profile"] for share in shell.answers("show", packet)["shares"]]


# --- the list ------------------------------------------------------------------------------------


@SCREENS
def test_a_packet_is_chosen_with_the_arrow_keys(giving: Shell, language: str, columns: int):
    """
    The newest first; the cursor stands on the chosen row; one plain line tells what was chosen.
    """
    newer, older = giving.packets["newer"], giving.packets["older"]
    with claiming(giving, columns=columns, HONGBAO_LANG=language) as person:
        lines = person.until(HINT[language]).splitlines()
        assert [1, 2, 3] == [
            number
            for number, line in enumerate(lines)
            if line[2:].startswith(("hb_", newer, older))
        ]
        person.until_cursor(f"› {newer}")
        person.type(DOWN)
        person.until_cursor(f"› {older}")
        person.type(ENTER)

        assert 0 == person.ends()
        told = {"en": f"packet: {older} (小明, 8.88)", "zh_CN": f"红包：{older}（小明、8.88）"}
        assert told[language] == person.screen.splitlines()[0]
        assert HINT[language] not in person.screen
    assert ["小红"] == claimed_by(giving, older)
    assert [] == claimed_by(giving, newer)


@SCREENS
@pytest.mark.parametrize("rows", [24, 5])
def test_a_long_list_fits_in_any_terminal(language: str, columns: int, rows: int):
    """
    No line is as wide as the terminal, none is lost, and the chosen row is always seen.
    """
    use_language(language)
    try:
        choices = [Choice(f"hb_{n:08}", ("李四" * n, "新年快乐 🧧 " * 5)) for n in range(43)]
        for at in range(43):
            shown = look("红包", "", choices, at, (columns, rows))

            assert all(columns_of(line) < columns for line in shown.lines)
            assert len(shown.lines) <= rows
            assert shown.lines[shown.cursor].startswith(f"› hb_{at:08}")
    finally:
        use_language("en")


def test_typing_filters(giving: Shell):
    """
    By any part of a row; what fits nothing rings, waits, and takes nothing.
    """
    with claiming(giving) as person:
        person.until(ASKED)
        person.type("8.8")
        person.until("packet: 8.8")
        person.until_cursor(f"› {giving.packets['older']}")
        person.type("z")
        assert giving.packets["older"] not in person.until("nothing fits")
        person.type(ENTER)
        person.settle()
        assert 1 == person.bells
        person.type(BACKSPACE)
        person.until(f"› {giving.packets['older']}")
        person.type(ENTER)

        assert 0 == person.ends()
    assert ["小红"] == claimed_by(giving, giving.packets["older"])


@every("keys", ["{exclusive}", "{EXCLUSIVE}\nls"])
def test_what_is_pasted_is_what_is_chosen(generous: Shell, tmp_path: Path, keys: str):
    """
    Not the first row; and of several lines the first, so that nothing is accepted by itself.
    """
    giving = generous.copied_to(tmp_path / str(len(keys)))
    packet = giving.packets["exclusive"]
    with claiming(giving) as person:
        person.until(ASKED)
        person.type(pasted(keys.format(exclusive=packet, EXCLUSIVE=packet.upper())))
        person.until(f"› {packet}")
        assert ASKED in person.settle()
        person.type(ENTER)

        assert 0 == person.ends()
    assert ["小红"] == claimed_by(giving, packet)


@pytest.mark.parametrize("plain", ["auto", "plain"])
@pytest.mark.parametrize(
    ("keys", "code", "told"),
    [
        (ESC, 2, "nothing was done"),
        (CTRL_C, 130, "interrupted; nothing was changed"),
        (CTRL_D, 2, "there was no answer to 'packet'; nothing was changed"),
    ],
)
def test_a_list_can_be_left(giving: Shell, keys: str, code: int, told: str, plain: str):
    """
    Everything stays as it was, the terminal too, and what was said is on a line of its own.
    """
    if plain == "plain" and keys == ESC:
        pytest.skip("a line is not left with Esc")
    before = giving.ledger()
    with claiming(giving, HONGBAO_PROMPTS=plain) as person:
        state = person.given_state
        person.until(ASKED if plain == "auto" else "1-3, or part of a name:")
        person.type(keys)

        assert code == person.ends()
        assert f"\nhongbao: error: {told}" in f"\n{person.screen}"
        assert state[:6] == person.state[:6]
    assert before == giving.ledger()


@pytest.mark.parametrize("plain", ["auto", "plain"])
def test_keys_typed_before_the_list_choose_nothing(giving: Shell, plain: str):
    """
    They were meant for something else; and nothing of them reaches the shell.
    """
    before = giving.ledger()
    with claiming(giving, ahead="2\n" + DOWN + ENTER, HONGBAO_PROMPTS=plain) as person:
        person.until(ASKED if plain == "auto" else "1-3, or part of a name:")
        lines = person.settle().splitlines()
        assert "packet:" == lines[-5]  # and nothing filters
        person.type(CTRL_C)

        assert 130 == person.ends()
        assert "" == person.left_for_the_shell()
    assert before == giving.ledger()


def test_one_candidate_is_offered_and_not_taken_at_once(shell: Shell):
    """
    Enter accepts it; money never moves by itself.
    """
    with claiming(shell) as person:
        person.until(f"› {shell.packets['exclusive']}")
        person.settle(0.5)
        assert not person.command.has_ended()
        person.type(ENTER)

        assert 0 == person.ends()
    assert ["小红"] == claimed_by(shell, shell.packets["exclusive"])


def test_the_list_is_never_drawn_into_the_data(generous: Shell):
    """
    Standard output may be a pipe: it gets the answer alone.
    """
    reader, writer = os.pipe()
    with typing(generous, "show", output=writer) as person:
        os.close(writer)
        person.until(ASKED)
        person.type(UP + ENTER)
        assert 0 == person.ends()
    with os.fdopen(reader, encoding="utf-8") as data:
        piped = data.read()
    assert generous("show", generous.packets["newer"]).out == piped


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_a_list_restores_the_terminal(generous: Shell, number: signal.Signals):
    """
    Echo and lines are as they were, and the process ends by the signal.
    """
    with typing(generous, "show") as person:
        before = person.given_state
        person.until(ASKED)
        assert (False, True) == (person.echoes, person.marks_pastes)
        person.kill(number)

        assert -number == person.ends()
        assert not person.marks_pastes
        assert before[:6] == person.state[:6]


@pytest.mark.slow
def test_a_stopped_list_comes_back(generous: Shell):
    """
    After Ctrl-Z the shell's keys are echoed; `fg` draws the list again.
    """
    said = generous.at_terminal(
        *("--norc", "--noprofile", "-i"),
        argv=["/bin/bash"],
        replies=[
            ("> ", "hongbao show\n"),
            (ASKED, "\x1a"),
            ("> ", "echo back; fg\n"),
            (ASKED, ENTER),
            ("> ", "exit\n"),
        ],
        PS1="> ",
        PATH=f"{Path(os.sys.executable).parent}:{os.environ['PATH']}",  # type: ignore[attr-defined]
    )

    assert "back" in said.out
    assert f"packet: {generous.packets['newer']}" in said.out


# --- by number -----------------------------------------------------------------------------------


@SCREENS
@every("settings", [{"TERM": "dumb"}, {"ACCESSIBLE": "1"}, {"HONGBAO_PROMPTS": "plain"}])
def test_numbers_do_instead_of_arrow_keys(
    generous: Shell, tmp_path: Path, language: str, columns: int, settings: dict[str, str]
):
    """
    Line by line, without an escape, for readers of screens and for terminals that can do no more.
    """
    shell = generous
    asked = {"en": "1-6, or part of a name:", "zh_CN": "输入1-6，或名称的一部分："}[language]
    said = {**settings, "HONGBAO_LANG": language}
    with typing(shell, "show", columns=columns, **said) as person:  # type: ignore[arg-type]
        person.until(asked)
        person.type("zzz\n")
        person.until({"en": "nothing fits", "zh_CN": "没有匹配项"}[language])
        person.until(asked)
        person.type("2\n")

        assert 0 == person.ends()
        assert f"{shell.packets['older']}" in person.screen
        assert b"\x1b[2J" not in person.raw


def test_a_part_of_a_name_does_as_well(giving: Shell):
    """
    A part that several have shortens the list; with one left, that is it; Enter alone is nothing.
    """
    with claiming(giving, HONGBAO_PROMPTS="plain") as person:
        person.until("1-3, or part of a name:")
        person.type("\n")
        person.until("nothing fits")
        person.type("one\n")
        person.until("1-2, or part of a name:")
        person.type("older\n")

        assert 0 == person.ends()
    assert ["小红"] == claimed_by(giving, giving.packets["older"])


def test_one_candidate_by_number_is_the_default(shell: Shell):
    """
    Enter accepts it.
    """
    with claiming(shell, HONGBAO_PROMPTS="plain") as person:
        person.until("1, or Enter:")
        person.type("\n")

        assert 0 == person.ends()
    assert ["小红"] == claimed_by(shell, shell.packets["exclusive"])


# --- who is asked --------------------------------------------------------------------------------


@every(
    ("typed", "settings"),
    [
        ((), {"HONGBAO_PROMPTS": "off"}),
        (("--json",), {}),
        (("--no-input",), {}),
        ((), {"CI": "true"}),
    ],
)
def test_nobody_is_asked_who_did_not_want_it(
    generous: Shell, typed: tuple[str, ...], settings: dict[str, str]
):
    """
    The refusal names the command that lists the candidates.
    """
    with claiming(generous, *typed, **settings) as person:
        assert 2 == person.ends()
        assert "PACKET is missing" in person.screen
        assert "`hongbao packets --claimable" in person.screen


@every(
    ("typed", "listing"),
    [
        (("claim",), "hongbao packets --claimable"),
        (("show",), "hongbao packets"),
        (("verify",), "hongbao packets"),
        (("trace",), "hongbao history"),
        (("receipt",), "hongbao history"),
        (("risk", "why"), "hongbao history"),
        (("use",), "hongbao profiles"),
        (("card", "remove"), "hongbao card list"),
        (("device", "approve"), "hongbao device list"),
        (("challenge", "answer"), "hongbao challenge list"),
        (("review", "show"), "hongbao review list --all"),
        (("review", "approve"), "hongbao review list"),
        (("reconcile", "resolve"), "hongbao reconcile"),
        (("bank", "show"), "hongbao bank list"),
        (("export",), "hongbao export --help"),
    ],
)
def test_without_a_terminal_the_candidates_command_is_named(
    generous: Shell, typed: tuple[str, ...], listing: str
):
    """
    In the hint, and for programs as a fact.
    """
    code, error = generous.refuses(*typed) if typed != ("export",) else (2, None)
    said = generous(*typed)

    assert (2, 2) == (code, said.code)
    assert error is None or ("usage", listing) == (error["code"], error["list_command"])
    assert f"`{listing}" in said.err


@every(("typed", "flag"), [(("topup",), "AMOUNT"), (("send",), "AMOUNT"), (("init",), "NAME")])
def test_what_nobody_can_list_has_no_such_hint(generous: Shell, typed: tuple[str, ...], flag: str):
    """
    An amount is the caller's to know.
    """
    code, error = generous.refuses(*typed)

    assert (2, f"{flag} is missing") == (code, error["message"])
    assert "list_command" not in error


@LANGUAGES
def test_an_empty_list_is_said_and_not_asked(new_year: Shell, language: str):
    """
    With the code of what is not there, at a terminal and in a script.
    """
    told = {"en": "there is no packet that you can claim", "zh_CN": "现在没有可领的红包"}[language]
    with typing(new_year, "claim", "-p", "小刚", HONGBAO_LANG=language) as person:
        assert 10 == person.ends()
        assert told in person.screen


# --- other kinds ---------------------------------------------------------------------------------


def test_an_amount_is_asked_for_as_text(shell: Shell):
    """
    What was typed ahead is the answer; a mistake is said, and asked for again.
    """
    with typing(shell, "topup", ahead="5.001\n") as person:
        person.until("at least 0.01")
        person.type("5\n")
        person.until("payment PIN:")
        person.type(f"{shell.pin}\n")

        assert 0 == person.ends()
        assert "topped up 5.00" in person.screen


@every(
    ("typed", "keys", "told"),
    [
        (("send", "--count", "2"), "6.66\n", "6.66"),
        (("withdraw",), "1\n", "withdrew 1.00"),
    ],
)
def test_every_act_of_money_asks_for_its_amount(
    new_year: Shell, tmp_path: Path, typed: tuple[str, ...], keys: str, told: str
):
    """
    And then for the PIN, as ever.
    """
    shell = new_year.copied_to(tmp_path / typed[0])
    with typing(shell, *typed) as person:
        person.until("amount, in yuan:")
        person.type(keys)
        person.until("payment PIN:")
        person.type(f"{shell.pin}\n")

        assert 0 == person.ends()
        assert told in person.screen


@every(
    ("typed", "asked", "keys", "told"),
    [
        (("use",), "profile:", ENTER, "profile: 小"),
        (("bank", "show"), "bank:", "cmb" + ENTER, "bank: cmb"),
        (("device", "move"), "city:", "上海" + ENTER, "city: shanghai"),
        (("export",), "format:", "jsonl" + ENTER, "format: jsonl"),
        (("risk", "why"), "request:", ENTER, "request: hb_"),
        (("verify",), "packet:", ENTER, "match the commitment"),
        (("trace",), "packet or payment:", ENTER, "packet or payment: "),
        (("receipt",), "movement:", ENTER, "movement: "),
    ],
)
def test_every_kind_is_chosen_from_its_list(
    new_year: Shell, tmp_path: Path, typed: tuple[str, ...], asked: str, keys: str, told: str
):
    """
    Packets, profiles, banks, cities, formats, requests and movements.
    """
    shell = new_year.copied_to(tmp_path / typed[0])
    with typing(shell, *typed, rows=60) as person:
        person.until(ASKED)
        assert person.screen.splitlines()[0].startswith(asked)
        assert "wechat-xlsx" not in person.screen  # no terminal can show it
        person.type(keys)

        assert 0 == person.ends()
        assert told in person.raw.decode()


def test_a_card_is_chosen_before_the_pin_is_asked_for(shell: Shell):
    """
    And removed with it.
    """
    with typing(shell, "card", "remove") as person:
        person.until("› icbc-0003")
        person.type(ENTER)
        person.until("payment PIN:")
        person.type(f"{shell.pin}\n")

        assert 0 == person.ends()
    assert [] == shell.answers("card", "list")["cards"]


def test_a_locked_home_is_unlocked_once(shell: Shell):
    """
    The list is in it; the passphrase that opened it for the list opens it for the act.
    """
    file = shell.home.with_name("passphrase.txt")
    file.write_text("correct horse battery\n")
    shell.does("lock", "--passphrase-file", str(file))
    with typing(shell, "show") as person:
        person.until("passphrase:")
        person.type("correct horse battery\n")
        person.until(ASKED)
        person.type(ENTER)

        assert 0 == person.ends()
        assert 1 == person.raw.count(b"passphrase:")


def test_the_terminal_echoes_again_after_a_list(generous: Shell):
    """
    An answer is no secret.
    """
    with typing(generous, "show") as person:
        person.until(ASKED)
        person.type(ENTER)
        person.ends()

        assert person.echoes
        assert person.state[3] & termios.ICANON  # type: ignore[operator]


# --- the newest ----------------------------------------------------------------------------------


@pytest.mark.parametrize("last", ["last", "@", "LAST"])
def test_the_last_packet_is_the_newest_that_can_be_claimed(giving: Shell, last: str):
    """
    Whoever claims, named before or behind; in scripts too.
    """
    first = giving.answers("claim", last, "-p", "小红")
    second = giving.answers("-p", "小红", "claim", last)

    assert [giving.packets["newer"], giving.packets["older"]] == [
        first["packet"],
        second["packet"],
    ]


def test_the_last_is_the_newest_that_fits_the_command(giving: Shell):
    """
    Shown is any packet, verified a closed one, traced what moved; none is due back.
    """
    newer = giving.packets["newer"]

    assert newer == giving.answers("show", "last")["packet"]
    assert giving.packets["equal"] == giving.answers("verify", "last")["packet"]
    assert giving("trace", newer).out == giving("trace", "last").out
    assert giving("receipt", newer).out == giving("receipt", "last").out
    assert giving("risk", "why", newer).out == giving("risk", "why", "last").out
    assert giving("books", newer).out == giving("books", "last").out
    assert (10, "nothing_fits") == _code(giving, "refund", "last")


def test_there_is_no_last_of_nothing(giving: Shell):
    """
    A sentence of its own, and the code of what is not there.
    """
    for typed in (
        ("review", "show"),
        ("challenge", "answer"),
        ("reconcile", "resolve", "--operator", "x", "--reason", "y"),
    ):
        code, error = giving.refuses(*typed[:2], "last", *typed[2:])

        assert (10, "nothing_fits") == (code, error["code"])


def _code(shell: Shell, *typed: str) -> tuple[int, object]:
    code, error = shell.refuses(*typed)
    return code, error["code"]


def test_no_request_is_called_last(generous: Shell):
    """
    Else `trace last` could mean it.
    """
    code, error = generous.refuses("topup", "5", "--request-id", "last")

    assert (2, "invalid_request_id") == (code, error["code"])


@pytest.mark.parametrize("typed", [("topup", "5"), ("identify", "-p", "小红"), ("rekey",)])
def test_without_prompts_no_question_is_asked(new_year: Shell, typed: tuple[str, ...]):
    """
    The setting is as good as `--no-input`, for PINs, names and a yes as well.
    """
    with typing(new_year, *typed, HONGBAO_PROMPTS="off") as person:
        assert 2 == person.ends()
        assert "hint: give --" in person.screen.replace("\n  ", " ")
        assert person.echoes
