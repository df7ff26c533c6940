"""
Two commands at one home at the same moment, and one that is killed beside another.

Every command that changes keys, pages or the head meets every other one and each ordinary act, as
real processes of the installed command. However they fall, the home is one whole home afterwards:
it checks, it opens, it pays, and what was said with exit code 0 is so. A few pairs and kills are
tried in each run of the tests, all of them in `make test-all`.
"""

import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hongbao.changes.home import SetHome
from hongbao.domain.pin import Pin
from hongbao.store import Holder
from hongbao.vault.authenticator import base32, code_at
from hongbao.wallet import Wallet
from hongbao.wallet.authorise import authorise
from hongbao.wallet.restoring import restore
from tests.cli.shell import COMMAND, Said, Shell
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    OTHER_CARD,
    PIN,
    WANG,
    YUAN,
    ZHANG,
    World,
    below,
    id_number,
    right,
)

PASSPHRASE = "open sesame, please"
NEW_PIN = "975318"
ZHAO, QIAN = "Zhao", "Qian"
KILLING = [sys.executable, str(Path(__file__).with_name("killing.py"))]
BUSY, PENDING, DAMAGED = 15, 17, 19


class Typed(NamedTuple):
    """
    A command as it is typed; ``{0}`` is a file of its own, ``{claim}`` the packet to be claimed.

    *again* is how it may end where another does the same, or has just done it.
    """

    name: str
    words: str
    again: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return self.name


CHANGING = (
    Typed("lock", "lock --passphrase-file {passphrase}"),
    Typed("unlock", "unlock"),
    Typed("rekey", "rekey --yes"),
    Typed("restore-newest", "restore {newest} --yes"),
    Typed("restore-older", "restore {older} --yes"),
    Typed("backup", "backup {0}"),
    Typed("pin-change", "pin change -p Zhao --new-pin-file {new_pin}", again=(14,)),
    Typed("totp-add", "totp add -p Qian --secret-file {0}", again=(2,)),
    # a code works once: the other may have used it, and not yet removed it (14), or have (10)
    Typed("totp-remove", "totp remove -p Wang --totp-file {secret}", again=(10, 14)),
    Typed("init", "init {1}"),
)
ORDINARY = (
    Typed("topup", "topup 1"),
    Typed("send", "send 6.66 --count 2"),
    Typed("claim", "claim {claim} -p Li", again=(11,)),
    Typed("withdraw", "withdraw 1"),
    Typed("refund", "refund {refund}", again=(11,)),
    Typed("clock", "clock advance 20s"),  # no further: a code is computed before its act
    Typed("check", "check"),
    Typed("export", "export -o {0}.csv"),
    Typed("balance", "balance"),
)
PAIRS = [
    *itertools.combinations_with_replacement(CHANGING, 2),
    *itertools.product(CHANGING, ORDINARY),
]
BY_NAME = {typed.name: typed for typed in (*CHANGING, *ORDINARY)}
MONEY = ("topup", "send", "claim", "withdraw", "refund")
BY_CARD = ("topup", "withdraw")


class Home(NamedTuple):
    """A home in a folder with all that the commands are typed with."""

    shell: Shell
    files: dict[str, str]

    def copied_to(self, folder: Path) -> "Home":
        return Home(self.shell.copied_to(folder / "home"), self.files)

    def argv(self, typed: Typed, number: int) -> list[str]:
        mine = self.shell.home.with_name(f"{typed.name}-{number}")
        words = [word.format(str(mine), f"N{number}", **self.files) for word in typed.words.split()]
        return [*words, *([] if typed.name == "export" else ["--json"])]

    def start(self, typed: Typed, number: int, before: Sequence[str] = COMMAND) -> Any:
        environment = self.shell.environment(HONGBAO_PASSPHRASE_FILE=self.files["passphrase"])
        return subprocess.Popen(
            [*before, *self.argv(typed, number)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def opened(self, name: str | None = None) -> Wallet:
        env = World(self.shell.home).env
        return Wallet.open(env, profile=name, passphrase=lambda: PASSPHRASE)


@pytest.fixture(scope="session")
def five(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Five people, one with an authenticator; a packet to claim, one to refund; two copies."""
    folder = tmp_path_factory.mktemp("pairs")
    shell = Shell(folder / "home", PIN)
    world = World(shell.home)
    zhang = world.found(ZHANG, clock=NOON)
    zhang.identify("张三", id_number(1), pin=right)
    zhang.add_card(CARD, pin=right)
    zhang.topup(1000 * YUAN, pin=right)
    world.found(LI).add_card(OTHER_CARD, pin=right)
    secrets: list[bytes] = []

    def share(secret: bytes, _name: str) -> str:
        secrets.append(secret)
        return code_at(secret, NOON)

    world.found(WANG).add_totp(pin=right, share=share)
    world.found(ZHAO)
    world.found(QIAN)
    refund = zhang.send(10 * YUAN, pin=right)["packet"]
    with zhang.home.changing():  # as if nobody had been there to refund it
        zhang.store.apply([SetHome(zhang.home.row._replace(virtual_at=NOON + timedelta(hours=25)))])
    claim = zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    zhang.backup(folder / "older")
    zhang.topup(5 * YUAN, pin=right)
    zhang.backup(folder / "newest")
    world.close()
    files = {
        "passphrase": f"{PASSPHRASE}\n",
        "new_pin": f"{NEW_PIN}\n",
        "secret": f"{base32(secrets[0])}\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
        files[name] = str(folder / name)
    for name in ("older", "newest"):
        files[name] = str(folder / name)
    return Home(shell, files | {"claim": claim, "refund": refund})


def ended(process: Any) -> Said:
    out, err = process.communicate(timeout=120)
    return Said(process.returncode, out, err)


def told(said: Said) -> Any:
    """Return what a command answered, or was refused with."""
    if said.code == 0:
        return json.loads(said.out) if said.out.startswith("{") else {}
    return json.loads(said.err.splitlines()[-1])["error"]


def check_code(said: Said, typed: Typed, other: Typed, rekeyed: bool) -> None:
    """Refuse an ending that is none of a command beside *other* at a healthy home."""
    assert "Traceback" not in said.err
    allowed = {0, BUSY}
    if typed.name in BY_CARD:  # the home was taken between its first step and the bank's word
        allowed.add(PENDING)
    if typed == other or {typed.name, other.name} <= {"restore-older", "restore-newest"}:
        allowed.update(typed.again)
    if typed.name.startswith("restore") and rekeyed:
        allowed.add(DAMAGED)
    assert said.code in allowed, said
    if said.code == DAMAGED:
        assert "damaged" == told(said)["code"]
        assert Path(told(said)["path"]).name in ("older", "newest")


def check_whole(home: Home) -> dict[str, Any]:
    """Check that *home* is one whole home, and return what it knows."""
    shell = home.shell
    passphrase = {"HONGBAO_PASSPHRASE_FILE": home.files["passphrase"]}
    checked = shell("check", "--json", **passphrase)
    assert 0 == checked.code, checked
    paid = shell("topup", "1", "--json", **passphrase)
    assert 0 == paid.code, paid
    keys = shell.home / "keys"
    assert not (keys / "restoring").exists()
    assert '"next"' not in (keys / "master.json").read_text()
    with home.opened() as desk:
        assert desk.check()["ok"]
        entries = list(below(desk).rows("SELECT id, act, request_id FROM entry ORDER BY id"))
        profiles = {row.name: row for row in desk.store.profiles()}
        return {
            "requests": {request: entry for entry, _, request in entries},
            "payments": {payment for (payment,) in below(desk).rows("SELECT id FROM message")},
            "restored": [entry for entry, act, _ in entries if act == "restore"],
            "generation": desk.vault.generation,
            "wrapping": desk.keys.wrapping(),
            "profiles": profiles,
            "untried": {
                name: desk.store.pin(Holder("profile", row.id)) for name, row in profiles.items()
            },
        }


def check_said(home: Home, known: dict[str, Any], typed: Typed, said: Said, replaced: bool) -> None:
    """Check that what a command said with exit code 0 is so, unless a copy has *replaced* it."""
    if said.code == PENDING:
        assert replaced or told(said)["payment"] in known["payments"], said
    if said.code:
        return
    answer = told(said)
    if typed.name in MONEY and not replaced:
        for done in answer.get("refunds", [answer]):
            assert done["request_id"] in known["requests"], said
    if typed.name.startswith("restore"):
        assert known["restored"]
    if typed.name == "rekey":
        assert answer["generation"] <= known["generation"]
    if typed.name in ("init", "totp-add", "totp-remove") and not replaced:
        row = known["profiles"][
            {"totp-add": QIAN, "totp-remove": WANG}.get(typed.name) or answer["profile"]
        ]
        assert (typed.name == "totp-add") == (row.totp_secret is not None)
    if typed.name == "pin-change" and not replaced:
        with home.opened(ZHAO) as desk:
            authorise(desk.home, lambda: Pin(NEW_PIN))
    if typed.name == "backup":
        assert Path(answer["file"]).stat().st_size


def meet(home: Home, one: Typed, other: Typed, wait_seconds: float) -> list[Said]:
    """Let *one* and *other* run at *home*, the second a moment later, and check all they say."""
    processes = [home.start(one, 1)]
    time.sleep(wait_seconds)
    processes.append(home.start(other, 2))
    said = [ended(process) for process in processes]
    pair = ((one, said[0]), (other, said[1]))
    rekeyed = any(typed.name == "rekey" and s.code == 0 for typed, s in pair)
    for typed, each in pair:
        check_code(each, typed, other if typed is one else one, rekeyed)
    known = check_whole(home)
    replaced = any(typed.name.startswith("restore") and s.code == 0 for typed, s in pair)
    for typed, each in pair:
        check_said(home, known, typed, each, replaced)
    for row in known["untried"].values():
        assert row.tries == row.cleared  # every PIN was right
    assert (2 if rekeyed else 1) <= known["generation"]
    wrappings = {"lock": "passphrase", "unlock": "device"}
    done = [wrappings[typed.name] for typed, s in pair if typed.name in wrappings and s.code == 0]
    assert known["wrapping"] in (done or ["device"])
    if [typed.name for typed, s in pair if s.code == 0] == ["backup"] and not rekeyed:
        restore(
            World(home.shell.home).env,
            Path(told(said[0 if one.name == "backup" else 1])["file"]),
            passphrase=lambda: PASSPHRASE,
            accept_older=lambda *_: True,
        )
    return said


DAILY = (
    ("restore-older", "rekey", 0.1),
    ("rekey", "restore-older", 0.15),
    ("lock", "rekey", 0.05),
    ("restore-older", "topup", 0.05),
    ("rekey", "send", 0.1),
    ("totp-add", "restore-newest", 0.0),
)


@pytest.mark.in_turn(3)
@pytest.mark.parametrize(("one", "other", "wait_seconds"), DAILY)
def test_two_commands_at_once_leave_one_whole_home(
    one: str, other: str, wait_seconds: float, five: Home, tmp_path: Path
):
    """
    Each ends well, or says that the home is busy, and what it said is so.
    """
    meet(five.copied_to(tmp_path), BY_NAME[one], BY_NAME[other], wait_seconds)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda typed: typed.name)
def test_every_two_commands_at_once_leave_one_whole_home(
    one: Typed, other: Typed, five: Home, tmp_path: Path
):
    """
    Whichever begins, and however much earlier.
    """
    chance = random.Random(f"{one} {other}")
    for number in range(4):
        pair = (one, other) if number % 2 else (other, one)
        home = five.copied_to(tmp_path / str(number))
        meet(home, *pair, chance.uniform(0, 0.3))


# --- killed beside another ------------------------------------------------------------------------


def kill(home: Home, typed: Typed, other: Typed | None, step: int) -> bool:
    """
    Kill *typed* at its durable *step*, *other* being at the same home, and check what is left.

    Returns False where it was over before.
    """
    counted = home.shell.home.with_name("steps")
    killed = home.start(typed, 1, before=[*KILLING, str(step), str(counted)])
    others = [] if other is None else [home.start(other, 2)]
    said = [ended(process) for process in (killed, *others)]
    assert said[0].code == -9 or counted.exists(), said[0]
    rekeyed = "rekey" in (typed.name, other and other.name)
    known = check_whole(home)
    for each in said[1:]:
        assert other is not None
        check_code(each, other, typed, rekeyed)
        replaced = bool(known["restored"])
        check_said(home, known, other, each, replaced)
    if said[0].code != -9:
        check_code(said[0], typed, other or typed, rekeyed)
        check_said(home, known, typed, said[0], bool(known["restored"]))
    return said[0].code == -9


@pytest.mark.parametrize(
    ("name", "other", "step"),
    [
        ("restore-older", "send", 19),
        ("rekey", "topup", 12),
        ("lock", "balance", 8),
    ],
)
def test_a_command_that_is_killed_beside_another_leaves_one_whole_home(
    name: str, other: str | None, step: int, five: Home, tmp_path: Path
):
    """
    The one that lives ends well or busy, and the next command finishes or undoes the other.
    """
    beside = None if other is None else BY_NAME[other]
    assert kill(five.copied_to(tmp_path), BY_NAME[name], beside, step)


@pytest.mark.slow
@pytest.mark.parametrize("typed", CHANGING, ids=lambda typed: typed.name)
def test_killed_at_any_durable_step_beside_any_other_a_home_is_whole(
    typed: Typed, five: Home, tmp_path: Path
):
    """
    Each step of it, and another command beside it each time.
    """
    beside = itertools.cycle((None, *ORDINARY, *CHANGING))
    for _ in range([each.name for each in CHANGING].index(typed.name)):
        next(beside)
    for step in itertools.count(1):
        if not kill(five.copied_to(tmp_path / str(step)), typed, next(beside), step):
            break

    assert step > 3
