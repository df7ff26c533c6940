"""
`Wallet`, the facade of the library: every act and query on a home, each from its own file.

`Wallet` holds an opened `Home` and nothing else. What it can do is a table of functions over that
home; a function's module is imported when the function is first asked for, so that a command pays
for the rooms that it enters and for no others.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from hongbao.env import Env
from hongbao.home.opened import Home

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:
    from hongbao.answers import Founded
    from hongbao.domain.policy import Policy
    from hongbao.home.clusters import Access
    from hongbao.queries import (
        balance,
        banks,
        books,
        check,
        history,
        limits,
        packets,
        privacy,
        receipts,
        risk,
        status,
        sums,
        trace,
        year,
    )
    from hongbao.queries import bills as bills_queries
    from hongbao.queries import cards as cards_queries
    from hongbao.queries import devices as devices_queries
    from hongbao.queries import profiles as profiles_queries
    from hongbao.store import ProfileRow, Store
    from hongbao.vault import KeyFolder, Vault
    from hongbao.wallet import (
        bills,
        bulk,
        cards,
        challenges,
        claim,
        clock,
        devices,
        homes,
        identify,
        lost,
        machines,
        operators,
        profiles,
        reconciliation,
        refund,
        review,
        risk_rules,
        rules,
        sandbox,
        sealing,
        send,
        sessions,
        settlement,
        statement,
        topup,
        totp,
        withdraw,
    )
    from hongbao.wallet.authorise import AskPin
else:

    class _Room:
        """A module that is imported when something of it is asked for."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self._name), name)

    balance = _Room("hongbao.queries.balance")
    banks = _Room("hongbao.queries.banks")
    bills_queries = _Room("hongbao.queries.bills")
    books = _Room("hongbao.queries.books")
    cards_queries = _Room("hongbao.queries.cards")
    check = _Room("hongbao.queries.check")
    devices_queries = _Room("hongbao.queries.devices")
    history = _Room("hongbao.queries.history")
    limits = _Room("hongbao.queries.limits")
    packets = _Room("hongbao.queries.packets")
    privacy = _Room("hongbao.queries.privacy")
    profiles_queries = _Room("hongbao.queries.profiles")
    receipts = _Room("hongbao.queries.receipts")
    risk = _Room("hongbao.queries.risk")
    status = _Room("hongbao.queries.status")
    sums = _Room("hongbao.queries.sums")
    statement = _Room("hongbao.wallet.statement")
    trace = _Room("hongbao.queries.trace")
    year = _Room("hongbao.queries.year")
    bills = _Room("hongbao.wallet.bills")
    bulk = _Room("hongbao.wallet.bulk")
    cards = _Room("hongbao.wallet.cards")
    challenges = _Room("hongbao.wallet.challenges")
    claim = _Room("hongbao.wallet.claim")
    clock = _Room("hongbao.wallet.clock")
    devices = _Room("hongbao.wallet.devices")
    homes = _Room("hongbao.wallet.homes")
    identify = _Room("hongbao.wallet.identify")
    machines = _Room("hongbao.wallet.machines")
    operators = _Room("hongbao.wallet.operators")
    profiles = _Room("hongbao.wallet.profiles")
    reconciliation = _Room("hongbao.wallet.reconciliation")
    refund = _Room("hongbao.wallet.refund")
    review = _Room("hongbao.wallet.review")
    risk_rules = _Room("hongbao.wallet.risk_rules")
    rules = _Room("hongbao.wallet.rules")
    sandbox = _Room("hongbao.wallet.sandbox")
    lost = _Room("hongbao.wallet.lost")
    sealing = _Room("hongbao.wallet.sealing")
    send = _Room("hongbao.wallet.send")
    sessions = _Room("hongbao.wallet.sessions")
    settlement = _Room("hongbao.wallet.settlement")
    topup = _Room("hongbao.wallet.topup")
    totp = _Room("hongbao.wallet.totp")
    withdraw = _Room("hongbao.wallet.withdraw")


class _Asked(Generic[P, R]):
    """A function over a `Home`, found when it is asked for and given the wallet's own home."""

    def __init__(self, find: Callable[[], Callable[Concatenate[Home, P], R]]) -> None:
        self._find = find

    @overload
    def __get__(self, wallet: None, owner: type) -> Callable[Concatenate[Home, P], R]: ...

    @overload
    def __get__(self, wallet: "Wallet", owner: type) -> Callable[P, R]: ...

    def __get__(self, wallet: "Wallet | None", owner: type) -> Callable[..., R]:
        if wallet is None:  # of the class: the function itself, with its signature and docstring
            return self._find()
        found = self._find()
        if found.__module__.startswith(_QUERIES) and wallet.store.file is None:
            from hongbao.wallet.again import repeated  # a node may be lost while it is read

            found = repeated(found)
        return partial(found, wallet.home)


_QUERIES = "hongbao.queries"


class Wallet:
    """A home opened for one profile: everything that can be asked of it."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @classmethod
    def open(
        cls,
        env: Env,
        *,
        profile: str | None = None,
        passphrase: Callable[[], str] | None = None,
        trusting: bool = False,
    ) -> Self:
        """Open the home of *env* (see `Home.open` for what is asked and raised)."""
        return cls(Home.open(env, profile=profile, passphrase=passphrase, trusting=trusting))

    @classmethod
    def found(
        cls,
        env: Env,
        name: str,
        *,
        pin: "AskPin",
        policy: "Policy",
        clock: datetime | None = None,
        dice: str | None = None,
        demo: bool = False,
        sandbox: bool = False,
        passphrase: Callable[[], str] | None = None,
        request_id: str | None = None,
        access: "Access | None" = None,
    ) -> "tuple[Self, Founded]":
        """Make a profile called *name*, and its home if need be (see `profiles.found`)."""
        home, answer = profiles.found(
            env,
            name,
            pin=pin,
            policy=policy,
            clock=clock,
            dice=dice,
            demo=demo,
            sandbox=sandbox,
            passphrase=passphrase,
            request_id=request_id,
            access=access,
        )
        return cls(home), answer

    def close(self) -> None:
        """Close the home's files."""
        self.home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None and self.home.begun and self.home.store.log is not None:
            sealing.afterwards(self.home)
        self.home.__exit__(kind, error, trace)

    # --- the home itself -------------------------------------------------------------------------

    @property
    def env(self) -> Env:
        """The world around the home: its folders, clock and chance."""
        return self.home.env

    @property
    def keys(self) -> "KeyFolder":
        """The folder that the home's keys are in."""
        return self.home.keys

    @property
    def vault(self) -> "Vault":
        """The home's keys, opened."""
        return self.home.vault

    @property
    def store(self) -> "Store":
        """The ledger."""
        return self.home.store

    @property
    def me(self) -> "ProfileRow":
        """The profile that acts, as it is now."""
        return self.home.me

    @property
    def policy(self) -> "Policy":
        """The active rules."""
        return self.home.policy

    def now(self) -> datetime:
        """Return the ledger's time (see `Home.now`)."""
        return self.home.now()

    def looking(self) -> AbstractContextManager[None]:
        """Let several queries see one snapshot of the ledger (see `Home.looking`)."""
        return self.home.looking()

    # --- questions and acts ----------------------------------------------------------------------

    balance = _Asked(lambda: balance.balance)

    banks = _Asked(lambda: banks.banks)
    bank = _Asked(lambda: banks.bank)
    faults = _Asked(lambda: banks.faults)
    bank_statement = _Asked(lambda: banks.bank_statement)
    bank_key = _Asked(lambda: banks.bank_key)

    bills = _Asked(lambda: bills_queries.bills)
    imported = _Asked(lambda: bills_queries.imported)

    books = _Asked(lambda: books.books)

    cards = _Asked(lambda: cards_queries.cards)

    check = _Asked(lambda: check.check)

    device = _Asked(lambda: devices_queries.acting_device)
    factors = _Asked(lambda: devices_queries.authentication_factors)
    devices = _Asked(lambda: devices_queries.devices)
    totp = _Asked(lambda: devices_queries.totp)

    history = _Asked(lambda: history.history)
    sums = _Asked(lambda: sums.sums)
    year = _Asked(lambda: year.year)
    balance_over_time = _Asked(lambda: sums.balance_over_time)
    events = _Asked(lambda: history.events)

    limits = _Asked(lambda: limits.limits)

    packets = _Asked(lambda: packets.packets)
    show = _Asked(lambda: packets.show)
    standing = _Asked(lambda: packets.standing)
    verify = _Asked(lambda: packets.verify)

    known = _Asked(lambda: privacy.known)

    profiles = _Asked(lambda: profiles_queries.profiles)

    public_keys = _Asked(lambda: receipts.public_keys)
    signers = _Asked(lambda: receipts.signers)
    last_entry = _Asked(lambda: receipts.last_entry)
    has_entry = _Asked(lambda: receipts.has_entry)
    has_checkpoint = _Asked(lambda: receipts.has_checkpoint)
    restored_behind = _Asked(lambda: receipts.restored_behind)
    moved_since = _Asked(lambda: receipts.moved_since)
    restated = _Asked(lambda: receipts.restated)
    receipt_again = _Asked(lambda: receipts.receipt_again)
    receipt = _Asked(lambda: receipts.receipt)

    why = _Asked(lambda: risk.why)
    stopped = _Asked(lambda: risk.stopped)
    replay = _Asked(lambda: risk.replay)
    risk_picture = _Asked(lambda: risk.risk_picture)
    risk_rules = _Asked(lambda: risk.risk_rules)
    risk_packs = _Asked(lambda: risk.risk_packs)
    risk_pack_text = _Asked(lambda: risk.risk_pack_text)

    today = _Asked(lambda: status.today)

    statement = _Asked(lambda: statement.statement)

    trace = _Asked(lambda: trace.trace)
    under_way = _Asked(lambda: trace.under_way)

    bring_in = _Asked(lambda: bills.bring_in)
    remove_bill = _Asked(lambda: bills.remove_bill)

    add_card = _Asked(lambda: cards.add_card)
    remove_card = _Asked(lambda: cards.remove_card)
    refunds_to = _Asked(lambda: cards.refunds_to)

    challenges = _Asked(lambda: challenges.challenges)
    challenge = _Asked(lambda: challenges.challenge)
    answer_challenge = _Asked(lambda: challenges.answer_challenge)

    claim = _Asked(lambda: claim.claim)
    claim_many = _Asked(lambda: bulk.claim_many)
    open_session = _Asked(lambda: sessions.open_session)

    clock = _Asked(lambda: clock.clock)
    advance_clock = _Asked(lambda: clock.advance_clock)
    set_clock = _Asked(lambda: clock.set_clock)

    add_device = _Asked(lambda: devices.add_device)
    approve_device = _Asked(lambda: devices.approve_device)
    remove_device = _Asked(lambda: devices.remove_device)
    login = _Asked(lambda: devices.login)
    move = _Asked(lambda: devices.move)
    set_device_fault = _Asked(lambda: devices.set_device_fault)
    is_answered = _Asked(lambda: devices.is_answered)

    lock = _Asked(lambda: homes.lock)
    unlock = _Asked(lambda: homes.unlock)
    rekey = _Asked(lambda: homes.rekey)
    backup = _Asked(lambda: homes.backup)
    shown = _Asked(lambda: machines.shown)
    invite = _Asked(lambda: machines.invite)

    read_identity = _Asked(lambda: identify.read_identity)
    read_id_number = _Asked(lambda: identify.read_id_number)
    identify = _Asked(lambda: identify.identify)
    demo_identity = _Asked(lambda: identify.demo_identity)

    known_pin = _Asked(lambda: sandbox.known_pin)

    add_operator = _Asked(lambda: operators.add_operator)
    operators = _Asked(lambda: operators.operators)
    operator_log = _Asked(lambda: operators.operator_log)

    use = _Asked(lambda: profiles.use)
    change_pin = _Asked(lambda: profiles.change_pin)
    check_new_pin = _Asked(lambda: profiles.check_new_pin)

    set_fault = _Asked(lambda: reconciliation.set_fault)
    reconcile = _Asked(lambda: reconciliation.reconcile)
    correct = _Asked(lambda: reconciliation.correct)

    refund = _Asked(lambda: refund.refund)
    refund_due = _Asked(lambda: refund.refund_due)

    cases = _Asked(lambda: review.cases)
    case = _Asked(lambda: review.case)
    review_report = _Asked(lambda: review.review_report)
    decide = _Asked(lambda: review.decide)
    records_kept = _Asked(lambda: review.records_kept)

    use_risk_pack = _Asked(lambda: risk_rules.use_risk_pack)
    train_model = _Asked(lambda: risk_rules.train_model)
    use_shipped_model = _Asked(lambda: risk_rules.use_shipped_model)

    policies = _Asked(lambda: rules.policies)
    policy_text = _Asked(lambda: rules.policy_text)
    use_policy = _Asked(lambda: rules.use_policy)

    seal = _Asked(lambda: sealing.seal)
    export_log = _Asked(lambda: sealing.export)
    lost_acts = _Asked(lambda: lost.lost_acts)
    acts_to_repeat = _Asked(lambda: lost.acts_to_repeat)
    note_refused = _Asked(lambda: lost.note_refused)
    loss = _Asked(lambda: sealing.loss)
    open_epoch = _Asked(lambda: sealing.open_epoch)

    send = _Asked(lambda: send.send)

    settle = _Asked(lambda: settlement.settle)
    caught_up = _Asked(lambda: settlement.caught_up)

    topup = _Asked(lambda: topup.topup)

    add_totp = _Asked(lambda: totp.add_totp)
    remove_totp = _Asked(lambda: totp.remove_totp)

    withdraw = _Asked(lambda: withdraw.withdraw)
