"""
The tables of a ledger on a cluster, in the least that all its engines have.

The columns of each table, and their order, are those of `hongbao.engines.sqlcipher.schema`: seals
cover rows in that order. There are no foreign keys, triggers or numbers that the engine gives; a
CHECK is one more wall where the engine has it, and no rule rests on it. A column that is a *live*
one exists only for its unique key: it is NULL, and so not unique, once the row is not live.
"""

import re

FORM = 2
"""The form of a ledger of this version, in the row of the table `form`."""

EARLIEST = 2
"""The first form that is opened."""

TABLES: dict[str, str] = {
    "form": "one BIGINT NOT NULL PRIMARY KEY, number BIGINT NOT NULL",
    "arrival": """
        one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
        home VARCHAR(16) NOT NULL,
        entry BIGINT NOT NULL,
        mac VARBINARY(32) NOT NULL CHECK (length(mac) = 32),
        turn VARBINARY(16) NOT NULL,
        filled BIGINT NOT NULL,
        done BIGINT NOT NULL CHECK (done IN (0, 1))
    """,
    "home": """
        id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
        made_at BIGINT NOT NULL,
        generation BIGINT NOT NULL,
        retired MEDIUMBLOB,
        policy VARCHAR(190),
        current_profile BIGINT,
        clock VARCHAR(20) NOT NULL CHECK (clock IN ('real', 'virtual')),
        clock_at BIGINT,
        dice SEALED,
        dice_drawn BIGINT NOT NULL DEFAULT 0,
        risk_pack VARCHAR(190),
        risk_model VARCHAR(190),
        CHECK ((clock = 'virtual') = (clock_at IS NOT NULL))
    """,
    "policy": "ref VARCHAR(190) NOT NULL PRIMARY KEY, text MEDIUMTEXT NOT NULL",
    "account": """
        id BIGINT NOT NULL PRIMARY KEY,
        book VARCHAR(40) NOT NULL,
        kind VARCHAR(40) NOT NULL,
        owner BIGINT NOT NULL,
        side VARCHAR(10) NOT NULL CHECK (side IN ('debit', 'credit')),
        debits_fen BIGINT NOT NULL DEFAULT 0 CHECK (debits_fen >= 0),
        credits_fen BIGINT NOT NULL DEFAULT 0 CHECK (credits_fen >= 0),
        UNIQUE KEY account_once (book, kind, owner),
        CHECK (kind NOT IN ('balance', 'packet', 'pending', 'held', 'deposit')
            OR (side = 'credit' AND credits_fen >= debits_fen)
            OR (side = 'debit' AND debits_fen >= credits_fen))
    """,
    "account_slot": """
        account BIGINT NOT NULL,
        slot BIGINT NOT NULL CHECK (slot >= 0),
        debits_fen BIGINT NOT NULL CHECK (debits_fen >= 0),
        credits_fen BIGINT NOT NULL CHECK (credits_fen >= 0),
        PRIMARY KEY (account, slot)
    """,
    "person": """
        id BIGINT NOT NULL PRIMARY KEY,
        id_number_index VARBINARY(64),
        real_name_index VARBINARY(64),
        UNIQUE KEY person_once (id_number_index),
        CHECK ((id_number_index IS NULL) = (real_name_index IS NULL))
    """,
    "profile": """
        id BIGINT NOT NULL PRIMARY KEY,
        name SEALED NOT NULL,
        name_key ALIKE NOT NULL,
        person BIGINT NOT NULL,
        opened_at BIGINT NOT NULL,
        real_name MEDIUMBLOB,
        id_number MEDIUMBLOB,
        pin_hash VARCHAR(500) NOT NULL,
        pin_tries BIGINT NOT NULL DEFAULT 0,
        pin_cleared BIGINT NOT NULL DEFAULT 0,
        pin_locked_until BIGINT,
        refund_to VARCHAR(20) NOT NULL DEFAULT 'card' CHECK (refund_to IN ('card', 'balance')),
        totp_secret MEDIUMBLOB,
        totp_step BIGINT NOT NULL DEFAULT 0,
        UNIQUE KEY profile_name (name_key),
        KEY profile_by_person (person),
        CHECK (pin_cleared BETWEEN 0 AND pin_tries)
    """,
    "deposit": """
        id BIGINT NOT NULL PRIMARY KEY,
        bank VARCHAR(40) NOT NULL,
        card_number_index VARBINARY(64) NOT NULL,
        UNIQUE KEY deposit_once (card_number_index)
    """,
    "card": """
        id BIGINT NOT NULL PRIMARY KEY,
        profile BIGINT NOT NULL,
        name ALIKE NOT NULL,
        deposit BIGINT NOT NULL,
        number MEDIUMBLOB NOT NULL,
        tail SEALED NOT NULL,
        bound_at BIGINT NOT NULL,
        removed_at BIGINT,
        live_deposit BIGINT AS (CASE WHEN removed_at IS NULL THEN deposit END) STORED,
        live_name VARBINARY(400) AS (CASE WHEN removed_at IS NULL THEN name END) STORED,
        UNIQUE KEY card_is_bound_once (live_deposit),
        UNIQUE KEY card_name_is_unique (profile, live_name),
        KEY card_by_profile (profile)
    """,
    "packet": """
        number BIGINT NOT NULL PRIMARY KEY,
        id VARCHAR(64) NOT NULL,
        entry BIGINT NOT NULL,
        sender BIGINT NOT NULL,
        recipient BIGINT,
        kind VARCHAR(20) NOT NULL CHECK (kind IN ('lucky', 'equal', 'exclusive')),
        deal VARCHAR(20) NOT NULL CHECK (deal IN ('double-mean', 'shuffled', 'equal')),
        total_fen BIGINT NOT NULL CHECK (total_fen > 0),
        count BIGINT NOT NULL CHECK (count > 0),
        share_max_fen BIGINT NOT NULL,
        greeting SEALED NOT NULL,
        cover SEALED,
        card BIGINT,
        seed SEALED NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        claimed_fen BIGINT NOT NULL DEFAULT 0,
        claimed_count BIGINT NOT NULL DEFAULT 0,
        closed_at BIGINT,
        held BIGINT,
        UNIQUE KEY packet_id (id),
        UNIQUE KEY packet_entry (entry),
        KEY packet_by_sender (sender, number),
        KEY packet_by_recipient (recipient, number),
        KEY packet_by_expiry (closed_at, expires_at, number),
        CHECK ((kind = 'exclusive') = (recipient IS NOT NULL)),
        CHECK (kind <> 'exclusive' OR count = 1),
        CHECK ((kind = 'lucky') = (deal <> 'equal')),
        CHECK (deal <> 'equal' OR total_fen % count = 0),
        CHECK (claimed_count BETWEEN 0 AND count),
        CHECK (claimed_fen BETWEEN 0 AND total_fen),
        CHECK (expires_at > created_at),
        CHECK (total_fen >= count AND total_fen <= count * share_max_fen)
    """,
    "entry": """
        id BIGINT NOT NULL PRIMARY KEY,
        act VARCHAR(40) NOT NULL,
        profile BIGINT,
        request_id VARCHAR(190) NOT NULL,
        inputs VARBINARY(64) NOT NULL,
        packet BIGINT,
        counterparty BIGINT,
        amount_fen BIGINT NOT NULL,
        balance_fen BIGINT,
        policy VARCHAR(190),
        at BIGINT NOT NULL,
        clock VARCHAR(20) NOT NULL CHECK (clock IN ('real', 'virtual')),
        facts SEALED_LONG NOT NULL,
        generation BIGINT NOT NULL,
        mac VARBINARY(64),
        message BIGINT,
        took TEXT,
        risk SEALED_LONG,
        device BIGINT,
        session BIGINT,
        counter BIGINT,
        signature VARBINARY(255),
        operator BIGINT,
        verdict VARCHAR(40),
        reports BIGINT,
        challenge VARCHAR(64),
        UNIQUE KEY entry_once (request_id, profile),
        KEY entry_by_profile (profile, id),
        KEY entry_by_message (message, id),
        KEY entry_by_packet (packet, id),
        KEY entry_by_operator (operator, id)
    """,
    "former_seal": """
        entry BIGINT NOT NULL PRIMARY KEY,
        mac VARBINARY(32) NOT NULL CHECK (length(mac) = 32)
    """,
    "lane": """
        name VARCHAR(40) NOT NULL PRIMARY KEY,
        upto BIGINT NOT NULL CHECK (upto > 0),
        head VARBINARY(32) NOT NULL CHECK (length(head) = 32),
        entry BIGINT NOT NULL,
        at BIGINT NOT NULL,
        version BIGINT NOT NULL DEFAULT 1,
        KEY lane_by_moment (at)
    """,
    "lane_entry": """
        lane VARCHAR(40) NOT NULL,
        number BIGINT NOT NULL CHECK (number > 0),
        entry BIGINT NOT NULL,
        mac VARBINARY(32) NOT NULL CHECK (length(mac) = 32),
        PRIMARY KEY (lane, number),
        KEY lane_entry_by_entry (entry)
    """,
    "underway": "number BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL",
    "sealed_lane": """
        lane VARCHAR(40) NOT NULL PRIMARY KEY,
        upto BIGINT NOT NULL CHECK (upto >= 0),
        head VARBINARY(32),
        epoch BIGINT,
        leaf BIGINT,
        CHECK ((upto = 0) = (head IS NULL))
    """,
    "log": """
        epoch BIGINT NOT NULL PRIMARY KEY,
        name VARCHAR(16) NOT NULL,
        size BIGINT NOT NULL CHECK (size > 0),
        root VARBINARY(32) NOT NULL CHECK (length(root) = 32),
        seal VARBINARY(32) NOT NULL,
        closed BIGINT NOT NULL CHECK (closed IN (0, 1))
    """,
    "leaf": """
        epoch BIGINT NOT NULL,
        number BIGINT NOT NULL,
        content MEDIUMBLOB NOT NULL,
        PRIMARY KEY (epoch, number)
    """,
    "node": """
        epoch BIGINT NOT NULL,
        level BIGINT NOT NULL,
        place BIGINT NOT NULL,
        hash VARBINARY(32) NOT NULL CHECK (length(hash) = 32),
        PRIMARY KEY (epoch, level, place)
    """,
    "checkpoint": """
        epoch BIGINT NOT NULL,
        size BIGINT NOT NULL,
        root VARBINARY(32) NOT NULL CHECK (length(root) = 32),
        seal VARBINARY(32) NOT NULL,
        PRIMARY KEY (epoch, size)
    """,
    "witness": """
        name VARCHAR(16) NOT NULL PRIMARY KEY,
        epoch BIGINT NOT NULL,
        size BIGINT NOT NULL,
        note MEDIUMBLOB NOT NULL,
        public VARBINARY(32) NOT NULL CHECK (length(public) = 32),
        seal VARBINARY(32) NOT NULL,
        at BIGINT NOT NULL
    """,
    "publication": """
        target VARCHAR(190) NOT NULL PRIMARY KEY,
        place MEDIUMBLOB NOT NULL,
        seal VARBINARY(32) NOT NULL,
        fence BIGINT NOT NULL CHECK (fence > 0),
        holder VARCHAR(100) NOT NULL,
        until BIGINT NOT NULL
    """,
    "sealed_row": """
        place VARCHAR(40) NOT NULL,
        key VARCHAR(190) NOT NULL,
        entry BIGINT NOT NULL,
        digest VARBINARY(32) CHECK (length(digest) = 32),
        PRIMARY KEY (place, key, entry),
        KEY sealed_row_by_entry (entry)
    """,
    "transfer": """
        id BIGINT NOT NULL PRIMARY KEY,
        entry BIGINT NOT NULL,
        book VARCHAR(40) NOT NULL,
        debit BIGINT NOT NULL,
        credit BIGINT NOT NULL,
        amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
        reason VARCHAR(40) NOT NULL,
        KEY transfer_by_entry (entry),
        CHECK (debit <> credit)
    """,
    "claim": """
        packet BIGINT NOT NULL,
        seat BIGINT NOT NULL CHECK (seat > 0),
        profile BIGINT NOT NULL,
        amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
        nonce VARBINARY(16) NOT NULL CHECK (length(nonce) = 16),
        luck SEALED,
        entry BIGINT NOT NULL,
        PRIMARY KEY (packet, seat),
        UNIQUE KEY claim_once (profile, packet),
        KEY claim_by_entry (entry)
    """,
    "usage": """
        person BIGINT NOT NULL,
        flow VARCHAR(40) NOT NULL,
        day VARCHAR(10) NOT NULL,
        used_fen BIGINT NOT NULL CHECK (used_fen >= 0),
        PRIMARY KEY (person, flow, day)
    """,
    "usage_year": """
        person BIGINT NOT NULL,
        flow VARCHAR(40) NOT NULL,
        year VARCHAR(4) NOT NULL,
        used_fen BIGINT NOT NULL CHECK (used_fen >= 0),
        PRIMARY KEY (person, flow, year)
    """,
    "refusal": """
        request_id VARCHAR(190) NOT NULL,
        profile BIGINT NOT NULL,
        inputs VARBINARY(64) NOT NULL,
        error SEALED_LONG NOT NULL,
        generation BIGINT NOT NULL,
        mac VARBINARY(64) NOT NULL,
        PRIMARY KEY (request_id, profile)
    """,
    "batch": """
        number BIGINT NOT NULL PRIMARY KEY,
        id VARCHAR(64) NOT NULL,
        entry BIGINT NOT NULL,
        UNIQUE KEY batch_id (id),
        UNIQUE KEY batch_entry (entry)
    """,
    "batch_line": """
        batch BIGINT NOT NULL,
        bank VARCHAR(40) NOT NULL,
        in_count BIGINT NOT NULL CHECK (in_count >= 0),
        in_fen BIGINT NOT NULL CHECK (in_fen >= 0),
        out_count BIGINT NOT NULL CHECK (out_count >= 0),
        out_fen BIGINT NOT NULL CHECK (out_fen >= 0),
        PRIMARY KEY (batch, bank)
    """,
    "message": """
        number BIGINT NOT NULL PRIMARY KEY,
        id VARCHAR(64) NOT NULL,
        channel VARCHAR(20) NOT NULL CHECK (channel IN ('netsunion', 'unionpay')),
        bank VARCHAR(40) NOT NULL,
        card BIGINT NOT NULL,
        profile BIGINT NOT NULL,
        direction VARCHAR(10) NOT NULL CHECK (direction IN ('debit', 'credit')),
        reason VARCHAR(20) NOT NULL CHECK (reason IN ('topup', 'send', 'withdraw', 'refund')),
        amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
        fee_fen BIGINT NOT NULL CHECK (fee_fen >= 0),
        packet BIGINT,
        terms SEALED_LONG NOT NULL,
        created_at BIGINT NOT NULL,
        due_at BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        day VARCHAR(10) NOT NULL,
        state VARCHAR(20) NOT NULL CHECK
            (state IN ('created', 'sent', 'accepted', 'rejected', 'unknown', 'reversed')),
        outcome BIGINT,
        batch BIGINT,
        UNIQUE KEY message_id (id),
        UNIQUE KEY message_entry (entry),
        UNIQUE KEY message_outcome (outcome),
        KEY message_open (profile, outcome, number),
        KEY message_unsettled (batch, state, number),
        KEY message_by_day (bank, day, id),
        KEY message_by_packet (packet),
        CHECK ((direction = 'debit') = (reason IN ('topup', 'send'))),
        CHECK ((packet IS NOT NULL) = (reason = 'refund')),
        CHECK (fee_fen = 0 OR reason = 'withdraw'),
        CHECK ((outcome IS NOT NULL) = (state IN ('accepted', 'rejected', 'reversed'))),
        CHECK (batch IS NULL OR state = 'accepted')
    """,
    "bank_message": """
        message BIGINT NOT NULL PRIMARY KEY,
        bank VARCHAR(40) NOT NULL,
        state VARCHAR(20) NOT NULL CHECK
            (state IN ('queued', 'booked', 'refused', 'late', 'reversed')),
        reason VARCHAR(190),
        ready_at BIGINT,
        KEY bank_message_by_state (state),
        CHECK ((reason IS NOT NULL) = (state = 'refused'))
    """,
    "bank_line": """
        id BIGINT NOT NULL PRIMARY KEY,
        bank VARCHAR(40) NOT NULL,
        number BIGINT NOT NULL,
        message BIGINT NOT NULL,
        direction VARCHAR(10) NOT NULL CHECK (direction IN ('debit', 'credit')),
        amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
        status VARCHAR(10) NOT NULL CHECK (status IN ('BOOK', 'RVRS', 'CORR')),
        day VARCHAR(10) NOT NULL,
        entry BIGINT NOT NULL,
        UNIQUE KEY bank_line_once (bank, number),
        KEY bank_line_by_day (bank, day, message),
        KEY bank_line_by_message (message)
    """,
    "fault": """
        place VARCHAR(40) NOT NULL,
        fault VARCHAR(40) NOT NULL,
        amount_fen BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        PRIMARY KEY (place, amount_fen)
    """,
    "operator": """
        id BIGINT NOT NULL PRIMARY KEY,
        name SEALED NOT NULL,
        name_key ALIKE NOT NULL,
        made_at BIGINT NOT NULL,
        pin_hash VARCHAR(500) NOT NULL,
        pin_tries BIGINT NOT NULL DEFAULT 0,
        pin_cleared BIGINT NOT NULL DEFAULT 0,
        pin_locked_until BIGINT,
        UNIQUE KEY operator_name (name_key),
        CHECK (pin_cleared BETWEEN 0 AND pin_tries)
    """,
    "correction": """
        id BIGINT NOT NULL PRIMARY KEY,
        message BIGINT NOT NULL,
        kind VARCHAR(40) NOT NULL,
        direction VARCHAR(10) NOT NULL CHECK (direction IN ('debit', 'credit')),
        amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
        why SEALED_LONG NOT NULL,
        operator BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        UNIQUE KEY correction_entry (entry),
        KEY correction_by_message (message)
    """,
    "maturing": """
        profile BIGINT NOT NULL,
        from_at BIGINT NOT NULL,
        amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
        PRIMARY KEY (profile, from_at)
    """,
    "device": """
        id BIGINT NOT NULL PRIMARY KEY,
        name SEALED NOT NULL,
        name_key ALIKE NOT NULL,
        public_key VARBINARY(32) NOT NULL CHECK (length(public_key) = 32),
        made_at BIGINT NOT NULL,
        city SEALED NOT NULL,
        session BIGINT NOT NULL DEFAULT 1 CHECK (session > 0),
        counter BIGINT NOT NULL DEFAULT 0 CHECK (counter >= 0),
        cut_at BIGINT,
        fault VARCHAR(40),
        UNIQUE KEY device_name (name_key),
        UNIQUE KEY device_public_key (public_key)
    """,
    "enrolment": """
        profile BIGINT NOT NULL,
        device BIGINT NOT NULL,
        state VARCHAR(20) NOT NULL CHECK
            (state IN ('pending', 'approved', 'certified', 'removed')),
        since BIGINT NOT NULL,
        PRIMARY KEY (profile, device),
        KEY enrolment_by_device (device)
    """,
    "risk_pack": "ref VARCHAR(190) NOT NULL PRIMARY KEY, text MEDIUMTEXT NOT NULL",
    "risk_model": "ref VARCHAR(190) NOT NULL PRIMARY KEY, text MEDIUMTEXT NOT NULL",
    "habit": """
        profile BIGINT NOT NULL PRIMARY KEY,
        upto BIGINT NOT NULL,
        text SEALED_LONG NOT NULL
    """,
    "stop": """
        entry BIGINT NOT NULL PRIMARY KEY,
        profile BIGINT NOT NULL,
        request_id VARCHAR(190) NOT NULL,
        KEY stop_by_request (request_id, profile)
    """,
    "challenge": """
        number BIGINT NOT NULL PRIMARY KEY,
        id VARCHAR(64) NOT NULL,
        profile BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        inputs VARBINARY(64) NOT NULL,
        puzzle SEALED_LONG NOT NULL,
        expires_at BIGINT NOT NULL,
        tries BIGINT NOT NULL DEFAULT 0,
        state VARCHAR(20) NOT NULL DEFAULT 'open' CHECK
            (state IN ('open', 'passed', 'failed', 'used')),
        used BIGINT,
        UNIQUE KEY challenge_id (id),
        UNIQUE KEY challenge_entry (entry),
        UNIQUE KEY challenge_used (used),
        KEY challenge_by_inputs (profile, inputs),
        CHECK ((used IS NOT NULL) = (state = 'used'))
    """,
    "review_case": """
        number BIGINT NOT NULL PRIMARY KEY,
        id VARCHAR(64) NOT NULL,
        kind VARCHAR(20) NOT NULL CHECK (kind IN ('hold', 'large', 'suspicious')),
        profile BIGINT NOT NULL,
        rule VARCHAR(190) NOT NULL,
        amount_fen BIGINT NOT NULL CHECK (amount_fen >= 0),
        entry BIGINT NOT NULL,
        packet BIGINT,
        message BIGINT,
        until BIGINT,
        ends VARCHAR(20) CHECK (ends IN ('release', 'return')),
        state VARCHAR(20) NOT NULL DEFAULT 'open' CHECK
            (state IN ('open', 'escalated', 'approved', 'rejected', 'released', 'returned')),
        closed BIGINT,
        UNIQUE KEY case_id (id),
        UNIQUE KEY case_once (entry, kind, rule),
        KEY case_open (closed, until, number),
        KEY case_by_profile (profile, rule, number),
        KEY case_by_packet (packet),
        KEY case_by_message (message),
        CHECK ((kind = 'hold') = (until IS NOT NULL)),
        CHECK ((kind = 'hold') = (ends IS NOT NULL)),
        CHECK (kind <> 'hold' OR (packet IS NULL) <> (message IS NULL)),
        CHECK ((closed IS NULL) = (state IN ('open', 'escalated')))
    """,
    "opinion": """
        entry BIGINT NOT NULL PRIMARY KEY,
        review_case BIGINT NOT NULL,
        operator BIGINT NOT NULL,
        verb VARCHAR(20) NOT NULL CHECK (verb IN ('approve', 'reject', 'escalate')),
        reason SEALED_LONG NOT NULL,
        KEY opinion_by_case (review_case)
    """,
    "external_bill": """
        number BIGINT NOT NULL PRIMARY KEY,
        id VARCHAR(64) NOT NULL,
        profile BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        digest VARBINARY(32) NOT NULL CHECK (length(digest) = 32),
        removed BIGINT,
        live_digest VARBINARY(32) AS (CASE WHEN removed IS NULL THEN digest END) STORED,
        UNIQUE KEY bill_id (id),
        UNIQUE KEY bill_entry (entry),
        UNIQUE KEY bill_removed (removed),
        UNIQUE KEY external_bill_once (profile, live_digest)
    """,
    "external_row": """
        bill BIGINT NOT NULL,
        number BIGINT NOT NULL CHECK (number > 0),
        at BIGINT NOT NULL,
        kind SEALED_LONG NOT NULL,
        counterparty SEALED_LONG NOT NULL,
        goods SEALED_LONG NOT NULL,
        direction VARCHAR(10) NOT NULL CHECK (direction IN ('in', 'out', 'neutral')),
        amount_fen BIGINT NOT NULL CHECK (amount_fen >= 0),
        method SEALED_LONG NOT NULL,
        state SEALED_LONG NOT NULL,
        id SEALED_LONG NOT NULL,
        merchant_id SEALED_LONG NOT NULL,
        note SEALED_LONG NOT NULL,
        PRIMARY KEY (bill, number)
    """,
}
"""Each table's columns and keys; SEALED, SEALED_LONG and ALIKE are columns that are sealed."""

_TYPES = {"SEALED_LONG": "MEDIUMBLOB", "SEALED": "VARBINARY(2000)", "ALIKE": "VARBINARY(400)"}

OWNERS = frozenset({"form", "arrival", "former_seal"})
"""Tables that only the owner writes to: who makes a ledger, or restores one there."""

UPDATED = frozenset(
    {
        *(
            "home",
            "account",
            "account_slot",
            "person",
            "profile",
            "deposit",
            "card",
            "packet",
            "entry",
        ),
        *("usage", "usage_year", "refusal", "message", "bank_message", "device", "enrolment"),
        *("habit", "challenge", "review_case", "external_bill", "fault", "operator", "maturing"),
        *("lane", "sealed_lane", "log", "witness", "publication"),
    }
)
"""Tables whose rows change; the others are only added to."""

DELETED = frozenset({"underway", "person", "usage", "usage_year", "fault", "external_row"})
"""Tables whose rows may go."""

REFERENCES: dict[str, dict[str, str]] = {
    "home": {
        "policy": "policy.ref",
        "current_profile": "profile.id",
        "risk_pack": "risk_pack.ref",
        "risk_model": "risk_model.ref",
    },
    "profile": {"person": "person.id"},
    "card": {"profile": "profile.id", "deposit": "deposit.id"},
    "packet": {
        "sender": "profile.id",
        "recipient": "profile.id",
        "card": "card.id",
        "held": "review_case.number",
    },
    "entry": {
        "profile": "profile.id",
        "packet": "packet.number",
        "counterparty": "profile.id",
        "policy": "policy.ref",
        "message": "message.number",
        "device": "device.id",
        "operator": "operator.id",
    },
    "account_slot": {"account": "account.id"},
    "transfer": {"debit": "account.id", "credit": "account.id"},
    "claim": {"packet": "packet.number", "profile": "profile.id"},
    "usage": {"person": "person.id"},
    "usage_year": {"person": "person.id"},
    "refusal": {"profile": "profile.id"},
    "batch_line": {"batch": "batch.number"},
    "message": {
        "card": "card.id",
        "profile": "profile.id",
        "packet": "packet.number",
        "batch": "batch.number",
    },
    "bank_message": {"message": "message.number"},
    "bank_line": {"message": "message.number"},
    "correction": {"message": "message.number", "operator": "operator.id"},
    "maturing": {"profile": "profile.id"},
    "enrolment": {"profile": "profile.id", "device": "device.id"},
    "habit": {"profile": "profile.id"},
    "stop": {"profile": "profile.id"},
    "challenge": {"profile": "profile.id"},
    "review_case": {
        "profile": "profile.id",
        "packet": "packet.number",
        "message": "message.number",
    },
    "opinion": {"review_case": "review_case.number", "operator": "operator.id"},
    "external_bill": {"profile": "profile.id"},
    "external_row": {"bill": "external_bill.number"},
}
"""Which column names a row of which other table: what foreign keys prove in a file."""


def grants(database: str, user: str) -> list[str]:
    """
    Return the statements by which the owner of *database* lets *user* do what acts do, and no more.

    *user* is as SQL has it, such as ``'pay'@'%'`` (see `account_of`).
    """
    given = []
    for table in TABLES:
        rights = ["SELECT"] if table in OWNERS else ["SELECT", "INSERT"]
        rights += ["UPDATE"] if table in UPDATED else []
        rights += ["DELETE"] if table in DELETED else []
        given.append(f"GRANT {', '.join(rights)} ON `{database}`.`{table}` TO {user}")
    return given


def account_of(user: str) -> str:
    """
    Return *user*, ``NAME`` or ``NAME@HOST``, as SQL has it: any host where none is named.

    Raises ValueError for what could be read as something else in quotes.

    >>> account_of("pay"), account_of("pay@10.0.0.%")
    ("'pay'@'%'", "'pay'@'10.0.0.%'")
    """
    found = re.fullmatch(r"([^\s'\"`\\@;]{1,80})(?:@([^\s'\"`\\@;]{1,255}))?", user)
    if found is None or not user.isprintable():
        raise ValueError(user)
    return f"'{found[1]}'@'{found[2] or '%'}'"


def definitions() -> list[str]:
    """Return the statements that make the tables, where they are not there yet."""
    return [
        f"CREATE TABLE IF NOT EXISTS `{table}` ({_portable(body)}) ENGINE = InnoDB"
        " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        for table, body in TABLES.items()
    ]


def _portable(body: str) -> str:
    body = re.sub(r"\b(SEALED_LONG|SEALED|ALIKE)\b", lambda found: _TYPES[found[1]], body)
    return re.sub(r"(?<=[\s(])key(?= VARCHAR|,)", "`key`", body)


def _columns(body: str) -> list[str]:
    """Return the columns of a table in their order, without those that only a key needs."""
    found = re.findall(
        r"(?m)(?:^|,)\s*(\w+) (?:BIGINT|VARCHAR|VARBINARY|MEDIUMBLOB|MEDIUMTEXT|TEXT|SEALED|ALIKE)",
        body,
    )
    return [name for name in found if not name.startswith("live_")]


COLUMNS = {table: _columns(body) for table, body in TABLES.items()}
"""The columns of each table, as seals cover them."""

_SEALED = re.compile(r"(\w+) (SEALED_LONG|SEALED|ALIKE)")

SEALED_COLUMNS: dict[str, dict[str, bool]] = {
    table: {name: kind == "ALIKE" for name, kind in _SEALED.findall(body)}
    for table, body in TABLES.items()
}
"""The sealed columns of each table, and whether the same value is the same bytes there."""
