"""Private files, and the locks that keep two processes apart."""

import errno
import os
import stat
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from hongbao import errors
from hongbao.vault import files
from hongbao.vault.files import Gate, Guard
from tests.every import every
from tests.vault.processes import as_nobody


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


# --- folders -------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="its permissions are others")
def test_a_folder_is_closed_to_those_who_could_write_there(tmp_path):
    """
    A private one to readers as well; where nobody could write there, it stays as it is.
    """
    folder = tmp_path / "folder"
    folder.mkdir()
    told = {}
    for mode in (0o700, 0o755, 0o775, 0o757, 0o1777):
        for private in (False, True):
            folder.chmod(mode)
            told[mode, private] = files.close_to_writers(folder, private=private), mode_of(folder)

    assert {
        (0o700, False): (None, 0o700),
        (0o700, True): (None, 0o700),
        (0o755, False): (None, 0o755),
        (0o755, True): (None, 0o755),
        (0o775, False): (True, 0o755),
        (0o775, True): (True, 0o700),
        (0o757, False): (True, 0o755),
        (0o757, True): (True, 0o700),
        (0o1777, False): (None, 0o1777),
        (0o1777, True): (True, 0o1700),
    } == told
    assert files.close_to_writers(tmp_path / "missing", private=True) is None


def test_a_folder_that_cannot_be_closed_is_told(tmp_path, monkeypatch):
    """
    Whether the system refuses, or says yes and does nothing.
    """
    tmp_path.chmod(0o777)
    monkeypatch.setattr("pathlib.Path.chmod", lambda *_: None)
    assert files.close_to_writers(tmp_path, private=True) is False

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.chmod", refuse)
    assert files.close_to_writers(tmp_path, private=False) is False
    monkeypatch.undo()


def test_a_folder_is_made_private_with_those_above_it(tmp_path):
    """
    And one that stands open is closed; a file in its place is refused by name.
    """
    files.make_folder(tmp_path / "a" / "b" / "c")
    for each in ("a", "a/b", "a/b/c"):
        assert 0o700 == mode_of(tmp_path / each)

    (tmp_path / "a").chmod(0o750)
    files.make_folder(tmp_path / "a")
    assert 0o700 == mode_of(tmp_path / "a")
    (tmp_path / "a").chmod(0o500)
    files.make_folder(tmp_path / "a")
    assert 0o500 == mode_of(tmp_path / "a")  # which nobody else could enter

    (tmp_path / "file").touch()
    with pytest.raises(errors.StorageRefused) as caught:
        files.make_folder(tmp_path / "file" / "b")
    assert str(tmp_path / "file" / "b") == caught.value.facts["path"]


# --- files of our own ----------------------------------------------------------------------------

_LINK, _NONE = "it is a link", "it is not a file"
_NAMED = "it has a second name, a hard link"


@pytest.fixture
def strange(tmp_path):
    """A folder with a file, a link to it, a link to nowhere, a folder, a pipe and a second name."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "nowhere").symlink_to("missing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "named").write_bytes(b"twice")
    (tmp_path / "twin").hardlink_to(tmp_path / "named")
    return tmp_path


REASONS = {
    "link": _LINK,
    "nowhere": _LINK,
    "folder": _NONE,
    "pipe": _NONE,
    "named": _NAMED,
    "twin": _NAMED,
}


def test_what_is_not_ours_alone_is_foreign(strange):
    """
    For what a library will open, which is looked at before, and for what we open ourselves.
    """
    for name, reason in REASONS.items():
        for act in (files.check_own, files.read):
            with pytest.raises(errors.ForeignFile) as caught:
                act(strange / name)
            assert str(strange / name) == caught.value.facts["path"]
            assert reason == str(caught.value.facts["reason"])

    files.check_own(strange / "file")
    files.check_own(strange / "missing")
    files.check_own(strange / "file" / "missing")
    files.check_own(strange / ("x" * 300))  # the journal of a file whose own name just fits
    assert b"content" == files.read(strange / "file")
    with pytest.raises(FileNotFoundError):
        files.read(strange / "missing")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_another_user_is_foreign(tmp_path):
    """
    Unless whoever looks is root, who owns what it wants.
    """
    (tmp_path / "file").write_bytes(b"content")
    os.chown(tmp_path / "file", 65533, 65533)
    files.check_own(tmp_path / "file")

    def look():
        os.environ.clear()
        with pytest.raises(errors.ForeignFile) as caught:
            files.check_own(Path("theirs"))
        assert "it belongs to another user" == str(caught.value.facts["reason"])
        assert "theirs" == caught.value.facts["path"]
        files.check_own(Path("ours"))

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "ours").touch()

    def own_them():
        os.chown("theirs", 65533, 65533)

    (folder / "theirs").touch()
    real = os.setuid

    def setuid(number):
        own_them()
        real(number)

    os.setuid = setuid
    try:
        assert 0 == as_nobody(folder, look)
    finally:
        os.setuid = real


def test_what_the_system_will_not_show_is_refused(tmp_path, monkeypatch):
    """
    By its name and in the system's own words; where it has none, by the kind of the error.
    """

    def refuse(*_, **__):
        raise OSError(errno.EIO, "it is broken")

    monkeypatch.setattr("pathlib.Path.lstat", refuse)
    with pytest.raises(errors.StorageRefused) as caught:
        files.check_own(tmp_path / "file")
    assert {"path": f"{tmp_path}/file", "reason": "it is broken"} == caught.value.facts

    def wordless(*_, **__):
        raise TimeoutError

    monkeypatch.setattr("os.open", wordless)
    with pytest.raises(errors.StorageUnreadable) as unread:
        files.read(tmp_path / "file")
    assert {"path": f"{tmp_path}/file", "reason": "TimeoutError"} == unread.value.facts
    with pytest.raises(errors.StorageRefused) as refused, files.storage(tmp_path):
        raise TimeoutError
    assert {"path": str(tmp_path), "reason": "TimeoutError"} == refused.value.facts


def test_of_a_file_that_is_too_large_only_the_beginning_is_read(tmp_path):
    """
    By the piece, until there is enough: what is longer than it may be is no file of ours.
    """
    (tmp_path / "file").write_bytes(bytes(range(256)) * 1024)

    whole = files.read(tmp_path / "file")

    assert bytes(range(256)) * 1024 == whole
    assert whole[: 1 << 16] == files.read(tmp_path / "file", size_max=1 << 16)
    assert whole[: 2 << 16] == files.read(tmp_path / "file", size_max=(1 << 16) + 1)
    assert 1 << 20 == files.SIZE_MAX


def test_a_file_that_stood_open_is_closed_when_it_is_read(tmp_path):
    """
    To its owner alone.
    """
    for mode in (0o640, 0o604, 0o644):
        (tmp_path / "file").write_bytes(b"content")
        (tmp_path / "file").chmod(mode)
        files.read(tmp_path / "file")
        assert 0o600 == mode_of(tmp_path / "file")
    (tmp_path / "file").chmod(0o400)
    files.read(tmp_path / "file")
    assert 0o400 == mode_of(tmp_path / "file")  # which nobody else could read


def test_a_file_is_opened_where_it_is_missing_and_closed_to_others(tmp_path):
    """
    What is in it stays.
    """
    os.close(files.open_private(tmp_path / "file"))
    assert (b"", 0o600) == ((tmp_path / "file").read_bytes(), mode_of(tmp_path / "file"))

    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "file").chmod(0o644)
    descriptor = files.open_private(tmp_path / "file")
    files.write_at(descriptor, b"CON", 0)
    assert b"ten" == files.read_at(descriptor, 3, 3)
    os.close(descriptor)
    assert (b"CONtent", 0o600) == ((tmp_path / "file").read_bytes(), mode_of(tmp_path / "file"))


def test_what_is_written_in_pieces_is_whole(tmp_path, monkeypatch):
    """
    A system may take less than all of it at once.
    """
    real = os.pwrite
    monkeypatch.setattr("os.pwrite", lambda it, content, at: real(it, content[:3], at))
    descriptor = files.open_private(tmp_path / "file")

    files.write_at(descriptor, b"0123456789", 2)

    os.close(descriptor)
    assert b"\0\x000123456789" == (tmp_path / "file").read_bytes()


def test_a_file_gets_another_name_and_goes(tmp_path, monkeypatch):
    """
    Durably: its folder is on the disk, too. What had the name before is gone.
    """
    synced: list[Path] = []
    monkeypatch.setattr("hongbao.vault.files._sync_folder", synced.append)
    (tmp_path / "other").mkdir()
    files.write_new(tmp_path / "a", b"first")
    files.write_new(tmp_path / "other" / "b", b"second")

    files.rename(tmp_path / "a", tmp_path / "other" / "b")
    assert b"first" == (tmp_path / "other" / "b").read_bytes()
    assert not (tmp_path / "a").exists()
    files.remove(tmp_path / "other" / "b")
    files.remove(tmp_path / "other" / "b")
    assert not (tmp_path / "other" / "b").exists()
    assert [tmp_path / "other"] * 3 == synced

    with pytest.raises(errors.StorageRefused) as caught:
        files.rename(tmp_path / "a", tmp_path / "b")
    assert str(tmp_path / "a") == caught.value.facts["path"]
    with pytest.raises(errors.StorageRefused) as caught:
        files.write_new(tmp_path / "other", b"")
    assert str(tmp_path / "other") == caught.value.facts["path"]


# --- locks ---------------------------------------------------------------------------------------


@pytest.fixture
def paused(monkeypatch):
    """The pauses that were made, none of which takes any time."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def test_a_lock_is_held_by_one(tmp_path, paused):
    """
    Ten seconds are waited for one that does not move, patience times over; then it is busy.
    """
    first, second = Guard(tmp_path / "lock"), Guard(tmp_path / "lock", patience=3)
    first.take()
    assert (True, False) == (first.held, second.held)
    with pytest.raises(errors.Busy):
        second.take(wait=False)
    assert [] == paused
    with pytest.raises(errors.Busy):
        second.take()
    assert [0.05] * (3 * 200 - 1) == paused
    assert not second.held

    first.release()
    first.release()
    second.take()
    assert (False, True) == (first.held, second.held)


def test_who_waits_for_a_queue_that_moves_begins_anew(tmp_path, monkeypatch):
    """
    Each holder touches the file: one that keeps the lock is too much, many in turn are not.
    """
    holder, guard = Guard(tmp_path / "lock"), Guard(tmp_path / "lock")
    holder.take()
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) in (150, 340):  # another one has it now
            os.utime(tmp_path / "lock", ns=(len(pauses), len(pauses)))

    monkeypatch.setattr("time.sleep", pause)
    with pytest.raises(errors.Busy):
        guard.take()
    assert 340 + 200 == len(pauses)


def test_a_lock_shows_that_its_queue_has_moved(tmp_path):
    """
    Unless it is shared: those who look do not hold up who waits.
    """
    guard = Guard(tmp_path / "lock")
    guard.take()
    guard.release()
    os.utime(tmp_path / "lock", ns=(5, 5))

    guard.take(shared=True)
    guard.release()
    assert 5 == (tmp_path / "lock").stat().st_mtime_ns
    guard.take()
    assert 5 != (tmp_path / "lock").stat().st_mtime_ns
    guard.release()


def test_many_share_a_lock_and_one_has_it_alone(tmp_path, paused):
    """
    Whichever came first.
    """
    one, two, alone = (Guard(tmp_path / "lock") for _ in range(3))
    one.take(shared=True)
    two.take(shared=True)
    with pytest.raises(errors.Busy):
        alone.take(wait=False)
    one.release()
    two.release()
    alone.take()
    with pytest.raises(errors.Busy):
        one.take(shared=True, wait=False)
    assert 0o600 == mode_of(tmp_path / "lock")


def test_a_lock_is_kept_where_it_was_held(tmp_path):
    """
    Within another use of it, it is neither taken nor released.
    """
    guard, held = Guard(tmp_path / "lock"), []
    with guard():
        with guard():
            held.append(guard.held)
        held.append(guard.held)
    held.append(guard.held)
    with pytest.raises(ZeroDivisionError), guard():
        assert 1 // 0
    held.append(guard.held)

    assert [True, True, False, False] == held


def test_a_lock_that_cannot_be_opened_or_taken_leaves_nothing_open(tmp_path, monkeypatch):
    """
    And is told by its name.
    """
    with pytest.raises(errors.StorageRefused) as caught:
        Guard(tmp_path / "missing" / "lock").take()
    assert str(tmp_path / "missing" / "lock") == caught.value.facts["path"]

    closed = []
    real = os.close

    def close(descriptor):
        closed.append(descriptor)
        real(descriptor)

    monkeypatch.setattr("os.close", close)

    def refuse(*_, **__):
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(errors.StorageRefused) as caught:
        Guard(tmp_path / "lock").take()
    assert {"path": f"{tmp_path}/lock", "reason": "no locks here"} == caught.value.facts
    assert 1 == len(closed)


class Msvcrt:
    """What Windows has in the place of `fcntl`: bytes of a file, each locked by one."""

    LK_NBLCK = 2

    def __init__(self):
        self.locked = {}

    def locking(self, descriptor, mode, count):
        begin = os.lseek(descriptor, 0, os.SEEK_CUR)
        wanted = set(range(begin, begin + count))
        assert mode == self.LK_NBLCK
        if wanted & set().union(*self.locked.values()):
            raise PermissionError
        self.locked.setdefault(descriptor, set()).update(wanted)


def test_on_windows_each_who_shares_takes_one_seat(tmp_path, monkeypatch):
    """
    Of sixty-four; who wants to be alone takes them all at once.
    """
    windows = Msvcrt()
    monkeypatch.setattr(files, "_POSIX", False)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    (tmp_path / "lock").touch()
    opened = [os.open(tmp_path / "lock", os.O_RDWR) for _ in range(66)]

    assert files._try_lock(opened[0], shared=False)
    assert {opened[0]: set(range(64))} == windows.locked
    assert not files._try_lock(opened[1], shared=True)
    assert not files._try_lock(opened[1], shared=False)
    windows.locked.clear()
    assert files._try_lock(opened[0], shared=True)
    assert not files._try_lock(opened[1], shared=False)
    windows.locked.clear()

    assert [True] * 64 == [files._try_lock(each, shared=True) for each in opened[:64]]
    assert {each: {seat} for seat, each in enumerate(opened[:64])} == windows.locked
    assert not files._try_lock(opened[64], shared=True)
    assert not files._try_lock(opened[65], shared=False)
    for each in opened:
        os.close(each)


def test_a_gate_lets_many_in_or_one(tmp_path, paused):
    """
    Who is alone may enter again, and share; who leaves once more than they entered changes nothing.
    """
    one, two = Gate(tmp_path), Gate(tmp_path)
    assert (False, False) == (one.entered, one.alone)
    one.leave()

    one.enter()
    two.enter()
    assert (True, False) == (one.entered, one.alone)
    two.leave()
    with pytest.raises(errors.Busy):
        two.enter(alone=True, wait=False)
    one.leave()

    two.enter(alone=True)
    two.enter()
    two.enter(alone=True)
    assert (True, True) == (two.entered, two.alone)
    with pytest.raises(errors.Busy):
        one.enter(wait=False)
    two.leave()
    two.leave()
    assert two.alone
    two.leave()
    assert (False, False) == (two.entered, two.alone)
    one.enter(wait=False)
    one.enter()
    one.leave_all()
    assert not one.entered
    two.enter(alone=True, wait=False)
    two.leave_all()
    one.enter(wait=False)


def test_who_waits_to_be_alone_is_let_in_first(tmp_path, paused):
    """
    Its turn is asked for before anybody may share: a crowd cannot keep it waiting for ever.
    """
    turn, late = Guard(tmp_path / ".turn"), Gate(tmp_path)
    turn.take()

    with pytest.raises(errors.Busy):
        late.enter()
    assert 6 * 200 - 1 == len(paused)
    assert not late.entered
    with pytest.raises(errors.Busy):
        late.enter(alone=True, wait=False)
    turn.release()
    late.enter()
    turn.take(wait=False)  # whoever is inside has given its turn back
    turn.release()

    with pytest.raises(errors.Busy):
        Gate(tmp_path).enter(alone=True, wait=False)
    turn.take(wait=False)  # and so has who was refused
    assert 6 * 200 - 1 == len(paused)
    with pytest.raises(errors.Busy):
        Gate(tmp_path).enter(alone=True, wait=False)


def test_a_turn_that_nobody_can_take_keeps_nobody_out(tmp_path, monkeypatch):
    """
    In a folder that is closed to us, whoever shares goes in without it.
    """
    gate, real = Gate(tmp_path), files._open_shared

    def opened(path):
        if path.name == ".turn":
            raise PermissionError
        return real(path)

    monkeypatch.setattr("hongbao.vault.files._open_shared", opened)
    gate.enter()
    assert gate.entered


def test_the_disk_itself_is_waited_for_on_a_mac(monkeypatch):
    """
    Where the usual call leaves what was written in the drive's own cache; not every disk has it.
    """
    asked = []
    monkeypatch.setattr("os.fsync", lambda it: asked.append(("fsync", it)))
    files.sync(7)
    monkeypatch.setattr("sys.platform", "darwin")

    def control(descriptor, what):
        asked.append((what, descriptor))
        raise OSError

    monkeypatch.setitem(sys.modules, "fcntl", SimpleNamespace(F_FULLFSYNC=51, fcntl=control))
    files.sync(8)

    assert [("fsync", 7), ("fsync", 8), (51, 8)] == asked


@every("content", [b"", b"secret" * 100])
def test_what_is_destroyed_was_overwritten_first(content):
    """
    In place, durably, as long as it was; then it has no name any more.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        files.write_new(path, content)
        kept = os.open(path, os.O_RDONLY)
        files.destroy(path)
        assert not path.exists()
        assert bytes(len(content)) == os.read(kept, 10_000)
        os.close(kept)
        files.destroy(path)  # which is gone already


def test_without_positions_of_their_own_files_are_read_and_written_alike(tmp_path, monkeypatch):
    """
    Windows seeks first.
    """
    monkeypatch.setattr(files, "_POSIX", False)
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)

    files.write_at(descriptor, b"0123456789", 0)
    files.write_at(descriptor, b"xy", 4)
    assert b"3xy6" == files.read_at(descriptor, 4, 3)
    assert b"0123xy6789" == files.read_at(descriptor, 100, 0)
    assert b"" == files.read_at(descriptor, 4, 10)

    os.close(descriptor)


def test_what_cannot_be_destroyed_or_removed_is_named(tmp_path, monkeypatch):
    """
    With the system's own words.
    """
    files.write_new(tmp_path / "key", b"secret")

    def refuse(*_):
        raise OSError(5, "it is broken")

    monkeypatch.setattr("os.fsync", refuse)
    acts = {"key": lambda: files.destroy(tmp_path / "key")}
    acts["gone"] = lambda: files.remove(tmp_path / "gone")
    for name, act in acts.items():
        with pytest.raises(errors.StorageRefused) as caught:
            act()
        assert "it is broken" == caught.value.facts["reason"]
        assert caught.value.facts["path"] == str(tmp_path / name)
