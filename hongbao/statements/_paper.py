"""
PDF pages: A4, in points from the upper left, and their Chinese font.

A PDF brings along the characters that it shows, so it looks the same everywhere. The font comes
with the extra ``hongbao[pdf]``, as a separate package; without that package, one of the system is
looked for. Nothing of the moment is in the file: its date is the statement's, and its identifier
follows from its content.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hongbao.errors import FontMissing, FontUnusable, PdfMissing
from hongbao.paths import absolute_path

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont as Font
    from fpdf import FPDF
    from fpdf.fonts import TTFFont

WIDTH, HEIGHT = 595, 842

Colour = tuple[int, int, int]

BLACK: Colour = (34, 34, 34)
GREY: Colour = (102, 102, 102)
PALE: Colour = (228, 228, 228)
RED: Colour = (200, 37, 44)
DARK_RED: Colour = (168, 27, 33)
GOLD: Colour = (246, 198, 91)

UNKNOWN = "□"
"""The replacement for a character that the font does not have."""

_NEEDED = frozenset("红包账单零钱收支余额人民币元0123456789.:+-*·" + UNKNOWN)
"""What a font must have to be taken for a Chinese one: a Latin one would leave names out."""

_INVISIBLE = frozenset("\u200c\u200d") | {chr(point) for point in range(0xFE00, 0xFE10)}
"""Joiners and variation selectors: what they would join or choose is not drawn as one anyway."""

_PACKAGE, _PACKAGED = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"
"""
The package that brings a font, and the font's name in it: Google's Noto Sans SC, unchanged.

It is only looked up, never imported: a font is data, and no code of that package has to run.
"""

_USUAL = (
    ("/System/Library/Fonts/Hiragino Sans GB.ttc", 0),
    ("/System/Library/Fonts/STHeiti Light.ttc", 1),
    ("/Library/Fonts/Arial Unicode.ttf", 0),
    ("C:/Windows/Fonts/msyh.ttc", 0),
    ("C:/Windows/Fonts/simhei.ttf", 0),
    ("C:/Windows/Fonts/simsun.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
)
"""Where systems keep a Chinese font, and which of the faces in the file is the simplified one."""

_FAMILY = "chinese"
_SECONDS_MAX = 10


class Paper:
    """
    A PDF in the making.

    Text stands on its baseline at *y*. It may be any text: what the font does not have is shown as
    a box, and nothing is a command. The font's file is open until the paper is put away.
    """

    def __init__(self, *, title: str, language: str, at: datetime, font: str | None) -> None:
        """
        Begin a document of that *title*, dated *at*, in the *font* that is named or one found.

        Raises PdfMissing, FontMissing and FontUnusable.
        """
        self._pdf, self._font = _with_font(font)
        self._file = self._font.ttfont
        self._pdf.set_title(self._shown(title))
        self._pdf.set_lang(language)
        self._pdf.set_producer("hongbao")
        self._pdf.set_creation_date(at.astimezone(UTC))
        self._pdf.set_auto_page_break(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._file.close()

    def turn(self) -> None:
        """Begin the next page, or the first."""
        self._pdf.add_page()

    def wrapped(self, text: str, size: int, width: int) -> list[str]:
        """
        Return *text* as lines of at most *width*, parted at a space where there is one.

        Chinese has none, and is parted anywhere.
        """
        lines, rest = [], self._shown(text)
        while (fits := max(self._fitting(rest, size, width), 1)) < len(rest):
            at = rest.rfind(" ", 1, fits + 1)
            at = at if at > 0 else fits
            lines.append(rest[:at].rstrip())
            rest = rest[at:].lstrip()
        return [*lines, rest]

    def text(
        self, x: int, y: int, text: str, size: int, colour: Colour = BLACK, *, right: bool = False
    ) -> None:
        """Write *text* from *x* on, or *right* up to it."""
        shown = self._shown(text)
        self._pdf.set_font(_FAMILY, size=size)
        self._pdf.set_text_color(*colour)
        before = self._pdf.get_string_width(shown) if right else 0
        self._pdf.text(x - before, y, shown)

    def box(self, x: int, y: int, width: int, height: int, colour: Colour) -> None:
        """Fill a rectangle."""
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(x, y, width, height, style="F")

    def disc(self, x: int, y: int, width: int, colour: Colour) -> None:
        """Fill a circle in a square."""
        self._pdf.set_fill_color(*colour)
        self._pdf.ellipse(x, y, width, width, style="F")

    def hairline(self, x: int, y: int, width: int, colour: Colour = PALE) -> None:
        """Draw a thin line."""
        self._pdf.set_draw_color(*colour)
        self._pdf.line(x, y, x + width, y)

    def content(self) -> bytes:
        """Return the document, which ends here."""
        if self._font.is_cid_keyed:
            self._font.ttfont = _in_truetype(self._font)
            self._font.is_cff = self._font.is_cid_keyed = False
        return bytes(self._pdf.output())

    def _shown(self, text: str) -> str:
        has = self._font.cmap
        return "".join(
            character if ord(character) in has else UNKNOWN
            for character in text
            if character not in _INVISIBLE
        )

    def _fitting(self, text: str, size: int, width: int) -> int:
        """Return the number of characters of *text* that fit; the font's unit is a thousandth."""
        widths = accumulate(self._font.cw[ord(character)] * size for character in text)
        return sum(1 for used in widths if used <= width * 1000)


# --- the font -------------------------------------------------------------------------------------


def _with_font(named: str | None) -> tuple["FPDF", "TTFFont"]:
    """Return an empty document and the font in it, which has Chinese."""
    if named:
        file, _, face = named.partition("#")
        path = absolute_path(file)
        try:
            return _holding(path, int(face) if face.isdecimal() else 0)
        except _Unfit as unfit:
            raise FontUnusable(path=str(path), reason=str(unfit)) from unfit
    for path, number in _found():
        try:
            return _holding(path, number)
        except _Unfit:
            continue
    raise FontMissing


class _Unfit(Exception):
    """A font that cannot be taken, and why."""


def _holding(path: Path, number: int) -> tuple["FPDF", "TTFFont"]:
    try:
        from fpdf import FPDF
        from fpdf.fonts import TTFFont
    except ImportError:
        raise PdfMissing from None
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise _Unfit(error.strerror) from error
    if head[:4] not in _FONTS:  # fontTools leaves such a file open
        raise _Unfit("it is not a font for a PDF")
    faces = _faces(head)
    if number and number >= faces:  # of a single face, the library would take that one
        raise _Unfit("it has no face with that number")
    pdf = FPDF(unit="pt", format="A4")
    try:
        pdf.add_font(_FAMILY, fname=path, collection_font_number=number)
        font = pdf.fonts[_FAMILY]
    except Exception as error:  # there are as many ways as there are broken files
        raise _Unfit("it is not a font for a PDF") from error
    assert isinstance(font, TTFFont)
    if not all(ord(character) in font.cmap for character in _NEEDED):
        font.ttfont.close()
        raise _Unfit("it has no Chinese characters")
    return pdf, font


_FONTS = (b"\0\1\0\0", b"true", b"OTTO", b"ttcf")
"""What the file of a font begins with: TrueType, Apple's, OpenType with curves, a collection."""


def _faces(head: bytes) -> int:
    """Return the number of faces in a font's file that begins with *head*."""
    return int.from_bytes(head[8:12], "big") if head.startswith(b"ttcf") else 1


def _in_truetype(font: "TTFFont") -> "Font":
    """
    Return the used part of *font* with TrueType outlines, off by at most a thousandth.

    Of a font that numbers its characters itself, as Chinese ones in OpenType do, the library
    writes a map that poppler, MuPDF and PDFium follow, but pypdf and pdfminer do not: accountants'
    scripts would read nothing at all. Of TrueType it needs no such map.
    """
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    source = font.ttfont
    names = list(dict.fromkeys([".notdef", *font.subset.get_all_glyph_names()]))
    outlines, drawn = source.getGlyphSet(), {}
    for name in names:
        pen = TTGlyphPen(None)
        outlines[name].draw(Cu2QuPen(pen, max_err=1, reverse_direction=True))
        drawn[name] = pen.glyph()
    head = source["head"]
    made = FontBuilder(head.unitsPerEm)
    made.updateHead(created=head.created, modified=head.modified)  # and not this moment
    made.setupGlyphOrder(names)
    made.setupCharacterMap({code: name for code, name in font.cmap.items() if name in drawn})
    made.setupGlyf(drawn)
    made.setupHorizontalMetrics({name: (outlines[name].width, drawn[name].xMin) for name in names})
    made.setupHorizontalHeader(ascent=source["hhea"].ascent, descent=source["hhea"].descent)
    made.setupNameTable({})
    made.setupOS2()
    made.setupPost()
    return made.font


def _found() -> Iterator[tuple[Path, int]]:
    """
    Yield fonts that should have Chinese and which face of each.

    The extra's comes first, so that the same statement is the same file on every machine; then
    the system's choice, then the usual places.
    """
    package = find_spec(_PACKAGE)
    for folder in (package and package.submodule_search_locations) or ():
        yield Path(folder, _PACKAGED), 0
    matched = _matched()
    if matched is not None:
        yield matched
    for file, number in _USUAL:
        yield Path(file), number


def _matched() -> tuple[Path, int] | None:
    """Return fontconfig's match, if it is installed: always some font, Chinese or not."""
    import subprocess  # which most formats never need

    command = ["fc-match", "-f", "%{file}\t%{index}", ":lang=zh-cn"]
    try:
        answered = subprocess.run(  # noqa: S603 - no word of it is anyone's but ours
            command, capture_output=True, encoding="utf-8", timeout=_SECONDS_MAX, check=True
        )
        file, _, index = answered.stdout.rpartition("\t")
        return Path(file), int(index) & 0xFFFF  # above it are the instances of a variable font
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
