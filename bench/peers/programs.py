"""
The programs of others: found, or fetched from Debian and the package index, into a folder of ours.

Nothing is installed into the system. Debian's packages are downloaded and unpacked, so no root is
needed, no service is started by their installation, and removing the folder removes them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / ".venv" / "peers"

DEBIAN = {
    "redis-server": "redis-server",
    "postgres": "postgresql",
    "hledger": "hledger",
    "ledger": "ledger",
}
"""Which of Debian's packages has a program."""

INDEX = {
    "bean-check": ("beancount",),
    "sqlite-utils": ("sqlite-utils",),
    "cashu": ("cashu", "marshmallow<4"),  # it starts with no newer one
}
"""Which packages of the index a program needs."""

POSTGRES_PLACES = "usr/lib/postgresql/*/bin"
"""Where Debian keeps the programs of a PostgreSQL server, which it puts on no path."""

_NEW = re.compile(r"^Inst (\S+)", re.MULTILINE)


class Missing(Exception):
    """A program cannot be had here, and why."""


class Program(NamedTuple):
    """A program, and the environment that it needs."""

    path: Path
    env: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.path.parent


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Make a folder for a server's socket, whose path has at most 107 bytes wherever we are."""
    with tempfile.TemporaryDirectory(prefix="hongbao-peer-") as place:
        yield Path(place)


def debian(name: str) -> Program:
    """Return one of `DEBIAN`, fetched if it is not there. Raises Missing."""
    found = _found(name, Path("/"), os.environ.get("PATH"))
    if found is not None:
        return Program(found, dict(os.environ))
    tree = FOLDER / "debian" / name
    found = _found(name, tree)
    if found is None:
        _unpack(DEBIAN[name], tree)
        found = _found(name, tree)
    if found is None:
        raise Missing(f"Debian's package {DEBIAN[name]} has no {name}")
    libraries = sorted({str(each.parent) for each in tree.glob("usr/lib/**/*.so*")})
    known = os.environ.get("LD_LIBRARY_PATH", "")
    return Program(found, {**os.environ, "LD_LIBRARY_PATH": ":".join([*libraries, known])})


def index(name: str, *packages: str) -> Program:
    """Return a program of *packages* in an environment of its own. Raises Missing."""
    package, *others = packages or INDEX[name]
    folder = FOLDER / "index" / re.sub(r"\W", "-", package)
    found, done = folder / "bin" / name, folder / "done"
    if not done.exists():
        pip = (folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet")
        why = f"{package} cannot be installed from the package index"
        _run([sys.executable, "-m", "venv", folder], why)
        _run([*pip, "install", "--only-binary=:all:", package, *others], why)
        done.touch()
    if not found.exists():
        raise Missing(f"{package} has no {name}")
    return Program(found, dict(os.environ))


def _found(name: str, tree: Path, path: str | None = None) -> Path | None:
    places = [str(tree / each) for each in ("usr/bin", "usr/sbin")]
    places += map(str, sorted(tree.glob(POSTGRES_PLACES), reverse=True))
    found = shutil.which(name, path=os.pathsep.join([*places, path or ""]))
    return None if found is None else Path(found)


def _unpack(package: str, tree: Path) -> None:
    """Download *package*, and those it needs which are not installed, and unpack them in *tree*."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise Missing(f"{package} is not installed, and there is no {program} to fetch it with")
    why = f"{package} is not installed, and apt cannot fetch it (`apt-get update` may help)"
    planned = _run(["apt-get", "install", "--simulate", "--no-install-recommends", package], why)
    new = _NEW.findall(planned)
    shutil.rmtree(tree, ignore_errors=True)
    fetched = tree / "fetched"
    fetched.mkdir(parents=True)
    _run(["apt-get", "download", *new], why, cwd=fetched)
    for archive in fetched.iterdir():
        _run(["dpkg-deb", "--extract", archive, tree], why)
    shutil.rmtree(fetched)


def _run(command: Sequence[str | Path], why: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise Missing(f"{why}: {last}")
    return done.stdout
