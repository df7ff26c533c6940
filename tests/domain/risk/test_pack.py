import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import packs, words
from hongbao.domain.risk.acts import JUDGED, Guard, Verdict, What
from hongbao.domain.risk.habit import RECENT
from hongbao.domain.risk.indicators import INDICATORS, SCORE, Key, Unit
from hongbao.domain.risk.pack import (
    ANSWERS,
    HOLDABLE,
    RULES_MAX,
    SAYS_LENGTH_MAX,
    Condition,
    Pack,
    Report,
    Rule,
    parse_pack,
)
from hongbao.domain.toml_table import TEXT_LENGTH_MAX
from hongbao.errors import InvalidPolicy, InvalidRiskPack, RiskPackNotFound
from hongbao.units import yuan
from tests.every import every

SMALL = """\
name = "mine"
version = 3
title = { en = "mine", zh = "我的" }

[night]
from = 23
to = 6

[challenge]
minutes = 10
tries = 3

[review]
four_eyes = "5000.00"

[records]
keep_years = 10

[[rule]]
id = "robots"
guard = "behaviour"
acts = ["claim"]
when = [{ indicator = "claims", window = "10m", at_least = 15 }, {indicator = "cards", at_most = 5}]
answer = "challenge"
says = { en = "too quick", zh = "过快" }

[[rule]]
id = "splitting"
guard = "transaction"
acts = ["send", "withdraw"]
when = [{ indicator = "just_below", window = "24h", of = "20000.00", at_least = 4, at_most = 9 }]
answer = "hold"
hold_hours = 24
then = "return"
says = { en = "looked at", zh = "核实中" }

[[rule]]
id = "later"
guard = "transaction"
acts = ["claim"]
when = [{ indicator = "rounds", window = "1h", at_least = 5 }]
answer = "delay"
delay_days = 1
says = { en = "tomorrow", zh = "明日" }

[[rule]]
id = "woken"
guard = "account"
acts = ["give"]
when = [{ indicator = "night", at_least = 1 }, { indicator = "score", at_least = 600 }]
answer = "limit"
day = "2000.00"
says = { en = "asleep", zh = "休眠" }

[[report]]
id = "large"
kind = "large"
acts = ["topup"]
when = [{ indicator = "day_in_fen", at_least = "500000.00" }]
says = { en = "large", zh = "大额" }
"""
HEAD = SMALL[: SMALL.index("[[rule]]")]
PACKS = {name: parse_pack(packs.text_of(name), name) for name in packs.names()}
STANDARD = PACKS[packs.STANDARD]


def refused(text: str) -> InvalidPolicy:
    with pytest.raises(InvalidRiskPack) as caught:
        parse_pack(text, "mine.toml")
    return caught.value


def changed(old: str, new: str) -> tuple[str, int]:
    """Change the first *old* of the small pack into *new*, and say on which line it is."""
    assert old in SMALL

    before, after = SMALL.split(old, 1)
    return before + new + after, before.count("\n") + 1


# --- the packs that ship --------------------------------------------------------------------------


@pytest.mark.parametrize("name", packs.names())
def test_a_pack_that_ships_is_named_after_its_file_and_keeps_its_text(name):
    """
    To the character, because the ledger keeps it beside the decisions that it made.
    """
    assert f"{name}/1" == PACKS[name].ref
    assert packs.text_of(name) == PACKS[name].text


@every("name", ["", "nothing", "../packs/standard", "standard.toml", "model"])
def test_a_pack_that_does_not_ship_is_not_found(name):
    """
    A name is looked up, and is never a way to another folder.
    """
    with pytest.raises(RiskPackNotFound):
        packs.text_of(name)


def test_all_five_guards_have_rules():
    """
    Device, behaviour, transaction, account and data, with every answer that there is.
    """
    assert {*Guard} == {rule.guard for rule in STANDARD.rules}
    assert {*Verdict} - {Verdict.ALLOW} == {rule.answer for rule in STANDARD.rules}


def test_large_transactions_are_reported_from_half_a_million_a_day():
    """
    500,000 yuan of domestic transfers, receipts and payments apart, and every act that moves money.
    """
    large = [report for report in STANDARD.reports if report.kind == "large"]

    assert {("day_in_fen", 50_000_000), ("day_out_fen", 50_000_000)} == {
        (condition.key.indicator, condition.at_least)
        for report in large
        for condition in report.when
    }
    assert JUDGED == frozenset().union(*(report.acts for report in large))


@every("pattern", ["splitting", "fan-in", "fan-out", "same-pair", "woken"])
def test_each_suspicious_pattern_is_reported(pattern):
    """
    化整为零, many to one, one to many, the same pair, and a dormant account: a human looks at them.
    """
    (report,) = (one for one in STANDARD.reports if one.id == f"report-{pattern}")

    assert "suspicious" == report.kind


def test_the_night_and_the_years_are_those_of_the_regulation():
    """
    00:00 to 08:00 is the one official precedent; records are kept for 10 years.
    """
    assert (0, 8) == STANDARD.night
    assert 10 == STANDARD.keep_years


@pytest.mark.parametrize("name", packs.names())
def test_every_rule_tells_people_why_in_both_languages(name):
    """
    In one line each, the Chinese one in Chinese, and no two rules alike.
    """
    rules: tuple[Rule | Report, ...] = (*PACKS[name].rules, *PACKS[name].reports)

    for rule in rules:
        assert re.search("[\u4e00-\u9fff]", rule.says["zh"]), rule.id
        assert rule.says["en"].isascii(), rule.id
    assert len({rule.id for rule in rules}) == len(rules)


def test_every_rule_of_the_standard_pack_has_a_comment():
    """
    That says why; of rules that belong together, the first one's.
    """
    above = re.findall(r"(?m)^(.*)\n\n?\[\[rule\]\]\nid = \"(.*)\"", packs.text_of("standard"))

    assert [rule.id for rule in STANDARD.rules] == [name for _, name in above]
    assert ["splitting-out-20000"] == [name for line, name in above if not line.startswith("#")]


# --- what a file says -----------------------------------------------------------------------------


def test_a_pack_is_read_whole():
    """
    Every key ends up where judging looks for it.
    """
    pack = parse_pack(SMALL, "mine")
    robots, splitting, later, woken = pack.rules

    assert "mine/3" == pack.ref
    assert {"en": "mine", "zh": "我的"} == pack.title
    assert ((23, 6), 10, 3, 5000_00, 10) == (
        pack.night,
        pack.challenge_minutes,
        pack.challenge_tries,
        pack.four_eyes_fen,
        pack.keep_years,
    )
    assert (Guard.BEHAVIOUR, frozenset({What.CLAIM}), Verdict.CHALLENGE) == (
        robots.guard,
        robots.acts,
        robots.answer,
    )
    assert (
        Condition(Key("claims", 600), 15, None),
        Condition(Key("cards"), None, 5),
    ) == robots.when
    assert {"en": "too quick", "zh": "过快"} == robots.says
    assert (Condition(Key("just_below", 86_400, 20000_00), 4, 9),) == splitting.when
    assert (24, "return", 1, 2000_00) == (
        splitting.hold_hours,
        splitting.ends,
        later.delay_days,
        woken.day_fen,
    )
    (report,) = pack.reports
    assert ("large", "large", frozenset({What.TOPUP})) == (report.id, report.kind, report.acts)
    assert (Condition(Key("day_in_fen"), 500_000_00, None),) == report.when


def test_each_indicator_is_asked_for_once_in_the_order_of_the_file():
    """
    The score is no key: the model gives it, and nothing measures it.
    """
    twice = SMALL + SMALL[SMALL.index("[[rule]]") : SMALL.index("[[report]]")].replace(
        'id = "', 'id = "two-'
    )

    for text in (SMALL, twice):
        assert ["claims/10m", "cards", "just_below:20000.00/24h", "rounds/1h", "night"] == [
            str(key) for key in parse_pack(text, "mine").keys
        ][:5]
    assert SCORE not in {key.indicator for key in parse_pack(twice, "mine").keys}


def test_a_pack_needs_no_rules():
    """
    Then everything is allowed and nothing is reported.
    """
    pack = parse_pack(HEAD, "mine")

    assert ((), (), ()) == (pack.rules, pack.reports, pack.keys)


def test_a_file_saved_by_a_windows_editor_is_read():
    """
    With its byte-order mark and line ends; lines are still counted right.
    """
    text, line = changed("tries = 3", "tries = 0")

    assert "mine/3" == parse_pack("\ufeff" + SMALL.replace("\n", "\r\n"), "mine").ref
    assert line == refused("\ufeff" + text.replace("\n", "\r\n")).facts["line"]


FIRST = '{ indicator = "claims", window = "10m", at_least = 15 }'

MISTAKES = [
    # the text is not TOML
    ('name = "mine"', 'name = "mine', "syntax"),
    ("tries = 3", "minutes = 3", "defined_twice"),
    # keys
    ("version = 3", "versoin = 3", "unknown_key"),
    ("tries = 3", "trys = 3", "unknown_key"),
    ('guard = "behaviour"', 'gard = "behaviour"', "unknown_key"),
    ("at_least = 15", "atleast = 15", "unknown_key"),
    ("[[report]]", "[[reports]]", "unknown_key"),
    ('kind = "large"', 'kind = "large"\nanswer = "refuse"', "unknown_key"),
    ('zh = "过快"', 'zh = "过快", de = "zu schnell"', "unknown_key"),
    # names and texts
    ('name = "mine"', 'name = "My Own"', "bad_name"),
    ('id = "robots"', 'id = "robots!"', "bad_name"),
    ('id = "robots"', f'id = "{"r" * 33}"', "bad_name"),
    ('en = "too quick"', 'en = ""', "bad_text"),
    ('en = "too quick"', 'en = "\\u001b[31m"', "bad_text"),
    ('en = "too quick"', 'en = "\\u202ekciuq"', "bad_text"),
    ('en = "too quick"', f'en = "{"x" * (SAYS_LENGTH_MAX + 1)}"', "bad_text"),
    ('zh = "过快"', 'zh = "过\\n快"', "bad_text"),
    ('zh = "过快"', "zh = 1", "not_text"),
    ('en = "mine"', f'en = "{"x" * 61}"', "bad_text"),
    # numbers
    ("version = 3", "version = 0", "not_whole"),
    ("from = 23", "from = 24", "not_whole"),
    ("to = 6", "to = 24", "not_whole"),
    ("to = 6", "to = -1", "not_whole"),
    ("minutes = 10", "minutes = 0", "not_whole"),
    ("minutes = 10", "minutes = 1441", "not_whole"),
    ("tries = 3", "tries = 21", "not_whole"),
    ("keep_years = 10", "keep_years = 0", "not_whole"),
    ("keep_years = 10", "keep_years = true", "not_whole"),
    ("hold_hours = 24", "hold_hours = 0", "not_whole"),
    ("hold_hours = 24", "hold_hours = 8785", "not_whole"),
    ("delay_days = 1", "delay_days = 31", "not_whole"),
    ("at_least = 15", "at_least = -1", "not_whole"),
    ("at_least = 15", "at_least = 1.5", "not_whole"),
    ("at_least = 15", 'at_least = "15"', "not_whole"),
    ("at_least = 15", f"at_least = {RECENT + 1}", "not_whole"),
    ("at_least = 600", f"at_least = {10**12 + 1}", "not_whole"),
    ('"night", at_least = 1 ', '"night", at_least = 2 ', "not_whole"),
    # amounts and lengths of time
    ('four_eyes = "5000.00"', "four_eyes = 5000", "bad_amount"),
    ('day = "2000.00"', "day = 2000.0", "bad_amount"),
    ('of = "20000.00"', 'of = "20,000"', "bad_amount"),
    ('of = "20000.00"', 'of = "0.00"', "bad_amount"),
    ('at_least = "500000.00"', "at_least = 500000", "bad_amount"),
    ('window = "10m"', 'window = "10 minutes"', "bad_window"),
    ('window = "10m"', 'window = "0m"', "bad_window"),
    ('window = "10m"', 'window = "367d"', "bad_window"),
    ('window = "10m"', "window = 600", "bad_window"),
    # one of a few words
    ('guard = "behaviour"', 'guard = "behavior"', "not_one_of"),
    ('acts = ["claim"]', 'acts = ["clam"]', "not_one_of"),
    ('acts = ["claim"]', 'acts = ["pin_change"]', "not_one_of"),
    ('answer = "challenge"', 'answer = "allow"', "not_one_of"),
    ('answer = "challenge"', 'answer = ["challenge"]', "not_one_of"),
    ('then = "return"', 'then = "keep"', "not_one_of"),
    ('kind = "large"', 'kind = "huge"', "not_one_of"),
    ('indicator = "claims"', 'indicator = "calms"', "not_one_of"),
    ('acts = ["claim"]', 'acts = ["claim", "claim"]', "used_twice"),
    ('acts = ["claim"]', "acts = []", "not_list"),
    ('acts = ["claim"]', 'acts = "claim"', "not_list"),
    # conditions
    (FIRST, '{ indicator = "claims", at_least = 15 }', "needs"),
    (FIRST, '{ indicator = "just_below", window = "1h", at_least = 1 }', "needs"),
    (FIRST, '{ indicator = "night", window = "1h", at_least = 1 }', "takes_no"),
    (FIRST, '{ indicator = "claims", window = "1h", of = "1.00", at_least = 1 }', "takes_no"),
    (FIRST, '{ indicator = "claims", window = "10m" }', "no_threshold"),
    (FIRST, '{ indicator = "claims", window = "1h", at_least = 9, at_most = 8 }', "never"),
    # what goes with what
    ('answer = "challenge"', 'answer = "challenge"\nhold_hours = 1', "not_for_answer"),
    ('answer = "challenge"', 'answer = "challenge"\nthen = "return"', "not_for_answer"),
    ('answer = "challenge"', 'answer = "refuse"\ndelay_days = 1', "not_for_answer"),
    ('answer = "challenge"', 'answer = "cut"\nday = "1.00"', "not_for_answer"),
    ('answer = "hold"', 'answer = "hold"\nday = "1.00"', "not_for_answer"),
    # tables
    ('title = { en = "mine", zh = "我的" }', 'title = "mine"', "not_table"),
    ('says = { en = "too quick", zh = "过快" }', 'says = "too quick"', "not_table"),
    # what only the whole can tell
    ('id = "splitting"', 'id = "robots"', "used_twice"),
    ('id = "large"', 'id = "robots"', "used_twice"),
]


@every(("old", "new", "problem"), MISTAKES)
def test_each_mistake_is_told_with_its_line(old, new, problem):
    """
    The line that holds the mistake, counted as an editor counts.
    """
    text, line = changed(old, new)
    line += new.count("\n")

    error = refused(text)

    assert (problem, line) == (error.facts["problem"], error.facts["line"])
    assert f"risk pack mine.toml, line {line}: " in str(error)


@pytest.mark.parametrize(
    ("acts", "answer", "problem"),
    [
        ('"topup"', 'answer = "hold"\nhold_hours = 1\nthen = "release"', "not_holdable"),
        ('"send", "topup"', 'answer = "hold"\nhold_hours = 1\nthen = "release"', "not_holdable"),
        ('"send"', 'answer = "delay"\ndelay_days = 1', "only_claims"),
        ('"claim", "give"', 'answer = "delay"\ndelay_days = 1', "only_claims"),
    ],
)
def test_money_is_held_and_delayed_only_where_it_can_be(acts, answer, problem):
    """
    What comes in from a card is not here yet, and only what is claimed can be credited later.
    """
    text = SMALL.replace('acts = ["claim"]', f"acts = [{acts}]", 1)
    text = text.replace('answer = "challenge"', answer, 1)

    error = refused(text)

    line = text[: text.index(answer)].count("\n") + 1
    assert (problem, line) == (error.facts["problem"], error.facts["line"])


@pytest.mark.parametrize("what", sorted(HOLDABLE))
def test_what_can_be_held_is_read(what):
    """
    Packets, shares and withdrawals.
    """
    text = SMALL.replace('acts = ["send", "withdraw"]', f'acts = ["{what}"]')

    assert {what} == parse_pack(text, "mine").rules[1].acts


@every(
    ("written", "header"),
    [
        ("version = 3", 1),
        ('answer = "challenge"', SMALL[: SMALL.index("[[rule]]")].count("\n") + 1),
        ("tries = 3", SMALL[: SMALL.index("[challenge]")].count("\n") + 1),
        ("hold_hours = 24", SMALL[: SMALL.index('id = "splitting"')].count("\n")),
        ('then = "return"', SMALL[: SMALL.index('id = "splitting"')].count("\n")),
        ("delay_days = 1", SMALL[: SMALL.index('id = "later"')].count("\n")),
        ('day = "2000.00"', SMALL[: SMALL.index('id = "woken"')].count("\n")),
        ('kind = "large"', SMALL[: SMALL.index("[[report]]")].count("\n") + 1),
    ],
)
def test_a_missing_key_is_told_at_its_tables_header(written, header):
    """
    That is where it belongs; a key missing from the top is told at line 1.
    """
    error = refused(changed(written, "#")[0])

    assert ("missing_key", written.split(" ")[0], header) == (
        error.facts["problem"],
        error.facts["key"],
        error.facts["line"],
    )


def test_a_pack_is_not_read_for_ever():
    """
    Neither a huge text nor one rule more than a pack may have.
    """
    rule = SMALL[SMALL.index("[[rule]]") : SMALL.index('[[rule]]\nid = "splitting"')]
    rules = "".join(rule.replace('"robots"', f'"r{n}"') for n in range(RULES_MAX + 1))

    assert "too_long" == refused(SMALL + "#" * TEXT_LENGTH_MAX).facts["problem"]
    assert "too_many" == refused(HEAD + rules.replace("\n\n", "\n")).facts["problem"]


def test_a_condition_over_several_lines_is_told_at_its_first():
    """
    At the line of its `when`, as everything that is written over several lines.
    """
    text, line = changed(f"when = [{FIRST},", 'when = [\n{ indicator = "calms", at_least = 1 },')

    assert ("not_one_of", line) == (refused(text).facts["problem"], refused(text).facts["line"])


def test_rules_are_tables():
    """
    And so are their conditions.
    """
    assert "not_tables" == refused("rule = 5\n" + HEAD).facts["problem"]
    assert "not_tables" == refused(changed(f"when = [{FIRST},", "when = [1,")[0]).facts["problem"]


@every(("old", "new", "problem"), MISTAKES)
def test_a_mistake_is_told_to_programs_in_english_whatever_the_language(old, new, problem):
    """
    JSON never changes with the language, and no screen is changed by what the file holds.
    """
    error = refused(changed(old, new)[0])
    words.use_language("zh_CN")
    try:
        told = json.loads(json.dumps(error.as_dict()))
        message = error.message
    finally:
        words.use_language("en")

    assert str(error) == told["message"] == error.message != message
    assert problem == told["problem"]
    assert message.isprintable()
    assert told["message"].isprintable()


@given(
    st.integers(0, len(SMALL)),
    st.integers(0, 60),
    st.text(max_size=20)
    | st.sampled_from(["[", "]", '"', "'" * 3, "\n", "[[rule]]\n", "= ", "{}", "#"]),
)
def test_any_text_is_read_or_refused_at_one_of_its_lines(start, length, inserted):
    """
    However a file is damaged, it gets a sentence and a line that exists.
    """
    text = SMALL[:start] + inserted + SMALL[start + length :]

    try:
        read: Pack | None = parse_pack(text, "mine.toml")
        line = 1
    except InvalidRiskPack as exc:
        read, line = None, int(str(exc.facts["line"]))

    assert read is None or text == read.text
    assert 1 <= line <= text.count("\n") + 1


# --- the page -------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "risk-packs.md").read_text(
    encoding="utf-8"
)
MOST_OF_INDICATORS = {Unit.FEN: "yuan"}


def section(title: str) -> list[list[str]]:
    """Return the cells of every row of the tables below the heading *title*."""
    (text,) = re.findall(rf"(?ms)^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_the_page_lists_every_indicator():
    """
    With its guard, what it counts, and whether it needs a window or an amount; and no other.
    """
    listed = {row[0]: row[1:4] for row in section("Indicators") if row[0].startswith("`")}

    assert {
        f"`{one.name}`": [
            str(one.guard),
            MOST_OF_INDICATORS.get(one.unit, str(one.unit)),
            "`window`, `of`" if one.of else "`window`" if one.windowed else "",
        ]
        for one in INDICATORS.values()
    } == listed


def test_the_page_lists_every_key_that_a_pack_may_have():
    """
    In the tables that the parser knows: what it says is known is what the page explains.
    """
    listed: dict[str, list[str]] = {"": []}
    table = ""
    for name, *_ in section("The file, key by key")[1:]:
        if name.startswith("**"):
            table = name.strip("*`[]")
            listed[table] = []
        else:
            listed[table].append(name.strip("`"))

    written = {
        "": 'name = "mine"',
        "night": "from = 23",
        "challenge": "minutes = 10",
        "review": 'four_eyes = "5000.00"',
        "records": "keep_years = 10",
        "rule": 'guard = "behaviour"',
        "rule.when": 'indicator = "claims"',
        "report": 'kind = "large"',
    }
    assert written.keys() == listed.keys()
    for name, first in written.items():
        join = ", " if name == "rule.when" else "\n"
        known = refused(changed(first, f"{first}{join}oops = 1")[0]).facts["known"]
        tables = {"night", "challenge", "review", "records", "rule", "report"}
        keys = [key for key in str(known).split(", ") if name or key not in tables]
        assert sorted(keys) == sorted(listed[name]), name


def test_the_page_explains_every_answer():
    """
    And no other.
    """
    told = [row[0].strip("`") for row in section("Answers")[1:] if row[0].startswith("`")]

    assert sorted(ANSWERS) == sorted(told)


def test_the_page_shows_every_rule_that_ships():
    """
    Under its guard, with every indicator and threshold, and its answer.
    """
    rows = {row[0].strip("`"): row[1:] for row in section("`standard`")}

    for rule in STANDARD.rules:
        assert [str(rule.guard), conditions(rule)] == rows[rule.id][:2]
        assert str(rule.answer) == rows[rule.id][2].split(" ")[0]
    for report in STANDARD.reports:
        assert [report.kind, conditions(report)] == rows[report.id]


def conditions(rule: Rule | Report) -> str:
    """Return what *rule* asks as the page writes it."""

    def written(key: Key, threshold: int) -> str:
        is_money = INDICATORS[key.indicator].unit is Unit.FEN
        return yuan(threshold) if is_money else str(threshold)

    return ", ".join(
        f"`{one.key}`"
        + ("" if one.at_least is None else f" ≥ {written(one.key, one.at_least)}")
        + ("" if one.at_most is None else f" ≤ {written(one.key, one.at_most)}")
        for one in rule.when
    )


def test_the_pages_own_pack_can_be_read():
    """
    It is whole, as the page says.
    """
    (text,) = re.findall(r"(?s)```toml\n(name = .*?)```", PAGE)

    assert "family/1" == parse_pack(text, "family").ref


# --- every key ------------------------------------------------------------------------------------


def test_each_key_of_a_rule_is_where_it_belongs():
    """
    And what the answer has no use for is nothing.
    """
    robots, splitting, later, woken = parse_pack(SMALL, "mine").rules
    claims = (Condition(Key("claims", 600), 15, None), Condition(Key("cards"), None, 5))

    assert robots == Rule(
        *("robots", Guard.BEHAVIOUR, frozenset({What.CLAIM}), claims, Verdict.CHALLENGE),
        *({"en": "too quick", "zh": "过快"}, 0, "", 0, None),
    )
    assert (24, "return", 0, None) == splitting[6:]
    assert (0, "", 1, None) == later[6:]
    assert (0, "", 0, 2000_00) == woken[6:]


def test_a_pack_is_only_itself_and_keeps_its_text():
    """
    What is planned for one is never taken for another.
    """
    one, other = parse_pack(SMALL, "mine"), parse_pack(SMALL, "mine")

    assert SMALL == one.text
    assert one == one
    assert one != other
    assert "Pack('mine/3')" == repr(one)
    assert 2 == len({one, other, one})


@every(
    ("at_least", "at_most", "within", "beyond"),
    [
        (None, None, [-1, 0, 1], []),
        (2, None, [2, 3], [1, 0]),
        (None, 4, [4, 3, -1], [5]),
        (2, 4, [2, 3, 4], [1, 5]),
        (0, 0, [0], [-1, 1]),
    ],
)
def test_a_condition_holds_from_its_least_to_its_most(at_least, at_most, within, beyond):
    """
    Both belong to it.
    """
    condition = Condition(Key("acts", 60), at_least, at_most)

    assert all(condition.holds(value) for value in within)
    assert not any(condition.holds(value) for value in beyond)


@every(
    ("key", "least", "most"),
    [
        *(("version", 1, 1_000_000), ("from", 0, 23), ("to", 0, 23)),
        *(("minutes", 1, 1440), ("tries", 1, 20), ("keep_years", 1, 100)),
        *(("hold_hours", 1, 8784), ("delay_days", 1, 30)),
    ],
)
def test_each_number_has_its_least_and_its_most(key, least, most):
    """
    An hour of the day, a day's minutes, a leap year's hours.
    """
    found = re.search(rf"^{key} = (\d+)$", SMALL, re.MULTILINE)
    assert found is not None
    before, after = SMALL[: found.start(1)], SMALL[found.end(1) :]
    for value in (least, most):
        assert f"{before}{value}{after}" == parse_pack(f"{before}{value}{after}", "mine").text
    for value in (least - 1, most + 1):
        assert {
            "source": "mine.toml",
            "line": before.count("\n") + 1,
            "problem": "not_whole",
            "key": key,
            "least": least,
            "most": most,
        } == refused(f"{before}{value}{after}").facts


@every(
    ("old", "new", "most"),
    [
        ("at_least = 15 }", "at_least = {} }}", RECENT),
        ("at_most = 5}", "at_most = {}}}", 10**12),
        ('"night", at_least = 1 ', '"night", at_least = {} ', 1),
        ("at_least = 600", "at_least = {}", 10**12),
    ],
)
def test_a_threshold_is_at_most_what_can_be_measured(old, new, most):
    """
    No more acts than are remembered; night is or is not.
    """
    for value in (0, most):
        text = changed(old, new.format(value))[0]
        assert text == parse_pack(text, "mine").text
    for value in (-1, most + 1):
        facts = refused(changed(old, new.format(value))[0]).facts
        assert ("not_whole", 0, most) == (facts["problem"], facts["least"], facts["most"])


@every(
    ("old", "new"),
    [
        ('four_eyes = "5000.00"', 'four_eyes = "0"'),
        ('day = "2000.00"', 'day = "0"'),
        ('at_least = "500000.00"', 'at_least = "0"'),
        ('en = "mine"', f'en = "{"x" * 60}"'),
        ('zh = "我的"', f'zh = "{"x" * 60}"'),
        ('en = "too quick"', f'en = "{"x" * SAYS_LENGTH_MAX}"'),
        ('zh = "大额"', f'zh = "{"大" * SAYS_LENGTH_MAX}"'),
        ("at_least = 4, at_most = 9", "at_least = 9, at_most = 9"),
    ],
)
def test_what_is_just_allowed_is_read(old, new):
    """
    No amount at all, the longest texts, a single value.
    """
    text = changed(old, new)[0]

    assert text == parse_pack(text, "mine").text


@every(
    ("old", "new", "facts"),
    [
        (
            'en = "mine"',
            f'en = "{"x" * 61}"',
            {"problem": "bad_text", "key": "en", "length_max": 60},
        ),
        (
            *('zh = "大额"', f'zh = "{"大" * 81}"'),
            {"problem": "bad_text", "key": "zh", "length_max": 80},
        ),
        (
            *("delay_days = 1", 'delay_days = 1\nday = "1.00"'),
            {"problem": "not_for_answer", "key": "day", "answer": "delay"},
        ),
        (
            *("hold_hours = 24", "hold_hours = 24\ndelay_days = 1"),
            {"problem": "not_for_answer", "key": "delay_days", "answer": "hold"},
        ),
        ('id = "large"', 'id = "robots"', {"problem": "used_twice", "key": "id", "text": "robots"}),
        ('id = "later"', 'id = "robots"', {"problem": "used_twice", "key": "id", "text": "robots"}),
        (
            *('acts = ["topup"]', 'acts = ["topup", "pin_change"]'),
            {
                "problem": "not_one_of",
                "key": "acts",
                "text": "'pin_change'",
                "known": ", ".join(str(what) for what in What if what in JUDGED),
            },
        ),
        (
            *('guard = "account"', 'guard = "bank"'),
            {
                "problem": "not_one_of",
                "key": "guard",
                "text": "'bank'",
                "known": "device, behaviour, transaction, account, data",
            },
        ),
        (
            *('answer = "limit"', 'answer = "allow"'),
            {
                "problem": "not_one_of",
                "key": "answer",
                "text": "'allow'",
                "known": ", ".join(ANSWERS),
            },
        ),
        (
            *('then = "return"', 'then = "keep"'),
            {"problem": "not_one_of", "key": "then", "text": "'keep'", "known": "release, return"},
        ),
        (
            *('kind = "large"', 'kind = "small"'),
            {
                "problem": "not_one_of",
                "key": "kind",
                "text": "'small'",
                "known": "large, suspicious",
            },
        ),
        (
            *('window = "1h", at_least = 5', "at_least = 5"),
            {"problem": "needs", "key": "window", "indicator": "rounds"},
        ),
        (
            *('of = "20000.00", ', ""),
            {"problem": "needs", "key": "of", "indicator": "just_below"},
        ),
        (
            *('"score", at_least = 600', '"score", window = "1h", at_least = 600'),
            {"problem": "takes_no", "key": "window", "indicator": "score"},
        ),
        (
            *('window = "1h", at_least = 5', 'window = "1h", of = "1.00", at_least = 5'),
            {"problem": "takes_no", "key": "of", "indicator": "rounds"},
        ),
        ('window = "1h", at_least = 5', 'window = "1h"', {"problem": "no_threshold"}),
        (
            "at_least = 4, at_most = 9",
            "at_least = 10, at_most = 9",
            {"problem": "never", "key": "at_least"},
        ),
        ('window = "1h"', 'window = "1 h"', {"problem": "bad_window", "key": "window"}),
        ('window = "1h"', "window = 3600", {"problem": "bad_window", "key": "window"}),
        (
            *('at_least = "500000.00"', "at_least = 500000"),
            {"problem": "bad_amount", "key": "at_least", "text": "'500000'"},
        ),
        (
            *('of = "20000.00"', 'of = "0.00"'),
            {"problem": "bad_amount", "key": "of", "text": "'0.00'"},
        ),
    ],
)
def test_a_refusal_of_a_pack_says_all_there_is_to_say(old, new, facts):
    """
    At the line of what is wrong: the last one that was changed, or the second of two alike.
    """
    text, line = changed(old, new)
    found = dict(refused(text).facts)
    last = line + new.count("\n")
    if facts["problem"] == "used_twice":
        last = text.count("\n", 0, text.rindex(new)) + 1

    assert {"source": "mine.toml", "line": last, **facts} == found


def test_a_pack_has_two_hundred_rules_and_two_hundred_reports():
    """
    And not one more of either.
    """
    head, end = SMALL.index('guard = "b'), SMALL.index('\n[[rule]]\nid = "s')
    rule = f'[[rule]]\nid = "r?"\n{SMALL[head:end]}'
    report = f'[[report]]\nid = "o?"\n{SMALL[SMALL.index("kind = ") :]}'
    for kind, one in (("rule", rule), ("report", report)):
        whole = HEAD + "".join(one.replace("?", str(n)) for n in range(200))
        assert 200 == len(getattr(parse_pack(whole, "mine"), f"{kind}s"))
        more = whole + one.replace("?", "last")
        assert {
            "source": "mine.toml",
            "line": HEAD.count("\n") + 1,
            "problem": "too_many",
            "key": kind,
            "most": 200,
        } == refused(more).facts


def test_whatever_can_be_held_can_be_held_together():
    """
    All four of them by one rule.
    """
    acts = ", ".join(f'"{what}"' for what in sorted(HOLDABLE))
    text = SMALL.replace('acts = ["send", "withdraw"]', f"acts = [{acts}]")

    assert HOLDABLE == parse_pack(text, "mine").rules[1].acts
