"""Questions on the terminal: what is asked, what stays off the screen, and what Ctrl-C leaves."""

import re

import pytest

from tests.cli.shell import CTRL_C, CTRL_D, INTERRUPTED, Shell, plain

PIN_QUESTION = "payment PIN: "


def test_a_pin_is_asked_on_the_terminal_and_not_shown(shell: Shell):
    """
    What is typed stays off the screen.
    """
    said = shell.at_terminal("topup", "5", replies=[(PIN_QUESTION, f"{shell.pin}\n")])

    assert 0 == said.code
    assert "topped up 5.00" in plain(said.out)
    assert shell.pin not in said.out


def test_a_pin_is_asked_on_the_terminal_though_input_is_a_pipe(shell: Shell):
    """
    Secrets go past standard input, which may be data.
    """
    said = shell.at_terminal(
        "-c",
        'echo nothing | "$0" topup 5 | cat',
        shell_command(),
        argv=["/bin/sh"],
        replies=[(PIN_QUESTION, f"{shell.pin}\n")],
    )

    assert "topped up 5.00 from icbc-0003" in said.out
    assert "\x1b" not in said.out


def shell_command() -> str:
    from tests.cli.shell import COMMAND

    return COMMAND[0] if len(COMMAND) == 1 else " ".join(COMMAND)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_interrupting_a_question_changes_nothing(unchanged: Shell, language: str):
    """
    Ctrl-C exits with 130 and says that nothing was done.
    """
    question = {"en": PIN_QUESTION, "zh_CN": "支付密码"}[language]

    said = unchanged.at_terminal("topup", "5", replies=[(question, CTRL_C)], HONGBAO_LANG=language)

    told = {
        "en": "hongbao: error: interrupted; nothing was changed",
        "zh_CN": "hongbao: 错误：已中断；未做任何更改",
    }[language]
    assert INTERRUPTED == said.code
    assert said.out.rstrip().endswith(f"\n{told}")


@pytest.mark.parametrize(
    ("typed", "question"),
    [
        (("topup", "5"), PIN_QUESTION),
        (("identify", "-p", "小红"), "ID card: "),
        (("rekey",), "[y/N] "),
    ],
)
def test_an_end_of_input_is_no_answer(unchanged: Shell, typed: tuple[str, ...], question: str):
    """
    Ctrl-D has a sentence of its own, on a line of its own; there is a terminal, after all.
    """
    said = unchanged.at_terminal(*typed, replies=[(question, CTRL_D)])

    assert 2 == said.code
    assert f"{question}\nhongbao: error: there was no answer to '" in plain(said.out)
    assert "not a terminal" not in said.out
    assert "hint: enter an answer, or give --" in said.out


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        (("topup", "5"), "--pin-file"),
        (("pin", "change"), "--pin-file"),
        (("identify", "-p", "小红"), "--name"),
        (("identify", "-p", "小红", "--name", "李四"), "--id-file"),
        (("card", "add"), "NUMBER"),
        (("device", "add", "tablet"), "--pin-file"),
        (("totp", "add"), "--pin-file"),
        (("lock",), "--passphrase-file"),
        (("rekey",), "--yes"),
        (("init", "小白"), "--pin-file"),
    ],
)
def test_where_nobody_can_be_asked_the_option_is_named(
    new_year: Shell, typed: tuple[str, ...], flag: str
):
    """
    No terminal and no answer is a usage error, and says what would have answered.
    """
    code, error = new_year.refuses(*typed, HONGBAO_PIN_FILE="")

    assert (2, "unanswered") == (code, error["code"])
    assert flag == error["flag"]


def test_no_input_asks_nothing_even_on_a_terminal(unchanged: Shell):
    """
    A script that runs on somebody's terminal does not hang.
    """
    said = unchanged.at_terminal("topup", "5", "--no-input")

    assert 2 == said.code
    assert PIN_QUESTION not in said.out


def test_identity_is_asked_for_and_the_number_not_shown(shell: Shell):
    """
    The name can be seen, the ID number and the PIN cannot.
    """
    said = shell.at_terminal(
        "identify",
        "-p",
        "小红",
        replies=[
            ("ID card: ", "李四\n"),
            ("ID number: ", "110105199003078510\n"),
            (PIN_QUESTION, f"{shell.pin}\n"),
        ],
    )

    assert 0 == said.code
    assert "李四" in said.out
    assert "110105199003078510" not in said.out
    assert "1101**********8510" in said.out


def test_a_new_pin_is_typed_twice(shell: Shell):
    """
    The same twice, and only then.
    """
    said = shell.at_terminal(
        "pin",
        "change",
        replies=[
            (PIN_QUESTION, f"{shell.pin}\n"),
            ("six digits: ", "135792\n"),
            ("again: ", "135792\n"),
        ],
    )

    assert 0 == said.code
    assert 0 == shell("topup", "1", "--pin-file", "-", stdin="135792\n").code


@pytest.mark.parametrize("again", ["135793", "12", ""])
def test_a_mistyped_second_pin_is_typed_again(shell: Shell, again: str):
    """
    The two differ, which is not a wrong PIN; both are asked for once more.
    """
    said = shell.at_terminal(
        "pin",
        "change",
        replies=[
            (PIN_QUESTION, f"{shell.pin}\n"),
            ("six digits: ", "135792\n"),
            ("again: ", f"{again}\n"),
            ("six digits: ", "135792\n"),
            ("again: ", "135792\n"),
        ],
    )

    assert 0 == said.code
    assert "\nthe two new PINs differ\nhint: nothing was changed; try again\nnew pay" in said.out
    assert 0 == shell("topup", "1", "--pin-file", "-", stdin="135792\n").code


def test_a_pin_mistyped_three_times_is_an_error(unchanged: Shell):
    """
    Somebody who cannot type it cannot use it either.
    """
    said = unchanged.at_terminal(
        "pin",
        "change",
        replies=[
            (PIN_QUESTION, f"{unchanged.pin}\n"),
            *[("six digits: ", "135792\n"), ("again: ", "135793\n")] * 3,
        ],
    )

    assert 14 == said.code
    assert "error: the two new PINs differ" in said.out


def test_both_pins_may_come_from_standard_input(shell: Shell):
    """
    The first line is the old one, the second the new one.
    """
    said = shell(
        *("pin", "change", "--pin-file", "-", "--new-pin-file", "-"),
        stdin=f"{shell.pin}\n135792\n",
    )

    assert (0, "changed the payment PIN of 小明\n", "") == said
    assert 0 == shell("topup", "1", "--pin-file", "-", stdin="135792\n").code


def test_name_number_and_pin_may_come_from_standard_input(shell: Shell):
    """
    A line each, in that order.
    """
    said = shell(
        *("identify", "-p", "小红", "--id-file", "-", "--pin-file", "-"),
        stdin=f"李四\n110105199003078510\n{shell.pin}\n",
    )

    assert 0 == said.code
    assert "verified 小红 · 李* · 1101**********8510 · verified\n" == said.out


# --- a yes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reply", "code"), [("y", 0), ("yes", 0), ("是", 0), ("n", 2), ("", 2)])
def test_leaving_the_real_clock_needs_a_yes(real: Shell, reply: str, code: int):
    """
    There is no way back, so Enter alone is a no.
    """
    said = real.at_terminal("clock", "advance", "1s", replies=[("[y/N] ", f"{reply}\n")])

    assert code == said.code
    assert (code == 0) is (real.answers("clock")["clock"] == "virtual")


def test_a_virtual_clock_is_turned_without_asking(shell: Shell):
    """
    What is virtual already has nothing more to lose.
    """
    assert 0 == shell("clock", "advance", "1s", "--no-input").code


def test_yes_beforehand_is_an_answer(real: Shell):
    """
    `--yes` lets a script turn the clock.
    """
    assert 0 == real("clock", "advance", "1s", "--yes").code


@pytest.fixture
def real(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell whose home is on the real clock."""
    shell = Shell(tmp_path_factory.mktemp("real") / "home", "246813")
    (said,) = shell.plays(("init", "小明"))
    assert 0 == said.code
    return shell


# --- a passphrase --------------------------------------------------------------------------------


def test_a_locked_home_asks_for_its_passphrase(shell: Shell):
    """
    Set twice, asked for by every command, gone with unlock; never on the screen.
    """
    passphrase = "correct horse battery"
    twice = [
        ("new passphrase: ", f"{passphrase}\n"),
        ("again: ", f"{passphrase}\n"),
        (PIN_QUESTION, f"{shell.pin}\n"),
    ]
    locked = shell.at_terminal("lock", replies=twice)
    refused = shell("balance")
    wrong = shell.at_terminal("balance", replies=[("passphrase: ", "incorrect horse\n")] * 3)
    opened = shell.at_terminal("unlock", replies=[("passphrase: ", f"{passphrase}\n")])

    assert [0, 20, 20, 0] == [said.code for said in (locked, refused, wrong, opened)]
    assert "the passphrase is wrong" in wrong.out
    assert passphrase not in locked.out + opened.out
    assert 0 == shell("balance").code


def test_a_mistyped_second_passphrase_locks_nothing(shell: Shell):
    """
    A typing error would lock its owner out for good.
    """
    said = shell.at_terminal(
        "lock",
        replies=[
            ("new passphrase: ", "correct horse battery\n"),
            ("again: ", "correct horse batter\n"),
        ]
        * 3,
    )

    assert 2 == said.code
    assert "the two passphrases differ" in said.out
    assert 0 == shell("balance").code


@pytest.mark.parametrize(
    ("language", "question", "pin"),
    [("en", "card number:", PIN_QUESTION), ("zh_CN", "银行卡号：", "支付密码：")],
)
def test_whoever_has_no_card_is_shown_a_number(
    shell: Shell, language: str, question: str, pin: str
):
    """
    No one has a card of a demo bank. Each time it is another one, so that others can bind theirs.
    """

    def shown(screen: str) -> str:
        return str(re.findall(r"[0-9]{16}", screen)[-1])

    asked = shell.at_terminal(
        "card",
        "add",
        replies=[(question, lambda screen: f"{shown(screen)}\n"), (pin, f"{shell.pin}\n")],
        HONGBAO_LANG=language,
    )

    assert 0 == asked.code
    assert shown(asked.out)[-4:] in [card["card"][-4:] for card in shell.answers("card")["cards"]]
