"""Long lists are read in a pager, on a terminal and nowhere else."""

import pytest

from hongbao.ui.pager import chosen, rows_of
from tests import consumers
from tests.cli.shell import Shell, plain

LONG = ("events", "--limit", "100")
MARKED = "sh -c 'echo PAGED LESS=$LESS CHARSET=$LESSCHARSET; cat'"
LOW = 10


def pages(shell: Shell, *typed: str, lines: int = LOW, **variables: str) -> str:
    """Return what stands on a low terminal after a command that has to succeed."""
    said = shell.at_terminal(*typed, lines=lines, **variables)  # type: ignore[arg-type]
    assert said.code == 0
    return plain(said.out)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_long_list_is_read_in_less(new_year: Shell, language: str):
    """
    Page by page; who has read enough leaves with q, which is no error, and then sees the hint.
    """
    consumers.program("less")
    said = new_year.at_terminal(
        *("events", "--limit", "15"),
        lines=LOW,
        columns=40,
        replies=[("\n:", "q")],
        HONGBAO_LANG=language,
        HONGBAO_PAGER="less",
    )

    page, _, behind = plain(said.out).partition("\n:")
    assert said.code == 0
    assert page.count("\n") == LOW - 2
    assert "2026-02-15 12:00" in page
    assert "hongbao events --after" in behind
    assert "2026-02-16 20:00" not in page + behind


def test_less_shows_colours_and_ends_where_all_fits(new_year: Shell):
    """
    With our settings, which those of a person replace.
    """
    ours = pages(new_year, *LONG, PAGER=MARKED)
    theirs = pages(new_year, *LONG, PAGER=MARKED, LESS="S")

    assert "PAGED LESS=FRX CHARSET=utf-8" in ours
    assert "PAGED LESS=S CHARSET=\n" in theirs
    assert "\x1b[1m" in new_year.at_terminal(*LONG, lines=LOW, PAGER=MARKED).out


def test_only_what_is_longer_than_the_screen_is_paged(new_year: Shell):
    """
    Counted as the terminal breaks it.
    """
    rows = len(pages(new_year, *LONG, lines=100, PAGER=MARKED).splitlines())

    assert "PAGED" not in pages(new_year, *LONG, lines=rows, PAGER=MARKED)
    assert "PAGED" in pages(new_year, *LONG, lines=rows - 1, PAGER=MARKED)
    assert [1, 1, 2, 3] == [
        rows_of(text, 10)
        for text in ("a" * 10, "\x1b[31m红包红包红\x1b[0m", "红包红包红包", "a\n\nb")
    ]


@pytest.mark.parametrize(
    "typed",
    [
        (*LONG, "--no-pager"),
        (*LONG, "--no-input"),
        (*LONG, "--json"),
        (*LONG, "--csv"),
        (*LONG, "--header"),
        ("balance",),
        ("history", "--help"),
    ],
)
def test_what_is_not_paged(new_year: Shell, typed: tuple[str, ...]):
    """
    What a person does not read as a list, or has said so.
    """
    assert "PAGED" not in pages(new_year, *typed, lines=2, PAGER=MARKED)


def test_the_pager_is_chosen(new_year: Shell):
    """
    The variable of ours, the setting, PAGER, less; and none.
    """
    config = new_year.home.parent / "pager.toml"
    config.write_text('pager = "sed s/^/SET/"\n', encoding="utf-8")

    def shown(**variables: str) -> str:
        return pages(new_year, *LONG, **variables)  # type: ignore[arg-type]

    assert "SET" in shown(PAGER=MARKED, HONGBAO_CONFIG=str(config))
    assert "PAGED" in shown(HONGBAO_PAGER=MARKED, HONGBAO_CONFIG=str(config))
    assert "PAGED" not in shown(HONGBAO_PAGER="", PAGER=MARKED)
    assert "PAGED" not in shown(HONGBAO_PAGER="cat", PAGER=MARKED)
    assert "PAGED" not in shown(PAGER=MARKED, TERM="dumb")
    assert ["less"] == chosen(None, {})
    assert [] == chosen(None, {"PAGER": ""})
    assert [] == chosen("less '", {})


@pytest.mark.parametrize("pager", ["/nowhere/pager", "false", "/"])
def test_a_pager_that_is_missing_or_fails_is_no_error(new_year: Shell, pager: str):
    """
    The list is printed as it is.
    """
    shown = pages(new_year, *LONG, PAGER=pager)

    assert "小明 · created a profile" in shown
    assert "Traceback" not in shown


def test_a_pager_that_stops_reading_is_no_error(new_year: Shell):
    """
    As `q` is in the middle of a long list.
    """
    shown = pages(new_year, *LONG, PAGER="head -n 2")

    assert "created a profile" in shown
    assert len(shown.splitlines()) < LOW
