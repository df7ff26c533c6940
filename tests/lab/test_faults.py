"""The eleven faults: each story loses money on its engine, and its own detector finds it."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from hongbao.env import system_env
from hongbao.lab.broken import MODULES, engine
from hongbao.lab.detectors import DETECTORS, lost_fen
from hongbao.lab.engine import Engine, Machine, finish
from hongbao.lab.faults import FAULTS, story
from hongbao.lab.ledger import Books
from hongbao.lab.playing import Experiment
from hongbao.lab.right import Right
from hongbao.lab.yields import misconceptions, parse, yields, yields_of
from hongbao.story import Failed, perform
from tests.every import every

LOST_FEN = {
    "float": 3,
    "rounding": 2,
    "oversell": 500,
    "expiry": 500,
    "double-refund": 500,
    "utc-day": 100_000,
    "reused-key": 800,
    "pin": 10_000,
    "biased-deal": 1485,
    "lost-update": 500,
    "in-flight": 500,
}
"""What each broken engine loses in its story, or would: a PIN puts all of a balance at risk."""


def played(name: str, machine: Machine) -> tuple[Books, list[int]]:
    """Return the books after the story of the fault *name*, and the lines that did not hold."""
    experiment = Experiment(machine, kills=FAULTS[name].kills)
    wrong = [
        line
        for _scene, happened in experiment.play(story(name))
        for done in {id(each.done): each.done for each in happened}.values()
        for line in experiment.wrong(done)
    ]
    return machine.books(), wrong


@contextmanager
def right(folder: Path) -> Iterator[Right]:
    made = Right(folder / "home", system_env())
    try:
        yield made
    finally:
        made.close()


def findings(books: Books) -> dict[str, int]:
    return {name: lost_fen(name, books) for name in DETECTORS if DETECTORS[name](books)}


@every("name", FAULTS)
def test_a_detector_finds_its_own_fault_and_no_other(name: str, tmp_path: Path):
    """
    Eleven broken books, eleven detectors: one hit in each row, with the very amount.
    """
    books, _wrong = played(name, engine(name).new(tmp_path / name))

    assert {name: LOST_FEN[name]} == findings(books)


@every("name", FAULTS)
def test_every_detector_is_silent_on_the_small_engine(name: str, tmp_path: Path):
    """
    The same stories, and each answer is the expected one.
    """
    books, wrong = played(name, Engine.new(tmp_path / name))

    assert ({}, [], 0) == (findings(books), wrong, books.reserve_fen - books.owed_fen)


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("oversell", "in-flight") else pytest.param(name, marks=pytest.mark.slow)
        for name in FAULTS
    ],
)
def test_every_detector_is_silent_on_hongbao(name: str, tmp_path: Path):
    """
    Its own acts, in the same turns, killed in the same place.
    """
    with right(tmp_path) as made:
        books, wrong = played(name, made)

    assert ({}, [], 0) == (findings(books), wrong, books.reserve_fen - books.owed_fen)


def test_a_story_needs_no_expectation_to_lose_money(tmp_path: Path):
    """
    Each answer is the expected one, and only the detector sees what is wrong.
    """
    quiet = {name for name in FAULTS if not played(name, engine(name).new(tmp_path / name))[1]}

    assert {"pin", "biased-deal", "rounding", "lost-update"} == quiet


def test_the_laboratory_has_its_eleven_faults():
    """
    Each with its engine, its detector, its story and a rule in a file that is there.
    """
    root = Path(__file__).parents[2]

    assert 11 == len(FAULTS)
    assert list(FAULTS) == list(MODULES) == list(DETECTORS) == list(LOST_FEN)
    assert all((root / fault.file).is_file() for fault in FAULTS.values())
    assert all(re.search(r"\d{4}|github\.com/", fault.source) for fault in FAULTS.values())


def test_the_page_says_of_each_fault_what_the_laboratory_says():
    """
    The example, its loss, the source, the rule and the file: in one place, and on the page.
    """
    page = (Path(__file__).parents[2] / "docs" / "concepts" / "the-lab.md").read_text("utf-8")

    assert [] == [
        (name, said)
        for name, fault in FAULTS.items()
        for said in (fault.title, fault.example, fault.loss, fault.source, fault.rule, fault.file)
        if said not in page
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_each_story_plays_on_hongbaos_own_commands(name: str, tmp_path: Path):
    """
    The very file, with real processes at their gate.
    """
    failed = [outcome for outcome in perform(story(name), tmp_path) if isinstance(outcome, Failed)]

    assert [] == failed


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process of its own")
def test_a_real_process_that_is_killed_leaves_the_same(tmp_path: Path):
    """
    A generator that is not asked again is as dead as a process.
    """
    left = []
    for is_real in (True, False):
        made = engine("in-flight").new(tmp_path / f"ledger-{is_real}")
        made.open("张三")
        made.open("李四")
        finish(made.topup("张三", "5"))
        packet = finish(made.send("张三", "5"))["packet"]
        if not is_real:
            made.kill(partial(made.claim, "李四", packet))
        elif (child := os.fork()) == 0:
            next(made.claim("李四", packet))
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            assert -signal.SIGKILL == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        left.append(made.books())

    assert left[0] == left[1]
    assert 500 == lost_fen("in-flight", left[0])


# --- what an engine yields for an act -------------------------------------------------------------

QUESTION = """
init 张三 => 0
init 李四 => 0
init 王五 => 0
topup 12.35 => 0
send 10 --count 3 --json => 0 {"packet": "[packet]"}
李四: claim [packet] => 0
"""


def test_a_wrong_number_names_its_misconception():
    """
    A third of ten yuan, rounded up, is what one engine pays.
    """
    asked = parse(QUESTION, "question")
    came = yields(asked, "share 李四 [packet]")

    assert 334 == came["rounding"]
    assert ["rounding"] == misconceptions(asked, "share 李四 [packet]", 334)
    assert [] == misconceptions(asked, "share 李四 [packet]", came["small"])
    assert [] == misconceptions(asked, "share 李四 [packet]", 1)


@every(
    ("fact", "expected"),
    [
        ("balance 张三", 235),
        ("reserve", 1235),
        ("owed", 1235),
        ("packet [packet] total", 1000),
        ("packet [packet] shares", 3),
        ("packet [packet] claims", 1),
        ("acts claim 李四", 1),
        ("acts claim", 1),
        ("acts claim 王五", 0),
        ("share 王五 [packet]", None),
        ("balance 赵六", None),
        ("tier 张三", None),
    ],
)
def test_the_books_have_the_facts_that_a_wallet_has(fact: str, expected: int | None):
    """
    By the same names, as far as a small engine has them.
    """
    assert expected == yields_of("small", parse(QUESTION, "question"), fact)
