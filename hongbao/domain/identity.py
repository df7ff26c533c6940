"""Identity: resident ID numbers, real names and bank card numbers, parsed and masked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType

from hongbao.errors import InvalidCardNumber, InvalidIdNumber, InvalidRealName, UnknownBank
from hongbao.rows import Row
from hongbao.words import BANK_NAMES

# --- resident ID numbers 公民身份号码 -----------------------------------------------------------

REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "11": "北京",
        "12": "天津",
        "13": "河北",
        "14": "山西",
        "15": "内蒙古",
        "21": "辽宁",
        "22": "吉林",
        "23": "黑龙江",
        "31": "上海",
        "32": "江苏",
        "33": "浙江",
        "34": "安徽",
        "35": "福建",
        "36": "江西",
        "37": "山东",
        "41": "河南",
        "42": "湖北",
        "43": "湖南",
        "44": "广东",
        "45": "广西",
        "46": "海南",
        "50": "重庆",
        "51": "四川",
        "52": "贵州",
        "53": "云南",
        "54": "西藏",
        "61": "陕西",
        "62": "甘肃",
        "63": "青海",
        "64": "宁夏",
        "65": "新疆",
        "71": "台湾",
        "81": "香港",
        "82": "澳门",
        "83": "台湾居民居住证",
    }
)
"""The first two digits: GB/T 2260's provinces, and 83, which only residence permits use."""

DEMO_REGION = "999999"
"""
What the numbers begin with that are no one's (see `demo_id_number`).

A number that begins with 9 is that of a permanent residence card (外国人永久居留证): after the 9
come a province of GB/T 2260 and the country's three digits from ISO 3166-1. There is no province
99, and no country has 999.
"""

UNDIVIDED = frozenset({"71", "81", "82", "83"})
"""
The regions that GB/T 2260 does not divide into counties: their other four digits are zeros.

Such are the residence permits (港澳台居民居住证, since 2018-09-01) of people from Hong Kong 810000,
Macao 820000 and Taiwan 830000.
"""

YEAR_FIRST = 1900

_ID_NUMBER = re.compile(r"[0-9]{17}[0-9Xx]")


class IdNumber(Row):
    """A valid resident ID number, which does not print or log by accident."""

    number: str
    birth_date: date
    region: str

    def __repr__(self) -> str:
        return "IdNumber()"


def parse_id_number(text: str, today: date) -> IdNumber:
    """
    Read *text* as a resident ID number of GB 11643, held by someone born by *today*.

    These are six digits of region, eight of birth date, three of order, and a check character of
    ISO 7064 MOD 11-2, in which X is ten. A small x is read as X and spaces around the number do
    not matter; full-width digits are refused. `InvalidIdNumber` says which part is wrong, the
    leftmost first.

    >>> parse_id_number("11010519491231002x", date(2026, 11, 23)).birth_date
    datetime.date(1949, 12, 31)
    >>> parse_id_number("110105194902300021", date(2026, 11, 23))  # a 30th of February
    Traceback (most recent call last):
    hongbao.errors.people.InvalidIdNumber: the ID number is not valid: its birth date does not \
exist or is in the future
    """
    number = text.strip().upper() if len(text) < 100 else ""
    if _ID_NUMBER.fullmatch(number) is None:
        raise InvalidIdNumber("length")
    region, county = number[:2], number[2:6]
    is_known = region in REGIONS and (county == "0000") == (region in UNDIVIDED)
    if not (is_known or number.startswith(DEMO_REGION)):
        raise InvalidIdNumber("region")
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise InvalidIdNumber("birth_date") from None
    if birth_date.year < YEAR_FIRST or birth_date > today:
        raise InvalidIdNumber("birth_date")
    if number[17] != id_check_character(number[:17]):
        raise InvalidIdNumber("check")
    return IdNumber(number, birth_date, region)


def id_check_character(payload: str) -> str:
    """
    Return the check character after *payload*'s 17 digits: ISO 7064 MOD 11-2.

    >>> id_check_character("11010519491231002")
    'X'
    """
    remainder = 0
    for digit in payload:
        remainder = (remainder + int(digit)) * 2 % 11
    return "0123456789X"[(1 - remainder) % 11]


def demo_id_number(serial: int) -> str:
    """
    Return ID number *serial* of those that are no one's, for demos and lessons.

    >>> demo_id_number(1)
    '999999199001010016'
    """
    assert 0 < serial < 10**6

    days, order = divmod(serial, 1000)
    born = date(1990, 1, 1) + timedelta(days=days)
    payload = f"{DEMO_REGION}{born:%Y%m%d}{order:03d}"
    return payload + id_check_character(payload)


def mask_id_number(number: str) -> str:
    """
    Return *number* as screens show it: the first and the last four characters.

    >>> mask_id_number("11010519491231002X")
    '1101**********002X'
    """
    return number[:4] + "*" * 10 + number[-4:]


# --- real names ----------------------------------------------------------------------------------

NAME_LENGTH_MIN, NAME_LENGTH_MAX = 2, 30

_MIDDLE_DOTS = str.maketrans("•‧・･", "····")
_IDEOGRAPHIC_SPACE = str.maketrans("\u3000", " ")
# H is an ideograph, L a Latin letter, M an accent that no single letter carries.
_NAME_FORM = re.compile(r"(?:H|LM{0,2})+(?:(?:\. |[ .·'-])(?:H|LM{0,2})+)*(?:(?<=[LM])\.)?")


def parse_real_name(text: str) -> str:
    """
    Read *text* as a real name in Chinese or Latin letters, of 2 to 30 characters.

    Names from different hands must compare equal, so the many middle dots become the ``·`` that
    ID cards print, runs of spaces become one, and the space that is typed into 张 三 goes.

    >>> parse_real_name("张 三"), parse_real_name("阿卜杜拉•买买提"), parse_real_name("Mary Ann")
    ('张三', '阿卜杜拉·买买提', 'Mary Ann')
    """
    if len(text) > 4 * NAME_LENGTH_MAX:
        raise InvalidRealName
    name = unicodedata.normalize("NFC", text).translate(_MIDDLE_DOTS).translate(_IDEOGRAPHIC_SPACE)
    name = re.sub(" +", " ", name).strip(" ")
    form = _form(name)
    name = "".join(c for place, c in enumerate(name) if form[place - 1 : place + 2] != "H H")
    if not NAME_LENGTH_MIN <= len(name) <= NAME_LENGTH_MAX:
        raise InvalidRealName
    if _NAME_FORM.fullmatch(_form(name)) is None:
        raise InvalidRealName
    return name


def mask_real_name(name: str) -> str:
    """
    Return *name* as screens show it: its first letter, and a star for each other one.

    >>> mask_real_name("张三"), mask_real_name("欧阳小明"), mask_real_name("Mary Ann")
    ('张*', '欧***', 'M*** ***')
    """
    stars = {"H": "*", "L": "*", "M": ""}
    return name[0] + "".join(stars.get(kind, kind) for kind in _form(name)[1:])


def _form(name: str) -> str:
    """Return *name* in the classes that `_NAME_FORM` is written in, one for each character."""
    return "".join(_kind(character) for character in name)


def _kind(character: str) -> str:
    if character in " .·'-":
        return character
    label = unicodedata.name(character, "")
    if label.startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH")):
        return "H"
    if character == "〇":  # a numeral to Unicode, a character of names to the registry
        return "H"
    if label.startswith("LATIN ") and unicodedata.category(character) in ("Lu", "Ll"):
        return "L"
    return "M" if "\u0300" <= character <= "\u036f" else "?"


# --- bank cards ----------------------------------------------------------------------------------

CARD_LENGTH_MIN, CARD_LENGTH_MAX = 16, 19

_PRINTED_CARD = re.compile(r"[0-9]+(?:[ -][0-9]+)*")


class Bank(Row):
    """A bank of this simulation: *prefix* begins the numbers of the cards it issues."""

    code: str
    name_en: str
    name_zh: str
    prefix: str


BANKS = (
    Bank("icbc", *BANK_NAMES["icbc"], "999901"),
    Bank("cmb", *BANK_NAMES["cmb"], "999902"),
    Bank("ccb", *BANK_NAMES["ccb"], "999903"),
    Bank("abc", *BANK_NAMES["abc"], "999904"),
    Bank("boc", *BANK_NAMES["boc"], "999905"),
)
"""
The banks of this simulation: well-known names, made-up cards.

In ISO/IEC 7812-1 a number that begins with 9 is a national standards body's and continues with
the country's three digits from ISO 3166-1. No country has 999 (900 to 999 are left to users), so
no one can issue a card that begins with 9999, and a real card's number is an unknown bank here.
"""

BANK_NUMBERS = {bank.code: number for number, bank in enumerate(BANKS, start=1)}
"""Who a bank is in the books of others; append only, like the table they number."""


def parse_card_number(text: str) -> str:
    """
    Read *text* as a card number: 16 to 19 digits whose Luhn check fits (ISO/IEC 7812-1).

    The single spaces or hyphens that cards are printed with do not matter.

    >>> parse_card_number("9999 0100 0000 0003")
    '9999010000000003'
    """
    printed = text.strip() if len(text) < 100 else ""
    number = printed.replace(" ", "").replace("-", "")
    if _PRINTED_CARD.fullmatch(printed) is None:
        raise InvalidCardNumber
    if not CARD_LENGTH_MIN <= len(number) <= CARD_LENGTH_MAX:
        raise InvalidCardNumber
    if number[-1] != luhn_check_digit(number[:-1]):
        raise InvalidCardNumber
    return number


def luhn_check_digit(payload: str) -> str:
    """
    Return the Luhn check digit that belongs after *payload* (ISO/IEC 7812-1, annex B).

    >>> luhn_check_digit("7992739871")
    '3'
    """
    total = 0
    for place, digit in enumerate(reversed(payload)):
        # Every second digit counts twice, from the one before the check digit; 10 to 18 count as
        # the sum of their own two digits.
        total += int(digit) if place % 2 else sum(divmod(2 * int(digit), 10))
    return str(-total % 10)


def mask_card_number(number: str) -> str:
    """
    Return *number* as screens show it.

    >>> mask_card_number("9999010000003333")
    '**** 3333'
    """
    return f"**** {number[-4:]}"


def bank_of(card_number: str) -> Bank:
    """
    Return the bank that issued *card_number*.

    >>> bank_of("9999010000000003").code
    'icbc'
    """
    for bank in BANKS:
        if card_number.startswith(bank.prefix):
            return bank
    prefixes = ", ".join(bank.prefix for bank in BANKS)
    raise UnknownBank(prefix=card_number[:6], prefixes=prefixes)


def demo_card_number(bank: Bank, serial: int) -> str:
    """
    Return the 16-digit number of *bank*'s card number *serial*, for demos and lessons.

    >>> demo_card_number(BANKS[0], 0)
    '9999010000000003'
    """
    assert 0 <= serial < 10**9

    payload = f"{bank.prefix}{serial:09d}"
    return payload + luhn_check_digit(payload)
