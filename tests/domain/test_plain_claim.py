"""The texts of a plain claim: written in one go, and the same as any act's."""

from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.chain import Act, encoded, line
from hongbao.domain.facts import Columns, decode, encode
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.plain_claim import GuardTexts, PacketTexts, fields_of, sealed
from hongbao.domain.risk.acts import Asked, Seen, What
from hongbao.domain.risk.record import Record

TEXTS = st.text(max_size=8)
NUMBERS = st.integers(0, 2**53)


@given(TEXTS, TEXTS, st.one_of(st.none(), TEXTS), st.lists(NUMBERS, max_size=5), NUMBERS)
def test_they_are_those_of_any_act(
    sender: str, greeting: str, luck: str | None, values: list[int], number: int
):
    """
    Facts, record and seal, whatever names and greetings hold.
    """
    columns = Columns("rq", "2026-02-17T20:00:00+08:00", 5)
    answer = {
        "request_id": "rq",
        "at": columns.at,
        "packet": "hb_1",
        "kind": "lucky",
        "sender": sender,
        "greeting": greeting,
        "seat": 2,
        "amount_fen": number,
        "nonce": "00ff",
        "luck": luck,
        "count": 2,
        "finished": True,
        "balance_fen": 5,
        "held": None,
        "delayed": None,
    }
    texts = PacketTexts.of("hb_1", "lucky", sender, greeting, 2)
    facts = texts.facts_of(2, number, "00ff", luck)
    assert encode("claim", answer, columns) == facts
    assert decode("claim", facts)["luck"] == luck

    asked = Asked(Seen(7, What.CLAIM, number, 3, 4, 0), 1, 2, 3, 4, 5, 6, 7)
    for score in (None, number):
        for model in (None, greeting):
            record = Record(
                asked.seen._replace(amount_fen=9),
                asked,
                sender,
                model,
                values=tuple(values),
                score=score,
            )
            text = GuardTexts.of(sender, model).record_of(asked, 9, tuple(values), score)
            assert record.encode() == text

    text = GuardTexts.of(sender, None).record_of(asked, 9, tuple(values), None)
    transfer = Transfer(
        Account(PLATFORM, Kind.PACKET, 7), Account(PLATFORM, Kind.BALANCE, 8), 9, Reason.CLAIM
    )
    for policy in (None, greeting):
        fields = fields_of(
            entry=1,
            profile=2,
            request_id="r-1",
            inputs=bytes(32),
            packet=3,
            sender=4,
            amount_fen=9,
            balance_fen=number,
            policy=policy,
            at=number,
            clock="real",
            facts=facts,
            generation=1,
            risk=text,
            device=5,
            session=6,
            counter=7,
            signature=bytes(40),
        )
        assert encoded(Act(fields, [line(transfer)])) == sealed(fields, 7, 8)


def test_the_last_share_finishes_its_packet_and_no_other_does():
    """
    Of three, the third.
    """
    texts = PacketTexts.of("hb_1", "lucky", "小明", "恭喜", 3)

    assert '[1,"hb_1","lucky","小明","恭喜",2,5,"0f",null,3,false,null,null]' == (
        texts.facts_of(2, 5, "0f", None)
    )
    assert '[1,"hb_1","lucky","小明","恭喜",3,5,"0f","八",3,true,null,null]' == (
        texts.facts_of(3, 5, "0f", "八")
    )


def test_a_record_says_what_was_asked_and_what_was_done():
    """
    The mean that was judged, and the amount that was paid.
    """
    asked = Asked(Seen(7, What.CLAIM, 4, 3, 2, 1), 11, 12, 13, 14, 15, 16, 17)

    assert (
        '{"seen":[7,"claim",9,3,2,1],"asked":[7,"claim",4,3,2,1,11,12,13,14,15,16,17],'
        '"by":["standard/1",null],"verdict":"allow","rule":null,'
        '"reports":[],"values":[5,-6],"score":null}'
    ) == GuardTexts.of("standard/1", None).record_of(asked, 9, (5, -6), None)
    assert '"by":["p/1","m/2"]' in GuardTexts.of("p/1", "m/2").record_of(asked, 9, (), 800)
    assert '"values":[],"score":800}' in GuardTexts.of("p/1", None).record_of(asked, 9, (), 800)
