"""Translations: every sentence people read, in the language they read."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hongbao import units

if TYPE_CHECKING:
    from gettext import NullTranslations

DOMAIN = "hongbao"
LOCALE = Path(__file__).parent / "locale"

_SPOKEN = frozenset({"field", "question", "reason"})

SANDBOX = "SANDBOX"
"""What marks a sandbox on the screen, in every language: it is not to be overlooked."""

BANK_NAMES = {
    "icbc": ("ICBC (demo)", "工商银行（演示）"),
    "cmb": ("CMB (demo)", "招商银行（演示）"),
    "ccb": ("CCB (demo)", "建设银行（演示）"),
    "abc": ("ABC (demo)", "农业银行（演示）"),
    "boc": ("BOC (demo)", "中国银行（演示）"),
}
"""What each demo bank is called in English and in Chinese; programs know it by its code."""

_LANGUAGE_BEFORE = os.environ.get("LANGUAGE")
"""What gettext's own variable was before `use_language` took it."""


class _English:
    """The catalogue of the language that sentences are written in, without waking gettext."""

    def gettext(self, message: str) -> str:
        return message

    def pgettext(self, _context: str, message: str) -> str:
        return message

    def ngettext(self, one: str, many: str, n: int) -> str:
        return one if n == 1 else many


_catalogue: "_English | NullTranslations" = _English()
_language = "en"


def N_(message: str) -> str:  # the marker every gettext tool knows
    """Mark *message* for the catalogue here, to be translated where it is shown."""
    return message


class InContext(str):
    """An English word that has several meanings; *context* says which one is meant here."""

    __slots__ = ("context",)
    context: str


def C_(context: str, message: str) -> str:
    """
    Mark *message* for the catalogue as `N_` does, distinguished from others of its spelling.

    >>> C_("operator", "NAME"), C_("operator", "NAME") == C_("person", "NAME")
    ('NAME', True)
    """
    marked = InContext(message)
    marked.context = context
    return marked


class Filled(str):
    """A sentence in English with its facts filled in; `say` says it in the chosen language."""

    __slots__ = ("facts", "sentence")
    facts: Mapping[str, object]
    sentence: str

    def __new__(cls, sentence: str, facts: Mapping[str, object]) -> Self:
        filled = super().__new__(cls, fill(sentence, facts))
        filled.sentence, filled.facts = sentence, facts
        return filled


def _(message: str) -> str:
    """Return *message* in the chosen language."""
    return _in(_catalogue, message)


def _in(catalogue: "_English | NullTranslations", message: str) -> str:
    if isinstance(message, InContext):
        return catalogue.pgettext(message.context, message)
    return catalogue.gettext(message)


def ngettext(one: str, many: str, n: int) -> str:
    """Return the form of a sentence that fits *n* things, in the chosen language."""
    return _catalogue.ngettext(one, many, n)


def language() -> str:
    """Return the language in use: ``en`` or ``zh_CN``."""
    return _language


def preferred(variables: Mapping[str, str], chosen: str | None = None) -> str:
    """
    Return the language to speak: ``en`` or ``zh_CN``.

    ``HONGBAO_LANG`` decides; without it *chosen*, the setting of a person; without that the first
    that is set of ``LC_ALL``, ``LC_MESSAGES`` and ``LANG``, as POSIX orders them.

    >>> preferred({"LANG": "zh_CN.UTF-8"}), preferred({"LANG": "zh_CN", "HONGBAO_LANG": "en"})
    ('zh_CN', 'en')
    >>> preferred({"LANG": "zh_CN.UTF-8"}, "en")
    'en'
    """
    asked = [variables.get("HONGBAO_LANG"), chosen]
    asked += [variables.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    first = next((value for value in asked if value), "en")
    return "zh_CN" if first.lower().startswith("zh") else "en"


def use_language(chosen: str) -> None:
    """Speak *chosen* (``en`` or ``zh_CN``) from now on; gettext itself reads LANGUAGE for it."""
    global _catalogue, _language
    _language = chosen
    _catalogue = _catalogue_of(chosen)
    os.environ["LANGUAGE"] = chosen


def share_catalogue() -> None:
    """
    Point the process-wide gettext domain at our catalogue.

    The command-line library looks its own words up through it, so its words and ours never differ
    in language.
    """
    import gettext

    gettext.bindtextdomain(DOMAIN, str(LOCALE))
    gettext.textdomain(DOMAIN)


def _catalogue_of(language: str) -> "_English | NullTranslations":
    if language == "en":
        return _English()
    import gettext

    return gettext.translation(DOMAIN, LOCALE, [language], fallback=True)


def restore_language(variables: dict[str, str]) -> None:
    """Put gettext's own variable in *variables* back to what it was, for another program."""
    variables.pop("LANGUAGE", None)
    if _LANGUAGE_BEFORE is not None:
        variables["LANGUAGE"] = _LANGUAGE_BEFORE


def fill(sentence: str, facts: Mapping[str, object]) -> str:
    """
    Put *facts* into *sentence*, each written the way its name says.

    A name that ends in ``_fen`` is an amount and is shown as yuan; an instant is shown as China's
    date and time; a ``bank`` is shown as its name; anything else is shown as it is. In a
    command to copy each is one word to a shell (see `shell_word`).

    In Chinese a code, such as an ID or a path, has a space on both sides; what was typed has
    Chinese quotation marks, and a list its own comma. A sentence of the catalogue cannot do it:
    the place that pays is 零钱 or ``icbc-0003``.

    >>> fill("balance is {balance_fen}", {"balance_fen": 1000})
    'balance is 10.00'
    >>> fill("{name}: `hongbao use {name}`", {"name": "Ann Lee"})
    "Ann Lee: `hongbao use 'Ann Lee'`"
    >>> fill("用{place}支付", {"place": "零钱"}), fill("用{place}支付", {"place": "icbc-0003"})
    ('用零钱支付', '用 icbc-0003 支付')
    """
    shown = {name: _shown(name, value) for name, value in facts.items()}
    chinese = not sentence.isascii() and max(sentence) >= "\u4e00"
    prose = {name: _marked(name, shown[name]) for name in shown} if chinese else shown
    first, *parts = sentence.split("`")  # what is in backquotes has an odd place
    said = first.format_map(prose)
    words = {name: shell_word(str(value)) for name, value in shown.items()} if parts else {}
    for number, part in enumerate(parts):
        command = part.startswith(("hongbao ", "-"))
        said += "`" + part.format_map(prose if number % 2 else words if command else shown)
    return _spaced(said) if chinese else said


_BEGINS, _ENDS = "\ufdd0", "\ufdd1"
"""Mark an edge of a code until its neighbour is known; Unicode gives them to no character."""

_PATHS = frozenset({"file", "folder", "host", "node", "path"})
"""Facts that stand apart in any script: a wallet's folder may be called 钱包, a node is ::1."""

_CODES = frozenset(
    {
        *("alias", "choices", "code", "column", "command", "cursor", "device", "engine", "error"),
        *("flag", "indicator", "key", "known", "mark", "model", "names", "option", "options"),
        *("other", "pack", "place", "places", "policy", "program", "seed", "setting", "source"),
        *("table", "target", "task", "text", "topic", "user", "value", "variable", "word"),
    }
)
"""Facts whose words in Latin letters are typed as they are, such as the setting ``language``."""

_LISTS = frozenset(
    {
        *("choices", "fields", "known", "lines", "names", "options", "places", "prefixes"),
        *("requests", "sites", "students", "understood"),
    }
)
"""Facts that are a list of words, with a comma in between."""

_CODE_DIGITS = 6
"""So many digits alone are a code, such as a PIN; amounts and times have marks in between."""


def is_code(text: str) -> bool:
    """
    Return whether *text* begins with a code: letters with digits or marks, or many digits.

    A word or a name is close to the Chinese around it, as are amounts, counts and times.

    >>> is_code("hb_7Q2M4K9X"), is_code("--yes"), is_code("6a77"), is_code("135790")
    (True, True, True, True)
    >>> is_code("127.0.0.1:8000")
    True
    >>> is_code("Alice"), is_code("JSON"), is_code("123456.78"), is_code("2026-02-17 20:00")
    (False, False, False, False)
    """
    letters = others = digits = dots = 0
    for character in text:
        if character.isspace() or character > "\u1fff":
            break
        letters += character.isalpha()
        digits += character.isdigit()
        others += not character.isalnum()
        dots += character == "."
        if letters and (digits or others):
            return True
    return (dots == 3 and digits > 3) or (digits >= _CODE_DIGITS and not others)


def _marked(name: str, value: object) -> object:
    """Return *value* as Chinese has it, with a mark at each edge that belongs to a code."""
    if not isinstance(value, str | Path):
        return value
    text = str(value)
    if name in _LISTS:
        text = "、".join(map(_quoted, text.split(", ")))
    else:
        text = _quoted(text)
    begins = _BEGINS if _is_apart(name, text) else ""
    ends = _ENDS if _is_apart(name, text[::-1]) else ""
    return f"{begins}{text}{ends}"


def _is_apart(name: str, text: str) -> bool:
    """Return whether Chinese must not touch the beginning of *text*, which is the fact *name*."""
    if name in _PATHS:
        return text[:1] not in {"“", "”"}
    return is_code(text) or (name in _CODES and text[:1].isascii() and text[:1].isalpha())


def _quoted(text: str) -> str:
    """Return *text* in Chinese quotation marks, if it has English ones."""
    typed = text[1:-1]
    return f"“{typed}”" if text == f"'{typed}'" and "'" not in typed else text


def _spaced(said: str) -> str:
    """Return *said* without its marks, and with a space at those next to Chinese."""
    first, *rest = said.split(_BEGINS)
    for each in rest:
        first += " " * _is_chinese(first[-1:]) + each
    first, *rest = first.split(_ENDS)
    for each in rest:
        first += " " * _is_chinese(each[:1]) + each
    return first


def _is_chinese(character: str) -> bool:
    """Return whether *character* is a Chinese one; punctuation, which has its own room, is not."""
    return "\u4e00" <= character <= "\u9fff"


def shell_word(text: str) -> str:
    """
    Return *text* as one word of a shell, quoted where one would part or change it.

    What is quoted already stays so.

    >>> shell_word("小红"), shell_word("Ann Lee"), shell_word("😀熊猫")
    ('小红', "'Ann Lee'", "'😀熊猫'")
    """
    if text and all(c.isalnum() or c in "-_@./:+" for c in text):
        return text
    if len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1]:
        return text
    from shlex import quote  # woken by few names

    return quote(text)


def say(sentence: str, **facts: object) -> str:
    """
    Return *sentence* in the chosen language with its *facts* filled in (see `fill`).

    A ``field``, ``question`` or ``reason`` is itself a piece of language: it is said in the chosen
    one too, where the catalogue has it, and so is a ``bank``. A ``why`` comes in both languages,
    from the rule's author. A word `InContext` is translated too, and so is what was
    `Filled`. Any other fact is shown as it is.
    """
    return _said(_catalogue, _language, sentence, facts)


def counted(one: str, many: str, count: int, **facts: object) -> str:
    """
    Return the form of a sentence that fits *count* things, with its facts filled in (see `say`).

    >>> counted("{count} share", "{count} shares", 1), counted("{count} share", "{count} shares", 2)
    ('1 share', '2 shares')
    """
    return fill(ngettext(one, many, count), {"count": count, **facts})


def spoken(language: str) -> Callable[..., str]:
    """
    Return a `say` that speaks *language*, in any chosen language: a printed page keeps its own.

    >>> spoken("zh_CN")("amount"), spoken("en")("amount")
    ('金额', 'amount')
    """
    catalogue = _catalogue_of(language)
    return lambda sentence, **facts: _said(catalogue, language, sentence, facts)


def _said(
    catalogue: "_English | NullTranslations",
    language: str,
    sentence: str,
    facts: Mapping[str, object],
) -> str:
    def said(name: str, value: object) -> object:
        if isinstance(value, Filled):
            return _said(catalogue, language, value.sentence, value.facts)
        if isinstance(value, InContext) or (name in _SPOKEN and isinstance(value, str) and value):
            return _in(catalogue, value)
        return value

    shown = {name: said(name, value) for name, value in facts.items()}
    if "bank" in shown:
        shown["bank"] = _bank_name(str(shown["bank"]), language)
    why = shown.get("why")
    if isinstance(why, Mapping):
        shown["why"] = _in_language(why, language)
    return fill(_in(catalogue, sentence), shown)


def bank_name(code: str) -> str:
    """Return the name of the bank *code* in the chosen language."""
    return _bank_name(code, _language)


def in_language(said: Mapping[str, str]) -> str:
    """Return the text *said* in both languages, ``en`` and ``zh``, in the chosen one."""
    return _in_language(said, _language)


def _bank_name(code: str, language: str) -> str:
    return BANK_NAMES.get(code, (code, code))[language.startswith("zh")]


def _in_language(said: Mapping[str, str], language: str) -> str:
    return said["zh" if language.startswith("zh") else "en"]


def harmless(text: str, length_max: int) -> str:
    """
    Return *text* as a screen can show it: escapes as text, and at most *length_max* characters.

    >>> harmless("a\\x1b[31m", 40), harmless("a" * 10, 4)
    ('a\\\\x1b[31m', 'aaa…')
    """
    if len(text) > length_max:
        text = text[: length_max - 1] + "…"
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or _joins(before, c, after) else c.encode("unicode_escape").decode()
        for before, c, after in zip(" " + text, text, text[1:] + " ", strict=False)
    )


def _joins(before: str, character: str, after: str) -> bool:
    """
    Return whether *character* joins or parts its neighbours in writing.

    Without it 👨‍👩‍👧 falls apart, and so do words of Persian; in English it only hides.
    """
    return character in "\u200c\u200d" and not (before.isascii() or after.isascii())


def _shown(name: str, value: object) -> object:
    if name.endswith("_fen") and isinstance(value, int):
        return units.yuan(value)
    if isinstance(value, datetime):
        return units.clock(value)
    if name == "bank":
        return BANK_NAMES.get(str(value), (value,))[0]
    if name == "why" and isinstance(value, Mapping):
        return value["en"]
    return value
