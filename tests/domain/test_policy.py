import json
import re
import tomllib
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import policies, words
from hongbao.domain.identity import BANKS
from hongbao.domain.policy import (
    CHANNELS,
    FLOWS,
    BankRules,
    ChannelRules,
    Limit,
    PacketRules,
    PinRules,
    Policy,
    RefundRules,
    SettlementRules,
    Tier,
    Title,
    WithdrawRules,
    channels_of,
    check_packet,
    parse_policy,
)
from hongbao.domain.toml_table import TEXT_LENGTH_MAX
from hongbao.errors import (
    FixedShareAboveCap,
    HongbaoError,
    InvalidCount,
    InvalidPolicy,
    PacketAboveCap,
    PolicyNotFound,
    ShareAboveCap,
    ShareTooSmall,
)
from hongbao.errors.rules import POLICY_PROBLEMS
from hongbao.units import yuan
from tests.every import every

STANDARD = policies.text_of("standard")
EARLIER = STANDARD[: STANDARD.index("[channel]")] + STANDARD[STANDARD.index("# Tiers") :]
"""As policies were written before they spoke of channels, settlement and refunds."""
PACKS = {name: parse_policy(policies.text_of(name), name) for name in policies.names()}
WECHAT = PACKS["standard"].packet


def refused(text: str) -> InvalidPolicy:
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy(text, "mine.toml")
    return caught.value


def changed(old: str, new: str) -> tuple[str, int]:
    """Change the first *old* of the standard pack into *new*, and say on which line it is."""
    assert old in STANDARD

    before, after = STANDARD.split(old, 1)
    return before + new + after, before.count("\n") + 1


def limits_of(pack: str, tier: str) -> dict[str, Limit]:
    (found,) = (one for one in PACKS[pack].tiers if one.name == tier)
    return {limit.id: limit for limit in found.limits}


# --- the packs that ship -------------------------------------------------------------------------


def test_the_packs_that_ship_are_read_whole():
    """
    Each is named after its file, and keeps its text to the character.
    """
    assert {"standard": "standard@2", "pboc-2015": "pboc-2015@2"} == {
        name: policy.ref for name, policy in PACKS.items()
    }
    for name, policy in PACKS.items():
        assert policies.text_of(name) == policy.text


@pytest.mark.parametrize("name", ["", "nothing", "../policies/standard", "standard.toml"])
def test_a_pack_that_does_not_ship_is_not_found(name):
    """
    A name is looked up, and is never a way to another folder.
    """
    with pytest.raises(PolicyNotFound):
        policies.text_of(name)


@pytest.mark.parametrize("pack", policies.names())
def test_both_packs_have_wechats_numbers_for_packets_and_fees(pack):
    """
    200 yuan a share, 100 shares, 20,000 a packet, 24 hours; 0.1 % beyond 1,000 free, least 0.10.
    """
    policy = PACKS[pack]

    assert PacketRules(200_00, 100, 20000_00, 24, 25, True) == policy.packet
    assert (1000_00, 1000, 10) == (
        policy.withdraw.free_fen,
        policy.withdraw.rate_ppm,
        policy.withdraw.least_fen,
    )
    assert (5, 3, 48) == (
        policy.pin.attempts_max,
        policy.pin.lock_hours,
        policy.pin.lock_hours_max,
    )
    assert 100_000_00 == policy.bank.card_opening_fen
    assert "calendar" == policy.year
    assert (("netsunion", "unionpay"), {}, 30) == (
        policy.channel.order,
        policy.channel.routes,
        policy.channel.slow_seconds,
    )
    assert SettlementRules(time(23, 0), claims_after_days=0) == policy.settlement
    assert RefundRules(card_days=1, give_up_days=3) == policy.refund
    assert "B" == policy.confidence["refund.card_days"]


def test_the_standard_packs_limits_are_these_two():
    """
    1,000 a day for whoever is not verified, which nobody confirms; 200,000 a year from balance.
    """
    unverified = limits_of("standard", "unverified")["unverified-day"]
    verified = limits_of("standard", "verified")["verified-year"]

    assert ("day", 1000_00, "C") == (
        unverified.period,
        unverified.amount_fen,
        unverified.confidence,
    )
    assert {"send_balance", "send_card", "withdraw"} == unverified.counts
    assert ("year", 200_000_00, "A") == (verified.period, verified.amount_fen, verified.confidence)
    assert {"send_balance"} == verified.counts


def test_every_limit_of_the_announcement_is_in_its_pack():
    """
    PBoC 2015 no. 43: three classes, and the daily ladder below a certificate or e-signature.
    """
    told = {
        (tier.name, limit.period, limit.amount_fen, limit.below_factors, limit.confidence)
        for tier in PACKS["pboc-2015"].tiers
        for limit in tier.limits
    }

    assert {
        ("unverified", "lifetime", 0, None, "C"),
        ("class-1", "lifetime", 1000_00, None, "A"),
        ("class-2", "day", 1000_00, 2, "B"),
        ("class-2", "day", 5000_00, 3, "A"),
        ("class-2", "year", 100_000_00, None, "A"),
        ("class-3", "day", 1000_00, 2, "B"),
        ("class-3", "day", 5000_00, 3, "A"),
        ("class-3", "year", 200_000_00, None, "A"),
    } == told


def test_withdrawals_count_in_class_one_only():
    """
    And payments by card in no class; only somebody without a class can do nothing at all.
    """
    counts = {
        tier.name: set().union(*(limit.counts for limit in tier.limits))
        for tier in PACKS["pboc-2015"].tiers
    }

    assert {
        "unverified": set(FLOWS),
        "class-1": {"send_balance", "withdraw"},
        "class-2": {"send_balance"},
        "class-3": {"send_balance"},
    } == counts


@pytest.mark.parametrize("pack", policies.names())
def test_what_nobody_confirms_is_marked(pack):
    """
    A number from a weak source can be shown as such, by its name.
    """
    unconfirmed = set(PACKS[pack].unconfirmed)

    assert {"packet.greeting_length_max", "pin.attempts_max", "pin.lock_hours"} <= unconfirmed
    assert {"unverified-day", "unverified-lifetime"} & unconfirmed
    assert not {"packet.share_max", "withdraw.free", "verified-year"} & unconfirmed


@pytest.mark.parametrize("pack", policies.names())
def test_every_limit_that_ships_names_its_source_and_how_sure_it_is(pack):
    """
    A number without a source is not a rule.
    """
    for tier in PACKS[pack].tiers:
        for limit in tier.limits:
            assert limit.source
            assert limit.confidence in ("A", "B", "C")


# --- tiers ---------------------------------------------------------------------------------------


@every(
    ("pack", "identified", "channels", "tier"),
    [
        ("standard", False, 0, "unverified"),
        ("standard", False, 9, "unverified"),
        ("standard", True, 1, "verified"),
        ("pboc-2015", False, 9, "unverified"),
        ("pboc-2015", True, 1, "class-1"),
        ("pboc-2015", True, 2, "class-1"),
        ("pboc-2015", True, 3, "class-2"),
        ("pboc-2015", True, 4, "class-2"),
        ("pboc-2015", True, 5, "class-3"),
        ("pboc-2015", True, 99, "class-3"),
    ],
)
def test_the_best_tier_that_one_qualifies_for_is_used(pack, identified, channels, tier):
    """
    At the exact number of channels, and never by cards alone.
    """
    assert tier == PACKS[pack].tier_for(identified, channels).name


def test_a_second_card_of_a_bank_is_no_second_channel():
    """
    The ID check is one channel and each distinct bank one more.
    """
    assert 0 == channels_of(False, [])
    assert 1 == channels_of(True, [])
    assert 3 == channels_of(True, ["red", "blue", "red"])
    assert 2 == channels_of(False, ["red", "blue"])


# --- channels, settlement, refunds ---------------------------------------------------------------


def test_an_earlier_policy_still_means_what_the_packs_now_say_aloud():
    """
    A ledger keeps policies' texts for ever: one without these tables is read, with their defaults.
    """
    earlier, now = parse_policy(EARLIER, "standard"), PACKS["standard"]

    assert "[refund]" not in earlier.text
    assert (now.channel, now.settlement, now.refund) == (
        earlier.channel,
        earlier.settlement,
        earlier.refund,
    )


@every(
    ("written", "rules"),
    [
        ("[channel]", (CHANNELS, {}, 30)),
        ('[channel]\norder = ["unionpay"]', (("unionpay",), {}, 30)),
        ("[channel]\nslow_seconds = 5", (CHANNELS, {}, 5)),
        ('[channel.routes]\nccb = "unionpay"', (CHANNELS, {"ccb": "unionpay"}, 30)),
        ('[settlement]\ncut_off = "00:00"', (time(0), 0)),
        ("[settlement]\nclaims_after_days = 1", (time(23), 1)),
        ("[refund]\ncard_days = 0", (0, 3)),
        ("[refund]\ngive_up_days = 0", (1, 0)),
        ('[refund]\ncard_days = 30\nconfidence = { card_days = "C" }', (30, 3)),
    ],
)
def test_each_of_these_keys_can_be_left_out(written, rules):
    """
    What a table does not say is as in `standard`.
    """
    policy = parse_policy(f"{EARLIER}\n{written}\n", "mine")

    table = getattr(policy, written[1:].split("]")[0].split(".")[0])
    assert rules == tuple(getattr(table, key) for key in type(table).__annotations__)
    assert written.endswith("}") == ("refund.card_days" in policy.confidence)


@every(
    ("order", "bank", "channels"),
    [
        ('["netsunion", "unionpay"]', "icbc", ("netsunion", "unionpay")),
        ('["unionpay", "netsunion"]', "icbc", ("unionpay", "netsunion")),
        ('["netsunion", "unionpay"]', "ccb", ("unionpay", "netsunion")),
        ('["unionpay", "netsunion"]', "ccb", ("unionpay", "netsunion")),
        ('["netsunion"]', "icbc", ("netsunion",)),
        ('["netsunion"]', "ccb", ("unionpay", "netsunion")),
    ],
)
def test_a_banks_own_channel_comes_first_and_then_the_rest_in_order(order, bank, channels):
    """
    Each is tried once, and a bank's own channel need not be one that the others use.
    """
    text, _ = changed('order = ["netsunion", "unionpay"]', f"order = {order}")
    text = text.replace("[settlement]", '[channel.routes]\nccb = "unionpay"\n\n[settlement]')

    assert channels == parse_policy(text, "mine").channel.channels_for(bank)


def test_every_bank_can_have_a_route():
    """
    By its code; a bank that is not here cannot.
    """
    routes = {bank.code: CHANNELS[place % 2] for place, bank in enumerate(BANKS)}
    written = ", ".join(f'{bank} = "{channel}"' for bank, channel in routes.items())
    text, _ = changed("slow_seconds = 30", f"routes = {{ {written} }}")

    assert routes == parse_policy(text, "mine").channel.routes


# --- what a file may say -------------------------------------------------------------------------


def test_a_limit_without_confidence_or_source_is_read():
    """
    One's own rules need no source, and hold for every payment unless they say otherwise.
    """
    text, _ = changed('confidence = "A"\nsource = "PBoC announcement 2015 no. 43, class III"\n', "")

    limit = parse_policy(text, "mine").tiers[1].limits[0]

    assert ("", "", None) == (limit.confidence, limit.source, limit.below_factors)
    assert not limit.unconfirmed


def test_a_tier_may_have_no_limits():
    """
    As e-CNY wallets of class I have none.
    """
    text = STANDARD[: STANDARD.rindex("[[tier.limit]]")]

    assert () == parse_policy(text, "mine").tiers[-1].limits


def test_a_file_saved_by_a_windows_editor_is_read():
    """
    With its byte-order mark and line ends; lines are still counted right.
    """
    text, line = changed('rate = "0.1%"', 'rate = "10"')

    windows = "\ufeff" + STANDARD.replace("\n", "\r\n")
    assert windows == parse_policy(windows, "mine").text
    assert line == refused("\ufeff" + text.replace("\n", "\r\n")).facts["line"]


MISTAKES = [
    # the text is not TOML
    ('name = "standard"', 'name = "standard', "syntax"),
    ('name = "standard"', "name", "syntax"),
    ("expires_hours = 24", "expires_hours = 24h", "syntax"),
    ("version = 2", f"version = {'9' * 5000}", "syntax"),
    ("version = 2", f"version = {'[' * 20000}", "syntax"),
    ("version = 2", 'version = "\0"', "syntax"),
    ("shares_max = 100 #", "share_max = 100 #", "defined_twice"),
    ("[pin]", "[packet]", "defined_twice"),
    # keys
    ("version = 2", "versoin = 1", "unknown_key"),
    ("version = 2", 'version = 2\n"a\\u001b[31m" = 1', "unknown_key"),
    ("[pin]", "[pim]", "unknown_key"),
    ("[settlement]", "[settlements]", "unknown_key"),
    ("cut_off =", "cutoff =", "unknown_key"),
    ("[refund]", "[refund]\ndays = 1", "unknown_key"),
    ("lock_hours = 3", "lock_minutes = 180", "unknown_key"),
    ('zh = "标准"', 'zh = "标准", de = "Standard"', "unknown_key"),
    ('amount = "1000.00"', 'amuont = "1000.00"', "unknown_key"),
    ('lock_hours = "C"', 'lock_days = "C"', "unknown_key"),
    ("confidence = { year", 'confidence = { title = "C", year', "unknown_key"),
    # names and texts
    ('name = "standard"', 'name = "Standard"', "bad_name"),
    ('name = "standard"', 'name = ""', "bad_name"),
    ('name = "standard"', 'name = "a/b"', "bad_name"),
    ('name = "standard"', "name = 1", "bad_name"),
    ('name = "standard"', f"name = 0x{'f' * 9000}", "bad_name"),
    ('id = "verified-year"', f'id = "{"a" * 33}"', "bad_name"),
    ('id = "verified-year"', 'id = "verified year"', "bad_name"),
    ('en = "not verified"', 'en = ""', "bad_text"),
    ('en = "not verified"', 'en = " "', "bad_text"),
    ('en = "not verified"', 'en = "\\u001b[31m"', "bad_text"),
    ('en = "not verified"', 'en = "\\u202eon"', "bad_text"),
    ('en = "not verified"', f'en = "{"x" * 61}"', "bad_text"),
    ('en = "not verified"', "en = 2026-02-16", "not_text"),
    ('source = "PBoC', 'source = ["PBoC"]\n#', "not_text"),
    # numbers
    ("version = 2", "version = 0", "not_whole"),
    ("version = 2", "version = true", "not_whole"),
    ("version = 2", "version = 1.0", "not_whole"),
    ("version = 2", 'version = "1"', "not_whole"),
    ("version = 2", f"version = 0x{'f' * 9000}", "not_whole"),
    ("profiles_per_person = 5", "profiles_per_person = 0", "not_whole"),
    ("shares_max = 100", "shares_max = -100", "not_whole"),
    ("shares_max = 100", "shares_max = 1e2", "not_whole"),
    ("expires_hours = 24", "expires_hours = 0", "not_whole"),
    ("expires_hours = 24", "expires_hours = 999_999_999", "not_whole"),
    ("greeting_length_max = 25", "greeting_length_max = 0", "not_whole"),
    ("attempts_max = 5", "attempts_max = 0", "not_whole"),
    ("lock_hours = 3", "lock_hours = 0", "not_whole"),
    ("lock_hours = 3", "lock_hours = 3\nlock_hours_max = 2", "not_whole"),
    ("lock_hours = 3", "lock_hours = 3\nlock_hours_max = 8785", "not_whole"),
    ("requires_channels = 0", "requires_channels = -1", "not_whole"),
    ('period = "year"', 'period = "year"\nbelow_factors = 0', "not_whole"),
    ('period = "year"', 'period = "year"\nbelow_factors = 4', "not_whole"),
    ("slow_seconds = 30", "slow_seconds = 0", "not_whole"),
    ("claims_after_days = 0", "claims_after_days = -1", "not_whole"),
    ("claims_after_days = 0", "claims_after_days = 31", "not_whole"),
    ("card_days = 1", "card_days = 31", "not_whole"),
    ("card_days = 1", "card_days = false", "not_whole"),
    ("give_up_days = 3", "give_up_days = 366", "not_whole"),
    # times of day
    ('cut_off = "23:00"', 'cut_off = "24:00"', "bad_time"),
    ('cut_off = "23:00"', 'cut_off = "23:60"', "bad_time"),
    ('cut_off = "23:00"', 'cut_off = "9:00"', "bad_time"),
    ('cut_off = "23:00"', 'cut_off = "23:00\\n"', "bad_time"),
    ('cut_off = "23:00"', 'cut_off = "２３:00"', "bad_time"),
    ('cut_off = "23:00"', "cut_off = 23:00:00", "bad_time"),
    # true or false
    ("sender_may_claim_group = true", 'sender_may_claim_group = "yes"', "not_flag"),
    ("requires_identity = true", "requires_identity = 1", "not_flag"),
    # amounts and percentages
    ('share_max = "200.00"', "share_max = 200", "bad_amount"),
    ('share_max = "200.00"', "share_max = 200.0", "bad_amount"),
    ('share_max = "200.00"', "share_max = nan", "bad_amount"),
    ('share_max = "200.00"', 'share_max = "0.00"', "bad_amount"),
    ('share_max = "200.00"', 'share_max = "-200.00"', "bad_amount"),
    ('share_max = "200.00"', 'share_max = "200.001"', "bad_amount"),
    ('total_max = "20000.00"', 'total_max = "20,000.00"', "bad_amount"),
    ('total_max = "20000.00"', f'total_max = "1{"0" * 30}"', "bad_amount"),
    ('free = "1000.00"', 'free = "１０００"', "bad_amount"),
    ('least = "0.10"', 'least = "-0.10"', "bad_amount"),
    ('card_opening = "100000.00"', "card_opening = {}", "bad_amount"),
    ('amount = "200000.00"', 'amount = "-0.01"', "bad_amount"),
    ('amount = "200000.00"', 'amount = "1e3"', "bad_amount"),
    ('rate = "0.1%"', "rate = 0.001", "bad_percentage"),
    ('rate = "0.1%"', 'rate = "0.001"', "bad_percentage"),
    ('rate = "0.1%"', 'rate = "-1%"', "bad_percentage"),
    ('rate = "0.1%"', 'rate = "100.1%"', "bad_percentage"),
    ('rate = "0.1%"', 'rate = "１%"', "bad_percentage"),
    # one of a few words
    ('year = "calendar"', 'year = "fiscal"', "not_one_of"),
    ('year = "calendar"', "year = 2026", "not_one_of"),
    ('period = "day"', 'period = "week"', "not_one_of"),
    ('period = "day"', 'period = ["day"]', "not_one_of"),
    ('confidence = "C"', 'confidence = "D"', "not_one_of"),
    ("confidence = { year", 'confidence = { name = "E", year', "not_one_of"),
    ('order = ["netsunion", "unionpay"]', 'order = ["netsunion", "swift"]', "not_one_of"),
    ('order = ["netsunion", "unionpay"]', 'order = ["unionpay", "unionpay"]', "used_twice"),
    ('order = ["netsunion", "unionpay"]', "order = []", "not_list"),
    ('order = ["netsunion", "unionpay"]', 'order = "netsunion"', "not_list"),
    ("slow_seconds = 30", 'routes = { ccb = "swift" }', "not_one_of"),
    ("slow_seconds = 30", 'routes = { ccb = ["unionpay"] }', "not_one_of"),
    ("slow_seconds = 30", 'routes = { hsbc = "unionpay" }', "unknown_key"),
    ("slow_seconds = 30", 'routes = "unionpay"', "not_table"),
    ("slow_seconds = 30", "routes = []", "not_table"),
    ("slow_seconds = 30", 'slow_seconds = 30\n[channel.routes]\nccb = "swift"', "not_one_of"),
    ('counts = ["send_balance"]', 'counts = ["send_balance", "claim"]', "unknown_flow"),
    ('counts = ["send_balance"]', "counts = [1]", "unknown_flow"),
    ('counts = ["send_balance"]', "counts = [[]]", "unknown_flow"),
    ('counts = ["send_balance"]', 'counts = ["withdraw", "withdraw"]', "used_twice"),
    ('counts = ["send_balance"]', "counts = []", "not_list"),
    ('counts = ["send_balance"]', 'counts = "send_balance"', "not_list"),
    ('counts = ["send_balance"]', "counts = {}", "not_list"),
    # tables
    ('title = { en = "standard", zh = "标准" }', 'title = "standard"', "not_table"),
    ("confidence = { year", "confidence = 'C' # ", "not_table"),
    # what only the whole can tell
    ('id = "verified-year"', 'id = "unverified-day"', "used_twice"),
    ('name = "verified"', 'name = "unverified"', "used_twice"),
]


OPEN, IDENTIFIED = "requires_identity = false", "requires_identity = true"

WHOLE = {  # what no single line can say: texts, and the header at which each is told
    "no_first_tier": (STANDARD.replace(OPEN, IDENTIFIED), "[[tier]]"),
    "tier_unreachable": (STANDARD.replace(IDENTIFIED, OPEN), "[[tier]]"),
    "not_table": (
        "bank = 5\n" + STANDARD.replace("[bank]", "").replace("card_opening", "#"),
        "bank = 5",
    ),
    "not_tables": ("tier = [1]\n" + STANDARD[: STANDARD.index("[[tier]]")], "tier = [1]"),
    "missing_key": (STANDARD[: STANDARD.index("[[tier]]")], ""),
    "too_long": (STANDARD + "# " + "x" * TEXT_LENGTH_MAX + "\nlate = 1\n", "# xxx"),
    "syntax": (STANDARD + "# last\nlist = [", "list = ["),
}


@every(("old", "new", "problem"), MISTAKES)
def test_each_mistake_is_told_with_its_line(old, new, problem):
    """
    The line that holds the mistake, counted as an editor counts.
    """
    text, line = changed(old, new)
    line += new.split("#")[0].rstrip("\n").count("\n")

    error = refused(text)

    assert (problem, line) == (error.facts["problem"], error.facts["line"])
    assert f"policy mine.toml, line {line}: " in str(error)


@every("problem", WHOLE)
def test_a_mistake_of_the_whole_file_is_told_where_it_shows_first(problem):
    """
    At the first tier, at the key itself, where the file grows too long, where it breaks off.
    """
    text, place = WHOLE[problem]

    error = refused(text)

    line = text.count("\n", 0, text.index(place)) + 1
    assert (problem, line) == (error.facts["problem"], error.facts["line"])


@every(
    "written",
    [
        *('name = "standard"', "version = 2", 'year = "calendar"', "profiles_per_person = 5"),
        *('rate = "0.1%"', "lock_hours = 3", "shares_max = 100", 'card_opening = "100000.00"'),
        *("requires_identity = true", "requires_channels = 0"),
        *('id = "verified-year"', 'period = "year"', 'amount = "200000.00"'),
        *("counts = [", "sender_may_claim_group = true"),
    ],
)
def test_a_missing_key_is_told_at_its_tables_header(written):
    """
    That is where it belongs; a key missing from the top is told at line 1.
    """
    text, line = changed(written, "#")
    key = written.split(" ")[0]
    above = text.split("\n")[: line - 1]
    headers = [number for number, content in enumerate(above, 1) if content.startswith("[")]

    error = refused(text)

    assert ("missing_key", key) == (error.facts["problem"], error.facts["key"])
    assert (headers[-1] if headers else 1) == error.facts["line"]


def test_a_mistyped_key_is_told_as_such_and_not_as_missing():
    """
    With the keys that are known there, so that the slip can be seen.
    """
    text, line = changed('rate = "0.1%"', 'rat = "0.1%"')

    assert (
        f"policy mine.toml, line {line}: unknown key 'rat'; known keys: "
        "free, rate, least, confidence"
    ) == str(refused(text))


def test_a_value_over_several_lines_is_told_at_its_first():
    """
    The line on which its key stands.
    """
    text, line = changed('counts = ["send_balance"]', 'counts = [\n"send_balance",\n"claim",\n]')

    assert line == refused(text).facts["line"]


def test_every_sentence_about_a_policy_has_a_mistake_that_earns_it():
    """
    No sentence is written for a mistake that is never found.
    """
    told = {problem for _, _, problem in MISTAKES} | set(WHOLE)

    assert set(POLICY_PROBLEMS) == told


@every(("old", "new", "problem"), MISTAKES)
def test_a_mistake_is_told_to_programs_in_english_whatever_the_language(old, new, problem):
    """
    JSON never changes with the language, and no screen is changed by what the file holds.
    """
    error = refused(changed(old, new)[0])
    words.use_language("zh_CN")
    try:
        told = json.loads(json.dumps(error.as_dict()))
        message = error.message
    finally:
        words.use_language("en")

    assert str(error) == told["message"] == error.message
    assert problem == told["problem"]
    assert message.isprintable()
    assert told["message"].isprintable()


@given(
    st.integers(0, len(STANDARD)),
    st.integers(0, 60),
    st.text(max_size=20)
    | st.sampled_from(["[", "]", '"', "'" * 3, "\n", "[[tier]]\n", "= ", "{}", "#"]),
)
def test_any_text_is_read_or_refused_at_one_of_its_lines(start, length, inserted):
    """
    However a file is damaged, it gets a sentence and a line that exists.
    """
    text = STANDARD[:start] + inserted + STANDARD[start + length :]

    try:
        read, line = parse_policy(text, "mine.toml").text, 1
    except InvalidPolicy as exc:
        read, line = text, int(str(exc.facts["line"]))

    assert text == read
    assert 1 <= line <= text.count("\n") + 1


# --- every key -----------------------------------------------------------------------------------

EVERY_KEY = """\
name = "family"
version = 7
title = { en = "Family", zh = "家" }
year = "rolling"
profiles_per_person = 2
confidence = { version = "B" }
[packet]
share_max = "3.01"
shares_max = 11
total_max = "4.02"
expires_hours = 12
greeting_length_max = 13
sender_may_claim_group = false
confidence = { shares_max = "A" }
[pin]
attempts_max = 4
lock_hours = 6
lock_hours_max = 9
confidence = { lock_hours_max = "C" }
[withdraw]
free = "5.03"
rate = "0.5%"
least = "6.04"
confidence = { least = "B" }
[bank]
card_opening = "7.05"
confidence = { card_opening = "A" }
[channel]
order = ["unionpay"]
slow_seconds = 14
routes = { icbc = "netsunion", ccb = "unionpay" }
[settlement]
cut_off = "22:15"
claims_after_days = 16
[refund]
card_days = 17
give_up_days = 18
[[tier]]
name = "guest"
title = { en = "Guest", zh = "客" }
requires_identity = false
requires_channels = 0
[[tier]]
name = "known"
title = { en = "Known", zh = "熟" }
requires_identity = true
requires_channels = 3
[[tier.limit]]
id = "one"
period = "single"
amount = "8.06"
counts = ["topup", "withdraw"]
below_factors = 2
confidence = "B"
source = "the family council"
[[tier.limit]]
id = "two"
period = "lifetime"
amount = "0"
counts = ["send_card"]
"""


def test_each_key_becomes_what_it_is_called():
    """
    A policy in which no two values are the same, and nothing is left out.
    """
    one = Limit(
        *("one", "single", 8_06, frozenset({"topup", "withdraw"}), 2, "B", "the family council")
    )
    two = Limit("two", "lifetime", 0, frozenset({"send_card"}), None, "", "")

    policy = parse_policy(EVERY_KEY, "mine.toml")

    assert policy == Policy(
        name="family",
        version=7,
        title=Title("Family", "家"),
        year="rolling",
        packet=PacketRules(3_01, 11, 4_02, 12, 13, False),
        pin=PinRules(4, 6, 9),
        withdraw=WithdrawRules(5_03, 5_000, 6_04),
        bank=BankRules(7_05),
        channel=ChannelRules(("unionpay",), {"icbc": "netsunion", "ccb": "unionpay"}, 14),
        settlement=SettlementRules(time(22, 15), 16),
        refund=RefundRules(17, 18),
        profiles_per_person=2,
        tiers=(
            Tier("guest", Title("Guest", "客"), False, 0, ()),
            Tier("known", Title("Known", "熟"), True, 3, (one, two)),
        ),
        text=EVERY_KEY,
        confidence={
            "version": "B",
            "packet.shares_max": "A",
            "pin.lock_hours_max": "C",
            "withdraw.least": "B",
            "bank.card_opening": "A",
        },
    )
    assert hash(policy) == hash(parse_policy(EVERY_KEY, "yours.toml"))
    assert ("Family", "家") == (policy.title.text("en"), policy.title.text("zh_CN"))


@every(
    ("key", "least", "most"),
    [
        ("version", 1, 1_000_000),
        ("profiles_per_person", 1, 1000),
        ("shares_max", 1, 1_000_000),
        ("expires_hours", 1, 8784),
        ("greeting_length_max", 1, 1000),
        ("attempts_max", 1, 100),
        ("lock_hours", 1, 8784),
        ("lock_hours_max", 6, 8784),
        ("slow_seconds", 1, 86_400),
        ("claims_after_days", 0, 30),
        ("card_days", 0, 30),
        ("give_up_days", 0, 365),
        ("requires_channels", 0, 100),
        ("below_factors", 1, 3),
    ],
)
def test_each_number_has_its_least_and_its_most(key, least, most):
    """
    As the page says them; a leap year has 8,784 hours, a day 86,400 seconds.
    """
    text = (
        EVERY_KEY.replace("lock_hours_max = 9\nconfidence", "#")
        if key == "lock_hours"
        else (EVERY_KEY)
    )
    *_, found = re.finditer(rf"^{key} = (\d+)$", text, re.MULTILINE)
    for value in (least, most):
        written = f"{text[: found.start(1)]}{value}{text[found.end(1) :]}"
        assert written == parse_policy(written, "mine.toml").text
    for value in (least - 1, most + 1):
        facts = refused(f"{text[: found.start(1)]}{value}{text[found.end(1) :]}").facts
        assert ("not_whole", key, least, most) == (
            *(facts["problem"], facts["key"]),
            *(facts["least"], facts["most"]),
        )


@every(
    ("old", "new", "length_max"),
    [
        ('en = "Family"', f'en = "{"x" * 60}"', None),
        ('en = "Family"', f'en = "{"x" * 61}"', 60),
        ('zh = "家"', f'zh = "{"家" * 60}"', None),
        ('zh = "家"', f'zh = "{"家" * 61}"', 60),
        ("the family council", "x" * 200, None),
        ("the family council", "x" * 201, 200),
    ],
)
def test_each_text_has_its_most_characters(old, new, length_max):
    """
    Sixty for a title, two hundred for a source.
    """
    text = EVERY_KEY.replace(old, new, 1)

    if length_max is None:
        assert text == parse_policy(text, "mine.toml").text
    else:
        assert length_max == refused(text).facts["length_max"]


@every(
    ("key", "may_be_nothing"),
    [
        *(("share_max", False), ("total_max", False), ("card_opening", True)),
        *(("free", True), ("least", True), ("amount", True)),
    ],
)
def test_some_amounts_may_be_nothing(key, may_be_nothing):
    """
    A quota, a fee, a limit, the account of a new card; never the most of a packet or a share.
    """
    text = re.sub(rf'^{key} = ".*"$', f'{key} = "0"', EVERY_KEY, count=1, flags=re.MULTILINE)

    if may_be_nothing:
        assert text == parse_policy(text, "mine.toml").text
    else:
        assert ("bad_amount", key) == (refused(text).facts["problem"], refused(text).facts["key"])


@every(
    ("written", "hours_max"),
    [("lock_hours = 3", 48), ("lock_hours = 549", 8784), ("lock_hours = 548", 8768)],
)
def test_a_lock_doubles_four_times_where_nothing_is_said_of_it(written, hours_max):
    """
    Sixteen times as long, and a leap year at most.
    """
    assert (
        hours_max == parse_policy(changed("lock_hours = 3", written)[0], "mine").pin.lock_hours_max
    )


@every(("attempts_max", "wrong", "left"), [(5, 0, 0), (5, 1, 4), (5, 4, 1), (5, 5, 0), (3, 7, 2)])
def test_the_attempts_that_are_left_are_counted_down(attempts_max, wrong, left):
    """
    To none at each lock, and from there again.
    """
    assert left == PinRules(attempts_max, 3, 48).attempts_left(wrong)


@every(
    ("hours", "hours_max", "wrong", "locked"),
    [
        *((1, 8784, 1, 0), (1, 8784, 2, 1), (1, 8784, 3, 0), (1, 8784, 4, 2), (1, 8784, 6, 4)),
        *((1, 8784, 28, 8192), (1, 8784, 30, 8784), (1, 8784, 10**12, 8784), (3, 3, 8, 3)),
    ],
)
def test_a_lock_doubles_from_the_first_to_its_most(hours, hours_max, wrong, locked):
    """
    The fourteenth of an hour is 2^13 hours; however many follow, no number grows out of bounds.
    """
    assert locked == PinRules(2, hours, hours_max).hours_locked(wrong)


NO_FIRST = {"problem": "no_first_tier"}


@every(
    ("old", "new", "place", "facts"),
    [
        (
            *('name = "known"', 'name = "guest"', 'name = "known"'),
            {"problem": "used_twice", "key": "name", "text": "'guest'"},
        ),
        (
            *('id = "two"', 'id = "one"', 'id = "two"'),
            {"problem": "used_twice", "key": "id", "text": "'one'"},
        ),
        ("requires_identity = false", "requires_identity = true", "[[tier]]", NO_FIRST),
        ("requires_channels = 0", "requires_channels = 1", "[[tier]]", NO_FIRST),
        (
            "requires_identity = true\nrequires_channels = 3",
            "requires_identity = false\nrequires_channels = 0",
            "[[tier]]",
            {"problem": "tier_unreachable", "tier": "guest", "other": "known"},
        ),
    ],
)
def test_what_only_several_tiers_can_tell_is_told_whole(old, new, place, facts):
    """
    At the second of two names that are one, or at the tier that is never anyone's.
    """
    line = EVERY_KEY.count("\n", 0, EVERY_KEY.index(place)) + 1

    assert {"source": "mine.toml", "line": line, **facts} == (
        refused(EVERY_KEY.replace(old, new, 1)).facts
    )


@every(
    ("is_identified", "channels", "of", "by"),
    [
        (False, 1, "known", "third"),
        (False, 0, "guest", "third"),
        (True, 3, "known", "third"),
        (True, 2, "known", "third"),
        (True, 4, None, None),
    ],
)
def test_a_tier_that_a_later_one_always_outdoes_is_refused(is_identified, channels, of, by):
    """
    Wherever between them others stand; one that asks for more is not in its way.
    """
    third = '[[tier]]\nname = "third"\ntitle = { en = "T", zh = "三" }\n'
    needs = f"requires_identity = {str(is_identified).lower()}\nrequires_channels = {channels}\n"
    text = f"{EVERY_KEY}{third}{needs}"

    if of is None:
        assert 3 == len(parse_policy(text, "mine.toml").tiers)
    else:
        facts = refused(text).facts
        assert ("tier_unreachable", of, by) == (*(facts["problem"], facts["tier"], facts["other"]),)


# --- packets -------------------------------------------------------------------------------------


def refusal(total_fen: int, count: int, rules: PacketRules = WECHAT) -> type[HongbaoError] | None:
    try:
        check_packet(rules, total_fen, count)
    except HongbaoError as exc:
        return type(exc)
    return None


@every(
    ("total_fen", "count", "error"),
    [
        (1, 1, None),
        (100, 100, None),
        (200_00, 1, None),
        (20000_00, 100, None),
        (1, 0, InvalidCount),
        (1, -1, InvalidCount),
        (101, 101, InvalidCount),
        (10**30, 10**9, InvalidCount),
        (0, 1, ShareTooSmall),
        (99, 100, ShareTooSmall),
        (200_01, 1, ShareAboveCap),
        (20000_00, 99, ShareAboveCap),
        (20000_01, 100, PacketAboveCap),
        (20000_01, 1, PacketAboveCap),
        (10**30, 1, PacketAboveCap),
    ],
)
def test_a_packet_is_refused_for_the_first_reason_that_applies(total_fen, count, error):
    """
    Count, least share, packet's cap, share's cap: to the fen, and in that order.
    """
    assert error is refusal(total_fen, count)


def test_a_packet_holds_no_more_than_all_its_shares_can():
    """
    A cap above 100 shares of 200.00 is never reached, so it is not what people are told.
    """
    rules = PacketRules(200_00, 100, 50000_00, 24, 25, True)

    with pytest.raises(PacketAboveCap, match=r"at most 20000\.00, not 20000\.01"):
        check_packet(rules, 20000_01, 100)


@every(
    ("total_fen", "count", "is_drawn", "error"),
    [
        (10_00, 2, True, None),
        (10_01, 2, True, ShareAboveCap(total_fen=10_01, share_max_fen=5_00)),
        (10_01, 2, False, FixedShareAboveCap(share_fen=5_00, share_max_fen=5_00)),
        (30_01, 5, False, FixedShareAboveCap(share_fen=6_00, share_max_fen=5_00)),
        (10_00, 2, False, None),
        (12_01, 3, True, PacketAboveCap(total_fen=12_01, packet_max_fen=12_00)),
        (12_01, 3, False, PacketAboveCap(total_fen=12_01, packet_max_fen=12_00)),
        (12_00, 3, False, None),
        (2, 3, True, ShareTooSmall(total_fen=2, count=3)),
        (3, 3, True, None),
        (5, 5, True, None),
        (6, 6, True, InvalidCount(count=6, shares_max=5)),
        (0, 0, True, InvalidCount(count=0, shares_max=5)),
    ],
)
def test_a_refusal_of_a_packet_says_how_much_would_do(total_fen, count, is_drawn, error):
    """
    Five shares at most of 5.00 each, and 12.00 together; of shares alike, what each would be.
    """
    rules = PacketRules(5_00, 5, 12_00, 24, 25, True)

    if error is None:
        check_packet(rules, total_fen, count, is_drawn=is_drawn)
    else:
        with pytest.raises(type(error)) as caught:
            check_packet(rules, total_fen, count, is_drawn=is_drawn)
        assert error.facts == caught.value.facts


@given(st.integers(-10, 10**7), st.integers(-1, 300), st.integers(1, 10**7))
def test_advice_to_use_more_shares_can_be_followed(total_fen, count, total_max_fen):
    """
    Whoever is told how many shares a total needs can send it with that many.
    """
    rules = PacketRules(200_00, 100, total_max_fen, 24, 25, True)
    count_least = -(-total_fen // 200_00)

    if refusal(total_fen, count, rules) is ShareAboveCap:
        assert count < count_least
        assert refusal(total_fen, count_least, rules) is None
        assert refusal(total_fen, count_least - 1, rules) is not None


@given(st.integers(-10, 10**7), st.integers(-1, 300), st.integers(1, 10**7))
def test_what_is_allowed_can_be_dealt(total_fen, count, total_max_fen):
    """
    Every share can be at least one fen and at most the cap, and nothing else is refused.
    """
    rules = PacketRules(200_00, 100, total_max_fen, 24, 25, True)

    fits = 1 <= count <= 100 and count <= total_fen <= min(count * 200_00, total_max_fen)

    assert fits == (refusal(total_fen, count, rules) is None)


# --- the page ------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "policies.md").read_text(
    encoding="utf-8"
)


@pytest.mark.parametrize("pack", policies.names())
def test_the_page_shows_every_limit_as_it_is_in_the_pack(pack):
    """
    Amount, what counts and how sure it is stand in the limit's own row.
    """
    for tier in PACKS[pack].tiers:
        for limit in tier.limits:
            (row,) = (line for line in PAGE.splitlines() if f"| `{limit.id}` |" in line)
            cells = [cell.strip() for cell in row.split("|")]
            counts = ", ".join(f"`{flow}`" for flow in sorted(limit.counts))

            assert [yuan(limit.amount_fen), counts, limit.confidence] == cells[5:8]
            assert limit.period == cells[4].split(",")[0]
            assert (limit.below_factors is None) == ("below" not in cells[4])


def test_the_page_shows_every_other_number_of_the_standard_pack():
    """
    With the letter that the pack gives it.
    """
    raw = tomllib.loads(STANDARD)

    for name, letter in PACKS["standard"].confidence.items():
        table, _, key = name.rpartition(".")
        value = (raw[table] if table else raw)[key]
        written = "true" if value is True else value
        assert f"| `{name}` | {written} | {letter} |" in PAGE


def test_the_policies_on_the_page_can_be_used():
    """
    Whoever copies one starts from something that works; a part of one fits into a whole.
    """
    part, whole = re.findall("```toml\n(.*?)```", PAGE, re.DOTALL)

    assert "family@1" == parse_policy(whole, "page").ref
    assert {"ccb": "unionpay"} == parse_policy(EARLIER + part, "page").channel.routes
    assert PACKS["standard"].channel.order == parse_policy(EARLIER + part, "page").channel.order


@every(
    ("old", "new"),
    [
        ('rate = "0.1%"', 'rat = "0.1%"'),
        ('period = "year"\n', ""),
        ('amount = "200000.00"', "amount = 200000"),
        ('counts = ["send_balance"]', 'counts = ["claim"]'),
        ('period = "day"', 'period = "week"'),
        ("lock_hours = 3", "lock_hours = 0"),
        ('id = "verified-year"', 'id = "unverified-day"'),
        ('name = "verified"', 'name = "verified'),
        ('cut_off = "23:00"', 'cut_off = "24:00"'),
    ],
)
def test_the_page_shows_what_a_mistake_really_says(old, new):
    """
    Each example on the page is the standard pack with one mistake.
    """
    assert f"| `{refused(changed(old, new)[0])}` |" in PAGE
