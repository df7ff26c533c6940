"""A home that cannot be used as it is says so, with its own exit code."""

import json
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from hongbao.vault import KeyFolder
from tests.cli.shell import COMMAND, Shell, plain
from tests.wallet.world import raw

COMMANDS = (("balance",), ("topup", "1"), ("history",))


@pytest.mark.parametrize("typed", [*COMMANDS, ("check",), ("restore", "copy"), ("unlock",)])
def test_a_missing_home_says_how_to_make_one(empty: Shell, typed: tuple[str, ...]):
    """
    And does not make one by itself.
    """
    code, error = empty.refuses(*typed)

    assert (10, "home_not_found") == (code, error["code"])
    assert "hongbao init NAME" in str(error["hint"])
    assert not empty.home.exists()


@pytest.mark.parametrize("typed", [("init", "Ann"), ("restore", "copy")])
def test_a_password_for_no_database_is_refused(empty: Shell, typed: tuple[str, ...]):
    """
    The ledger would be a file, though a cluster was meant.
    """
    code, error = empty.refuses(*typed, "--ledger-password-file", "owner.txt")

    assert (2, "--ledger is missing") == (code, error["message"])
    assert not empty.home.exists()


def test_the_passphrase_of_an_invitation_is_asked_for_as_such(empty: Shell):
    """
    There is no wallet here yet that could be locked.
    """
    invitation = empty.home.parent / "an.invitation"
    invitation.write_text('{"hongbao": "invitation", "format": 2, "id": "1", "keys": {}}')

    code, error = empty.refuses("home", "join", str(invitation))

    assert (2, "unanswered", "give --passphrase-file") == (code, error["code"], error["hint"])


def test_a_backup_that_is_missing_is_told_before_a_password_is_asked_for(empty: Shell):
    code, error = empty.refuses("restore", "copy", "--ledger", "mysql://pay@127.0.0.1:1/ledger")

    assert (10, "file_not_readable") == (code, error["code"])


@pytest.mark.parametrize(
    ("file", "refused"), [("taken", "file_exists"), ("none/it", "storage_refused")]
)
def test_an_invitation_that_cannot_be_written_is_refused_before_a_passphrase_is_asked_for(
    shell: Shell, file: str, refused: str
):
    """
    And before the cluster is asked, which is none here.
    """
    (shell.home / "data" / "ledger.toml").write_text('address = "mysql://pay@127.0.0.1:1/ledger"\n')
    folder = shell.home.parent
    (folder / "taken").touch()

    _code, error = shell.refuses("home", "invite", str(folder / file))

    assert refused == error["code"]


def test_rules_can_be_read_before_there_is_a_home(empty: Shell):
    """
    Whoever chooses a policy for `init` has none yet.
    """
    assert "standard@2" == empty.answers("policy", "show")["policy"]
    assert 2 == len(empty.answers("policy", "list")["policies"])


def test_a_demo_has_a_clock_that_stands_still_and_chance_that_repeats(tmp_path: Path):
    """
    Both are said aloud, and the same commands give the same packet in another one.
    """
    packets = []
    for name in ("one", "two"):
        shell = Shell(tmp_path / name, "246813")
        said = shell("init", "小明", "--demo", "--clock", "2026-02-16T20:00:00+08:00")
        shell.answers("card", "add", "9999010000000003")
        shell.answers("topup", "10")
        packets.append(shell.answers("send", "1", "--count", "2")["packet"])

        assert "this wallet's clock is virtual" in said.err
        assert "randomness is fixed by a seed" in said.err

    assert packets[0] == packets[1]


def test_a_demo_begins_now(tmp_path: Path):
    """
    At a whole second, and there it stays.
    """
    shell = Shell(tmp_path / "home", "246813")
    before = datetime.now(UTC).replace(microsecond=0)

    shell("init", "小明", "--demo")

    told = shell.answers("clock")
    at = datetime.fromisoformat(str(told["at"]))
    assert "virtual" == told["clock"]
    assert 0 == at.microsecond
    assert before <= at <= datetime.now(UTC)
    assert told == shell.answers("clock")


def test_a_home_that_is_there_does_not_become_a_demo(unchanged: Shell):
    """
    As it gets no other clock or dice.
    """
    code, error = unchanged.refuses("init", "小华", "--demo")

    assert (2, "home_exists") == (code, error["code"])


def ledger(shell: Shell) -> Path:
    return shell.home / "data" / "ledger.db"


def _truncated(shell: Shell) -> None:
    content = ledger(shell).read_bytes()
    ledger(shell).write_bytes(content[: len(content) // 2 + 100])


def _flipped(shell: Shell) -> None:
    content = bytearray(ledger(shell).read_bytes())
    content[5000] ^= 1
    ledger(shell).write_bytes(content)


def _replaced(shell: Shell) -> None:
    ledger(shell).write_bytes(b"SQLite format 3\0" + bytes(4080))


def _foreign_keys(shell: Shell) -> None:
    (shell.home / "keys" / "master.json").write_text("{}")


@pytest.mark.parametrize("damage", [_truncated, _flipped, _replaced, _foreign_keys])
def test_a_damaged_home_is_never_believed(shell: Shell, damage: Callable[[Shell], None]):
    """
    Exit code 19, the file's name, and what to do; for reading as for writing, and for `check`.
    """
    damage(shell)

    for typed in (*COMMANDS, ("check",)):
        code, error = shell.refuses(*typed)
        assert (typed, 19) == (typed, code)
        assert error["code"] in ("damaged", "checks_failed")


def test_an_older_copy_is_noticed_and_needs_a_yes(shell: Shell, tmp_path: Path):
    """
    Said aloud, refused where nobody can agree, restored with --yes.
    """
    copy = str(tmp_path / "copy")
    shell.does("backup", copy)
    shell.does("topup", "1")

    code, error = shell.refuses("restore", copy)
    declined = shell.at_terminal("restore", copy, replies=[("[y/N] ", "n\n")])
    agreed = shell("restore", copy, "--yes")

    assert (19, "older_copy") == (code, error["code"])
    assert 2 == declined.code
    assert "nothing was done" in declined.out
    assert "everything in between will be lost. Restore it? [y/N]" in declined.out
    assert "the newest seen was" in agreed.err
    assert 0 == agreed.code
    assert 0 == shell("check").code


def test_a_file_is_not_overwritten_without_a_yes(shell: Shell, tmp_path: Path):
    """
    Neither a copy nor a statement.
    """
    taken = tmp_path / "taken.csv"
    taken.write_text("mine")

    for typed in (("backup", str(taken)), ("export", "-o", str(taken))):
        code, error = shell.refuses(*typed)
        assert (2, "file_exists") == (code, error["code"])
        assert "mine" == taken.read_text()
        assert 0 == shell(*typed, "--yes").code
        taken.write_text("mine")


@pytest.mark.parametrize("typed", [("topup", "1"), ("backup", "copy")])
def test_no_room_is_told_and_nothing_is_changed(unchanged: Shell, typed: tuple[str, ...]):
    """
    A file that may not grow stands in for a disk that is full.
    """
    done = subprocess.run(
        [*COMMAND, *typed, "--json"],
        env=unchanged.environment(),
        cwd=unchanged.home.parent,
        capture_output=True,
        encoding="utf-8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
        start_new_session=True,
        check=False,
    )

    assert done.returncode in (19, 21)
    assert "" == done.stdout
    assert "Traceback" not in done.stderr


# --- what `check` finds --------------------------------------------------------------------------


def tamper(shell: Shell, statement: str) -> None:
    """Change rows past the desk, as somebody with the keys can."""
    keys = KeyFolder(shell.home / "keys")
    database = raw(ledger(shell), keys.open(None).page_key)
    keys.close()
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        database.execute(f"DROP TRIGGER {trigger}")
    database.execute(statement)
    database.close()


@pytest.fixture
def tampered(shell: Shell) -> Shell:
    """A home in which a greeting was changed, to one that a terminal would obey."""
    tamper(shell, "UPDATE packet SET greeting = '\x1b[2J[red]另一句' WHERE number = 2")
    return shell


def test_a_failed_check_is_a_document_with_all_findings(tampered: Shell):
    """
    In English whatever the language, and with the exit code of damage.
    """
    told = [tampered.refuses("check", HONGBAO_LANG=language) for language in ("en", "zh_CN")]

    assert told[0] == told[1]
    code, error = told[0]
    assert (19, "checks_failed", 1) == (code, error["code"], error["failed"])
    (finding,) = error["findings"]
    assert ("terms", 1) == (finding["check"], finding["count"])
    assert [tampered.packets["lucky"]] == finding["rows"]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "✗ packets' terms are as sealed"),
        ("zh_CN", "✗ 红包条款与封存的相符"),
    ],
)
def test_a_failed_check_is_told_with_rows_and_a_next_step(
    tampered: Shell, language: str, told: str
):
    """
    Under the check's own line, before the sentence that ends it.
    """
    said = tampered.at_terminal("check", columns=40, HONGBAO_LANG=language)

    screen = plain(said.out)
    assert 19 == said.code
    assert told in screen
    assert f"    {tampered.packets['lucky']}\n" in screen
    assert "  → " in screen
    assert max(map(cell_len, screen.splitlines())) <= 40


def test_a_text_that_was_smuggled_in_is_not_obeyed(tampered: Shell):
    """
    What a terminal would obey is shown as text, wherever it comes from.
    """
    packet = tampered.packets["lucky"]

    screens = tampered.screens(("show", packet), ("packets",), columns=80)
    piped = tampered("packets")

    for screen in screens:
        assert "\x1b[2J" not in screen
        assert "\\x1b[2J[red]" in plain(screen)
    assert "\x1b" not in piped.out
    assert "\\x1b[2J[red]另一句" in piped.out


def test_an_unfair_packet_is_proved_so(shell: Shell):
    """
    What was paid beside what the draws give, exit code 19, and the same for programs.
    """
    tamper(shell, "UPDATE claim SET amount_fen = amount_fen + 1 WHERE packet = 3 AND seat = 1")
    packet = shell.packets["equal"]

    code, error = shell.refuses("verify", packet)
    told = shell.at_terminal("verify", packet)

    assert (19, "unfair") == (code, error["code"])
    assert [888 + 1, 888] == [share["amount_fen"] for share in error["shares"]]
    assert 19 == told.code
    assert re.search(r"1  小红  8\.89 +8\.88  ✗", plain(told.out))


def test_a_home_that_others_could_write_to_is_closed_and_said(shell: Shell):
    """
    Once, to people; programs find no word of it where they expect an answer.
    """
    keys, data = shell.home / "keys", shell.home / "data"
    keys.chmod(0o777)
    data.chmod(0o770)

    first, second = shell("balance"), shell("balance")

    assert (0, 0) == (first.code, second.code)
    assert [
        f"other users of this machine could write to {folder}; this is closed now"
        for folder in (data, keys)
    ] == first.err.splitlines()
    assert "" == second.err
    assert first.out == second.out
    assert (0o700, 0o700) == (keys.stat().st_mode & 0o777, data.stat().st_mode & 0o777)
    keys.chmod(0o777)
    assert shell.answers("balance")
    assert 0o700 == keys.stat().st_mode & 0o777


def test_a_link_in_the_homes_place_is_named(shell: Shell, tmp_path: Path):
    """
    What it points at is not touched.
    """
    (tmp_path / "precious").write_text("mine")
    (shell.home / "keys" / "head").unlink()
    (shell.home / "keys" / "head").symlink_to(tmp_path / "precious")

    code, error = shell.refuses("balance")

    assert (21, "foreign_file") == (code, error["code"])
    assert f"{shell.home}/keys/head is not used: it is a link" == error["message"]
    assert "mine" == (tmp_path / "precious").read_text()


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="the system shows no limits")
def test_a_command_that_holds_a_secret_leaves_no_core_dump(shell: Shell):
    """
    Wherever dumps are allowed: the limit is nought by the time that the PIN is waited for, and a
    crash then leaves none.
    """
    allowing = 'ulimit -S -c "$(ulimit -H -c)" && exec "$@"'
    process = subprocess.Popen(
        ["sh", "-c", allowing, "sh", *COMMAND, "topup", "1", "--pin-file", "-"],
        env=shell.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=shell.home.parent,
        start_new_session=True,
    )
    try:
        limits = Path(f"/proc/{process.pid}/limits")
        ends_at = time.monotonic() + 20
        while not re.search(r"^Max core file size +0 +0 ", limits.read_text(), re.MULTILINE):
            assert time.monotonic() < ends_at
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = status
        assert process.stdin is not None
        process.stdin.close()
    assert (signal.SIGABRT, False) == (os.WTERMSIG(status), os.WCOREDUMP(status))


def test_a_common_passphrase_is_refused(shell: Shell, tmp_path: Path):
    """
    And the profile's name with digits; nothing is locked then.
    """
    for words in ("password", "小明12345678"):
        (tmp_path / "words").write_text(words)
        code, error = shell.refuses("lock", "--passphrase-file", str(tmp_path / "words"))
        assert (2, "common_passphrase") == (code, error["code"])
        assert words not in json.dumps(error, ensure_ascii=False)
    shell.does("balance")


@pytest.mark.parametrize("typed", [("invite", "it"), ("connect", "mysql://pay@127.0.0.1:1/a")])
def test_a_ledger_that_is_a_file_is_refused_before_a_secret_is_typed(
    shell: Shell, typed: tuple[str, str]
):
    """
    Without a terminal, a question would be refused in another way.
    """
    code, error = shell.refuses("home", *typed)

    assert (2, "not_shared") == (code, error["code"])
