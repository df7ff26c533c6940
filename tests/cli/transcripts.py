"""
Transcripts in the docs: the console blocks of a page, played on a real terminal and written down.

``python -m tests.cli.transcripts`` plays every page again and writes what has changed; the test
that calls `played` refuses a page that is not what its commands say. A page's blocks share one
home, which ``<!-- home: NAME -->`` names; a command in a comment, ``<!-- $ hongbao … -->``, is
typed but not shown; ``<!-- now: INSTANT -->`` is what time it is from there on, for a home on the
real clock; ``<!-- language: zh -->`` is what a page in Chinese has. Blocks above the comment with
the home are left as they are.

A line for a shell, ``$ hongbao packets --json | jq .``, is run by a real bash, with this hongbao on
its path. ``<!-- file: NAME -->`` right above a block makes a file of it, next to the home.

Every other block says right above itself why it is not among them: ``<!-- not played: REASON -->``,
or ``<!-- checked by tests/FILE.py -->`` where another test has it (see `blocks`).
"""

import functools
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import shlex, split
from typing import NamedTuple

from tests.cli.shell import Shell, plain

ROOT = Path(__file__).parents[2]
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
    "sandbox": [("sandbox", "--at", "home")],
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
_LANGUAGE = re.compile(r"<!-- language: (\w+) -->")
_PLAYED = re.compile(
    r"(?P<hidden><!-- \$ [^\n]*?-->)"
    r"|<!-- file: (?P<file>\S+) -->\n(?P<fenced>```\w+\n(?P<content>.*?)```)"
    r"|```console\n(?P<block>.*?)```",
    re.DOTALL,
)
_LEFT = re.compile(r"<!-- (?:not played: [^>]+|checked by \S+) -->\n\Z")
_COMMAND = re.compile(r"^(?:<!-- )?\$ ((?:[^\n]*\\\n)*.*?)(?: -->)?$", re.MULTILINE)
_OURS = re.compile(r"((?:[A-Z_]+=\S+ )*)hongbao (.*)", re.DOTALL)

FILES = {
    "pin.txt": PIN,
    "passphrase.txt": "correct horse battery",
    "new.txt": "135792",
    "wang.txt": "975312",
    "li.txt": "864209",
    "me.txt": "李四\n110105199003078510",
    "roster.csv": "id,name\ns01,张三",
}
"""What lies beside every home."""


SHOWS_CODE = '; echo "exit code $?"'
"""What a line ends in to show the exit code as well."""


class Command(NamedTuple):
    """A line that is typed: as the page shows it, and as `stage` takes it."""

    text: str
    words: list[str]


class Page(NamedTuple):
    """A page with transcripts: its blocks, and the commands in each."""

    path: Path
    text: str
    home: str
    parts: list[re.Match[str]]
    commands: list[list[Command]]

    @property
    def programs(self) -> set[str]:
        """The programs that the page runs and a system may lack; none if it needs no shell."""
        lines = [each.text for typed in self.commands for each in typed if each.words[0] == "!"]
        scripts = [part["content"] for part in self.parts if part["file"]]
        named = re.findall(r"\b(?:jq|hledger|xargs)\b", "\n".join([*lines, *scripts]))
        return {"bash", *named} if lines else set()


@functools.cache
def pages() -> list[Page]:
    """Return the pages that have transcripts."""
    found = []
    for path in [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        text = path.read_text("utf-8")
        if home := _HOME.search(text):
            parts = [
                part
                for part in _PLAYED.finditer(text, home.end())
                if not _LEFT.search(text, 0, part.start())
            ]
            commands = [
                [_command(line[1]) for line in _COMMAND.finditer(part["hidden"] or part["block"])]
                if part["file"] is None
                else []
                for part in parts
            ]
            found.append(Page(path, text, home[1], parts, commands))
    return found


def _command(text: str) -> Command:
    """Return the command *text*: a call of hongbao alone, or a line for a shell."""
    alone = text.removesuffix(SHOWS_CODE)
    ours = _OURS.fullmatch(alone)
    if ours is None or _needs_shell(alone):
        return Command(text, ["!", text])
    mark = [] if alone == text else ["?"]
    return Command(text, [*ours[1].split(), *mark, *split(ours[2])])


def _needs_shell(text: str) -> bool:
    """Tell whether something outside of quotes in *text* means something to a shell."""
    lexer = shlex(text, posix=False, punctuation_chars=True)
    return any(set(word) <= set("|&;<>()") or word.startswith("$") for word in lexer)


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
    parts = [
        part.start("fenced") if part["file"] else part.start()
        for page in pages()
        if page.path == path
        for part in page.parts
    ]
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


def played(chosen: Sequence[Page]) -> dict[Path, str]:
    """
    Return what each of the *chosen* pages says when its commands are typed again.

    The homes are where their paths are as long as the one that the pages show instead, so that a
    line which is wrapped behind a path is wrapped at the same place.
    """
    with tempfile.TemporaryDirectory(prefix="h", dir="/tmp") as folder:
        return _played(chosen, Path(folder))


def _played(chosen: Sequence[Page], folder: Path) -> dict[Path, str]:
    models = {home: founded(folder / home, HOMES[home]) for home in {page.home for page in chosen}}
    replayed = {}
    for number, page in enumerate(chosen):
        shell = models[page.home].copied_to(folder / f"{number:02}" / "home")
        furnish(shell, page)
        language = [f"HONGBAO_LANG={spoken}" for spoken in _LANGUAGE.findall(page.text)]
        lines = [
            [*_now(page, part), *language, *command.words]
            for part, commands in zip(page.parts, page.commands, strict=True)
            for command in commands
        ]
        said = shell.screens(
            *lines,
            columns=COLUMNS,
            HOME=str(folder / f"{number:02}" / "user"),  # pages show whole paths, not `~/home`
            NO_COLOR="1",
            HONGBAO_PASSPHRASE_FILE="passphrase.txt",
        )
        replayed[page.path] = _filled(page, shell, iter(said))
    return replayed


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


def furnish(shell: Shell, page: Page | None = None) -> None:
    """Lay the files next to the home that every page has, and those that *page* shows."""
    parts = page.parts if page else []
    given = {part["file"]: part["content"] for part in parts if part["file"]}
    for name, content in {**{n: f"{c}\n" for n, c in FILES.items()}, **given}.items():
        (shell.home.parent / name).write_text(content, encoding="utf-8")


def _filled(page: Page, shell: Shell, said: Iterator[str]) -> str:
    text, at = "", 0
    for part, commands in zip(page.parts, page.commands, strict=True):
        answers = [(command.text, _tidied(next(said), shell, page)) for command in commands]
        block = "".join(f"$ {typed}\n{answer}" for typed, answer in answers)
        text += page.text[at : part.start()]
        text += part[0] if part["block"] is None else f"```console\n{block}```"
        at = part.end()
    return text + page.text[at:]


def _tidied(screen: str, shell: Shell, page: Page) -> str:
    """Return what stood on the *screen* without what is another one each time."""
    text = "\n".join(line.rstrip() for line in plain(screen).splitlines()).strip("\n")
    place = "hongbao-sandbox" if page.home == "sandbox" else "hongbao"
    text = text.replace(str(shell.home), f"~/.local/share/{place}")
    text = text.replace(f"{shell.home.parent}/", "")
    text = re.sub(r"(head \d+ )[0-9a-f]{16}", r"\g<1>0f4d156c2cb97bdd", text)
    text = re.sub(r'("mac": ")[0-9a-f]{64}', r"\g<1>0f4d156c…", text)
    text = re.sub(r"(?m)^(Sgntr,)\S+$", r"\g<1>qKfJ1n…", text)
    text = re.sub(r"(bank's key )[0-9a-f]{16}", r"\g<1>5f602efccd4ae412", text)
    text = re.sub(r"(?m)^(Sgntr,)[\w+/=]{88}$", r"\g<1>fKdSusDeR1Pyj1yJxc8UKYWscwebBYlP…", text)
    text = re.sub(r"(?m)^[0-9a-f]{64}$", "2b35db98" * 8, text)
    text = re.sub(r"(signed by\n  )[0-9a-f]{64}", rf"\g<1>{'2b35db98' * 8}", text)
    text = re.sub(r"(key )[0-9a-f]{16}…", r"\g<1>6022e018f1f5027b…", text)
    # What a step took is measured: no two computers agree on it, nor one with itself.
    text = re.sub(r"(?m)  +<?[\d.]+ m?s$", lambda took: "… ms".rjust(len(took[0])), text)
    text = re.sub(r"(?m)^<?[\d.]+ m?s in all", "… ms in all", text)
    text = re.sub(r"(?m)  +<?[\d.]+毫?秒$", lambda took: "…毫秒".rjust(len(took[0])), text)
    text = re.sub(r"(?m)^全程用时<?[\d.]+毫?秒", "全程用时…毫秒", text)
    text = re.sub(r"(?m)  +<?[\d.]+毫?秒$", lambda took: "…毫秒".rjust(len(took[0])), text)
    text = re.sub(r"(?m)^全程用时<?[\d.]+毫?秒", "全程用时…毫秒", text)
    return f"{text}\n" if text else ""


def main() -> int:
    """Write the pages that are named, or all, where they are not what their commands say."""
    named = sys.argv[1:]
    chosen = [page for page in pages() if not named or page.path.name in named]
    for path, text in played(chosen).items():
        if text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)} is new\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
