"""Checks of packets: their accounts, the terms they were sent with, the shares they were dealt."""

from collections.abc import Iterator
from itertools import groupby

from hongbao.auditing.look import Look
from hongbao.auditing.sealed import at, has
from hongbao.domain.fairness import SEED_BYTES, commitment, recompute
from hongbao.store import Question
from hongbao.units import yuan


class Packets(Look):
    """Whether packets are what was sent, and shares what was drawn."""

    def _packets(self) -> Iterator[str]:
        for packet, total_fen, claimed_fen, held_fen in self._rows(Question.UNSOUND_PACKETS):
            yield f"{packet}: {yuan(total_fen)} - {yuan(claimed_fen)} / {yuan(held_fen)}"
        for packet, seat in self._rows(Question.UNSOUND_CLAIMS):
            yield f"{packet}: seat {seat}"

    def _terms(self) -> Iterator[str]:
        for row in self._rows(Question.TERMS):
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
                "commitment": commitment(seed) if len(seed) == SEED_BYTES else None,
            }
            if not has(act, facts, terms) or at(act, facts, "expires_at") != expires_at:
                yield str(packet)

    def _deals(self) -> Iterator[str]:
        claims = self._rows(Question.DEALS)
        for terms, shares in groupby(claims, key=lambda row: tuple(row[:6])):
            packet, deal, seed, total_fen, count, cap_fen = terms
            taken = [(row[6], row[7]) for row in shares]
            try:
                again = recompute(
                    deal, seed, packet, total_fen, count, cap_fen, [claim for claim, _ in taken]
                )
            except (AssertionError, ValueError):  # terms that no packet can have
                again = []
            if again != [amount_fen for _, amount_fen in taken]:
                yield str(packet)
