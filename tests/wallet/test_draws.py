"""Draws at the desk: a copy is no preview, and what a claimer adds takes part and is kept."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.wallet import Wallet
from tests.wallet.acts import sent
from tests.wallet.world import LI, WANG, YUAN, World, right

RULES = [DealRule.DOUBLE_MEAN, DealRule.SHUFFLED]

LUCK = "八方来财"


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_copied_home_is_no_preview(rule: DealRule, world: World, tmp_path: Path):
    """
    The same claim under the same request id, tried in eight copies of the home, keys and all, as
    eight processes of a real one would: it gets a draw of its own each time.
    """
    packet = sent(total_fen=1000 * YUAN, count=10, deal=rule)(world)

    answers = []
    for number in range(8):
        copy = world.copy(tmp_path / f"copy-{number}")
        with Wallet.open(copy.env._replace(chance=os.urandom), profile=LI) as desk:
            answers.append(desk.claim(packet, request_id="same"))

    assert {"same"} == {answer["request_id"] for answer in answers}
    assert 8 == len({answer["nonce"] for answer in answers})
    assert 1 < len({answer["amount_fen"] for answer in answers})


def test_a_claim_that_is_asked_again_draws_nothing_anew(world: World):
    """
    The first answer, nonce and all; with another luck it is another request.
    """
    packet = sent()(world)
    first = world.li.claim(packet, luck=LUCK, request_id="mine")

    again = world.li.claim(packet, luck=f" {LUCK} ", request_id="mine")

    assert {**first, "replayed": True} == again
    for other in (None, "else"):
        with pytest.raises(errors.RequestConflict):
            world.li.claim(packet, luck=other, request_id="mine")


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_luck_takes_part_in_the_draw(rule: DealRule, worlds: Callable[[str], World]):
    """
    In worlds that are alike to the last bit, whose nonces are the same, luck makes the difference.
    """
    answers = []
    for number in range(8):
        world = worlds(str(number))
        packet = sent(total_fen=1000 * YUAN, count=10, deal=rule)(world)
        answers.append(world.li.claim(packet, luck=f"{number}", request_id="same"))

    assert 1 == len({answer["nonce"] for answer in answers})
    assert 1 < len({answer["amount_fen"] for answer in answers})


@pytest.mark.parametrize("kind", [PacketKind.LUCKY, PacketKind.EQUAL], ids=str)
def test_nonce_and_luck_are_shown_with_the_share(kind: PacketKind, world: World):
    """
    To the claimer at once, to everybody in `show` while the packet is open, and with the proof.
    """
    packet = sent(kind=kind)(world)
    by_li = world.li.claim(packet, luck=LUCK)
    open_shares = world.wang.show(packet)["shares"]
    by_wang = world.wang.claim(packet)

    proof = world.zhang.verify(packet)

    assert [(by_li["nonce"], LUCK)] == [(share["nonce"], share["luck"]) for share in open_shares]
    assert [(by_li["nonce"], LUCK), (by_wang["nonce"], None)] == [
        (share["nonce"], share["luck"]) for share in proof["shares"]
    ]
    assert (True, 32) == (proof["fair"], len(by_wang["nonce"]))
    assert world.zhang.check()["ok"]


@pytest.mark.parametrize(
    ("luck", "error"),
    [
        ("8" * 65, errors.TextTooLong),
        ("8" * 100_000, errors.TextTooLong),
        ("\x1b[2J", errors.UnprintableText),
        ("two\nlines", errors.UnprintableText),
        ("\u202eback", errors.UnprintableText),
    ],
    ids=["long", "enormous", "an escape", "two lines", "turned around"],
)
def test_luck_is_a_text_for_every_screen(luck: str, error: type[Exception], world: World):
    """
    One line of at most 64 characters; what is refused has changed nothing, and comes before what
    the packet itself would say.
    """
    packet = sent(kind=PacketKind.EXCLUSIVE, count=1, recipient=WANG)(world)
    before = world.dump()

    with pytest.raises(error) as refused:
        world.li.claim(packet, luck=luck)

    assert "luck" == refused.value.facts["field"]  # type: ignore[attr-defined]
    assert before == world.dump()


def test_luck_of_nothing_is_none(world: World):
    """
    Spaces alone are no luck, as if none had been given; 64 characters are.
    """
    packet = sent()(world)

    assert world.li.claim(packet, luck="  ")["luck"] is None
    assert "8" * 64 == world.wang.claim(packet, luck="8" * 64)["luck"]


def test_a_shuffled_packet_whose_shares_were_edited_gives_no_more(world: World):
    """
    A share that was never dealt is found by the next claim, in words; nothing is paid.
    """
    packet = sent(deal=DealRule.SHUFFLED, count=3, total_fen=10_00)(world)
    world.li.claim(packet)
    world.close()
    world.edit(
        "UPDATE claim SET amount_fen = amount_fen + 1",
        "UPDATE packet SET claimed_fen = claimed_fen + 1",
    )
    before = world.dump()

    with pytest.raises(errors.Damaged):
        world.wang.claim(packet)

    assert before == world.dump()


def test_scripted_chance_scripts_the_nonce(dicing: World, tmp_path: Path):
    """
    A demo's dice decide the nonce too: the same commands give the same shares again.
    """
    packet = dicing.zhang.send(1000 * YUAN, count=10, pin=right)["packet"]
    copy = dicing.copy(tmp_path / "copy")

    first, again = dicing.li.claim(packet), copy.li.claim(packet)

    assert (first["nonce"], first["amount_fen"]) == (again["nonce"], again["amount_fen"])
    copy.close()
