"""Fairness: what was promised decides what is paid, and anyone can see that it did."""

import hashlib
import hmac
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao.domain.fairness import (
    DOUBLE_MEAN,
    EQUAL,
    RULES,
    SHUFFLED,
    commitment,
    draws,
    recompute,
    share_amount,
)
from hongbao.domain.money import AMOUNT_MAX_FEN
from tests.every import every

PAGE = (Path(__file__).parents[2] / "docs" / "fairness.md").read_text(encoding="utf-8")
SNIPPET = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]  # type: ignore[index]
EXAMPLE = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])  # type: ignore[index]

SEED = bytes(range(32))
PACKET = "hb_7Q2M4K9X"
CLAIMS = ["rq_01J9ZC3T8N4W6Y2K7B5D0M1R2V", "rq_7F2H9QK3X0A8C6E4T1S5V7W9YZ", "fu-dai:2026-02-16"]

claim_ids = st.text("abcXYZ019-_.:", min_size=1, max_size=64)


def run_snippet(packet: dict[str, object]) -> str:
    """
    Run the page's lines as a reader would: another Python, which cannot import hongbao.
    """
    finished = subprocess.run(
        [sys.executable, "-I", "-c", SNIPPET],
        input=json.dumps(packet),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    return finished.stdout.strip()


def shown(rule, seed, packet, total_fen, count, cap_fen, claims) -> dict[str, object]:
    """
    Return what `hongbao show --json` says of a packet that was paid by `share_amount`.
    """
    shares = []
    remaining_fen = total_fen
    for k, claim in enumerate(claims, start=1):
        amount_fen = share_amount(
            rule, seed, packet, total_fen, count, cap_fen, remaining_fen, k, claim
        )
        remaining_fen -= amount_fen
        shares.append({"seat": k, "claim": claim, "amount_fen": amount_fen})
    return {
        "packet": packet,
        "deal": rule,
        "total_fen": total_fen,
        "count": count,
        "share_max_fen": cap_fen,
        "commitment": commitment(seed),
        "seed": seed.hex(),
        "shares": shares,
    }


@st.composite
def packets(draw):
    """
    Draw the arguments of `recompute` for any packet that can be dealt, claimed in part or whole.
    """
    rule = draw(st.sampled_from(RULES))
    count = draw(st.integers(1, 100))
    cap_fen = draw(st.integers(1, 20_000))
    if rule == EQUAL:
        total_fen = count * draw(st.integers(1, cap_fen))
    else:
        total_fen = draw(st.integers(count, count * cap_fen))
    claims = draw(st.lists(claim_ids, max_size=count))
    seed = draw(st.binary(min_size=32, max_size=32))
    return rule, seed, PACKET, total_fen, count, cap_fen, claims


def test_the_page_shows_ten_lines():
    """
    The page promises ten lines of plain Python, without a word of ours.
    """
    assert 10 == len(SNIPPET.splitlines())
    assert "hongbao" not in SNIPPET


def test_the_pages_example_is_what_the_rules_pay():
    """
    The page's packet has the amounts that these rules deal, and its own lines agree.
    """
    claims = [share["claim"] for share in EXAMPLE["shares"]]
    amounts_fen = [share["amount_fen"] for share in EXAMPLE["shares"]]

    assert amounts_fen == recompute(DOUBLE_MEAN, SEED, PACKET, 6666, 3, 20_000, claims)
    assert EXAMPLE["commitment"] == commitment(bytes.fromhex(EXAMPLE["seed"]))
    assert "True True" == run_snippet(EXAMPLE)


@pytest.mark.parametrize("rule", RULES)
def test_the_pages_lines_recompute_every_rule(rule):
    """
    Run by a Python that has never heard of hongbao, they find what `share_amount` paid.
    """
    assert "True True" == run_snippet(shown(rule, SEED, PACKET, 1500, 3, 700, CLAIMS))


@settings(deadline=None)
@given(packets())
def test_the_pages_lines_agree_on_any_packet(packet):
    """
    Claimed in part or whole, with the cap biting or not, the two computations never differ.
    """
    said: list[object] = []
    told = shown(*packet)
    lines = SNIPPET.replace("json.load(sys.stdin)", "TOLD")

    exec(lines, {"TOLD": told, "print": lambda *words: said.extend(words)})

    assert [True, True] == said


def test_the_pages_lines_notice_a_changed_share_and_a_changed_seed():
    """
    A share enlarged by a fen, another seed, and another request id are each found.
    """
    honest = shown(DOUBLE_MEAN, SEED, PACKET, 6666, 5, 20_000, CLAIMS)
    enlarged = json.loads(json.dumps(honest))
    enlarged["shares"][1]["amount_fen"] += 1
    renamed = json.loads(json.dumps(honest))
    renamed["shares"][0]["claim"] = "rq_other"

    assert "True True" == run_snippet(honest)
    assert "True False" == run_snippet(enlarged)
    assert "True False" == run_snippet(renamed)
    assert "False False" == run_snippet({**honest, "seed": bytes(32).hex()})


@given(packets())
def test_recomputing_finds_what_each_claim_was_paid(packet):
    """
    `recompute` returns claim by claim what `share_amount` said when the money moved.
    """
    paid_fen = [share["amount_fen"] for share in shown(*packet)["shares"]]  # type: ignore[attr-defined]

    assert paid_fen == recompute(*packet)


@given(packets(), st.data())
def test_a_packet_claimed_whole_pays_its_total(packet, data):
    """
    Under every rule the shares add up to the total and keep within a fen and the cap.
    """
    rule, seed, name, total_fen, count, cap_fen, _ = packet
    claims = data.draw(st.lists(claim_ids, min_size=count, max_size=count))

    amounts_fen = recompute(rule, seed, name, total_fen, count, cap_fen, claims)

    assert total_fen == sum(amounts_fen)
    assert all(1 <= amount_fen <= cap_fen for amount_fen in amounts_fen)


@pytest.mark.parametrize(
    ("rule", "total_fen", "amounts_fen"),
    [
        (DOUBLE_MEAN, 6666, [2444, 1328, 1827]),
        (SHUFFLED, 6666, [739, 1556, 811]),
        (EQUAL, 1500, [300, 300, 300]),
    ],
)
def test_the_rules_never_change(rule, total_fen, amounts_fen):
    """
    A packet sent long ago must still verify: for one seed these are the amounts, for good.
    """
    assert amounts_fen == recompute(rule, SEED, PACKET, total_fen, 5, 20_000, CLAIMS)


def test_draws_are_the_digits_of_one_hmac():
    """
    The draws are the mixed-radix digits of HMAC-SHA256(seed, packet|k|claim), lowest first.
    """
    digest = hmac.new(SEED, b"hb_7Q2M4K9X|3|rq_A", hashlib.sha256).digest()
    number = int.from_bytes(digest, "big")

    draw = draws(SEED, PACKET, 3, "rq_A")

    assert number % 100 == draw(100)
    assert number // 100 % 7 == draw(7)
    assert number // 700 % 20_001 == draw(20_001)


def test_every_part_of_the_message_counts():
    """
    Another seed, packet, seat or claim is another draw.
    """
    numbers = {
        draws(*parts)(2**55)
        for parts in (
            (SEED, PACKET, 1, "rq_A"),
            (bytes(32), PACKET, 1, "rq_A"),
            (SEED, "hb_00000000", 1, "rq_A"),
            (SEED, PACKET, 2, "rq_A"),
            (SEED, PACKET, 1, "rq_B"),
            (SEED, PACKET, "shuffle", "1"),
        )
    }

    assert 6 == len(numbers)


def test_no_draw_is_wide_enough_to_be_biased():
    """
    The ranges of one share's draws stay below 2^56, so the bias stays below 2^-200: the widest
    share that can be dealt passes, and a wider use of one HMAC trips the assertion.
    """
    count = 7
    widest_fen = AMOUNT_MAX_FEN
    claims = ["a"] * count
    assert widest_fen == sum(
        recompute(DOUBLE_MEAN, SEED, PACKET, widest_fen, count, widest_fen, claims)
    )

    draw = draws(SEED, PACKET, 1, "")
    draw(2**30)
    with pytest.raises(AssertionError):
        draw(2**26)


def test_who_claims_does_not_matter_to_a_shuffled_packet():
    """
    It was dealt whole by the seed alone; under double-mean the request id decides too.
    """
    others = [claim + "x" for claim in CLAIMS]

    for rule, same in ((SHUFFLED, True), (DOUBLE_MEAN, False)):
        amounts_fen = recompute(rule, SEED, PACKET, 6666, 5, 20_000, CLAIMS)
        assert same == (amounts_fen == recompute(rule, SEED, PACKET, 6666, 5, 20_000, others))


def test_the_commitment_is_the_seeds_sha_256():
    """
    Hex SHA-256, as any tool computes it.
    """
    assert hashlib.sha256(SEED).hexdigest() == commitment(SEED)
    with pytest.raises(AssertionError):
        commitment(b"short")


@every(
    ("rule", "total_fen", "count", "remaining_fen", "k"),
    [
        (EQUAL, 100, 3, 100, 1),  # does not divide
        (EQUAL, 900, 3, 500, 2),  # more or less is left than two shares
        (EQUAL, 100, 3, 66, 2),
        (SHUFFLED, 900, 3, 900, 2),
        (DOUBLE_MEAN, 2, 3, 2, 1),
        (EQUAL, 90_000, 3, 90_000, 1),  # above the cap, for equal packets as for lucky ones
        (DOUBLE_MEAN, 60_001, 3, 60_001, 1),
        (DOUBLE_MEAN, 60_001, 3, 40_000, 2),  # nor if what is left could still be dealt
        (DOUBLE_MEAN, 900, 3, 900, 0),
        (DOUBLE_MEAN, 900, 3, 0, 4),
    ],
)
def test_terms_that_do_not_fit_trip_an_assertion(rule, total_fen, count, remaining_fen, k):
    """
    What the wallet should have refused never becomes an amount.
    """
    with pytest.raises(AssertionError):
        share_amount(rule, SEED, PACKET, total_fen, count, 20_000, remaining_fen, k, "rq_A")


def test_an_unknown_rule_is_no_rule():
    """
    A rule from a later version is not mistaken for one of ours.
    """
    with pytest.raises(ValueError, match="triple-mean"):
        share_amount("triple-mean", SEED, PACKET, 900, 3, 20_000, 900, 1, "rq_A")
