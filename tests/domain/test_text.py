"""Texts: any script passes, nothing that a terminal would obey does."""

import sys
import time
import unicodedata
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.text import (
    initial,
    look,
    mask_profile_name,
    parse_account_root,
    parse_device_name,
    parse_greeting,
    parse_line,
    parse_luck,
    parse_profile_name,
    refuse_look_alike,
)
from hongbao.errors import (
    InvalidAccountRoot,
    InvalidDeviceName,
    InvalidGreeting,
    InvalidName,
    LookAlike,
    TextTooLong,
    UnprintableText,
)
from hongbao.words import harmless
from tests.every import every


def every_character() -> Iterator[str]:
    """Yield each code point there is: a list of them would be a worker's for the whole run."""
    return map(chr, range(sys.maxunicode + 1))


@every(
    "name",
    [
        *(
            "小明",
            "mary-ann_2",
            "a",
            "_",
            "9",
            "a-",
            "Ω",
            "Жанна",
            "محمد",
            "สมชาย",
            "น้ำ",
            "ག྄ཧྲཱི",
            "〇",
        ),
        *("हिन्दी", "김철수", "ひらがな", "José", "x" * 20, "李" * 20),
    ],
)
def test_names_of_any_script_pass(name):
    """
    Letters with their marks and digits of every script, up to twenty.
    """
    assert name == parse_profile_name(name)


@every(
    "text",
    [
        *(
            "",
            "-",
            "-p",
            "--json",
            "a  b",
            "a\u3000b",
            "a\u00a0b",
            " a",
            "a ",
            "a\n",
            "a.b",
            "a/b",
            "..",
            "a\\b",
            "a:b",
            "a,b",
        ),
        *(
            "[b]x",
            "a\x1b[31m",
            "a\x00",
            "\u202eevil",
            "a\u200bb",
            "a\u200db",
            "a\ufe0f",
            "\u0301",
            "\u0301a",
        ),
        *("🏽", "a🏽", "👨\u200d👩", "🅰", "Ⓜ️", "1️⃣", "a️"),
        *("ａｌｉｃｅ", "１", "𝐚", "ⓐ", "ª", "²", "½", "Ⅷ", "\u3164", "\u115f", "\uffa0"),
        *(
            "a" + "\u0301" * 9,
            "x" * 21,
            "\ue000",
            "\ud800",
            "\U0010ffff",
            "a" * 1_000_000,
            "\u034f",
            "a|b",
        ),
    ],
)
def test_what_is_no_name_is_refused(text):
    """
    Flags, stray spaces, escapes, markup, marks on nothing, costumes, fillers and length.
    """
    with pytest.raises(InvalidName) as refusal:
        parse_profile_name(text)

    assert str(refusal.value).replace("👨\u200d👩", "").isprintable()
    assert len(str(refusal.value)) < 500


@every(
    "name",
    ["Ann Lee", "😀熊猫", "❤️ Li", "👍🏽", "🇨🇳", "小 明", "José María", "a-b c_d 9", "😀" * 20],
)
def test_a_name_is_as_people_write_it(name):
    """
    Spaces between words and emoji are part of a name, and stay on any screen as they are.
    """
    assert parse_profile_name(name) == name == harmless(name, 100)


@every("pair", [("Ann", "Аnn"), ("BOSS", "ВО\u0405\u0405"), ("Nik", "Νικ"), ("❤️ Li", "❤ li")])
def test_names_that_look_the_same_have_one_look(pair):
    """
    Cyrillic and Greek letters that are drawn as Latin ones are, in either case.
    """
    assert look(pair[0]) == look(pair[1])


@every(
    "pair", [("Ann", "Anna"), ("李四", "李西"), ("Ann Lee", "AnnLee"), ("👍", "👍🏽"), ("Й", "И")]
)
def test_names_that_readers_tell_apart_have_two_looks(pair):
    """
    What differs on the screen is no look-alike.
    """
    assert look(pair[0]) != look(pair[1])


def test_a_look_alike_is_refused_and_a_name_itself_is_not():
    """
    Whether a name is simply taken is another question, with another answer.
    """
    refuse_look_alike("ANN", ["ann", "Bo"])
    with pytest.raises(LookAlike) as refusal:
        refuse_look_alike("Аnn", ["Bo", "Ann"])

    assert refusal.value.like == "'Ann'"


def test_a_name_has_one_spelling():
    """
    Composed and decomposed typing are one name (NFC).
    """
    assert "José" == parse_profile_name("Jose\u0301") == parse_profile_name("Jos\u00e9")


@every(
    "greeting",
    [
        *(
            "恭喜发财，大吉大利",
            "Happy New Year!",
            "",
            "新年快乐 🧧🎉",
            "[bold]hi[/bold]",
            "100% 😂",
        ),
        *(
            "👨‍👩‍👧‍👦",
            "❤️‍🔥",
            "👍🏽",
            "🇨🇳",
            "1️⃣",
            "می‌خواهم",
            "র‍্যাব",
            "नमस्ते",
            "สวัสดีปีใหม่",
            "བཀྲ་ཤིས་བདེ་ལེགས།",
        ),
        *("سنة جديدة سعيدة", "שנה טובה", "Chúc mừng năm mới", "🫨", "葛󠄀城"),
    ],
)
def test_greetings_of_any_script_and_emoji_pass(greeting):
    """
    What people send at New Year comes through unchanged, glued and coloured emoji included.
    """
    assert unicodedata.normalize("NFC", greeting) == parse_greeting(greeting, 25)


@every(
    ("text", "codepoint"),
    [
        ("\x1b[2J", "001B"),
        ("a\x00b", "0000"),
        ("a\nb", "000A"),
        ("a\rb", "000D"),
        ("a\tb", "0009"),
        ("\x9b31m", "009B"),
        ("\x7f", "007F"),
        ("a\u202eb", "202E"),
        ("\u2066a", "2066"),
        ("\u200fa", "200F"),
        ("a\u200bb", "200B"),
        ("\ufeffa", "FEFF"),
        ("a\u2028b", "2028"),
        ("a\u00adb", "00AD"),
        ("\ue000", "E000"),
        ("\ud83d", "D83D"),
        ("\u0378", "0378"),
        ("\U0010ffff", "10FFFF"),
        ("\U000e0041", "E0041"),
        ("\u3164", "3164"),
        ("\u0301a", "0301"),
        ("a \u0301", "0301"),
        ("\ufe0f", "FE0F"),
        ("\u200da", "200D"),
        ("a\u200d", "200D"),
        ("👩\u200d\u200d👩", "200D"),
        ("a" + "\u0323" * 9, "0323"),
        ("b" + "\u0323\u200d" * 9 + "c", "0323"),
    ],
)
def test_what_a_terminal_would_obey_is_refused_by_name(text, codepoint):
    """
    Controls, escapes, line ends, direction marks, invisible fillers, lone and heaped marks.
    """
    with pytest.raises(UnprintableText) as refusal:
        parse_greeting(text, 25)

    assert {"field": "greeting", "codepoint": codepoint} == refusal.value.facts
    assert str(refusal.value).isprintable()


def test_no_control_or_direction_character_of_unicode_passes():
    """
    Of all 1,114,112 code points, none that is a control, a surrogate, private, a line or paragraph
    separator, or a format character other than the two joiners gets into a greeting.

    Of the two planes that are private from end to end, each hundredth is tried.
    """
    passed = [
        character
        for character in every_character()
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        and (character < "\U000f0000" or ord(character) % 100 == 0)
        and _passes("a" + character + "a")
    ]

    assert ["\u200c", "\u200d"] == passed


def test_every_other_character_of_unicode_passes_on_a_letter():
    """
    Whatever has a shape is allowed: of what is assigned, only the invisible letters are refused.
    """
    assigned = (c for c in every_character() if unicodedata.category(c)[0] not in "CZ")
    refused = [
        character
        for some in iter(lambda: "".join(islice(assigned, 200)), "")
        if not _passes("a".join(("", *some, "")))
        for character in some
        if not _passes("a" + character + "a")
    ]

    # What NFC turns into something else is judged as that.
    assert set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0") == set(refused)


@every(
    ("greeting", "length"),
    [
        ("恭喜发财", 4),
        ("👨‍👩‍👧‍👦", 4),
        ("👍🏽", 1),
        ("❤️", 1),
        ("e\u0323\u0302", 1),
        ("नमस्ते", 4),
        ("a b", 3),
    ],
)
def test_characters_are_counted_nearly_as_people_see_them(greeting, length):
    """
    Marks, joiners, selectors and skin tones belong to what they follow.
    """
    assert parse_greeting(greeting, length)
    with pytest.raises(InvalidGreeting):
        parse_greeting(greeting, length - 1)


def test_the_twenty_sixth_character_is_one_too_many():
    """
    The refusal says how long the greeting is and how long it may be.
    """
    assert "福" * 25 == parse_greeting("福" * 25, 25)

    with pytest.raises(InvalidGreeting) as refusal:
        parse_greeting("福" * 26, 25)

    assert {"length": 26, "length_max": 25} == refusal.value.facts


def test_spaces_around_are_dropped_and_within_are_kept():
    """
    A greeting of nothing but spaces is empty.
    """
    assert "新年 快乐" == parse_greeting(" \u3000新年 快乐  ", 25)
    assert "" == parse_greeting("   ", 25)


@every("character", ["a", "\u0301", "\x1b", "\u200d", "福", "\U0001f9e7"])
def test_ten_million_characters_are_refused_at_once(character):
    """
    The length is looked at before the text is.
    """
    text = character * 10_000_000
    began = time.perf_counter()

    with pytest.raises(InvalidGreeting):
        parse_greeting(text, 25)
    with pytest.raises(InvalidName):
        parse_profile_name(text)
    with pytest.raises(TextTooLong):
        parse_line(text, "note", 25)

    assert time.perf_counter() - began < 0.5


@given(st.text(max_size=60))
def test_a_greeting_that_passes_is_one_printable_line_for_good(text):
    """
    It holds no line end and no escape, and reading it again changes nothing.
    """
    try:
        greeting = parse_greeting(text, 25)
    except (InvalidGreeting, UnprintableText):
        return

    assert len(greeting.splitlines()) <= 1
    assert greeting == parse_greeting(greeting, 25)


def test_other_lines_are_named_in_their_refusals():
    """
    `parse_line` has the rules of a greeting and the name of its field.
    """
    assert "lunch" == parse_line("lunch", "note", 5)

    with pytest.raises(TextTooLong) as refusal:
        parse_line("lunches", "note", 5)
    assert {"field": "note", "length_max": 5} == refusal.value.facts

    with pytest.raises(UnprintableText) as refusal_of_escape:
        parse_line("\x1b", "note", 5)
    assert {"field": "note", "codepoint": "001B"} == refusal_of_escape.value.facts


def _passes(text: str) -> bool:
    try:
        parse_line(text, "text", 1_000)
    except UnprintableText:
        return False
    return True


# --- at the edges ---------------------------------------------------------------------------------

STACK = "q\u0301\u0302\u0303\u0304"  # as many marks as one letter may have


@every(
    ("parse", "text", "refusal", "facts"),
    [
        (parse_profile_name, "a/b", InvalidName, {"text": "'a/b'", "length_max": 20}),
        (parse_profile_name, STACK[:4] * 20 + "q", InvalidName, {"length_max": 20}),
        (parse_profile_name, "a⌚", InvalidName, {"text": "'a⌚'", "length_max": 20}),
        (parse_device_name, "a/b", InvalidDeviceName, {"text": "'a/b'", "length_max": 20}),
        (parse_account_root, "微信", InvalidAccountRoot, {"text": "'微信'", "length_max": 40}),
        (parse_account_root, "A" * 41, InvalidAccountRoot, {"length_max": 40}),
        (parse_account_root, "wechat", InvalidAccountRoot, {"text": "'wechat'", "length_max": 40}),
        (parse_luck, "x" * 257, TextTooLong, {"field": "luck", "length_max": 64}),
        (parse_luck, "x" * 65, TextTooLong, {"field": "luck", "length_max": 64}),
        (parse_luck, "\x07", UnprintableText, {"field": "luck", "codepoint": "0007"}),
    ],
)
def test_a_refusal_says_what_was_typed_and_how_long_it_may_be(parse, text, refusal, facts):
    """
    What is very long is not repeated.
    """
    with pytest.raises(refusal) as refused:
        parse(text)

    assert facts == {name: refused.value.facts[name] for name in facts}


@every(
    ("text", "length_max", "facts"),
    [
        ("q\u0301\u0302\u0303\u0304", 1, {"length": 5, "length_max": 1}),
        ("abc", 2, {"length": 3, "length_max": 2}),
        ("abcdefghi", 2, {"length": 9, "length_max": 2}),
    ],
)
def test_a_greeting_that_is_too_long_is_told_how_long_it_is(text, length_max, facts):
    """
    In characters, or in code points where those alone are too many.
    """
    with pytest.raises(InvalidGreeting) as refused:
        parse_greeting(text, length_max)

    assert facts == refused.value.facts


def test_four_code_points_are_looked_at_for_each_character():
    """
    A letter with three marks is one character, and twenty such letters are a name.
    """
    assert STACK[:4] == parse_greeting(STACK[:4], 1)
    assert STACK[:4] == parse_line(STACK[:4], "note", 1)
    assert STACK[:4] * 20 == parse_profile_name(STACK[:4] * 20)


def test_four_marks_are_the_most_on_each_letter():
    """
    However many letters there are.
    """
    assert STACK * 3 == parse_line(STACK * 3, "note", 20)
    for text in (f"{STACK}\u0306", f"{STACK}{STACK}\u0306"):
        with pytest.raises(UnprintableText):
            parse_line(text, "note", 20)


@every(
    ("typed", "line"),
    [("XaX", "XaX"), (" 　a　 ", "a"), ("\u2003a\u00a0", "\u2003a\u00a0"), ("", "")],
)
def test_only_two_spaces_are_taken_from_around_a_line(typed, line):
    """
    The English and the Chinese one.
    """
    assert line == parse_line(typed, "note", 10)


@pytest.mark.parametrize("text", ["\ta", "a\n", "a\r", "\x0ba"])
def test_a_control_character_is_refused_wherever_it_stands(text):
    """
    Also around a line.
    """
    with pytest.raises(UnprintableText):
        parse_line(text, "note", 10)


@every(
    ("name", "masked", "first"),
    [
        ("小明", "小*", "小＊"),
        ("Ann Lee", "A******", "A＊"),
        ("明", "*", "＊"),
        ("XX", "X*", "X＊"),
        (f"{STACK}{STACK}", "q*", "q＊"),
        ("👍🏽😀", "👍*", "👍＊"),
    ],
)
def test_a_name_is_masked_but_for_its_first_letter(name, masked, first):
    """
    A star stands for a letter with all that belongs to it; a single letter is hidden.
    """
    assert (masked, first) == (mask_profile_name(name), initial(name))


@every(
    ("text", "root"),
    [("A", "A"), ("9", "9"), ("WeChat-2", "WeChat-2"), ("A" * 40, "A" * 40), ("A-", "A-")],
)
def test_an_account_root_is_one_part_of_an_accounts_name(text, root):
    """
    Of forty characters at most.
    """
    assert root == parse_account_root(text)


@every(("text", "luck"), [(None, None), ("", None), (" 　", None), ("x" * 64, "x" * 64)])
def test_no_luck_is_none(text, luck):
    """
    Neither is a blank one.
    """
    assert luck == parse_luck(text)
