"""Power cuts: what was answered is on the disk, whatever the rest of it holds (see `power`)."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.disks import Disk, Step
from tests.faults.preload import SOURCE, compiled, environment

SIZE = os.environ.get("HONGBAO_POWER_CUTS", "0.1")
"""The share of the disks that `make test-all` tries; docs/project/reliability.md tells of 0.5."""

NEEDS_COMPILER = pytest.mark.skipif(compiled() is None, reason="no C compiler for the shim")


def step(what: str, file: int = 0, path: str = "", **more: Any) -> Step:
    facts = {"offset": 0, "other": "", "data": b"", **more}
    return Step(what, file, path=path, **facts)


def left(folder: Path, way: str, *steps: Step) -> dict[str, bytes | None]:
    """Return what a cut leaves in *folder* after *steps*, by name."""
    disk = Disk(folder)
    for each in steps:
        disk.play(each)
    found = disk.rebuilt(way, random.Random(1))
    return {name: found[f"{folder}/{name}"] for name in "ab" if f"{folder}/{name}" in found}


def test_what_was_not_synced_may_be_gone(tmp_path: Path):
    """
    A file's bytes by the file, its name by the folder; a rename that was not synced leaves the old.
    """
    (tmp_path / "a").write_bytes(b"old")
    at, folder = str(tmp_path), 99
    old = (tmp_path / "a").stat().st_ino
    made = step("c", 7, f"{at}/b")
    written = step("w", 7, data=b"new")
    renamed = step("r", 7, f"{at}/b", other=f"{at}/a")
    file, names = step("s", 7, f"{at}/b"), step("s", folder, at)

    cases: tuple[tuple[Any, ...], ...] = (
        ({"a": b"old"}, made, written, file),
        ({"a": b"old", "b": b""}, made, names, written),
        ({"a": b"old", "b": b"new"}, made, written, file, names),
        ({"a": b"old", "b": b"new"}, made, names, written, file, renamed),
        ({"a": b"new"}, made, names, written, file, renamed, names),
        ({"a": b""}, made, names, written, renamed, names),
        ({"a": b"old"}, step("w", old, f"{at}/a", data=b"other")),
        ({"a": b"old"}, step("u", old, f"{at}/a")),
        ({}, step("u", old, f"{at}/a"), names),
        ({"a": b""}, step("t", old, f"{at}/a"), step("s", old, f"{at}/a")),
    )
    for wanted, *steps in cases:
        assert wanted == left(tmp_path, "none", *steps), steps
    assert {"a": b"new"} == left(tmp_path, "all", made, written, renamed)
    long = step("w", old, f"{at}/a", data=bytes([1]) * 2048)
    torn = left(tmp_path, "torn", long)["a"]
    assert torn is not None
    assert len(torn) in (512, 1024, 1536)


def tried(*options: str) -> list[dict[str, Any]]:
    ran = subprocess.run(
        [sys.executable, "-P", "-X", "utf8", "-m", "tests.faults.power", *options],
        env={**environment(), "PYTHONPATH": str(SOURCE.parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.slow
@NEEDS_COMPILER
def test_what_was_answered_outlives_a_power_cut(capsys: pytest.CaptureFixture[str]):
    """
    After a cut at any moment of a row of commands, the home opens and checks, what was answered is
    there, and what was under way can be asked for again.
    """
    *wrong, told = tried("--size", SIZE)
    with capsys.disabled():
        sys.stdout.write(f"\npower cuts tried: {told}\n")

    assert [] == wrong
    assert told["disks"] > 30


@pytest.mark.slow
@NEEDS_COMPILER
@pytest.mark.parametrize("forgotten", ["ledger.db-wal", "/keys"])
def test_a_missing_sync_is_found(forgotten: str):
    """
    Without the syncs of the log, or of the keys and their folder, something that was told is gone.
    """
    *wrong, _told = tried("--size", "0.08", "--first", "10", "--forget", forgotten)

    assert wrong
