"""Sessions for claims: what each was opened for, and the codes of the claims under it."""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from hongbao.auditing.sealed import facts_in
from hongbao.auditing.walk import PLACE
from hongbao.domain.chain import digest, statement
from hongbao.errors import Damaged
from hongbao.questions import Question
from hongbao.units import to_micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hongbao.auditing.context import Context

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
    mark of its key. The first two are facts, and the key follows from this home's, so the digest is
    made again from them.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._opened: dict[int, _Opened] = {}

    def is_opened(self, fields: Sequence[Any]) -> bool:
        """Return whether the entry of these *fields* opens what was signed; remember it then."""
        signed = (fields[PLACE["device"]], fields[PLACE["session"]])
        profile, request_id = fields[PLACE["profile"]], fields[PLACE["request_id"]]
        said = facts_in("session_open", fields[PLACE["facts"]])
        try:
            key = self._context.keys.session_key(
                profile, request_id, generation=fields[PLACE["generation"]]
            )
            ends_at = to_micros(datetime.fromisoformat(said["expires_at"]))
            asked = {
                "purpose": said["purpose"],
                "key": sha256(key).hexdigest(),
                "minutes": said["minutes"],
            }
            fits = (
                digest("session_open", asked) == fields[PLACE["inputs"]]
                and said["purpose"] == "claims"
                and ends_at == fields[PLACE["at"]] + said["minutes"] * _MINUTE_MICROS
                and (said["device_number"], said["device_session"]) == signed
            )
        except (Damaged, KeyError, TypeError, ValueError):
            return False
        if fits:
            self._opened[fields[PLACE["id"]]] = _Opened(
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
        opened = self._opened_by(int.from_bytes(signature[:_ENTRY_BYTES], "big"))
        if opened is None or opened[:3] != (profile, device, device_session):
            return False
        said = statement(profile, device, device_session, *asked, inputs, counter)
        code = hmac.digest(opened.key, said, "sha256")
        return (
            asked[0] == "claim"
            and at < opened.ends_at
            and hmac.compare_digest(code, signature[_ENTRY_BYTES:])
        )

    def _opened_by(self, entry: int) -> _Opened | None:
        """Return the session that *entry* has opened, looked up if it is behind the checkpoint."""
        behind = self._context.behind
        if entry not in self._opened and behind is not None and entry <= behind.entry:
            found = self._context.row(Question.SEALED_ACTS, entry - 1)
            if found is not None:
                fields, _mac = found
                if (fields[PLACE["id"]], fields[PLACE["act"]]) == (entry, "session_open"):
                    self.is_opened(fields)
        return self._opened.get(entry)
