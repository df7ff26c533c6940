"""
Cryptographic primitives, each behind one plain function.

HKDF, AES-GCM, HMAC, Ed25519, Argon2id, and CRC-32 against accidents.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from hongbao.rows import Row

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16
TAG_BYTES = 16  # of AES-GCM
_BLOCK_BYTES = 64  # of SHA-256


class Cost(Row):
    """The cost of one Argon2id computation: passes, memory in KiB, lanes."""

    passes: int
    memory_kib: int
    lanes: int


RFC_9106_LOW_MEMORY = Cost(passes=3, memory_kib=64 * 1024, lanes=4)
"""The second recommended option of RFC 9106 §4, for machines that cannot spare 2 GiB."""

CHEAPEST = Cost(passes=1, memory_kib=8, lanes=1)
"""For a PIN that everyone knows: there is nothing to keep an attacker from."""

COST_MAX = Cost(passes=16, memory_kib=256 * 1024, lanes=16)
"""
More than this in a file is not a choice of ours, it is a way to exhaust the machine.

It leaves room to raise what we choose, and computing it takes seconds and a quarter of a gigabyte.
"""

WORK_MAX = 1024 * 1024
"""No more passes times KiB than that, either: five times what we choose."""


class NotAuthentic(Exception):
    """The bytes were not sealed with this key for this place."""


class NotAHash(Exception):
    """The text is not an encoded Argon2id hash."""


def joined(*parts: bytes) -> bytes:
    """
    Join *parts*, each behind its length, so that no two lists of parts give the same bytes.

    >>> joined(b"ab", b"c") == joined(b"a", b"bc")
    False
    """
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def subkey(secret: bytes, *purpose: bytes) -> bytes:
    """
    Derive the 32-byte key for *purpose* from *secret* with HKDF-SHA256 (RFC 5869).

    The secret is uniformly random, so no salt is needed (RFC 5869 §3.1). The label carries our
    name and the form's version: a later form that derives differently cannot meet an old key.
    """
    return hkdf(secret, salt=None, info=joined(b"hongbao", b"1", *purpose), length=KEY_BYTES)


def hkdf(secret: bytes, *, salt: bytes | None, info: bytes, length: int) -> bytes:
    """Return *length* bytes of HKDF-SHA256 (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length=length, salt=salt, info=info).derive(secret)


def encrypt(key: bytes, nonce: bytes, plain: bytes, about: bytes) -> bytes:
    """Return *plain* under AES-256-GCM (NIST SP 800-38D), its tag behind it, bound to *about*."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(nonce, plain, about)


def decrypt(key: bytes, nonce: bytes, sealed: bytes, about: bytes) -> bytes:
    """Return the plaintext, or raise `NotAuthentic`: never bytes that were altered."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(nonce) != NONCE_BYTES:
        raise NotAuthentic
    try:
        return AESGCM(key).decrypt(nonce, sealed, about)
    except InvalidTag:
        raise NotAuthentic from None


def mac(key: bytes, *parts: bytes) -> bytes:
    """Return HMAC-SHA256 (RFC 2104) over *parts*, each behind its length."""
    import hmac

    return hmac.digest(key, joined(*parts), "sha256")


class SigningKey:
    """
    An Ed25519 private key, made of its *seed* (RFC 8032 §5.1) and ready to sign.

    Making it costs as much as a signature does, so code that signs more than once keeps it.
    """

    __slots__ = ("_key",)

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not copied, pickled or sent anywhere")

    @property
    def public(self) -> bytes:
        """The 32 bytes by which anyone can check what this key has signed."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of *message*."""
        return self._key.sign(message)


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the Ed25519 signature (RFC 8032 §5.1) of *message* by the private key *seed*."""
    return SigningKey(seed).sign(message)


def public_key(seed: bytes) -> bytes:
    """Return the 32 bytes by which anyone can check what `sign` made with *seed*."""
    return SigningKey(seed).public


_FIELD = 2**255 - 19
_OF_ORDER_8 = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8})
"""The second coordinates of the eight points of Ed25519's curve whose order divides eight."""


def is_sound_point(encoded: bytes) -> bool:
    """
    Return whether 32 bytes are a point of Ed25519 that a key pair or a signature can have.

    That is one in its only encoding (RFC 8032 §5.1.3) and not of small order: under such a "key"
    a signature of nothing fits every message, and it has no private half.
    """
    y = int.from_bytes(encoded, "little") & (2**255 - 1)  # the first bit is the other's sign
    return y < _FIELD and y not in _SMALL_ORDER


def signature_fits(public: bytes, message: bytes, signature: bytes) -> bool:
    """
    Return whether *signature* is one of *message* by the owner of *public* (RFC 8032 §5.1.7).

    RFC 8032 lets a verifier accept points that no signer has; here they are refused, in the key and
    in the signature (see `is_sound_point`).
    """
    from cryptography.exceptions import InvalidSignature

    key = _sound_key(public)
    if key is None or not is_sound_point(signature[:KEY_BYTES]):
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1024)  # a check verifies thousands of signatures by the same few devices
def _sound_key(public: bytes) -> Ed25519PublicKey | None:
    """Return *public* as the library takes it; None if no key pair can have it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(public) if is_sound_point(public) else None


def checksum(content: bytes) -> str:
    """
    Return the CRC-32 (RFC 1952) of *content* in hexadecimal: it finds damage, not an enemy.

    >>> checksum(b"123456789")
    'cbf43926'
    """
    return f"{zlib.crc32(content):08x}"


_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
"""What HMAC makes of each byte of its key, for the inner hash and for the outer one."""


class KeyedHash:
    """
    HMAC-SHA256 (RFC 2104) for one key that is used very often.

    The two blocks that HMAC makes of the key are hashed once and the states copied for each
    message. That is RFC 2104's own advice (§4) and twice as fast as `hmac.digest` on short ones:
    `hongbao check` does a million.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        from hashlib import sha256  # its states copy twice as fast as cryptography's

        assert len(key) <= _BLOCK_BYTES
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def digest(self, message: bytes) -> bytes:
        """Return the HMAC of *message*."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def stretch(secret: bytes, salt: bytes, cost: Cost) -> bytes:
    """Return the 32-byte key that Argon2id (RFC 9106) makes of *secret*, at *cost*."""
    from argon2.exceptions import HashingError
    from argon2.low_level import Type, hash_secret_raw

    try:
        return hash_secret_raw(
            secret, salt, cost.passes, cost.memory_kib, cost.lanes, KEY_BYTES, Type.ID
        )
    except HashingError as error:  # the sizes are ours, so memory is what is left to fail
        raise MemoryError(str(error)) from None


def hash_encoded(secret: bytes, salt: bytes, cost: Cost) -> str:
    """Return the Argon2id hash of *secret*, encoded with its salt and its *cost*."""
    from argon2.exceptions import HashingError
    from argon2.low_level import Type, hash_secret

    try:
        encoded = hash_secret(
            secret, salt, cost.passes, cost.memory_kib, cost.lanes, KEY_BYTES, Type.ID
        )
    except HashingError as error:
        raise MemoryError(str(error)) from None
    return encoded.decode("ascii")


def hash_matches(encoded: str, secret: bytes) -> bool:
    """Return whether *encoded* is a hash of *secret*; raise `NotAHash` if it is no hash."""
    from argon2.exceptions import VerificationError, VerifyMismatchError
    from argon2.low_level import Type, verify_secret

    if not _within(_cost(encoded), COST_MAX):
        raise NotAHash
    try:
        return verify_secret(encoded.encode("ascii"), secret, Type.ID)
    except VerifyMismatchError:
        return False
    except VerificationError as error:
        if "emory" in str(error):  # argon2 tells its failures apart by their words alone
            raise MemoryError(str(error)) from None
        raise NotAHash from None


def hash_is_current(encoded: str, cost: Cost) -> bool:
    """Return whether *encoded* was made at *cost*, with the sizes that we use now."""
    from argon2 import Parameters, Type, extract_parameters

    now = Parameters(
        type=Type.ID,
        version=19,
        salt_len=SALT_BYTES,
        hash_len=KEY_BYTES,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
    )
    _cost(encoded)
    return extract_parameters(encoded) == now


def acceptable(cost: Cost) -> bool:
    """Return whether a *cost* read from a file is one that can be meant (see `COST_MAX`)."""
    return _within(cost, COST_MAX)


def _within(cost: Cost, most: Cost) -> bool:
    return (
        all(1 <= mine <= limit for mine, limit in zip(cost, most, strict=True))
        and cost.passes * cost.memory_kib <= WORK_MAX
        and cost.memory_kib >= 8 * cost.lanes  # RFC 9106 §3.1
    )


def _cost(encoded: str) -> Cost:
    from argon2 import Type, extract_parameters

    try:
        found = extract_parameters(encoded)
    except ValueError:  # InvalidHashError is one; so is what unreadable numbers raise
        raise NotAHash from None
    if found.type is not Type.ID or not encoded.isascii():
        raise NotAHash
    return Cost(found.time_cost, found.memory_cost, found.parallelism)
