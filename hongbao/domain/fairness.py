"""
Provable fairness: what a packet's commitment binds, and how each share's draw is made again.

A secret seed is fixed when the packet is sent; a nonce is drawn when a share is claimed. Neither
decides a share without the other, so no one who knew only one of them has chosen who gets what.
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Self

from hongbao.domain.deal import Draw, deal_in_turn, deal_share, strike
from hongbao.domain.packet import Packet

DOUBLE_MEAN: Final = "double-mean"
SHUFFLED: Final = "shuffled"
EQUAL: Final = "equal"
RULES = (DOUBLE_MEAN, SHUFFLED, EQUAL)

SEED_BYTES = 32
NONCE_BYTES = 16


class Terms(NamedTuple):
    """The terms that the commitment binds with the seed: all that a share is computed from."""

    packet: str
    deal: str
    total_fen: int
    count: int  # type: ignore[assignment]  # a tuple's own count is not missed
    share_max_fen: int

    @classmethod
    def of(cls, packet: Packet) -> Self:
        """Return the terms of *packet*."""
        return cls(packet.id, packet.deal, packet.total_fen, packet.count, packet.share_max_fen)


class DrawInput(NamedTuple):
    """The inputs of a claim to its draw: the *nonce*, and the claimer's own *luck*, if any."""

    nonce: bytes
    luck: str | None = None


def commitment(terms: Terms, seed: bytes) -> str:
    """
    Return the hex SHA-256 of *terms* and *seed*, which is published when the packet is sent.

    The seed cannot be guessed from it, and neither the seed nor a term can be exchanged for
    another later. No term holds a bar, so different terms never make the same text.

    >>> commitment(Terms("hb_7Q2M4K9X", "double-mean", 6666, 3, 20_000), bytes(32))[:16]
    '09af3f89bf264894'
    """
    assert len(seed) == SEED_BYTES

    promised = "|".join(map(str, (*terms, seed.hex())))
    return hashlib.sha256(promised.encode()).hexdigest()


def draws(seed: bytes, *parts: object) -> Draw:
    """
    Return the chance that *seed* and *parts* make together.

    HMAC-SHA256 with *seed* as its key over *parts*, joined by bars, is read as one 256-bit
    big-endian number, and the draws are its mixed-radix digits from the lowest up: ``draw(n)`` is
    the number modulo n, and what the division leaves serves the next draw.

    How uniform. For draws with ranges n₁, n₂ … together the digits are the number modulo
    R = n₁n₂…, of whose R values each is met ⌊2^256 / R⌋ or ⌈2^256 / R⌉ times: the distance from
    uniform is below R / 2^256. A share draws among n people left and then among B + 1 amounts,
    where R = n(B + 1) < 2 × what remains, at most 2 × 10^13 fen < 2^45 (`money.AMOUNT_MAX_FEN`).
    The bias is below 2^-211, and the assertion keeps any use below 2^-200.
    """
    message = "|".join(map(str, parts)).encode()
    chance = int.from_bytes(hmac.digest(seed, message, "sha256"), "big")
    drawn_from = 1

    def draw(n: int) -> int:
        nonlocal chance, drawn_from
        drawn_from *= n
        assert drawn_from < 2**56
        chance, digit = divmod(chance, n)
        return digit

    return draw


def share_amount(
    terms: Terms,
    seed: bytes,
    seat: int,
    drawn: DrawInput,
    *,
    remaining_fen: int,
    taken_fen: Sequence[int] = (),
) -> int:
    """
    Return the amount of the share at *seat*, counted from 1, when *remaining_fen* is left.

    Its draw is over ``packet|seat|nonce|luck``. The luck stands last, because it alone may hold a
    bar. Where the packet is shuffled, *taken_fen* are the amounts of the shares before it; the
    other rules need only their sum.

    Raises ValueError if there is no such rule, or shares were taken that were never dealt.
    """
    assert 1 <= seat <= terms.count
    assert terms.count <= terms.total_fen <= terms.count * terms.share_max_fen
    assert len(drawn.nonce) == NONCE_BYTES

    draw = draws(seed, terms.packet, seat, drawn.nonce.hex(), drawn.luck or "")
    shares_left = terms.count - seat + 1
    if terms.deal == DOUBLE_MEAN:
        amount_fen = deal_share(remaining_fen, shares_left, terms.share_max_fen, draw)
    elif terms.deal == SHUFFLED:
        assert len(taken_fen) == seat - 1
        assert sum(taken_fen) == terms.total_fen - remaining_fen
        amount_fen = strike(_dealt_up_front(terms, seed), taken_fen, draw)
    elif terms.deal == EQUAL:
        amount_fen, rest_fen = divmod(terms.total_fen, terms.count)
        assert rest_fen == 0
        assert amount_fen * shares_left == remaining_fen
    else:
        raise ValueError(f"no rule of dealing is called {terms.deal!r}")

    assert 1 <= amount_fen <= terms.share_max_fen
    return amount_fen


def recompute(terms: Terms, seed: bytes, claims: Sequence[DrawInput]) -> list[int]:
    """
    Return the amounts of the packet's first shares, one for each of *claims* in their order.

    This is the same `share_amount` that paid them, fed with nothing but what is public once the
    seed is; ``docs/concepts/fairness.md`` does the same without any of our code.
    """
    amounts_fen: list[int] = []
    remaining_fen = terms.total_fen
    for seat, drawn in enumerate(claims, start=1):
        amounts_fen.append(
            share_amount(
                terms, seed, seat, drawn, remaining_fen=remaining_fen, taken_fen=amounts_fen
            )
        )
        remaining_fen -= amounts_fen[-1]
    return amounts_fen


@lru_cache(maxsize=64)  # each of the packet's claims asks for the same deal
def _dealt_up_front(terms: Terms, seed: bytes) -> tuple[int, ...]:
    """
    Return the amounts of a shuffled packet, which *seed* alone decides; who gets which is open.

    A hundred shares need more than 256 bits, so each has its own HMAC: over
    ``packet|deal|k``, which no claim's draw can have, because a seat is a number.
    """
    return deal_in_turn(
        terms.total_fen,
        terms.count,
        terms.share_max_fen,
        lambda k: draws(seed, terms.packet, "deal", k),
    )
