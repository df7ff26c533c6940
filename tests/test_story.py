"""The runner of stories: reading them, playing them, and holding commands to their word."""

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from hongbao.errors import FileNotReadable, InvalidStory, StoryFailed
from hongbao.story import Answered, Asked, Event, Paused, Screen, Story, Told, parse, play, read
from hongbao.story.promises import differing, first_match, pattern_of, plain
from hongbao.story.script import (
    Chapter,
    Command,
    Expectation,
    Given,
    Narration,
    Note,
    Prop,
    Used,
)
from tests import warm
from tests.every import every

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "stories.md"


def command(line: str) -> Command:
    """Return the one command that *line* is."""
    [scene] = parse(line, "a.txt").scenes
    assert isinstance(scene, Command)
    return scene


# --- reading -------------------------------------------------------------------------------------


def test_a_command_ends_in_an_arrow_and_its_exit_code():
    """
    What stands before the arrow is typed as it is; spaces that align arrows are not.
    """
    assert Command(1, None, "topup 10", 0, ()) == command("topup 10         => 0")


def test_who_acts_may_stand_before_the_command():
    """
    In any script, with either colon.
    """
    assert ("李四", "claim 1") == (command("李四: claim 1 => 0").actor, "claim 1")
    assert "李四" == command("李四： claim 1 => 0").actor


@pytest.mark.parametrize(
    "typed",
    [
        "clock set 2026-02-16T20:00:00+08:00",
        "send 1 --greeting 'a => 9'",
        'send 1 --greeting "新年: 好"',
        "HONGBAO_LANG=zh balance",
    ],
)
def test_what_is_typed_is_not_mistaken_for_the_storys_own_signs(typed: str):
    """
    An arrow in quotes is no arrow, and a colon inside a word names nobody.
    """
    assert Command(1, None, typed, 0, ()) == command(f"{typed} => 0")


def test_an_answer_is_expected_beside_or_below_its_command():
    """
    Beside it on either output; below it on the one that is named, or as facts of a document.
    """
    [scene] = parse('balance => 0 1.00\n  > 1.00\n  2> no\n  {"a": 1}\n  2>', "a.txt").scenes

    assert isinstance(scene, Command)
    assert (
        Expectation(1, "either", "1.00"),
        Expectation(2, "out", "1.00"),
        Expectation(3, "err", "no"),
        Expectation(4, "json", '{"a": 1}'),
        Expectation(5, "err", ""),
    ) == scene.expected


def test_comments_tell_each_language_its_own():
    """
    Lines without a language go on with the one before; a line of both is for everyone.
    """
    text = "# en: Once upon\n#     a time.\n# zh: 从前，\n#     有一天。\n\n# 红包"

    assert (
        Narration(1, {"en": "Once upon a time.", "zh": "从前，有一天。"}),
        Narration(6, {"": "红包"}),
    ) == parse(text, "a.txt").scenes


@pytest.mark.parametrize(
    ("told", "language", "heard"),
    [
        ({"en": "hi", "zh": "好"}, "zh_CN", "好"),
        ({"en": "hi", "zh": "好"}, "en", "hi"),
        ({"": "hi"}, "zh_CN", "hi"),
        ({"en": "hi"}, "zh_CN", "hi"),
    ],
)
def test_a_reader_hears_their_language_or_what_there_is(
    told: Mapping[str, str], language: str, heard: str
):
    """
    A story in one language is told in it to everyone.
    """
    assert heard == Narration(1, told).told_in(language)


def test_a_file_is_one_line_ready_for_the_commands():
    """
    Even an empty one.
    """
    scenes = parse("file pin: 246810\nfile empty:", "a.txt").scenes

    assert (Prop(1, "pin", "246810"), Prop(2, "empty", "")) == scenes


@every(
    ("text", "line", "problem"),
    [
        ("balance", 1, "no_arrow"),
        ("balance =>", 1, "no_exit_code"),
        ("balance => fine", 1, "no_exit_code"),
        ("balance => 256", 1, "no_exit_code"),
        ("\n  > 1.00", 2, "no_command"),
        ("balance => 0\n\n  > 1.00", 3, "no_command"),
        ("# once\n  > 1.00", 2, "no_command"),
        ("file pin: 1\n  > 1.00", 2, "no_command"),
        (" => 0", 1, "no_command"),
        ("HONGBAO_LANG=zh => 0", 1, "no_command_word"),
        ("balance => 0\n  1.00", 2, "bad_expectation"),
        ("balance => 0\n  {1}", 2, "bad_json"),
        ("balance => 0 {", 1, "bad_json"),
        ("send 1 --greeting 'hi => 0", 1, "open_quote"),
        ("send 1 => 0\nclaim [packet] => 0", 2, "unknown_name"),
        ("HONGBAO_HOME=/ balance => 0", 1, "not_yours"),
        ("HONGBAO_CONFIG=/mine.toml config set bare help => 0", 1, "not_yours"),
        ("file ..: 1", 1, "file_taken"),
        ("\nfile home: 1", 2, "file_taken"),
        ("file pin: [pin]", 1, "unknown_name"),
        ("[who]: balance => 0", 1, "unknown_name"),
        ("# hongbao story 2", 1, "other_form"),
        ("## Money\n  > 1.00", 2, "no_command"),
        ("note: hm\n  > 1.00", 2, "no_command"),
        ("HONGBAO_LANG=zh HONGBAO_HOME=/ balance => 0", 1, "not_yours"),
    ],
)
def test_a_story_that_cannot_be_played_says_which_line(text: str, line: int, problem: str):
    """
    Before anything runs, and with what would be right.
    """
    with pytest.raises(InvalidStory) as caught:
        parse(text, "a.txt")

    assert (line, problem) == (caught.value.facts["line"], caught.value.facts["problem"])
    assert str(caught.value).startswith(f"story a.txt, line {line}: ")


def test_a_story_that_is_no_text_is_refused(tmp_path: Path):
    """
    Like one that is not there.
    """
    (tmp_path / "a.txt").write_bytes(b"\xff")

    for name in ("a.txt", "b.txt"):
        with pytest.raises(FileNotReadable):
            read(tmp_path / name)


def test_a_chapter_has_its_title_in_each_language():
    """
    Titles under one another are of one chapter; another in the same language begins the next.
    """
    scenes = parse("## en: Money\n## zh: 钱\n## en: End\n\n## All\n# told", "a.txt").scenes

    assert (
        Chapter(1, {"en": "Money", "zh": "钱"}),
        Chapter(3, {"en": "End"}),
        Chapter(5, {"": "All"}),
        Narration(6, {"": "told"}),
    ) == scenes


def test_a_note_is_not_narration():
    """
    In each language, as narration is; it ends the paragraph before.
    """
    scenes = parse("# told\nnote en: smile\nnote zh: 微笑\nnote: wait", "a.txt").scenes

    assert (
        Narration(1, {"": "told"}),
        Note(2, {"en": "smile", "zh": "微笑"}),
        Note(4, {"": "wait"}),
    ) == scenes


def test_a_given_name_can_be_used_from_its_line_on():
    """
    In commands, in files and as the person who acts; the first line that gives it counts.
    """
    story = parse(
        "given who = 李四\ngiven pin =\ngiven who = 王五\nfile pin: [pin]\n[who]: balance => 0",
        "a.txt",
    )

    assert {"who": "李四", "pin": ""} == story.givens
    assert (Given(1, "who", "李四"), Prop(4, "pin", "[pin]")) == (story.scenes[0], story.scenes[3])
    assert Command(5, "[who]", "balance", 0, ()) == story.scenes[4]


def test_a_story_that_is_used_is_read_with_it(tmp_path: Path):
    """
    Its mistakes have its own name and line, and `use NAME => 0` is still a command.
    """
    (tmp_path / "part.txt").write_text("given sum = 1\nuse 李四 => 0\n", encoding="utf-8")
    (tmp_path / "bad.txt").write_text("\nuse part.txt\n", encoding="utf-8")

    story = parse("# hongbao story 1\nuse part.txt\ntopup [sum] => 0", "all/a.txt", tmp_path)
    with pytest.raises(InvalidStory) as caught:
        parse("use bad.txt", "all/a.txt", tmp_path)

    used = Story("all/part.txt", (Given(1, "sum", "1"), Command(2, None, "use 李四", 0, ())))
    assert (Used(2, used), Command(3, None, "topup [sum]", 0, ())) == story.scenes
    assert {"sum": "1"} == story.givens
    assert ("all/bad.txt", 2, "nested_use") == tuple(
        caught.value.facts[name] for name in ("source", "line", "problem")
    )


# --- comparing -----------------------------------------------------------------------------------


@every(
    ("expected", "heard", "names"),
    [
        ("10.00", "10.00", {}),
        ("a b", "a b", {}),
        ("…10.00…", "balance 10.00 yuan", {}),
        ("balance … yuan", "balance 10.00 yuan", {}),
        ("balance ... yuan", "balance 10.00 yuan", {}),
        ("sent [packet] · …", "sent hb_7Q2M4K9X · 5 shares", {"packet": "hb_7Q2M4K9X"}),
        ("已发出[packet]，…", "已发出hb_7Q2M4K9X，共5份", {"packet": "hb_7Q2M4K9X"}),
        ("[known] again", "word again", {}),
        ("[a] is [a]", "x is x", {"a": "x"}),
        ("[a] is [a]", "x is y", None),
        ("10.00", "110.00", None),
        ("10.00", "10x00", None),
        ("[packet]", "hb_7Q2M4K9", None),
        ("[known]", "other", None),
    ],
)
def test_a_line_is_what_was_expected_or_not(
    expected: str, heard: str, names: dict[str, str] | None
):
    """
    Whole, but for … which is anything, and names, which are a word that is kept.
    """
    found = first_match(pattern_of(expected, {"known": "word"}), [heard])

    assert names == found


@every(
    ("expected", "got", "wrong"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ("a.b: 1", "a.b: 2")),
        ({"a": 1}, {}, ("a: 1", "no a")),
        ({"a": 1}, {"a": True}, ("a: 1", "a: true")),
        ({"a": None}, {"a": None}, None),
        ({"a": [{"b": 1}, {}]}, {"a": [{"b": 1}, {"c": 1}]}, None),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ("a[0].b: 1", "a[0].b: 2")),
        ({"a": [1]}, {"a": [1, 2]}, ("a: 1", "a: 2")),
        ({"a": "… over …"}, {"a": "5 is over 4"}, None),
        ({"a": "over"}, {"a": "5 is over 4"}, ('a: "over"', 'a: "5 is over 4"')),
    ],
)
def test_a_document_has_at_least_the_facts_expected(
    expected: Any, got: Any, wrong: tuple[str, str] | None
):
    """
    What differs first is named by its place, and 1 is not true.
    """
    assert wrong == differing(expected, got, {}, "")


def test_a_name_is_filled_from_a_document_and_kept():
    """
    The same name is the same word from then on.
    """
    names: dict[str, str] = {}

    first = differing({"packet": "[packet]"}, {"packet": "hb_7Q2M4K9X"}, names, "")
    again = differing({"packet": "[packet]"}, {"packet": "hb_7Q2M4K9W"}, names, "")

    assert first is None
    assert {"packet": "hb_7Q2M4K9X"} == names
    assert again is not None


def test_colours_do_not_count():
    """
    Nor links, nor the cursor's moves.
    """
    assert "红包 10" == plain("\x1b[1;31m红包\x1b[0m \x1b]8;;http://x\x1b\\10\x1b]8;;\x07\x1b[K")


# --- playing -------------------------------------------------------------------------------------


@pytest.fixture
def lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which throw-away folders are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def played(text: str, **settings: Any) -> list[Event]:
    with warm.stories(), closing(play(parse(text, "a.txt"), **settings)) as events:
        return list(events)


def answered(text: str, **settings: Any) -> Answered:
    """Return what the last command in *text* answered."""
    last = played(text, **settings)[-1]
    assert isinstance(last, Answered)
    return last


def test_what_happens_is_told_in_order():
    """
    A paragraph, the command as a person types it before it runs, and what it answered.
    """
    told, asked, answer = played("# en: no wallet\n# zh: 没有钱包\n张三: balance --json => 10")

    assert Told(1, "no wallet") == told
    assert Asked(3, "hongbao balance --json -p 张三") == asked
    assert isinstance(answer, Answered)
    assert (3, 10, "") == (answer.line, answer.exit_code, answer.out)
    assert "home_not_found" == json.loads(answer.err)["error"]["code"]


def test_a_command_speaks_the_language_of_the_story():
    """
    Unless a setting before it says another one.
    """
    story = "HONGBAO_LANG=en balance => 10\nbalance => 10"

    _, english, _, chinese = played(story, language="zh_CN")

    assert isinstance(english, Answered)
    assert isinstance(chinese, Answered)
    assert "HONGBAO_LANG=en hongbao balance" == english.command
    assert "there is no wallet in" in english.err
    assert "中没有钱包" in chinese.err


@every(
    ("story", "line", "problem"),
    [
        ("balance => 0", 1, "exit_code"),
        ("balance => 10\n  2> …no wallet", 2, "text"),
        ("balance => 10\n  > …no wallet…", 2, "text"),
        ("balance => 10\n  >\n  2>", 3, "silence"),
        ('balance => 10 {"error": {}}', 1, "text"),
        ('balance --json => 10\n\nbalance --json => 10 {"error": {"code": "x"}}', 3, "fact"),
    ],
)
def test_a_broken_promise_names_its_line(story: str, line: int, problem: str):
    """
    After what the command did answer has been told.
    """
    events = play(parse(story, "a.txt"))
    heard: list[Event] = []

    with closing(events), pytest.raises(StoryFailed) as caught:
        heard.extend(events)

    assert (line, problem) == (caught.value.facts["line"], caught.value.facts["problem"])
    assert str(caught.value).startswith(f"story a.txt, line {line}: `hongbao balance")
    assert isinstance(heard[-1], Answered)


def test_a_command_that_hangs_is_ended(lent: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Rather than keeping whoever plays the story waiting for ever. (On a busy machine the first
    one may be over before it is looked at; the other is over in an hour.)
    """
    monkeypatch.setattr("hongbao.story.running.SECONDS_MAX", 0.001)
    story = "file pin: 246810\ninit 小明 --pin-file pin => 0\nwatch --for 1h => 0"

    with pytest.raises(StoryFailed) as caught:
        list(play(parse(story, "a.txt")))

    assert "hangs" == caught.value.facts["problem"]
    assert [] == list(lent.iterdir())


def test_a_story_leaves_nothing_behind(lent: Path):
    """
    Neither when it ends well, nor when it fails, nor when nobody wants to hear the rest.
    """
    played("file pin: 246810\nbalance => 10")
    with suppress(StoryFailed):
        played("balance => 0")
    with closing(play(parse("balance => 10\nbalance => 10", "a.txt"))) as events:
        next(events)
        assert 1 == len(list(lent.iterdir()))

    assert [] == list(lent.iterdir())


def test_a_secret_lies_in_a_file_that_only_its_owner_reads(lent: Path):
    """
    Never among the arguments; the one called pin is what commands are given.
    """
    with closing(play(parse("file pin: 246810\nbalance => 10", "a.txt"))) as events:
        next(events)
        [pin] = lent.glob("*/pin")

        assert "246810\n" == pin.read_text()
        assert 0o600 == pin.stat().st_mode & 0o777
        assert 0o700 == pin.parent.stat().st_mode & 0o777


AT_A_TERMINAL = """
import fcntl, termios
from hongbao.story import parse, play, running
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
open("/dev/tty").close()
running.SECONDS_MAX = 5
for event in play(parse("init 张三 => 2", "a.txt")):
    pass
print(event.err)
"""


def test_a_story_finds_nobody_to_ask():
    """
    A PIN that no file gives is a refusal, even where whoever plays the story sits at a terminal.
    """
    ours, theirs = pty.openpty()
    with os.fdopen(ours), os.fdopen(theirs) as terminal:
        done = subprocess.run(
            [sys.executable, "-c", AT_A_TERMINAL],
            check=False,
            stdin=terminal,
            capture_output=True,
            start_new_session=True,
            text=True,
        )

    assert "" == done.stderr
    assert "this is not a terminal" in done.stdout


def test_a_story_is_the_same_whatever_its_players_settings(tmp_path: Path):
    """
    Their wallet, profile, PIN, language and colours stay out of it.
    """
    theirs = {
        **os.environ,
        "HONGBAO_HOME": str(tmp_path / "theirs"),
        "HONGBAO_PROFILE": "nobody",
        "HONGBAO_PIN_FILE": "nowhere",
        "LANG": "zh_CN.UTF-8",
        "FORCE_COLOR": "1",
    }
    story = "file pin: 246810\ninit 张三 => 0\nprofiles => 0"

    mine, again = played(story)[-1], played(story, variables=theirs)[-1]

    assert isinstance(mine, Answered)
    assert isinstance(again, Answered)
    assert mine.out.split("\t")[:3] == again.out.split("\t")[:3]
    assert not (tmp_path / "theirs").exists()


def test_where_the_story_played_stays_out_of_what_it_says():
    """
    So that it says the same again tomorrow.
    """
    answer = answered("file pin: 246810\ninit 张三 --clock 2026-02-16 --dice 88 => 0")

    assert "./home" in answer.err
    assert tempfile.gettempdir() not in answer.err.replace("./home", "")


def test_on_a_screen_a_command_answers_as_on_a_terminal():
    """
    Laid out for its width, with colour, and held to what it says wherever its lines break.
    """
    story = (
        "file pin: 246810\ninit 张三 --clock 2026-02-16 => 0 …not verified · policy standard@2\n"
    )

    pipe, screen = answered(story), answered(story, screen=Screen(24, 10))

    assert 1 == len(pipe.out.splitlines())
    assert 2 <= len(screen.out.splitlines())
    assert "\x1b[" not in pipe.out
    assert "\x1b[" in screen.out


def test_the_page_about_stories_begins_with_one_that_holds():
    """
    What a reader copies from the page plays.
    """
    text = PAGE.read_text(encoding="utf-8")
    story = text.partition("```story\n")[2].partition("```")[0]

    assert "hongbao check" == answered(story).command


def test_the_page_shows_a_failure_as_it_is_told():
    """
    The document in the example is the one that its facts make.
    """
    (line,) = re.findall(r'^\{"error": .*$', PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = json.loads(line)["error"]
    facts = {name: shown[name] for name in shown.keys() - {"code", "message", "hint"}}

    assert StoryFailed(**facts).as_dict() == shown


def test_the_same_story_says_the_same_to_the_byte():
    """
    Its clock is virtual and its dice are given: ids, shares and instants are what they were.
    """
    story = """
file pin: 246810
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88  => 0
card add 9999010000000003                => 0
send 8.88 --count 3 --from icbc-0003     => 0  …[packet]…
claim [packet]                           => 0
show [packet] --json                     => 0
"""

    assert played(story) == played(story)


BOOKS = """\
file pin: 246810
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88   => 0
init 李四                        => 0
card add 9999010000000003        => 0
topup 10                         => 0
    fact: balance 张三 = 10.00
    fact: reserve + in-transit = owed
!pause
given amount = 8.88
send [amount]                    => 0   …[packet]…
    fact: packet [packet] total = [amount]
    fact: change balance 张三 = 1.12
## Claimed
李四: claim [packet]             => 0
    fact: acts claim 李四 = 1
    fact: acts send = 0
李四: claim [packet]             => 11:already_claimed
    fact: ended 11 = 1
"""


def test_books_and_errors_can_be_expected():
    """
    By facts that know no language; those that look back begin with the chapter.
    """
    for language in ("en", "zh_CN"):
        heard = played(BOOKS, language=language)
        assert "already_claimed" == [e for e in heard if isinstance(e, Answered)][-1].error_code
        assert [8] == [event.line for event in heard if isinstance(event, Paused)]


@pytest.mark.parametrize(
    ("line", "expected", "got"),
    [
        ("balance => 10:profile_not_found", "10:profile_not_found", "10:home_not_found"),
        ("balance => 10\n    fact: reserve = 0", "reserve = 0", "there is no wallet here yet"),
    ],
)
def test_another_error_and_other_books_are_named(line: str, expected: str, got: str):
    """
    As they are expected, beside what came.
    """
    with pytest.raises(StoryFailed) as caught:
        played(line)
    assert (expected, got) == (caught.value.facts["expected"], caught.value.facts["got"])
