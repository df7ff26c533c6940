"""The page of `hongbao webhook`: its receiver in ten lines does what it says."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hongbao.delivery.signing import Secret, headers
from tests.cli.shell import Shell, plain
from tests.every import every

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands" / "webhook.md"
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = Secret.new(bytes)
BODY = b'{"type": "claimed"}'


def receiver() -> Any:
    source = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert source is not None
    assert 10 >= len([line for line in source[1].splitlines() if line.strip()])
    found: dict[str, Any] = {}
    exec(source[1], found)
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
