"""What people, operators and administrators do: each command for a home, and as it is typed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hongbao.domain.cases import Verb
from hongbao.domain.channel import Fault as BankFault
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.domain.pin import Pin
from hongbao.wallet.operators import By
from tests.simulation.scheduler import Fault

if TYPE_CHECKING:
    from tests.simulation.life import Life

PIN, OTHER_PIN, WRONG_PIN = "246813", "975312", "135790"
OPERATOR_PIN = "864209"
PASSPHRASE = "seven lanterns over the old harbour"
ALONE = frozenset({"rekey", "restore", "lock", "unlock"})
"""Commands during which others are told that the home is busy."""


@dataclass(frozen=True)
class Command:
    """
    One command of *who*, in its process *lane*.

    It is named by its *number*; a packet, a case or a copy is named by the number of the command
    that made it, so that commands before it can be left out. *fresh* is a new process.
    """

    number: int
    lane: int
    act: str
    who: str
    args: dict[str, Any] = field(default_factory=dict)
    request: str | None = None
    pin: str = PIN
    fault: Fault | None = None
    fresh: bool = False

    @property
    def inputs(self) -> str:
        """What is asked for, by which a request is known again."""
        return f"{self.act} {sorted(self.args.items())}"

    def ask(self) -> Pin:
        return Pin(self.pin)

    def but(self, **changes: Any) -> Command:
        return replace(self, **changes)

    def __str__(self) -> str:
        words = [f"#{self.number}", f"{self.lane}:", self.who, self.act]
        words += [f"{name}={value}" for name, value in self.args.items() if value is not None]
        words += [f"request={self.request}"] if self.request else []
        words += [f"pin={self.pin}"] if self.pin != PIN else []
        words += [f"fault={tuple(self.fault)}"] if self.fault else []
        return " ".join(words)


Does = Callable[["Life", Any, Command], Any]
Typed = Callable[["Life | None", Command], str]


def _operator(command: Command) -> Any:
    if command.args["operator"] is None:
        return command.ask if command.act == "operator_add" else None
    return By(command.args["operator"], lambda: Pin(OPERATOR_PIN))


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def _topup(_life: Life, desk: Any, c: Command) -> Any:
    card = c.args["card"]
    return desk.topup(c.args["fen"], card=card and card[-4:], pin=c.ask, request_id=c.request)


def _withdraw(_life: Life, desk: Any, c: Command) -> Any:
    card = c.args["card"]
    return desk.withdraw(c.args["fen"], card=card and card[-4:], pin=c.ask, request_id=c.request)


def _send(_life: Life, desk: Any, c: Command) -> Any:
    a = c.args
    return desk.send(
        a["fen"],
        count=a["count"],
        kind=PacketKind(a["kind"]),
        deal=DealRule(a["deal"]),
        recipient=a["to"],
        paid_from="balance" if a["from"] == "balance" else a["from"][-4:],
        pin=c.ask,
        request_id=c.request,
    )


def _typed_send(_life: Any, c: Command) -> str:
    a = c.args
    words = [yuan(a["fen"])]
    if a["kind"] == "equal":
        words = ["--each", yuan(a["fen"] // a["count"])]
    if a["count"] > 1:
        words += ["--count", str(a["count"])]
    if a["to"] is not None:
        words += ["--to", a["to"]]
    if a["deal"] == "shuffled":
        words += ["--deal", "shuffled"]
    if a["from"] != "balance":
        words += ["--from", a["from"][-4:]]
    return shlex.join(["send", *words])


def _restore(life: Life, desk: Any, c: Command) -> Any:
    desk.close()
    return life.restore(c)


def _backup(life: Life, desk: Any, c: Command) -> Any:
    return desk.backup(life.copy_of(c.number), replace=True)


def _typed_card(word: str) -> Typed:
    def typed(_life: Any, c: Command) -> str:
        card = f" --card {c.args['card'][-4:]}" if c.args["card"] else ""
        return f"{word} {yuan(c.args['fen'])}{card}"

    return typed


def _typed_fault(_life: Any, c: Command) -> str:
    return f"bank fault {c.args['place']} {c.args['fault'] or 'off'}"


def _set_fault(_life: Life, desk: Any, c: Command) -> Any:
    fault = c.args["fault"]
    return desk.set_fault(c.args["place"], fault and BankFault(fault), request_id=c.request)


def _decide(life: Life, desk: Any, c: Command) -> Any:
    return desk.decide(life.case_id(c), Verb(c.args["verb"]), why="simulated", by=_operator(c))


def _use_policy(life: Life, desk: Any, c: Command) -> Any:
    return desk.use_policy(life.policies[c.args["policy"]], by=_operator(c), request_id=c.request)


def _use_pack(life: Life, desk: Any, c: Command) -> Any:
    return desk.use_risk_pack(life.packs[c.args["pack"]], by=_operator(c), request_id=c.request)


def _by(c: Command) -> str:
    """Return who answers for it, and with which PIN; an operator's is not the payment PIN."""
    return f" --operator {c.args['operator']} --pin-file operator" if c.args["operator"] else ""


def _identify(_life: Life, desk: Any, c: Command) -> Any:
    return desk.identify(c.args["real_name"], c.args["number"], pin=c.ask, request_id=c.request)


def _correct(life: Life, desk: Any, c: Command) -> Any:
    return life.correct(desk, c, _operator(c))


def _device(act: str) -> Does:
    def does(_life: Life, desk: Any, c: Command) -> Any:
        return getattr(desk, act)(c.args["name"], pin=c.ask, request_id=c.request)

    return does


def _packet(life: Life, c: Command) -> str:
    return life.packet_id(c.args["packet"])


COMMANDS: dict[str, tuple[Does, Typed]] = {
    "topup": (_topup, _typed_card("topup")),
    "withdraw": (_withdraw, _typed_card("withdraw")),
    "send": (_send, _typed_send),
    "claim": (
        lambda life, desk, c: desk.claim(_packet(life, c), request_id=c.request),
        lambda _, c: f"claim [p{c.args['packet']}_packet]",
    ),
    "refund": (
        lambda life, desk, c: desk.refund(_packet(life, c), request_id=c.request),
        lambda _, c: f"refund [p{c.args['packet']}_packet]",
    ),
    "refund_due": (
        lambda _life, desk, c: desk.refund_due(request_id=c.request),
        lambda *_: "refund",
    ),
    "card_add": (
        lambda _life, desk, c: desk.add_card(c.args["card"], pin=c.ask, request_id=c.request),
        lambda _, c: f"card add {c.args['card']}",
    ),
    "card_remove": (
        lambda _life, desk, c: desk.remove_card(
            c.args["card"][-4:], pin=c.ask, request_id=c.request
        ),
        lambda _, c: f"card remove {c.args['card'][-4:]} --yes",
    ),
    "identify": (
        _identify,
        lambda _, c: f"identify --name {c.args['real_name']} --id-number {c.args['number']}",
    ),
    "pin_change": (
        lambda _life, desk, c: desk.change_pin(
            c.ask, lambda: Pin(c.args["new"]), request_id=c.request
        ),
        lambda _, c: f"pin change --new-pin-file {_pin_file(c.args['new'])}",
    ),
    "join": (
        lambda life, _desk, c: life.join(c),
        lambda _, c: f"init {c.args['name']}",
    ),
    "balance": (lambda _life, desk, _c: desk.balance(), lambda *_: "balance"),
    "check": (lambda _life, desk, _c: desk.check(), lambda *_: "check"),
    "clock": (
        lambda _life, desk, c: desk.advance_clock(timedelta(minutes=c.args["minutes"])),
        lambda _, c: f"clock advance {c.args['minutes']}m",
    ),
    "settle": (lambda _life, desk, _c: desk.settle(), lambda *_: "settle"),
    "fault": (_set_fault, _typed_fault),
    "operator_add": (
        lambda _life, desk, c: desk.add_operator(
            c.args["name"], pin=lambda: Pin(OPERATOR_PIN), by=_operator(c)
        ),
        lambda _, c: f"operator add {c.args['name']} --new-pin-file operator{_by(c)}",
    ),
    "decide": (
        _decide,
        lambda _, c: f"review {c.args['verb']} [p{c.args['case']}_case] --reason simulated{_by(c)}",
    ),
    "correct": (
        _correct,
        lambda _, c: f"reconcile resolve [p{c.args['payment']}_payment] --reason simulated{_by(c)}",
    ),
    "policy": (
        _use_policy,
        lambda _, c: f"policy use [{c.args['policy']}]{_by(c)}",
    ),
    "risk": (_use_pack, lambda _, c: f"risk use [{c.args['pack']}]{_by(c)}"),
    "device_add": (_device("add_device"), lambda _, c: f"device add {c.args['name']}"),
    "device_approve": (_device("approve_device"), lambda _, c: f"device approve {c.args['name']}"),
    "device_remove": (
        _device("remove_device"),
        lambda _, c: f"device remove {c.args['name']} --yes",
    ),
    "rekey": (lambda _life, desk, _c: desk.rekey(), lambda *_: "rekey --yes"),
    "lock": (
        lambda _life, desk, c: desk.lock(PASSPHRASE, pin=c.ask),
        lambda *_: "lock --passphrase-file passphrase",
    ),
    "unlock": (lambda _life, desk, _c: desk.unlock(), lambda *_: "unlock"),
    "backup": (_backup, lambda _, c: f"backup copy{c.number} --yes"),
    "restore": (_restore, lambda _, c: f"restore copy{c.args['copy']} --yes"),
}
"""What each command does in a home, and what a person types for it."""

MINE = {
    "topup": {"instruct_topup"},
    "withdraw": {"withdraw"},
    "send": {"send", "instruct_send"},
    "claim": {"claim"},
    "refund": {"refund"},
    "card_add": {"card_add"},
    "card_remove": {"card_remove"},
    "identify": {"identify"},
    "pin_change": {"pin_change"},
    "decide": {"approved", "rejected", "opinion", "escalated"},
    "policy": {"policy_use"},
    "risk": {"risk_use"},
    "fault": {"bank_fault"},
    "join": {"init"},
    "device_add": {"device_add"},
    "device_approve": {"device_approve"},
    "device_remove": {"device_remove"},
    "operator_add": {"operator_add"},
}
"""The acts by which a command has done what it was asked for."""


def _pin_file(pin: str) -> str:
    return {PIN: "pin", OTHER_PIN: "other", WRONG_PIN: "wrong"}[pin]


def typed(command: Command) -> str:
    """Return *command* as a person types it."""
    words = COMMANDS[command.act][1](None, command)
    if command.request is not None and command.act in REQUESTED:
        words += f" --request-id {command.request}"
    if command.pin != PIN and command.act in ASKS_PIN:
        words += f" --pin-file {_pin_file(command.pin)}"
    return words


ASKS_PIN = frozenset(
    {"topup", "withdraw", "send", "card_add", "card_remove", "identify", "pin_change", "lock"}
    | {"join", "device_add", "device_approve", "device_remove"}
)
REQUESTED = frozenset(
    {"topup", "withdraw", "send", "claim", "refund", "refund_due", "card_add", "card_remove"}
) | {"identify", "pin_change", "policy", "fault", "device_add", "device_approve", "device_remove"}
