"""Provable fairness: a packet's shares follow from what was promised before anyone claimed."""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from hongbao.domain.deal import Draw, deal_in_turn, deal_share, shuffle

DOUBLE_MEAN: Final = "double-mean"
SHUFFLED: Final = "shuffled"
EQUAL: Final = "equal"
RULES = (DOUBLE_MEAN, SHUFFLED, EQUAL)

SEED_BYTES = 32


def commitment(seed: bytes) -> str:
    """
    Return the hex SHA-256 of *seed*, which is published when the packet is sent.

    A *seed* of 32 random bytes cannot be guessed from it, nor exchanged for another later.

    >>> commitment(bytes(32))[:16]
    '66687aadf862bd77'
    """
    assert len(seed) == SEED_BYTES

    return hashlib.sha256(seed).hexdigest()


def draws(seed: bytes, packet: str, k: int | str, claim: str) -> Draw:
    """
    Return the chance that decides share *k* of *packet*, claimed by request *claim*.

    HMAC-SHA256 with *seed* as its key over ``packet|k|claim`` is read as one 256-bit big-endian
    number, and the draws are its mixed-radix digits from the lowest up: ``draw(n)`` is the number
    modulo n, and what the division leaves serves the next draw. The bar cannot occur in an id, so
    different shares never share a message.

    How uniform. For draws with ranges n₁, n₂ … together the digits are the number modulo
    R = n₁n₂…, of whose R values each is met ⌊2^256 / R⌋ or ⌈2^256 / R⌉ times: the distance from
    uniform is below R / 2^256. A share draws among n people left and then among B + 1 amounts,
    where R = n(B + 1) < 2 × what remains, at most 2 × 10^13 fen < 2^45 (`money.AMOUNT_MAX_FEN`).
    The bias is below 2^-211, and the assertion keeps any use below 2^-200.
    """
    message = f"{packet}|{k}|{claim}".encode("ascii")
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
    rule: str,
    seed: bytes,
    packet: str,
    total_fen: int,
    count: int,
    cap_fen: int,
    remaining_fen: int,
    k: int,
    claim: str,
) -> int:
    """
    Return the amount of share *k*, counted from 1, when *remaining_fen* of the packet is left.

    *claim* is the claim's request id. It takes part only under ``double-mean``, where a share is
    dealt as it is claimed; ``shuffled`` packets are dealt whole, whoever claims.
    """
    assert 1 <= k <= count
    assert count <= total_fen <= count * cap_fen

    if rule == DOUBLE_MEAN:
        draw = draws(seed, packet, k, claim)
        amount_fen = deal_share(remaining_fen, count - k + 1, cap_fen, draw)
    elif rule == SHUFFLED:
        amounts_fen = _dealt_whole(seed, packet, total_fen, count, cap_fen)
        assert sum(amounts_fen[k - 1 :]) == remaining_fen
        amount_fen = amounts_fen[k - 1]
    elif rule == EQUAL:
        amount_fen, rest_fen = divmod(total_fen, count)
        assert rest_fen == 0
        assert amount_fen * (count - k + 1) == remaining_fen
    else:
        raise ValueError(f"no rule of dealing is called {rule!r}")

    assert 1 <= amount_fen <= cap_fen
    return amount_fen


def recompute(
    rule: str,
    seed: bytes,
    packet: str,
    total_fen: int,
    count: int,
    cap_fen: int,
    claims: Sequence[str],
) -> list[int]:
    """
    Return the amounts of the packet's first shares, one for each of *claims* in their order.

    This is the same `share_amount` that paid them, fed with nothing but what is public once the
    seed is; ``docs/fairness.md`` does the same without any of our code.
    """
    amounts_fen: list[int] = []
    remaining_fen = total_fen
    for k, claim in enumerate(claims, start=1):
        amounts_fen.append(
            share_amount(rule, seed, packet, total_fen, count, cap_fen, remaining_fen, k, claim)
        )
        remaining_fen -= amounts_fen[-1]
    return amounts_fen


@lru_cache(maxsize=64)  # each of the packet's claims asks for the same deal
def _dealt_whole(
    seed: bytes, packet: str, total_fen: int, count: int, cap_fen: int
) -> tuple[int, ...]:
    """
    Deal the whole packet by *seed* alone, then shuffle it.

    A hundred shares need more than 256 bits, so each share and each step of the shuffle has an
    HMAC of its own: over ``packet|k|`` and over ``packet|shuffle|i``.
    """
    dealt_fen = deal_in_turn(total_fen, count, cap_fen, lambda k: draws(seed, packet, k, ""))
    return shuffle(dealt_fen, lambda i: draws(seed, packet, "shuffle", str(i)))
