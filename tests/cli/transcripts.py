"""
Transcripts in the docs: the console blocks of a page, played on a real terminal and written down.

``python -m tests.cli.transcripts`` plays every page again and writes what has changed; the test
that calls `played` refuses a page that is not what its commands say. A page's blocks share one
home, which ``<!-- home: NAME -->`` names; a command in a comment, ``<!-- $ hongbao … -->``, is
typed but not shown; ``<!-- now: INSTANT -->`` is what time it is from there on, for a home on the
real clock. Blocks above the first comment are left as they are.

Every other block says right above itself why it is not among them: ``<!-- not played: REASON -->``,
or ``<!-- checked by tests/FILE.py -->`` where another test has it (see `blocks`).
"""

import functools
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import split
from typing import NamedTuple

from tests.cli.shell import Shell, plain

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS = 80
PIN = "246813"

_BEGUN = ("init", "小明", "--clock", "2026-02-16T20:00:00+08:00", "--dice", "2026")
_IDENTITY = ("--name", "张三", "--id-number", "11010519491231002X")

HOMES: dict[str, list[Sequence[str]]] = {
    "empty": [],
    "new": [_BEGUN, ("init", "小红"), ("init", "小刚")],
    "funded": [
        _BEGUN,
        ("init", "小红"),
        ("init", "小刚"),
        ("identify", *_IDENTITY, "--card", "9999010000000003"),
        ("topup", "500"),
    ],
    "real": [
        ("init", "小明", "--dice", "2026"),
        ("init", "小红"),
        ("card", "add", "9999010000000003"),
        ("topup", "100"),
        ("send", "10", "--count", "2"),
        ("claim", "{1}", "-p", "小红"),
    ],
    "festive": [
        _BEGUN,
        ("init", "小红"),
        ("init", "小刚"),
        ("identify", *_IDENTITY, "--card", "9999010000000003"),
        ("topup", "500"),
        ("send", "66.66", "--count", "3"),
        ("send", "--each", "8.88", "--count", "2", "--greeting", "新年快乐"),
        ("send", "52", "--to", "小红", "--from", "icbc-0003"),
        ("claim", "{2}", "-p", "小红"),
        ("claim", "{2}", "-p", "小刚"),
        ("claim", "{1}", "-p", "小红"),
    ],
}
"""What has happened in a home before a page's first command. Its clock and dice are scripted."""

_NOW = re.compile(r"<!-- now: (\S+) -->")
_HOME = re.compile(r"<!-- home: (\w+) -->")
_PLAYED = re.compile(r"(?P<hidden><!-- \$ [^>]*-->)|```console\n(?P<block>.*?)```", re.DOTALL)
_LEFT = re.compile(r"<!-- (?:not played: [^>]+|checked by \S+) -->\n\Z")
_COMMAND = re.compile(r"^(?:<!-- )?\$ ((?:[A-Z_]+=\S+ )*)hongbao (.*?)(?: -->)?$", re.MULTILINE)

FILES = {
    "passphrase.txt": "correct horse battery",
    "new.txt": "135792",
    "wang.txt": "975312",
    "li.txt": "864209",
    "me.txt": "李四\n110105199003078510",
}
"""What lies beside every home."""


class Page(NamedTuple):
    """A page with transcripts: its blocks, and the commands in each."""

    path: Path
    text: str
    home: str
    parts: list[re.Match[str]]
    commands: list[list[re.Match[str]]]


@functools.cache
def pages() -> list[Page]:
    """Return the pages that have transcripts."""
    found = []
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text("utf-8")
        if home := _HOME.search(text):
            parts = [
                part
                for part in _PLAYED.finditer(text, home.end())
                if not _LEFT.search(text, 0, part.start())
            ]
            commands = [list(_COMMAND.finditer(part["hidden"] or part["block"])) for part in parts]
            found.append(Page(path, text, home[1], parts, commands))
    return found


class Block(NamedTuple):
    """A fenced block of a page: where it is, what it shows, and how it is kept true."""

    place: str
    language: str
    text: str
    is_played: bool
    checked_by: str | None
    not_played: str | None


_FENCED = re.compile(
    r"(?:^<!-- (?:checked by (?P<test>\S+)|not played: (?P<reason>[^>]+)) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks(path: Path) -> Iterator[Block]:
    """Yield every block of the page at *path*."""
    text = path.read_text("utf-8")
    parts = [part.start() for page in pages() if page.path == path for part in page.parts]
    for found in _FENCED.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        begins = found.start("text") - len(f"```{found['language']}\n")
        yield Block(
            f"{path.name}:{line}",
            found["language"],
            found["text"],
            begins in parts,
            found["test"],
            found["reason"],
        )


def played() -> dict[Path, str]:
    """
    Return what every page says when its commands are typed anew.

    The homes are where their paths are as long as the one that the pages show instead, so that a
    line which is wrapped behind a path is wrapped at the same place.
    """
    with tempfile.TemporaryDirectory(prefix="h", dir="/tmp") as folder:
        return _played(Path(folder))


def _played(folder: Path) -> dict[Path, str]:
    models = {name: founded(folder / name, lines) for name, lines in HOMES.items()}
    shells, acts = [], []
    for number, page in enumerate(pages()):
        shell = models[page.home].copied_to(folder / f"{number:02}" / "home")
        furnish(shell)
        lines = [
            [*_now(page, part), *command[1].split(), *split(command[2])]
            for part, commands in zip(page.parts, page.commands, strict=True)
            for command in commands
        ]
        shells.append(shell)
        acts.append(shell.act(*lines))
    said = iter(
        models["empty"].shows(
            acts,
            columns=COLUMNS,
            NO_COLOR="1",
            HONGBAO_PASSPHRASE_FILE="passphrase.txt",
        )
    )
    return {
        page.path: _filled(page, shell, said) for page, shell in zip(pages(), shells, strict=True)
    }


def _now(page: Page, part: re.Match[str]) -> list[str]:
    """Return the setting that puts the world's clock where the last comment before *part* says."""
    nows = _NOW.findall(page.text[: part.start()])
    return [f"NOW={nows[-1]}"] if nows else []


def founded(folder: Path, lines: Sequence[Sequence[str]]) -> Shell:
    shell = Shell(folder / "home", PIN)
    if lines:
        said = shell.plays(*lines, now="2026-02-16T20:00:00+08:00")
        assert [] == [each.err for each in said if each.code]
    return shell


def furnish(shell: Shell) -> None:
    for name, content in {**FILES, "pin.txt": PIN}.items():
        (shell.home.parent / name).write_text(f"{content}\n", encoding="utf-8")


def _filled(page: Page, shell: Shell, said: Iterator[str]) -> str:
    text, at = "", 0
    for part, commands in zip(page.parts, page.commands, strict=True):
        told = [(command, _tidied(next(said), shell)) for command in commands]
        block = "".join(f"$ {command[1]}hongbao {command[2]}\n{answer}" for command, answer in told)
        text += page.text[at : part.start()]
        text += part["hidden"] or f"```console\n{block}```"
        at = part.end()
    return text + page.text[at:]


def _tidied(screen: str, shell: Shell) -> str:
    """Return what stood on the *screen* without what is another one each time."""
    text = "\n".join(line.rstrip() for line in plain(screen).splitlines()).strip("\n")
    text = text.replace(str(shell.home), "~/.local/share/hongbao")
    text = text.replace(f"{shell.home.parent}/", "")
    text = re.sub(r"(head \d+ )[0-9a-f]{16}", r"\g<1>0f4d156c2cb97bdd", text)
    text = re.sub(r'("mac": ")[0-9a-f]{64}', r"\g<1>0f4d156c…", text)
    text = re.sub(r"(?m)^(Sgntr,)\S+$", r"\g<1>qKfJ1n…", text)
    text = re.sub(r"(bank's key )[0-9a-f]{16}", r"\g<1>5f602efccd4ae412", text)
    text = re.sub(r"(?m)^(Sgntr,)[\w+/=]{88}$", r"\g<1>fKdSusDeR1Pyj1yJxc8UKYWscwebBYlP…", text)
    text = re.sub(r"(?m)^[0-9a-f]{64}$", "2b35db98" * 8, text)
    text = re.sub(r"(key )[0-9a-f]{16}…", r"\g<1>6022e018f1f5027b…", text)
    # What a step took is measured: no two computers agree on it, nor one with itself.
    text = re.sub(r"(?m)  +<?[\d.]+ m?s$", lambda took: "… ms".rjust(len(took[0])), text)
    text = re.sub(r"(?m)^<?[\d.]+ m?s in all", "… ms in all", text)
    return f"{text}\n" if text else ""


def main() -> int:
    """Write every page anew that is not what its commands say."""
    for path, text in played().items():
        if text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(DOCS)} is new\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
