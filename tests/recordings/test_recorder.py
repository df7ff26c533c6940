"""What a recorder keeps of commands, and the story that is composed of it."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from hongbao.domain.identity import bank_of, parse_card_number, parse_id_number
from hongbao.env import system_env
from hongbao.errors import NotARecording, UnknownBank
from hongbao.recordings import composing, recorder
from hongbao.recordings.composing import Draft, made_up_card_number, made_up_id_number, made_up_pins
from hongbao.recordings.recorder import Head, Hider, Recorded
from hongbao.story import parse
from tests.cli.shell import CTRL_D, Said, Shell
from tests.every import every

SALT = "00" * 16


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that commands in the home of `shell` are recorded in."""
    file = tmp_path / "log"
    recorder.begin(file, salt=bytes(16), home=tmp_path / "home", founds=True, more={"file": "a"})
    return file


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home", "271828")


def recorded(log: Path, shell: Shell, *lines: Sequence[str]) -> list[Said]:
    """Type *lines* while they are recorded in *log*."""
    return shell.plays(*lines, HONGBAO_RECORDING=str(log))


def composed(log: Path) -> Draft:
    return composing.compose(recorder.read(log)[1])


def entry(*words: str, **ids: str) -> Recorded:
    """Return a command that ended well and answered with *ids*."""
    return Recorded(words, 0, None, ids, (), (), 0, None, None)


def test_what_was_typed_becomes_a_story(log: Path, shell: Shell):
    """
    With its exit codes, with names for ids and people, and without what only explains.
    """
    recorded(
        log,
        shell,
        ("init", "张三"),
        ("init", "Ann Lee"),
        ("card", "add", "9999010000000003"),
        ("topup", "50"),
        ("send", "8.88", "--count", "2", "--greeting", "见[packet] => ok"),
        ("claim", "{1}", "-p", "Ann Lee"),
        ("HONGBAO_PROFILE=Ann Lee", "claim", "{1}"),
        ("--profile=张三", "claim", "last"),
        ("help", "send"),
        ("send", "--help"),
        ("sned",),
        ("sandbox", "shell"),
    )

    draft = composed(log)

    assert (
        "# hongbao story 1\n"
        "given text_1 = 见[packet] => ok\n"
        "file pin: 246810\n"
        f"init 张三 --clock {recorder.CLOCK} --dice {recorder.SEED}  => 0\n"
        "init 'Ann Lee'  => 0\n"
        "card add 9999010000000003  => 0\n"
        "topup 50  => 0\n"
        "send 8.88 --count 2 --greeting [text_1]  => 0\n"
        "claim [packet] -p 'Ann Lee'  => 0\n"
        "claim [packet] -p 'Ann Lee'  => 11\n"
        "张三: claim last  => 0\n"
        "sned  => 2\n"
    ) == draft.text().partition("note")[0]
    assert ["hongbao sandbox shell"] == [each.typed for each in draft.left_out]
    assert draft.text().count("\nnote ") == 2
    assert {"packet"} == {*draft.steps[4].names}


def test_no_secret_reaches_the_log_or_the_story(log: Path, shell: Shell, tmp_path: Path):
    """
    No PIN, passphrase, ID number or real name, in any way that it can be given; not even the folder
    that a file is in.
    """
    number, card = "110101199003074530", "6222020000000003"
    secrets = {
        "new": "314159",
        "wrong": "908172",
        "words": "seventeen purple horses",
        "me": f"王大锤 {number}",
    }
    for name, text in secrets.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    said = recorded(
        log,
        shell,
        ("init", "张三"),
        ("identify", "--id-file", str(tmp_path / "me")),
        ("identify", "--name=王大锤", "--id-number", number),
        ("identify", "--name", "王大锤", "--id-number", f"{number[:-1]}1"),
        ("send", "1", "--greeting", f"{number} {card}"),
        ("card", "add", card),
        ("send", "1", f"--pin-file={tmp_path / 'wrong'}"),
        ("pin", "change", "--new-pin-file", str(tmp_path / "new")),
        ("topup", "1", "--pin-file", str(tmp_path / "new")),
        ("lock", "--pin-file", str(tmp_path / "new"), "--passphrase-file", str(tmp_path / "words")),
        (f"HONGBAO_PASSPHRASE_FILE={tmp_path / 'words'}", "export", "-o", f"{tmp_path}/a.csv"),
    )
    assert [0, 0] == [said[0].code, said[1].code]

    kept = log.read_text("utf-8").partition("\n")[2]
    story = composed(log).text()

    assert composed(log).replaced
    for secret in (shell.pin, *secrets.values(), number, number[:-1], card, "王大锤", "大锤"):
        assert secret not in story
        assert json.dumps(secret)[1:-1] not in kept
    assert str(tmp_path) not in story + kept
    assert [
        "file me: 张三 11010519491231002X",
        "file wrong-pin: 135790",
        "file pin-2: 975310",
        "file passphrase: correct horse battery staple",
    ] == [line for line in story.splitlines() if line.startswith("file")][1:]
    assert "send 1 --pin-file wrong-pin  => 14\n" in story
    assert "pin change --new-pin-file pin-2  => 0\n" in story
    assert "HONGBAO_PASSPHRASE_FILE=passphrase export -o a.csv  => 0\n" in story
    assert "--id-number 110105194912310020  => 2\n" in story
    parse(story, "a")


def test_what_is_typed_at_a_question_is_part_of_the_story(log: Path, shell: Shell):
    """
    A value, a choice and a yes; a wrong PIN and then the right one are two tries.
    """
    shell.does("init", "张三", HONGBAO_RECORDING=str(log))
    number, pin, wrong = "9999010000000003\n", f"{shell.pin}\n", "908172\n"
    for words, replies in (
        (["card", "add"], [("card number: ", number), ("PIN: ", pin)]),
        (["topup"], [("yuan: ", "50\n"), ("PIN: ", wrong), ("PIN: ", pin)]),
        (["topup"], [("yuan: ", "5\n"), ("PIN: ", CTRL_D)]),
    ):
        shell.at_terminal(*words, replies=replies, HONGBAO_RECORDING=str(log))

    draft = composed(log)

    assert [
        "card add 9999010000000003",
        "topup 50 --pin-file wrong-pin",
        "topup 50",
    ] == [step.typed for step in draft.steps[1:]]
    assert [0, 14, 0] == [step.code for step in draft.steps[1:]]
    assert [("hongbao topup 5", "given_up")] == draft.left_out
    assert "908172" not in log.read_text()


def test_another_wallet_is_none_of_its_business(log: Path, shell: Shell, tmp_path: Path):
    """
    Nor does a wallet that is founded there get a clock.
    """
    shell.does("init", "张三", HONGBAO_RECORDING=str(log))
    other = Shell(tmp_path / "other", "271828")
    other.does("init", "李四", HONGBAO_RECORDING=str(log))

    assert ["other_wallet"] == [each.reason for each in composed(log).left_out]


def test_a_log_that_is_lost_hinders_no_command(shell: Shell, tmp_path: Path):
    """
    It is said once, and the exit code is the command's.
    """
    (tmp_path / "no").write_text("no", encoding="utf-8")

    for name, reason in (("none", "No such file or directory"), ("no", "is not the log")):
        said = shell("init", "a", HONGBAO_RECORDING=str(tmp_path / name))
        assert f"this command is not in the recording {tmp_path / name}: " in said.err
        assert reason in said.err
        assert said.code == (0 if name == "none" else 2)


def test_a_log_is_for_its_owner_alone_and_a_torn_line_is_none(log: Path):
    """
    As one that was killed leaves it.
    """
    recorder.add(log, entry("balance"))
    with log.open("ab") as file:
        file.write(b'{"words": ["sen')

    assert 0o600 == log.stat().st_mode & 0o777 or os.name == "nt"
    assert (
        Head("00" * 16, str(log.with_name("home")), True, {"file": "a"}),
        [entry("balance")],
    ) == (recorder.read(log))
    with pytest.raises(FileExistsError):
        recorder.begin(log, salt=b"", home=log, founds=True, more={})


@every("text", ["", "[]\n", "{}\n", '{"form": 2}\n', '{"form": 1}\n', "\xff\n"])
def test_what_is_no_log_is_refused(text: str, tmp_path_factory: pytest.TempPathFactory):
    """
    Empty, of another form, or something else.
    """
    file = tmp_path_factory.mktemp("logs") / "log"
    file.write_text(text, encoding="latin-1")

    with pytest.raises(NotARecording):
        recorder.read(file)


@every(
    ("words", "code", "error", "reason"),
    [
        (["sandbox"], 0, None, "own_wallet"),
        (["--json", "play", "a.txt"], 0, None, "own_wallet"),
        (["config", "edit"], 0, None, "interactive"),
        (["watch", "--count", "1"], 0, None, "interactive"),
        (["serve"], 0, None, "interactive"),
        (["serve", "--once"], 0, None, None),
        (["storm", "--seed", "1"], 0, None, "own_wallet"),
        (["webhook", "add", "http://127.0.0.1:9/"], 0, None, "receiver"),
        (["events", "resend", "1"], 0, None, "receiver"),
        (["events", "deliveries"], 0, None, None),
        (["topup", "5"], 2, "declined", "given_up"),
        (["topup", "5"], 130, "interrupted", "interrupted"),
        (["topup", "5"], 12, "insufficient_balance", None),
        (["sned"], 2, "usage", None),
    ],
)
def test_what_cannot_be_played(words: list[str], code: int, error: str | None, reason: str | None):
    """
    What is another wallet's, a person's, or was never done; refusals and slips can be.
    """
    assert reason == recorder.why_left_out(words, code=code, error=error)
    assert reason is None or reason in composing.LEFT_OUT


def test_words_that_a_story_would_misread_are_written_so_that_it_does_not():
    """
    A colon, an arrow, a #, a quote; a line break cannot be written at all.
    """
    odd = [("send: 5",), ("#", "x"), ("send", "=>", "0"), ("send", "it's", ""), ("--", "-p", "x")]
    draft = composing.compose([entry(*words) for words in (*odd, ("send", "a\nb"))])

    story = parse(draft.text(), "a")

    assert ["line_break"] == [each.reason for each in draft.left_out]
    assert len(odd) == sum(type(scene).__name__ == "Command" for scene in story.scenes)


def test_names_of_ids_never_meet():
    """
    Each thing's first is called so, the next by their number, and a story still knows its kind.
    """
    entries = [entry("send", "1", packet=f"hb_{n:08}") for n in range(12)]

    names = [name for step in composing.compose(entries).steps for name in step.names]

    assert ["packet", "second_packet", "third_packet"] == names[:3]
    assert ["n11_packet", "n12_packet"] == names[10:]


def test_what_is_made_up_is_accepted_where_the_real_one_was():
    """
    And refused where it was refused; no two are the same.
    """
    today = system_env().now().date()
    numbers = [made_up_id_number(n) for n in range(300)]
    pins = made_up_pins()

    assert len({*numbers}) == len([parse_id_number(number, today) for number in numbers])
    assert 30 == len({next(pins) for _ in range(30)})
    with pytest.raises(UnknownBank):
        bank_of(parse_card_number(made_up_card_number(7)))


@every(
    ("text", "hidden"),
    [
        ("88.88", False),
        ("9999010000000003", False),
        ("12345678901234567890123", False),
        ("6222 0200 0000 0000", True),
        ("我的号码是110101199003074530。", True),
        ("hb_38KMMAWG", False),
    ],
)
def test_numbers_that_may_be_someones_are_hidden(text: str, hidden: bool):
    """
    Wherever they stand in a word; a demo card and an amount are no one's.
    """
    assert hidden == (Hider(SALT).text(text) != text)
