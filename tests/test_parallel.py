"""Several processes at once: the gate, and stories' `race` and `together`."""

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hongbao.errors import GateGone, InvalidStory
from hongbao.gate import Gate, Place
from hongbao.story import Answered, AtOnce, Closed, Failed, Outcome, parse, perform, running
from hongbao.story.parallel import at_once, by_seed, in_order
from hongbao.story.script import Race, Together
from tests import warm
from tests.every import every
from tests.vault import processes

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "stories.md"


@pytest.fixture
def lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which temporary folders are made."""
    folder = tmp_path / "lent"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def played(text: str, folder: Path, **settings: Any) -> list[Outcome]:
    folder.mkdir(exist_ok=True)
    with warm.stories(), closing(perform(parse(text, "a.txt"), folder, **settings)) as events:
        return list(events)


# --- the gate -------------------------------------------------------------------------------------


def asked_by(gate: Gate, count: int) -> list[int]:
    """Wait until *count* have asked, and return who."""
    asked: list[int] = []
    until = time.monotonic() + 10
    while len(asked) < count and time.monotonic() < until:
        asked += gate.asked()
        time.sleep(0.001)
    return sorted(asked)


def test_a_turn_lasts_until_the_next_one_is_asked_for(tmp_path: Path):
    """
    Nobody goes on who has no turn, and whoever may go freely never asks again.
    """
    diary = tmp_path / "diary"

    def walk(number: int) -> None:
        place = Place(str(tmp_path / "gate" / str(number)))
        for step in range(2):
            place.take_turn()
            with diary.open("a") as page:
                page.write(f"{number}.{step} ")

    with Gate(tmp_path / "gate", 2) as gate:
        children = [processes.start(partial(walk, number)) for number in (1, 2)]
        assert [1, 2] == asked_by(gate, 2)
        gate.admit(2)
        assert [2] == asked_by(gate, 1)
        gate.admit(1, freely=True)
        assert 0 == processes.finished(children[0])
        gate.admit(2)
        assert 0 == processes.finished(children[1])
        assert [] == gate.asked()

    assert "2.0 1.0 1.1 2.1 " == diary.read_text()


def test_who_waits_ends_with_the_keeper(tmp_path: Path):
    """
    With an error, even if the keeper was killed; and a fork of the keeper does not keep it open.
    """
    told = tmp_path / "told"

    def keep() -> None:
        gate = Gate(tmp_path / "gate", 1)
        processes.start(lambda: time.sleep(20))
        assert [1] == asked_by(gate, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    def wait() -> None:
        until = time.monotonic() + 10
        while not (tmp_path / "gate" / "1").exists() and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.05)  # so that the keeper has it open
        with pytest.raises(GateGone):
            Place(str(tmp_path / "gate" / "1")).take_turn()
        told.touch()

    keeper = processes.start(keep)
    waiter = processes.start(wait)

    assert -signal.SIGKILL == processes.finished(keeper)
    assert 0 == processes.finished(waiter)
    assert told.exists()


def test_what_is_no_gate_is_not_touched(tmp_path: Path):
    """
    The variable may be anything that a person has set by accident.
    """
    for name in ("asks", "1"):
        (tmp_path / name).write_text("mine")

    for place in (str(tmp_path / "1"), str(tmp_path / "none"), "1", "/"):
        with pytest.raises(GateGone):
            Place(place).take_turn()

    assert ["mine", "mine"] == [(tmp_path / name).read_text() for name in ("asks", "1")]


def test_turns_are_drawn_alike_everywhere_and_each_seed_has_its_own():
    """
    All orders of three come.
    """
    orders = set()
    for seed in range(100):
        following, waiting, order = by_seed(str(seed)), [1, 2, 3], []
        while waiting:
            order.append(following(waiting))
            waiting.remove(order[-1])
        orders.add(tuple(order))

    assert 6 == len(orders)


def test_an_order_passes_over_those_who_have_ended():
    """
    And starts over.
    """
    following = in_order([3, 3, 1, 2])

    assert [3, 1, 2, 1] == [following(each) for each in ([1, 2, 3], [1, 2], [1, 2], [1])]


# --- reading --------------------------------------------------------------------------------------


def test_a_block_holds_commands():
    """
    A race expects of all of them, and together of each.
    """
    story = parse(
        "race 2\na: claim x\ntopup 1 => 0\nend\n  3 => 0\n  sum amount_fen = 5\n"
        "together [seed]\nbalance => 0 1.00\n  2>\nend\ntogether\norder: 2 1 2\n"
        "a: balance => 0\norder: balance => 0\nend\nrace --people 3 => 0".replace("[seed]", "s"),
        "a.txt",
    )

    race, drawn, ordered, command = story.scenes
    assert isinstance(race, Race)
    assert [None, 0] == [each.exit_code for each in race.commands]
    assert (2, ["3 => 0", "sum amount_fen = 5"]) == (race.times, [t.text for t in race.expected])
    assert isinstance(drawn, Together)
    assert ("s", (), 2) == (drawn.seed, drawn.order, len(drawn.commands[0].expected))
    assert isinstance(ordered, Together)
    assert ((2, 1, 2), ["a", "order"]) == (ordered.order, [c.actor for c in ordered.commands])
    assert "race --people 3" == getattr(command, "typed", None)


@every(
    ("text", "line", "problem"),
    [
        ("race\nbalance", 1, "no_end"),
        ("race\nbalance\nend\ntogether\n", 4, "no_end"),
        ("race\nend", 2, "empty_block"),
        ("together\norder: 1\nend", 3, "empty_block"),
        ("race\n# so\nend", 2, "not_in_block"),
        ("together\n## so\nbalance => 0\nend", 2, "not_in_block"),
        ("together\nnote: so\nbalance => 0\nend", 2, "not_in_block"),
        ("together\ngiven a = 1\nend", 2, "not_in_block"),
        ("together\nfile pin: 1\nend", 2, "not_in_block"),
        ("race\ntogether\nend\nend", 2, "not_in_block"),
        ("together\n  > 1.00\nend", 2, "not_in_block"),
        ("race x\nbalance\nend", 1, "bad_times"),
        ("race 0\nbalance\nend", 1, "bad_times"),
        ("race 51\nbalance\nbalance\nend", 1, "too_many"),
        ("together\nbalance => 0\norder: 1\nend", 3, "late_order"),
        ("together\norder: 1\norder: 1\nbalance => 0\nend", 3, "late_order"),
        ("together\norder: 1\nbalance => 0\nbalance => 0\nend", 2, "bad_order"),
        ("together\norder: 1 2\nbalance => 0\nend", 2, "bad_order"),
        ("together\nbalance\nend", 2, "no_arrow"),
        ("race\nbalance => 0 1.00\nend", 2, "not_order_free"),
        ("race\nbalance\n  > 1.00\nend", 3, "not_order_free"),
        ("race\nbalance\nend\n  > 1.00", 4, "bad_total"),
        ("race\nbalance\nend\n  sum a = 1 2", 4, "bad_total"),
        ("race\nbalance\nend\n\n  sum a = 1", 5, "no_command"),
        ("race\nclaim [packet]\nend", 2, "unknown_name"),
        ("race\nbalance\nend\n  sum a = [b]", 4, "unknown_name"),
        ("together [seed]\nbalance => 0\nend", 1, "unknown_name"),
        ("together\nsend 1 => 0 …[packet]…\nclaim [packet] => 0\nend", 3, "unknown_name"),
        ("together\nbalance => 0\nend\n  > 1.00", 4, "no_command"),
        ("HONGBAO_GATE=/ balance => 0", 1, "not_yours"),
        ("end", 1, "no_arrow"),
    ],
)
def test_a_block_that_cannot_be_played_says_which_line(text: str, line: int, problem: str):
    """
    As every mistake in a story does, before anything runs.
    """
    with pytest.raises(InvalidStory) as caught:
        parse(text, "a.txt")

    assert (line, problem) == (caught.value.facts["line"], caught.value.facts["problem"])


# --- playing --------------------------------------------------------------------------------------


def test_the_page_shows_both_kinds(tmp_path: Path, lent: Path):
    """
    What a reader copies from the page plays, by real processes, and leaves nothing.
    """
    text = PAGE.read_text(encoding="utf-8").partition("## Several at once")[2]
    story = text.partition("```story\n")[2].partition("```")[0]

    outcomes = played(story, tmp_path / "play")

    assert [] == [each for each in outcomes if isinstance(each, Failed)]
    together, race = (each for each in outcomes if isinstance(each, AtOnce))
    assert ("together", 2, [2, 1]) == together[1:]
    assert ("race", 3, []) == race[1:]
    assert isinstance(outcomes[-1], Closed)
    assert (None, None, True) == outcomes[-1][:3]
    assert [] == list(lent.iterdir())


@pytest.mark.slow
def test_what_all_came_to_is_told_as_it_should_have_been(tmp_path: Path):
    """
    All of it, with the line of each; and a command that ends otherwise.
    """
    block = (
        "race 2\nbalance --json\nbogus => 0\nend\n  3 => 0\n  sum available_fen = 5\n"
        "  values available_fen = 1\n  2 => 0\n  2 => 2\n  values available_fen = 0 0"
    )

    outcomes = played(f"file pin: 246810\ninit 张三 => 0\n{block}", tmp_path / "play")

    failed = [each for each in outcomes if isinstance(each, Failed)]
    assert [5, 5, 7, 8, 9] == [each.line for each in failed]
    assert ["exit_code"] * 2 + ["total"] * 3 == [each.problem for each in failed]
    assert ("3 => 0", "2 => 0, 2 => 2") == (failed[2].expected, failed[2].got)
    assert "sum available_fen = 0" == failed[3].got
    assert "values available_fen = 0 0" == failed[4].got


START = """
file pin: 246810
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88   => 0
init 李四                         => 0
card add 9999010000000003         => 0
"""


def test_who_is_killed_loses_only_his_own_turn(tmp_path: Path, lent: Path):
    """
    One is killed as it waits, one between two of its turns: the third goes on, and all is well.
    """
    folder = tmp_path / "play"
    played(f"{START}topup 9 => 0", folder)
    variables = {
        **{name: text for name, text in os.environ.items() if not name.startswith("HONGBAO_")},
        "HONGBAO_HOME": str(folder / "home"),
        "HONGBAO_PIN_FILE": "pin",
    }
    pids: list[int] = []
    had: list[int] = []

    def start(place: dict[str, str]) -> running.Started:
        words = ["send", "1", "--json"]
        process = running.start(words, folder, variables | place, None)
        pids.append(process.pid)
        return process

    def following(waiting: Sequence[int]) -> int:
        if not had:
            os.kill(pids[1], signal.SIGKILL)
        if had.count(1) == 1:
            os.kill(pids[0], signal.SIGKILL)
        had.append(min(waiting))
        return had[-1]

    outcome = at_once([start, start, start], following, seconds_max=20)

    assert [-signal.SIGKILL, -signal.SIGKILL, 0] == [each.exit_code for each in outcome.ended]
    assert had == outcome.turns
    assert 800 == json.loads(outcome.ended[2].said[0])["balance_fen"]
    checked = played("check --json => 0", folder)[1]
    assert isinstance(checked, Answered)
    assert 0 == checked.exit_code
    assert [] == list(lent.iterdir())


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_player(number: int, tmp_path: Path):
    """
    One of two waits for its turn, and the other for a PIN that does not come.
    """
    pins, mark = tmp_path / "pins", f"MARK={tmp_path}"
    os.mkfifo(pins)
    (tmp_path / "a.txt").write_text(
        f"{START}together\ntopup 1 --pin-file {pins} => 0\ntopup 1 => 0\nend\n", "utf-8"
    )
    variables = {**os.environ, "MARK": str(tmp_path)}

    def gates() -> list[str]:
        """Return the gates at which commands of the story have a place."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                lines = (folder / "environ").read_text("utf-8").split("\0")
                if mark in lines:
                    found += [line for line in lines if line.startswith("HONGBAO_GATE=")]
        return found

    with open(os.devnull, "r+b") as nothing:
        player = warm.started(
            "hongbao",
            ["play", "a.txt"],
            folder=tmp_path,
            variables=variables,
            streams=[nothing, nothing, nothing],
        )
    with player, pins.open("wb", 0) as pin:  # which is open as soon as its reader waits
        gate, _other = gates()
        os.kill(player.pid, number)
        player.wait(20)
        if number == signal.SIGINT:
            assert [] == gates()
            assert not Path(gate.partition("=")[2]).parents[1].exists()
        with suppress(BrokenPipeError):
            pin.write(b"000000\n")  # which whoever is left would read

    until = time.monotonic() + 20
    while gates() and time.monotonic() < until:
        time.sleep(0.01)
    assert [] == gates()


@pytest.mark.slow
@every("block", ["together lesson", "together", "together\norder: 3 1 2"])
def test_the_same_turns_give_the_same_bytes(block: str, tmp_path_factory: pytest.TempPathFactory):
    """
    In any zone and language of the system, under any hash seed; and another order gives others.
    """
    story = f"""
{START}
topup 30 => 0
send 10 --count 3 --json => 0 {{"packet": "[packet]"}}
{block}
李四: claim [packet] => 0
send 1 => 0
topup 2 => 0
end
show [packet] => 0
check => 0
"""
    heard = []
    for variables in (
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Shanghai", "LANG": "zh_CN.UTF-8"},
        {"PYTHONHASHSEED": "2", "TZ": "America/New_York", "LC_ALL": "C"},
    ):
        folder = tmp_path_factory.mktemp("play")
        events = [*perform(parse(story, "a.txt"), folder, variables={**os.environ, **variables})]
        assert [] == [each for each in events if isinstance(each, Failed)]
        heard.append([_without_head(event) for event in events])

    assert heard[0] == heard[1]
    assert isinstance(heard[0][-1], Closed)
    assert heard[0][-1].digest is not None


def _without_head(event: Outcome) -> Outcome:
    """Return *event* without the ledger's head, which is made with a random key."""
    if isinstance(event, Answered) and "hongbao check" in event.command:
        return event._replace(out=event.out.partition("head\t")[0])
    return event
