"""Identities: checked as their standards say, and shown masked."""

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hongbao.domain.identity import (
    BANKS,
    REGIONS,
    UNDIVIDED,
    bank_of,
    demo_card_number,
    demo_id_number,
    id_check_character,
    luhn_check_digit,
    mask_card_number,
    mask_id_number,
    mask_real_name,
    parse_card_number,
    parse_id_number,
    parse_real_name,
)
from hongbao.errors import InvalidCardNumber, InvalidIdNumber, InvalidRealName, UnknownBank
from tests.every import every

TODAY = date(2026, 11, 23)
SAMPLE = "11010519491231002X"  # the sample that GB 11643-1999 is usually explained with


def id_number(region: str = "110105", born: str = "19491231", order: str = "002") -> str:
    """
    Return the ID number of these parts, with the check character that fits.
    """
    payload = region + born + order
    return payload + id_check_character(payload)


def problem_of(text: str, today: date = TODAY) -> object:
    """
    Return what is wrong with *text*, or None.
    """
    try:
        parse_id_number(text, today)
    except InvalidIdNumber as refusal:
        return refusal.facts["problem"]
    return None


id_numbers = st.builds(
    id_number,
    region=st.sampled_from(sorted(REGIONS)).map(
        lambda code: code + ("0000" if code in UNDIVIDED else "0102")
    ),
    born=st.dates(date(1900, 1, 1), TODAY).map(lambda day: day.strftime("%Y%m%d")),
    order=st.integers(0, 999).map("{:03d}".format),
)


def test_an_id_number_says_where_and_when():
    """
    Region and birth date are read out of the standard's sample.
    """
    identity = parse_id_number(SAMPLE, TODAY)

    assert SAMPLE == identity.number
    assert date(1949, 12, 31) == identity.birth_date
    assert "北京" == REGIONS[identity.region]


@pytest.mark.parametrize("text", ["11010519491231002x", f" {SAMPLE}\n", SAMPLE])
def test_a_small_x_and_spaces_around_are_the_same_number(text):
    """
    They are ways to type it, and the number is kept in one form.
    """
    assert SAMPLE == parse_id_number(text, TODAY).number


@given(id_numbers)
def test_every_well_formed_number_is_accepted(number):
    """
    Any region, any birth date from 1900 to today and any order pass with their check character.
    """
    assert number == parse_id_number(number, TODAY).number


@given(st.integers(1, 10**6 - 1))
def test_a_demo_number_is_valid_and_no_ones(serial):
    """
    Each serial has its own, in a region that no province and no country has.
    """
    number = demo_id_number(serial)

    assert number.startswith("999999")
    assert number == parse_id_number(number, TODAY).number
    assert number != demo_id_number(serial % (10**6 - 1) + 1)
    assert "region" == problem_of("9999" + "11" + number[6:])


def test_demo_numbers_are_born_a_day_later_each_thousand():
    """
    In lessons the same serial is the same person for ever; out of reach is our own mistake.
    """
    born = {serial: demo_id_number(serial)[6:17] for serial in (1, 999, 1000, 123_456)}

    assert {1: "19900101001", 999: "19900101999", 1000: "19900102000"}.items() <= born.items()
    assert "19900504456" == born[123_456]
    for serial in (0, 10**6):
        with pytest.raises(AssertionError):
            demo_id_number(serial)


@given(id_numbers, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_every_wrong_character_is_found(number, place, other):
    """
    MOD 11-2 finds all single substitutions.
    """
    assume(other != number[place])

    assert problem_of(number[:place] + other + number[place + 1 :]) is not None


@given(id_numbers, st.integers(0, 16))
def test_every_transposition_of_neighbours_is_found(number, place):
    """
    MOD 11-2 finds all exchanges of two neighbours.
    """
    assume(number[place] != number[place + 1])
    typed = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    assert problem_of(typed) is not None


@every(
    "text",
    [
        *("", "1" * 17, "1" * 19, SAMPLE[:-1], SAMPLE + "0", "X" * 18, "1101051949123100XX"),
        *("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002Ｘ", "110105 19491231 002X"),
        *("11010519491231-02X", "11010519491231002\x00", "110105491231002", "x" * 1_000_000),
        *("11010519491231002χ", "٣٣٠١٠٥١٩٤٩١٢٣١٠٠٢X"),
    ],
)
def test_anything_but_seventeen_digits_and_a_check_is_refused(text):
    """
    Wrong lengths, full-width and foreign digits, grouping, and the 15 digits of before 1999.
    """
    assert "length" == problem_of(text)


@every(
    "region",
    ["000000", "100105", "160105", "990105", "910105", "110000", "710101", "830102", "810001"],
)
def test_a_region_is_a_province_and_a_county(region):
    """
    Unknown provinces are refused, and so is a province without a county; but Hong Kong, Macao and
    Taiwan have none, and never one.
    """
    assert "region" == problem_of(id_number(region=region))


@every("region", ["710000", "810000", "820000", "830000", "441900", "540102", "659001"])
def test_regions_that_look_unusual_are_real(region):
    """
    Residence permits, a city without counties (东莞), and a city directly under a region (石河子).
    """
    assert problem_of(id_number(region=region)) is None


@every(
    "born",
    [
        "19490230",
        "20260229",
        "19001301",
        "19000100",
        "19000001",
        "18991231",
        "20261124",
        "99990101",
    ],
)
def test_a_birth_date_exists_and_is_past(born):
    """
    No 30th of February, no month 13, nothing before 1900, and nobody is born tomorrow.
    """
    assert "birth_date" == problem_of(id_number(born=born))


def test_someone_born_today_has_a_number():
    """
    Today counts as past; which day is today is the caller's to say.
    """
    born_today = id_number(born="20261123")

    assert problem_of(born_today) is None
    assert "birth_date" == problem_of(born_today, TODAY - timedelta(days=1))
    assert problem_of(id_number(born="19000101")) is None
    assert problem_of(id_number(born="20240229")) is None


def test_a_refusal_does_not_repeat_the_number():
    """
    An ID number is personal data, even a wrong one: only the kind of fault is told.
    """
    with pytest.raises(InvalidIdNumber) as refusal:
        parse_id_number("110105194912310021", TODAY)

    assert {"problem": "check"} == refusal.value.facts


def test_a_wrong_check_character_is_named_last():
    """
    The leftmost fault is named; the check only where everything before it is right.
    """
    assert "check" == problem_of("110105194912310021")
    assert "region" == problem_of("000000194902300021")
    assert "birth_date" == problem_of("110105194902300021")


def test_an_id_number_keeps_quiet():
    """
    Neither repr nor str nor a log line holds any part of the number.
    """
    identity = parse_id_number(SAMPLE, TODAY)

    assert "IdNumber()" == repr(identity) == str(identity) == f"{identity}"


def test_id_numbers_are_shown_masked():
    """
    The first and last four characters, and ten stars.
    """
    assert "1101**********002X" == mask_id_number(SAMPLE)


@every(
    ("typed", "name"),
    [
        ("张三", "张三"),
        (" 张三\u3000", "张三"),
        ("张 三", "张三"),
        ("张\u3000三", "张三"),
        ("欧 阳 小 明", "欧阳小明"),
        ("阿卜杜拉·买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
        ("李〇", "李〇"),
        ("𠮷田", "𠮷田"),
        ("Mary  Ann", "Mary Ann"),
        ("J. R. O'Brien-Smith Jr.", "J. R. O'Brien-Smith Jr."),
        ("Jose\u0301", "José"),
        ("Nguyễn Văn A", "Nguyễn Văn A"),
        ("李Ann", "李Ann"),
        ("张" * 30, "张" * 30),
    ],
)
def test_names_are_read_into_one_form(typed, name):
    """
    However it is typed, a name has one spelling, so that two people's typing compares equal.
    """
    assert name == parse_real_name(typed)
    assert name == parse_real_name(name)


@every(
    "text",
    [
        *(
            "",
            "张",
            " 张 ",
            "·张三",
            "张三·",
            "张··三",
            "张.",
            "A",
            "张三1",
            "张３",
            "Ｍａｒｙ",
            "张-",
            "-张三",
        ),
        *(
            "张\n三",
            "张\x1b[31m三",
            "张\u202e三",
            "张\u200b三",
            "张\x00三",
            "张三\ufe0f",
            "[b]张三",
        ),
        *("\u0301张三", "A" + "\u0301" * 4 + "b", "张\u0301三", "😀😀", "<张三>", "\ue000\ue001"),
        *("张" * 31, "a" * 1_000_000, "Mary -Ann", "𝐌𝐚𝐫𝐲", "✝✝", "ₐₑ"),
    ],
)
def test_what_is_no_name_is_refused(text):
    """
    Digits, signs at the ends or doubled, controls, costumes of letters, too short and too long.
    """
    with pytest.raises(InvalidRealName) as refusal:
        parse_real_name(text)

    assert {} == refusal.value.facts  # a name is personal data, even a wrong one


@every(
    ("name", "masked"),
    [
        ("张三", "张*"),
        ("欧阳小明", "欧***"),
        ("阿卜杜拉·买买提", "阿***·***"),
        ("Mary Ann", "M*** ***"),
        ("O'Brien", "O'*****"),
        ("李〇", "李*"),
        ("𠮷田", "𠮷*"),
        ("Ame\u030cx", "A***"),
    ],
)
def test_names_are_shown_masked(name, masked):
    """
    The first letter, and a star for each other one; the signs between them stay.
    """
    assert masked == mask_real_name(name)


@pytest.mark.parametrize(
    ("payload", "digit"),
    [("7992739871", "3"), ("411111111111111", "1"), ("0", "0"), ("37828224631000", "5")],
)
def test_luhn_is_the_published_one(payload, digit):
    """
    The textbook's number and two that card networks publish for tests.
    """
    assert digit == luhn_check_digit(payload)


@given(st.sampled_from(BANKS), st.integers(0, 10**9 - 1))
def test_demo_cards_are_valid_and_belong_to_their_bank(bank, serial):
    """
    Every demo card passes the same checks as a typed one, is found by its prefix, and cannot be a
    real card, because no country has the number 999.
    """
    number = demo_card_number(bank, serial)

    assert 16 == len(number)
    assert number == parse_card_number(number)
    assert bank == bank_of(number)
    assert number.startswith("9999")


def test_different_serials_are_different_cards():
    """
    Ten thousand cards of one bank, ten thousand numbers.
    """
    assert 10_000 == len({demo_card_number(BANKS[0], serial) for serial in range(10_000)})


@given(st.integers(0, 10**9 - 1), st.integers(0, 15), st.sampled_from("0123456789"))
def test_every_wrong_digit_of_a_card_is_found(serial, place, other):
    """
    Luhn finds all single substitutions.
    """
    number = demo_card_number(BANKS[1], serial)
    assume(other != number[place])

    with pytest.raises(InvalidCardNumber):
        parse_card_number(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize(
    "typed",
    ["9999010000000003", "9999 0100 0000 0003", "9999-0100-0000-0003", " 9999010000000003\n"],
)
def test_cards_may_be_typed_as_printed(typed):
    """
    Groups with a space or a hyphen between them, and spaces around, do not matter.
    """
    assert "9999010000000003" == parse_card_number(typed)


@pytest.mark.parametrize("length", [16, 17, 18, 19])
def test_cards_have_sixteen_to_nineteen_digits(length):
    """
    All four lengths that are in use pass.
    """
    payload = "9" * (length - 1)

    assert length == len(parse_card_number(payload + luhn_check_digit(payload)))


@every(
    "text",
    [
        *(
            "",
            "0",
            "999901000000003",
            "99990100000000000003",
            "9999010000000004",
            "９９９９010000000003",
        ),
        *("9999  0100 0000 0003", "-9999010000000003", "9999010000000003-", "9999_0100_0000_0003"),
        *(
            "9999010000000003\x00",
            "9999\n010000000003",
            "0" * 15,
            "0" * 20,
            "0" * 1_000_000,
            "x" * 16,
        ),
    ],
)
def test_what_is_no_card_is_refused(text):
    """
    Wrong lengths, a wrong check digit, other digits, doubled or dangling separators.
    """
    with pytest.raises(InvalidCardNumber) as refusal:
        parse_card_number(text)

    assert {} == refusal.value.facts


def test_a_real_banks_card_is_unknown_here():
    """
    The refusal says the first six digits, never the rest, and which prefixes there are.
    """
    with pytest.raises(UnknownBank) as refusal:
        bank_of("4111111111111111")

    assert "411111" == refusal.value.facts["prefix"]
    assert "999901, 999902, 999903, 999904, 999905" == refusal.value.facts["prefixes"]
    assert "4111111111111111" not in str(refusal.value.as_dict())


def test_banks_differ_in_everything():
    """
    No two banks share a code, a name or a prefix.
    """
    for part in ("code", "name_en", "name_zh", "prefix"):
        assert len(BANKS) == len({getattr(bank, part) for bank in BANKS})


def test_cards_are_shown_masked():
    """
    Four stars and the last four digits.
    """
    assert "**** 3333" == mask_card_number("9999010000003333")


# --- at the edges ---------------------------------------------------------------------------------


def test_a_number_may_have_spaces_around_it_up_to_a_length():
    """
    Ninety-nine characters are looked at, and no more.
    """
    card = demo_card_number(BANKS[0], 7)

    assert SAMPLE == parse_id_number(SAMPLE + " " * (99 - len(SAMPLE)), TODAY).number
    assert card == parse_card_number(card + " " * (99 - len(card)))
    assert "length" == problem_of(SAMPLE + " " * (100 - len(SAMPLE)))
    with pytest.raises(InvalidCardNumber):
        parse_card_number(card + " " * (100 - len(card)))


def test_a_name_may_be_typed_with_spaces_up_to_a_length():
    """
    A hundred and twenty characters are looked at, and no more.
    """
    assert "张三" == parse_real_name("张" + " " * 118 + "三")
    with pytest.raises(InvalidRealName):
        parse_real_name("张" + " " * 119 + "三")


@every(
    ("typed", "name"),
    [
        *(("Xu Max", "Xu Max"), (" Xi  Xia X ", "Xi Xia X"), ("　张　三　", "张三")),
        # Ideographs whose only name is that of a compatibility one, and an accent without a letter.
        *(("﨎三", "﨎三"), ("Am\u0300a", "Am\u0300a"), ("Am\u036fa", "Am\u036fa")),
    ],
)
def test_a_name_is_kept_letter_by_letter(typed, name):
    """
    Only spaces go.
    """
    assert name == parse_real_name(typed)


@every(
    "text", ["Ann1", "Ann¹", "Ann?", "\t张三", "张三\n", "\u00a0张三", "AnnͰ", "张1", "A\u02ffb"]
)
def test_what_is_no_letter_of_a_name_is_refused(text):
    """
    Digits, signs, other spaces, letters of other scripts.
    """
    with pytest.raises(InvalidRealName):
        parse_real_name(text)


def test_a_masked_name_shows_what_it_does_not_know():
    """
    As one question mark.
    """
    assert "张?*" == mask_real_name("张1三")


def test_a_demo_cards_serial_has_nine_digits():
    """
    One more would make another length of it.
    """
    assert "99990199999999" == demo_card_number(BANKS[0], 10**9 - 1)[:14]
    for serial in (-1, 10**9):
        with pytest.raises(AssertionError):
            demo_card_number(BANKS[0], serial)
