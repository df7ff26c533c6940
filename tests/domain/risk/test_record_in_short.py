"""A record that is read in short says the same as one that is read whole."""

from itertools import product

import pytest

from hongbao.domain.risk.acts import Asked, Seen, Verdict, What
from hongbao.domain.risk.record import Record, decode, in_short, seen_in

CLAIM = Seen(1_795_864_427, What.CLAIM, 2, 32, 5000, 0)
TOPUP = Seen(0, What.TOPUP, 100, 0, -1, 7)


def records() -> list[Record]:
    found = [Record(None), Record(CLAIM), Record(TOPUP)]
    for seen, verdict, reports, values, score, challenge in product(
        (None, CLAIM, TOPUP),
        (Verdict.ALLOW, Verdict.REFUSE),
        ((), ("large",), ("large", "suspicious")),
        ((), (0,), (3, -1, 0)),
        (None, 500),
        (None, "ch_1"),
    ):
        asked = Asked(CLAIM, 1, 1, 1, 1, 1, 1, 0)
        pack, model = ("standard/1", "ordinary/1") if reports else ("规则/1", None)
        rule = None if verdict is Verdict.ALLOW else "at-night"
        found.append(
            Record(seen, asked, pack, model, verdict, rule, reports, values, score, challenge)
        )
    return found


def test_every_record_says_the_same_in_short():
    """
    Seen or not, judged or not, with reports, values and a challenge or without.
    """
    for record in records():
        assert (record.seen, record.columns) == in_short(record.encode())


def whole(text: str) -> object:
    """Return what the record *text* says, read whole; None if it is none."""
    try:
        record = decode(text)
    except ValueError:
        return None
    return record.seen, record.columns


def short(text: str) -> object:
    """Return the same, read in short."""
    try:
        return in_short(text)
    except ValueError:
        return None


def test_every_altered_record_is_read_as_it_is_read_whole():
    """
    Each character left out, doubled or exchanged: refused by both, or the same to both.
    """
    text = Record(
        CLAIM, Asked(CLAIM, 1, 1, 1, 1, 1, 1, 0), "standard/1", None, values=(3, 0)
    ).encode()
    altered = [text[:at] + new + text[at + 1 :] for at in range(len(text)) for new in _OTHERS]
    altered += [text[:at] for at in range(len(text))]
    read = 0
    for other in altered:
        read += whole(other) is not None
        assert whole(other) == short(other), other

    assert read > len(text)  # some are records


_OTHERS = ("", "0", "-", '"', ",", "x", "\\\\", "福", "{", "]]", " ")


def test_what_was_seen_is_read_alone():
    """
    Of any record; of an act that was stopped, nothing is there to be seen.
    """
    for record in records():
        assert record.seen == seen_in(record.encode())


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "null", '{"seen":', '{"seen":1}', '{"seen":null}', '{"seen":[]}'),
        *('{"seen":[0,"dance",0,0,-1,0]}', ' {"seen":[0]}', '{"seen":[0,"claim"]}'),
    ],
)
def test_what_is_no_record_has_nothing_to_be_seen(text):
    """
    And says so in one way.
    """
    with pytest.raises(ValueError):  # noqa: PT011 - any of those that a reader may meet
        seen_in(text)


def test_a_record_that_was_written_down_is_read_whole():
    """
    Of an act that was not judged, what was seen; of any other, every field.
    """
    for record in records():
        assert record == decode(record.encode())
