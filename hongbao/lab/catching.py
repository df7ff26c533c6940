"""
Catching: a learner's expectations, graded by how many broken engines they catch.

A story that holds on hongbao is played on every broken engine. Each that breaks an expectation is
caught; the others got away. What does not hold on the small engine that is right depends on chance,
or on what the engines do not have, and catches nothing.
"""

from collections.abc import Iterator

from hongbao.answers import LabCaught
from hongbao.lab.broken import engine
from hongbao.lab.engine import Engine
from hongbao.lab.faults import FAULTS
from hongbao.lab.playing import Experiment
from hongbao.story.folders import lent_folder
from hongbao.story.script import Race, Story
from hongbao.words import say

SILENT = frozenset({"pin"})
"""Faults that no answer and no fact shows: they are found in a stolen ledger alone."""


def caught(story: Story) -> LabCaught:
    """
    Play *story* on every broken engine, and return which of them break an expectation of it.

    Raises BadLabCommand where it has a command that no engine understands.
    """
    chance = sorted(set(_wrong(story, Engine, kills=True)))
    answer: LabCaught = {
        "story": story.source,
        "caught": 0,
        "engines": [],
        "chance_lines": chance,
    }
    for name, fault in FAULTS.items():
        lines = sorted(set(_wrong(story, engine(name), kills=fault.kills)) - set(chance))
        answer["caught"] += bool(lines)
        answer["engines"].append({"fault": name, "title": say(fault.title), "lines": lines})
    return answer


def _wrong(story: Story, kind: type[Engine], *, kills: bool) -> Iterator[int]:
    """Yield the lines of *story* that do not hold on an engine of the *kind*."""
    with lent_folder("lab") as lent:
        experiment = Experiment(kind.new(lent / "ledger.json"), kills=kills)
        for scene, happened in experiment.play(story):
            for done in {id(each.done): each.done for each in happened}.values():
                yield from experiment.wrong(done)
            if isinstance(scene, Race):
                yield from experiment.wrong_totals(scene, happened)
