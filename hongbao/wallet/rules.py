"""Changes of the active policy and risk pack, which operators have to approve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.changes.home import KeepRules
from hongbao.domain.policy import Policy
from hongbao.errors import PolicyVersionReused, RulesNeedOperator
from hongbao.home.opened import Home
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import authorise
from hongbao.wallet.operators import By, operator_named
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import PolicyUsed


def answering(home: Home, by: By | None) -> str | None:
    """
    Return the operator who approves the rules, if this home has any, after checking the PIN.

    Raises RulesNeedOperator or OperatorNotFound, and what `authorise` raises.
    """
    with home.looking():
        check_operator(home, by is not None)
        operator = None if by is None else operator_named(home, by.operator)
    if by is None or operator is None:
        return None
    authorise(home, by.pin, operator)
    return operator.name


def check_operator(home: Home, answered: bool) -> None:
    """Raise RulesNeedOperator: called again in the act, as an operator may be added by then."""
    if not answered and home.store.operators():
        raise RulesNeedOperator


def policies(home: Home) -> list[str]:
    """Return the policies this ledger has ever used, by name and version."""
    return home.store.rules("policy")


def policy_text(home: Home, ref: str) -> str | None:
    """Return the text of the policy that was used here as *ref*, if one was."""
    return home.store.rules("policy", ref)


def use_policy(
    home: Home,
    policy: Policy,
    *,
    by: By | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> PolicyUsed:
    """
    Activate *policy* for the whole home, with an operator (*by*) if there are any.

    The ledger keeps its text, because entries name the policy that allowed them. Raises what
    `answering` raises, and PolicyVersionReused where another text went by the same name and
    version.
    """
    inputs = {"policy": policy.ref, "text": policy.text}
    first: PolicyUsed | None = earlier_answer(home, "policy_use", inputs, request_id)
    if first is not None:
        return first
    operator = answering(home, by)

    def work(doing: Act) -> PolicyUsed:
        check_operator(home, operator is not None)
        known = home.store.rules("policy", policy.ref)
        if known is None:
            doing.change(KeepRules("policy", policy.ref, policy.text))
        elif known != policy.text:
            raise PolicyVersionReused(policy.ref)
        before = doing.home_row.policy
        doing.set_home(policy=policy.ref)
        return {
            **doing.common,
            "policy": policy.ref,
            "before": before or "",
            "operator": operator,
        }

    return perform(home, "policy_use", inputs, work, request_id=request_id, dry_run=dry_run)
