"""Real processes for tests: children that are forked, raced and killed."""

import importlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

WRITES = ("open", "pwrite", "fsync", "fchmod", "replace", "unlink", "mkdir", "chmod")
"""What a vault does to the disk, by the name that `os` has for it."""


def start(act: Callable[[], object]) -> int:
    """Run *act* in a child and return its process id; the child ends 0, or 1 where it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 minds xdist's threads
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        act()
        status = 0
    except BaseException:  # noqa: BLE001 (the child ends here, whatever it was)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def finished(child: int) -> int:
    """Wait for *child* and return how it ended: 0 well, 1 raised, -9 killed."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(act: Callable[[], object]) -> int:
    """Run *act* in a child and return how it ended."""
    return finished(start(act))


def race(count: int, act: Callable[[int], bytes]) -> list[bytes]:
    """Run *act* in *count* children, released at the same moment, and return what each answers."""
    gate, opener = os.pipe()
    answers = []
    for number in range(count):
        mouth, pen = os.pipe()

        def body(number: int = number, pen: int = pen) -> None:
            os.close(opener)
            os.read(gate, 1)
            os.write(pen, act(number))

        answers.append((start(body), mouth))
        os.close(pen)
    os.close(opener)
    os.close(gate)
    told = []
    for child, mouth in answers:
        with os.fdopen(mouth, "rb") as pipe:
            told.append(pipe.read())
        assert finished(child) == 0
    return told


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """
    Run *act* in a child that is killed when it touches the disk for the *step*-th time.

    A write is killed half done; everything else just before. Returns False where the act was
    over before: then every step has been tried.
    """

    def body() -> None:
        seen = [0]

        def watched(name: str) -> Callable[..., object]:
            real = getattr(os, name)

            def call(*arguments: object, **named: object) -> object:
                seen[0] += 1
                if seen[0] > step:
                    if name == "pwrite":
                        descriptor, content, offset = arguments
                        assert isinstance(content, bytes)
                        real(descriptor, content[: len(content) // 2], offset)
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        for name in WRITES:
            setattr(os, name, watched(name))
        act()

    status = run(body)
    assert status in (0, -signal.SIGKILL)
    return status != 0


def as_nobody(folder: Path, act: Callable[[], object]) -> int:
    """
    Run *act* in a child that is not root, for whom permissions mean something.

    The child stands in *folder*, which is its own, and has no way in from above: act on relative
    paths.
    """

    # Imported while it still can be: where this Python lies may be closed to anyone else.
    importlib.import_module("argon2.exceptions")

    def body() -> None:
        os.chdir(folder)
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        act()

    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534)
    return run(body)
