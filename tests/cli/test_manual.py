"""Man pages: help for `man`, in the wheel and in the program, and clean to their linters."""

import re
import subprocess
import sys
import zipfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from hongbao.commands import manual
from hongbao.commands.house import root_command
from hongbao.commands.table import NAMES
from hongbao.commands.topics import TOPICS
from tests.cli.shell import Shell
from tests.consumers import program

ROOT = Path(__file__).parents[2]


@cache
def pages() -> dict[str, str]:
    return dict(manual.pages(root_command, version("hongbao")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every page as a file."""
    folder = tmp_path_factory.mktemp("share")
    for path, page in pages().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    return folder


def test_every_command_and_topic_has_a_page_in_both_languages():
    """
    Commands in section 1, topics in 7, and the file of settings in 5.
    """
    commands = {"hongbao", *(f"hongbao-{name}" for name in NAMES)}
    paths = {f"man1/{name}.1" for name in commands}
    paths |= {
        f"man{topic.section}/hongbao-{name}.{topic.section}" for name, topic in TOPICS.items()
    }

    assert {f"{folder}/{path}" for folder in ("man", "man/zh_CN") for path in paths} == set(pages())


def test_pages_are_made_where_a_wheel_is_built():
    """
    Only typer is installed there: no command may import the ledger's libraries before it is run.
    """
    script = """\
import sys
for name in ("sqlcipher3", "argon2", "cryptography", "rich", "prompt_toolkit", "segno"):
    sys.modules[name] = None
from hongbao.commands import manual
from hongbao.commands.house import root_command
assert dict(manual.pages(root_command, "0"))
"""
    made = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (0, "") == (made.returncode, made.stderr)


def test_a_page_says_what_help_says():
    """
    Of a command and of the commands below it: each option with its explanation.
    """
    page = re.sub(r"\\f[BR]|\\&|\\:", "", pages()["man/man1/hongbao-card.1"]).replace("\\-", "-")

    assert page.startswith('.TH "HONGBAO-CARD" 1 "" "hongbao ')
    assert "\n.SH NAME\nhongbao-card - Bind, list and remove bank cards" in page
    assert '\n.SH "hongbao card add"\n.SS SYNOPSIS\nhongbao card add [OPTIONS] [NUMBER]\n' in page
    assert "\n.TP\n--request-id ID\nidempotency key: repeating an ID returns" in page
    assert "绑\\:定" in pages()["man/zh_CN/man1/hongbao-card.1"]


def test_mandoc_has_nothing_to_warn_of(folder: Path):
    """
    But that there is no date: the same pages come out whenever they are made.
    """
    files = sorted(str(path) for path in folder.rglob("*.[157]"))

    said = subprocess.run(
        [program("mandoc"), "-Tlint", "-Wwarning", *files],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    lines = [line for line in said.stdout.splitlines() if "missing date" not in line]
    assert ([], "") == (lines, said.stderr)


def test_groff_has_nothing_to_warn_of(folder: Path):
    """
    Nor of a Chinese line that it could not break.
    """
    files = sorted(str(path) for path in folder.rglob("*.[157]"))

    said = subprocess.run(
        [program("groff"), "-ww", "-K", "utf8", "-man", "-Tutf8", *files],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (0, "") == (said.returncode, said.stderr)
    assert "idempotency key: repeating an ID returns" in re.sub(
        r"\x1b\[\d+m|.\x08", "", said.stdout
    )


@pytest.mark.slow
def test_the_wheel_brings_the_pages(tmp_path: Path):
    """
    Where pip puts them into share/man; they are those of `hongbao help --man`.
    """
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.partition(".data/data/share/")[2]: archive.read(name).decode()
            for name in archive.namelist()
            if ".data/data/share/" in name
        }

    assert pages() == inside


def test_help_prints_the_page_in_a_pipe(empty: Shell):
    """
    Of a command, of one below it, of a topic, and of what is both.
    """
    card = pages()["man/man1/hongbao-card.1"]
    both = [pages()[f"man/man{section}/hongbao-config.{section}"] for section in (1, 5)]

    assert card == empty.does("help", "--man", "card", "add").out
    assert pages()["man/man7/hongbao-money.7"] == empty.does("help", "--man", "money").out
    assert "".join(both) == empty.does("help", "--man", "config").out
    assert pages()["man/man1/hongbao.1"] == empty.does("help", "--man").out
    assert card == empty.answers("help", "--man", "card", HONGBAO_LANG="zh")["man"]


def test_help_opens_the_page_with_man_on_a_terminal(empty: Shell, tmp_path: Path):
    """
    In the reader's language; without man, the page of help is printed instead.
    """
    man = tmp_path / "bin" / "man"
    man.parent.mkdir()
    man.write_text('#!/bin/sh\necho "man of ${1##*/}"\nhead -n 3 "$1"\n', encoding="utf-8")
    man.chmod(0o755)
    path = str(man.parent)

    shown = empty.at_terminal(
        "help", "--man", "send", PATH=f"{path}:/usr/bin:/bin", HONGBAO_LANG="zh"
    ).out
    plain = empty.at_terminal("help", "--man", "send", PATH=str(tmp_path)).out

    assert "man of hongbao-send.1" in shown
    assert "\u540d\u79f0" in shown
    assert "Usage: hongbao send" in plain
