"""The rules at the desk: what binds everybody in a home, and who answers for a change of it."""

from hongbao.answers import PolicyUsed
from hongbao.domain.policy import Policy
from hongbao.errors import PolicyVersionReused, RulesNeedOperator
from hongbao.wallet.acts import Act
from hongbao.wallet.operators import By, Operators


class Rules(Operators):
    """
    Which rules are in force.

    They bind everybody, so there is one guard for all of them (`_answering`, `_check_answered`):
    where a home has operators, one of them answers for a change with their PIN.
    """

    # --- the guard -------------------------------------------------------------------------------

    def _answering(self, by: By | None) -> str | None:
        """
        Have an operator answer for the rules, where this home has any, and return their name.

        Raises RulesNeedOperator or OperatorNotFound, and what `_authorise` raises.
        """
        with self.looking():
            self._check_answered(by is not None)
            operator = None if by is None else self._operator_named(by.operator)
        if by is None or operator is None:
            return None
        self._authorise(by.pin, operator)
        return operator.name

    def _check_answered(self, answered: bool) -> None:
        """Raise RulesNeedOperator: called again in the act, as somebody may be one by then."""
        if not answered and self.store.operators():
            raise RulesNeedOperator

    # --- policies --------------------------------------------------------------------------------

    def policies(self) -> list[str]:
        """Return the policies this ledger has ever used, by name and version."""
        return self.store.policies()

    def policy_text(self, ref: str) -> str | None:
        """Return the text of the policy that was used here as *ref*, if one was."""
        return self.store.policy_text(ref)

    def use_policy(
        self,
        policy: Policy,
        *,
        by: By | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> PolicyUsed:
        """
        Put *policy* in force for the whole home, with an operator (*by*) where there are any.

        The ledger keeps its text, because entries name the policy that allowed them. Raises what
        `_answering` raises, and PolicyVersionReused where another text went by the same name and
        version.
        """
        inputs = {"policy": policy.ref, "text": policy.text}
        first: PolicyUsed | None = self._answered("policy_use", inputs, request_id)
        if first is not None:
            return first
        operator = self._answering(by)

        def work(doing: Act) -> PolicyUsed:
            self._check_answered(operator is not None)
            known = self.store.policy_text(policy.ref)
            if known is None:
                self.store.keep_policy(policy.ref, policy.text)
            elif known != policy.text:
                raise PolicyVersionReused(policy.ref)
            self.store.set_policy(policy.ref)
            return {
                **doing.common,
                "policy": policy.ref,
                "before": doing.home.policy or "",
                "operator": operator,
            }

        return self._act("policy_use", inputs, work, request_id=request_id, dry_run=dry_run)
