"""``hongbao export``: which period, for whose eyes, and signed by whom."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ID_NUMBER
from tests.cli.shell import Shell

WRONG_PIN, PIN_EXIT, USAGE = "135791", 14, 2


def exported(shell: Shell, *typed: str) -> dict[str, object]:
    """Return the statement that *typed* asks for, as JSON."""
    document: dict[str, object] = json.loads(shell.does("export", "--format", "json", *typed).out)
    return document


def acts(document: dict[str, object]) -> list[str]:
    movements = document["movements"]
    assert isinstance(movements, list)
    return [line["act"] for line in movements]


# --- which period ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "since", "until", "count"),
    [
        (("--from", "2026", "--to", "2026"), "2026-01-01", "2027-01-01", 6),
        (("--from", "2026-02", "--to", "2026-02"), "2026-02-01", "2026-03-01", 6),
        (("--from", "2026-02-16", "--to", "2026-02-16"), "2026-02-16", "2026-02-17", 4),
        (("--to", "2025"), None, "2026-01-01", 0),
        (("--last", "1d"), "2026-02-16", None, 4),
        (("--last", "2d"), "2026-02-15", None, 6),
        (("--last", "400d"), "2025-01-13", None, 6),
        (("--last", "1w"), "2026-02-10", None, 6),
        (("--last", "1mo"), "2026-01-17", None, 6),
        (("--last", "1y"), "2025-02-17", None, 6),
    ],
)
def test_a_period_is_years_months_days_or_the_last_of_them(
    new_year: Shell, typed: tuple[str, ...], since: str | None, until: str | None, count: int
):
    """
    Whole ones, China's, with today as the last.
    """
    document = exported(new_year, *typed)

    assert (since and f"{since}T00:00:00+08:00") == document["from"]
    assert (until and f"{until}T00:00:00+08:00") == document["to"]
    assert count == document["count"] == len(acts(document))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (("--last", "30d", "--from", "2026"), "conflicting_options"),
        (("--last", "30d", "--to", "2026"), "conflicting_options"),
        (("--last", "30"), "invalid_span"),
        (("--last", "0d"), "invalid_span"),
        (("--last", "1m"), "invalid_span"),
        (("--last", "12h"), "invalid_span"),
        (("--last", "1d12h"), "invalid_span"),
        (("--from", "2026-02-17"), "period_not_begun"),
        (("--from", "2027"), "period_not_begun"),
        (("--from", "26"), "invalid_instant"),
        (("--full", "--mask"), "conflicting_options"),
        (("--full", "--format", "csv"), "conflicting_options"),
        (("--root", "微信"), "invalid_account_root"),
        (("--root", "A:B"), "invalid_account_root"),
        (("--root", 'A"\nplugin'), "invalid_account_root"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    unchanged: Shell, tmp_path: Path, typed: tuple[str, ...], code: str
):
    """
    With one sentence, and no file.
    """
    file = tmp_path / "statement.json"

    exit_code, error = unchanged.refuses("export", "-o", str(file), *typed)

    assert (USAGE, code) == (exit_code, error["code"])
    assert not file.exists()


@pytest.mark.parametrize("other", ["--from", "--to"])
def test_the_option_that_was_typed_is_named(new_year: Shell, other: str):
    """
    Whoever typed no ``--from`` is not told of one.
    """
    _code, error = new_year.refuses("export", "--format", "csv", "--last", "1d", other, "2026")

    assert ("--last", other) == (error["first"], error["second"])


# --- for whose eyes -------------------------------------------------------------------------------


def test_a_masked_statement_names_nobody(shell: Shell):
    """
    Nor does it say what anybody typed: greetings, names, request ids. Its sums are what they were.
    """
    shell.does("send", "1", "-g", "给妈妈的", "--request-id", "mum-2026")
    whole, masked = exported(shell), exported(shell, "--mask")

    text = json.dumps(masked, ensure_ascii=False)

    assert "小红" in json.dumps(whole, ensure_ascii=False)
    assert [] == [word for word in ("小明", "小红", "妈妈", "mum", "新年") if word in text]
    assert "小*" == masked["profile"]
    assert masked["signature"]["masked"]  # type: ignore[index]
    for name in ("opening_fen", "closing_fen", "in_fen", "out_fen", "count", "head"):
        assert whole[name] == masked[name]


def test_names_and_numbers_are_whole_only_with_the_pin(shell: Shell, tmp_path: Path):
    """
    Not without it, not with a wrong one, and a wrong one is counted like any other.
    """
    wrong = tmp_path / "wrong"
    wrong.write_text(WRONG_PIN)
    masked = exported(shell)["holder"]

    code, error = shell.refuses("export", "--full", "--pin-file", str(wrong))
    full = exported(shell, "--full")["holder"]

    assert (PIN_EXIT, "wrong_pin", 4) == (code, error["code"], error["attempts_left"])
    assert {"real_name": "张三", "id_number": ID_NUMBER} == {
        name: full[name]  # type: ignore[index]
        for name in ("real_name", "id_number")
    }
    assert "9999010000000003" == full["cards"][0]["number"]  # type: ignore[index]
    assert "张*" == masked["real_name"]  # type: ignore[index]
    assert ID_NUMBER not in json.dumps(masked)
    assert "9999010000000003" not in json.dumps(masked)


def test_without_a_way_to_ask_for_the_pin_nothing_is_said_in_full(shell: Shell, tmp_path: Path):
    """
    A script that forgot the PIN is told which option it lacks, and no file is begun.
    """
    file = tmp_path / "statement.json"

    code, error = shell.refuses(
        "export", "--full", "--no-input", "-o", str(file), HONGBAO_PIN_FILE=""
    )

    assert (USAGE, "--pin-file") == (code, error["flag"])
    assert not file.exists()


# --- signed ---------------------------------------------------------------------------------------


def test_what_has_no_place_for_a_signature_has_one_beside_it(shell: Shell, tmp_path: Path):
    """
    The answer says where, and which key checks it; both files are there, and for their owner only.
    """
    told = shell.answers("export", "-o", str(tmp_path / "november.csv"))
    inside = shell.answers("export", "-o", str(tmp_path / "november.json"))

    signature = json.loads((tmp_path / "november.csv.sig").read_text())
    assert str(tmp_path / "november.csv.sig") == told["signature_file"]
    assert told["public_key"] == signature["public_key"] == inside["public_key"]
    assert None is inside["signature_file"]
    assert ["november.csv", "november.csv.sig", "november.json"] == sorted(
        path.name for path in tmp_path.glob("november*")
    )
    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.glob("november*")}


def test_a_signature_that_is_there_is_not_written_over(shell: Shell, tmp_path: Path):
    """
    The statement that it belongs to may be elsewhere; with ``--yes`` both are replaced.
    """
    file, signature = tmp_path / "november.csv", tmp_path / "november.csv.sig"
    signature.write_text("somebody's")

    code, error = shell.refuses("export", "-o", str(file))

    assert (USAGE, "file_exists", str(signature)) == (code, error["code"], error["path"])
    assert not file.exists()
    assert "somebody's" == signature.read_text()
    shell.does("export", "-o", str(file), "--yes")
    assert json.loads(signature.read_text())["bytes"] == file.stat().st_size


def test_each_person_has_a_key_of_their_own(new_year: Shell):
    """
    And the same one for every statement of theirs.
    """
    keys = {
        name: {
            exported(new_year, "-p", name, *typed)["signature"]["public_key"]  # type: ignore[index]
            for typed in ((), ("--mask",))
        }
        for name in ("小明", "小红")
    }

    assert [1, 1] == [len(key) for key in keys.values()]
    assert keys["小明"] != keys["小红"]


@pytest.mark.parametrize(
    ("language", "title"), [("en", "<title>Statement · 小明 ·"), ("zh_CN", "<title>账单 · 小明 ·")]
)
def test_a_printed_page_is_in_the_readers_language(new_year: Shell, language: str, title: str):
    """
    HONGBAO_LANG, or the system's.
    """
    page = new_year.does("export", "--format", "html", HONGBAO_LANG=language).out

    assert title in page


@pytest.mark.parametrize("command", ["export", "receipt"])
def test_a_variable_names_the_font_of_a_pdf(new_year: Shell, tmp_path: Path, command: str):
    """
    HONGBAO_FONT. One that cannot be used is refused, and no file begun.
    """
    subject = [new_year.packets["exclusive"]] if command == "receipt" else []

    code, error = new_year.refuses(
        command, *subject, "-o", str(tmp_path / "a.pdf"), HONGBAO_FONT="/nowhere.ttf"
    )

    assert (USAGE, "font_unusable", "/nowhere.ttf") == (code, error["code"], error["path"])
    assert [] == [*tmp_path.glob("*.pdf*")]


@pytest.mark.parametrize("name", ["november.ods", "november.csv.gz", "statement.docx"])
def test_an_ending_that_no_format_has_is_named_with_those_that_there_are(
    unchanged: Shell, tmp_path: Path, name: str
):
    """
    Nobody is told to name a format who has named one, in the way that works everywhere else.
    """
    code, error = unchanged.refuses("export", "-o", str(tmp_path / name))

    assert (USAGE, "unknown_ending", Path(name).suffix) == (code, error["code"], error["ending"])
    assert {".csv", ".xlsx", ".pdf", ".beancount"} < {*error["known"].split(", ")}
    assert [] == [*tmp_path.glob("november*"), *tmp_path.glob("statement*")]
    assert "usage" == unchanged.refuses("export", "-o", str(tmp_path / "november"))[1]["code"]


def test_a_minute_is_told_how_a_month_is_written(new_year: Shell):
    """
    `1m` is a minute to the clock, and a month to whoever asks for a statement.
    """
    error = new_year.refuses("export", "--format", "csv", "--last", "1m")[1]

    assert "1mo" in error["hint"]
