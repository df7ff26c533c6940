"""Bills that are brought in: kept apart, proved by `check`, and no money ever moves for them."""

import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from sqlcipher3 import dbapi2 as engine

from hongbao import errors
from hongbao.wallet import Wallet
from tests.vault.processes import race
from tests.wallet.bills import ROWS, bill
from tests.wallet.world import NOON, YUAN, ZHANG, World, raw, right

BOOK = {"external_bill", "external_row", "entry"}
"""All that bringing in a bill may change."""


def brought(world: World, **choices: object) -> str:
    return str(world.zhang.bring_in(bill(**choices), file="bill.csv")["bill"])  # type: ignore[arg-type]


def test_what_was_brought_in_is_told_and_listed(world: World):
    """
    Whose it is, of when, how many rows, and what they add up to.
    """
    told = world.zhang.bring_in(bill(), file="bill.csv", request_id="first")

    assert {
        "request_id": "first",
        "at": "2026-02-16T12:00:00+08:00",
        "profile": ZHANG,
        "bill": told["bill"],
        "format": "wechat",
        "file": "bill.csv",
        "holder": "小明",
        "begins_at": "2026-02-15T12:00:00+08:00",
        "ends_at": "2026-03-18T12:00:00+08:00",
        "count": 3,
        "in_count": 1,
        "in_fen": 32_34,
        "out_count": 1,
        "out_fen": 66_66,
        "neutral_count": 1,
        "neutral_fen": 1,
        "digest": told["digest"],
        "precision": "second",
        "known": False,
    } == told
    [listed] = world.zhang.bills()
    assert (told["bill"], 3, told["at"]) == (listed["bill"], listed["count"], listed["imported_at"])


def test_a_bill_whose_times_have_no_seconds_says_so(world: World):
    """
    As a spreadsheet has saved it; the list reads it from the chain.
    """
    lines = [
        (number, [cells[0].removesuffix(":00"), *cells[1:]]) for number, cells in bill(ROWS[:1])
    ]

    told = world.zhang.bring_in(lines, file="bill.csv")

    assert "minute" == told["precision"]


COUNTED = {"device": ("counter",)}
"""What every signed act changes."""


def test_no_account_and_no_transfer_knows_of_it(world: World):
    """
    Bringing in, comparing and removing change the external book and the chain, and nothing else.
    """
    before = world.dump(COUNTED)

    one = brought(world)
    world.zhang.imported(one)
    world.zhang.remove_bill(one)

    after = world.dump(COUNTED)
    assert BOOK == {table for table in after if before[table] != after[table]} | {"external_row"}
    assert ["bill_import", "bill_remove"] == [row[1] for row in after["entry"]][-2:]
    assert {} == world.findings()


def test_the_same_bill_is_there_once(world: World):
    """
    However often it comes, and under whatever name: it is told that it is known, and when it came.
    """
    first = world.zhang.bring_in(bill(), file="bill.csv")
    before = world.dump()
    world.turn(hours=1)

    again = world.zhang.bring_in(bill(), file="copy.csv", request_id="again")

    assert {**first, "known": True} == again
    assert before == world.dump()


def test_each_profile_has_a_book_of_its_own(world: World):
    """
    What one has brought in, another neither sees nor removes, and may bring in, too.
    """
    one = brought(world)

    assert [] == world.li.bills()
    with pytest.raises(errors.BillNotFound):
        world.li.remove_bill(one)
    with pytest.raises(errors.NoBill):
        world.li.imported()
    assert not world.li.bring_in(bill(), file="bill.csv")["known"]
    assert 1 == len(world.zhang.bills())


def test_a_bill_that_was_removed_leaves_no_row_and_can_come_again(world: World):
    """
    It gets another id then; that the first was there stays in the chain.
    """
    one = brought(world)

    removed = world.zhang.remove_bill(one)

    assert (one, 3, "bill.csv") == (removed["bill"], removed["count"], removed["file"])
    assert [] == world.dump()["external_row"]
    assert [] == world.zhang.bills()
    with pytest.raises(errors.BillNotFound):
        world.zhang.remove_bill(one)
    assert one != brought(world)
    assert {} == world.findings()


@pytest.mark.parametrize("typed", ["bl_00000000", "bl_", "hb_04HMASWS", "mine"])
def test_a_slip_of_the_finger_is_no_bill_that_is_gone(typed: str, world: World):
    """
    An id has a check character.
    """
    kind = errors.BillNotFound if typed == "bl_00000000" else errors.InvalidBillId
    with pytest.raises(kind):
        world.zhang.imported(typed)


def test_a_bill_that_is_wrong_changes_nothing(world: World):
    """
    Not even where the last of its rows is.
    """
    lines = bill()
    lines[-1][1][5] = "¥66.67"  # type: ignore[index]
    before = world.dump()

    with pytest.raises(errors.InvalidBill):
        world.zhang.bring_in(lines, file="bill.csv", request_id="mine")

    assert before == world.dump()
    assert not world.zhang.bring_in(bill(), file="bill.csv", request_id="mine")["known"]


def test_a_part_of_a_bill_is_within_its_period(world: World):
    """
    By default all of it, by default of the newest; and never more than the bill is of.
    """
    first = brought(world)
    last = brought(world, first=NOON + timedelta(hours=1))
    desk = world.zhang

    with desk.looking():
        whole = desk.imported()
        part = desk.imported(
            first, since=NOON + timedelta(seconds=1), until=NOON + timedelta(days=99)
        )
        assert (last, 3) == (whole.id, len([*whole.rows]))
        assert ["转账", "微信红包", "零钱充值"][1:] == sorted(row.kind for row in part.rows)
    assert whole.until == part.until
    with pytest.raises(errors.InvalidRange):
        desk.imported(first, until=NOON - timedelta(days=2))


ONE_MORE = (
    "INSERT INTO external_row SELECT bill, 9, at, kind, counterparty, goods, {}, method, state, id,"
    " merchant_id, note FROM external_row LIMIT 1"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE external_row SET amount_fen = amount_fen + 1",
        "DELETE FROM external_row",
        "DELETE FROM external_bill",
        "UPDATE external_bill SET id = 'bl_00000000', removed = 1",
        "UPDATE external_bill SET removed = NULL",
        ONE_MORE.format("'x', 1"),
        ONE_MORE.format("'in', -1"),
    ],
)
def test_the_book_itself_refuses_what_no_act_does(statement: str, world: World):
    """
    Rows are never changed, and go only with their bill.
    """
    brought(world)
    key = world.zhang.vault.page_key
    world.close()
    db = raw(world.ledger, key)
    try:
        with pytest.raises(engine.DatabaseError):
            db.execute(statement)
    finally:
        db.close()


def test_ten_who_bring_the_same_bill_at_once_bring_it_once(world: World):
    """
    Nine of them are told that it is known.
    """
    world.close()

    def act(number: int) -> bytes:
        with Wallet.open(world.env._replace(chance=os.urandom), profile=ZHANG) as desk:
            told = desk.bring_in(bill(), file=f"{number}.csv")
            return f"{told['bill']} {told['known']}".encode()

    said = race(10, act)

    assert 2 == len(set(said))
    assert 9 == sum(one.endswith(b"True") for one in said)
    assert 3 == len(world.dump()["external_row"])
    assert {} == world.findings()


def test_an_imported_bill_travels_with_the_home(world: World):
    """
    It is rekeyed like everything else in the ledger.
    """
    one = brought(world)
    world.zhang.rekey()
    world.close()

    with world.zhang.looking():
        assert 3 == len([*world.zhang.imported(one).rows])
    assert {} == world.findings()


class Edit(NamedTuple):
    """A corruption: *what* it is, the checks that trip, all of them, and the *statements*."""

    what: str
    found: set[str]
    statements: str

    def __repr__(self) -> str:
        return self.what


KEPT = "(SELECT number FROM external_bill WHERE removed IS NULL)"
GONE = "(SELECT number FROM external_bill WHERE removed IS NOT NULL)"
OTHER = hashlib.sha256(b"another bill").hexdigest()

EDITS = [
    Edit(
        "a fen", {"bills"}, "UPDATE external_row SET amount_fen = amount_fen + 1 WHERE number = 2"
    ),
    Edit("a word", {"bills"}, "UPDATE external_row SET note = 'x' WHERE number = 3"),
    Edit("a row less", {"bills"}, "DELETE FROM external_row WHERE number = 3"),
    Edit("all rows gone", {"bills"}, "DELETE FROM external_row"),
    Edit(
        "a row more",
        {"bills"},
        "INSERT INTO external_row SELECT bill, 4, at, kind, counterparty, goods, direction,"
        " amount_fen, method, state, id, merchant_id, note FROM external_row WHERE number = 3",
    ),
    Edit(
        "two rows exchanged",
        {"bills"},
        "UPDATE external_row SET number = 9 WHERE number = 1;"
        "UPDATE external_row SET number = 1 WHERE number = 2;"
        "UPDATE external_row SET number = 2 WHERE number = 9",
    ),
    Edit(
        "a digest that fits other rows",
        {"bills"},
        f"UPDATE external_bill SET digest = x'{OTHER}' WHERE number = {KEPT}",
    ),
    Edit(
        "a digest edited in the entry",
        {"bills", "chain"},
        f"UPDATE entry SET facts = json_set(facts, '$[15]', '{OTHER}') WHERE act = 'bill_import'",
    ),
    Edit(
        "a period edited in the entry",
        {"bills", "chain"},
        "UPDATE entry SET facts = json_set(facts, '$[7]', 'x') WHERE act = 'bill_import'",
    ),
    Edit(
        "a bill given to somebody else",
        {"bills"},
        f"UPDATE external_bill SET profile = 2 WHERE number = {KEPT}",
    ),
    Edit(
        "a bill renamed",
        {"bills"},
        f"UPDATE external_bill SET id = 'bl_00000000' WHERE number = {KEPT}",
    ),
    Edit(
        "a bill forgotten",
        {"bills"},
        f"DELETE FROM external_row; DELETE FROM external_bill WHERE number = {KEPT}",
    ),
    Edit(
        "a bill removed by nobody",
        {"bills"},
        f"DELETE FROM external_row;UPDATE external_bill SET removed = 1 WHERE number = {KEPT}",
    ),
    Edit(
        "a removed bill that is back",
        {"bills"},
        f"UPDATE external_bill SET removed = NULL, digest = x'{OTHER}' WHERE number = {GONE}",
    ),
    Edit(
        "a row of a removed bill",
        {"bills"},
        f"UPDATE external_row SET bill = {GONE} WHERE number = 3",
    ),
    Edit(
        "a removed bill with a row",
        {"bills"},
        f"INSERT INTO external_row SELECT {GONE}, number, at, kind, counterparty, goods, direction,"
        " amount_fen, method, state, id, merchant_id, note FROM external_row WHERE number = 3",
    ),
    Edit(
        "a removal of another bill",
        {"bills", "chain"},
        "UPDATE entry SET facts = json_set(facts, '$[2]', 'bl_00000000') WHERE act = 'bill_remove'",
    ),
    Edit(
        "a bill of another act",
        {"bills"},
        f"UPDATE external_bill SET entry = 1 WHERE number = {KEPT}",
    ),
]


@pytest.fixture(scope="module")
def tampered(tmp_path_factory: pytest.TempPathFactory, _people: World) -> Callable[[str], World]:
    """A home with a bill that was removed and one that was not."""
    world = _people.copy(tmp_path_factory.mktemp("brought") / "home")
    world.zhang.remove_bill(brought(world, rows=ROWS[:2]))
    brought(world)
    world.close()
    return lambda name: world.copy(tmp_path_factory.mktemp(name) / "home")


@pytest.mark.parametrize("edit", EDITS, ids=repr)
def test_check_names_what_was_tampered_with(edit: Edit, tampered: Callable[[str], World]):
    """
    In the rows, in the bill, or in the entry that sealed it; and no other check complains.
    """
    world = tampered("edited")
    assert {} == world.findings()

    world.edit(*edit.statements.split(";"))

    assert edit.found == set(world.findings())
    world.close()


def test_a_home_goes_on_beside_its_bills(world: World):
    """
    Money moves as before, and a statement does not know of them.
    """
    brought(world)

    world.zhang.topup(5 * YUAN, pin=right)

    with world.zhang.statement() as statement:
        assert ["topup", "topup"] == [line["act"] for line in statement.lines]
    assert ["bill_import"] == [
        line["act"] for line in world.zhang.events(limit=9)["events"] if "bill" in line["act"]
    ]
