"""What was tried at a PIN, beside the keys: it only grows, and is nobody else's."""

import pytest

from hongbao import errors
from hongbao.vault import Tries, TriesFolder, Vault
from tests.vault.processes import killed_at

KEY = bytes(range(32))


@pytest.fixture
def tries(tmp_path):
    return TriesFolder(tmp_path, Vault(KEY, 1))


def file(tmp_path, holder="profile-1"):
    return tmp_path / "tries" / holder


def test_what_was_noted_is_read_back_whoever_reads(tries, tmp_path):
    """
    By another process, and after new keys, which carry the old ones along.
    """
    tries.start("profile-1")
    tries.note("profile-1", Tries(1))
    tries.note("profile-1", Tries(2, 0, 58_000_000, 1_700_000_000_000_000))

    new = Vault(bytes(32), 2)
    new.adopt_retired(new.seal_retired(Vault(KEY, 1)))
    later = TriesFolder(tmp_path, new)

    assert Tries(2, 0, 58_000_000, 1_700_000_000_000_000) == later.read("profile-1")
    later.note("profile-1", Tries(3))
    assert Tries(3) == later.read("profile-1")


def test_nobody_knows_what_was_never_noted(tries):
    """
    Which is not the same as that nothing was tried.
    """
    assert tries.read("profile-1") is None
    tries.start("profile-1")
    assert Tries() == tries.read("profile-1")


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 298, b"0" * 298, b"x", b"\xff" * 500], ids=range(5)
)
def test_what_is_no_count_is_none(content, tries, tmp_path):
    """
    Emptied, cut short, or nonsense.
    """
    tries.start("profile-1")
    file(tmp_path).write_bytes(content)

    assert tries.read("profile-1") is None


def test_a_count_is_its_holders_and_its_homes(tries, tmp_path):
    """
    The file of somebody who never tried is of no use to another, nor is another home's.
    """
    tries.start("profile-1")
    tries.start("profile-2")
    file(tmp_path, "profile-2").replace(file(tmp_path))

    assert tries.read("profile-1") is None
    TriesFolder(tmp_path, Vault(bytes(32), 1)).start("profile-1")
    assert tries.read("profile-1") is None


def test_a_number_that_was_changed_is_none(tries, tmp_path):
    """
    Neither line is believed once a digit of it is another.
    """
    tries.set("profile-1", Tries(4))
    content = file(tmp_path).read_bytes()

    file(tmp_path).write_bytes(content.replace(b"0004 ", b"0000 "))

    assert tries.read("profile-1") is None


def test_a_torn_line_leaves_the_one_before(tries, tmp_path):
    """
    A power cut costs the note that it tore, and no other.
    """
    tries.start("profile-1")
    notes = [Tries(n) for n in range(1, 6)]
    for noted in notes:
        before = file(tmp_path).read_bytes()
        tries.note("profile-1", noted)
        after = file(tmp_path).read_bytes()
        at = next(n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
        file(tmp_path).write_bytes(after[: at + 1] + before[at + 1 :])
        assert Tries(noted.tried - 1) == tries.read("profile-1")
        file(tmp_path).write_bytes(after)


def test_killed_anywhere_a_count_is_the_old_or_the_new(tries, tmp_path):
    """
    Wherever a note is cut off, one of the two lines is whole.
    """
    tries.start("profile-1")
    found = set()
    for step in range(20):
        tries.set("profile-1", Tries(1))
        killed = killed_at(step, lambda: tries.note("profile-1", Tries(2)))
        noted = tries.read("profile-1")
        assert noted in (Tries(1), Tries(2))
        found.add(noted)
        if not killed:
            break

    assert {Tries(1), Tries(2)} == found


def test_a_count_may_be_set_back_by_who_counted_too_much(tries):
    """
    A try that was never judged is taken back.
    """
    tries.start("profile-1")
    tries.note("profile-1", Tries(1))
    tries.note("profile-1", Tries(2))

    tries.set("profile-1", Tries(1))

    assert Tries(1) == tries.read("profile-1")


def test_a_note_is_taken_back_in_its_own_place(tries, tmp_path):
    """
    A disk that is full has room for no new file; and a torn line leaves the one before.
    """
    before = Tries(3, 2, 58_000_000)
    tries.start("profile-1")
    tries.note("profile-1", before)
    tries.note("profile-1", Tries(4, 2, 58_000_000, 1_700_000_000_000_000))
    place = file(tmp_path).stat().st_ino

    tries.take_back("profile-1", before)

    assert (before, place) == (tries.read("profile-1"), file(tmp_path).stat().st_ino)
    tries.note("profile-1", Tries(4, 2, 58_000_000))
    assert Tries(4, 2, 58_000_000) == tries.read("profile-1")


def test_a_count_is_begun_by_whoever_notes_first(tries):
    """
    A file that is gone is made again.
    """
    tries.note("profile-1", Tries(7, 1))

    assert Tries(7, 1) == tries.read("profile-1")


def test_a_note_waits_for_the_disk_unless_told_otherwise(tries, monkeypatch):
    """
    What is taken back waits always: the try was judged by then.
    """
    tries.start("profile-1")
    waited: list[int] = []
    monkeypatch.setattr("hongbao.vault.files.sync", waited.append)

    tries.note("profile-1", Tries(1), wait=False)
    assert [] == waited
    tries.note("profile-1", Tries(2))
    assert 1 == len(waited)
    tries.take_back("profile-1", Tries(1))
    assert 2 == len(waited)


def test_what_stands_behind_the_two_lines_is_not_looked_at(tries, tmp_path):
    """
    Neither line is any less whole for it.
    """
    tries.set("profile-1", Tries(4))
    tries.note("profile-1", Tries(5))
    content = file(tmp_path).read_bytes()
    for more in (b"x", content, bytes(1000)):
        file(tmp_path).write_bytes(content + more)
        assert Tries(5) == tries.read("profile-1")


def test_a_count_that_cannot_be_written_is_named(tries, tmp_path, monkeypatch):
    """
    With the system's own words.
    """
    tries.start("profile-1")

    def refuse(*_):
        raise OSError(28, "there is no room")

    monkeypatch.setattr("os.pwrite", refuse)
    with pytest.raises(errors.StorageRefused) as caught:
        tries.note("profile-1", Tries(1))
    assert {"path": str(file(tmp_path)), "reason": "there is no room"} == caught.value.facts
    assert f"TriesFolder('{tmp_path}/tries')" == repr(tries)


def test_a_note_after_a_rekey_is_the_new_keys_own(tries, tmp_path):
    """
    The old keys, which may be known by then, do not seal it.
    """
    tries.start("profile-1")
    new = Vault(bytes(32), 2)
    new.adopt_retired(new.seal_retired(Vault(KEY, 1)))

    TriesFolder(tmp_path, new).set("profile-1", Tries(1))

    assert tries.read("profile-1") is None
    assert Tries(1) == TriesFolder(tmp_path, Vault(bytes(32), 2)).read("profile-1")
