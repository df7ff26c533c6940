"""Codes of an authenticator app: TOTP (RFC 6238), computed by `cryptography`."""

import base64
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from hongbao.errors import InvalidCode
from hongbao.units import from_micros, to_micros

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES = 20
"""160 bits, which RFC 4226 §4 (R6) recommends, and what every app takes."""

SECRET_BYTES_LEAST = 16
"""RFC 4226 §4 (R6) asks for 128 bits."""

SECRET_BYTES_MOST = 64

STEP_SECONDS = 30
DIGITS = 6
ISSUER = "hongbao"

_STEP_MICROS = STEP_SECONDS * 1_000_000
_TYPED_MAX = 32


def new_secret(random: Callable[[int], bytes]) -> bytes:
    """Return a secret to share with an app; *random* is the system's own source."""
    return random(SECRET_BYTES)


def code_at(secret: bytes, at: datetime) -> str:
    """Return the six digits that an app with *secret* shows at the moment *at*."""
    return _code(_generator(secret), step_at(at))


def step_at(at: datetime) -> int:
    """Return the number of the time step that holds *at*: 30 seconds each, since 1970 in UTC."""
    return to_micros(at) // _STEP_MICROS


def matching_step(secret: bytes, code: str, at: datetime, after: int) -> int | None:
    """
    Return the time step whose code *code* is; None if it is wrong, or was used before.

    Accepted are the code of the moment *at*, of the step before it, for who types slowly, and of
    the step after it, for a clock that is fast (RFC 6238 §5.2). Only steps above *after* count:
    keep the step that is returned, and no code opens twice. All three are computed and compared
    for any outcome, so that its time reveals nothing.

    Accepted: one guess in 333,333 fits one of the three. Count the tries, as with a PIN.

    Raises InvalidCode if *code* is not six digits: then nothing was tried.
    """
    import hmac

    digits = parse_code(code)
    generator = _generator(secret)
    now = step_at(at)
    fitting = [
        step
        for step in range(max(now - 1, 0), now + 2)
        if hmac.compare_digest(_code(generator, step), digits) and step > after
    ]
    # Were two alike, the later one counts: the earlier could be used again after it.
    return fitting[-1] if fitting else None


def parse_code(text: str) -> str:
    """
    Return the six digits that *text* spells: apps show them in two groups, so spaces may stand.

    Raises InvalidCode, which does not repeat what was typed.

    >>> parse_code(" 287 082 ")
    '287082'
    """
    if len(text) > _TYPED_MAX:
        raise InvalidCode
    digits = "".join(unicodedata.normalize("NFKC", text).split())  # of a Chinese keyboard, too
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise InvalidCode
    return digits


def base32(secret: bytes) -> str:
    """
    Return *secret* as it is typed into an app that cannot read the `uri`.

    >>> base32(b"12345678901234567890")
    'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
    """
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def parse_secret(text: str) -> bytes | None:
    """
    Return the secret that *text* spells as `base32` or as a `uri` does; None if it is neither.

    >>> parse_secret("gezd gnbv gy3t qojq gezd gnbv gy3t qojq")
    b'12345678901234567890'
    """
    address = r"otpauth://totp/\S*?[?&]secret=([A-Za-z2-7]+)(?:=|%3D)*(?:&\S*)?"
    held = re.fullmatch(address, text.strip())
    letters = (held[1] if held else "".join(text.split())).upper()
    try:
        secret = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        return None
    return secret if SECRET_BYTES_LEAST <= len(secret) <= SECRET_BYTES_MOST else None


def next_code_at(at: datetime) -> datetime:
    """Return when an app stops showing the code of the moment *at*."""
    return from_micros((step_at(at) + 1) * _STEP_MICROS)


def uri(secret: bytes, profile: str) -> str:
    """
    Return the address by which an app takes over *secret*, for *profile*'s wallet.

    Its form is that of https://github.com/google/google-authenticator/wiki/Key-Uri-Format. It is
    the secret: show it once, to its owner.
    """
    return _generator(secret).get_provisioning_uri(profile, ISSUER)


def _generator(secret: bytes) -> "TOTP":
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    # SHA-1 is what apps know; HMAC does not need the collision resistance that it has lost.
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303


def _code(generator: "TOTP", step: int) -> str:
    return generator.generate(step * STEP_SECONDS).decode("ascii")
