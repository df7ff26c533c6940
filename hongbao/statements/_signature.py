"""
The signature of a statement: whose key, over which bytes, and at which ledger head.

It is one JSON object. What is signed is all of it but ``signature``, as canonical JSON: UTF-8, keys
sorted, no spaces. Among it are the length and the SHA-256 of the statement's own bytes, so that
anyone with the file and the key can check both with any tool, and the ledger's head, whose MAC
covers all that came before.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from hongbao.documents import to_json
from hongbao.units import iso_or_none

if TYPE_CHECKING:
    from hongbao.queries.statement import Statement
    from hongbao.statements import Style

SCHEMA = "hongbao/signature@1"
"""What a signature says it is; the number grows when a reader would have to change."""


class Hashed:
    """
    A file that is written from its beginning to its end, and hashed on the way.

    It cannot be sought in, so archives are written as streams.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._digest = hashlib.sha256()
        self.length = 0

    def write(self, content: bytes) -> int:
        self._out.write(content)
        self._digest.update(content)
        self.length += len(content)
        return len(content)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._out.flush()

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def block(statement: "Statement", format_name: str, style: "Style", written: Hashed) -> bytes:
    """Return the signature, on one line, of the statement that was *written*."""
    facts: dict[str, object] = {
        "schema": SCHEMA,
        "format": format_name,
        "language": style.language,
        "root": style.root,
        "profile": statement.profile,
        "masked": statement.masked,
        "full": statement.full,
        "from": iso_or_none(statement.since),
        "to": iso_or_none(statement.until),
        "opening_fen": statement.opening_fen,
        "closing_fen": statement.closing_fen,
        "in_fen": statement.in_fen,
        "out_fen": statement.out_fen,
        "count": statement.count,
        "head": statement.head,
        "bytes": written.length,
        "sha256": written.hexdigest(),
        "public_key": statement.signer.public_key.hex(),
    }
    if statement.checkpoint is not None:
        facts["checkpoint"] = statement.checkpoint
    return signed(facts, statement.signer.sign)


def signed(facts: Mapping[str, object], sign: Any) -> bytes:
    """
    Return *facts* with their signature, on one line, harmless in a comment of any format.

    No two hyphens stand side by side, because they would end an XML comment.
    """
    return rendered({**facts, "signature": sign(canonical(facts)).hex()})


def rendered(whole: Mapping[str, object]) -> bytes:
    """Return a signature as it is in a file, in the one way in which `signed` writes it."""
    return to_json(whole).replace("--", "-\\u002d").encode()


def canonical(facts: Mapping[str, object]) -> bytes:
    """
    Return the signed bytes: *facts* without their signature, in canonical form.

    >>> canonical({"to": None, "from": "2026", "signature": "00"})
    b'{"from":"2026","to":null}'
    """
    said = {name: fact for name, fact in facts.items() if name != "signature"}
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
