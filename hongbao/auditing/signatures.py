"""The check of signatures: every request is signed by a device, with a counter never used twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.auditing.chain import SKIPPING
from hongbao.auditing.checkpoint import Signer
from hongbao.auditing.sealed import facts_in
from hongbao.auditing.sessions import CODE_BYTES, Sessions
from hongbao.auditing.walk import PLACE
from hongbao.domain.chain import statement
from hongbao.questions import Question
from hongbao.vault.verifying import Signed, Verifying

if TYPE_CHECKING:
    from hongbao.auditing.context import Context
    from hongbao.auditing.walk import Step

_BY_ITSELF = frozenset({"refund", *SKIPPING})
"""Acts that the platform also does without a request of a device."""

_STOPS = frozenset({"challenged", "limited", "refused", "cut"})
"""Acts that record another one, which was requested and did not happen."""

_ACT, _PROFILE, _REQUEST = PLACE["act"], PLACE["profile"], PLACE["request_id"]
_INPUTS, _RISK, _FACTS = PLACE["inputs"], PLACE["risk"], PLACE["facts"]
_AT = PLACE["at"]
_DEVICE, _SIGNATURE = PLACE["device"], PLACE["signature"]
assert _SIGNATURE == _DEVICE + 3, "device, session, counter and signature stand together"


class Signatures:
    """
    Verifies every signature over its act, and that no device has used a counter twice.

    Every request has to be signed. Institutions' own steps digest no inputs, and sign
    nothing. A restore takes every counter as far as its own number: what was signed in the
    ledger before it is not new again. A claim under a session has the session's code instead.

    Behind a checkpoint only what is new is verified. The old signatures fit as long as the keys
    are the ones that they were verified by.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._devices: dict[int, tuple[bytes, int]] = {
            device: (public_key, session)
            for device, public_key, session in context.rows(Question.SIGNERS)
        }
        self._enrolled: set[tuple[int, int]] = set(context.rows(Question.ENROLLED))
        self.signers: dict[int, Signer] = {}
        self.signed_for: set[tuple[int, int]] = set()
        self.restored, self._after = 0, 0
        if context.behind is not None:
            self.signers |= context.behind.signers
            self.signed_for |= context.behind.enrolled
            self.restored, self._after = context.behind.restored, context.behind.entry
            self._compare()
        self._counters = {device: signer.counter for device, signer in self.signers.items()}
        self._failed: list[tuple[int, str]] = []
        self._sessions = Sessions(context)
        self._verifying = Verifying(context.fits, context.threads)

    @property
    def found(self) -> list[str]:
        """What was found, in the order of the entries."""
        return [said for _entry, said in sorted(self._failed)]

    def _compare(self) -> None:
        """Doubt the checkpoint where what the old signatures were verified by has changed."""
        for device, signer in self.signers.items():
            public_key, session = self._devices.get(device, (b"", 0))
            if public_key != signer.public_key or session < signer.session:
                self._context.doubt(f"device {device}")
        for profile, device in self.signed_for - self._enrolled:
            self._context.doubt(f"device {device} of profile {profile}")

    def take(self, step: Step) -> None:
        entry, fields = step.entry, step.fields
        if entry <= self._after:
            return
        act, device = fields[_ACT], fields[_DEVICE]
        signed = fields[_DEVICE : _SIGNATURE + 1]
        if signed == _UNSIGNED:
            is_judged = fields[_RISK] is not None
            fits = not fields[_INPUTS] or act in _BY_ITSELF or (act == "cut" and not is_judged)
        else:
            fits = self._is_signed(step, *signed)
            if act == "session_open":
                fits = self._sessions.is_opened(fields) and fits
            self._counters[device] = fields[_DEVICE + 2] or 0
        if not fits:
            self._fail(entry)
        if act in SKIPPING:
            self.restored = entry

    def _is_signed(
        self,
        step: Step,
        device: int | None,
        session: int | None,
        counter: int | None,
        signature: bytes | None,
    ) -> bool:
        """Return whether the act may be signed so; the signature itself is verified later."""
        if device is None or session is None or counter is None or signature is None:
            return False
        fields, profile = step.fields, step.fields[_PROFILE]
        public_key, last_session = self._devices.get(device, (None, 0))
        if public_key is None or (profile, device) not in self._enrolled:
            return False
        if counter <= max(self._counters.get(device, 0), self.restored):
            return False
        act, request_id = fields[_ACT], fields[_REQUEST]
        if act in _STOPS:
            act, request_id = _asked(act, fields[_FACTS])
        inputs = fields[_INPUTS]
        if len(signature) == CODE_BYTES:
            code = (device, session, counter, signature)
            if not self._sessions.fits(profile, (act, request_id), inputs, fields[_AT], code):
                return False
        elif 0 < session <= last_session:
            said = statement(profile, device, session, act, request_id, inputs, counter)
            for entry in self._verifying.add(Signed(step.entry, public_key, said, signature)):
                self._fail(entry)
        else:
            return False
        before = self.signers.get(device)
        highest = session if before is None else max(session, before.session)
        self.signers[device] = Signer(public_key, highest, counter)
        self.signed_for.add((profile, device))
        return True

    def _fail(self, entry: int) -> None:
        self._failed.append((entry, f"entry {entry}"))

    def end(self, strays: list[int]) -> None:  # noqa: ARG002 - the chain's
        for entry in self._verifying.end():
            self._fail(entry)
        for device, name, counter in self._context.rows(Question.DEVICE_COUNTERS):
            if counter != self._counters.get(device, 0):
                self._failed.append((_BEHIND_ALL, str(name)))

    def stop(self) -> None:
        """End the threads, finished or not."""
        self._verifying.stop()


_BEHIND_ALL = 1 << 63

_UNSIGNED = (None, None, None, None)
"""The device, session, counter and signature of an entry without."""


def _asked(act: str, facts: str) -> tuple[str, str]:
    """Return the act and the request that the *facts* of a stop say were asked for."""
    said = facts_in(act, facts)
    return str(said.get("asked")), str(said.get("request_id"))
