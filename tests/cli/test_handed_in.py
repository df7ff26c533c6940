"""Files that are handed in by an option: the same, whatever program has saved them."""

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from hongbao.policies import text_of
from tests.cli.conftest import ID_NUMBER, PIN
from tests.cli.shell import Shell

PASSPHRASE = "恭喜发财 horse battery"


def as_notepad(text: str) -> bytes:
    return codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode()


def as_unicode(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("utf-16")


def as_gbk(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("gb18030")


SAVED = [as_notepad, as_unicode]


@pytest.mark.parametrize("saved", SAVED)
def test_a_passphrase_is_the_same_from_every_editor(
    saved: Callable[[str], bytes], shell: Shell, tmp_path: Path
):
    """
    Locked with a file that Notepad has saved, opened with one that `echo` has, and the other way.
    """
    plain, other = tmp_path / "plain", tmp_path / "other"
    plain.write_text(f"{PASSPHRASE}\n")
    other.write_bytes(saved(f"{PASSPHRASE}\n"))

    for first, second in ((plain, other), (other, plain)):
        shell.does("lock", "--passphrase-file", str(first), HONGBAO_PASSPHRASE_FILE=str(second))
        shell.does("balance", HONGBAO_PASSPHRASE_FILE=str(second))


def test_a_passphrase_in_another_encoding_is_refused_by_its_name(shell: Shell, tmp_path: Path):
    """
    Nobody would see what it was taken for.
    """
    (tmp_path / "gbk").write_bytes(as_gbk(f"{PASSPHRASE}\n"))

    code, error = shell.refuses("lock", "--passphrase-file", str(tmp_path / "gbk"))

    assert (10, "file_not_readable") == (code, error["code"])
    assert error["message"].endswith("it is not text in UTF-8; save it in that encoding")
    shell.does("balance")


@pytest.mark.parametrize("saved", [*SAVED, as_gbk])
def test_other_files_are_the_same_from_every_editor(
    saved: Callable[[str], bytes], shell: Shell, tmp_path: Path
):
    """
    A PIN, a name with its ID number, rules, an authenticator's secret and a public key.
    """
    key = shell.answers("key")["public_key"]
    files = {
        "pin": f"{PIN}\n",
        "identity": f"张三\n{ID_NUMBER}\n",
        "policy": f"# 家规\n{text_of('standard')}",
        "key": f"{key}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_bytes(saved(text))

    said = shell.plays(
        ("topup", "1", "--pin-file", str(tmp_path / "pin")),
        ("identify", "--id-file", str(tmp_path / "identity"), "-p", "小红"),
        ("policy", "show", str(tmp_path / "policy")),
        ("export", "--format", "json", "-o", str(tmp_path / "a.json")),
        ("verify-statement", str(tmp_path / "a.json"), "--key", str(tmp_path / "key")),
        ("totp", "add", "--secret-file", str(tmp_path / "totp")),
    )
    (tmp_path / "totp").write_bytes(saved((tmp_path / "totp").read_text()))
    said += shell.plays(("totp", "code", "--secret-file", str(tmp_path / "totp")))

    assert [] == [each.err for each in said if each.code]


def test_standard_input_is_read_as_a_file_is(shell: Shell):
    """
    As from `type pin.txt | hongbao …`, with a mark and a line's end of Windows.
    """
    said = shell("topup", "1", "--pin-file", "-", stdin=f"\ufeff{PIN}\r\nnot this\n")

    assert (0, "") == (said.code, said.err)
