"""
The gallery of refusals (``docs/reference/errors.md``), and its index (``error-index.md``).

Both are made from what the errors declare, the index also from what the commands' pages name.
``python -m tests.gallery`` writes them; the tests that call `page` and `index` refuse old ones.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from hongbao import words
from hongbao.errors import ExitCode, Fact, HongbaoError, declarations, kinds
from hongbao.why import declared_example, explanations

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "docs" / "reference" / "errors.md"
INDEX = ROOT / "docs" / "reference" / "error-index.md"
JSON = ROOT / "docs" / "reference" / "json.md"
COMMANDS = ROOT / "docs" / "reference" / "commands"

HEADINGS = {
    ExitCode.UNEXPECTED: "a bug of ours",
    ExitCode.USAGE: "what was typed cannot be used as it stands",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.NOT_CLAIMABLE: "the packet's state says no",
    ExitCode.INSUFFICIENT: "not enough money",
    ExitCode.LIMIT: "a rule of the policy",
    ExitCode.PIN: "the payment PIN",
    ExitCode.BUSY: "busy; try again",
    ExitCode.HELD: "stopped by risk control",
    ExitCode.PENDING: "the outcome is not known yet",
    ExitCode.CONFLICT: "a request id reused with other inputs",
    ExitCode.DAMAGED: "damaged or tampered",
    ExitCode.LOCKED: "a locked home",
    ExitCode.UNUSABLE: "the home cannot be used as it is",
    ExitCode.DECLINED: "the bank said no, or cannot be reached",
    ExitCode.DIFFERENCES: "two institutions' books do not agree",
    ExitCode.EXPECTATION: "a story's command did not do what the story says",
    ExitCode.UNDELIVERED: "an event was not delivered, and is not tried again",
    ExitCode.INTERRUPTED: "interrupted",
}

_TOP = """\
# Refusals

Every refusal is one sentence, most with a next step, an exit code for shells and a code for programs.
What is refused changes nothing.
Only a payment that a bank has declined, or has not answered, is written down, because the bank was asked.
With `--json` the same is on standard error as one document; see [JSON]({json}).
[The index]({index}) finds an error by its code or by the command.
[`hongbao why CODE`](commands/why.md) says the same in the terminal, with an example that was played.

This page is made from the errors themselves and from the texts of `hongbao why`, and a test keeps it so.
"""  # noqa: E501


_INDEX = """\
# Index of errors

Every code that an error has with `--json`, with its exit code and the commands whose pages name it.
The code leads to [the gallery]({gallery}), which has the error in its own words, in both languages; the hint in it says what to do next.
[The exit codes](exit-codes.md) say what a script does about each number.

This page is made from the errors and from the commands' pages, and a test keeps it so.
"""  # noqa: E501


def examples_of(kind: type[HongbaoError]) -> Iterator[HongbaoError]:
    """Yield an error of *kind*, and one more for each further value that changes what it says."""
    yield declared_example(kind)
    for name, fact in declarations(kind).items():
        if isinstance(fact, Fact):
            for value in fact.also:
                yield declared_example(kind, **{name: value})


def page() -> str:
    """Return the whole gallery."""
    links = {"json": _way(JSON, GALLERY), "index": _way(INDEX, GALLERY)}
    parts = [_TOP.format(**links)]
    for code in ExitCode:
        shown = {kind.code: kind for kind in reversed([*kinds()]) if kind.exit_code is code}
        if shown:
            parts.append(f"## {code:d} · {HEADINGS[code]}\n")
            parts += [_exhibit(kind) for kind in reversed(shown.values())]
    return "\n".join(parts)


def _exhibit(first: type[HongbaoError]) -> str:
    if (explained := explanations().get(first.code)) is None:
        topic = first.__module__.rpartition(".")[2]
        raise LookupError(
            f"explain {first.code} in hongbao/why/{topic}.toml: copy a neighbour's entry, "
            "then `python -m tests.why` and `python -m tests.gallery`"
        )
    parts = [
        f"### `{first.code}`\n",
        *(f"{each.meaning}\n{each.remedy}\n" for each in explained.said.values()),
    ]
    for error in (e for kind in kinds() if kind.code == first.code for e in examples_of(kind)):
        told = "\n".join(line for language in ("en", "zh_CN") for line in _told(error, language))
        parts.append(f"```\n{told}\n```\n")
    return "\n".join(parts)


def _told(error: HongbaoError, language: str) -> list[str]:
    words.use_language(language)
    try:
        is_pending = error.exit_code is ExitCode.PENDING
        start = "hongbao: pending: {message}" if is_pending else "hongbao: error: {message}"
        told = [words.say(start, message=error.message)]
        if error.hint is not None:
            told.append(words.say("hongbao: hint: {hint}", hint=error.hint))
        return told
    finally:
        words.use_language("en")


def index() -> str:
    """Return the index: by code, and by command."""
    exits = {kind.code: int(kind.exit_code) for kind in kinds()}
    named: dict[str, set[str]] = {code: set() for code in exits}
    for path in sorted(COMMANDS.glob("*.md")):
        for row in re.findall(r"^\| \d+ \| (.*?) \|", path.read_text("utf-8"), re.MULTILINE):
            for code in set(re.findall(r"`(\w+)`", row)) & exits.keys():
                named[code].add(path.stem)
    lines = [
        _INDEX.format(gallery=_way(GALLERY, INDEX)),
        "## By code\n",
        "| code | exit | commands |\n|---|---|---|",
    ]
    for code in sorted(exits):
        pages = ["README"] if "README" in named[code] else sorted(named[code])
        links = " · ".join(map(_page, pages))
        lines.append(f"| {_linked(code)} | {exits[code]} | {links} |")
    lines += ["\n## By command\n", "| command | its own errors |\n|---|---|"]
    for name in sorted(set().union(*named.values())):
        codes = sorted(code for code in exits if name in named[code])
        lines.append(f"| {_page(name)} | {' · '.join(map(_linked, codes))} |")
    return "\n".join([*lines, ""])


def _way(path: Path, page: Path) -> str:
    """Return the link from *page* to *path*."""
    return Path(os.path.relpath(path, page.parent)).as_posix()


def _page(name: str) -> str:
    called = "every command" if name == "README" else name
    return f"[{called}]({_way(COMMANDS / name, INDEX)}.md)"


def _linked(code: str) -> str:
    return f"[`{code}`]({_way(GALLERY, INDEX)}#{code})"


if __name__ == "__main__":
    GALLERY.write_text(page(), encoding="utf-8")
    INDEX.write_text(index(), encoding="utf-8")
    sys.exit()
