"""Files: whole or not there, private, never another's place, and nothing left behind."""

import io
import os
import resource
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import pytest

from hongbao import errors, outputs, statements
from tests.statements.conftest import LONG, fill, pin
from tests.statements.reading import READERS, with_lines, written
from tests.statements.test_formats import statement
from tests.vault.processes import as_nobody, killed_at, run

OLD = b"what was there before\n"

PACKED = {"pdf", "wechat-xlsx", "xlsx"}
"""Formats of which nothing is written before all of it is known; their own tests say the rest."""

STREAMED = tuple(name for name in statements.FORMATS if name not in PACKED)

DAILY = [
    pytest.param(name, marks=() if name in ("csv", "json", "wechat") else pytest.mark.slow)
    for name in STREAMED
]
"""One that is written as it comes, and two that wait for their sums, signed within and beside."""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def named(monkeypatch):
    """As on a file system where no file can be without a name, like exFAT."""
    monkeypatch.setattr(outputs, "_UNNAMED", 0)


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_a_file_holds_what_a_pipe_would_carry(folder, format_name):
    """
    The same bytes under the name that was asked for; beside it its signature at most.
    """
    signature = statements.save(statement(), format_name, folder / "november", False)

    beside = [] if signature is None else [signature.name]
    assert ["november", *beside] == left_in(folder)
    assert [] == beside or ["november.sig"] == beside
    assert written(statement(), format_name) == (folder / "november").read_bytes()


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_a_file_is_its_owners_alone(folder, named, umask):
    """
    Whatever the umask gives or takes, before the first byte and afterwards.
    """
    seen: list[int] = []

    def watched(lines):
        for line in lines:
            seen.extend(path.stat().st_mode & 0o777 for path in folder.iterdir())
            yield line

    asked = statement()
    before = os.umask(umask)
    try:
        statements.save(
            with_lines(asked, lambda: watched(asked.lines)), "json", folder / "a.json", False
        )
    finally:
        os.umask(before)

    assert [0o600] * 4 == seen  # the file and its lock, at two movements
    assert 0o600 == stat.S_IMODE((folder / "a.json").stat().st_mode)


def test_an_existing_file_is_kept(folder):
    """
    Unless the caller says that it may be replaced.
    """
    path = folder / "a.json"
    path.write_bytes(OLD)

    with pytest.raises(errors.FileExists) as refused:
        statements.save(statement(), "json", path, False)

    assert str(path) == refused.value.facts["path"]
    assert OLD == path.read_bytes()
    statements.save(statement(), "json", path, True)
    assert written(statement(), "json") == path.read_bytes()
    assert ["a.json"] == left_in(folder)


def test_a_new_file_has_no_name_until_it_is_complete(folder):
    """
    So that a process which is killed leaves nothing, least of all half of somebody's secret.
    """
    seen = []
    asked = statement()

    def watched():
        for line in asked.lines:
            seen.append(left_in(folder))
            yield line

    statements.save(with_lines(asked, watched), "json", folder / "a.json", False)

    assert [[], []] == seen
    assert 0o600 == stat.S_IMODE((folder / "a.json").stat().st_mode)


@pytest.mark.parametrize(("replacing", "naming"), [(False, "link"), (True, "replace")])
def test_a_name_is_given_to_what_is_on_the_disk(folder, replacing, naming, monkeypatch):
    """
    The file is synced before it takes its name, and the folder afterwards: a power cut in between
    leaves no name without its content.
    """
    touched = []

    def watched(name):
        real = getattr(os, name)

        def call(*arguments, **named):
            if name != "fsync":
                touched.append(name)
            elif stat.S_ISDIR((found := os.fstat(arguments[0])).st_mode):
                touched.append("fsync folder")
            else:
                touched.append(f"fsync {found.st_size} bytes")
            return real(*arguments, **named)

        return call

    for name in ("fsync", "link", "replace"):
        monkeypatch.setattr(os, name, watched(name))

    statements.save(statement(), "json", folder / "a.json", replacing)

    size = len(written(statement(), "json"))
    assert [f"fsync {size} bytes", naming, "fsync folder"] == touched


@pytest.mark.parametrize("linking", ["unnamed", "named", "none"])
def test_a_file_that_appears_meanwhile_is_kept(folder, linking, monkeypatch):
    """
    Two exports to one name: the second one finds it taken, however late that happened.
    """
    path = folder / "a.json"

    def interrupted(lines):
        path.write_bytes(OLD)
        yield from lines

    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    if linking != "unnamed":
        monkeypatch.setattr(outputs, "_UNNAMED", 0)
    if linking == "none":  # as on exFAT, which no test can mount
        monkeypatch.setattr(os, "link", no_links)
    asked = statement()

    with pytest.raises(errors.FileExists):
        statements.save(with_lines(asked, lambda: interrupted(asked.lines)), "json", path, False)

    assert OLD == path.read_bytes()
    assert ["a.json"] == left_in(folder)


def test_a_disk_without_links_can_be_written_to(folder, named, monkeypatch):
    """
    The name is then given by renaming.
    """

    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)

    statements.save(statement(), "json", folder / "a.json", False)

    assert ["a.json"] == left_in(folder)


def test_a_link_goes_on_pointing(folder, tmp_path):
    """
    What it points at is replaced, not the link.
    """
    real = tmp_path / "real.csv"
    real.write_bytes(OLD)
    link = folder / "a.json"
    link.symlink_to(real)

    statements.save(statement(), "json", link, True)

    assert link.is_symlink()
    assert written(statement(), "json") == real.read_bytes()
    assert ["a.json"] == left_in(folder)


def test_a_link_to_nowhere_is_not_followed_unasked(folder, tmp_path):
    """
    Somebody else may have laid it where a file of ours would do harm.
    """
    link = folder / "a.json"
    link.symlink_to(tmp_path / "nowhere")

    with pytest.raises(errors.FileExists):
        statements.save(statement(), "json", link, False)

    assert not (tmp_path / "nowhere").exists()


def test_the_longest_name_can_be_saved(folder):
    """
    The file it is written to first has a short name of its own.
    """
    name = "账" * 83 + ".csv"  # 253 bytes of 255

    statements.save(statement(), "json", folder / name, False)

    assert [name] == left_in(folder)


def test_a_leftover_is_nobodys_obstacle(folder, named):
    """
    A process that was killed had the same id as this one.
    """
    (folder / f".hongbao-{os.getpid()}-0.partial").write_bytes(OLD)

    statements.save(statement(), "json", folder / "a.json", False)

    assert written(statement(), "json") == (folder / "a.json").read_bytes()
    assert OLD == (folder / f".hongbao-{os.getpid()}-0.partial").read_bytes()


def test_a_pipe_is_written_to(folder):
    """
    As in ``-o >(gzip > november.csv.gz)``: it stays a pipe, and nobody asks whether it exists.
    """
    path = folder / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    statements.save(statement(), "json", path, False)

    with open(reader, "rb") as pipe:
        assert written(statement(), "json") == pipe.read()
    assert path.is_fifo()
    assert ["pipe"] == left_in(folder)


# --- what cannot be written -----------------------------------------------------------------------


@pytest.mark.parametrize("replacing", [False, True])
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/a.json", "No such file or directory"),
        (".", "Is a directory"),
        ("a file/a.json", "Not a directory"),
        ("账" * 86, "File name too long"),
    ],
)
def test_a_place_that_cannot_be_is_refused(folder, place, reason, replacing):
    """
    In the system's words, about the name that was typed; nothing is left behind.
    """
    (folder / "a file").write_bytes(OLD)

    with pytest.raises(errors.StorageRefused) as refused:
        statements.save(statement(), "json", folder / place, replacing)

    assert {"path": str(folder / place), "reason": reason} == refused.value.facts
    is_folder = place == "."
    assert is_folder == ("name a file, not a folder" in (refused.value.hint or ""))
    assert ["a file"] == left_in(folder)


def test_a_folder_that_is_not_ours_is_refused(folder):
    """
    A person without the right to write there is told so.
    """
    folder.chmod(0o555)

    def act():
        with pytest.raises(errors.StorageRefused, match="Permission denied"):
            statements.save(statement(), "json", Path("a.json"), False)

    assert 0 == as_nobody(folder, act)
    assert [] == left_in(folder)


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("format_name", sorted({*statements.FORMATS} - {"pdf"}))
def test_a_full_disk_is_refused(folder, long_lived, format_name):
    """
    It is told, nothing is left behind, and the file that was to be replaced is what it was.
    """
    path = folder / "a"
    path.write_bytes(OLD)

    def act():
        with long_lived.desk() as desk, desk.statement() as opened:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            with pytest.raises(errors.StorageRefused, match="File too large"):
                statements.save(opened, format_name, path, True)

    assert 0 == run(act)
    assert ["a"] == left_in(folder)
    assert OLD == path.read_bytes()


def test_a_statement_that_does_not_add_up_never_gets_its_name(folder):
    """
    A mistake of ours is found before the file is there, not by whoever reads it.
    """
    with pytest.raises(statements.DoesNotAddUp):
        statements.save(statement(closing_fen=1), "json", folder / "a.json", False)

    assert [] == left_in(folder)


def test_an_interrupted_export_leaves_nothing(folder):
    """
    Ctrl-C in the middle.
    """

    def interrupted():
        yield from statement().lines
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        statements.save(with_lines(statement(), interrupted), "json", folder / "a.json", False)

    assert [] == left_in(folder)


# --- killed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("replacing", [False, True])
def test_killed_at_any_touch_of_the_disk_there_is_no_half_file(folder, replacing):
    """
    Under the final name there is what was there before, or all of the new; and trying again works.
    """
    path = folder / "a.json"
    before, after = OLD if replacing else None, written(statement(), "json")
    found, leftovers = None, set()
    for step in count():
        path.write_bytes(OLD) if replacing else path.unlink(missing_ok=True)

        was_killed = killed_at(step, lambda: statements.save(statement(), "json", path, replacing))
        leftovers.update(left_in(folder))

        found = path.read_bytes() if path.exists() else None
        assert found in (before, after)
        if not was_killed:
            break
        if found == before:
            statements.save(statement(), "json", path, replacing)
            assert after == path.read_bytes()
    outputs.save_as(folder / "other", lambda out: out.write(b"other"), True)
    assert ["a.json", "other"] == left_in(folder)
    assert replacing == any(name.endswith(".partial") for name in leftovers)
    assert step > 2  # a watchdog that never fires proves nothing
    assert after == found


EXPORT = """
import sys, time
from pathlib import Path
from hongbao import statements
from tests.statements.conftest import LONG, Home

home, format_name, path, moment = sys.argv[1:]
write = statements.write

def stop():
    print("stopped", flush=True)
    time.sleep(60)

def watch(line):
    if moment == "half is read" and line == LONG // 2:
        stop()

class Out:
    # Counts its bytes, and stops when so many of them are on the disk.

    def __init__(self, out=None, most=None):
        self.out, self.most, self.length = out, most, 0

    def write(self, content):
        self.length += len(content)
        if self.out is not None:
            self.out.write(content)
            if self.length >= self.most:
                self.out.flush()
                stop()

def write_half(opened, format_name, out, *style, **watched):
    whole = Out()
    write(opened, format_name, whole)
    return write(opened, format_name, Out(out, whole.length // 2), *style, **watched)

if moment == "half is written":
    statements.write = write_half
with Home(Path(home)).desk() as desk, desk.statement() as opened:
    if path == "-":
        statements.write(opened, format_name, sys.stdout.buffer, watch=watch)
    else:
        statements.save(opened, format_name, Path(path), True, watch=watch)
"""
NEVER, READ, WRITTEN = "never", "half is read", "half is written"
"""When an export stops, says so, and waits to be killed."""


@contextmanager
def exporting(home, format_name, path, moment, *, spooling=None):
    """An export in a process that does not outlive the block; *spooling* is its folder for that."""
    command = [sys.executable, "-c", EXPORT, home.folder, format_name, path, moment]
    around = {**os.environ, **({} if spooling is None else {"TMPDIR": str(spooling)})}
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env=around) as process:
        try:
            yield process
        finally:
            process.kill()


def killed(process):
    process.kill()
    assert -signal.SIGKILL == process.wait()


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("old", [None, OLD])
@pytest.mark.parametrize("moment", [WRITTEN, READ])
@pytest.mark.parametrize("format_name", DAILY)
def test_an_export_killed_half_way_leaves_the_old_file(
    folder, tmp_path, long_lived, format_name, moment, old
):
    """
    Half of the file is on the disk when the process dies, or half of the movements were read.
    """
    path, spooling = folder / "a", tmp_path / "spooling"
    spooling.mkdir()
    if old is not None:
        path.write_bytes(old)
    with exporting(long_lived, format_name, path, moment, spooling=spooling) as process:
        assert b"stopped\n" == process.stdout.readline()
        killed(process)

    assert old == (path.read_bytes() if path.exists() else None)
    partial = next(folder.glob(".hongbao-*.partial"))
    assert 0o600 == stat.S_IMODE(partial.stat().st_mode)
    half, place = partial.read_bytes(), statements.signature_place(format_name)
    assert moment == READ or len(half) > 50 * LONG
    assert place is None or place[0] not in half  # half is signed nowhere
    assert [] == [*folder.glob("*.sig")]
    if format_name in READERS:
        with pytest.raises((ValueError, LookupError, AssertionError)):  # nor passes for whole
            READERS[format_name](half)
    assert [] == left_in(spooling)  # what waited there had no name
    outputs.save_as(folder / "other", lambda out: out.write(b"other"), True)
    assert [*(["a"] if old else []), "other"] == left_in(folder)  # the next export sweeps


@pytest.mark.parametrize("exports", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_an_export_killed_at_any_moment_leaves_a_whole_file(exports, folder, home):
    """
    Exports of a hundred movements each, killed by the clock and not by a step of ours.
    """
    path = folder / "a.json"
    with home.desk() as desk:
        fill(desk, 100)
    for delay in range(exports):
        path.write_bytes(OLD)
        with exporting(home, "json", path, NEVER) as process:
            while process.poll() is None and not list(folder.glob(".hongbao-*")):
                time.sleep(0)
            time.sleep(delay / exports / 800)

        if (content := path.read_bytes()) != OLD:
            assert 100 == READERS["json"](content)["count"]
        for partial in folder.glob(".hongbao-*"):
            partial.unlink()


def test_an_export_to_a_slow_pipe_holds_nobody_up(home):
    """
    While its reader waits others write, it goes on with the moment it began, and killed it leaves a
    ledger that checks.
    """
    with home.desk() as desk:
        fill(desk, 5_000)
    with exporting(home, "jsonl", "-", NEVER) as process, home.desk() as desk:
        read = list(islice(process.stdout, 10))
        desk.topup(1_00, pin=pin)
        read += islice(process.stdout, 2_000)
        killed(process)
        wrong = [each["check"] for each in desk.check()["findings"] if not each["ok"]]

    assert ["transit"] == wrong  # of what `fill` tops up without a payment

    assert 2_010 == len(read)
    assert b'"request_id": "fill-2009"' in read[-1]


def test_a_statement_is_one_moment(home):
    """
    What others do while it is written is not in it, and its closing balance is still the sum.
    """
    with home.desk() as desk:
        fill(desk, 3)
    with home.desk() as desk, home.desk() as other, desk.statement() as opened:

        def disturbed(lines):
            for line in lines:
                other.topup(1_00, pin=pin)
                yield line

        read = READERS["jsonl"](
            written(with_lines(opened, lambda: disturbed(opened.lines)), "jsonl")
        )

    assert (3, 3) == (read["count"], read["closing_fen"])


# --- large ----------------------------------------------------------------------------------------


class Counter(io.RawIOBase):
    """An output that only counts."""

    written = 0

    def writable(self):
        return True

    def write(self, content):
        self.written += len(content)
        return len(content)


@pytest.mark.in_turn(3, 2)
@pytest.mark.parametrize("format_name", DAILY)
def test_memory_does_not_grow_with_the_statement(home, long_lived, format_name):
    """
    Four thousand movements take what three hundred do, of which some hundred are written at a time.
    """
    peaks, sizes = [], []
    with home.desk() as desk:
        fill(desk, 300)
    for place in (home, home, long_lived):  # the first time wakes what it needs
        with place.desk() as desk, desk.statement() as opened:
            out = Counter()
            tracemalloc.start()
            statements.write(opened, format_name, io.BufferedWriter(out))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            sizes.append(out.written)

    _, small, large = peaks
    assert sizes[2] > 12 * sizes[1]
    assert large < small + sizes[2] / 4
