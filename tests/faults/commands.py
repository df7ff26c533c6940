"""The commands that faults happen to, and the homes that they are typed in."""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from hongbao.packs import text_of

PIN, PASSPHRASE = "246813", "open sesame, please"
NEW_PIN, OPERATOR_PIN = "975318", "862413"
ID_NUMBER, OTHER_ID_NUMBER = "11010519491231002X", "110105199003078510"
REAL_NAME = "欧阳长风"
CARD, NEW_CARD = "9999010000000003", "9999050000000009"
SECRETS = (PIN, PASSPHRASE, NEW_PIN, OPERATOR_PIN, ID_NUMBER, OTHER_ID_NUMBER, REAL_NAME, NEW_CARD)
"""What no output may hold, whatever happens."""

_HOLDING = """
[[rule]]
id = "large"
guard = "transaction"
acts = ["give"]
when = [{ indicator = "amount_fen", at_least = "50.00" }]
answer = "hold"
hold_hours = 240
then = "return"
says = { en = "this is reviewed first", zh = "需先核实" }
"""


class Typed(NamedTuple):
    """
    A command as it is typed.

    *home* is the one that it is typed in, and *code* how it ends there where nothing happens.
    *moves* says that it moves money or keys: then errors happen at every point, and not at a
    sample. *stride* thins the points of one that does the same hundreds of times. *plays* says that
    it plays other commands, which a fault may meet instead of itself. *again* is how it may end,
    too, when it is typed again: each code is good for once. *names* says that what it
    leaves half done, when it is killed, it names itself when it is asked again, and refuses.
    """

    name: str
    words: str
    home: str = "busy"
    moves: bool = False
    stride: int = 1
    variables: Mapping[str, str] = {}
    code: int = 0
    plays: bool = False
    again: int = 0
    names: bool = False

    def __repr__(self) -> str:
        return self.name


_BY = "--operator 老王 --pin-file {operator}"

LOOKING = (
    *("limits", "packets", "year", "books", "events", "profiles", "key", "risk", "risk rules"),
    *(
        "home show",
        "card list",
        "policy list",
        "policy show",
        "bank list",
        "bank show icbc",
        "device list",
    ),
    *("operator list", "operator log", "totp show", "challenge list", "review list"),
    *("review records", "webhook list", "risk show", "risk why last", "events deliveries"),
    *("events status",),
)
"""What only looks; a home is as it was afterwards."""

TYPED = (
    # long acts first
    Typed("restore", "restore {newest} --yes", moves=True),
    Typed("restore-older", "restore {older} --yes"),
    Typed("restore-lost", "restore {newest} --yes", home="lost"),
    Typed("rekey", "rekey --yes", moves=True),
    Typed("rekey-locked", "rekey --yes", home="locked"),
    Typed("lock", "lock --passphrase-file {passphrase}", moves=True),
    Typed("unlock", "unlock", home="locked", moves=True),
    Typed("backup", "backup copy", moves=True),
    Typed("backup-over", "backup {out}/old-copy --yes"),
    Typed("import", "import {bill} --request-id mine"),
    Typed("import-remove", "import --remove {imported} --request-id mine"),
    Typed("settle", "settle", home="due"),
    Typed("clock", "clock set {later}", home="due", stride=5),
    Typed("reconcile", "reconcile", home="due"),
    Typed("reconcile-resolve", f"reconcile resolve {{payment}} --reason counted {_BY}"),
    # money
    Typed("topup", "topup 5 --request-id mine", moves=True),
    Typed("withdraw", "withdraw 5 --request-id mine", moves=True),
    Typed("send", "send 6.66 --count 2 --request-id mine", moves=True),
    Typed("send-by-card", "send 6.66 --count 2 --from icbc-0003 --request-id mine"),
    Typed("send-held", "send 66 --to 小红 --request-id mine"),
    Typed("claim", "claim {packet} -p 小红 --request-id mine", moves=True),
    Typed("claim-last", "claim {half} -p 小红 --request-id mine"),
    Typed("refund", "refund {expired} --request-id mine", home="expired", moves=True),
    Typed("refund-due", "refund --request-id mine", home="expired"),
    # people and keys
    Typed("identify", "identify -p 小红 --id-file {id} --request-id mine"),
    Typed("card-add", f"card add {NEW_CARD} --request-id mine"),
    Typed("card-remove", "card remove icbc-0011 -p 小刚 --request-id mine"),
    Typed("card-refunds", "card refunds balance --request-id mine"),
    Typed("pin-change", "pin change --new-pin-file {new_pin} --request-id mine"),
    Typed("device-add", "device add phone --request-id mine"),
    Typed("device-approve", "device approve tablet --request-id mine"),
    Typed("device-remove", "device remove tablet --request-id mine"),
    Typed("device-move", "device move shanghai --request-id mine"),
    Typed("device-login", "device login 小明-1 --request-id mine"),
    Typed("device-fault", "device fault 小明-1 replay"),
    Typed("totp-remove", "totp remove --totp-file {totp} --request-id mine", home="totp", again=14),
    Typed("totp-add", "totp add -p 小红 --secret-file totp.txt", names=True),
    Typed("init", "init 小白 --request-id mine"),
    Typed("init-first", "init 小明 --demo", home="none"),
    Typed("init-real", "init 小明", home="none"),
    Typed("use", "use 小红"),
    # rules, review, operators
    Typed("operator-add", f"operator add 老李 --new-pin-file {{operator}} {_BY}"),
    Typed("review-approve", f"review approve {{case}} --reason fine {_BY}"),
    Typed("review-reject", f"review reject {{case}} --reason odd {_BY}"),
    Typed("review-escalate", f"review escalate {{case}} --reason large {_BY}"),
    Typed("risk-train", f"risk train --shipped {_BY}", stride=3),
    Typed("policy-use", f"policy use pboc-2015 {_BY}"),
    Typed("risk-use", f"risk use standard {_BY}"),
    Typed("bank-fault", "bank fault icbc timeout"),
    Typed("webhook-add", "webhook add http://127.0.0.1:9/other --secret-file {secret}"),
    Typed("webhook-rotate", "webhook rotate http://127.0.0.1:9/hook"),
    Typed("webhook-remove", "webhook remove http://127.0.0.1:9/hook"),
    Typed("inbox", "inbox -p 小红"),
    # files
    Typed("export-csv", "export -o export.csv", names=True),
    Typed("export-xlsx", "export -o export.xlsx", names=True),
    Typed("export-over", "export -o {out}/old.csv --yes"),
    Typed("receipt", "receipt last -o receipt.json --format json"),
    Typed("bank-statement", "bank statement icbc -o icbc.csv"),
    Typed("review-report", "review report --format csv"),
    Typed("config-set", "config set language zh"),
    Typed("config-unset", "config unset language", home="set"),
    Typed("alias", "alias gift 'send 8'"),
    Typed("class-new", "class new {roster} --at class --seed 1 --task refund", stride=3),
    Typed("class-add", "class add {larger} class", home="class", stride=3),
    Typed("class-report", "class report class -o report.csv", home="class", stride=9, plays=True),
    Typed("class-start", "class start refund --at task", home="none", stride=9, plays=True),
    Typed("class-task-new", "class task-new rent", home="none"),
    Typed("learn-new", "learn new pocket-money", home="none"),
    Typed("learn", "learn run packet --at lessons --type help", home="none", stride=9, plays=True),
    Typed("play-keep", "play {story} --keep", home="none", stride=9, plays=True),
    Typed(
        "record",
        "record recorded.txt --home made -- sh {script}",
        home="none",
        stride=9,
        plays=True,
    ),
    Typed("sandbox", "sandbox --at toy --people 2", home="none", stride=29, plays=True),
    Typed("race", "race --people 3 --shares 2", home="none", stride=49, plays=True),
    Typed(
        "storm",
        "storm --people 3 --packets 1 --shares 1 --claims 2 --seconds 1",
        home="none",
        stride=49,
        plays=True,
    ),
    Typed("demo", "demo", home="none", stride=49, plays=True),
    # an older form, which opening brings to today's
    Typed("upgrade", "balance", home="oldest"),
    # looking
    Typed("balance", "balance"),
    Typed("history", "history"),
    Typed("status", "status"),
    Typed("check", "check"),
    Typed("verify", "verify {closed}"),
    *(Typed(words.replace(" ", "-"), words, stride=4) for words in LOOKING),
    Typed("show", "show {packet}", stride=4),
    Typed("trace", "trace {packet}", stride=4),
    Typed("review-show", "review show {case}", stride=4),
    Typed("compare", "compare {imported}", stride=4, code=23),
    Typed("verify-statement", "verify-statement {out}/old.csv", stride=4),
    # on the machine's clock, which jumps
    Typed("send-now", "send 6.66 --count 2 --request-id mine", home="real"),
    Typed("claim-now", "claim {packet} -p 小红 --request-id mine", home="real"),
    Typed("topup-now", "topup 5 --request-id mine", home="real"),
    Typed("withdraw-now", "withdraw 5 --request-id mine", home="real"),
    Typed("rekey-now", "rekey --yes", home="real"),
    Typed("device-add-now", "device add phone --request-id mine", home="real"),
)
NOT_TYPED = {
    "it opens no file of a home": (
        *("help", "version", "completion", "why", "config list", "config get", "config path"),
        *("totp code", "webhook verify", "class tasks", "class task-check", "learn check"),
        *("learn env", "lab", "lab fairness", "sandbox shell", "class shell", "config edit"),
    ),
    "it is made of commands that are typed here": (
        *("lab race", "lab do", "lab run", "lab catch", "clock advance", "risk replay"),
        *("class show", "class hand-in"),
    ),
    "it is for a damaged home: tests/corruption kills it": ("repair",),
    "it is for a ledger in a database: tests/cluster cuts it off": (
        *("home connect", "home epoch", "home invite", "home join", "home log", "home seal"),
        *("home grants", "home repeat", "drill"),
    ),
    "it waits for what others do: tests/delivery kills it": ("watch", "events resend"),
    "it hands events to a broker: tests/delivery/test_kafka.py kills it": ("events publish",),
    "it waits for what falls due: tests/serving/test_due.py kills it": ("serve",),
    "it wants an answer that is read off the screen: tests/wallet kills it": (
        *("challenge", "challenge answer"),
    ),
}
"""Which commands are not typed here, and why."""

BY_NAME = {typed.name: typed for typed in TYPED}

_BUSY = (
    "init 小明 --demo",
    "init 小红",
    "init 小刚",
    "identify --id-file {id}",
    f"card add {CARD}",
    "card add 9999010000000011 -p 小刚",
    "topup 500",
    "!topup 444.10",
    "!reconcile",
    "export --format wechat -o {beside}/first.csv",
    "import {beside}/first.csv",
    "send 10 --count 2",
    "send 8 --count 2",
    "claim {1} -p 小刚",
    "send 4 --count 2",
    "claim {2} -p 小刚",
    "claim {2} -p 小红",
    "export --format wechat -o {bill}",
    "export -o {out}/old.csv",
    "webhook add http://127.0.0.1:9/hook --secret-file {secret}",
    "device add tablet",
    "operator add 老王 --new-pin-file {operator}",
    "risk use {pack} --operator 老王 --pin-file {operator}",
    "send 66 --to 小红",
    "backup {older}",
    "backup {out}/old-copy",
    "topup 3",
    "backup {newest}",
)
_REAL = (
    "init 小明",
    "init 小红",
    f"card add {CARD}",
    "topup 100",
    "send 10 --count 2",
)


class Play(Protocol):
    """How a command is run while a home is made; it returns what was said."""

    def __call__(self, words: str, *, fails: bool = False) -> str: ...


def names_of(place: Path) -> dict[str, str]:
    """Return the files that commands are typed with, in a *place*, and make those of people."""
    beside = place / "beside"
    beside.mkdir()
    files = {
        "pin": f"{PIN}\n",
        "operator": f"{OPERATOR_PIN}\n",
        "new_pin": f"{NEW_PIN}\n",
        "passphrase": f"{PASSPHRASE}\n",
        "id": f"{REAL_NAME}\n{OTHER_ID_NUMBER}\n",
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "larger": "id,name\ns01,小明\ns02,小红\ns03,小刚\n",
        "roster": "id,name\ns01,小明\ns02,小红\n",
        "story": "file pin: 246810\ninit 小明 => 0\nbalance => 0\n",
        "script": "hongbao init 小明\nhongbao balance\n",
        "pack": text_of("strict")
        .replace('name = "strict"', 'name = "mine"')
        .partition("# --- device")[0]
        + _HOLDING,
    }
    for name, text in files.items():
        (beside / name).write_text(text, encoding="utf-8")
    names = {name: str(beside / name) for name in files}
    (beside / "mine.toml").write_text(files["pack"], encoding="utf-8")
    names["pack"] = str(beside / "mine.toml")
    return {
        **names,
        "beside": str(beside),
        "out": str(place / "point" / "out"),
        **{name: str(beside / name) for name in ("older", "newest", "bill.csv")},
        "bill": str(beside / "bill.csv"),
    }


def make(home: str, play: Play, names: dict[str, str], folder: Path) -> None:
    """
    Make the *home* of that name in *folder* by commands, and add to *names* what they name.

    All but the first three begin as a copy of the busy one, which is there already.
    """
    if home == "none":
        return
    met: list[str] = []

    def all_of(lines: tuple[str, ...]) -> list[str]:
        said = []
        for line in lines:
            words = re.sub(r"\{(\d)\}", lambda told: met[int(told[1])], line.lstrip("!"))
            said.append(play(words.format_map(names), fails=line.startswith("!")))
            met.extend(new for new in re.findall("hb_[0-9A-Z]{8}", said[-1]) if new not in met)
        return said

    if home == "real":
        all_of(_REAL)
        names["packet"] = met[0]
        return
    if home != "busy":
        _AFTERWARDS[home](play, names, folder)
        return
    said = all_of(_BUSY)
    names.update(packet=met[0], half=met[1], closed=met[2], later="2026-12-31T21:00:00+08:00")
    names["imported"] = re.findall("bl_[0-9A-Z]{8}", said[10])[0]
    names["payment"] = re.findall("[NU][UP][0-9]{14}", said[8])[0]
    names["case"] = re.findall("rc_[0-9A-Z]{8}", play("review list"))[0]


def _lock(play: Play, names: dict[str, str], _folder: Path) -> None:
    play(f"lock --passphrase-file {names['passphrase']}")


def _lose(_play: Play, _names: dict[str, str], folder: Path) -> None:
    for file in (folder / "home" / "data").glob("ledger.db*"):
        file.unlink()


def _add_totp(play: Play, names: dict[str, str], _folder: Path) -> None:
    names["totp"] = f"{names['beside']}/totp.txt"
    play(f"totp add --secret-file {names['totp']}")
    play("clock advance 30s")  # each code works once


def _set(play: Play, _names: dict[str, str], _folder: Path) -> None:
    play("config set language zh")


def _make_class(play: Play, names: dict[str, str], _folder: Path) -> None:
    play(f"class new {names['roster']} --at class --seed 1 --task refund")


def _take_oldest(_play: Play, _names: dict[str, str], folder: Path) -> None:
    """Take the kept home of the oldest form that is opened."""
    oldest = min((Path(__file__).parents[1] / "upgrades").glob("form_*")) / "demo"
    shutil.rmtree(folder / "home")
    for name in ("data", "keys"):
        shutil.copytree(oldest / name, folder / "home" / name)


def _let_expire(_play: Play, names: dict[str, str], folder: Path) -> None:
    """Turn the clock as if nobody had been there to refund what expired."""
    from datetime import timedelta

    from hongbao.changes.home import SetHome
    from tests.wallet.world import World

    world = World(folder / "home")
    wallet = world.open()
    with wallet.home.changing():
        row = wallet.home.row
        assert row.virtual_at is not None
        later = row._replace(virtual_at=row.virtual_at + timedelta(hours=25))
        wallet.store.apply([SetHome(later)])
    world.close()
    names["expired"] = names["packet"]


_AFTERWARDS: Mapping[str, Callable[[Play, dict[str, str], Path], None]] = {
    "locked": _lock,
    "lost": _lose,
    "expired": _let_expire,
    "due": _let_expire,
    "totp": _add_totp,
    "set": _set,
    "class": _make_class,
    "oldest": _take_oldest,
}
