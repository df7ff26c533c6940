"""Checks of packets: their accounts, the terms they were sent with, the shares they were dealt."""

from __future__ import annotations

import hashlib
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from hongbao.auditing.sealed import at, has
from hongbao.domain.fairness import SEED_BYTES, DrawInput, Terms, commitment, recompute
from hongbao.questions import Question
from hongbao.units import yuan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hongbao.auditing.context import Context

CLAIMS_AT_ONCE = 1_000
"""The claims whose bytes are hashed together."""


def check_packets(context: Context) -> Iterator[str]:
    """Yield packets whose account, claims and refund disagree."""
    for packet, total_fen, claimed_fen, held_fen in context.rows(Question.UNSOUND_PACKETS):
        left = "no account" if held_fen is None else yuan(held_fen)
        yield f"{packet}: {yuan(total_fen)} - {yuan(claimed_fen)} / {left}"
    for packet, seat in context.rows(Question.UNSOUND_CLAIMS):
        yield f"{packet}: seat {seat}"


def check_terms(context: Context) -> Iterator[str]:
    """Yield packets whose terms differ from what was sealed at sending."""
    for row in context.rows(Question.TERMS):
        packet, kind, deal, total_fen, count, share_max_fen, greeting, cover, seed = row[:9]
        on_time, expires_at, facts, act, sent, meant, by_balance, card, own_card = row[9:]
        if act != "send" or not (on_time and sent and meant and (by_balance or own_card)):
            yield str(packet)
            continue
        terms = {
            "packet": packet,
            "kind": kind,
            "deal": deal,
            "total_fen": total_fen,
            "count": count,
            "share_max_fen": share_max_fen,
            "greeting": greeting,
            "cover": cover,
            "paid_from": "balance" if by_balance else card,
            "commitment": (
                commitment(Terms(packet, deal, total_fen, count, share_max_fen), seed)
                if len(seed) == SEED_BYTES
                else None
            ),
        }
        if not has(act, facts, terms) or at(act, facts, "expires_at") != expires_at:
            yield str(packet)


def check_deals(context: Context) -> Iterator[str]:
    """
    Yield packets whose shares do not match their draws.

    Behind a checkpoint, those with a new claim are dealt again; the claims before are compared with
    what they were (see `claims_digests`), and the packets' terms with what was sealed.
    """
    if context.behind is None:
        yield from _undealt(context.rows(Question.DEALS))
        return
    for (packet,) in context.rows(Question.CLAIMED, context.behind.entry):
        yield from _undealt(context.rows(Question.DEALS_OF, packet))


def claims_digests(context: Context, *upto: int) -> list[str]:
    """Return the digest of the claims up to each of these entries."""
    digests = [(entry, hashlib.sha256()) for entry in upto]
    rows = context.rows(Question.CLAIMS)
    while some := list(islice(rows, CLAIMS_AT_ONCE)):
        for entry, digest in digests:
            # What a tuple of numbers, texts and bytes looks like, it alone looks like.
            digest.update("".join([repr(row) for row in some if row[0] <= entry]).encode())
    return [digest.hexdigest() for _entry, digest in digests]


def _undealt(rows: Iterable[Any]) -> Iterator[str]:
    for (packet, deal, total_fen, count, share_max_fen, seed), shares in groupby(
        rows, key=lambda row: tuple(row[:6])
    ):
        claims, paid_fen, is_sealed = [], [], True
        for nonce, luck, amount_fen, seat, act, facts in (row[6:] for row in shares):
            claims.append(DrawInput(nonce, luck))
            paid_fen.append(amount_fen)
            # Not every draw decides an amount: the last share has no choice, an equal one none.
            drawn = {"seat": seat, "nonce": nonce.hex(), "luck": luck}
            is_sealed = is_sealed and has(act, facts, drawn)
        try:
            dealt_fen = recompute(
                Terms(packet, deal, total_fen, count, share_max_fen), seed, claims
            )
        except (AssertionError, ValueError):  # terms that no packet can have
            dealt_fen = []
        if dealt_fen != paid_fen or not is_sealed:
            yield str(packet)
