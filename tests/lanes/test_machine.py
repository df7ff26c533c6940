"""
Acts, sealers and losses in any order: no loss is silent, and no machine signs two histories.

The database may answer no COMMIT, go back, or lose a commit that it had acknowledged.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hongbao.domain.log.checkpoint import Checkpoint, Key, opened
from hongbao.domain.log.leaves import Epoch, Moved, decode, faults
from hongbao.domain.log.merkle import Edge
from hongbao.domain.log.sealing import Lane, LaneTorn
from hongbao.domain.log.witness import Forked, Inconsistent, RolledBack, Unaccounted
from hongbao.vault.primitives import signature_fits
from tests.lanes import model
from tests.lanes.model import (
    Again,
    Database,
    Device,
    Machine,
    Outcome,
    Place,
    Store,
    Unknown,
    Write,
    found,
    torn,
)

LANES = ("packet/hb_A", "packet/hb_B", "profile/1", "profile/2")
SITES = {"north": ("m1", "m2"), "south": ("m3",)}

MANY = int(os.environ.get("HONGBAO_LIVES", "300"))

lanes = st.sets(st.sampled_from(LANES), min_size=1, max_size=2)
outcomes = st.sampled_from([Outcome.ANSWERED, Outcome.ANSWERED, *Outcome])
which = st.integers(0, 2)


class Lanes(RuleBasedStateMachine):
    """Three machines at two sites, each with a device and a sealer, over one database."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hongbao-lanes-"))
        self.store = self.new_store()
        self.database = self.store.database
        self.machines: list[Machine] = []
        for site, names in SITES.items():
            for name in names:
                (self.folder / name).mkdir()
                self.machines.append(Machine(name, site, self.folder / name, self.store))
        for machine in self.machines:
            machine.join()
        self.devices = [Device(f"d{n}", machine) for n, machine in enumerate(self.machines)]
        self.count = 0
        # What really was, which no part of the model knows.
        self.seen = {machine.name: self._leaves() for machine in self.machines}
        self.past = dict.fromkeys(self.seen, self._all_leaves())
        self.sealed: dict[bytes, tuple[bytes | None, ...]] = {}
        self.looked: dict[str, list[tuple[Checkpoint, list[bytes]]]] = {}
        self.told: dict[str, tuple[Place, ...]] = {}
        self.accounted: set[str] = set()
        self.loses = True
        self.lossy: set[int] = set()

    def new_store(self) -> Store:
        """Return the store of a new platform."""
        return found(Database())

    @initialize(loses=st.booleans())
    def begin(self, loses: bool) -> None:
        """Let half of the lives lose nothing: there all machines have to sign one history."""
        self.loses = loses

    def teardown(self) -> None:
        try:
            self.comes_to_rest()
        finally:
            shutil.rmtree(self.folder)

    def _newest(self) -> Checkpoint:
        newest = self.store.newest()
        assert newest is not None
        return newest[0]

    def _leaves(self) -> list[bytes]:
        newest = self._newest()
        return self.store.leaves(newest.origin.epoch, newest.size)

    def _all_leaves(self) -> list[bytes]:
        return [leaf for _epoch, leaves in self.store.parts(self._newest()) for leaf in leaves]

    def _history(self, lane: str, upto: int) -> tuple[bytes | None, ...]:
        return tuple(self.store.content(lane, number + 1) for number in range(upto))

    # --- acts ------------------------------------------------------------------------------------

    def _note_answers(self) -> None:
        for device in self.devices:
            for kept in device.kept.values():
                if kept.places is not None:
                    self.told[kept.request] = kept.places

    @rule(device=which, lanes=lanes, outcome=outcomes)
    def act(self, device: int, lanes: set[str], outcome: Outcome) -> None:
        self.count += 1
        try:
            self.devices[device].act(f"r{self.count}", lanes, outcome)
        except Unknown:
            assert outcome is not Outcome.ANSWERED
        self._note_answers()

    @rule(first=which, second=which, lanes=lanes)
    def two_acts_at_once(self, first: int, second: int, lanes: set[str]) -> None:
        """Both have read the same rows: the second begins again."""
        one, other = self.devices[first], self.devices[second]
        if one is other or one.is_short() or other.is_short():
            return
        self.count += 1
        other.counter += 1
        request = f"r{self.count}"
        late, _places = self.store.act(other.name, other.counter, request, lanes)
        self.act(first, lanes, Outcome.ANSWERED)
        with pytest.raises(Again):
            self.database.commit(late)
        assert self.store.request(request) is None
        other.act(request, lanes, Outcome.ANSWERED)
        self._note_answers()

    @rule(device=which)
    def present_again(self, device: int) -> None:
        """A device finds by its counter what is gone, and only that."""
        this = self.devices[device]
        gone = {
            kept.request
            for kept in this.kept.values()
            if kept.places is not None and self.store.request(kept.request) is None
        }
        let_go = {request for request in this.safe if self.store.request(request) is None}
        assert this.is_short() or not gone
        assert gone or let_go or not this.is_short()
        this.present_again()
        assert not this.is_short()
        assert all(kept.places is not None for kept in this.kept.values())
        self._note_answers()

    # --- the log ---------------------------------------------------------------------------------

    def _expected(self, machine: Machine) -> type[Inconsistent] | None:
        """What has to come of a look, by what really was."""
        newest, seen = self._newest(), machine.seen
        was, now = self.seen[machine.name], self._leaves()
        if newest.origin == seen.origin:
            if now[: len(was)] == was:
                return None
            return RolledBack if len(now) < len(was) else Forked
        if newest.origin.epoch < seen.origin.epoch:
            return RolledBack
        epoch = newest.origin.epoch
        while epoch > seen.origin.epoch:
            opening = decode(self.store.leaves(epoch, 1)[0])
            assert isinstance(opening, Epoch)
            assert opening.kept is not None
            if seen in opening.abandoned:
                return None
            kept, epoch = opening.kept, opening.kept.origin.epoch
            if epoch == seen.origin.epoch:
                is_kept = self.store.leaves(epoch, kept.size)[: len(was)] == was
                return None if is_kept else Unaccounted
        return Unaccounted

    def _look(self, machine: Machine) -> bool:
        expected = self._expected(machine)
        before = machine.seen
        if expected is not None:
            with pytest.raises(expected):
                machine.look()
            assert before == machine.seen
            return False
        assert machine.look() == machine.seen == self._newest()
        self._note_seen(machine)
        return True

    @rule(machine=which)
    def seal(self, machine: int) -> None:
        """A step without disturbance."""
        self.begin_seal(machine, len(LANES))
        self.commit_seal(machine, Outcome.ANSWERED)

    @rule(machine=which, lanes=lanes)
    def live(self, machine: int, lanes: set[str]) -> None:
        """An act until it is safe: done, sealed, seen everywhere, and let go."""
        self.act(machine, lanes, Outcome.ANSWERED)
        self.seal(machine)
        looked = [self._look(each) for each in self.machines]
        if all(looked):
            for number in range(len(self.devices)):
                self.let_go(number)

    def _note_seen(self, machine: Machine) -> None:
        self.seen[machine.name] = self._leaves()
        self.past[machine.name] = self._all_leaves()
        looked = self.looked.setdefault(machine.name, [])
        looked.append((machine.seen, self._leaves()))

    @rule(machine=which)
    def look(self, machine: int) -> None:
        self._look(self.machines[machine])

    @rule(machine=which, count=st.integers(1, 3))
    def begin_seal(self, machine: int, count: int) -> None:
        this = self.machines[machine]
        expected = self._expected(this)
        if expected is not None:
            with pytest.raises(expected):
                this.begin_seal(count)
            return
        this.begin_seal(count)
        self._note_seen(this)
        self._note_sealed(this.pending or [])

    def _note_sealed(self, writes: list[Write]) -> None:
        """Note what really was in the lanes when a step was decided on."""
        for write in writes:
            if write.table == "leaf":
                leaf = decode(write.after)
                if isinstance(leaf, Moved):
                    self.sealed[write.after] = self._history(leaf.lane, leaf.upto)

    @rule(machine=which, outcome=outcomes)
    def commit_seal(self, machine: int, outcome: Outcome) -> None:
        this = self.machines[machine]
        if this.pending is None:
            return
        with suppress(Again, Unknown):
            this.commit_seal(outcome)

    @rule(device=which)
    def let_go(self, device: int) -> None:
        this = self.devices[device]
        if not self._look(this.machine):
            return
        try:
            this.let_go(self.machines)
        except Inconsistent:
            assert self.lossy  # a machine has signed what is lost since
        self._note_seen(this.machine)

    # --- losses ----------------------------------------------------------------------------------

    def _note_loss(self, epoch: int) -> None:
        self.lossy |= {*range(self._newest().origin.epoch, epoch + 1)}

    @precondition(lambda self: self.loses)
    @rule(count=st.integers(1, 8))
    def roll_back(self, count: int) -> None:
        epoch = self._newest().origin.epoch
        self.database.roll_back(min(count, len(self.database.done) - 1))
        self._note_loss(epoch)

    @precondition(lambda self: self.loses)
    @rule(table=st.sampled_from(["request", "log"]), skipped=st.integers(0, 2))
    def lose_a_commit(self, table: str, skipped: int) -> None:
        """An act or a step of the sealer, the newest but for those *skipped*, if it can be lost."""
        epoch = self._newest().origin.epoch
        of_kind = [at for at, writes in enumerate(self.database.done) if writes[0].table == table]
        places = of_kind[1:] if table == "log" else of_kind  # the first step made the platform
        if len(places) > skipped and self.database.lose(places[-1 - skipped]):
            self._note_loss(epoch)

    @rule(machine=which, reached=st.sets(which))
    def open_epoch(self, machine: int, reached: set[int]) -> None:
        """An operator opens another one, with the heads of the machines that can be reached."""
        this = self.machines[machine]
        machines = [self.machines[number] for number in {machine, *reached}]
        lost = {one.name: self.past[one.name] for one in machines if self._expected(one)}
        gone = self._gone()
        epoch = this.open_epoch([one.seen for one in machines])
        self._note_sealed(self.database.done[-1])
        assert len({one.seen for one in machines if one.name in lost}) == len(epoch.abandoned)
        self.accounted |= gone & (
            self._covered(lost.values()) | self._of_lanes(self._torn_lanes(epoch))
        )
        assert all(self._look(one) for one in machines)

    def _torn_lanes(self, epoch: Epoch) -> set[str]:
        leaves = [decode(self.store.leaves(of, at + 1)[at]) for of, at in epoch.torn]
        return {leaf.lane for leaf in leaves if isinstance(leaf, Moved)}

    # --- what holds ------------------------------------------------------------------------------

    def _is_there(self, request: str) -> bool:
        known = self.store.request(request)
        return known is not None and all(
            self.store.mac(place.lane, place.number) == place.mac for place in known[1]
        )

    def _gone(self) -> set[str]:
        """Acts that were acknowledged, are not in the ledger, and are kept by no device."""
        kept = {request for device in self.devices for request in device.kept}
        return {request for request in self.told if not self._is_there(request)} - kept

    def _covered(self, histories: Any) -> set[str]:
        """Acts that these logs seal."""
        sealed = [
            (leaf.lane, leaf.after, leaf.upto)
            for leaves in histories
            for leaf in map(decode, leaves)
            if isinstance(leaf, Moved)
        ]
        return {
            request
            for request, places in self.told.items()
            if any(
                lane == place.lane and after < place.number <= upto
                for place in places
                for lane, after, upto in sealed
            )
        }

    def _of_lanes(self, lanes: set[str]) -> set[str]:
        return {
            request
            for request, places in self.told.items()
            if any(place.lane in lanes for place in places)
        }

    @invariant()
    def no_loss_is_silent(self) -> None:
        """
        What was acknowledged is there, or a device has it, or a machine refuses, or a lane is torn.
        """
        gone = self._gone() - self.accounted
        if gone:
            refusing = [self.past[one.name] for one in self.machines if self._expected(one)]
            lanes = set(torn(self.store, self._newest()))
            assert gone <= self._covered(refusing) | self._of_lanes(lanes)

    @invariant()
    def check_names_the_lanes_that_are_torn(self) -> None:
        """Those whose entries are not what they were when they were sealed, and no others."""
        expected: set[str] = set()
        for leaf in map(decode, self._all_leaves()):
            if isinstance(leaf, Epoch):
                expected -= self._torn_lanes(leaf)
            elif not isinstance(leaf, Moved):
                continue
            elif self._history(leaf.lane, leaf.upto) != self.sealed[leaf.encode()]:
                expected.add(leaf.lane)
        assert expected == set(torn(self.store, self._newest()))

    def comes_to_rest(self) -> None:
        """In the end: what was lost is accounted for, what was kept is there, and all agree."""
        while any(self._expected(machine) for machine in self.machines):
            self.open_epoch(0, {0, 1, 2})
        if torn(self.store, self._newest()):
            self.open_epoch(0, {0, 1, 2})
        for device in self.devices:
            device.present_again()
            assert all(self._is_there(request) for request in device.kept)
        self._note_answers()
        for machine in self.machines:
            machine.pending = None
        while self.store.lanes_moved(1):
            self.begin_seal(0, 3)
            assert not self.machines[0].torn
            self.commit_seal(0, Outcome.ANSWERED)
        assert all(self._look(machine) for machine in self.machines)
        wrong, sealed = faults(self.store.parts(self._newest()), self.store.mac)
        assert [] == wrong
        lanes = self.database.tables["lane"]
        assert lanes == {lane: (end.upto, end.head) for lane, end in sealed.items()}
        assert self._gone() <= self.accounted
        self._each_act_is_there_once()
        self._one_history_is_signed()

    def _each_act_is_there_once(self) -> None:
        entries = self.database.tables["entry"]
        places = [
            (place.lane, place.number, place.mac)
            for _said, places in self.database.tables["request"].values()
            for place in places
        ]
        assert len(places) == len(entries)
        assert {(lane, number): mac for lane, number, mac in places} == {
            place: mac for place, (_content, mac) in entries.items()
        }

    def _one_history_is_signed(self) -> None:
        """By each machine always, and by all of them unless their epoch lost something."""
        logs = dict(self.store.parts(self._newest()))
        for machine in self.machines:
            for checkpoint, note in machine.signed:
                epoch = checkpoint.origin.epoch
                log = Key(str(checkpoint.origin), self.store.vault.public_key("log"))
                text, signers = opened(note, [log, machine.public], signature_fits)
                assert text == checkpoint.text
                assert len(signers) == 2
                if epoch not in self.lossy:
                    edge = Edge()
                    for leaf in logs[epoch][: checkpoint.size]:
                        edge.append(leaf)
                    assert (edge.size, edge.root()) == (checkpoint.size, checkpoint.root)
            looked = self.looked[machine.name]
            for (before, was), (after, now) in pairwise(looked):
                assert before.origin != after.origin or now[: len(was)] == was


def explore(examples: int, steps: int, lives: type[Lanes] = Lanes) -> None:
    run_state_machine_as_test(
        lives,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_loss_is_silent():
    """
    A few lives of three machines, every day.
    """
    explore(8, 20)


@pytest.mark.slow
def test_no_loss_is_silent_in_many_lives():
    """
    As many as HONGBAO_LIVES says, each of sixty steps.
    """
    explore(MANY, 60)

    sys.stdout.write(f"{MANY} lives of three machines\n")


# --- controls: each rule is needed ----------------------------------------------------------------


def witnesses_take_anything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(model, "judge", lambda _seen, _offered, log: None)


def torn_lanes_are_not_named(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(model, "torn", lambda _store, _kept: {})


def nothing_is_presented_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Device, "present_again", lambda _self: None)


def acts_come_before_what_is_gone(patch: pytest.MonkeyPatch) -> None:
    def act(self: Device, request: str, lanes: Iterable[str], outcome: Outcome) -> None:
        self._ask(model.Kept(request, tuple(sorted(lanes)), 0, None), outcome)

    patch.setattr(Device, "act", act)


def devices_let_go_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Device, "_covers", lambda _self, _checkpoint, _place: True)


def an_epoch_opens_with_unsealed_lanes(patch: pytest.MonkeyPatch) -> None:
    lanes_moved = Store.lanes_moved

    def none_at_opening(self: Store, count: int | None = None) -> list[Lane]:
        return [] if count is None else lanes_moved(self, count)

    patch.setattr(Store, "lanes_moved", none_at_opening)


def an_old_epoch_stays_open(patch: pytest.MonkeyPatch) -> None:
    append = Store.append

    def opening(self: Store, *arguments: Any) -> list[Write]:
        writes = append(self, *arguments)
        return [write for write in writes if write.table != "log" or not write.after[2]]

    patch.setattr(Store, "append", opening)


def sealers_do_not_wait_for_each_other(patch: pytest.MonkeyPatch) -> None:
    commit = Database.commit

    def over(self: Database, writes: list[Write], outcome: Outcome = Outcome.ANSWERED) -> None:
        rows = [self.tables[table].get(key) for table, key, _before, _after in writes]
        log = {"log", "leaf", "tiled", "checkpoint", "sealed"}
        commit(
            self,
            [
                write._replace(before=row) if write.table in log else write
                for write, row in zip(writes, rows, strict=True)
            ],
            outcome,
        )

    patch.setattr(Database, "commit", over)


def steps_are_signed_before_they_are_committed(patch: pytest.MonkeyPatch) -> None:
    begin = Machine.begin_seal

    def signing(self: Machine, count: int) -> None:
        begin(self, count)
        for write in self.pending or []:
            if write.table == "checkpoint":
                self.signed.append((write.after, self._note(write.after)))

    patch.setattr(Machine, "begin_seal", signing)


A, B = {"profile/1"}, {"packet/hb_A", "profile/2"}
DONE = Outcome.ANSWERED

LIVES: dict[Callable[[pytest.MonkeyPatch], None], list[tuple[Any, ...]]] = {
    witnesses_take_anything: [("live", 0, A), ("roll_back", 5), ("look", 1)],
    torn_lanes_are_not_named: [("live", 0, A), ("lose_a_commit", "request", 0)],
    nothing_is_presented_again: [("act", 0, A, DONE), ("roll_back", 1), ("present_again", 0)],
    acts_come_before_what_is_gone: [
        ("act", 0, A, DONE),
        ("roll_back", 1),
        ("act", 0, B, DONE),
        ("present_again", 0),
    ],
    devices_let_go_at_once: [
        ("look", 2),
        ("act", 0, A, DONE),
        ("let_go", 0),
        ("lose_a_commit", "request", 0),
    ],
    an_epoch_opens_with_unsealed_lanes: [
        ("live", 0, A),
        ("roll_back", 5),
        ("open_epoch", 1, {0, 1, 2}),
        ("lose_a_commit", "request", 0),
    ],
    an_old_epoch_stays_open: [
        ("act", 0, A, DONE),
        ("begin_seal", 0, 1),
        ("lose_a_commit", "request", 0),
        ("open_epoch", 1, {1}),
        ("commit_seal", 0, DONE),
    ],
    sealers_do_not_wait_for_each_other: [
        ("act", 0, A, DONE),
        ("begin_seal", 0, 1),
        ("act", 1, B, DONE),
        ("begin_seal", 1, 4),
        ("commit_seal", 0, DONE),
        ("look", 0),
        ("commit_seal", 1, DONE),
    ],
    steps_are_signed_before_they_are_committed: [
        ("act", 0, A, DONE),
        ("begin_seal", 0, 1),
        ("commit_seal", 0, Outcome.UNDONE),
        ("act", 1, B, DONE),
        ("seal", 1),
    ],
}
"""For each rule, a life that is a good one with it, and not without it."""


def play(life: list[tuple[Any, ...]], lives: type[Lanes] = Lanes) -> None:
    machine = lives()
    try:
        machine.begin(loses=True)
        for name, *arguments in life:
            getattr(machine, name)(*arguments)
            machine.no_loss_is_silent()
            machine.check_names_the_lanes_that_are_torn()
        machine.comes_to_rest()
    finally:
        shutil.rmtree(machine.folder)


@pytest.mark.parametrize("broken", LIVES)
def test_each_rule_is_needed(broken: Callable[[pytest.MonkeyPatch], None], monkeypatch):
    """
    Without it, the model finds that something is wrong, so it does look.
    """
    play(LIVES[broken])
    broken(monkeypatch)

    with pytest.raises((AssertionError, pytest.fail.Exception, LaneTorn)):
        play(LIVES[broken])
