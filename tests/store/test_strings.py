"""Nothing of anybody can be read in any file of a home, however one reads it."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from hongbao.domain.packet import PacketKind
from hongbao.wallet import Wallet
from tests.wallet.acts import DAY
from tests.wallet.world import (
    CARD,
    LI,
    OTHER_CARD,
    PIN,
    YUAN,
    ZHANG,
    World,
    below,
    changed,
    id_number,
    raw,
    right,
    wrong,
)

GREETING, COVER = "心想事成岁岁平安", "Year of the Horse"
NAME, ID = "张三", id_number(1)
PASSPHRASE = "open sesame, please"
ORDERS: tuple[Literal["big", "little"], ...] = ("big", "little")
AMOUNT_FEN = 1234567
"""An amount that nothing else is equal to by chance."""


@pytest.fixture
def lived(world: World, tmp_path: Path) -> Iterator[Path]:
    """A home after a busy life, its desk still open, so that log and index are there too."""
    world.found("小明", dice=None)
    zhang = world.zhang
    zhang.topup(AMOUNT_FEN, pin=right)
    packet = zhang.send(66_66, count=2, greeting=GREETING, cover=COVER, pin=right)["packet"]
    world.li.claim(packet, request_id="order-2026-0001")
    with pytest.raises(Exception, match="claimed"):
        world.li.claim(packet, request_id="order-2026-0002")
    with pytest.raises(Exception, match="PIN"):
        world.li.topup(YUAN, pin=wrong)
    zhang.send(5_00, kind=PacketKind.EXCLUSIVE, recipient=LI, greeting=GREETING, pin=right)
    world.at += DAY
    zhang.refund_due()
    zhang.withdraw(1500 * YUAN, pin=right)
    zhang.use_policy(changed(expires_hours="48"))
    zhang.rekey()
    world.close()
    world.zhang.backup(world.folder / "backup.db")
    world.zhang.lock(PASSPHRASE, pin=right)
    world.close()
    with Wallet.open(world.env, profile=ZHANG, passphrase=lambda: PASSPHRASE) as desk:
        desk.send(7_77, greeting=GREETING, pin=right)
        below(desk)._db.execute("BEGIN IMMEDIATE")  # a crash in the middle of writing
        below(desk)._db.execute("UPDATE packet SET claimed_fen = 0")
        below(desk)._db.execute("PRAGMA cache_spill = 1")
        yield world.folder
        below(desk)._db.execute("ROLLBACK")


def words(home: Path) -> dict[str, str]:
    """Return what must not be legible, by what it is."""
    world = World(home)
    with Wallet.open(world.env, passphrase=lambda: PASSPHRASE) as desk:
        db = raw(world.ledger, desk.vault.page_key)
        tables = [name for (name,) in db.execute("SELECT DISTINCT name FROM sqlite_master")]
        packets = [name for (name,) in db.execute("SELECT id FROM packet")]
        db.close()
    return {
        "profile": "小明",
        "profile in Latin": ZHANG,
        "real name": NAME,
        "ID number": ID,
        "birth date": ID[6:14],
        "card": CARD,
        "other card": OTHER_CARD,
        "card's tail": f"cmb-{CARD[-4:]}",
        "greeting": GREETING,
        "part of a greeting": GREETING[:4],
        "cover": COVER,
        "request id": "order-2026-0001",
        "amount": "12345.67",
        "amount in fen": str(AMOUNT_FEN),
        "PIN": PIN,
        "passphrase": PASSPHRASE,
        "policy": "verified-year",
        "key of an answer": "balance_fen",
        "another of an answer": "commitment",
        "error": "already_claimed",
        "SQL": "CREATE TABLE",
        "format": "SQLite format 3",
        **{f"table {name}": name for name in tables if len(name) > 5},
        **{f"packet {name}": name for name in packets},
    }


def legible(word: str) -> dict[str, bytes]:
    """
    Return the ways in which *word* might lie in a file.

    Less than six bytes are met by chance in a megabyte of ciphertext, once in a thousand runs.
    """
    utf8 = word.encode()
    forms = {
        "UTF-8": utf8,
        "UTF-16-LE": word.encode("utf-16-le"),
        "UTF-16-BE": word.encode("utf-16-be"),
        "hex": utf8.hex().encode(),
        "HEX": utf8.hex().upper().encode(),
        "Base64": base64.b64encode(utf8)[: len(utf8) * 4 // 3 // 4 * 4],
        "reversed": utf8[::-1],
    }
    return {form: spelled for form, spelled in forms.items() if len(spelled) >= 6}


def test_no_file_of_a_home_tells_anything(lived: Path):
    """
    No name, ID, card, greeting, amount, PIN, request or table in the data, its log, its index, the
    keys or a backup, in any of the ways in which text is written down.
    """
    files = {path: path.read_bytes() for path in lived.rglob("*") if path.is_file()}
    names = {path.name for path in files}
    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "master.json", "head"} <= names
    assert "backup.db" in names
    assert files[lived / "data" / "ledger.db-wal"]

    found = {
        (path.name, what, form)
        for path, content in files.items()
        for what, word in words(lived).items()
        for form, spelled in legible(word).items()
        if spelled in content
    }

    assert set() == found


def test_the_keys_tell_no_key(lived: Path):
    """
    The page key and the master key's subkeys are in no file, raw or in hex.
    """
    world = World(lived)
    with Wallet.open(world.env, passphrase=lambda: PASSPHRASE) as desk:
        secrets = [desk.vault.page_key, desk.vault._master]
        secrets += [key for pair in desk.vault.legacy_secrets().values() for key in pair]

    contents = [path.read_bytes() for path in lived.rglob("*") if path.is_file()]

    assert 10 == len(secrets)
    for secret in secrets:
        for form in (secret, secret.hex().encode(), secret.hex().upper().encode()):
            assert not any(form in content for content in contents)


def test_an_amount_is_not_told_by_its_bytes_either(lived: Path):
    """
    Nor as the numbers that machines write, of six or eight bytes, from either end.
    """
    spelled = [AMOUNT_FEN.to_bytes(size, order) for size in (6, 8) for order in ORDERS]

    for path in lived.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(number in content for number in spelled), path.name


@pytest.mark.parametrize("place", ["tmp", "current"])
def test_nothing_is_left_outside_of_the_home(place: str, world: World, tmp_path: Path, monkeypatch):
    """
    No temporary file is written beside the home or where the system keeps them.
    """
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if place == "tmp":
        for name in ("TMPDIR", "SQLITE_TMPDIR"):
            monkeypatch.setenv(name, str(elsewhere))
    else:
        monkeypatch.chdir(elsewhere)

    for _ in range(3):
        world.zhang.send(5 * YUAN, count=5, greeting=GREETING, pin=right)
    world.zhang.check()
    world.zhang.backup(world.folder / "backup.db")
    world.zhang.rekey()

    assert [] == list(elsewhere.iterdir())
