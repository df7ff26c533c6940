"""Receipts: every movement has one, it says what the ledger says, and nothing in it can change."""

import base64
import json
import random
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rich.cells import cell_len

from hongbao import errors, statements
from hongbao.queries.receipts import Receipt
from hongbao.queries.statement import HIDDEN
from hongbao.statements._proofs import receipt as receipts
from hongbao.statements._proofs import slip as slips
from hongbao.statements._proofs.qr import QUIET, matrix
from hongbao.statements._proofs.verification import Judge
from hongbao.units import yuan
from tests.consumers import program
from tests.every import every
from tests.statements.conftest import CARD, EXCLUSIVE, PEOPLE
from tests.statements.test_formats import SIGNER
from tests.statements.test_verification import exported, judged, key_of

FORMS = slips.FORMATS
FILES = ("text", "json", "svg")
"""The forms that a file can be checked in; a QR code is scanned."""

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "statements" / "signature.md").read_text(
    "utf-8"
)
CHECK_STATEMENT, CHECK_RECEIPT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def sealed(home, subject, name=PEOPLE[0], **asked):
    with home.desk(name) as desk:
        return receipts.sealed(*desk.receipt(subject, **asked))


def lines(home, name=PEOPLE[0]):
    with home.desk(name) as desk, desk.statement() as opened:
        return [*opened.lines]


def saved(folder, receipt, form, name="receipt"):
    path = folder / f"{name}.{form}"
    with path.open("wb") as out:
        slips.write(receipt, form, out, SIGNER)
    return path


def made(**facts):
    """Return a receipt, signed, of what *facts* say and otherwise of a packet."""
    receipt = Receipt(
        id="HB1000039501260216630962000000012",
        act="send",
        status="done",
        at="2026-02-16T20:00:00+08:00",
        amount_fen=6666,
        fee_fen=0,
        payer="小明",
        payee=None,
        shares=3,
        out_of="balance",
        into="packet",
        packet="hb_7Q2M4K9X",
        payment=None,
        request_id="rq_0000000000000000000000001A",
        masked=False,
        mac=bytes(range(32)),
    )
    return receipts.sealed(receipt._replace(**facts), SIGNER)


# --- what it says ---------------------------------------------------------------------------------


def test_every_movement_has_a_receipt(a_life):
    """
    It says what the statement says of it, and leads from one to the other by the movement's id.
    """
    for name in PEOPLE:
        for line in lines(a_life, name):
            shown = sealed(a_life, line["id"], name).shown()

            assert (line["id"], line["entry"], line["act"], line["at"]) == (
                *(shown["id"], shown["entry"], shown["act"], shown["at"]),
            )
            moved = {abs(line["amount_fen"]), abs(line["card_fen"] or 0)}
            assert shown["amount_fen"] in moved or shown["status"] == "held"
            assert shown["fee_fen"] == (line["fee_fen"] or 0)
            assert line["card"] in (None, shown["out_of"], shown["into"])
            assert name in (shown["payer"], shown["payee"])
            assert line["request_id"] == shown["request_id"]


EXPECTED = {
    # act: whence, whither, who pays, who gets it; the card stands for whichever it is
    "topup": ("card", "balance", "张三", "张三"),
    "withdraw": ("balance", "card", "张三", "张三"),
    "send": ("balance", "packet", "张三", None),
    "claim": ("packet", "balance", "张三", "张三"),
    "refund": ("packet", "balance", "张三", "张三"),
}


@pytest.mark.parametrize("act", EXPECTED)
def test_a_receipt_says_who_paid_whom(lived, act):
    """
    And where the money was, and where it went.
    """
    card = f"cmb-{CARD[-4:]}"
    line = next(
        line
        for line in lines(lived)
        if line["act"] == act and (act not in ("send", "refund") or line["card"] is None)
    )

    shown = sealed(lived, line["id"]).shown()

    told = [
        "card" if place == card else place
        for place in (shown["out_of"], shown["into"], shown["payer"], shown["payee"])
    ]
    assert [*EXPECTED[act]] == told


def test_what_a_card_paid_and_got_back_is_told(lived):
    """
    With the payment's id, by which the bank knows it.
    """
    card = f"cmb-{CARD[-4:]}"
    sent, back = [line for line in lines(lived) if line["card_fen"] and line["packet"]]

    by_card, refunded = (sealed(lived, line["id"]).shown() for line in (sent, back))

    assert (card, "packet", 3000) == (by_card["out_of"], by_card["into"], by_card["amount_fen"])
    assert ("packet", card) == (refunded["out_of"], refunded["into"])
    assert [True, True] == [
        re.fullmatch(r"(NU|UP)\d{14}", each["payment"]) is not None for each in (by_card, refunded)
    ]
    assert by_card["id"] == sealed(lived, by_card["payment"]).shown()["id"]


def test_a_receipt_goes_by_many_names(lived):
    """
    A packet's id however it is typed, a request's, a payment's, a movement's.
    """
    sent = next(line for line in lines(lived) if line["act"] == "send")
    names = (
        *(sent["packet"], sent["packet"].lower(), sent["packet"].removeprefix("hb_")),
        *(sent["request_id"], sent["id"], sent["id"].lower(), f" {sent['id']} "),
    )

    assert {sent["id"]} == {sealed(lived, name).facts["id"] for name in names}


def test_of_ones_own_packet_the_sending_comes_first(lived):
    """
    The share of it that was claimed has its movement's id; another person's packet is the claim.
    """
    own = next(line for line in lines(lived) if line["act"] == "claim")

    assert "send" == sealed(lived, own["packet"]).facts["act"]
    assert "claim" == sealed(lived, own["id"]).facts["act"]
    assert "claim" == sealed(lived, own["request_id"]).facts["act"]
    assert "claim" == sealed(lived, own["packet"], "Bob").facts["act"]


@pytest.mark.parametrize(
    ("subject", "refusal"),
    [
        ("hb_7Q2M4K9W", errors.InvalidPacketId),
        ("hb_7Q2M4K9X", errors.PacketNotFound),
        ("HB1000039501260216000000000000001", errors.RequestNotFound),
        ("NU20260216999999", errors.RequestNotFound),
        ("nothing", errors.RequestNotFound),
        ("", errors.RequestNotFound),
        ("\x1b[2J" * 1_000, errors.RequestNotFound),
    ],
)
def test_what_is_not_there_has_no_receipt(lived, subject, refusal):
    """
    Nor has what is somebody else's.
    """
    with pytest.raises(refusal):
        sealed(lived, subject)


def test_what_others_did_is_theirs(lived):
    """
    A packet that one has nothing to do with, a movement, a payment and a request of another.
    """
    mine = next(line for line in lines(lived) if line["act"] == "topup")
    packet = next(line["packet"] for line in lines(lived) if line["act"] == "send")
    for subject in (mine["id"], mine["request_id"], packet):
        with pytest.raises((errors.RequestNotFound, errors.PacketNotFound)):
            sealed(lived, subject, "Cai")


def test_a_masked_receipt_hides_what_a_masked_statement_does(lived):
    """
    Names but their first letter, and the request id that somebody typed.
    """
    given = next(line for line in lines(lived) if line["packet_kind"] == EXCLUSIVE)

    shown = sealed(lived, given["id"], masked=True).shown()

    assert ("张*", "B**", HIDDEN) == (shown["payer"], shown["payee"], shown["request_id"])
    slip = slips.text(sealed(lived, given["id"], masked=True))
    assert not re.search(r"\bBob\b", slip)  # as a word: a seal's letters may spell anything


# --- its forms ------------------------------------------------------------------------------------


def test_a_slip_fits_a_tills_roll(a_life):
    """
    Forty columns, whatever names people have, and what it says can be read on it.
    """
    for line in lines(a_life):
        receipt = sealed(a_life, line["id"])

        slip = slips.text(receipt)

        assert [] == [row for row in slip.splitlines() if cell_len(row) > slips.WIDTH]
        assert f"¥ {yuan(receipt.facts['amount_fen'])}" in slip
        assert line["at"][:10] in slip
        assert line["id"] in slip


def test_the_longest_names_still_make_a_slip():
    """
    Twenty Chinese letters of four bytes each, and a request id of sixty-four.
    """
    receipt = made(payer="𠮷" * 20, payee="𠮷" * 20, request_id="r" * 64)

    slip = slips.text(receipt)

    assert [] == [row for row in slip.splitlines() if cell_len(row) > slips.WIDTH]
    assert slip.count("𠮷") == 80
    assert receipts.parse(receipt.line) == receipt


CHECKPOINT = f"hongbao/0123456789abcdef/epoch/2\n57\n{base64.b64encode(bytes(32)).decode()}\n"


@pytest.mark.parametrize("form", FORMS)
def test_a_receipt_of_a_shared_ledger_names_its_newest_checkpoint(tmp_path, form):
    """
    In every form; and a receipt that names none is as it always was.
    """
    receipt = made(checkpoint=CHECKPOINT)
    assert receipt.line.startswith("HBR2|")
    assert made().line.startswith("HBR1|")
    assert "checkpoint" not in made().shown()
    assert CHECKPOINT == receipt.shown()["checkpoint"]
    if form == "qr":
        assert receipts.parse(receipt.line) == receipt
        return

    with saved(tmp_path, receipt, form).open("rb") as file:
        found = slips.found_in(file)

    assert found is not None
    assert receipt == found.sealed
    assert receipt.fits
    assert found.difference() is None


@pytest.mark.parametrize("checkpoint", ["", "a", CHECKPOINT[:-1], f"{CHECKPOINT}more\n"])
def test_what_is_no_checkpoint_makes_no_receipt(checkpoint):
    """
    It would be signed, and mean nothing.
    """
    line = made(checkpoint=CHECKPOINT).line
    written = CHECKPOINT.replace("\n", "%0A")
    assert written in line

    assert receipts.parse(line.replace(written, checkpoint.replace("\n", "%0A"))) is None


def test_a_code_fits_a_terminal(lived):
    """
    The line is some 350 bytes long, and its code with all its margin less than eighty columns wide.
    """
    for line in lines(lived):
        receipt = sealed(lived, line["id"])

        rows = slips.blocks(receipt)

        assert len(receipt.line.encode()) <= 370
        assert {len(rows[0])} == {len(row) for row in rows}
        assert len(rows[0]) <= 80


def test_a_code_says_the_line():
    """
    The blocks on a screen are its modules, two rows a line, light on dark, with the margin around.
    """
    receipt = made()
    drawn = {"█": "██", "▀": "█ ", "▄": " █", " ": "  "}

    rows = [
        "".join(drawn[block][half] for block in row)
        for row in slips.blocks(receipt)
        for half in (0, 1)
    ]

    modules = matrix(receipt.line)
    read = [
        [row[place] == " " for place in range(QUIET, len(modules) + QUIET)]
        for row in rows[QUIET : len(modules) + QUIET]
    ]
    assert modules == read
    margin = [*rows[:QUIET], *rows[len(modules) + QUIET :]]
    assert {"█" * len(rows[0])} == {*margin}


def test_a_picture_is_the_same_code():
    """
    Its dark squares, where the modules are, and the line as its description.
    """
    from xml.etree import ElementTree

    receipt = made()

    picture = ElementTree.fromstring(slips.svg(receipt))

    named = {each.tag.rpartition("}")[2]: each for each in picture}
    squares = re.findall(r"M(\d+) (\d+)h1v1h-1z", named["path"].get("d", ""))
    modules = matrix(receipt.line)
    dark = {(x, y) for y, row in enumerate(modules) for x, is_dark in enumerate(row) if is_dark}
    assert {(int(x) - QUIET, int(y) - QUIET) for x, y in squares} == dark
    assert receipt.line == named["desc"].text


def test_a_receipt_is_the_same_bytes_again(lived):
    """
    Whenever it is made, in whatever form.
    """
    topup = lines(lived)[0]["id"]

    first, second = sealed(lived, topup), sealed(lived, topup)

    assert first == second
    assert slips.document(first) == slips.document(second)


# --- checking it ----------------------------------------------------------------------------------


@pytest.mark.in_turn(4)
@pytest.mark.parametrize("form", FILES)
def test_a_receipt_is_genuine_for_whoever_has_the_key_or_the_ledger(a_life, tmp_path, form):
    """
    Every one of a life, by both.
    """
    key = key_of(a_life)
    for line in lines(a_life):
        path = saved(tmp_path, sealed(a_life, line["id"]), form)

        here, elsewhere = judged(path, a_life), judged(path, None, key)

        assert ("genuine", "receipt", PEOPLE[0]) == (
            *(here["verdict"], here["what"], here["profile"]),
        )
        assert ("genuine", "key") == (elsewhere["verdict"], elsewhere["known_by"])


def test_a_scanned_code_is_a_receipt_too(lived, tmp_path):
    """
    As an app has it: the line alone, perhaps with a line end.
    """
    receipt = sealed(lived, lines(lived)[0]["id"])
    path = tmp_path / "scanned.txt"
    for more in ("", "\n", "\r\n"):
        path.write_text(receipt.line + more, encoding="utf-8")

        assert "genuine" == judged(path, lived)["verdict"]


def test_no_character_of_a_slip_can_be_changed(lived, tmp_path):
    """
    Any digit or letter made another one is noticed, above the line and in it.
    """
    slip = slips.text(sealed(lived, lines(lived)[0]["id"]))
    path = tmp_path / "slip.txt"
    key = key_of(lived)
    judge = Judge(None, frozenset({key}))
    for place, letter in enumerate(slip):
        if letter.isalnum():
            other = "0" if letter != "0" else "1"
            path.write_text(slip[:place] + other + slip[place + 1 :], encoding="utf-8")
            try:
                told = judge.judge(path)
            except errors.NotSigned:
                continue  # the mark at the beginning of its line is gone
            assert told["verdict"] in ("file_edited", "unknown_signer", "cut_short")


@pytest.mark.parametrize("field", ["amount_fen", "payer", "at", "status", "entry", "mac", "payee"])
def test_no_fact_of_a_document_can_be_changed(lived, tmp_path, field):
    """
    Although the line beside it still fits; and whitespace is no fact.
    """
    path = saved(tmp_path, sealed(lived, lines(lived)[0]["id"]), "json")
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(document, indent=7), encoding="utf-8")
    spaced = judged(path, lived)
    document[field] = document[field] + (1 if isinstance(document[field], int) else "0")
    path.write_text(json.dumps(document), encoding="utf-8")

    told = judged(path, lived)

    assert "genuine" == spaced["verdict"]
    assert "file_edited" == told["verdict"]


@pytest.mark.in_turn(2)
@pytest.mark.parametrize(
    ("name", "written"),
    [
        *((name, text) for name in ("amount_fen", "entry") for text in ("{}.0", "{}e0", '"{}"')),
        *(("fee_fen", text) for text in ("false", "-0", "0.0", "null", '""')),
        *(("masked", text) for text in ("0", "0.0", "null", '""')),
        ("shares", "0"),
        ("packet", '""'),
        ("status", '["done"]'),
    ],
)
def test_a_fact_of_another_type_is_another_fact(lived, tmp_path, name, written):
    """
    To Python 600.0 is 600 and 0 is false; to whoever reads the document they need not be.
    """
    path = saved(tmp_path, sealed(lived, lines(lived)[0]["id"]), "json")
    text = path.read_text("utf-8")
    value = json.loads(text)[name]
    was = f'"{name}": {json.dumps(value)}'
    assert was in text
    path.write_text(text.replace(was, f'"{name}": {written.format(value)}'), "utf-8")

    assert "file_edited" == judged(path, lived)["verdict"]


def test_a_picture_with_another_code_is_edited(lived, tmp_path):
    """
    Its description is a receipt's, and what a telephone would read is not.
    """
    mine = sealed(lived, lines(lived)[0]["id"])
    path = tmp_path / "a.svg"
    path.write_text(slips.svg(made()).replace(made().line, mine.line), encoding="utf-8")

    assert "file_edited" == judged(path, lived)["verdict"]


def test_a_pdf_says_all_of_it(lived, tmp_path):
    """
    To a reader of PDFs, and behind its end to whoever checks it.
    """
    subject = lines(lived)[0]["id"]
    path = printed(lived, tmp_path, subject)
    receipt = sealed(lived, subject)

    said = subprocess.run(
        [program("pdftotext"), "-layout", path, "-"], capture_output=True, check=True
    ).stdout.decode()

    assert "genuine" == judged(path, lived)["verdict"]
    for fact in (f"¥ {yuan(receipt.facts['amount_fen'])}", PEOPLE[0], receipt.facts["id"]):
        assert fact in said


def test_no_byte_of_a_pdf_can_be_changed(lived, tmp_path):
    """
    Nor can one have the foot of another.
    """
    first, second = (printed(lived, tmp_path, line["id"]) for line in lines(lived)[:2])
    content, other = first.read_bytes(), second.read_bytes()
    dice = random.Random(1)
    judge = Judge(None, frozenset({key_of(lived)}))
    for place in dice.sample(range(len(content)), 60):
        changed = bytearray(content)
        changed[place] ^= 1 << dice.randrange(8)
        first.write_bytes(changed)
        with suppress(errors.NotSigned, errors.SignatureMissing):
            assert judge.judge(first)["verdict"] not in ("genuine", "older")
    foot = content.rindex(b"\n% HBR1|"), other.rindex(b"\n% HBR1|")
    first.write_bytes(content[: foot[0]] + other[foot[1] :])

    assert "file_edited" == judge.judge(first)["verdict"]


def printed(home, folder, subject):
    """Return the file of a receipt as a PDF, which the profile signs as a whole."""
    path = folder / f"{subject}.pdf"
    with home.desk() as desk, path.open("wb") as out:
        receipt, signer = desk.receipt(subject)
        slips.write(receipts.sealed(receipt, signer), "pdf", out, signer)
    return path


def test_a_row_of_a_slip_that_is_missing_is_told(lived, tmp_path):
    """
    As in a statement.
    """
    path = saved(tmp_path, sealed(lived, lines(lived)[0]["id"]), "text")
    rows = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(row for row in rows if "paid by" not in row), encoding="utf-8")

    told = judged(path, lived)

    assert ("rows_missing", ["付款方 paid by 张三"]) == (told["verdict"], told["missing"])


def test_a_slip_without_its_end_is_cut_short(lived, tmp_path):
    """
    The line is at its foot.
    """
    slip = saved(tmp_path, sealed(lived, lines(lived)[0]["id"]), "text").read_text("utf-8")
    path = tmp_path / "cut.txt"
    path.write_text(slip[: slip.index("HBR1") + 100], encoding="utf-8")

    assert "cut_short" == judged(path, lived)["verdict"]


def test_a_strangers_receipt_is_somebody_elses(lived, tmp_path):
    """
    As with statements, the key in it proves nothing.
    """
    path = saved(tmp_path, made(), "text")

    here, with_key = judged(path, lived), judged(path, lived, SIGNER.public_key)

    assert ("unknown_signer", None) == (here["verdict"], here["known_by"])
    assert ("genuine", "key") == (with_key["verdict"], with_key["known_by"])


def test_a_receipt_whose_payment_came_further_is_older(lived, tmp_path):
    """
    Genuine, and no longer how it stands.
    """
    line = next(line for line in lines(lived) if line["act"] == "withdraw")
    with lived.desk() as desk:
        receipt, signer = desk.receipt(line["id"])
    path = saved(tmp_path, receipts.sealed(receipt._replace(status="held"), signer), "text")

    told = judged(path, lived)

    assert ("older", 1) == (told["verdict"], told["more"])


def test_a_receipt_outlives_a_rekey(lived, tmp_path):
    """
    As statements do.
    """
    path = saved(tmp_path, sealed(lived, lines(lived)[0]["id"]), "svg")
    with lived.desk() as desk:
        desk.rekey()

    assert "genuine" == judged(path, lived)["verdict"]


@every(
    "line",
    [
        "",
        "HBR1",
        "HBR1|" + "|" * 17,
        "HBR2" + made().line[4:],
        made().line + "|",
        made().line + "=",
        made().line.replace("|6666|", "|06666|"),
        made().line.replace("|6666|", "|-6666|"),
        made().line.replace("|6666|", "|66.66|"),
        made().line.replace("|6666|", "|٦٦٦٦|"),
        made().line.replace("小明", "%E5%B0%8F%E6%98%8E"),
        made().line.replace("小明", "%FF"),
        made().line.replace("send", "paid"),
        made().line.replace("|done|", "|settled|"),
        made().line.replace("2026-02-16T", "yesterday"),
        made().line.replace("HB1000039501", "HB2000039501"),
    ],
)
def test_a_line_is_written_in_one_way(line):
    """
    Whatever reads otherwise to a careless reader is no receipt.
    """
    assert receipts.parse(line) is None


# --- the page's own lines -------------------------------------------------------------------------


def ran(snippet, *arguments):
    """
    Run the page's lines as a reader would: another Python, which cannot import hongbao.
    """
    return subprocess.run(
        [sys.executable, "-I", "-c", snippet, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        cwd="/",
        env={"PYTHONUTF8": "1"},
        check=False,
    )


@pytest.mark.parametrize("format_name", ["csv", "json", "beancount"])
def test_the_pages_lines_check_a_statement(lived, tmp_path, format_name):
    """
    Inside and beside; and a fen more, or another's key, does not pass.
    """
    assert 10 == len(CHECK_STATEMENT.splitlines())
    path = exported(lived, tmp_path, format_name)
    beside = statements.signature_file(path)
    where = beside if beside.exists() else path
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_text(f"{key_of(lived).hex()}\n")
    other.write_text(f"{SIGNER.public_key.hex()}\n")

    genuine = ran(CHECK_STATEMENT, path, where, key)
    forged = ran(CHECK_STATEMENT, path, where, other)
    path.write_bytes(path.read_bytes().replace(b"66", b"67", 1))
    edited = ran(CHECK_STATEMENT, path, where, key)

    count = judged(exported(lived, tmp_path, format_name), lived)["signed"]["count"]
    told = genuine.stdout.splitlines()
    assert told[0].startswith("True ")
    assert f"{PEOPLE[0]} None None {count} " in told[1]
    assert ("", True) == (forged.stdout, "InvalidSignature" in forged.stderr)
    assert edited.stdout.startswith("False ")


@pytest.mark.parametrize("form", FILES)
def test_the_pages_lines_check_a_receipt(lived, tmp_path, form):
    """
    In every form that is a file.
    """
    receipt = sealed(lived, lines(lived)[0]["id"])
    path = saved(tmp_path, receipt, form)
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_text(f"{key_of(lived).hex()}\n")
    other.write_text(f"{SIGNER.public_key.hex()}\n")

    genuine, forged = (ran(CHECK_RECEIPT, path, each) for each in (key, other))

    assert receipt.line.split("|")[:-1] == genuine.stdout.splitlines()
    assert ("", True) == (forged.stdout, "InvalidSignature" in forged.stderr)


def test_the_page_names_every_field_of_a_signature(lived, tmp_path):
    """
    And every format, where its signature stands.
    """
    signed = judged(exported(lived, tmp_path, "json"), lived)["signed"]

    assert [] == [name for name in signed if f"`{name}`" not in PAGE]
    assert [] == [name for name in statements.FORMATS if f"`{name}`" not in PAGE]


def test_a_key_that_nobody_has_makes_nothing_genuine(lived, tmp_path):
    """
    Under a public key of small order a signature of nothing fits every line.
    """
    receipt = sealed(lived, lines(lived)[0]["id"])
    nobody = (1).to_bytes(32, "little")
    fields = receipt.line.split("|")
    fields[-2:] = [receipts.to_base64(nobody), receipts.to_base64(nobody + bytes(32))]
    path = tmp_path / "forged.txt"
    path.write_text("|".join(fields) + "\n", encoding="utf-8")

    told = Judge(None, frozenset({nobody})).judge(path)

    assert "file_edited" == told["verdict"]
