"""`check` looks at what the keys hold: sealed values, devices' keys, the head noted beside them."""

from pathlib import Path

import pytest

from hongbao import errors
from hongbao.domain.chain import Act, canonical
from hongbao.queries.devices import device_keys
from hongbao.questions import Question
from hongbao.store import EntryRow
from hongbao.vault.authenticator import code_at
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.wallet.world import CARD, LI, YUAN, ZHANG, World, card, id_number, right, tail

SECOND = card(2, 7)

SWAPPED = (
    "CREATE TEMP TABLE had AS SELECT id, number FROM card WHERE profile = 1",
    "UPDATE card SET number = (SELECT number FROM had WHERE had.id <> card.id) WHERE profile = 1",
)
"""Zhang's two cards, each with the number of the other one."""


@pytest.fixture
def carded(world: World) -> World:
    """Zhang has a second card, and an authenticator; Li is identified by nobody."""
    desk = world.zhang
    desk.add_card(SECOND, pin=right)
    desk.add_totp(lambda secret, _: code_at(secret, desk.now()), pin=right)
    return world


_ZHANGS_NAME_FOR_LI = (
    "UPDATE profile SET (real_name, id_number) ="
    " (SELECT real_name, id_number FROM profile WHERE id = 1) WHERE name = 'Li'"
)


# --- sealed values --------------------------------------------------------------------------------


def test_numbers_of_cards_do_not_change_places(carded: World):
    """
    Two numbers of one profile's cards, exchanged, are found by `check`, are shown by no statement,
    and no rekey seals them where they do not belong.
    """
    world = carded
    world.edit(*SWAPPED)
    dump = world.dump()

    assert {
        "state": ["card 1"],
        "sealed": [f"profile 1: card_number/cmb-{tail(CARD)}"],
    } == {name: rows[:1] for name, rows in world.findings().items()}
    with pytest.raises(errors.Damaged), world.zhang.statement():
        pass
    with pytest.raises(errors.Damaged):
        world.zhang.rekey()
    assert dump == world.dump()
    assert 1 == world.open(ZHANG).vault.generation


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ("UPDATE card SET tail = '9999' WHERE id = 1", f"profile 1: card_number/cmb-{tail(CARD)}"),
        (
            "UPDATE deposit SET card_number_index = randomblob(32) WHERE id = 1",
            f"profile 1: card_number/cmb-{tail(CARD)}",
        ),
        (
            "UPDATE card SET number = randomblob(44) WHERE id = 1",
            f"profile 1: card_number/cmb-{tail(CARD)}",
        ),
        ("UPDATE card SET number = x'00' WHERE id = 1", f"profile 1: card_number/cmb-{tail(CARD)}"),
        ("UPDATE person SET id_number_index = randomblob(32) WHERE id = 1", "Zhang: id_number"),
        ("UPDATE person SET real_name_index = randomblob(32) WHERE id = 1", "Zhang: real_name"),
        ("UPDATE profile SET real_name = randomblob(40) WHERE id = 1", "Zhang: real_name"),
        ("UPDATE profile SET real_name = NULL, id_number = NULL WHERE id = 1", "Zhang: real_name"),
        ("UPDATE profile SET id_number = randomblob(46) WHERE id = 1", "Zhang: id_number"),
        ("UPDATE profile SET totp_secret = randomblob(68) WHERE id = 1", "Zhang: totp_secret"),
        (_ZHANGS_NAME_FOR_LI, "Li: real_name"),
    ],
)
def test_each_sealed_value_is_opened_and_compared(edit: str, named: str, carded: World):
    """
    Whatever is sealed opens in its row, and is what its index and its last digits say.
    """
    before = carded.dump()
    carded.edit(edit)
    assert before != carded.dump(), "the edit changed nothing"

    findings = carded.findings()
    assert ({"sealed", "state"}, [named]) == (set(findings), findings["sealed"])
    with pytest.raises((errors.Damaged, errors.StateAltered)):
        carded.zhang.rekey()


# --- devices' keys --------------------------------------------------------------------------------


def key_file(desk: Wallet, device: str) -> Path:
    row = next(row for row in desk.store.devices(desk.me.id) if row.name == device)
    return device_keys(desk.home)._file(row.public_key)


def lose(world: World, file: Path) -> None:
    file.unlink()


def spoil(world: World, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"\0")


def shorten(world: World, file: Path) -> None:
    file.write_bytes(b"")


def hinder(world: World, file: Path) -> None:
    file.unlink()
    file.mkdir()


def take_lis(world: World, file: Path) -> None:
    file.write_bytes(key_file(world.li, f"{LI}-1").read_bytes())


def seal_another(world: World, file: Path) -> None:
    """Seal another seed as this device's, as whoever has the home's keys can."""
    desk = world.zhang
    public = desk.store.devices(desk.me.id)[0].public_key
    file.write_bytes(device_keys(desk.home)._sealed(public, bytes(32)))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lose, "missing"),
        (spoil, "damaged"),
        (shorten, "damaged"),
        (hinder, "damaged"),
        (take_lis, "damaged"),
        (seal_another, "damaged"),
    ],
)
def test_a_key_that_does_not_sign_for_its_device_is_told(harm, said: str, world: World):
    """
    Missing, damaged, another profile's or another seed under its name: the device is named, with
    the way to let the machine in anew; done so, the home checks again.
    """
    file = key_file(world.zhang, f"{ZHANG}-1")
    harm(world, file)
    world.close()

    [finding] = [line for line in world.zhang.check()["findings"] if not line["ok"]]

    assert ("devices", [f"{ZHANG}-1: {said}"]) == (finding["check"], finding["rows"])
    assert "device add" in str(finding["next_step"])
    if file.is_dir():
        file.rmdir()
    world.open(f"{ZHANG}").add_device("new", pin=right, identity=("张三", id_number(1)))
    world.open(f"{ZHANG}@new").remove_device(f"{ZHANG}-1", pin=right)
    assert {} == world.findings()


# --- the head -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["removed", "emptied", "blank"])
def test_a_head_that_was_taken_away_is_told_until_it_is_accepted(
    how: str, world: World, tmp_path: Path
):
    """
    A ledger with a past of which nothing is noted may be an older one: that is said, also once
    the next act has noted itself, and until somebody accepts it with a copy of now.
    """
    head = world.env.keys / "head"
    last = world.zhang.store.head().entry
    world.close()
    if how == "removed":
        head.unlink()
    else:
        head.write_bytes(b"" if how == "emptied" else b" " * 95 * 2)

    assert {"noted_head": [f"entries 1 to {last}"]} == world.findings()
    world.zhang.topup(YUAN, pin=right)
    world.zhang.topup(YUAN, pin=right)
    assert {"noted_head": [f"entries 1 to {last}"]} == world.findings()

    world.zhang.backup(tmp_path / "now")
    world.close()
    restore(world.env, tmp_path / "now", accept_older=lambda *_: False)
    assert {} == world.findings()


def test_a_command_that_died_before_its_first_note_left_no_trace(empty: World):
    """
    The first entry without a note is what a killed `init` leaves, and no finding.
    """
    empty.found(ZHANG)
    empty.close()
    (empty.env.keys / "head").write_bytes(b" " * 190)

    assert {} == empty.findings()
    empty.zhang.change_pin(right, right)
    assert {} == empty.findings()


# --- generations ----------------------------------------------------------------------------------


def test_the_key_of_a_generation_that_is_over_seals_nothing_more(world: World):
    """
    Whoever kept the keys of before a rekey, and can write, appends an entry under them: its MAC is
    right, and its generation is not.
    """
    world.zhang.rekey()
    world.zhang.topup(YUAN, pin=right)
    desk = world.open(ZHANG)
    last, before = list(desk.store.audit(Question.SEALED_ACTS))[-1]
    assert before is not None
    fields = list(last)
    fields[EntryRow._fields.index("id")] += 1
    fields[EntryRow._fields.index("request_id")] = "forged"
    fields[EntryRow._fields.index("act")] = "sent"
    fields[EntryRow._fields.index("generation")] = 1
    mac = desk.vault.chain_mac(before, canonical([Act(fields)]), generation=1)
    columns = ", ".join(EntryRow._fields)
    world.edit(
        f"INSERT INTO entry ({columns}, mac) SELECT id + 1, 'sent', profile, 'forged',"
        " inputs, packet, counterparty, amount_fen, balance_fen, policy, at, clock, facts, 1,"
        " operator, risk, verdict, reports, challenge, device, session, counter, signature,"
        f" message, x'{mac.hex()}' FROM entry WHERE id = {last[0]}"
    )

    assert [f"entry {last[0] + 1}"] == world.findings()["chain"]


def test_keys_that_no_entry_began_are_told(world: World):
    """
    The rekey's own entry, cut off with all that came after it, is missed even where no note is.
    """
    world.zhang.rekey()
    world.edit("DELETE FROM entry WHERE act = 'rekey'")

    assert "keys of generation 2, which no entry began" in world.findings()["chain"]


# --- older values -------------------------------------------------------------------------------


def test_an_older_value_of_the_same_row_is_found(world: World):
    """
    What was sealed for a row stays openable there: the secret of an authenticator that was taken
    away, put back in the place of the new one, is not what the last act has sealed.
    """
    desk = world.zhang
    desk.add_totp(lambda secret, _: code_at(secret, desk.now()), pin=right)
    [old] = [row.totp_secret for row in desk.store.profiles() if row.id == 1]
    desk.remove_totp(pin=right, identity=("张三", id_number(1)))
    desk.add_totp(lambda secret, _: code_at(secret, desk.now()), pin=right)
    assert old is not None

    world.edit(f"UPDATE profile SET totp_secret = x'{old.hex()}' WHERE id = 1")

    assert {"state": ["profile 1"]} == world.findings()
