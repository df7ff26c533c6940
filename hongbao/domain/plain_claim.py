"""
A plain claim as its entry keeps it: the same texts as any act's, written in one go.

Plain is a claim that was allowed, and neither held nor delayed. `facts.encode`, `Record.encode` and
`chain.canonical` give the same texts by way of shapes and encoders, which is most of what a claim
in bulk would cost; a test compares them.
"""

from collections.abc import Sequence
from functools import cache
from json.encoder import encode_basestring
from typing import NamedTuple

from hongbao.domain.risk.acts import Asked


class PacketTexts(NamedTuple):
    """What claims of one packet have in common: the start of their facts, and its names."""

    facts: str  # up to the seat
    packet: str
    kind: str
    sender: str
    greeting: str
    count: int  # type: ignore[assignment]  # a tuple's own count is not missed

    @classmethod
    def of(cls, packet: str, kind: str, sender: str, greeting: str, count: int) -> "PacketTexts":
        """Return the texts of a packet with these facts."""
        names = (packet, kind, sender, greeting)
        return cls(f"[1,{','.join(map(encode_basestring, names))}", *names, count)

    def facts_of(self, seat: int, amount_fen: int, nonce: str, luck: str | None) -> str:
        """Return the facts of the claim at *seat*."""
        said = "null" if luck is None else encode_basestring(luck)
        finished = "true" if seat == self.count else "false"
        return (
            f'{self.facts},{seat},{amount_fen},"{nonce}",{said},{self.count},{finished},null,null]'
        )


class GuardTexts(NamedTuple):
    """What the records of one risk pack and model have in common."""

    by: str

    @classmethod
    def of(cls, pack: str, model: str | None) -> "GuardTexts":
        said = "null" if model is None else encode_basestring(model)
        return cls(f'"by":[{encode_basestring(pack)},{said}],"verdict":"allow","rule":null')

    def record_of(
        self, asked: Asked, amount_fen: int, values: tuple[int, ...], score: int | None
    ) -> str:
        """Return the record of a claim of *amount_fen* that was allowed, as it was *asked*."""
        (at, _what, mean_fen, other, reaction_ms, city), *rest = asked
        last = f"{other},{reaction_ms},{city}"
        return (
            f'{{"seen":[{at},"claim",{amount_fen},{last}],'
            f'"asked":[{at},"claim",{mean_fen},{last},{",".join(map(str, rest))}],'
            f'{self.by},"reports":[],"values":[{_places(len(values)) % values}],'
            f'"score":{"null" if score is None else score}}}'
        )


@cache
def _places(count: int) -> str:
    return ",".join(["%s"] * count)


def fields_of(
    *,
    entry: int,
    profile: int,
    request_id: str,
    inputs: bytes,
    packet: int,
    sender: int,
    amount_fen: int,
    balance_fen: int,
    policy: str | None,
    at: int,
    clock: str,
    facts: str,
    generation: int,
    risk: str,
    device: int,
    session: int,
    counter: int,
    signature: bytes,
) -> tuple[object, ...]:
    """Return a plain claim's fields as `EntryRow.sealed_fields` has them."""
    return (
        *(entry, "claim", profile, request_id, inputs, packet, sender, amount_fen, balance_fen),
        *(policy, at, clock, facts, generation, None, risk, "allow", 0, None),
        *(device, session, counter, signature, None),
    )


def sealed(fields: Sequence[object], account: int, owner: int) -> str:
    """
    Return the act with these *fields* as its seal covers it.

    Its one transfer is from the packet's *account* to the balance of *owner*.
    """
    entry, _act, profile, request_id, inputs, packet, sender, amount_fen, balance_fen = fields[:9]
    policy, at, clock, facts, generation, _operator, risk, *_judged = fields[9:19]
    device, session, counter, signature = fields[19:23]
    assert isinstance(inputs, bytes)
    assert isinstance(signature, bytes)
    said = "null" if policy is None else encode_basestring(str(policy))
    return (
        f'[[{entry},"claim",{profile},"{request_id}","{inputs.hex()}",{packet},{sender},'
        f"{amount_fen},{balance_fen},{said},{at},"
        f'"{clock}",{encode_basestring(str(facts))},{generation},null,'
        f'{encode_basestring(str(risk))},"allow",0,null,'
        f'{device},{session},{counter},"{signature.hex()}",null],'
        f'[["platform","packet",{account},"balance",{owner},{amount_fen},"claim"]],[]]'
    )
