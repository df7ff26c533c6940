"""
What risk control catches, and whom it bothers: ``python -m bench.risk``.

The standard pack and the model that ships judge lives and attacks that neither has seen: other
seeds than the model was trained with. docs/concepts/risk-model.md holds what this prints;
``--write`` puts it there.
"""

import argparse
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.attacks import NAMED, Attacks
from bench.habits import judged
from bench.life import Life, Step, streams_of
from hongbao.domain.risk.acts import Verdict
from hongbao.domain.risk.forest import Forest, parse_forest
from hongbao.domain.risk.indicators import SCORE
from hongbao.domain.risk.judge import decide
from hongbao.domain.risk.pack import Pack, Rule, parse_pack

PACKS = Path(__file__).parent.parent / "hongbao" / "packs"
PAGE = Path(__file__).parent.parent / "docs" / "concepts" / "risk-model.md"
BEGIN, END = "<!-- measured by `python -m bench.risk` -->\n", "<!-- end -->\n"

HELD_OUT = (7001, 7002, 7003)
"""Seeds that nothing was chosen with: not the model, not its keys, not a threshold."""

PROMISED_ACTS, PROMISED_PEOPLE = 0.002, 0.08
"""The page's promise: of ordinary acts, and of people in a month, at most these are stopped."""

STRICTNESS = {verdict: place for place, verdict in enumerate(Verdict)}

GENTLE = frozenset({Verdict.ALLOW, Verdict.DELAY})
"""Answers with which the act happens as asked; any other stops a person."""


class Answered(NamedTuple):
    """How one act was answered: by the rules that ask no model, by the model alone, and by all."""

    profile: int
    by: str
    rules: Verdict
    all: Verdict
    score: int
    strange: bool  # enough for the pack's rule about the score, were the score all that it asks
    reported: tuple[str, ...]  # the ids of reports that open a case
    why: str  # the strictest rule's id, or ""


class Rates(NamedTuple):
    """How well one way of judging tells one attack from ordinary life."""

    precision: float
    recall: float
    auc: float
    accounts: float  # stopped at least once
    acts_before: float  # until then, the median


def standard() -> tuple[Pack, Forest]:
    """Return the pack and the model that ship."""
    pack = parse_pack((PACKS / "standard.toml").read_text(encoding="utf-8"), "standard")
    return pack, parse_forest((PACKS / "model.json").read_text(encoding="utf-8"), "model.json")


def asks_model(rule: Rule) -> bool:
    """Whether *rule* has a condition about the score."""
    return any(condition.key.indicator == SCORE for condition in rule.when)


def score_asked(pack: Pack) -> int:
    """Return the least score that a rule of *pack* asks for; beyond every score where none does."""
    asked = [
        condition.at_least
        for rule in pack.rules
        for condition in rule.when
        if condition.key.indicator == SCORE and condition.at_least is not None
    ]
    return min(asked, default=1001)


def answers(
    pack: Pack, forest: Forest, streams: Mapping[int, Iterable[Step]]
) -> Iterator[Answered]:
    """Yield how every act of February is answered."""
    least = score_asked(pack)
    for profile, steps in streams.items():
        for habit, asked, by in judged(steps):
            decision = decide(pack, forest, habit, asked)
            rules = [rule.answer for rule in decision.fired if not asks_model(rule)]
            score = decision.score or 0
            yield Answered(
                profile,
                by,
                max(rules, key=STRICTNESS.__getitem__, default=Verdict.ALLOW),
                decision.verdict,
                score,
                score >= least,
                tuple(report.id for report in decision.reports),
                decision.rule.id if decision.rule else "",
            )


def honest(pack: Pack, forest: Forest, seed: int, people: int = 200) -> list[Answered]:
    """Judge the February of *people* in the life of *seed*."""
    life = Life(seed, people)
    return [*answers(pack, forest, streams_of(life.people, life.events))]


def hostile(pack: Pack, forest: Forest, seed: int, accounts: int = 30) -> list[Answered]:
    """Judge the attacks of *seed*; what owners did before theirs was stolen is left out."""
    attacks = Attacks(seed, accounts)
    streams = streams_of(attacks.people, attacks.events)
    return [answered for answered in answers(pack, forest, streams) if answered.by]


# --- rates ----------------------------------------------------------------------------------------

WAYS: Mapping[str, tuple[Callable[[Answered], bool], Callable[[Answered], int]]] = {
    # way: (whether it stops the act, how suspicious the act is to it)
    "rules": (lambda one: one.rules not in GENTLE, lambda one: STRICTNESS[one.rules]),
    "model": (lambda one: one.strange, lambda one: one.score),
    "both": (
        lambda one: one.all not in GENTLE,
        lambda one: 1000 * STRICTNESS[one.rules] + one.score,
    ),
}


def auc(ordinary: Sequence[int], strange: Sequence[int]) -> float:
    """Return how often a strange one is above an ordinary one; a tie is half (ROC AUC)."""
    ordinary = sorted(ordinary)
    above = sum(bisect_left(ordinary, one) + bisect_right(ordinary, one) for one in strange)
    return above / 2 / len(strange) / len(ordinary)


def rates(way: str, ordinary: Sequence[Answered], attacked: Sequence[Answered]) -> Rates:
    """Return how well *way* tells *attacked* from *ordinary*."""
    stops, suspicion = WAYS[way]
    right, wrong = sum(map(stops, attacked)), sum(map(stops, ordinary))
    accounts: dict[int, list[bool]] = {}
    for one in attacked:
        accounts.setdefault(one.profile, []).append(stops(one))
    first = [stopped.index(True) for stopped in accounts.values() if any(stopped)]
    return Rates(
        right / (right + wrong) if right else 0.0,
        right / len(attacked),
        auc([*map(suspicion, ordinary)], [*map(suspicion, attacked)]),
        len(first) / len(accounts),
        median(first) if first else float("nan"),
    )


def share_stopped(ordinary: Sequence[Answered]) -> tuple[float, float]:
    """Return which share of *ordinary* acts, and of the people, is stopped at least once."""
    stopped = [one.profile for one in ordinary if one.all not in GENTLE]
    return len(stopped) / len(ordinary), len({*stopped}) / len({one.profile for one in ordinary})


# --- the page -------------------------------------------------------------------------------------


def table(ordinary: Sequence[Answered], attacked: Sequence[Answered]) -> str:
    """Return what was measured as the page has it."""
    lines = [
        "| attack | judged by | precision | recall | ROC AUC | accounts stopped | acts before |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in (*NAMED, "all"):
        some = [one for one in attacked if name in (one.by, "all")]
        for way in WAYS:
            found = rates(way, ordinary, some)
            lines.append(
                f"| {name} | {way} | {found.precision:.1%} | {found.recall:.1%} "
                f"| {found.auc:.3f} | {found.accounts:.0%} | {found.acts_before:.0f} |"
            )
    lines += ["", "| ordinary life | acts | people |", "|---|---|---|"]
    people = len({one.profile for one in ordinary})
    lines.append(f"| judged | {len(ordinary):,} | {people} |")
    counted: tuple[tuple[str, Callable[[Answered], bool]], ...] = (
        ("stopped by the rules alone", WAYS["rules"][0]),
        ("stopped by the model alone", WAYS["model"][0]),
        ("stopped by both, as the pack ships", WAYS["both"][0]),
        ("of these: asked a challenge", lambda one: one.all is Verdict.CHALLENGE),
        ("held", lambda one: one.all is Verdict.HOLD),
        ("told a lower limit", lambda one: one.all is Verdict.LIMIT),
        ("refused or cut", lambda one: one.all in (Verdict.REFUSE, Verdict.CUT)),
        ("not stopped, but paid out later", lambda one: one.all is Verdict.DELAY),
        ("reported to a reviewer", lambda one: bool(one.reported)),
    )
    for name, counts in counted:
        some = [one for one in ordinary if counts(one)]
        them = len({one.profile for one in some})
        lines.append(
            f"| {name} | {len(some):,} ({len(some) / len(ordinary):.3%}) "
            f"| {them} ({them / people:.1%}) |"
        )
    return "\n".join(lines) + "\n"


def measured(seeds: Iterable[int] = HELD_OUT) -> tuple[list[Answered], list[Answered]]:
    """Return the answers to the honest and to the hostile of *seeds*, each seed its own people."""
    pack, forest = standard()
    ordinary: list[Answered] = []
    attacked: list[Answered] = []
    for seed in seeds:
        far = seed * 10_000_000  # the same number in another life is another person
        ordinary += [moved(one, far) for one in honest(pack, forest, seed)]
        attacked += [moved(one, far) for one in hostile(pack, forest, seed)]
    return ordinary, attacked


def moved(one: Answered, by: int) -> Answered:
    """Return *one* with another profile's number, *by* further."""
    return one._replace(profile=one.profile + by)


def main() -> None:
    """Measure and print, or write the page."""
    options = argparse.ArgumentParser(description="Measure what risk control catches.")
    options.add_argument("--write", action="store_true", help="put the tables into the page")
    options.add_argument("--seed", type=int, nargs="*", default=HELD_OUT)
    options.add_argument("--why", action="store_true", help="count the rules that stop the honest")
    chosen = options.parse_args()
    ordinary, attacked = measured(chosen.seed)
    printed = table(ordinary, attacked)
    if chosen.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        PAGE.write_text(head + BEGIN + "\n" + printed + "\n" + END + tail, encoding="utf-8")
    print(printed)
    if chosen.why:
        for acts, name in (ordinary, "honest"), (attacked, "hostile"):
            why = sorted((one.why, one.by) for one in acts if one.why)
            for rule in sorted({*why}):
                print(f"{name:8} {rule[0]:32} {rule[1]:10} {why.count(rule):6}")


if __name__ == "__main__":
    main()
