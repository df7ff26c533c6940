"""Risk packs and models: activated, and trained on a home's own history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hongbao.changes.home import KeepRules
from hongbao.errors import Busy, RiskPackVersionReused
from hongbao.home.opened import Home
from hongbao.queries.guards import Guards, guards_in_force
from hongbao.queries.risk import OWN_MODEL, history
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.operators import By
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.risk_control import keep_guards, keep_rules
from hongbao.wallet.rules import answering, check_operator
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import GuardsUsed
    from hongbao.domain.risk.forest import Forest
    from hongbao.domain.risk.indicators import Key
    from hongbao.domain.risk.pack import Pack


def use_risk_pack(
    home: Home,
    pack: Pack,
    *,
    by: By | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> GuardsUsed:
    """
    Activate *pack* for the whole home.

    The ledger keeps its text, because decisions name the pack that made them. Where the home
    has operators, one of them approves it (*by*), and so for the model: one who finds a
    wallet open does not make its rules milder.

    Raises RulesNeedOperator or OperatorNotFound, what `authorise` raises, and
    RiskPackVersionReused where another text went by the same name and version.
    """
    inputs = {"pack": pack.ref, "text": pack.text}
    first: GuardsUsed | None = earlier_answer(home, "risk_use", inputs, request_id)
    if first is not None:
        return first
    operator = answering(home, by)

    def work(doing: Act) -> GuardsUsed:
        before = _begin_change(home, doing, operator)
        known = home.store.rules("risk_pack", pack.ref)
        if known is None:
            doing.change(KeepRules("risk_pack", pack.ref, pack.text))
        elif known != pack.text:
            raise RiskPackVersionReused(pack.ref)
        doing.set_home(risk_pack=pack.ref)
        return _guards_used(doing, before, pack.ref, before.forest, operator)

    return perform(home, "risk_use", inputs, work, request_id=request_id, dry_run=dry_run)


def train_model(
    home: Home, *, by: By | None = None, request_id: str | None = None, dry_run: bool = False
) -> GuardsUsed:
    """
    Learn a model from this home's own history, and ask it from now on.

    Raises what `use_risk_pack` raises of *by*, TrainerMissing where scikit-learn is not
    installed, and TooLittleHistory.
    """
    from hongbao.domain.risk.forest import parse_forest
    from hongbao.training import train

    before: GuardsUsed | None = earlier_answer(home, "risk_train", {}, request_id)
    if before is not None:
        return before
    operator = answering(home, by)
    with home.looking():
        guards = guards_in_force(home, home.row)
        keys = _model_keys(guards)
        vectors = list(_vectors(home, guards.pack, keys))
        version = _next_model_version(home)
    text = train(vectors, keys, seed=version, name=OWN_MODEL, version=version, source="this home")
    forest = parse_forest(text, OWN_MODEL)

    def work(doing: Act) -> GuardsUsed:
        if home.store.rules("risk_model", forest.ref) is not None:
            raise Busy  # another process has trained one in between
        answer = _ask_from_now_on(home, doing, forest, operator)
        answer["acts"] = len(vectors)
        return answer

    return perform(home, "risk_train", {}, work, request_id=request_id, dry_run=dry_run)


def use_shipped_model(
    home: Home, *, by: By | None = None, request_id: str | None = None, dry_run: bool = False
) -> GuardsUsed:
    """Ask the model again that ships with hongbao. Raises what `use_risk_pack` does of *by*."""
    from hongbao.domain.risk.forest import parse_forest
    from hongbao.packs import MODEL, model_text

    forest = parse_forest(model_text(), MODEL)
    operator = answering(home, by)

    def work(doing: Act) -> GuardsUsed:
        return _ask_from_now_on(home, doing, forest, operator)

    return perform(home, "risk_model", {}, work, request_id=request_id, dry_run=dry_run)


def _begin_change(home: Home, doing: Act, operator: str | None) -> Guards:
    """Keep what was active until now, for the answer's "before"."""
    check_operator(home, operator is not None)  # one may have been added in between
    guards = guards_in_force(home, doing.home_row)
    keep_guards(home, doing)
    return guards


def _ask_from_now_on(home: Home, doing: Act, forest: Forest, operator: str | None) -> GuardsUsed:
    """Activate the model *forest* with the active pack."""
    before = _begin_change(home, doing, operator)
    keep_rules(home, doing, "risk_model", forest.ref, forest.text)
    doing.set_home(risk_model=forest.ref)
    return _guards_used(doing, before, before.pack.ref, forest, operator)


def _guards_used(
    doing: Act,
    before: Guards,
    pack: str,
    forest: Forest | None,
    operator: str | None,
) -> GuardsUsed:
    return {
        "request_id": doing.request_id,
        "at": iso(doing.now),
        "pack": pack,
        "model": None if forest is None else forest.ref,
        "before": before.pack.ref,
        "before_model": None if before.forest is None else before.forest.ref,
        "operator": operator,
    }


def _model_keys(guards: Guards) -> tuple[Key, ...]:
    """Return the keys of models: the same as the active one's, or as the shipped."""
    from hongbao.domain.risk.forest import parse_forest
    from hongbao.packs import MODEL, model_text

    forest = guards.forest or parse_forest(model_text(), MODEL)
    return forest.keys


def _vectors(home: Home, pack: Pack, keys: tuple[Key, ...]) -> Iterator[list[int]]:
    """Measure everything that was done: what was stopped is no example of ordinary life."""
    from hongbao.domain.risk.indicators import INDICATORS

    for _row, record, habit in history(home):
        asked = record.asked
        if asked is not None and record.seen is not None:
            yield [INDICATORS[key.indicator].measure(habit, asked, key, pack.night) for key in keys]


def _next_model_version(home: Home) -> int:
    version = 1
    while home.store.rules("risk_model", f"{OWN_MODEL}/{version}") is not None:
        version += 1
    return version
