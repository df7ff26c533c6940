"""
The detectors: each reads books alone, finds the loss of one fault, and says nothing of any other.

A detector knows nothing of engines. It asks whether a rule of ours holds in what was written down,
so it is silent on the right engine, and on the broken ones that break another rule.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from math import sqrt
from typing import NamedTuple, TypeAlias

from hongbao.domain.dates import day_key
from hongbao.domain.money import parse_yuan
from hongbao.lab.engine import DAY_LIMIT_FEN
from hongbao.lab.ledger import RESERVE, Asked, Books, Move
from hongbao.lab.pins import guess_fits
from hongbao.words import N_, Filled

PIN = "246810"
"""The PIN that everyone has in the experiments: a detector tries whether it can be confirmed."""

SEATS_MIN = 20
"""Of fewer shares than that in a packet, nothing certain can be said about their order."""

SIGMAS = 6
"""How far from even is no longer chance: once in a thousand million packets."""


class Found(NamedTuple):
    """A loss that was found: how much, and what is wrong."""

    amount_fen: int
    said: Filled


Detector: TypeAlias = Callable[[Books], list[Found]]


def found(sentence: str, amount_fen: int, **facts: object) -> Found:
    """Return the finding that *sentence* describes."""
    return Found(amount_fen, Filled(sentence, {"amount_fen": amount_fen, **facts}))


def typed(books: Books) -> list[Found]:
    """Find amounts that are not what was typed, to the fen."""
    asked: dict[tuple[str, str], list[Asked]] = defaultdict(list)
    moved: dict[tuple[str, str], list[Move]] = defaultdict(list)
    keys: set[str] = set()
    for each in books.asked:
        if each.amount is not None and each.is_done and each.key not in keys:
            asked[each.act, each.person].append(each)
            keys |= {each.key} - {""}
    for move in books.moves:
        moved[move.reason, move.person or ""].append(move)
    return [
        found(
            N_("{person} typed {amount}, and {moved_fen} moved"),
            abs(parse_yuan(request.amount or "") - move.amount_fen),
            person=request.person,
            amount=request.amount,
            moved_fen=move.amount_fen,
        )
        for pair, requests in asked.items()
        for request, move in zip(requests, moved[pair], strict=False)
        if parse_yuan(request.amount or "") != move.amount_fen
    ]


def split(books: Books) -> list[Found]:
    """Find finished packets whose shares do not add up to what was sent."""
    return [
        found(
            N_("the shares of {packet} add up to {paid_fen}, not to {total_fen}"),
            abs(paid_fen - packet.total_fen),
            packet=packet.id,
            paid_fen=paid_fen,
            total_fen=packet.total_fen,
        )
        for packet in books.packets.values()
        for claims in [books.claims(packet.id)]
        for paid_fen in [sum(claim.amount_fen for claim in claims)]
        if len(claims) == packet.count and paid_fen != packet.total_fen
    ]


def shares(books: Books) -> list[Found]:
    """Find packets of which more shares were paid than there are."""
    return [
        found(
            N_("shares of {packet}: {count}; claims that were paid: {claims}"),
            sum(claim.amount_fen for claim in claims[packet.count :]),
            packet=packet.id,
            count=packet.count,
            claims=len(claims),
        )
        for packet in books.packets.values()
        for claims in [books.claims(packet.id)]
        if len(claims) > packet.count
    ]


def late(books: Books) -> list[Found]:
    """Find shares that were paid when it was too late."""
    return [
        found(
            N_("{person} was paid from {packet} after it had expired"),
            claim.amount_fen,
            person=claim.person,
            packet=packet.id,
        )
        for packet in books.packets.values()
        for claim in books.claims(packet.id)
        if datetime.fromisoformat(claim.at) >= datetime.fromisoformat(packet.expires_at)
    ]


def refunds(books: Books) -> list[Found]:
    """Find packets whose money went back more than once."""
    back: dict[str, list[Move]] = defaultdict(list)
    for move in books.moves:
        if move.reason == "refund":
            back[move.packet or ""].append(move)
    return [
        found(
            N_("the rest of {packet} went back more than once"),
            sum(move.amount_fen for move in moves[1:]),
            packet=packet,
        )
        for packet, moves in back.items()
        if len(moves) > 1
    ]


def days(books: Books) -> list[Found]:
    """Find days, China's, in which someone paid out more than the limit."""
    used: dict[tuple[str, str], int] = defaultdict(int)
    for move in books.moves:
        if move.reason in ("send", "withdraw"):
            used[move.person or "", day_key(datetime.fromisoformat(move.at))] += move.amount_fen
    return [
        found(
            N_("{person} paid out {used_fen} on {day}; the limit is {limit_fen}"),
            used_fen - DAY_LIMIT_FEN,
            person=person,
            used_fen=used_fen,
            day=day,
            limit_fen=DAY_LIMIT_FEN,
        )
        for (person, day), used_fen in used.items()
        if used_fen > DAY_LIMIT_FEN
    ]


def keys(books: Books) -> list[Found]:
    """Find requests that were answered with the answer to another one."""
    first: dict[str, Asked] = {}
    wrong = []
    for asked in books.asked:
        if not asked.key:
            continue
        before = first.setdefault(asked.key, asked)
        if (before.act, before.person, before.amount) != (asked.act, asked.person, asked.amount):
            wrong.append(
                found(
                    N_("{key} got {person} another request's answer; {amount_fen} did not move"),
                    parse_yuan(asked.amount) if asked.amount else 0,
                    person=asked.person,
                    key=asked.key,
                )
            )
    return wrong


def pins(books: Books) -> list[Found]:
    """Find PINs that a copy of the ledger confirms: so it confirms a thief's guess."""
    return [
        found(
            N_("a copy of the ledger is enough to try PINs of {person}, who has {amount_fen}"),
            books.balances[f"balance {person}"],
            person=person,
        )
        for person, hashed in books.pins.items()
        if guess_fits(PIN, hashed)
    ]


def seats(books: Books) -> list[Found]:
    """Find packets of which those who came first got more than chance gives them."""
    wrong = []
    for packet in books.packets.values():
        amounts_fen = [claim.amount_fen for claim in books.claims(packet.id)]
        if len(amounts_fen) != packet.count or packet.count < SEATS_MIN:
            continue
        half = packet.count // 2
        mean = packet.total_fen / packet.count
        gap = sum(amounts_fen[:half]) - mean * half
        # A fair share lies anywhere from nothing to twice the mean: its variance is mean² / 3.
        if abs(gap) > SIGMAS * mean * sqrt(half / 3):
            wrong.append(
                found(
                    N_("of {packet}, the first half of the claims got {first_fen} of {total_fen}"),
                    round(abs(gap)),
                    packet=packet.id,
                    first_fen=sum(amounts_fen[:half]),
                    total_fen=packet.total_fen,
                )
            )
    return wrong


def replay(books: Books) -> list[Found]:
    """Find balances that are not the sum of what moved in and out."""
    sums: dict[str, int] = defaultdict(int)
    for move in books.moves:
        sums[move.debit] -= move.amount_fen
        sums[move.credit] += 0 if move.is_half else move.amount_fen
    return [
        found(
            N_("{account} stands at {held_fen}; its movements add up to {sum_fen}"),
            abs(held_fen - sums[account]),
            account=account,
            held_fen=held_fen,
            sum_fen=sums[account],
        )
        for account, held_fen in books.balances.items()
        if account != RESERVE and held_fen != sums[account]
    ]


def halves(books: Books) -> list[Found]:
    """Find money that left an account and never arrived in another."""
    return [
        found(
            N_("{amount_fen} left {debit} and never arrived in {credit}"),
            move.amount_fen,
            debit=move.debit,
            credit=move.credit,
        )
        for move in books.moves
        if move.is_half
    ]


DETECTORS: Mapping[str, Detector] = {
    "float": typed,
    "rounding": split,
    "oversell": shares,
    "expiry": late,
    "double-refund": refunds,
    "utc-day": days,
    "reused-key": keys,
    "pin": pins,
    "biased-deal": seats,
    "lost-update": replay,
    "in-flight": halves,
}
"""The detector of each fault."""


def lost_fen(name: str, books: Books) -> int:
    """Return what the detector of the fault *name* finds missing in *books*, all in all."""
    return sum(each.amount_fen for each in DETECTORS[name](books))
