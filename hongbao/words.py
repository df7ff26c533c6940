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

    >>> fill("balance is {balance_fen}", {"balance_fen": 1000})
    'balance is 10.00'
    >>> fill("{name}: `hongbao use {name}`", {"name": "Ann Lee"})
    "Ann Lee: `hongbao use 'Ann Lee'`"
    """
    shown = {name: _shown(name, value) for name, value in facts.items()}
    if "`" not in sentence:
        return sentence.format_map(shown)
    words = {name: shell_word(str(value)) for name, value in shown.items()}
    parts = sentence.split("`")  # what is in backquotes has an odd place
    return "`".join(
        part.format_map(words if number % 2 and part.startswith(("hongbao ", "-")) else shown)
        for number, part in enumerate(parts)
    )


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
