"""Ids: short enough to say on the telephone, and wrong when one character is."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from zlib import crc32

from hongbao import errors
from hongbao.errors import UsageError
from hongbao.units import to_micros

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32 (https://www.crockford.com/base32.html): no I, L, O or U."""

PACKET_PREFIX = "hb_"
CASE_PREFIX = "rc_"
CHALLENGE_PREFIX = "ch_"
BILL_PREFIX = "bl_"
REQUEST_PREFIX = "rq_"
EVENT_PREFIX = "ev_"
MOVEMENT_PREFIX = "HB"
PACKET_ID_BYTES = 5
REQUEST_ID_BYTES = 16

MARKS, ENTRIES = 10**6, 10**9
"""How many homes a movement's id can tell apart, and how many entries it has nine digits for."""

NUMBERS = 2**53
"""What every number of an entry is less than, also of one that is numbered by the time."""

_VALUE = {symbol: value for value, symbol in enumerate(CROCKFORD)}
_PAIRS = [first + second for first in CROCKFORD for second in CROCKFORD]
_LOOKALIKES = str.maketrans("ILO", "110")
_SYMBOLS = 8
_PLATFORM = "1000039501"
_LONG = 11
_MOVEMENT_ID = (
    rf"(?:{MOVEMENT_PREFIX})?{_PLATFORM}[0-9]{{6}}([0-9]{{6}})"
    rf"(?:([0-9]{{9}})|([{CROCKFORD}]{{{_LONG}}}))"
)
_EVENT_ID = rf"{EVENT_PREFIX}[0-9]{{6}}_([0-9]{{1,18}})_[0-9a-f]{{8}}"
_REQUEST_ID = r"[A-Za-z0-9\-_.:]{1,64}"


def packet_id(raw: bytes) -> str:
    """
    Write the first 35 bits of *raw* as a packet's id: seven symbols and a check symbol.

    The caller draws *raw* and, because 35 bits meet again after some 200,000 packets, draws
    again when a home already has the id. So it is with cases, challenges and bills.

    >>> packet_id(bytes.fromhex("0123456789"))
    'hb_04HMASWS'
    """
    return _checked(PACKET_PREFIX, raw)


def case_id(raw: bytes) -> str:
    """
    Write the first 35 bits of *raw* as a review case's id.

    >>> case_id(bytes.fromhex("0123456789"))
    'rc_04HMASWS'
    """
    return _checked(CASE_PREFIX, raw)


def challenge_id(raw: bytes) -> str:
    """
    Write the first 35 bits of *raw* as a challenge's id.

    >>> challenge_id(bytes.fromhex("0123456789"))
    'ch_04HMASWS'
    """
    return _checked(CHALLENGE_PREFIX, raw)


def bill_id(raw: bytes) -> str:
    """
    Write the first 35 bits of *raw* as an imported bill's id.

    >>> bill_id(bytes.fromhex("0123456789"))
    'bl_04HMASWS'
    """
    return _checked(BILL_PREFIX, raw)


def parse_packet_id(text: str) -> str:
    """
    Return the packet's id that *text* spells, in its one canonical form.

    Case, hyphens, spaces around it and a missing ``hb_`` do not matter, and I and L are read as 1
    and O as 0, as Crockford has it. Any single wrong symbol and any two symbols that changed
    places are refused (see `_weighed`).

    >>> parse_packet_id(" hb_7q2m-4k9x ")
    'hb_7Q2M4K9X'
    >>> parse_packet_id("hb_7Q2M4K9W")
    Traceback (most recent call last):
    hongbao.errors.values.InvalidPacketId: 'hb_7Q2M4K9W' is not a packet ID: at least one \
character is wrong
    """
    return _parsed(PACKET_PREFIX, text, errors.InvalidPacketId)


def parse_case_id(text: str) -> str:
    """Return the case's id that *text* spells as carelessly as a packet's; or InvalidCaseId."""
    return _parsed(CASE_PREFIX, text, errors.InvalidCaseId)


def parse_challenge_id(text: str) -> str:
    """Return the challenge's id that *text* spells in the same way, or raise InvalidChallengeId."""
    return _parsed(CHALLENGE_PREFIX, text, errors.InvalidChallengeId)


def parse_bill_id(text: str) -> str:
    """Return the imported bill's id that *text* spells in the same way, or raise InvalidBillId."""
    return _parsed(BILL_PREFIX, text, errors.InvalidBillId)


def _checked(prefix: str, raw: bytes) -> str:
    assert len(raw) >= PACKET_ID_BYTES

    body = _encode(int.from_bytes(raw[:PACKET_ID_BYTES], "big") >> 5, _SYMBOLS - 1)
    # The last symbol has weight one, so whatever the sum lacks with a 0 there is the check.
    return prefix + body + CROCKFORD[_weighed(body + "0")]


def _parsed(prefix: str, text: str, refusal: Callable[[str], UsageError]) -> str:
    bare = text.strip().replace("-", "")
    # ASCII first: outside it, upper() turns strangers such as ı and ſ into our letters.
    if len(bare) > len(prefix) + _SYMBOLS or not bare.isascii():
        raise refusal(text)
    symbols = bare.upper().removeprefix(prefix.upper()).translate(_LOOKALIKES)
    if len(symbols) != _SYMBOLS or not _VALUE.keys() >= set(symbols):
        raise refusal(text)
    if _weighed(symbols) != 0:
        raise refusal(text)
    return prefix + symbols


def request_id(raw: bytes) -> str:
    """
    Write *raw*'s 128 bits as a request id.

    >>> request_id(bytes(15) + b"\\x2a")
    'rq_0000000000000000000000001A'
    """
    assert len(raw) == REQUEST_ID_BYTES

    return REQUEST_PREFIX + _encode(int.from_bytes(raw, "big"), 26)


def home_mark(made_at: datetime) -> int:
    """
    Return six digits' worth of what tells a home that was made at *made_at* from others.

    >>> home_mark(datetime.fromisoformat("2026-02-16T20:00:00+08:00"))
    630962
    """
    return crc32(b"%d" % to_micros(made_at)) % MARKS


def movement_id(mark: int, at: str, entry: int) -> str:
    """
    Write the id by which other programs know what *entry* did to a balance *at* that instant.

    The instant is as `hongbao.units.iso` writes it.

    ``HB``, then digits as a WeChat bill has them: the red packets' own number there, China's day,
    the home's *mark* and the entry's number. It fits what every format allows, 35 letters and
    digits; its letters keep readers from taking it for a number, which some round. A number of more
    than nine digits, as a ledger on a cluster has them, is written in base 32.

    >>> movement_id(630962, "2026-02-16T20:00:00+08:00", 12)
    'HB1000039501260216630962000000012'
    >>> movement_id(630962, "2026-02-16T20:00:00+08:00", 2**50)
    'HB100003950126021663096210000000000'
    """
    assert 0 < entry < NUMBERS
    number = f"{entry:09d}" if entry < ENTRIES else _encode(entry, _LONG)
    return f"{_on_day(mark, at[:10])}{number}"


@lru_cache(maxsize=64)
def _on_day(mark: int, day: str) -> str:
    """Return how all ids of a *day* begin: a statement has many of each."""
    return f"{MOVEMENT_PREFIX}{_PLATFORM}{day[2:].replace('-', '')}{mark:06d}"


def event_id(mark: int, entry: int, *about: object) -> str:
    """
    Write the id by which other programs know the event of *entry* in the home with that *mark*.

    It ends in a digest of what the entry is *about*: where a whole home is put back to an older
    day, a number is given a second time, and receivers would take the new event for the old one.

    >>> event_id(630962, 12, "claim", "rq_1")
    'ev_630962_12_26866680'
    """
    text = "\0".join(map(str, (entry, *about)))
    from hashlib import sha256  # wakes OpenSSL

    return f"{EVENT_PREFIX}{mark:06d}_{entry}_{sha256(text.encode()).hexdigest()[:8]}"


def event_number(text: str) -> int | None:
    """
    Return the number of the event whose id *text* is, if it is one.

    >>> event_number("ev_630962_12_26866680"), event_number("12")
    (12, None)
    """
    found = re.fullmatch(_EVENT_ID, text.strip())
    return found and int(found[1])


def account_id(mark: int, profile: int) -> str:
    """
    Write the id by which banks' formats know the balance of a home's *profile*.

    It begins with letters for the same reason as a movement's, and fits the 22 characters of OFX.

    >>> account_id(630962, 2)
    'HB630962-2'
    """
    assert 0 < profile < ENTRIES
    return f"{MOVEMENT_PREFIX}{mark:06d}-{profile}"


def parse_movement_id(text: str) -> tuple[int, int] | None:
    """
    Return the home's mark and the entry that the movement's id *text* is made of, if it is one.

    >>> parse_movement_id("hb1000039501260216630962000000012")
    (630962, 12)
    """
    found = re.fullmatch(_MOVEMENT_ID, text.strip().upper())
    return found and (int(found[1]), int(found[2]) if found[2] else _decoded(found[3]))


def check_request_id(text: str) -> str:
    """
    Return *text* if it can be a request id: 1 to 64 letters, digits or any of ``- _ . :``.

    Callers bring their own, so nothing is normalised: two spellings are two requests. The bar
    ``|`` stays out because it separates the fields that a share's draw is made from.

    >>> check_request_id("order-2026:17")
    'order-2026:17'
    """
    if re.fullmatch(_REQUEST_ID, text) is None:
        raise errors.InvalidRequestId
    return text


def _encode(number: int, length: int) -> str:
    """Write *number* in Crockford's base 32, padded with zeros to *length* symbols."""
    pairs = [_PAIRS[number >> shift & 1023] for shift in range(length // 2 * 10, -1, -10)]
    return "".join(pairs)[-length:]


def _decoded(symbols: str) -> int:
    number = 0
    for symbol in symbols:
        number = number * 32 + _VALUE[symbol]
    return number


def _weighed(symbols: str) -> int:
    """
    Add up *symbols* in GF(32), each weighed by its own power of x; an id's sum is zero.

    The field is GF(2)[x] / (x^5 + x^2 + 1), in which x generates all 31 elements but zero, so the
    eight weights x^7 … x^0 differ and none is zero. Replacing one symbol changes the sum by
    weight × difference, and exchanging two changes it by difference of weights × difference of
    symbols. Neither product can be zero, because a field has no zero divisors: every single
    substitution and every transposition, of neighbours or not, is found. Crockford's own modulo 37
    finds them too, but needs five more symbols, among them ``*`` and ``$``, which shells obey.
    """
    total = 0
    for symbol in symbols:
        total = total << 1 ^ (0b100101 if total & 0b10000 else 0) ^ _VALUE[symbol]
    return total
