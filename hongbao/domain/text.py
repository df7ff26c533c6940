"""Free text: any script, without control characters, harmless on any screen."""

import re
import unicodedata
from collections.abc import Iterable

from hongbao import errors
from hongbao.words import N_

PROFILE_NAME_LENGTH_MAX = 20
ACCOUNT_ROOT_LENGTH_MAX = 40
LUCK_LENGTH_MAX = 64
"""As long as 32 bytes in hexadecimal, for draws made by another program."""

_ACCOUNT_ROOT = rf"[A-Z0-9][A-Za-z0-9-]{{0,{ACCOUNT_ROOT_LENGTH_MAX - 1}}}"

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_EMOJI = range(0x1F000, 0x1FB00)
_PICTURES = (_EMOJI, range(0x2600, 0x27C0))
_AS_PICTURE = "\ufe0f"
"""The selector that asks for the picture of a sign that text has, too: ❤ and ❤️."""
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))

_HIDDEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks that Unicode draws as nothing (Default_Ignorable_Code_Point)."""

_MARKS_MAX = 4
"""
The most marks on one letter.

Tibetan stacks need three or four; more than that climbs over the lines above and below.
"""

_RAW_FACTOR = 4
"""The most code points for each character that is counted: a flag or a family has several."""


def parse_profile_name(text: str) -> str:
    """
    Read *text* as a profile's name: 1 to 20 letters, digits, emoji, ``-`` or ``_``.

    Letters are of any script, with single spaces between words. A name may not begin
    with ``-``, which a command line takes for a flag. Refused are letters that only imitate others
    (full-width, mathematical, circled), and emoji glued together, which some terminals draw as
    one sign and others as several.

    >>> parse_profile_name("Ann Lee"), parse_profile_name("😀熊猫")
    ('Ann Lee', '😀熊猫')
    """
    if len(text) > _RAW_FACTOR * PROFILE_NAME_LENGTH_MAX:
        raise errors.InvalidName(text, length_max=PROFILE_NAME_LENGTH_MAX)
    name = unicodedata.normalize("NFC", text)
    if (
        not 1 <= _length(name) <= PROFILE_NAME_LENGTH_MAX
        or not all(map(_is_name_character, name, " " + name))
        or name.startswith("-")
        or name.endswith(" ")
        or _misplaced(name) is not None
    ):
        raise errors.InvalidName(text, length_max=PROFILE_NAME_LENGTH_MAX)
    return name


def mask_profile_name(name: str) -> str:
    """
    Return *name* masked, as it is shown to others: its first letter, then stars.

    >>> mask_profile_name("小明"), mask_profile_name("Ann Lee"), mask_profile_name("明")
    ('小*', 'A******', '*')
    """
    letters = [letter for letter in name if not _belongs_to_another(letter)]
    return letters[0] + "*" * (len(letters) - 1) if len(letters) > 1 else "*"


def initial(name: str) -> str:
    """
    Return the first letter of *name* and one star, which does not say how long the rest is.

    >>> initial("小明"), initial("Ann Lee"), initial("明")
    ('小＊', 'A＊', '＊')
    """
    masked = mask_profile_name(name)
    return masked.rstrip("*") + "＊"


def parse_account_root(text: str) -> str:
    """
    Read *text* as what accountants' programs call the wallet: one part of an account's name.

    Beancount has the narrowest rule of them: an English capital or a digit first, then English
    letters, digits and hyphens.

    >>> parse_account_root("WeChat-2")
    'WeChat-2'
    """
    if not re.fullmatch(_ACCOUNT_ROOT, text):
        raise errors.InvalidAccountRoot(text, length_max=ACCOUNT_ROOT_LENGTH_MAX)
    return text


def parse_device_name(text: str) -> str:
    """
    Read *text* as a device's name, by the rules of `parse_profile_name`.

    >>> parse_device_name("平板")
    '平板'
    """
    try:
        return parse_profile_name(text)
    except errors.InvalidName:
        raise errors.InvalidDeviceName(text, length_max=PROFILE_NAME_LENGTH_MAX) from None


def parse_greeting(text: str, length_max: int) -> str:
    """
    Read *text* as a packet's greeting of at most *length_max* characters, on one line.

    Characters are counted as people see them, nearly: marks, joiners, variation selectors and
    skin tones belong to what they follow. What a terminal would obey rather than show is
    refused: controls, escapes, line ends, direction marks.

    >>> parse_greeting("恭喜发财，大吉大利", 25)
    '恭喜发财，大吉大利'
    >>> parse_greeting("\\x1b[2J", 25)
    Traceback (most recent call last):
    hongbao.errors.values.UnprintableText: greeting has an invisible or control character (U+001B)
    """
    # The length comes first: ten megabytes are refused without a look at them.
    if len(text) > _RAW_FACTOR * length_max:
        raise errors.InvalidGreeting(length=len(text), length_max=length_max)
    greeting = _printable(text, N_("greeting"))
    if (length := _length(greeting)) > length_max:
        raise errors.InvalidGreeting(length=length, length_max=length_max)
    return greeting


def parse_line(text: str, field: str, length_max: int) -> str:
    """
    Read *text* as any other one-line text, by the rules of `parse_greeting`.

    *field* is what the refusal calls it: a word marked for the catalogue.

    >>> parse_line(" lunch ", "note", 10)
    'lunch'
    """
    if len(text) > _RAW_FACTOR * length_max:
        raise errors.TextTooLong(field=field, length_max=length_max)
    line = _printable(text, field)
    if _length(line) > length_max:
        raise errors.TextTooLong(field=field, length_max=length_max)
    return line


def parse_luck(text: str | None) -> str | None:
    """
    Read *text* as a claimer's own luck: at most 64 characters on one line, or None for no text.

    >>> parse_luck("八方来财"), parse_luck(" ")
    ('八方来财', None)
    """
    return None if text is None else parse_line(text, N_("luck"), LUCK_LENGTH_MAX) or None


def _printable(text: str, field: str) -> str:
    """Return *text* composed and without the spaces around it, or refuse what is not for eyes."""
    line = unicodedata.normalize("NFC", text).strip(" \u3000")
    stranger = next((character for character in line if _is_unprintable(character)), None)
    stranger = stranger or _misplaced(line)
    if stranger is not None:
        raise errors.UnprintableText(field=field, codepoint=f"{ord(stranger):04X}")
    return line


def _is_unprintable(character: str) -> bool:
    """
    Return whether *character* has no business in a line of text.

    C* are control, format, surrogate, private use and unassigned; Zl and Zp end lines. Two format
    characters are needed to write: emoji are glued with ZWJ, Persian and Indic words are parted
    with ZWNJ. What is unassigned among the emoji is only newer than this Python, and Unicode keeps
    those places for pictures (UTS #51), so it may pass.
    """
    if character in (_ZWNJ, _ZWJ):
        return False
    category = unicodedata.category(character)
    if category == "Cn":
        return ord(character) not in _EMOJI
    return category[0] == "C" or category in ("Zl", "Zp") or character in _HIDDEN


def _is_name_character(character: str, before: str) -> bool:
    """Return whether *character* may be part of a name, right after the one *before* it."""
    if character == " ":
        return before != " "
    if character in "-_〇":  # the last is a number to Unicode and a letter to readers
        return True
    if character == _AS_PICTURE or ord(character) in _SKIN_TONES:
        return _is_emoji(before)
    if _is_emoji(character):
        return True
    # <wide>, <font>, <circle> … are costumes; <compat> is how Thai and Lao write some vowels.
    costume = unicodedata.decomposition(character).partition(" ")[0]
    if costume.startswith("<") and costume != "<compat>":
        return False
    letter_mark_or_digit = unicodedata.category(character) in _NAME_CATEGORIES
    return letter_mark_or_digit and character not in _HIDDEN and not _is_selector(character)


def _is_emoji(character: str) -> bool:
    """Return whether *character* is a picture; 🄰 and 🅰 are letters in costume."""
    is_symbol = unicodedata.category(character) == "So"
    is_letter = "LATIN" in unicodedata.name(character, "") or character != (
        unicodedata.normalize("NFKC", character)
    )
    return is_symbol and not is_letter and any(ord(character) in r for r in _PICTURES)


_NAME_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})


def _misplaced(line: str) -> str | None:
    """
    Return the first mark, joiner or selector of *line* that has nothing to belong to, or None.

    A mark or a selector follows something visible, at most `_MARKS_MAX` of them; a joiner follows
    something too, and comes neither twice nor last.
    """
    marks = 0
    carried = joined = False  # by something visible; to it by a joiner
    for place, character in enumerate(line):
        if character in (_ZWNJ, _ZWJ):
            if not carried or joined or place == len(line) - 1:
                return character
            joined = True
        elif _is_attached(character):
            marks += 1  # a joiner before it (as in Bengali) does not start a new count
            if not carried or marks > _MARKS_MAX:
                return character
            joined = False
        else:
            marks, carried, joined = 0, not character.isspace(), False
    return None


def _length(line: str) -> int:
    """Return the number of characters that a reader sees in *line*, nearly."""
    return sum(not _belongs_to_another(character) for character in line)


def _belongs_to_another(character: str) -> bool:
    return _is_attached(character) or character in (_ZWNJ, _ZWJ) or ord(character) in _SKIN_TONES


def _is_attached(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or _is_selector(character)


def _is_selector(character: str) -> bool:
    return any(ord(character) in selectors for selectors in _VARIATION_SELECTORS)


def name_key(name: str) -> str:
    """
    Return the key under which one name is found, however it is typed: letters without their case.

    >>> name_key("Li") == name_key("LI"), name_key("❤️") == name_key("❤")
    (True, True)
    """
    bare = unicodedata.normalize("NFC", name.replace(_AS_PICTURE, ""))
    return unicodedata.normalize("NFC", bare.casefold())


def look(name: str) -> str:
    """
    Return what a reader sees of *name*: nothing distinguishes two names with one look.

    Of the letters that the three related scripts draw alike, the Latin one is kept; only
    such as most typefaces make the same are taken (confusables of UTS #39, both cases).

    >>> look("Аnn Lee") == look("ann lee"), look("李四") == look("李西")
    (True, False)
    """
    return unicodedata.normalize("NFC", name_key(name).translate(_DRAWN_ALIKE))


def refuse_look_alike(name: str, taken: Iterable[str]) -> None:
    """Raise LookAlike if *name* is, to a reader's eyes alone, one of those that are *taken*."""
    others = (other for other in taken if name_key(other) != name_key(name))
    like = next((other for other in others if look(other) == look(name)), None)
    if like is not None:
        raise errors.LookAlike(name=name, like=like)


_DRAWN_ALIKE = str.maketrans(
    # Cyrillic, then Greek; in lower case, as keys have them, with those alike only as capitals.
    "авсеһіјкмнорԛѕтухԝ" + "αβεηικμνορτυχζ",
    "abcehijkmhopqstyxw" + "abehikmnoptyxz",
)
