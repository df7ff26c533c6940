"""
What each engine yields for a story: the distractors of every question about money.

A learner predicts a number. Where it is wrong, it may be just what a broken engine comes to; then
the engine's fault is the misconception.

    >>> story = parse("init 张三 => 0\\ntopup 4.35 => 0", "question")
    >>> yields(story, "balance 张三")["float"], yields(story, "balance 张三")["small"]
    (434, 435)
    >>> misconceptions(story, "balance 张三", 434)
    ['float']
"""

from hongbao.lab.broken import MODULES, engine
from hongbao.lab.engine import Engine
from hongbao.lab.facts import Value, value
from hongbao.lab.faults import FAULTS
from hongbao.lab.playing import Experiment
from hongbao.queries.facts import parse_fact
from hongbao.story.folders import lent_folder
from hongbao.story.script import Story, parse

__all__ = ["misconceptions", "parse", "value", "yields", "yields_of"]


def yields(story: Story, fact: str, *, seed: str = "lab") -> dict[str, Value]:
    """
    Return what *fact* is after *story*, in the books of ``small``, which is right, and of each
    broken engine.

    *fact* is one of the names that `hongbao.queries.facts` has; a name in brackets in it is what
    the story filled. A fact that an engine's books do not have is None.

    Raises InvalidFact, or BadLabCommand where the story has what no engine understands.
    """
    return {name: yields_of(name, story, fact, seed=seed) for name in (Engine.name, *MODULES)}


def yields_of(name: str, story: Story, fact: str, *, seed: str = "lab") -> Value:
    """Return what *fact* is after *story*, in the books of the engine *name* (see `yields`)."""
    kind = Engine if name == Engine.name else engine(name)
    with lent_folder("lab") as lent:
        made = kind.new(lent / "ledger.json", seed=seed)
        experiment = Experiment(made, kills=name in FAULTS and FAULTS[name].kills)
        for _happened in experiment.play(story):
            pass
        return value(made.books(), parse_fact(experiment.filled(fact)))


def misconceptions(story: Story, fact: str, predicted: Value, *, seed: str = "lab") -> list[str]:
    """Return the faults whose engine comes to just what was *predicted*; none if it is right."""
    came = yields(story, fact, seed=seed)
    right = came.pop(Engine.name)
    if predicted == right:
        return []
    return [name for name, yielded in came.items() if yielded == predicted]
