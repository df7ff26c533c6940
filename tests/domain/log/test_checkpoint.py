"""Checkpoints and signed notes: the bytes that other programs read, and nothing else."""

import base64

import pytest
from hypothesis import given

from hongbao.domain.log.checkpoint import (
    NOTE_BYTES_MAX,
    Checkpoint,
    Key,
    Malformed,
    NotSigned,
    Origin,
    opened,
    parse_checkpoint,
    parse_origin,
    signature,
    signed,
)
from hongbao.vault.primitives import SigningKey, signature_fits
from tests.domain.log.trees import checkpoints
from tests.every import every

LOG = SigningKey(bytes(range(32)))
MACHINE = SigningKey(bytes(range(1, 33)))
HEAD = Checkpoint(Origin("0123456789abcdef", 2), 20852163, bytes(range(32)))
KEY = Key(str(HEAD.origin), LOG.public)
OTHER = Key("hongbao/0123456789abcdef/machine/7", MACHINE.public)

NOTE = """\
hongbao/0123456789abcdef/epoch/2
20852163
AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=

— hongbao/0123456789abcdef/epoch/2 SIGNATURE
"""


def test_a_checkpoint_is_three_lines():
    """
    Origin with the epoch, size, root: what a log's clients know by heart.
    """
    text = "".join(f"{line}\n" for line in NOTE.splitlines()[:3])

    assert text == HEAD.text
    assert HEAD == parse_checkpoint(text)


@given(checkpoints)
def test_a_checkpoint_is_read_as_it_was_written(checkpoint):
    """
    Of any epoch, size and root.
    """
    assert checkpoint == parse_checkpoint(checkpoint.text)
    assert checkpoint.origin == parse_origin(str(checkpoint.origin))


LINES = HEAD.text.splitlines()
ROOT = LINES[2]


@every(
    "text",
    [
        "",
        HEAD.text[:-1],
        HEAD.text + "an extension\n",
        HEAD.text + "\n",
        HEAD.text.replace("\n", "\r\n"),
        HEAD.text.replace("20852163", "020852163"),
        HEAD.text.replace("20852163", "-1"),
        HEAD.text.replace("20852163", "+1"),
        HEAD.text.replace("20852163", "٣"),
        HEAD.text.replace("20852163", "1" * 20),
        HEAD.text.replace("20852163", "1_0"),
        HEAD.text.replace("epoch/2", "epoch/0"),
        HEAD.text.replace("epoch/2", "epoch/02"),
        HEAD.text.replace("hongbao/", "hongbao /"),
        HEAD.text.replace("cdef", "CDEF"),
        HEAD.text.replace("hongbao", "elsewhere.example"),
        HEAD.text.replace(ROOT, ROOT[:-2] + "9="),  # the same root, with bits that say nothing
        HEAD.text.replace(ROOT, ROOT[:-1]),
        HEAD.text.replace(ROOT, base64.b64encode(bytes(31)).decode()),
        HEAD.text.replace(ROOT, base64.b64encode(bytes(33)).decode()),
        HEAD.text.replace(ROOT, ROOT.replace("A", "_")),
    ],
)
def test_one_text_says_one_checkpoint(text):
    """
    What could be read in another way, or by another program as something else, is no checkpoint.
    """
    with pytest.raises(Malformed):
        parse_checkpoint(text)


def test_known_note():
    """
    The note, signed by its author's own key, that Go's package has as its example.
    """
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    said = (
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ry"
        "yBwJnAM="
    )
    public = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = Key("PeterNeumann", base64.b64decode(public)[1:])

    assert f"PeterNeumann+c74f20a3+{public}" == str(key)
    assert (text, frozenset({key})) == opened(
        f"{text}\n— PeterNeumann {said}\n".encode(), [key], signature_fits
    )


KEPT = (
    "O670G9O3dxiCUnu+/6zqkwDdghcs/gN21XCfSPVEiNVzEZj9gyXLBxcfpkuXHb+WcDA3jM9cd1/726w+iTUekaGhMgY="
)


def test_a_signed_checkpoint_is_the_same_bytes_each_time():
    """
    Ed25519 is deterministic, so what was committed can be signed again at any time.
    """
    assert NOTE.replace("SIGNATURE", KEPT).encode() == signed(HEAD.text, KEY, LOG.sign)


def test_several_keys_sign_one_note():
    """
    Each on a line of its own; who is not known says nothing, and who is known is named.
    """
    note = signed(HEAD.text, KEY, LOG.sign) + signature(HEAD.text, OTHER, MACHINE.sign)

    assert (HEAD.text, frozenset({KEY, OTHER})) == opened(note, [KEY, OTHER], signature_fits)
    assert (HEAD.text, frozenset({KEY})) == opened(note, [KEY], signature_fits)
    assert (HEAD.text, frozenset({OTHER})) == opened(note, [OTHER], signature_fits)
    stranger = Key(KEY.name, MACHINE.public)
    with pytest.raises(NotSigned):
        opened(note, [stranger], signature_fits)


def test_a_text_may_have_empty_lines():
    """
    The last one ends it.
    """
    text = "one\n\ntwo\n"

    assert text == opened(signed(text, KEY, LOG.sign), [KEY], signature_fits)[0]


def test_every_byte_of_a_note_is_signed():
    """
    With any of them changed there is no note, or none of this key; never another text.
    """
    note = signed(HEAD.text, KEY, LOG.sign)
    ends = len(note) - len(b"=\n")  # the last character's lowest bits say nothing
    for place in range(ends - 1):
        changed = bytearray(note)
        changed[place] ^= 1 << place % 8
        with pytest.raises(NotSigned):
            opened(bytes(changed), [KEY], signature_fits)


def test_a_signature_of_ours_that_does_not_fit_is_an_attempt():
    """
    Even beside one that fits.
    """
    note = signed(HEAD.text, KEY, LOG.sign) + signature("another text\n", OTHER, MACHINE.sign)

    assert {KEY} == opened(note, [KEY], signature_fits)[1]
    with pytest.raises(NotSigned):
        opened(note, [KEY, OTHER], signature_fits)


@every(
    "note",
    [
        b"",
        HEAD.text.encode(),
        HEAD.text.encode() + b"\n",
        signed(HEAD.text, KEY, LOG.sign)[:-1],
        signed(HEAD.text, KEY, LOG.sign) + b"x\n",
        signed(HEAD.text, KEY, LOG.sign) + "—  AAAA\n".encode(),
        signed(HEAD.text, KEY, LOG.sign) + "— a *\n".encode(),
        signed(HEAD.text, KEY, LOG.sign) + "— a b AAAA\n".encode(),  # a name has no space
        signed(HEAD.text, KEY, LOG.sign) + b"\xff\n",
        signed("a\tb\n", KEY, LOG.sign),
        signed("a\r\n", KEY, LOG.sign),
        signed("a" * NOTE_BYTES_MAX + "\n", KEY, LOG.sign),
    ],
)
def test_what_is_no_note_is_not_opened(note):
    """
    Not whole, not text, with control characters, or too large.
    """
    with pytest.raises(NotSigned):
        opened(note, [KEY], signature_fits)


def test_a_note_may_be_as_large_as_is_allowed():
    """
    To the byte.
    """
    spare = NOTE_BYTES_MAX - len(signed("\n", KEY, LOG.sign))
    note = signed("a" * spare + "\n", KEY, LOG.sign)

    assert NOTE_BYTES_MAX == len(note)
    assert {KEY} == opened(note, [KEY], signature_fits)[1]


def test_a_note_may_have_many_signatures():
    """
    At least sixteen, says the specification; a stranger's may be of any length.
    """
    stranger = Key("stranger.example/x", bytes(32))
    note = signed(HEAD.text, KEY, LOG.sign)
    for number in range(20):
        note += signature(HEAD.text, stranger, bytes(number).__add__)

    assert {KEY} == opened(note, [KEY, OTHER], signature_fits)[1]
