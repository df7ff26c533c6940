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
            text = GuardTexts.of(sender, model).record_of(asked, 9, values, score)
            assert record.encode() == text

    text = GuardTexts.of(sender, None).record_of(asked, 9, values, None)
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
