"""A witness's memory: on the disk before it counts, lost only aloud, and one of two processes'."""

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.domain.log.checkpoint import Checkpoint, Origin
from hongbao.vault import Vault, primitives
from hongbao.vault.witness import AlreadyWitness, MemoryLost, Offer, Witness
from tests.vault.conftest import CHEAP
from tests.vault.processes import killed_at, race, run

ORIGIN = Origin("0123456789abcdef", 1)


def head(size: int, epoch: int = 1) -> Checkpoint:
    return Checkpoint(ORIGIN._replace(epoch=epoch), size, bytes([size % 256]) * 32)


class NotTaken(Exception):
    """What a judge here raises."""


def grows(seen: Checkpoint, offered: Checkpoint) -> None:
    if (offered.origin.epoch, offered.size) < (seen.origin.epoch, seen.size):
        raise NotTaken


def offering(checkpoint: Checkpoint, acknowledged: tuple[int, int] | None = None):
    return lambda _name: Offer(checkpoint, acknowledged)


@pytest.fixture
def witness(tmp_path: Path, vault: Vault):
    """The witness of one machine; each call is a new process's view."""
    (tmp_path / "keys").mkdir()
    return lambda: Witness(tmp_path / "keys", vault)


def test_a_memory_of_an_older_program_is_read(witness, tmp_path, vault):
    """
    What it is sealed with and about never changes; one that opens and says nothing is damaged.
    """
    file, nonce = tmp_path / "keys" / "witness", bytes(12)
    key = primitives.subkey(vault.legacy_secrets()[1].signing, b"witness")

    def put(text: str) -> None:
        about = primitives.joined(b"hongbao witness", b"1")
        file.write_bytes(nonce + primitives.encrypt(key, nonce, text.encode(), about))

    put(f"0123456789abcdef\n{head(3).text}")
    assert ("0123456789abcdef", head(3)) == witness().memory()

    put(f"0123456789abcdef\n{head(3).text}\n")
    with pytest.raises(errors.Damaged) as damaged:
        witness().memory()
    assert str(file) == damaged.value.facts["path"]


def test_what_was_seen_is_remembered(witness, tmp_path):
    """
    By the next process, under the same name, in a file that only its owner reads.
    """
    name = witness().begin(head(3))

    assert (name, head(3)) == witness().memory()
    assert (name, head(5)) == witness().look(offering(head(5)), grows)
    assert (name, head(5)) == witness().memory()
    assert {"witness", ".witness"} == {path.name for path in (tmp_path / "keys").iterdir()}
    assert 0o600 == (tmp_path / "keys" / "witness").stat().st_mode & 0o777
    assert 16 == len(bytes.fromhex(name)) * 2 == len(name)


def test_what_is_not_consistent_is_not_remembered(witness, tmp_path):
    """
    The judge's word leaves the file as it was, byte for byte, and the next look is possible.
    """
    witness().begin(head(3))
    before = (tmp_path / "keys" / "witness").read_bytes()

    with pytest.raises(NotTaken):
        witness().look(offering(head(2)), grows)

    assert before == (tmp_path / "keys" / "witness").read_bytes()
    assert head(4) == witness().look(offering(head(4)), grows).seen


def test_nothing_new_writes_nothing(witness, tmp_path):
    """
    Most looks find what was seen before.
    """
    witness().begin(head(3))
    before = (tmp_path / "keys" / "witness").read_bytes()

    witness().look(offering(head(3)), grows)

    assert before == (tmp_path / "keys" / "witness").read_bytes()


def test_a_machine_without_a_memory_is_no_witness(witness):
    """
    It does not take the first thing that it is offered for what it has always known.
    """
    with pytest.raises(MemoryLost):
        witness().look(offering(head(3)), grows)
    with pytest.raises(MemoryLost):
        witness().memory()


def test_a_memory_is_not_begun_over(witness, tmp_path):
    """
    Neither over one that is whole nor over one that does not open.
    """
    witness().begin(head(3))

    with pytest.raises(AlreadyWitness):
        witness().begin(head(1))
    assert head(3) == witness().memory().seen

    (tmp_path / "keys" / "witness").write_bytes(b"")
    with pytest.raises(AlreadyWitness):
        witness().begin(head(1))


def test_every_byte_of_a_memory_counts(witness, tmp_path):
    """
    Altered, cut short or grown, it is lost.
    """
    witness().begin(head(3))
    file = tmp_path / "keys" / "witness"
    whole = file.read_bytes()

    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(MemoryLost):
            witness().memory()
    for other in (b"", whole[:-1], whole[:11], whole + b"x"):
        file.write_bytes(other)
        with pytest.raises(MemoryLost):
            witness().memory()


def test_another_homes_memory_is_none(witness, tmp_path, other):
    """
    It was sealed by other keys.
    """
    witness().begin(head(3))

    with pytest.raises(MemoryLost):
        Witness(tmp_path / "keys", other).memory()


def test_a_memory_outlives_a_rekey(witness, tmp_path, vault):
    """
    The next generation's keys open it, and seal it anew when there is news.
    """
    name = witness().begin(head(3))
    fresh = Vault(bytes(range(2, 34)), 2, cost=CHEAP)
    fresh.adopt_retired(fresh.seal_retired(vault))

    assert (name, head(3)) == Witness(tmp_path / "keys", fresh).memory()
    Witness(tmp_path / "keys", fresh).look(offering(head(4)), grows)
    assert (name, head(4)) == Witness(tmp_path / "keys", fresh).memory()
    with pytest.raises(MemoryLost):
        witness().memory()


@pytest.mark.parametrize("acknowledged", [(1, 6), (2, 1)])
def test_a_memory_that_went_back_is_lost(witness, tmp_path, acknowledged):
    """
    An older file that was put back does not know what the ledger says that it has seen.
    """
    witness().begin(head(3))
    file = tmp_path / "keys" / "witness"
    older = file.read_bytes()
    witness().look(offering(head(6)), grows)
    file.write_bytes(older)

    with pytest.raises(MemoryLost):
        witness().look(offering(head(7), acknowledged), grows)

    assert older == file.read_bytes()


@pytest.mark.parametrize("acknowledged", [None, (1, 2), (1, 3)])
def test_a_ledger_that_knows_less_is_no_loss_of_memory(witness, acknowledged):
    """
    What is noted there comes after what is remembered here; a judge says what a loss there is.
    """
    witness().begin(head(3))

    assert head(4) == witness().look(offering(head(4), acknowledged), grows).seen


def test_the_ledger_is_asked_about_this_witness(witness):
    """
    By its name, and about news once more when it is this process's turn.
    """
    name = witness().begin(head(3))
    asked: list[str] = []

    def offering(size: int, name: str) -> Offer:
        asked.append(name)
        return Offer(head(size), None)

    witness().look(partial(offering, 3), grows)
    assert [name] == asked

    witness().look(partial(offering, 4), grows)
    assert [name] * 3 == asked


def test_a_lost_memory_is_retired_and_another_witness_begins(witness, tmp_path):
    """
    Under another name, so that nobody takes its word for that of the one before.
    """
    name = witness().begin(head(3))
    whole = (tmp_path / "keys" / "witness").read_bytes()

    witness().retire()

    with pytest.raises(MemoryLost):
        witness().memory()
    assert whole == (tmp_path / "keys" / "witness.retired").read_bytes()
    assert name != witness().begin(head(9))
    assert head(9) == witness().memory().seen


def test_what_is_gone_can_be_retired(witness, tmp_path):
    """
    There is nothing to put aside.
    """
    witness().retire()

    assert not (tmp_path / "keys" / "witness.retired").exists()


def test_what_cannot_be_retired_says_so(witness, tmp_path):
    """
    And stays where it is.
    """
    witness().begin(head(3))
    (tmp_path / "keys" / "witness.retired").mkdir()

    with pytest.raises(errors.StorageRefused):
        witness().retire()

    assert head(3) == witness().memory().seen


def test_a_foreign_file_is_not_read(witness, tmp_path):
    """
    A link in the memory's place leads nowhere.
    """
    (tmp_path / "keys" / "witness").symlink_to("/dev/zero")

    with pytest.raises(errors.ForeignFile):
        witness().memory()
    with pytest.raises(AlreadyWitness):
        witness().begin(head(3))


def test_a_look_that_is_killed_anywhere(witness, tmp_path):
    """
    Leaves what was seen before or what is seen now, and the next look goes on from it.
    """
    name = witness().begin(head(1))
    seen = 1
    for step in range(100):
        offered = seen + 1

        def look(offered: int = offered) -> None:
            witness().look(offering(head(offered)), grows)

        was_killed = killed_at(step, look)

        memory = witness().memory()
        assert memory.name == name
        assert memory.seen in (head(seen), head(offered))
        assert was_killed or memory.seen == head(offered)
        seen = memory.seen.size
        if not was_killed:
            break
    else:
        pytest.fail("the look never came to its end")
    assert step > 5
    assert head(seen + 1) == witness().look(offering(head(seen + 1)), grows).seen


def test_what_was_answered_is_on_the_disk(witness, tmp_path):
    """
    A process that has told anyone that it accepted a checkpoint cannot lose it by dying.
    """
    witness().begin(head(1))
    told = tmp_path / "told"

    for step in range(100):
        size = witness().memory().seen.size + 1

        def look(size: int = size) -> None:
            told.write_text(json.dumps(witness().look(offering(head(size)), grows).seen.size))

        told.unlink(missing_ok=True)
        was_killed = killed_at(step, look)

        if told.exists() and told.read_text():
            assert witness().memory().seen.size >= json.loads(told.read_text())
        if not was_killed:
            break
    assert told.exists()


def test_a_beginning_that_is_killed_anywhere(witness, tmp_path):
    """
    Leaves a memory or none, and never half of one.
    """
    for step in range(100):
        (tmp_path / "keys" / "witness").unlink(missing_ok=True)
        was_killed = killed_at(step, lambda: witness().begin(head(4)))

        if (tmp_path / "keys" / "witness").exists():
            assert head(4) == witness().memory().seen
        else:
            assert was_killed
            witness().begin(head(4))
        if not was_killed:
            break


def test_two_processes_look_one_after_the_other(witness, tmp_path):
    """
    Each asks when it is its turn, so what one has seen is never a loss to another.
    """
    witness().begin(head(0))
    counter = tmp_path / "newest"

    def newest(_name: str) -> Offer:
        with counter.open("ab") as log:  # it grows with each question
            log.write(b"x")
            log.flush()
            return Offer(head(log.tell()), None)

    def body(_number: int) -> bytes:
        taken = [witness().look(newest, grows).seen.size for _ in range(20)]
        return json.dumps(taken).encode()

    taken = [json.loads(said) for said in race(4, body)]

    sizes = [size for some in taken for size in some]
    assert 80 == len(set(sizes))
    assert all(some == sorted(some) for some in taken)
    assert head(max(sizes)) == witness().memory().seen


def test_two_processes_begin_one_witness(witness):
    """
    The other is told that there is one.
    """

    def body(number: int) -> bytes:
        try:
            name: str = witness().begin(head(number))
            return name.encode()
        except AlreadyWitness:
            return b""

    begun = [name.decode() for name in race(4, body) if name]

    assert [witness().memory().name] == begun


def test_a_witness_that_is_killed_blocks_no_one(witness):
    """
    The system lets go of what it held.
    """
    witness().begin(head(1))

    def dies(_name: str) -> Offer:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    assert -signal.SIGKILL == run(lambda: witness().look(dies, grows))
    assert head(2) == witness().look(offering(head(2)), grows).seen
