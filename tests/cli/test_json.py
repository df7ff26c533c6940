"""With --json every command says one document, in whatever encoding, and nothing beside it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from hongbao.commands.house import root_command
from tests.cli.shell import COMMAND, Said, Shell

FILES = {"export", "review report"}
"""What writes a file's own bytes to standard output: they are UTF-8 wherever they go."""

TYPED: dict[str, list[str]] = {
    # Every command by its words, and what is typed behind them; on the home of the New Year.
    "": [""],
    "init": ["", "é🧧", "小明", "小白 --ledger mysql://福:密@a/b"],
    "profiles": [""],
    "use": ["小明", "é🧧", "没有"],
    "identify": ["-p 小红 --name 李四 --id-number 110105199003078510", "--name 张三 --id-number 1"],
    "card": [""],
    "card add": ["9999050000000009", "4111111111111111"],
    "card list": [""],
    "card remove": ["0009", "é"],
    "card refunds": ["", "card"],
    "pin": [""],
    "pin change": ["--no-input"],
    "policy": [""],
    "policy list": [""],
    "policy show": ["", "没有"],
    "policy use": ["standard -n", "没有"],
    "balance": ["", "-p 没有"],
    "topup": ["5", "444.01", "五"],
    "withdraw": ["5 -n", "99999"],
    "limits": [""],
    "send": ["6.66 --count 2 --greeting 新年好🧧é", "5 --to 小明", "5 -n"],
    "claim": ["{2} -p 小红", "{1}", "hb_7Q2M4K9X"],
    "show": ["{1}", "福🧧"],
    "packets": ["", "--sent --limit 1"],
    "refund": ["", "{1}"],
    "verify": ["{1}"],
    "bank": [""],
    "bank list": [""],
    "bank show": ["icbc", "é"],
    "bank fault": ["icbc timeout", "icbc off", "icbc 🧧"],
    "bank statement": ["icbc", "icbc --date 2030-01-01"],
    "settle": ["", "-n"],
    "reconcile": [""],
    "reconcile resolve": ["NU20260216000002 --reason 🧧 --operator 没有"],
    "operator": [""],
    "operator add": ["小美 --new-pin-file {pin}", "🧧é --new-pin-file {pin}"],
    "operator list": [""],
    "operator log": ["", "没有"],
    "device": [""],
    "device list": [""],
    "device add": ["tablet", "平板🧧é"],
    "device approve": ["tablet", "没有"],
    "device login": ["tablet"],
    "device move": ["上海", "é"],
    "device fault": ["tablet replay", "没有 replay"],
    "device remove": ["tablet -n", "没有"],
    "totp": [""],
    "totp show": [""],
    "totp add": ["", "--secret-file {home}/福"],
    "totp code": ["--secret-file /福🧧é"],
    "totp remove": [""],
    "challenge": [""],
    "challenge list": [""],
    "challenge answer": ["ch_7Q2M4K9X --answer 1"],
    "risk": [""],
    "risk why": ["没有", "福🧧é"],
    "risk show": ["", "没有"],
    "risk rules": ["", "--text", "没有"],
    "risk replay": ["", "--pack 没有"],
    "risk use": ["standard -n", "没有"],
    "risk train": ["--shipped -n", ""],
    "review": [""],
    "review list": ["", "--closed"],
    "review show": ["rc_7Q2M4K9X"],
    "review approve": ["rc_7Q2M4K9X --operator 小美 --reason 🧧"],
    "review reject": ["rc_7Q2M4K9X --operator 没有 --reason é"],
    "review escalate": ["rc_7Q2M4K9X --operator 没有 --reason é"],
    "review report": ["", "--format xml"],
    "review records": [""],
    "history": ["", "--kind 没有", "--with 小红", "--by month", "--chart"],
    "year": ["", "--lunar", "--names"],
    "events": ["", "--after 999999", "--limit 0"],
    "events deliveries": ["", "--given-up"],
    "events resend": ["", "999999", "福🧧é"],
    "events publish": [
        "--to kafka://127.0.0.1/福",
        "--to kafka://127.0.0.1:9/é --settings {home}/没有é",
        "--to kafka://127.0.0.1:9/x --settings {home}/没有é",
    ],
    "events status": [""],
    "inbox": ["--keep", "--limit 0"],
    "serve": ["--once"],
    "watch": ["--until 福🧧é", "--cursor é", "--webhook http://127.0.0.1:9/é"],
    "webhook": [""],
    "webhook list": [""],
    "webhook add": ["http://127.0.0.1:9/", "http://福🧧é/"],
    "webhook rotate": ["http://127.0.0.1:9/", "http://127.0.0.1:9/ --finish", "福🧧é"],
    "webhook remove": ["http://127.0.0.1:9/", "福🧧é"],
    "webhook verify": ["{home}/没有é --secret-file {home}/没有é"],
    "trace": ["{1}", "没有"],
    "books": ["", "{1}", "--diff {1}", "没有"],
    "check": ["", "--all", "--new", "--all --new"],
    "export": ["", "--format csv", "-o {home}/福🧧.csv", "-o {home}/nowhere/福🧧.csv"],
    "verify-statement": ["{home}/福🧧.csv", "{home}/没有é"],
    "receipt": ["{1}", "{1} --format qr", "{1} -o {home}/é.svg", "没有"],
    "key": [""],
    "import": ["{home}/没有é", "--list"],
    "compare": ["", "没有"],
    "clock": [""],
    "clock set": ["2026-02-17T20:00:00+08:00", "五"],
    "clock advance": ["1h", "五"],
    "home": [""],
    "home show": [""],
    "home invite": ["{home}/福 --passphrase-file {home}/没有é"],
    "home join": ["{home}/没有é"],
    "home seal": ["", "--every 1s", "--every 福"],
    "home epoch": ["", "--operator 福"],
    "home grants": ["福", "pay@10.0.0.%"],
    "home repeat": [""],
    "home log": ["{home}/福"],
    "home connect": ["mysql://福@a:0/b", "mysql://福@localhost:1/b --ledger-password-file {pin}"],
    "lock": ["--passphrase-file {home}/没有é"],
    "unlock": [""],
    "rekey": ["--yes"],
    "backup": ["{home}/备份🧧", "{home}/nowhere/备份🧧"],
    "restore": ["{home}/备份🧧 --yes", "{home}/没有é"],
    "repair": ["", "{home}/福🧧é --backup {home}/备份🧧 --yes"],
    "learn": ["--at {home}/课程🧧é", "--at {home}"],
    "learn run": ["没有", "福🧧é.toml"],
    "learn env": ["没有é"],
    "learn check": ["没有é"],
    "learn new": ["福🧧é"],
    "drill": ["mysql://福@a,b/c --nodes 没有"],  # tests/cluster/test_drill.py runs one
    "demo": [],  # tests/test_story.py plays it
    "play": ["{home}/没有é"],  # tests/cli/test_play.py plays more
    "record": ["--stop", "a.txt --after 福🧧.txt"],  # tests/cli/test_record.py records
    "lab": [""],
    "lab run": ["oversell", "没有é"],
    "lab fairness": ["--deals 3", "--deals 福🧧"],
    "lab catch": ["{home}/没有.txt"],
    "lab race": ["oversell", "福🧧"],
    "lab do": ["oversell init 福🧧", "没有 init 小明"],
    "storm": [
        "--people 2 --packets 1 --shares 1 --claims 3 --seconds 1 --seed 福🧧",
        "--people 五",
    ],
    "race": ["--people 2 --shares 1 --turns --seed 福🧧", "--people 五"],
    "class": [""],
    "class new": ["{home}/没有é"],  # tests/classroom/test_commands.py types the others
    "class add": ["{home}/没有é"],
    "class report": ["{home}/没有é"],
    "class start": ["{home}/没有é.toml", "没有é"],
    "class show": ["{home}"],
    "class shell": ["{home}"],
    "class hand-in": ["{home}"],
    "class tasks": [""],
    "class task-new": ["{home}/没有é/租金"],
    "class task-check": ["没有é"],
    "status": [""],
    "sandbox": ["--empty --at {home}/沙盒🧧é", "--at {home}", "--people 五"],
    "sandbox shell": ["--at {home}/没有é"],
    "alias": ["", "福 version", "福", "--remove 福", "é 🧧"],
    "config": [""],
    "config list": ["--origin"],
    "config get": ["language", "福🧧"],
    "config set": ["motion off", "motion 福", "福 é"],
    "config unset": ["motion", "福🧧"],
    "config edit": [""],
    "config path": [""],
    "completion": ["bash", "福"],
    "help": ["", "send", "exit-codes", "福🧧"],
    "version": [""],
    "why": ["", "wrong_pin", "11", "--all", "wrong_pin --story", "福🧧"],
    "no command": ["", "--help", "send --help"],
}


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the words of each command, as the command line itself knows them."""
    context = typer.Context(command)
    yield " ".join(words)
    for name in getattr(command, "commands", ()):
        yield from _commands(command.get_command(context, name), (*words, name))


def test_every_command_is_typed_here():
    """
    A new command is added to the list above, or this says which one is missing.
    """
    assert set(_commands(root_command())) == set(TYPED) - {"no command"}


SLOWLY = pytest.mark.slow  # one encoding has all that any of them lacks


@pytest.mark.parametrize(
    "encoding",
    ["ascii", *(pytest.param(each, marks=SLOWLY) for each in ("gbk", "latin-1", "utf-16"))],
)
def test_every_command_says_one_document(shell: Shell, encoding: str):
    """
    On standard output where it succeeds, on standard error where it refuses, whatever the encoding.
    """
    lines = list(_lines(shell, encoding))
    said = shell.plays(*lines)

    assert {} == {
        " ".join(line): answer
        for line, answer in zip(lines, said, strict=True)
        if not _is_one_document(answer)
    }
    assert 70 < sum(answer.code == 0 for answer in said)


def _lines(shell: Shell, encoding: str) -> Iterator[list[str]]:
    places = {"{home}": str(shell.home.parent), "{pin}": str(shell.pin_file)}
    places |= {"{1}": shell.packets["lucky"], "{2}": shell.packets["equal"]}
    for command, typed in TYPED.items():
        if encoding != "utf-8" and command in FILES:
            continue
        for rest in typed:
            words = [] if command == "no command" else command.split()
            for word in rest.split():
                words.append(re.sub(r"\{\w+\}", lambda place: places[place[0]], word))
            yield [f"PYTHONIOENCODING={encoding}", *words, "--json"]


def _is_one_document(said: Said) -> bool:
    answer, silent = (said.out, said.err) if said.code == 0 else (said.err, said.out)
    try:
        document = json.loads(answer)
    except ValueError:
        return False
    return silent == "" and isinstance(document, dict) and (said.code != 0) == ("error" in document)


# --- through real streams -------------------------------------------------------------------------

ENCODINGS = {
    "gbk": {"PYTHONIOENCODING": "gbk"},
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("variables", ENCODINGS.values(), ids=ENCODINGS)
def test_a_character_that_the_encoding_lacks_stays_what_it_is(
    shell: Shell, variables: dict[str, str]
):
    """
    Escaped as JSON escapes it, it is read back: in an answer, a refusal, and what is followed.
    """
    greeting = "新年好🧧é"
    packet = shell.sends("6.66", "--count", "2", "--greeting", greeting)
    encoding = variables.get("PYTHONIOENCODING", "ascii").partition(":")[0]

    shown = _ran(shell, "show", packet, "--json", **variables)
    refused = _ran(shell, "claim", shell.packets["exclusive"], "--json", **variables)
    following = subprocess.Popen(
        [*COMMAND, "events", "--after", "0", "--follow", "--json"],
        env=shell.environment(**variables),
        stdout=subprocess.PIPE,
    )
    assert following.stdout is not None
    events = [json.loads(following.stdout.readline().decode(encoding)) for _ in range(3)]
    following.kill()
    following.wait()
    following.stdout.close()

    assert greeting == json.loads(shown.stdout.decode(encoding))["greeting"]
    assert "own_packet" == json.loads(refused.stderr.decode(encoding))["error"]["code"]
    assert [1, 2, 3] == [event["event"] for event in events]


def test_a_file_on_standard_output_is_the_file(shell: Shell):
    """
    A statement is signed to the byte, so that it is UTF-8 whatever the stream's encoding is.
    """
    told = [
        _ran(shell, "export", "--json", PYTHONIOENCODING=encoding).stdout
        for encoding in ("utf-8", "gbk")
    ]

    assert "小明" == json.loads(told[0])["profile"]
    assert told[0] == told[1]


WARNING = """
import sys, warnings
from hongbao.queries import balance as module

def balance(home, answer=module.balance):
    warnings.warn("a library speaks to its programmers")
    return answer(home)

module.balance = balance
sys.argv[1:] = ["balance", "--json"]
from hongbao.__main__ import main
raise SystemExit(main())
"""


@pytest.mark.parametrize("variables", [{}, {"PYTHONWARNINGS": "always"}], ids=["plain", "always"])
def test_what_a_library_warns_of_is_no_answer(shell: Shell, variables: dict[str, str]):
    """
    It is shown to who looks for a fault, and to nobody else.
    """
    told = shell.run([sys.executable, "-c", WARNING], **variables)
    shown = shell.run([sys.executable, "-c", WARNING], HONGBAO_DEBUG="1", **variables)

    assert (0, "") == (told.code, told.err)
    assert json.loads(told.out)
    assert "a library speaks to its programmers" in shown.err


def _ran(shell: Shell, *typed: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *typed],
        env=shell.environment(**variables),
        capture_output=True,
        check=False,
        start_new_session=True,
    )
