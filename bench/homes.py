"""Homes to measure on: real ones, made by the wallet itself."""

import os
from datetime import UTC, datetime
from pathlib import Path

from hongbao.domain.identity import BANKS, demo_card_number
from hongbao.domain.pin import Pin
from hongbao.domain.policy import parse_policy
from hongbao.domain.risk.pack import Pack, parse_pack
from hongbao.env import Env
from hongbao.home.clusters import Access
from hongbao.packs import text_of as risk_pack
from hongbao.policies import text_of
from hongbao.wallet import Wallet

SENDER, CLAIMER = "sender", "claimer"

CHEAP = (1, 8, 1)
"""What a try at a PIN costs while a home is being prepared; what a PIN costs is measured apart."""

PACKET_FEN, PACKET_SHARES = 20, 10
"""Small packets, so that a thousand of them stay within a sender's day limit."""


def env_of(folder: Path, now: datetime | None = None, *, cheap: bool = True) -> Env:
    """Return the world of the home in *folder*, where it is *now*: by default, what it is."""
    return Env(
        home=folder,
        now=lambda: now or datetime.now(UTC),
        chance=os.urandom,
        ask=_nobody,
        ask_secret=_nobody,
        variables={},
        hash_cost=CHEAP if cheap else None,
    )


def pin() -> Pin:
    """Return everyone's payment PIN."""
    return Pin("271828")


def found(
    env: Env,
    name: str,
    *,
    topup_fen: int = 0,
    serial: int = 0,
    patient: bool = True,
    access: Access | None = None,
) -> None:
    """
    Make the profile *name*, with *topup_fen* from demo card number *serial* in its balance.

    The risk pack stops nobody, unless it is not to be *patient*: then it is the one that ships.
    With *access* the ledger is on a cluster.
    """
    wallet, _ = Wallet.found(
        env, name, pin=pin, policy=parse_policy(text_of("standard"), "standard"), access=access
    )
    with wallet:
        if patient and wallet.home.row.risk_pack is None:
            wallet.use_risk_pack(_patient_pack())
        if topup_fen:
            wallet.add_card(demo_card_number(BANKS[0], serial), pin=pin)
            wallet.topup(topup_fen, pin=pin)


def _patient_pack() -> Pack:
    """Return the standard pack, asking all that it asks and stopping nobody: benches hurry."""
    never = 'when = [{ indicator = "cards", at_least = 1000000 }, '
    text = risk_pack("standard").replace('name = "standard"', 'name = "patient"', 1)
    return parse_pack(text.replace("when = [", never), "patient")


def send_packets(env: Env, count: int) -> list[str]:
    """Have the sender send *count* packets that nobody has claimed yet, and return their ids."""
    with Wallet.open(env, profile=SENDER) as wallet:
        return [
            wallet.send(PACKET_FEN, count=PACKET_SHARES, pin=pin)["packet"] for _ in range(count)
        ]


def _nobody(question: str) -> str:
    raise EOFError(question)
