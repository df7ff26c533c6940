"""Backups: one is whole, proved and private, and nothing else is ever touched for it."""

import os
import signal
import stat
from itertools import count
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.engines.sqlcipher import Ledger
from hongbao.questions import Question
from hongbao.vault import KeyFolder
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.vault.processes import killed_at, race, run
from tests.wallet.world import YUAN, ZHANG, World, right

OLD = b"somebody else's, and precious"

ODD = (
    *("file:x.db", "file:x.db?mode=memory", "file:x.db?hexkey=00", "-x", "--yes", "a?b", "a#b"),
    *("100%", "%41", "~x", "a b", "'; DROP TABLE x; --", "红包", ":memory:", "x" * 255, ".hidden"),
)
"""Names that a shell, an address or an engine would take for something else than a name."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ODD)
def test_a_backup_is_written_where_it_was_asked_for(name: str, world: World, folder: Path):
    """
    Under that very name, whole, private, and under this home's key: whatever the name may mean
    elsewhere.
    """
    wallet = world.zhang

    answer = wallet.backup(Path(name))

    assert [name] == left_in(folder)
    assert 0o600 == stat.S_IMODE((folder / name).stat().st_mode)
    copy = Ledger.open(folder / name, wallet.vault.page_key)
    assert wallet.store.head() == copy.head()
    assert answer["entry"] == copy.head().entry
    copy.close()


def test_a_backup_leaves_the_files_beside_it_alone(world: World, folder: Path):
    """
    Names that programs like to give to unfinished files may be somebody's.
    """
    beside = ["copy.partial", "copy.new", "copy-wal", "copy-journal", ".hongbao-1-0.partial"]
    for name in beside:
        (folder / name).write_bytes(OLD)

    world.zhang.backup(Path("copy"))
    world.zhang.backup(Path("copy"), replace=True)

    assert sorted([*beside, "copy"]) == left_in(folder)
    assert [OLD] * len(beside) == [(folder / name).read_bytes() for name in beside]


def test_what_is_no_file_keeps_its_place(world: World, folder: Path):
    """
    A pipe, a device and a folder are refused, and are afterwards what they were.
    """
    os.mkfifo("pipe")
    (folder / "folder").mkdir()
    (folder / "null").symlink_to("/dev/null")
    wallet = world.zhang

    for name in ("pipe", "folder", "null", "/dev/null", ".", "/", ""):
        for replace in (False, True):
            with pytest.raises(errors.StorageRefused):
                wallet.backup(Path(name), replace=replace)

    assert ["folder", "null", "pipe"] == left_in(folder)
    assert (folder / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()


def test_a_backup_never_lies_inside_the_home(world: World, folder: Path):
    """
    New or old, by whatever way one gets there: through links, in other words, beside the keys.
    """
    wallet, home = world.zhang, world.folder
    (folder / "way").symlink_to(home / "keys")
    (folder / "file").symlink_to(home / "data" / "new")
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    places = [
        *(home / "data" / "new", home / "keys" / "new", home / "keys" / "master.json"),
        *(home / "keys" / "devices" / ".." / "new", Path("way/new"), Path("file")),
    ]
    for place in places:
        for replace in (False, True):
            with pytest.raises(errors.InsideHome):
                wallet.backup(place, replace=replace)

    after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert before.keys() == after.keys()
    assert before[home / "keys" / "master.json"] == after[home / "keys" / "master.json"]


def test_backups_to_one_file_at_once_tell_the_truth(world: World, folder: Path):
    """
    Told to replace, each one was a whole copy; not told to, one of them is and the others say that
    there is one.
    """
    world.close()

    def asked(replace: bool) -> bytes:
        try:
            with Wallet.open(world.env, profile=ZHANG) as wallet:
                wallet.backup(Path("copy"), replace=replace)
        except errors.HongbaoError as error:
            return error.code.encode()
        return b"done"

    kept = race(4, lambda _: asked(replace=False))
    replaced = race(4, lambda _: asked(replace=True))

    assert [b"done", *[b"file_exists"] * 3] == sorted(kept)
    assert [b"done"] * 4 == replaced
    assert ["copy"] == left_in(folder)
    restore(world.env, Path("copy"), accept_older=lambda *_: False)


@pytest.mark.parametrize("damage", ["key", "page", "head"])
def test_what_cannot_be_read_back_is_no_backup(
    damage: str, world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    A copy under another key, with a page that the disk lost, or of another history: it is refused,
    and the good copy that it was to replace stays.
    """
    wallet = world.zhang
    wallet.backup(Path("copy"))
    good = (folder / "copy").read_bytes()
    real = Ledger.copy_to

    def spoiled(store: Ledger, path: Path) -> None:
        real(store, path)
        if damage == "page":
            with path.open("r+b") as file:
                file.seek(-2000, os.SEEK_END)
                file.write(b"lost")
            return
        page_key = os.urandom(32) if damage == "key" else wallet.vault.page_key
        path.unlink()
        Ledger.create(path, page_key).close()

    monkeypatch.setattr(Ledger, "copy_to", spoiled)

    for name in ("copy", "new"):
        with pytest.raises(errors.StorageRefused, match="cannot be read back"):
            wallet.backup(Path(name), replace=True)

    assert ["copy"] == left_in(folder)
    assert good == (folder / "copy").read_bytes()


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_the_old_one_and_nothing_for_long(
    world: World, folder: Path
):
    """
    At any touch of the disk: under the name stands a whole copy, and the next one sweeps up.
    """
    wallet = world.zhang
    wallet.backup(Path("copy"))
    wallet.topup(1 * YUAN, pin=right)
    world.close()

    def backup() -> None:
        with Wallet.open(world.env, profile=ZHANG) as wallet:
            wallet.backup(Path("copy"), replace=True)

    leftovers: set[str] = set()
    for step in count():
        was_killed = killed_at(step, backup)
        leftovers.update(name.rpartition(".")[2] for name in left_in(folder) if name != "copy")
        if not was_killed:
            break
        with Wallet.open(world.env, profile=ZHANG) as wallet:
            copy = Ledger.open(folder / "copy", wallet.vault.page_key)
            assert [] == [*copy.audit(Question.FILE_PROBLEMS)]
            copy.close()
    assert {"lock", "partial"} == leftovers
    assert 0 == run(backup)
    assert ["copy"] == left_in(folder)


def test_a_restore_finishes_what_was_killed_before_it_looks(world: World, tmp_path: Path):
    """
    New keys whose pages are written already come first, and a copy under the older ones is refused
    as it would have been: which keys a home has does not hang on what is typed next.
    """
    file = tmp_path / "copy"
    world.zhang.backup(file)
    world.close()

    def new_keys() -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                KeyFolder, "finish_rekey", lambda _: os.kill(os.getpid(), signal.SIGKILL)
            )
            world.zhang.rekey()

    assert -signal.SIGKILL == run(new_keys)
    with pytest.raises(errors.Damaged):
        restore(world.env, file, accept_older=lambda *_: True)

    assert 2 == world.zhang.vault.generation
    assert {} == world.findings()
