"""
Sandboxes: ready homes to play in, with people, money and two weeks of small history.

Everything in one is done by the acts that anyone does, at the moments of a virtual clock and with
the chance of a fixed seed; so the same sandbox has the same packets, shares and ids each time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hongbao.domain.identity import BANKS, demo_card_number, demo_id_number, parse_real_name
from hongbao.domain.packet import PacketKind
from hongbao.domain.pin import OF_SANDBOXES, Pin
from hongbao.domain.policy import Policy
from hongbao.env import Env
from hongbao.errors import FileExists, HongbaoError, SandboxExists
from hongbao.home.opened import Home
from hongbao.outputs import whole_folder
from hongbao.store import Holder
from hongbao.units import CHINA, iso
from hongbao.vault.files import storage
from hongbao.wallet.cards import add_card
from hongbao.wallet.claim import claim
from hongbao.wallet.clock import set_clock
from hongbao.wallet.group import acting_as, together
from hongbao.wallet.identify import identify
from hongbao.wallet.profiles import found
from hongbao.wallet.send import send
from hongbao.wallet.topup import topup
from hongbao.wallet.withdraw import withdraw

if TYPE_CHECKING:
    from hongbao.answers import SandboxMade, SandboxPerson
    from hongbao.home.clusters import Access

SEED = "sandbox"

NEW_YEARS_EVE = datetime(2026, 2, 16, 20, tzinfo=CHINA)
"""When a sandbox is opened for the first time, by its own clock."""

PEOPLE = (
    *("小明", "Alice", "小红", "Ben", "小刚", "Chloe", "小丽", "David", "小强", "Emma"),
    *("小芳", "Frank", "小军", "Grace", "小燕", "Henry", "小龙", "Ivy", "小雪", "Jack"),
)
"""Who is there, in this order, and then P21, P22 …; the first is the one who acts."""

SHARES_MAX = 20
"""How many shares a packet for everyone has at most."""

PIN_FILE = "pin.txt"


def make_sandbox(
    env: Env,
    folder: Path,
    policy: Policy,
    *,
    people: int = 3,
    empty: bool = False,
    chosen: bool = False,
    seed: str = SEED,
    rich: int | None = None,
    access: Access | None = None,
) -> SandboxMade:
    """
    Make a sandbox in *folder*, which must not be there, with that many *people*.

    It has a past, and a packet that waits to be opened, unless it is to be *empty*. *chosen* says
    that the folder was, by a person. Its chance follows from *seed*. Where only the first few are
    to be *rich*, the others have no money, card or identity, and it is empty. With *access* its
    ledger is made on a cluster.

    It is made under another name, so that no half of one ever stands where it belongs, even if we
    are killed.

    Raises SandboxExists, and StorageRefused where it cannot be written; then nothing is left.
    """
    try:
        with whole_folder(folder) as making:
            lent = env._replace(home=making)
            is_empty = empty or rich is not None
            made = _fill(
                lent, policy, _names(people), seed=seed, empty=is_empty, rich=rich, access=access
            )
    except FileExists:
        raise SandboxExists(path=str(folder), chosen=chosen) from None
    return made | {"home": str(folder), "pin_file": str(folder / PIN_FILE)}


def _names(people: int) -> tuple[str, ...]:
    return (*PEOPLE, *(f"P{number}" for number in range(len(PEOPLE) + 1, people + 1)))[:people]


def _real_name(name: str) -> str:
    """Return what stands on the ID card of *name*: names there have no digits."""
    return parse_real_name(name if name in PEOPLE else "访客")


def known_pin(home: Home) -> Pin | None:
    """Return the PIN of the one who acts, if this is a sandbox where it is still everyone's."""
    if not home.is_sandbox:
        return None
    pin, holder = everyones_pin(), Holder("profile", home.me.id)
    hashed = home.store.pin(holder).hash
    return pin if home.vault.pin_matches(holder.number, pin, hashed) else None


def everyones_pin() -> Pin:
    """Return the PIN of everyone in a sandbox."""
    return Pin(OF_SANDBOXES)


def _fill(
    env: Env,
    policy: Policy,
    people: tuple[str, ...],
    *,
    seed: str,
    empty: bool,
    rich: int | None,
    access: Access | None,
) -> SandboxMade:
    begins = NEW_YEARS_EVE - timedelta(days=14, hours=10)
    pin_file = env.home / PIN_FILE
    with storage(pin_file):
        pin_file.write_text(f"{OF_SANDBOXES}\n", encoding="utf-8")
    home, _founded = found(
        env,
        people[0],
        pin=everyones_pin,
        policy=policy,
        clock=begins,
        dice=seed,
        sandbox=True,
        access=access,
    )
    with home:
        for name in people[1:]:
            added, _founded = found(env, name, pin=everyones_pin, policy=policy)
            added.close()
        life = _Life(home, begins)

        def lived() -> str | None:
            for number, name in enumerate(people[:rich], start=1):
                life.settle_in(number, name)
            waiting = None if empty else life.live(people)
            life.wait_until(NEW_YEARS_EVE)
            return waiting

        (waiting,) = together(home, [lived])  # one seal, and one wait for the disk
        if isinstance(waiting, HongbaoError):
            raise waiting
        return {
            "home": str(env.home),
            "people": [life.person(name) for name in people],
            "pin_file": str(pin_file),
            "packet": waiting,
            "at": iso(home.now()),
        }


class _Life:
    """The past of a sandbox, act by act, each at its own time."""

    def __init__(self, home: Home, begins: datetime) -> None:
        self.home = home
        self.begins = begins

    def settle_in(self, number: int, name: str) -> None:
        """Give *name* an identity, a card, and money from it."""
        bank = BANKS[(number - 1) % len(BANKS)]
        with acting_as(self.home, name):
            identify(self.home, _real_name(name), demo_id_number(number), pin=everyones_pin)
            add_card(self.home, demo_card_number(bank, 888_000 + number), pin=everyones_pin)
            topup(self.home, 500_00 if number == 1 else 300_00, pin=everyones_pin)

    def live(self, people: tuple[str, ...]) -> str:
        """Let two weeks pass, and return the packet that waits at their end."""
        me, friend, *others = people
        shares = min(len(people), SHARES_MAX)
        self.on(2, 19, 30)
        spring = self.sends(me, 66_66, count=shares, greeting="立春快乐")
        for name in (friend, *others[: shares - 2], me):
            self.later(minutes=7)
            self.claims(name, spring)
        self.on(5, 12, 8)
        self.claims(me, self.sends(friend, 8_88, to=me, greeting="Happy birthday"))
        self.on(6, 18, 6)
        night = self.sends(friend, 6_66, count=2, greeting="晚安")
        for name in (me, *others[:1]):
            self.later(minutes=3)
            self.claims(name, night)
        self.on(8, 21, 15)
        lunch = self.sends(me, 10_40, count=2, kind=PacketKind.EQUAL, greeting="午饭")
        self.later(minutes=31)
        self.claims(friend, lunch)  # the other share goes back the next day
        self.on(11, 9, 5)
        other = others[0] if others else friend
        self.claims(other, self.sends(me, 5_20, to=other, greeting="谢谢"))
        self.later(minutes=20)
        tea = self.sends(other, 20_00, count=2, greeting="奶茶")
        self.later(minutes=2)
        self.claims(me, tea)
        if others:
            self.later(minutes=40)
            self.claims(friend, tea)
        self.on(12, 13, 14)
        self.claims(friend, self.sends(me, 13_14, to=friend, greeting="情人节快乐"))
        self.on(13, 10, 0)
        with acting_as(self.home, me):
            topup(self.home, 100_00, pin=everyones_pin)
            self.later(minutes=50)
            withdraw(self.home, 50_00, pin=everyones_pin)
        self.wait_until(NEW_YEARS_EVE - timedelta(minutes=2))
        return self.sends(friend, 88_88, count=shares, greeting="恭喜发财，大吉大利")

    def person(self, name: str) -> SandboxPerson:
        """Return *name* with what they have now."""
        row = self.home.profile_named(name)
        return {"profile": row.name, "available_fen": self.home.store.balance_fen(row.account)}

    def on(self, day: int, hour: int, minute: int) -> None:
        at = self.begins.replace(hour=hour, minute=minute) + timedelta(days=day)
        self.wait_until(at)

    def later(self, *, minutes: int) -> None:
        self.wait_until(self.home.now() + timedelta(minutes=minutes))

    def wait_until(self, at: datetime) -> None:
        set_clock(self.home, at)

    def sends(
        self,
        name: str,
        total_fen: int,
        *,
        count: int = 1,
        kind: PacketKind = PacketKind.LUCKY,
        to: str | None = None,
        greeting: str,
    ) -> str:
        with acting_as(self.home, name):
            sent = send(
                self.home,
                total_fen,
                pin=everyones_pin,
                count=count,
                kind=PacketKind.EXCLUSIVE if to else kind,
                recipient=to,
                greeting=greeting,
            )
        return str(sent["packet"])

    def claims(self, name: str, packet: str) -> None:
        with acting_as(self.home, name):
            claim(self.home, packet)
