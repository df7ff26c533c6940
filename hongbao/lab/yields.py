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

import tempfile
from pathlib import Path

from hongbao.lab.broken import MODULES, engine
from hongbao.lab.engine import Engine
from hongbao.lab.faults import FAULTS
from hongbao.lab.ledger import Books, account_of, balance_of
from hongbao.lab.playing import Experiment
from hongbao.queries.facts import Fact, parse_fact
from hongbao.story.script import Story, parse

__all__ = ["misconceptions", "parse", "value", "yields", "yields_of"]

Value = int | None


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
    with tempfile.TemporaryDirectory(prefix="hongbao-lab-") as lent:
        made = kind.new(Path(lent, "ledger.json"), seed=seed)
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


def value(books: Books, fact: Fact) -> Value:
    """Return what *fact* is in *books*; None if it is nothing that they have."""
    match fact.name, fact.of:
        case "balance", (person,):
            return books.balances.get(balance_of(person))
        case "reserve", ():
            return books.reserve_fen
        case "owed", ():
            return books.owed_fen
        case "share", (person, which):
            claims = [move for move in books.claims(which) if move.person == person]
            return claims[0].amount_fen if claims else None
        case "acts", (act, *person):
            return sum(
                move.reason == act and (not person or move.person == person[0])
                for move in books.moves
            )
        case "packet total", (which,) if which in books.packets:
            return books.packets[which].total_fen
        case "packet shares", (which,) if which in books.packets:
            return books.packets[which].count
        case "packet claims", (which,):
            return len(books.claims(which))
        case "packet claimed", (which,):
            return sum(claim.amount_fen for claim in books.claims(which))
        case "packet remaining", (which,):
            return books.balances.get(account_of(which))
    return None
