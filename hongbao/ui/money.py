"""Money on the terminal: balance, top-ups, withdrawals and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, line, safe, table
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import Balance, LimitLine, Limits, ToppedUp, Withdrawn


def show_balance(balance: Balance) -> None:
    """Print what there is; what is due back, on its way or not yet free only where some is."""
    amounts = [
        (N_("available"), balance["available_fen"], "bold"),
        (N_("in packets"), balance["frozen_fen"], ""),
        *_if_any(N_("due back"), balance["due_back_fen"]),
        *_if_any(N_("held"), balance["held_fen"]),
        *_if_any(N_("on its way"), balance["on_its_way_fen"]),
        (N_("in all"), balance["total_fen"], ""),
    ]
    line(safe(balance["profile"]), dim=safe(balance["profile"]))
    table(
        [Column(""), Column("", right=True)],
        [[Cell(_(name), style), Cell(yuan(fen), style)] for name, fen, style in amounts],
        titled=False,
    )
    if balance["withdrawable_from"] is not None:
        from hongbao.ui import wording

        line(
            say(
                N_("withdrawable now {withdrawable_fen} · more from {at} on"),
                withdrawable_fen=balance["withdrawable_fen"],
                at=wording.when_short(balance["withdrawable_from"]),
            )
        )


def _if_any(name: str, fen: int) -> list[tuple[str, int, str]]:
    return [(name, fen, "yellow")] if fen else []


BALANCE = Listing(
    rows="",
    fields=(
        Field("available_fen", Column(N_("available"), right=True)),
        Field("frozen_fen", Column(N_("in packets"), right=True)),
        Field("due_back_fen", Column(N_("due back"), right=True)),
        Field("total_fen", Column(N_("in all"), right=True), says=N_("all of it together")),
        Field("on_its_way_fen", Column(N_("on its way"), right=True)),
        Field("withdrawable_fen"),
        Field("withdrawable_later_fen"),
        Field("withdrawable_from"),
        Field("held_fen", Column(N_("held"), right=True)),
        Field("profile", Column(N_("profile"), gives=True)),
    ),
    more=(Field("unanswered"), Field("at", says=N_("when this was"))),
)


def show_topped_up(topped_up: ToppedUp) -> None:
    """Print what came in."""
    line(
        deed(
            topped_up,
            N_("topped up {amount_fen} from {card} · balance {balance_fen}"),
            amount_fen=topped_up["amount_fen"],
            card=topped_up["card"],
            balance_fen=topped_up["balance_fen"],
        ),
        bold=yuan(topped_up["amount_fen"]),
    )


def show_withdrawn(withdrawn: Withdrawn) -> None:
    """Print what went out, and what that cost; where it is held, that and why."""
    held = withdrawn.get("held")
    if held is not None:
        from hongbao.ui import wording

        line(
            deed(
                withdrawn,
                N_("{amount_fen} for {card} is on hold · fee {fee_fen} · balance {balance_fen}"),
                amount_fen=withdrawn["amount_fen"],
                card=withdrawn["card"],
                fee_fen=withdrawn["fee_fen"],
                balance_fen=withdrawn["balance_fen"],
            ),
            bold=yuan(withdrawn["amount_fen"]),
        )
        line(wording.held(held), yellow=held["case"])
        return
    sentence = (
        N_("withdrew {amount_fen} to {card} · fee {fee_fen} · balance {balance_fen}")
        if withdrawn["fee_fen"]
        else N_("withdrew {amount_fen} to {card} · no fee · balance {balance_fen}")
    )
    line(
        deed(
            withdrawn,
            sentence,
            amount_fen=withdrawn["amount_fen"],
            card=withdrawn["card"],
            fee_fen=withdrawn["fee_fen"],
            balance_fen=withdrawn["balance_fen"],
        ),
        bold=yuan(withdrawn["amount_fen"]),
    )


# --- limits --------------------------------------------------------------------------------------


def show_limits(limits: Limits, tiers: Mapping[str, str]) -> None:
    """Print each rule with what is used and left, then what bounds a packet and a withdrawal."""
    line(
        say(
            N_("{profile} · {tier} · policy {policy}"),
            profile=safe(limits["profile"]),
            tier=tiers[limits["tier"]],
            policy=limits["policy"],
        ),
        bold=tiers[limits["tier"]],
    )
    print()
    LIMITS.draw(limits["limits"])
    print()
    _show_caps(limits)


def _show_caps(limits: Limits) -> None:
    weak = set(limits["unconfirmed"])

    def marked(text: str, *rests_on: str) -> str:
        return text + _mark(not weak.isdisjoint(rests_on))

    share, shares, total = (
        say(N_("{fen} a share"), fen=yuan(limits["share_max_fen"])),
        counted("{count} share", "{count} shares", limits["shares_max"]),
        say(N_("{fen} in all"), fen=yuan(limits["packet_max_fen"])),
    )
    hours = counted("{count} hour", "{count} hours", limits["expires_hours"])
    profiles = say(
        N_("{count} of {most}"), count=limits["profiles_of_person"], most=limits["profiles_max"]
    )
    facts = [
        *_counted(limits),
        (
            _("a packet"),
            " · ".join(
                (
                    marked(share, "packet.share_max"),
                    marked(shares, "packet.shares_max"),
                    marked(total, "packet.total_max"),
                )
            ),
        ),
        (_("to claim it"), marked(hours, "packet.expires_hours")),
        *_authenticated(limits),
        (_("free to withdraw"), marked(yuan(limits["withdraw_free_left_fen"]), "withdraw.free")),
        (_("profiles of this person"), marked(profiles, "profiles_per_person")),
    ]
    table(
        [Column(""), Column("", below=True)],
        [[Cell(name, "dim"), Cell(fact)] for name, fact in facts],
        titled=False,
    )
    rules_are_weak = any(rule["confidence"] == "C" for rule in limits["limits"])
    if rules_are_weak or any("†" in fact for _name, fact in facts):
        print()
        line(_("† unconfirmed; you can change it in your own policy file"))


def _authenticated(limits: Limits) -> list[tuple[str, str]]:
    """Return the factors of a payment if they are more than the PIN, as limits go by them."""
    from hongbao.ui import wording

    factors = limits["factors"]
    return [(_("a payment takes"), wording.factors(factors))] if len(factors) > 1 else []


def _counted(limits: Limits) -> list[tuple[str, str]]:
    """Return the flows that each limit counts, once if all count the same."""
    from hongbao.ui import wording

    counted = {
        wording.period(rule["period"]): _(", ").join(wording.flow(flow) for flow in rule["counts"])
        for rule in limits["limits"]
    }
    if len(set(counted.values())) == 1:
        return [(_("counts"), next(iter(counted.values())))]
    return [(say(N_("counts for {period}"), period=period), c) for period, c in counted.items()]


def _mark(unconfirmed: bool) -> str:
    return "†" if unconfirmed else ""


def _period(rule: LimitLine) -> str:
    from hongbao.ui import wording

    return wording.period(rule["period"]) + _mark(rule["confidence"] == "C")


def _resets(rule: LimitLine) -> str:
    from hongbao.ui import wording

    return "" if rule["returns_at"] is None else wording.when_short(rule["returns_at"])


def _bar(rule: LimitLine) -> Cell:
    from rich.progress_bar import ProgressBar

    return Cell(
        " " * 10,
        drawn=ProgressBar(
            total=max(rule["limit_fen"], 1),
            completed=min(rule["used_fen"], rule["limit_fen"]) if rule["limit_fen"] else 1,
            width=10,
            style="dim",
            complete_style="red",
            finished_style="red",
        ),
    )


LIMITS = Listing(
    rows="limits",
    fields=(
        Field("id"),
        Field("period", Column(N_("rule")), _period),
        Field("limit_fen", Column(N_("limit"), right=True, below=True, named=True)),
        Field("used_fen", Column(N_("used"), right=True, below=True, named=True)),
        Field(
            "left_fen",
            Column(N_("left"), right=True, named=True),
            lambda row: Cell(yuan(row["left_fen"]), "bold"),
        ),
        Field("returns_at", Column(N_("resets"), below=True, named=True), _resets),
        Field("counts"),
        Field("confidence"),
    ),
    screen=(
        "period",
        "used_fen",
        Field("bar", Column(" ", extra=True), _bar),
        *("left_fen", "limit_fen", "returns_at"),
    ),
    facts=(
        *("profile", "tier", "policy", "channels", "factors", "share_max_fen", "shares_max"),
        *("packet_max_fen", "expires_hours", "withdraw_free_left_fen", "profiles_of_person"),
        *("profiles_max", "unconfirmed"),
    ),
)
