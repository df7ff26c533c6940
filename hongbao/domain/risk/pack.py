"""A risk pack: the rules of the five guards, read from their TOML text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hongbao.domain.risk.acts import JUDGED, Guard, Verdict, What
from hongbao.domain.risk.habit import RECENT
from hongbao.domain.risk.indicators import INDICATORS, SCORE, Key, Unit, parse_window
from hongbao.domain.toml_table import Document, Loads, Table, parsed_toml
from hongbao.errors import InvalidRiskPack
from hongbao.rows import Row

ACTS = tuple(str(what) for what in What if what in JUDGED)
GUARDS = tuple(str(guard) for guard in Guard)
ANSWERS = tuple(str(verdict) for verdict in Verdict if verdict is not Verdict.ALLOW)
KINDS = ("large", "suspicious")
ENDS = ("release", "return")
HOLDABLE = frozenset({What.SEND, What.GIVE, What.CLAIM, What.WITHDRAW})
"""The acts whose money can be held: what comes in from a card cannot."""

SAYS_LENGTH_MAX = 80
VALUE_MAX = 10**12
RULES_MAX = 200


class Condition(Row):
    """A condition on one indicator: at least, at most, or both."""

    key: Key
    at_least: int | None
    at_most: int | None

    def holds(self, value: int) -> bool:
        """
        Return whether *value* is within.

        >>> Condition(Key("night"), 1, None).holds(0)
        False
        """
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


class Rule(Row):
    """
    One rule: where all of *when* holds for one of *acts*, it answers *answer*.

    *says* is the sentence that the user reads, by language. What the rest means depends on the
    answer: a hold lasts *hold_hours* and then *ends* automatically in release or return; a delay is
    *delay_days* long; a limit lets *day_fen* go out in a day.
    """

    id: str
    guard: Guard
    acts: frozenset[What]
    when: tuple[Condition, ...]
    answer: Verdict
    says: Mapping[str, str]
    hold_hours: int = 0
    ends: str = ""
    delay_days: int = 0
    day_fen: int | None = None


class Report(Row):
    """A report, which opens a case and never stops an act: *kind* is large or suspicious."""

    id: str
    kind: str
    acts: frozenset[What]
    when: tuple[Condition, ...]
    says: Mapping[str, str]


class Pack(Row):
    """All active rules. *keys* is every indicator that they measure, each once."""

    name: str
    version: int
    title: Mapping[str, str]
    night: tuple[int, int]
    challenge_minutes: int  # how long one can be answered, and used once it is passed
    challenge_tries: int
    four_eyes_fen: int  # from this amount on, two operators have to agree
    keep_years: int  # how long records are kept
    rules: tuple[Rule, ...]
    reports: tuple[Report, ...]
    keys: tuple[Key, ...]
    text: str

    # One that was read is only itself: what is planned for it is looked up by it.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other  # a tuple's own would look into both

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"Pack({self.ref!r})"

    @property
    def ref(self) -> str:
        """Name and version, as each judged act records them: ``standard/1``."""
        return f"{self.name}/{self.version}"


def parse_pack(text: str, source: str, loads: Loads = parsed_toml) -> Pack:
    """
    Read a risk pack's TOML *text*, which came from *source* (a file's name, or a pack's).

    *loads* parses it, as ``tomllib.loads`` does (see `hongbao.parsed`).

    No key is allowed that `docs/reference/risk-packs.md` does not name: a mistyped threshold must
    never become a missing one. The first thing wrong raises `InvalidRiskPack` with its line.
    """
    document = Document(text, source, InvalidRiskPack, loads)
    top = Table(
        document,
        (),
        document.content(),
        needed=("name", "version", "title", "night", "challenge", "review", "records"),
        optional=("rule", "report"),
    )
    title = top.table("title", needed=("en", "zh"))
    night = top.table("night", needed=("from", "to"))
    challenge = top.table("challenge", needed=("minutes", "tries"))
    review = top.table("review", needed=("four_eyes",))
    records = top.table("records", needed=("keep_years",))
    ids: set[str] = set()
    rules = tuple(
        _rule(table, ids)
        for table in _tables(top, "rule", _NEEDED, ("hold_hours", "then", "delay_days", "day"))
    )
    reports = tuple(
        _report(table, ids)
        for table in _tables(top, "report", ("id", "kind", "acts", "when", "says"), ())
    )
    return Pack(
        name=top.name("name"),
        version=top.whole("version", 1, 1_000_000),
        title={language: title.text(language, 60) for language in ("en", "zh")},
        night=(night.whole("from", 0, 23), night.whole("to", 0, 23)),
        challenge_minutes=challenge.whole("minutes", 1, 1440),
        challenge_tries=challenge.whole("tries", 1, 20),
        four_eyes_fen=review.amount("four_eyes", zero=True),
        keep_years=records.whole("keep_years", 1, 100),
        rules=rules,
        reports=reports,
        keys=_keys((*rules, *reports)),
        text=text,
    )


_NEEDED = ("id", "guard", "acts", "when", "answer", "says")


def _tables(
    top: Table, key: str, needed: tuple[str, ...], optional: tuple[str, ...]
) -> list[Table]:
    if key not in top.content:
        return []
    tables = top.tables(key, needed, optional)
    if len(tables) > RULES_MAX:
        raise top.refuse(key, "too_many", most=RULES_MAX)
    return tables


def _keys(rules: tuple[Rule | Report, ...]) -> tuple[Key, ...]:
    keys = dict.fromkeys(condition.key for rule in rules for condition in rule.when)
    return tuple(key for key in keys if key.indicator != SCORE)


def _rule(table: Table, ids: set[str]) -> Rule:
    answer = Verdict(table.one_of("answer", ANSWERS))
    acts = _acts(table)
    for key, answers in _ONLY_FOR.items():
        if key in table.content and answer is not answers:
            raise table.refuse(key, "not_for_answer", answer=str(answer))
        if key not in table.content and answer is answers:
            raise table.reader.refuse(table.path, "missing_key", key=key)
    if answer is Verdict.HOLD and not acts <= HOLDABLE:
        raise table.refuse("answer", "not_holdable")
    if answer is Verdict.DELAY and acts != {What.CLAIM}:
        raise table.refuse("answer", "only_claims")
    return Rule(
        id=_id(table, ids),
        guard=Guard(table.one_of("guard", GUARDS)),
        acts=acts,
        when=_when(table),
        answer=answer,
        says=_says(table),
        hold_hours=table.whole("hold_hours", 1, 8784) if answer is Verdict.HOLD else 0,
        ends=table.one_of("then", ENDS) if answer is Verdict.HOLD else "",
        delay_days=table.whole("delay_days", 1, 30) if answer is Verdict.DELAY else 0,
        day_fen=table.amount("day", zero=True) if answer is Verdict.LIMIT else None,
    )


_ONLY_FOR: Mapping[str, Verdict] = MappingProxyType(
    {
        "hold_hours": Verdict.HOLD,
        "then": Verdict.HOLD,
        "delay_days": Verdict.DELAY,
        "day": Verdict.LIMIT,
    }
)


def _report(table: Table, ids: set[str]) -> Report:
    return Report(
        id=_id(table, ids),
        kind=table.one_of("kind", KINDS),
        acts=_acts(table),
        when=_when(table),
        says=_says(table),
    )


def _id(table: Table, ids: set[str]) -> str:
    name = table.name("id")
    if name in ids:
        raise table.refuse("id", "used_twice", text=name)
    ids.add(name)
    return name


def _acts(table: Table) -> frozenset[What]:
    return frozenset(What(act) for act in table.some_of("acts", ACTS))


def _says(table: Table) -> Mapping[str, str]:
    says = table.table("says", needed=("en", "zh"))
    return {language: says.text(language, SAYS_LENGTH_MAX) for language in ("en", "zh")}


def _when(table: Table) -> tuple[Condition, ...]:
    return tuple(
        _condition(condition)
        for condition in table.tables(
            "when", ("indicator",), ("window", "of", "at_least", "at_most")
        )
    )


def _condition(table: Table) -> Condition:
    given = table.content
    name = table.one_of("indicator", tuple(INDICATORS))
    for key, takes in (
        ("window", INDICATORS[name].windowed),
        ("of", INDICATORS[name].of),
    ):
        if takes and key not in given:
            raise table.reader.refuse(table.path, "needs", key=key, indicator=name)
        if key in given and not takes:
            raise table.refuse(key, "takes_no", indicator=name)
    if "at_least" not in given and "at_most" not in given:
        raise table.reader.refuse(table.path, "no_threshold")
    least, most = (
        _threshold(table, bound, name) if bound in given else None
        for bound in ("at_least", "at_most")
    )
    if least is not None and most is not None and least > most:
        raise table.refuse("at_least", "never")
    window_s = _window(table) if "window" in given else 0
    of_fen = table.amount("of") if "of" in given else 0
    return Condition(Key(name, window_s, of_fen), least, most)


def _window(table: Table) -> int:
    value = table.content["window"]
    try:
        return parse_window(value if type(value) is str else "")
    except ValueError:
        raise table.refuse("window", "bad_window") from None


def _threshold(table: Table, key: str, indicator: str) -> int:
    """Read a threshold: yuan in quotes for an amount, and whole numbers for all else."""
    kind = INDICATORS[indicator]
    if kind.unit is Unit.FEN:
        return table.amount(key, zero=True)
    if kind.unit is Unit.FLAG:
        return table.whole(key, 0, 1)
    # A count of remembered acts can never be more than are remembered.
    most = RECENT if kind.unit is Unit.COUNT and kind.windowed else VALUE_MAX
    return table.whole(key, 0, most)
