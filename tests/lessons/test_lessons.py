"""The lessons that ship with hongbao are proved; and the proof finds what is wrong with one."""

import re
from pathlib import Path

import pytest

from hongbao import lessons, words
from hongbao.domain.risk.acts import Guard
from hongbao.env import system_env
from hongbao.errors import InvalidLesson
from hongbao.lessons import scaffold
from hongbao.lessons.proving import PROBLEMS, proved, read_over
from hongbao.lessons.script import Lesson, read
from hongbao.ui.risk import guard
from tests.every import every
from tests.lessons import within


@every("name", lessons.names(), ids=lessons.names())
def test_a_lesson_goes_as_it_says(name: str):
    """
    One right way of each step passes, and nothing done does not; texts are the same in both
    languages, and give nothing away.
    """
    quick = proved(lessons.lesson(name), system_env(), within.run, quick=True)

    assert [] == quick["findings"]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("name", lessons.names())
def test_a_lesson_is_proved(name: str, language: str):
    """
    Every way in it, right and wrong, and the like of each step; in both languages.
    """
    words.use_language(language)
    whole = proved(lessons.lesson(name), system_env(), within.run, language=language)
    words.use_language("en")

    assert [] == whole["findings"]


def filled() -> str:
    """Return a new lesson with its blanks filled in."""
    return re.sub(r"«([^»]*)»", r"\1", scaffold.text_of("mine"))


def lesson(*changes: tuple[str, str]) -> Lesson:
    """Return that lesson with some of its lines changed."""
    text = filled()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return read(text, "mine", "mine.toml")


def problems(*changes: tuple[str, str]) -> set[str]:
    found = proved(lesson(*changes), system_env(), within.run)
    return {each["problem"] for each in found["findings"]}


def test_a_new_lesson_is_proved_once_its_blanks_are_filled():
    """
    Before that, every blank is named.
    """
    text = scaffold.text_of("mine")
    empty = proved(read(text, "mine", "mine.toml"), system_env(), within.run, quick=True)

    assert {"blank"} == {each["problem"] for each in empty["findings"]}
    assert text.count("«") - 1 == len(empty["findings"])  # one is in a comment
    assert set() == problems()


HINT = """[[chapter.step.hint]]
en = "Which command, or which account."
zh = "哪条命令，哪个账户。"
"""
QUESTION = '''[[chapter.step.ask]]
question = { en = "?", zh = "？" }
answer = "owed"

[[chapter.step.ask.slip]]
answer = "0.00"'''
WANT = '"acts send 小明 = 1", "packet 小明 to'
GREETED = "send 20.00 --to Alice --greeting 新年快乐"
LOST = "Which way to go, without a word or a number of the answer."

FIRST = '''name = "first"
way = "send 20 => 0"
when = ["head > 999"]
en = "x"
zh = "零"

[[chapter.step.wrong]]
name = "for-anyone"
way = "send 20 => 0"'''

SEEN: dict[str, tuple[str, str]] = {
    "few_right": (f'    "{GREETED} => 0",\n', ""),
    "same_right": (GREETED, "send 20 --to Alice"),
    "same_name": ('name = "too-much"', 'name = "for-anyone"'),
    "few_wrong": ("[[chapter.step.wrong]]", "[[chapter.step.wrong]]"),
    "few_hints": (HINT, ""),
    "few_slips": ('[[chapter.step.ask.slip]]\nanswer = "0.00"', QUESTION),
    "not_introduced": ('introduces = ["send"]', 'introduces = ["withdraw"]'),
    "not_in_text": ('introduces = ["send"]', 'introduces = ["send", "withdraw"]'),
    "not_taken": ('introduces = ["send"]', 'introduces = ["send", "demo"]'),
    "hint_tells": (LOST, "You will have to send something."),
    "hint_same": ("send 88.88 --to 小明`.", "send 20 --to 小明`."),
    "hint_no_example": (": `send 88.88 --to 小明`.", "."),
    "languages_differ": ("给Alice一个人发20元", "给Alice一个人发30元"),
    "blank": ("What one has not understood", "«What»"),
    "no_act": (WANT, '"packet 小明 to'),
}
"""What is changed in a lesson that holds, for each problem that reading it over finds."""

PLAYED: tuple[tuple[set[str], tuple[tuple[str, str], ...]], ...] = (
    ({"way_fails"}, (("send 150 --to Alice => 12", "send 150 --to Alice => 0"),)),
    (
        {"passes_before", "wrong_passes"},
        (
            (WANT, '"acts send 小明 <= 1", "packet 小明 to'),
            ('= Alice", "packet 小明 total = 20.00"]', '!= Bob"]'),
        ),
    ),
    (
        {"right_fails", "right_forbidden", "wrong_unnamed", "wrong_other", "slip_right"},
        (
            ('"packet 小明 total = 20.00"]\nmust', '"packet 小明 total = 21.00"]\nmust'),
            ("change balance 小明 < -20.00", "change balance 小明 < -19.00"),
            ("refused insufficient_balance >= 1", "refused wrong_pin >= 1"),
            (
                'name = "for-anyone"\nway = "send 20 => 0"',
                FIRST,
            ),
            ('answer = "0.00"', 'answer = "100.00"'),
        ),
    ),
    ({"slip_same"}, (('answer = "0.00"', 'answer = "deposit 小明 + 0.00"'),)),
    ({"no_answer"}, (('answer = "balance 小明"', 'answer = "balance Carl"'),)),
)
"""Changes, and the problems that playing every way finds then."""


def test_what_is_wrong_is_seen_by_reading():
    """
    Each problem by a change that makes just that wrong, or what follows from it as well.
    """
    one_wrong = filled()[: filled().rindex("[[chapter.step.wrong]]")]
    found = {
        name: {each["problem"] for each in read_over(lesson(change))}
        for name, change in SEEN.items()
    }
    found["few_wrong"] = {
        each["problem"] for each in read_over(read(one_wrong, "mine", "mine.toml"))
    }

    assert {} == {name: seen for name, seen in found.items() if name not in seen}
    assert PROBLEMS.keys() == {*SEEN, *(name for names, _changes in PLAYED for name in names)}


@every("names, changes", PLAYED)
@pytest.mark.slow
def test_what_is_wrong_is_found_by_playing(names: set[str], changes: tuple[tuple[str, str], ...]):
    assert names <= problems(*changes)


@every(
    "old, new, problem",
    [
        ("form = 1", "form = 2", "not_whole"),
        ("minutes = 5", "minutes = 5\ncolour = 1", "unknown_key"),
        ('begins = "2026-02-16T20:00:00+08:00"', 'begins = "2026-02-16"', "bad_moment"),
        ('bank = "icbc"', 'bank = "none"', "not_one_of"),
        ('bank = "icbc"\n', "", "no_bank"),
        ('answer = "balance 小明"', 'answer = "balances 小明"', "refused"),
        ('want = ["acts', 'want = ["actions', "refused"),
        ("send 20 => 0", "send 20", "refused"),
        ("send 20 => 0", "use other.txt", "refused"),
        ('name = "send"', 'name = "look"', "used_twice"),
        ("[[chapter.step.predict]]", "[[chapter.step.ask]]", "ask_or_want"),
    ],
)
def test_a_file_that_is_no_lesson_is_refused_with_its_line(old: str, new: str, problem: str):
    with pytest.raises(InvalidLesson) as refused:
        lesson((old, new))

    assert problem == refused.value.problem
    assert refused.value.line > 1 or "form" in old


def test_the_lesson_of_the_guards_has_all_five():
    """
    Each by its name, as `risk why` and the page about them have it.
    """
    meant = [step.meant for step in lessons.lesson("guards").steps]
    named = [{*re.findall(r"\*(\w+?)s?\*", " ".join(texts))} for texts in zip(*meant, strict=True)]
    words.use_language("zh_CN")
    try:
        chinese = {guard(each) for each in Guard}
    finally:
        words.use_language("en")

    assert [{*Guard}, chinese] == named


def test_lessons_are_in_the_package():
    """
    Next to the code, so that they are in the wheel.
    """
    folder = Path(lessons.__file__).parent
    assert {"packet"} <= {*lessons.names()}
    assert all((folder / f"{name}.toml").is_file() for name in lessons.names())
