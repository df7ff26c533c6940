"""Lists for programs: their columns, header, CSV, and what a pipe gets for ever."""

import csv
import io
import json
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from hongbao import words
from hongbao.errors import UnknownColumn
from hongbao.ui.listing import Field, Layout, Listing, _says
from tests import lists
from tests.cli.shell import COMMAND, Shell, plain
from tests.every import every

ASKED = {
    ("history",): "records:HISTORY",
    ("packets",): "packets:PACKETS",
    ("profiles",): "people:PROFILES",
    ("card",): "people:CARDS",
    ("device", "list"): "devices:DEVICES",
    ("events",): "events:EVENTS",
    ("operator", "log"): "review:OPERATOR_LOG",
    ("review",): "review:CASES",
    ("bank",): "clearing:BANKS",
    ("policy", "list"): "home:POLICIES",
    ("challenge", "list"): "challenges:CHALLENGES",
    ("config", "list"): "settings:SETTINGS",
    ("alias",): "settings:ALIASES",
}

PICKED = ("classroom:REPORT", "replay:REPLAY", "risk:RULES")
"""Lists that do not have every key of what they are made from."""

TEXTS = Listing(rows="rows", fields=(Field("text", says="a text"), Field("amount_fen")))


def texts(text: str, amount_fen: int | None = -110) -> list[Mapping[str, Any]]:
    return [{"text": text, "amount_fen": amount_fen}]


# --- what never changes --------------------------------------------------------------------------


def test_a_pipe_gets_the_same_columns_for_ever():
    """
    `python -m tests.lists` writes the file anew: that is for lists that come to it.
    """
    assert lists.page() == lists.KEPT.read_text("utf-8")


def test_every_list_of_a_command_is_kept():
    """
    None is declared that the file does not have.
    """
    assert set() == set(lists.declared().values()) - set(lists.ROWS)


@every("where", lists.ROWS)
def test_a_list_has_every_key_of_its_rows_as_a_column_and_says_what_it_is(where: str):
    """
    In the order of a pipe or behind it, once, and on the screen no other.
    """
    found = lists.LISTS[where]
    keys = [field.key for field in (*found.fields, *found.more)]

    assert len(keys) == len(set(keys))
    if where not in PICKED:
        assert set(lists.rows(where)[0]) <= set(keys)
    assert set(keys) <= set(lists.rows(where)[0])
    for field in (*found.fields, *found.more):
        assert _says(field)
    words.use_language("zh_CN")
    assert all(words._(_says(field)) != _says(field) for field in found.fields)
    headings = [pick.field.head.title for pick in found.shown() if found.screen]
    assert "" not in headings  # or a person reads the name that programs have


# --- choosing columns ----------------------------------------------------------------------------


def test_columns_are_chosen_ordered_and_added():
    """
    By their names in JSON; a plus adds to the usual ones, once.
    """
    found = lists.LISTS["people:CARDS"]

    def names(typed: str) -> list[str]:
        return [pick.name for pick in found.picked(typed, found.piped())]

    assert ["bank", "card"] == names("bank,card")
    assert ["bank", "card"] == names(" bank， card")
    assert ["card", "bank", "number", "bound_at", "bank_name"] == names("+bank_name")
    assert ["card", "bank", "number", "bound_at", "bank_name"] == names("+card,+bank_name")
    for typed in ("bonk", "bank,", "bank,,card", "BANK"):
        with pytest.raises(UnknownColumn, match="no column"):
            names(typed)


def test_an_amount_is_in_yuan_or_in_fen_as_its_name_says():
    """
    Both as plain numbers, in text as in JSON.
    """
    chosen = Layout(header=True, columns="amount_yuan,amount_fen")
    empty = Layout(csv="plain", columns="amount_yuan,amount_fen,text")

    assert lists.printed(TEXTS, texts("a"), chosen) == "amount_yuan\tamount_fen\n-1.10\t-110\n"
    assert lists.printed(TEXTS, texts("a", None), empty).splitlines()[1] == ",,a"
    assert TEXTS.for_json({"rows": texts("a"), "more": False}, "amount_yuan,amount_fen") == {
        "rows": [{"amount_yuan": "-1.10", "amount_fen": -110}],
        "more": False,
    }


def test_a_shell_completes_the_last_name():
    """
    Behind those that are there, and behind a plus.
    """
    found = lists.LISTS["people:CARDS"]

    assert ["bank", "bank_name"] == found.offered("ba")
    assert ["card,bank", "card,bank_name"] == found.offered("card,ba")
    assert ["bank,bank_name"] == found.offered("bank,ba")
    assert ["+bank", "+bank_name"] == found.offered("+ba")
    assert ["+number,bound_at"] == found.offered("+number,bo")


# --- one row a record ----------------------------------------------------------------------------


@every(
    "text", ["a\tb", "a\nb", "a\\tb", "\\", "a\x1b[31mb", "\r", "=1+1", "-5", "", "你好，世界", '"']
)
def test_a_row_of_tabs_is_one_line_and_says_the_whole_text(text: str):
    """
    A tab, a line break and a backslash are escaped; nothing that a terminal would obey is left.
    """
    row = lists.printed(TEXTS, texts(text), Layout(header=True)).removesuffix("\n").split("\n")

    assert len(row) == 2
    field, amount = row[1].split("\t")
    assert amount == "-1.10"
    assert field.encode().decode("unicode_escape").encode("latin-1").decode() == text


@every(
    "text", ["a,b", 'a "b"', "a\nb", "a\r\nb", "a\rb", "", "-1", "=1+1", "\t", "你好，世界", " a "]
)
def test_a_spreadsheet_reads_back_what_csv_says(text: str):
    """
    By RFC 4180, in strict reading, with a header and no byte-order mark.
    """
    said = lists.printed(TEXTS, texts(text), Layout(csv="plain"))

    assert said.startswith("text,amount_yuan\n")
    assert "\r\n" not in said.replace(text, "")
    rows = [*csv.DictReader(io.StringIO(said, newline=""), strict=True)]
    assert rows == [{"text": text, "amount_yuan": "-1.10"}]
    one = lists.printed(TEXTS, texts(text), Layout(csv="plain", columns="text"))
    assert [*csv.reader(io.StringIO(one, newline=""), strict=True)] == [["text"], [text]]


@every("start", ["=", "+", "-", "@", "\t", "\r"])
def test_excel_is_not_given_a_formula_to_run(start: str):
    """
    What would be one gets an apostrophe, in texts alone and in this form alone.
    """
    text = f"{start}1+1"
    said = lists.printed(TEXTS, texts(text), Layout(csv="excel"))

    assert said.startswith("\ufefftext,amount_yuan\n")
    rows = [*csv.reader(io.StringIO(said, newline=""), strict=True)]
    assert rows[1:] == [[f"'{text}", "-1.10"]]
    fen = lists.printed(TEXTS, texts("a"), Layout(csv="excel", columns="amount_fen"))
    assert fen.splitlines()[1] == "-110"


# --- as they are typed ---------------------------------------------------------------------------


def test_every_list_says_in_each_form_what_json_says(new_year: Shell):
    """
    Header, CSV and a pipe have the same rows, and as many as JSON.
    """
    forms: tuple[list[str], ...] = ([], ["--header"], ["--csv"], ["--csv=excel"], ["--json"])
    said = new_year.plays(*([*asked, *form] for asked in ASKED for form in forms))

    assert {0} == {each.code for each in said}
    for place, (asked, where) in enumerate(ASKED.items()):
        piped, header, comma, excel, document = (
            each.out for each in said[5 * place : 5 * place + 5]
        )
        rows = json.loads(document)[lists.LISTS[where].rows]
        assert (asked, header.partition("\n")[2]) == (asked, piped)
        tabs = [line.split("\t") for line in header.splitlines()]
        assert len(tabs) == 1 + len(rows)
        assert tabs == [*csv.reader(io.StringIO(comma, newline=""), strict=True)]
        assert excel == "\ufeff" + comma
        assert "\x1b" not in header + comma


def test_a_list_is_refused_before_anything_is_read(empty: Shell):
    """
    Two forms at once, a name that it has not, and a form that is none.
    """
    said = empty.plays(
        ["packets", "--csv", "--header"],
        ["packets", "--json", "--csv"],
        ["card", "--columns", "card,bonk"],
        ["packets", "--csv=word"],
        ["card", "--csv", "remove", "icbc-0003"],
        ["balance", "--csv=excel", "--json", "--header"],
    )

    assert {2} == {each.code for each in said}
    assert "--csv and --header cannot be given together" in said[0].err
    assert "--json and --csv cannot be given together" in said[1].err
    assert "there is no column 'bonk'" in said[2].err
    assert "the columns are: card, bank, number, bound_at, bank_name" in said[2].err
    assert "'word'" in said[3].err
    assert "there is no option --csv" in said[4].err


@every("typed", [["--columns", "help"], ["--columns="], ["--columns"]])
def test_the_columns_of_a_list_can_be_listed_without_a_wallet(typed: list[str]):
    """
    In three ways of asking, each name on a line with what it is.
    """
    said = _play_in_no_home(["device", "list", *typed])

    assert "since\tsince when\n" in said
    assert len(said.splitlines()) == len(lists.LISTS["devices:DEVICES"].names())


def _play_in_no_home(typed: list[str]) -> str:
    from tests.cli.stage import _apart

    (said,) = _apart({"lines": [typed], "home": "/nowhere", "folder": "/", "pin": "", "now": ""})
    assert said[0] == 0
    return said[1]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("columns", [80, 40])
def test_chosen_columns_fit_the_screen(new_year: Shell, columns: int, language: str):
    """
    A table at 80 columns, a few lines for each row at 40; the heading of what has none is its name.
    """
    screens = new_year.screens(
        ["history", "--columns", "at,act,amount_yuan,status"],
        ["packets", "--columns", "+yours"],
        ["card", "--columns", "help"],
        ["events", "--limit", "3", "--columns", "event,actor,act"],
        ["bank", "--columns", "bank,cards"],
        columns=columns,
        HONGBAO_LANG=language,
    )

    for screen in screens:
        assert [] == [line for line in plain(screen).splitlines() if cell_len(line) > columns]
    assert "status" in screens[0]
    assert "done" in screens[0]
    assert "" not in plain(screens[0]).strip().splitlines()
    assert "bank_name" in screens[2]
    assert "icbc" in screens[4]


# --- in other places -----------------------------------------------------------------------------


def test_a_terminal_has_the_columns_of_the_settings_and_a_pipe_does_not(
    new_year: Shell, tmp_path: Path
):
    """
    What is typed beats them; `card` is the list of `card list`; a wrong one is named with its line.
    """
    config = tmp_path / "config.toml"
    variables = {"HONGBAO_CONFIG": str(config)}
    config.write_text('[columns]\nhistory = "entry,status"\n"card list" = "card"\n', "utf-8")

    def shown(*typed: str) -> list[str]:
        said = new_year.at_terminal(*typed, **variables)  # type: ignore[arg-type]
        assert said.code == 0, said.out
        return plain(said.out).splitlines()

    assert shown("history")[0].split() == ["entry", "status"]
    assert shown("history", "--columns", "id")[0].split() == ["id"]
    assert shown("card")[0].split() == ["card"]
    assert shown("packets", "--limit", "1")[0].startswith("packet")
    assert new_year.does("history", **variables).out == new_year.does("history").out

    config.write_text('[columns]\nhistory = "entry,bonk"\n', "utf-8")
    refused = new_year.at_terminal("history", **variables)  # type: ignore[arg-type]
    assert refused.code == 2
    assert "config.toml:2:\n  bonk is not a column of `history`" in refused.out
    assert new_year.does("history", **variables).out == new_year.does("history").out
    assert new_year("config", "set", "columns.history", "bonk", **variables).code == 2
    assert new_year("config", "set", "columns.card list", "+bank_name", **variables).code == 0


def test_a_bill_is_imported_without_the_options_of_its_list(empty: Shell):
    """
    They are for `import --list`.
    """
    (said,) = empty.plays(["import", "bill.csv", "--csv"])

    assert said.code == 2
    assert "FILE and --csv cannot be given together" in said.err


def test_a_shell_offers_columns(new_year: Shell):
    """
    As bash asks for them.
    """
    said = new_year.does(
        _HONGBAO_COMPLETE="complete_bash",
        COMP_WORDS="hongbao packets --columns packet,st",
        COMP_CWORD="3",
    )

    assert said.out.split() == ["packet,state"]


@pytest.mark.parametrize(
    ("form", "header", "row"),
    [
        ("--csv", "event,act,profile", "1,init,小明"),
        ("--header", "event\tact\tprofile", "1\tinit\t小明"),
        ("--json", "", '{"event": 1, "act": "init", "profile": "小明"}'),
    ],
)
def test_a_watcher_gets_rows_in_the_form_that_was_asked_for(
    new_year: Shell, form: str, header: str, row: str
):
    """
    With one header, before anything happens.
    """
    watched = ["events", "--follow", "--after", "0", form, "--columns", "event,act,profile"]
    process = subprocess.Popen(
        [*COMMAND, *watched], stdout=subprocess.PIPE, env=new_year.environment(), text=True
    )
    assert process.stdout is not None
    with process, process.stdout as out:
        lines = [out.readline().rstrip("\n") for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.wait(20)

    assert lines[: 2 if header else 1] == ([header, row] if header else [row])
    assert lines[2].count(header or "\0") == 0
    assert process.returncode == 0
