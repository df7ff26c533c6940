"""The noted head: cheap to write, hard to lose, honest when it cannot be read."""

import os
import time
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.vault import KeyFolder, head
from tests.vault.processes import as_nobody, finished, killed_at, race, run, start

A, B, C = bytes([1] * 32), bytes([2] * 32), bytes([3] * 32)


@pytest.fixture
def keys(folder):
    keys = folder()
    keys.create()
    return keys


def test_a_new_home_has_noted_nothing(keys):
    """
    None, and not damage, where nothing was ever noted: a fresh file, or none at all.
    """
    assert keys.head() is None

    (keys.path / "head").unlink()

    assert keys.head() is None


def test_the_newest_note_counts(keys, folder):
    """
    What was noted last is what the next process reads.
    """
    for entry, mac in ((1, A), (2, B), (3, C)):
        keys.note_head(entry, mac)

        assert (entry, mac) == folder().head()


def test_an_older_entry_is_not_news(keys):
    """
    A slow process cannot turn the note back, nor replace the MAC of what is noted.
    """
    keys.note_head(5, A)

    keys.note_head(4, B)
    keys.note_head(5, C)

    assert (5, A) == keys.head()


def test_a_reset_may_go_backwards_and_on_from_there(keys, folder):
    """
    After an accepted restore the older entry is the head, in both lines, and news counts again.
    """
    keys.note_head(8, A)
    keys.note_head(9, B)

    keys.reset_head(3, C)

    assert (3, C) == folder().head()
    keys.note_head(4, A)
    assert (4, A) == folder().head()


def test_a_reset_reaches_those_who_have_the_file_open(keys, folder):
    """
    Another process that noted before the reset notes after it, in the same file.
    """
    keys.note_head(9, B)

    folder().reset_head(3, C)
    keys.note_head(4, A)

    assert (4, A) == folder().head()


@pytest.mark.parametrize("torn", [0, 1, 20, 50, 85, 86, 93, 94])
def test_a_torn_note_costs_that_note_only(keys, folder, torn):
    """
    Cut short at any byte, the newest note is passed over for the one before it.
    """
    keys.note_head(1, A)
    keys.note_head(2, B)
    file = keys.path / "head"
    before = file.read_bytes()
    keys.note_head(3, C)
    after = file.read_bytes()
    changed = [at for at in range(len(after)) if after[at] != before[at]]

    file.write_bytes(
        before[: changed[0]] + after[changed[0] :][:torn] + before[changed[0] + torn :]
    )

    assert folder().head() in ((2, B), (3, C))
    folder().note_head(4, A)
    assert (4, A) == folder().head()


@pytest.mark.parametrize("torn", [0, 1, 20, 21, 50, 85, 86, 93, 94])
def test_a_first_note_that_is_torn_was_not_made(keys, folder, torn):
    """
    Cut short at any byte over a new home's blanks, it is as if there were none yet, and no damage.
    """
    file = keys.path / "head"
    blank = file.read_bytes()
    keys.note_head(1, A)
    noted = file.read_bytes()

    file.write_bytes(noted[:torn] + blank[torn:])

    assert folder().head() == (None if torn < 94 else (1, A))
    folder().note_head(2, B)
    assert ((2, B), None) == (folder().head(), folder().noted_since())


@pytest.mark.parametrize("step", range(8))
def test_a_note_killed_half_way_leaves_the_one_before(keys, folder, step):
    """
    Killed at any touch of the disk, half a line written, a note leaves a head that was true.
    """
    keys.note_head(1, A)
    keys.note_head(2, B)

    killed_at(step, lambda: folder().note_head(3, C))

    assert folder().head() in ((2, B), (3, C))


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"7".ljust(94) + b"\n" + b"8".ljust(94) + b"\n",
        b"garbage\n" * 30,
        b"%020d " % 7 + b"0" * 64 + b" " + b"0" * 8 + b"\n",
        b"\xff" * 190,
        b"\0" * 190,
    ],
)
def test_a_note_that_nobody_can_read_is_damage(keys, content):
    """
    Where neither line is whole, that is said, and an accepted reset mends it.
    """
    (keys.path / "head").write_bytes(content)

    with pytest.raises(errors.Damaged):
        keys.head()

    keys.reset_head(3, C)
    assert (3, C) == keys.head()


def test_every_byte_of_a_note_counts(keys):
    """
    With any byte changed a line is not believed: a later or earlier number cannot be typed in.
    """
    file = keys.path / "head"
    keys.reset_head(77, A)
    line = file.read_bytes()[:95]

    for at in range(94):
        changed = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        file.write_bytes(changed * 2)

        with pytest.raises(errors.Damaged):
            keys.head()


def test_processes_that_note_at_once_leave_the_newest(folder):
    """
    Whatever the order in which eight processes note their entries, the newest of all remains.
    """
    folder().create()

    def note(number):
        keys = folder()
        for entry in range(number, 400, 8):
            keys.note_head(entry, bytes([entry % 256]) * 32)
        return b""

    race(8, note)

    assert (399, bytes([399 % 256]) * 32) == folder().head()


def test_two_notes_take_turns(keys, folder):
    """
    While another process is at it, a note waits: neither can write over the other's line.
    """
    import fcntl

    keys.note_head(1, A)
    descriptor = os.open(keys.path / "head", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    child = start(lambda: folder().note_head(2, B))
    time.sleep(0.2)
    while_held = folder().head()
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)

    assert 0 == finished(child)
    assert (1, A) == while_held
    assert (2, B) == folder().head()


def test_a_note_that_cannot_be_written_is_no_error(folder):
    """
    The act is done by then: a read-only or missing folder costs the note and nothing else.
    """
    keys = folder()
    keys.note_head(1, A)
    keys.create()
    keys.note_head(2, B)
    (keys.path / "head").chmod(0o400)

    status = as_nobody(keys.path.parent, lambda: KeyFolder(Path("keys")).note_head(3, C))

    assert status == 0
    assert (2, B) == keys.head()


def test_a_note_survives_a_full_disk(keys, folder):
    """
    The file has its full length from the start, so noting never needs a new block.
    """
    length = (keys.path / "head").stat().st_size

    for entry in range(1, 50):
        keys.note_head(entry, A)

    assert length == (keys.path / "head").stat().st_size


def test_a_note_takes_microseconds(keys):
    """
    Noting is part of every act: it must cost next to nothing, and it does not wait for the disk.
    """
    fastest = 1.0

    for first in range(1, 2000, 100):
        started = time.perf_counter()
        for entry in range(first, first + 100):
            keys.note_head(entry, A)
        fastest = min(fastest, (time.perf_counter() - started) / 100)

    assert fastest < 200e-6


def test_a_note_does_not_wait_for_the_disk(keys, folder):
    """
    No fsync in a note, but in the very first: what is noted is there to stay. One in a reset.
    """

    def count(act):
        def body():
            calls = []
            sync = os.fsync

            def counted(fd):
                calls.append(fd)
                sync(fd)

            os.fsync = counted
            act(folder())
            os._exit(len(calls))

        return run(body)

    assert 1 == count(lambda keys: keys.note_head(1, A))
    assert 0 == count(lambda keys: keys.note_head(2, A))
    assert 1 == count(lambda keys: keys.reset_head(1, A))


def test_an_older_entry_is_no_news_from_another_process_either(keys, folder):
    """
    Which reads what was noted before it writes.
    """
    keys.note_head(1, A)
    keys.note_head(5, A)
    other = folder()

    other.note_head(4, B)
    other.note_head(3, C)

    assert (5, A) == folder().head()
    keys.note_head(6, B)
    other.note_head(5, C)
    assert (6, B) == folder().head()
    content = (keys.path / "head").read_bytes()
    assert sorted(head.written_line(*each) for each in ((5, A), (6, B))) == sorted(
        content.splitlines(keepends=True)
    )


def test_the_first_note_waits_for_the_disk(keys, monkeypatch):
    """
    Also where it is of entry 0; no later one does.
    """
    waited: list[int] = []
    monkeypatch.setattr("hongbao.vault.files.sync", waited.append)
    for entry in (0, 1, 2, 3):
        keys.note_head(entry, A)
        assert 1 == len(waited)
    assert keys.noted_since() is None


def test_a_note_lets_go_of_its_lock(keys):
    """
    Whoever notes next waits for nobody.
    """
    import fcntl

    keys.note_head(1, A)
    keys.reset_head(1, A)
    keys.note_head(2, A)
    descriptor = os.open(keys.path / "head", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


def test_a_note_is_of_any_entry_of_twenty_digits():
    """
    From 0 on; a longer number would not be read back.
    """
    for entry in (0, 201, 11**19, 10**20 - 1):
        assert (entry, A) == head.parse_line(head.written_line(entry, A))
    for entry in (-1, 10**20):
        with pytest.raises(AssertionError):
            head.written_line(entry, A)


def test_a_head_that_cannot_be_reset_is_named(keys, monkeypatch):
    """
    With the system's own words.
    """

    def refuse(*_):
        raise OSError(28, "there is no room")

    monkeypatch.setattr("os.pwrite", refuse)
    with pytest.raises(errors.StorageRefused) as caught:
        keys.reset_head(1, A)
    expected = {"path": str(keys.path / "head"), "reason": "there is no room"}
    assert expected == caught.value.facts
