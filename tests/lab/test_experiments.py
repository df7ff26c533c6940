"""Experiments: both engines side by side, on screens of any width, in both languages."""

from functools import cache

import pytest

from hongbao import words
from hongbao.answers import LabShown
from hongbao.env import system_env
from hongbao.errors import ExperimentNotFound
from hongbao.lab.cracking import crack, locked_days, slow_try_nanos, unwatched
from hongbao.lab.experiments import all_described, experiment
from hongbao.lab.faults import FAULTS
from hongbao.lab.pins import fast
from hongbao.lab.watching import watched
from hongbao.ui import lab as screen
from hongbao.ui.motion import Frames
from hongbao.ui.opening import Lines
from hongbao.ui.picture import taken
from hongbao.ui.script import columns
from hongbao.vault.primitives import CHEAPEST
from tests.every import every
from tests.wallet.world import policy

QUICK = ("oversell", "in-flight", "pin")
"""The experiments that are run daily: turns, a killed process, and a cracked PIN."""


@cache
def shown(name: str, language: str = "en") -> LabShown:
    words.use_language(language)
    try:
        return experiment(name, system_env(), cost=CHEAPEST)
    finally:
        words.use_language("en")


def drawn(name: str, width: int, language: str = "en") -> list[str]:
    answer = shown(name, language)
    words.use_language(language)
    try:
        return taken(lambda: screen.show_experiment(answer), columns=width).text.splitlines()
    finally:
        words.use_language("en")


def test_the_last_share_is_paid_twice_and_once():
    """
    The broken engine lets both see it before either is paid.
    """
    answer = shown("oversell")
    at_once = answer["rows"][-1]

    assert ["李四: claim [packet]", "王五: claim [packet]"] == at_once["commands"]
    assert ["李四 found one left", "王五 found one left", "李四 got 5.00", "王五 got 5.00"] == [
        step["said"] for step in at_once["broken"]
    ]
    assert [None, "packet_finished"] == [step["refused"] for step in at_once["right"]]
    assert (500, 0) == (answer["broken"]["lost_fen"], answer["right"]["lost_fen"])
    assert (1000, 500) == (answer["broken"]["owed_fen"], answer["broken"]["reserve_fen"])


def test_a_killed_process_is_asked_again():
    """
    Hongbao pays then; the broken engine has paid no one, and will not.
    """
    last = shown("in-flight")["rows"][-1]

    assert [True, False] == [step["killed"] for step in last["broken"]]
    assert "already_claimed" == last["broken"][-1]["refused"]
    assert [(True, None), (False, None)] == [
        (step["killed"], step["refused"]) for step in last["right"]
    ]


def test_a_pin_is_cracked_without_pepper_and_not_with_it():
    """
    The very PIN is found, and the other ledger does not confirm it.
    """
    cracked = shown("pin")["cracked"]

    assert cracked is not None
    assert ("246810", 246_811) == (cracked["pin"], cracked["fast_tries"])
    assert cracked["fast_per_second"] > 1000
    assert not cracked["confirmed_without_key"]
    assert cracked["slow_all_seconds"] == cracked["slow_micros"] > 0
    assert cracked["lock_days"] > 365 * 60


def test_a_search_that_is_watched_finds_the_same():
    """
    Each frame takes it a step further; what is left when the eyes turn away is done at once.
    """
    frames: list[Lines] = []

    def play(drawn: Frames, seconds: float) -> None:
        frames.extend(drawn(number / 30, 40) for number in range(3))

    found = watched(play)(crack(fast("054321")))

    assert ("054321", True) == (found.pin, found.is_found)
    assert 3 == len({frame[0][0].text for frame in frames})
    assert all(columns(run.text) <= 40 for frame in frames for line in frame for run in line)


@pytest.mark.slow
def test_a_search_stops_at_the_last_pin():
    """
    999999 is tried, too, and a hash of something else is not found.
    """
    assert "999999" == unwatched(crack(fast("999999"))).pin
    assert not unwatched(crack(fast("none"))).is_found


def test_hongbaos_own_cost_is_what_it_says():
    """
    Trying is measured with Argon2id itself, and the locks are the policy's.
    """
    assert slow_try_nanos(CHEAPEST) > 0
    assert 25_000 == locked_days(policy().pin)


@every(
    ("name", "width", "language"),
    [
        *(("oversell", width, language) for width in (40, 80) for language in ("en", "zh_CN")),
        *((name, width, "en") for name in ("in-flight", "pin") for width in (40, 80)),
    ],
)
def test_an_experiment_fits_the_screen(name: str, width: int, language: str):
    """
    Two columns or one after the other; each line of the broken engine says so.
    """
    lines = drawn(name, width, language)
    mark = {"en": "broken", "zh_CN": "有错"}[language]
    lost = {"oversell": "5.00", "in-flight": "5.00", "pin": "100.00"}[name]

    assert [] == [line for line in lines if columns(line) > width]
    assert any(line.startswith(mark) and lost in line for line in lines)
    assert any("hongbao/" in line for line in lines)
    left = [line.partition(" │ ")[0] for line in lines if " │ " in line]
    assert all(half.startswith(mark) for half in left if half.strip())


@every("name", QUICK)
def test_each_frame_fits(name: str):
    """
    From the first row to long after the last.
    """
    answer = shown(name)

    for tenth in range(0, 60, 7):
        for width in (40, 80):
            lines = screen.frame(answer, tenth / 10, width)
            assert all(columns("".join(run.text for run in line)) <= width for line in lines)
    assert "5.00" in str(screen.frame(shown("oversell"), 99, 80))
    assert 0 <= screen.seconds(answer) <= 8


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("name", FAULTS)
def test_every_experiment_fits_and_loses_on_the_left_alone(name: str, language: str):
    """
    All eleven, in both languages.
    """
    answer = shown(name, language)

    assert answer["broken"]["lost_fen"] > 0 == answer["right"]["lost_fen"]
    assert [] == answer["right"]["found"]
    for width in (40, 80):
        assert [] == [line for line in drawn(name, width, language) if columns(line) > width]


def test_a_fault_that_is_not_there_is_refused():
    """
    With the names of those that are.
    """
    with pytest.raises(ExperimentNotFound) as refused:
        experiment("overshell", system_env())

    assert "oversell" in (refused.value.hint or "")
    assert 11 == len(all_described())
