"""
The catalogues of every sentence people read: collected from the code, merged, compiled.

`make locale` runs this after a sentence was added or changed. It prints what still needs a
translation; tests/test_words.py refuses a catalogue that is behind the code.
"""

import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract
from babel.messages.pofile import denormalize, normalize

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hongbao"
LOCALE = PACKAGE / "locale"
LANGUAGES = ("zh_CN",)  # English is the msgids themselves

KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "N_": None,
    "C_": ((1, "c"), 2),
    "say": None,
    "ngettext": (1, 2),
    "counted": (1, 2),
}
"""How the code marks a sentence: `hongbao.words` defines all six."""

HEADER = {
    "zh_CN": (
        "Language: zh_CN\n"
        "Content-Type: text/plain; charset=UTF-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        "Plural-Forms: nplurals=1; plural=0;\n"
    ),
}
"""No dates, versions or names: they would change when no sentence does."""

Msgid = str | tuple[str, str]
"""A sentence; or its singular and its plural; or `in_context`."""

_CONTEXT_ENDS = "\x04"


def in_context(context: str, message: str) -> str:
    """Return *message* as a key that tells it from the same words in another *context*."""
    return f"{context}{_CONTEXT_ENDS}{message}"


def english(msgid: Msgid) -> str:
    """Return what *msgid* says in English, without its context; of two forms, the plural."""
    return msgid.rpartition(_CONTEXT_ENDS)[2] if isinstance(msgid, str) else msgid[1]


@dataclass
class Message:
    """One sentence: where it is said, and how another language says it."""

    msgid: Msgid
    places: list[str] = field(default_factory=list)
    msgstr: str = ""


Catalogue = dict[Msgid, Message]


def collected() -> Catalogue:
    """
    Collect every marked sentence, file by file and in the order in which each file says it.

    Places have no line numbers, so a translation's diff shows only what changed in words.
    """
    catalogue: Catalogue = {}
    for place, path in (*_our_sources(), *_their_sources()):
        for msgid in _marked(path):
            if not place.startswith("hongbao/") and english(msgid).endswith((".", "!")):
                continue  # an error's sentence: `hongbao.parser_words` reads it in English
            message = catalogue.setdefault(msgid, Message(msgid))
            if place not in message.places:
                message.places.append(place)
    return catalogue


def _our_sources() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path


def _their_sources() -> Iterator[tuple[str, Path]]:
    """
    Yield the part of typer that asks gettext for its words: the headings and notes of help.

    They are collected from the typer that is installed, so nobody has to type them off.
    """
    spec = find_spec("typer")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    yield "typer/core.py", Path(spec.submodule_search_locations[0]) / "core.py"


def is_ours(message: Message) -> bool:
    """Tell whether our own code says *message*; otherwise only a library does."""
    return any(place.startswith("hongbao/") for place in message.places)


_CALL = re.compile(rb"\b(?:%s)\s*\(" % "|".join(KEYWORDS).encode())


def _marked(path: Path) -> Iterator[Msgid]:
    source = path.read_bytes()
    if _CALL.search(source) is None:
        return  # to take it apart for nothing is two thirds of the work
    found = extract("python", BytesIO(source), keywords=KEYWORDS)
    for _line, msgid, _comments, context in found:
        if context:
            # Babel hands all of the call's arguments over; the context is the first of them.
            yield in_context(context, msgid if isinstance(msgid, str) else msgid[-1])
        else:
            yield msgid if isinstance(msgid, str) else (msgid[0], msgid[1])


# --- .po: the form that people edit ---------------------------------------------------------------


def po_path(language: str) -> Path:
    """Return where the translation into *language* is edited."""
    return LOCALE / language / "LC_MESSAGES" / "hongbao.po"


def written(catalogue: Catalogue, header: str) -> str:
    """Write *catalogue* as a .po file, the same bytes for the same sentences."""
    blocks = [f'msgid ""\nmsgstr {normalize(header)}\n']
    for message in catalogue.values():
        lines = [f"#: {' '.join(message.places)}"]
        if isinstance(message.msgid, str):
            context, _, said = message.msgid.rpartition(_CONTEXT_ENDS)
            if context:
                lines.append(f"msgctxt {_quoted(context)}")
            lines += [f"msgid {_quoted(said)}", f"msgstr {_quoted(message.msgstr)}"]
        else:
            one, many = message.msgid
            lines += [
                f"msgid {_quoted(one)}",
                f"msgid_plural {_quoted(many)}",
                f"msgstr[0] {_quoted(message.msgstr)}",
            ]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _quoted(text: str) -> str:
    return normalize(text, width=0)


_ENTRY = re.compile(
    r'^(msgctxt|msgid|msgid_plural|msgstr|msgstr\[0\]) ((?:".*"\n?)+)', re.MULTILINE
)


def read(text: str) -> Catalogue:
    """
    Read back what `written` wrote, and what people made of it in an editor.

    An entry that an editor marked fuzzy is a guess, and is read as not translated.
    """
    catalogue: Catalogue = {}
    for block in re.split(r"\n\s*\n", text):
        parts = {key: denormalize(value) for key, value in _ENTRY.findall(block)}
        if not parts.get("msgid"):
            continue  # the header
        one, many = parts["msgid"], parts.get("msgid_plural")
        if "msgctxt" in parts:
            one = in_context(parts["msgctxt"], one)
        msgid = one if many is None else (one, many)
        fuzzy = re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE)
        catalogue[msgid] = Message(
            msgid,
            re.findall(r"\S+", " ".join(re.findall(r"^#: (.*)", block, re.MULTILINE))),
            "" if fuzzy else parts.get("msgstr", parts.get("msgstr[0]", "")),
        )
    return catalogue


def merged(code: Catalogue, translated: Catalogue) -> Catalogue:
    """
    Give the sentences in *code* the words that *translated* has for them, and drop the rest.

    Nothing is guessed from a similar sentence: a wrong amount of money said fluently is worse
    than a sentence still in English.
    """
    return {
        msgid: Message(
            msgid, message.places, translated[msgid].msgstr if msgid in translated else ""
        )
        for msgid, message in code.items()
    }


# --- .mo: the form that is shipped ----------------------------------------------------------------


def compiled(catalogue: Catalogue, header: str) -> bytes:
    """
    Compile *catalogue* into the form that `gettext` reads, the same bytes on every machine.

    The layout is GNU gettext's, "The Format of GNU MO Files": two tables of (length, offset),
    sorted by msgid, little-endian and without the optional hash table.
    """
    texts = {"": header}
    for message in catalogue.values():
        if message.msgstr:
            key = message.msgid if isinstance(message.msgid, str) else "\0".join(message.msgid)
            texts[key] = message.msgstr
    rows = sorted((key.encode(), value.encode()) for key, value in texts.items())

    tables_at = 7 * 4
    text_at = tables_at + 2 * 8 * len(rows)
    tables, text = b"", b""
    for column in (0, 1):
        for row in rows:
            tables += struct.pack("<II", len(row[column]), text_at + len(text))
            text += row[column] + b"\0"
    head = struct.pack(
        "<7I", 0x950412DE, 0, len(rows), tables_at, tables_at + 8 * len(rows), 0, text_at
    )
    return head + tables + text


def main() -> int:
    """Bring every language's catalogue up to the code; return how many could not be."""
    code = collected()
    behind = 0
    for language in LANGUAGES:
        path = po_path(language)
        old = read(path.read_text(encoding="utf-8")) if path.exists() else {}
        new = merged(code, old)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(new, HEADER[language]), encoding="utf-8")
        path.with_suffix(".mo").write_bytes(compiled(new, HEADER[language]))

        dropped = [message for msgid, message in old.items() if msgid not in new]
        missing = [message for message in new.values() if not message.msgstr]
        print(f"{language}: {len(new)} sentences, {len(missing)} without a translation")
        for message in dropped:
            print(f"  no longer said: {message.msgid!r} = {message.msgstr!r}")
        for message in missing:
            print(f"  to translate, from {message.places[0]}: {message.msgid!r}")
        behind += bool(missing)
    return behind


if __name__ == "__main__":
    sys.exit(main())
