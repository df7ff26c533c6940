"""The page of `hongbao webhook`: its receiver in ten lines does what it says."""

import re
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao.delivery.signing import Secret, headers
from tests.cli.shell import Shell, plain
from tests.delivery.receiver import Receiver
from tests.every import every

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "commands" / "webhook.md"
HOWTO = DOCS / "howto" / "hand-events-to-programs.md"
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = Secret.new(bytes)
BODY = b'{"type": "claimed"}'


def source(page: Path) -> str:
    found = re.search(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def receiver() -> Any:
    assert 10 >= len([line for line in source(PAGE).splitlines() if line.strip()])
    found: dict[str, Any] = {}
    exec(source(PAGE), found)
    return found["is_genuine"]


@every(
    ("minutes", "secrets", "body", "is_right"),
    [
        (0, [SECRET], BODY, True),
        (0, [OTHER, SECRET], BODY, True),
        (0, [SECRET, OTHER], BODY, True),
        (0, [OTHER], BODY, False),
        (0, [SECRET], BODY + b" ", False),
        (-6, [SECRET], BODY, False),
        (6, [SECRET], BODY, False),
    ],
)
def test_the_receiver_takes_what_is_genuine_and_nothing_else(
    minutes: int, secrets: list[Secret], body: bytes, is_right: bool
):
    """
    By either secret while one takes the other's place, and within five minutes.
    """
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    signed = headers("ev_630962_12", at, BODY, secrets)

    assert is_right == receiver()(SECRET.reveal(), signed, body)


def test_a_secret_is_shown_as_on_the_page(tmp_path: Path):
    """
    But for the secret, which is another each time.
    """
    shell = Shell(tmp_path / "home", "246813")
    shell.does("init", "小明")
    shown = plain(shell.at_terminal("webhook", "add", "http://127.0.0.1:8000/hook").out)
    secret = r"whsec_[A-Za-z0-9+/]{43}="

    assert 1 == len(re.findall(secret, shown))
    page = re.sub(secret, "SECRET", PAGE.read_text("utf-8"))
    assert re.sub(secret, "SECRET", shown) in page


def _wait_for(port: int) -> None:
    """Wait until something answers at *port*."""
    for _try in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(port)


@pytest.mark.slow
def test_the_receiver_of_the_guide_prints_each_event_once(tmp_path: Path):
    """
    As a process of its own that is started after the watcher: what it has missed is sent again,
    what is sent twice counts once, and what is signed with another secret is refused.
    """
    shell = Shell(tmp_path / "home", "246813")
    shell.does("init", "小明")
    with Receiver() as away:
        url = away.url
    secret = tmp_path / "secret.txt"
    secret.write_text(shell.does("webhook", "add", url).out)
    program = tmp_path / "receiver.py"
    program.write_text(source(HOWTO), encoding="utf-8")
    pending = shell("watch", "--all", "--after", "0", "--count", "1", "--webhook", url)
    began = subprocess.Popen(
        [sys.executable, "-u", program, secret, str(away.port)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert began.stdout is not None
        for name in ("小红", "小刚"):
            shell.does("init", name)
        _wait_for(away.port)
        behind = shell("watch", "--all", "--count", "2", "--webhook", url)
        again = shell.answers("events", "resend", "1")
        rotated = (
            shell.does("webhook", "rotate", url).out
            + shell.does("webhook", "rotate", url, "--finish").out
        )
        refused = shell("events", "resend", "2")
        printed = [began.stdout.readline().split()[0] for _number in range(3)]
    finally:
        began.kill()
        rest = began.communicate()[0]

    assert 17 == pending.code
    assert behind.code in (0, 17)  # the first event may still be waiting for its second try
    assert ["init"] * 3 == printed
    assert "" == rest
    assert "delivered" == again["deliveries"][0]["state"]
    assert "whsec_" in rotated
    assert 25 == refused.code
