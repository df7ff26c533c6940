"""Ours: the same claims through the wallet, one by one and in bulk, in a process that is awake."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.homes import PACKET_FEN, PACKET_SHARES, SENDER, env_of, found, send_packets
from bench.peers.redis import Claim
from hongbao.errors import HongbaoError
from hongbao.wallet import Wallet
from hongbao.wallet.bulk import claim_many
from hongbao.wallet.sessions import open_session

PEOPLE = tuple(f"person{number}" for number in range(PACKET_SHARES))
"""Who claims: as many as a packet has shares."""

SHARES, TOTAL_FEN = PACKET_SHARES, PACKET_FEN


class Ours:
    """A home in *folder*, opened by each of `PEOPLE`, with an open session for each."""

    def __init__(self, folder: Path) -> None:
        self._env = env_of(folder)
        found(self._env, SENDER, topup_fen=50_000)
        for person in PEOPLE:
            found(self._env, person)
        self._stack = ExitStack()
        self._wallets = {
            person: self._stack.enter_context(Wallet.open(self._env, profile=person))
            for person in PEOPLE
        }
        self._sessions = {
            person: open_session(wallet.home) for person, wallet in self._wallets.items()
        }

    def packets(self, count: int) -> list[str]:
        """Send so many packets, and return their ids."""
        return send_packets(self._env, count)

    def claim(self, claims: Sequence[Claim]) -> list[str]:
        """Ask for *claims*, one by one: each signed, sealed and on the disk before the next."""
        return [
            str(self._wallets[person].claim(packet, request_id=request)["amount_fen"])
            for packet, person, request in claims
        ]

    def claim_in_bulk(self, claims: Sequence[Claim]) -> list[str]:
        """Ask for *claims* under the sessions, on the disk in groups."""
        asked = (
            self._sessions[person].claim(packet, request) for packet, person, request in claims
        )
        home = self._wallets[PEOPLE[0]].home
        answers = claim_many(home, asked)
        return [
            each.code if isinstance(each, HongbaoError) else str(each["amount_fen"])
            for each in answers
        ]

    def close(self) -> None:
        self._stack.close()
