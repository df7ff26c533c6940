"""Checks of packets: their accounts, the terms they were sent with, the shares they were dealt."""

from collections.abc import Iterator
from itertools import groupby

from hongbao.auditing.look import Look
from hongbao.auditing.sealed import as_promised
from hongbao.domain.fairness import SEED_BYTES, commitment, recompute
from hongbao.units import yuan


class Packets(Look):
    """Whether packets are what was sent, and shares what was drawn."""

    def _packets(self) -> Iterator[str]:
        for packet, total_fen, claimed_fen, held_fen in self._rows(
            "WITH taken AS (SELECT packet, sum(amount_fen) AS fen, count(*) AS shares,"
            "   max(seat) AS seats, max(amount_fen) AS most FROM claim GROUP BY packet)"
            " SELECT packet.id, total_fen, claimed_fen, credits_fen - debits_fen FROM packet"
            " JOIN account ON account.id = packet.account"
            " LEFT JOIN taken ON taken.packet = packet.number"
            " LEFT JOIN review_case AS hold ON hold.entry = packet.entry AND hold.kind = 'hold'"
            " WHERE claimed_fen <> coalesce(fen, 0) OR claimed_count <> coalesce(shares, 0)"
            " OR claimed_count <> coalesce(seats, 0) OR coalesce(most, 0) > share_max_fen"
            " OR credits_fen <> iif(hold.state IN ('open', 'escalated', 'rejected', 'returned'),"
            "   0, total_fen)"
            " OR credits_fen - debits_fen"
            "   <> iif(closed_at IS NULL AND held IS NULL, total_fen - claimed_fen, 0)"
            " OR held IS NOT iif(hold.closed IS NULL, hold.number, NULL)"
            " OR (hold.state IN ('rejected', 'returned') AND closed_at IS NULL)"
            " OR (held IS NOT NULL AND (closed_at IS NOT NULL OR claimed_count > 0))"
            " OR (closed_at IS NULL AND claimed_count = count)"
            " OR (claimed_count = count AND claimed_fen <> total_fen)"
            " OR (closed_at < expires_at AND claimed_count < count"
            "   AND coalesce(hold.state NOT IN ('rejected', 'returned'), 1))"
        ):
            yield f"{packet}: {yuan(total_fen)} - {yuan(claimed_fen)} / {yuan(held_fen)}"
        for packet, seat in self._rows(
            "SELECT packet.id, claim.seat FROM claim JOIN packet ON packet.number = claim.packet"
            " LEFT JOIN entry ON entry.id = claim.entry"
            " LEFT JOIN review_case AS hold ON hold.entry = claim.entry AND hold.kind = 'hold'"
            " LEFT JOIN review_case AS before ON before.entry = packet.entry"
            "   AND before.kind = 'hold'"
            " WHERE entry.act IS NOT 'claim' OR entry.packet IS NOT claim.packet"
            " OR entry.profile IS NOT claim.profile OR claim.entry <= before.closed"
            " OR entry.amount_fen IS NOT iif(hold.number IS NULL, claim.amount_fen, 0)"
            " OR entry.at < packet.created_at OR entry.at >= packet.expires_at"
        ):
            yield f"{packet}: seat {seat}"

    def _terms(self) -> Iterator[str]:
        for row in self._rows(
            "SELECT packet.id, packet.kind, deal, total_fen, count, share_max_fen, greeting, cover,"
            " seed, created_at = entry.at, expires_at - created_at, answer, entry.act,"
            " sender = entry.profile, recipient IS entry.counterparty, card IS NULL, card.name,"
            " card.profile IS sender FROM packet"
            " LEFT JOIN entry ON entry.id = packet.entry LEFT JOIN card ON card.id = packet.card"
        ):
            packet, kind, deal, total_fen, count, share_max_fen, greeting, cover, seed = row[:9]
            on_time, lasts, answer, act, sent, meant, by_balance, card, own_card = row[9:]
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
            if not as_promised(answer, terms, lasts):
                yield str(packet)

    def _deals(self) -> Iterator[str]:
        claims = self._rows(
            "SELECT packet.id, deal, seed, total_fen, count, share_max_fen, entry.request_id,"
            " claim.amount_fen FROM packet JOIN claim ON claim.packet = packet.number"
            " JOIN entry ON entry.id = claim.entry ORDER BY packet.number, claim.seat"
        )
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
