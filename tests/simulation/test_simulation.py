"""Simulated lives: many processes, one seed, a model; and that the simulation itself can fail."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from hongbao.__main__ import main
from hongbao.commands import caller
from hongbao.env import system_env
from hongbao.errors.base import ExitCode
from hongbao.story import Failed as StoryFailed
from hongbao.story import parse, perform, running
from tests.simulation.__main__ import tell
from tests.simulation.commands import Command
from tests.simulation.life import PACKS, POLICIES, Life, Round
from tests.simulation.plan import Lived, again, given, live
from tests.simulation.planted import PLANTS, planted
from tests.simulation.running import chosen, simulate
from tests.simulation.scheduler import Deadlock, Fault
from tests.simulation.shrinking import Shrinker, story
from tests.wallet.world import CHEAP

DAILY = 1_600
ALL = 100_000
SEEDS_MAX, LENGTH, COMMANDS_MAX = 60, 3_000, 14
"""Within so many lives, of so many turns, each planted mistake is found; so short is its story."""


def first(who: str = "Zhang") -> list[Round]:
    """Return how somebody comes to a home, a card and 500 yuan."""
    card = {"Zhang": "9999010000000110", "Li": "9999020000000127"}[who]
    number = 10 if who == "Zhang" else 20
    commands = [
        Command(number, 0, "join", who, {"name": who}),
        Command(number + 1, 0, "card_add", who, {"card": card}),
        Command(number + 2, 0, "topup", who, {"fen": 50_000, "card": None}),
    ]
    return [Round([command]) for command in commands]


def sending(number: int, fen: int = 300, count: int = 3, who: str = "Zhang") -> Command:
    args = {"fen": fen, "count": count, "kind": "lucky", "deal": "double-mean"}
    return Command(number, 0, "send", who, {**args, "to": None, "from": "balance"})


def clean(lived: Lived) -> Lived:
    assert lived.failed is None, f"seed {lived.seed}: {lived.failed}"
    return lived


# --- lives ----------------------------------------------------------------------------------------


def test_a_life_does_what_the_model_does_and_twice_the_same():
    """
    The same seed gives the same turns, entries and answers; another seed gives others.
    """
    seed, steps = chosen(DAILY)
    once, twice = clean(live(seed, steps)), clean(live(seed, steps))

    assert once.digest == twice.digest
    assert [one.switches for one in once.rounds] == [one.switches for one in twice.rounds]
    assert once.digest != clean(live(f"{seed} and another", steps)).digest


def test_a_life_is_played_again_from_its_rounds():
    """
    What was done and who had which turn is all that there is to a life: a shrinker stands on it.
    """
    life = live("again", DAILY)
    before = [one.switches for one in life.rounds]

    replayed = clean(again("again", life.rounds, every=0))

    assert before == [one.switches for one in replayed.rounds]
    assert str(life.life.outcomes) == str(replayed.life.outcomes)


@pytest.mark.slow
def test_a_hundred_thousand_steps():
    """
    In lives of thousands of steps, each with half of the commands; see `make simulate`.
    """
    seed, steps = chosen(ALL)

    ran, failed = simulate(seed, steps)

    tell(f"\n{ran}\n{ran.reached()}")
    assert failed is None, f"HONGBAO_SIM_SEED={seed}: {failed.failed}"
    reached = {act for act, came in ran.counts if came == "ok"}
    assert {"claim", "send", "rekey", "backup", "decide", "settle", "check"} <= reached


@pytest.mark.slow
def test_another_process_with_other_hashes_lives_the_same_life():
    """
    No order of a set or of a dict gets into it.
    """
    script = "from tests.simulation.plan import live; print(live('hashes', 3000).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert 1 == len(digests)


# --- the scheduler --------------------------------------------------------------------------------


def test_who_has_the_turn_decides_and_can_be_given_again():
    """
    Two claim the only share: whoever goes first has it.
    """
    life, came = Life("orders"), []
    with life.lived():
        joins = [
            Round([Command(n, 0, "join", who, {"name": who})])
            for n, who in ((1, "Li"), (2, "Wang"))
        ]
        for one in (*first(), *joins):
            life.play(one, given({}))
        for number, lane in ((40, 0), (50, 1)):
            claims = [
                Command(number + 1, 0, "claim", "Li", {"packet": number}),
                Command(number + 2, 1, "claim", "Wang", {"packet": number}),
            ]
            life.play(Round([sending(number, 200, 1)]), given({}))
            life.play(Round(claims), given({1: lane}))
            came.append([str(life.outcomes[one.number]) for one in claims])
    assert [["ok", "PacketFinished"], ["PacketFinished", "ok"]] == came


def test_where_everyone_waits_for_someone_it_is_a_deadlock():
    """
    Nobody waits for real: it is found at once.
    """
    life = Life("deadlock")
    with life.lived():
        found = []

        def waits() -> None:
            try:
                while True:
                    life.scheduler.wait()
            except Deadlock:
                found.append(True)

        life.scheduler.together({0: waits, 1: waits}, given({}))
        assert [True, True] == found


def test_a_killed_process_leaves_what_it_had_committed_and_no_more():
    """
    Also between the commit and the note of the head; the same request gets its answer after all.
    """
    life = Life("killed")

    def claimed(number: int, at: int | None) -> tuple[str, bool]:
        claim = Command(number + 1, 1, "claim", "Zhang", {"packet": number}, f"r{number}")
        fault = None if at is None else Fault("kill", at)
        for command in (sending(number), claim.but(fault=fault, fresh=True)):
            life.play(Round([command]), given({}))
        turns.append(life.scheduler.lanes[1].turns)
        life.play(Round([claim.but(number=number + 2)]), given({}))
        return life.outcomes[claim.number].kind, "replayed" in life.outcomes[number + 2].answer

    turns: list[int] = []
    with life.lived():
        for one in first():
            life.play(one, given({}))
        assert ("ok", True) == claimed(40, None)
        last = turns[0]
        came = [
            claimed(50 + 10 * n, at)
            for n, at in enumerate((1, last // 2, last - 2, last - 1, last))
        ]
        life.compare(check=True)
    assert [("killed", False)] * 3 + [("killed", True)] * 2 == came


# --- that it can fail -----------------------------------------------------------------------------


@pytest.fixture
def as_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands of stories be forks of this process, and hash PINs as cheaply as it does."""
    monkeypatch.setattr(caller, "system_env", lambda: system_env()._replace(hash_cost=CHEAP))
    monkeypatch.setattr(running, "process", partial(running.fork, main))
    monkeypatch.setattr(running, "start", partial(running.start_fork, main))


def holds(text: str, folder: Path) -> bool:
    """Return whether the story *text* holds, played by forks of this process."""
    folder.mkdir()
    rules = {**{name: pack.text for name, pack in PACKS.items()}, "strict": POLICIES["strict"].text}
    given = {}
    for name, lines in rules.items():
        if f"[{name}]" in text:
            (folder / f"{name}.toml").write_text(lines, encoding="utf-8")
            given[name] = str(folder / f"{name}.toml")
    outcomes = [*perform(parse(text, "simulated.txt"), folder, given=given)]
    tell([one for one in outcomes if isinstance(one, StoryFailed)])
    return not [one for one in outcomes if isinstance(one, StoryFailed)]


def on_engine(text: str, engine: str, folder: Path) -> int:
    """Return what `hongbao play` ends with, where a broken engine plays the story *text*."""
    (folder / "simulated.txt").write_text(text, encoding="utf-8")
    played = [sys.executable, "-m", "hongbao", "play", "simulated.txt", "--engine", engine]
    return subprocess.run(played, cwd=folder, capture_output=True, check=False).returncode


NOT_SEEN = {"forgotten-refusal"}
"""What the model sees at once, and nobody who types commands: the next one would be too late."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTS)
@pytest.mark.usefixtures("as_forks")
def test_each_planted_mistake_is_found_and_told_as_a_short_story(name: str, tmp_path: Path):
    """
    The story holds on hongbao as it is, and fails where the mistake is planted.

    Where a broken engine of the laboratory makes the same mistake, it fails there as well.
    """
    with planted(name):
        lived = next(
            one
            for n in range(1, SEEDS_MAX + 1)
            if (one := live(f"p{n}", LENGTH)).failed is not None
        )
        short = Shrinker(lived).shrunk()
    text = story(short)
    tell(f"\n{name}: seed {lived.seed}, {lived.failed}\n{text}")

    assert short.failed is not None
    assert short.commands <= COMMANDS_MAX
    clean(again(short.seed, short.rounds))
    assert holds(text, tmp_path / "right")
    with planted(name):
        assert (name in NOT_SEEN) == holds(text, tmp_path / "wrong")
    engine = PLANTS[name].engine
    if engine is not None:
        assert on_engine(text, engine, tmp_path) == ExitCode.EXPECTATION
