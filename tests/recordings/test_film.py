"""Films: the same bytes everywhere, in three forms that other programs read, with no secret."""

import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hongbao import words
from hongbao.errors import (
    FileNotReadable,
    NoPseudoTerminals,
    NoStoryInIt,
    PictureDiffers,
    PlayFailed,
)
from hongbao.recordings import cast, moving, page, scenario, timing, verifying
from hongbao.recordings.film import Film, cleaned, filmed, filmed_again, folded
from hongbao.recordings.scenario import without_secrets
from hongbao.story import running
from hongbao.ui.picture import CELL, MARGIN, ROW, Run, Style, signs
from hongbao.ui.script import columns
from tests import warm
from tests.every import every

HOSTILE = "</script> ]]> <!-- &amp; ｆｕｌｌ width"
STORY = f"""\
# hongbao story 1
# en: {HOSTILE} \x1b[2J\x07\x00\ufffe 中文
# zh: 中文：{HOSTILE}
note: nobody sees this
file pin: 271828
file other: 314159
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88   => 0

## en: Money </title>
## zh: 钱
card add 9999010000000003        => 0
topup 50                         => 0   …50.00…

## en: A packet
## zh: 红包
send 8.88 --count 2 --greeting '</script>]]><!--' --pin-file other   => 14
send 8.88 --count 2 --greeting '新年 <快乐>'   => 0   …[packet]…
claim [packet]                   => 0
show [packet]                    => 0
trace [packet]                   => 0
"""


def film_of(story: str, **settings: str) -> Film:
    """Return the film of *story*, without its secrets, made where *settings* hold."""
    with warm.stories():
        return filmed(
            without_secrets(story),
            title="talk",
            run=running.process,
            variables={**os.environ, **settings},
            given={},
            with_books=True,
        )


@pytest.fixture(scope="module")
def film() -> Film:
    return film_of(STORY)


@pytest.fixture(scope="module")
def pictures(film: Film) -> dict[str, str]:
    """The film in each of its forms, by ending."""
    return {
        "cast": cast.cast(film),
        "v2.cast": cast.cast(film, 2),
        "svg": moving.svg(film),
        "loop.svg": moving.svg(film, theme="dark", loop=True),
        "html": page.page(film),
    }


def test_the_same_story_makes_the_same_bytes(film: Film, pictures: dict[str, str]):
    """
    In another time zone, on another terminal, and without colour of one's own.
    """
    again = film_of(
        STORY,
        TZ="Asia/Tokyo",
        COLUMNS="33",
        NO_COLOR="1",
        TERM="dumb",
        PYTHONHASHSEED="7",
        SHELL="/bin/fish",
    )

    assert film == again
    assert [line for line in film.carried.lines if line.endswith("… ms")]
    assert pictures["svg"] == moving.svg(again)
    assert pictures["html"] == page.page(again)


def test_the_books_are_the_same_in_each_language(film: Film):
    """
    The words are not.
    """
    spoken = words.language()
    words.use_language("zh_CN")
    try:
        chinese = film_of(STORY)
    finally:
        words.use_language(spoken)

    digests = [[chapter.digest for chapter in each.carried.chapters] for each in (film, chinese)]
    assert digests[0] == digests[1]
    assert ["", "Money </title>", "A packet"] == [each.title for each in film.carried.chapters]
    assert ["", "钱", "红包"] == [each.title for each in chinese.carried.chapters]
    assert film.carried.lines != chinese.carried.lines


def test_nothing_secret_and_nothing_of_the_machine_is_in_it(pictures: dict[str, str]):
    """
    Neither PIN of the story, no note, no folder, no user; a wrong PIN is still another one.
    """
    for text in pictures.values():
        for secret in ("271828", "314159", "/tmp/", "hongbao-story-"):
            assert secret not in text
        assert "246810" in text
        assert "135790" in text
    for name in ("USER", "LOGNAME", "HOSTNAME"):
        if len(value := os.environ.get(name, "")) > 4:
            assert value not in pictures["cast"]


def test_what_does_not_hold_is_not_filmed():
    """
    A picture of a failure would carry a story that cannot be verified.
    """
    with pytest.raises(PlayFailed):
        film_of("balance => 0\n")


# --- asciicasts -----------------------------------------------------------------------------------


def read_cast(text: str) -> tuple[dict[str, Any], list[str], list[tuple[float, str, str]]]:
    """Read a cast as its specification has it: its header, its comments and its events."""
    head, *lines = text.removesuffix("\n").split("\n")
    comments = [line for line in lines if line.startswith("#")]
    events = [json.loads(line) for line in lines if not line.startswith("#")]
    for time, code, data in events:
        assert isinstance(time, float)
        assert time >= 0
        assert code in "omx"
        assert isinstance(data, str)
    return json.loads(head), comments, [tuple(event) for event in events]


def test_version_3_is_what_players_read(film: Film, pictures: dict[str, str]):
    """
    Intervals, a marker for each chapter, the books' digest where it ends; nothing idles.
    """
    head, comments, events = read_cast(pictures["cast"])

    assert {"version": 3, "term": {"cols": 80, "rows": 24}, "title": film.title} == head
    assert [chapter.title for chapter in film.carried.chapters[1:]] == [
        data for _time, code, data in events if code == "m"
    ]
    assert [f"# books digest {chapter.digest}" for chapter in film.carried.chapters] == comments[1:]
    assert ("x", "0") == events[-1][1:]
    assert max(time for time, _code, _data in events) <= timing.IDLE_MAX / 1000
    assert film.ends == round(sum(time for time, _code, _data in events) * 1000)


def test_version_2_has_the_same_in_absolute_times(film: Film, pictures: dict[str, str]):
    """
    And no comments, which its players do not know: the story is in the header.
    """
    head, comments, events = read_cast(pictures["v2.cast"])
    newer = read_cast(pictures["cast"])[2]

    assert {"version", "width", "height", "title", "hongbao"} == set(head)
    assert [] == comments
    assert all(one[0] <= other[0] for one, other in pairwise(events))
    assert [event[1:] for event in newer[:-1]] == [event[1:] for event in events[:-1]]
    assert (film.ends / 1000, "o", "") == events[-1]


def test_a_terminal_shows_what_the_film_has(film: Film, pictures: dict[str, str]):
    """
    Line by line, and none is wider than it; styles are all that a terminal obeys.
    """
    shown = "".join(data for _time, code, data in read_cast(pictures["cast"])[2] if code == "o")

    assert [*film.carried.lines] == [
        re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in shown.split("\r\n")[:-1]
    ]
    assert max(map(columns, film.carried.lines)) <= film.columns
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f]|\x1b(?!\[[\d;]*m)", shown)


# --- SVG ------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def test_the_svg_moves_by_css_alone(film: Film, pictures: dict[str, str]):
    """
    Nothing that GitHub removes, nothing from elsewhere; once unless asked; still for who wants it.
    """
    for name in ("svg", "loop.svg"):
        text = pictures[name]
        root = ElementTree.fromstring(text)
        tags = {each.tag.removeprefix(SVG) for each in root.iter()}
        assert {"svg", "title", "desc", "metadata", "style", "rect", "g", "text", "path"} == tags
        assert [] == re.findall(r"href|url\(|@import|@font-face|<!|onload", without_story(text))
        assert ["http://www.w3.org/2000/svg"] == re.findall(r"https?://[^\"' ]+", text)
        assert "prefers-reduced-motion:reduce){.m{animation:none!important}}" in text
        assert (name == "loop.svg") == ("infinite" in text)
        named = set(re.findall(r"animation-name:(\w+)", text))
        known = set(re.findall(r"@keyframes (\w+)", text))
        assert named == known
    lines = ElementTree.fromstring(pictures["svg"]).find(f".//{SVG}g[@id='lines']")
    assert lines is not None
    assert f"translate(0 -{(len(film.lines) - film.rows) * ROW})" == lines.get("transform")


def without_story(text: str) -> str:
    return re.sub(r"<metadata.*?</metadata>", "", text, flags=re.DOTALL)


def test_every_text_is_as_wide_as_its_columns(pictures: dict[str, str]):
    """
    中文 and ｆｕｌｌ width fill two cells, so that the lines of a box close behind them.
    """
    root = ElementTree.fromstring(pictures["svg"])
    texts = root.findall(f".//{SVG}text")

    for each in texts:
        shown = each.text or ""
        assert columns(shown) == round(float(each.get("textLength", "0")) / CELL, 4)
        place = (float(each.get("x", "0")) - MARGIN) / CELL
        assert abs(place - round(place)) < 0.01
    assert {"ｆｕｌｌ", "中文"} <= {each.text for each in texts}
    assert [each for each in root.iter(f"{SVG}path") if "Q" in (each.get("d") or "")]


def test_what_is_typed_is_uncovered_step_by_step(film: Film, pictures: dict[str, str]):
    """
    A cover for each typed line, that ends behind it when the last key has been pressed.
    """
    typed = [line for line in film.lines if line.typed]
    covers = re.findall(r"@keyframes t\d+\{(.*?\})\}", pictures["svg"])

    assert len(typed) == len(covers)
    for line, cover in zip(typed, covers, strict=True):
        moves = [float(move) for move in re.findall(r"translateX\(([\d.]+)px\)", cover)]
        assert moves == sorted(moves)
        assert round((columns(line.text) - line.prompt) * CELL, 2) == moves[-1]
        steps = sum(map(int, re.findall(r"steps\((\d+)\)", cover)))
        assert len([*signs(line.text)]) - line.prompt == steps


def test_a_poster_is_the_end_with_a_mark_on_it(film: Film, tmp_path: Path):
    """
    It does not move; and it carries its story, and says whether that end is still the end.
    """
    poster = moving.poster(film)
    root = ElementTree.fromstring(poster)
    last = re.findall(r">([^<]+)</text>", poster)[-1]

    assert 1 == len(root.findall(f"{SVG}circle"))
    assert "keyframes" not in poster
    assert len(film.lines) > film.rows
    verified(tmp_path, "p.svg", poster, film)
    with pytest.raises(PictureDiffers) as caught:
        verified(tmp_path, "q.svg", poster.replace(f">{last}</text>", ">end</text>"), film)
    assert ("drawing", len(film.lines)) == (
        caught.value.facts["problem"],
        caught.value.facts["frame"],
    )


# --- HTML -----------------------------------------------------------------------------------------


class Strict(HTMLParser):
    """Refuses a page whose elements do not close in order; keeps what is in its scripts."""

    VOID = ("meta", "input", "rect", "path", "circle")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _value in attrs}
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = attrs, text + data


def test_the_page_is_whole_and_loads_nothing(film: Film, pictures: dict[str, str]):
    """
    Its one script is the one that its policy names; what a story says begins no other.
    """
    reader = Strict()
    reader.feed(pictures["html"])
    reader.close()

    assert [] == reader.open
    assert [("hongbao", "application/json"), ("moments", "application/json"), (None, None)] == [
        (attrs.get("id"), attrs.get("type")) for attrs, _text in reader.scripts
    ]
    assert reader.scripts[2][1] == page._SCRIPT
    assert page._hash(page._SCRIPT) in pictures["html"]
    assert set() == {"src", "href", "onclick", "onload"} & reader.attributes
    assert "<!--" not in pictures["html"]
    carried = json.loads(reader.scripts[0][1])
    assert film.carried == scenario.carried(carried, "talk.html")


def test_the_slider_moves_the_books(film: Film, pictures: dict[str, str]):
    """
    Each moment has its lines and its books; what a command has changed is marked.
    """
    text = pictures["html"]
    found = re.search(r'id="moments">(.*?)</script>', text)
    assert found is not None
    moments = json.loads(found[1])["moments"]
    states = re.findall(r"<div(?: hidden)?>(?:<p>|<section class=\"book\">)", text)

    assert len(film.moments) == len(moments)
    assert [moment.lines for moment in film.moments] == [moment["lines"] for moment in moments]
    assert sorted({moment["books"] for moment in moments}) == [*range(len(states))]
    assert len(states) >= 4
    assert states[-1].startswith("<div>")  # what is shown without a script
    assert '<tr class="new"><th>packet' in text
    assert max(moment["wait"] for moment in moments) <= timing.IDLE_MAX
    assert f'max="{len(moments) - 1}"' in text


# --- is it still true? ----------------------------------------------------------------------------


def verified(folder: Path, name: str, content: str | bytes, film: Film) -> None:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    verifying.check(verifying.read(file, name), film, name)


def test_a_picture_says_whether_it_is_still_true(
    film: Film, pictures: dict[str, str], tmp_path: Path
):
    """
    In each form; played again from what it carries, it is the same film.
    """
    for name, text in pictures.items():
        verified(tmp_path, f"a.{name}", text, film)

    with warm.stories():
        carried = verifying.read(tmp_path / "a.svg", "a.svg").carried
        again = filmed_again(
            carried,
            title="b",
            source="b",
            run=running.process,
            variables={**os.environ, "TZ": "UTC"},
        )
    assert film.carried == again.carried
    assert film.lines == again.lines


@every(
    ("ending", "old", "new", "problem"),
    [
        ("svg", ">topped up<", ">topped ub<", "drawing"),
        ("svg", "topped up 50.00 from", "topped up 60.00 from", "line"),
        ("html", ">topped up<", ">topped ub<", "drawing"),
        ("cast", "topped up 50.00 from", "topped up 60.00 from", "line"),
        ("cast", "bound \\u001b", "found \\u001b", "drawing"),
        ("svg", '"digest": "', '"digest": "0', "digest"),
        ("html", '"digest": "', '"digest": "0', "digest"),
        ("v2.cast", '"digest": "', '"digest": "0', "digest"),
    ],
)
def test_an_edited_picture_names_what_differs(
    ending: str,
    old: str,
    new: str,
    problem: str,
    film: Film,
    pictures: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
):
    """
    What it draws, the lines that it carries, or the books.
    """
    text = pictures[ending]
    places = [found.start() for found in re.finditer(re.escape(old), text)]
    assert places, old
    place = places[-1] if problem == "drawing" else places[0]
    edited = text[:place] + new + text[place + len(old) :]

    with pytest.raises(PictureDiffers) as caught:
        verified(tmp_path_factory.mktemp("edited"), f"a.{ending}", edited, film)

    assert problem == caught.value.facts["problem"]


@every(
    ("name", "content", "problem"),
    [
        ("a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", "none"),
        ("a.html", "<html></html>", "none"),
        ("a.cast", '{"version": 3, "term": {"cols": 80, "rows": 24}}\n', "none"),
        ("a.svg", "", "unreadable"),
        ("a.cast", "", "unreadable"),
        ("a.html", "", "none"),
        ("a.svg", b"\xff\xfe<svg/>", "unreadable"),
        ("a.svg", "<!DOCTYPE x [<!ENTITY a 'b'>]><svg>&a;</svg>", "unreadable"),
        ("a.cast", "[" * 100_000, "unreadable"),
        ("a.cast", '{"hongbao": [1]}\n', "unreadable"),
        ("a.cast", '{"hongbao": {"hongbao_recording": 2}}\n', "other_form"),
        ("a.cast", '{"hongbao": {"hongbao_recording": 1}}\n', "unreadable"),
        ("a.cast", '{"hongbao": {"hongbao_recording": 1, "story": 1}}\n', "unreadable"),
        ("a.cast", "{}\n[1]\n", "unreadable"),
        ("a.cast", "x" * 2_000_000, "too_large"),
    ],
)
def test_what_carries_no_story_is_refused(
    name: str, content: str | bytes, problem: str, tmp_path_factory: pytest.TempPathFactory
):
    """
    Whatever it is, and however large.
    """
    file = tmp_path_factory.mktemp("refused") / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifying, "SIZE_MAX", 1_000_000)
        with pytest.raises(NoStoryInIt) as caught:
            verifying.read(file, name)

    assert problem == caught.value.facts["problem"]
    with pytest.raises(FileNotReadable):
        verifying.read(file.parent / "none.svg", name)


@every("columns", ["80", 0, 501, True, None])
def test_no_picture_says_how_large_a_terminal_of_ours_is(columns: object, film: Film):
    """
    A size that it carries is a whole number within bounds.
    """
    with pytest.raises(NoStoryInIt):
        scenario.carried({**film.carried.document(), "columns": columns}, "a")


# --- the parts ------------------------------------------------------------------------------------


def test_secrets_of_a_story_are_replaced_before_it_is_played():
    """
    The same one by the same one, a weak one by none, each only once; done twice, nothing changes.
    """
    story = (
        "file pin: 271828\nfile wrong: 111111\nfile next: 314159\nfile same: 271828\n"
        "file words: my own long secret words\nfile plain: my own long secret words!\n"
        "file me: 王大锤 110101199003074530\nfile ours: 246810\n"
        "lock --passphrase-file words => 0\n"
    )
    replaced = without_secrets(story)

    assert [
        *("file pin: 135790", "file wrong: 111111", "file next: 975310", "file same: 135790"),
        *("file words: correct horse battery staple", "file plain: my own long secret words!"),
        *("file me: 王大锤 11010519491231002X", "file ours: 246810"),
    ] == replaced.splitlines()[:-1]
    assert replaced == without_secrets(replaced)


def test_a_line_is_broken_where_the_terminal_is_full():
    """
    Between two cells, never within one, and each part keeps its style.
    """
    red = Style("red")
    line = [Run("abc", red), Run("红包de", Style())]

    assert [
        (Run("abc", red),),
        (Run("红包", Style()),),
        (Run("de", Style()),),
    ] == [*folded(line, 4)]
    assert [()] == [*folded([], 4)]


@every(
    ("printed", "kept"),
    [
        ("a\x1b[1;31mb\x1b[0m", "a\x1b[1;31mb\x1b[0m"),
        ("a\x1b[2J\x1b[10;3Hb\x1b]0;title\x07c\x1bc", "abc"),
        ("a\r\nb\rc", "a\nbc"),
        ("\tx", "        x"),
        ("红\tx", "红      x"),
        ("\x00\ud800\ufffe\x9b\u2028", "\ufffd\ufffd\ufffd"),
    ],
)
def test_only_styles_are_left_of_what_a_terminal_obeys(printed: str, kept: str):
    """
    A picture is no terminal, and its readers' terminals are not ours.
    """
    assert kept == cleaned(printed)


def frames(film: Film) -> Iterator[int]:
    yield from (line.at for line in film.lines)
    yield film.ends


def test_time_only_moves_forward(film: Film):
    """
    Whatever a line says.
    """
    assert [*frames(film)] == sorted(frames(film))
    assert timing.reading("红包" * 1000) == timing.READ_MAX


def test_a_race_can_be_filmed_and_not_verified(tmp_path: Path):
    """
    It is a different one each time, and its books have no digest.
    """
    begin = STORY.partition("\n\n")[0]
    story = f"{begin}\nrace\nbalance => 0\nbalance => 0\nend\n"
    film = film_of(story)

    assert film.had_race
    assert [None] == [chapter.digest for chapter in film.carried.chapters]
    with pytest.raises(NoStoryInIt):
        verified(tmp_path, "a.svg", moving.svg(film), film)


def test_a_system_without_pseudo_terminals_says_so():
    """
    Before anything is played.
    """
    with pytest.MonkeyPatch.context() as windows:
        windows.delattr(os, "openpty")
        with pytest.raises(NoPseudoTerminals):
            film_of(STORY)
