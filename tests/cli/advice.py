"""
Every hint in the code, a sentence that shows a command to type, and where each is shown.

A new hint needs a state here, or the test of words refuses it; tests/cli/test_hints.py types it.
"""

import ast
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import hongbao
from tests.cli.shell import Shell

HOUSE = Path(hongbao.__file__).parent


SHOWING = ("errors/", "commands/", "ui/", "auditing/", "wallet/", "statements/")
"""Where hints stand."""


def hints() -> dict[str, str]:
    """Return every hint with a command in it, by its English, and the file that shows it."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        place = path.relative_to(HOUSE).as_posix()
        if not place.startswith(SHOWING):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for sentence in _advice(tree, place):
            if "`" in sentence:
                found[sentence] = place
    return found


def _advice(tree: ast.AST, place: str) -> Iterator[str]:
    if place.startswith("errors/"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                name = getattr(node.targets[0], "id", "")
                if "advice" in name:
                    yield from _marked(node)
            if isinstance(node, ast.FunctionDef) and node.name == "chosen_advice":
                yield from _marked(node)
    elif place.startswith("commands/"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("hint", "remark"):
                yield from _marked(node)
    elif place.startswith(("ui/", "auditing/", "wallet/", "statements/")):
        yield from _marked(tree)


def _marked(tree: ast.AST) -> Iterator[str]:
    """Yield the sentences marked in *tree*; of two forms, the plural."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("N_", "_"):
                arguments = node.args[:1]
            elif node.func.id in ("ngettext", "counted"):
                arguments = node.args[1:2]
            else:
                continue
            for argument in arguments:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


# --- where each is shown -------------------------------------------------------------------------

DAMAGED = (0, 19)
"""What looks at damage and names it, ends so."""


class Shown(NamedTuple):
    """A state in which a hint is shown, and what stands for what only its reader knows."""

    typed: str
    """The command under which it is shown; the code of a refusal in the gallery, for one that
    no command can be made to say here."""
    before: tuple[str, ...] = ()
    home: str = "festive"
    fill: Mapping[str, str] = {}
    ends: tuple[int, ...] = (0,)
    on_screen: bool = False
    """Whether only a terminal shows it; then it is taken as it stands in the code."""
    needs_servers: bool = False
    """Whether it takes a cluster: the tests of tests/cluster type it, and not those here."""
    damage: Callable[[Shell], None] | None = None
    """What happens to the home's files between *before* and *typed*."""


def _overwrite(shell: Shell) -> None:
    (shell.home / "data" / "ledger.db").write_bytes(b"not a ledger" * 1000)


def _spoil(shell: Shell) -> None:
    """Spoil the page of what banks have of payments, which follows from entries."""
    with (shell.home / "data" / "ledger.db").open("r+b") as ledger:
        ledger.seek(48 * 4096)
        ledger.write(b"spoilt")


def _go_back(shell: Shell) -> None:
    shutil.copy(shell.home.parent / "older.db", shell.home / "data" / "ledger.db")


def _lose_device_key(shell: Shell) -> None:
    for path in (shell.home / "keys").rglob("*.key"):
        if path.parent.name == "devices":
            path.unlink()


def _damage_device_key(shell: Shell) -> None:
    for path in (shell.home / "keys" / "devices").iterdir():
        path.write_bytes(b"x" * len(path.read_bytes()))


def _mistype_setting(shell: Shell) -> None:
    (shell.home.parent / "config.toml").write_text('motoin = "off"\n', encoding="utf-8")


def _other_signer(shell: Shell) -> None:
    """Put a statement beside the home that another home has signed."""
    other = Shell(shell.home.parent / "other" / "home", shell.pin)
    other.plays(("init", "小白"), ("export", "-o", str(shell.home.parent / "theirs.json")))


CARD = "card add 9999020000033334"
HOOK = "http://127.0.0.1:9/"
OPERATOR = "operator add 老王 --new-pin-file wang.txt"
HELD = "risk use strict"
BILL = "export --format wechat -o bill.csv"

SECOND = "operator add 小李 --new-pin-file li.txt --operator 老王 --pin-file wang.txt"
APPROVE = "review approve --operator 老王 --pin-file wang.txt --reason x"
MANY = ("topup 2500", *["send 188 --to 小红"] * 12)
"""The twelfth packet to one person in a day is held."""

STATES: dict[str, tuple[Shown, ...]] = {
    # --- lessons
    "begin one with `hongbao learn NAME`": (
        Shown("learn", home="empty", fill={"NAME": "packet --type leave"}),
    ),
    "fill it in, then prove it with `hongbao learn check {file}`": (
        Shown("learn new mine", home="empty", ends=(24,)),
    ),
    "make one that is complete with `hongbao learn new NAME`": (
        Shown("invalid_lesson", fill={"NAME": "mine"}),
    ),
    "see all lessons with `hongbao learn`": (Shown("learn nothing", home="empty"),),
    # --- after what was done
    "bind a card with `hongbao card add`; small sums need no `hongbao identify`": (
        Shown("init 小明", home="empty"),
    ),
    "this wallet's clock is virtual; advance it with `hongbao clock advance 1h`": (
        Shown("init 小明 --clock 2026-02-16T20:00:00+08:00", home="empty"),
    ),
    "use `-p {name}` for one command, or switch with `hongbao use {name}`": (Shown("init 小白"),),
    "bind a bank card with `hongbao card add`": (
        Shown("identify --name 李四 --id-number 110105199003078510", home="new"),
        Shown("identify --name 李四 --id-number 110105199003078510 -p 小红"),
    ),
    "see your limits: `hongbao limits`": (
        Shown("policy use pboc-2015"),
        Shown("identify --id-file me.txt", ("card add 9999020000033334",), home="new"),
    ),
    "top up with `hongbao topup 100`": (Shown(CARD, home="new"), Shown(f"{CARD} -p 小红")),
    "others claim their shares with `hongbao claim {packet} -p NAME`": (
        Shown("send 10 --count 2", fill={"NAME": "小红"}),
        Shown("send --each 5 --count 2", fill={"NAME": "小红"}),
    ),
    "{name} claims it with `hongbao claim {packet} -p {name}`": (Shown("send 10 --to 小红"),),
    "see the other shares with `hongbao show {packet}`": (
        Shown("claim {3} -p 小刚", ("packets", "send 30 --count 3")),
        Shown("HONGBAO_PROFILE=小刚 claim {1}", ("send 30 --count 3",)),
    ),
    "that was the last share: see who was luckiest with `hongbao show {packet}`": (
        Shown("claim {1} -p 小刚", ("send 30 --count 2", "claim {1} -p 小红")),
    ),
    "return the unclaimed amounts with `hongbao refund`": (
        Shown("NOW=2026-02-18T20:00:00+08:00 balance", home="real"),
    ),
    "return the unclaimed amount: `hongbao refund`": (
        Shown("NOW=2026-02-18T20:00:00+08:00 packets", home="real"),
    ),
    "return the unclaimed amount: `hongbao refund {packet}`": (
        Shown("NOW=2026-02-18T20:00:00+08:00 show {1}", ("packets",), home="real"),
    ),
    "see more: add `--limit {limit}`": (Shown("packets --limit 1"),),
    "see earlier ones: add `--before {entry}`": (Shown("history --limit 1"),),
    "continue: add `--after {event}`": (Shown("events --after 0 --limit 1"),),
    "send a red packet: `hongbao send 8.88 --count 3`": (Shown("year --year 2020"),),
    "see earlier ones: `hongbao events --after {event}`": (Shown("events --limit 1"),),
    "see what the last act changed with `hongbao books --diff`": (Shown("books"),),
    "make a new backup with `hongbao backup FILE`": (
        Shown("rekey --yes", fill={"FILE": "copy.db"}),
    ),
    "re-check the ledger with `hongbao check`": (
        Shown("restore older.db --yes", ("backup older.db",)),
    ),
    "unlock it for good with `hongbao unlock`": (Shown("lock --passphrase-file passphrase.txt"),),
    "clear it with `hongbao bank fault {place} off`": (Shown("bank fault icbc down"),),
    "add one with `hongbao operator add NAME`": (Shown("operator", fill={"NAME": "老王"}),),
    "see earlier ones: add `--limit {limit}`": (
        Shown(
            "operator log --limit 1",
            (
                OPERATOR,
                "operator add 小李 --new-pin-file li.txt --operator 老王 --pin-file wang.txt",
            ),
        ),
    ),
    "compare it with your records: `hongbao compare`": (
        Shown("import bill.csv", (BILL,), ends=(0, 23)),
    ),
    "import one with `hongbao import FILE`": (
        Shown("import --list", (BILL,), fill={"FILE": "bill.csv"}),
        Shown("compare", (BILL,), fill={"FILE": "bill.csv"}),
    ),
    "add one with `hongbao totp add`": (Shown("totp"), Shown("totp remove")),
    "bind one with `hongbao card add`": (Shown("card list", home="new"), Shown("topup 5 -p 小红")),
    "approve it from a device of yours: `hongbao device approve {device}`": (
        Shown("device add tablet"),
        Shown("device add tablet -p 小红"),
        Shown("send 1 -p 小明@tablet", ("device add tablet",)),
    ),
    "answer one with `hongbao challenge answer {challenge}`": (
        Shown("challenge -p 小红", ("packets", HELD, "claim {1} -p 小红")),
    ),
    "see its rules: `hongbao risk rules`": (Shown("risk use strict"),),
    "a payment is pending; check it with `hongbao settle`": (Shown("balance", ("topup 444.01",)),),
    "check its outcome with `hongbao settle`": (
        Shown("trace in-doubt", ("topup 444.01 --request-id in-doubt",)),
    ),
    "{count} payments are still pending: check again with `hongbao settle`": (
        Shown("settle", ("topup 444.01",), on_screen=True),
    ),
    # --- refusals: the input
    "create one with `hongbao init NAME --demo`, in a folder that HONGBAO_HOME names": (
        Shown(
            "bank fault icbc down", home="real", fill={"hongbao": "HONGBAO_HOME=demo", "NAME": "a"}
        ),
    ),
    "choose another name, or switch to that profile with `hongbao use {name}`": (
        Shown("init 小红"),
    ),
    "choose another name; see those that are taken: `hongbao operator list`": (
        Shown(
            "operator add 老王 --new-pin-file li.txt --operator 老王 --pin-file wang.txt",
            (OPERATOR,),
        ),
    ),
    "add it with `hongbao operator add {name} --operator NAME`, and the PIN of NAME": (
        Shown("operator add 小李 --new-pin-file li.txt", (OPERATOR,), fill={"NAME": "老王"}),
    ),
    "choose another name; see those that are taken: `hongbao device list`": (
        Shown("device add 小明-1"),
        Shown("device add 小红-1 -p 小红"),
    ),
    "see the state of your devices: `hongbao device list`": (Shown("device approve 小明-1"),),
    "remove it from another one: `hongbao device remove {device} -p {profile}@DEVICE`": (
        Shown(
            "device remove 小明-1",
            ("device add tablet", "device approve tablet"),
            fill={"DEVICE": "tablet"},
        ),
    ),
    "verify your identity with `hongbao identify`, or approve the device from "
    "another one of yours": (Shown("device add tablet --id-file me.txt -p 小红"),),
    "IDs look like hb_7Q2M4K9X; see yours with `hongbao packets`": (Shown("show hb_7Q2M4K9W"),),
    "IDs look like rc_7Q2M4K9X; see them with `hongbao review list`": (
        Shown("review show rc_7Q2M4K9W"),
    ),
    "see a complete example: `hongbao policy show standard`": (Shown("policy use pin.txt"),),
    "see a complete example: `hongbao risk rules standard --text`": (Shown("risk use pin.txt"),),
    "use the model that comes with hongbao: `hongbao risk train --shipped`": (
        Shown("invalid_model"),
    ),
    "see the imported bills: `hongbao import --list`": (Shown("compare bl_04HMASWS", (BILL,)),),
    "see `{command} --help`": (
        Shown("topup"),
        Shown("sned"),
        Shown("send 5 --each 5"),
        Shown("export"),
    ),
    "see what there is with `{list_command}`, or `{command} --help`": (
        Shown("claim"),
        Shown("review show"),
        Shown("bank show"),
        Shown("device remove"),
    ),
    "if its signature is a separate file, name that with `--sig FILE`": (
        Shown(
            "verify-statement me.txt",
            ("export -o a.csv",),
            fill={"FILE": "a.csv.sig"},
            ends=(0, 2, 19),  # me.txt is no statement: the shape of the command is what counts
        ),
    ),
    "keep both side by side, or name it with `--sig FILE`": (
        Shown(
            "verify-statement b.csv",
            ("export -o a.csv", "export -o b.csv"),
            fill={"FILE": "a.csv.sig"},
            damage=lambda shell: (shell.home.parent / "b.csv.sig").unlink(),
        ),
    ),
    "the signer shows the public key with `hongbao key`": (
        Shown(f"verify-statement a.csv --key {'5d' * 25}"),
    ),
    "advance the clock with `hongbao clock advance DURATION`, change the "
    "policy with `hongbao policy use POLICY`": (
        Shown("init 小白 --policy standard", fill={"DURATION": "1h", "POLICY": "pboc-2015"}),
    ),
    "write it to a file with `--format svg -o FILE`": (
        Shown(
            "receipt mine", ("topup 5 --request-id mine",), fill={"FILE": "r.svg"}, on_screen=True
        ),
    ),
    "choose one of {known}, or name a format with `--format FORMAT`": (
        Shown("export -o a.ods", fill={"FORMAT": "xlsx"}),
    ),
    "see the newest with `hongbao events`; after a restore, continue from there": (
        Shown("events --after 999"),
    ),
    # --- refusals: not here
    "play in a sandbox: `hongbao sandbox`; or create your own: `hongbao init NAME`": (
        Shown(
            "balance",
            home="empty",
            fill={"hongbao sandbox": "hongbao sandbox --at play", "NAME": "小明"},
        ),
    ),
    "see the profiles: `hongbao profiles`": (Shown("balance -p 小白"),),
    "list the packets that you can see: `hongbao packets`": (Shown("show hb_7Q2M4K9X"),),
    "see the open challenges: `hongbao challenge list`": (
        Shown("challenge answer ch_7Q2M4K9X"),
        Shown("challenge answer ch_7Q2M4K9X -p 小红"),
    ),
    "see your cards: `hongbao card list`; bind one: `hongbao card add`": (
        Shown("topup 5 --card cmb-1234"),
    ),
    "see the policies: `hongbao policy list`": (Shown("policy use generous"),),
    "see its outcome with `hongbao trace {subject}`": (
        Shown("receipt in-doubt", ("topup 444.02 --request-id in-doubt",)),
    ),
    "see the operators: `hongbao operator list`": (
        Shown("operator log 小李", (OPERATOR,)),
        Shown("operator log 小李"),
    ),
    "see your devices: `hongbao device list`; add one: `hongbao device add DEVICE`": (
        Shown("device approve phone", fill={"DEVICE": "phone"}),
        Shown("device approve phone -p 小红", fill={"DEVICE": "phone"}),
    ),
    "see the differences with `hongbao reconcile`": (
        Shown(
            "reconcile resolve NU20260216000012 --reason x --operator 老王 --pin-file wang.txt",
            (OPERATOR,),
        ),
    ),
    "see every case: `hongbao review list --all`": (Shown("review show rc_04HMASWS"),),
    "start your own with `hongbao risk rules standard --text > mine.toml`": (
        Shown("risk use generous"),
    ),
    "see your request IDs: `hongbao history --json`": (Shown("risk why 7K2M9QXA"),),
    # --- refusals: a packet's or a case's state
    "see who was luckier: `hongbao show {packet}`": (
        Shown("claim {1} -p 小刚", ("send 5 --count 1", "claim {1} -p 小红")),
    ),
    "see who got what: `hongbao show {packet}`": (
        Shown("refund {1}", ("send 5 --count 1", "claim {1} -p 小红")),
    ),
    "its sender gets the unclaimed amount back with `hongbao refund {packet}`": (
        Shown(
            "NOW=2026-02-18T20:00:00+08:00 claim {1} -p 小刚",
            ("init 小刚", "packets"),
            home="real",
            fill={"-p 小刚": "-p 小明"},  # who sent it
        ),
    ),
    "see it with `hongbao show {packet}`": (
        Shown("claim {1} -p 小红", ("send 5 --count 2", "claim {1} -p 小红")),
    ),
    "see its history: `hongbao review show {case}`": (
        Shown(
            f"{APPROVE} {{rc1}}",
            (*MANY, OPERATOR, "review", f"{APPROVE} {{rc1}}"),
        ),
    ),
    # --- refusals: money and limits
    "top up with `hongbao topup {missing_fen}`": (
        Shown("withdraw 500"),
        Shown("send 600 --count 6 -p 小红", (f"{CARD} -p 小红",)),
    ),
    "bind a card with `hongbao card add`, then top up {missing_fen}": (
        Shown("send 100", home="new"),
    ),
    "your limits let you top up {topup_max_fen} now; see `hongbao limits`": (
        Shown("insufficient_balance:limited"),
    ),
    "see every limit: `hongbao limits`": (Shown("limit_exceeded:at the top"),),
    "see every limit with `hongbao limits`; raise them with `hongbao identify`": (
        Shown("withdraw 1001 -p 小红", (f"{CARD} -p 小红",)),
    ),
    "the limit resets at {returns_at}; see every limit with `hongbao limits`": (
        Shown(
            "withdraw 600 -p 小红",
            (f"{CARD} -p 小红", "topup 900 -p 小红", "send 500 -c 9 -p 小红"),
        ),
    ),
    "name a site for each node, two of them in the first city: `--sites a-1,a-2,b-1`": (
        Shown("drill mysql://owner@db1,db2/drill --nodes ./nodes", ends=(2,)),
    ),
    "`hongbao serve --once` tries again": (
        Shown("serve --once", ("bank fault icbc timeout", "topup 5"), ends=(17,)),
    ),
    "your money is safe. Do not pay again; check later with `hongbao settle`": (
        Shown("topup 444.01"),
    ),
    "no money moved; remove the card with `hongbao card remove {card}`": (Shown("topup 444.07"),),
    "correct each one: `hongbao reconcile resolve {payment} --reason TEXT --operator NAME`": (
        Shown(
            "reconcile",
            (OPERATOR, "topup 444.14"),
            fill={"TEXT": "x", "NAME": "老王"},
        ),
    ),
    "correct it by {amount_fen}:"
    " `hongbao reconcile resolve {message} --reason TEXT --operator NAME`": (
        Shown(
            "reconcile",
            (OPERATOR, "topup 444.14"),
            fill={"TEXT": "x", "NAME": "老王"},
            on_screen=True,
        ),
    ),
    # --- refusals: risk control and devices
    "answer with `hongbao challenge answer {challenge}`, then repeat the request": (
        Shown("claim {1} -p 小红", ("packets", HELD)),
    ),
    "count again, and answer `hongbao challenge answer {challenge}`": (
        Shown("challenge answer {ch1} --answer 1 -p 小红", ("packets", HELD, "claim {1} -p 小红")),
    ),
    "see it in `hongbao history`": (Shown("challenge_used"),),
    "see why: `hongbao risk why {request_id}`": (
        Shown("send 60 -p 小红", (f"{CARD} -p 小红", "topup 500 -p 小红", HELD, "send 60 -p 小红")),
    ),
    "log in again with `hongbao device login {device}`": (
        Shown("send 1", ("device fault 小明-1 replay",)),
        Shown("send 1", ("device fault 小明-1 replay", "send 1")),
        Shown(
            "send 1 -p 小明@tablet",
            (
                "device add tablet",
                "device approve tablet",
                "device fault tablet forge -p 小明@tablet",
            ),
        ),
    ),
    "add it with `hongbao device add {device}`": (Shown("send 1 -p 小明@tablet"),),
    "register this machine with `hongbao device add DEVICE`, or use that device": (
        Shown("send 1", damage=_lose_device_key, fill={"DEVICE": "new"}),
    ),
    "register this machine with `hongbao device add DEVICE`, then remove the old device": (
        Shown("check", damage=_lose_device_key, fill={"DEVICE": "new"}, on_screen=True),
    ),
    "verify your identity to register this machine again: `hongbao device add "
    "DEVICE --id-file FILE`, then use it with `-p @DEVICE`": (
        Shown("send 1", damage=_damage_device_key, fill={"DEVICE": "new", "FILE": "xiaoming.txt"}),
    ),
    "follow it with `hongbao show {packet}`": (Shown(MANY[-1], MANY[:-1]),),
    "its payer follows it with `hongbao trace {payment}`": (
        Shown(
            f"{APPROVE} {{rc1}}",
            (
                "identify --name 张三 --id-number 11010519491231002X --card 9999010000000003",
                *("card add 9999050000000009", "risk use strict", OPERATOR),
                *["topup 48000 --card icbc-0003"] * 2,
                "topup 45500 --card boc-0009",
                "withdraw 45000 --card icbc-0003",
                *("withdraw 46000 --card icbc-0003", "review", SECOND),
                "review approve --operator 小李 --pin-file li.txt --reason x {rc1}",
            ),
            home="new",
        ),
    ),
    "see more: add `--limit {count}`": (
        Shown(
            "risk replay --pack strict --limit 1",
            (
                *("send 5 --count 2", "claim {1} -p 小红", "claim {1} -p 小刚"),
                *("send 5 --count 2", "claim {2} -p 小红", "claim {2} -p 小刚"),
            ),
        ),
    ),
    # --- refusals: the home
    "see what can be kept with `hongbao repair`, or restore a good backup with "
    "`hongbao restore FILE`": (
        Shown(
            "balance",
            ("backup good.db",),
            damage=_overwrite,
            fill={"FILE": "good.db"},
            ends=DAMAGED,
        ),
    ),
    "keep this copy as evidence; restore the newest backup, or see what can be kept with "
    "`hongbao repair`": (Shown("check", damage=_spoil, on_screen=True),),
    "restore a good backup with `hongbao restore FILE`": (
        Shown("lab_ledger", ("backup good.db",), fill={"FILE": "good.db"}),
        Shown("history_replaced", ("backup good.db",), fill={"FILE": "good.db"}),
    ),
    "restore a backup with `hongbao restore FILE`": (
        Shown("repair", ("backup good.db",), damage=_overwrite, fill={"FILE": "good.db"}),
    ),
    "restore the backup that is whole: `hongbao restore {backup}`": (
        Shown("repair --backup good.db", ("backup good.db",), damage=_overwrite),
    ),
    "restore the backup: `hongbao restore {path}`": (
        Shown("repair --backup good.db", ("backup good.db",), damage=_spoil),
    ),
    "make the repaired wallet with `hongbao repair FOLDER`": (
        Shown("repair", damage=_spoil, fill={"FOLDER": "repaired"}),
    ),
    "if something else is wrong, `hongbao check` names it": (Shown("repair"),),
    "restore the newest backup with `hongbao restore FILE`, or accept this copy there": (
        Shown(
            "balance",
            ("backup older.db", "topup 5", "backup newest.db"),
            damage=_go_back,
            fill={"FILE": "newest.db"},
        ),
    ),
    "this is an older or shortened copy; restore the newest backup with `hongbao restore FILE`": (
        Shown("newer_than_ledger", ("backup newest.db",), fill={"FILE": "newest.db"}),
    ),
    "restore the newest backup, or accept this state with `hongbao restore FILE`": (
        Shown(
            "check",
            ("backup older.db", "topup 5", "backup newest.db"),
            damage=_go_back,
            fill={"FILE": "newest.db"},
            on_screen=True,
        ),
    ),
    "if this is the newest state, accept it with `hongbao backup FILE` and "
    "`hongbao restore FILE`": (Shown("check", fill={"FILE": "state.db"}, on_screen=True),),
    "see what is wrong, and what to do, with `hongbao check`": (
        Shown("records_incomplete", ends=DAMAGED),
    ),
    "see what else is wrong with `hongbao check`": (Shown("unfair", ends=DAMAGED),),
    "the history was replaced; see what else is wrong with `hongbao check`": (
        Shown("other_history", ends=DAMAGED),
    ),
    "compare it with a new one from `hongbao export`": (
        Shown("verify-statement theirs.json", needs_servers=True),
    ),
    "a key in a file proves nothing; give the key that you received with `--key KEY`": (
        Shown("verify-statement theirs.json", damage=_other_signer, fill={"KEY": "{key}"}),
    ),
    "ask the sender of the file for the public key; `hongbao key` shows it to them": (
        Shown(f"verify-statement theirs.json --key {'5d' * 32}", damage=_other_signer),
    ),
    "It signs your statements and receipts. Give it to anyone who verifies "
    "them: `hongbao verify-statement FILE --key KEY`.": (
        Shown("key", ("export -o a.csv",), fill={"FILE": "a.csv", "KEY": "{key}"}, on_screen=True),
    ),
    "unlock it with `hongbao unlock`, or name a file in HONGBAO_PASSPHRASE_FILE": (
        Shown("balance", ("lock --passphrase-file passphrase.txt",)),
    ),
    "remove that one first, with `hongbao totp remove`": (
        Shown(
            "totp add",
            ("totp add --secret-file app", "clock advance 60s"),
            fill={"totp remove": "totp remove --totp-file app"},
        ),
    ),
    "write one with `hongbao totp add --secret-file FILE`": (
        Shown("totp code --secret-file me.txt", fill={"FILE": "secret.txt"}),
    ),
    # --- of classes
    "see all tasks with `hongbao class tasks`": (Shown("class start refunds", home="empty"),),
    "make one with `hongbao class new FILE`": (
        Shown("class report nowhere", home="empty", fill={"FILE": "roster.csv"}),
    ),
    "name its folder, or start one with `hongbao class start FILE`": (
        Shown("class show nowhere", home="empty", fill={"FILE": "refund"}),
    ),
    "make one that is complete with `hongbao class task-new TASK`": (
        Shown("invalid_task", home="empty", fill={"TASK": "rent"}),
    ),
    # --- of stories, help and the settings
    "play one with `hongbao play {name}`": (
        Shown("play", home="empty", fill={"{name}": "retry"}, on_screen=True),
    ),
    "see your aliases: `hongbao alias`": (Shown("alias --remove rp"),),
    "see all of them: `hongbao help`": (Shown("help sned"),),
    "what this refusal means: `hongbao why {code}`": (Shown("send 999 --count 9 --explain"),),
    "see all codes: `hongbao why --all`": (Shown("why wrong_pim"),),
    "see what one of them means with `hongbao why CODE`": (
        Shown("why --all", fill={"CODE": "wrong_pin"}),
    ),
    "see every setting: `hongbao config list`": (Shown("config set motion never"),),
    "see where each comes from: `hongbao config list --origin`": (Shown("config unset motion"),),
    "correct it with `hongbao config edit`": (
        Shown("balance", damage=_mistype_setting, ends=(2,)),  # this editor changes nothing
    ),
    "name another with `-p NAME`, or `hongbao config unset default_profile`": (
        Shown("balance", ("config set default_profile 小白",), fill={"NAME": "小明"}),
    ),
    # --- sandboxes, in the one place where they are by default, or in the home's own folder
    "see what waits with `hongbao status`": (
        Shown("sandbox shell --at play", ("sandbox --empty --at play",), home="empty"),
    ),
    "enter the sandbox with `hongbao sandbox shell`, or make another one: "
    "`hongbao sandbox --fresh`": (
        Shown(
            "sandbox",
            ("sandbox --empty", "sandbox --empty --at play"),
            home="empty",
            fill={"sandbox shell": "sandbox shell --at play"},
        ),
    ),
    "make one with `{command}`": (Shown("sandbox shell --at play", home="empty"),),
    "enter the card's 16 to 19 digits; `hongbao card add` shows a demo card's": (
        Shown("card add 1"),
    ),
    "bind another; `hongbao card add`, without a number, shows a demo card's": (
        Shown("card add 9999010000000003"),
    ),
    # --- of a ledger on a cluster
    "on the other machine: `hongbao home join FILE`": (
        Shown("home invite a.invitation", needs_servers=True),
    ),
    "authorise this machine: `hongbao device add DEVICE`": (
        Shown("home join a.invitation", needs_servers=True),
    ),
    "make another one: `hongbao home invite FILE`": (
        Shown("invitation_used", fill={"FILE": "a.invitation"}, ends=(2,)),
    ),
    "make one on a machine that has joined: `hongbao home invite FILE`": (
        Shown("not_an_invitation", fill={"FILE": "a.invitation"}, ends=(2,)),
    ),
    "move it to a cluster: `hongbao backup FILE`, then `hongbao restore FILE --ledger ADDRESS`": (
        Shown(
            "not_shared",
            fill={"FILE": "a.hongbao", "ADDRESS": "mysql://pay@/db?socket=/s"},
            ends=(0, 2, 21),
        ),
    ),
    "see what is there with `hongbao check`; then record the loss with `hongbao home epoch`": (
        Shown("log_rolled_back", ends=(0, 2)),
    ),
    "find out what is missing, then record the loss with `hongbao home epoch`": (
        Shown("check", needs_servers=True),
    ),
    "repeat them, one after the other: `hongbao home repeat`": (
        Shown("topup 5", needs_servers=True),
    ),
    "they stay listed: try again with `hongbao home repeat`, or record their loss with "
    "`hongbao home epoch --give-up`": (Shown("acts_refused", ends=(0, 2)),),
    "do it again if it is still needed; then record the loss with `hongbao home epoch --give-up`": (
        Shown("not_repeatable", ends=(0, 2)),
    ),
    "repeat them with `hongbao home repeat`, or record their loss with "
    "`hongbao home epoch --give-up`": (Shown("home epoch", needs_servers=True),),
    "lost acts of this machine: {count} · see `hongbao home repeat`": (
        Shown("home", needs_servers=True),
    ),
    "repeat the acts that are gone: `hongbao home repeat`": (
        Shown("home epoch", needs_servers=True),
    ),
    "someone changed the database by hand; see what is wrong with `hongbao check`": (
        Shown("log_altered"),
    ),
    "begin again with what is there now: `hongbao home connect ADDRESS`": (
        Shown("witness_lost", fill={"ADDRESS": "mysql://pay@/db?socket=/s"}, ends=(2,)),
    ),
    "see what is wrong with `hongbao check`": (Shown("repair", needs_servers=True),),
    "nothing was changed; protect this machine's keys with `hongbao lock`": (
        Shown("not_on_cluster"),
    ),
    "have them granted: `hongbao home grants USER` prints them; the user that makes the tables "
    "needs all rights on the database": (
        Shown("ledger_denied:rights", fill={"USER": "pay"}, ends=(2,)),
    ),
    "restore a backup: `hongbao restore FILE`; or correct the address: "
    "`hongbao home connect ADDRESS`": (
        Shown(
            "ledger_gone",
            fill={"FILE": "a.hongbao", "ADDRESS": "mysql://pay@/db?socket=/s"},
            ends=(2, 10),
        ),
    ),
    "name another database; or join that wallet: `hongbao home join FILE`": (
        Shown("ledger_taken", fill={"FILE": "a.invitation"}, ends=(2,)),
    ),
    # --- of the machine: the gallery's own words, and what they advise
    "`pip install 'hongbao[pdf]'`, or use `--format html`": (
        Shown("pdf_missing", fill={"typed": "export --format pdf -o a.pdf"}),
    ),
    "your request may have been carried out, in whole or in part; see `hongbao history`": (
        Shown("system_refused"),
    ),
    "your request may have completed; check `hongbao history`": (Shown("answer_unwritable"),),
    "check `hongbao history`, and report the output with HONGBAO_DEBUG=1": (Shown("unexpected"),),
    "check `hongbao history`": (Shown("stopped"),),
    "see how far it is with `hongbao events status`": (Shown("publishing_interrupted"),),
    # --- events that are handed over
    "more is new: `hongbao inbox` again": (Shown("inbox -p 小红 --limit 1"),),
    "more is new: `hongbao inbox --limit {limit}`": (Shown("inbox -p 小红 --limit 1 --keep"),),
    "for a new secret, use `hongbao webhook rotate {webhook}`": (
        Shown(f"webhook add {HOOK}", (f"webhook add {HOOK}",)),
    ),
    "add it, and get its secret: `hongbao webhook add {webhook}`": (
        Shown(f"watch --webhook {HOOK}"),
    ),
    "allow events to leave this machine with `hongbao webhook add URL --any-host`": (
        Shown("webhook add http://192.0.2.1/", fill={"URL": "http://192.0.2.1/"}),
    ),
    "use one such as new_packet, claimed, finished, refunded, held or settled; "
    "`hongbao events --json` shows others": (Shown("watch --until payed"),),
    "see them with `hongbao events deliveries`; send them again with `hongbao events resend`": (
        Shown("events resend 1", (f"webhook add {HOOK}",), ends=(0, 25)),
    ),
}
