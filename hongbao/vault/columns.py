"""Sealed columns: what a database's administrator must not read, encrypted value by value."""

import os
from functools import cache

from hongbao.vault.primitives import NotAuthentic, hkdf, joined

MARK = b"\xffhb\xfe1\xff\x00"
"""What a sealed value begins with: no UTF-8, and one in 2^56 of random bytes."""

_KEY_BYTES = 64
_NONCE_BYTES = 16
_TEXT, _BYTES, _NUMBER = b"t", b"b", b"n"


@cache
def _head(column: str, nonce_bytes: int) -> bytes:
    """Return what each value of *column* begins with, up to its nonce."""
    name = column.encode()
    return MARK + bytes([len(name), nonce_bytes]) + name


class ColumnKey:
    """
    The key of a ledger's sealed columns, made from the *secret* that a file's pages would have.

    AES-SIV (RFC 5297). A column that is looked up, or unique, has the same bytes for the same
    value, so an administrator sees which of its rows are alike; every other value has a nonce. A
    value names its column, which is authentic with it: where rows are moved, or values swapped, the
    seals of the rows say so.
    """

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        info = joined(b"hongbao", b"1", b"sealed columns")
        self._cipher = AESSIV(hkdf(secret, salt=None, info=info, length=_KEY_BYTES))

    def seal(self, column: str, value: str | bytes | int, *, alike: bool) -> bytes:
        """Return *value* sealed for *column*; with *alike*, the same bytes for the same value."""
        if isinstance(value, str):
            plain = _TEXT + value.encode()
        elif isinstance(value, bytes):
            plain = _BYTES + value
        else:
            plain = _NUMBER + str(int(value)).encode()
        head = _head(column, 0 if alike else _NONCE_BYTES)
        if not alike:
            head += os.urandom(_NONCE_BYTES)
        return head + self._cipher.encrypt(plain, [head])

    def open(self, sealed: bytes) -> str | bytes | int:
        """Return the value that *sealed* holds. Raises NotAuthentic if it was altered."""
        from cryptography.exceptions import InvalidTag

        try:
            sizes = len(MARK)
            end = sizes + 2 + sealed[sizes] + sealed[sizes + 1]
            plain = self._cipher.decrypt(sealed[end:], [sealed[:end]])
        except (InvalidTag, IndexError, ValueError):
            raise NotAuthentic from None
        kind, value = plain[:1], plain[1:]
        if kind == _BYTES:
            return value
        return value.decode() if kind == _TEXT else int(value)
