"""Payments, faults and time in any order: the books stay sound, and all has one outcome at last."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hongbao.domain.channel import Fault
from hongbao.errors import HongbaoError, PaymentPending
from hongbao.wallet import Wallet
from tests.wallet import channels
from tests.wallet.channels import BANK, DAY, FEN, MAGIC, OTHER_BANK
from tests.wallet.world import (
    CARD,
    LI,
    OTHER_CARD,
    PINS,
    WANG,
    YUAN,
    ZHANG,
    World,
    right,
    tail,
)

BANKS = (BANK, OTHER_BANK)
CHANNELS = ("netsunion", "unionpay")
NUMBERS = {ZHANG: CARD, LI: OTHER_CARD}

payers = st.sampled_from((ZHANG, LI))
amounts = st.sampled_from((1, 2, 99, YUAN, FEN, FEN, 350 * YUAN)) | st.sampled_from(
    [*MAGIC.values()]
)
turns = st.sampled_from(
    [timedelta(minutes=minutes) for minutes in (0, 0.5, 7, 60, 660, 1440, 1440, 4320, 7200)]
)
faults = st.sampled_from([*Fault])


@cache
def _template() -> World:
    return channels.demo(Path(tempfile.mkdtemp(prefix="hongbao-")) / "home")


class Channel(RuleBasedStateMachine):
    """One demo home, whose banks and channels fail and are mended while people pay."""

    template: Callable[[], World] = staticmethod(_template)

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hongbao-"))
        self.world = self.template().copy(self.folder / "home")
        self.desks: dict[str, Wallet] = {}
        self.asked: dict[tuple[str, str], tuple[Callable[..., Any], Any]] = {}
        self.count = 0
        self.db: Any = None

    def teardown(self) -> None:
        try:
            self._comes_to_rest()
        finally:
            self._close()
            shutil.rmtree(self.folder)

    def _close(self) -> None:
        while self.desks:
            self.desks.popitem()[1].close()
        self.world.close()
        if self.db is not None:
            self.db.close()
            self.db = None

    def _desk(self, name: str) -> Wallet:
        if name not in self.desks:
            self.desks[name] = Wallet.open(self.world.env, profile=name)
        return self.desks[name]

    def _rows(self, sql: str) -> list[Any]:
        if self.db is None:
            self.db = self.world.raw()
        return list(self.db.execute(sql))

    # --- asking ----------------------------------------------------------------------------------

    def _ask(self, who: str, act: Callable[..., Any]) -> Any:
        """Ask for *act* under a new id, and keep what it came to, unless that was nothing."""
        self.count += 1
        request_id = f"r{self.count}"
        came_to = self._came_to(who, act, request_id)
        desk = self._desk(who)
        if desk.store.request(request_id, desk.me.id).act is not None:
            self.asked[who, request_id] = act, came_to
        return came_to

    def _came_to(self, who: str, act: Callable[..., Any], request_id: str) -> Any:
        try:
            answer = act(self._desk(who), request_id=request_id)
        except PaymentPending:
            return None
        except HongbaoError as error:
            return error.as_dict()
        return {key: value for key, value in answer.items() if key != "replayed"}

    @precondition(lambda self: self.asked)
    @rule(place=st.integers(0, 5))
    def ask_again(self, place: int) -> None:
        """What is over stays as it is; what is pending may be over now."""
        key = list(self.asked)[-1 - place % len(self.asked)]
        act, before = self.asked[key]
        now = self._came_to(key[0], act, key[1])
        assert before in (None, now)
        self.asked[key] = act, now

    # --- paying ----------------------------------------------------------------------------------

    @rule(
        who=payers,
        act=st.sampled_from(("topup", "withdraw", "send", "send by card")),
        fen=amounts,
        count=st.integers(1, 3),
    )
    def pay(self, who: str, act: str, fen: int, count: int) -> None:
        shares = max(count, -(-fen // (200 * YUAN)))

        def asked(desk: Wallet, **options: Any) -> Any:
            if act == "topup":
                return desk.topup(fen, pin=right, **options)
            if act == "withdraw":
                return desk.withdraw(fen, pin=right, **options)
            paid_from = tail(NUMBERS[who]) if act == "send by card" else "balance"
            total_fen = max(fen, shares)
            return desk.send(total_fen, count=shares, paid_from=paid_from, pin=right, **options)

        self._ask(who, asked)

    @rule(fault=faults, acts=st.permutations(("topup", "withdraw", "send by card")))
    def a_bank_fails_for_a_while(self, fault: Fault, acts: list[str]) -> None:
        """Pay in every way by magic, each amount its own fault."""
        for act in acts:
            self.pay(ZHANG, act, MAGIC[fault], 3)

    def _packet(self, place: int) -> str | None:
        rows = self._rows("SELECT id FROM packet ORDER BY number DESC LIMIT 4")
        return str(rows[place % len(rows)][0]) if rows else None

    @rule(
        claimers=st.lists(st.sampled_from((ZHANG, LI, WANG)), min_size=1), place=st.integers(0, 3)
    )
    def claim(self, claimers: list[str], place: int) -> None:
        packet = self._packet(place)
        for who in claimers if packet else ():
            self._ask(who, lambda desk, **o: desk.claim(packet, **o))

    @rule(who=payers, place=st.integers(0, 3), by=st.sampled_from((timedelta(0), DAY)))
    def refund(self, who: str, place: int, by: timedelta) -> None:
        packet = self._packet(place)
        self._desk(who).advance_clock(by)
        if packet is not None:
            self._came_to(who, lambda desk, **_: desk.refund(packet), "")

    @rule(who=payers, owner=payers)
    def move_card(self, who: str, owner: str) -> None:
        """Remove a card, or bind it, or take over somebody else's."""
        desk = self._desk(who)
        try:
            if desk.cards() and who == owner:
                desk.remove_card(tail(NUMBERS[owner]), pin=right)
            else:
                desk.add_card(NUMBERS[owner], pin=right)
        except HongbaoError:
            return

    # --- what goes wrong -------------------------------------------------------------------------

    @rule(
        place=st.sampled_from((*BANKS, *BANKS, *CHANNELS)),
        fault=st.none() | faults,
        fen=st.none() | st.sampled_from((FEN, YUAN)),
    )
    def fail(self, place: str, fault: Fault | None, fen: int | None) -> None:
        if place in CHANNELS and fault is not None:
            fault = Fault.DOWN
        self._desk(ZHANG).set_fault(place, fault, amount_fen=fen)

    @rule(by=turns, reopening=st.booleans())
    def turn_clock(self, by: timedelta, reopening: bool) -> None:
        self._desk(ZHANG).advance_clock(by)
        if reopening:
            self._close()

    @rule(reopening=st.booleans())
    def settle(self, reopening: bool) -> None:
        if reopening:
            self._close()
        self._desk(LI).settle()

    # --- always ----------------------------------------------------------------------------------

    @invariant()
    def the_books_are_sound(self) -> None:
        with Wallet.open(self.world.env, trusting=True) as desk:
            checked = desk.check()
        assert [] == [finding for finding in checked["findings"] if not finding["ok"]]

    @invariant()
    def what_users_own_is_covered(self) -> None:
        books: Counter[str] = Counter()
        held: Counter[tuple[str, str]] = Counter()
        for book, kind, fen in self._rows(
            "SELECT book, kind, sum(credits_fen - debits_fen) FROM account GROUP BY 1, 2"
        ):
            books[book] += fen
            held["platform" if book == "platform" else "elsewhere", kind] += fen
        assert {0} == set(books.values())
        users = sum(held["platform", kind] for kind in ("balance", "packet", "pending", "fees"))
        assert (
            users + sum(held["platform", kind] for kind in ("reserve", "incoming", "outgoing")) == 0
        )
        [pending] = self._rows(
            "SELECT coalesce(sum(amount_fen + fee_fen), 0) FROM message"
            " WHERE outcome IS NULL AND direction = 'credit'"
        )
        assert pending[0] == held["platform", "pending"]

    def _comes_to_rest(self) -> None:
        """Once nothing fails any more, everything has its outcome, and it is everybody's."""
        desk = self._desk(ZHANG)
        for place in BANKS + CHANNELS:
            desk.set_fault(place, None)
        desk.settle()
        desk.advance_clock(6 * DAY)
        desk.settle()
        desk.advance_clock(6 * DAY)
        assert [] == self._rows("SELECT id FROM message WHERE outcome IS NULL")
        assert [] == self._rows("SELECT id FROM message WHERE state = 'accepted' AND batch IS NULL")
        for (who, request_id), (act, before) in self.asked.items():
            now = self._came_to(who, act, request_id)
            assert now is not None
            assert before in (None, now)
            assert now == self._came_to(who, act, request_id)
        self.the_books_are_sound()
        self.what_users_own_is_covered()


def lives(daily: int, explored: int, steps: int) -> settings:
    explore = settings().max_examples > 100
    return settings(
        max_examples=explored if explore else daily,
        stateful_step_count=2 * steps if explore else steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # As in the machine of all acts: a life that fails is short enough to be read as it was.
        phases=(Phase.generate,),
        report_multiple_bugs=False,
    )


def test_whatever_goes_wrong_in_any_order_the_books_are_sound():
    """
    A few lives by default; under ``explore`` many more and longer ones.
    """
    run_state_machine_as_test(Channel, settings=lives(2, 200, 25))


payments = st.lists(
    st.tuples(
        payers,
        st.sampled_from(("topup", "withdraw", "send", "send", "fault", "turn")),
        st.sampled_from([*MAGIC.values(), FEN]),
        faults,
    ),
    min_size=4,
    max_size=9,
)


def test_turning_the_clock_by_hours_is_turning_it_at_once():
    """
    With payments pending, refunds waiting and banks failing: the same ledger, to the last MAC.
    """

    @settings(lives(4, 100, 1))
    @given(done=payments, hours=st.sampled_from((25, 25, 61, 150)), down=st.booleans())
    def holds(done: list[tuple[str, str, int, Fault]], hours: int, down: bool) -> None:
        with tempfile.TemporaryDirectory(prefix="hongbao-") as folder:
            world = _template().copy(Path(folder) / "home")
            for who, act, fen, fault in done:
                with Wallet.open(world.env, profile=who) as desk:
                    try:
                        if act == "fault":
                            desk.set_fault(BANK, fault)
                        elif act == "turn":
                            desk.advance_clock(timedelta(minutes=fen % 100 * 11))
                        else:
                            channels.pay_as(desk, NUMBERS[who], act, fen)
                    except HongbaoError:
                        continue
            if down:
                channels.break_at(world, Fault.DOWN)
            by_hours, at_once = world.copy(Path(folder) / "1"), world.copy(Path(folder) / "2")
            with Wallet.open(by_hours.env) as desk:
                for _ in range(hours):
                    desk.advance_clock(timedelta(hours=1))
            with Wallet.open(at_once.env) as desk:
                desk.advance_clock(timedelta(hours=hours))
            assert at_once.dump(PINS) == by_hours.dump(PINS)
            assert {} == by_hours.findings()

    holds()
