"""Every kind of act, ready to be done: what it needs beforehand, and how it is asked for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from hongbao.domain.packet import DealRule, PacketKind
from hongbao.domain.pin import Pin
from hongbao.vault.authenticator import code_at
from hongbao.wallet import Wallet
from tests.wallet.bills import ROWS, bill
from tests.wallet.world import (
    CARD,
    LI,
    WANG,
    YUAN,
    ZHANG,
    World,
    card,
    changed,
    id_number,
    right,
    tail,
)

DAY = timedelta(hours=24)


class Kind(NamedTuple):
    """
    One kind of act: *who* does it, once *ready* has made the world fit for it.

    *do* is handed the desk, what *ready* returned and the options (``request_id``, ``dry_run``)
    that the act takes. *otherwise* is the same act with other inputs.
    """

    name: str
    who: str
    ready: Callable[[World], Any]
    do: Callable[..., Any]
    otherwise: Callable[..., Any] | None = None
    dry: bool = True
    pin: bool = True

    def __repr__(self) -> str:
        return self.name


def nothing(world: World) -> None:
    """Prepare nothing: Zhang has all that the act needs."""


def sent(**how: Any) -> Callable[[World], str]:
    """Return what has Zhang send a packet and gives its id."""

    def ready(world: World) -> str:
        return str(
            world.zhang.send(pin=right, **{"total_fen": 10 * YUAN, "count": 2, **how})["packet"]
        )

    return ready


def half_claimed(world: World) -> str:
    packet = sent()(world)
    world.li.claim(packet)
    return packet


def expired(**how: Any) -> Callable[[World], str]:
    def ready(world: World) -> str:
        packet = sent(**how)(world)
        world.li.claim(packet)
        world.at += DAY
        return packet

    return ready


def two_expired(world: World) -> None:
    expired()(world)
    expired(count=3)(world)


def two_waiting(world: World) -> None:
    half_claimed(world)
    sent(paid_from=tail(CARD))(world)


def backed_up(world: World) -> Any:
    file = world.folder.parent / "copy"
    world.zhang.backup(file)
    half_claimed(world)
    return file


def with_tablet(world: World) -> None:
    """Let Zhang ask that a tablet be let in."""
    world.zhang.add_device("tablet", pin=right)


def with_totp(world: World) -> None:
    """Give Zhang an authenticator."""
    desk = world.zhang
    desk.add_totp(lambda secret, _: code_at(secret, desk.now()), pin=right)


def new_pin() -> Pin:
    return Pin("975312")


def _topup(desk: Wallet, _: Any, **options: Any) -> Any:
    return desk.topup(5 * YUAN, pin=right, **options)


KINDS = (
    Kind(
        "identify",
        LI,
        nothing,
        lambda desk, _, **o: desk.identify("李四", id_number(2), pin=right, **o),
        lambda desk, _, **o: desk.identify("李四", id_number(3), pin=right, **o),
    ),
    Kind(
        "identify-shared",
        WANG,
        lambda world: world.li.withdraw,  # nothing moves; Wang turns out to be Zhang
        lambda desk, _, **o: desk.identify("张三", id_number(1), pin=right, **o),
    ),
    Kind(
        "card-add",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.add_card(card(2, 7), pin=right, **o),
        lambda desk, _, **o: desk.add_card(card(2, 8), pin=right, **o),
    ),
    Kind(
        "card-remove",
        ZHANG,
        lambda world: world.zhang.add_card(card(2, 7), pin=right),
        lambda desk, _, **o: desk.remove_card(tail(CARD), pin=right, **o),
        lambda desk, _, **o: desk.remove_card(tail(card(2, 7)), pin=right, **o),
    ),
    Kind(
        "topup",
        ZHANG,
        nothing,
        _topup,
        lambda desk, _, **o: desk.topup(6 * YUAN, pin=right, **o),
    ),
    Kind(
        "withdraw",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.withdraw(5 * YUAN, pin=right, **o),
        lambda desk, _, **o: desk.withdraw(6 * YUAN, pin=right, **o),
    ),
    Kind(
        "withdraw-for-a-fee",
        ZHANG,
        lambda world: (
            world.zhang.topup(1000 * YUAN, pin=right),
            world.zhang.withdraw(995 * YUAN, pin=right),
        ),
        lambda desk, _, **o: desk.withdraw(300 * YUAN, pin=right, **o),
    ),
    Kind(
        "send-lucky",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.send(10 * YUAN, count=3, pin=right, **o),
        lambda desk, _, **o: desk.send(10 * YUAN, count=2, pin=right, **o),
    ),
    Kind(
        "send-shuffled",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.send(
            10 * YUAN, count=3, deal=DealRule.SHUFFLED, cover="dragon", pin=right, **o
        ),
        lambda desk, _, **o: desk.send(10 * YUAN, count=3, cover="dragon", pin=right, **o),
    ),
    Kind(
        "send-equal",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.send(
            10 * YUAN, count=2, kind=PacketKind.EQUAL, greeting="好", pin=right, **o
        ),
        lambda desk, _, **o: desk.send(
            10 * YUAN, count=2, kind=PacketKind.EQUAL, greeting="坏", pin=right, **o
        ),
    ),
    Kind(
        "send-exclusive",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.send(
            10 * YUAN, kind=PacketKind.EXCLUSIVE, recipient=LI, pin=right, **o
        ),
        lambda desk, _, **o: desk.send(
            10 * YUAN, kind=PacketKind.EXCLUSIVE, recipient=WANG, pin=right, **o
        ),
    ),
    Kind(
        "send-by-card",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.send(10 * YUAN, count=3, paid_from=tail(CARD), pin=right, **o),
        lambda desk, _, **o: desk.send(10 * YUAN, count=3, pin=right, **o),
    ),
    Kind(
        "claim",
        LI,
        sent(),
        lambda desk, packet, **o: desk.claim(packet, **o),
        lambda desk, packet, **o: desk.topup(YUAN, pin=right, **o),
        dry=False,
        pin=False,
    ),
    Kind(
        "claim-last",
        WANG,
        half_claimed,
        lambda desk, packet, **o: desk.claim(packet, **o),
        dry=False,
        pin=False,
    ),
    Kind(
        "refund",
        ZHANG,
        expired(),
        lambda desk, packet, **o: desk.refund(packet, **o),
        pin=False,
    ),
    Kind(
        "refund-to-card",
        ZHANG,
        expired(paid_from=tail(CARD)),
        lambda desk, packet, **o: desk.refund(packet, **o),
        pin=False,
    ),
    Kind(
        "refund-due",
        ZHANG,
        two_expired,
        lambda desk, _, **o: desk.refund_due(**o),
        pin=False,
    ),
    Kind(
        "pin-change",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.change_pin(right, new_pin, **o),
        dry=False,
    ),
    Kind(
        "device-approve",
        ZHANG,
        with_tablet,
        lambda desk, _, **o: desk.approve_device("tablet", pin=right, **o),
        lambda desk, _, **o: desk.remove_device("tablet", pin=right, **o),
    ),
    Kind(
        "device-certify",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.approve_device(
            "Zhang-1", pin=right, identity=("张三", id_number(1)), **o
        ),
    ),
    Kind(
        "device-remove",
        ZHANG,
        with_tablet,
        lambda desk, _, **o: desk.remove_device("tablet", pin=right, **o),
        lambda desk, _, **o: desk.remove_device("phone", pin=right, **o),
    ),
    Kind(
        "device-login",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.login(pin=right, **o),
        lambda desk, _, **o: desk.login("Zhang-1", pin=right, **o),
        dry=False,
    ),
    Kind(
        "device-move",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.move("shanghai", **o),
        lambda desk, _, **o: desk.move("beijing", **o),
        pin=False,
    ),
    Kind(
        "totp-remove",
        ZHANG,
        with_totp,
        lambda desk, _, **o: desk.remove_totp(pin=right, identity=("张三", id_number(1)), **o),
        dry=False,
    ),
    Kind(
        "policy-use",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.use_policy(changed(expires_hours="48"), **o),
        lambda desk, _, **o: desk.use_policy(changed(expires_hours="49"), **o),
        pin=False,
    ),
    Kind(
        "bill-import",
        ZHANG,
        nothing,
        lambda desk, _, **o: desk.bring_in(bill(), file="bill.csv", **o),
        lambda desk, _, **o: desk.bring_in(bill(ROWS[:2]), file="bill.csv", **o),
        pin=False,
    ),
    Kind(
        "bill-remove",
        ZHANG,
        lambda world: world.zhang.bring_in(bill(), file="bill.csv")["bill"],
        lambda desk, brought, **o: desk.remove_bill(brought, **o),
        lambda desk, _, **o: desk.bring_in(bill(), file="bill.csv", **o),
        pin=False,
    ),
)
"""What a request id makes repeatable."""

BY_NAME = {kind.name: kind for kind in KINDS}
REFUNDING = ("refund-due",)
"""Acts that are several: each of them happens whole, and not all of them together."""
