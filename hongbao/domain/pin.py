"""The payment PIN 支付密码: six digits that do not print, and which are too easy to guess."""

from datetime import date
from itertools import pairwise
from typing import NoReturn

from hongbao.errors import InvalidPin, WeakPin

LENGTH = 6

COMMON = frozenset(
    {"123456", "654321", "111111", "000000", "123123", "666666", "121212", "112233", "789456"}
    | {"159753"}
)
"""
The ten six-digit PINs that people choose most.

P. Markert and others, "This PIN Can Be Easily Guessed" (IEEE S&P 2020). Five wrong ones lock the
wallet, so what matters is that the first few guesses fail.
"""


OF_SANDBOXES = "888888"
"""The PIN of everyone in a sandbox. It is weak, so that no other wallet can have it."""


class Pin:
    """Six digits that do not print, log, pickle or compare by accident."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        if len(digits) != LENGTH or not (digits.isascii() and digits.isdigit()):
            raise InvalidPin  # the digits stay out of the message
        self._digits = digits

    def reveal(self) -> str:
        """Return the digits, for the one who hashes them."""
        return self._digits

    def same_as(self, other: "Pin") -> bool:
        """Return whether *other* has the same digits: a new PIN is typed twice."""
        import hmac  # wakes OpenSSL; most commands compare no PINs

        return hmac.compare_digest(self.reveal(), other.reveal())

    def __repr__(self) -> str:
        return "Pin(••••••)"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a PIN is not compared with ==; see Pin.same_as")

    __hash__ = None  # type: ignore[assignment]  # a set or a dict would compare

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a PIN is not copied or written down")


def check_strength(pin: Pin, birth_date: date | None) -> None:
    """
    Refuse *pin* if it is among the first that a thief would try.

    These are one digit repeated, runs up or down (over the end of the keypad too: 890123), the
    `COMMON` ones, and the holder's *birth_date* in any order that dates are written in.

    >>> check_strength(Pin("246810"), date(1990, 5, 7))
    >>> check_strength(Pin("900507"), date(1990, 5, 7))
    Traceback (most recent call last):
    hongbao.errors.people.WeakPin: this PIN is too easy to guess
    """
    digits = pin.reveal()
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    same_or_run = steps in ({0}, {1}, {9})
    of_birth = birth_date is not None and digits in _written(birth_date)
    if same_or_run or of_birth or digits in COMMON:
        raise WeakPin


def _written(day: date) -> set[str]:
    """Return the ways to write *day* with six digits."""
    forms = ("%y%m%d", "%d%m%y", "%m%d%y", "%y%d%m", "%Y%m", "%m%Y")
    # In May 1990 the seventh is also written 199057, without zeros.
    short = f"{day.year}{day.month}{day.day}"
    return {day.strftime(form) for form in forms} | {short}
