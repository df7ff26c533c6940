"""Rules for tests: what amount is asked for says how risk control answers."""

from typing import Any

from hongbao.domain.risk.pack import Pack, parse_pack
from hongbao.errors import ChallengeRequired
from hongbao.wallet import Wallet
from tests.wallet.world import YUAN, right

CHALLENGED = 11_11
REFUSED = 22_22
LIMITED = 33_33
HELD = 44_46  # until a day later, and then released; half of it is nothing special
HELD_BACK = 55_54  # the same, and then returned
CUT = 66_66
LARGE = 77_77
SUSPICIOUS = 88_88

_HEAD = """
name = "{name}"
version = 1
title = {{ en = "test", zh = "测试" }}
[night]
from = 0
to = 8
[challenge]
minutes = 10
tries = 3
[review]
four_eyes = "50.00"
[records]
keep_years = 10
"""

_RULE = """
[[rule]]
id = "{id}"
guard = "behaviour"
acts = [{acts}]
when = [{{ {when} }}]
answer = "{answer}"
says = {{ en = "{id}", zh = "{id}" }}
{more}
"""

_REPORT = """
[[report]]
id = "{id}"
kind = "{kind}"
acts = ["send", "give", "topup", "withdraw"]
when = [{{ {when} }}]
says = {{ en = "{id}", zh = "{id}" }}
"""

ANY = '"send", "give", "claim", "topup", "withdraw"'
OUT = '"send", "give", "withdraw"'
HOLDABLE = '"send", "give", "claim", "withdraw"'


def _rule(answer: str, when: str, acts: str = ANY, more: str = "", *, name: str = "") -> str:
    return _RULE.format(id=name or f"test-{answer}", acts=acts, when=when, answer=answer, more=more)


def exactly(fen: int) -> str:
    yuan = f'"{fen // YUAN}.{fen % YUAN:02}"'
    return f'indicator = "amount_fen", at_least = {yuan}, at_most = {yuan}'


def pack_of(name: str, *rules: str) -> Pack:
    """Return a pack of *rules* alone."""
    return parse_pack(_HEAD.format(name=name) + "".join(rules), "test")


BY_AMOUNT = pack_of(
    "by-amount",
    _rule("challenge", exactly(CHALLENGED)),
    _rule("refuse", exactly(REFUSED)),
    _rule("limit", exactly(LIMITED), OUT, 'day = "0.00"'),
    _rule("hold", exactly(HELD), HOLDABLE, 'hold_hours = 24\nthen = "release"'),
    _rule("hold", exactly(HELD_BACK), HOLDABLE, 'hold_hours = 24\nthen = "return"', name="back"),
    _rule("cut", exactly(CUT)),
    _REPORT.format(id="is-large", kind="large", when=exactly(LARGE)),
    _REPORT.format(id="is-suspicious", kind="suspicious", when=exactly(SUSPICIOUS)),
)
"""Answers by the amount alone, whatever else was done; of a claim, by the mean of what is left."""


def no_more_than(count: int, indicator: str = "sends", acts: str = '"send"') -> Pack:
    """Return a pack that refuses whatever comes after *count* of *acts* within an hour."""
    when = f'indicator = "{indicator}", window = "1h", at_least = {count + 1}'
    return pack_of(f"no-more-than-{count}", _rule("refuse", when, acts))


def solution(desk: Wallet, challenge: str) -> str:
    """Return what is to be typed; it can be counted, as whoever has eyes does."""
    asked = desk.challenge(challenge)
    return str(asked["line"].count(asked["sought"]))


def wrong_solution(desk: Wallet, challenge: str) -> str:
    return str(int(solution(desk, challenge)) + 1)


def challenged(desk: Wallet, **options: Any) -> str:
    """Ask for what is challenged, and return the challenge."""
    try:
        desk.topup(CHALLENGED, pin=right, **options)
    except ChallengeRequired as error:
        return str(error.facts["challenge"])
    raise AssertionError("nobody was challenged")
