"""The schema of a ledger: tables, the rules that hold in them, and every form there has been."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def m005_the_ledger(db: "Database") -> None:
    """
    Lay out the ledger.

    The money rules stand twice: in the domain, and here as constraints that hold whatever the
    program does. Instants are whole microseconds of UTC; amounts are whole fen. A column that names
    an entry is no foreign key: the entry is written last, and the engine would look for it through
    each table that could name it. `Audit.page_problems` proves those references.
    """
    for statement in _M005:
        db.execute(statement)
    for table, columns in (
        ("entry", ["profile", "id"]),
        ("transfer", ["entry"]),
        ("sealed_row", ["entry"]),
        ("packet", ["sender", "number"]),
        ("card", ["profile"]),
    ):
        db.table(table).create_index(columns)
    db.table("claim").create_index(["profile", "packet"], unique=True)


MIGRATIONS: tuple[Callable[["Database"], None], ...] = (m005_the_ledger,)
"""Applied in order: the first makes the earliest form that is opened, each other one the next."""


_APPEND_ONLY = """
    CREATE TRIGGER {table}_is_never_{verb}d BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""

_M005 = (
    # One row: what is true of the whole home.
    """
    CREATE TABLE home (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        made_at INTEGER NOT NULL,
        generation INTEGER NOT NULL,        -- of the keys that seal this ledger's rows
        retired BLOB,                       -- what must live on of earlier keys, sealed
        policy TEXT REFERENCES policy (ref),
        current_profile INTEGER REFERENCES profile (id),
        clock TEXT NOT NULL CHECK (clock IN ('real', 'virtual')),
        clock_at INTEGER,                   -- the virtual clock's reading
        dice BLOB,                          -- a demo home's seed for all chance
        dice_drawn INTEGER NOT NULL DEFAULT 0,
        risk_pack TEXT REFERENCES risk_pack (ref),
        risk_model TEXT REFERENCES risk_model (ref),
        CHECK ((clock = 'virtual') = (clock_at IS NOT NULL))
    ) STRICT
    """,
    """
    CREATE TABLE policy (
        ref TEXT PRIMARY KEY,               -- name@version
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE account (
        id INTEGER PRIMARY KEY,
        book TEXT NOT NULL,
        kind TEXT NOT NULL,
        owner INTEGER NOT NULL,             -- a profile, a packet, a bank; 0 where nobody
        side TEXT NOT NULL CHECK (side IN ('debit', 'credit')),
        debits_fen INTEGER NOT NULL DEFAULT 0 CHECK (debits_fen >= 0),
        credits_fen INTEGER NOT NULL DEFAULT 0 CHECK (credits_fen >= 0),
        UNIQUE (book, kind, owner),
        UNIQUE (id, book),
        CONSTRAINT never_below_zero CHECK (
            CASE side
                WHEN 'credit' THEN credits_fen >= debits_fen
                ELSE debits_fen >= credits_fen
            END
        )
    ) STRICT
    """,
    """
    CREATE TABLE person (
        id INTEGER PRIMARY KEY,
        id_number_index BLOB UNIQUE,        -- blind; NULL until identified
        real_name_index BLOB,
        CHECK ((id_number_index IS NULL) = (real_name_index IS NULL))
    ) STRICT
    """,
    """
    CREATE TABLE profile (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,      -- case-folded, so that Li and li are not two people
        person INTEGER NOT NULL REFERENCES person (id),
        opened_at INTEGER NOT NULL,
        real_name BLOB,                     -- sealed
        id_number BLOB,                     -- sealed
        pin_hash TEXT NOT NULL,
        pin_tries INTEGER NOT NULL DEFAULT 0,   -- counted before they are checked
        pin_cleared INTEGER NOT NULL DEFAULT 0, -- the last try known right, or out of its lock
        pin_locked_until INTEGER,
        refund_to TEXT NOT NULL DEFAULT 'card' CHECK (refund_to IN ('card', 'balance')),
        totp_secret BLOB,                   -- sealed; NULL: no authenticator
        totp_step INTEGER NOT NULL DEFAULT 0,   -- the last one used
        CHECK (pin_cleared BETWEEN 0 AND pin_tries)
    ) STRICT
    """,
    """
    CREATE TABLE deposit (                  -- a card's account at its bank: it outlives the binding
        id INTEGER PRIMARY KEY,
        bank TEXT NOT NULL,
        card_number_index BLOB NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE card (
        id INTEGER PRIMARY KEY,
        profile INTEGER NOT NULL REFERENCES profile (id),
        name TEXT NOT NULL,                 -- what the person calls it by, such as cmb-3333
        deposit INTEGER NOT NULL REFERENCES deposit (id),
        number BLOB NOT NULL,               -- sealed
        tail TEXT NOT NULL CHECK (length(tail) = 4),
        bound_at INTEGER NOT NULL,
        removed_at INTEGER
    ) STRICT
    """,
    "CREATE UNIQUE INDEX card_is_bound_once ON card (deposit) WHERE removed_at IS NULL",
    "CREATE UNIQUE INDEX card_name_is_unique ON card (profile, name) WHERE removed_at IS NULL",
    """
    CREATE TABLE packet (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        entry INTEGER NOT NULL UNIQUE,
        sender INTEGER NOT NULL REFERENCES profile (id),
        recipient INTEGER REFERENCES profile (id),
        kind TEXT NOT NULL CHECK (kind IN ('lucky', 'equal', 'exclusive')),
        deal TEXT NOT NULL CHECK (deal IN ('double-mean', 'shuffled', 'equal')),
        total_fen INTEGER NOT NULL CHECK (total_fen > 0),
        count INTEGER NOT NULL CHECK (count > 0),
        share_max_fen INTEGER NOT NULL,
        greeting TEXT NOT NULL,
        cover TEXT,
        card INTEGER REFERENCES card (id),  -- what paid; NULL is the balance
        seed BLOB NOT NULL CHECK (length(seed) = 32),
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        claimed_fen INTEGER NOT NULL DEFAULT 0,
        claimed_count INTEGER NOT NULL DEFAULT 0,
        closed_at INTEGER,
        held INTEGER REFERENCES review_case (number),   -- the case that keeps it from being claimed
        CHECK ((kind = 'exclusive') = (recipient IS NOT NULL)),
        CHECK (kind <> 'exclusive' OR count = 1),
        CHECK ((kind = 'lucky') = (deal <> 'equal')),
        CHECK (deal <> 'equal' OR total_fen % count = 0),
        CHECK (claimed_count BETWEEN 0 AND count),
        CHECK (claimed_fen BETWEEN 0 AND total_fen),
        CHECK (expires_at > created_at),
        CHECK (total_fen >= count AND total_fen <= count * share_max_fen)
    ) STRICT
    """,
    """
    CREATE TRIGGER packet_terms_never_change BEFORE UPDATE OF
        number, id, entry, sender, recipient, kind, deal, total_fen, count, share_max_fen,
        greeting, cover, card, seed, created_at, expires_at ON packet
    BEGIN SELECT RAISE(ABORT, 'the terms of a packet never change'); END
    """,
    "CREATE INDEX packet_by_expiry ON packet (expires_at, number) WHERE closed_at IS NULL",
    "CREATE INDEX packet_open_by_sender ON packet (sender) WHERE closed_at IS NULL",
    "CREATE INDEX packet_by_recipient ON packet (recipient, number) WHERE recipient IS NOT NULL",
    """
    CREATE TABLE entry (                    -- one act, sealed into the chain
        id INTEGER PRIMARY KEY,
        act TEXT NOT NULL,
        profile INTEGER REFERENCES profile (id),
        request_id TEXT NOT NULL,
        inputs BLOB NOT NULL,               -- digest of what was asked
        packet INTEGER REFERENCES packet (number),
        counterparty INTEGER REFERENCES profile (id),
        amount_fen INTEGER NOT NULL,        -- what it did to the profile's balance
        balance_fen INTEGER,                -- and what it left there
        policy TEXT REFERENCES policy (ref),
        at INTEGER NOT NULL,
        clock TEXT NOT NULL CHECK (clock IN ('real', 'virtual')),
        facts TEXT NOT NULL,                -- see hongbao/domain/facts.py
        generation INTEGER NOT NULL,
        mac BLOB,                           -- seals its group: the last act of it has the MAC
        message INTEGER REFERENCES message (number),
        took TEXT,                          -- microseconds of each step: no part of the chain
        risk TEXT,                          -- how it was judged: domain/risk/record.py
        device INTEGER REFERENCES device (id),
        session INTEGER,
        counter INTEGER,                    -- the device's own, of this act
        signature BLOB,
        operator INTEGER REFERENCES operator (id),      -- who answers for it
        verdict TEXT,                       -- what *risk* says, where that is looked for
        reports INTEGER,
        challenge TEXT,
        UNIQUE (request_id, profile)
    ) STRICT
    """,
    """
    CREATE TRIGGER entry_never_changes BEFORE UPDATE OF
        id, act, profile, request_id, inputs, packet, counterparty, amount_fen, balance_fen,
        policy, at, clock, facts, generation, message, took, risk, device, session, counter,
        signature, operator, verdict, reports, challenge ON entry
    BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END
    """,
    """
    CREATE TRIGGER entry_is_sealed_once BEFORE UPDATE OF mac ON entry
        WHEN old.mac IS NOT NULL OR new.mac IS NULL
        OR old.id <> (SELECT max(id) FROM entry)
    BEGIN SELECT RAISE(ABORT, 'a group of acts is sealed once, by its last act'); END
    """,
    _APPEND_ONLY.format(table="entry", verb="delete"),
    """
    CREATE TABLE sealed_row (               -- a row of state, as an entry has left it
        place TEXT NOT NULL,                -- its table
        key TEXT NOT NULL,
        entry INTEGER NOT NULL,
        digest BLOB CHECK (length(digest) = 32),    -- NULL: it is gone
        PRIMARY KEY (place, key, entry)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE transfer (
        id INTEGER PRIMARY KEY,
        entry INTEGER NOT NULL,
        book TEXT NOT NULL,
        debit INTEGER NOT NULL,
        credit INTEGER NOT NULL,
        amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
        reason TEXT NOT NULL,
        CHECK (debit <> credit),
        FOREIGN KEY (debit, book) REFERENCES account (id, book),    -- both ends in one book
        FOREIGN KEY (credit, book) REFERENCES account (id, book)
    ) STRICT
    """,
    """
    CREATE TABLE claim (
        packet INTEGER NOT NULL REFERENCES packet (number),
        seat INTEGER NOT NULL CHECK (seat > 0),
        profile INTEGER NOT NULL REFERENCES profile (id),
        amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
        nonce BLOB NOT NULL CHECK (length(nonce) = 16),     -- drawn by the claim, for its share
        luck TEXT CHECK (luck <> ''),       -- the claimer's own part in that draw
        entry INTEGER NOT NULL,
        PRIMARY KEY (packet, seat)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE usage (                    -- what a person used of a flow on one of China's days
        person INTEGER NOT NULL REFERENCES person (id),
        flow TEXT NOT NULL,
        day TEXT NOT NULL,
        used_fen INTEGER NOT NULL CHECK (used_fen >= 0),
        PRIMARY KEY (person, flow, day)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE usage_year (               -- the same, added up, so that a lifetime is a few rows
        person INTEGER NOT NULL REFERENCES person (id),
        flow TEXT NOT NULL,
        year TEXT NOT NULL,
        used_fen INTEGER NOT NULL CHECK (used_fen >= 0),
        PRIMARY KEY (person, flow, year)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE refusal (                  -- named requests that were refused for good
        request_id TEXT NOT NULL,
        profile INTEGER NOT NULL REFERENCES profile (id),
        inputs BLOB NOT NULL,
        error TEXT NOT NULL,                -- as JSON
        generation INTEGER NOT NULL,        -- of the keys of its seal
        mac BLOB NOT NULL,                  -- no entry seals it
        PRIMARY KEY (request_id, profile)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE batch (                    -- one settlement between the platform and the banks
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        entry INTEGER NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE batch_line (               -- what one bank brought into it
        batch INTEGER NOT NULL REFERENCES batch (number),
        bank TEXT NOT NULL,
        in_count INTEGER NOT NULL CHECK (in_count >= 0),
        in_fen INTEGER NOT NULL CHECK (in_fen >= 0),
        out_count INTEGER NOT NULL CHECK (out_count >= 0),
        out_fen INTEGER NOT NULL CHECK (out_fen >= 0),
        PRIMARY KEY (batch, bank)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE message (                  -- one payment, as the platform has it
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        channel TEXT NOT NULL CHECK (channel IN ('netsunion', 'unionpay')),
        bank TEXT NOT NULL,
        card INTEGER NOT NULL REFERENCES card (id),
        profile INTEGER NOT NULL REFERENCES profile (id),
        direction TEXT NOT NULL CHECK (direction IN ('debit', 'credit')),
        reason TEXT NOT NULL CHECK (reason IN ('topup', 'send', 'withdraw', 'refund')),
        amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
        fee_fen INTEGER NOT NULL CHECK (fee_fen >= 0),
        packet INTEGER REFERENCES packet (number),      -- whose refund it carries
        terms TEXT NOT NULL,                -- what it is to become once it is paid, as JSON
        created_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,            -- not sent before
        entry INTEGER NOT NULL UNIQUE,
        day TEXT NOT NULL,                  -- its clearing day in China
        state TEXT NOT NULL CHECK
            (state IN ('created', 'sent', 'accepted', 'rejected', 'unknown', 'reversed')),
        outcome INTEGER UNIQUE,
        batch INTEGER REFERENCES batch (number),
        CHECK ((direction = 'debit') = (reason IN ('topup', 'send'))),
        CHECK ((packet IS NOT NULL) = (reason = 'refund')),
        CHECK (fee_fen = 0 OR reason = 'withdraw'),
        CHECK ((outcome IS NOT NULL) = (state IN ('accepted', 'rejected', 'reversed'))),
        CHECK (batch IS NULL OR state = 'accepted')
    ) STRICT
    """,
    """
    CREATE TRIGGER message_terms_never_change BEFORE UPDATE OF
        number, id, channel, bank, card, profile, direction, reason, amount_fen, fee_fen, packet,
        terms, created_at, due_at, entry ON message
    BEGIN SELECT RAISE(ABORT, 'the terms of a message never change'); END
    """,
    """
    CREATE TRIGGER message_outcome_is_final BEFORE UPDATE OF state, outcome, day ON message
        WHEN old.outcome IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a message has one outcome'); END
    """,
    """
    CREATE TRIGGER message_is_settled_once BEFORE UPDATE OF batch ON message
        WHEN old.batch IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a message is settled once'); END
    """,
    "CREATE INDEX message_open ON message (profile, number) WHERE outcome IS NULL",
    "CREATE INDEX message_by_due ON message (due_at, number) WHERE outcome IS NULL",
    "CREATE INDEX message_unsettled ON message (number) WHERE state = 'accepted' AND batch IS NULL",
    "CREATE INDEX message_by_day ON message (bank, day, id)",
    "CREATE INDEX message_by_packet ON message (packet) WHERE packet IS NOT NULL",
    "CREATE INDEX message_by_batch ON message (batch) WHERE batch IS NOT NULL",
    """
    CREATE TABLE bank_message (             -- the same message, as the bank has it
        message INTEGER PRIMARY KEY REFERENCES message (number),
        bank TEXT NOT NULL,
        -- queued: received, not booked yet; late: booked when the platform had given up
        state TEXT NOT NULL CHECK (state IN ('queued', 'booked', 'refused', 'late', 'reversed')),
        reason TEXT,                        -- why it was refused
        ready_at INTEGER,                   -- when a queued one is booked; NULL is: too late
        CHECK ((reason IS NOT NULL) = (state = 'refused'))
    ) STRICT
    """,
    """
    CREATE INDEX bank_message_unfinished ON bank_message (message)
        WHERE state IN ('queued', 'late')
    """,
    """
    CREATE TABLE bank_line (                -- one line of a bank's daily statement
        id INTEGER PRIMARY KEY,
        bank TEXT NOT NULL,
        number INTEGER NOT NULL,
        message INTEGER NOT NULL REFERENCES message (number),
        direction TEXT NOT NULL CHECK (direction IN ('debit', 'credit')),
        amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
        status TEXT NOT NULL CHECK (status IN ('BOOK', 'RVRS', 'CORR')),
        day TEXT NOT NULL,
        entry INTEGER NOT NULL,
        UNIQUE (bank, number)
    ) STRICT
    """,
    "CREATE INDEX bank_line_by_day ON bank_line (bank, day, message)",
    "CREATE INDEX bank_line_by_message ON bank_line (message)",
    """
    CREATE TABLE fault (                    -- a fault simulated at a demo bank or channel
        place TEXT NOT NULL,
        fault TEXT NOT NULL,
        amount_fen INTEGER NOT NULL,        -- 0 is every amount
        entry INTEGER NOT NULL,
        PRIMARY KEY (place, amount_fen)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE operator (                 -- who may put books right; no user of the wallet
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,
        made_at INTEGER NOT NULL,
        pin_hash TEXT NOT NULL,
        pin_tries INTEGER NOT NULL DEFAULT 0,
        pin_cleared INTEGER NOT NULL DEFAULT 0,
        pin_locked_until INTEGER,
        CHECK (pin_cleared BETWEEN 0 AND pin_tries)
    ) STRICT
    """,
    """
    CREATE TABLE correction (               -- one difference between two books, put right
        id INTEGER PRIMARY KEY,
        message INTEGER NOT NULL REFERENCES message (number),
        kind TEXT NOT NULL,
        direction TEXT NOT NULL CHECK (direction IN ('debit', 'credit')),
        amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
        why TEXT NOT NULL,
        operator INTEGER NOT NULL REFERENCES operator (id),
        entry INTEGER NOT NULL UNIQUE
    ) STRICT
    """,
    "CREATE INDEX correction_by_message ON correction (message)",
    """
    CREATE TABLE maturing (                 -- claimed, and not to be withdrawn before
        profile INTEGER NOT NULL REFERENCES profile (id),
        from_at INTEGER NOT NULL,
        amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
        PRIMARY KEY (profile, from_at)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX entry_by_message ON entry (message) WHERE message IS NOT NULL",
    """
    CREATE TABLE device (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,
        public_key BLOB NOT NULL UNIQUE CHECK (length(public_key) = 32),
        made_at INTEGER NOT NULL,
        city INTEGER NOT NULL DEFAULT 0,    -- where it says it is; 0 is not known
        session INTEGER NOT NULL DEFAULT 1 CHECK (session > 0),
        counter INTEGER NOT NULL DEFAULT 0 CHECK (counter >= 0),    -- of the last act it signed
        cut_at INTEGER,                     -- when its session was ended; NULL while it is open
        fault TEXT                          -- a fault simulated at a demo's device
    ) STRICT
    """,
    """
    CREATE TABLE enrolment (                -- a device, as a profile has let it in
        profile INTEGER NOT NULL REFERENCES profile (id),
        device INTEGER NOT NULL REFERENCES device (id),
        -- certified: enrolled with the ID number, so its signature counts as a factor
        state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'certified', 'removed')),
        since INTEGER NOT NULL,
        PRIMARY KEY (profile, device)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX enrolment_by_device ON enrolment (device)",
    """
    CREATE TABLE risk_pack (
        ref TEXT PRIMARY KEY,               -- name/version
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE risk_model (
        ref TEXT PRIMARY KEY,
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE habit (                    -- what is remembered of a profile's acts, now and then
        profile INTEGER PRIMARY KEY REFERENCES profile (id),
        upto INTEGER NOT NULL,              -- the entry of the last record in it
        text TEXT NOT NULL                  -- as JSON
    ) STRICT
    """,
    "CREATE INDEX entry_by_record ON entry (profile, id) WHERE risk IS NOT NULL",
    """
    CREATE TABLE stop (                     -- an act that risk control did not let happen
        entry INTEGER PRIMARY KEY,
        profile INTEGER NOT NULL REFERENCES profile (id),
        request_id TEXT NOT NULL            -- of what was asked for
    ) STRICT
    """,
    "CREATE INDEX stop_by_request ON stop (request_id, profile)",
    """
    CREATE TABLE challenge (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        profile INTEGER NOT NULL REFERENCES profile (id),
        entry INTEGER NOT NULL UNIQUE,
        inputs BLOB NOT NULL,               -- digest of what it stands before
        puzzle TEXT NOT NULL,               -- as JSON
        expires_at INTEGER NOT NULL,        -- not answered, and not used, after it
        tries INTEGER NOT NULL DEFAULT 0,   -- counted before they are checked
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'passed', 'failed', 'used')),
        used INTEGER UNIQUE,      -- the act that it let happen
        CHECK ((used IS NOT NULL) = (state = 'used'))
    ) STRICT
    """,
    "CREATE INDEX challenge_by_inputs ON challenge (profile, inputs) WHERE state = 'passed'",
    """
    CREATE TABLE review_case (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('hold', 'large', 'suspicious')),
        profile INTEGER NOT NULL REFERENCES profile (id),
        rule TEXT NOT NULL,                 -- the rule, or report, that opened it
        amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
        entry INTEGER NOT NULL,
        packet INTEGER REFERENCES packet (number),
        message INTEGER REFERENCES message (number),
        until INTEGER,                      -- when a hold ends without a reviewer
        ends TEXT CHECK (ends IN ('release', 'return')),
        state TEXT NOT NULL DEFAULT 'open' CHECK
            (state IN ('open', 'escalated', 'approved', 'rejected', 'released', 'returned')),
        closed INTEGER,
        UNIQUE (entry, kind, rule),
        CHECK ((kind = 'hold') = (until IS NOT NULL)),
        CHECK ((kind = 'hold') = (ends IS NOT NULL)),
        CHECK (kind <> 'hold' OR (packet IS NULL) <> (message IS NULL)),
        CHECK ((closed IS NULL) = (state IN ('open', 'escalated')))
    ) STRICT
    """,
    """
    CREATE TRIGGER review_case_never_changes BEFORE UPDATE OF
        number, id, kind, profile, rule, amount_fen, entry, packet, message, until, ends
        ON review_case
    BEGIN SELECT RAISE(ABORT, 'what a case is about never changes'); END
    """,
    """
    CREATE TRIGGER review_case_is_closed_once BEFORE UPDATE OF state, closed ON review_case
        WHEN old.closed IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a case is closed once'); END
    """,
    "CREATE INDEX review_case_open ON review_case (until, number) WHERE closed IS NULL",
    "CREATE INDEX review_case_waiting ON review_case (profile) WHERE closed IS NULL",
    "CREATE INDEX review_case_by_profile ON review_case (profile, rule, number)",
    "CREATE INDEX review_case_by_packet ON review_case (packet) WHERE packet IS NOT NULL",
    "CREATE INDEX review_case_by_message ON review_case (message) WHERE message IS NOT NULL",
    """
    CREATE TABLE opinion (                  -- what an operator said of a case
        entry INTEGER PRIMARY KEY,
        review_case INTEGER NOT NULL REFERENCES review_case (number),
        operator INTEGER NOT NULL REFERENCES operator (id),
        verb TEXT NOT NULL CHECK (verb IN ('approve', 'reject', 'escalate')),
        reason TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX opinion_by_case ON opinion (review_case)",
    # What operators did, so that their log is no search through everybody's acts.
    """
    CREATE INDEX entry_by_operator ON entry (id) WHERE operator IS NOT NULL
    """,
    """
    CREATE INDEX entry_by_packet_back ON entry (packet, id)
        WHERE act IN ('refund', 'returned', 'rejected')
    """,
    """
    CREATE TABLE external_bill (            -- what another institution says, as it was brought in
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        profile INTEGER NOT NULL REFERENCES profile (id),
        entry INTEGER NOT NULL UNIQUE,
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        removed INTEGER UNIQUE
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX external_bill_once ON external_bill (profile, digest)
        WHERE removed IS NULL
    """,
    """
    CREATE TABLE external_row (
        bill INTEGER NOT NULL REFERENCES external_bill (number),
        number INTEGER NOT NULL CHECK (number > 0),
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        counterparty TEXT NOT NULL,
        goods TEXT NOT NULL,
        direction TEXT NOT NULL CHECK (direction IN ('in', 'out', 'neutral')),
        amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
        method TEXT NOT NULL,
        state TEXT NOT NULL,
        id TEXT NOT NULL,                   -- as the other institution knows it
        merchant_id TEXT NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (bill, number)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER external_bill_is_removed_once BEFORE UPDATE ON external_bill
        WHEN old.removed IS NOT NULL OR new.removed IS NULL
        OR (old.number, old.id, old.profile, old.entry, old.digest)
        IS NOT (new.number, new.id, new.profile, new.entry, new.digest)
    BEGIN SELECT RAISE(ABORT, 'an imported bill is only ever removed'); END
    """,
    _APPEND_ONLY.format(table="external_bill", verb="delete"),
    _APPEND_ONLY.format(table="external_row", verb="update"),
    """
    CREATE TRIGGER external_row_goes_with_its_bill BEFORE DELETE ON external_row
        WHEN (SELECT removed FROM external_bill WHERE number = old.bill) IS NULL
    BEGIN SELECT RAISE(ABORT, 'rows go with their bill'); END
    """,
    *(
        _APPEND_ONLY.format(table=table, verb=verb)
        for table in (
            *("sealed_row", "transfer", "claim", "policy", "risk_pack", "risk_model"),
            *("batch", "batch_line", "bank_line", "correction", "stop", "opinion"),
        )
        for verb in ("update", "delete")
    ),
)
