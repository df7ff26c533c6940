"""PINs: six digits that keep quiet, and not the first that a thief would try."""

import copy
import pickle
from datetime import date

import pytest

from hongbao.domain.pin import COMMON, Pin, check_strength
from hongbao.errors import InvalidPin, WeakPin
from tests.every import every

BORN = date(1990, 5, 7)


@pytest.mark.parametrize("digits", ["246810", "000000", "900507"])
def test_six_digits_are_a_pin(digits):
    """
    Any six digits can be typed; whether they may be chosen is another question.
    """
    assert digits == Pin(digits).reveal()


@every(
    "text",
    [
        *("", "12345", "1234567", "abcdef", "12 456", " 246810", "246810\n", "-24681", "+24681"),
        *("２４６８１０", "٢٤٦٨١٠", "24681²", "24681\x00", "1e1000", "0x1234", "9" * 1_000_000),
    ],
)
def test_anything_else_is_no_pin(text):
    """
    Five, seven, letters, spaces, signs and other scripts' digits; the refusal repeats none of it.
    """
    with pytest.raises(InvalidPin) as refusal:
        Pin(text)

    assert {} == refusal.value.facts
    assert () == refusal.value.args


def test_a_pin_keeps_quiet():
    """
    No way of printing or formatting shows a digit.
    """
    pin = Pin("246810")

    assert "Pin(••••••)" == repr(pin)
    for shown in (repr(pin), str(pin), f"{pin}", f"{pin!r:>20}", "%s" % pin, repr([pin])):  # noqa: UP031
        assert "•" in shown
        assert not any(character.isdigit() for character in shown)
    assert not hasattr(pin, "__dict__")


def test_a_pin_is_not_written_down():
    """
    Neither pickle nor copy gets at the digits.
    """
    pin = Pin("246810")

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(pin, protocol)
    with pytest.raises(TypeError):
        copy.copy(pin)
    with pytest.raises(TypeError):
        copy.deepcopy(pin)


def test_a_pin_does_not_compare_by_accident():
    """
    ``==`` would be False between two equal PINs, silently; so it refuses, and `same_as` answers.
    """
    with pytest.raises(TypeError):
        assert Pin("246810") == Pin("246810")
    with pytest.raises(TypeError):
        assert Pin("246810") != "246810"
    with pytest.raises(TypeError):
        hash(Pin("246810"))

    assert Pin("246810").same_as(Pin("246810"))
    assert not Pin("246810").same_as(Pin("246811"))


@every(
    "digits",
    [
        *("000000", "111111", "999999"),
        *("123456", "012345", "456789", "567890", "890123", "901234"),
        *("654321", "543210", "987654", "098765", "210987", "109876"),
        *sorted(COMMON),
    ],
)
@every("born", [None, BORN])
def test_repeats_runs_and_favourites_are_too_easy(digits, born):
    """
    One digit, runs up and down, over the end of the keypad too, and what most people choose.
    """
    with pytest.raises(WeakPin) as refusal:
        check_strength(Pin(digits), born)

    assert {} == refusal.value.facts


@every("digits", ["900507", "070590", "050790", "900705", "199005", "051990", "199057"])
def test_the_holders_birth_date_is_too_easy(digits):
    """
    In each order that dates are written in; for someone else, these are digits like any.
    """
    with pytest.raises(WeakPin):
        check_strength(Pin(digits), BORN)

    check_strength(Pin(digits), None)
    check_strength(Pin(digits), date(1985, 12, 24))


@every("digits", ["246810", "135790", "112358", "000001", "123457", "908172"])
def test_other_pins_may_be_chosen(digits):
    """
    Only what is documented is refused.
    """
    check_strength(Pin(digits), BORN)


def test_only_steps_of_one_and_none_are_runs():
    """
    Of the hundred ways to step evenly around the keypad, exactly thirty are refused: the rule does
    not shrink what a thief must search.
    """
    refused = []
    for first in range(10):
        for step in range(10):
            digits = "".join(str((first + step * place) % 10) for place in range(6))
            try:
                check_strength(Pin(digits), None)
            except WeakPin:
                refused.append(step)

    assert [0, 1, 9] * 10 == refused
