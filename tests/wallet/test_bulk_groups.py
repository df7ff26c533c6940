"""Groups of claims: one seal, whole or not at all, among others, and as `check` sees them."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.errors import HongbaoError
from hongbao.wallet import Wallet
from hongbao.wallet.bulk import BulkClaims, claim_many
from hongbao.wallet.sessions import ClaimRequest
from tests.vault.processes import race
from tests.wallet.kills import SWEEPS, count_from_here, killed_at, steps
from tests.wallet.test_bulk import SEAL, Answers, Do, alone, in_bulk, said, sessions
from tests.wallet.world import LI, WANG, YUAN, ZHANG, World, right


def several(world: World, count: int = 4) -> list[ClaimRequest]:
    """Return requests for *count* packets by Li and Wang: two for each, and one that is refused."""
    zhang = world.zhang
    packets = [zhang.send(2 * YUAN, count=2, pin=right)["packet"] for _ in range(count)]
    opened = sessions(world)
    return [
        opened[who].claim(packet, f"r{place}-{number}")
        for place, packet in enumerate(packets)
        for number, who in enumerate((LI, WANG, LI))
    ]


def entries(world: World) -> int:
    with world.open(ZHANG) as zhang:
        return zhang.store.head().entry


@pytest.mark.slow
def test_a_demo_ends_alike(dicing: World, tmp_path: Path):
    """
    Its dice, and its virtual clock, come as far in bulk as one by one.
    """
    requests = several(dicing)

    def done(name: str, do: Do) -> Any:
        world = dicing.copy(tmp_path / name)
        answers = do(world.zhang, requests)
        assert {} == world.findings()
        dump = world.dump(ignoring=SEAL)
        world.close()
        return said(answers), dump

    assert done("alone", alone) == done("bulk", in_bulk(5))


def test_a_group_has_one_seal_and_each_claim_is_looked_at_for_itself(world: World):
    requests = several(world)
    before = entries(world)
    zhang = world.zhang
    answers: Answers = list(claim_many(zhang.home, requests))

    heads = {zhang.store.head(entry) for entry in range(before + 1, before + 9)}
    assert {zhang.store.head()} == heads
    assert zhang.home.keys.head() == (before + 8, zhang.store.head().mac)
    done = [each for each in answers if not isinstance(each, HongbaoError)]
    assert [each["packet"] for each in done] == [
        event["packet"] for event in zhang.events(after=before)["events"]
    ]
    li = world.li
    assert li.history(limit=1)["movements"][0]["packet"] == requests[-1].packet
    assert requests[0].packet == li.trace(requests[0].request_id)["subject"]
    assert ["allow"] == [each["verdict"] for each in li.why(requests[0].request_id)["decisions"]]
    again = list(claim_many(zhang.home, requests))
    assert said(again) == said(
        [{**each, "replayed": True} if each in done else each for each in answers]
    )
    assert {} == world.findings()


def test_what_was_claimed_in_bulk_is_asked_for_again_alone(world: World):
    """
    One request has one answer, or one refusal, on either way.
    """
    requests = several(world, 1)
    zhang = world.zhang
    answers: Answers = list(claim_many(zhang.home, requests))

    assert said(alone(zhang, requests)) == said(
        [each if isinstance(each, HongbaoError) else {**each, "replayed": True} for each in answers]
    )
    assert isinstance(answers[2], errors.AlreadyClaimed)


def test_a_group_ends_when_its_time_is_over(world: World):
    """
    Or when it is full; while nobody asks for anything, only the time is looked at.
    """
    requests = several(world, 2)

    def groups(asked: list[ClaimRequest | None], **how: int) -> list[int]:
        copy = world.copy(world.folder.parent / f"{how}")
        zhang = copy.zhang
        heads = [zhang.store.head().entry for _ in claim_many(zhang.home, asked, **how)]
        copy.close()
        shutil.rmtree(copy.folder)
        return [heads.count(entry) for entry in sorted(set(heads))]

    assert [6] == groups([*requests], within_ms=10**6)
    assert [4, 2] == groups([*requests], most=4, within_ms=10**6)
    assert [1] * 4 == groups([*requests[:2], *requests[3:5]], within_ms=0)
    assert [1, 1] == groups([requests[0], None, requests[1], None], within_ms=0)
    assert [] == groups([None, None], within_ms=0)


@pytest.mark.slow
def test_a_group_that_fails_leaves_nothing_and_is_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    What is wrong with the ledger is no refusal: then nothing of the group has happened.
    """
    requests = several(world, 2)
    before = world.dump()
    zhang = world.zhang
    claims = BulkClaims(zhang.home)
    for wrong in (errors.Busy(), errors.Damaged(path="x"), ZeroDivisionError()):

        def fail(_changes: Any, wrong: Exception = wrong) -> None:
            raise wrong

        monkeypatch.setattr(zhang.store, "apply", fail)
        with pytest.raises(type(wrong)):
            claims.claim(requests)
        monkeypatch.undo()
        assert before == world.dump()
    assert [False, False, True] * 2 == [
        isinstance(each, HongbaoError) for each in claims.claim(requests)
    ]
    assert {} == world.findings()


def test_what_others_did_in_between_is_seen(world: World):
    """
    The same packets, people and devices, from another connection and from this one.
    """
    zhang = world.zhang
    packets = [zhang.send(2 * YUAN, count=2, pin=right)["packet"] for _ in range(3)]
    opened = sessions(world)
    claims = BulkClaims(zhang.home)
    li, wang = opened[LI], opened[WANG]

    (first,) = claims.claim([li.claim(packets[0], "r1")])
    taken = world.li.claim(packets[1])  # which moves the device's counter on
    (late,) = claims.claim([li.claim(packets[1], "r2")])
    assert isinstance(late, errors.NotOfSession)
    li.counter = late.counter
    (twice, other) = claims.claim([li.claim(packets[1], "r2"), wang.claim(packets[1], "r3")])
    assert isinstance(twice, errors.AlreadyClaimed)
    assert not isinstance(other, HongbaoError)
    assert 200 == taken["amount_fen"] + other["amount_fen"]
    balance = world.li.balance()["available_fen"]
    assert not isinstance(first, HongbaoError)
    assert balance == first["amount_fen"] + taken["amount_fen"]
    world.turn(hours=25)
    zhang.refund(packets[2])
    (gone,) = claims.claim([wang.claim(packets[2], "r4")])
    assert isinstance(gone, errors.SessionNotOpen)  # it has expired as well
    assert {} == world.findings()


@pytest.mark.slow
def test_workers_share_packets(world: World):
    """
    Two processes in bulk and two claim by claim: each share is given once.
    """
    zhang = world.zhang
    packets = [zhang.send(20, count=2, pin=right)["packet"] for _ in range(4)]
    opened = sessions(world)
    world.close()

    def act(number: int) -> bytes:
        who = (LI, WANG)[number % 2]
        with Wallet.open(world.env, profile=who) as wallet:
            if number < 2:
                asked = [opened[who].claim(packet, f"{who}{packet}") for packet in packets]
                answers: Answers = list(claim_many(wallet.home, asked, most=2))
            else:
                answers = []
                for packet in packets:
                    try:
                        answers.append(wallet.claim(packet))
                    except HongbaoError as refused:
                        answers.append(refused)
        return bytes(isinstance(answer, HongbaoError) for answer in answers)

    told = race(4, act)
    assert 8 == sum(answer.count(0) for answer in told)
    assert {} == world.findings()


@pytest.mark.slow
@SWEEPS
def test_a_group_that_is_killed_happened_whole_or_not_at_all(
    everywhere: bool, world: World, tmp_path: Path
):
    """
    And the same requests asked again have the answers that they would have had.
    """
    requests = several(world, 2)
    before = entries(world)
    world.close()
    seen = set()
    for step in steps(everywhere, 1):
        victim = world.copy(tmp_path / f"killed-{step}")

        def act(victim: World = victim, step: int = step) -> None:
            with Wallet.open(victim.env, profile=ZHANG) as zhang:
                count_from_here(step)
                list(claim_many(zhang.home, requests, most=4, within_ms=10**6))

        killed = killed_at(step, act, everywhere=everywhere)
        done = entries(victim) - before
        seen.add(done)
        assert {} == victim.findings()
        answers: Answers = list(claim_many(victim.zhang.home, requests))
        assert [False, False, True] * 2 == [isinstance(each, HongbaoError) for each in answers]
        assert done == sum("replayed" in each for each in answers if isinstance(each, dict))
        assert 4 == entries(victim) - before
        assert {} == victim.findings()
        victim.close()
        if not killed:
            break
    assert {0, 3, 4} == seen


# --- what check finds -----------------------------------------------------------------------------

CLAIM = "(SELECT min(id) FROM entry WHERE act = 'claim')"
OTHER = "(SELECT max(id) FROM entry WHERE act = 'claim')"
OPENED = "(SELECT max(id) FROM entry WHERE act = 'session_open')"
OTHERS = f"(SELECT signature FROM entry WHERE id = {OTHER})"
SWAPPED = f"CASE entry WHEN {CLAIM} THEN {OTHER} ELSE {CLAIM} END"
LONGER = "replace(facts, '1440', '2880')"


ALTERED = (
    (f"UPDATE claim SET amount_fen = amount_fen + 1 WHERE entry = {CLAIM}", "deals"),
    (f"UPDATE transfer SET amount_fen = amount_fen + 1 WHERE entry = {CLAIM}", "chain"),
    (f"UPDATE entry SET signature = zeroblob(40) WHERE id = {CLAIM}", "signatures"),
    (f"UPDATE entry SET signature = {OTHERS} WHERE id = {CLAIM}", "signatures"),
    (f"UPDATE entry SET counter = counter + 100 WHERE id = {CLAIM}", "signatures"),
    (f"UPDATE entry SET request_id = 'another' WHERE id = {CLAIM}", "signatures"),
    (f"UPDATE entry SET facts = {LONGER} WHERE id = {OPENED}", "signatures"),
    (f"UPDATE entry SET inputs = zeroblob(32) WHERE id = {OPENED}", "signatures"),
    (f"UPDATE entry SET mac = zeroblob(32) WHERE id = {OTHER}", "chain"),
    (f"DELETE FROM entry WHERE id = {CLAIM}", "chain"),
    (f"DELETE FROM claim WHERE entry = {CLAIM}", "packets"),
    (f"UPDATE claim SET entry = {SWAPPED} WHERE entry IN ({CLAIM}, {OTHER})", "packets"),
)


@pytest.mark.slow
def test_what_was_altered_is_found(world: World, tmp_path: Path):
    """
    A share, a code, a session, a claim that is gone, and two that changed places.
    """
    list(claim_many(world.zhang.home, several(world, 2)))
    assert {} == world.findings()
    for number, (edit, check) in enumerate(ALTERED):
        other = world.copy(tmp_path / f"{number}")
        other.edit(edit)
        assert check in other.findings(), edit
        other.close()


@pytest.mark.slow
def test_codes_are_made_again_after_new_keys(world: World):
    """
    A session's key is made of what outlives a rekey; the session itself is open still.
    """
    zhang = world.zhang
    packet = zhang.send(2 * YUAN, count=2, pin=right)["packet"]
    opened = sessions(world)
    list(claim_many(zhang.home, [opened[LI].claim(packet, "r1")]))
    world.close()
    with world.open(ZHANG) as zhang:
        zhang.rekey()
    (answer,) = claim_many(world.zhang.home, [opened[WANG].claim(packet, "r2")])

    assert not isinstance(answer, HongbaoError)
    assert {} == world.findings()
