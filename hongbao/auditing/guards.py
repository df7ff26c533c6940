"""Checks of risk control: signatures, habits, stops and challenges."""

from collections.abc import Iterator
from typing import NamedTuple

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import at, facts_in, has, judged, part_of
from hongbao.auditing.sessions import CODE_BYTES, Sessions
from hongbao.domain.chain import statement
from hongbao.domain.risk.acts import Verdict
from hongbao.domain.risk.habit import NEW, Habit, after, encode
from hongbao.domain.risk.pack import parse_pack
from hongbao.errors import (
    DeviceKeyDamaged,
    DeviceKeyMissing,
    InvalidRiskPack,
    StorageUnreadable,
)
from hongbao.questions import Question

_BY_ITSELF = frozenset({"refund", "restore"})
"""Acts that the platform also does without a request of a device."""

_STOPPED_AS = {
    "challenged": Verdict.CHALLENGE,
    "limited": Verdict.LIMIT,
    "refused": Verdict.REFUSE,
    "cut": Verdict.CUT,
}
"""The acts that risk control stops others by, and how it had judged those."""


def check_devices(context: Context) -> Iterator[str]:
    """Open the key of each device that is authorised or waits for approval."""
    for name, public_key in context.rows(Question.DEVICES_IN_USE):
        try:
            context.device_keys.check(public_key)
        except DeviceKeyMissing:
            yield f"{name}: missing"
        except (DeviceKeyDamaged, StorageUnreadable):
            yield f"{name}: damaged"


def check_signatures(context: Context) -> Iterator[str]:
    """
    Verify every signature over its act, and that no device has used a counter twice.

    Every request has to be signed. Institutions' own steps digest no inputs, and sign
    nothing. A restore takes every counter as far as its own number: what was signed in the
    ledger before it is not new again. A claim under a session has the session's code instead.
    """
    counters: dict[int, int] = {}
    sessions = Sessions(context)
    restored = 0
    for row in context.rows(Question.SIGNED_ENTRIES):
        entry, act, profile, request_id, inputs, is_judged, *signed, facts, at, generation = row
        if signed == _UNSIGNED:
            fits = not inputs or act in _BY_ITSELF or (act == "cut" and not is_judged)
        else:
            device, session, counter, signature, *known = signed
            last = max(counters.get(device, 0), restored)
            asked = _asked(act, facts) if act in _STOPPED_AS else (act, request_id)
            if signature is not None and len(signature) == CODE_BYTES:
                code = (device, session, counter, bytes(signature))
                fits = sessions.fits(profile, asked, inputs, at, code) and _is_known(*known)
            else:
                fits = _is_signed(context, profile, asked, inputs, *signed)
            if act == "session_open":
                fits &= sessions.is_opened(
                    *(entry, profile, request_id, inputs, at, generation, facts), (device, session)
                )
            fits &= counter is not None and counter > last
            counters[device] = counter or 0
        if not fits:
            yield f"entry {entry}"
        if act == "restore":
            restored = entry
    for device, name, counter in context.rows(Question.DEVICE_COUNTERS):
        if counter != counters.get(device, 0):
            yield str(name)


def _is_signed(
    context: Context,
    profile: int,
    asked: tuple[str, str],
    inputs: bytes,
    device: int | None,
    session: int | None,
    counter: int | None,
    signature: bytes | None,
    last_session: int | None,
    public_key: bytes | None,
    is_enrolled: int,
) -> bool:
    if device is None or session is None or counter is None or signature is None:
        return False
    if public_key is None or last_session is None or not is_enrolled:
        return False
    said = statement(profile, device, session, *asked, inputs, counter)
    return 0 < session <= last_session and context.fits(public_key, said, signature)


def _is_known(last_session: int | None, public_key: bytes | None, is_enrolled: int) -> bool:
    """Return whether there is such a device, and its profile has enrolled it."""
    return last_session is not None and public_key is not None and bool(is_enrolled)


def check_habits(context: Context) -> Iterator[str]:
    """
    Derive each habit that is kept again: it follows from the records in the chain alone.

    What is looked for of a record has columns next to it, which say the same.
    """
    kept = {profile: (upto, text) for profile, upto, text in context.rows(Question.HABITS)}
    habits: dict[int, Habit] = {}
    broken: set[int] = set()
    for entry, profile, risk, *columns in context.rows(Question.RISK_RECORDS):
        record = None if risk is None else judged(risk)
        if record is None or profile is None or columns != list(record.columns):
            yield f"entry {entry}"
            broken.add(profile)
        elif record.seen is not None and profile not in broken:
            try:
                habits[profile] = after(habits.get(profile, NEW), record.seen)
            except (AssertionError, TypeError, ValueError):  # as no act has been
                yield f"entry {entry}"
                broken.add(profile)
        upto, text = kept.get(profile, (None, None))
        if entry == upto and profile not in broken:
            del kept[profile]
            if encode(habits.get(profile, NEW)) != text:
                yield f"profile {profile}"
    for profile in sorted(kept.keys() - broken):  # up to no record of theirs
        yield f"profile {profile}"


def check_challenges(context: Context) -> Iterator[str]:
    """Compare what did not happen, and what was asked before it may, with what was answered."""
    for entry, act, owner, facts, risk, profile, request_id, moved in context.rows(Question.STOPS):
        fits = profile is not None and profile == owner and not moved
        if not (fits and has(act, facts, {"request_id": request_id}) and _is_stopped(act, risk)):
            yield f"entry {entry}"
    yield from _asked_without_end(context)
    minutes: dict[str, int] = {}  # to answer in, by pack
    for challenge, *rest in context.rows(Question.CHALLENGES):
        if not _is_as_answered(context, _Challenge(challenge, *rest), minutes):
            yield str(challenge)


def _asked_without_end(context: Context) -> Iterator[str]:
    """Name entries that speak of a challenge which does not speak of them."""
    for (entry,) in context.rows(Question.CHALLENGE_ENTRIES_WITHOUT_CHALLENGE):
        yield f"entry {entry}"


def _is_as_answered(context: Context, row: "_Challenge", minutes: dict[str, int]) -> bool:
    record = None if row.risk is None else judged(row.risk)
    if not row.fits_asking or record is None or row.tries < 0:
        return False
    if part_of("challenged", row.asked, "error").get("challenge") != row.id:
        return False
    named = {"challenge": row.id}
    was_passed = row.passed_as is not None
    if was_passed != (row.state in ("passed", "used")):
        return False
    if (row.failed_as is not None) != (row.state == "failed"):
        return False
    if was_passed:
        return (
            row.passed_as == "challenge_passed"
            and has(row.passed_as, row.passed, named)
            and row.expires_at == at(row.passed_as, row.passed, "valid_until")
            and bool(row.fits_use)
        )
    if row.failed_as is not None and not (
        row.failed_as == "challenge_failed"
        and has(row.failed_as, row.failed, named)
        and row.tries > 0
    ):
        return False
    if record.pack not in minutes:
        minutes[record.pack] = _minutes(context, record.pack)
    return row.expires_at == row.at + minutes[record.pack] * _MINUTE_MICROS


def _minutes(context: Context, pack: str) -> int:
    """Return the minutes that the risk *pack* gives to answer; 0 if it cannot be read."""
    try:
        return parse_pack(context.store.rules("risk_pack", pack) or "", pack).challenge_minutes
    except InvalidRiskPack:
        return 0


class _Challenge(NamedTuple):
    """A challenge with the entries that required it and answered it."""

    id: str
    state: str
    expires_at: int
    tries: int
    fits_asking: int
    at: int
    asked: str
    risk: str | None
    passed_as: str | None
    passed: str
    failed_as: str | None
    failed: str
    fits_use: int


_MINUTE_MICROS = 60_000_000


def _is_stopped(act: str, risk: str | None) -> bool:
    """Return whether an act that was judged so, and not done, is written down as *act*."""
    if risk is None:
        return act == "cut"  # its signature was not believed: nothing was judged
    record = judged(risk)
    return record is not None and record.seen is None and record.verdict is _STOPPED_AS.get(act)


_UNSIGNED = [None, None, None, None, None, None, 0]
"""The device, session, counter and signature of an entry without, and what is known of a device."""


def _asked(act: str, facts: str) -> tuple[str, str]:
    """Return the act and the request that the *facts* of a stop say were asked for."""
    said = facts_in(act, facts)
    return str(said.get("asked")), str(said.get("request_id"))
