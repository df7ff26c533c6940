"""
Practice homes: throw-away homes for a lesson or a task, with people and money to begin with.

They are sandboxes (see `hongbao.wallet.sandbox`) whose people, hour and seed are chosen. The same
ones give the same books, with the same ids and shares, on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hongbao.domain.identity import BANKS, demo_card_number, demo_id_number, parse_real_name
from hongbao.domain.pin import OF_SANDBOXES, Pin
from hongbao.domain.policy import Policy
from hongbao.env import Env
from hongbao.errors import HongbaoError
from hongbao.home.opened import Home
from hongbao.rows import Row
from hongbao.wallet.cards import add_card
from hongbao.wallet.clock import set_clock
from hongbao.wallet.group import acting_as, together
from hongbao.wallet.identify import identify
from hongbao.wallet.profiles import found
from hongbao.wallet.settlement import settle
from hongbao.wallet.topup import topup

_REAL_NAME = "访客"
_ID_NUMBERS_FROM = 700
_CARDS_FROM = 777_000
"""The serial number of the first card: no other demo has cards from there on."""

_A_DAY = timedelta(days=1)
"""How long before the beginning its people come: their top-ups are settled, and no day's limit."""


class Person(Row):
    """Someone who is there at the beginning, with a card of a *bank* and a balance."""

    name: str
    bank: str | None
    balance_fen: int


def make_practice_home(
    env: Env, people: Sequence[Person], *, policy: Policy, begins: datetime, seed: str
) -> None:
    """Make the home of *env*, which is not there yet; the first of *people* is the one who acts."""
    first, *others = people
    home, _founded = found(
        env, first.name, pin=_pin, policy=policy, clock=begins - _A_DAY, dice=seed, sandbox=True
    )
    with home:
        for person in others:
            added, _founded = found(env, person.name, pin=_pin, policy=policy)
            added.close()

        def settle_in() -> None:
            for number, person in enumerate(people, start=1):
                _settle_in(home, number, person)
            if any(person.balance_fen for person in people):
                settle(home)
            set_clock(home, begins)

        (refused,) = together(home, [settle_in])
        if isinstance(refused, HongbaoError):
            raise refused


def _pin() -> Pin:
    return Pin(OF_SANDBOXES)


def _settle_in(home: Home, number: int, person: Person) -> None:
    """Give *person* an identity, a card and a balance, if they are to have a bank."""
    if person.bank is None:
        return
    bank = next(bank for bank in BANKS if bank.code == person.bank)
    with acting_as(home, person.name):
        identify(
            home, parse_real_name(_REAL_NAME), demo_id_number(_ID_NUMBERS_FROM + number), pin=_pin
        )
        add_card(home, demo_card_number(bank, _CARDS_FROM + number), pin=_pin)
        if person.balance_fen:
            topup(home, person.balance_fen, pin=_pin)
