"""Screens saved as SVG and HTML: what they hide, and that a file is whole or not there."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from hongbao import words
from hongbao.queries.privacy import Known
from hongbao.ui import privacy
from hongbao.ui.picture import screen
from tests.cli.shell import Shell
from tests.every import every

OTHERS = ("Christopher Robin", "😀熊猫", "欧阳娜娜")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell whose home has a finished packet, with names that nothing else is called."""
    shell = Shell(tmp_path_factory.mktemp("shared") / "home", "246813")
    said = shell.plays(
        ("init", "小明", "--clock", "2026-02-16T12:34:56+08:00", "--dice", "2026"),
        *(("init", name) for name in OTHERS),
        ("identify", "--name", "张三", "--id-number", "11010519491231002X"),
        ("card", "add", "9999010000000003"),
        ("topup", "500"),
        ("send", "88.88", "--count", "3", "-g", "欧阳娜娜生日快乐"),
    )
    assert [] == [each.err for each in said if each.code]
    packet = str(shell.answers("packets", "--sent")["packets"][0]["packet"])
    shell.packets["packet"] = packet
    said = shell.plays(
        *(("claim", packet, "-p", name) for name in OTHERS),
        ("identify", "-p", OTHERS[0], "--demo"),
        ("send", "1.23", "--to", "小明", "-p", OTHERS[0], "-g", "hi"),
    )
    assert [] == [each.err for each in said if each.code]
    shell.does("claim", str(shell.answers("packets", "--claimable")["packets"][0]["packet"]))
    return shell


def lines_of(shell: Shell) -> list[tuple[str, ...]]:
    return [
        ("show", shell.packets["packet"]),
        *(
            ("history",),
            ("history", "--chart"),
            ("history", "--columns", "+request_id,card_tail,id"),
        ),
        *(("history", "--by", by) for by in ("day", "person", "kind")),
        *(("year",), ("year", "-p", OTHERS[1])),
        *(("books",), ("books", "--diff"), ("books", "--diff", shell.packets["packet"])),
    ]


def saved(shell: Shell, folder: Path, *typed: str, **variables: str) -> str:
    """Return the two files of the screen of what is *typed*, one after the other."""
    files = [folder / f"screen.{ending}" for ending in ("svg", "html")]
    said = shell.does(*typed, "--svg", str(files[0]), "--html", str(files[1]), "--yes", **variables)
    assert [str(file) in line for file, line in zip(files, said.lines, strict=True)] == [True, True]
    ET.fromstring(files[0].read_text("utf-8"))
    return "".join(file.read_text("utf-8") for file in files)


def test_nothing_of_other_people_is_in_a_file(shared: Shell, tmp_path: Path):
    """
    No name, ID, card number, path or time of day, in either language, nor anything from elsewhere.
    """
    secret = ["Robin", "Christopher", "熊猫", "欧阳娜", "0003", shared.home.parent.name, "12:34"]
    for typed in lines_of(shared):
        for language in ("en", "zh"):
            files = saved(shared, tmp_path, *typed, HONGBAO_LANG=language)
            found = [each for each in secret if each in files]
            if typed[-2:] == ("-p", OTHERS[1]):
                found = [each for each in found if each != "熊猫"]  # who looks is named
            assert (typed, []) == (typed, found)
            assert (typed, None) == (typed, re.search(r"\b(hb|rc|ch|rq)_[0-9A-Z]", files))
            assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"https?://[^\"']+", files))


def test_names_shows_them_and_a_line_says_what_is_hidden(shared: Shell, tmp_path: Path):
    packet = shared.packets["packet"]
    file = tmp_path / "a.svg"
    hidden = shared.does("show", packet, "--svg", str(file))
    drawn = file.read_text("utf-8")
    shown = shared.does("show", packet, "--svg", str(file), "--yes", "--names")
    named = file.read_text("utf-8")

    assert "hidden in it: other people's names" in hidden.err
    assert "hidden" not in shown.err
    assert "C＊" in drawn
    assert all(word in named for word in ("Christopher Robin", packet, "12:34:56"))


def test_amounts_are_hidden_if_that_is_wanted(shared: Shell, tmp_path: Path):
    for typed in lines_of(shared):
        files = saved(shared, tmp_path, *typed, "--no-amounts")
        # Places in the drawing have no sign, and no more than what an attribute says.
        said = "\n".join(re.findall(r">([^<>]+)<", files))
        assert (typed, []) == (typed, re.findall(r"\d\.\d\d(?!\d)", said))
        assert "•••" in files


def test_a_file_is_whole_or_as_it_was(shared: Shell, tmp_path: Path):
    """
    One that is there is kept without --yes, and so is the other one; none lands in the home.
    """
    kept, other = tmp_path / "kept.svg", tmp_path / "other.html"
    kept.write_text("mine")
    for options in (
        ("--svg", str(kept), "--html", str(other)),
        (
            "--svg",
            str(next(folder for folder in shared.home.iterdir() if folder.is_dir()) / "a.svg"),
        ),
    ):
        code, error = shared.refuses("year", *options)
        assert (2, True) == (code, error["code"] in ("file_exists", "inside_home"))
    assert ("mine", False) == (kept.read_text(), other.exists())


def test_a_picture_goes_to_standard_output_or_next_to_the_data(shared: Shell, tmp_path: Path):
    streamed = shared.does("year", "--svg", "-").out
    assert (True, True) == (streamed.startswith("<svg "), streamed.endswith("</svg>\n"))
    data = shared.does("year", "--csv").out
    assert data == shared.does("year", "--csv", "--svg", str(tmp_path / "b.svg")).out
    assert streamed == (tmp_path / "b.svg").read_text("utf-8")
    answer = shared.answers("year", "--html", str(tmp_path / "c.html"))
    assert answer == shared.answers("year")


@every(
    "typed, code",
    [
        (("--svg", "-", "--json"), "conflicting_options"),
        (("--svg", "-", "--html", "-"), "conflicting_options"),
        (("--names",), "usage"),
        (("--no-amounts",), "usage"),
    ],
)
def test_what_makes_no_sense_is_refused(shared: Shell, typed: tuple[str, ...], code: str):
    assert (2, code) == (
        shared.refuses("year", *typed)[0],
        shared.refuses("year", *typed)[1]["code"],
    )


def test_who_is_called_like_a_code_or_a_number_breaks_nothing():
    """
    A code is no one's name; a name in a greeting is hidden wherever it stands.
    """
    words.use_language("en")
    hidden = privacy.Privacy(Known(("send", "明")), shows_names=False, shows_amounts=True)
    answer = hidden.answer({"act": "send", "sender": "send", "greeting": "小明明天见", "by": "day"})

    assert {"act": "send", "sender": "s＊", "greeting": "小＊＊天见", "by": "day"} == answer
    assert (
        "send"
        == privacy.Privacy(Known(("send",)), shows_names=False, shows_amounts=True).answer(
            {"by": "kind", "groups": [{"group": "send"}]}
        )["groups"][0]["group"]
    )
    swept = hidden.screen(screen("hb_7Q2M4K9X  2026-02-16T20:00:00+08:00 | 7 of 9"))
    assert "hb_••••••••  2026-02-16                | 7 of 9" == swept.text
