"""
Sessions for claims: a device signs once, and each claim carries a code under the session's key.

A signature costs some hundred microseconds to make and to verify, a code (HMAC-SHA256) three. The
device signs the session: its purpose, its end and the SHA-256 of its key. This home has the key as
well, so a code proves to this home, and to `check`, that the device made a request; to others
only the session's signature proves something. That is why a session is good for claims alone,
which bring its owner money and cost them none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from hmac import compare_digest
from typing import TYPE_CHECKING

from hongbao.domain.chain import digest, statement
from hongbao.domain.ids import check_request_id, parse_packet_id
from hongbao.domain.ids import request_id as make_request_id
from hongbao.domain.text import name_key, parse_luck
from hongbao.errors import DeviceNotEnrolled, NotOfSession, SessionNotOpen
from hongbao.home.opened import Home
from hongbao.queries.acts import facts_of
from hongbao.queries.devices import check_may_act
from hongbao.rows import Row
from hongbao.store import ActRow, DeviceRow, ProfileRow
from hongbao.units import iso
from hongbao.vault import KeyedHash, Vault
from hongbao.wallet.acts import Act
from hongbao.wallet.claim import claim_as, inputs_of
from hongbao.wallet.group import acting_as
from hongbao.wallet.signing import Signed, statement_of
from hongbao.wallet.unit_of_work import Private, perform

if TYPE_CHECKING:
    from hongbao.answers import Claimed, SessionOpened

CLAIMS = "claims"
"""The purpose of a session; there is no other."""

MINUTES = 24 * 60
"""How long a session lasts unless it is said otherwise: as long as most packets."""

ENTRY_BYTES = 8
"""A claim's signature begins with the entry of its session in so many bytes; the code follows."""


class ClaimRequest(Row):
    """A claim as a device asks for it under a *session*, named by the entry that opened it."""

    session: int
    packet: str
    luck: str | None
    request_id: str
    counter: int
    code: bytes


class Session(Row):
    """A session for claims, as this home knows it."""

    entry: int
    profile: int
    profile_name: str
    device: int
    device_name: str
    device_session: int
    expires_at: datetime
    key: KeyedHash


class DeviceSession:
    """
    An open session as its device has it: makes requests, each with the next *counter*.

    Where the device has acted otherwise in the meantime, `NotOfSession` says how far its counter
    has come, and the next request takes the number after that.
    """

    def __init__(self, session: Session, counter: int) -> None:
        self.session = session
        self.counter = counter

    def claim(self, packet: str, request_id: str, *, luck: str | None = None) -> ClaimRequest:
        """
        Return the request for a share of *packet*.

        Raises InvalidPacketId, TextTooLong, UnprintableText or InvalidRequestId.
        """
        packet, luck = parse_packet_id(packet), parse_luck(luck)
        check_request_id(request_id)
        self.counter += 1
        opened = self.session
        said = statement(
            opened.profile,
            opened.device,
            opened.device_session,
            "claim",
            request_id,
            digest("claim", inputs_of(packet, luck)),
            self.counter,
        )
        code = opened.key.digest(said)
        return ClaimRequest(opened.entry, packet, luck, request_id, self.counter, code)


class _SessionKey(Private):
    """The key of a session: a request has only its SHA-256."""

    __slots__ = ("_profile",)

    def __init__(self, profile: int, request_id: str) -> None:
        super().__init__("session", request_id)
        self._profile = profile

    def mark(self, vault: Vault, generation: int | None = None) -> bytes:
        return _mark(vault.session_key(self._profile, self.text, generation=generation))


def _mark(key: bytes) -> bytes:
    """Return the SHA-256 of a session's *key*, which says nothing about it."""
    from hashlib import sha256

    return sha256(key).digest()


def open_session(
    home: Home, *, minutes: int = MINUTES, request_id: str | None = None
) -> DeviceSession:
    """
    Open a session for claims of this profile from the device that it acts from.

    No PIN is asked for, as none is for a claim.

    Raises what any act of a device does: DeviceNotEnrolled, DevicePending, SessionCut, ….
    """
    assert 0 < minutes <= MINUTES
    request_id = request_id or make_request_id(home.env.chance(16))
    key = _SessionKey(home.me.id, request_id)

    def work(doing: Act) -> SessionOpened:
        device = doing.device
        assert device is not None
        return {
            **doing.common,
            "profile": doing.me.name,
            "device": device.name,
            "device_number": device.id,
            "device_session": device.session,
            "purpose": CLAIMS,
            "minutes": minutes,
            "expires_at": iso(doing.now + timedelta(minutes=minutes)),
        }

    inputs = _asked(key, minutes)
    with home.keys.sharing():
        answer = perform(home, "session_open", inputs, work, request_id=request_id)
        with home.looking():
            me = home.me
            made = home.store.request(answer["request_id"], me.id).act
            assert made is not None
            session = session_of(home, made.entry)
            return DeviceSession(session, _device_of(home, me, session).counter)


def session_again(home: Home, request_id: str) -> DeviceSession | None:
    """Return the session that this profile opened with *request_id*; None if it opened none."""
    with home.keys.sharing(), home.looking():
        me = home.me
        made = home.store.request(request_id, me.id).act
        if made is None or made.act != "session_open":
            return None
        session = session_of(home, made.entry)
        return DeviceSession(session, _device_of(home, me, session).counter)


def session_of(home: Home, entry: int) -> Session:
    """Return the session that *entry* opened. Raises SessionNotOpen if it opened none."""
    act = home.store.act(entry)
    if act is None or act.act != "session_open":
        raise SessionNotOpen(session=entry)
    facts = facts_of(home, act)
    assert act.profile is not None
    assert act.profile_name is not None
    return Session(
        entry=entry,
        profile=act.profile,
        profile_name=act.profile_name,
        device=facts["device_number"],
        device_name=facts["device"],
        device_session=facts["device_session"],
        expires_at=datetime.fromisoformat(facts["expires_at"]),
        key=KeyedHash(_key_of(home, act.profile, act, facts["minutes"])),
    )


def _key_of(home: Home, profile: int, act: ActRow, minutes: int) -> bytes:
    """Return the key whose mark was signed by *act*, under any generation of keys."""
    own = key = home.vault.session_key(profile, act.request_id)
    if act.inputs == _signed(key, minutes):
        return key
    for generation in home.vault.blind_generations():
        key = home.vault.session_key(profile, act.request_id, generation=generation)
        if act.inputs == _signed(key, minutes):
            return key
    return own  # `check` names what was altered


def _signed(key: bytes, minutes: int) -> bytes:
    """Return the digest of what a device signs that opens a session with this *key*."""
    return digest("session_open", _asked(_mark(key).hex(), minutes))


def _asked(key: object, minutes: int) -> dict[str, object]:
    """Return the inputs of the act that opens a session; a *key* is known by its mark."""
    return {"purpose": CLAIMS, "key": key, "minutes": minutes}


def claim_in_session(home: Home, asked: ClaimRequest) -> Claimed:
    """
    Do what a device has *asked* for under its session, as one act.

    Raises SessionNotOpen or NotOfSession, what any act of a device does, and what `claim` raises.
    """
    packet, luck = parse_packet_id(asked.packet), parse_luck(asked.luck)
    session = session_of(home, asked.session)
    with acting_as(home, session.profile_name):
        return claim_as(
            home, packet, luck, asked.request_id, partial(_presented, home, asked, session)
        )


def _presented(home: Home, asked: ClaimRequest, session: Session, doing: Act) -> Signed:
    """
    Check that *doing* was *asked* for under *session*, and for the first time.

    One that was not changes nothing, and logs no device out: any stranger can send nonsense.
    """
    with home.checking("signature") as seen:
        row = _device_of(home, doing.me, session)
        if seen is not None:
            seen["device"] = row.name
        check_may_act(row)
        check_session(session, row.session, doing.now)
        said = statement_of("claim", doing, row.id, row.session, asked.counter)
        check_code(session, asked, said, row.counter)
        if seen is not None:
            seen["counter"] = asked.counter
    doing.device = row
    return Signed(row.id, row.session, asked.counter, signature_of(asked))


def check_session(session: Session, device_session: int, now: datetime) -> None:
    """Raise SessionNotOpen if *session* has expired, or its device has logged in since."""
    if session.device_session != device_session or now >= session.expires_at:
        raise SessionNotOpen(session=session.entry)


def check_code(session: Session, asked: ClaimRequest, said: bytes, counter: int) -> None:
    """Raise NotOfSession unless *asked* has the code of *said*, and a new counter."""
    if asked.counter <= counter or not compare_digest(session.key.digest(said), asked.code):
        raise NotOfSession(session=session.entry, counter=counter)


def signature_of(asked: ClaimRequest) -> bytes:
    """Return what the entry of a claim keeps in the place of a signature."""
    return asked.session.to_bytes(ENTRY_BYTES, "big") + asked.code


def _device_of(home: Home, me: ProfileRow, session: Session) -> DeviceRow:
    """Return the device of *session*. Raises DeviceNotEnrolled if it was removed since."""
    named = home.store.devices(me.id, name_key(session.device_name))
    if not named or named[0].state == "removed" or named[0].id != session.device:
        raise DeviceNotEnrolled(device=session.device_name, profile=me.name)
    home.check_state(("device", session.device), ("enrolment", me.id, session.device))
    return named[0]
