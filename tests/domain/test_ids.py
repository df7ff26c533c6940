"""Ids: canonical, and wrong as soon as one character is."""

from datetime import UTC, datetime
from itertools import combinations
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.ids import (
    CROCKFORD,
    ENTRIES,
    NUMBERS,
    account_id,
    bill_id,
    case_id,
    challenge_id,
    check_request_id,
    event_id,
    event_number,
    home_mark,
    movement_id,
    packet_id,
    parse_bill_id,
    parse_case_id,
    parse_challenge_id,
    parse_movement_id,
    parse_packet_id,
    request_id,
)
from hongbao.errors import (
    InvalidBillId,
    InvalidCaseId,
    InvalidChallengeId,
    InvalidPacketId,
    InvalidRequestId,
)
from tests.every import every

packet_ids = st.binary(min_size=5, max_size=5).map(packet_id)


@given(packet_ids)
def test_an_id_is_its_own_canonical_form(packet):
    """
    What `packet_id` writes is eleven characters that `parse_packet_id` leaves alone.
    """
    assert 11 == len(packet)
    assert packet == parse_packet_id(packet)


def test_the_sample_of_the_documents_is_valid():
    """
    hb_7Q2M4K9X, which pages and hints show, is an id.
    """
    assert "hb_7Q2M4K9X" == parse_packet_id("hb_7Q2M4K9X")


@pytest.mark.parametrize("packet", ["hb_7Q2M4K9X", "hb_00000000", packet_id(b"\xff" * 5)])
def test_every_wrong_symbol_is_found(packet):
    """
    All 8 × 31 substitutions of one symbol are refused.
    """
    symbols = packet.removeprefix("hb_")
    wrong = [
        symbols[:place] + other + symbols[place + 1 :]
        for place in range(8)
        for other in CROCKFORD
        if other != symbols[place]
    ]

    assert 248 == len(wrong)
    for typed in wrong:
        with pytest.raises(InvalidPacketId):
            parse_packet_id("hb_" + typed)


def test_every_pair_of_symbols_that_changed_places_is_found():
    """
    For each of the 28 pairs of places and each of the 496 pairs of different symbols, exchanging
    them is refused. The code is linear, so what surrounds them does not matter; it is zeros here.
    """
    for first, second in combinations(range(7), 2):
        for a, b in combinations(CROCKFORD, 2):
            body = ["0"] * 7
            body[first], body[second] = a, b
            packet = _with_check("".join(body))
            symbols = list(packet)
            symbols[first], symbols[second] = b, a
            with pytest.raises(InvalidPacketId):
                parse_packet_id("".join(symbols))


@given(packet_ids, st.integers(0, 7), st.integers(0, 7))
def test_the_check_symbol_cannot_change_places_unnoticed_either(packet, first, second):
    """
    Exchanging any two different symbols, the check included, is refused.
    """
    symbols = list(packet.removeprefix("hb_"))
    symbols[first], symbols[second] = symbols[second], symbols[first]
    typed = "hb_" + "".join(symbols)

    if typed == packet:
        assert packet == parse_packet_id(typed)
    else:
        with pytest.raises(InvalidPacketId):
            parse_packet_id(typed)


@every(
    "typed",
    [
        *("hb_7Q2M4K9X", "hb_7q2m4k9x", "HB_7Q2M4K9X", "Hb_7q2M4k9X", "7Q2M4K9X", "7q2m4k9x"),
        *("  hb_7Q2M4K9X\n", "hb_7Q2M-4K9X", "7q2m-4k9x", "-7Q2M4K9X-", "\u30007Q2M4K9X"),
    ],
)
def test_an_id_may_be_typed_carelessly(typed):
    """
    Case, hyphens, spaces around it and the prefix do not matter.
    """
    assert "hb_7Q2M4K9X" == parse_packet_id(typed)


def test_letters_that_look_like_digits_are_read_as_those():
    """
    I and L are 1 and O is 0, as Crockford has it, in either case.
    """
    packet = packet_id(bytes.fromhex("0800000840"))
    assert "1" in packet
    assert "0" in packet

    for one, zero in ("Io", "lO", "LO", "io"):
        typed = packet.removeprefix("hb_").replace("1", one).replace("0", zero)
        assert packet == parse_packet_id(typed)


def test_letters_of_other_scripts_are_not_read_as_ours():
    """
    A dotless ı becomes I when it is made a capital, but nobody copies an id with one.
    """
    packet = packet_id(bytes.fromhex("0800000840"))

    with pytest.raises(InvalidPacketId):
        parse_packet_id(packet.replace("1", "ı"))


@every(
    "typed",
    [
        *(
            "",
            "hb_",
            "hb",
            "hb_7Q2M4K9",
            "hb_7Q2M4K9XX",
            "hb_hb_7Q2M4K9X",
            "rq_7Q2M4K9X",
            "_7Q2M4K9X",
        ),
        *("hb_7Q2M4K9U", "hb_7Q2M 4K9X", "hb_７Q2M4K9X", "hb_7Q2M4K9X\x00", "hb_ıQ2M4K9X"),
        *("hb_7Q2M4K9X; DROP", "../../7Q2M4K9X", "\x1b[31mhb_7Q2M4K9X"),
    ],
)
def test_what_is_no_id_is_refused(typed):
    """
    Wrong lengths, wrong prefixes, U, spaces within and look-alikes from other scripts are refused.
    """
    with pytest.raises(InvalidPacketId):
        parse_packet_id(typed)


def test_ten_megabytes_are_no_id():
    """
    A very long text is refused with a short sentence.
    """
    with pytest.raises(InvalidPacketId) as refusal:
        parse_packet_id("-7" * 5_000_000)

    assert len(str(refusal.value)) < 120


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_request_ids_are_as_different_as_their_bytes(raw, other):
    """
    No two of the 2^128 raw values share a request id, and each passes its own check.
    """
    assert (raw == other) == (request_id(raw) == request_id(other))
    assert 29 == len(check_request_id(request_id(raw)))


@given(st.binary(min_size=5, max_size=5), st.binary(min_size=5, max_size=5))
def test_packet_ids_use_thirty_five_bits(raw, other):
    """
    Two ids are equal only where the first 35 bits are.
    """
    first, second = (int.from_bytes(each, "big") >> 5 for each in (raw, other))

    assert (first == second) == (packet_id(raw) == packet_id(other))


@every("text", ["a", "A-z_0.9:", "x" * 64, "-", "2026-11-23T20:00:00.1"])
def test_request_ids_of_callers_are_kept_as_they_are(text):
    """
    Letters, digits and ``- _ . :`` up to 64 characters pass unchanged.
    """
    assert text == check_request_id(text)


@every("text", ["", "x" * 65, "a|b", "a b", "a\n", "é", "１", "a/b", "a\x00", "😀"])
def test_request_ids_of_other_characters_are_refused(text):
    """
    Above all the bar, which separates the fields of a share's draw.
    """
    with pytest.raises(InvalidRequestId):
        check_request_id(text)


OTHERS = pytest.mark.parametrize(
    ("write", "parse", "prefix", "refusal"),
    [
        (case_id, parse_case_id, "rc_", InvalidCaseId),
        (challenge_id, parse_challenge_id, "ch_", InvalidChallengeId),
    ],
    ids=["case", "challenge"],
)


@OTHERS
@given(raw=st.binary(min_size=5, max_size=8))
def test_cases_and_challenges_have_ids_like_packets(raw, write, parse, prefix, refusal):
    """
    The same symbols and the same check behind a prefix of their own, read as carelessly.
    """
    written = write(raw)
    symbols = written.removeprefix(prefix)

    assert packet_id(raw) == "hb_" + symbols
    assert prefix + symbols == written
    for typed in (written, written.lower(), symbols, f" {prefix}{symbols[:4]}-{symbols[4:]}\n"):
        assert written == parse(typed)


@OTHERS
def test_a_wrong_symbol_in_their_ids_is_found(write, parse, prefix, refusal):
    """
    All substitutions of one symbol are refused, in the words that belong to the thing.
    """
    symbols = write(bytes.fromhex("0123456789")).removeprefix(prefix)

    for place in range(8):
        for other in set(CROCKFORD) - {symbols[place]}:
            with pytest.raises(refusal):
                parse(prefix + symbols[:place] + other + symbols[place + 1 :])


@OTHERS
def test_an_id_of_another_thing_is_refused(write, parse, prefix, refusal):
    """
    A packet's id is no case's: whoever copied the wrong one is told so, on a screen left whole.
    """
    strangers = {"hb_", "rc_", "ch_", "rq_", "rc", "_", "\x1b[31m", "\x1b[31mrc_", prefix + prefix}

    for stranger in strangers - {prefix}:
        with pytest.raises(refusal) as refused:
            parse(stranger + "7Q2M4K9X")
        assert f"{prefix}7Q2M4K9X" in str(refused.value.hint)
        assert "\x1b" not in str(refused.value)


def _with_check(body: str) -> str:
    """Return *body* with the one check symbol that makes it an id."""
    raw = int("".join(f"{CROCKFORD.index(symbol):05b}" for symbol in body), 2) << 5
    symbols = packet_id(raw.to_bytes(5, "big")).removeprefix("hb_")
    assert body == symbols[:7]
    return symbols


# --- ids for other programs -----------------------------------------------------------------------


def test_a_bills_id_is_spelt_as_carelessly_as_a_packets():
    """
    By its own prefix, and refused by its own name.
    """
    assert "bl_04HMASWS" == parse_bill_id(" 04hm-asws ") == bill_id(bytes.fromhex("0123456789"))
    for text in ("bl_04HMASWT", "hb_04HMASWS", ""):
        with pytest.raises(InvalidBillId):
            parse_bill_id(text)


AT = "2026-02-16T20:00:00+08:00"


@every(
    ("mark", "entry", "written"),
    [
        (630_962, 1, "HB1000039501260216630962000000001"),
        (0, 12, "HB1000039501260216000000000000012"),
        (999_999, ENTRIES - 1, "HB1000039501260216999999999999999"),
        (630_962, ENTRIES, "HB100003950126021663096200000XSNJG0"),
        (999_999, NUMBERS - 1, "HB10000395012602169999997ZZZZZZZZZZ"),
    ],
)
def test_a_movements_id_says_day_home_and_entry(mark, entry, written):
    """
    Thirty-three characters, or 35 where the number is longer; with and without its letters it is
    read again.
    """
    assert written == movement_id(mark, AT, entry)
    for spelt in (written, written.lower(), f" {written[2:]}\n"):
        assert (mark, entry) == parse_movement_id(spelt)


@every(
    "text",
    [
        *("", "12", "HB", "XX1000039501260216630962000000012", "HB2000039501260216630962000000012"),
        *("HB100003950126021663096200000001", "HB10000395012602166309620000000012"),
        *("HB1000039501260216630962000000O12", "HB1000039501260216630962 00000012"),
    ],
)
def test_another_number_is_no_movement(text):
    """
    Another platform's, one that is too short or too long, one with a letter in it.
    """
    assert parse_movement_id(text) is None


@pytest.mark.parametrize("number", [-1, 0, NUMBERS])
def test_no_number_is_written_that_an_id_has_no_place_for(number):
    """
    It would be read again as another.
    """
    with pytest.raises(AssertionError):
        movement_id(1, AT, number)
    with pytest.raises(AssertionError):
        account_id(1, number)


def test_an_account_is_a_home_and_a_profile():
    """
    At most 22 characters, which is what OFX has room for.
    """
    assert "HB000007-1" == account_id(7, 1)
    assert "HB999999-999999999" == account_id(999_999, ENTRIES - 1)


@every(
    ("mark", "entry", "about", "written"),
    [
        # The ends are the first eight digits of what `printf '12\\0claim\\0rq_1' | sha256sum` says.
        (630_962, 12, ("claim", "rq_1"), "ev_630962_12_26866680"),
        (1, 7, (), "ev_000001_7_7902699b"),
    ],
)
def test_an_events_id_is_home_entry_and_a_digest(mark, entry, about, written):
    """
    Whatever is written anew as the same entry has another id.
    """
    assert written == event_id(mark, entry, *about)
    assert entry == event_number(f" {written} ")


@every(
    "text",
    [
        *("12", "ev_630962_12", "ev_63096_12_26866680", "EV_630962_12_26866680"),
        *("ev_630962__26866680", "ev_630962_12_2686668", "ev_630962_12_2686668G"),
        *(f"ev_630962_{'1' * 19}_26866680",),
    ],
)
def test_another_text_is_no_event(text):
    """
    The number alone, one without its digest, one that no home can have.
    """
    assert event_number(text) is None


def test_a_homes_mark_is_of_the_moment_it_was_made():
    """
    CRC-32 of the microseconds since 1970, its last six digits.
    """
    assert 630_962 == home_mark(datetime(2026, 2, 16, 12, tzinfo=UTC))
    assert home_mark(datetime(2026, 2, 16, 12, 0, 0, 1, tzinfo=UTC)) == (
        crc32(b"1771243200000001") % 1_000_000
    )
