"""Notes beside the ledger: whole, private, and closed to the keys of others."""

import os
import stat

import pytest

from hongbao import errors
from hongbao.vault import Notes, Vault
from tests.vault.conftest import CHEAP


@pytest.fixture
def notes(tmp_path, vault):
    return Notes(tmp_path / "home" / "notes", vault)


def test_a_note_is_what_was_written_last(notes):
    """
    Whole, private and without a leftover; what was never written is none.
    """
    assert notes.read("cursor") is None

    notes.write("cursor", b"a long one\n")
    notes.write("cursor", b"5\n")

    assert b"5\n" == notes.read("cursor") == notes.path("cursor").read_bytes()
    assert 0o600 == stat.S_IMODE(notes.path("cursor").stat().st_mode)
    assert 0o700 == stat.S_IMODE(notes.path("cursor").parent.stat().st_mode)
    assert ["cursor"] == notes.names("*")


def test_notes_are_named_in_their_order_and_removed(notes):
    """
    Only those that fit; removing what is not there is no error.
    """
    assert [] == notes.names("*.log")
    for name in ("b.log", "c.log", "a.log", "log.txt"):
        notes.write(name, b"")

    notes.remove("b.log")
    notes.remove("b.log")

    assert ["a.log", "c.log"] == notes.names("*.log")


def test_notes_are_shown_by_their_folder(notes, tmp_path):
    """
    And by nothing of their keys.
    """
    assert f"Notes('{tmp_path}/home/notes')" == repr(notes)


def test_a_note_is_kept_from_others_for_a_while(notes, tmp_path, vault, monkeypatch):
    """
    One note at a time, and whoever may not wait is told at once.
    """
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("nobody is waited for"))
    other = Notes(tmp_path / "home" / "notes", vault)

    with notes.guarded("cursor"), other.guarded("hooks", wait=False):
        assert (tmp_path / "home" / "notes" / ".cursor").exists()
        with pytest.raises(errors.Busy), other.guarded("cursor", wait=False):
            pytest.fail("it was kept")

    with other.guarded("cursor", wait=False):
        pass
    with pytest.raises(ZeroDivisionError), notes.guarded("cursor", wait=False):
        raise ZeroDivisionError
    with other.guarded("cursor", wait=False):
        pass


def test_somebody_waits_for_a_note_unless_told_otherwise(notes, tmp_path, vault, monkeypatch):
    """
    Until its holder lets go.
    """
    holder = Notes(tmp_path / "home" / "notes", vault).guarded("cursor")
    holder.__enter__()
    paused = []

    def pause(seconds):
        paused.append(seconds)
        holder.__exit__(None, None, None)

    monkeypatch.setattr("time.sleep", pause)
    with notes.guarded("cursor"):
        assert [0.05] == paused


def test_sealed_lines_open_for_their_home_and_their_note_only(notes, tmp_path, vault, other):
    """
    Copied to another note, or read with another home's keys, they are none.
    """
    assert [] == notes.sealed_lines("hooks")
    notes.write_sealed("hooks", [b"one", b"", b"two\nlines"])
    notes.write("copy", notes.read("hooks"))

    assert [b"one", b"", b"two\nlines"] == notes.sealed_lines("hooks")
    assert b"one" not in notes.read("hooks")
    assert [] == notes.sealed_lines("copy")
    assert [] == Notes(tmp_path / "home" / "notes", other).sealed_lines("hooks")


def test_what_is_no_line_of_ours_is_left_out(notes):
    """
    Torn, altered or nonsense: the others are read.
    """
    for line in (b"one", b"two", b"three"):
        notes.write_sealed(line.decode(), [line])
    content = {line: notes.read(line.decode()) for line in (b"one", b"two", b"three")}
    notes.write_sealed("all", [b"one"])
    whole = notes.read("all")

    altered = (b"A" if whole[:1] != b"A" else b"B") + whole[1:]
    notes.write("all", b"\n".join([b"!", b"", b"AAAA", altered[:-1], b"\xff" * 44, whole]))
    assert [b"one"] == notes.sealed_lines("all")

    notes.write("all", whole + content[b"two"] + whole[:-1])  # the last has no end: it was torn
    assert [b"one"] == notes.sealed_lines("all")


def test_a_line_is_appended_behind_what_was_torn(notes):
    """
    A line's end comes first where the last one has none; how large the note is now is said.
    """
    size = notes.append_sealed("log", b"one", wait=False)
    assert size == len(notes.read("log"))
    torn = notes.read("log") + notes.read("log")[:20]
    notes.write("log", torn)

    size = notes.append_sealed("log", b"two", wait=True)

    assert size == len(notes.read("log"))
    assert torn + b"\n" == notes.read("log")[: len(torn) + 1]
    assert [b"one", b"two"] == notes.sealed_lines("log")
    assert size - len(torn) - 1 == len(torn) - 20
    assert size + len(torn) - 20 == notes.append_sealed("log", b"two", wait=False)
    assert 0o600 == stat.S_IMODE(notes.path("log").stat().st_mode)


def test_a_line_waits_for_the_disk_where_it_was_asked_to(notes, monkeypatch):
    """
    And nowhere else; the file is closed again either way.
    """
    notes.append_sealed("log", b"one", wait=False)  # which makes the folder, durably
    waited: list[int] = []
    closed: list[int] = []
    real = os.close

    def close(descriptor):
        closed.append(descriptor)
        real(descriptor)

    monkeypatch.setattr("hongbao.vault.files.sync", waited.append)
    monkeypatch.setattr("os.close", close)

    notes.append_sealed("log", b"two", wait=False)
    assert ([], 1) == (waited, len(closed))
    notes.append_sealed("log", b"three", wait=True)
    assert (closed[1:], 2) == (waited, len(closed))


def test_what_cannot_be_appended_is_refused_by_name(notes, tmp_path):
    """
    With the system's own words: a folder that is none, a disk that takes nothing.
    """
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "notes").mkdir()
    (tmp_path / "home" / "notes" / "log").mkdir()

    with pytest.raises((errors.StorageRefused, errors.ForeignFile)) as caught:
        notes.append_sealed("log", b"one", wait=True)

    assert str(notes.path("log")) == caught.value.facts["path"]


def test_notes_outlive_a_rekey(notes, vault):
    """
    What the old keys have sealed is read with the new ones, and new lines are sealed with those.
    """
    notes.write_sealed("hooks", [b"old"])
    new = Vault(bytes(32), 2, cost=CHEAP)
    new.adopt_retired(new.seal_retired(vault))

    notes.use_keys_of(new)
    notes.append_sealed("hooks", b"new", wait=False)

    assert [b"old", b"new"] == notes.sealed_lines("hooks")
    notes.use_keys_of(Vault(bytes(32), 2, cost=CHEAP))
    assert [b"new"] == notes.sealed_lines("hooks")
    notes.use_keys_of(vault)
    assert [b"old"] == notes.sealed_lines("hooks")


@pytest.mark.parametrize("torn", [b"", b"AAAA", b"AAAA\n" * 5000], ids=["whole", "torn", "foreign"])
@pytest.mark.parametrize("length", [5, 20_000])
def test_the_last_line_is_found_from_the_end(notes, length, torn):
    """
    However long it is, and however much stands behind it that does not open.
    """
    assert notes.last_sealed("acts") is None

    with notes.guarded("acts"):
        notes.append_sealed("acts", b"first", bytes(length), wait=False)
    with notes.path("acts").open("ab") as file:
        file.write(torn)

    assert bytes(length) == notes.last_sealed("acts") == notes.sealed_lines("acts")[-1]
