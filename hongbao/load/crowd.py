"""The people of an evening at their telephones: they send packets, and ask for shares of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from hongbao.domain.arrivals import packets_max
from hongbao.domain.policy import check_packet
from hongbao.errors import HongbaoError, NumberTooLarge, UsageError
from hongbao.wallet.group import acting_as, together
from hongbao.wallet.sandbox import everyones_pin
from hongbao.wallet.send import send
from hongbao.wallet.sessions import DeviceSession, open_session

if TYPE_CHECKING:
    from hongbao.domain.arrivals import Arrival, Sending
    from hongbao.domain.policy import PacketRules
    from hongbao.home.opened import Home
    from hongbao.wallet.sessions import ClaimRequest


def check_packets(rules: PacketRules, *, people: int, packets: int, shares: int) -> None:
    """
    Refuse *packets* with so many *shares* that *people* could not all send, by *rules* and money.

    Raises InvalidCount and NumberTooLarge.
    """
    check_packet(rules, shares, shares)  # with a fen for each, so that only their number counts
    most = packets_max(people=people, shares=shares)
    if packets > most:
        raise NumberTooLarge(str(packets), option="--packets", most=most)


class Crowd:
    """*people* of *home*, whose packets have so many *shares* each."""

    def __init__(self, home: Home, people: Sequence[str], *, shares: int) -> None:
        self._home = home
        self._people = people
        self._shares = shares
        self._sessions: list[DeviceSession] = []
        self._last: ClaimRequest | None = None
        self.packets: list[str] = []
        self.sent_fen = 0

    def __len__(self) -> int:
        return len(self._people)

    def use(self, home: Home) -> None:
        """Continue in *home*, which was opened again."""
        self._home = home

    def prepare(self) -> None:
        """Open a session for each of the people."""

        def opening(number: int, name: str) -> DeviceSession:
            with acting_as(self._home, name):
                return open_session(self._home, request_id=f"storm-session-{number}")

        acts = [partial(opening, number, name) for number, name in enumerate(self._people)]
        for session in together(self._home, acts):
            if isinstance(session, HongbaoError):
                raise session
            self._sessions.append(session)

    def send(self, sending: Sending) -> HongbaoError | None:
        """Send a packet; return what it was refused with. Raises UsageError if none can be sent."""
        with acting_as(self._home, self._people[sending.sender]):
            try:
                sent = send(
                    self._home,
                    sending.total_fen,
                    pin=everyones_pin,
                    count=self._shares,
                    greeting="恭喜发财，大吉大利",
                )
            except UsageError:
                raise  # there are no such packets at all
            except HongbaoError as refused:
                return refused
            finally:
                self._sessions[sending.sender].counter += 1  # for the device has signed an act
        self.packets.append(sent["packet"])
        self.sent_fen += sending.total_fen
        return None

    def request(self, request_id: str, arrival: Arrival) -> ClaimRequest:
        """Return what the person of *arrival* asks for: the request before it, if it is again."""
        if arrival.is_again and self._last is not None:
            return self._last
        session = self._sessions[arrival.person]
        self._last = session.claim(self.packets[arrival.packet], request_id)
        return self._last
