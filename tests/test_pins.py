"""The pins in requirements/: all that hongbao stands on, in versions that pyproject.toml admits."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from typing import NamedTuple

import pytest
import sqlcipher3
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.every import every
from tools.pins import FILES, FOLDER, ROOT, head

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSIONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
SYSTEMS = ("Linux", "Darwin")
NO_EXTRA = {"extra": ""}


class Pin(NamedTuple):
    """One line of a file, as pip reads it, and the hashes below it."""

    requirement: Requirement
    hashes: list[str]


def pins(name: str) -> list[Pin]:
    lines = (FOLDER / name).read_text("utf-8").replace("\\\n", "").splitlines()
    found = []
    for line in lines:
        if line.startswith("#"):
            continue
        asked, *hashes = line.split("--hash=")
        found.append(Pin(Requirement(asked), [each.strip() for each in hashes]))
    return found


def environments() -> Iterator[dict[str, str]]:
    """Yield every Python and system that hongbao is for, as markers see them."""
    for version in VERSIONS:
        for system in SYSTEMS:
            yield {
                "python_version": version,
                "python_full_version": f"{version}.0",
                "sys_platform": system.lower(),
                "platform_system": system,
                "os_name": "posix",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
            }


def pinned(name: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the version of each package that the file called *name* has for *environment*."""
    versions: dict[str, str] = {}
    for requirement, _hashes in pins(name):
        if requirement.marker is None or requirement.marker.evaluate(environment | NO_EXTRA):
            package = canonicalize_name(requirement.name)
            assert package not in versions, f"{package} is pinned twice for {environment}"
            (only,) = requirement.specifier
            assert "==" == only.operator
            versions[package] = only.version
    return versions


def asked_for(extras: tuple[str, ...]) -> list[Requirement]:
    """Return what pyproject.toml asks for, with *extras*."""
    optional = PROJECT["optional-dependencies"]
    return [
        Requirement(each)
        for each in (
            *PROJECT["dependencies"],
            *(one for extra in extras for one in optional[extra]),
        )
    ]


def unmet(name: str, environment: dict[str, str]) -> list[str]:
    """Return each requirement, ours or a pinned package's own, that the file does not meet."""
    versions = pinned(name, environment)
    found, seen, waiting = [], set(), asked_for(FILES[name])
    while waiting:
        asked = waiting.pop()
        package = canonicalize_name(asked.name)
        version = versions.get(package)
        if version is None or not asked.specifier.contains(version, prereleases=True):
            found.append(f"{asked}: {version}")
        elif (package, frozenset(asked.extras)) not in seen:
            seen.add((package, frozenset(asked.extras)))
            waiting += needed_by(package, version, asked.extras, environment)
    return found


def needed_by(
    package: str, version: str, extras: set[str], environment: dict[str, str]
) -> list[Requirement]:
    """Return what *package* needs, as it says where that very version is installed."""
    try:
        installed = distribution(package)
    except PackageNotFoundError:
        return []
    if installed.version != version:
        return []
    return [
        asked
        for asked in map(Requirement, installed.requires or ())
        if asked.marker is None
        or any(asked.marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras))
    ]


@pytest.mark.parametrize("name", FILES)
def test_each_pin_is_one_version_with_its_hashes(name):
    """
    A file that is not the one we took is refused, wherever it comes from; nothing names a place.
    """
    text = (FOLDER / name).read_text("utf-8")

    assert text.startswith(head(FILES[name]))
    assert "://" not in text
    assert [] == [
        str(requirement)
        for requirement, hashes in pins(name)
        if not hashes or not all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes)
    ]


@pytest.mark.parametrize("name", FILES)
def test_the_pins_meet_every_requirement_on_every_python(name):
    """
    Ours, and those of what we stand on. What is not met is asked for with `make pins`.
    """
    assert [] == [
        (environment["python_version"], environment["sys_platform"], each)
        for environment in environments()
        for each in unmet(name, environment)
    ]


def test_a_requirement_that_is_not_pinned_is_found(monkeypatch):
    """
    One that is missing, and one whose version is another.
    """
    extra = ["nowhere>=1", "rich>=999"]
    monkeypatch.setitem(PROJECT, "dependencies", [*PROJECT["dependencies"], *extra])
    environment = next(environments())
    rich = pinned("hongbao.txt", environment)["rich"]

    assert [f"rich>=999: {rich}", "nowhere>=1: None"] == unmet("hongbao.txt", environment)


KNOWN = {
    "cryptography": "<50.0.1",
    "lxml": "<6.1",
    "openpyxl": "<2.4.2",
    "pypdf": "<6.21.4",
    "pytest": "<9.0.3",
    "scikit-learn": "<1.5",
    "sqlcipher3": "<0.6.4",
}
"""Releases with a published advisory, as docs/project/decisions/0004-dependencies.md tells."""


def test_no_bound_admits_a_release_with_a_known_advisory():
    """
    A lower bound is the oldest release without one.
    """
    lowest: dict[str, str] = {
        canonicalize_name(asked.name): bound.version
        for asked in asked_for(tuple(PROJECT["optional-dependencies"]))
        for bound in asked.specifier
        if bound.operator == ">="
    }

    assert [] == [
        f"{package}>={lowest[package]}"
        for package, bad in KNOWN.items()
        if SpecifierSet(bad).contains(lowest[package])
    ]


def test_the_database_is_one_without_the_race_of_two_checkpoints():
    """
    Before SQLite 3.51.3, two checkpoints at once could lose what was committed.
    """
    version = tuple(map(int, sqlcipher3.sqlite_version.split(".")))

    assert version >= (3, 51, 3)


@pytest.mark.parametrize("page", ["install.md", "install.zh.md"])
def test_the_pages_say_how_to_install_the_pins(page):
    """
    In two commands: what is pinned, and then hongbao itself, which needs nothing more.
    """
    text = (ROOT / "docs" / "start" / page).read_text("utf-8")

    assert "pip install --require-hashes -r requirements/hongbao.txt" in text
    assert "pip install --no-deps ." in text
    assert "all.txt" in text


# --- the pin of typer (docs/project/decisions/0003-typer-pin.md) ----------------------------------

NEW_TYPER = os.environ.get("HONGBAO_NEW_TYPER")
"""A folder that a newer release was installed into."""

WAKES = """\
import sys
from importlib.metadata import version
sys.argv[1:] = []
from bench.nothing import main
try:
    main()
except SystemExit:
    pass
print("typer", version("typer"), "pydantic" in sys.modules)
"""


def woken(folder: str | None = None) -> tuple[Version, bool]:
    """Return the version of typer, installed or in *folder*, and whether it wakes pydantic."""
    path = os.pathsep.join(filter(None, (folder, str(ROOT))))
    done = subprocess.run(
        [sys.executable, "-c", WAKES],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    _typer, version, wakes = done.stdout.split()[-3:]
    return Version(version), wakes == "True"


def can_go(version: Version, wakes: bool) -> bool:
    """Whether a release needs no pin: one that the pin keeps away, and that wakes no pydantic."""
    return version >= Version("0.29") and not wakes


def test_the_installed_typer_wakes_no_pydantic():
    """
    That is what the pin is for. Where one from 0.29 on is installed, the pin is gone already.
    """
    version, wakes = woken()

    assert not wakes
    assert not can_go(version, wakes), f"typer {version} wakes no pydantic: the pin can go"


@pytest.mark.slow
@pytest.mark.skipif(NEW_TYPER is None, reason="see `make typer-pin`")
def test_the_newest_typer_still_needs_the_pin():
    """
    Once it does not, `make typer-pin` fails here.
    """
    version, wakes = woken(NEW_TYPER)

    assert not can_go(version, wakes), f"typer {version} wakes no pydantic: the pin can go"


@every(
    ("version", "wakes", "expected"),
    [("0.28.0", False, False), ("0.29.2", True, False), ("0.30.0", False, True)],
)
def test_what_would_let_the_pin_go_is_noticed(version: str, wakes: bool, expected: bool):
    """
    A release that the pin keeps away, and that no longer wakes pydantic.
    """
    assert expected == can_go(Version(version), wakes)
