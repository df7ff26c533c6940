"""The puzzle: plain to a person, as likely one answer as another, and fit for every screen."""

import json
from collections import Counter
from hashlib import shake_256
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.puzzle import PAIRS, Puzzle, decode, make_puzzle, parse_count
from hongbao.errors import InvalidAnswer, shortened
from tests.every import every

puzzles = st.binary(min_size=66, max_size=66).map(lambda drawn: make_puzzle(lambda _: drawn))


def of_chance(chance):
    return make_puzzle(lambda _: chance)


def of_bytes(pair, count):
    """Return the puzzle of the two bytes that decide its characters and its answer."""
    return of_chance(bytes([pair, count]) + bytes(64))


def drawn(number):
    """Return a puzzle like the ones that chance makes, the same for the same *number*."""
    return make_puzzle(lambda length: shake_256(b"%d" % number).digest(length))


@given(puzzles)
def test_the_answer_is_how_many_there_are(puzzle):
    """
    Counting the sought character solves it, and no other number does.
    """
    count = puzzle.line.count(puzzle.sought)

    assert [count] == [n for n in range(100) if puzzle.solved_by(str(n))]


@given(puzzles)
def test_a_line_is_of_one_pair_and_fits_the_narrowest_screen(puzzle):
    """
    Sixteen characters of the sought kind and of its twin, 32 columns wide, four of each at least.
    """
    (twin,) = set(puzzle.line) - {puzzle.sought}

    assert (puzzle.sought, twin) in PAIRS or (twin, puzzle.sought) in PAIRS
    assert 16 == len(puzzle.line)
    assert {"W"} == {east_asian_width(character) for character in puzzle.line}
    assert 4 <= puzzle.line.count(puzzle.sought) <= 11
    assert 5 <= puzzle.line.count(twin) <= 12


def test_every_answer_is_as_likely():
    """
    Over all bytes that decide the count, each of 4 to 11 is met 32 times: one guess in eight fits.
    """
    counts = Counter(
        puzzle.line.count(puzzle.sought) for puzzle in (of_bytes(0, n) for n in range(256))
    )

    assert dict.fromkeys(range(4, 12), 32) == counts


def test_every_character_is_asked_for_as_often():
    """
    Over all bytes that decide it, each of the eight characters is sought 32 times.
    """
    sought = Counter(of_bytes(n, 0).sought for n in range(256))

    assert dict.fromkeys((each for pair in PAIRS for each in pair), 32) == sought


def test_where_the_sought_ones_stand_is_no_hint():
    """
    In 4,000 puzzles every place has the sought character in 44 to 50 of a hundred (the mean is
    7.5 of 16), and hardly a line comes twice.
    """
    made = [drawn(number) for number in range(4000)]

    for place in range(16):
        share = sum(puzzle.line[place] == puzzle.sought for puzzle in made) / len(made)
        assert 0.44 < share < 0.50
    assert 3900 < len({puzzle.line for puzzle in made})


def test_chance_is_asked_once():
    """
    A demo's dice are counted, so that a lesson can be played again.
    """
    asked = []

    def chance(length):
        asked.append(length)
        return bytes(length)

    make_puzzle(chance)

    assert [66] == asked


@every("typed", ["7", " 7 ", "7\n", "07", "７", "\u30007"])
def test_an_answer_may_be_typed_carelessly(typed):
    """
    Spaces, a leading zero and full-width digits do not matter.
    """
    assert Puzzle("福", "福" * 7 + "富" * 9).solved_by(typed)


@every(
    "typed",
    [
        *("", " ", "8", "-7", "+7", "7.0", "7 7", "0x7", "七", "٧", "seven", "7\x00", "7_"),
        *("\x1b[31m7", "福" * 7, "7" * 1_000_000, " " * 20 + "7"),
    ],
)
def test_what_is_not_the_number_is_no_answer(typed):
    """
    It is wrong, whatever it is: nothing that is typed raises, or takes long.
    """
    assert not Puzzle("福", "福" * 7 + "富" * 9).solved_by(typed)


def test_a_puzzle_is_kept_as_compact_text():
    """
    As it is sealed: the same puzzle is the same text in every version.
    """
    assert '{"sought":"福","line":"福富"}' == Puzzle("福", "福富").encode()


@given(puzzles)
def test_a_puzzle_is_kept_and_read_again(puzzle):
    """
    What was encoded decodes to the same, and names its two facts without the answer.
    """
    assert puzzle == decode(puzzle.encode())
    assert {"sought", "line"} == set(json.loads(puzzle.encode()))
    assert puzzle.question == json.loads(puzzle.encode())


@every(
    "text",
    [
        *("", "[]", "null", "7", '"福"', "{}", '{"sought":"福"}', "[" * 100_000),
        '{"sought":"福","line":7}',
        '{"sought":"福","line":"aab"}',
        '{"sought":"福","line":"福\\u001b[31m富"}',
        '{"sought":"福","line":"福富","count":1}',
        '{"sought":"福","line":"喜囍"}',
        '{"sought":"福富","line":"福富"}',
        '{"sought":"","line":"福富"}',
        '{"sought":["福"],"line":"福富"}',
        '{"sought":"福","line":["福","富"]}',
    ],
)
def test_what_is_no_puzzle_is_not_read(text):
    """
    A text that was not encoded here is refused, so nothing strange is shown as a question.
    """
    with pytest.raises(ValueError, match=r"."):
        decode(text)


@every(
    ("text", "count"),
    [("7", 7), (" 11 ", 11), ("１０", 10), ("0007", 7), ("0" * 15 + "7", 7)],
)
def test_a_count_is_read_in_the_digits_of_any_keyboard(text, count):
    """
    In at most sixteen characters.
    """
    assert count == parse_count(text)


@every("text", ["", " ", "七", "7.0", "-7", "7 7", "Ⅶ", "0" * 16 + "7"])
def test_what_is_no_count_is_refused_and_shown(text):
    """
    It is no try.
    """
    with pytest.raises(InvalidAnswer) as refusal:
        parse_count(text)

    assert shortened(text) == refusal.value.facts["text"]


def test_bits_of_the_first_byte_choose_pair_and_side():
    """
    The lowest is the side, the next two are the pair.
    """
    sides = [side for pair in PAIRS for side in pair]

    assert sides * 2 == [of_bytes(byte, 0).sought for byte in range(16)]


def test_the_highest_of_32_bits_are_where_the_sought_ones_are():
    """
    All four bytes count, from the first to the last; of two alike, the later place is higher.
    """
    for place in range(4):
        high = bytes(place) + b"\x01" + bytes(3 - place)
        chance = bytes(2) + high * 4 + bytes(48)
        assert "福福福福" + "富" * 12 == of_chance(chance).line


def test_places_that_draw_alike_are_told_apart_by_nothing_but_their_order():
    """
    What the next place draws is its own.
    """
    chance = bytes(2) + bytes(20) + b"\x01" + bytes(43)

    assert "富" * 5 + "福" + "富" * 7 + "福" * 3 == of_chance(chance).line
