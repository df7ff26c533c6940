"""Sums of random lives: however they are grouped, they are the statement's movements."""

import random
from contextlib import suppress

from hongbao.domain.dates import china_day
from hongbao.errors import HongbaoError
from hongbao.wallet import Wallet
from tests.every import every
from tests.wallet.world import World, right

BY = ("day", "month", "person", "kind")
ACTS = 40


def live(world: World, dice: random.Random) -> list[Wallet]:
    """Let three people act at random over some weeks; what is refused has not happened."""
    people = [world.zhang, world.li, world.wang]
    for _number in range(ACTS):
        who, amount_fen = dice.choice(people), dice.randint(3, 20_00)
        with suppress(HongbaoError):
            match dice.randrange(5):
                case 0:
                    who.topup(amount_fen, pin=right)
                case 1:
                    who.send(amount_fen, count=dice.randint(1, 3), pin=right)
                case 2:
                    who.withdraw(amount_fen, pin=right)
                case 3:
                    who.refund_due()
                case 4:
                    world.turn(hours=dice.randint(1, 30))
        for packet in who.packets("claimable"):
            with suppress(HongbaoError):
                who.claim(packet["packet"])
    return people


@every("seed", range(3))
def test_sums_are_the_statements_movements(world: World, seed: int):
    """
    By each of the four, for everyone; the chart ends at the balance, and a year counts the packets.
    """
    people = live(world, random.Random(seed))
    kinds = {group["group"] for who in people for group in who.sums("kind")["groups"]}
    assert {"topup", "send", "claim"} <= kinds
    for who in people:
        with who.statement() as stated:
            told = (stated.count, stated.in_fen, stated.out_fen)
            closing_fen = stated.closing_fen
        for by in BY:
            added = who.sums(by)
            assert told == (added["count"], added["in_fen"], added["out_fen"])
            for key in ("count", "in_fen", "out_fen", "net_fen"):
                assert added[key] == sum(group[key] for group in added["groups"])
        chart = who.balance_over_time()
        assert closing_fen == chart["closing_fen"] == who.balance()["available_fen"]
        assert closing_fen == chart["points"][-1]["balance_fen"]
        year = who.year()
        received = who.packets("received", limit=1000)
        assert len(received) == year["received_count"]
        assert sum(packet["yours_fen"] or 0 for packet in received) == year["received_fen"]
        sent = who.packets("sent", limit=1000)
        assert (len(sent), sum(packet["total_fen"] for packet in sent)) == (
            year["sent_count"],
            year["sent_fen"],
        )
        assert china_day(who.now()).year == year["year"]
