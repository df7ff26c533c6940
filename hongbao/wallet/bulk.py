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

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import perf_counter_ns
from typing import TYPE_CHECKING, cast

from hongbao.changes.devices import SetCounter
from hongbao.changes.guards import KeepHabit
from hongbao.changes.home import RememberRefusal, SetReadings
from hongbao.changes.packets import AddClaim, AddMaturing
from hongbao.domain.chain import Act as SealedAct
from hongbao.domain.chain import digest, state, statement
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.facts import Columns, encode
from hongbao.domain.fairness import NONCE_BYTES, DrawInput, Terms, share_amount
from hongbao.domain.ids import check_request_id, parse_packet_id
from hongbao.domain.ledger import Reason, Transfer
from hongbao.domain.packet import DealRule, check_claim
from hongbao.domain.risk.acts import Asked, Seen, Verdict, What
from hongbao.domain.risk.record import Record
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
from hongbao.queries.guards import guards_in_force, remembered
from hongbao.store import Decided, EntryRow, HabitRow, as_sealed
from hongbao.units import iso
from hongbao.wallet.acts import Chance
from hongbao.wallet.claim import inputs_of
from hongbao.wallet.group import grouped
from hongbao.wallet.risk_control import KEPT_EVERY
from hongbao.wallet.sessions import (
    check_code,
    check_session,
    claim_in_session,
    session_of,
    signature_of,
)
from hongbao.wallet.signing import keys_with_their_devices, only_keys_of_done_acts
from hongbao.wallet.unit_of_work import note_head, seal_of

if TYPE_CHECKING:
    from hongbao.answers import Claimed
    from hongbao.domain.packet import Packet
    from hongbao.domain.risk.habit import Habit
    from hongbao.home.opened import Home
    from hongbao.store import Change, DeviceRow, PacketRow, ProfileRow, StandingRow
    from hongbao.wallet.sessions import ClaimRequest, Session

    Answer = Claimed | HongbaoError

GROUP_MAX = 1000
"""How many claims a group has at most."""

GROUP_MS = 20
"""How long the first claim of a group waits for others at most."""

KNOWN_MAX = 50_000
"""How many people, and how many packets, are kept in memory at most."""

_MILLISECOND = timedelta(milliseconds=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


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
    could change any of it moves the head, no matter from which process.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._head: tuple[int, bytes] | None = None
        self._known = _Known(home)

    def claim(self, requests: Iterable[ClaimRequest]) -> list[Answer]:
        """
        Do *requests* as one group; return the answer or the refusal of each once all are durable.

        Raises Busy, NotIntact or Unusable; then nothing of it has happened.
        """
        home = self._home
        assert home.group is None
        assert not home.rehearsing
        left, self._head = self._head, None  # what a group that fails has changed is not kept
        with home.keys.sharing():  # until the head is noted, no restore replaces the ledger
            with (
                keys_with_their_devices(home, dry_run=False),
                home.changing(),
                grouped(home) as acts,
            ):
                head = home.store.head()
                if left != (head.entry, head.mac) or self._known.is_full:
                    self._known = _Known(home)
                group = _Group(home, self._known, acts)
                answers = group.answers(list(requests))
                group.write()
                mac = seal_of(home, head, acts) if acts else head.mac
                if acts:
                    home.store.append([], mac)
            if acts:
                note_head(home, group.entry, mac)
        self._head = (group.entry, mac)
        return answers


class _Person:
    """What claims of one profile stand on, as the acts so far have left it."""

    __slots__ = (
        "balance_fen",
        "channels",
        "devices",
        "habit",
        "row",
        "since_kept",
        "standings",
        "upto",
    )

    def __init__(self, home: Home, profile: int) -> None:
        self.row: ProfileRow = home.profile_by_id(profile)
        home.check_state(("profile", profile))
        self.balance_fen = home.store.balance_fen(self.row.account)
        self.devices = {row.id: row for row in home.store.devices(profile)}
        self.standings: dict[int, StandingRow] = {}
        self.channels: int | None = None
        known = remembered(home, profile)
        self.habit: Habit = known.habit
        self.upto, self.since_kept = known.upto, known.since_kept


class _Known:
    """People, packets, devices and sessions that were read, and are kept."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.people: dict[int, _Person] = {}
        self.packets: dict[str, PacketRow] = {}
        self.shares: dict[int, dict[int, int]] = {}  # of each packet, by profile and in order
        self.sessions: dict[int, Session] = {}
        self.counters: dict[int, int] = {}

    @property
    def is_full(self) -> bool:
        return max(len(self.people), len(self.packets), len(self.sessions)) > KNOWN_MAX

    def person(self, profile: int) -> _Person:
        person = self.people.get(profile)
        if person is None:
            person = self.people[profile] = _Person(self._home, profile)
        return person

    def packet(self, wanted: str) -> PacketRow:
        row = self.packets.get(wanted)
        if row is None:
            row = self._home.store.packet(wanted)
            if row is None:
                raise PacketNotFound(wanted)
            claims = self._home.store.claims(row.packet.number)
            self.packets[wanted] = row
            self.shares[row.packet.number] = {each.profile: each.amount_fen for each in claims}
        return row

    def session(self, entry: int) -> Session:
        session = self.sessions.get(entry)
        if session is None:
            session = self.sessions[entry] = session_of(self._home, entry)
        return session

    def device(self, person: _Person, session: Session) -> DeviceRow | None:
        """Return the device of *session* if it may act; its counter is in `counters`."""
        row = person.devices.get(session.device)
        if row is None or not row.is_let_in or row.cut_at is not None:
            return None
        if session.device not in self.counters:
            self._home.check_state(("device", row.id), ("enrolment", person.row.id, row.id))
            self.counters[row.id] = row.counter
        return row

    def standing(self, person: _Person, device: int) -> tuple[StandingRow, int]:
        """Return how *person* stands with *device*, and their number of identity sources."""
        standing = person.standings.get(device)
        if standing is None:
            standing = self._home.store.standing(person.row.id, device)
            person.standings[device] = standing
        if person.channels is None:
            is_any = standing.cards or person.row.id_number
            person.channels = self._home.channels(person.row) if is_any else 0
        return standing, person.channels

    def forget(self) -> None:
        """Forget everything but sessions: an act was done that could change any of it."""
        self.people.clear()
        self.packets.clear()
        self.shares.clear()
        self.counters.clear()


class _Uncommon(Exception):
    """A claim is one that is done as it is alone."""


class _Group:
    """
    One group of claims while it is decided, in the transaction that it is written in.

    What was decided here is written before an act is done alone, and at the end.
    """

    def __init__(self, home: Home, known: _Known, acts: list[SealedAct]) -> None:
        self._home = home
        self._known = known
        self._acts = acts
        self._decided: list[Decided] = []
        self._changes: list[Change] = []
        self._claims: list[AddClaim] = []
        self._counters: dict[int, int] = {}
        self._made: set[tuple[str, int]] = set()  # requests that were made before
        self._begin()

    def _begin(self) -> None:
        """Read what is true of the whole home, as it is now."""
        home = self._home
        head, row = home.store.head(), home.row
        self.entry, self._at = head.entry, head.at
        self._row = row
        self._chance = Chance(home.env.chance, row, 0 if row.dice is None else head.restored)
        self._policy = home.policy_of(row)
        self._guards = None if row.risk_pack is None else guards_in_force(home, row)

    def answers(self, requests: Sequence[ClaimRequest]) -> list[Answer]:
        """Return the answers or refusals of *requests*."""
        self._made = set(self._home.store.request(among=self._named(requests)))
        return [self.answer(asked) for asked in requests]

    def _named(self, requests: Sequence[ClaimRequest]) -> set[tuple[str, int]]:
        """Return *requests* with their profiles, but for those whose session is none."""
        named = set()
        for asked in requests:
            with suppress(SessionNotOpen):
                named.add((asked.request_id, self._known.session(asked.session).profile))
        return named

    def answer(self, asked: ClaimRequest) -> Answer:
        """Return the answer or the refusal of what is *asked*."""
        try:
            try:
                return self._claim(asked)
            except _Uncommon:
                return self._alone(asked)
        except (Busy, NotIntact, Unusable):
            raise
        except HongbaoError as refused:
            return refused

    def _alone(self, asked: ClaimRequest) -> Answer:
        """Do what is *asked* as it is done alone, upon all that was decided before it."""
        home = self._home
        self.write()
        try:
            with home.watch.apart(), only_keys_of_done_acts(home):
                return claim_in_session(home, asked)
        finally:
            self._made.add((asked.request_id, self._known.session(asked.session).profile))
            self._known.forget()
            self._begin()

    def _claim(self, asked: ClaimRequest) -> Claimed:
        home, known = self._home, self._known
        wanted, luck = parse_packet_id(asked.packet), parse_luck(asked.luck)
        session = known.session(asked.session)
        check_request_id(asked.request_id)
        guards = self._guards
        request = (asked.request_id, session.profile)
        if home.witness is not None or guards is None or request in self._made:
            raise _Uncommon
        me = known.person(session.profile)
        device = known.device(me, session)
        if device is None:
            raise _Uncommon
        now = self._now()
        inputs = digest("claim", inputs_of(wanted, luck))
        self._authenticate(asked, session, device, inputs, now)
        row = known.packet(wanted)
        packet, shares = row.packet, known.shares[row.packet.number]
        if packet.hold is not None:
            raise _Uncommon
        try:
            check_claim(
                packet,
                session.profile,
                now=now,
                claimed_fen=shares.get(session.profile),
                sender_may_claim=self._policy.packet.sender_may_claim_group,
            )
        except HongbaoError as refused:
            if refused.final:
                self._refuse(request, inputs, refused)
            raise
        # Everything up to here changed nothing; from here on nothing is refused.
        record = self._judge(me, device, packet, now)
        drawn = DrawInput(self._chance(NONCE_BYTES), luck)
        amount_fen = _share(row, shares, drawn)
        return self._settle(asked, session, me, row, inputs, now, record, drawn, amount_fen)

    def _now(self) -> datetime:
        now = self._home.env.now() if self._row.virtual_at is None else self._row.virtual_at
        return now if self._at is None else max(now, self._at)

    def _authenticate(
        self, asked: ClaimRequest, session: Session, device: DeviceRow, inputs: bytes, now: datetime
    ) -> None:
        check_session(session, device.session, now)
        said = statement(
            session.profile,
            device.id,
            device.session,
            "claim",
            asked.request_id,
            inputs,
            asked.counter,
        )
        check_code(session, asked, said, self._known.counters[device.id])

    def _judge(self, me: _Person, device: DeviceRow, packet: Packet, now: datetime) -> Record:
        """Judge a claim as `risk_control.judge` does. Raises _Uncommon unless it is allowed."""
        from hongbao.domain.risk.judge import decide

        guards, home = self._guards, self._home
        assert guards is not None
        standing, channels = self._known.standing(me, device.id)
        back = now - home.env.now() if self._row.virtual_at is None else timedelta()
        asked = Asked(
            Seen(
                int(now.timestamp()),
                What.CLAIM,
                packet.remaining_fen // packet.shares_left,
                packet.sender,
                (now - packet.created_at) // _MILLISECOND,
                device.city,
            ),
            age_days=(now - me.row.opened_at).days,
            channels=channels,
            cards=standing.cards,
            device_age_hours=(now - device.since) // _HOUR,
            devices=standing.devices,
            device_profiles=standing.device_profiles,
            clock_back_s=max(back // _SECOND, 0),
        )
        decision = decide(guards.pack, guards.forest, me.habit, asked)
        if decision.verdict is not Verdict.ALLOW or decision.reports:
            raise _Uncommon
        return Record(
            asked.seen,
            asked,
            guards.pack.ref,
            None if guards.forest is None else guards.forest.ref,
            decision.verdict,
            None,
            (),
            decision.values,
            decision.score,
        )

    def _refuse(self, request: tuple[str, int], inputs: bytes, refused: HongbaoError) -> None:
        """Remember what was *refused* for good, as `unit_of_work` does."""
        home = self._home
        request_id, profile = request
        answered = json.dumps(refused.as_dict(), ensure_ascii=False)
        mac = home.vault.row_mac(state("refusal", f"{request_id}/{profile}", (inputs, answered)))
        self._changes.append(
            RememberRefusal(request_id, profile, inputs, answered, home.vault.generation, mac)
        )
        self._made.add(request)

    def _settle(
        self,
        asked: ClaimRequest,
        session: Session,
        me: _Person,
        row: PacketRow,
        inputs: bytes,
        now: datetime,
        record: Record,
        drawn: DrawInput,
        amount_fen: int,
    ) -> Claimed:
        """Decide all that a claim which is allowed changes, and return its answer."""
        from hongbao.domain.risk.habit import after
        from hongbao.domain.risk.habit import encode as encode_habit

        home, packet, profile = self._home, row.packet, session.profile
        seat = packet.claimed_count + 1
        self.entry += 1
        self._at = now
        if me.since_kept >= KEPT_EVERY:
            self._changes.append(KeepHabit(profile, HabitRow(me.upto, encode_habit(me.habit))))
            me.since_kept = 0
        assert record.seen is not None
        seen = record.seen._replace(amount_fen=amount_fen)
        me.habit = after(me.habit, seen)
        me.upto, me.since_kept = self.entry, me.since_kept + 1
        me.balance_fen += amount_fen
        record = record._replace(seen=seen)
        days = self._policy.settlement.claims_after_days
        if days:
            from_at = days_after_midnight(now, days)
            self._changes.append(AddMaturing(profile, from_at, amount_fen))
        self._claims.append(
            AddClaim(packet, profile, amount_fen, drawn=drawn, entry=self.entry, at=now)
        )
        self._known.shares[packet.number][profile] = amount_fen
        self._known.packets[packet.id] = row._replace(
            packet=packet._replace(
                claimed_fen=packet.claimed_fen + amount_fen,
                claimed_count=seat,
                closed_at=now if seat == packet.count else None,
            )
        )
        self._known.counters[session.device] = self._counters[session.device] = asked.counter
        self._made.add((asked.request_id, profile))
        answer = {
            "request_id": asked.request_id,
            "at": iso(now),
            "packet": packet.id,
            "kind": str(packet.kind),
            "sender": row.sender_name,
            "greeting": row.greeting,
            "seat": seat,
            "amount_fen": amount_fen,
            "nonce": drawn.nonce.hex(),
            "luck": drawn.luck,
            "count": packet.count,
            "finished": seat == packet.count,
            "balance_fen": me.balance_fen,
            "held": None,
            "delayed": None,
        }
        verdict, reports, challenge = record.columns
        entry = EntryRow(
            id=self.entry,
            act="claim",
            profile=profile,
            request_id=asked.request_id,
            inputs=inputs,
            packet=packet.number,
            counterparty=packet.sender,
            amount_fen=amount_fen,
            balance_fen=me.balance_fen,
            policy=self._row.policy,
            at=now,
            clock="real" if self._row.virtual_at is None else "virtual",
            facts=encode("claim", answer, Columns(asked.request_id, iso(now), me.balance_fen)),
            generation=home.vault.generation,
            risk=record.encode(),
            verdict=verdict,
            reports=reports,
            challenge=challenge,
            device=session.device,
            session=session.device_session,
            counter=asked.counter,
            signature=signature_of(asked),
        )
        transfer = Transfer(row.account, me.row.account, amount_fen, Reason.CLAIM)
        decided = Decided(entry.sealed_fields, [transfer], [], None)
        self._decided.append(decided)
        self._acts.append(as_sealed(decided))
        return cast("Claimed", answer)

    def write(self) -> None:
        """Write what was decided and is not written yet."""
        home = self._home
        if self._chance.drawn != self._row.dice_drawn:
            self._row = self._row._replace(dice_drawn=self._chance.drawn)
            self._changes.append(SetReadings(self._row))
        counters = [SetCounter(device, counter) for device, counter in self._counters.items()]
        if self._changes or counters:
            home.store.apply([*self._changes, *self._claims, *counters])
        if self._decided:
            home.store.append(self._decided, None)
        self._decided, self._changes, self._claims = [], [], []
        self._counters.clear()


def _share(row: PacketRow, shares: dict[int, int], drawn: DrawInput) -> int:
    """Return the amount of the next share. Raises Damaged if those before it were not dealt."""
    packet = row.packet
    taken_fen = list(shares.values()) if packet.deal is DealRule.SHUFFLED else ()
    try:
        return share_amount(
            Terms.of(packet),
            row.seed,
            packet.claimed_count + 1,
            drawn,
            remaining_fen=packet.remaining_fen,
            taken_fen=taken_fen,
        )
    except (AssertionError, ValueError):
        raise Damaged(path=packet.id) from None
