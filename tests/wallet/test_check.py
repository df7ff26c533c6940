"""`check` finds what was tampered with: each check has a corruption that trips it, and only it."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from hongbao import errors
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.vault import KeyFolder
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.wallet.acts import DAY, half_claimed
from tests.wallet.world import (
    CARD,
    LI,
    YUAN,
    Dump,
    World,
    card,
    changed,
    id_number,
    right,
    tail,
)

KEPT = {"sealed", "devices", "noted_head"}
"""Checks of what the keys hold, which are in `test_check_keys`."""

GUARDED = {"held", "habits", "challenges", "cases", "signatures"}
"""Checks of what risk control does, which have lives and corruptions of their own elsewhere."""

EVERYTHING = {
    *("pages", "books", "accounts", "floors", "moves", "reserve", "state"),
    *("transit", "messages", "batches", "suspense", "packets", "terms", "deals"),
    *("balances", "maturing", "usage", "bills", "chain", "head"),
    *KEPT,
    *GUARDED,
}


def live(world: World) -> World:
    """
    Let a bit of everything happen: every kind of packet and act, in every state.

    Payments are settled once, and once more some wait for it; a bank has declined one, a refund is
    on its way to its card, and what was claimed under the second policy cannot be withdrawn yet.
    """
    zhang, li, wang = world.zhang, world.li, world.wang
    zhang.topup(2000 * YUAN, pin=right)
    li.topup(300 * YUAN, pin=right)
    zhang.withdraw(1200 * YUAN, pin=right)  # with a fee
    finished = zhang.send(66_66, count=2, pin=right)["packet"]
    li.claim(finished)
    wang.claim(finished)
    shuffled = li.send(10_00, count=3, deal=DealRule.SHUFFLED, pin=right)["packet"]
    zhang.claim(shuffled)
    by_card = zhang.send(50_00, count=3, paid_from=tail(CARD), cover="龙", pin=right)["packet"]
    li.claim(by_card, luck="八方来财")
    world.at += DAY
    zhang.settle()
    zhang.refund_due()
    zhang.add_card(card(2, 7), pin=right)
    with pytest.raises(errors.InsufficientCard):
        li.topup(100_000 * YUAN, pin=right)
    zhang.topup(9 * YUAN, pin=right)
    zhang.use_policy(changed(expires_hours="48", claims_after_days="1"))
    half_claimed(world)  # packet 4, open, Li has a share
    equal = zhang.send(300, count=3, kind=PacketKind.EQUAL, pin=right)["packet"]
    wang.claim(equal)
    zhang.send(5_00, kind=PacketKind.EXCLUSIVE, recipient=LI, pin=right)  # packet 6
    with pytest.raises(errors.AlreadyClaimed):
        li.claim(finished, request_id="twice")
    zhang.rekey()
    world.close()
    world.wang.identify("王五", id_number(5), pin=right)
    world.close()
    return world


@pytest.fixture(scope="session")
def _busy(_people: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    return live(_people.copy(tmp_path_factory.mktemp("busy") / "home"))


@pytest.fixture(scope="session")
def before(_busy: World) -> Dump:
    """Every row, before anything is edited."""
    return _busy.dump()


@pytest.fixture
def busy(_busy: World, tmp_path: Path) -> World:
    return _busy.copy(tmp_path / "busy")


def test_a_busy_life_checks(busy: World):
    """
    Before anything is tampered with, every check passes and says what it has looked at.
    """
    checked = busy.zhang.check()

    assert checked["ok"]
    assert EVERYTHING == {finding["check"] for finding in checked["findings"]}
    dump = busy.dump()
    assert (len(dump["entry"]), len(dump["transfer"])) == (
        checked["entries"],
        checked["transfers"],
    )
    last = dump["entry"][-1]
    assert {"entry": last[0], "mac": last[14].hex()} == checked["head"]


@pytest.mark.parametrize("asked", ["check", "records_kept"])
def test_what_another_process_does_during_a_check_is_nothing_wrong(
    asked: str, busy: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Its entry is noted next to the keys, and the snapshot that is judged may not have it yet.
    """
    zhang, li, head = busy.zhang, busy.li, KeyFolder.head
    sent = zhang.send(2 * YUAN, count=2, pin=right)

    def head_after_a_claim(keys: KeyFolder) -> tuple[int, bytes] | None:
        if keys is zhang.keys:
            with suppress(errors.AlreadyClaimed):
                li.claim(sent["packet"])
        return head(keys)

    monkeypatch.setattr(KeyFolder, "head", head_after_a_claim)
    told = getattr(zhang, asked)()

    assert [] == [finding for finding in told["findings"] if not finding["ok"]]


ZHANGS_ACCOUNT = (
    "(SELECT account.id FROM account JOIN profile ON owner = profile.id WHERE book = 'platform'"
    " AND kind = 'balance' AND name = 'Zhang')"
)
LAST = "(SELECT max(id) FROM entry)"
TERMS = {
    "id": "'hb_7Q2M4K9X'",
    "total_fen": "total_fen - 1",
    "count": "count + 1",
    "share_max_fen": "share_max_fen - 1",
    "greeting": "'x'",
    "cover": "'x'",
    "created_at": "created_at - 1",
    "expires_at": "expires_at + 1",
    "sender": "(SELECT id FROM profile WHERE name = 'Wang')",
    "recipient": "(SELECT id FROM profile WHERE name = 'Wang')",
    "kind": "'exclusive'",
    "entry": "1",
}


class Edit(NamedTuple):
    """A corruption: *what* it is, the checks that it trips, all of them, and the *statements*."""

    what: str
    found: set[str]
    statements: str

    def __repr__(self) -> str:
        return self.what


EDITS = [
    # --- books, accounts, floors, moves, reserve
    Edit(
        "money made on both sides of one account",
        {"accounts"},
        f"UPDATE account SET debits_fen = debits_fen + 100, credits_fen = credits_fen + 100"
        f" WHERE id = {ZHANGS_ACCOUNT}",
    ),
    Edit(
        "money made from nothing",
        {"accounts", "books", "balances", "reserve"},
        f"UPDATE account SET credits_fen = credits_fen + 100 WHERE id = {ZHANGS_ACCOUNT}",
    ),
    Edit(
        "money moved without a transfer",
        {"accounts", "balances"},
        f"UPDATE account SET credits_fen = credits_fen +"
        f" CASE WHEN id = {ZHANGS_ACCOUNT} THEN 1 ELSE -1 END"
        " WHERE book = 'platform' AND kind = 'balance' AND owner IN"
        " (SELECT id FROM profile WHERE name IN ('Zhang', 'Li'))",
    ),
    Edit(
        "the world's money grown",
        {"accounts", "books"},
        "UPDATE account SET debits_fen = debits_fen + 1 WHERE kind = 'issue'",
    ),
    Edit(
        "an account's side turned",
        {"floors"},
        "UPDATE account SET side = 'debit' WHERE kind = 'packet' AND debits_fen = credits_fen",
    ),
    Edit(
        "an account below zero",
        {"accounts", "books", "floors", "balances", "reserve", "pages"},
        f"UPDATE account SET debits_fen = credits_fen + 1 WHERE id = {ZHANGS_ACCOUNT}",
    ),
    Edit(
        "an account of another kind",
        {"chain", "moves", "packets"},
        "UPDATE account SET kind = 'fees', owner = 7"
        " WHERE book = 'platform' AND kind = 'packet' AND owner = 1",
    ),
    Edit(
        "an account of no kind",
        {"chain", "moves", "floors", "packets"},
        "UPDATE account SET kind = 'bribe'"
        " WHERE book = 'platform' AND kind = 'packet' AND owner = 1",
    ),
    Edit(
        "a transfer for another reason",
        {"moves", "chain"},
        "UPDATE transfer SET reason = 'topup' WHERE reason = 'claim'",
    ),
    Edit(
        "a liability hidden from the reserve",
        {"chain", "moves", "reserve", "floors"},
        "UPDATE account SET kind = 'issue' WHERE kind = 'fees'",
    ),
    Edit(
        "a bank's books that contradict the central bank's",
        {"accounts", "reserve"},
        "UPDATE account SET debits_fen = debits_fen + 1 WHERE book = 'cmb' AND kind = 'settlement';"
        "UPDATE account SET credits_fen = credits_fen + 1 WHERE book = 'cmb' AND kind = 'deposit'",
    ),
    # --- packets
    Edit(
        "a share more than was taken",
        {"packets"},
        "UPDATE packet SET claimed_count = claimed_count + 1 WHERE number = 5",
    ),
    Edit(
        "a packet emptied by a number",
        {"packets"},
        "UPDATE packet SET claimed_fen = total_fen WHERE number = 4",
    ),
    Edit(
        "a refunded packet opened again",
        {"packets", "usage"},
        "UPDATE packet SET closed_at = NULL WHERE number = 3",
    ),
    Edit(
        "an open packet closed",
        {"packets", "usage"},
        "UPDATE packet SET closed_at = expires_at WHERE number = 6",
    ),
    Edit(
        "a claim taken away",
        {"packets", "maturing"},
        "DELETE FROM claim WHERE packet = 5",
    ),
    Edit(
        "a claim given to somebody else",
        {"packets", "maturing"},
        "UPDATE claim SET profile = (SELECT id FROM profile WHERE name = 'Zhang') WHERE packet = 5",
    ),
    Edit(
        "two shares exchanged",
        {"deals"},
        "UPDATE claim SET seat = seat + 10 WHERE packet = 1;"
        "UPDATE claim SET seat = 13 - seat WHERE packet = 1",
    ),
    Edit(
        "a claim of another amount",
        {"packets", "deals", "maturing"},
        "UPDATE claim SET amount_fen = amount_fen + 1 WHERE packet = 4",
    ),
    Edit(
        "a claim above the cap",
        {"packets", "deals", "maturing"},
        "UPDATE claim SET amount_fen = 20001 WHERE packet = 4",
    ),
    # --- terms and deals
    Edit(
        "a seed exchanged",
        {"terms", "deals"},
        "UPDATE packet SET seed = randomblob(32) WHERE number = 1",
    ),
    Edit(
        "a seed shortened",
        {"terms", "deals", "pages"},
        "UPDATE packet SET seed = x'00' WHERE number = 6 OR number = 1",
    ),
    Edit(
        "another nonce of a share that was dealt",
        {"deals"},
        "UPDATE claim SET nonce = zeroblob(16) WHERE packet = 4",
    ),
    Edit(
        "another nonce of a last share, which had no choice",
        {"deals"},
        "UPDATE claim SET nonce = zeroblob(16) WHERE packet = 1 AND seat = 2",
    ),
    Edit(
        "another nonce of an equal share, which is not drawn",
        {"deals"},
        "UPDATE claim SET nonce = zeroblob(16) WHERE packet = 5",
    ),
    Edit(
        "a nonce shortened",
        {"deals", "pages"},
        "UPDATE claim SET nonce = x'00' WHERE packet = 2",
    ),
    Edit(
        "a luck that nobody brought",
        {"deals"},
        "UPDATE claim SET luck = 'x' WHERE packet = 5",
    ),
    Edit(
        "a luck taken away",
        {"deals"},
        "UPDATE claim SET luck = NULL WHERE packet = 3",
    ),
    Edit(
        "another rule of dealing",
        {"terms", "deals"},
        "UPDATE packet SET deal = 'shuffled' WHERE number = 4",
    ),
    Edit(
        "a rule that is none",
        {"terms", "deals", "pages"},
        "UPDATE packet SET deal = 'loaded' WHERE number = 4",
    ),
    Edit(
        "a packet paid by another card",
        {"terms"},
        "UPDATE packet SET card = (SELECT id FROM card WHERE name LIKE 'ccb%') WHERE number = 3",
    ),
    Edit(
        "a packet refunded to a stranger's card",
        {"terms"},
        "UPDATE packet SET card = (SELECT id FROM card WHERE profile = 2) WHERE number = 3",
    ),
    Edit(
        "a packet that a card never paid",
        {"terms", "usage"},
        "UPDATE packet SET card = (SELECT id FROM card WHERE profile = 1) WHERE number = 6",
    ),
    # --- balances and usage
    Edit(
        "two people's accounts exchanged",
        {"balances", "chain"},
        "UPDATE account SET owner = owner + 1000 WHERE kind = 'balance' AND owner IN (1, 2);"
        "UPDATE account SET owner = iif(owner = 1001, 2, 1) WHERE owner > 1000",
    ),
    Edit("a counter set back", {"usage"}, "UPDATE usage SET used_fen = 0"),
    Edit("a year's counter set back", {"usage"}, "UPDATE usage_year SET used_fen = 0"),
    Edit("a counter that counts nothing", {"usage"}, "INSERT INTO usage VALUES (1, 'x', 'y', 1)"),
    Edit("counters gone", {"usage"}, "DELETE FROM usage"),
    Edit(
        "a profile given to another person",
        {"usage", "sealed", "state"},
        "UPDATE profile SET person = (SELECT person FROM profile WHERE name = 'Wang')"
        " WHERE name = 'Li'",
    ),
    # --- payments, settlements, what banks say of them, what matures
    Edit(
        "a declined payment called accepted",
        {"messages", "transit", "usage"},
        "UPDATE message SET state = 'accepted' WHERE state = 'rejected'",
    ),
    Edit(
        "a payment forgotten",
        {"transit", "usage", "pages"},
        "DELETE FROM message WHERE state = 'accepted' AND batch IS NULL",
    ),
    Edit(
        "a payment that its bank has forgotten",
        {"messages"},
        "DELETE FROM bank_message WHERE message = 1",
    ),
    Edit(
        "a bank that undid what it has booked",
        {"messages", "transit", "suspense"},
        "UPDATE bank_message SET state = 'reversed' WHERE message ="
        " (SELECT max(number) FROM message WHERE state = 'accepted')",
    ),
    Edit(
        "money frozen for no payment",
        {"chain", "messages"},
        "UPDATE account SET owner = 99 WHERE kind = 'pending' AND credits_fen > debits_fen",
    ),
    Edit(
        "a refund called arrived before it was sent",
        {"messages", "transit", "pages"},
        "UPDATE message SET state = 'accepted' WHERE reason = 'refund'",
    ),
    Edit(
        "a payment taken out of its settlement",
        {"batches", "transit"},
        "UPDATE message SET batch = NULL WHERE number = 1",
    ),
    Edit(
        "a settlement's line edited",
        {"batches"},
        "UPDATE batch_line SET in_fen = in_fen + 1",
    ),
    Edit(
        "a settlement's line taken away", {"batches"}, "DELETE FROM batch_line WHERE bank = 'cmb'"
    ),
    Edit("a settlement renamed", {"batches"}, "UPDATE batch SET id = 'ST00000000'"),
    Edit(
        "a line taken out of a bank's statement",
        {"suspense"},
        "DELETE FROM bank_line WHERE number = 1 AND bank = 'cmb'",
    ),
    Edit(
        "an amount edited in a bank's statement",
        {"suspense"},
        "UPDATE bank_line SET amount_fen = amount_fen + 1 WHERE number = 1 AND bank = 'cmb'",
    ),
    Edit("claims that can be withdrawn at once", {"maturing"}, "DELETE FROM maturing"),
    Edit(
        "claims that can be withdrawn earlier",
        {"maturing"},
        "UPDATE maturing SET from_at = from_at - 1",
    ),
    # --- the chain
    Edit(
        "a fact edited",
        {"chain"},
        "UPDATE entry SET facts = replace(facts, '**', '*') WHERE act = 'identify'",
    ),
    Edit(
        "facts that are none",
        {"chain", "terms", "deals", "messages", "batches"},
        "UPDATE entry SET facts = 'x'",
    ),
    Edit(
        "facts of another shape",
        {"chain", "terms", "deals", "messages", "batches"},
        "UPDATE entry SET facts = '[1]'",
    ),
    Edit(
        "facts of a shape that is not known",
        {"chain", "terms", "deals", "messages", "batches"},
        "UPDATE entry SET facts = json_set(facts, '$[0]', 9)",
    ),
    Edit(
        "a balance in the history edited",
        {"chain", "balances"},
        "UPDATE entry SET balance_fen = balance_fen + 1 WHERE id = 7",
    ),
    Edit(
        "a balance in the history taken away",
        {"chain", "balances"},
        "UPDATE entry SET balance_fen = NULL WHERE id = 7",
    ),
    Edit("a time edited", {"chain"}, "UPDATE entry SET at = at - 1 WHERE act = 'card_add'"),
    Edit("who it was edited", {"chain"}, "UPDATE entry SET clock = 'virtual' WHERE id = 3"),
    Edit(
        "a request exchanged",
        {"chain", "signatures"},
        "UPDATE entry SET request_id = 'x' WHERE act = 'withdraw'",
    ),
    Edit(
        "a claim's request exchanged",
        {"chain", "signatures"},
        "UPDATE entry SET request_id = 'x' WHERE act = 'claim' AND packet = 4",
    ),
    Edit("a generation edited", {"chain"}, "UPDATE entry SET generation = 77 WHERE id = 3"),
    Edit("a policy edited", {"chain"}, "UPDATE entry SET policy = NULL WHERE id = 3"),
    Edit(
        "a transfer edited",
        {"chain", "accounts", "balances", "messages"},
        "UPDATE transfer SET amount_fen = amount_fen + 1 WHERE reason = 'topup' AND debit IN"
        " (SELECT id FROM account WHERE kind = 'incoming')",
    ),
    Edit(
        "a transfer sent elsewhere",
        {"chain"},
        "UPDATE transfer SET id = id + 1000 WHERE entry = (SELECT entry FROM transfer"
        " GROUP BY entry HAVING count(*) > 2 LIMIT 1) AND id % 2 = 0",
    ),
    Edit(
        "two entries exchanged",
        {"chain", "signatures"},
        "UPDATE entry SET id = 1000 WHERE id = 2;"
        "UPDATE entry SET id = 2 WHERE id = 3;"
        "UPDATE entry SET id = 3 WHERE id = 1000",
    ),
    Edit(
        "an entry of somebody else's",
        {"chain", "signatures"},
        "INSERT INTO entry (id, act, profile, request_id, inputs, amount_fen, balance_fen, policy,"
        " at, clock, facts, generation, mac) SELECT id + 1, act, profile, 'foreign', inputs,"
        " 0, balance_fen, policy, at, clock, facts, generation, randomblob(32) FROM entry"
        f" WHERE id = {LAST}",
    ),
    Edit(
        "a transfer of no entry",
        {"chain", "accounts", "pages"},
        "INSERT INTO transfer SELECT NULL, 999, book, debit, credit, amount_fen, reason"
        " FROM transfer WHERE id = 1",
    ),
]


def applied(world: World, edit: str) -> dict[str, list[str]]:
    world.edit(*edit.split(";"))
    return world.findings()


@pytest.mark.parametrize("edit", EDITS, ids=repr)
def test_each_corruption_is_found_by_the_check_for_it(edit: Edit, before: Dump, busy: World):
    """
    What was changed past the desk is named by the checks it breaks, and by no other.
    """
    findings = applied(busy, edit.statements)

    assert before != busy.dump(), "the edit changed nothing"
    assert edit.found == set(findings)
    assert all(findings.values())


@pytest.mark.parametrize("column", TERMS)
def test_each_term_of_a_packet_is_sealed(column: str, busy: World):
    """
    None of a packet's terms can be changed after it was sent without `check` naming the packet.
    """
    with Wallet.open(busy.env) as desk:
        packet = desk.packets("sent")[-1]["packet"]

    findings = applied(busy, f"UPDATE packet SET {column} = {TERMS[column]} WHERE id = '{packet}'")

    assert "terms" in findings
    assert [packet if column != "id" else "hb_7Q2M4K9X"] == findings["terms"]


PAYMENT = {
    "id": "'NU20260216999999'",
    "channel": "'unionpay'",
    "bank": "'boc'",
    "card": "(SELECT id FROM card WHERE profile = 2)",
    "profile": "2",
    "direction": "'debit'",
    "reason": "'withdraw'",
    "amount_fen": "amount_fen - 1",
    "fee_fen": "fee_fen + 1",
    "packet": "1",
    "created_at": "created_at - 86400000000",
    "due_at": "due_at - 86400000000",
    "entry": "1",
    "day": "'2026-02-01'",
    "state": "'sent'",
}


@pytest.mark.parametrize("column", PAYMENT)
def test_each_term_of_a_payment_is_sealed(column: str, busy: World):
    """
    None of the terms of a payment under way can be changed without `check` naming it: nobody has
    it sent to another card, or earlier, or with another sum.
    """
    findings = applied(
        busy, f"UPDATE message SET {column} = {PAYMENT[column]} WHERE reason = 'refund'"
    )

    assert "messages" in findings
    [row] = findings["messages"]
    assert row.startswith("NU202602")


def test_every_check_is_tripped_by_something():
    """
    A check that nothing trips would be a watchdog that never barks.
    """
    tripped = set().union(*(edit.found for edit in EDITS))

    assert EVERYTHING == tripped | GUARDED | KEPT | {
        "bills",
        "head",
    }  # which have tests of their own


def test_all_that_is_wrong_is_named_with_what_to_do(busy: World):
    """
    Every finding says how many rows, which ones, and the next step; two faults are two findings.
    """
    busy.edit(
        "UPDATE usage SET used_fen = used_fen + 1",
        "UPDATE packet SET greeting = 'x' WHERE number < 3",
    )

    checked = busy.zhang.check()

    assert not checked["ok"]
    wrong = {f["check"]: f for f in checked["findings"] if not f["ok"]}
    assert {"usage", "terms"} == set(wrong)
    for finding in wrong.values():
        assert finding["rows"]
        assert finding["problem"]
        assert finding["next_step"]
    assert 2 == len(wrong["terms"]["rows"])
    assert all(finding["problem"] is None for finding in checked["findings"] if finding["ok"])


def test_values_that_no_act_has_written_are_found_and_not_fallen_over(busy: World):
    """
    Sums that overflow, text that is none: the checks that meet them say so, the others go on.
    """
    findings = applied(
        busy,
        "UPDATE account SET debits_fen = 9223372036854775807, credits_fen = 9223372036854775807"
        " WHERE kind IN ('balance', 'packet');"
        "UPDATE packet SET greeting = CAST(x'ff' AS TEXT) WHERE number = 4",
    )

    assert {"books", "accounts", "terms"} <= set(findings)
    assert "chain" not in findings


# --- entries that are gone, and older copies ----------------------------------------------------


def test_a_deleted_entry_in_the_middle_is_named(busy: World):
    """
    The gap is named, and so is the entry that no longer follows from the one before.
    """
    findings = applied(
        busy,
        "DELETE FROM entry WHERE act = 'policy_use'",
    )

    assert {"chain", "pages", "state"} == set(findings)
    gap, rows, after = findings["chain"]
    assert gap.endswith("is missing")
    assert rows.endswith("which is not there")
    assert after.startswith("entry ")


def forget_the_last_topup(busy: World) -> None:
    """Take the last act back so thoroughly that all the sums are right again."""
    busy.li.topup(YUAN, pin=right, dry_run=True)  # a PIN is hashed anew first, after new keys
    last = busy.dump()["entry"][-1][0]
    [device] = [line["device"] for line in busy.li.devices()]
    busy.li.topup(7 * YUAN, pin=right)
    busy.close()
    busy.edit(
        "UPDATE account SET debits_fen = debits_fen - (SELECT coalesce(sum(amount_fen), 0)"
        f" FROM transfer WHERE debit = account.id AND entry > {last})",
        "UPDATE account SET credits_fen = credits_fen - (SELECT coalesce(sum(amount_fen), 0)"
        f" FROM transfer WHERE credit = account.id AND entry > {last})",
        "UPDATE usage SET used_fen = used_fen - 700 WHERE flow = 'topup' AND person = 2"
        " AND day = (SELECT max(day) FROM usage WHERE person = 2 AND flow = 'topup')",
        "UPDATE usage_year SET used_fen = used_fen - 700 WHERE flow = 'topup' AND person = 2",
        f"DELETE FROM bank_line WHERE entry > {last}",
        "DELETE FROM bank_message WHERE message = (SELECT max(number) FROM message)",
        f"DELETE FROM message WHERE entry > {last}",
        f"DELETE FROM transfer WHERE entry > {last}",
        f"DELETE FROM sealed_row WHERE entry > {last}",
        f"DELETE FROM entry WHERE id > {last}",
        "UPDATE device SET counter = counter - 1 WHERE name = :device",
        values={"device": device},
    )


def test_a_tail_cut_off_without_a_trace_is_found_by_the_noted_head(busy: World):
    """
    Every sum is right and the chain is whole; only the note beside the keys knows of more.
    """
    forget_the_last_topup(busy)

    findings = busy.findings()

    assert {"head"} == set(findings)
    with pytest.raises(errors.RolledBack) as refused:
        busy.open()
    assert 4 == refused.value.facts["noted_entry"] - refused.value.facts["last_entry"]  # type: ignore[operator]


def test_an_act_after_a_cut_off_tail_does_not_hide_it(busy: World):
    """
    An attacker with the keys of the pages, but not those of the chain, cannot write the next entry
    either: it does not have the noted seal.
    """
    forget_the_last_topup(busy)
    again = (
        "INSERT INTO entry (id, act, profile, request_id, inputs, amount_fen, balance_fen, policy,"
        " at, clock, facts, generation, mac) SELECT id + 1, act, profile, 'again' || id,"
        " inputs, 0, balance_fen, policy, at, clock, facts, generation, mac FROM entry"
        f" WHERE id = {LAST}"
    )
    busy.edit(*[again] * 4)

    with pytest.raises(errors.HistoryReplaced):
        busy.open()
    assert {"chain", "head"} == set(busy.findings())


def test_an_old_copy_put_back_is_found(busy: World, tmp_path: Path):
    """
    Yesterday's files in today's place: whole in itself, and yet known to be old.
    """
    old = tmp_path / "old"
    shutil.copytree(busy.env.data, old)
    busy.li.topup(YUAN, pin=right)
    busy.close()

    shutil.rmtree(busy.env.data)
    shutil.copytree(old, busy.env.data)

    with pytest.raises(errors.RolledBack):
        busy.open()
    assert {"head", "state"} == set(busy.findings())  # and so is a try at a PIN


def test_a_restored_backup_that_is_the_newest_is_no_old_copy(busy: World, tmp_path: Path):
    """
    Restoring what these keys saw last asks nobody anything, and is written down.
    """
    with Wallet.open(busy.env) as desk:
        before = desk.balance()
        desk.backup(tmp_path / "copy")

    answer = restore(busy.env, tmp_path / "copy", accept_older=refuse)

    assert before == busy.open().balance()
    assert answer["entry"] == answer["noted_entry"]
    assert "restore" == busy.dump()["entry"][-1][1]
    assert {} == busy.findings()


def refuse(*entries: int | None) -> bool:
    raise AssertionError("asked to accept an older copy")


def test_an_older_backup_is_restored_only_where_that_is_accepted(busy: World, tmp_path: Path):
    """
    Asked with the copy's last entry and the one that was seen; no leaves everything as it was.
    """
    copied = busy.open().backup(tmp_path / "copy")["entry"]
    busy.li.topup(YUAN, pin=right)
    busy.close()
    before = busy.dump()
    last = before["entry"][-1][0]
    asked: list[tuple[int | None, ...]] = []

    def answer(value: bool) -> Callable[[int, int | None], bool]:
        def accept(*entries: int | None) -> bool:
            asked.append(entries)
            return value

        return accept

    with pytest.raises(errors.OlderCopy) as refused:
        restore(busy.env, tmp_path / "copy", accept_older=answer(False))
    assert {"last_entry": copied, "noted_entry": last} == refused.value.facts
    assert before == busy.dump()
    restore(busy.env, tmp_path / "copy", accept_older=answer(True))

    assert [(copied, last)] * 2 == asked
    assert copied + 1 == len(busy.dump()["entry"])
    assert {} == busy.findings()
    assert 299 * YUAN < busy.li.balance()["total_fen"]


def test_a_fork_of_the_history_is_not_the_history(busy: World, tmp_path: Path):
    """
    A copy that went its own way has the same length and another seal.
    """
    fork = busy.copy(tmp_path / "fork")
    fork.li.topup(2 * YUAN, pin=right)
    fork.close()
    busy.li.topup(YUAN, pin=right)
    busy.close()

    shutil.copy(fork.ledger, busy.ledger)

    with pytest.raises(errors.HistoryReplaced):
        busy.open()
    assert {"head"} == set(busy.findings())


def test_a_virtual_clock_set_back_by_hand_is_not_believed(dicing: World):
    """
    The ledger's time never runs behind its last entry, whatever stands in the clock's own row.
    """
    dicing.zhang.advance_clock(timedelta(hours=5))
    dicing.li.topup(YUAN, pin=right)
    dicing.close()

    dicing.edit("UPDATE home SET clock_at = clock_at - 3600000000")
    dicing.li.topup(YUAN, pin=right)

    times = [row[10] for row in dicing.dump()["entry"]]
    assert sorted(times) == times


def test_the_terms_of_a_packet_that_is_not_paid_for_yet_are_sealed(dicing: World):
    """
    While the bank is silent nobody can change what the packet is going to be.
    """
    zhang = dicing.zhang
    with pytest.raises(errors.PaymentPending):
        zhang.send(44401, pin=right, count=3, paid_from=tail(CARD))
    assert {} == dicing.findings()

    dicing.edit("UPDATE message SET terms = json_set(terms, '$.greeting', 'another')")

    assert {"messages"} == set(dicing.findings())
