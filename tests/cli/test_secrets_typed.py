"""Secrets typed on a terminal: mistakes forgiven, nothing shown, nothing left for the shell."""

import os
import signal

import pytest

from tests.cli.shell import INSTALLED, Shell
from tests.cli.typist import CTRL_C, CTRL_D, typing

PIN_QUESTION = {"en": "payment PIN: ", "zh_CN": "支付密码："}
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh_CN"])
WIDTHS = pytest.mark.parametrize("columns", [80, 40])


# --- mistakes ------------------------------------------------------------------------------------


@LANGUAGES
@WIDTHS
def test_a_wrong_pin_is_asked_for_again_and_counted(shell: Shell, language: str, columns: int):
    """
    The number of attempts left stands above the next question; the right one clears the count.
    """
    with typing(shell, "topup", "5", columns=columns, HONGBAO_LANG=language) as person:
        person.until(PIN_QUESTION[language].strip())
        person.type("000000\n")
        person.until(_wrong(language, 4))
        person.type("000000\n")
        screen = person.until(_wrong(language, 3))
        person.type(f"{shell.pin}\n")

        assert 0 == person.ends()
        assert "000000" not in screen
        assert "5.00" in person.screen
    assert 4 == shell.refuses("topup", "5", "--pin-file", "/dev/null")[1].get("attempts_left", 4)


def _wrong(language: str, left: int) -> str:
    said = {"en": f"wrong PIN; attempts left: {left}", "zh_CN": f"还可试{left}次"}
    return said[language]


def test_a_pin_that_is_locked_is_not_asked_for_again(shell: Shell):
    """
    The fifth wrong one locks, which ends the command with its own code and sentence.
    """
    with typing(shell, "topup", "5") as person:
        for left in (4, 3, 2, 1):
            person.until("payment PIN:")
            person.type("000000\n")
            person.until(f"attempts left: {left}")
        person.type("000000\n")

        assert 14 == person.ends()
        assert "the PIN is locked until" in person.screen
    code, error = shell.refuses("topup", "5")
    assert (14, "pin_locked") == (code, error["code"])


def test_a_wrong_pin_from_a_file_is_not_tried_again(shell: Shell):
    """
    A file says the same each time: one attempt, and the refusal, also at a terminal.
    """
    file = shell.home.with_name("wrong.pin")
    file.write_text("000000\n")
    with typing(shell, "topup", "5", "--pin-file", str(file)) as person:
        assert 14 == person.ends()
        assert "error: wrong PIN; attempts left: 4" in person.screen


def test_a_wrong_pin_is_forgotten_by_the_next_act_of_one_command(shell: Shell):
    """
    `identify --card` takes the PIN once for two acts: a wrong one is not used for the second try.
    """
    typed = ("identify", "-p", "小红", "--name", "李四", "--card", "9999020000000002")
    with typing(shell, *typed) as person:
        person.until("ID number:")
        person.type("110105199003078510\n")
        person.until("payment PIN:")
        person.type("000000\n")
        person.until("attempts left: 4")
        person.type(f"{shell.pin}\n")

        assert 0 == person.ends()
    assert 1 == len(shell.answers("card", "list", "-p", "小红")["cards"])


@LANGUAGES
def test_a_weak_pin_is_judged_when_it_is_first_typed(shell: Shell, language: str):
    """
    Before anyone types it twice; the holder's birth date counts, which only the wallet knows.
    """
    again = {"en": "the same PIN again", "zh_CN": "再次输入"}[language]
    with typing(shell, "pin", "change", HONGBAO_LANG=language) as person:
        person.until(PIN_QUESTION[language].strip())
        person.type(f"{shell.pin}\n")
        weak = {"en": "too easy to guess", "zh_CN": "过于简单"}[language]
        for typed in ("123456", "491231"):
            person.until("PIN" if language == "en" else "新支付密码")
            person.settle()
            person.type(f"{typed}\n")
            screen = person.until(weak)
            assert again not in screen
        person.type(CTRL_C)

        assert 130 == person.ends()


def test_an_answer_of_the_wrong_form_is_asked_for_again(shell: Shell):
    """
    Five digits are no PIN: nothing was tried, and the attempts stay.
    """
    with typing(shell, "topup", "5") as person:
        person.until("payment PIN:")
        person.type("12345\n")
        person.until("a PIN is exactly six digits")
        person.type("000000\n")
        person.until("attempts left: 4")
        person.type(f"{shell.pin}\n")

        assert 0 == person.ends()


# --- nothing shown, nothing left -----------------------------------------------------------------


def test_echo_is_off_before_the_question(shell: Shell):
    """
    The keys of a PIN typed while the wallet still opens are not shown; here it opens very slowly.
    """
    file = shell.home.with_name("passphrase")
    file.write_text("correct horse battery\n")
    shell.does("lock", "--passphrase-file", str(file))
    file.unlink()
    os.mkfifo(file)
    with typing(shell, "topup", "5", HONGBAO_PASSPHRASE_FILE=str(file)) as person:
        with file.open("w") as passphrase:  # as soon as the command waits for it
            assert not person.echoes
            assert "" == person.settle()
            passphrase.write("correct horse battery\n")
        person.until("payment PIN:")
        person.type(CTRL_C)
        person.ends()
        assert person.echoes


def test_what_is_typed_while_a_payment_is_made_is_dropped(shell: Shell):
    """
    It may be the PIN once more, from one who expects to be asked twice.
    """
    with typing(shell, "topup", "5") as person:
        person.until("payment PIN:")
        person.type(f"{shell.pin}\n")
        while b"PIN: \r\n" not in person.raw:
            person.settle(0.001)
        person.type(f"{shell.pin}\n")

        assert 0 == person.ends()
        assert "" == person.left_for_the_shell()
        assert shell.pin not in person.screen


def test_what_is_typed_before_and_behind_a_secret_is_dropped(shell: Shell):
    """
    Neither the question nor the shell gets it.
    """
    with typing(shell, "topup", "5", ahead="135790\n") as person:
        person.until("payment PIN:")
        person.settle()
        assert "attempts" not in person.screen  # it was no answer
        person.type(f"{shell.pin}\n{shell.pin}\n")

        assert 0 == person.ends()
        assert "" == person.left_for_the_shell()
        assert shell.pin not in person.screen


@pytest.mark.parametrize(("keys", "code"), [(CTRL_C, 130), (CTRL_D, 2), ("12" + CTRL_D * 2, 2)])
def test_what_is_typed_behind_a_refused_question_is_dropped(unchanged: Shell, keys: str, code: int):
    """
    And a line that was begun and not ended is no answer: it costs no attempt.
    """
    with typing(unchanged, "topup", "5") as person:
        person.until("payment PIN:")
        person.type(keys)

        assert code == person.ends()
        lines = person.screen.splitlines()
        assert "payment PIN:" == lines[0]
        assert lines[1].startswith("hongbao: error: ")
        assert "" == person.left_for_the_shell()
        assert person.echoes


@pytest.mark.parametrize("typed", [("balance",), ("topup", "0.001"), ("topup", "5", "--card", "x")])
def test_the_next_command_is_kept_where_nothing_was_asked(new_year: Shell, typed: tuple[str, ...]):
    """
    What is typed ahead of a command without a question is the user's next command.
    """
    with typing(new_year, *typed, ahead="echo HI\n") as person:
        person.ends()

        assert "echo HI\n" == person.left_for_the_shell()
        assert person.echoes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_a_secret_restores_the_terminal(unchanged: Shell, number: signal.Signals):
    """
    The process ends by the signal, as without a question; the shell's echo is on.
    """
    with typing(unchanged, "topup", "5") as person:
        before = person.given_state
        person.until("payment PIN:")
        assert before != person.state
        person.kill(number)

        assert -number == person.ends()
        assert before[:6] == person.state[:6]


@pytest.mark.slow
def test_a_signal_right_after_a_question_is_never_missed(unchanged: Shell):
    """
    The moment between the question and the read is short: of a hundred signals some hit it.
    """
    for _ in range(100):
        with typing(unchanged, "topup", "5") as person:
            person.until("payment PIN:")
            person.kill(signal.SIGTERM)

            assert -signal.SIGTERM == person.ends()


@pytest.mark.slow
def test_a_stopped_question_gives_the_terminal_back(shell: Shell):
    """
    After Ctrl-Z and `fg` the question is there once more, and its answer is not shown either.
    """
    said = shell.at_terminal(
        "--norc",
        "--noprofile",
        "-i",
        argv=["/bin/bash"],
        replies=[
            ("> ", "hongbao topup 5\n"),
            ("payment PIN: ", "\x1a"),
            ("> ", "fg\n"),
            ("payment PIN: ", f"{shell.pin}\n"),
            ("> ", "exit\n"),
        ],
        PS1="> ",
        PATH=f"{INSTALLED.parent}:{os.environ['PATH']}",
    )

    assert "topped up \x1b[1m5.00" in said.out
    assert shell.pin not in said.out


# --- a passphrase --------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_asked_for_again(shell: Shell):
    """
    Three times; a weak new one is refused before it is typed twice.
    """
    with typing(shell, "lock") as person:
        person.until("new passphrase:")
        person.type("password\n")
        person.until("hint:")
        assert "again:" not in person.settle()
        person.type("correct horse battery\n")
        person.until("again:")
        person.type("correct horse battery\n")
        person.until("payment PIN:")
        person.type(f"{shell.pin}\n")
        assert 0 == person.ends()
    with typing(shell, "topup", "5") as person:
        person.until("passphrase:")
        person.type("incorrect horse\n")
        person.until("the passphrase is wrong")
        person.type("correct horse battery\n")
        person.until("payment PIN:")
        person.type(f"{shell.pin}\n")
        assert 0 == person.ends()
        assert "horse" not in person.screen
