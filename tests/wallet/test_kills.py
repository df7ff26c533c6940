"""Killed at any statement of any act: it happened whole or not at all, and the books are sound."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.wallet.acts import KINDS, REFUNDING, Kind, backed_up, half_claimed, sent
from tests.wallet.kills import (
    SWEEPS,
    count_from_here,
    daily_and_everywhere,
    killed_at,
    steps,
    victims,
)
from tests.wallet.test_requests import without_marks
from tests.wallet.world import (
    CARD,
    NOON,
    PINS,
    YUAN,
    ZHANG,
    World,
    policy,
    right,
    tail,
    wrong,
)

DAILY = ("claim-last", "send-by-card", "withdraw")
"""Killed at each boundary in every run; everywhere, and the others, in `make test-all`."""

RANDOM = {
    "profile": ("real_name", "id_number", "pin_hash", *PINS["profile"]),
    "card": ("number",),
    "person": ("id_number_index", "real_name_index"),
    "sealed_row": ("digest",),
    "entry": ("mac",),  # which seals those
}
"""The columns that differ between two runs because of nonces and salts, or of tries at the PIN."""


@pytest.mark.parametrize(("kind", "everywhere"), daily_and_everywhere(KINDS, DAILY))
def test_an_act_that_is_killed_happened_whole_or_not_at_all(
    kind: Kind, everywhere: bool, world: World, tmp_path: Path
):
    """
    At each statement, between the commit and the note of the head, and after it: the next opening
    finds sound books, the act asked for again under its id is done exactly once, and the ledger
    is then the same, to the last MAC, as if nobody had been killed.

    A payment through the channel takes several steps, and each of them happened whole or not at
    all. Once the first has, asking again carries on from the last.
    """
    ready = kind.ready(world)
    before = world.dump(ignoring=PINS)
    unharmed = world.copy(tmp_path / "unharmed")
    told = kind.do(unharmed.open(kind.who), ready, request_id="mine")
    after = unharmed.dump(ignoring=RANDOM)
    whole = len(after["entry"]) - len(before["entry"])
    seen = set()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=kind.who) as desk:
            begin()
            kind.do(desk, ready, request_id="mine")

    kills = 0
    for victim, killed in victims(world, tmp_path, act, everywhere=everywhere):
        kills += killed
        assert {} == victim.findings()
        found = victim.dump(ignoring=PINS)
        acts = len(found["entry"]) - len(before["entry"])
        if acts == 0:
            assert before == found
        seen.add(acts)
        answer = kind.do(victim.open(kind.who), ready, request_id="mine")
        enough = whole if kind.name in REFUNDING else 1
        assert (acts >= enough) == (answer.pop("replayed", False) is True)
        assert kind.name in REFUNDING or told == without_marks(answer)
        assert after == victim.dump(ignoring=RANDOM)

    assert set(range(whole + 1)) == seen
    assert kills >= (10 if everywhere else 2)


def steps_of(
    tmp_path: Path, ready: Callable[[Path], World], everywhere: bool, stride: int = 1
) -> Any:
    """Yield a number and a fresh world to be killed at that step, until the caller has enough."""
    for step in steps(everywhere, stride):
        yield step, ready(tmp_path / f"killed-{step}")


@SWEEPS
def test_a_home_that_was_killed_while_it_was_made_can_be_made(everywhere: bool, tmp_path: Path):
    """
    Keys, file, tables, home, first profile: wherever init is cut off, asked again it carries on.
    """
    for step, world in steps_of(tmp_path, World, everywhere, 3):

        def act(world: World = world) -> None:
            Wallet.found(world.env, ZHANG, pin=right, policy=policy(), clock=NOON)[0].close()

        killed = killed_at(step, act, everywhere=everywhere, from_the_start=True)

        if killed:
            try:
                world.found(ZHANG, clock=NOON)
            except errors.HomeExists:  # it was made, and nobody was left to say so
                assert [ZHANG] == [line["profile"] for line in world.open().profiles()]
            except errors.NameTaken:
                pytest.fail("the home is there without the clock that it was to have")
        assert "virtual" == world.open(ZHANG).clock()["clock"]
        assert 1 == len(world.dump()["entry"])
        assert {} == world.findings()
        leftovers = {path.name for path in world.folder.rglob("*") if path.is_file()}
        assert not {name for name in leftovers if name.endswith((".new", ".partial"))}
        world.close()
        if not killed:
            return


@SWEEPS
def test_a_rekey_that_was_killed_is_finished_or_undone(
    everywhere: bool, world: World, tmp_path: Path
):
    """
    The next opening finds old keys or new ones with pages and rows that fit them: PINs match,
    personal data opens, everything checks, and the next rekey works.
    """
    half_claimed(world)
    before = world.zhang.profiles(), world.zhang.cards(), world.zhang.balance()
    generations = set()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            begin()
            desk.rekey()

    for victim, _ in victims(world, tmp_path, act, everywhere=everywhere):
        zhang = victim.zhang
        assert before == (zhang.profiles(), zhang.cards(), zhang.balance())
        assert {} == victim.findings()
        generations.add(zhang.vault.generation)
        with pytest.raises(errors.CardInUse):
            zhang.add_card(CARD, pin=right)
        victim.close()
        assert zhang.vault.generation + 1 == victim.zhang.rekey()["generation"]
        assert 1 == len(list(victim.env.keys.glob("device-*")))
        assert {} == victim.findings()

    assert {1, 2} == generations


@SWEEPS
def test_a_backup_that_was_killed_leaves_a_whole_copy_or_none(
    everywhere: bool, world: World, tmp_path: Path
):
    """
    The ledger is untouched, the file is whole or as it was before, and the next backup works.
    """
    half_claimed(world)
    before = world.dump()

    for step, victim in steps_of(tmp_path, world.copy, everywhere):
        file = tmp_path / f"copy-{step}"

        def act(victim: World = victim, step: int = step, file: Path = file) -> None:
            with Wallet.open(victim.env, profile=ZHANG) as desk:
                count_from_here(step)
                desk.backup(file)

        killed = killed_at(step, act, everywhere=everywhere)

        assert before == victim.dump()
        if file.exists():
            restore(victim.env, file, accept_older=never)
        else:
            assert killed
        victim.zhang.backup(file, replace=True)
        assert [file] == list(tmp_path.glob(f"copy-{step}*"))
        victim.close()
        if not killed:
            return


def never(*entries: int | None) -> bool:
    raise AssertionError("asked to accept an older copy")


@pytest.mark.parametrize("lost", [False, True], ids=["older", "lost"])
@SWEEPS
def test_a_restore_that_was_killed_is_finished_or_undone(
    everywhere: bool, lost: bool, world: World, tmp_path: Path
):
    """
    The next command finds the ledger as it was, or the copy with the entry that says so, and what
    was tried at PINs since is tried in either. Only a ledger that was damaged before may still be.
    """
    file = backed_up(world)
    with pytest.raises(errors.WrongPin):
        world.li.topup(YUAN, pin=wrong)
    world.close()
    before = world.dump()
    if lost:
        world.ledger.unlink()
    found = set()

    def act(victim: World, begin: Callable[[], None]) -> None:
        restore(victim.env, file, accept_older=lambda *_: True)

    for victim, killed in victims(
        world, tmp_path, act, everywhere=everywhere, stride=5, from_the_start=True
    ):
        try:
            victim.open().close()
        except errors.Damaged:
            assert lost
            assert killed
            found.add("lost")
        else:
            assert {} == victim.findings()
            after = victim.dump()
            came = not after["packet"]
            found.add("came" if came else "stayed")
            assert ("restore" == after["entry"][-1][1]) == came
            if not lost:
                assert {1} == {
                    dump["profile"][1][8] - dump["profile"][1][9] for dump in (after, before)
                }
            assert came or before == after
            assert not list(victim.env.data.glob("*incoming*")) or not came
        restore(victim.env, file, accept_older=lambda *_: True)
        assert {} == victim.findings()
        assert [] == victim.dump()["packet"]
        assert [] == list(victim.env.data.glob("*incoming*"))

    assert {"lost" if lost else "stayed", "came"} == found


@SWEEPS
def test_a_clock_that_was_killed_while_it_turned_is_turned_on(
    everywhere: bool, dicing: World, tmp_path: Path
):
    """
    Some of what fell due is done, each step whole: packets that expired, refunds on their way to a
    card, a bank that is asked again, the settlement of each day. Turned to the same time again,
    the ledger is what it would have been, to the last MAC.
    """
    target = NOON + timedelta(hours=60)
    world = dicing
    for _ in range(2):
        half_claimed(world)
        sent(paid_from=tail(CARD))(world)
        world.zhang.advance_clock(timedelta(hours=1))
    with pytest.raises(errors.PaymentPending):
        world.zhang.topup(444_01, pin=right)  # the amount that no bank answers
    unharmed = world.copy(tmp_path / "unharmed")
    turned = unharmed.zhang.set_clock(target)
    assert (2, 3) == (len(turned["settled"]), len(turned["resolved"]))
    after = unharmed.dump()
    done, settled = set(), set()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            begin()
            desk.set_clock(target)

    for victim, _ in victims(world, tmp_path, act, everywhere=everywhere, stride=5, thinned=9):
        assert {} == victim.findings()
        found = victim.dump()
        done.add(sum(row[18] is not None for row in found["packet"]))
        settled.add(len(found["batch"]))
        victim.zhang.set_clock(target)
        assert after == victim.dump()

    assert {0, 4} <= done
    assert {0, 1, 2} == settled


@pytest.mark.parametrize("when", ["opening", "reading"])
@SWEEPS
def test_who_only_looks_can_be_killed_anywhere(
    everywhere: bool, when: str, world: World, tmp_path: Path
):
    """
    Opening, looking and checking leave the ledger alone.
    """
    half_claimed(world)
    before = world.dump()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            begin()
            desk.balance()
            desk.history()
            desk.check()

    for victim, _ in victims(
        world, tmp_path, act, everywhere=everywhere, from_the_start=when == "opening"
    ):
        assert before == victim.dump()


@SWEEPS
def test_a_killed_try_at_the_pin_is_a_try(everywhere: bool, world: World, tmp_path: Path):
    """
    Killed once it was counted and before it was told right or wrong, a try stays counted: killing
    the process does not buy guesses.
    """
    tries = set()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            begin()
            desk.topup(YUAN, pin=right)

    for victim, _ in victims(world, tmp_path, act, everywhere=everywhere):
        [open_tries] = [row[8] - row[9] for row in victim.dump()["profile"] if row[1] == ZHANG]
        tries.add(open_tries)

    assert {0, 1} == tries
