"""
Two months of ordinary people, made up: what risk control must leave alone.

Nobody's data is in it. A seed makes people of a few kinds, the groups that they share, and from
those the packets they send each other from 1 January 2026 on, over New Year's Eve (16 February),
to the end of February. The same seed is the same life, to the second. January is there so that
habits exist when February is judged. docs/concepts/risk-model.md says what was assumed, and why.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple

from hongbao.domain.risk.acts import Asked, Seen, What
from hongbao.domain.risk.places import PLACES, distance_km

MINUTE, HOUR, DAY = 60, 3600, 86_400
CHINA = 8 * HOUR

BEGIN = 1_767_225_600 - CHINA  # 2026-01-01, midnight in China
JUDGED_FROM = BEGIN + 31 * DAY
DAYS = 59
END = BEGIN + DAYS * DAY
NEW_YEARS_EVE = 46  # the day's number: 16 February
VALENTINES = 44


class Kind(NamedTuple):
    """A kind of people."""

    name: str
    share: int  # of a hundred people
    acts: float  # that one of them begins on a day
    yuan: int  # their usual amount
    hours: str  # weights of China's 24 hours, a digit each


KINDS = (
    Kind("family", 30, 0.7, 30, "100000134444554444567864"),
    Kind("student", 22, 1.2, 8, "420000012345764444568887"),
    Kind("office", 22, 1.0, 25, "100000145556985555578863"),
    Kind("night", 6, 1.0, 20, "687653200000000023333456"),
    Kind("traveller", 5, 1.0, 40, "100000234555655555567753"),
    Kind("shopkeeper", 4, 1.5, 35, "000000256677776666778852"),
    Kind("dormant", 5, 0.6, 30, "100000134444554444567864"),
    Kind("new", 6, 1.2, 20, "200000123444554444567875"),
)


class Event(NamedTuple):
    """Something that somebody did; *by* names the attack it is part of, "" is honest."""

    profile: int
    seen: Seen
    by: str = ""


class Step(NamedTuple):
    """The same as risk control is asked about it."""

    asked: Asked
    by: str


@dataclass(slots=True)
class Person:
    """Somebody with a profile; *trips* are (leaves, arrives, city)."""

    number: int
    kind: str
    opened_at: int
    city: int = 0
    shows_city: bool = True
    yuan: float = 20.0
    rate: float = 1.0
    hours: str = "1" * 24
    cards: int = 1
    device_since: int = 0
    device_profiles: int = 1
    awake_from: int = BEGIN  # no acts of their own before
    silent: tuple[int, int] = (0, 0)
    groups: list[list["Person"]] = field(default_factory=list)
    trips: list[tuple[int, int, int]] = field(default_factory=list)

    def city_at(self, at: int) -> int:
        """Return where the person's phone says it is; on the way it does not say."""
        if not self.shows_city:
            return 0
        city = self.city
        for leaves, arrives, there in self.trips:
            if at >= arrives:
                city = there
            elif at >= leaves:
                return 0
        return city

    def acts_at(self, at: int) -> bool:
        return at >= self.awake_from and not self.silent[0] <= at < self.silent[1]

    def likes(self, at: int) -> int:
        """Return the weight, 0 to 9, of the hour at *at*."""
        return int(self.hours[(at + CHINA) % DAY // HOUR])


class Life:
    """Some people and all that they did, in no order; see `streams_of`."""

    def __init__(self, seed: int, people: int = 200, first_number: int = 1) -> None:
        self.random = Random(seed)
        self.events: list[Event] = []
        self.people = [self._person(first_number + n, n, people) for n in range(people)]
        self._meet()
        for person in self.people:
            self._settle(person)
        for day in range(DAYS):
            for person in self.people:
                self._live(person, day)
            if day == NEW_YEARS_EVE:
                self._celebrate(day)
        self.events = [event for event in self.events if event.seen.at < END]

    # --- who is there -----------------------------------------------------------------------------

    def _person(self, number: int, nth: int, people: int) -> Person:
        random = self.random
        below = accumulate(kind.share for kind in KINDS)
        [kind, *_] = [
            kind for kind, most in zip(KINDS, below, strict=True) if nth * 100 < most * people
        ]
        city = 1 + min(int(random.expovariate(0.15)), len(PLACES) - 2)
        opened_at = BEGIN - random.randrange(60, 2000) * DAY
        person = Person(
            number,
            kind.name,
            opened_at,
            city,
            shows_city=random.random() < 0.85,
            yuan=kind.yuan * math.exp(random.gauss(0, 0.5)),
            rate=kind.acts * math.exp(random.gauss(0, 0.5)),
            hours=kind.hours,
            cards=1 + (random.random() < 0.35),
            device_since=max(opened_at, BEGIN - random.randrange(1, 700) * DAY),
            device_profiles=1 + (random.random() < 0.1),
        )
        if kind.name == "new":
            person.opened_at = JUDGED_FROM + random.randrange(27 * DAY)
            person.awake_from = person.device_since = person.opened_at
            person.cards = 0
        if kind.name == "dormant":
            back = JUDGED_FROM + random.randrange(25 * DAY)
            person.silent = (BEGIN - random.randrange(40, 300) * DAY, back)
            person.opened_at = person.silent[0] - random.randrange(100, 900) * DAY
            person.device_since = person.opened_at
        return person

    def _meet(self) -> None:
        """Put everybody into a family, circles of friends and, if they study or work, a group."""
        everybody = list(self.people)
        everyone = {kind.name for kind in KINDS}
        for kinds, least, most in (
            (everyone, 4, 8),
            (everyone, 6, 20),
            (everyone, 5, 12),
            ({"student"}, 12, 30),
            ({"office", "night", "traveller"}, 8, 25),
        ):
            some = [person for person in everybody if person.kind in kinds]
            self.random.shuffle(some)
            while some:
                size = self.random.randint(least, most)
                group, some = some[:size], some[size:]
                for person in group:
                    person.groups.append(group)

    def _settle(self, person: Person) -> None:
        """Make what happens once: travel, a new phone, another PIN, an account's opening."""
        random = self.random
        if person.kind == "traveller":
            at = BEGIN + random.randrange(6 * DAY)
            while at < END:
                away = self._another_city(person)
                at = self._travel(person, at, away) + random.randrange(1 * DAY, 5 * DAY)
                at = self._travel(person, at, person.city) + random.randrange(2 * DAY, 9 * DAY)
        elif person.kind in ("office", "student", "night") and random.random() < 0.4:
            # 春运: home for the New Year, and back.
            leaves = BEGIN + random.randrange(36, 45) * DAY + random.randrange(7, 20) * HOUR
            self._travel(person, leaves, self._another_city(person))
            back = BEGIN + random.randrange(50, 57) * DAY + random.randrange(7, 20) * HOUR
            self._travel(person, back, person.city)
        if person.kind == "new":
            self._open(person)
        chance = 0.5 if person.kind == "dormant" else 0.06
        if person.kind != "new" and random.random() < chance:
            at = self._hour(person, random.randrange(DAYS))
            if person.kind == "dormant":
                at = person.silent[1]
            self.add(at, person, What.DEVICE_ADD)
            if random.random() < 0.3:
                self.add(at + random.randrange(60, 1200), person, What.PIN_CHANGE)
        if random.random() < 0.05:
            at = self._hour(person, random.randrange(DAYS))
            self.add(at, person, What.PIN_CHANGE)
        if random.random() < 0.08:
            self.add(self._hour(person, random.randrange(DAYS)), person, What.CARD_ADD)
        if person.kind == "dormant":
            for _time in range(random.randrange(15, 50)):  # the life before
                at = person.silent[0] - random.randrange(100 * DAY)
                at = self._hour(person, (at - BEGIN) // DAY)
                what = random.choice((What.GIVE, What.CLAIM, What.CLAIM, What.TOPUP))
                wait = random.randrange(5_000, 3_600_000) if what is What.CLAIM else -1
                other = random.choice(person.groups[0]).number if what is not What.TOPUP else 0
                if at < person.silent[0]:
                    self.add(at, person, what, self._fen(person.yuan), other, wait)

    def _another_city(self, person: Person) -> int:
        return self.random.choice([n for n in range(1, len(PLACES)) if n != person.city])

    def _travel(self, person: Person, leaves: int, there: int) -> int:
        """Move *person* at a train's or a plane's pace, with the ways to and from it."""
        here = person.trips[-1][2] if person.trips else person.city
        pace = 500 if distance_km(here, there) > 1000 else 160
        arrives = leaves + 2 * HOUR + distance_km(here, there) * HOUR // pace
        person.trips.append((leaves, arrives, there))
        return arrives

    def _open(self, person: Person) -> None:
        at = person.opened_at + self.random.randrange(60, 600)
        self.add(at, person, What.IDENTIFY)
        at += self.random.randrange(60, 600)
        self.add(at, person, What.CARD_ADD)
        at += self.random.randrange(60, 6000)
        self.add(at, person, What.TOPUP, self.random.choice((50, 100, 200, 500)) * 100)

    # --- a day ------------------------------------------------------------------------------------

    def _live(self, person: Person, day: int) -> None:
        random = self.random
        feast = day in (NEW_YEARS_EVE, NEW_YEARS_EVE + 1)
        for _act in range(self._poisson(person.rate * (3 if feast else 1))):
            at = self._hour(person, day)
            if not person.acts_at(at):
                continue
            way = random.random()
            if way < 0.5:
                self.give(at, person, self._somebody(person), self._fen(person.yuan, feast))
            elif way < 0.75:
                group = random.choice(person.groups)
                total = self._fen(person.yuan * (3 if feast else 1.3), most=500_000)
                shares = max(1, min(len(group), random.randint(3, 15)))
                self.packet(at, person, group, max(total, shares), shares)
            elif way < 0.94:
                self.add(at, person, What.TOPUP, random.choice((1, 2, 5, 5, 10, 20)) * 10_000)
            else:
                yuan = person.yuan * math.exp(random.gauss(2, 0.8))
                self.add(at, person, What.WITHDRAW, max(100, round(yuan) * 100))
        if day == VALENTINES and random.random() < 0.25:
            # 520 sounds like "I love you", and one packet holds 200 at most.
            at, love = self._hour(person, day), self._somebody(person)
            if person.acts_at(at):
                for fen in (20_000, 20_000, 12_000):
                    self.give(at, person, love, fen)
                    at += random.randrange(8, 40)
        if feast and random.random() < 0.4:
            self._money_for_the_young(person, day)
        if random.random() < 0.012:
            self._play(random.choice(person.groups), self._hour(person, day))
        if person.kind == "shopkeeper":
            self._keep_shop(person, day)

    def _keep_shop(self, person: Person, day: int) -> None:
        """Let neighbours pay a group buy's leader (团长) by packets; now and then it is banked."""
        for _buyer in range(self.random.randrange(0, 14)):
            buyer = self.random.choice(self.people)
            at = self._hour(buyer, day)
            if buyer is not person and buyer.acts_at(at):
                self.give(at, buyer, person, self._fen(35))
        if self.random.random() < 0.35:
            fen = self.random.randrange(300, 3000) * 100
            self.add(self._hour(person, day), person, What.WITHDRAW, fen)

    def _money_for_the_young(self, person: Person, day: int) -> None:
        """Give 压岁钱: up to 200 each, in one sitting, and more than one packet for some."""
        at = self._hour(person, day)
        if not person.acts_at(at):
            return
        fen = self.random.choice((6600, 8800, 10_000, 16_800, 18_800, 20_000, 20_000))
        for child in self.random.sample(self.people, self.random.randint(2, 7)):
            for _packet in range(self.random.choice((1, 1, 1, 2, 3))):
                if child is not person:
                    self.give(at, person, child, fen)
                    at += self.random.randrange(8, 90)

    def _play(self, group: list[Person], at: int) -> None:
        """Play 接龙 among friends: whoever was luckiest sends the next one, for small money."""
        players = [person for person in group if person.acts_at(at)][:8]
        if len(players) < 3:
            return
        total = self.random.choice((200, 500, 660, 880, 1000, 2000))
        for _round in range(self.random.randint(4, 14)):
            sender = self.random.choice(players)
            self.packet(at, sender, players, total, min(len(players), 5), lively=True)
            at += self.random.randrange(25, 300)

    def _celebrate(self, day: int) -> None:
        """Let packets rain on New Year's Eve, from dinner to midnight and a little beyond."""
        done: set[int] = set()
        for person in self.people:
            for group in person.groups:
                if id(group) in done:
                    continue
                done.add(id(group))
                for _burst in range(self.random.randint(1, 4)):
                    at = BEGIN + day * DAY + round(self.random.triangular(18, 24.8, 22) * HOUR)
                    for _packet in range(self.random.randint(1, 9)):
                        awake = [one for one in group if one.acts_at(at)]
                        if awake:
                            sender = self.random.choice(awake)
                            total = self._fen(sender.yuan * 3, feast=True, most=200_000)
                            shares = min(len(group), self.random.randint(4, 12))
                            self.packet(at, sender, group, max(total, shares), shares, lively=True)
                        at += self.random.randrange(4, 200)

    # --- what is done -----------------------------------------------------------------------------

    def add(
        self,
        at: int,
        person: Person,
        what: What,
        amount_fen: int = 0,
        other: int = 0,
        reaction_ms: int = -1,
        by: str = "",
    ) -> None:
        """Note that *person* did *what*."""
        seen = Seen(at, what, amount_fen, other, reaction_ms, person.city_at(at))
        self.events.append(Event(person.number, seen, by))

    def give(self, at: int, sender: Person, recipient: Person, fen: int) -> None:
        """Have *sender* give *recipient* a packet, who claims it when they see it."""
        self.add(at, sender, What.GIVE, fen, recipient.number)
        wait_ms = self._sees_after_ms(recipient, at, chatting=0.35)
        if wait_ms < DAY * 1000 and recipient.acts_at(at):
            self.add(at + wait_ms // 1000, recipient, What.CLAIM, fen, sender.number, wait_ms)

    def packet(
        self,
        at: int,
        sender: Person,
        group: Sequence[Person],
        fen: int,
        shares: int,
        *,
        lively: bool = False,
    ) -> None:
        """Have *sender* send *group* a packet; the quickest *shares* of them claim it."""
        self.add(at, sender, What.SEND, fen)
        waits = sorted(
            (self._sees_after_ms(person, at, 0.75 if lively else 0.25), person.number, person)
            for person in group
            if person.acts_at(at)
        )
        for wait_ms, _number, person in waits[:shares]:
            if wait_ms < DAY * 1000:
                moment = at + wait_ms // 1000
                self.add(moment, person, What.CLAIM, fen // shares, sender.number, wait_ms)

    def _sees_after_ms(self, person: Person, at: int, chatting: float) -> int:
        """
        Draw how long a packet waits for *person*.

        Somebody who looks at the chat right now takes some 3 seconds, seldom less than one: to
        see, to open, to tap. Anybody else comes by in a quarter of an hour or much later, and not
        in hours of sleep.
        """
        random = self.random
        if random.random() < chatting * min(1.0, 0.2 + person.likes(at) / 6):
            return max(650, round(3000 * math.exp(random.gauss(0, 0.65))))
        wait = 900 * math.exp(random.gauss(0, 1.4))
        while person.likes(at + round(wait)) * 0.2 < random.random():
            wait += HOUR * random.random()
        return round(wait * 1000)

    # --- dice -------------------------------------------------------------------------------------

    def _hour(self, person: Person, day: int) -> int:
        """Draw a second of the *day*, by the hours that *person* likes."""
        hour = self.random.choices(range(24), [int(weight) for weight in person.hours])[0]
        return BEGIN + day * DAY + hour * HOUR + self.random.randrange(HOUR)

    def _somebody(self, person: Person) -> Person:
        """Draw somebody from *person*'s groups, mostly the nearest."""
        group = (
            person.groups[0] if self.random.random() < 0.6 else self.random.choice(person.groups)
        )
        others = [one for one in group if one is not person]
        return self.random.choice(others) if others else self.random.choice(self.people)

    def _fen(self, yuan: float, feast: bool = False, most: int = 20_000) -> int:
        """Draw an amount that people like: whole, round, or with 8 and 6, at most *most*."""
        drawn = yuan * (2 if feast else 1) * math.exp(self.random.gauss(0, 0.8))
        way = self.random.random()
        if way < 0.5:
            fen = max(1, round(drawn)) * 100
        elif way < 0.7:
            fen = max(1, round(drawn / 10)) * 1000
        elif way < 0.85:
            fen = self.random.choice((188, 666, 880, 888, 1688, 1880, 6600, 6666, 8800, 8888))
        else:
            fen = round(drawn * 100)
        return max(1, min(fen, most))

    def _poisson(self, mean: float) -> int:
        count, left = 0, math.exp(-mean)
        product = self.random.random()
        while product > left:
            count += 1
            product *= self.random.random()
        return count


def streams_of(people: Iterable[Person], events: Iterable[Event]) -> dict[int, list[Step]]:
    """
    Return each person's acts in their order, as risk control is asked about them.

    What the profile, its cards and its devices are at each moment follows from the acts before.
    """
    of: dict[int, list[Event]] = {person.number: [] for person in people}
    for event in events:
        of[event.profile].append(event)
    return {
        person.number: _stream(person, sorted(of[person.number], key=lambda event: event.seen.at))
        for person in people
    }


def _stream(person: Person, events: list[Event]) -> list[Step]:
    cards, devices, device_since = person.cards, 1, person.device_since
    identified = person.kind != "new"
    steps = []
    for event in events:
        seen = event.seen
        if seen.what is What.DEVICE_ADD:
            devices, device_since = devices + 1, seen.at
        cards += seen.what is What.CARD_ADD
        identified = identified or seen.what is What.IDENTIFY
        steps.append(
            Step(
                Asked(
                    seen,
                    age_days=max(0, (seen.at - person.opened_at) // DAY),
                    channels=identified + min(cards, 3),
                    cards=cards,
                    device_age_hours=max(0, (seen.at - device_since) // HOUR),
                    devices=devices,
                    device_profiles=person.device_profiles,
                    clock_back_s=0,
                ),
                event.by,
            )
        )
    return steps
