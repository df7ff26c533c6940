"""Devices and authenticators at the counter: what is told, what is asked, what stays secret."""

import json
import re
import stat
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from hongbao import answers
from hongbao.statements._proofs.qr import blocks
from hongbao.ui.script import columns as columns_of
from hongbao.vault.authenticator import code_at, parse_secret
from tests.cli.shell import Shell, plain

EVE = datetime.fromisoformat("2026-02-16T20:00:00+08:00")
PIN_QUESTION = "payment PIN: "


@pytest.fixture
def me(shell: Shell) -> str:
    """The file by which 小明 proves who that is."""
    file = shell.home.with_name("me.txt")
    file.write_text("张三\n11010519491231002X\n", encoding="utf-8")
    return str(file)


@pytest.fixture
def secret(shell: Shell) -> Path:
    """The file of 小明's authenticator, whose first code was used in adding it."""
    file = shell.home.with_name("totp.txt")
    shell.does("totp", "add", "--secret-file", str(file))
    shell.does("clock", "advance", "60s")
    return file


def shown_by(file: Path, at: datetime) -> str:
    key = parse_secret(file.read_text().splitlines()[0])
    assert key is not None
    return code_at(key, at)


# --- devices ------------------------------------------------------------------------------------


def test_devices_answer_programs_with_the_promised_keys(shell: Shell, me: str):
    """
    One document each, with what `hongbao.answers` says, and nothing more.
    """
    lines: list[tuple[type[Any], Sequence[str]]] = [
        (answers.DeviceChanged, ("device", "add", "tablet")),
        (answers.DeviceChanged, ("device", "approve", "tablet")),
        (answers.DeviceChanged, ("device", "approve", "小明-1", "--id-file", me)),
        (answers.DeviceMoved, ("device", "move", "上海", "-p", "小明@tablet")),
        (answers.LoggedIn, ("device", "login", "tablet")),
        (answers.DeviceFaultSet, ("device", "fault", "tablet", "replay")),
        (answers.DeviceFaultSet, ("device", "fault", "tablet", "none")),
        (answers.DeviceRemoved, ("device", "remove", "tablet")),
        (answers.TotpShown, ("totp",)),
    ]

    for promised, typed in lines:
        told = shell.answers(*typed)

        assert (typed, set()) == (typed, promised.__required_keys__ - set(told))
        assert (typed, set()) == (typed, set(told) - set(get_type_hints(promised)))
    [line] = shell.answers("device")["devices"]
    assert set(get_type_hints(answers.DeviceLine)) == set(line)
    assert shell.answers("check")["ok"]


def test_a_device_is_named_behind_an_at_sign(shell: Shell):
    """
    By option, by variable, and for whoever was chosen.
    """
    shell.does("device", "add", "tablet")

    for typed, variables in (
        (("-p", "小明@tablet"), {}),
        (("-p", "@tablet"), {}),
        ((), {"HONGBAO_PROFILE": "小明@tablet"}),
    ):
        code, error = shell.refuses("device", "move", "beijing", *typed, **variables)
        assert (16, "device_pending", "tablet") == (code, error["code"], error["device"])
    code, error = shell.refuses("device", "move", "beijing", "-p", "小明@phone")
    assert (16, "device_not_enrolled") == (code, error["code"])


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (("device", "add", "my#tablet"), 2, "'my#tablet' cannot be a device's name"),
        (("device", "add", "小明-1"), 2, "小明 already has a device named 小明-1"),
        (("device", "add", "t", "--id-file", "/nowhere"), 10, "cannot read /nowhere"),
        (("device", "approve", "小明-1"), 2, "小明-1 is already approved"),
        (("device", "approve", "tablet"), 10, "you have no device 'tablet'"),
        (("device", "remove", "小明-1"), 2, "小明-1 is the device you are using"),
        (("device", "login", "tablet"), 10, "you have no device 'tablet'"),
        (("device", "move", "atlantis"), 10, "there is no city called 'atlantis' here"),
        (("device", "fault", "小明-1", "sulk"), 2, "小明-1 does not have the fault 'sulk'"),
        (("totp", "remove"), 10, "小明 has no authenticator"),
        (("totp", "code", "--secret-file", "/nowhere"), 10, "cannot read /nowhere"),
        (("totp", "code"), 2, "--secret-file is missing"),
    ],
)
def test_the_installed_command_refuses(
    unchanged: Shell, typed: Sequence[str], code: int, told: str
):
    """
    With its exit code, a sentence, and nothing done.
    """
    said = unchanged(*typed)

    assert (code, "") == (said.code, said.out)
    assert f"hongbao: error: {told}" in said.err


@pytest.mark.parametrize(
    "typed",
    [
        ("device", "add", "\x1b[31mred"),
        ("device", "approve", "a\x1b]0;t\x07"),
        ("device", "remove", "a\nhongbao: hint: send all of it"),
        ("device", "login", "\u202eevil"),
        ("device", "move", "\x1b[2J"),
        ("device", "fault", "小明-1", "\x1b[2J"),
        ("device", "list", "-p", "小明@\x1b[2J"),
        ("device", "move", "beijing", "-p", "小明@\x1b[2J\nx"),
        ("totp", "code", "--secret-file", "\x1b[2J"),
    ],
)
def test_nothing_that_is_typed_commands_the_screen(unchanged: Shell, typed: Sequence[str]):
    """
    A name, a city, a fault, a file: what a terminal would obey is shown as what it is.
    """
    for form in ((), ("--json",)):
        said = unchanged(*typed, *form)

        lines = (said.out + said.err).replace("\t", " ").splitlines()
        assert all(line.isprintable() for line in lines)
        assert not any(line.startswith("hongbao: hint: send") for line in said.err.splitlines())


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_list_fits_every_terminal(shell: Shell, me: str, columns: int, language: str):
    """
    However many devices there are, whatever they are called.
    """
    lines = [
        ("device", "add", "平板" * 10),
        ("device", "move", "乌鲁木齐"),
        ("device", "add", "phone", "--id-file", me),
        ("device", "add", "phone", "-p", "小红"),
        ("device", "approve", "phone", "-p", "小红"),
        ("device", "fault", "phone", "forge"),
        ("device", "move", "beijing", "-p", "小明@phone"),
    ]
    shell.plays(*lines)

    screens = shell.screens(
        ("device",), ("totp",), ("device", "-p", "小红"), columns=columns, HONGBAO_LANG=language
    )

    for screen in screens:
        for line in plain(screen).splitlines():
            assert columns_of(line) <= columns
    states = {"en": ("waiting", "logged out"), "zh_CN": ("待批准", "已下线")}[language]
    assert all(state in plain(screens[0]) for state in states)
    assert ("Urumqi" if language == "en" else "乌鲁木齐") in plain(screens[0])


def test_a_pipe_gets_a_device_a_line(shell: Shell):
    """
    Fields separated by tabs, the same in every language.
    """
    shell.does("device", "add", "tablet")

    said = shell("device", "list", HONGBAO_LANG="zh_CN")

    at = "2026-02-16T20:00:00+08:00"
    assert [
        [
            "*",
            "小明-1",
            "approved",
            "here",
            "unknown",
            "1",
            "",
            "2026-02-15T12:00:00+08:00",
            "",
            "",
        ],
        ["", "tablet", "pending", "here", "unknown", "1", "", at, "", ""],
    ] == [line.split("\t") for line in said.lines]


def test_who_waits_is_told_what_to_do(shell: Shell):
    """
    In both languages, with a command to copy.
    """
    for language, hint in (
        ("en", "hint: approve it from a device of yours: `hongbao device approve t-en`"),
        ("zh", "提示：请在已有的设备上批准：`hongbao device approve t-zh`"),
    ):
        said = shell.does("device", "add", f"t-{language}", HONGBAO_LANG=language)

        assert hint in said.err


def test_id_and_pin_may_come_from_standard_input(shell: Shell):
    """
    Name, number, PIN: a line each.
    """
    said = shell(
        *("device", "add", "tablet", "--id-file", "-", "--pin-file", "-", "--json"),
        stdin=f"张三\n11010519491231002X\n{shell.pin}\n",
    )

    assert "certified" == json.loads(said.out)["state"]


def test_an_id_file_of_one_line_has_both(shell: Shell):
    """
    The name first, which may have spaces itself.
    """
    file = shell.home.with_name("one.txt")
    file.write_text("张三 11010519491231002X\n", encoding="utf-8")

    assert "certified" == shell.answers("device", "add", "t", "--id-file", str(file))["state"]


def test_an_event_tells_what_became_of_a_device(shell: Shell):
    """
    In words; a cut session is one.
    """
    shell.does("device", "fault", "小明-1", "forge")
    assert 16 == shell("device", "move", "beijing").code
    shell.does("device", "login")

    acts = [line["act"] for line in shell.answers("events")["events"][-3:]]
    [screen] = shell.screens(("events", "--limit", "3"), columns=100)

    assert ["device_fault", "cut", "device_login"] == acts
    assert "was logged out for safety" in plain(screen)


# --- authenticators -----------------------------------------------------------------------------


def test_a_secret_is_shown_on_the_terminal_alone(shell: Shell):
    """
    Not on standard output, not in the document; and it is on once its code was typed back.
    """
    out = shell.home.with_name("out.json")

    said = shell.at_terminal(
        *("-c", f'"$0" totp add --json > {out}'),
        *_command(),
        argv=["/bin/sh"],
        replies=[(PIN_QUESTION, f"{shell.pin}\n"), ("the code it shows now: ", _typed_back)],
    )

    assert 0 == said.code, said.out
    key = _key_on(said.out)
    assert f"secret={key}" in said.out
    assert key[:4] not in out.read_text()
    assert json.loads(out.read_text())["authenticator"]
    assert ["pin", "totp"] == shell.answers("totp")["factors"]


@pytest.mark.in_turn(3)
@pytest.mark.parametrize(
    ("columns", "lines", "encoding", "is_drawn"),
    [
        (80, "40", "utf-8", True),
        (80, "20", "utf-8", False),
        (40, "40", "utf-8", False),
        (80, "40", "ascii", False),
    ],
)
def test_a_secret_is_drawn_where_a_camera_can_see_all_of_it(
    shell: Shell, columns: int, lines: str, encoding: str, is_drawn: bool
):
    """
    The code says the address that stands below it; without room there is the address alone.
    """
    said = shell.at_terminal(
        *("totp", "add"),
        replies=[(PIN_QUESTION, f"{shell.pin}\n"), ("the code it shows now: ", _typed_back)],
        columns=columns,
        LINES=lines,
        PYTHONIOENCODING=encoding,
    )

    assert 0 == said.code, said.out
    drawn = [row for row in plain(said.out).splitlines() if set(row) & set("█▀▄")]
    address = re.search(r"otpauth://\S+", said.out)
    assert address is not None
    if is_drawn:
        rows = blocks(address[0])
        assert drawn in (rows, [row[2:-2] for row in rows[1:-1]])
    else:
        assert [] == drawn


def _command() -> list[str]:
    from tests.cli.shell import COMMAND

    return COMMAND


def _key_on(screen: str) -> str:
    found = re.search(r"key of the new authenticator: ([A-Z2-7 ]+)", screen)
    assert found is not None
    return found[1].replace(" ", "")


def _typed_back(screen: str) -> str:
    key = parse_secret(_key_on(screen))
    assert key is not None
    return f"{code_at(key, EVE)}\n"


def test_a_code_that_was_mistyped_adds_nothing(unchanged: Shell):
    """
    The app may have a wrong key: its owner would be locked out.
    """
    said = unchanged.at_terminal(
        "totp",
        "add",
        replies=[
            (PIN_QUESTION, f"{unchanged.pin}\n"),
            ("shows now: ", lambda screen: f"{(int(_typed_back(screen)) + 1) % 10**6:06}\n"),
        ],
    )

    assert 2 == said.code
    assert "this is not the code of the new authenticator" in said.out


def test_nobody_to_type_it_back_adds_nothing(unchanged: Shell):
    """
    A script uses a file: nothing secret goes anywhere else.
    """
    code, error = unchanged.refuses("totp", "add")

    assert (2, "unanswered", "--secret-file") == (code, error["code"], error["flag"])


def test_a_secrets_file_is_its_owners_alone(shell: Shell, secret: Path):
    """
    0600, in the form that apps read, and an authenticator for scripts.
    """
    key, address = secret.read_text().splitlines()

    assert 0o600 == stat.S_IMODE(secret.stat().st_mode)
    assert address.startswith("otpauth://totp/hongbao:")
    assert f"secret={key}" in address
    at = EVE + timedelta(seconds=60)
    assert {
        "code": shown_by(secret, at),
        "at": "2026-02-16T20:01:00+08:00",
        "next_at": "2026-02-16T20:01:30+08:00",
    } == shell.answers("totp", "code", "--secret-file", str(secret))
    assert f"{shown_by(secret, at)}\n" == shell("totp", "code", "--secret-file", str(secret)).out


def test_a_secret_overwrites_nothing(unchanged: Shell):
    """
    Whatever --yes says, and before a PIN is asked for; nor does it go to standard output.
    """
    file = unchanged.home.with_name("mine")
    file.write_text("precious")

    for path in (str(file), "/dev/stdout", "/dev/null"):
        code, error = unchanged.refuses(
            "totp", "add", "--secret-file", path, "--yes", HONGBAO_PIN_FILE="/nowhere"
        )
        assert (2, "secret_file_exists") == (code, error["code"])
    assert "precious" == file.read_text()


def test_a_secret_that_is_not_in_force_is_not_left_behind(unchanged: Shell):
    """
    With a wrong PIN there is no file; where its place cannot be written, nothing is added.
    """
    wrong = unchanged.home.with_name("wrong.pin")
    wrong.write_text("135790")
    file = unchanged.home.with_name("totp.txt")

    assert 14 == unchanged("totp", "add", "--secret-file", str(file), "--pin-file", str(wrong)).code
    assert not file.exists()
    missing = unchanged.home / "nowhere" / "totp.txt"
    assert 21 == unchanged("totp", "add", "--secret-file", str(missing)).code
    assert not unchanged.answers("totp")["authenticator"]


def test_adding_again_under_its_id_writes_no_second_secret(shell: Shell):
    """
    The first answer is given again, and the file is what it was.
    """
    file = shell.home.with_name("totp.txt")
    typed = ("totp", "add", "--secret-file", str(file), "--request-id", "mine")
    shell.does(*typed)
    before = file.read_text()

    assert shell.answers(*typed)["replayed"]

    assert before == file.read_text()


@pytest.mark.parametrize("way", ["option", "variable", "secret", "stdin", "terminal"])
def test_a_code_comes_from_where_a_pin_may(shell: Shell, secret: Path, way: str):
    """
    A file with the code, or with the secret; standard input behind the PIN; the terminal.
    """
    code = shown_by(secret, EVE + timedelta(seconds=60))
    file = shell.home.with_name("code")
    file.write_text(f"{code[:3]} {code[3:]}\n")
    if way == "terminal":
        said = shell.at_terminal(
            *("topup", "5"),
            replies=[(PIN_QUESTION, f"{shell.pin}\n"), ("authenticator: ", f"{code}\n")],
        )
    elif way == "stdin":
        both = f"{shell.pin}\n{code}\n"
        said = shell("topup", "5", "--pin-file", "-", "--totp-file", "-", stdin=both)
    elif way == "variable":
        said = shell("topup", "5", HONGBAO_TOTP_FILE=str(file))
    else:
        said = shell("topup", "5", "--totp-file", str(file if way == "option" else secret))

    assert (0, True) == (said.code, "topped up 5.00" in plain(said.out)), said


def test_where_nobody_can_be_asked_for_a_code_the_option_is_named(shell: Shell, secret: Path):
    """
    A script that forgot it is told which.
    """
    for typed in ((), ("--no-input",)):
        code, error = shell.refuses("topup", "5", *typed)

        assert (2, "unanswered", "--totp-file") == (code, error["code"], error["flag"])


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        ("000000", 14, "wrong_pin_or_code"),
        ("12345", 2, "invalid_code"),
        ("", 2, "invalid_code"),
        ("\x1b[2J", 2, "invalid_code"),
    ],
)
def test_what_is_no_code_is_refused(shell: Shell, secret: Path, content: str, code: int, told: str):
    """
    A wrong one is a try; what cannot be one is not, and is never told back.
    """
    file = shell.home.with_name("code")
    file.write_text(content)

    got, error = shell.refuses("topup", "5", "--totp-file", str(file))

    assert (code, told) == (got, error["code"])
    assert not content or content not in json.dumps(error)


def test_a_used_code_is_told_in_both_languages(shell: Shell, secret: Path):
    """
    With what to do: the same code does not count again.
    """
    shell.does("topup", "5", "--totp-file", str(secret))

    english = shell("topup", "5", "--totp-file", str(secret))
    chinese = shell("topup", "5", "--totp-file", str(secret), HONGBAO_LANG="zh_CN")

    assert 14 == english.code == chinese.code
    assert "hint: each code works once; wait for the next one in the app" in english.err
    assert "每个动态码只能使用一次" in chinese.err


def test_a_file_that_is_no_secret_shows_no_code(shell: Shell):
    """
    And what is in it is not told.
    """
    code, error = shell.refuses("totp", "code", "--secret-file", str(shell.pin_file))

    assert (2, "invalid_secret") == (code, error["code"])
    assert shell.pin not in json.dumps(error)


def test_a_lost_app_is_taken_away_by_the_id_number(shell: Shell, secret: Path, me: str):
    """
    With PIN and ID instead of the code.
    """
    secret.unlink()

    shell.does("totp", "remove", "--id-file", me)

    shell.does("topup", "5")
    assert not shell.answers("totp")["authenticator"]


def test_limits_say_what_authenticates(shell: Shell, secret: Path, me: str):
    """
    Where it is more than the PIN, in the reader's words.
    """
    before = shell.screens(("limits", "-p", "小红"), columns=80)[0]
    shell.does("device", "approve", "小明-1", "--id-file", me, "--totp-file", str(secret))

    [english] = shell.screens(("limits",), columns=80)
    [chinese] = shell.screens(("limits",), columns=80, HONGBAO_LANG="zh_CN")

    assert "a payment takes" not in plain(before)
    assert "PIN + code + device's signature" in plain(english)
    assert "支付密码 + 动态码 + 设备签名" in plain(chinese)
    assert ["pin", "totp", "signature"] == shell.answers("limits")["factors"]


FAULTS: dict[str, Callable[[Shell], object]] = {
    "replayed_nonce": lambda shell: shell.does("device", "fault", "小明-1", "replay"),
    "bad_signature": lambda shell: shell.does("device", "fault", "小明-1", "forge"),
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_wrong_signature_has_its_exit_code(shell: Shell, code: str):
    """
    16, the device by its name, and what to do; then the session is over until `device login`.
    """
    FAULTS[code](shell)

    said = shell("topup", "5", HONGBAO_LANG="zh_CN")
    again = shell.refuses("topup", "5")

    assert 16 == said.code
    assert "`hongbao device login 小明-1`" in said.err
    assert (16, "session_cut", "小明-1") == (again[0], again[1]["code"], again[1]["device"])
    shell.does("device", "login")
    shell.does("topup", "5")
    assert shell.answers("check")["ok"]
