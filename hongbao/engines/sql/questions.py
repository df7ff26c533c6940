"""The SQL of the checks: each question of the audit, as this engine asks it."""

from hongbao.domain.cases import OPERATOR_ACTS
from hongbao.questions import Question

USED = """
WITH moved (person, flow, day, fen) AS (
    SELECT person, CASE reason WHEN 'send' THEN 'send_card' ELSE reason END,
        date(message.created_at / 1000000, 'unixepoch', '+8 hours'), amount_fen
    FROM message JOIN profile ON profile.id = message.profile
    WHERE reason IN ('topup', 'withdraw', 'send')
        AND message.state NOT IN ('rejected', 'reversed')
    UNION ALL SELECT person, 'send_balance',
        date(created_at / 1000000, 'unixepoch', '+8 hours'), total_fen
    FROM packet JOIN profile ON profile.id = packet.sender WHERE card IS NULL
    UNION ALL SELECT person, iif(packet.card IS NULL, 'send_balance', 'send_card'),
        date(coalesce(message.created_at, packet.created_at) / 1000000,
            'unixepoch', '+8 hours'), claimed_fen - total_fen
    FROM packet JOIN profile ON profile.id = packet.sender
    LEFT JOIN message ON message.outcome = packet.entry
    WHERE closed_at IS NOT NULL
    UNION ALL SELECT person, iif(packet.card IS NULL, 'send_balance', 'send_card'),
        date(coalesce(message.created_at, packet.created_at) / 1000000,
            'unixepoch', '+8 hours'), -share.amount_fen
    FROM review_case AS share JOIN packet ON packet.number = share.packet
    JOIN profile ON profile.id = packet.sender
    LEFT JOIN message ON message.outcome = packet.entry
    WHERE share.kind = 'hold' AND share.entry <> packet.entry
        AND share.state IN ('rejected', 'returned'))
"""
"""
What each person used of each flow on each of China's days, by payments and packets alone.

Through the channel, a payment counts from the day it was asked for, unless it came to nothing.
"""


def _counted(table: str, key: str, period: str) -> str:
    return f"""
        {USED}, counted AS (SELECT person, flow, {period} AS {key}, 0 AS kept, fen AS added
            FROM moved UNION ALL SELECT person, flow, {key}, used_fen, 0 FROM {table})
        SELECT person, flow, {key}, sum(kept), sum(added) FROM counted
        GROUP BY person, flow, {key} HAVING sum(kept) <> sum(added)
    """


_MATURING = """
        SELECT claim.profile, coalesce(freed.at, entry.at), claim.amount_fen,
            coalesce(freed.policy, entry.policy), entry.act,
            iif(entry.verdict IS 'allow', NULL, entry.facts)
        FROM claim
        JOIN entry ON entry.id = claim.entry
        LEFT JOIN review_case AS hold ON hold.entry = claim.entry AND hold.kind = 'hold'
        LEFT JOIN entry AS freed ON freed.id = hold.closed
        WHERE coalesce(hold.state IN ('approved', 'released'), 1)
        {which}
    """

_DEALS = """
        SELECT packet.id, deal, total_fen, count, share_max_fen, seed, nonce, luck,
            claim.amount_fen, seat, entry.act, entry.facts
        FROM packet
        JOIN claim ON claim.packet = packet.number
        JOIN entry ON entry.id = claim.entry
        {which}
        ORDER BY packet.number, claim.seat
    """

ASKED = {
    Question.BILLS_IMPORTED: """
        WITH restored AS MATERIALIZED (SELECT id FROM entry
            WHERE act IN ('restore', 'repaired'))
        SELECT number, external_bill.id, digest, made.facts, made.act, made.profile IS
            external_bill.profile, removed, gone.facts, gone.act, gone.profile IS
            external_bill.profile, EXISTS (SELECT 1
        FROM external_row
        WHERE bill = external_bill.number), number = 1 + max(
            coalesce(lag(number) OVER (ORDER BY number), 0),
            coalesce((SELECT max(id) FROM restored WHERE restored.id < external_bill.entry), 0))
        FROM external_bill
        LEFT JOIN entry AS made ON made.id = external_bill.entry
        LEFT JOIN entry AS gone ON gone.id = removed
        ORDER BY number
    """,
    Question.BILL_ENTRIES_WITHOUT_BILL: """
        SELECT entry.id
        FROM entry
        LEFT JOIN external_bill ON entry.id IN (external_bill.entry, external_bill.removed)
        WHERE act IN ('bill_import', 'bill_remove') AND external_bill.number IS NULL
        ORDER BY entry.id
    """,
    Question.UNBALANCED_BOOKS: """
        SELECT book, sum(debits_fen), sum(credits_fen)
        FROM account
        GROUP BY book HAVING sum(debits_fen) <> sum(credits_fen)
    """,
    Question.UNBALANCED_ACCOUNTS: """
        WITH moved (account, debits, credits) AS (
        SELECT account, sum(debits), sum(credits)
        FROM (
        SELECT debit AS account, amount_fen AS debits, 0 AS credits
        FROM transfer
        UNION ALL SELECT credit, 0, amount_fen
        FROM transfer) AS side
        GROUP BY account)
        SELECT id, kind, credits_fen - debits_fen, coalesce(credits, 0) - coalesce(debits, 0)
        FROM account
        LEFT JOIN moved ON moved.account = account.id
        WHERE debits_fen <> coalesce(debits, 0) OR credits_fen <> coalesce(credits, 0)
    """,
    Question.ACCOUNTS: """
        SELECT id, kind, side, debits_fen, credits_fen
        FROM account
    """,
    Question.STRAY_ACCOUNTS: """
        SELECT id, kind
        FROM account
        WHERE debits_fen = 0 AND credits_fen = 0 AND NOT (book = 'platform'
        AND (kind = 'packet' AND owner IN (SELECT number FROM packet)
        OR kind = 'balance' AND owner IN (SELECT id FROM profile)))
        AND NOT (kind = 'deposit' AND owner IN (SELECT id FROM deposit
        WHERE deposit.bank = account.book))
    """,
    Question.MOVES: """
        SELECT giver.kind, taker.kind, reason, count(*), min(transfer.id)
        FROM transfer
        JOIN account AS giver ON giver.id = debit
        JOIN account AS taker ON taker.id = credit
        GROUP BY giver.kind, taker.kind, reason, giver.book = taker.book
    """,
    Question.CASES: """
        SELECT review_case.number, review_case.id, review_case.kind, review_case.rule,
            review_case.profile IS opened.profile, review_case.amount_fen, review_case.until,
            review_case.state, review_case.closed, review_case.packet, review_case.message,
            review_case.ends, opened.act, opened.facts,
            coalesce(opened.risk, (SELECT asked.risk
        FROM message
        JOIN entry AS asked ON asked.id = message.entry
        WHERE message.outcome = opened.id)), shut.act, shut.at, shut.facts
        FROM review_case
        LEFT JOIN entry AS opened ON opened.id = review_case.entry
        LEFT JOIN entry AS shut ON shut.id = review_case.closed
        ORDER BY review_case.number
    """,
    Question.OPINIONS_OF_CASE: """
        SELECT opinion.entry, opinion.operator, verb, opinion.reason, operator.name, act, facts
        FROM opinion
        LEFT JOIN operator ON operator.id = opinion.operator
        LEFT JOIN entry ON entry.id = opinion.entry
        WHERE review_case = ?
        ORDER BY opinion.entry
    """,
    Question.CASE_ENTRIES_WITHOUT_CASE: """
        SELECT entry.id
        FROM entry
        LEFT JOIN opinion ON opinion.entry = entry.id
        WHERE act IN ('opinion', 'approved', 'rejected', 'escalated')
        AND opinion.entry IS NULL
        UNION ALL SELECT entry.id
        FROM entry
        LEFT JOIN review_case ON review_case.closed = entry.id
        WHERE act IN ('approved', 'rejected', 'released', 'returned')
        AND review_case.number IS NULL
        ORDER BY 1
    """,
    Question.OPERATOR_ENTRIES: f"""
        SELECT entry.id, act, facts, operator.name
        FROM entry
        LEFT JOIN operator ON operator.id = entry.operator
        WHERE operator IS NOT NULL
        UNION ALL SELECT id, act, facts, NULL
        FROM entry
        WHERE operator IS NULL AND act IN ({", ".join(f"'{act}'" for act in OPERATOR_ACTS)})
        ORDER BY 1
    """,
    Question.HOLDING_ENTRIES: """
        SELECT entry.id, act, facts, review_case.id
        FROM entry
        LEFT JOIN review_case ON review_case.entry = entry.id AND kind = 'hold'
        WHERE act IN ('send', 'claim', 'withdraw')
        AND (verdict IS NOT 'allow' OR review_case.id IS NOT NULL)
        ORDER BY entry.id
    """,
    Question.REPORTED_ENTRIES: """
        SELECT id, profile, at, risk
        FROM entry
        WHERE reports > 0 AND act NOT IN ('challenged', 'limited', 'refused', 'cut')
        ORDER BY id
    """,
    Question.LAST_CASE_OF_RULE: """
        SELECT review_case.entry, closed, entry.at
        FROM review_case
        JOIN entry ON entry.id = review_case.entry
        WHERE review_case.profile = ? AND rule = ? AND review_case.entry <= ?
        ORDER BY number DESC LIMIT 1
    """,
    Question.IN_TRANSIT: """
        SELECT message.bank, direction, sum(iif(message.state = 'accepted', amount_fen, 0)),
            sum(iif(bank_message.state IN ('booked', 'late'), amount_fen, 0))
        FROM message
        LEFT JOIN bank_message ON bank_message.message = number
        WHERE batch IS NULL
        GROUP BY message.bank, direction
    """,
    Question.PAYMENTS: """
        SELECT message.number, message.id, channel, message.bank, card.name, direction,
            message.reason, message.amount_fen, fee_fen, terms, due_at, day, message.state,
            theirs.state, asked.act, asked.facts, asked.at, off.at, came.act, came.facts,
            asked.profile IS message.profile AND asked.at IS created_at
                AND asked.packet IS message.packet AND card.profile IS message.profile
                AND deposit.bank IS message.bank,
            outcome IS NULL OR came.message IS message.number,
            (SELECT state FROM review_case WHERE review_case.message = message.number
                AND review_case.closed IS outcome),
            EXISTS (SELECT 1 FROM review_case WHERE review_case.packet = message.packet
                AND review_case.closed = message.entry),
            coalesce((SELECT sum(transfer.amount_fen)
                FROM transfer JOIN account ON account.id = iif(direction = 'debit', debit, credit)
                WHERE transfer.entry = outcome
                AND account.kind = iif(direction = 'debit', 'incoming', 'outgoing')), 0),
            EXISTS (SELECT 1 FROM entry WHERE entry.message = message.number
                AND act = 'unknown')
        FROM message LEFT JOIN card ON card.id = message.card
        LEFT JOIN deposit ON deposit.id = card.deposit
        LEFT JOIN bank_message AS theirs ON theirs.message = message.number
        LEFT JOIN entry AS asked ON asked.id = message.entry
        LEFT JOIN entry AS off ON off.message = message.number AND off.act = 'sent'
        LEFT JOIN entry AS came ON came.id = outcome
    """,
    Question.BANK_MESSAGES: """
        SELECT message.id, message.bank, theirs.bank, theirs.state, theirs.reason, theirs.ready_at,
            told.facts, told.at, told.policy
        FROM message
        LEFT JOIN bank_message AS theirs ON theirs.message = message.number
        LEFT JOIN entry AS told ON told.id = (SELECT max(id) FROM entry
            WHERE entry.message = message.number AND act = 'bank')
        WHERE theirs.message IS NOT NULL OR told.id IS NOT NULL
    """,
    Question.FAULTS: """
        SELECT place, fault, fault.amount_fen, entry.at
        FROM fault
        LEFT JOIN entry ON entry.id = fault.entry AND act = 'bank_fault'
    """,
    Question.FAULT_ENTRIES: """
        SELECT facts
        FROM entry
        WHERE act = 'bank_fault'
        ORDER BY id
    """,
    Question.UNBALANCED_BATCH_LINES: """
        WITH side (batch, bank, kept, ins, in_sum, outs, out_sum) AS (
        SELECT batch, bank, 0, direction = 'debit', iif(direction = 'debit', amount_fen, 0),
            direction = 'credit', iif(direction = 'credit', amount_fen, 0)
        FROM message
        WHERE batch IS NOT NULL
        UNION ALL SELECT batch, bank, 1, -in_count, -in_fen, -out_count, -out_fen
        FROM batch_line)
        SELECT batch, bank
        FROM side
        GROUP BY batch, bank
        HAVING sum(kept) <> 1 OR sum(kept = 0) = 0 OR sum(ins) <> 0 OR sum(in_sum) <> 0
        OR sum(outs) <> 0 OR sum(out_sum) <> 0
    """,
    Question.BATCHES: """
        SELECT batch.id, entry.facts, (SELECT coalesce(sum(amount_fen), 0)
        FROM transfer
        WHERE transfer.entry = batch.entry
        AND book = 'central'), (SELECT coalesce(sum(in_fen + out_fen), 0)
        FROM batch_line
        WHERE batch_line.batch = batch.number)
        FROM batch
        LEFT JOIN entry ON entry.id = batch.entry AND act = 'settle'
    """,
    Question.UNSETTLED_SINCE: """
        SELECT (SELECT at
        FROM entry
        WHERE id = (SELECT min(outcome)
        FROM message INDEXED BY message_unsettled
        WHERE state = 'accepted'
        AND batch IS NULL))
    """,
    Question.UNEXPLAINED_BY_BANKS: """
        WITH lines AS (SELECT message, sum(iif(direction = 'debit', amount_fen, -amount_fen)) AS
            moved_fen
        FROM bank_line
        WHERE status <> 'RVRS'
        GROUP BY message)
        SELECT bank_message.bank, sum(iif(bank_message.state IN ('booked', 'late'),
            iif(direction = 'debit', amount_fen, -amount_fen), 0) - coalesce(moved_fen, 0))
        FROM bank_message
        JOIN message ON message.number = bank_message.message
        LEFT JOIN lines ON lines.message = bank_message.message
        GROUP BY bank_message.bank
    """,
    Question.UNSOUND_BANK_LINES: """
        SELECT bank_line.id, message.id
        FROM bank_line
        JOIN message ON message.number = bank_line.message
        LEFT JOIN entry ON entry.id = bank_line.entry
        LEFT JOIN correction ON correction.entry = bank_line.entry
        WHERE entry.message IS NOT bank_line.message OR bank_line.bank <> message.bank
        OR bank_line.day <> message.day
        OR entry.act <> iif(status = 'CORR', 'correct', 'bank') OR (status = 'CORR'
        AND (correction.message IS NOT bank_line.message
        OR correction.amount_fen IS NOT bank_line.amount_fen
        OR correction.direction IS NOT bank_line.direction))
    """,
    Question.MISNUMBERED_LINES: """
        SELECT bank, number
        FROM (SELECT bank, id, number, row_number() OVER (ORDER BY id) AS place,
            row_number() OVER (PARTITION BY bank ORDER BY id) AS expected
            FROM bank_line) AS line
        WHERE number <> expected OR id <> place
        UNION ALL SELECT 'correction', id
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM correction) AS line
        WHERE id <> place
    """,
    Question.CORRECTIONS: """
        SELECT correction.id, act, facts, message.id, message.bank, kind, correction.direction,
            correction.amount_fen, why, operator.name
        FROM correction
        LEFT JOIN message ON message.number = correction.message
        LEFT JOIN operator ON operator.id = correction.operator
        LEFT JOIN entry ON entry.id = correction.entry
    """,
    Question.DEVICES_IN_USE: """
        SELECT name, public_key
        FROM device
        WHERE EXISTS (SELECT 1
        FROM enrolment
        WHERE enrolment.device = device.id AND state <> 'removed')
        ORDER BY id
    """,
    Question.SIGNERS: """
        SELECT id, public_key, session
        FROM device
    """,
    Question.ENROLLED: """
        SELECT profile, device
        FROM enrolment
    """,
    Question.DEVICE_COUNTERS: """
        SELECT id, name, counter
        FROM device
        ORDER BY id
    """,
    Question.RECORDS_OF_PROFILE: """
        SELECT risk
        FROM entry
        WHERE profile = ? AND id > ? AND id <= ? AND risk IS NOT NULL
        ORDER BY id
    """,
    Question.HABITS: """
        SELECT profile, upto, text
        FROM habit
    """,
    Question.STOPS: """
        SELECT entry.id, act, entry.profile, facts, risk, stop.profile, stop.request_id, EXISTS
            (SELECT 1
        FROM transfer
        WHERE transfer.entry = entry.id)
        FROM entry
        LEFT JOIN stop ON stop.entry = entry.id
        WHERE stop.entry IS NOT NULL OR act IN ('challenged', 'limited', 'refused', 'cut')
        ORDER BY entry.id
    """,
    Question.CHALLENGES: """
        SELECT challenge.id, state, expires_at, tries, asked.id IS NOT NULL
        AND (asked.act, asked.profile, asked.inputs) = ('challenged', challenge.profile,
            challenge.inputs) AND (used IS NOT NULL) = (state = 'used'), asked.at, asked.facts,
            asked.risk, passed.act, passed.facts, failed.act, failed.facts, used.id IS NULL
        OR (used.profile, used.inputs) = (challenge.profile, challenge.inputs)
        FROM challenge
        LEFT JOIN entry AS asked ON asked.id = challenge.entry
        LEFT JOIN entry AS passed ON passed.request_id = challenge.id || '/passed'
        AND passed.profile = challenge.profile
        LEFT JOIN entry AS failed ON failed.request_id = challenge.id || '/failed'
        AND failed.profile = challenge.profile
        LEFT JOIN entry AS used ON used.id = challenge.used
        ORDER BY challenge.number
    """,
    Question.CHALLENGE_ENTRIES_WITHOUT_CHALLENGE: """
        SELECT entry.id
        FROM entry
        LEFT JOIN challenge ON challenge.entry = entry.id
        WHERE act = 'challenged' AND challenge.number IS NULL
        UNION ALL SELECT entry.id
        FROM entry
        LEFT JOIN challenge ON challenge.used = entry.id
        WHERE entry.challenge IS NOT challenge.id
        UNION ALL SELECT entry.id
        FROM entry
        WHERE act IN ('challenge_passed', 'challenge_failed') AND NOT EXISTS (SELECT 1
        FROM challenge
        WHERE request_id IN (challenge.id || '/passed', challenge.id || '/failed'))
        ORDER BY 1
    """,
    Question.HOLDS: """
        SELECT hold.number, hold.id, hold.state, hold.amount_fen, hold.until, hold.ends,
            hold.closed,
            CASE WHEN hold.message IS NOT NULL THEN 'withdraw'
                WHEN packet.entry = hold.entry THEN 'send' ELSE 'claim' END AS what,
            CASE WHEN hold.message IS NOT NULL THEN message.entry = hold.entry
                    AND message.amount_fen = hold.amount_fen AND message.profile = hold.profile
                WHEN packet.entry = hold.entry THEN packet.total_fen = hold.amount_fen
                    AND packet.sender = hold.profile
                ELSE claim.amount_fen = hold.amount_fen AND claim.profile = hold.profile END,
            opened.act, opened.facts, shut.act, shut.at, shut.facts,
            shut.profile IS iif(claim.packet IS NOT NULL AND hold.state IN ('returned', 'rejected'),
                packet.sender, hold.profile),
            message.state, message.outcome,
            coalesce(kept.credits_fen, 0), coalesce(kept.debits_fen, 0),
            (SELECT group_concat(taker.kind || ' ' || reason) FROM transfer
                JOIN account AS taker ON taker.id = credit
                WHERE transfer.entry = hold.closed AND debit = kept.id)
        FROM review_case AS hold
        LEFT JOIN packet ON packet.number = hold.packet
        LEFT JOIN message ON message.number = hold.message
        LEFT JOIN entry AS opened ON opened.id = hold.entry
        LEFT JOIN entry AS shut ON shut.id = hold.closed
        LEFT JOIN claim ON claim.packet = hold.packet AND claim.entry = hold.entry
        LEFT JOIN account AS kept ON kept.book = 'platform' AND kept.kind = 'held'
            AND kept.owner = hold.number
        WHERE hold.kind = 'hold'
    """,
    Question.HELD_WITHOUT_CASE: """
        SELECT owner, credits_fen - debits_fen
        FROM account
        WHERE kind = 'held' AND NOT EXISTS (SELECT 1
        FROM review_case
        WHERE number = owner AND review_case.kind = 'hold')
    """,
    Question.BALANCES_BY_KIND: """
        SELECT book, kind, sum(credits_fen - debits_fen)
        FROM account
        GROUP BY book, kind
    """,
    Question.BALANCES_BY_OWNER: """
        SELECT owner, credits_fen - debits_fen
        FROM account
        WHERE book = ? AND kind = ?
    """,
    Question.UNSOUND_PACKETS: """
        WITH taken AS (SELECT packet, sum(amount_fen) AS fen, count(*) AS shares, max(seat) AS
            seats, max(amount_fen) AS most
        FROM claim
        GROUP BY packet)
        SELECT packet.id, total_fen, claimed_fen, credits_fen - debits_fen
        FROM packet
        LEFT JOIN account ON account.book = 'platform' AND account.kind = 'packet'
            AND account.owner = packet.number
        LEFT JOIN taken ON taken.packet = packet.number
        LEFT JOIN review_case AS hold ON hold.entry = packet.entry AND hold.kind = 'hold'
        WHERE account.id IS NULL OR closed_at <> coalesce((SELECT at
            FROM claim JOIN entry ON entry.id = claim.entry
            WHERE claim.packet = packet.number AND seat = count),
            (SELECT at FROM entry WHERE entry.packet = packet.number AND at = closed_at
            AND act IN ('refund', 'returned', 'rejected')), 0)
        OR claimed_fen <> coalesce(fen, 0) OR claimed_count <> coalesce(shares, 0)
        OR claimed_count <> coalesce(seats, 0) OR coalesce(most, 0) > share_max_fen
        OR credits_fen <> iif(hold.state IN ('open', 'escalated', 'rejected', 'returned'), 0,
            total_fen) OR credits_fen - debits_fen <> iif(closed_at IS NULL
        AND held IS NULL, total_fen - claimed_fen, 0)
        OR held IS NOT iif(hold.closed IS NULL, hold.number, NULL)
        OR (hold.state IN ('rejected', 'returned') AND closed_at IS NULL)
        OR (held IS NOT NULL AND (closed_at IS NOT NULL OR claimed_count > 0))
        OR (closed_at IS NULL AND claimed_count = count) OR (claimed_count = count
        AND claimed_fen <> total_fen) OR (closed_at < expires_at AND claimed_count < count
        AND coalesce(hold.state NOT IN ('rejected', 'returned'), 1))
    """,
    Question.UNSOUND_CLAIMS: """
        SELECT packet.id, claim.seat
        FROM claim
        JOIN packet ON packet.number = claim.packet
        LEFT JOIN entry ON entry.id = claim.entry
        LEFT JOIN review_case AS hold ON hold.entry = claim.entry AND hold.kind = 'hold'
        LEFT JOIN review_case AS before ON before.entry = packet.entry
        AND before.kind = 'hold'
        WHERE entry.act IS NOT 'claim' OR entry.packet IS NOT claim.packet
        OR entry.profile IS NOT claim.profile OR claim.entry <= before.closed
        OR entry.amount_fen IS NOT iif(hold.number IS NULL, claim.amount_fen, 0)
        OR entry.at < packet.created_at OR entry.at >= packet.expires_at
    """,
    Question.TERMS: """
        SELECT packet.id, packet.kind, deal, total_fen, count, share_max_fen, greeting, cover,
            seed, created_at = entry.at, expires_at, facts, entry.act, sender =
            entry.profile, recipient IS entry.counterparty, card IS NULL, card.name,
            card.profile IS sender
        FROM packet
        LEFT JOIN entry ON entry.id = packet.entry
        LEFT JOIN card ON card.id = packet.card
    """,
    Question.DEALS: _DEALS.format(which=""),
    Question.DEALS_OF: _DEALS.format(which="WHERE packet.number = ?"),
    Question.CLAIMED: """
        SELECT DISTINCT packet
        FROM claim
        WHERE entry > ?
        ORDER BY packet
    """,
    Question.CLAIMS: """
        SELECT entry, packet, seat, profile, amount_fen, nonce, luck
        FROM claim
        ORDER BY packet, seat
    """,
    Question.BALANCES_BY_PROFILE: """
        SELECT profile.id, name, credits_fen - debits_fen
        FROM profile
        LEFT JOIN account ON account.book = 'platform' AND account.kind = 'balance'
            AND account.owner = profile.id
    """,
    Question.POLICIES: """
        SELECT ref
        FROM policy
    """,
    Question.CLAIMS_TO_MATURE: _MATURING.format(which=""),
    Question.CLAIMS_TO_JUDGE: _MATURING.format(which="AND entry.verdict IS NOT 'allow'"),
    Question.MATURING: """
        SELECT profile, from_at, amount_fen
        FROM maturing
    """,
    Question.USAGE_BY_DAY: _counted("usage", "day", "day"),
    Question.USAGE_BY_YEAR: _counted("usage_year", "year", "substr(day, 1, 4)"),
    Question.ENTRY_COUNT: "SELECT count(*) FROM entry",
    Question.REFUSALS: """
        SELECT request_id, profile, inputs, error, generation, mac
        FROM refusal
        ORDER BY profile, request_id
    """,
    Question.HOME_CLOCK: """
        SELECT home.clock, clock_at, last.clock, last.at
        FROM home
        LEFT JOIN entry AS last ON last.id = (SELECT max(id) FROM entry)
    """,
    Question.SEALED_TRANSFERS: """
        SELECT entry, transfer.book, giver.kind, giver.owner, taker.kind, taker.owner,
            amount_fen, reason
        FROM transfer
        JOIN account AS giver ON giver.id = debit
        JOIN account AS taker ON taker.id = credit
        WHERE entry > ?
        ORDER BY entry, transfer.id
    """,
    Question.SEALED_ROWS: """
        SELECT entry, place, key, digest
        FROM sealed_row
        WHERE entry > ?
        ORDER BY entry, place, key
    """,
    Question.TRANSFER_COUNT: "SELECT count(*), min(id), max(id) FROM transfer",
}
