"""
Claims in bulk: many people's, decided in memory, and durable in groups under one seal.

A claim alone costs a dozen queries, a signature, an entry's own seal and a wait for the disk. A
group of them is decided upon rows that are read once and kept, each claim upon what those before
it have left; written row by row of each table; sealed once, and committed once. What comes out is
what the same claims one by one would give: the same shares, balances, refusals and answers, and
the same rows but for the seal and how long steps took.

Only what is common is done here: a claim that is allowed, or refused by its packet. Everything
else (holds, delays, challenges, stops, reports, requests that come again, devices that may not
act) is done by the very function that does it alone, in its place among the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import perf_counter_ns
from typing import TYPE_CHECKING

from hongbao.changes.devices import SetCounter
from hongbao.changes.guards import KeepHabit
from hongbao.changes.home import SetReadings
from hongbao.changes.packets import AddClaim, AddMaturing
from hongbao.domain.chain import digest
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.fairness import NONCE_BYTES, SHUFFLED, DrawInput, Terms, share_amount
from hongbao.domain.ids import check_request_id, parse_packet_id
from hongbao.domain.lanes import PLATFORM
from hongbao.domain.ledger import Reason, Transfer
from hongbao.domain.packet import check_claim
from hongbao.domain.plain_claim import GuardTexts, PacketTexts, fields_of, sealed
from hongbao.domain.risk.acts import Asked, Seen, What
from hongbao.domain.risk.claims import ClaimHabit, ClaimJudge
from hongbao.domain.risk.habit import encode as encode_habit
from hongbao.domain.text import parse_luck
from hongbao.errors import (
    Busy,
    Damaged,
    HongbaoError,
    NotIntact,
    PacketNotFound,
    SessionNotOpen,
    Unusable,
)
from hongbao.queries.guards import Guards, guards_in_force, remembered
from hongbao.rows import rows_of
from hongbao.store import Decided, HabitRow
from hongbao.units import from_micros, iso, iso_of_micros, to_micros
from hongbao.wallet.acts import Chance
from hongbao.wallet.again import repeat
from hongbao.wallet.claim import inputs_of
from hongbao.wallet.group import grouped, keeping_answers
from hongbao.wallet.risk_control import KEPT_EVERY
from hongbao.wallet.sessions import check_code, claim_in_session, session_of, signature_of
from hongbao.wallet.signing import keys_with_their_devices, only_keys_of_done_acts
from hongbao.wallet.unit_of_work import note_head, refusal_of
from hongbao.words import shell_word

if TYPE_CHECKING:
    from hongbao.answers import Claimed
    from hongbao.home.opened import Home
    from hongbao.store import Change, HomeRow, PacketRow, ProfileRow
    from hongbao.wallet.sessions import ClaimRequest, Session

    Answer = Claimed | HongbaoError

GROUP_MAX = 1000
"""How many claims a group has at most."""

GROUP_MS = 20
"""How long the first claim of a group waits for others at most."""

KNOWN_MAX = 50_000
"""How many people, and how many packets, are kept in memory at most."""

KEPT_SECONDS = 5
"""How long what is kept is used on a ledger with lanes."""

_SECOND = timedelta(seconds=1)
_HOUR_MICROS = 3_600_000_000
_DAY_MICROS = 24 * _HOUR_MICROS


def claim_many(
    home: Home,
    requests: Iterable[ClaimRequest | None],
    *,
    most: int = GROUP_MAX,
    within_ms: int = GROUP_MS,
) -> Iterator[Answer]:
    """
    Do what *requests* ask for, in their order; yield the answer or the refusal of each.

    They are durable in groups: of *most* claims, or of those that came *within_ms* milliseconds of
    the group's first. The answers of a group are given once it is. None among the *requests* says
    that there is none at the moment: then only the time is looked at.

    Raises Busy, NotIntact or Unusable: then nothing of the last group has happened, and the same
    requests can be asked again.
    """
    claims = BulkClaims(home)
    group: list[ClaimRequest] = []
    since = 0
    for asked in requests:
        if asked is not None:
            if not group:
                since = perf_counter_ns()
            group.append(asked)
        if len(group) >= most or (group and perf_counter_ns() - since >= within_ms * 1_000_000):
            yield from claims.claim(group)
            group = []
    if group:
        yield from claims.claim(group)


class BulkClaims:
    """
    Does groups of claims on *home*, and keeps what it has read for the next one.

    What is kept is true while the chain's head is where the last group has left it: every act that
    could change any of it moves the head, no matter from which process. With lanes, what is kept of
    a person or a packet is true while its lane and the platform's are where it was read, or where
    the last group has left them. What may be older than an act, since it is harmless (how many
    others use a device), is kept for `KEPT_SECONDS`.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._head: tuple[int, bytes] | None = None
        self._known = _Known(home)
        self._versions: dict[str, int] | None = None
        """Of lanes: those that what is kept was read in; None after a group that has failed."""
        self._since = 0

    def claim(self, requests: Sequence[ClaimRequest]) -> list[Answer]:
        """
        Do *requests* as one group; return the answer or the refusal of each once all are durable.

        Raises Busy, NotIntact or Unusable; then nothing of it has happened.
        """
        return repeat(self._home, lambda: self._claim(requests))

    def _claim(self, requests: Sequence[ClaimRequest]) -> list[Answer]:
        home = self._home
        assert home.group is None
        assert not home.rehearsing
        left, self._head = self._head, None  # what a group that fails has changed is not kept
        versions, self._versions = self._versions, None
        with (
            home.keys.sharing(),  # until the head is noted, no restore replaces the ledger
            keeping_answers(home),
        ):
            with (
                keys_with_their_devices(home, dry_run=False),
                home.changing(*_packets_of(requests)),
                grouped(home),
            ):
                head = home.store.head()
                if home.store.has_lanes:
                    versions = self._checked(versions, requests)
                elif left is None or left != (head.entry, head.mac) or self._known.is_full:
                    self._known = _Known(home)
                group = _Group(home, self._known)
                answers = group.answers(requests)
                if versions is not None:
                    versions |= home.store.lane_versions(self._known.read - versions.keys())
                    self._known.read.clear()
                mac = group.seal()
            if mac is not None:
                note_head(home, group.entry, mac)
        if versions is not None:
            self._versions = {**versions, **home.store.lanes_left}
        else:
            self._head = (group.entry, head.mac if mac is None else mac)
        return answers

    def _checked(
        self, versions: dict[str, int] | None, requests: Sequence[ClaimRequest]
    ) -> dict[str, int]:
        """Forget what has moved of that which *requests* need; return the versions of the rest."""
        known = self._known
        named = known.lanes_of(requests)
        now = self._home.store.lane_versions({PLATFORM, *named})
        is_old = perf_counter_ns() - self._since > KEPT_SECONDS * 1_000_000_000
        if (
            versions is None
            or is_old
            or known.is_full
            or versions.get(PLATFORM) != now.get(PLATFORM)
        ):
            self._known, self._since = _Known(self._home), perf_counter_ns()
            return {name: version for name, version in now.items() if name == PLATFORM}
        for name, what in named.items():
            if versions.get(name) != now.get(name):
                known.let_go(what)
        return {**versions, **now}


def _packets_of(requests: Sequence[ClaimRequest]) -> Iterator[tuple[str, object]]:
    """Yield the packets that *requests* are about, as `Store.transaction` takes them."""
    for packet in {asked.packet for asked in requests}:
        with suppress(HongbaoError):  # which the request's own answer says
            yield "packet", parse_packet_id(packet)


class _Person:
    """What claims of one profile stand on, as the acts so far have left it."""

    __slots__ = (
        *("account", "balance_fen", "habit", "id", "is_stale", "lanes", "name", "opened_at"),
        *("row", "since_kept", "upto"),
    )

    def __init__(self, home: Home, judge: ClaimJudge, profile: int) -> None:
        self.row: ProfileRow = home.profile_by_id(profile)
        home.check_state(("profile", profile))
        self.id, self.account = profile, self.row.account
        self.lanes = (f"profile/{profile}", f"person/{self.row.person}")
        self.opened_at = to_micros(self.row.opened_at)
        self.balance_fen = home.balance_fen(self.row)
        known = remembered(home, profile)
        self.habit: ClaimHabit = judge.habit(known.habit)
        self.upto, self.since_kept = known.upto, known.since_kept
        self.is_stale = False


class _Device:
    """A device's counter, which all who share it move on."""

    __slots__ = ("counter", "is_stale")

    def __init__(self, counter: int) -> None:
        self.counter = counter
        self.is_stale = False


class _Open:
    """A session with its person and device, and how they stand to each other."""

    __slots__ = (
        *("cards", "channels", "city", "device", "device_profiles", "device_session", "devices"),
        *("expires_at", "may_act", "person", "said", "session", "since", "typed"),
    )

    def __init__(self, home: Home, session: Session, person: _Person) -> None:
        self.session, self.person = session, person
        self.expires_at = to_micros(session.expires_at)
        rows = home.store.devices(session.profile)
        row = next((row for row in rows if row.id == session.device), None)
        self.may_act = row is not None and row.is_let_in and row.cut_at is None
        if row is None or not self.may_act:
            return
        home.check_state(("device", row.id), ("enrolment", session.profile, row.id))
        self.device = _Device(row.counter)
        self.device_session, self.city, self.since = row.session, row.city, to_micros(row.since)
        self.cards, self.devices, self.device_profiles, _others = home.store.standing(
            session.profile, row.id
        )
        is_any = self.cards or person.row.id_number
        self.channels = home.channels(person.row) if is_any else 0
        self.said = f'[{session.profile},{row.id},{row.session},"claim","'
        self.typed = f" -p {shell_word(session.profile_name)} --request-id "

    @property
    def is_stale(self) -> bool:
        return self.person.is_stale or (self.may_act and self.device.is_stale)


class _Packet:
    """A packet, and how far the claims so far have come."""

    __slots__ = (
        *("claimed_count", "claimed_fen", "created_at", "expires_at", "inputs", "is_open"),
        *("inputs_hex", "lane", "now", "row", "seed", "shares", "terms", "texts", "typed"),
    )

    def __init__(self, home: Home, row: PacketRow) -> None:
        packet = row.packet
        self.row, self.seed, self.now = row, row.seed, packet
        self.lane = f"packet/{packet.number}"
        self.claimed_fen, self.claimed_count = packet.claimed_fen, packet.claimed_count
        self.created_at = to_micros(packet.created_at)
        self.expires_at = to_micros(packet.expires_at)
        self.is_open = packet.closed_at is None and packet.hold is None
        self.shares = {each.profile: each.amount_fen for each in home.store.claims(packet.number)}
        self.terms = Terms.of(packet)
        self.texts = PacketTexts.of(
            packet.id, str(packet.kind), row.sender_name, row.greeting, packet.count
        )
        self.inputs = digest("claim", inputs_of(packet.id, None))
        self.inputs_hex = self.inputs.hex()
        self.typed = f"hongbao claim {packet.id}"

    def give(self, profile: int, amount_fen: int, now: datetime) -> None:
        """Give *profile* the next share."""
        self.shares[profile] = amount_fen
        self.claimed_fen += amount_fen
        self.claimed_count += 1
        is_last = self.claimed_count == self.now.count
        self.is_open = not is_last
        self.now = self.now._replace(
            claimed_fen=self.claimed_fen,
            claimed_count=self.claimed_count,
            closed_at=now if is_last else None,
        )


class _Known:
    """People, packets, devices and sessions that were read, and are kept."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.people: dict[int, _Person] = {}
        self.packets: dict[str, _Packet] = {}
        self.sessions: dict[int, Session] = {}
        self.opens: dict[int, _Open] = {}
        self.devices: dict[int, _Device] = {}
        self.judge: tuple[Guards, ClaimJudge, GuardTexts] | None = None
        self.read: set[str] = set()
        """The lanes of people and packets that were read since the last group."""

    @property
    def is_full(self) -> bool:
        return max(len(self.people), len(self.packets), len(self.sessions)) > KNOWN_MAX

    def judged_by(self, guards: Guards) -> tuple[ClaimJudge, GuardTexts]:
        """Return what judges claims by *guards*; habits that were read are ready for it."""
        if self.judge is None or self.judge[0] is not guards:
            self.people.clear()
            self.opens.clear()
            model = None if guards.forest is None else guards.forest.ref
            texts = GuardTexts.of(guards.pack.ref, model)
            self.judge = (guards, ClaimJudge(guards.pack, guards.forest), texts)
        return self.judge[1:]

    def session(self, entry: int) -> Session:
        session = self.sessions.get(entry)
        if session is None:
            session = self.sessions[entry] = session_of(self._home, entry)
        return session

    def with_sessions(
        self, requests: Iterable[ClaimRequest]
    ) -> Iterator[tuple[ClaimRequest, Session | None]]:
        """Yield each of *requests* with its session; with None if that is none."""
        for asked in requests:
            try:
                session = self.session(asked.session)
            except SessionNotOpen:  # which the request's own answer says
                yield asked, None
            else:
                yield asked, session

    def open(self, entry: int) -> _Open:
        """Return the session that *entry* opened, as it stands."""
        opened = self.opens.get(entry)
        if opened is None or opened.is_stale:
            session = self.session(entry)
            person = self.people.get(session.profile)
            if person is None:
                assert self.judge is not None
                person = _Person(self._home, self.judge[1], session.profile)
                self.people[session.profile] = person
                self.read.update(person.lanes)
            opened = self.opens[entry] = _Open(self._home, session, person)
            if opened.may_act:
                opened.device = self.devices.setdefault(session.device, opened.device)
        return opened

    def packet(self, wanted: str) -> _Packet:
        packet = self.packets.get(wanted)
        if packet is None:
            row = self._home.store.packet(wanted)
            if row is None:
                raise PacketNotFound(wanted)
            packet = self.packets[wanted] = _Packet(self._home, row)
            self.read.add(packet.lane)
        return packet

    def lanes_of(self, requests: Iterable[ClaimRequest]) -> dict[str, int | str]:
        """Return the lanes of what is kept for *requests*, each with the person or the packet."""
        named: dict[str, int | str] = {}
        for asked, session in self.with_sessions(requests):
            packet = self.packets.get(asked.packet)
            if packet is not None:
                named[packet.lane] = asked.packet
            person = None if session is None else self.people.get(session.profile)
            if person is not None:
                profile_lane, person_lane = person.lanes
                named[profile_lane] = named[person_lane] = person.id
        return named

    def let_go(self, what: int | str) -> None:
        """Read a person, by the profile's id, or a packet again when it is needed."""
        if isinstance(what, str):
            self.packets.pop(what, None)
        elif (person := self.people.pop(what, None)) is not None:
            person.is_stale = True

    def forget(self, session: Session, wanted: str) -> None:
        """Forget all that an act about the packet *wanted* may have changed."""
        packet = self.packets.pop(wanted, None)
        row = self._home.store.packet(wanted) if packet is None else packet.row
        for profile in (session.profile, *(() if row is None else (row.packet.sender,))):
            person = self.people.pop(profile, None)
            if person is not None:
                person.is_stale = True
        device = self.devices.pop(session.device, None)
        if device is not None:
            device.is_stale = True


class _Uncommon(Exception):
    """A claim is one that is done as it is alone."""


class _Group:
    """
    One group of claims while it is decided, in the transaction that it is written in.

    What was decided here is written before an act is done *alone*, and at the end.
    """

    def __init__(self, home: Home, known: _Known) -> None:
        self._home = home
        self._known = known
        self._decided: list[Decided] = []
        self._claims: list[AddClaim] = []
        self._changes: list[Change] = []
        self._counters: dict[int, int] = {}
        self._made: set[tuple[str, int]] = set()  # requests that were made before
        self._answered = home.answered
        if home.answered is not None:
            from hongbao.home.kept import KeptAct, beginning  # which a file has no use for

            self._kept_act, self._beginning = KeptAct, beginning
        self._begin()

    def _begin(self) -> None:
        """Read what is true of the whole home, as it is now."""
        home = self._home
        head, row = home.store.head(), home.row
        self.entry = head.entry
        self._row = row
        self._moment = _Moment(head.at)
        self._chance = Chance(home.env.chance, row, 0 if row.dice is None else head.restored)
        policy = home.policy_of(row)
        self._may_claim_own = policy.packet.sender_may_claim_group
        self._days = policy.settlement.claims_after_days
        self._clock = "real" if row.virtual_at is None else "virtual"
        self._judge: tuple[ClaimJudge, GuardTexts] | None = None
        if row.risk_pack is not None and home.witness is None:
            self._judge = self._known.judged_by(guards_in_force(home, row))

    def answers(self, requests: Sequence[ClaimRequest]) -> list[Answer]:
        """Return the answers or refusals of *requests*."""
        self._made = set(self._home.store.request(among=self._named(requests)))
        return [self._answer(asked) for asked in requests]

    def _named(self, requests: Sequence[ClaimRequest]) -> set[tuple[str, int]]:
        """Return *requests* with their profiles, but for those whose session is none."""
        return {
            (asked.request_id, session.profile)
            for asked, session in self._known.with_sessions(requests)
            if session is not None
        }

    def _answer(self, asked: ClaimRequest) -> Answer:
        try:
            try:
                return self._claim(asked)
            except _Uncommon:
                return self._do_alone(asked)
        except (Busy, NotIntact, Unusable):
            raise
        except HongbaoError as refused:
            return refused

    def _do_alone(self, asked: ClaimRequest) -> Answer:
        """Do what is *asked* as it is done alone, upon all that was decided before it."""
        home, session = self._home, self._known.session(asked.session)
        self.write()
        try:
            with home.watch.apart(), only_keys_of_done_acts(home):
                return claim_in_session(home, asked)
        finally:
            self._made.add((asked.request_id, session.profile))
            self._known.forget(session, parse_packet_id(asked.packet))
            self._begin()

    def _claim(self, asked: ClaimRequest) -> Claimed:
        """Decide what is *asked*, if it is a plain claim. Raises _Uncommon, or its refusal."""
        known = self._known
        entry, wanted, luck, request_id, counter, _code = asked
        packet = known.packets.get(wanted)
        if packet is None:
            wanted = parse_packet_id(wanted)
        if luck is not None:
            luck = parse_luck(luck)
        session = known.session(entry)
        check_request_id(request_id)
        if self._judge is None or (request_id, session.profile) in self._made:
            raise _Uncommon
        opened = known.open(entry)
        if not opened.may_act:
            raise _Uncommon
        number, now = self._moment.next_entry(self._home, self._row, self.entry)
        if luck is None and packet is not None:
            inputs, inputs_hex = packet.inputs, packet.inputs_hex
        else:
            inputs = digest("claim", inputs_of(wanted, luck))
            inputs_hex = inputs.hex()
        if opened.device_session != session.device_session or now >= opened.expires_at:
            raise SessionNotOpen(session=entry)
        said = f'{opened.said}{request_id}","{inputs_hex}",{counter}]'
        check_code(session, asked, said.encode(), opened.device.counter)
        if packet is None:
            packet = known.packet(wanted)
        self._check(packet, session.profile, request_id, inputs)
        return self._settle(asked, number, opened, packet, inputs, luck)

    def _check(self, packet: _Packet, profile: int, request_id: str, inputs: bytes) -> None:
        """Raise what `check_claim` does; of a packet on hold, _Uncommon."""
        terms = packet.now
        if (
            packet.is_open
            and self._moment.micros < packet.expires_at
            and profile not in packet.shares
            and profile != terms.sender
            and terms.recipient is None
        ):
            return
        if terms.hold is not None:
            raise _Uncommon
        try:
            check_claim(
                terms,
                profile,
                now=self._moment.at,
                claimed_fen=packet.shares.get(profile),
                sender_may_claim=self._may_claim_own,
            )
        except HongbaoError as refused:
            if refused.final:
                self._refuse((request_id, profile), inputs, refused)
            raise

    def _refuse(self, request: tuple[str, int], inputs: bytes, refused: HongbaoError) -> None:
        """Remember what was *refused* for good, as `unit_of_work` does."""
        self._made.add(request)
        self._changes.append(refusal_of(self._home, *request, inputs, refused))

    def _asked(self, opened: _Open, packet: _Packet) -> Asked:
        """Return what is asked of risk control, as `risk_control` has it."""
        moment, person = self._moment, opened.person
        now, terms = moment.micros, packet.now
        return Asked(
            Seen(
                now // 1_000_000,
                What.CLAIM,
                (terms.total_fen - packet.claimed_fen) // (terms.count - packet.claimed_count),
                terms.sender,
                (now - packet.created_at) // 1000,
                opened.city,
            ),
            (now - person.opened_at) // _DAY_MICROS,
            opened.channels,
            opened.cards,
            (now - opened.since) // _HOUR_MICROS,
            opened.devices,
            opened.device_profiles,
            moment.back_s,
        )

    def _settle(
        self,
        asked: ClaimRequest,
        entry: int,
        opened: _Open,
        packet: _Packet,
        inputs: bytes,
        luck: str | None,
    ) -> Claimed:
        """Judge a claim that its packet allows, and decide all that it changes, under *entry*."""
        assert self._judge is not None
        judge, guard_texts = self._judge
        session, me, moment = opened.session, opened.person, self._moment
        question = self._asked(opened, packet)
        values, score, is_plain = judge.judge(me.habit, question)
        if not is_plain:
            raise _Uncommon
        # From here on nothing is refused.
        drawn = DrawInput(self._chance(NONCE_BYTES), luck)
        amount_fen = _share(packet, drawn)
        self.entry = entry
        moment.last = moment.at
        profile, request_id = me.id, asked.request_id
        if me.since_kept >= KEPT_EVERY:
            kept = HabitRow(me.upto, encode_habit(me.habit.habit()))
            self._changes.append(KeepHabit(profile, kept))
            me.since_kept = 0
        at, what, _mean_fen, *others = question.seen
        me.habit.add(Seen(at, what, amount_fen, *others))
        me.upto, me.since_kept = entry, me.since_kept + 1
        me.balance_fen += amount_fen
        if self._days:
            from_at = days_after_midnight(moment.at, self._days)
            self._changes.append(AddMaturing(profile, from_at, amount_fen))
        terms, nonce = packet.now, drawn.nonce.hex()
        self._claims.append(AddClaim(terms, profile, amount_fen, drawn, entry, moment.at))
        packet.give(profile, amount_fen, moment.at)
        seat = packet.claimed_count
        opened.device.counter = self._counters[session.device] = asked.counter
        self._made.add((request_id, profile))
        if self._answered is not None:
            line = _typed(packet, luck, opened, request_id)
            facts = (asked.counter, profile, request_id, "claim", entry, line)
            act = self._kept_act(*facts, self._beginning(inputs))
            self._answered.append((session.device, act))
        fields = fields_of(
            entry=entry,
            profile=profile,
            request_id=request_id,
            inputs=inputs,
            packet=terms.number,
            sender=terms.sender,
            amount_fen=amount_fen,
            balance_fen=me.balance_fen,
            policy=self._row.policy,
            at=moment.micros,
            clock=self._clock,
            facts=packet.texts.facts_of(seat, amount_fen, nonce, luck),
            generation=self._home.vault.generation,
            risk=guard_texts.record_of(question, amount_fen, values, score),
            device=session.device,
            session=session.device_session,
            counter=asked.counter,
            signature=signature_of(asked),
        )
        transfer = Transfer(packet.row.account, me.account, amount_fen, Reason.CLAIM)
        written = sealed(fields, packet.row.account.owner, me.account.owner)
        self._decided.append(Decided(fields, (transfer,), (), None, written))
        texts = packet.texts
        return {
            "request_id": request_id,
            "at": moment.text,
            "packet": texts.packet,
            "kind": texts.kind,
            "sender": texts.sender,
            "greeting": texts.greeting,
            "seat": seat,
            "amount_fen": amount_fen,
            "nonce": nonce,
            "luck": luck,
            "count": texts.count,
            "finished": seat == texts.count,
            "balance_fen": me.balance_fen,
            "held": None,
            "delayed": None,
        }

    def write(self) -> None:
        """Write what was decided and is not written yet."""
        home = self._home
        if self._chance.drawn != self._row.dice_drawn:
            self._row = self._row._replace(dice_drawn=self._chance.drawn)
            self._changes.append(SetReadings(self._row))
        self._changes += rows_of(SetCounter, self._counters.items())
        if self._changes or self._claims:
            home.store.apply([*self._changes, *self._claims])
        if self._decided:
            home.store.append(self._decided, home.vault.chain_mac, more=True)
        self._decided, self._changes, self._claims = [], [], []
        self._counters.clear()

    def seal(self) -> bytes | None:
        """Write the rest, and seal all acts; return the MAC, or None without any."""
        self.write()
        return self._home.store.append([], self._home.vault.chain_mac)


class _Moment:
    """The ledger's time of the claim that is decided, in the forms that are asked for."""

    __slots__ = ("_second", "_until", "at", "back_s", "last", "micros", "text")

    def __init__(self, last: datetime | None) -> None:
        self.last = last  # when the last act was
        self.micros, self.back_s = 0, 0
        self.at = from_micros(0)
        self.text = iso(self.at)
        self._second, self._until = -1, ""

    def next_entry(self, home: Home, row: HomeRow, after: int) -> tuple[int, int]:
        """Return the next entry, as `Home.next_entry` does, and its moment in microseconds."""
        read = home.env.now() if row.virtual_at is None else row.virtual_at
        now = read if self.last is None or self.last < read else self.last
        entry, now = home.store.next_entry(row, now, after)
        if now != self.at:
            self.at, self.micros = now, to_micros(now)
            self.text = self._written()
        is_back = row.virtual_at is None and read < now
        self.back_s = (now - read) // _SECOND if is_back else 0
        return entry, self.micros

    def _written(self) -> str:
        """Return what `iso` does: the claims of a group are of a second or two."""
        second, rest = divmod(self.micros, 1_000_000)
        if second != self._second:
            self._second, self._until = second, iso_of_micros(second * 1_000_000)
        return f"{self._until[:-6]}.{rest:06}{self._until[-6:]}" if rest else self._until


def _typed(packet: _Packet, luck: str | None, opened: _Open, request_id: str) -> str:
    """Return the command that makes a claim alone, under the same request id."""
    own = "" if luck is None else f" {shell_word(f'--luck={luck}')}"
    return f"{packet.typed}{own}{opened.typed}{request_id}"


def _share(packet: _Packet, drawn: DrawInput) -> int:
    """Return the amount of the next share. Raises Damaged if those before it were not dealt."""
    terms = packet.terms
    taken_fen = list(packet.shares.values()) if terms.deal == SHUFFLED else ()
    try:
        return share_amount(
            terms,
            packet.seed,
            packet.claimed_count + 1,
            drawn,
            remaining_fen=terms.total_fen - packet.claimed_fen,
            taken_fen=taken_fen,
        )
    except (AssertionError, ValueError):
        raise Damaged(path=terms.packet) from None
