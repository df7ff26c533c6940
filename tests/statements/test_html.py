"""HTML, as a strict parser of XML and a lenient one of HTML read it."""

import json
import re
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import lxml.html
import pytest
from lxml import etree

from hongbao import statements
from hongbao.statements._wording import plain
from hongbao.vault import primitives
from tests.every import every
from tests.statements.bank_rows import BY_CARD, UNSAYABLE, WORST, stated
from tests.statements.conftest import BEGUN_AT, HOSTILE, ID_NUMBER, pin
from tests.statements.reading import written
from tests.statements.test_formats import statement
from tests.statements.test_printed import fen

XHTML = "{http://www.w3.org/1999/xhtml}"


class Page(NamedTuple):
    """A page as a reader has it."""

    language: str
    title: str
    who: list[tuple[str, str]]
    sums: dict[str, str]
    headings: list[str]
    rows: list[list[str]]
    proof: dict[str, str]
    notes: list[str]

    @property
    def moved_fen(self) -> int:
        return sum(fen(row[6]) for row in self.rows)


def read(content: bytes) -> Page:
    """Return what the page says, read as XML: every tag is closed, every text escaped."""
    tree = etree.fromstring(content)
    strict = page_of(tree, XHTML)
    lenient = page_of(lxml.html.document_fromstring(content.decode()), "")
    assert strict == lenient  # a browser reads it the way XML does
    return strict


def page_of(tree, space: str) -> Page:
    def texts(path: str) -> list[str]:
        found = tree.iterfind(".//" + re.sub(r"(\w+)(\[[^]]*\])?", rf"{space}\g<0>", path))
        return ["".join(element.itertext()) for element in found]

    def facts(name: str) -> list[tuple[str, str]]:
        block = next(dl for dl in tree.iter(f"{space}dl") if dl.get("class") == name)
        return [("".join(div[0].itertext()), "".join(div[1].itertext())) for div in block]

    rows = [
        ["".join(cell.itertext()) for cell in row]
        for row in tree.find(f".//{space}tbody").iter(f"{space}tr")
    ]
    return Page(
        tree.get("lang"),
        texts("title")[0],
        facts("who"),
        dict(facts("sums")),
        texts("th"),
        rows,
        dict(facts("proof")),
        texts("footer/p"),
    )


def page(asked, language="en") -> bytes:
    return written(asked, "html", statements.Style(language))


# --- what it says ---------------------------------------------------------------------------------


def test_a_page_says_everything_in_english():
    """
    Whose it is, the sums, the movements, the head, the key, and that this is no bank's document.
    """
    told = read(page(statement()))

    assert ("en", "Statement · 小明 · 2026-11-01 to 2026-11-30") == (told.language, told.title)
    assert [
        ("Profile", "小明"),
        ("Real name", "张*"),
        ("ID number", "1101**********002X"),
        ("Card", "CMB (demo) **** 3334"),
    ] == told.who
    assert {
        "Opening balance": "100.00",
        "Money in": "0.00",
        "Money out": "76.76",
        "Closing balance": "23.24",
        "Movements": "2",
    } == told.sums
    assert [
        *("Entry", "Time", "What", "With"),
        *("Packet", "Card", "Amount", "Balance"),
    ] == told.headings
    assert [
        *("7", "2026-11-02 20:00:00", "Lucky packet sent · for 3", ""),
        *("hb_7Q2M4K9X", "", "-66.66", "33.34"),
    ] == told.rows[0]
    assert {
        "Ledger's head": "entry 12",
        "Head's seal": "ab" * 32,
        "Signer's public key": statement().signer.public_key.hex(),
        "To verify this file": "hongbao verify-statement FILE",
    } == told.proof
    assert "not a document of a bank" in told.notes[-1]


def test_a_page_says_everything_in_chinese():
    """
    The same, in the words that Chinese bills have.
    """
    told = read(page(statement(), "zh_CN"))

    assert ("zh-CN", "账单 · 小明 · 2026-11-01至2026-11-30") == (told.language, told.title)
    assert ("银行卡", "招商银行（演示）**** 3334") == told.who[-1]
    assert ["期初余额", "收入", "支出", "期末余额", "笔数"] == [*told.sums]
    assert ["记录", "时间", "类型", "对方", "红包", "银行卡", "金额", "零钱"] == told.headings
    assert "发出拼手气红包 · 3个" == told.rows[0][2]
    assert ["账本末条", "末条校验码", "签名公钥", "核验方法"] == [*told.proof]
    assert "不是任何银行" in told.notes[-1]


def test_a_period_in_which_nothing_moved_is_a_page_too():
    """
    It says so in the table's place.
    """
    quiet = statement(since=None, until=None, closing_fen=10000, out_fen=0, count=0, lines=())

    told = read(page(quiet))

    assert [["No movements in this period."]] == told.rows
    assert told.sums["Opening balance"] == told.sums["Closing balance"] == "100.00"


# --- on real ledgers ------------------------------------------------------------------------------


def checked(desk) -> Page:
    """Return the page of all that happened, whose sums are the ledger's own."""
    with desk.statement() as opened:
        told = read(written(opened, "html"))
        lines = [*opened.lines]
    balance_fen = desk.balance()["available_fen"]
    assert [line["amount_fen"] for line in lines] == [fen(row[6]) for row in told.rows]
    assert [line["balance_fen"] for line in lines] == [fen(row[7]) for row in told.rows]
    assert balance_fen == told.moved_fen == fen(told.sums["Closing balance"])
    assert balance_fen == fen(told.sums["Money in"]) - fen(told.sums["Money out"])
    return told


def test_a_lived_home_adds_up_on_the_page(lived):
    """
    Every movement has its row, and the rows make what `balance` says.
    """
    with lived.desk() as desk:
        told = checked(desk)

    assert 8 == len(told.rows) == int(told.sums["Movements"])


def test_any_ledger_adds_up_on_the_page(a_life):
    """
    To the fen, whatever was typed as greetings.
    """
    with a_life.desk() as desk:
        checked(desk)


def test_a_page_shows_of_the_holder_what_it_may(lived):
    """
    Masked by itself, whole against the PIN, and with --mask the others are masked too.
    """
    with lived.desk() as desk:
        with desk.statement() as opened:
            whole = written(opened, "html").decode()
        with desk.statement(full=pin) as opened:
            full = written(opened, "html").decode()
        with desk.statement(masked=True) as opened:
            masked = written(opened, "html").decode()

    assert [False, True, False] == [ID_NUMBER in text for text in (whole, full, masked)]
    assert [True, True, False] == [">Bob<" in text for text in (whole, full, masked)]


# --- what cannot be done with it ------------------------------------------------------------------

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "i", "p", "dl", "div", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "footer"),
}

SURROGATE = re.compile("[\ud800-\udfff]")

SCRIPTS = (
    "<script>alert(1)</script>",
    "</td></tr></table><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "--><script>alert(1)</script><!--",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    '" onmouseover="alert(1)',
    "&lt;script&gt;",
)


@every("text", [*HOSTILE, *WORST, *SCRIPTS, f"a{UNSAYABLE}b"])
def test_what_somebody_typed_is_text(text):
    """
    In every place: no element, no attribute, no comment but the signature comes of it.
    """
    card = {"card": "x", "bank": "cmb", "number": text}
    asked = stated(
        {"counterparty": text, "packet": text, "greeting": text},
        {**BY_CARD, "card_tail": text},
        profile=SURROGATE.sub("", text),  # which could not be signed
        holder={"real_name": text, "id_number": text, "cards": [card]},
    )

    content = page(asked)
    told, tree = read(content), etree.fromstring(content)

    shown = plain(text)
    assert [shown] * 3 == [fact for _name, fact in told.who[:3]]
    assert [shown] * 2 == [told.rows[0][3], told.rows[0][4]]
    assert shown in told.title
    assert shown in told.who[3][1]
    assert shown in told.rows[1][3]
    assert ELEMENTS == {element.tag.removeprefix(XHTML) for element in tree.iter(etree.Element)}
    assert 1 == len([*tree.iter(etree.Comment)])
    assert {"class", "scope", "charset", "http-equiv", "content", "name"} == {
        name for element in tree.iter(etree.Element) for name in element.attrib
    } - {"lang"}


def test_the_browser_is_told_to_load_and_run_nothing():
    """
    Not even what a mistake of ours would let in; and there is nothing to load.
    """
    content = page(statement()).decode()

    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', content)
    assert policy is not None
    assert "default-src 'none'; style-src 'unsafe-inline'" == policy[1]
    assert ["http://www.w3.org/1999/xhtml"] == re.findall(r'https?://[^"\s]*', content)
    assert "url(" not in content
    assert "@import" not in content


def test_it_knows_how_to_be_printed():
    """
    On A4, with numbered pages, the table's head on each, and no row in two.
    """
    style = page(statement()).decode().partition("</style>")[0]

    for rule in (
        "@page{size:A4",
        "counter(page)",
        "thead{display:table-header-group}",
        "break-inside:avoid",
    ):
        assert rule in style


# --- its signature --------------------------------------------------------------------------------


def seal_of(content: bytes) -> tuple[bytes, dict]:
    """Return what was signed, and the signature, which is the last comment."""
    signed, _, rest = content.rpartition(b"<!-- hongbao-signature: ")
    return signed, json.loads(rest.removesuffix(b" -->\n</body></html>\n"))


def test_the_signature_is_a_comment_that_breaks_when_a_fen_is_changed(lived):
    """
    It covers the page up to itself: another amount has another hash.
    """
    with lived.desk() as desk, desk.statement(until=BEGUN_AT + timedelta(days=9)) as opened:
        signed, seal = seal_of(written(opened, "html"))

    edited = signed.replace(b"-66.66", b"-66.65")

    assert edited != signed
    assert sha256(signed).hexdigest() == seal["sha256"] != sha256(edited).hexdigest()
    said = {name: fact for name, fact in seal.items() if name != "signature"}
    message = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert primitives.signature_fits(
        bytes.fromhex(seal["public_key"]), message, bytes.fromhex(seal["signature"])
    )


def test_an_edited_row_shows_in_the_sums():
    """
    Also to whoever adds up what is printed.
    """
    told = read(page(statement()).replace(b"-66.66", b"-66.65"))

    assert told.moved_fen != fen(told.sums["Closing balance"]) - fen(told.sums["Opening balance"])


def test_a_page_that_was_cut_short_is_no_page():
    """
    A strict reader refuses it.
    """
    content = page(statement())

    with pytest.raises(etree.XMLSyntaxError):
        read(content[: len(content) // 2])
