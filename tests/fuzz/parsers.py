"""
Every parser that meets the outside, as a property: it returns, or it refuses in its own way.

Each takes what was typed, or what is in a file, as bytes. `contents` makes them from whole ones by
cutting, repeating, joining and inserting what the parser looks for, so most get past its first
line. One property serves pytest (`test_parsers.py`) and atheris (`guided.py`).

What adds coverage is kept in `corpus/`, as the contents themselves: each is tried again every day,
and new ones are made from it.
"""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from hongbao.classroom import roster, submission
from hongbao.classroom.task import read as read_task
from hongbao.commands.webhook import _parted
from hongbao.delivery import cursors, posting, programs, signing
from hongbao.domain import bank_statement, dates, identity, ids, money, puzzle
from hongbao.domain import text as texts
from hongbao.domain.bill import read as read_bill
from hongbao.domain.passphrase import check_passphrase
from hongbao.domain.pin import Pin, check_strength
from hongbao.domain.policy import parse_policy
from hongbao.domain.risk import forest, pack
from hongbao.engines.sqlcipher import Ledger
from hongbao.errors import HongbaoError
from hongbao.inputs import read_lines, read_text
from hongbao.lessons import script as lesson
from hongbao.recordings import recorder, scenario, verifying
from hongbao.settings import parse as parse_settings
from hongbao.statements._bills.file import BillFile
from hongbao.statements._proofs.verification import Judge
from hongbao.story import script as story
from hongbao.story.tables import parse_table
from hongbao.vault import (
    Cost,
    DeviceKeys,
    KeyFolder,
    Notes,
    Tries,
    TriesFolder,
    Vault,
    authenticator,
)
from hongbao.vault.checkpoint import CheckpointFile
from hongbao.vault.head import HeadNote, written_line
from tests.corruption.trying import PAGE_BYTES

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
NOON = date(2026, 2, 16)
CHEAP = Cost(passes=1, memory_kib=8, lanes=1)


class Parser(NamedTuple):
    """How something of the outside is *read*, and whole examples of it."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refusals: tuple[type[Exception], ...] = (HongbaoError,)


# --- what is typed --------------------------------------------------------------------------------


def typed(*reads: Callable[[str], Any]) -> Callable[[bytes], None]:
    """Return a reader of what can be an argument: any text but one with a null character."""

    def read(content: bytes) -> None:
        text = content.decode("utf-8", "replace").replace("\0", "")
        for each in reads:
            refused(partial(each, text))

    return read


def refused(act: Callable[[], object], refusals: tuple[type[Exception], ...] = (HongbaoError,)):
    """Do *act*; if it is refused, the refusal can be shown, as text and as JSON."""
    try:
        act()
    except refusals as error:
        if isinstance(error, HongbaoError):
            _shown(error)


def _shown(error: HongbaoError) -> None:
    assert error.code
    assert error.message
    json.dumps(error.as_dict())


def command_line(content: bytes) -> None:
    """Whatever our own reader reads, the library reads so, too."""
    from tests.cli import test_reading as lines

    words = content.decode("utf-8", "replace").replace("\0", "").split("\n")
    ours = lines.by_us(words)
    if ours is not None:
        assert ours == lines.by_library(words), words


def settled(text: str) -> None:
    """A PIN is six digits, and strong or weak."""
    check_strength(Pin(text), NOON)


# --- files ----------------------------------------------------------------------------------------


@cache
def folder() -> Path:
    """Return a folder of this process, in memory where there is such a disk."""
    holder = tempfile.TemporaryDirectory(prefix="hongbao-fuzz-")
    _KEPT.append(holder)
    return Path(holder.name)


_KEPT: list[Any] = []


def file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of the content of a file called *name*."""

    def of_content(content: bytes) -> object:
        path = folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)
        return read(path)

    return of_content


def text_of(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """Return a reader of a text file: what is not UTF-8 does not come as far."""
    return lambda content: read(content.decode("utf-8-sig", "replace"))


def bill_in(path: Path) -> None:
    _header, rows = read_bill(BillFile(str(path)))
    for _row in rows:
        pass


def bank_rows(text: str) -> None:
    bank_statement.seal(text.splitlines(keepends=True))
    _header, rows = bank_statement.read(text.splitlines(keepends=True))
    for _row in rows:
        pass


def decided(text: str) -> None:
    """Whatever is read as a risk pack's model scores."""
    forest.parse_forest(text, "model.json")


@cache
def vault() -> Vault:
    return Vault(bytes(range(32)), 1, cost=CHEAP)


def master(path: Path) -> None:
    keys = KeyFolder(path.parent, cost=CHEAP)
    try:
        refused(keys.wrapping)
        refused(partial(keys.peek, lambda: "open sesame"))
    finally:
        keys.close()


def device_key(content: bytes) -> None:
    """The file of a device's key is the very one, or no key."""
    public, whole = device()
    path = folder() / f"devices/{public.hex()[:16]}.key"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    DeviceKeys(folder(), vault()).check(public)
    assert content == whole


def backup(content: bytes) -> None:
    """A backup begins with the very page that it was written with, or is none of these keys."""
    whole = ledger()
    path = folder() / "backup.db"
    for log in ("", "-wal", "-shm"):
        path.with_name(path.name + log).unlink(missing_ok=True)
    path.write_bytes(content + whole[PAGE_BYTES:])
    path.chmod(0o600)
    Ledger.open(path, vault().page_key).close()
    assert content == whole[:PAGE_BYTES]


def webhook(content: bytes) -> None:
    """A request is genuine where its id, its time and its body are those that were signed."""
    headers, body = _parted(content)
    for now in (None, SENT_AT):
        found = signing.problems(headers, body, [SHARED], now)
        json.dumps(found)
        if not found:
            assert (headers[signing.ID], headers[signing.TIMESTAMP], body) == SIGNED
            datetime.fromtimestamp(int(headers[signing.TIMESTAMP]), UTC)


def note(path: Path) -> None:
    cursors.Cursor(Notes(path.parent, vault()), "reader").place()


def recording(path: Path) -> None:
    recorder.read(path)


def checkpoint(path: Path) -> None:
    noted = CheckpointFile(path.parent, vault())
    refused(noted.generation)
    noted.read()


def verdict(path: Path) -> None:
    Judge(None).judge(path)


def picture(path: Path) -> None:
    verifying.read(path, path.name)


# --- whole ones -----------------------------------------------------------------------------------


def of(*patterns: str) -> tuple[bytes, ...]:
    """Return the contents of the files that fit *patterns*."""
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    assert found
    return tuple(path.read_bytes() for path in found)


def zipped(content: bytes) -> bytes:
    """
    Return the workbook that *content* is a mutation of, packed anew.

    A changed byte of a zip is found by its checksum, and no parser ever sees it. So a part of the
    workbook comes in plain, behind its name.
    """
    name, _, part = content.partition(b"\n")
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(ROOT / "tests/bills/empty-row-first.xlsx") as whole,
        zipfile.ZipFile(packed, "w") as mutated,
    ):
        for each in whole.namelist():
            changed = each.encode() == name
            mutated.writestr(each, part if changed else whole.read(each))
    return packed.getvalue()


def parts() -> tuple[bytes, ...]:
    with zipfile.ZipFile(ROOT / "tests/bills/empty-row-first.xlsx") as whole:
        return tuple(each.encode() + b"\n" + whole.read(each) for each in whole.namelist())


def keys() -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory() as place:
        made = KeyFolder(Path(place, "keys"), cost=CHEAP)
        opened = made.create()
        by_device = Path(place, "keys/master.json").read_bytes()
        made.lock(opened, "open sesame")
        by_passphrase = Path(place, "keys/master.json").read_bytes()
        made.close()
    return by_device, by_passphrase


def tried() -> bytes:
    with tempfile.TemporaryDirectory() as place:
        TriesFolder(Path(place), vault()).set("1", Tries())
        return Path(place, "tries/1").read_bytes()


def proven() -> bytes:
    with tempfile.TemporaryDirectory() as place:
        CheckpointFile(Path(place), vault()).write(b"[]")
        return Path(place, "checkpoint").read_bytes()


@cache
def device() -> tuple[bytes, bytes]:
    """Return the public key of a device, and the file of its private one."""
    with tempfile.TemporaryDirectory() as place:
        public = DeviceKeys(Path(place), vault()).create()
        (path,) = Path(place, "devices").glob("*.key")
        return public, path.read_bytes()


@cache
def ledger() -> bytes:
    """Return a ledger in which nothing has happened yet."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "ledger.db")
        Ledger.create(path, vault().page_key).close()
        return path.read_bytes()


def requests() -> tuple[bytes, ...]:
    """Return a signed request with each end of a line, and one of a secret that is rotated."""
    message, timestamp, body = SIGNED
    other = signing.Secret("whsec_" + "AAAA" * 8)
    made = []
    for end, secrets in (("\n", [SHARED]), ("\r\n", [SHARED]), ("\n", [other, SHARED])):
        headers = signing.headers(message, SENT_AT, body, secrets)
        assert headers[signing.TIMESTAMP] == timestamp
        lines = [f"{name}: {value}" for name, value in headers.items()]
        made.append(end.join(["POST /hook HTTP/1.1", *lines, "", ""]).encode() + body)
    return tuple(made)


SHARED = signing.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SENT_AT = datetime(2026, 2, 16, 12, tzinfo=UTC)
SIGNED = ("evt_7", "1771243200", '{"type": "claimed", "who": "小红"}'.encode())
WORDS = (b"", "小红".encode(), b"hb_7Q2M4K9X", b"5", b"66.66", b"2026-02-16", b"30d", b"last")
RECORDED = (
    b'{"form": 1, "salt": "00", "home": "/h", "founds": true, "more": {}}\n'
    b'{"words": ["init", "a"], "code": 0, "error": null, "facts": {}, "secrets": [],'
    b' "identity": [], "wrong_tries": 0, "profile": null, "left_out": null}\n'
)
LINK = b"otpauth://totp/hongbao:a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=h"

CARRIED = json.dumps(
    {
        scenario.KEY: scenario.FORM,
        "story": "balance => 0\n",
        "language": "en",
        "given": {"who": "a"},
        "columns": 80,
        "rows": 24,
        "chapters": [{"title": "One", "digest": None}],
        "lines": ["$ balance"],
    }
).encode()
"""What a picture carries of its story."""

PARSERS = {
    # What is typed.
    "amounts": Parser(
        typed(money.parse_yuan, money.parse_yuan_or_zero, puzzle.parse_count, money.parse_yuan),
        (
            b"66.66",
            b"0.01",
            "１２，５".encode(),
            b"1_000",
            b"1e5",
            "¥8.88".encode(),
            b"99999999999",
        ),
    ),
    "dates": Parser(
        typed(
            *(dates.parse_instant, dates.parse_period_end, dates.parse_duration, dates.parse_span),
        ),
        (
            b"2026-02-16",
            b"2026-02-16T20:00+08:00",
            b"1d12h",
            b"30m",
            b"2026-W08",
            b"2026-02..",
            b"0001-01-01",
            b"9999-12-31T23:59:59-14:00",
            b"today",
            b"7d",
            b"999999999999d",
        ),
    ),
    "ids": Parser(
        typed(
            *(ids.parse_packet_id, ids.parse_case_id, ids.parse_challenge_id, ids.parse_bill_id),
            *(ids.parse_movement_id, ids.check_request_id),
            *(cursors.check_name, identity.parse_card_number, identity.parse_real_name),
            lambda text: identity.parse_id_number(text, NOON),
        ),
        (
            b"hb_7Q2M4K9X",
            b"rc_7Q2M4K9X",
            b"ch_7Q2M4K9X",
            b"m12-1",
            b"9999010000000003",
            b"11010519491231002X",
            "买买提·艾合买提".encode(),
            b"sent_1h",
            b"reader",
        ),
    ),
    "names": Parser(
        typed(
            *(texts.parse_profile_name, texts.parse_account_root, texts.parse_device_name),
            *(texts.parse_luck, lambda text: texts.parse_greeting(text, 25)),
            lambda text: texts.parse_line(text, "reason", 200),
        ),
        (
            "小红".encode(),
            b"Ann Lee",
            b"Ann@phone",
            "恭喜发财👨‍👩‍👧".encode(),
            "e\u0301\u202e".encode(),
        ),
    ),
    "secrets": Parser(
        typed(
            *(settled, check_passphrase, authenticator.parse_code, authenticator.parse_secret),
            signing.Secret,
        ),
        (
            b"271828",
            "１２３４５６".encode(),
            b" 287 082 ",
            b"correct horse battery staple",
            b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            b"gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            LINK,
        ),
    ),
    "targets": Parser(
        typed(programs.parse_program, posting.parse_url),
        (
            b"notify-send 'a red packet'",
            b"https://example.com:8443/hook?a=b#c",
            b"http://[::1]/",
            b"http://user:secret@localhost:99999/",
            "https://例え.jp/".encode(),
            b"http://a:/",
        ),
    ),
    "command-line": Parser(command_line, ()),
    # What is handed in as a file.
    "lines": Parser(
        file("lines", lambda path: read_lines(str(path), 2, secret=True)),
        (b"271828\n", "红包\r\n".encode("utf-16"), "红包".encode("gbk"), b"\xef\xbb\xbfa\rb"),
    ),
    "texts": Parser(
        file("text", lambda path: read_text(str(path), 100)),
        (b"a\n", "红包\r\n".encode("utf-16"), "红包".encode("gbk"), b"\xef\xbb\xbfa\rb"),
    ),
    "policy": Parser(text_of(partial(parse_policy, source="p")), of("hongbao/policies/*.toml")),
    "pack": Parser(text_of(partial(pack.parse_pack, source="p")), of("hongbao/packs/*.toml")),
    "model": Parser(
        text_of(decided),
        (b'{"form":1}', of("hongbao/packs/model.json")[0]),
    ),
    "settings": Parser(
        text_of(partial(parse_settings, source="config.toml")),
        (b'motion = "off"\nlanguage="zh"\n[columns]\nhistory = "at,+status"\n[aliases]\nb="a"',),
    ),
    "story": Parser(
        text_of(partial(story.parse, source="story", folder=None)),
        of("hongbao/stories/*.txt", "tests/stories/*.txt"),
    ),
    "table": Parser(text_of(partial(parse_table, source="t")), (b'a,b\n1,"2"\n', b"who\n\n")),
    "lesson": Parser(
        text_of(partial(lesson.read, name="l", source="l")), of("hongbao/lessons/*.toml")
    ),
    "task": Parser(
        text_of(partial(read_task, name="t", source="t")), of("hongbao/classroom/tasks/*.toml")
    ),
    "roster": Parser(
        file("roster.csv", roster.read),
        ("id,name\ns01,张三\ns02,李四\n".encode(), "学号\t姓名\n1\t张三\n".encode("gbk")),
    ),
    "hand-in": Parser(
        file("hand-in.txt", submission.read),
        (
            b"given task = penny\ngiven student = s01\nbalance => 0\n",
            *of("hongbao/stories/packet.txt"),
        ),
        (submission.UnreadableError,),
    ),
    "bill": Parser(file("bill.csv", bill_in), of("tests/bills/*.csv")),
    "workbook": Parser(lambda content: file("bill.xlsx", bill_in)(zipped(content)), parts()),
    "zip": Parser(file("bill.xlsx", bill_in), of("tests/bills/*.xlsx")),
    "bank-statement": Parser(text_of(bank_rows), ()),
    "statement": Parser(file("statement.json", verdict), ()),
    "receipt": Parser(file("receipt.txt", verdict), ()),
    "recording": Parser(file("log", recording), (RECORDED,)),
    "cast": Parser(
        file("a.cast", picture),
        (b'{"version": 2, "hongbao": %b}\n[0.5, "o", "$ a\\r\\n"]\n' % CARRIED,),
    ),
    "svg": Parser(
        file("a.svg", picture),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><metadata id="hongbao">%b</metadata>'
            b'<g id="lines"><text>$ balance</text></g></svg>' % CARRIED,
        ),
    ),
    "html": Parser(
        file("a.html", picture),
        (
            b'<script id="hongbao" type="application/json">%b</script><text>$ balance</text>'
            % CARRIED,
        ),
    ),
    # What stands in a home, and another may have changed.
    "master": Parser(file("keys/master.json", master), keys()),
    "head": Parser(
        file("noted/head", lambda path: (HeadNote(path).read(), HeadNote(path).began_late())),
        (written_line(7, bytes(32)) * 2, written_line(7, bytes(32)) * 3),
    ),
    "tries": Parser(
        file("noted/tries/1", lambda path: TriesFolder(path.parents[1], vault()).read("1")),
        (tried(),),
    ),
    "device-key": Parser(device_key, (device()[1],)),
    "backup": Parser(backup, (ledger()[:PAGE_BYTES],)),
    "webhook": Parser(webhook, requests()),
    "checkpoint": Parser(file("checkpoint/checkpoint", checkpoint), (proven(),)),
    "cursor": Parser(
        file("delivery/cursor-reader", note),
        (b'{"format": 1, "mark": 3, "event": 2, "seals": [[1, "ab"]]}',),
    ),
}


# --- contents -------------------------------------------------------------------------------------

NASTY = (
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\x0b", "\x85\u2028".encode()),
    *(b"-1", b"0", b"1e999", b"NaN", b"9" * 30, b"9" * 5000, b"0x1F", "٣".encode(), "²".encode()),
    *(
        b"'",
        b'"',
        b"\\",
        b"=",
        b"--",
        b"-",
        b"[[",
        b"]",
        b"{",
        b"}",
        b"null",
        b"true",
        b"[]",
        b"{}",
    ),
    *(b"[" * 3000, b"{" * 50, b'{"a":' * 3000, b"${", b"%s", b"{0}", "\u202e".encode()),
    *(
        b"a" * 5000,
        "红".encode() * 300,
        "👨‍👩‍👧".encode(),
        b"<!DOCTYPE a [<!ENTITY b SYSTEM 'c'>]>",
    ),
)


def command_lines() -> tuple[bytes, ...]:
    """Return each command with all its options, a word on a line."""
    from tests.cli.test_reading import LEVELS  # which imports every command

    return tuple(
        "\n".join([*words, *(name for value in declared.params for name in value.names)]).encode()
        for words, declared, _kind in LEVELS.values()
    )


def seeds_of(name: str) -> tuple[bytes, ...]:
    """Return the whole contents for the parser called *name*, and those that were kept."""
    seeds = command_lines() if name == "command-line" else PARSERS[name].seeds
    return seeds + tuple(content for _name, content in kept(name)) or (b"",)


def kept(name: str) -> list[tuple[str, bytes]]:
    """Return what of the parser called *name* is in the corpus, by its file's name."""
    return [(path.name, path.read_bytes()) for path in sorted((CORPUS / name).glob("*"))]


@cache
def tokens(name: str) -> tuple[bytes, ...]:
    """Return what stands in whole contents, as words and as signs."""
    found = (re.findall(rb"[\w\x80-\xff.-]+|[^\w\s\x80-\xff]+", each) for each in seeds_of(name))
    return tuple(dict.fromkeys(each for every in found for each in every[:2000]))[:1500] + WORDS


def contents(name: str) -> st.SearchStrategy[bytes]:
    """Return contents for the parser called *name*: whole ones with a few changes, or anything."""
    return mutated(seeds_of(name), tokens(name)) | st.binary(max_size=60)


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...], words: tuple[bytes, ...]) -> bytes:
    content = draw(st.sampled_from(seeds))
    piece = st.sampled_from(words) | st.sampled_from(NASTY) | st.binary(max_size=4)
    for _change in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        cut = draw(st.sampled_from((0, 0, 1, 2, 5, 20, 200, len(content))))
        again = draw(st.integers(0, len(content)))
        put = draw(piece | st.just(content[again : again + 40]))
        content = content[:at] + put + content[at + cut :]
    return content


def try_one(name: str, content: bytes) -> None:
    """Give the parser called *name* a *content*: it reads it, or refuses it in its own way."""
    parser = PARSERS[name]
    refused(partial(parser.read, content), parser.refusals)
