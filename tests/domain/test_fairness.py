"""Fairness: what was promised decides what is paid, and anyone can see that it did."""

import hashlib
import hmac
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao.domain.fairness import (
    DOUBLE_MEAN,
    EQUAL,
    NONCE_BYTES,
    RULES,
    SHUFFLED,
    DrawInput,
    Terms,
    commitment,
    draws,
    recompute,
    share_amount,
)
from hongbao.domain.money import AMOUNT_MAX_FEN
from hongbao.domain.packet import DealRule, Packet, PacketKind
from tests.consumers import program
from tests.every import every

PAGE = (Path(__file__).parents[2] / "docs" / "concepts" / "fairness.md").read_text(encoding="utf-8")
SNIPPET = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]  # type: ignore[index]
SHELL = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1]  # type: ignore[index]
EXAMPLE = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])  # type: ignore[index]

NEVER = datetime(2026, 2, 16, tzinfo=UTC)
SEED = bytes(range(32))
PACKET = "hb_7Q2M4K9X"
CAP_FEN = 20_000
CLAIMS = [
    DrawInput(bytes(range(16))),
    DrawInput(bytes(range(16, 32)), "八方来财"),
    DrawInput(bytes(16), "a|b"),
]


def terms(rule: str, total_fen: int, count: int, cap_fen: int = CAP_FEN) -> Terms:
    """Return the terms of the packet that these tests deal."""
    return Terms(PACKET, rule, total_fen, count, cap_fen)


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


def shown(agreed: Terms, seed: bytes, claims: Sequence[DrawInput]) -> dict[str, object]:
    """
    Return what `hongbao show --json` says of a packet that was paid by `share_amount`.
    """
    shares: list[dict[str, object]] = []
    paid_fen: list[int] = []
    for seat, drawn in enumerate(claims, start=1):
        amount_fen = share_amount(
            agreed,
            seed,
            seat,
            drawn,
            remaining_fen=agreed.total_fen - sum(paid_fen),
            taken_fen=paid_fen if agreed.deal == SHUFFLED else (),
        )
        paid_fen.append(amount_fen)
        told = {"seat": seat, "nonce": drawn.nonce.hex(), "luck": drawn.luck}
        shares.append({**told, "amount_fen": amount_fen})
    return {
        **agreed._asdict(),
        "commitment": commitment(agreed, seed),
        "seed": seed.hex(),
        "shares": shares,
    }


claim_inputs = st.builds(
    DrawInput,
    st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES),
    st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=64),
)


@st.composite
def packets(draw):
    """
    Draw the arguments of `recompute` for any packet that can be dealt, claimed in part or whole.
    """
    rule = draw(st.sampled_from(RULES))
    count = draw(st.integers(1, 100))
    cap_fen = draw(st.integers(1, CAP_FEN))
    if rule == EQUAL:
        total_fen = count * draw(st.integers(1, cap_fen))
    else:
        total_fen = draw(st.integers(count, count * cap_fen))
    claims = draw(st.lists(claim_inputs, max_size=count))
    seed = draw(st.binary(min_size=32, max_size=32))
    return terms(rule, total_fen, count, cap_fen), seed, claims


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
    shares = EXAMPLE["shares"]
    claims = [DrawInput(bytes.fromhex(share["nonce"]), share["luck"]) for share in shares]
    agreed = terms(DOUBLE_MEAN, 6666, 3)

    assert recompute(agreed, SEED, claims) == [share["amount_fen"] for share in shares]
    assert EXAMPLE["commitment"] == commitment(agreed, bytes.fromhex(EXAMPLE["seed"]))
    assert "True True" == run_snippet(EXAMPLE)


def test_the_commitment_can_be_made_again_in_a_shell():
    """
    The page's one line, run by a shell.
    """
    program("sha256sum")
    said = subprocess.run(["sh", "-c", SHELL], capture_output=True, text=True, check=True).stdout

    assert EXAMPLE["commitment"] == said.split()[0]


@pytest.mark.parametrize("rule", RULES)
def test_the_pages_lines_recompute_every_rule(rule):
    """
    Run by a Python that has never heard of hongbao, they find what `share_amount` paid.
    """
    assert "True True" == run_snippet(shown(terms(rule, 1500, 3, 700), SEED, CLAIMS))


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


@pytest.mark.parametrize("rule", [DOUBLE_MEAN, SHUFFLED])
def test_the_pages_lines_notice_whatever_was_changed(rule):
    """
    A share enlarged by a fen, another seed, another term, another nonce, a luck put in or taken.
    """
    honest = shown(terms(rule, 6666, 5), SEED, CLAIMS)

    def edited(share: int, **facts: object) -> str:
        packet = json.loads(json.dumps(honest))
        packet["shares"][share] |= facts
        return run_snippet(packet)

    paid_fen = honest["shares"][1]["amount_fen"]  # type: ignore[index]
    assert "True True" == run_snippet(honest)
    assert "True False" == edited(1, amount_fen=paid_fen + 1)
    assert "True False" == edited(0, nonce="ff" * 16)
    assert "True False" == edited(0, luck="mine")
    assert "True False" == edited(1, luck=None)
    assert "False False" == run_snippet({**honest, "seed": bytes(32).hex()})
    assert run_snippet({**honest, "share_max_fen": CAP_FEN - 1}).startswith("False")


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
    agreed, seed, _ = packet
    claims = data.draw(st.lists(claim_inputs, min_size=agreed.count, max_size=agreed.count))

    amounts_fen = recompute(agreed, seed, claims)

    assert agreed.total_fen == sum(amounts_fen)
    assert all(1 <= amount_fen <= agreed.share_max_fen for amount_fen in amounts_fen)


@pytest.mark.parametrize(
    ("rule", "total_fen", "amounts_fen"),
    [
        (DOUBLE_MEAN, 6666, [1576, 1488, 944]),
        (SHUFFLED, 6666, [2139, 2578, 417]),
        (EQUAL, 1500, [300, 300, 300]),
    ],
)
def test_the_rules_never_change(rule, total_fen, amounts_fen):
    """
    A packet sent long ago must still verify: for one seed these are the amounts, for good.
    """
    assert amounts_fen == recompute(terms(rule, total_fen, 5), SEED, CLAIMS)


def test_draws_are_the_digits_of_one_hmac():
    """
    The draws are the mixed-radix digits of HMAC-SHA256(seed, the parts), lowest first.
    """
    digest = hmac.new(SEED, b"hb_7Q2M4K9X|3|00ff|", hashlib.sha256).digest()
    number = int.from_bytes(digest, "big")

    draw = draws(SEED, PACKET, 3, "00ff", "")

    assert number % 100 == draw(100)
    assert number // 100 % 7 == draw(7)
    assert number // 700 % 20_001 == draw(20_001)


def test_every_part_of_a_draw_counts():
    """
    Another seed, packet, seat, nonce or luck is another share; there is no way to say one of them
    that reads as another.
    """
    agreed, drawn = terms(DOUBLE_MEAN, 1_000_000, 100), DrawInput(bytes(16))

    def first(
        agreed: Terms = agreed, seed: bytes = SEED, seat: int = 1, drawn: DrawInput = drawn
    ) -> int:
        left_fen = 10_000 * (100 - seat + 1)
        return share_amount(agreed, seed, seat, drawn, remaining_fen=left_fen)

    amounts_fen = {
        first(),
        first(seed=bytes(32)),
        first(agreed=agreed._replace(packet="hb_00000000")),
        first(seat=2),
        first(drawn=DrawInput(bytes(15) + b"1")),
        first(drawn=DrawInput(bytes(16), "1")),
        first(drawn=DrawInput(bytes(16), "|1")),
    }

    assert 7 == len(amounts_fen)


def test_no_draw_is_wide_enough_to_be_biased():
    """
    The ranges of one share's draws stay below 2^56, so the bias stays below 2^-200: the widest
    share that can be dealt passes, and a wider use of one HMAC trips the assertion.
    """
    count = 7
    widest_fen = AMOUNT_MAX_FEN
    claims = [DrawInput(bytes(NONCE_BYTES))] * count
    assert widest_fen == sum(
        recompute(terms(DOUBLE_MEAN, widest_fen, count, widest_fen), SEED, claims)
    )

    draw = draws(SEED, PACKET, 1, "")
    draw(2**30)
    with pytest.raises(AssertionError):
        draw(2**26)


# --- who has not chosen --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [DOUBLE_MEAN, SHUFFLED])
def test_trying_a_thousand_seeds_favours_no_seat(rule):
    """
    Whoever sends, and tries seeds until the first of five seats gets most of 100.00, has chosen
    for one nonce, and another is drawn when the share is claimed: its mean is 20.00 all the same.

    Three and a half standard errors to either side: one seed in two thousand of this test's own
    would fail it, and the one that it has does not.
    """
    agreed, dice = terms(rule, 10_000, 5), random.Random(9)

    def first_fen(seed: bytes, nonce: bytes) -> int:
        return share_amount(agreed, seed, 1, DrawInput(nonce), remaining_fen=10_000)

    guessed = dice.randbytes(16)
    tried = [dice.randbytes(32) for _ in range(1_000)]
    seed = max(tried, key=lambda seed: first_fen(seed, guessed))
    paid_fen = [first_fen(seed, dice.randbytes(16)) for _ in range(2_000)]

    assert first_fen(seed, guessed) > 3_900
    error_fen = stdev(paid_fen) / len(paid_fen) ** 0.5
    assert abs(mean(paid_fen) - 2_000) < 3.5 * error_fen


@pytest.mark.parametrize("rule", [DOUBLE_MEAN, SHUFFLED])
def test_the_real_draws_pay_every_seat_alike(rule):
    """
    Not only the arithmetic: HMAC's own draws, over a thousand packets, give each of four seats a
    quarter of the money, within four standard errors.
    """
    agreed, dice = terms(rule, 1_000, 4), random.Random(12)
    paid_fen = [
        recompute(agreed, dice.randbytes(32), [DrawInput(dice.randbytes(16)) for _ in range(4)])
        for _ in range(1_000)
    ]

    for seat_fen in zip(*paid_fen, strict=True):
        assert abs(mean(seat_fen) - 250) < 4 * stdev(seat_fen) / len(seat_fen) ** 0.5


@pytest.mark.parametrize("rule", [DOUBLE_MEAN, SHUFFLED])
def test_nonce_and_luck_each_decide(rule):
    """
    Without the nonce a copy would be a preview; without the luck it would be no part in the draw.
    """
    agreed, dice = terms(rule, 10_000, 10), random.Random(3)

    by_nonce = {tuple(recompute(agreed, SEED, [DrawInput(dice.randbytes(16))])) for _ in range(60)}
    by_luck = {tuple(recompute(agreed, SEED, [DrawInput(bytes(16), str(n))])) for n in range(60)}

    assert (True, True) == (len(by_nonce) > 8, len(by_luck) > 8)


def test_the_commitment_binds_the_seed_and_every_term():
    """
    Hex SHA-256 over them all, as any tool computes it; another term is another commitment.
    """
    agreed = terms(DOUBLE_MEAN, 6666, 3)
    text = f"hb_7Q2M4K9X|double-mean|6666|3|20000|{SEED.hex()}"

    assert hashlib.sha256(text.encode()).hexdigest() == commitment(agreed, SEED)
    others = [
        agreed._replace(packet="hb_00000000"),
        agreed._replace(deal=SHUFFLED),
        agreed._replace(total_fen=6667),
        agreed._replace(count=4),
        agreed._replace(share_max_fen=19_999),
    ]
    assert 7 == len(
        {commitment(agreed, SEED), commitment(agreed, bytes(32))}
        | {commitment(other, SEED) for other in others}
    )
    with pytest.raises(AssertionError):
        commitment(agreed, b"short")


@every(
    ("rule", "total_fen", "count", "remaining_fen", "seat"),
    [
        (EQUAL, 100, 3, 100, 1),  # does not divide
        (EQUAL, 900, 3, 500, 2),  # more or less is left than two shares
        (EQUAL, 100, 3, 66, 2),
        (SHUFFLED, 900, 3, 900, 2),  # nothing was taken before
        (DOUBLE_MEAN, 2, 3, 2, 1),
        (EQUAL, 90_000, 3, 90_000, 1),  # above the cap, for equal packets as for lucky ones
        (DOUBLE_MEAN, 60_001, 3, 60_001, 1),
        (DOUBLE_MEAN, 60_001, 3, 40_000, 2),  # nor if what is left could still be dealt
        (DOUBLE_MEAN, 900, 3, 900, 0),
        (DOUBLE_MEAN, 900, 3, 0, 4),
    ],
)
def test_terms_that_do_not_fit_trip_an_assertion(rule, total_fen, count, remaining_fen, seat):
    """
    What the wallet should have refused never becomes an amount.
    """
    with pytest.raises(AssertionError):
        share_amount(
            terms(rule, total_fen, count), SEED, seat, CLAIMS[0], remaining_fen=remaining_fen
        )


@pytest.mark.parametrize("taken_fen", [(300,), (300, 300), (-1, 1)])
def test_a_shuffled_packet_gives_only_what_was_dealt(taken_fen):
    """
    Shares before it that are too few, too large or never dealt are found, not dealt around.
    """
    with pytest.raises((AssertionError, ValueError)):
        share_amount(
            terms(SHUFFLED, 1_000, 3), SEED, 3, CLAIMS[0], remaining_fen=700, taken_fen=taken_fen
        )


def test_a_nonce_is_never_short():
    """
    Sixteen bytes, or it could be tried out.
    """
    with pytest.raises(AssertionError):
        share_amount(terms(EQUAL, 900, 3), SEED, 1, DrawInput(b"short"), remaining_fen=900)


def test_an_unknown_rule_is_no_rule():
    """
    A rule from a later version is not mistaken for one of ours.
    """
    with pytest.raises(ValueError, match="triple-mean"):
        share_amount(terms("triple-mean", 900, 3), SEED, 1, CLAIMS[0], remaining_fen=900)


def test_terms_are_a_packets_own():
    """
    Its id, its rule, its total, its shares, and the most that a share may be.
    """
    assert Terms("hb_7Q2M4K9X", "equal", 900, 3, 400) == Terms.of(
        Packet(
            number=1,
            id="hb_7Q2M4K9X",
            sender=7,
            recipient=None,
            kind=PacketKind.LUCKY,
            deal=DealRule.EQUAL,
            total_fen=900,
            count=3,
            share_max_fen=400,
            claimed_fen=0,
            claimed_count=0,
            created_at=NEVER,
            expires_at=NEVER,
            closed_at=None,
        )
    )


@pytest.mark.parametrize("rule", RULES)
def test_a_packet_may_be_of_the_least_and_of_the_most(rule):
    """
    A fen for each, or each at the cap: then chance has nothing to decide.
    """
    for total_fen, share_fen in ((3, 1), (3 * CAP_FEN, CAP_FEN)):
        assert [share_fen] * 3 == recompute(terms(rule, total_fen, 3), SEED, CLAIMS)


def test_no_more_is_drawn_than_leaves_no_bias():
    """
    Fifty-six bits of two hundred and fifty-six, in all draws together.
    """
    draw = draws(SEED, "enough")
    draw(2**28)
    draw(2**28 - 1)
    with pytest.raises(AssertionError):
        draw(2)
    with pytest.raises(AssertionError):
        draws(SEED, "enough")(2**56)
    draws(SEED, "enough")(2**56 - 1)
