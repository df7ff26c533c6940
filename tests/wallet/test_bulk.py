"""Claims in bulk: what they give is what the same claims one by one would give."""

from collections.abc import Callable
from typing import Any

from hongbao.errors import HongbaoError
from hongbao.wallet import Wallet
from hongbao.wallet.bulk import claim_many
from hongbao.wallet.sessions import ClaimRequest, DeviceSession, claim_in_session, open_session
from tests.wallet.world import LI, WANG, YUAN, ZHANG, World, right

Answers = list[Any]


def sessions(world: World) -> dict[str, DeviceSession]:
    """Open a session for each of the world's people."""
    return {name: open_session(world.open(name).home) for name in (ZHANG, LI, WANG)}


def alone(wallet: Wallet, requests: list[ClaimRequest]) -> Answers:
    """Do *requests* one by one, each under its own seal."""
    answers: Answers = []
    for asked in requests:
        try:
            answers.append(claim_in_session(wallet.home, asked))
        except HongbaoError as refused:
            answers.append(refused)
    return answers


def in_bulk(most: int) -> Callable[[Wallet, list[ClaimRequest]], Answers]:
    def done(wallet: Wallet, requests: list[ClaimRequest]) -> Answers:
        return list(claim_many(wallet.home, requests, most=most, within_ms=10**6))

    return done


def said(answers: Answers) -> list[Any]:
    return [each.as_dict() if isinstance(each, HongbaoError) else each for each in answers]


def test_claims_in_bulk_are_what_they_are_one_by_one(world: World, tmp_path: Any):
    zhang = world.zhang
    packets = [zhang.send(10 * YUAN, count=2, pin=right)["packet"] for _ in range(3)]
    opened = sessions(world)
    requests = [
        opened[name].claim(packet, f"r{number}-{name}")
        for number, packet in enumerate(packets)
        for name in (LI, ZHANG, WANG, LI)
    ]

    def outcome(name: str, do: Callable[[Wallet, list[ClaimRequest]], Answers]) -> Any:
        copy = world.copy(tmp_path / name)
        answers = do(copy.zhang, requests)
        assert {} == copy.findings()
        dump = copy.dump(ignoring={"entry": ("mac",)})
        copy.close()
        return said(answers), dump

    expected = outcome("alone", alone)
    for most in (1, 2, 5, 100):
        assert expected == outcome(f"bulk-{most}", in_bulk(most)), most
