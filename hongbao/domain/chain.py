"""The bytes that an entry is sealed by: the same facts always give the same bytes."""

import json
from collections.abc import Iterable, Mapping

from hongbao.domain.ledger import Transfer


def canonical(fields: Iterable[object], transfers: Iterable[tuple[object, ...]]) -> bytes:
    """
    Return an entry's *fields* and its *transfers*, in order, as bytes that nothing else gives.

    JSON keeps the borders between values, so no value can lend characters to its neighbour.

    >>> canonical([1, "send", b"ab"], [("platform", 1, 2, 500, "send")])
    b'[[1,"send","6162"],[["platform",1,2,500,"send"]]]'
    """
    return _ENCODER.encode([list(fields), list(transfers)]).encode()


def line(transfer: Transfer) -> tuple[object, ...]:
    """Return *transfer* as the chain knows it: book, debit, credit, amount, reason."""
    debit, credit, amount_fen, reason = transfer
    return (debit.book, debit.id, credit.id, amount_fen, str(reason))


def digest(act: str, inputs: Mapping[str, object]) -> bytes:
    """Return what tells two requests of one id apart: SHA-256 over the act and its inputs."""
    import hashlib  # wakes OpenSSL; looking at a balance digests nothing

    return hashlib.sha256(_SORTING_ENCODER.encode([act, inputs]).encode()).digest()


def statement(
    profile: int,
    device: int,
    session: int,
    act: str,
    request_id: str,
    inputs: bytes,
    counter: int,
) -> bytes:
    """
    Return what a device signs of an act: who asks from where for what, and which of its acts it is.

    *inputs* is the request's `digest`; *counter* is the device's own, and is never used again.
    """
    return canonical((profile, device, session, act, request_id, inputs, counter), ())


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"an entry holds no {type(value).__name__}")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)
_SORTING_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
