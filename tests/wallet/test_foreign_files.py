"""What others may have put in the home's place: it is found, named, and never written to."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.home.opening import close_home, key_folder
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.vault.processes import run
from tests.wallet.world import YUAN, ZHANG, World, right

NOBODY = 65534
PASSPHRASE = "open sesame, please"

OLD = b"somebody else's, and precious"


def symbolic(name: Path, target: Path) -> None:
    name.symlink_to(target)


def hard(name: Path, target: Path) -> None:
    os.link(target, name)


def dangling(name: Path, target: Path) -> None:
    name.symlink_to(target.with_name("nowhere"))


def pipe(name: Path, _target: Path) -> None:
    os.mkfifo(name)


KINDS = [
    pytest.param(kind, marks=() if kind in (symbolic, hard) else pytest.mark.slow)
    for kind in (symbolic, hard, dangling, pipe)
]
WRITTEN = {
    *("data/ledger.db", "data/ledger.db-shm", "data/ledger.db-wal"),
    *("keys/.busy", "keys/.pin-profile-1", "keys/head", "keys/master.json"),
}


def files_of(world: World) -> list[Path]:
    """Return each file that an opened home has, and those that it makes in passing."""
    with Wallet.open(world.env, profile=ZHANG) as wallet:
        wallet.topup(1 * YUAN, pin=right)
        found = {path for path in world.folder.rglob("*") if path.is_file()}
    return sorted(path.relative_to(world.folder) for path in found)


@pytest.mark.parametrize("plant", KINDS)
def test_no_link_in_the_home_is_written_to(
    plant: Callable[[Path, Path], None],
    world: World,
    worlds: Callable[[str], World],
    tmp_path: Path,
):
    """
    Every file of a home, in turn, is a link to something precious, or no file: what is done then is
    done or refused with the file's name, and the precious thing is what it was.
    """
    names = files_of(world)
    refused = set()
    for number, name in enumerate(names):
        other = worlds(f"home {number}")
        target = tmp_path / f"precious {number}"
        target.write_bytes(OLD)
        target.chmod(0o644)
        (other.folder / name).unlink(missing_ok=True)
        plant(other.folder / name, target)

        for act in (
            lambda wallet: wallet.topup(1 * YUAN, pin=right),
            lambda wallet: wallet.lock(PASSPHRASE, pin=right),
            lambda wallet: wallet.rekey(),
        ):
            path = refusing(other, act)
            assert path in (None, str(other.folder / name))
            if path is not None:
                refused.add(str(name))

        assert OLD == target.read_bytes(), name
        assert 0o644 == stat.S_IMODE(target.stat().st_mode), name
        assert not target.with_name("nowhere").exists(), name
    assert refused >= WRITTEN


def refusing(world: World, act: Callable[[Wallet], object]) -> str | None:
    """Return the file for which *act* is refused, if one is."""
    try:
        with Wallet.open(world.env, profile=ZHANG, passphrase=lambda: PASSPHRASE) as wallet:
            act(wallet)
    except errors.ForeignFile as error:
        return str(error.facts["path"])
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["keys/head", "keys/master.json", "data/ledger.db"])
def test_a_file_of_another_user_is_not_used(name: str, world: World):
    """
    It may be readable to us, and it stays theirs to change.
    """
    world.close()
    for path in (world.folder, *world.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.chown(world.folder / name, 0, 0)
    (world.folder / name).chmod(0o666)

    def act() -> None:
        os.chdir(world.folder)  # there is no way in from above
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        env = World(Path()).env
        open_it = key_folder(env).head if name == "keys/head" else lambda: Wallet.open(env)
        with pytest.raises(errors.ForeignFile, match=f"^{name} .*it belongs to another user"):
            open_it()

    assert 0 == run(act)


@pytest.mark.parametrize("name", ["", "data", "keys"])
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_closed(name: str, mode: int, world: World):
    """
    Once, and told; what only others can read of the home's own folder stays as it is.
    """
    folder = world.folder / name
    folder.chmod(mode)

    found = close_home(world.env)

    assert {folder: True} == found
    assert (mode & 0o755 if folder == world.folder else 0o700) == stat.S_IMODE(
        folder.stat().st_mode
    )
    assert {} == close_home(world.env)


def test_what_is_no_home_is_left_as_it_is(world: World, tmp_path: Path):
    """
    A folder that was named by mistake, and one that is everybody's.
    """
    other = tmp_path / "other"
    for path in (other, other / "keys", other / "data"):
        path.mkdir()
        path.chmod(0o777)
    world.folder.chmod(0o1777)

    assert {} == close_home(world.env._replace(home=other))
    assert {} == close_home(world.env)

    assert 0o777 == stat.S_IMODE((other / "keys").stat().st_mode)
    assert 0o1777 == stat.S_IMODE(world.folder.stat().st_mode)


def test_a_restored_ledger_takes_no_links_place(world: World, tmp_path: Path):
    """
    Neither is the copy on its way in written through one.
    """
    world.zhang.backup(tmp_path / "copy")
    world.close()
    (tmp_path / "precious").write_bytes(OLD)
    (world.folder / "data" / "ledger.db.incoming").symlink_to(tmp_path / "precious")

    restore(world.env, tmp_path / "copy", accept_older=lambda *_: False)

    assert OLD == (tmp_path / "precious").read_bytes()


def test_what_cannot_be_looked_at_is_said_by_the_next_opening(world: World):
    """
    An act may be done before a home is closed to others, and is not to be called refused.
    """
    keys = world.folder / "keys"
    keys.rename(world.folder / "elsewhere")
    keys.symlink_to("keys")

    assert {} == close_home(world.env)
    with pytest.raises(errors.StorageUnreadable):
        Wallet.open(world.env)
