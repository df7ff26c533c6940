"""What entries keep of acts: shapes that never change, one text for the same facts."""

import json
from pathlib import Path
from typing import Any

import pytest

from hongbao import answers, errors
from hongbao.domain.facts import (
    ASKED,
    COLUMN,
    COUNT,
    ERRORS,
    SHAPES,
    TEXT,
    Columns,
    Shape,
    decode,
    each,
    encode,
    maybe,
    part,
    where_so,
)
from hongbao.errors.base import Fact, declarations
from hongbao.render import render

ROW = Columns("rq_1", "2026-02-17T20:00:00.000000+08:00", 500)
WHY = {"en": "it is unusual", "zh": "不寻常"}
HELD = {"case": "rc_1", "until": ROW.at, "ends": "release", "rule": "unusual", "why": WHY}
CLAIM = {
    **ROW.common,
    "packet": "hb_7Q2M4K9X",
    "kind": "lucky",
    "sender": "小明",
    "greeting": "恭喜发财",
    "seat": 1,
    "amount_fen": 500,
    "nonce": "00112233445566778899aabbccddeeff",
    "luck": "八方来财",
    "count": 2,
    "finished": False,
    "balance_fen": 500,
    "held": HELD,
    "delayed": None,
}
CLAIMED = encode("claim", CLAIM, ROW)
NOT_PAID = {
    **ROW.common,
    "payment": "NU20260216000012",
    "channel": "netsunion",
    "bank": "icbc",
    "amount_fen": 500,
    "card": "icbc-0003",
    "state": "rejected",
    "fault": None,
    "error": errors.InsufficientCard(card="icbc-0003", needed_fen=500).as_dict(),
}


def test_no_shape_ever_changes():
    """
    Old entries hold facts of every shape there has been. To keep something else, add a shape with
    a new number beside the old one.
    """
    frozen = Path(__file__).with_name("facts.txt").read_text(encoding="utf-8").splitlines()
    shapes = [f"{act} {n}: {shape}" for act, each in SHAPES.items() for n, shape in each.items()]
    shapes += [f"error {code}: {shape}" for code, shape in ERRORS.items()]

    assert frozen == [shape.rstrip(": ") for shape in shapes]


def test_forms_of_one_act_are_told_apart_by_their_names():
    """
    Nothing that an act can be answered with is of two of its shapes.
    """
    alike = [
        (act, one, other)
        for act, shapes in SHAPES.items()
        for one in shapes
        for other in shapes
        if one < other and shapes[one].fits(shapes[other].fields.keys())
    ]

    assert [] == alike


def test_facts_are_values_without_names_or_what_the_row_says():
    """
    Neither the request, the moment and the balance, nor a sentence that is made from facts.
    """
    assert CLAIMED == (
        '[1,"hb_7Q2M4K9X","lucky","小明","恭喜发财",1,500,'
        '"00112233445566778899aabbccddeeff","八方来财",2,false,'
        '["rc_1","2026-02-17T20:00:00.000000+08:00","release","unusual",'
        '["it is unusual","不寻常"]],null]'
    )
    assert '["insufficient_card","icbc-0003",500]' in encode("not_paid", NOT_PAID, ROW)


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        ("claim", CLAIM),
        ("claim", {**CLAIM, "held": None}),
        ("not_paid", NOT_PAID),
        ("not_paid", {**NOT_PAID, "error": None, "card_gone": True}),
        ("topup", {**ROW.common, "amount_fen": 1, "card": "c", "balance_fen": 500, "payment": "p"}),
        (
            "topup",
            {
                **ROW.common,
                "request_id": "asked",
                "amount_fen": 1,
                "card": "c",
                "balance_fen": 500,
                "payment": "p",
            },
        ),
    ],
)
def test_an_answer_is_rendered_as_it_was_given(act: str, answer: dict[str, object]):
    """
    Its names, in their order, and its sentences.
    """
    assert json.dumps(answer) == json.dumps(render(act, encode(act, answer, ROW), ROW))


@pytest.mark.parametrize("code", [*ERRORS])
def test_an_error_keeps_all_of_its_facts(code: str):
    """
    In the order in which it declares them; what it finds from others it finds again.
    """
    kind = next(kind for kind in errors.kinds() if kind.code == code)
    declared = [name for name, fact in declarations(kind).items() if isinstance(fact, Fact)]

    assert declared == list(ERRORS[code].fields) == list(declarations(kind))


@pytest.mark.parametrize(
    "answer",
    [
        {**CLAIM, "seat": "1"},
        {**CLAIM, "seat": True},
        {**CLAIM, "amount_fen": 5.0},
        {**CLAIM, "finished": 0},
        {**CLAIM, "sender": None},
        {**CLAIM, "held": {"case": "rc_1"}},
        {**CLAIM, "held": {**HELD, "until": "soon"}},
        {**CLAIM, "held": {**HELD, "until": "2026-02-17T20:00:00"}},
        {**CLAIM, "more": 1},
        {name: value for name, value in CLAIM.items() if name != "seat"},
        {**CLAIM, "at": "2026-02-17T20:00:01.000000+08:00"},
        {**CLAIM, "balance_fen": 501},
    ],
)
def test_an_answer_of_no_shape_is_not_kept(answer: dict[str, object]):
    """
    Nor one that says something else than its row.
    """
    with pytest.raises(ValueError, match=r"."):
        encode("claim", answer, ROW)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "{}", "[]", "[1]", "[2]", '["1"]', "[true]", "null", "1", "[" * 100_000),
        CLAIMED.replace("[1,", "[2,", 1),
        CLAIMED.replace("[1,", "[1.0,", 1),
        CLAIMED.replace(",500,", ',"500",'),
        CLAIMED.replace("false", "0"),
        CLAIMED.replace(",null]", "]"),
        CLAIMED.replace(",null]", ",null,null]"),
        CLAIMED.replace('"rc_1"', "null"),
        CLAIMED.replace('+08:00"', '"'),
        CLAIMED.replace("2026-02-17T", ""),
        CLAIMED.replace('["it is unusual","不寻常"]', '"why"'),
        CLAIMED.replace(",500,", f",{'9' * 5000},"),
    ],
)
def test_a_text_of_no_shape_is_refused(text: str):
    """
    Whoever may write rows may have written anything; a check must be able to say so.
    """
    with pytest.raises(ValueError, match=r"."):
        decode("claim", text)


@pytest.mark.parametrize("act", [*SHAPES, "nothing"])
def test_facts_of_another_act_are_refused(act: str):
    """
    An entry that was given another act's name has none of its facts.
    """
    if act != "claim":
        with pytest.raises(ValueError, match=r"."):
            decode(act, CLAIMED)


def test_an_error_that_no_act_keeps_is_refused():
    """
    Only those are declared whose act is done all the same.
    """
    with pytest.raises(ValueError, match="not an error"):
        encode("not_paid", {**NOT_PAID, "error": errors.NoBill().as_dict()}, ROW)
    with pytest.raises(ValueError, match="not an error"):
        decode("not_paid", encode("not_paid", NOT_PAID, ROW).replace("insufficient_card", "no"))


def test_shapes_say_of_the_row_only_what_it_has():
    """
    What a shape leaves to its row is a column that answers are given.
    """
    said = {
        name
        for shapes in SHAPES.values()
        for shape in shapes.values()
        for name, kind in shape.fields.items()
        if kind is COLUMN or kind is ASKED
    }

    assert {*Columns._fields} == said


ANSWERED: dict[str, Any] = {
    "init": answers.Founded,
    "pin_change": answers.PinChanged,
    "identify": answers.Identified,
    "card_add": answers.CardBound,
    "card_remove": answers.CardBound,
    "refund_to": answers.RefundsChosen,
    "device_add": answers.DeviceChanged,
    "device_approve": answers.DeviceChanged,
    "device_remove": answers.DeviceRemoved,
    "device_login": answers.LoggedIn,
    "session_open": answers.SessionOpened,
    "device_move": answers.DeviceMoved,
    "device_fault": answers.DeviceFaultSet,
    "totp_add": answers.TotpChanged,
    "totp_remove": answers.TotpChanged,
    "topup": answers.ToppedUp,
    "withdraw": answers.Withdrawn,
    "paid_out": answers.Withdrawn,
    "send": answers.Sent,
    "claim": answers.Claimed,
    "refund": answers.Refunded,
    "bank_fault": answers.FaultSet,
    "correct": answers.Corrected,
    "challenge_passed": answers.ChallengePassed,
    "released": answers.HoldEnded,
    "returned": answers.HoldEnded,
    "risk_use": answers.GuardsUsed,
    "risk_model": answers.GuardsUsed,
    "policy_use": answers.PolicyUsed,
    "operator_add": answers.OperatorAdded,
    "bill_import": answers.BillImported,
    "bill_remove": answers.BillRemoved,
}
"""What programs are answered, by the act whose facts it is made from."""


@pytest.mark.parametrize("act", ANSWERED)
def test_the_answer_is_what_the_docs_show(act: str):
    """
    What is made from the facts has all the keys of its shape in `hongbao.answers`, and no other.
    """
    told = ANSWERED[act]

    assert told.__required_keys__ == SHAPES[act][1].fields.keys()


def test_a_shape_knows_what_is_needed_what_may_be_missing_and_what_its_row_says():
    """
    Its columns are in the answer and not in the facts; what has nothing to say is in neither.
    """
    shape = Shape({"at": COLUMN, "count": COUNT, "note": where_so(TEXT), "who": maybe(TEXT)})

    assert ("at",) == shape.columns
    assert "count: count, note: text, where so, who: text | null" == str(shape)
    assert shape.fits({"at", "count", "who"})
    assert not shape.fits({"at", "count", "note"})
    assert not shape.fits({"at", "count", "who", "more"})
    packed = shape.pack({"at": "now", "count": 3, "who": None})
    assert [3, None, None] == packed
    assert {"count": 3, "who": None} == shape.unpack(packed)
    assert {"count": 3, "note": "a", "who": "b"} == shape.unpack([3, "a", "b"])


def test_kinds_are_made_of_kinds():
    """
    A list, null, and facts within facts, which are refused where they are something else.
    """
    rows = each(part(name=TEXT, count=maybe(COUNT)))

    assert "[(name: text, count: count | null)]" == rows.name
    packed = rows.pack([{"name": "a", "count": 1}, {"name": "b", "count": None}])
    assert [["a", 1], ["b", None]] == packed
    assert [{"name": "a", "count": 1}, {"name": "b", "count": None}] == rows.unpack(packed)
    unreadable: list[Any] = ["ab", [["a"]], [["a", "1"]], [["a", True]], [[None, 1]]]
    for values in unreadable:
        with pytest.raises(ValueError, match=r"."):
            rows.unpack(values)
    no_facts: list[Any] = [{"name": "a"}, [["a", 1]], [{"name": "a"}], [{"name": 1, "count": 1}]]
    for values in no_facts:
        with pytest.raises(ValueError, match=r"."):
            rows.pack(values)


def test_the_request_is_kept_only_where_it_is_another_ones():
    """
    An act's own request is in its row.
    """
    paid = {"amount_fen": 1, "card": "c", "balance_fen": 500, "payment": "p"}

    own = json.loads(encode("topup", {**ROW.common, **paid}, ROW))
    asked = json.loads(encode("topup", {**ROW.common, "request_id": "asked", **paid}, ROW))

    assert None in own
    assert "asked" not in own
    assert "asked" in asked


@pytest.mark.parametrize("raw", [[], "", {}, [1], [["insufficient_card"]], ["no_bill"]])
def test_what_is_no_error_that_an_act_keeps_is_not_read(raw: object):
    """
    Neither by its shape nor by its code.
    """
    text = json.loads(encode("not_paid", NOT_PAID, ROW))
    at = next(n for n, value in enumerate(text) if isinstance(value, list))
    with pytest.raises(ValueError, match=r"."):
        decode("not_paid", json.dumps([*text[:at], raw, *text[at + 1 :]]))


def test_an_act_without_shapes_is_refused_by_its_name():
    """
    As one is whose answer fits none of its shapes.
    """
    with pytest.raises(ValueError, match=r"^nothing has no shape for request_id, at$"):
        encode("nothing", ROW.common, ROW)
    with pytest.raises(ValueError, match=r"^claim has no shape for request_id, at$"):
        encode("claim", ROW.common, ROW)


def test_a_part_is_a_list_and_not_a_text_as_long():
    """
    Two letters are no sentence in two languages.
    """
    both = part(en=TEXT, zh=TEXT)

    assert {"en": "a", "zh": "b"} == both.unpack(["a", "b"])
    for raw in ("ab", ["a"], ["a", "b", "c"], {"en": "a", "zh": "b"}, None):
        with pytest.raises(ValueError, match=r"^not the facts of this shape$"):
            both.unpack(raw)
