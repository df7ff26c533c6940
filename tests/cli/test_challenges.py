"""Challenges through the installed command: asked right there, or answered by a script later."""

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from hongbao import answers
from hongbao.ui.script import columns
from tests.cli.shell import CTRL_C, CTRL_D, INTERRUPTED, Shell, plain
from tests.wallet.risks import pack, rule

SAYS = {"en": "this is unlike you: please show that it is you", "zh": "请确认为本人操作"}
QUESTION = {"en": "in this line: ", "zh_CN": "”的个数："}
PIN_QUESTION = "payment PIN: "


@pytest.fixture(scope="module")
def _asking(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("asking")
    shell = new_year.copied_to(folder / "home")
    said = rule("unlike-you", "challenge", "send", "topup", least='"0.01"')
    text = pack(said)
    for language, sentence in SAYS.items():
        text = re.sub(rf'(?m)^(says = .*?{language} = )"[^"]*"', rf'\1"{sentence}"', text)
    file = folder / "asking.toml"
    file.write_text(text, encoding="utf-8")
    shell.does("risk", "use", str(file))
    return shell


@pytest.fixture
def asking(_asking: Shell, tmp_path: Path) -> Shell:
    """A shell whose home asks, before anything is sent or topped up, whether a person is there."""
    return _asking.copied_to(tmp_path / "home")


def stops(shell: Shell, *typed: str) -> str:
    """Have a request stopped, and return the challenge's ID."""
    code, error = shell.refuses(*typed)
    assert (16, "challenge_required") == (code, error["code"])
    return str(error["challenge"])


def waiting(shell: Shell) -> list[dict[str, Any]]:
    return list(shell.answers("challenge", "list")["challenges"])


def solution(shell: Shell, challenge: str) -> str:
    line = next(line for line in waiting(shell) if line["challenge"] == challenge)
    return str(line["line"].count(line["sought"]))


# --- on a terminal -------------------------------------------------------------------------------


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("width", [40, 80])
def test_a_person_is_asked_right_there_and_the_act_goes_on(
    asking: Shell, language: str, width: int
):
    """
    The sentence of the rule, the line, the question; then the answer to what was asked for.
    """
    said = asking.at_terminal(
        *("send", "5"),
        columns=width,
        HONGBAO_LANG=language,
        HONGBAO_PIN_FILE=str(asking.pin_file),
        replies=[(QUESTION[language], solved)],
    )

    screen = plain(said.out)
    assert (0, "") == (said.code, said.err)
    assert SAYS["en" if language == "en" else "zh"] in " ".join(screen.split())
    assert "error" not in screen
    assert re.search("hb_[0-9A-Z]{8}", screen)
    assert [] == [line for line in screen.splitlines() if columns(line) > width]
    assert [] == waiting(asking)


def solved(screen: str) -> str:
    """Return what a person types who counts in the line above the question."""
    line = re.findall(r"^  (\S{16})$", screen, re.MULTILINE)[-1]
    question = screen.rstrip().splitlines()[-1]
    (sought,) = {character for character in set(line) if character in question}
    return f"{line.count(sought)}\n"


def test_the_pin_is_typed_once_for_what_is_asked_twice(asking: Shell):
    """
    Whoever has just typed it, and shown that they are there, is not asked for it again.
    """
    said = asking.at_terminal(
        *("topup", "5"),
        replies=[(PIN_QUESTION, f"{asking.pin}\n"), (QUESTION["en"], solved)],
    )

    assert 0 == said.code
    assert 1 == said.out.count(PIN_QUESTION)
    assert "topped up 5.00" in plain(said.out)


def test_a_miscount_is_told_and_asked_again(asking: Shell):
    """
    With the tries that are left; a word is none.
    """
    said = asking.at_terminal(
        *("send", "5"),
        HONGBAO_PIN_FILE=str(asking.pin_file),
        replies=[
            (QUESTION["en"], "99\n"),
            (QUESTION["en"], "many\n"),
            (QUESTION["en"], "\n"),
            (QUESTION["en"], solved),
        ],
    )

    assert 0 == said.code
    assert "wrong answer; tries left: 2" in said.out
    assert "tries left: 1" not in said.out
    assert "the answer is a number, not 'many'" in said.out
    assert "the answer is a number, not ''" in said.out


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_three_miscounts_end_it_and_nothing_was_sent(asking: Shell, language: str):
    """
    One sentence and a next step, and exit code 16.
    """
    before = asking.answers("balance")["available_fen"]

    said = asking.at_terminal(
        *("send", "5"),
        columns=40,
        HONGBAO_LANG=language,
        HONGBAO_PIN_FILE=str(asking.pin_file),
        replies=[(QUESTION[language], "99\n")] * 3,
    )

    told = {"en": "failed after too many wrong answers", "zh_CN": "答错次数过多"}[language]
    assert 16 == said.code
    assert told in re.sub(r"\s+", " " if language == "en" else "", said.out)
    assert before == asking.answers("balance")["available_fen"]
    assert [] == waiting(asking)


@pytest.mark.parametrize(("key", "code"), [(CTRL_C, INTERRUPTED), (CTRL_D, 16)])
def test_whoever_goes_away_finds_the_challenge_again(asking: Shell, key: str, code: int):
    """
    Ctrl-C is Ctrl-C, and an end of input is nobody there; no try was made.
    """
    said = asking.at_terminal(
        *("send", "5"),
        HONGBAO_PIN_FILE=str(asking.pin_file),
        replies=[(QUESTION["en"], key)],
    )

    assert code == said.code
    assert [3] == [line["tries_left"] for line in waiting(asking)]


def test_no_input_asks_nothing_even_on_a_terminal(asking: Shell):
    """
    The rule's sentence, the id, exit code 16.
    """
    said = asking.at_terminal("send", "5", "--no-input", HONGBAO_PIN_FILE=str(asking.pin_file))

    assert 16 == said.code
    assert QUESTION["en"] not in said.out
    assert f"hongbao: error: {SAYS['en']}" in said.out
    assert f"`hongbao challenge answer {waiting(asking)[0]['challenge']}`" in said.out


def test_json_asks_nothing_even_on_a_terminal(asking: Shell):
    """
    A program is told the id, as everywhere else.
    """
    said = asking.at_terminal("send", "5", "--json", HONGBAO_PIN_FILE=str(asking.pin_file))

    error = json.loads(said.out)["error"]
    assert (16, "challenge_required") == (said.code, error["code"])
    assert [error["challenge"]] == [line["challenge"] for line in waiting(asking)]


def test_answering_later_asks_on_the_terminal_too(asking: Shell):
    """
    `challenge answer` without a number shows the line.
    """
    challenge = stops(asking, "send", "5")

    said = asking.at_terminal(
        "challenge", "answer", challenge, columns=40, replies=[(QUESTION["en"], solved)]
    )

    assert 0 == said.code
    assert f"{challenge} is passed" in plain(said.out)
    assert 0 == asking("send", "5").code


def test_a_dry_run_asks_nothing(asking: Shell):
    """
    What would be asked does not stay, so there is nothing to answer.
    """
    said = asking.at_terminal("send", "5", "-n", HONGBAO_PIN_FILE=str(asking.pin_file))

    assert 16 == said.code
    assert QUESTION["en"] not in said.out
    assert [] == waiting(asking)


# --- in a script ---------------------------------------------------------------------------------


def test_a_script_answers_and_the_same_request_goes_through_once(asking: Shell):
    """
    Not another amount, and not a second time.
    """
    challenge = stops(asking, "send", "5", "--request-id", "new-year")

    answered = asking.answers(
        "challenge", "answer", challenge, "--answer", solution(asking, challenge)
    )
    other = stops(asking, "send", "5.01")
    sent = asking.answers("send", "5", "--request-id", "new-year")
    again = stops(asking, "send", "5")

    assert ("new-year", "send") == (answered["asked_request"], answered["asked"])
    assert (500, "new-year") == (sent["total_fen"], sent["request_id"])
    assert 3 == len({challenge, other, again})
    assert asking.answers("check")["ok"]


def test_the_error_of_a_stop_says_all_that_a_script_needs(asking: Shell):
    """
    The challenge's id, the rule, and its sentence in both languages.
    """
    code, error = asking.refuses("send", "5")

    assert 16 == code
    assert ("challenge_required", "unlike-you") == (error["code"], error["rule"])
    assert (SAYS, SAYS["en"]) == (error["why"], error["message"])
    assert re.fullmatch("ch_[0-9A-Z]{8}", error["challenge"])


def test_a_wrong_number_says_how_many_tries_are_left(asking: Shell):
    """
    Two, one, and then that it is over.
    """
    challenge = stops(asking, "send", "5")

    told = [asking.refuses("challenge", "answer", challenge, "--answer", "99") for _ in range(4)]

    assert [16] * 4 == [code for code, _ in told]
    assert ["wrong_answer"] * 2 + ["challenge_failed"] * 2 == [error["code"] for _, error in told]
    assert [2, 1] == [error["tries_left"] for _, error in told[:2]]


def test_a_challenge_is_open_for_ten_minutes(asking: Shell):
    """
    The error says until when it was.
    """
    challenge = stops(asking, "send", "5")
    answer = solution(asking, challenge)
    asking.does("clock", "advance", "10m")

    code, error = asking.refuses("challenge", "answer", challenge, "--answer", answer)

    assert (16, "challenge_expired") == (code, error["code"])
    assert "2026-02-16T20:10:00+08:00" == error["until_at"]
    assert [] == waiting(asking)


def test_another_profiles_challenge_is_not_there(asking: Shell):
    """
    Not even its right answer helps.
    """
    challenge = stops(asking, "send", "5")
    answer = solution(asking, challenge)

    code, error = asking.refuses("challenge", "answer", challenge, "--answer", answer, "-p", "小红")

    assert (10, "challenge_not_found") == (code, error["code"])
    assert [] == asking.answers("challenge", "-p", "小红")["challenges"]


@pytest.mark.parametrize("typed", ["", "\x1b[2J\x1b]0;gotcha\x07", "９" * 5000, "四", "-4", "\t\n"])
def test_nothing_that_is_typed_breaks_the_screen(asking: Shell, typed: str):
    """
    Escapes come back as text, and long ones shortened; it is no try.
    """
    challenge = stops(asking, "send", "5")

    said = asking.at_terminal("challenge", "answer", challenge, f"--answer={typed}", columns=40)

    assert 2 == said.code
    assert "\x1b" not in said.out
    assert "\x07" not in said.out
    assert 400 > len(said.out)
    assert 3 == waiting(asking)[0]["tries_left"]


@pytest.mark.parametrize("text", ["ch_7Q2M4K9W", "rc_04HMASWS", "x"])
def test_an_id_with_a_typing_error_is_told_as_such(asking: Shell, text: str):
    """
    Before anything is looked for.
    """
    code, error = asking.refuses("challenge", "answer", text, "--answer", "4")

    assert (2, "invalid_challenge_id") == (code, error["code"])


def test_a_script_that_gives_no_answer_is_told_the_option(asking: Shell):
    """
    Where nobody can be asked.
    """
    challenge = stops(asking, "send", "5")

    code, error = asking.refuses("challenge", "answer", challenge)

    assert (2, "unanswered", "--answer") == (code, error["code"], error["flag"])


# --- reading -------------------------------------------------------------------------------------


def test_a_pipe_gets_a_line_for_each(asking: Shell):
    """
    A field keeps its place; new ones are added at the end.
    """
    challenge = stops(asking, "send", "5", "--request-id", "new-year")
    (line,) = waiting(asking)

    (row,) = asking("challenge").lines

    until = "2026-02-16T20:10:00+08:00"
    assert [challenge, "send", "5.00", "new-year", until, "3", line["sought"], line["line"]] == (
        row.split("\t")
    )


def test_answers_have_the_shapes_that_the_page_promises(asking: Shell):
    """
    docs/reference/json.md is made from these shapes.
    """
    challenge = stops(asking, "send", "5")
    (line,) = waiting(asking)
    answer = ("challenge", "answer", challenge, "--answer", solution(asking, challenge))
    first, again = asking.answers(*answer), asking.answers(*answer)

    assert set(get_type_hints(answers.ChallengeLine)) == set(line)
    assert answers.ChallengePassed.__required_keys__ == set(first)
    assert {**first, "replayed": True} == again


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("width", [40, 80])
def test_what_waits_can_be_read_at_any_width(asking: Shell, language: str, width: int):
    """
    The id is never broken, whatever the terminal.
    """
    challenge = stops(asking, "topup", "123.45")

    (screen,) = asking.screens(("challenge",), columns=width, HONGBAO_LANG=language)

    lines = plain(screen).splitlines()
    assert [] == [line for line in lines if columns(line) > width]
    assert challenge in plain(screen)
    assert "123.45" in plain(screen)


STOPS = {
    "challenge": ({}, "请确认为本人操作", "please show that it is you"),
    "refuse": ({}, "请稍后再试", "try again later"),
    "limit": ({"day": "1.00"}, "每日最多可支出1.00", "at most 1.00 may be paid out in a day"),
    "cut": ({}, "已下线", "小明-1 was logged out"),
}
LONG = {
    "challenge": ("an account like this one: please show that it is you", "请确认为本人操作"),
    "refuse": ("too much in one hour: please try again later", "操作过于频繁，请稍后再试"),
    "limit": ("this account is new and not identified", "账户较新且未实名"),
    "cut": ("this device was far away a moment ago", "设备位置异常，已中止操作"),
}


def unspaced(text: str) -> str:
    return "".join(text.split())


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("answer", STOPS)
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("width", [40, 80])
def test_each_stop_is_one_sentence_and_a_next_step(
    shell: Shell, tmp_path: Path, answer: str, language: str, width: int
):
    """
    In the reader's own language, no wider than the terminal, with exit code 16.
    """
    facts, in_chinese, in_english = STOPS[answer]
    text = pack(rule("a-rule", answer, "send", **facts))
    en, zh = LONG[answer]
    text = re.sub(r"(?m)^says = .*$", f'says = {{ en = "{en}", zh = "{zh}" }}', text)
    file = tmp_path / "stop.toml"
    file.write_text(text, encoding="utf-8")
    shell.does("risk", "use", str(file))

    said = shell.at_terminal(
        *("send", "5", "--no-input"),
        columns=width,
        HONGBAO_LANG=language,
        HONGBAO_PIN_FILE=str(shell.pin_file),
    )

    lines = said.out.splitlines()
    told = in_english if language == "en" else in_chinese
    assert 16 == said.code
    # A command stays whole, so that it can be copied.
    assert [] == [line for line in lines if columns(line) > width and "`" not in line]
    assert unspaced(told) in unspaced(said.out)
    assert 2 == len([line for line in lines if line.startswith("hongbao: ")])
