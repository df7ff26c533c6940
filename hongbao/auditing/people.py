"""Checks of people: balances that follow one another, counters that count what they say."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from hongbao.auditing.look import Look
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.policy import parse_policy
from hongbao.errors import InvalidPolicy
from hongbao.units import from_micros, to_micros, yuan


class People(Look):
    """Whether each person has what their entries say, and has used what their limits count."""

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
        for profile, at, amount_fen, policy, until in self._rows(
            "SELECT claim.profile, coalesce(freed.at, entry.at), claim.amount_fen,"
            " coalesce(freed.policy, entry.policy),"
            " iif(json_valid(entry.answer), entry.answer ->> '$.delayed.until', NULL) FROM claim"
            " JOIN entry ON entry.id = claim.entry"
            " LEFT JOIN review_case AS hold ON hold.entry = claim.entry AND hold.kind = 'hold'"
            " LEFT JOIN entry AS freed ON freed.id = hold.closed"
            " WHERE coalesce(hold.state IN ('approved', 'released'), 1)"
        ):
            moments = [to_micros(datetime.fromisoformat(until))] if until else []
            if days.get(policy):
                from_at = days_after_midnight(from_micros(at), days[policy])
                moments.append(to_micros(from_at))
            if moments:
                added[profile, max(moments)] += amount_fen
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
            "  WHERE closed_at IS NOT NULL"
            " UNION ALL SELECT person, iif(packet.card IS NULL, 'send_balance', 'send_card'),"
            "  date(coalesce(message.created_at, packet.created_at) / 1000000,"
            "   'unixepoch', '+8 hours'), -share.amount_fen"
            "  FROM review_case AS share JOIN packet ON packet.number = share.packet"
            "  JOIN profile ON profile.id = packet.sender"
            "  LEFT JOIN message ON message.outcome = packet.entry"
            "  WHERE share.kind = 'hold' AND share.entry <> packet.entry"
            "  AND share.state IN ('rejected', 'returned'))"
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
