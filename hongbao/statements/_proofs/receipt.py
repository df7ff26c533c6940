"""
Receipts: one payment on one line, signed.

The line is the receipt; every other form is made from it (see `hongbao.statements._proofs.slip`).
docs/reference/statements/signature.md says field by field what is in it.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from hongbao.domain.ids import parse_movement_id
from hongbao.domain.log.checkpoint import Malformed, parse_checkpoint
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import ReceiptShown
    from hongbao.queries.receipts import Receipt
    from hongbao.queries.statement import Signer

SCHEMA = "hongbao/receipt@1"
MARKS = ("HBR1", "HBR2")
"""
What the line begins with; its number grows when a reader would have to change.

The second is of a ledger whose log has checkpoints, and names the newest one.
"""

FIELDS = (
    *("id", "act", "status", "at", "amount_fen", "fee_fen", "payer", "payee", "shares"),
    *("out_of", "into", "packet", "payment", "request_id", "masked", "mac", "public_key"),
)
"""What stands between the bars, in this order; behind it stands the signature."""

_FIELDS = dict(zip(MARKS, (FIELDS, (*FIELDS, "checkpoint")), strict=True))

_WHOLE = frozenset({"amount_fen", "fee_fen", "shares"})
_BYTES = {"mac": 32, "public_key": 32}
_SIGNATURE_BYTES = 64
_SIGNATURE_LENGTH = 86
_QUOTED = re.compile(r"[%|\s]")
_UNQUOTED = re.compile(rb"%([0-9A-F]{2})")


class Sealed(NamedTuple):
    """A receipt's *line*, what it says, and its signature."""

    line: str
    facts: dict[str, Any]
    signature: bytes

    @property
    def fits(self) -> bool:
        """Whether the key that it names, whosever that is, has signed it."""
        from hongbao.vault import verify

        said = self.line.rpartition("|")[0].encode()
        return verify(self.facts["public_key"], said, self.signature)

    def shown(self) -> ReceiptShown:
        """Return the receipt for programs."""
        facts = {
            name: fact.hex() if isinstance(fact, bytes) else fact
            for name, fact in self.facts.items()
        }
        numbered = parse_movement_id(facts["id"])
        assert numbered is not None
        mac, public_key = facts.pop("mac"), facts.pop("public_key")
        shown: Any = {
            "schema": SCHEMA,
            **facts,
            "entry": numbered[1],
            "mac": mac,
            "public_key": public_key,
            "signature": self.signature.hex(),
            "receipt": self.line,
        }
        return shown  # type: ignore[no-any-return]


def sealed(receipt: Receipt, signer: Signer) -> Sealed:
    """Return *receipt* on its line, signed."""
    facts = {**receipt._asdict(), "public_key": signer.public_key}
    if facts["checkpoint"] is None:
        del facts["checkpoint"]
    said = _said(facts)
    signature = signer.sign(said.encode())
    return Sealed(f"{said}|{to_base64(signature)}", facts, signature)


def parse(line: str) -> Sealed | None:
    """Parse the *line* of a receipt; None if it is not such a line, or not complete."""
    from hongbao.queries.history import ACTS
    from hongbao.queries.receipts import STATUSES

    mark, *fields = line.split("|")
    names = _FIELDS.get(mark)
    if names is None or len(fields) != len(names) + 1:
        return None
    try:
        facts = {name: _read(name, text) for name, text in zip(names, fields[:-1], strict=True)}
        signature = from_base64(fields[-1], _SIGNATURE_BYTES)
        is_ours = (
            f"{_said(facts)}|{to_base64(signature)}" == line  # there is one way to write it
            and parse_movement_id(facts["id"]) is not None
            and iso(datetime.fromisoformat(facts["at"])) == facts["at"]
            and facts["act"] in ACTS
            and facts["status"] in STATUSES
            and None not in (facts["amount_fen"], facts["fee_fen"], facts["payer"])
            and None not in (facts["out_of"], facts["into"], facts["request_id"])
            and ("checkpoint" not in facts or parse_checkpoint(facts["checkpoint"]) is not None)
        )
    except (ValueError, TypeError, OverflowError, Malformed):
        return None
    return Sealed(line, facts, signature) if is_ours else None


def is_torn(line: str) -> bool:
    """Return whether *line* is the beginning of a receipt's: a field is missing, or half of one."""
    fields = line.split("|")
    return (
        len(fields) < len(_FIELDS.get(fields[0], FIELDS)) + 2 or len(fields[-1]) < _SIGNATURE_LENGTH
    )


def to_base64(content: bytes) -> str:
    """Return *content* in base64 for URLs, without the signs that only fill up."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def from_base64(text: str, length: int) -> bytes:
    """Decode the *length* bytes that `to_base64` encoded; or raise ValueError."""
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(content) != length:
        raise ValueError("too short or too long")
    return content


def _said(facts: dict[str, Any]) -> str:
    mark = MARKS["checkpoint" in facts]
    return "|".join([mark, *(_written(name, facts[name]) for name in _FIELDS[mark])])


def _written(name: str, fact: Any) -> str:
    if name == "masked":
        return "masked" if fact else ""
    if fact is None:
        return ""
    if name in _BYTES:
        return to_base64(fact)
    return _QUOTED.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), str(fact))


def _read(name: str, text: str) -> Any:
    if name == "masked":
        return text == "masked"
    if name in _BYTES:
        return from_base64(text, _BYTES[name])
    if not text:
        return None
    if name in _WHOLE:
        if re.fullmatch(r"[0-9]{1,18}", text) is None:
            raise ValueError("no whole number")
        return int(text)
    return _UNQUOTED.sub(lambda found: bytes([int(found[1], 16)]), text.encode()).decode()
