"""Sessions for claims: what each was opened for, and the codes of the claims under it."""

import hmac
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import facts_in
from hongbao.domain.chain import digest, statement
from hongbao.errors import Damaged
from hongbao.units import to_micros

CODE_BYTES = 40
"""The length of what a claim under a session keeps as its signature: session's entry, and code."""

_ENTRY_BYTES = 8

_MINUTE_MICROS = 60_000_000


class _Opened(NamedTuple):
    """A session: who opened it from which device, from when until when, and its key."""

    profile: int
    device: int
    device_session: int
    ends_at: int
    key: bytes


class Sessions:
    """
    The sessions that the chain has opened so far.

    What a device has signed when it opened one is the digest of its purpose, its length and the
    mark of its key; all of that is in the facts, so the digest is made again from them.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._opened: dict[int, _Opened] = {}

    def is_opened(
        self,
        entry: int,
        profile: int,
        request_id: str,
        inputs: bytes,
        at: int,
        generation: int,
        facts: str,
        signed: tuple[int | None, int | None],
    ) -> bool:
        """Return whether *entry* opens the session that was *signed*, and remember it."""
        said = facts_in("session_open", facts)
        try:
            key = self._context.keys.session_key(profile, request_id, generation=generation)
            ends_at = to_micros(datetime.fromisoformat(said["expires_at"]))
            asked = {name: said[name] for name in ("purpose", "key", "minutes")}
            fits = (
                digest("session_open", asked) == inputs
                and said["purpose"] == "claims"
                and said["key"] == sha256(key).hexdigest()
                and ends_at == at + said["minutes"] * _MINUTE_MICROS
                and (said["device_number"], said["device_session"]) == signed
            )
        except (Damaged, KeyError, TypeError, ValueError):
            return False
        if fits:
            self._opened[entry] = _Opened(
                profile, said["device_number"], said["device_session"], ends_at, key
            )
        return fits

    def fits(
        self,
        profile: int,
        asked: tuple[str, str],
        inputs: bytes,
        at: int,
        signed: tuple[int | None, int | None, int | None, bytes | None],
    ) -> bool:
        """
        Return whether the act and the request *asked* have the code of a session of that time.

        It has to be a claim: a session is good for nothing else.
        """
        device, device_session, counter, signature = signed
        if device is None or device_session is None or counter is None or signature is None:
            return False
        opened = self._opened.get(int.from_bytes(signature[:_ENTRY_BYTES], "big"))
        if opened is None or opened[:3] != (profile, device, device_session):
            return False
        said = statement(profile, device, device_session, *asked, inputs, counter)
        code = hmac.digest(opened.key, said, "sha256")
        return (
            asked[0] == "claim"
            and at < opened.ends_at
            and hmac.compare_digest(code, signature[_ENTRY_BYTES:])
        )
