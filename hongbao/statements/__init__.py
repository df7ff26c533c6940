"""
Export of statements to files that other programs read, one module for each format.

A module here whose name does not begin with ``_`` is a format, and is woken only when it is used.
It has ``ENDINGS``, the file endings it is chosen by, and ``write(sheet, out)``. Adding a format is
adding its file. A format may also say

- ``BEGINNING``, how a file's name begins that is this format's and not another's of that ending;
- ``SIGNATURE``, what stands before and behind the signature at its end. A format that has no place
  for one is signed in a separate file (see `hongbao.statements._signature`);
- ``PASSES``, how often it reads the lines, to show progress;
- ``file_name(statement)``, what its readers call such a file (see `file_name`);
- ``FULL``, that it has a place for who its holder is;
- ``SPOKEN``, that people read it in their own language; every other format is the same in all.

What begins with ``_`` helps several formats, but for three: `_proofs` checks what was signed and
makes receipts, `_bills` reads statements from elsewhere, and `_review` is a reviewer's report.
"""

import pkgutil
from collections.abc import Callable, Collection, Iterator, Reversible
from importlib import import_module
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, cast

from hongbao.errors import HongbaoError
from hongbao.outputs import check_ending, check_free, is_stream, save_as

# Of the standard library, nothing is imported here that a format is called after: waking the
# format makes it an attribute of this module, which would hide the other one.

if TYPE_CHECKING:
    from hongbao.answers import MovementLine
    from hongbao.queries.statement import Statement

SCHEMA = "hongbao/statement@1"
"""What a statement for programs says it is; the number grows when a reader would have to change."""

FORMATS = tuple(
    sorted(
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )
)
"""Every format there is, by the name that people type."""


class DoesNotAddUp(AssertionError):
    """
    Opening balance and movements do not make the closing balance: a mistake of ours.

    It is raised rather than asserted because it guards money and must survive ``python -O``.
    """


class Style(NamedTuple):
    """
    The options of an export that do not change its facts.

    *language* is ``en`` or ``zh_CN``, for formats that people read. *root* is what an accountant's
    program calls the wallet: ``Assets:Hongbao:Balance``. *font* names a font file for formats that
    bring theirs along, or None for one that is found; it changes how they look, not what they say.
    """

    language: str = "en"
    root: str = "Hongbao"
    font: str | None = None


PLAIN = Style()

_UNNAMEABLE = frozenset('<>:"/\\|?* ')
"""What some file system has no place for in a name."""


class Sheet(NamedTuple):
    """The input of a format: a statement, its lines, which add themselves up, and the style."""

    statement: "Statement"
    lines: Reversible["MovementLine"]
    style: Style


class Format(Protocol):
    """The interface of a format's module."""

    ENDINGS: tuple[str, ...]

    def write(self, sheet: Sheet, out: BinaryIO) -> None:
        """Write *sheet* to *out*, keeping none of its lines."""


def format_of(path: str) -> str | None:
    """
    Return the format by the extension of *path*, or None.

    >>> format_of("2026-11.CSV"), format_of("-")
    ('csv', None)
    """
    name = PurePath(path).name.lower()
    fits = [known for known in FORMATS if name.endswith(_format(known).ENDINGS)]
    named = [known for known in fits if _beginning(known) and name.startswith(_beginning(known))]
    return next(iter(named or (known for known in fits if not _beginning(known))), None)


def format_by_ending(path: str, formats: Collection[str] = FORMATS) -> str | None:
    """
    Return the one of *formats* by the extension of *path*; None if it has none.

    Raises UnknownEnding if it has one that is none of theirs.
    """
    found = format_of(path)
    if found in formats:
        return found
    check_ending(path, {ending for known in formats for ending in endings(known)})
    return None


def file_name(statement: "Statement", format_name: str) -> str:
    """
    Return the default file name of *statement*, if only its folder was given.

    That is what readers of the format call it, or else whose it is and its first and last day:
    ``hongbao-小明-20261101-20261130.csv``. A name that is masked has stars, which not every file
    system takes.
    """
    from hongbao.statements._bank import first_and_last
    from hongbao.statements._wording import plain

    module = _format(format_name)
    own: Callable[[Statement], str] | None = getattr(module, "file_name", None)
    if own is not None:
        return own(statement)
    holder = "".join("_" if c in _UNNAMEABLE else c for c in plain(statement.profile))
    first, last = first_and_last(statement)
    return f"hongbao-{holder}-{first:%Y%m%d}-{last:%Y%m%d}{module.ENDINGS[0]}"


def has_place_for_holder(format_name: str) -> bool:
    """Return whether the format says who the holder is, and so can say it in full."""
    return bool(getattr(_format(format_name), "FULL", False))


def passes(format_name: str) -> int:
    """Return the number of passes over the lines."""
    return int(getattr(_format(format_name), "PASSES", 1))


def write(
    statement: "Statement",
    format_name: str,
    out: BinaryIO,
    style: Style = PLAIN,
    *,
    watch: Callable[[int], None] = lambda _line: None,
) -> bytes | None:
    """
    Write *statement* to *out* in the format called *format_name*, in memory that does not grow.

    Return its signature, if that has no place in the format and so is a separate file.
    *watch* gets each line's number on the way, over all passes. The same statement is the same
    bytes. Each line's balance is added up again on its way, so that a statement which does not lead
    from opening to closing ends in `DoesNotAddUp`.
    """
    from hongbao.statements import _signature

    module = _format(format_name)
    if not getattr(module, "SPOKEN", False):
        style = style._replace(language=PLAIN.language)
    hashed = _signature.Hashed(out)
    module.write(Sheet(statement, _AddedUp(statement, watch), style), cast(BinaryIO, hashed))
    block = _signature.block(statement, format_name, style, hashed)
    place = signature_place(format_name)
    if place is None:
        return block + b"\n"
    out.write(place[0] + block + place[1])
    return None


def write_again(
    statement: "Statement", format_name: str, out: BinaryIO, style: Style = PLAIN
) -> str:
    """Write what `write` writes, but its signature, and return the SHA-256 of that."""
    from hongbao.statements import _signature

    hashed = _signature.Hashed(out)
    lines = _AddedUp(statement, lambda _line: None)
    _format(format_name).write(Sheet(statement, lines, style), cast(BinaryIO, hashed))
    return hashed.hexdigest()


def endings(format_name: str) -> tuple[str, ...]:
    """Return the endings that the format is chosen by."""
    return _format(format_name).ENDINGS


def signature_place(format_name: str) -> tuple[bytes, bytes] | None:
    """Return the text before and after a signature at the end of the format, if it has one."""
    place: tuple[bytes, bytes] | None = getattr(_format(format_name), "SIGNATURE", None)
    return place


def signature_file(path: Path) -> Path:
    """Return where the signature of *path* lies, where the format has no place for it."""
    return path.with_name(f"{path.name}.sig")


def save(
    statement: "Statement",
    format_name: str,
    path: Path,
    replace: bool,
    style: Style = PLAIN,
    *,
    watch: Callable[[int], None] = lambda _line: None,
) -> Path | None:
    """
    Write *statement* to the file *path* (see `save_as` and `write`), and its signature next to it.

    Return the signature's file, if there is one.
    """
    made: list[bytes] = []
    has_place = signature_place(format_name) is not None or is_stream(path)
    signature = None if has_place else signature_file(path)
    if signature is not None:
        check_free(signature, replace)

    def write_to(out: BinaryIO) -> None:
        block = write(statement, format_name, out, style, watch=watch)
        if signature is not None:
            assert block is not None
            made.append(block)
            # Killed from here on, a statement has no signature rather than another one's.
            signature.unlink(missing_ok=True)

    try:
        save_as(path, write_to, replace)
    except HongbaoError as error:
        error.begun = replace and bool(made)  # the signature of what was there is gone
        raise
    if signature is not None:
        try:
            save_as(signature, lambda out: out.write(made[0]), replace)
        except HongbaoError as error:
            error.begun = replace or not _is_removed(path)
            raise
    return signature


def _is_removed(path: Path) -> bool:
    """Remove the statement *path*, just made, whose signature could not be written."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ValueError(f"no statement format is called {name!r}")
    return cast(Format, import_module(f"{__name__}.{name.replace('-', '_')}"))


def _beginning(name: str) -> str:
    return str(getattr(_format(name), "BEGINNING", ""))


class _AddedUp:
    """
    A statement's lines, from either end, which add themselves up.

    `DoesNotAddUp` is raised as soon as one is out of step.
    """

    def __init__(self, statement: "Statement", watch: Callable[[int], None]) -> None:
        self._statement = statement
        self._watch = watch
        self._seen = 0

    def __iter__(self) -> Iterator["MovementLine"]:
        return self._added(iter(self._statement.lines), 1)

    def __reversed__(self) -> Iterator["MovementLine"]:
        return self._added(reversed(self._statement.lines), -1)

    def _added(self, lines: Iterator["MovementLine"], way: int) -> Iterator["MovementLine"]:
        statement, watch = self._statement, self._watch
        ends = (statement.opening_fen, statement.closing_fen)[::way]
        in_fen = out_fen = 0
        before_fen, number = ends[0], self._seen
        for line in lines:
            number += 1
            watch(number)
            amount_fen = line["amount_fen"]
            if amount_fen > 0:
                in_fen += amount_fen
            else:
                out_fen -= amount_fen
            after_fen = before_fen + way * amount_fen
            told_fen = after_fen if way == 1 else before_fen
            if told_fen != line["balance_fen"]:
                shown = f"{told_fen} != {line['balance_fen']} fen"
                raise DoesNotAddUp(f"entry {line['entry']}: {shown}")
            before_fen = after_fen
            yield line
        added = (number - self._seen, in_fen, out_fen)
        self._seen = number
        found, promised = (*added, before_fen), (*statement.sums.settle(added), ends[1])
        if found != promised:
            raise DoesNotAddUp(f"count, in, out and the end are {found}, not {promised}")
