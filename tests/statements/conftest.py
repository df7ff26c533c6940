"""Real homes for statements: founded once, copied for each test, acted in by the real desk."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from datetime import datetime, timedelta
from functools import wraps
from inspect import unwrap
from pathlib import Path
from typing import Any

import pytest

from hongbao.domain.identity import BANK_NUMBERS, BANKS, demo_card_number
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.packet import PacketKind
from hongbao.domain.pin import Pin
from hongbao.domain.policy import parse_policy
from hongbao.env import Env
from hongbao.errors import HongbaoError
from hongbao.policies import text_of
from hongbao.statements import _paper
from hongbao.store import Decided, EntryRow
from hongbao.units import CHINA
from hongbao.wallet import Wallet
from tests.wallet.world import CHEAP

PEOPLE = ("张三", "Bob", "Cai")
EXCLUSIVE = PacketKind.EXCLUSIVE
BEGUN_AT = datetime(2026, 2, 16, 20, 0, tzinfo=CHINA)
LONG = 4_000
"""How many movements a long life has in these tests: more than any buffer on the way holds."""

ID_NUMBER = "11010519491231002X"
CARD = demo_card_number(BANKS[1], 3333)


def pin():
    return Pin("246813")


class Home:
    """A home in *folder*, and its desk for whoever is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def env(self) -> Env:
        return Env(self.folder, _no_clock, os.urandom, input, input, {}, CHEAP)

    @contextmanager
    def desk(self, name: str = PEOPLE[0]) -> Iterator[Wallet]:
        with Wallet.open(self.env, profile=name) as desk:
            yield desk


def _no_clock():
    raise AssertionError("this wallet's clock is virtual")


@pytest.fixture(scope="session", autouse=True)
def _one_font() -> Iterator[None]:
    """
    Read the packaged font once: its thirty thousand characters are most of what a PDF costs.

    Each paper has a font with characters of its own, on the same tables.
    """
    holding, read = _paper._holding, {}

    @wraps(holding)
    def held(path: Path, number: int) -> Any:
        if path.name != _paper._PACKAGED or number:
            return holding(path, number)
        if path not in read:
            read[path] = holding(path, number)[1]
        from fpdf import FPDF
        from fpdf.fonts import SubsetMap

        font = copy(read[path])
        font.ttfont = copy(font.ttfont)
        font.ttfont.close = lambda: None
        font.missing_glyphs, font.subset = [], SubsetMap(font)
        pdf = FPDF(unit="pt", format="A4")
        pdf.fonts[_paper._FAMILY] = font
        return pdf, font

    _paper._holding = held
    yield
    _paper._holding = holding
    for each in read.values():
        each.close()


@pytest.fixture
def each_reads_its_font(monkeypatch) -> None:
    """Have each paper read its font from the file, as it does outside of these tests."""
    monkeypatch.setattr(_paper, "_holding", unwrap(_paper._holding))


@pytest.fixture(scope="session")
def founded(tmp_path_factory) -> Home:
    """Three people, the first of them known and with a card, before anything has moved."""
    home = Home(tmp_path_factory.mktemp("founded") / "home")
    env = Env(home.folder, lambda: BEGUN_AT, os.urandom, input, input, {}, CHEAP)
    policy = parse_policy(text_of("standard"), "standard")
    for name in PEOPLE:
        clock = BEGUN_AT if name == PEOPLE[0] else None
        Wallet.found(env, name, pin=pin, policy=policy, clock=clock)[0].close()
    with home.desk() as desk:
        desk.identify(PEOPLE[0], ID_NUMBER, pin=pin)
        desk.add_card(CARD, pin=pin)
    return home


@pytest.fixture(scope="session")
def copied(founded: Home) -> Callable[[Path], Home]:
    """Copies of the founded home, as many as are asked for."""

    def copied_to(folder: Path) -> Home:
        shutil.copytree(founded.folder, folder)
        return Home(folder)

    return copied_to


@pytest.fixture
def home(copied: Callable[[Path], Home], tmp_path: Path) -> Home:
    return copied(tmp_path / "home")


@pytest.fixture(scope="session")
def _lived(copied: Callable[[Path], Home], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which every act that moves money has happened to the first person."""
    home = copied(tmp_path_factory.mktemp("lived") / "home")
    with home.desk() as desk, home.desk("Bob") as bob:
        desk.topup(500_00, pin=pin)
        packet = desk.send(66_66, count=3, pin=pin)["packet"]
        bob.claim(packet)
        desk.claim(packet)
        by_card = desk.send(30_00, count=3, pin=pin, paid_from=CARD[-4:])["packet"]
        bob.claim(by_card)
        desk.advance_clock(timedelta(hours=25))
        desk.withdraw(100_00, pin=pin)
        desk.send(8_88, kind=EXCLUSIVE, recipient="Bob", pin=pin, request_id="-lucky-8")
    return home


@pytest.fixture
def lived(_lived: Home, tmp_path: Path) -> Home:
    """The same, to do anything with."""
    shutil.copytree(_lived.folder, tmp_path / "home")
    return Home(tmp_path / "home")


def lives(copied: Callable[[Path], Home], folder: Path, seed: int) -> Home:
    """
    A home in *folder* in which what *seed* draws has happened to three people, five days long.

    Greetings are what a reader should never obey.
    """
    dice = random.Random(seed)
    home = copied(folder)
    packets: list[str] = []
    with home.desk() as desk:
        desk.topup(2_500_00, pin=pin)
    for _ in range(30):
        with home.desk(dice.choice((PEOPLE[0], *PEOPLE))) as desk, suppress(HongbaoError):
            _live(desk, dice, packets)
    with home.desk() as desk:
        desk.withdraw(1_234_56, pin=pin)
    return home


HOSTILE = (
    *(
        '"\\" plugin "evil"',
        "=1+1",
        "@SUM(A1)",
        "; include /etc/passwd",
        "<b>&amp;</b>",
        "a|b:c d;e",
    ),
    *("]]>", "恭喜发财，大吉大利", "-- x", "{}", "％＝１", "🧧🧧", "*! (x)"),
)
"""What is harmless on a screen, and not everywhere else."""


def _live(desk: Wallet, dice: random.Random, packets: list[str]) -> None:
    greeting, fen = dice.choice(HOSTILE), dice.randint(1, 199_00)
    match dice.choice(
        ("topup", "send", "send", "card", "give", "claim", "claim", "withdraw", "wait")
    ):
        case "topup":
            desk.topup(fen, pin=pin)
        case "send":
            count = dice.randint(1, 4)
            packets.append(desk.send(fen, count=count, greeting=greeting, pin=pin)["packet"])
        case "card":
            told = desk.send(fen, count=3, paid_from=CARD[-4:], greeting=greeting, pin=pin)
            packets.append(told["packet"])
        case "give":
            other = dice.choice([name for name in PEOPLE if name != desk.me.name])
            told = desk.send(fen, kind=EXCLUSIVE, recipient=other, greeting=greeting, pin=pin)
            packets.append(told["packet"])
        case "claim" if packets:
            desk.claim(dice.choice(packets))
        case "withdraw":
            desk.withdraw(fen, pin=pin)
        case "wait":
            desk.advance_clock(timedelta(hours=dice.randint(1, 40)))


@pytest.fixture(
    scope="session",
    params=[1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)],
)
def a_life(
    request: pytest.FixtureRequest,
    copied: Callable[[Path], Home],
    tmp_path_factory: pytest.TempPathFactory,
) -> Home:
    """A random life, which nobody may change; of three in `make test-all`."""
    return lives(copied, tmp_path_factory.mktemp("life") / "home", request.param)


def fill(desk: Wallet, movements: int) -> None:
    """
    Give the first person that many movements, in one transaction, each sealed like any other.

    They are top-ups without a payment behind them, so that each is one entry. Acts one by one would
    each wait for the disk.
    """
    store = desk.store
    with store.transaction():
        me, head, home = desk.me, store.head(), desk.home.row
        now, bank = desk.now(), BANK_NUMBERS[store.cards(me.id)[0].bank]
        incoming = Account(PLATFORM, Kind.INCOMING, bank)
        topup = [Transfer(incoming, me.account, 1, Reason.TOPUP)]
        mac, balance_fen = head.mac, store.balance_fen(me.account)
        for number in range(1, movements + 1):
            balance_fen += 1
            entry = EntryRow(
                id=head.entry + number,
                act="topup",
                profile=me.id,
                request_id=f"fill-{number}",
                inputs=b"",
                packet=None,
                counterparty=None,
                amount_fen=1,
                balance_fen=balance_fen,
                policy=home.policy,
                at=now,
                clock="virtual",
                facts='[1,null,1,"cmb-3334","none"]',
                generation=desk.vault.generation,
            )
            decided = Decided(entry.sealed_fields, topup, [], None)
            mac = store.append([decided], desk.vault.chain_mac) or b""
    desk.keys.note_head(head.entry + movements, mac)


@pytest.fixture(scope="session")
def long_lived(copied: Callable[[Path], Home], tmp_path_factory) -> Home:
    """A home whose first person has `LONG` movements. Nobody may change it."""
    home = copied(tmp_path_factory.mktemp("long") / "home")
    with home.desk() as desk:
        fill(desk, LONG)
    return home
