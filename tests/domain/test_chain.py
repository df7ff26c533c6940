"""The bytes an entry is sealed by."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.chain import Act, canonical, digest, line, state, statement
from hongbao.domain.ledger import Account, Kind, Reason, Transfer

# Few and alike, so that two lists often differ in nothing but a kind or a border.
VALUES = st.sampled_from([None, "None", 0, 1, 11, "1", "11", "0", "", "1,1", '1"', b"", b"\x11"])
FIELDS = st.lists(VALUES, max_size=4)
TRANSFERS = st.lists(st.tuples(VALUES, VALUES), max_size=3)


def plain(fields):
    """What JSON can tell apart: bytes are written as the hex text that they might also be."""
    return [value.hex() if isinstance(value, bytes) else value for value in fields]


@given(FIELDS, TRANSFERS, FIELDS, TRANSFERS)
def test_different_facts_never_give_the_same_bytes(fields, transfers, others, more):
    """
    No value can lend characters to its neighbour, and no transfer passes for a field.
    """
    same_facts = (plain(fields), [plain(t) for t in transfers]) == (
        plain(others),
        [plain(t) for t in more],
    )
    one, other = canonical([Act(fields, transfers)]), canonical([Act(others, more)])

    assert same_facts == (one == other)


@given(FIELDS, FIELDS)
def test_two_acts_under_one_seal_are_not_one(fields, others):
    """
    A group says where each of its acts ends, and in which order they were decided.
    """
    group = canonical([Act(fields), Act(others)])

    assert group != canonical([Act([*fields, *others])])
    assert (plain(fields) == plain(others)) == (group == canonical([Act(others), Act(fields)]))


def test_the_order_of_transfers_is_sealed():
    """
    Two transfers that change places change the bytes.
    """
    first, second = ("platform", 1, 2, 500, "send"), ("platform", 2, 3, 500, "claim")

    assert canonical([Act([1], [first, second])]) != canonical([Act([1], [second, first])])


def test_a_request_is_known_by_its_act_and_its_inputs():
    """
    The order in which inputs are named does not matter; any value does, and so does the act.
    """
    asked = digest("send", {"count": 5, "total_fen": 6666})

    assert asked == digest("send", {"total_fen": 6666, "count": 5})
    assert asked != digest("send", {"total_fen": 6667, "count": 5})
    assert asked != digest("topup", {"total_fen": 6666, "count": 5})


def test_a_row_of_state_is_its_table_its_key_and_its_values():
    """
    As JSON without blanks, text as it is and bytes in hexadecimal.
    """
    assert '["profile","7",["小明",null,3,"00ff",true]]'.encode() == (
        state("profile", "7", ("小明", None, 3, b"\x00\xff", True))
    )
    with pytest.raises(TypeError):
        state("profile", "7", [object()])


def test_a_statement_is_all_that_a_device_signs_for():
    """
    In one order, so that no other request has the same bytes.
    """
    assert '[2,3,1,"send","rq_红","a1b2",9]'.encode() == (
        statement(2, 3, 1, "send", "rq_红", b"\xa1\xb2", 9)
    )


def test_a_transfer_is_sealed_as_book_debit_credit_amount_and_reason():
    """
    By the words that never change.
    """
    transfer = Transfer(
        *(Account("platform", Kind.BALANCE, 2), Account("platform", Kind.PACKET, 1)),
        *(5_00, Reason.SEND),
    )

    assert ("platform", "balance", 2, "packet", 1, 5_00, "send") == line(transfer)


def test_a_digest_is_of_act_and_inputs_as_sorted_json():
    """
    SHA-256, text as it is.
    """
    written = '["send",{"count":5,"greeting":"恭喜","total_fen":6666}]'

    assert hashlib.sha256(written.encode()).digest() == (
        digest("send", {"total_fen": 6666, "count": 5, "greeting": "恭喜"})
    )


def test_acts_and_rows_of_an_entry_stand_between_commas():
    """
    Whatever their values are of: the commonest are written out here, and the others by JSON.
    """
    acts = [
        Act([1, "send", b"\xab", None, True, ["a", b"\x01"]]),
        Act((), [("platform", 1), ("platform", 2)], [("profile", "7", b"\xff"), ("x", "y", None)]),
    ]

    assert canonical(acts) == (
        b'[[[1,"send","ab",null,true,["a","01"]],[],[]],'
        b'[[],[["platform",1],["platform",2]],[["profile","7","ff"],["x","y",null]]]]'
    )
