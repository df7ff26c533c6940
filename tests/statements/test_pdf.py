"""PDF, as poppler and pypdf read it, and what happens where it cannot be made."""

import io
import json
import re
import resource
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pypdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.subset import Subsetter
from fontTools.ttLib import TTCollection, TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph

from hongbao import errors, statements
from hongbao.statements import _paper
from hongbao.statements import pdf as pdf_format
from tests.consumers import run
from tests.statements.bank_rows import UNSAYABLE, WORST, stated
from tests.statements.conftest import HOSTILE
from tests.statements.reading import written
from tests.statements.test_formats import NOVEMBER, statement
from tests.statements.test_printed import KINDS, fen
from tests.vault import processes

ROW = re.compile(
    r"^ *(?P<entry>\d+) +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  .*? (?P<amount>[+-]?\d+\.\d\d)"
    r" +(?P<balance>-?\d+\.\d\d)$",
    re.MULTILINE,
)
LONG = [{"act": act, **facts} for act, facts, *_told in KINDS] * 6


class Pages(NamedTuple):
    """A document as poppler reads it, page by page in its layout."""

    texts: list[str]

    @property
    def rows(self) -> list[tuple[int, int, int]]:
        """Entry, amount and balance of each row, in fen."""
        found = (match for text in self.texts for match in ROW.finditer(text))
        return [(int(row["entry"]), fen(row["amount"]), fen(row["balance"])) for row in found]

    def sums(self, *names: str) -> list[int]:
        """Return the sums in the band below their *names*, in fen."""
        lines = iter(self.texts[0].splitlines())
        next(line for line in lines if all(name in line for name in names))
        amounts = next(line for line in lines if line.strip()).split()
        return [fen(amount) for amount in amounts[:4]]


def poppler(content: bytes, folder: Path) -> Pages:
    return Pages(_poppler(content, folder, "-layout").removesuffix("\f").split("\f"))


def cell_by_cell(content: bytes, folder: Path) -> str:
    """Return the text of a document in the order in which it is drawn, without its spaces."""
    return squeezed(_poppler(content, folder, "-raw"))


def _poppler(content: bytes, folder: Path, order: str) -> str:
    path = folder / "statement.pdf"
    path.write_bytes(content)
    told = run("pdftotext", order, path, "-")
    assert ("", 0) == (told.stderr, told.returncode)
    return told.stdout


@pytest.fixture(scope="module", params=["en", "zh_CN"])
def long_pages(request, tmp_path_factory):
    """A statement of every kind of movement, several pages long, in a language."""
    asked = stated(*LONG)
    content = written(asked, "pdf", statements.Style(request.param))
    return request.param, asked, content, poppler(content, tmp_path_factory.mktemp("pages"))


def reader(content: bytes) -> Any:
    return pypdf.PdfReader(io.BytesIO(content), strict=True)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


# --- what it says ---------------------------------------------------------------------------------


def test_every_row_is_on_some_page(long_pages):
    """
    With its words, in its language; in order, and with the amounts that we have.
    """
    language, asked, _content, pages = long_pages
    text = squeezed("".join(pages.texts))

    assert [
        (line["entry"], line["amount_fen"], line["balance_fen"]) for line in asked.lines
    ] == pages.rows
    said = [what[language == "zh_CN"] for _act, _facts, what, _other, _amounts in KINDS]
    if language == "zh_CN":  # what is too wide in English stands in two lines
        assert [] == [what for what in said if squeezed(what) not in text]


def test_the_sums_are_on_the_first_page(long_pages):
    """
    Opening balance, in, out and closing balance.
    """
    language, asked, _content, pages = long_pages
    names = {
        "en": ("Opening balance", "Money in", "Money out", "Closing balance"),
        "zh_CN": ("期初余额", "收入", "支出", "期末余额"),
    }[language]

    assert [*(asked.opening_fen, asked.in_fen, asked.out_fen, asked.closing_fen)] == pages.sums(
        *names
    )


def test_each_page_has_the_tables_head_and_its_number(long_pages):
    """
    And what statement it is of, so that none can be taken out or put in.
    """
    language, asked, _content, pages = long_pages
    heading, number, name = {
        "en": ("Entry Time", "page {} of {}", "Statement · 小明 · 2026-11-01 to 2026-11-30"),
        "zh_CN": ("记录 时间", "第{}页，共{}页", "账单 · 小明 · 2026-11-01至2026-11-30"),
    }[language]

    assert len(pages.texts) > 2
    for at, text in enumerate(pages.texts, 1):
        plain = re.sub(" +", " ", text)
        assert heading in plain
        assert number.format(at, len(pages.texts)) in plain
        assert asked.head["mac"][:16] in plain
        assert at == 1 or name in plain


def test_it_ends_with_the_head_the_key_and_what_it_is_not(long_pages):
    """
    And with how to check it.
    """
    language, asked, _content, pages = long_pages
    honest = {"en": "not a document of a bank", "zh_CN": "不是任何银行"}[language]

    for said in (
        asked.head["mac"],
        asked.signer.public_key.hex(),
        "hongbao verify-statement FILE",
        honest,
    ):
        assert said in pages.texts[-1]


def test_another_library_reads_the_same(long_pages):
    """
    The title, the language, the words and the sums; the font is in the file, and only
    what was used of it.
    """
    language, asked, content, pages = long_pages
    document = reader(content)

    text = "".join(page.extract_text() for page in document.pages)
    fonts = [
        font["/DescendantFonts"][0]["/FontDescriptor"]
        for page in document.pages
        for font in page["/Resources"]["/Font"].values()
    ]
    embedded = [font.get("/FontFile2") or font.get("/FontFile3") for font in fonts]
    root = document.trailer["/Root"]
    assert len(pages.texts) == len(document.pages)
    assert {(595, 842)} == {
        (round(page.mediabox.width), round(page.mediabox.height)) for page in document.pages
    }
    assert "小明" in document.metadata.title
    assert {"en": "en", "zh_CN": "zh-CN"}[language] == root["/Lang"]
    assert {"en": "Statement", "zh_CN": "账单"}[language] in text
    assert f"{asked.closing_fen // 100}.{asked.closing_fen % 100:02}" in text
    assert fonts
    assert all(embedded)
    assert len(content) < 200_000


def test_a_period_in_which_nothing_moved_is_a_page_too(tmp_path):
    """
    It says so in the table's place.
    """
    quiet = statement(since=None, until=None, closing_fen=10000, out_fen=0, count=0, lines=())

    (text,) = poppler(written(quiet, "pdf"), tmp_path).texts

    assert "No movements in this period." in text
    assert "page 1 of 1" in text


# --- on real ledgers ------------------------------------------------------------------------------


def checked(desk, folder) -> int:
    """Return how many rows there are, which make what `balance` says."""
    with desk.statement() as opened:
        pages = poppler(written(opened, "pdf"), folder)
        lines = [*opened.lines]
    names = ("Opening balance", "Money in", "Money out", "Closing balance")
    opening_fen, in_fen, out_fen, closing_fen = pages.sums(*names)
    assert [
        (line["entry"], line["amount_fen"], line["balance_fen"]) for line in lines
    ] == pages.rows
    assert desk.balance()["available_fen"] == sum(row[1] for row in pages.rows) == closing_fen
    assert closing_fen == opening_fen + in_fen - out_fen
    return len(pages.rows)


def test_a_lived_home_adds_up_on_paper(lived, tmp_path):
    """
    Every movement has its row, and the rows make what `balance` says.
    """
    with lived.desk() as desk:
        assert 8 == checked(desk, tmp_path)


def test_any_ledger_adds_up_on_paper(a_life, tmp_path):
    """
    To the fen.
    """
    with a_life.desk() as desk:
        checked(desk, tmp_path)


# --- the same bytes, and signed -------------------------------------------------------------------

AGAIN = """
import sys
from hongbao import statements
from tests.statements.test_formats import statement

statements.write(statement(), "pdf", sys.stdout.buffer)
"""


@pytest.mark.slow
def test_two_writes_are_the_same_bytes(monkeypatch):
    """
    In another process, at another time, in another time zone and with other hashes.
    """
    first = written(statement(), "pdf")
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.setenv("PYTHONHASHSEED", "1")

    again = subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, check=True).stdout

    assert first == again
    assert b"/CreationDate (D:20261130160000Z" in first


def test_its_signature_lies_beside_it_and_breaks_with_any_byte(tmp_path):
    """
    It has the length and the hash of the whole file.
    """
    path = tmp_path / "november.pdf"

    signature = statements.save(statement(), "pdf", path, False)

    assert signature is not None
    assert "november.pdf.sig" == signature.name
    content, seal = path.read_bytes(), json.loads(signature.read_bytes())
    assert (sha256(content).hexdigest(), len(content)) == (seal["sha256"], seal["bytes"])
    assert sha256(content + b"\n").hexdigest() != seal["sha256"]


# --- what people type -----------------------------------------------------------------------------


def test_what_somebody_typed_is_only_drawn(tmp_path, caplog):
    """
    Nothing in it is a command of the page, a name of another page, or missing without a sign.
    """
    typed = [*HOSTILE, *WORST, ") Tj ET Q", "\\", "{nb}", "**b**", f"a{UNSAYABLE}b"]
    asked = stated(*({"counterparty": text, "packet": text} for text in typed), profile="🧧<b>")

    content = written(asked, "pdf")

    assert len(typed) == len(poppler(content, tmp_path).rows)
    text = cell_by_cell(content, tmp_path)
    for told in ('"\\"plugin"evil"', ")TjETQ", "{nb}", "**b**", "<![CDATA[x]]>", "&amp;", "=1+1"):
        assert 2 <= text.count(told)
    assert "Profile□<b>" in text
    root = reader(content).trailer["/Root"]
    assert {"/Type", "/Pages", "/PageLayout", "/Lang", "/OpenAction"} == set(root)
    assert "/FitH" == root["/OpenAction"][1]  # a place to begin reading at, and nothing to do
    assert [] == caplog.records


@pytest.fixture(scope="session")
def paper():
    with _paper.Paper(title="", language="en", at=NOVEMBER[0], font=None) as paper:
        yield paper


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("🧧", "□"),
        ("👩\u200d👧", "□□"),
        ("中\ufe0f文", "中文"),
        ("小红 x-1", "小红 x-1"),
    ],
)
def test_what_the_font_has_not_is_shown_as_a_box(paper, text, shown):
    """
    And never left out in silence, but for what joins and chooses emoji.
    """
    assert shown == paper._shown(text)


def test_a_long_text_is_parted_at_spaces_or_anywhere(paper):
    """
    Nothing is cut off, and no line is wider than its place.
    """

    assert ["红包红包红", "包红包"] == paper.wrapped("红包" * 4, 10, 50)
    assert ["one two", "three"] == paper.wrapped("one two three", 10, 45)
    assert ["红", "包"] == paper.wrapped("红包", 10, 1)
    assert [""] == paper.wrapped("", 10, 50)


# --- where it cannot be made ----------------------------------------------------------------------


def test_a_statement_that_is_too_long_is_refused_at_once(tmp_path):
    """
    A PDF is made whole in memory. No line is read, and nothing is written.
    """
    path = tmp_path / "a.pdf"

    with pytest.raises(errors.StatementTooLong) as refused:
        statements.save(statement(count=10_001), "pdf", path, False)

    assert {"form": "pdf", "count": 10_001, "count_max": 10_000} == refused.value.facts
    assert 10_000 == pdf_format.COUNT_MAX
    assert [] == [*tmp_path.iterdir()]


def test_a_full_disk_is_refused(tmp_path):
    """
    As with every format: nothing is left behind, and what was there is what it was.
    """
    path = tmp_path / "a.pdf"
    path.write_bytes(b"old")

    def act():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
        with pytest.raises(errors.StorageRefused, match="File too large"):
            statements.save(statement(), "pdf", path, True)

    assert 0 == processes.run(act)
    assert [b"old"] == [file.read_bytes() for file in tmp_path.iterdir()]


@pytest.mark.usefixtures("each_reads_its_font")
def test_without_its_library_it_says_what_to_install(monkeypatch):
    """
    The extra, or the format that needs nothing.
    """
    monkeypatch.setitem(sys.modules, "fpdf", None)

    with pytest.raises(errors.PdfMissing) as refused:
        written(statement(), "pdf")

    assert "`pip install 'hongbao[pdf]'`, or use `--format html`" == refused.value.hint


@pytest.fixture(scope="session")
def latin(tmp_path_factory) -> Path:
    """A font that has every printable character of ASCII, and no other."""
    names = {code: f"c{code}" for code in range(32, 127)}
    glyphs = [".notdef", *names.values()]
    builder = FontBuilder(1000)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap(names)
    builder.setupGlyf({name: Glyph() for name in glyphs})
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Latin", "styleName": "Regular", "fullName": "Latin"})
    builder.setupOS2()
    builder.setupPost()
    path: Path = tmp_path_factory.mktemp("fonts") / "latin.ttf"
    builder.save(path)
    return path


@pytest.fixture
def _no_packaged_font(monkeypatch):
    """As without the package that brings one."""
    monkeypatch.setitem(sys.modules, _paper._PACKAGE, None)


@pytest.fixture
def _no_system_font(monkeypatch, tmp_path):
    """As on a machine that has no font at all."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_paper, "_USUAL", ())


@pytest.mark.usefixtures("_no_system_font")
def test_no_font_of_the_system_is_needed():
    """
    The extra brings one, as its makers publish it. Its package is only looked up: no code runs.
    """
    ((path, face),) = _paper._found()

    published = "faa6c9df652116dde789d351359f3d7e5d2285a2b2a1f04a2d7244df706d5ea9"
    assert published == sha256(path.read_bytes()).hexdigest()
    with _paper.Paper(title="", language="en", at=NOVEMBER[0], font=None) as paper:
        assert (path, face) == (Path(paper._font.ttffile), paper._font.collection_font_number)
    assert _paper._PACKAGE not in sys.modules


def test_the_font_has_every_character_of_gb_2312(paper):
    """
    6,763 of them, enough for nearly every name.
    """
    rows, cells = range(0xB0, 0xF8), range(0xA1, 0xFF)
    pairs = (bytes((row, cell)) for row in rows for cell in cells)
    common = "".join(pair.decode("gb2312", "ignore") for pair in pairs)

    assert 6_763 == len(common)
    assert common == paper._shown(common)


@pytest.mark.usefixtures("_no_packaged_font", "_no_system_font")
def test_without_any_font_it_says_where_one_comes_from(tmp_path):
    """
    The extra brings one. Nothing is written.
    """
    with pytest.raises(errors.FontMissing) as refused:
        statements.save(statement(), "pdf", tmp_path / "a.pdf", False)

    assert "pip install 'hongbao[pdf]'" in str(refused.value.hint)
    assert [] == [*tmp_path.iterdir()]


@pytest.mark.usefixtures("_no_packaged_font")
def test_a_latin_font_is_not_taken_where_nothing_better_is_found(latin, monkeypatch, tmp_path):
    """
    What fontconfig answers is some font, be it DejaVu: names would be left out of the page.
    """
    answer = tmp_path / "fc-match"
    answer.write_text(f"#!/bin/sh\nprintf '{latin}\\t0'\n")
    answer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_paper, "_USUAL", ((str(latin), 0), ("/nowhere.ttc", 0)))

    assert (latin, 0) == next(_paper._found())
    with pytest.raises(errors.FontMissing):
        written(statement(), "pdf")


@pytest.mark.usefixtures("_no_packaged_font")
@pytest.mark.parametrize(
    "answer",
    ["exit 1", "printf nothing", "printf 'a\\tb'", "printf '\\377\\t0'", None],
)
def test_fontconfig_may_be_missing_or_say_anything(answer, monkeypatch, tmp_path):
    """
    Then the usual places are looked at.
    """
    if answer is not None:
        program = tmp_path / "fc-match"
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_paper, "_USUAL", (("/usual.ttc", 3),))

    assert [(Path("/usual.ttc"), 3)] == [*_paper._found()]


@pytest.mark.usefixtures("_no_packaged_font")
def test_the_instance_of_a_variable_font_is_not_taken_for_a_face(monkeypatch, tmp_path):
    """
    The library that matches fonts packs both into one number.
    """
    program = tmp_path / "fc-match"
    program.write_text("#!/bin/sh\nprintf '/a b.ttc\\t131074'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert (Path("/a b.ttc"), 2) == next(_paper._found())


LEFT_OPEN = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
"""The library leaves a file open that it refuses, until it is forgotten."""


@LEFT_OPEN
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("latin.ttf", "it has no Chinese characters"),
        ("text.ttf", "it is not a font for a PDF"),
        ("text.txt", "it is not a font for a PDF"),
        ("missing.ttf", "No such file or directory"),
        (".", "Is a directory"),
    ],
)
def test_a_font_that_was_named_is_used_or_refused(name, reason, latin, tmp_path):
    """
    Never replaced by another in silence.
    """
    (tmp_path / "latin.ttf").write_bytes(latin.read_bytes())
    for text in ("text.ttf", "text.txt"):
        (tmp_path / text).write_text("no font\n" * 100)
    style = statements.Style(font=str(tmp_path / name))

    with pytest.raises(errors.FontUnusable) as refused:
        written(statement(), "pdf", style)

    assert {"path": str(tmp_path / name), "reason": reason} == refused.value.facts


@pytest.fixture(scope="session")
def collection(latin, paper, tmp_path_factory) -> Path:
    """A file of two faces, a Latin one and a Chinese one."""
    with TTFont(paper._font.ttffile) as chinese, TTFont(latin) as first:
        smaller = Subsetter()
        smaller.populate(text="".join(_paper._NEEDED))
        smaller.subset(chinese)
        both = TTCollection()
        both.fonts = [first, chinese]
        path: Path = tmp_path_factory.mktemp("fonts") / "both.ttc"
        both.save(path)
    return path


@LEFT_OPEN
def test_a_face_of_a_collection_can_be_named(collection):
    """
    Behind a ``#``, as in ``NotoSansCJK-Regular.ttc#2``; without it, the first is meant.
    """
    with _paper.Paper(title="", language="en", at=NOVEMBER[0], font=f"{collection}#1") as named:
        assert "红包" == named._shown("红包")

    for face, reason in (("", "no Chinese"), ("#0", "no Chinese"), ("#2", "no face")):
        with pytest.raises(errors.FontUnusable, match=reason):
            _paper.Paper(title="", language="en", at=NOVEMBER[0], font=f"{collection}{face}")


def test_a_face_that_is_not_there_is_not_another_one(paper):
    """
    A file with one font in it has no second.
    """
    with pytest.raises(errors.FontUnusable, match="no face with that number"):
        _paper.Paper(title="", language="en", at=NOVEMBER[0], font=f"{paper._font.ttffile}#1")


@pytest.mark.usefixtures("each_reads_its_font")
def test_the_fonts_file_is_closed_again():
    """
    When the paper is put away.
    """
    with _paper.Paper(title="", language="en", at=NOVEMBER[0], font=None) as paper:
        file = paper._font.ttfont.reader.file

    assert file.closed
