"""
Fuzzing of each parser that is guided by its coverage, with atheris: `make fuzz`.

Each parser has SECONDS (default 20) in a process of its own. What adds lines of hongbao to those
that whole contents and the corpus reach is put into the corpus, if it is small. A content that is
neither read nor refused is printed, and kept in the corpus as well: tests fail from then on.

    SECONDS=60 .venv/bin/python -m tests.fuzz.guided story settings
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

KEPT_BYTES_MAX = 3000
"""How large a content may be that is kept: the corpus is in the repository."""

KEPT_MAX = 12
"""How many contents of each parser are kept."""


def main() -> int:
    """Fuzz the parsers that are named, or all; return 1 if one of them broke out."""
    if find_spec("atheris") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        _say(f"atheris cannot be installed; does it have a wheel for Python {version}?")
        return 0
    from tests.fuzz.parsers import PARSERS

    seconds = os.environ.get("SECONDS", "20")
    broken = []
    for name in sys.argv[1:] or PARSERS:
        with tempfile.TemporaryDirectory() as found:
            _say(f"{name}: {seconds} s")
            flags = [f"-max_total_time={seconds}", "-max_len=4096", "-verbosity=1", found]
            flags += ["-print_final_stats=1", f"-artifact_prefix={found}/broken-"]
            done = _apart("fuzz", name, *flags)
            _say("  " + " ".join(line for line in done.stderr.splitlines() if "executed" in line))
            if done.returncode:
                broken.append(name)
                _say(done.stdout + done.stderr[-4000:])
            _say("  " + _apart("keep", name, found).stdout.strip())
    if broken:
        _say(f"neither read nor refused: {', '.join(broken)}")
    return 1 if broken else 0


def _apart(*words: str) -> "subprocess.CompletedProcess[str]":
    """Do one step in a process of its own: libFuzzer ends the one that it is in."""
    command = [sys.executable, "-m", "tests.fuzz.guided", "--step", *words]
    with tempfile.TemporaryDirectory(prefix="hongbao-fuzz-") as place:  # it cannot tidy up itself
        return subprocess.run(
            command,
            env={**os.environ, "TMPDIR": place},
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


# --- steps ----------------------------------------------------------------------------------------


def fuzz(name: str, flags: list[str]) -> None:
    """Give the parser called *name* what libFuzzer makes, until its time is over."""
    atheris = import_module("atheris")  # which the types of the tests do without
    with atheris.instrument_imports(include=["hongbao"]):
        from tests.fuzz import parsers

    def try_one(content: bytes) -> None:
        try:
            parsers.try_one(name, content)
        except Exception:
            _keep(parsers.CORPUS / name, content)
            _say(f"neither read nor refused: {content[:300]!r}")
            raise

    atheris.Setup([sys.argv[0], *flags], _one_input(name, try_one))
    atheris.Fuzz()


def keep(name: str, folder: str) -> None:
    """Keep the contents that libFuzzer put into *folder*, if they add lines to those of others."""
    from tests.fuzz import parsers

    contents: list[bytes] = []
    one_input = _one_input(name, contents.append)
    for path in sorted(Path(folder).glob("[0-9a-f]*")):
        one_input(path.read_bytes())
    reached: set[tuple[str, int]] = set()
    for content in parsers.seeds_of(name):
        reached |= _lines_of(partial(parsers.try_one, name, content))
    room = KEPT_MAX - len(parsers.kept(name))
    new: list[bytes] = []
    for content in sorted(set(contents), key=len):
        if len(new) < room and len(content) <= KEPT_BYTES_MAX:
            lines = _lines_of(partial(parsers.try_one, name, content))
            if not lines <= reached:
                reached |= lines
                new.append(content)
                _keep(parsers.CORPUS / name, content)
    _say(f"{len(reached)} lines reached; {len(new)} of {len(contents)} contents are new and kept")


def _one_input(name: str, use: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Return what takes libFuzzer's bytes, makes a content of them, and has *use* use it."""
    from hypothesis import HealthCheck, given, settings

    from tests.fuzz import parsers

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(parsers.contents(name))
    def tried(content: bytes) -> None:
        use(content)

    made: Callable[[bytes], object] = vars(tried)["hypothesis"].fuzz_one_input
    return made


def _lines_of(act: Callable[[], object]) -> set[tuple[str, int]]:
    """Do *act*, and return which lines of hongbao it went through."""
    lines: set[tuple[str, int]] = set()

    def within(frame: object, event: str, _value: object) -> object:
        code, line = frame.f_code, frame.f_lineno  # type: ignore[attr-defined]
        if "/hongbao/" not in code.co_filename:
            return None
        if event == "line":
            lines.add((code.co_filename, line))
        return within

    sys.settrace(within)  # type: ignore[arg-type]
    try:
        act()
    finally:
        sys.settrace(None)
    return lines


def _keep(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / sha256(content).hexdigest()[:12]).write_bytes(content)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        _step, step, of, *rest = sys.argv[1:]
        if step == "fuzz":
            fuzz(of, rest)
        else:
            keep(of, *rest)
        sys.exit(0)
    sys.exit(main())
