"""Snapshots of a home: going back to one, wherever something is cut off."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hongbao.errors import StorageRefused
from hongbao.story import folders
from hongbao.story.snapshots import Snapshots

EFFECTS = ("rename", "mkdir", "unlink", "rmdir", "open")


class _Cut(BaseException):
    """A process is killed: nothing after it runs."""


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return all that *folder* holds, with its permissions."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


def begun(folder: Path) -> Snapshots:
    """Make a home in *folder*, with a snapshot called 1, and change it."""
    home = folder / "home"
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "key").write_bytes(b"1")
    (home / "keys" / "key").chmod(0o600)
    (home / "ledger").write_bytes(b"one")
    snapshots = Snapshots(home, folder / "kept")
    snapshots.take("1")
    (home / "ledger").write_bytes(b"two")
    (home / "keys" / "key").unlink()
    (home / "new").symlink_to("ledger")
    return snapshots


def test_a_home_is_what_it_was(tmp_path: Path):
    """
    Files that came are gone, and those that went are back; a snapshot can be used again.
    """
    snapshots = begun(tmp_path)
    was, home = tree(tmp_path / "kept" / "1"), tmp_path / "home"
    snapshots.take("2")
    now = tree(home)

    for _ in range(2):
        snapshots.put_back("1")
        assert was == tree(home)
        snapshots.put_back("2")
        assert now == tree(home)
    assert (home / "new").is_symlink()
    snapshots.drop("1")
    assert ["2"] == snapshots.names() == [path.name for path in (tmp_path / "kept").iterdir()]
    assert 0o700 == stat.S_IMODE((tmp_path / "kept").stat().st_mode)


@pytest.mark.parametrize("act", [lambda s: s.put_back("1"), lambda s: s.take("2")])
def test_what_is_cut_off_leaves_the_one_or_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Snapshots], None]
):
    """
    Never half a home, never none, and no half copies.
    """
    for step in range(200):
        place = tmp_path / str(step)
        snapshots = begun(place)
        old, new = tree(place / "home"), tree(place / "kept" / "1")
        left = [step]
        with monkeypatch.context() as cutting:
            for name in EFFECTS:
                cutting.setattr(os, name, _counting(getattr(os, name), left))
            try:
                act(snapshots)
            except _Cut:
                pass
            else:
                break
        snapshots = Snapshots(place / "home", place / "kept")
        assert tree(place / "home") in (old, new)
        assert set(snapshots.names()) <= {"1", "2"}
        assert new == tree(place / "kept" / "1")
        shutil.rmtree(place)
    assert 2 < step < 199


def _counting(effect: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        if left[0] == 0:
            raise _Cut
        left[0] -= 1
        return effect(*arguments, **named)

    return counted


def test_what_a_killed_player_has_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    By the next; never a folder that is in use, is new, was to be kept, or is no folder.
    """
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with folders.lent_folder(keep=True) as kept:
        pass
    for name in ("left", "link", "file"):
        (tmp_path / f"{folders.prefix('race')}{name}").mkdir()
    (tmp_path / f"{folders.prefix('race')}left" / "home").mkdir()
    (tmp_path / f"{folders.prefix('race')}link").rmdir()
    (tmp_path / f"{folders.prefix('race')}link").symlink_to(kept)
    (tmp_path / f"{folders.prefix('race')}file").rmdir()
    (tmp_path / f"{folders.prefix('race')}file").write_text("")

    with folders.lent_folder() as used, folders.lent_folder() as new:
        names = {path.name for path in tmp_path.iterdir()}
        assert {used.name, new.name, kept.name, f"{folders.prefix('race')}left"} < names
        for path in tmp_path.iterdir():
            os.utime(path, (0, 0), follow_symlinks=False)
        with folders.lent_folder() as last:
            assert {path.name for path in tmp_path.iterdir()} == names - {
                f"{folders.prefix('race')}left"
            } | {last.name}
    assert 3 == len(list(tmp_path.iterdir()))


def test_what_the_system_refuses_is_said(tmp_path: Path):
    """
    As the refusal that it is, and the home stays.
    """
    snapshots = begun(tmp_path)
    before = tree(tmp_path / "home")
    (tmp_path / "kept" / ".incoming.part").write_text("no folder")

    with pytest.raises(StorageRefused, match="Not a directory"):
        snapshots.put_back("1")
    assert before == tree(tmp_path / "home")
    with pytest.raises(ValueError, match="no name"):
        snapshots.take("../x")
