"""Risk packs for tests: a few rules that fire when a test wants them to."""

from datetime import timedelta
from typing import Any

from hongbao.wallet.acts import Doing
from hongbao.wallet.risk_control import keep_rules
from hongbao.wallet.unit_of_work import perform_step
from tests.wallet.world import World

HOLD_HOURS = 24
"""How long what these packs hold is held."""

HOUR = timedelta(hours=1)

SAYS = {"en": "the test looks at this first", "zh": "测试先看一看"}

_HEAD = """\
name = "test"
version = {version}
title = {{ en = "test", zh = "测试" }}
night = {{ from = 0, to = 0 }}
challenge = {{ minutes = 10, tries = 3 }}
review = {{ four_eyes = "{four_eyes}" }}
records = {{ keep_years = 10 }}
"""

_RULE = """
[[rule]]
id = "{id}"
guard = "transaction"
acts = [{acts}]
when = [{{ indicator = "{indicator}", at_least = {least} }}]
answer = "{answer}"
says = {{ en = "{en}", zh = "{zh}" }}
"""


def pack(*rules: str, version: int = 1, four_eyes: str = "50000.00") -> str:
    """Return the text of a pack with these *rules*."""
    return _HEAD.format(version=version, four_eyes=four_eyes) + "".join(rules)


def rule(
    rule_id: str,
    answer: str,
    *acts: str,
    indicator: str = "amount_fen",
    least: str = '"0.01"',
    **more: Any,
) -> str:
    """Return the text of a rule that fires for *acts* from *least* on, with what else it says."""
    text = _RULE.format(
        id=rule_id,
        answer=answer,
        acts=", ".join(f'"{act}"' for act in acts),
        indicator=indicator,
        least=least,
        **SAYS,
    )
    return text + "".join(f"{key} = {_toml(value)}\n" for key, value in more.items())


def holding(
    *acts: str, then: str = "release", hours: int = HOLD_HOURS, from_yuan: str = "0.01"
) -> str:
    """Return a pack that holds each of *acts* from *from_yuan* on."""
    return pack(
        rule(
            "look-first",
            "hold",
            *acts,
            least=f'"{from_yuan}"',
            hold_hours=hours,
            then=then,
        )
    )


def delaying(days: int) -> str:
    """Return a pack whose claims can be withdrawn only *days* days later."""
    return pack(rule("wait-a-little", "delay", "claim", delay_days=days))


def with_pack(world: World, text: str) -> str:
    """Judge all that happens in *world* from now on by the pack of this *text*; return its ref."""
    from hongbao.domain.risk.pack import parse_pack

    parsed = parse_pack(text, "test")
    with world.open(None) as wallet:
        known = wallet.store.rules("risk_pack", parsed.ref)
        assert known in (None, text), "another text under the same name and version"

        def work(doing: Doing) -> dict[str, object]:
            doing.request_id = f"/pack/{doing.entry}"
            keep_rules(wallet.home, doing, "risk_pack", parsed.ref, text)
            doing.set_home(risk_pack=parsed.ref, risk_model=None)
            return {
                **doing.common,
                "pack": parsed.ref,
                "model": None,
                "before": parsed.ref,
                "before_model": None,
                "operator": None,
            }

        perform_step(wallet.home, "risk_use", "/pack", work, step=1)
    return parsed.ref


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
