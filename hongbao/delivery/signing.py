"""
Signatures of webhooks, by Standard Webhooks (https://www.standardwebhooks.com).

A receiver gets three headers: ``webhook-id``, the same at every try; ``webhook-timestamp``, when it
was sent, in seconds since 1970; and ``webhook-signature``, ``v1,`` and the base64 of an HMAC-SHA256
over ``id.timestamp.body``, once for each secret, with spaces between them.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from hongbao.errors import InvalidWebhookSecret

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

PREFIX = "whsec_"
VERSION = "v1"
KEY_BYTES = 32
TOLERANCE_SECONDS = 300
"""How old or how early a request may be, as the published libraries have it."""

_KEY_BYTES_ALLOWED = range(24, 65)


class Secret:
    """The key that a sender and a receiver share; it does not print by accident."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Read *text*, ``whsec_`` and base64. Raises InvalidWebhookSecret."""
        encoded = text.strip().removeprefix(PREFIX)
        try:
            self._key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidWebhookSecret from None
        if len(self._key) not in _KEY_BYTES_ALLOWED:
            raise InvalidWebhookSecret

    @classmethod
    def in_line(cls, line: str) -> "Secret":
        """
        Read the last field of *line*: a pipe gets a new secret behind its webhook and a tab.

        Raises InvalidWebhookSecret.
        """
        return cls(line.rpartition("\t")[2])

    @classmethod
    def new(cls, random: Callable[[int], bytes]) -> "Secret":
        """Make a secret from 32 bytes of *random*."""
        return cls(base64.b64encode(random(KEY_BYTES)).decode())

    def reveal(self) -> str:
        """Return it as receivers take it."""
        return PREFIX + base64.b64encode(self._key).decode()

    def sign(self, message: str, timestamp: str, body: bytes) -> str:
        """
        Return the signature of a request.

        >>> secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        >>> secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
        'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
        """
        return f"{VERSION},{_mac(self._key, message, timestamp, body)}"

    def with_text_as_key(self) -> bytes:
        """Return what a program signs with that does not decode the secret."""
        return base64.b64encode(self._key)

    def __repr__(self) -> str:
        return "Secret(••••)"


def headers(message: str, at: datetime, body: bytes, secrets: Sequence[Secret]) -> dict[str, str]:
    """Return the headers of a request that is sent *at* that moment, signed with each secret."""
    timestamp = str(int(at.timestamp()))
    return {
        ID: message,
        TIMESTAMP: timestamp,
        SIGNATURE: " ".join(secret.sign(message, timestamp, body) for secret in secrets),
    }


def problems(
    found: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: datetime | None
) -> list[str]:
    """
    Return what is wrong with a request, as codes; none if it is genuine.

    *found* are its headers, with names in lower case. Its age is judged by *now*, if given.
    """
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not found.get(name, "").strip()]
    if missing:
        return [f"no_{name.partition('-')[2]}" for name in missing]
    timestamp = found[TIMESTAMP].strip()
    wrong = [*_wrong_time(timestamp, now)]
    message, signatures = found[ID].strip(), found[SIGNATURE].split()
    if any(_fits(secret.sign(message, timestamp, body), signatures) for secret in secrets):
        return wrong
    return [*wrong, _reason(message, timestamp, body, signatures, secrets)]


def _wrong_time(timestamp: str, now: datetime | None) -> list[str]:
    if re.fullmatch(r"[0-9]{1,15}", timestamp) is None:
        return ["timestamp_unreadable"]
    seconds = int(timestamp)
    if seconds > 1 << 36:
        return ["timestamp_in_milliseconds"]
    if now is not None:
        age = (now - datetime.fromtimestamp(seconds, UTC)).total_seconds()
        if age > TOLERANCE_SECONDS:
            return ["too_old"]
        if age < -TOLERANCE_SECONDS:
            return ["too_new"]
    return []


def _reason(
    message: str, timestamp: str, body: bytes, signatures: Sequence[str], secrets: Sequence[Secret]
) -> str:
    """Return the most likely reason why no signature fits: mistakes that others have made."""
    if not any(signature.startswith(f"{VERSION},") for signature in signatures):
        bare = [f"{VERSION},{signature}" for signature in signatures]
        if any(_fits(secret.sign(message, timestamp, body), bare) for secret in secrets):
            return "version_missing"
        return "no_v1"
    for secret in secrets:
        for other in (body + b"\n", body + b"\r\n", body.rstrip(b"\r\n")):
            if other != body and _fits(secret.sign(message, timestamp, other), signatures):
                return "body_line_end"
        if _fits(
            f"{VERSION},{_mac(secret.with_text_as_key(), message, timestamp, body)}", signatures
        ):
            return "secret_not_decoded"
        whole = (PREFIX.encode()) + secret.with_text_as_key()
        if _fits(f"{VERSION},{_mac(whole, message, timestamp, body)}", signatures):
            return "secret_not_decoded"
        digest = base64.b64decode(secret.sign(message, timestamp, body).partition(",")[2]).hex()
        if _fits(f"{VERSION},{digest}", [signature.lower() for signature in signatures]):
            return "hexadecimal"
    return "signature_differs"


def _fits(expected: str, signatures: Sequence[str]) -> bool:
    return any(
        hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures
    )


def _mac(key: bytes, message: str, timestamp: str, body: bytes) -> str:
    signed = f"{message}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
