"""The authenticator: a code counts in its time, once, and gives nothing away."""

import base64
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import errors
from hongbao.units import CHINA
from hongbao.vault.authenticator import (
    base32,
    code_at,
    matching_step,
    new_secret,
    next_code_at,
    parse_code,
    parse_secret,
    step_at,
    uri,
)
from tests.every import every

SECRET = b"12345678901234567890"
OTHER = b"09876543210987654321"
EVE = datetime(2026, 2, 16, 20, 0, 0, tzinfo=CHINA)  # the first second of a step
STEP = timedelta(seconds=30)
NEVER = -1


def test_a_secret_is_as_long_as_the_rfc_asks_and_from_the_source_it_is_given():
    """
    RFC 4226 §4, R6: 160 bits. They are what *random* gave, so no two profiles share them.
    """
    assert bytes(20) == new_secret(bytes)
    assert new_secret(os.urandom) != new_secret(os.urandom)


def test_a_step_is_half_a_minute_in_whatever_zone_it_is_told():
    """
    Steps are counted from 1970 in UTC; the 30 seconds of one have one code.
    """
    assert 0 == step_at(datetime(1970, 1, 1, 8, 0, 29, 999_999, tzinfo=CHINA))
    assert 1 == step_at(datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC))
    assert code_at(SECRET, EVE) == code_at(SECRET, (EVE + timedelta(seconds=29)).astimezone(UTC))
    assert code_at(SECRET, EVE) != code_at(SECRET, EVE + STEP)


@every(("steps", "counts"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_a_code_counts_a_step_early_and_a_step_late(steps, counts):
    """
    Of the moment, of the step before it and of the step after it: no other code fits.
    """
    code = code_at(SECRET, EVE + steps * STEP)

    found = matching_step(SECRET, code, EVE, NEVER)

    assert (step_at(EVE) + steps if counts else None) == found


def test_the_window_ends_with_the_second():
    """
    A code fits until the last moment of the step after its own, and not one microsecond longer.
    """
    code = code_at(SECRET, EVE)
    end = EVE + 2 * STEP

    assert step_at(EVE) == matching_step(SECRET, code, end - timedelta(microseconds=1), NEVER)
    assert matching_step(SECRET, code, end, NEVER) is None


def test_no_code_counts_twice():
    """
    Once a step is used, its code is spent, and so are those of the steps before it.
    """
    before, now, after = (code_at(SECRET, EVE + steps * STEP) for steps in (-1, 0, 1))
    used = matching_step(SECRET, now, EVE, NEVER)

    assert used is not None
    assert matching_step(SECRET, now, EVE, used) is None
    assert matching_step(SECRET, before, EVE, used) is None
    assert used + 1 == matching_step(SECRET, after, EVE, used)


def test_two_steps_with_one_code_are_both_spent_by_it(monkeypatch):
    """
    Where neighbouring steps happen to share a code, the later one is used: it works only once.
    """
    monkeypatch.setattr("hongbao.vault.authenticator._code", lambda _, step: "000000")

    used = matching_step(SECRET, "000000", EVE, NEVER)

    assert step_at(EVE) + 1 == used
    assert matching_step(SECRET, "000000", EVE, used) is None


def test_a_code_of_another_secret_is_wrong():
    """
    The secret is what decides; a wrong code is no error, but something to be counted.
    """
    assert matching_step(SECRET, code_at(OTHER, EVE), EVE, NEVER) is None


def test_before_1970_there_is_no_step_to_match():
    """
    At the very first step only it and the next one are tried.
    """
    first = datetime(1970, 1, 1, tzinfo=UTC)

    assert 0 == matching_step(SECRET, code_at(SECRET, first), first, NEVER)


@given(st.integers(0, 999_999), st.sampled_from(["{}", " {}", "{}\n", "\u3000{} "]))
def test_six_digits_are_read_as_they_are_typed(number, form):
    """
    Leading zeros stay; spaces around and between do not matter, as apps show two groups.
    """
    digits = f"{number:06d}"

    assert digits == parse_code(form.format(digits))
    assert digits == parse_code(form.format(f"{digits[:3]} {digits[3:]}"))


def test_the_digits_of_a_chinese_keyboard_are_digits():
    """
    Full-width digits mean what they look like.
    """
    assert "287082" == parse_code("２８７０８２")


@every(
    "typed",
    [
        *("", "12345", "1234567", "12345a", "-12345", "+12345", "1_2345", "12345٣", "١٢٣٤٥٦"),
        *("123.456", "\x1b[31m123456", "123456\x00", "1" * 1_000_000, " " * 40 + "123456"),
    ],
)
def test_what_is_not_six_digits_is_no_try(typed):
    """
    It is refused before anything is compared, as something typed wrong, and is not repeated.
    """
    with pytest.raises(errors.InvalidCode) as refusal:
        matching_step(SECRET, typed, EVE, NEVER)

    assert errors.ExitCode.USAGE == refusal.value.exit_code
    assert {} == refusal.value.facts


def test_a_wrong_code_is_a_wrong_pin_to_a_shell():
    """
    It says how many tries are left, as a wrong PIN does, under the same exit code.
    """
    refusal = errors.WrongPinOrCode(attempts_left=4)

    assert errors.ExitCode.PIN == refusal.exit_code
    assert ("wrong_pin_or_code", 4) == (refusal.code, refusal.as_dict()["attempts_left"])


def test_the_secret_is_typed_in_letters_that_apps_take():
    """
    Base 32 (RFC 4648 §6) without padding gives the same secret back.
    """
    assert SECRET == base64.b32decode(base32(SECRET))
    assert 32 == len(base32(SECRET))
    assert "GEZDGNBV" == base32(b"12345")
    assert "=" not in base32(b"1234567890123456")


@pytest.mark.parametrize("profile", ["alice", "小明", "a-b_c"])
def test_an_app_reads_whose_secret_it_is(profile):
    """
    The address names issuer, profile and secret, and says nothing that our codes are not.
    """
    told = urlsplit(uri(SECRET, profile))

    assert ("otpauth", "totp") == (told.scheme, told.netloc)
    assert f"/hongbao:{profile}" == unquote(told.path)
    assert told.path.isascii()
    assert {
        "secret": [base32(SECRET)],
        "issuer": ["hongbao"],
        "digits": ["6"],
        "period": ["30"],
        "algorithm": ["SHA1"],
    } == parse_qs(told.query)


@given(st.binary(min_size=16, max_size=64), st.sampled_from(["alice", "小明", "a&secret=b"]))
def test_a_secret_is_read_as_it_was_written(secret: bytes, profile: str):
    """
    By its letters, in groups or small, and out of its address.
    """
    letters = base32(secret)
    groups = " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))

    for text in (letters, letters.lower(), f"  {groups}\n", uri(secret, profile)):
        assert secret == parse_secret(text)


@every(
    "text",
    [
        *("", "287082", "287 082", "GEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", "A" * 200, "密"),
        *("otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "otpauth://totp/x?issuer=x"),
        *("\x00" * 32, "https://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
    ],
)
def test_what_is_no_secret_is_none(text: str):
    """
    Least of all a code, which stands in the same kind of file.
    """
    assert parse_secret(text) is None


def test_a_code_is_shown_until_its_step_is_over():
    """
    Its last moment is the first of the next one.
    """
    assert EVE + STEP == next_code_at(EVE) == next_code_at(EVE + STEP - timedelta(microseconds=1))
    assert EVE + 2 * STEP == next_code_at(EVE + STEP)


def test_a_command_without_codes_does_not_wake_them():
    """
    Importing the module imports no library.
    """
    script = "import sys, hongbao.vault.authenticator; print('cryptography' in sys.modules)"

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )

    assert "False" == told.stdout.strip()


def test_the_longest_that_is_read():
    """
    A code among spaces, 32 characters in all; a secret of 64 bytes. One more is too much.
    """
    assert "287082" == parse_code("287" + " " * 26 + "082")
    with pytest.raises(errors.InvalidCode):
        parse_code("287" + " " * 27 + "082")
    assert bytes(64) == parse_secret(base32(bytes(64)))
    assert parse_secret(base32(bytes(65))) is None
    assert bytes(16) == parse_secret(base32(bytes(16)))
    assert parse_secret(base32(bytes(15))) is None
