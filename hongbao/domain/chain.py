"""The bytes that an entry is sealed by: the same facts always give the same bytes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import NamedTuple

from hongbao.domain.ledger import Transfer


class Act(NamedTuple):
    """The parts of one act that a seal covers: its *fields*, its transfers, the rows it left."""

    fields: Sequence[object]
    lines: Sequence[tuple[object, ...]] = ()
    rows: Sequence[tuple[str, str, bytes | None]] = ()


def canonical(acts: Iterable[Act]) -> bytes:
    """
    Return the *acts* of one entry, in order, as bytes that nothing else gives.

    JSON keeps the borders between values, so no value can lend characters to its neighbour.

    >>> canonical([Act([1, "send", b"ab"], [("platform", "balance", 2, "packet", 1, 500, "send")])])
    b'[[[1,"send","6162"],[["platform","balance",2,"packet",1,500,"send"]],[]]]'
    """
    return entry_of(map(encoded, acts))


def encoded(act: Act) -> str:
    """Return *act* written out with `act_of`."""
    fields, lines, rows = act
    return act_of(values(fields), together(lines), together(rows))


def entry_of(acts: Iterable[str]) -> bytes:
    """Return the bytes of the entry whose *acts* were written out with `act_of`."""
    return f"[{','.join(acts)}]".encode()


def act_of(fields: Iterable[str], lines: str, rows: str) -> str:
    """Write out the act of these *fields*, whose `values` they are, with its *lines* and *rows*."""
    return f"[[{','.join(fields)}],[{lines}],[{rows}]]"


def together(rows: Iterable[Iterable[object]]) -> str:
    """Return *rows*, each with its values, as `act_of` takes them."""
    return ",".join([f"[{','.join(values(row))}]" for row in rows])


def values(row: Iterable[object]) -> list[str]:
    """
    Return each of the values of a *row* as JSON, as `canonical` has them between commas.

    The commonest types are written out here, which takes half as long as an encoder.
    """
    return [
        f"{value}"
        if (kind := type(value)) is int
        else encode_basestring(value)  # type: ignore[arg-type]  # that it is text was asked
        if kind is str
        else "null"
        if value is None
        else f'"{value.hex()}"'  # type: ignore[attr-defined]
        if kind is bytes
        else _ENCODER.encode(value)
        for value in row
    ]


def _encoded(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def line(transfer: Transfer) -> tuple[object, ...]:
    """Return *transfer* as the chain knows it: book, debit, credit, amount, reason."""
    debit, credit, amount_fen, reason = transfer
    kinds = (str(debit.kind), debit.owner, str(credit.kind), credit.owner)
    return (debit.book, *kinds, amount_fen, str(reason))


def state(table: str, key: str, row: Iterable[object]) -> bytes:
    """Return a row of state as its seal knows it: the same row always gives the same bytes."""
    return _encoded([table, key, list(row)])


def digest(act: str, inputs: Mapping[str, object]) -> bytes:
    """Return the digest of a request: SHA-256 over the act and its inputs."""
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
    Return the bytes that a device signs: profile, device, request, and the device's counter.

    *inputs* is the request's `digest`; *counter* is the device's own, and is never used again.
    """
    said = values((profile, device, session, act, request_id, inputs, counter))
    return f"[{','.join(said)}]".encode()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"an entry holds no {type(value).__name__}")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_plain
)
_SORTING_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
