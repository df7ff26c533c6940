"""Facts by name: each says of a home what its commands say, and a difference says what differs."""

import re
from pathlib import Path

import pytest

from hongbao import words
from hongbao.domain.packet import PacketKind
from hongbao.errors import InvalidFact, WrongPin
from hongbao.queries.facts import (
    VOCABULARY,
    Scope,
    differences,
    holding,
    parse,
    parse_fact,
    read,
    value_text,
)
from tests.every import every
from tests.wallet.world import OPENING_FEN, YUAN, World, right, wrong

PAGE = Path(__file__).parents[2] / "docs/reference/facts.md"

TRUE = f"""
balance Zhang = 980.02
balance Li != 0
frozen Zhang = 13.32
held Zhang = 0
on-its-way Zhang = 0.00
total Zhang = 993.34
deposit Zhang = {OPENING_FEN // YUAN - 1000}.00
share Li Zhang = 6.66
share Wang Zhang = none
unanswered Zhang = 0
cards Zhang = 1
cards Wang < 1
wrong-pins Li = 1
wrong-pins Zhang = 0
pin Li = open
stopped Li = 0
tier Wang != none
left Wang day = 1000.00
left Zhang day = none
reserve + in-transit = owed
owed = balance Zhang + balance Li + balance Wang + frozen Zhang
account platform packet = frozen Zhang
account icbc outgoing >= 0
packet Zhang state = open
packet Zhang kind = equal
packet Zhang deal = equal
packet Zhang from = Zhang
packet Zhang to = none
packet Zhang total = 19.98
packet Zhang remaining = 13.32
packet Zhang claimed = share Li Zhang
packet Zhang shares = 3
packet Zhang claims = 1
packet Wang state = none
packet Zhang luckiest = none
amount 5.00 = 5
count 12 > 11
change balance Zhang = -19.98
change balance Li = 6.66
change account platform packet = 13.32
change reserve = 0
moves platform = 'packet -> balance 6.66'
moves icbc = ''
change owed = 0
acts send = 1
acts claim Li = 1
acts claim Zhang = 0
request rq-1 Zhang = 1
request rq-1 Li = 0
ended 14 = 1
ended 0 = 0
refused wrong_pin = 1
replayed = 2
head > 5
time = 2026-02-16T04:00:00+00:00
time < 2026-02-17T00:00:00+08:00
balance Nobody = none
""".strip().splitlines()


@pytest.fixture
def lived(world: World) -> tuple[World, Scope]:
    since = world.zhang.store.head().entry
    zhang, li = world.zhang, world.li
    packet = zhang.send(19_98, count=3, kind=PacketKind.EQUAL, pin=right, request_id="rq-1")
    li.claim(packet["packet"])
    with pytest.raises(WrongPin):
        li.topup(100, pin=wrong)
    return world, Scope(since, {14: 1}, {"wrong_pin": 1}, 2)


def test_each_fact_says_what_is_in_the_books(lived: tuple[World, Scope]):
    """Every word of the vocabulary, at one moment; and one that is not there is `none`."""
    world, scope = lived
    home = world.zhang.home
    expected = [parse(line) for line in TRUE]
    assert not {each.of.text: each.got for each in differences(home, expected, scope)}
    held = holding(home, [*expected[:2], parse("balance Li = 1")], scope)
    assert [each.of for each in held] == expected[:2]
    assert "the balance of Zhang should not be 980.02" == held[0].forbidden
    assert {fact.name for each in expected for fact in each.facts} == set(VOCABULARY)


def test_a_fact_is_read_and_written():
    assert str(parse_fact("packet 'Ann Lee' state")) == "packet 'Ann Lee' state"
    assert str(parse_fact("change account platform balance")) == "change account platform balance"
    assert value_text(-5, "amount") == "-0.05"


def test_the_values_alone(lived: tuple[World, Scope]):
    world, scope = lived
    facts = [parse_fact(text) for text in ("balance Li", "acts claim", "packet Zhang state")]
    assert read(world.li.home, facts, scope) == [666, 1, "open"]


SENTENCES = {
    "reserve + in-transit = owed + frozen Zhang": (
        (
            "the reserve and the money in transit together is 13.32 short of "
            "what users are owed and what Zhang has in open packets together"
        ),
        "",
    ),
    "balance Li = 7": ("the balance of Li is too low", "7"),
    "balance Li < 6": ("the balance of Li is too high", "6.00"),
    "balance Li != 6.66": ("the balance of Li should not be 6.66", ""),
    "packet Zhang state = finished": (
        "the state of the packet of Zhang should not be open",
        "finished",
    ),
    "packet Wang state = open": (
        "there is nothing yet that would be the state of the packet of Wang",
        "open",
    ),
    "acts claim Li = 2": ("the number of `claim` acts of Li is too low", "2"),
    "acts claim = 4": ("the number of `claim` acts is too low", "4"),
}


def test_a_difference_says_what_differs_and_not_what_was_expected(lived: tuple[World, Scope]):
    """In both languages; only where two facts are compared is there a number: their gap."""
    world, scope = lived
    for text, (sentence, kept_back) in SENTENCES.items():
        [difference] = differences(world.zhang.home, [parse(text)], scope)
        found = difference.sentence
        assert words.say(found.sentence, **found.facts) == sentence
        if kept_back:
            assert not re.search(rf"(?<![\w.]){re.escape(kept_back)}(?![\w.])", sentence)
        words.use_language("zh_CN")
        in_chinese = words.say(found.sentence, **found.facts)
        words.use_language("en")
        assert not re.search(r"\b(the|of|is)\b", in_chinese)


@every(
    "text, problem",
    [
        ("balance 张三", "not_compared"),
        ("balance 张三 = 1 = 2", "not_compared"),
        ("10.00 = balance 张三", "no_fact"),
        ("balances 张三 = 1", "unknown"),
        ("packet 张三 colour = red", "unknown"),
        ("balance = 1", "takes"),
        ("packet = open", "unknown"),
        ("share Li = 1", "takes"),
        ("account platform purse = 1", "no_account"),
        ("balance 张三 = 1.5", "no_value"),
        ("acts send = 1.00", "no_value"),
        ("ended ok = 1", "no_value"),
        ("left 张三 week = 1", "no_value"),
        ("amount 1.5 = 1", "no_value"),
        ("balance 张三 = cards 张三", "other_kinds"),
        ("tier 张三 < one", "other_kinds"),
        ("balance '张三 = 1", "open_quote"),
        ("time > 2026-02-17", "no_value"),
    ],
)
def test_what_is_no_fact_is_refused(text: str, problem: str):
    with pytest.raises(InvalidFact) as refused:
        parse(text)
    assert refused.value.problem == problem


def test_the_page_has_the_whole_vocabulary():
    """docs/reference/facts.md explains each word, and no others; its examples can be read."""
    [examples] = re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert [parse(line).text for line in examples.splitlines()] == examples.splitlines()
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {re.sub(r" ?\[?[A-Z]+\]?", "", row) for row in rows} == set(VOCABULARY)
