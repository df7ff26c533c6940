"""Files that people hand in: one text, whatever program has saved it."""

import codecs
import os
import threading
from pathlib import Path

import pytest

from hongbao.errors import FileNotReadable
from hongbao.inputs import LINE_LENGTH_MAX, NotText, decoded, read_lines, read_text

WORDS = "恭喜发财 café"

SAVED = {
    "plain": WORDS.encode(),
    "with a mark": codecs.BOM_UTF8 + WORDS.encode(),
    "by Notepad, as Unicode": WORDS.encode("utf-16"),
    "big-endian": codecs.BOM_UTF16_BE + WORDS.encode("utf-16-be"),
}
"""One text, as programs save it. All but the last can be told from their first bytes."""


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\nmore\n"])
@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("secret", [True, False])
def test_a_line_is_read_alike_from_whatever_was_saved(
    saved: str, end: str, secret: bool, tmp_path: Path
):
    """
    A mark is no part of it, nor is the end of the line, in whichever way it is written.
    """
    encoding = {"by Notepad, as Unicode": "utf-16-le", "big-endian": "utf-16-be"}
    file = tmp_path / "file"
    file.write_bytes(SAVED[saved] + end.encode(encoding.get(saved, "utf-8")))

    assert [WORDS] == read_lines(str(file), 1, secret=secret)


def test_a_secret_in_another_encoding_is_not_guessed_at(tmp_path: Path):
    """
    The error names the encoding that is wanted, and says nothing of what was read; of what is no
    secret, GB 18030 is read.
    """
    file = tmp_path / "file"
    file.write_bytes("恭喜发财".encode("gb18030") + b"\r\n")

    assert ["恭喜发财"] == read_lines(str(file), 1, secret=False)
    assert "恭喜发财\n" == read_text(str(file), 100)
    with pytest.raises(
        FileNotReadable, match=r"it is not text in UTF-8; save it in that encoding$"
    ):
        read_lines(str(file), 1, secret=True)


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 100,
        "no mark".encode("utf-16-le"),
        codecs.BOM_UTF16_LE + b"odd",
        codecs.BOM_UTF8 + b"\xff",
        b"\xff" * 9,
        b"\x80",
    ],
)
def test_what_is_no_text_is_told_by_the_encodings(content: bytes, tmp_path: Path):
    """
    Bytes that only look like one are not taken for it.
    """
    (tmp_path / "file").write_bytes(content)

    for guess, named in ((True, "UTF-8, UTF-16 or GB 18030"), (False, "UTF-8")):
        with pytest.raises(NotText, match=named):
            decoded(content, guess=guess)
        with pytest.raises(FileNotReadable, match=named):
            read_lines(str(tmp_path / "file"), 1, secret=not guess)


def test_lines_that_a_file_lacks_are_empty(tmp_path: Path):
    """
    And those that it has too many are not looked at, whatever they are.
    """
    file = tmp_path / "file"
    file.write_bytes(b"one\r\ntwo\n\xff\xff\xff")

    assert ["one", "two"] == read_lines(str(file), 2, secret=True)
    (tmp_path / "short").write_bytes(b"one")
    assert ["one", "", ""] == read_lines(str(tmp_path / "short"), 3, secret=True)
    (tmp_path / "empty").touch()
    assert [""] == read_lines(str(tmp_path / "empty"), 1, secret=True)


def test_no_more_is_read_than_is_wanted(tmp_path: Path):
    """
    A pipe that stays open gives its first line; a device without end is not read to it.
    """
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    stays_open = threading.Event()

    def feed() -> None:
        with pipe.open("wb", buffering=0) as mouth:
            mouth.write(b"246813\n")
            stays_open.wait(20)

    feeding = threading.Thread(target=feed)
    feeding.start()
    try:
        assert ["246813"] == read_lines(str(pipe), 1, secret=True)
    finally:
        stays_open.set()
        feeding.join()
    with pytest.raises(FileNotReadable, match="it is not text"):
        read_lines("/dev/zero", 1, secret=True)
    with pytest.raises(FileNotReadable, match="it is not text"):
        read_text("/dev/zero", 65_536)


@pytest.mark.parametrize("character", ["a", "é", "红", "🧧"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_a_long_text_is_cut_between_characters(character: str, encoding: str, tmp_path: Path):
    """
    At the length that is still read, however many bytes a character has.
    """
    file = tmp_path / "file"
    file.write_bytes((character * 3 * LINE_LENGTH_MAX).encode(encoding))

    assert character * 101 == read_text(str(file), 100)
    assert [character * LINE_LENGTH_MAX] == read_lines(str(file), 1, secret=False)
