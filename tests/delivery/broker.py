"""A broker in memory, and who receives from it as the page on Kafka has it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from hongbao.delivery.targets import Message


class MemoryBroker:
    """
    Keeps what it is sent, and loses nothing; *fails* may raise before or after it was taken.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.connected = 0
        self.arrived: list[Message] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def connect(self, beat: Callable[[bool], None]) -> None:
        self.connected += 1
        beat(False)

    def send(self, messages: Sequence[Message], beat: Callable[[bool], None]) -> None:
        self.before()
        self.arrived += messages
        self.after()
        beat(False)

    def close(self) -> None:
        return


class Hole(Exception):
    """A number of a lane is missing."""


class Consumer:
    """
    Keeps one number for each lane, and what it has taken.

    *dropped* counts what came twice.
    """

    def __init__(self) -> None:
        self.epochs: dict[int, int] = {}
        self.taken: list[dict[str, Any]] = []
        self.last: dict[str, int] = {}
        self.dropped = 0

    def take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            attributes = {name.removeprefix("ce_"): value for name, value in message.headers}
            self.take_one(attributes, json.loads(message.value))

    def take_one(
        self, attributes: dict[str, str], data: dict[str, Any], partition: int = 0
    ) -> None:
        epoch, known = int(attributes["epoch"]), self.epochs.get(partition, 0)
        if epoch < known:
            self.dropped += 1  # of a relay that was paused
            return
        self.epochs[partition] = epoch
        if attributes["type"] == "hongbao.epoch.v1":
            if epoch > known:
                self._begin(partition, data["kept"])
            return
        lane, number = attributes["lane"], int(attributes["number"])
        last = self.last.get(lane, 0)
        if number > last + 1:
            raise Hole(f"{lane}: {last} and then {number}")
        if number <= last:
            self.dropped += 1
            return
        self.last[lane] = number
        self.taken.append({**attributes, "data": data, "partition": partition})

    def _begin(self, partition: int, kept: int) -> None:
        """Forget what earlier epochs have in *partition* behind the position *kept*."""
        self.taken = [
            one
            for one in self.taken
            if one["partition"] != partition or int(one["position"]) <= kept
        ]
        self.last = {}
        for one in self.taken:
            self.last[one["lane"]] = int(one["number"])

    def accounts(self) -> dict[str, int]:
        """Return what each account holds, as far as this consumer can tell."""
        held: dict[str, int] = {}
        for one in self.taken:
            for change in one["data"]["changes"]:
                held[change["account"]] = held.get(change["account"], 0) + change["fen"]
        return {account: fen for account, fen in sorted(held.items()) if fen}

    def entries(self) -> list[int]:
        return sorted(one["data"]["entry"] for one in self.taken)
