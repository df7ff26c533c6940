"""A person at a shell: the installed command, a home of their own, a terminal if they want one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell

PIN = "246813"
ID_NUMBER = "11010519491231002X"
CARD_NUMBER = "9999010000000003"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell whose home does not exist; nothing that a test does may make one."""
    return Shell(tmp_path_factory.mktemp("empty") / "home", PIN)


@pytest.fixture(scope="session")
def new_year(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """
    A shell whose home has three people, a card and a packet of each kind, for looking only.

    小明 has 1000.00, is identified and has sent: a lucky packet of 3, of which 小红 and 小刚 have a
    share; an equal one that is finished; an exclusive one for 小红, paid by card; and one that was
    refunded. It is New Year's Eve of 2026 in a virtual world.
    """
    shell = Shell(tmp_path_factory.mktemp("new-year") / "home", PIN)
    said = shell.plays(
        ("init", "小明", "--clock", "2026-02-15T12:00:00+08:00", "--dice", "2026"),
        ("init", "小红"),
        ("init", "小刚"),
        ("identify", "--name", "张三", "--id-number", ID_NUMBER, "--card", CARD_NUMBER),
        ("topup", "1000"),
        ("send", "1.00", "--count", "2"),
        ("claim", "{1}", "-p", "小红"),
        ("clock", "set", "2026-02-16T20:00:00+08:00"),
        ("send", "66.66", "--count", "3"),
        ("send", "--each", "8.88", "--count", "2", "-g", "[bold]新年[/]快乐"),
        ("send", "52", "--to", "小红", "--from", "icbc-0003"),
        *(("claim", packet, "-p", name) for packet in ("{2}", "{3}") for name in ("小红", "小刚")),
    )
    assert [] == [each.err for each in said if each.code]
    ids = dict.fromkeys(re.findall("hb_[0-9A-Z]{8}", "".join(each.out for each in said)))
    shell.packets = dict(zip(("refunded", "lucky", "equal", "exclusive"), ids, strict=True))
    return shell


@pytest.fixture
def shell(new_year: Shell, tmp_path: Path) -> Shell:
    """A shell with a copy of that home, to do anything with."""
    return new_year.copied_to(tmp_path / "home")


@pytest.fixture(scope="session")
def _ledger(new_year: Shell) -> object:
    return new_year.ledger()


@pytest.fixture
def unchanged(shell: Shell, _ledger: object) -> Iterator[Shell]:
    """The same, for a test after which the ledger has to be what it was before."""
    before = shell.files()
    yield shell
    assert before == shell.files() or _ledger == shell.ledger()
