"""Finding a policy or risk pack by name: one that ships, one used here, or a file."""

from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Option,
)
from hongbao.commands.options import operator_names
from hongbao.commands.placeholders import OPERATOR_NAME
from hongbao.errors import NotFound, PolicyNotFound, RiskPackNotFound
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller
    from hongbao.domain.policy import Policy
    from hongbao.domain.risk.pack import Pack
    from hongbao.wallet import Wallet
    from hongbao.wallet.operators import By

Answering = Annotated[
    str | None,
    Option(
        "--operator",
        metavar=OPERATOR_NAME,
        autocompletion=operator_names,
        help=N_("the operator who approves, if there are any: hongbao asks for this PIN"),
    ),
]


def answering(call: "Caller", operator: str | None) -> "By | None":
    """Return the operator who approves the rules, if one was named."""
    from hongbao.wallet.operators import By

    return None if operator is None else By(operator, call.operator_pin)


def read_policy(name: str, wallet: "Wallet | None" = None) -> "Policy":
    """
    Return the policy that *name* means: a pack's name, one used here (``standard@2``), or a file.

    Raises PolicyNotFound, FileNotReadable or InvalidPolicy.
    """
    from hongbao import policies
    from hongbao.domain.policy import parse_policy

    if name in policies.names():
        return parse_policy(policies.text_of(name), name)
    if wallet is not None and (known := wallet.policy_text(name)) is not None:
        return parse_policy(known, name)
    return parse_policy(_text_of_file(name, PolicyNotFound(name)), name)


def read_pack(name: str, wallet: "Wallet | None" = None) -> "Pack":
    """
    Return the risk pack that *name* means, as `read_policy` does (used here: ``standard/1``).

    Raises RiskPackNotFound, FileNotReadable or InvalidRiskPack.
    """
    from hongbao import packs
    from hongbao.domain.risk.pack import parse_pack

    if name in packs.names():
        return parse_pack(packs.text_of(name), name)
    if wallet is not None and (known := wallet.risk_pack_text(name)) is not None:
        return parse_pack(known, name)
    return parse_pack(_text_of_file(name, RiskPackNotFound(name)), name)


def _text_of_file(name: str, missing: NotFound) -> str:
    from hongbao.domain.toml_table import TEXT_LENGTH_MAX
    from hongbao.inputs import read_text

    try:
        return read_text(name, TEXT_LENGTH_MAX)
    except FileNotFoundError:
        raise missing from None
