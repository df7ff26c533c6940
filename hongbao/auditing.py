"""The auditor: re-adds everything in the ledger, and names all that does not add up."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

from hongbao.answers import FindingLine
from hongbao.domain.chain import canonical
from hongbao.domain.channel import (
    ASKED_AS,
    BOOKED_AS,
    CHANNEL_MARKS,
    DIRECTIONS,
    FINAL,
    GIVEN_BACK_AS,
)
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.fairness import SEED_BYTES, commitment, recompute
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import CENTRAL, LEGAL, LEGAL_ONCE, PLATFORM, SIDES, Kind
from hongbao.domain.policy import parse_policy
from hongbao.errors import Damaged, InvalidPolicy
from hongbao.store import EMPTY_HEAD, Store
from hongbao.units import from_micros, to_micros, yuan
from hongbao.words import N_, fill

ROWS_MAX = 20
"""How many rows of one finding are named; the problem says how many there are."""


_KEEP = N_("keep this copy as evidence and restore the newest backup")

PROBLEMS = {
    "pages": (N_("pages or rows the engine cannot read: {count}"), _KEEP),
    "books": (N_("books whose debits and credits differ: {count}"), _KEEP),
    "accounts": (N_("accounts that differ from the sum of their transfers: {count}"), _KEEP),
    "floors": (N_("accounts below zero on their own side: {count}"), _KEEP),
    "moves": (N_("transfers no rule allows: {count}"), _KEEP),
    "reserve": (N_("institutions whose books contradict each other: {count}"), _KEEP),
    "transit": (
        N_("institutions that do not agree on what is on its way between them: {count}"),
        _KEEP,
    ),
    "messages": (
        N_("payments whose state, outcome and frozen money do not fit together: {count}"),
        _KEEP,
    ),
    "batches": (N_("settlements that do not add up to the payments in them: {count}"), _KEEP),
    "suspense": (
        N_("banks whose surplus or shortage is not what their statements explain: {count}"),
        _KEEP,
    ),
    "packets": (N_("packets whose account, claims and refund do not add up: {count}"), _KEEP),
    "terms": (N_("packets whose terms differ from what was sealed at sending: {count}"), _KEEP),
    "deals": (N_("packets whose shares differ from what their seed says: {count}"), _KEEP),
    "balances": (N_("entries whose balance does not follow from the one before: {count}"), _KEEP),
    "maturing": (
        N_("claims counted as withdrawable later that differ from the claims: {count}"),
        _KEEP,
    ),
    "usage": (N_("limit counters that differ from what they count: {count}"), _KEEP),
    "chain": (N_("breaks in the chain (edited, missing or foreign entries): {count}"), _KEEP),
    "head": (
        N_("the noted head is missing: the ledger is an older or shortened copy"),
        N_("restore the newest backup, or accept this state with `hongbao restore`"),
    ),
}
"""Every check in the order it is made: what is wrong where it fails, and what to do then."""


_OWED_TO_USERS = (Kind.BALANCE, Kind.PACKET, Kind.PENDING, Kind.FEES)
"""What the platform's reserve has to cover; its fees lie there, too, until it takes them out."""


class Seal(Protocol):
    """Makes an entry's MAC (see `hongbao.vault.Vault.chain_mac`)."""

    def __call__(
        self, previous: bytes, entry: bytes, *, generation: int | None = None
    ) -> bytes: ...


class Auditor:
    """
    One look over one snapshot of *store*.

    *seal* makes the MACs again; *noted* is the head that was noted beside the keys. Each check
    returns the rows that fail it, named so that a person can find them. Whoever holds the keys may
    have written anything at all into a row, so nothing in one is taken for what it should be.
    """

    def __init__(self, store: Store, seal: Seal, noted: tuple[int, bytes] | None) -> None:
        self._store = store
        self._seal = seal
        self._noted = noted
        self.entries = self._count("entry")
        self.transfers = self._count("transfer")

    def findings(self) -> list[FindingLine]:
        """Return every check with what it found, in a fixed order."""
        found: list[FindingLine] = []
        for name, (named, step) in PROBLEMS.items():
            problem, next_step = named, step
            try:
                rows = list(getattr(self, f"_{name}")())
            except Damaged as error:
                problem, next_step = PROBLEMS["pages"]
                rows = [str(error)]
            found.append(
                {
                    "check": name,
                    "ok": not rows,
                    "problem": fill(problem, {"count": len(rows)}) if rows else None,
                    "count": len(rows),
                    "rows": rows[:ROWS_MAX],
                    "next_step": next_step if rows else None,
                }
            )
        return found

    # --- the books -------------------------------------------------------------------------------

    def _pages(self) -> Iterator[str]:
        yield from self._store.page_problems()

    def _books(self) -> Iterator[str]:
        for book, debits_fen, credits_fen in self._rows(
            "SELECT book, sum(debits_fen), sum(credits_fen) FROM account GROUP BY book"
            " HAVING sum(debits_fen) <> sum(credits_fen)"
        ):
            yield f"{book}: {yuan(debits_fen)} / {yuan(credits_fen)}"

    def _accounts(self) -> Iterator[str]:
        for account, kind, stored_fen, added_fen in self._rows(
            "WITH moved (account, debits, credits) AS ("
            "  SELECT account, sum(debits), sum(credits) FROM ("
            "    SELECT debit AS account, amount_fen AS debits, 0 AS credits FROM transfer"
            "    UNION ALL SELECT credit, 0, amount_fen FROM transfer) GROUP BY account)"
            " SELECT id, kind, credits_fen - debits_fen,"
            " coalesce(credits, 0) - coalesce(debits, 0) FROM account"
            " LEFT JOIN moved ON moved.account = account.id"
            " WHERE debits_fen <> coalesce(debits, 0) OR credits_fen <> coalesce(credits, 0)"
        ):
            yield f"account {account} ({kind}): {yuan(stored_fen)} / {yuan(added_fen)}"

    def _floors(self) -> Iterator[str]:
        for account, kind, side, debits_fen, credits_fen in self._rows(
            "SELECT id, kind, side, debits_fen, credits_fen FROM account"
        ):
            below = credits_fen < debits_fen if side == "credit" else debits_fen < credits_fen
            if below or side != SIDES.get(kind):
                yield f"account {account} ({kind}): {yuan(credits_fen - debits_fen)}"

    def _moves(self) -> Iterator[str]:
        for debit, credit, reason, count, first in self._rows(
            "SELECT giver.kind, taker.kind, reason, count(*), min(transfer.id) FROM transfer"
            " JOIN account AS giver ON giver.id = debit JOIN account AS taker ON taker.id = credit"
            " GROUP BY giver.kind, taker.kind, reason, giver.book = taker.book"
        ):
            if (debit, credit, reason) not in LEGAL | LEGAL_ONCE:
                yield f"transfer {first} (+{count - 1}): {debit} -> {credit}, {reason}"

    def _reserve(self) -> Iterator[str]:
        held = self._held()
        users_fen = sum(held[PLATFORM, kind] for kind in _OWED_TO_USERS)
        reserve_fen = -held[PLATFORM, Kind.RESERVE]
        transit_fen = -held[PLATFORM, Kind.INCOMING] - held[PLATFORM, Kind.OUTGOING]
        if users_fen != reserve_fen + transit_fen:
            yield f"{PLATFORM}: {yuan(users_fen)} / {yuan(reserve_fen + transit_fen)}"
        kept_fen = held[CENTRAL, Kind.PLATFORM_RESERVE]
        if reserve_fen != kept_fen:
            yield f"{PLATFORM}, {CENTRAL}: {yuan(reserve_fen)} / {yuan(kept_fen)}"
        above = self._by_owner(CENTRAL, Kind.BANK_RESERVE)
        for bank, number in BANK_NUMBERS.items():
            settled_fen = -held[bank, Kind.SETTLEMENT]
            if settled_fen != above[number]:
                yield f"{bank}, {CENTRAL}: {yuan(settled_fen)} / {yuan(above[number])}"

    def _held(self) -> Mapping[tuple[str, str], int]:
        """Return what each kind of account holds in each book, as credits less debits."""
        held: dict[tuple[str, str], int] = defaultdict(int)
        for book, kind, fen in self._rows(
            "SELECT book, kind, sum(credits_fen - debits_fen) FROM account GROUP BY book, kind"
        ):
            held[book, kind] = fen
        return held

    def _by_owner(self, book: str, kind: Kind) -> Mapping[int, int]:
        return defaultdict(
            int,
            self._store.rows(
                "SELECT owner, credits_fen - debits_fen FROM account WHERE book = ? AND kind = ?",
                book,
                kind,
            ),
        )

    # --- the channel -----------------------------------------------------------------------------

    def _transit(self) -> Iterator[str]:
        """Compare what each side has on its way with the messages that put it there."""
        held = self._held()
        ours: dict[tuple[str, str], int] = defaultdict(int)
        theirs: dict[tuple[str, str], int] = defaultdict(int)
        for bank, direction, ours_fen, theirs_fen in self._rows(
            "SELECT message.bank, direction, sum(iif(message.state = 'accepted', amount_fen, 0)),"
            " sum(iif(bank_message.state IN ('booked', 'late'), amount_fen, 0)) FROM message"
            " LEFT JOIN bank_message ON bank_message.message = number"
            " WHERE batch IS NULL GROUP BY message.bank, direction"
        ):
            ours[bank, direction] = ours_fen
            theirs[bank, direction] = theirs_fen
        incoming = self._by_owner(PLATFORM, Kind.INCOMING)
        outgoing = self._by_owner(PLATFORM, Kind.OUTGOING)
        for bank, number in BANK_NUMBERS.items():
            for name, held_fen, added_fen in (
                (f"{PLATFORM}, in from {bank}", -incoming[number], ours[bank, "debit"]),
                (f"{PLATFORM}, out to {bank}", outgoing[number], ours[bank, "credit"]),
                (f"{bank}, out", held[bank, Kind.OUTGOING], theirs[bank, "debit"]),
                (f"{bank}, in", -held[bank, Kind.INCOMING], theirs[bank, "credit"]),
            ):
                if held_fen != added_fen:
                    yield f"{name}: {yuan(held_fen)} / {yuan(added_fen)}"

    def _messages(self) -> Iterator[str]:
        frozen = self._by_owner(PLATFORM, Kind.PENDING)
        numbers = set()
        for row in self._rows(
            "SELECT message.number, message.id, message.bank, message.reason, message.amount_fen,"
            " fee_fen, message.state, theirs.state, asked.act, asked.answer, asked.profile,"
            " message.profile,"
            " came.act, came.answer, came.message, coalesce((SELECT sum(transfer.amount_fen)"
            "   FROM transfer JOIN account ON account.id = iif(direction = 'debit', debit, credit)"
            "   WHERE transfer.entry = outcome"
            "   AND account.kind = iif(direction = 'debit', 'incoming', 'outgoing')), 0),"
            " channel, direction, due_at, created_at IS asked.at AND message.packet IS asked.packet"
            "  AND card.profile IS message.profile AND deposit.bank IS message.bank, card.name"
            " FROM message LEFT JOIN card ON card.id = message.card"
            " LEFT JOIN deposit ON deposit.id = card.deposit"
            " LEFT JOIN bank_message AS theirs ON theirs.message = message.number"
            " LEFT JOIN entry AS asked ON asked.id = message.entry"
            " LEFT JOIN entry AS came ON came.id = outcome"
        ):
            number, message, bank, reason, amount_fen, fee_fen, state, theirs = row[:8]
            act, answer, asker, profile, came_as, came_to, about, moved_fen = row[8:16]
            channel, direction, due_at, fitting, card = row[16:]
            numbers.add(number)
            waits_fen = amount_fen + fee_fen if reason in ("withdraw", "refund") else 0
            accepted = state == "accepted"
            final = state in FINAL
            sealed = {"payment": message, "amount_fen": amount_fen}
            sealed["refunded_to" if reason == "refund" else "card"] = card
            if reason == "withdraw":
                sealed["fee_fen"] = fee_fen
            sealed_due = "arrives_at" if reason == "refund" else "at"
            sound = (
                act == ASKED_AS.get(reason)
                and asker == profile
                and _has(answer, sealed)
                and fitting
                and _at(answer, sealed_due) == due_at
                and message.startswith(CHANNEL_MARKS.get(channel, channel))
                and direction == DIRECTIONS.get(reason)
                and final == (came_as is not None)
                and (not final or came_as == (BOOKED_AS if accepted else GIVEN_BACK_AS).get(reason))
                and (not final or about == number)
                and (not final or accepted or _has(came_to, {"state": state, "bank": bank}))
                and moved_fen == (amount_fen if accepted else 0)
                and frozen[number] == (0 if final else waits_fen)
                and (not accepted or theirs == "booked")
                and (accepted or not final or theirs != "booked")
            )
            if not sound:
                yield f"{message}: {state}"
        for number, fen in frozen.items():
            if number not in numbers and fen:
                yield f"message {number}: {yuan(fen)}"

    def _batches(self) -> Iterator[str]:
        for batch, bank in self._rows(
            "WITH added AS (SELECT batch, bank, sum(direction = 'debit') AS ins,"
            "  sum(iif(direction = 'debit', amount_fen, 0)) AS in_sum,"
            "  sum(direction = 'credit') AS outs,"
            "  sum(iif(direction = 'credit', amount_fen, 0)) AS out_sum"
            "  FROM message WHERE batch IS NOT NULL GROUP BY batch, bank)"
            " SELECT coalesce(added.batch, line.batch), coalesce(added.bank, line.bank) FROM added"
            " FULL JOIN batch_line AS line ON line.batch = added.batch AND line.bank = added.bank"
            " WHERE ins IS NOT in_count OR in_sum IS NOT in_fen"
            " OR outs IS NOT out_count OR out_sum IS NOT out_fen"
        ):
            yield f"batch {batch}: {bank}"
        for batch, answer, moved_fen, gross_fen in self._rows(
            "SELECT batch.id, entry.answer,"
            " (SELECT coalesce(sum(amount_fen), 0) FROM transfer"
            "   WHERE transfer.entry = batch.entry AND book = 'central'),"
            " (SELECT coalesce(sum(in_fen + out_fen), 0) FROM batch_line"
            "   WHERE batch_line.batch = batch.number)"
            " FROM batch LEFT JOIN entry ON entry.id = batch.entry AND act = 'settle'"
        ):
            sealed = {"batch": batch, "net_fen": moved_fen, "gross_fen": gross_fen}
            if answer is None or not _has(answer, sealed):
                yield str(batch)

    def _suspense(self) -> Iterator[str]:
        """
        Compare each bank's suspense accounts with what its statement leaves unexplained.

        What it owes the channel for a message less what it has moved for it at its customer's
        account is what it is short of, or has too much of.
        """
        held = self._held()
        left = self._rows(
            "WITH lines AS (SELECT message,"
            "   sum(iif(direction = 'debit', amount_fen, -amount_fen)) AS moved_fen"
            "   FROM bank_line WHERE status <> 'RVRS' GROUP BY message)"
            " SELECT bank_message.bank, sum(iif(bank_message.state IN ('booked', 'late'),"
            "   iif(direction = 'debit', amount_fen, -amount_fen), 0) - coalesce(moved_fen, 0))"
            " FROM bank_message JOIN message ON message.number = bank_message.message"
            " LEFT JOIN lines ON lines.message = bank_message.message GROUP BY bank_message.bank"
        )
        unexplained: Mapping[str, int] = defaultdict(int, left)
        for bank in BANK_NUMBERS:
            suspense_fen = -held[bank, Kind.SHORTAGE] - held[bank, Kind.SURPLUS]
            if suspense_fen != unexplained[bank]:
                yield f"{bank}: {yuan(suspense_fen)} / {yuan(unexplained[bank])}"
        for line, message in self._rows(
            "SELECT bank_line.id, message.id FROM bank_line"
            " JOIN message ON message.number = bank_line.message"
            " LEFT JOIN entry ON entry.id = bank_line.entry"
            " LEFT JOIN correction ON correction.entry = bank_line.entry"
            " WHERE entry.message IS NOT bank_line.message OR bank_line.bank <> message.bank"
            " OR entry.act <> iif(status = 'CORR', 'correct', 'bank')"
            " OR (status = 'CORR' AND (correction.message IS NOT bank_line.message"
            "   OR correction.amount_fen IS NOT bank_line.amount_fen"
            "   OR correction.direction IS NOT bank_line.direction))"
        ):
            yield f"{message}: line {line}"

    # --- packets ---------------------------------------------------------------------------------

    def _packets(self) -> Iterator[str]:
        for packet, total_fen, claimed_fen, held_fen in self._rows(
            "WITH taken AS (SELECT packet, sum(amount_fen) AS fen, count(*) AS shares,"
            "   max(seat) AS seats, max(amount_fen) AS most FROM claim GROUP BY packet)"
            " SELECT packet.id, total_fen, claimed_fen, credits_fen - debits_fen FROM packet"
            " JOIN account ON account.id = packet.account"
            " LEFT JOIN taken ON taken.packet = packet.number"
            " WHERE claimed_fen <> coalesce(fen, 0) OR claimed_count <> coalesce(shares, 0)"
            " OR claimed_count <> coalesce(seats, 0) OR coalesce(most, 0) > share_max_fen"
            " OR credits_fen <> total_fen"
            " OR credits_fen - debits_fen <> iif(closed_at IS NULL, total_fen - claimed_fen, 0)"
            " OR (closed_at IS NULL AND claimed_count = count)"
            " OR (claimed_count = count AND claimed_fen <> total_fen)"
            " OR (closed_at < expires_at AND claimed_count < count)"
        ):
            yield f"{packet}: {yuan(total_fen)} - {yuan(claimed_fen)} / {yuan(held_fen)}"
        for packet, seat in self._rows(
            "SELECT packet.id, claim.seat FROM claim JOIN packet ON packet.number = claim.packet"
            " LEFT JOIN entry ON entry.id = claim.entry"
            " WHERE entry.act IS NOT 'claim' OR entry.packet IS NOT claim.packet"
            " OR entry.profile IS NOT claim.profile OR entry.amount_fen IS NOT claim.amount_fen"
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
            if not _as_sealed(answer, terms, lasts):
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

    # --- people ----------------------------------------------------------------------------------

    def _balances(self) -> Iterator[str]:
        last: dict[int, int] = {}
        for entry, profile, amount_fen, balance_fen, moved_fen in self._rows(
            "SELECT entry.id, entry.profile, entry.amount_fen, balance_fen,"
            " coalesce(sum(iif(credit = profile.account, transfer.amount_fen, 0)"
            "  - iif(debit = profile.account, transfer.amount_fen, 0)), 0)"
            " FROM entry JOIN profile ON profile.id = entry.profile"
            " LEFT JOIN transfer ON transfer.entry = entry.id GROUP BY entry.id ORDER BY entry.id"
        ):
            if amount_fen != moved_fen or balance_fen != last.get(profile, 0) + amount_fen:
                yield f"entry {entry}"
            last[profile] = balance_fen or 0
        for profile, name, held_fen in self._rows(
            "SELECT profile.id, name, credits_fen - debits_fen FROM profile"
            " JOIN account ON account.id = profile.account"
        ):
            if held_fen != last.get(profile, 0):
                yield f"{name}: {yuan(held_fen)} / {yuan(last.get(profile, 0))}"

    def _maturing(self) -> Iterator[str]:
        added: dict[tuple[int, int], int] = defaultdict(int)
        days = {ref: self._claims_after(ref) for (ref,) in self._rows("SELECT ref FROM policy")}
        for profile, at, amount_fen, policy in self._rows(
            "SELECT claim.profile, entry.at, claim.amount_fen, entry.policy FROM claim"
            " JOIN entry ON entry.id = claim.entry"
        ):
            if days.get(policy):
                from_at = days_after_midnight(from_micros(at), days[policy])
                added[profile, to_micros(from_at)] += amount_fen
        for profile, from_at, fen in self._rows(
            "SELECT profile, from_at, amount_fen FROM maturing"
        ):
            if added.pop((profile, from_at), 0) != fen:
                yield f"profile {profile}: {yuan(fen)}"
        for (profile, _from_at), fen in added.items():
            yield f"profile {profile}: 0.00 / {yuan(fen)}"

    def _claims_after(self, ref: str) -> int:
        try:
            policy = parse_policy(self._store.policy_text(ref) or "", ref)
        except InvalidPolicy:  # edited: what it said of claims is lost
            return 0
        return policy.settlement.claims_after_days

    def _usage(self) -> Iterator[str]:
        # Through the channel, a payment counts from the day it was asked for, unless it came to
        # nothing; what had no message is counted by its act.
        paid_in_part = "message.state NOT IN ('rejected', 'reversed')"
        used = (
            "WITH moved (person, flow, day, fen) AS ("
            " SELECT person, CASE reason WHEN 'send' THEN 'send_card' ELSE reason END,"
            "  date(message.created_at / 1000000, 'unixepoch', '+8 hours'), amount_fen"
            "  FROM message JOIN profile ON profile.id = message.profile"
            f"  WHERE reason IN ('topup', 'withdraw', 'send') AND {paid_in_part}"
            " UNION ALL SELECT person, CASE act WHEN 'send' THEN"
            "   iif(packet.card IS NULL, 'send_balance', 'send_card') ELSE act END,"
            "  date(entry.at / 1000000, 'unixepoch', '+8 hours'),"
            "  CASE act WHEN 'send' THEN total_fen"
            "   ELSE iif(json_valid(answer), answer ->> 'amount_fen', 0) END"
            "  FROM entry JOIN profile ON profile.id = entry.profile"
            "  LEFT JOIN packet ON packet.number = entry.packet"
            "  WHERE act IN ('topup', 'withdraw', 'send') AND entry.message IS NULL"
            " UNION ALL SELECT person, iif(packet.card IS NULL, 'send_balance', 'send_card'),"
            "  date(coalesce(message.created_at, packet.created_at) / 1000000,"
            "   'unixepoch', '+8 hours'), claimed_fen - total_fen"
            "  FROM packet JOIN profile ON profile.id = packet.sender"
            "  LEFT JOIN message ON message.outcome = packet.entry"
            "  WHERE closed_at IS NOT NULL)"
        )
        for table, key, moved in (
            ("usage", "day", "day"),
            ("usage_year", "year", "substr(day, 1, 4)"),
        ):
            for person, flow, when, counted_fen, moved_fen in self._rows(
                f"{used}, added AS (SELECT person, flow, {moved} AS {key}, sum(fen) AS fen"
                " FROM moved GROUP BY 1, 2, 3)"
                f" SELECT person, flow, {key}, coalesce({table}.used_fen, 0),"
                f" coalesce(added.fen, 0) FROM added FULL JOIN {table} USING (person, flow, {key})"
                f" WHERE coalesce({table}.used_fen, 0) <> coalesce(added.fen, 0)"
            ):
                yield f"person {person}, {flow}, {when}: {yuan(counted_fen)} / {yuan(moved_fen)}"

    # --- the chain -------------------------------------------------------------------------------

    def _chain(self) -> Iterator[str]:
        """Seal every entry again and compare; go on behind a break, so that each one is named."""
        previous, expected = EMPTY_HEAD.mac, 1
        transfers = self._transfers_by_entry()
        following = next(transfers, None)
        for fields, stored in self._store.sealed_entries():
            entry = int(fields[0])
            for missing in range(expected, min(entry, expected + ROWS_MAX)):
                yield f"entry {missing} is missing"
            expected = entry + 1
            while following is not None and following[0] < entry:
                yield f"transfers of entry {following[0]}, which is not there"
                following = next(transfers, None)
            lines: list[tuple[object, ...]] = []
            if following is not None and following[0] == entry:
                lines = following[1]
                following = next(transfers, None)
            try:
                again = self._seal(previous, canonical(fields, lines), generation=int(fields[-1]))
            except Damaged:  # sealed under keys that this home never had
                again = b""
            if again != stored:
                yield f"entry {entry}"
            previous = stored
        if following is not None:
            yield f"transfers of entry {following[0]}, which is not there"

    def _transfers_by_entry(self) -> Iterator[tuple[int, list[tuple[object, ...]]]]:
        rows = self._store.sealed_transfers()
        for entry, group in groupby(rows, key=lambda row: int(row[0])):
            yield entry, [tuple(row[1:]) for row in group]

    def _head(self) -> Iterator[str]:
        if self._noted is None:
            return
        entry, mac = self._noted
        if self._store.mac_of(entry) != mac:
            yield f"entry {entry}"

    def _rows(self, sql: str) -> Iterator[Any]:
        return self._store.each(sql)

    def _count(self, table: str) -> int:
        try:
            return int(self._store.row(f"SELECT count(*) FROM {table}")[0])
        except Damaged:
            return 0


def _has(answer: str, facts: Mapping[str, object]) -> bool:
    """Say whether *answer* is one of ours, and holds *facts*."""
    try:
        sealed = json.loads(answer)
        return all(sealed[name] == value for name, value in facts.items())
    except (ValueError, KeyError, TypeError):
        return False


def _at(answer: str, name: str) -> int | None:
    """Return the instant that *answer* has under *name*; None where it has none."""
    try:
        return to_micros(datetime.fromisoformat(json.loads(answer)[name]))
    except (ValueError, KeyError, TypeError):
        return None


def _as_sealed(answer: str, terms: Mapping[str, object], lasts: int) -> bool:
    """Say whether *terms* and how long they hold are what the *answer* at sending promised."""
    try:
        sealed = json.loads(answer)
        start, end = (datetime.fromisoformat(sealed[name]) for name in ("at", "expires_at"))
        return to_micros(end) - to_micros(start) == lasts and all(
            sealed[name] == value for name, value in terms.items()
        )
    except (ValueError, KeyError, TypeError):  # it is no answer of ours
        return False
