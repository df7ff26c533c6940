"""
Power cuts in a row of many commands: ``python -m tests.faults.power`` with the shim preloaded.

The commands are recorded once. Then the disks that a cut may leave are rebuilt (see `disks`). On
each of them the home opens and checks, what had been answered is there, nothing is that was not
asked for, and the command that was under way can be typed again and ends well.
"""

import argparse
import json
import os
import random
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.faults import disks
from tests.faults.commands import Typed
from tests.faults.harness import After, Bench, Picture, wake
from tests.faults.preload import Shim

ROW = (
    "topup 5 --request-id r1",
    "send 6.66 --count 2 --request-id r2",
    "claim {packet} -p 小红 --request-id r3",
    "withdraw 5 --request-id r4",
    "device add phone --request-id r5",
    "backup first",
    "export -o one.csv",
    "rekey --yes",
    "send 7 --count 2 --request-id r6",
    "lock --passphrase-file {passphrase}",
    "topup 6 --request-id r7",
    "rekey --yes",
    "unlock",
    "card refunds balance --request-id r8",
    "backup second",
    "topup 7 --request-id r9",
    "restore second --yes",
    "topup 8 --request-id r10",
    "device remove tablet --request-id r11",
    "export -o two.csv",
    "config set language zh",
    "init 小白 --request-id r12",
    "claim {half} -p 小红 --request-id r13",
    "send 8 --count 2 --request-id r14",
    "claim {packet} -p 小刚 --request-id r15",
    "topup 9 --request-id r16",
)
"""What is typed in a row: money, keys, copies, files."""


class Row(NamedTuple):
    """A recorded row of commands: what was there *before*, and then after each of them."""

    words: list[list[str]]
    steps: list[disks.Step]
    pictures: list[Picture]
    before: disks.Disk


def recorded(bench: Bench, lines: tuple[str, ...], home: str) -> Row:
    """Play *lines* in a *home*, and record them."""
    shim = bench.shim
    assert shim is not None
    names = bench.lay_out(home)
    words = [[word.format_map(names) for word in shlex.split(line)] for line in lines]
    with tempfile.TemporaryFile(dir=bench.place) as file:
        recording = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDWR | os.O_APPEND)
        before = disks.Disk(bench.point)
        pictures = [_picture(bench)]
        for number, typed in enumerate(words):

            def begin() -> None:
                shim.arm()
                shim.record(recording)

            shim.clear()
            ran = bench.play(typed, begin)
            assert ran.code == 0, (typed, ran)
            disks.note_end(recording, number)
            pictures.append(_picture(bench))
        steps = disks.read(recording)
        os.close(recording)
    return Row(words, steps, pictures, before)


def _picture(bench: Bench) -> Picture:
    """Return what can be seen now, looked at in a copy, so that nothing is left by looking."""
    away = bench.place / "away"
    bench.point.rename(away)  # whose files stay the same ones
    shutil.copytree(away, bench.point)
    found = bench.looked(["version"], Typed("version", "version"), checks=False)
    shutil.rmtree(bench.point)
    away.rename(bench.point)
    assert found.before is not None, found
    return found.before


def tried(bench: Bench, row: Row, size: float, seed: int) -> Iterator[tuple[str, list[str], int]]:
    """Yield each cut, what is wrong with the disk that it left, and how old its noted head is."""
    chance = random.Random(seed)
    disk, at = row.before, 0
    answered, ended = 0, 0
    for cut in disks.cuts(row.steps, chance, 0.1):
        for step in row.steps[at:cut]:
            disk.play(step)
            if step.what == "1":
                answered = ended + 1
            if step.what == "e":
                ended = answered = step.file + 1
        at = cut
        for way in disks.WAYS:
            if chance.random() >= size:
                continue
            shutil.rmtree(bench.point, ignore_errors=True)
            disks.lay_out(disk.rebuilt(way, chance))
            under_way = min(ended, len(row.words) - 1)
            typed = Typed("again", "")
            noted = _noted(bench)
            found = bench.looked(row.words[under_way], typed, checks=chance.random() < 0.3)
            step = row.steps[cut - 1]
            name = Path(step.path or str(step.file)).name
            where = f"{way} after step {cut} ({step.what} {name}) of {row.words[under_way]}"
            entries = [] if found.before is None else found.before.entries
            age = sum(number > noted for number in entries)
            yield where, list(_wrong(row, found, answered, ended)), age


def _noted(bench: Bench) -> int:
    from hongbao.vault.head import HeadNote

    noted = HeadNote(bench.point / "home" / "keys" / "head").read()
    return 0 if noted is None else noted[0]


def _wrong(row: Row, found: After, answered: int, ended: int) -> Iterator[str]:
    if found.before is None or found.after is None:
        yield f"cannot be looked at: {found.said}"
        return
    if found.opened:
        yield f"does not open: {found.said}"
        return
    if found.checked:
        yield f"does not check: {found.checked}"
    least, most = row.pictures[answered], row.pictures[min(ended + 1, len(row.words))]
    here = found.before
    possible = [least, most]
    if here.acts not in [picture.acts for picture in possible]:
        begun = row.pictures[ended].acts  # payments by card are several acts
        is_part = len(begun) <= len(here.acts) and here.acts == most.acts[: len(here.acts)]
        if answered > ended or not is_part:
            counts = len(here.acts), len(least.acts), len(most.acts)
            yield f"acts: {counts[0]}, and not {counts[1]} to {counts[2]}: {here.acts[-4:]}"
    if here.keys not in [picture.keys for picture in possible]:
        yield f"keys: {here.keys}, and not {least.keys} or {most.keys}"
    for name, size in least.files.items():
        if here.files.get(name) not in (size, most.files.get(name)):
            yield f"{name} has {here.files.get(name)} bytes, and not {size}"
    for name, size in here.files.items():
        if name not in most.files and "/." not in name:
            yield f"{name} is there, with {size} bytes"
    if found.again.code not in (0, 2, 11, 14):
        yield f"asked again it ends with {found.again.code}: {found.again.err}"
    if found.again.code == 0 and found.after.acts[: len(most.acts)] != most.acts:
        yield f"asked again, its acts are {found.after.acts[-4:]}"


def main() -> int:
    """Try cuts, and print what is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=float, default=0.5, help="the share of disks that is tried")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--forget", help="syncs of files so called are none: this has to be found")
    parser.add_argument("--first", type=int, default=len(ROW), help="only so many commands")
    asked = parser.parse_args()
    os.environ.pop("LD_PRELOAD", None)
    began = time.monotonic()
    count, wrong = 0, 0
    ages: Counter[int] = Counter()
    with tempfile.TemporaryDirectory(prefix="hongbao-power-") as place:
        bench = Bench(Path(place), Shim())
        wake(bench)
        row = recorded(bench, ROW[: asked.first], "busy")
        if asked.forget:
            kept = [s for s in row.steps if not (s.what == "s" and asked.forget in s.path)]
            row = row._replace(steps=kept)
        kinds = Counter(step.what for step in row.steps)
        for where, problems, age in tried(bench, row, asked.size, asked.seed):
            count += 1
            ages[age] += 1
            if problems:
                wrong += 1
                _print(cut=where, wrong=problems)
    _print(
        disks=count, wrong=wrong, commands=len(row.words), steps=dict(kinds),
        acts=len(row.pictures[-1].acts) - len(row.pictures[0].acts),
        head_behind_max=max(ages), head_behind=dict(sorted(ages.items())),
        seconds=round(time.monotonic() - began),
    )  # fmt: skip
    return min(wrong, 1)


def _print(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
