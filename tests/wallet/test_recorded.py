"""
A recorded life: the same seed does the same acts, and leaves the same ledger to the last byte.

What a change must not touch (what is decided, drawn, answered, signed, sealed and remembered) has
one digest for each home here, kept in ``recorded.txt``. A change that means to touch it renews
them, and says why: ``python -m tests.wallet.test_recorded``. HONGBAO_RECORDED sets how many steps
the long lives have.
"""

import hmac
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hongbao.domain.cases import Verb
from hongbao.domain.channel import Fault
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.domain.pin import Pin
from hongbao.errors import HongbaoError
from hongbao.vault import KeyFolder
from hongbao.wallet import Wallet
from hongbao.wallet.group import acting_as, together
from hongbao.wallet.operators import By
from tests.wallet.channels import BANK, OTHER_BANK
from tests.wallet.guards import (
    ANY,
    BY_AMOUNT,
    CHALLENGED,
    CUT,
    HELD,
    HELD_BACK,
    LARGE,
    LIMITED,
    REFUSED,
    SUSPICIOUS,
    no_more_than,
    solution,
)
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    OTHER_CARD,
    PIN,
    WANG,
    WRONG,
    YUAN,
    ZHANG,
    World,
    card,
    changed,
    dump,
    id_number,
    policy,
    raw,
    right,
)

KEPT = Path(__file__).with_name("recorded.txt")
NAMES = (ZHANG, LI, WANG)
REVIEWERS = ("Chen", "Zhao")
AMOUNTS = (
    *(1, 20, 99, 500, 8_88, 10_00, 23_45, 66_00, 150_00, 500_00, 3_000_00),
    *(CHALLENGED, CHALLENGED, REFUSED, LIMITED, HELD, HELD_BACK, CUT, LARGE, SUSPICIOUS),
)
DEALS = tuple(deal for deal in DealRule if deal is not DealRule.EQUAL)
EQUAL = {"kind": PacketKind.EQUAL}
PACKS = (BY_AMOUNT, BY_AMOUNT, no_more_than(3), no_more_than(4, "claims", ANY))
WAITS = (0, 0, 0.4, 0.4, 1, 1, 1, 2, 2, 3, 7, 7, 20, 20, 60, 61, 61, 200, 700, 4_000, 20_000)
GREETINGS = ("恭喜发财", "Happy “New” Year \U0001f9e7", 'é\\/"', "大吉大利", "no\u2028lines")
CITIES = ("beijing", "shanghai", "kunming", "harbin", "sanya")
POLICIES = (policy(), changed(share_max='"50.00"'), policy("pboc-2015"))
UNSAID = frozenset({"message", "hint"})
"""What an error says in sentences: they may be said better, and nothing was decided otherwise."""

DAILY, LONG = 100, int(os.environ.get("HONGBAO_RECORDED", "700"))

RECORDED = (
    *("habit", "entry", "sealed_row", "transfer", "account", "claim", "packet", "stop"),
    *("message", "bank_message", "bank_line", "batch", "usage", "usage_year", "maturing"),
    *("challenge", "review_case", "opinion", "device", "enrolment", "profile", "home", "refusal"),
)


class Life:
    """People who act by chance, which a seed fixes, in a separate home."""

    def __init__(self, folder: Path, seed: str, *, demo: bool) -> None:
        self.random = Random(seed)
        self.world = World(folder)
        self.demo = demo
        self.told = sha256()
        self.done: Counter[str] = Counter()
        self.packets: list[str] = []
        self.sent_by: dict[str, str] = {}
        self.tried: set[tuple[str, str]] = set()
        self.challenges: list[tuple[str, str]] = []
        self.asked: list[tuple[str, Callable[[], Any]]] = []
        clock: dict[str, Any] = {"clock": NOON, "dice": "88"} if demo else {}
        self.wallets = {name: self.world.found(name, **clock) for name in NAMES[:1]}
        self.wallets |= {name: self.world.found(name) for name in NAMES[1:]}
        zhang, li, wang = self.wallets.values()
        zhang.identify("张三", id_number(1), pin=right)
        for wallet, number in ((zhang, CARD), (li, OTHER_CARD), (wang, card(2, 555))):
            wallet.add_card(number, pin=right)
            self._say(wallet.topup(5_000 * YUAN if wallet is zhang else 700 * YUAN, pin=right))

    def live(self, steps: int) -> str:
        """Do so many things one after the other, and return the digest of all of it."""
        kinds = [*WEIGHTS.elements()]
        for _ in range(steps):
            kind = self.random.choice(kinds)
            self._do(kind, partial(self._act, kind))
            self._wait()
        assert {} == self.world.findings()
        for wallet in self.wallets.values():
            self._say(wallet.balance(), wallet.history(limit=10), wallet.risk_rules())
        self._say(self._rows())
        self.world.close()
        return self.told.hexdigest()

    def _act(self, kind: str) -> Any:
        return getattr(self, kind)(self._wallet())

    def _do(self, kind: str, act: Callable[[], Any]) -> Any:
        try:
            answer = act()
        except HongbaoError as error:
            self.done[f"{kind}: {error.code}"] += 1
            self._say(_without_sentences(error.as_dict()))
            if "challenge" in error.facts:
                self.challenges.append((self.acting, str(error.facts["challenge"])))
            return None
        self.done[kind] += 1
        self._say(answer)
        return answer

    def _wallet(self) -> Wallet:
        self.acting = self.random.choice(NAMES)
        return self.wallets[self.acting]

    def _say(self, *answers: object) -> None:
        for answer in answers:
            self.told.update(json.dumps(answer, default=repr, ensure_ascii=False).encode())

    def _wait(self) -> None:
        by = self.random.choice(WAITS)
        if not self.demo:
            self.world.turn(seconds=by if self.random.random() > 0.04 else -by)
        elif by > 100:
            zhang = self.wallets[ZHANG]
            self._say(zhang.advance_clock(timedelta(seconds=by)))

    def _rows(self) -> list[object]:
        db = raw(self.world.ledger, self.wallets[ZHANG].vault.page_key)
        found = dump(db, {"refusal": ("error", "mac")})
        refused = db.execute("SELECT request_id, profile, error FROM refusal ORDER BY 1, 2")
        sentences = [(*of, _without_sentences(json.loads(text))) for *of, text in refused]
        db.close()
        return [sentences, *([name, found[name]] for name in RECORDED)]

    def _pin(self) -> Callable[[], Pin]:
        return right if self.random.random() < 0.96 else lambda: Pin(WRONG)

    def _request(self) -> dict[str, Any]:
        return (
            {"request_id": f"r{self.random.randrange(200)}"} if self.random.random() < 0.2 else {}
        )

    # --- what people do --------------------------------------------------------------------------

    def send(self, wallet: Wallet) -> Any:
        fen, count = self.random.choice(AMOUNTS), self.random.choice((1, 2, 2, 5, 10))
        choices: dict[str, Any] = {
            "count": count,
            **(EQUAL if fen % count == 0 and self.random.random() < 0.4 else self._lucky()),
            "paid_from": self.random.choice(("balance", "balance", wallet.cards()[0]["card"])),
            "greeting": self.random.choice(GREETINGS),
            "dry_run": self.random.random() < 0.1,
            **self._request(),
        }
        sent = wallet.send(fen, pin=self._pin(), **choices)
        if not sent.get("dry_run"):
            self.packets.append(sent["packet"])
            self.sent_by[sent["packet"]] = self.acting
        return sent

    def _lucky(self) -> dict[str, Any]:
        return {"deal": self.random.choice(DEALS)} if self.random.random() < 0.5 else {}

    def give(self, wallet: Wallet) -> Any:
        given = wallet.send(
            self.random.choice(AMOUNTS),
            kind=PacketKind.EXCLUSIVE,
            recipient=self.random.choice(NAMES),
            pin=self._pin(),
        )
        self.packets.append(given["packet"])
        return given

    def claim(self, wallet: Wallet) -> Any:
        fresh = [one for one in self.packets[-6:] if (one, self.acting) not in self.tried]
        if self.random.random() < 0.15 or not fresh:
            fresh = self.packets[-5:] or ["88888888-88888888"]
        packet = self.random.choice(fresh)
        if self.sent_by.get(packet) == self.acting and self.random.random() < 0.7:
            self.acting = NAMES[NAMES.index(self.acting) - 1]
            wallet = self.wallets[self.acting]
        self.tried.add((packet, self.acting))
        luck = self.random.choice((None, None, "福", "8"))
        again = {"luck": luck, **self._request()}
        return wallet.claim(packet, **again)

    def claim_several(self, wallet: Wallet) -> Any:
        packets = self.random.sample(self.packets[-8:], k=min(4, len(self.packets)))

        def act(packet: str) -> Any:
            with acting_as(wallet.home, self.random.choice(NAMES)):
                return wallet.claim(packet)

        told = together(wallet.home, [partial(act, packet) for packet in packets])
        return [_without_sentences(t.as_dict()) if isinstance(t, HongbaoError) else t for t in told]

    def topup(self, wallet: Wallet) -> Any:
        return wallet.topup(self.random.choice(AMOUNTS), pin=self._pin(), **self._request())

    def withdraw(self, wallet: Wallet) -> Any:
        dry_run = self.random.random() < 0.1
        return wallet.withdraw(self.random.choice(AMOUNTS), pin=self._pin(), dry_run=dry_run)

    def refund(self, wallet: Wallet) -> Any:
        if self.random.random() < 0.5 and self.packets:
            return wallet.refund(self.random.choice(self.packets))
        return wallet.refund_due()

    def settle(self, wallet: Wallet) -> Any:
        return wallet.settle()

    def answer(self, _wallet: Wallet) -> Any:
        if not self.challenges:
            return None
        name, challenge = self.challenges[-1]
        self.acting = name
        if self.random.random() < 0.3:
            return self.wallets[name].answer_challenge(challenge, "7777")
        return self.wallets[name].answer_challenge(
            challenge, solution(self.wallets[name], challenge)
        )

    def ask_again(self, _wallet: Wallet) -> Any:
        """Ask for what was challenged: one who passed may do it now, once."""
        if not self.challenges:
            return None
        self.acting = self.challenges[-1][0]
        return self.wallets[self.acting].send(CHALLENGED, count=2, pin=right)

    def log_in(self, wallet: Wallet) -> Any:
        for name, one in self.wallets.items():
            if any(line["cut_at"] and line["here"] for line in one.devices()):
                self.acting = name
                return one.login(pin=right)
        return wallet.login(pin=right)

    def review(self, wallet: Wallet) -> Any:
        if not wallet.operators():
            wallet.add_operator(REVIEWERS[0], pin=right, by=right)
            first = By(REVIEWERS[0], right)
            return wallet.add_operator(REVIEWERS[1], pin=right, by=first)
        waiting = wallet.cases()["cases"]
        if not waiting:
            return None
        by = By(self.random.choice(REVIEWERS), right)
        verb = self.random.choice([*Verb])
        return wallet.decide(waiting[0]["case"], verb, why="looked at it", by=by)

    def move(self, wallet: Wallet) -> Any:
        return wallet.move(
            self.random.choice(("beijing", "shanghai", "kunming", "harbin", "sanya"))
        )

    def add_device(self, wallet: Wallet) -> Any:
        name = f"{self.acting}-tablet-{self.random.randrange(3)}"
        added = wallet.add_device(name, pin=right)
        self._say(added)
        return wallet.approve_device(name, pin=right)

    def remove_device(self, wallet: Wallet) -> Any:
        lines = wallet.devices()
        if len(lines) < 2:
            return None
        return wallet.remove_device(lines[-1]["device"], pin=right)

    def change_pin(self, wallet: Wallet) -> Any:
        return wallet.change_pin(right, lambda: Pin(PIN))

    def break_a_bank(self, wallet: Wallet) -> Any:
        fault = self.random.choice((None, None, *Fault))
        return wallet.set_fault(self.random.choice((BANK, OTHER_BANK)), fault)

    def identify(self, wallet: Wallet) -> Any:
        number = {ZHANG: 1, LI: 2, WANG: 1}[self.acting]
        return wallet.identify("张三" if number == 1 else "李四", id_number(number), pin=right)

    def use_rules(self, wallet: Wallet) -> Any:
        by = By(REVIEWERS[0], right) if wallet.operators() else None
        if self.random.random() < 0.5:
            return wallet.use_risk_pack(self.random.choice(PACKS), by=by)
        return wallet.use_policy(self.random.choice(POLICIES), by=by)

    def open_anew(self, wallet: Wallet) -> Any:
        """Open the home again, as the next command does; the others keep theirs open."""
        wallet.close()
        self.wallets[self.acting] = self.world.open(self.acting)

    def rekey(self, wallet: Wallet) -> Any:
        for name in NAMES:
            if name != self.acting:
                self.wallets[name].close()
        try:
            return wallet.rekey()["generation"]
        finally:
            self.world.close()
            self.wallets = {name: self.world.open(name) for name in NAMES}


WEIGHTS = Counter(
    send=12,
    give=3,
    claim=30,
    claim_several=3,
    topup=6,
    withdraw=6,
    refund=3,
    settle=1,
    answer=5,
    ask_again=2,
    log_in=4,
    review=4,
    move=2,
    add_device=1,
    remove_device=1,
    change_pin=1,
    break_a_bank=1,
    identify=1,
    use_rules=2,
    open_anew=2,
    rekey=1,
)
"""How often each is done, of what people do."""


def _without_sentences(error: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in error.items() if name not in UNSAID}


@contextmanager
def fixed_keys() -> Iterator[None]:
    """Let keys, nonces and salts be the same each time: signatures and seals then are, too."""
    drawn = 0

    def random(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hmac.digest(b"keys", b"%d" % drawn, "sha512")[:length]

    defaults: dict[str, Any] | None = KeyFolder.__init__.__kwdefaults__
    assert defaults is not None
    before = defaults["random"]
    defaults["random"] = random
    try:
        yield
    finally:
        defaults["random"] = before


def recorded(folder: Path, name: str, steps: int) -> tuple[str, Counter[str]]:
    """Return the digest of the life called *name* after so many *steps*, and what was done."""
    with fixed_keys():
        life = Life(folder / name, name, demo=name.startswith("demo"))
        return life.live(steps), life.done


LIVES = {"demo": DAILY, "real": DAILY, "demo, long": LONG, "real, long": LONG}


def kept() -> dict[str, str]:
    return dict(line.split(": ") for line in KEPT.read_text().splitlines())


def _check(folder: Path, name: str) -> None:
    digest, done = recorded(folder, name, LIVES[name])
    what = f"{name}, {LIVES[name]} steps"
    sys.stdout.write(f"{what}: {_told(done)}\n")
    if what not in kept():
        pytest.skip(f"no digest is kept of {what}; it is {digest}")
    assert kept()[what] == digest


def _told(done: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in done.most_common())


@pytest.mark.parametrize("name", ["demo", "real"])
def test_the_same_life_leaves_the_same_ledger(name: str, tmp_path: Path):
    """
    What was answered, decided, drawn, signed, sealed and remembered is as it was recorded.
    """
    _check(tmp_path, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["demo, long", "real, long"])
def test_the_same_long_life_leaves_the_same_ledger(name: str, tmp_path: Path):
    """
    The same, of some hundreds of acts.
    """
    _check(tmp_path, name)


def main() -> None:
    lines = []
    for name, steps in LIVES.items():
        with tempfile.TemporaryDirectory() as folder:
            digest, done = recorded(Path(folder), name, steps)
        lines.append(f"{name}, {steps} steps: {digest}\n")
        sys.stdout.write(f"{lines[-1]}{_told(done)}\n\n")
    KEPT.write_text("".join(lines))


if __name__ == "__main__":
    main()
