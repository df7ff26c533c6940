"""`verify-statement`, `key` and `receipt` as they are typed: by programs and by people."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from hongbao import statements
from tests.cli.shell import Shell, plain

HEX = re.compile(r"[0-9a-f]{64}")


@pytest.fixture(scope="session")
def handed_over(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The New Year's home with a statement in each format, and receipts beside it."""
    shell = new_year.copied_to(tmp_path_factory.mktemp("handed over") / "home")
    said = shell.plays(
        *(("export", "--format", name, "-o", f"mine.{name}") for name in statements.FORMATS),
        *(
            ("receipt", shell.packets["exclusive"], "--format", form, "-o", f"slip.{form}")
            for form in ("text", "json", "svg", "pdf")
        ),
        ("export", "--mask", "-o", "other.csv"),
        ("key",),
    )
    assert [] == [each.err for each in said if each.code]
    (shell.home.parent / "mine.key").write_text(said[-1].out)
    return shell


def test_every_format_is_genuine_through_the_installed_command(handed_over: Shell):
    """
    With the ledger, and elsewhere with the key in a file and no home at all.
    """
    names = [f"mine.{name}" for name in statements.FORMATS]
    nowhere = Shell(handed_over.home.with_name("nowhere"), handed_over.pin)

    here = handed_over.plays(*(("verify-statement", name) for name in names))
    there = nowhere.plays(*(("verify-statement", name, "--key", "mine.key") for name in names))

    assert [(0, "genuine")] * len(names) == [(each.code, each.out.split("\t")[0]) for each in here]
    assert [(0, "genuine")] * len(names) == [(each.code, each.out.split("\t")[0]) for each in there]
    assert not nowhere.home.exists()


def test_a_program_is_told_everything(handed_over: Shell):
    """
    A genuine one on standard output; an edited one on standard error, with where it differs.
    """
    folder = handed_over.home.parent
    genuine = handed_over.answers("verify-statement", str(folder / "mine.jsonl"))
    changed = (folder / "mine.jsonl").read_bytes().replace(b"-5200", b"-6200", 1)
    (folder / "changed.jsonl").write_bytes(changed)

    code, error = handed_over.refuses("verify-statement", str(folder / "changed.jsonl"))

    assert ("genuine", "小明", True) == (
        *(genuine["verdict"], genuine["profile"], genuine["with_ledger"]),
    )
    assert (19, "file_edited", "content") == (code, error["code"], error["how"])
    assert "-5200" in error["line_signed"]
    assert "-6200" in error["line_found"]


def test_a_key_is_one_line(handed_over: Shell):
    """
    So that a file made of it can be handed to whoever is to check, and given to --key.
    """
    said = handed_over.does("key")
    shown = handed_over.answers("key")

    assert HEX.fullmatch(said.out.rstrip("\n"))
    assert (said.out.rstrip("\n"), "小明") == (shown["public_key"], shown["profile"])
    assert shown["public_key"] != handed_over.answers("key", "-p", "小红")["public_key"]


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("columns", [40, 80])
def test_every_verdict_fits_the_terminal(handed_over: Shell, columns: int, language: str):
    """
    In either language; what stands there of a file is shown and not obeyed.
    """
    folder = handed_over.home.parent
    (folder / "cut.json").write_bytes((folder / "mine.json").read_bytes()[:-100])
    hostile = (folder / "slip.text").read_text("utf-8").replace("小明", "\x1b[2J\x07小明")
    (folder / "hostile.txt").write_text(hostile, encoding="utf-8")
    looks = [
        *(("verify-statement", name) for name in ("mine.html", "cut.json", "hostile.txt")),
        ("verify-statement", "other.csv", "--sig", "mine.csv.sig"),
        ("verify-statement", "slip.svg"),
    ]

    screens = handed_over.screens(*looks, columns=columns, HONGBAO_LANG=language)

    for screen in screens:
        assert "Traceback" not in screen
        assert "\x1b[2J" not in screen
        lines = [line for line in plain(screen).splitlines() if "`" not in line]
        assert [] == [line for line in lines if cell_len(line) > columns and " " in line.strip()]
    marks = [plain(screen).lstrip()[0] for screen in screens]
    assert ["✓", "✗", "✗", "✗", "✓"] == marks


@pytest.mark.parametrize("columns", [80, 73, 70])
def test_a_code_is_drawn_where_there_is_room(handed_over: Shell, columns: int):
    """
    With half the margin where there is no more room.
    """
    (screen,) = handed_over.screens(
        ("receipt", handed_over.packets["equal"], "--format", "qr"), columns=columns
    )

    rows = plain(screen).strip("\n").splitlines()
    assert {cell_len(row) for row in rows} <= {*range(60, columns + 1)}
    assert 1 == len({cell_len(row) for row in rows})
    assert set("".join(rows)) <= set("█▀▄ ")


@pytest.mark.parametrize(
    ("columns", "settings"),
    [(40, []), (80, ["LINES=24"]), (80, ["PYTHONIOENCODING=ascii"])],
)
def test_a_code_that_has_no_room_is_said(handed_over: Shell, columns: int, settings: list[str]):
    """
    Half of one could not be read: its line is printed, and a picture can be drawn anywhere.
    """
    typed = ["receipt", handed_over.packets["equal"], "--format", "qr"]
    variables = dict(each.split("=") for each in settings)

    (screen,) = handed_over.screens(typed, columns=columns, **variables)

    (line,) = handed_over(*typed, PYTHONIOENCODING="ascii").lines
    assert line in plain(screen).encode("ascii", "backslashreplace").decode().splitlines()
    assert "--format svg -o FILE" in plain(screen)
    assert "█" not in screen


def test_a_pipe_that_lacks_the_blocks_gets_the_line(handed_over: Shell):
    """
    `\\u2588` could be scanned by nobody.
    """
    packet = handed_over.packets["equal"]
    said = handed_over("receipt", packet, "--format", "qr", PYTHONIOENCODING="ascii")

    assert (0, 1) == (said.code, len(said.lines))
    assert said.out.startswith("HBR1|")


def test_a_form_is_read_off_the_files_name(handed_over: Shell, tmp_path: Path):
    """
    And standard output has a slip, or with --json the document.
    """
    packet = handed_over.packets["exclusive"]
    said = handed_over.plays(
        *(
            ("receipt", packet, "-o", str(tmp_path / name))
            for name in ("a.json", "a.SVG", "a.txt", "a.pdf")
        ),
    )

    assert [0] * 4 == [each.code for each in said]
    beginnings = [
        (tmp_path / name).read_bytes()[:4] for name in ("a.json", "a.SVG", "a.txt", "a.pdf")
    ]
    assert [b"{\n  ", b"<svg", "──".encode()[:4], b"%PDF"] == beginnings
    assert 0o600 == (tmp_path / "a.json").stat().st_mode & 0o777
    assert "52.00" in handed_over.does("receipt", packet).out
    assert 5200 == handed_over.answers("receipt", packet)["amount_fen"]


def test_a_receipt_overwrites_nothing(handed_over: Shell):
    """
    Unless it is told that it may.
    """
    path = handed_over.home.parent / "kept.txt"
    path.write_text("mine")
    packet = handed_over.packets["exclusive"]

    code, error = handed_over.refuses("receipt", packet, "-o", str(path))

    assert (2, "file_exists", "mine") == (code, error["code"], path.read_text())
    handed_over.does("receipt", packet, "-o", str(path), "--yes")
    assert path.read_text("utf-8") == (handed_over.home.parent / "slip.text").read_text("utf-8")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("12", "file_not_readable"),
        ("5d" * 31, "invalid_public_key"),
        ("5d" * 33, "invalid_public_key"),
        ("mine.csv", "invalid_public_key"),
        ("mine.pdf", "invalid_public_key"),
        (".", "file_not_readable"),
    ],
)
def test_what_is_no_key_is_refused(handed_over: Shell, key: str, code: str):
    """
    Before anything is believed because of it.
    """
    folder = handed_over.home.parent
    named = str(folder / key) if key[0] in "m." else key

    _, error = handed_over.refuses("verify-statement", str(folder / "mine.json"), "--key", named)

    assert code == error["code"]


def test_a_locked_home_is_not_needed_where_a_key_is_given(handed_over: Shell, tmp_path: Path):
    """
    Without one it has to be opened, because only the home knows the key.
    """
    shell = handed_over.copied_to(tmp_path / "home")
    folder = handed_over.home.parent
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery\n")
    shell.does("lock", "--passphrase-file", str(passphrase))
    mine = str(folder / "mine.json")

    code, error = shell.refuses("verify-statement", mine)
    told = shell.answers("verify-statement", mine, "--key", str(folder / "mine.key"))

    assert (20, "home_locked") == (code, error["code"])
    assert ("genuine", "key", False) == (told["verdict"], told["known_by"], told["with_ledger"])
    assert shell.answers("verify-statement", mine, HONGBAO_PASSPHRASE_FILE=str(passphrase))[
        "with_ledger"
    ]


def test_a_shell_is_offered_what_has_a_receipt(handed_over: Shell):
    """
    The newest movements, by their packets or else by their ids.
    """
    said = handed_over(
        _HONGBAO_COMPLETE="complete_bash", COMP_WORDS="hongbao receipt ", COMP_CWORD="2"
    )

    offered = said.out.split()
    assert set(handed_over.packets.values()) <= set(offered)
    assert any(word.startswith("HB1000039501") for word in offered)


@pytest.mark.parametrize(
    ("name", "begins"), [("r.txt", "─"), ("r.json", "{"), ("r.SVG", "<svg"), ("r", "─")]
)
def test_how_a_file_ends_is_what_it_is(handed_over: Shell, tmp_path: Path, name: str, begins: str):
    """
    In capitals or not; a name without an ending is a slip's.
    """
    path = tmp_path / name
    handed_over.does("receipt", handed_over.packets["exclusive"], "-o", str(path))

    assert begins in path.read_text("utf-8")[:200]


@pytest.mark.parametrize("name", ["r.html", "r.csv", "r.pdf.bak"])
def test_an_ending_that_no_receipt_has_is_refused_with_those_that_there_are(
    handed_over: Shell, tmp_path: Path, name: str
):
    """
    It would be text by another name.
    """
    path = tmp_path / name
    code, error = handed_over.refuses("receipt", handed_over.packets["exclusive"], "-o", str(path))

    assert (2, "unknown_ending", ".json, .pdf, .svg, .txt") == (
        code,
        error["code"],
        error["known"],
    )
    assert not path.exists()
