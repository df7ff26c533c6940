"""`check` finds what was tampered with in what the guards keep: signatures, habits, challenges."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hongbao import errors
from hongbao.auditing import Auditor
from hongbao.auditing.context import Context, Noted
from hongbao.domain.cases import Verb
from hongbao.domain.chain import Act, canonical
from hongbao.domain.pin import Pin
from hongbao.queries.devices import device_keys
from hongbao.questions import Question
from hongbao.store import EMPTY_HEAD
from hongbao.vault import verify
from hongbao.wallet import Wallet, risk_control
from hongbao.wallet.operators import By
from tests.wallet.channels import demo
from tests.wallet.guards import (
    BY_AMOUNT,
    CHALLENGED,
    CUT,
    HELD,
    HELD_BACK,
    LARGE,
    LIMITED,
    REFUSED,
    SUSPICIOUS,
    challenged,
    solution,
    wrong_solution,
)
from tests.wallet.world import LI, YUAN, ZHANG, Dump, World, below, right


def operator_pin() -> Pin:
    return Pin("975312")


OLD_WANG = By("老王", operator_pin)
OLD_LI = By("老李", operator_pin)
CHECKS = {"signatures", "habits", "challenges", "cases"}


def stopped(act: Callable[[], object], error: type[errors.HongbaoError]) -> None:
    with pytest.raises(error):
        act()


def live(world: World) -> World:
    """
    Let the guards do all that they can.

    Of Zhang's challenges the first is used, the second failed, the third passed and the fourth
    open. Three requests were stopped by rules, and one because its signature did not fit. Of the
    cases, the first was cleared by two, the second is escalated, the third held money until its
    moment came, the fourth was rejected by one, and the fifth waits for a second word.
    """
    with Wallet.open(world.env, profile=ZHANG) as desk:
        desk.use_risk_pack(BY_AMOUNT)
        first = challenged(desk)
        stopped(
            lambda: desk.answer_challenge(first, wrong_solution(desk, first)), errors.WrongAnswer
        )
        desk.answer_challenge(first, solution(desk, first))
        desk.topup(CHALLENGED, pin=right)
        lost = challenged(desk)
        for error in (errors.WrongAnswer, errors.WrongAnswer, errors.ChallengeFailed):
            wrong = wrong_solution(desk, lost)
            stopped(lambda wrong=wrong: desk.answer_challenge(lost, wrong), error)  # type: ignore[misc]
        passed = challenged(desk)
        desk.answer_challenge(passed, solution(desk, passed))
        challenged(desk, card="3337")
        stopped(lambda: desk.topup(REFUSED, pin=right), errors.RefusedByRisk)
        stopped(lambda: desk.send(LIMITED, count=2, pin=right), errors.LoweredLimit)
        desk.topup(LARGE, pin=right)
        desk.topup(LARGE, pin=right)  # of the same day: the first case says it
        desk.topup(SUSPICIOUS, pin=right)
        desk.send(HELD, count=2, pin=right)
    with Wallet.open(world.env, profile=LI) as desk:
        stopped(lambda: desk.topup(CUT, pin=right), errors.SessionEnded)
        desk.login(pin=right)
        desk.set_device_fault(f"{LI}-1", "forge")
        stopped(lambda: desk.topup(YUAN, pin=right), errors.BadSignature)
        desk.login(pin=right)
        desk.topup(YUAN, pin=right)
        desk.advance_clock(timedelta(hours=25))
        desk.topup(500 * YUAN, pin=right)
        desk.withdraw(HELD, pin=right)
        desk.withdraw(HELD_BACK, pin=right)
        for name, by in (("老王", right), ("老李", OLD_WANG)):
            desk.add_operator(name, pin=operator_pin, by=by)
        large, suspicious, held, held_back = [line["case"] for line in desk.cases()["cases"]]
        desk.decide(large, Verb.APPROVE, why="年终奖", by=OLD_WANG)
        desk.decide(large, Verb.APPROVE, why="同意", by=OLD_LI)
        desk.decide(suspicious, Verb.APPROVE, why="没问题", by=OLD_WANG)
        desk.decide(suspicious, Verb.REJECT, why="有问题", by=OLD_LI)
        desk.decide(held, Verb.REJECT, why="本人否认", by=OLD_LI)
        desk.decide(held_back, Verb.APPROVE, why="已核实", by=OLD_LI)
    return world


@pytest.fixture(scope="module")
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> World:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(risk_control, "KEPT_EVERY", 1)
        world = live(demo(tmp_path_factory.mktemp("guarded") / "home"))
    world.close()
    return world


@pytest.fixture(scope="module")
def before(_guarded: World) -> Dump:
    """Every row, before anything is edited."""
    return _guarded.dump()


@pytest.fixture
def guarded(_guarded: World, tmp_path: Path) -> Iterator[World]:
    world = _guarded.copy(tmp_path / "home")
    yield world
    world.close()


def test_a_guarded_life_checks(guarded: World):
    """
    Before anything is tampered with, every check passes, and everything there is to find is there.
    """
    assert {} == guarded.findings()
    rows = guarded.dump()
    assert ["used", "failed", "passed", "open"] == [row[8] for row in rows["challenge"]]
    assert {"challenged", "refused", "limited", "cut"} <= {row[1] for row in rows["entry"]}
    assert {
        "large": ["approved"],
        "suspicious": ["escalated"],
        "hold": ["released", "rejected", "open"],
    } == {
        kind: [row[11] for row in rows["review_case"] if row[2] == kind]
        for kind in ("large", "suspicious", "hold")
    }


class Edit(NamedTuple):
    """A corruption: *what* it is, the checks that trip, all of them, and the *statements*."""

    what: str
    found: set[str]
    statements: str

    def __repr__(self) -> str:
        return self.what


LAST = "(SELECT max(id) FROM entry)"
STOPPED = "(SELECT min(entry) FROM stop)"
WAITING = "(SELECT number FROM review_case WHERE state = 'open')"

EDITS = [
    # --- signatures
    Edit(
        "another device's key",
        {"state", "signatures", "devices"},
        "UPDATE device SET public_key = randomblob(32) WHERE name = 'Zhang-1'",
    ),
    Edit(
        "two devices' keys exchanged",
        {"state", "signatures", "devices"},
        "CREATE TEMP TABLE had AS SELECT id, public_key FROM device;"
        "UPDATE device SET public_key = randomblob(32);"
        "UPDATE device SET public_key = (SELECT public_key FROM had WHERE had.id = 3 - device.id)"
        " WHERE id < 3",
    ),
    Edit(
        "a signature taken off",
        {"signatures", "chain"},
        "UPDATE entry SET signature = NULL, device = NULL, session = NULL WHERE act = 'risk_use'",
    ),
    Edit(
        "a signature of another act",
        {"signatures", "chain"},
        "UPDATE entry SET signature = (SELECT signature FROM entry WHERE id = 1)"
        " WHERE id = (SELECT max(id) FROM entry WHERE act = 'withdraw')",
    ),
    Edit(
        "a signature without its device",
        {"signatures", "chain"},
        "UPDATE entry SET device = NULL WHERE id = 1",
    ),
    Edit(
        "an act of another session",
        {"signatures", "chain"},
        "UPDATE entry SET session = session + 1 WHERE id = 1",
    ),
    Edit(
        "a counter used twice",
        {"signatures", "chain"},
        "UPDATE entry SET counter = counter - 1 WHERE id ="
        " (SELECT max(id) FROM entry WHERE device = 1)",
    ),
    Edit(
        "a device that may use its last counter again",
        {"signatures"},
        "UPDATE device SET counter = counter - 1 WHERE id = 1",
    ),
    Edit("a device that skips counters", {"signatures"}, "UPDATE device SET counter = 10000"),
    Edit(
        "a session that has not begun yet",
        {"state", "signatures"},
        "UPDATE device SET session = 1",
    ),
    Edit(
        "a device that was never let in",
        {"state", "signatures"},
        "DELETE FROM enrolment WHERE profile = 1",
    ),
    Edit(
        "what a stopped request had asked for",
        {"signatures", "chain"},
        "UPDATE entry SET facts = json_set(facts, '$[3]', 'claim') WHERE act = 'refused'",
    ),
    Edit(
        "an operator who did not answer for it",
        {"chain", "cases"},
        "UPDATE entry SET operator = 2 WHERE operator = 1 AND act = 'opinion'",
    ),
    Edit(
        "an operator taken out of the log",
        {"chain", "cases"},
        "UPDATE entry SET operator = NULL WHERE operator = 1",
    ),
    Edit(
        "a verdict where it is looked for",
        {"chain", "habits"},
        "UPDATE entry SET verdict = 'allow' WHERE verdict = 'refuse'",
    ),
    Edit(
        "reports that nobody asked for",
        {"chain", "habits"},
        "UPDATE entry SET reports = reports + 1 WHERE reports IS NOT NULL",
    ),
    Edit(
        "a challenge that is said not to be used up",
        {"chain", "challenges", "habits"},
        "UPDATE entry SET challenge = NULL WHERE challenge IS NOT NULL",
    ),
    Edit(
        "other inputs",
        {"signatures", "chain", "challenges"},
        f"UPDATE entry SET inputs = randomblob(32) WHERE id = {STOPPED}",
    ),
    Edit(
        "an act put upon somebody else",
        {"signatures", "chain", "habits"},
        "UPDATE entry SET profile = 2 WHERE act = 'card_add' AND profile = 1",
    ),
    # --- habits
    Edit(
        "habits exchanged",
        {"habits"},
        "UPDATE habit SET profile = 99 WHERE profile = 1;"
        "UPDATE habit SET profile = 1 WHERE profile = 2;"
        "UPDATE habit SET profile = 2 WHERE profile = 99",
    ),
    Edit(
        "an act less",
        {"habits"},
        "UPDATE habit SET text = json_set(text, '$.acts', 1) WHERE profile = 1",
    ),
    Edit("a habit of a later moment", {"habits"}, "UPDATE habit SET upto = upto + 1"),
    Edit("a habit of an earlier moment", {"habits"}, "UPDATE habit SET upto = upto - 1"),
    Edit("a habit that is none", {"habits"}, "UPDATE habit SET text = 'x' WHERE profile = 2"),
    Edit(
        "a habit of nobody", {"habits"}, "INSERT INTO habit SELECT 3, upto, text FROM habit LIMIT 1"
    ),
    Edit(
        "a record that is none",
        {"habits", "chain", "challenges", "cases"},
        "UPDATE entry SET risk = 'x' WHERE risk IS NOT NULL",
    ),
    Edit(
        "a record of another moment",
        {"habits", "chain"},
        "UPDATE entry SET risk = json_set(risk, '$.seen[0]', 9)"
        " WHERE id = (SELECT max(id) FROM entry WHERE risk ->> '$.seen[1]' = 'topup')",
    ),
    Edit(
        "something remembered of what did not happen",
        {"habits", "challenges", "chain"},
        "UPDATE entry SET risk = json_set(risk, '$.seen',"
        " json('[1771214400,\"topup\",2222,0,-1,0]')) WHERE act = 'refused'",
    ),
    # --- stops and challenges
    Edit("a stop forgotten", {"challenges"}, f"DELETE FROM stop WHERE entry = {STOPPED}"),
    Edit("a stop of another request", {"challenges"}, "UPDATE stop SET request_id = 'x'"),
    Edit("a stop of somebody else", {"challenges"}, "UPDATE stop SET profile = 3"),
    Edit(
        "a stop of what happened",
        {"challenges"},
        "INSERT INTO stop SELECT max(id), profile, request_id FROM entry WHERE act = 'withdraw'",
    ),
    Edit(
        "a refusal called a limit",
        {"challenges", "chain"},
        "UPDATE entry SET act = 'limited' WHERE act = 'refused'",
    ),
    Edit(
        "a record that allows what was stopped",
        {"challenges", "chain", "habits"},
        "UPDATE entry SET risk = json_set(risk, '$.verdict', 'allow') WHERE act = 'refused'",
    ),
    Edit(
        "a challenge called passed",
        {"challenges", "state"},
        "UPDATE challenge SET state = 'passed' WHERE state = 'open'",
    ),
    Edit(
        "a failed challenge called passed",
        {"challenges", "state"},
        "UPDATE challenge SET state = 'passed' WHERE state = 'failed'",
    ),
    Edit(
        "a failed challenge opened again",
        {"challenges", "state"},
        "UPDATE challenge SET state = 'open' WHERE state = 'failed'",
    ),
    Edit(
        "tries given back",
        {"challenges"},
        "UPDATE challenge SET tries = 0 WHERE state = 'failed'",
    ),
    Edit(
        "a used challenge to be used again",
        {"challenges", "state"},
        "UPDATE challenge SET state = 'passed', used = NULL WHERE state = 'used'",
    ),
    Edit(
        "a challenge used by something else",
        {"challenges", "state"},
        f"UPDATE challenge SET used = {LAST} WHERE state = 'used'",
    ),
    Edit(
        "more time to answer",
        {"challenges", "state"},
        "UPDATE challenge SET expires_at = expires_at + 60000000 WHERE state = 'open'",
    ),
    Edit(
        "more time to use it",
        {"challenges", "state"},
        "UPDATE challenge SET expires_at = expires_at + 60000000 WHERE state = 'passed'",
    ),
    Edit(
        "a challenge that lets something else happen",
        {"challenges", "state"},
        "UPDATE challenge SET inputs = randomblob(32) WHERE state = 'passed'",
    ),
    Edit(
        "a challenge given to somebody else",
        {"challenges", "state"},
        "UPDATE challenge SET profile = 2 WHERE state = 'passed'",
    ),
    Edit(
        "a challenge renamed",
        {"challenges", "state"},
        "UPDATE challenge SET id = 'ch_00000000' WHERE state = 'open'",
    ),
    Edit(
        "a challenge forgotten",
        {"challenges", "state"},
        "DELETE FROM challenge WHERE state = 'used'",
    ),
    Edit(
        "a challenge that nothing was stopped for",
        {"challenges", "state"},
        "INSERT INTO challenge (number, id, profile, entry, inputs, puzzle, expires_at, state)"
        " SELECT 99, 'ch_00000000', profile, 1, inputs, puzzle, expires_at, 'passed'"
        " FROM challenge WHERE state = 'open'",
    ),
    Edit(
        "a pack that gives more time",
        {"state", "challenges"},
        "UPDATE risk_pack SET text = replace(text, 'minutes = 10', 'minutes = 11')",
    ),
    Edit(
        "a pack that is none", {"state", "challenges", "cases"}, "UPDATE risk_pack SET text = 'x'"
    ),
    # --- cases
    Edit(
        "a report's case forgotten",
        {"cases", "pages"},
        "DELETE FROM review_case WHERE kind = 'large'",
    ),
    Edit(
        "a hold's case forgotten",
        {"cases", "messages", "pages"},
        "DELETE FROM review_case WHERE message IS NOT NULL",
    ),
    Edit(
        "a case of another rule",
        {"cases"},
        "UPDATE review_case SET rule = 'is-large' WHERE kind = 'suspicious'",
    ),
    Edit(
        "a case about somebody else",
        {"cases"},
        "UPDATE review_case SET profile = 2 WHERE kind = 'large'",
    ),
    Edit(
        "a case about less",
        {"cases"},
        "UPDATE review_case SET amount_fen = 1 WHERE kind = 'large'",
    ),
    Edit(
        "a case that nothing has opened",
        {"cases"},
        "UPDATE review_case SET entry = 1 WHERE kind = 'suspicious'",
    ),
    Edit(
        "a case closed by nobody",
        {"cases"},
        f"UPDATE review_case SET state = 'approved', closed = {LAST} WHERE kind = 'suspicious'",
    ),
    Edit(
        "a case escalated by nobody",
        {"cases"},
        f"UPDATE review_case SET state = 'escalated' WHERE number = {WAITING}",
    ),
    Edit(
        "a case closed by something else",
        {"cases"},
        "UPDATE review_case SET closed = 1 WHERE kind = 'large'",
    ),
    Edit(
        "a case opened again",
        {"cases"},
        "UPDATE review_case SET state = 'open', closed = NULL WHERE kind = 'large'",
    ),
    Edit(
        "a case cleared that was confirmed",
        {"cases", "held", "messages"},
        "UPDATE review_case SET state = 'approved' WHERE state = 'rejected'",
    ),
    Edit(
        "an opinion turned round",
        {"cases"},
        "UPDATE opinion SET verb = 'reject' WHERE entry = (SELECT min(entry) FROM opinion)",
    ),
    Edit(
        "another reason",
        {"cases"},
        "UPDATE opinion SET reason = 'x' WHERE entry = (SELECT max(entry) FROM opinion)",
    ),
    Edit("an opinion of somebody else", {"cases"}, "UPDATE opinion SET operator = 3 - operator"),
    Edit("two opinions of one person", {"cases"}, "UPDATE opinion SET operator = 1"),
    Edit("opinions gone", {"cases"}, "DELETE FROM opinion"),
    Edit(
        "an opinion of another case",
        {"cases"},
        f"UPDATE opinion SET review_case = {WAITING} WHERE entry ="
        " (SELECT min(entry) FROM opinion)",
    ),
    Edit(
        "an opinion that was never spoken",
        {"cases"},
        f"INSERT INTO opinion VALUES (1, {WAITING}, 1, 'approve', 'x')",
    ),
    Edit(
        "a pack by which one would have been enough",
        {"state", "cases"},
        "UPDATE risk_pack SET text = replace(text, '\"50.00\"', '\"500.00\"')",
    ),
]


@pytest.mark.parametrize("edit", EDITS, ids=repr)
def test_each_corruption_is_found_by_the_check_for_it(edit: Edit, before: Dump, guarded: World):
    """
    What was changed past the desk is named by the checks it breaks, and by no other.
    """
    guarded.edit(*edit.statements.split(";"))

    assert before != guarded.dump(), "the edit changed nothing"
    findings = guarded.findings()
    assert edit.found == set(findings)
    assert all(findings.values())


def test_every_check_is_tripped_by_something():
    """
    A check that nothing trips would be a watchdog that never barks.
    """
    assert set().union(*(edit.found for edit in EDITS)) >= CHECKS


def test_a_chain_that_was_sealed_anew_still_lacks_the_signatures(guarded: World):
    """
    Whoever has the vault's keys can seal a chain, and cannot sign as a device: an act that was
    edited and sealed again, with everything after it, is found by its signature alone.
    """
    with Wallet.open(guarded.env, trusting=True) as desk:
        vault = desk.vault
        [edited] = below(desk).row("SELECT max(id) FROM entry WHERE act = 'withdraw'")
        guarded.edit(f"UPDATE entry SET inputs = x'00' WHERE id = {edited}")
        before = EMPTY_HEAD.mac
        lines: dict[int, list[tuple[object, ...]]] = {}
        for entry, *line in desk.store.audit(Question.SEALED_TRANSFERS):
            lines.setdefault(entry, []).append(tuple(line))
        macs = []
        rows: dict[int, list[Any]] = {}
        for entry, *row in desk.store.audit(Question.SEALED_ROWS):
            rows.setdefault(entry, []).append(row)
        for fields, _mac in desk.store.audit(Question.SEALED_ACTS):
            sealed = canonical([Act(fields, lines.get(fields[0], []), rows.get(fields[0], []))])
            before = vault.chain_mac(before, sealed, generation=fields[13])
            macs.append((before, fields[0]))
    db = guarded.raw()
    db.executemany("UPDATE entry SET mac = ? WHERE id = ?", macs)
    db.close()

    with Wallet.open(guarded.env, trusting=True) as desk:
        noted = Noted((macs[-1][1], before))
        auditor = Auditor(Context(desk.store, vault, verify, device_keys(desk.home), noted))
        found = {line["check"]: line["rows"] for line in auditor.findings() if not line["ok"]}

    assert {"signatures"} == set(found)
    assert f"entry {edited}" == found["signatures"][0]
