"""
A drill: clients at several sites, a site is lost, later a whole city, and what came of it.

The nodes are those of a cluster, and they are really lost: what takes a site away, and what brings
it back, is a command of the person who runs the drill. The ledger is a throw-away one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hongbao.domain.identity import BANKS, demo_card_number, demo_id_number
from hongbao.domain.pin import Pin
from hongbao.domain.risk.pack import parse_pack
from hongbao.errors import DrillCommandFailed, DrillStuck, InvalidSites
from hongbao.home.clusters import Access
from hongbao.load.proving import Booked, Proof, balances, proof
from hongbao.load.traffic import ANSWERED, PIN, Attempt, Orders, attempts_in
from hongbao.queries.acts import answer_to
from hongbao.rows import Row
from hongbao.wallet.facade import Wallet
from hongbao.wallet.machines import invite, join, opened, reconnect
from hongbao.wallet.sandbox import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from hongbao.answers import Checked
    from hongbao.domain.policy import Policy
    from hongbao.env import Env
    from hongbao.home.clusters import Address

SITES = ("shanghai-1", "shanghai-2", "beijing-1")
"""Two cities, three centres (两地三中心): what three nodes' sites are called by default."""

KILL, START, BOOTSTRAP = "kill", "start", "bootstrap"
"""What is done to a node: it is taken away, brought back, or has to manage without the others."""


ANSWER_SECONDS = 60
"""How long a change is given to show: that a client is answered again, or that none is."""

COMMAND_SECONDS = 300

_LOOK_SECONDS = 0.1
_MONEY_FEN = 500_00

NO_RULES = """
name = "drill"
version = 1
title = { en = "no rules", zh = "没有规则" }
[night]
from = 0
to = 8
[challenge]
minutes = 10
tries = 3
[review]
four_eyes = "5000.00"
[records]
keep_years = 10
"""
"""A risk pack for clients that are faster than people, whom no guard is to take for thieves."""


class Site(Row):
    """A data centre with one *node* of the cluster."""

    name: str
    node: str

    @property
    def city(self) -> str:
        """The city that it is in: what is before the hyphen of its name."""
        return self.name.partition("-")[0]


def sites_of(address: Address, names: Sequence[str]) -> tuple[Site, ...]:
    """
    Return the sites called *names* of the nodes in *address*, in the same order.

    Raises InvalidSites unless there is a name for each node, each is another one, the first city
    has two of them, and there is another city.
    """
    nodes = [str(host) for host in address.hosts]
    if not names and len(nodes) == len(SITES):
        names = SITES
    if len(names) != len(nodes) or len(set(names)) != len(names) or not all(names):
        raise InvalidSites(nodes=len(nodes))
    sites = tuple(Site(*pair) for pair in zip(names, nodes, strict=True))
    first = sum(site.city == sites[0].city for site in sites)
    if not 1 < first < len(sites):
        raise InvalidSites(nodes=len(nodes))
    return sites


class Plan(Row):
    """
    What a drill is made of; each part of it takes so many *seconds* at least.

    *command* has the words of what does something to a node: one of KILL, START and BOOTSTRAP and
    the name of a site come after them.
    """

    sites: tuple[Site, ...]
    clients: int
    seconds: int
    seed: str
    command: tuple[str, ...]

    @property
    def first_city(self) -> tuple[Site, ...]:
        """The sites of the first city, all of which are lost at once."""
        return tuple(site for site in self.sites if site.city == self.sites[0].city)

    @property
    def others(self) -> tuple[Site, ...]:
        """The sites of the other cities."""
        return tuple(site for site in self.sites if site not in self.first_city)


class Part(Row):
    """A part of the drill: what it begins with, and when (monotonic nanoseconds)."""

    what: str
    sites: tuple[str, ...]
    at: int


class ByHand(Row):
    """What a person would have had to do: when that was begun, and how long it took."""

    what: str  # START or BOOTSTRAP
    sites: tuple[str, ...]
    at: int
    took: int


class Proven(Row):
    """What is there in the end: compared with the answers, and by each node's own books."""

    proof: Proof
    poorer: tuple[str, ...]
    """Whose balance is not what the answers say."""
    checked: tuple[tuple[str, Checked], ...]
    """What `check` says, of each site's machine."""


def _ended(code: int) -> str:
    """
    Return how a command that said nothing ended.

    >>> _ended(7), _ended(-9)
    ('exit 7', 'SIGKILL')
    """
    return f"exit {code}" if code > 0 else signal.Signals(-code).name


class Drill:
    """A drill in *folder*, by *plan*, on an empty database that *access* leads its owner to."""

    def __init__(self, env: Env, folder: Path, access: Access, plan: Plan) -> None:
        self._env = env
        self._folder = folder
        self._access = access
        self._plan = plan
        self._clients: list[subprocess.Popen[bytes]] = []
        self._before: frozenset[int] = frozenset()
        self._begun_with: dict[str, int] = {}
        self.profiles: dict[int, str] = {}
        self.parts: list[Part] = []
        self.by_hand: list[ByHand] = []
        self.ended = 0

    # --- before ----------------------------------------------------------------------------------

    def prepare(self, policy: Policy) -> None:
        """
        Make the ledger, a machine for each site, and a profile with money for each client.

        Each machine joins by an invitation, and prefers the node of its site.
        """
        first = self._env_at(0)
        self._found(first, 0, policy, self._access)
        with Wallet.open(first) as wallet:
            wallet.use_risk_pack(parse_pack(NO_RULES, "drill"))
        for number in range(1, len(self._plan.sites)):
            self._join(first, number)
        for client in range(1, self._plan.clients):
            self._found(self._env_at(client % len(self._plan.sites)), client, policy, None)
        with Wallet.open(first) as wallet:
            self._before = frozenset(act.entry for act in wallet.home.store.acts())
            self._begun_with = self._balances(wallet)

    def _env_at(self, number: int) -> Env:
        return self._env._replace(home=self._folder / self._plan.sites[number].name)

    def _found(self, env: Env, client: int, policy: Policy, access: Access | None) -> None:
        name = self.profiles[client] = PEOPLE[client]
        wallet, _founded = Wallet.found(env, name, pin=pin, policy=policy, access=access)
        with wallet:
            wallet.identify("演练", demo_id_number(client + 1), pin=pin)
            bank = BANKS[client % len(BANKS)]
            wallet.add_card(demo_card_number(bank, 777_000 + client), pin=pin)
            wallet.topup(_MONEY_FEN, pin=pin)

    def _join(self, first: Env, number: int) -> None:
        """Have the machine of the site with that *number* join, as any other machine does."""
        file, phrase = self._folder / "invitation", self._env.chance(16).hex()
        with Wallet.open(first) as wallet:
            invite(wallet.home, file, phrase, pin=pin, replace=True)
        env = self._env_at(number)
        join(env, opened(env, file, lambda: phrase), self._access.password)
        file.unlink()
        hosts = self._access.address.hosts
        address = self._access.address._replace(hosts=hosts[number:] + hosts[:number])
        reconnect(env, Access(address, self._access.password), accept=lambda *_: False)

    def _balances(self, wallet: Wallet) -> dict[str, int]:
        store = wallet.home.store
        return {row.name: store.balance_fen(row.account) for row in store.profiles()}

    # --- the parts -------------------------------------------------------------------------------

    def run(self) -> Iterator[None]:
        """
        Play all parts; yield several times a second, for the one who shows how it stands.

        Raises DrillCommandFailed, DrillStuck.
        """
        plan = self._plan
        with self._traffic():
            yield from self._part("all", plan.sites)
            yield from self._until_answered()
            yield from self._wait()
            lost = plan.first_city[-1:]
            yield from self._part("site_lost", lost)
            self._kill(lost)
            yield from self._until_answered()
            yield from self._wait()
            yield from self._part("site_back", lost)
            self._operate(START, lost)
            yield from self._until_answered()
            yield from self._wait()
            yield from self._part("city_lost", plan.first_city)
            self._kill(plan.first_city)
            yield from self._city_lost()
            yield from self._part("city_back", plan.first_city)
            self._operate(START, plan.first_city)
            yield from self._until_answered()
            yield from self._wait()
        self.ended = time.monotonic_ns()

    def _city_lost(self) -> Iterator[None]:
        """See whether the others answer without help; if they do not, have one take over."""
        since = time.monotonic_ns()
        yield from self._until(
            lambda attempt: attempt.outcome in ("ledger_unreachable", ANSWERED), since
        )
        waited = time.monotonic_ns()
        yield from self._wait()
        if not any(attempt.outcome == ANSWERED for attempt in self._begun_after(waited)):
            yield from self._part("taken_over", self._plan.others[:1])
            self._operate(BOOTSTRAP, self._plan.others[:1])
        yield from self._until_answered()
        yield from self._wait()

    def _part(self, what: str, sites: Sequence[Site]) -> Iterator[None]:
        self.parts.append(Part(what, tuple(site.name for site in sites), time.monotonic_ns()))
        yield

    def _wait(self) -> Iterator[None]:
        ends_at = time.monotonic() + self._plan.seconds
        while time.monotonic() < ends_at:
            time.sleep(_LOOK_SECONDS)
            yield

    def _until_answered(self) -> Iterator[None]:
        """Wait until a client is answered that has asked after this moment."""
        yield from self._until(lambda attempt: attempt.outcome == ANSWERED, time.monotonic_ns())

    def _until(self, is_it: Callable[[Attempt], bool], since: int) -> Iterator[None]:
        ends_at = time.monotonic() + ANSWER_SECONDS
        while not any(map(is_it, self._begun_after(since))):
            if time.monotonic() > ends_at:
                raise DrillStuck(seconds=ANSWER_SECONDS)
            time.sleep(_LOOK_SECONDS)
            yield

    def _begun_after(self, moment: int) -> Iterator[Attempt]:
        return (attempt for attempt in self.attempts() if attempt.begun > moment)

    # --- commands --------------------------------------------------------------------------------

    def _kill(self, sites: Sequence[Site]) -> None:
        """Take *sites* away, all at once."""
        running = [self._start(KILL, site) for site in sites]
        for command in running:
            self._end(*command)

    def _operate(self, what: str, sites: Sequence[Site]) -> None:
        """Do what a person has to, at one site after the other."""
        begun = time.monotonic_ns()
        for site in sites:
            self._end(*self._start(what, site))
        names = tuple(site.name for site in sites)
        self.by_hand.append(ByHand(what, names, begun, time.monotonic_ns() - begun))

    def _start(self, what: str, site: Site) -> tuple[list[str], subprocess.Popen[bytes]]:
        words = [*self._plan.command, what, site.name]
        try:
            return words, subprocess.Popen(  # noqa: S603 - what this person has typed
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**_environment(), "NODE": site.node},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise DrillCommandFailed(
                command=" ".join(words), reason=getattr(error, "strerror", None) or str(error)
            ) from None

    def _end(self, words: list[str], command: subprocess.Popen[bytes]) -> None:
        try:
            _out, said = command.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            command.kill()
            command.communicate()
            raise DrillCommandFailed(
                command=" ".join(words), reason=f"no end after {COMMAND_SECONDS} s"
            ) from None
        except BaseException:
            command.kill()
            command.wait()
            raise
        if command.returncode:
            lines = said.decode("utf-8", "replace").split("\n")
            last = [text for text in map(str.strip, lines) if text][-1:]
            reason = "".join(last) or _ended(command.returncode)
            raise DrillCommandFailed(command=" ".join(words), reason=reason)

    # --- traffic ---------------------------------------------------------------------------------

    def attempts(self) -> list[Attempt]:
        """Return everything that the clients have noted so far."""
        return [attempt for client in self.profiles for attempt in attempts_in(self._notes(client))]

    def _notes(self, client: int) -> Path:
        return self._folder / f"client-{client}"

    @contextmanager
    def _traffic(self) -> Iterator[None]:
        """Have all clients act; in the end each still gets the answer that it waits for."""
        stop = self._folder / "stop"
        try:
            for client, profile in self.profiles.items():
                home = self._env_at(client % len(self._plan.sites)).home
                places = str(self._notes(client)), str(stop)
                orders = Orders(
                    client, str(home), profile, self._plan.seed, *places, parent=os.getpid()
                )
                file = self._folder / f"orders-{client}"
                file.write_text(json.dumps([*orders]), encoding="utf-8")
                words = [sys.executable, "-P", "-X", "utf8", "-m", "hongbao.load.traffic"]
                self._clients.append(
                    subprocess.Popen(  # noqa: S603 - ourselves
                        [*words, str(file)],
                        stdin=subprocess.DEVNULL,
                        env=_environment(),
                        start_new_session=True,
                    )
                )
            yield
            stop.touch()
            for process in self._clients:
                assert process.wait() == 0, "a client of the drill has failed"
        finally:
            for process in self._clients:
                process.kill()
                process.wait()

    # --- afterwards ------------------------------------------------------------------------------

    def prove(self) -> Proven:
        """Compare the answers that clients got with what is there."""
        attempts = self.attempts()
        checked = []
        for number, site in enumerate(self._plan.sites):
            with Wallet.open(self._env_at(number), profile=None) as wallet:
                checked.append((site.name, wallet.check()))
        with Wallet.open(self._env_at(0), profile=None) as wallet:
            found = proof(attempts, self.profiles, self._booked(wallet, self._before))
            wanted = balances(attempts, self.profiles, self._begun_with)
            have = self._balances(wallet)
        poorer = tuple(name for name, fen in wanted.items() if have.get(name) != fen)
        return Proven(found, poorer, tuple(checked))

    def _booked(self, wallet: Wallet, before: Collection[int]) -> Iterator[Booked]:
        """Yield all that was done in the ledger since the drill was prepared."""
        home = wallet.home
        with home.looking():
            for act in home.store.acts():
                if act.entry in before:
                    continue
                answer = answer_to(home, act) if act.act in ("send", "claim") else {}
                fen = answer.get("total_fen" if act.act == "send" else "amount_fen", 0)
                yield Booked(
                    act.request_id or f"entry {act.entry}",
                    act.act,
                    act.profile_name or "",
                    act.packet_id,
                    fen,
                )


def pin() -> Pin:
    """Return the PIN of everyone in a drill."""
    return Pin(PIN)


def _environment() -> dict[str, str]:
    """Return a client's variables: none of a person's own wallet."""
    return {name: text for name, text in os.environ.items() if not name.startswith("HONGBAO_")}
