"""
The attacks that risk control is measured with, made up like `bench.life`, and each labelled.

Every attack has attackers from the patient to the greedy, because the clumsy ones say little: a
robot that waits like a person, a thief who knows the PIN and stands in the owner's town, a mule
that moves money only hours later. An act is labelled where it serves the attack; what the owner
of a stolen account did before is honest.
"""

import math
from collections.abc import Callable, Mapping

from bench.life import BEGIN, DAY, HOUR, JUDGED_FROM, MINUTE, Event, Life, Person
from hongbao.domain.risk.acts import What
from hongbao.domain.risk.places import PLACES

FIRST_NUMBER = 1_000_001
STRANGERS = 5_000_000  # numbers of people who are met once: those who pay a mule, and so on


class Attacks:
    """
    Five attacks by some thirty accounts each.

    Stolen accounts are those of people from a life of their own (*seed*), so that nobody of whom
    honest acts are counted is ever attacked.
    """

    def __init__(self, seed: int, accounts: int = 30) -> None:
        self.life = Life(seed, people=accounts * 2, first_number=FIRST_NUMBER)
        self.random = self.life.random
        self.people = list(self.life.people)
        self.events: list[Event] = self.life.events
        owners = [one for one in self.people if one.kind not in ("new", "dormant")]
        self.random.shuffle(owners)
        self.owners = iter(owners)
        for make in NAMED.values():
            make(self, accounts)

    def add(
        self,
        by: str,
        at: float,
        person: Person,
        what: What,
        fen: int = 0,
        other: int = 0,
        reaction_ms: int = -1,
    ) -> None:
        """Note an act of the attack called *by*."""
        self.life.add(round(at), person, what, fen, other, reaction_ms, by)

    def account(self, days: tuple[int, int], kind: str = "attacker") -> Person:
        """Open an account for an attack, some *days* before February; all of China may be home."""
        number = FIRST_NUMBER + len(self.people)
        opened_at = JUDGED_FROM - self.random.randrange(*days) * DAY
        person = Person(
            number,
            kind,
            opened_at,
            self.random.randrange(1, len(PLACES)),
            shows_city=self.random.random() < 0.6,
            device_since=opened_at,
        )
        self.people.append(person)
        return person

    def stranger(self) -> int:
        return STRANGERS + self.random.randrange(1_000_000)

    def night(self) -> float:
        """Draw a moment of a night in February, from one to five o'clock."""
        return BEGIN + self.random.randrange(33, 58) * DAY + self.random.uniform(1, 5) * HOUR

    def day(self) -> float:
        return BEGIN + self.random.randrange(33, 58) * DAY + self.random.uniform(8, 23) * HOUR


def take_over(attacks: Attacks, accounts: int) -> None:
    """
    盗号: somebody else has the account and empties it before its owner notices.

    Most come from a device of their own, change the PIN or sit in another city, and half of them
    by night; some have the owner's unlocked phone and none of these. Money goes to one to three
    people whom the owner has never paid, and to a card.
    """
    random = attacks.random
    for _account in range(accounts):
        owner = next(attacks.owners)
        at = attacks.night() if random.random() < 0.5 else attacks.day()
        owners_last = at - random.uniform(0.2, 10) * HOUR
        attacks.events[:] = [
            event
            for event in attacks.events
            if event.profile != owner.number or event.seen.at < owners_last
        ]
        add = attacks.add
        if random.random() < 0.4:
            there = random.randrange(1, len(PLACES))
            owner.trips.append((round(at), round(at), there))
        if random.random() < 0.8:
            add("takeover", at, owner, What.DEVICE_ADD)
            at += random.uniform(20, 300)
        if random.random() < 0.5:
            add("takeover", at, owner, What.PIN_CHANGE)
            at += random.uniform(20, 300)
        pace = random.uniform(10, 90)
        helpers = [attacks.stranger() for _helper in range(random.randint(1, 3))]
        if random.random() < 0.6:
            add("takeover", at, owner, What.TOPUP, random.randrange(5, 200) * 10_000)
            at += random.uniform(1, 2) * pace
        for _gift in range(random.randint(2, 25)):
            fen = random.choice((20_000, 20_000, 20_000, 19_900, 18_800, 15_000))
            add("takeover", at, owner, What.GIVE, fen, random.choice(helpers))
            at += random.uniform(0.5, 2) * pace
        if random.random() < 0.4:
            add("takeover", at, owner, What.CARD_ADD)
            at += random.uniform(1, 3) * pace
            add("takeover", at, owner, What.WITHDRAW, random.randrange(5, 200) * 10_000)


def run_robots(attacks: Attacks, accounts: int) -> None:
    """
    抢红包外挂: a program opens whatever appears, in every group that it is in, day and night.

    Three in five are as quick as they can be; the others wait like a person, for a second or a few.
    """
    random = attacks.random
    for _account in range(accounts):
        robot = attacks.account((5, 400))
        robot.device_profiles = random.choice((1, 1, 1, 4, 12))
        human = random.random() < 0.4
        a_day = 20 * math.exp(random.gauss(1, 0.7))
        for day in range(33, 33 + random.randint(1, 6)):
            at = float(BEGIN + day * DAY)
            while at < BEGIN + (day + 1) * DAY:
                at += random.expovariate(a_day / 5 / DAY)
                moment = at
                for _packet in range(random.randint(1, 9)):  # packets come in bursts
                    wait = (
                        max(800, 1800 * math.exp(random.gauss(0, 0.5)))
                        if human
                        else random.uniform(60, 700)
                    )
                    fen = round(300 * math.exp(random.gauss(0, 1)))
                    sender = attacks.stranger()
                    args = (fen, sender, round(wait))
                    attacks.add("robot", moment, robot, What.CLAIM, *args)
                    moment += random.uniform(4, 60)
            if random.random() < 0.5:
                fen = random.randrange(20, 900) * 100
                attacks.add("robot", at + HOUR, robot, What.WITHDRAW, fen)


def split(attacks: Attacks, accounts: int) -> None:
    """
    化整为零: one large sum in pieces, each a little below what would be reported or looked at.

    Half move cash through a card, below 50,000 or 20,000 yuan at a time; half push a sum through
    packets of nearly 200 to the same few people, on and on.
    """
    random = attacks.random
    for nth in range(accounts):
        splitter = attacks.account((20, 900))
        at = attacks.day()
        for _day in range(random.randint(1, 3)):
            moment, pace = at, random.uniform(1, 40) * MINUTE
            if nth % 2:
                under = random.choice((5_000_000, 2_000_000))
                for _piece in range(random.randint(3, 8)):
                    fen = round(under * random.uniform(0.91, 0.998)) // 10_000 * 10_000
                    attacks.add("splitting", moment, splitter, What.TOPUP, fen)
                    moment += random.uniform(0.5, 1.5) * pace
                    if random.random() < 0.8:
                        attacks.add("splitting", moment, splitter, What.WITHDRAW, fen)
                        moment += random.uniform(0.5, 1.5) * pace
            else:
                friends = [attacks.stranger() for _friend in range(random.randint(1, 3))]
                for _piece in range(random.randint(15, 60)):
                    fen = random.randrange(18_500, 20_001, 100)
                    friend = random.choice(friends)
                    attacks.add("splitting", moment, splitter, What.GIVE, fen, friend)
                    moment += random.uniform(0.5, 1.5) * pace / 10
            at += DAY


def ring(attacks: Attacks, accounts: int) -> None:
    """
    Rings (跑分): many pay one, who hands nearly all of it on; or one pays many.

    The hurried mule passes the money on within the hour, the patient one in the evening.
    """
    random = attacks.random
    for nth in range(accounts):
        mule = attacks.account((3, 500))
        mule.cards = random.randint(1, 3)
        at = attacks.day()
        for _day in range(random.randint(1, 3)):
            moment, total = at, 0
            if nth % 3 < 2:
                hours = random.uniform(1, 8)
                payers = random.randint(10, 40)
                for _payer in range(payers):
                    fen = random.choice((20_000, 20_000, 19_900, 18_800, 15_000, 10_000))
                    args = (fen, attacks.stranger(), round(1000 * random.uniform(4, 240)))
                    attacks.add("ring", moment, mule, What.CLAIM, *args)
                    total += fen
                    moment += random.uniform(0.3, 1.7) * hours * HOUR / payers
                moment += random.choice((5 * MINUTE, 40 * MINUTE, 4 * HOUR))
                boss, left = attacks.stranger(), total * random.randint(88, 99) // 100
                if random.random() < 0.5:
                    attacks.add("ring", moment, mule, What.WITHDRAW, left)
                while left > 20_000 and random.random() < 0.97:
                    attacks.add("ring", moment, mule, What.GIVE, 20_000, boss)
                    left -= 20_000
                    moment += random.uniform(6, 90)
            else:
                people = random.randint(12, 45)
                attacks.add("ring", moment, mule, What.TOPUP, people * 20_000)
                pace = random.uniform(8, 240)
                for _person in range(people):
                    moment += random.uniform(0.5, 1.5) * pace
                    attacks.add("ring", moment, mule, What.GIVE, 20_000, attacks.stranger())
            at += DAY


def gamble(attacks: Attacks, accounts: int) -> None:
    """
    红包赌博: a room of ten plays for hours; whoever drew least pays the next round.

    It is the friends' 接龙 of `bench.life` for more money, faster, and for hours.
    """
    random = attacks.random
    for _room in range(max(1, accounts // 10)):
        players = [attacks.account((3, 900)) for _player in range(10)]
        for _evening in range(random.randint(1, 3)):
            at = attacks.night() if random.random() < 0.5 else attacks.day()
            stake = random.choice((3000, 5000, 10_000, 20_000))
            pace = random.uniform(35, 100)
            end = at + random.uniform(1.5, 5) * HOUR
            loser = random.choice(players)
            while at < end:
                attacks.add("gambling", at, loser, What.SEND, stake * 5)
                for player in random.sample(players, 5):
                    wait = max(700, 2500 * math.exp(random.gauss(0, 0.6)))
                    args = (stake, loser.number, round(wait))
                    attacks.add("gambling", at + wait / 1000, player, What.CLAIM, *args)
                loser = random.choice(players)
                at += random.uniform(0.6, 1.4) * pace


NAMED: Mapping[str, Callable[[Attacks, int], None]] = {
    "takeover": take_over,
    "robot": run_robots,
    "splitting": split,
    "ring": ring,
    "gambling": gamble,
}
