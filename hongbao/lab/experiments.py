"""An experiment: the story of a fault on its broken engine and on hongbao, side by side."""

from collections.abc import Iterator
from contextlib import closing

from hongbao.answers import LabBooks, LabCracked, LabFault, LabRow, LabShown, LabStep
from hongbao.env import Env
from hongbao.lab.broken import engine
from hongbao.lab.cracking import Watch, crack, locked_days, slow_try_nanos, unwatched
from hongbao.lab.detectors import DETECTORS, PIN, lost_fen
from hongbao.lab.engine import Machine
from hongbao.lab.faults import FAULTS, fault, story
from hongbao.lab.ledger import Books
from hongbao.lab.pins import guess_fits
from hongbao.lab.playing import Experiment, Happened
from hongbao.lab.right import Right
from hongbao.story.folders import lent_folder
from hongbao.story.script import Command, Race, Scene, Together
from hongbao.units import clock
from hongbao.vault.primitives import RFC_9106_LOW_MEMORY, Cost
from hongbao.words import N_, Filled, say

_UNSEEN = ("init", "card add")
"""Commands that only prepare the rest."""


def described(name: str) -> LabFault:
    """Return what there is to say about the fault *name*, in the reader's language."""
    known = fault(name)
    return {
        "fault": name,
        "title": say(known.title),
        "what": say(known.what),
        "example": say(known.example),
        "loss": say(known.loss),
        "source": known.source,
        "rule": say(known.rule),
        "file": known.file,
    }


def all_described() -> list[LabFault]:
    """Return what there is to say about each fault."""
    return [described(name) for name in FAULTS]


def experiment(
    name: str,
    env: Env,
    *,
    watch: Watch = unwatched,
    cost: Cost = RFC_9106_LOW_MEMORY,
) -> LabShown:
    """
    Play the story of the fault *name* on its broken engine and on hongbao, and compare.

    Everything happens in a folder that is gone afterwards. A PIN is cracked before the eyes of
    *watch*; one try at the slow hash has *cost*.

    Raises ExperimentNotFound.
    """
    shown = described(name)
    with lent_folder("lab") as lent:
        broken = engine(name).new(lent / "ledger.json")
        with closing(Right(lent / "home", env)) as right:
            rows = list(_rows(name, broken, right))
            ours = right.books()
            cracked = None
            if name == "pin":
                cracked = _cracked(broken.books(), ours, right, watch, cost)
        return {
            **shown,
            "measure": FAULTS[name].measure,
            "rows": rows,
            "broken": _end(name, broken.name, broken.books()),
            "right": _end(name, right.name, ours),
            "cracked": cracked,
        }


def _rows(name: str, broken: Machine, right: Machine) -> Iterator[LabRow]:
    """Play the story on both, scene by scene."""
    known = FAULTS[name]
    on_broken, on_right = (
        Experiment(machine, kills=known.kills).play(story(name)) for machine in (broken, right)
    )
    for (scene, theirs), (_scene, ours) in zip(on_broken, on_right, strict=True):
        if not theirs or theirs[0].done.words.command in _UNSEEN:
            continue
        yield {
            "commands": _commands(scene),
            "broken": [_step(each) for each in theirs],
            "right": [_step(each) for each in ours],
            "broken_lost_fen": lost_fen(name, theirs[-1].books),
            "right_lost_fen": lost_fen(name, ours[-1].books),
        }


def _commands(scene: Scene) -> list[str]:
    assert isinstance(scene, Command | Together | Race)
    commands = [scene] if isinstance(scene, Command) else scene.commands
    typed = [each.typed.removesuffix(" --json") for each in commands]
    return [
        text if each.actor is None else f"{each.actor}: {text}"
        for each, text in zip(commands, typed, strict=True)
    ]


def _step(happened: Happened) -> LabStep:
    done, turn = happened.done, happened.turn
    if turn is not None:
        said, code = _in_words(turn.said), None
    elif done.error is not None:
        said, code = done.error.message, done.error.code
    else:
        said, code = _answered(happened), None
    return {
        "person": done.words.person,
        "said": said,
        "refused": code,
        "killed": happened.is_killed,
    }


def _answered(happened: Happened) -> str:
    """Return the answer to a command that takes no turn."""
    match happened.done.words.command:
        case "balance":
            answer = happened.done.answer or {}
            return say(N_("the balance is {balance_fen}"), balance_fen=answer["available_fen"])
        case "clock advance":
            return say(N_("it is {at} now"), at=clock(happened.books.now))
    return ""


def _in_words(filled: Filled) -> str:
    return say(filled.sentence, **filled.facts)


def _end(name: str, machine: str, books: Books) -> LabBooks:
    return {
        "engine": machine,
        "owed_fen": books.owed_fen,
        "reserve_fen": books.reserve_fen,
        "lost_fen": lost_fen(name, books),
        "found": [
            {"amount_fen": found.amount_fen, "said": _in_words(found.said)}
            for found in DETECTORS[name](books)
        ],
    }


def _cracked(theirs: Books, ours: Books, right: Right, watch: Watch, cost: Cost) -> LabCracked:
    """Crack the PIN of the broken engine, and try the right one at the right engine's ledger."""
    (hashed,) = theirs.pins.values()
    found = watch(crack(hashed))
    slow_micros = slow_try_nanos(cost) // 1000
    return {
        "pin": found.pin,
        "fast_tries": found.tries,
        "fast_micros": found.nanos // 1000,
        "fast_per_second": found.per_second,
        "slow_micros": slow_micros,
        "slow_all_seconds": slow_micros,  # a million tries of so many millionths
        "confirmed_without_key": any(guess_fits(PIN, each) for each in ours.pins.values()),
        "lock_days": locked_days(right.home.policy.pin),
    }
