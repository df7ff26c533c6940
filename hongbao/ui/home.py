"""The home on the terminal: its clock, lock, policies and backups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from hongbao.errors import LedgerUnreachable, recall
from hongbao.ui import wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.due import refunded, settled_with_banks
from hongbao.ui.listing import CURRENT, Field, Listing, named_current
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe
from hongbao.words import N_, _, language, say

if TYPE_CHECKING:
    from hongbao.answers import (
        ActsRepeated,
        CheckpointLine,
        ClockShown,
        ClusterShown,
        EpochOpened,
        Grants,
        HomeChanged,
        HomeShown,
        LogExported,
        LogShown,
        LossShown,
        NodeShown,
        PolicyUsed,
        ResolvedLine,
        Sealed,
    )


def show_clock(clock: ClockShown) -> None:
    """Print what time it is here, and by which clock."""
    if not is_terminal():
        pipe((clock["at"], clock["clock"]))
        return
    sentence = (
        N_("{at} · virtual clock: it moves only when you advance it")
        if clock["clock"] == "virtual"
        else N_("{at} · the real clock")
    )
    line(say(sentence, at=wording.when(clock["at"])), bold=wording.when(clock["at"]))


def show_turned(clock: ClockShown) -> None:
    """Print what fell due on the way and what payments came to, and what time it is now."""
    rows = [
        *(
            (ended["at"], wording.hold_ended(ended), ended["packet"] or "")
            for ended in clock["holds"]
        ),
        *((refund["at"], refunded(refund), refund["packet"]) for refund in clock["refunds"]),
        *((settled["at"], settled_with_banks(settled), "") for settled in clock["settled"]),
    ]
    for _at, text, packet in sorted(rows, key=lambda event: event[0]):
        line(text, red=packet)
    for row in _last_of_each(clock["resolved"]):
        _show_resolved(row)
    line(say(N_("it is {at} now"), at=wording.when(clock["at"])), bold=wording.when(clock["at"]))


def _last_of_each(resolved: Sequence[ResolvedLine]) -> list[ResolvedLine]:
    """
    Return the last state of each payment: a silent bank is asked at every cut-off.

    A bank that answered too late is reported as well.
    """
    return list({(row["message"], row["state"] == "late"): row for row in resolved}.values())


def _show_resolved(row: ResolvedLine) -> None:
    line(wording.resolved(row), red=row["packet"] or "")


POLICIES = Listing(
    rows="policies",
    fields=(
        CURRENT,
        Field("policy", Column(N_("policy")), named_current("policy")),
        Field(
            "title",
            Column(N_("title"), gives=True, below=True),
            lambda row: safe(row["title_zh"] if language().startswith("zh") else row["title"]),
        ),
    ),
    more=(
        Field("title_zh"),
        Field(
            "shipped",
            Column(" ", below=True),
            lambda row: Cell("" if row["shipped"] else _("used here"), "dim"),
        ),
    ),
    screen=("current", "policy", "title", "shipped"),
)


def show_policy_used(used: PolicyUsed) -> None:
    """Print which rules hold now, and which did."""
    line(
        deed(
            used,
            N_("policy {policy} is active · before it, {before}"),
            policy=used["policy"],
            before=used["before"],
        ),
        bold=used["policy"],
    )


def show_locked(changed: HomeChanged) -> None:
    """Print that the home is locked."""
    line(
        say(
            N_("locked · this wallet now opens with {wrapping}"),
            wrapping=wording.wrapping(changed["wrapping"]),
        )
    )


def show_unlocked(changed: HomeChanged) -> None:
    """Print what the home opens with now."""
    line(
        say(
            N_("unlocked · this wallet now opens with {wrapping}"),
            wrapping=wording.wrapping(changed["wrapping"]),
        )
    )


def show_rekeyed(changed: HomeChanged) -> None:
    """Print which generation of keys this is."""
    line(
        say(
            N_("everything is re-encrypted · keys of generation {generation}"),
            generation=changed["generation"],
        )
    )


def show_backed_up(changed: HomeChanged) -> None:
    """Print what was copied, and where to."""
    line(
        say(
            N_("copied the ledger to {path} · up to entry {entry}"),
            path=safe(changed["file"]),
            entry=changed["entry"],
        )
    )


def show_home(shown: HomeShown | ClusterShown) -> None:
    """Print where the home and its ledger are, and which nodes can be used."""
    line(say(N_("wallet in {path}"), path=safe(shown["home"])))
    sentence = (
        N_("ledger for several machines: {path}") if shown["shared"] else N_("ledger in {path}")
    )
    line(say(sentence, path=safe(shown["ledger"])))
    show_nodes(cast("list[NodeShown]", shown.get("nodes", [])))
    line(say(N_("opens with {wrapping}"), wrapping=wording.wrapping(shown["wrapping"])))
    if "log" in shown:
        cluster = cast("ClusterShown", shown)
        _show_log(cluster["log"])
        if cluster["lost"]:
            sentence = N_("lost acts of this machine: {count} · see `hongbao home repeat`")
            line(say(sentence, count=len(cluster["lost"])))


def show_nodes(nodes: Sequence[NodeShown]) -> None:
    """Print which nodes can be used, and what is wrong with the others."""
    for node in nodes:
        if node["error"] is None:
            line(say(N_("node {node} can be used"), node=safe(node["node"])))
        else:
            error = recall(node["error"])
            problem = error.message
            if isinstance(error, LedgerUnreachable):  # it names the node, as this line does
                problem = error.of_a_node()
            sentence = N_("node {node}: {problem}")
            line(say(sentence, node=safe(node["node"]), problem=safe(problem)), red=node["node"])


def _show_log(log: LogShown) -> None:
    """Print how far the log is, what is not sealed yet, and how much each machine has seen."""
    _show_checkpoint(N_("log: up to leaf {size} of epoch {epoch} · root {root}"), log)
    if log["unsealed"]:
        line(say(N_("lanes not sealed yet: {count}"), count=log["unsealed"]))
    for row in log["witnesses"]:
        sentence = (
            N_("this machine ({witness}) has seen up to leaf {size} of epoch {epoch}")
            if row["here"]
            else N_("machine {witness} has seen up to leaf {size} of epoch {epoch} · {at}")
        )
        line(
            say(
                sentence,
                witness=row["witness"],
                size=row["size"],
                epoch=row["epoch"],
                at="" if row["at"] is None else wording.when(row["at"]),
            )
        )
    if log["refused"] is not None:
        problem = safe(recall(log["refused"]).message)
        line(say(N_("this machine refuses the ledger: {problem}"), problem=problem), red=problem)


def _show_checkpoint(sentence: str, checkpoint: CheckpointLine, **facts: object) -> None:
    line(
        say(
            sentence,
            epoch=checkpoint["epoch"],
            size=checkpoint["size"],
            root=checkpoint["root"][:16],
            **facts,
        )
    )


def show_grants(grants: Grants) -> None:
    """Print statements as they are, also on a terminal: they are copied from there."""
    for statement in grants["statements"]:
        print(statement)


def show_sealed(sealed: Sealed) -> None:
    """Print what a step of the sealer has added, and the lanes that it cannot seal."""
    if sealed["leaves"]:
        sentence = N_("sealed lanes: {count} · up to leaf {size} of epoch {epoch} · root {root}")
    else:
        sentence = N_("nothing to seal · up to leaf {size} of epoch {epoch} · root {root}")
    _show_checkpoint(sentence, sealed, count=sealed["leaves"])
    _show_torn(sealed["torn"])


def _show_torn(lanes: Sequence[str]) -> None:
    for lane in lanes:
        line(say(N_("lane {lane} is torn: it lacks what was sealed of it"), lane=lane), red=lane)


def show_exported(exported: LogExported) -> None:
    """Print where the log is, and the key that verifies it."""
    line(say(N_("wrote the log to {path}"), path=safe(exported["folder"])))
    _show_checkpoint(N_("up to leaf {size} of epoch {epoch} · root {root}"), exported)
    line(say(N_("its key: {key}"), key=exported["key"]))


def show_loss(lost: LossShown) -> None:
    """Print what is missing, and what would be kept."""
    if lost["kept"] is None:
        line(say(N_("the ledger's log is damaged: its leaves or hashes are not what was sealed")))
        line(say(N_("another epoch keeps nothing of it, and seals every lane from the beginning")))
        seen = N_("it was seen up to leaf {size} of epoch {epoch} · root {root}")
    else:
        ends = N_("the ledger's log ends at leaf {size} of epoch {epoch} · root {root}")
        _show_checkpoint(ends, lost["kept"])
        seen = N_("a machine has seen it up to leaf {size} of epoch {epoch} · root {root}")
    for head in lost["abandoned"]:
        _show_checkpoint(seen, head)
    _show_torn(lost["torn"])
    for act in lost["acts"]:
        line(
            say(
                N_("confirmed here, and gone: {act}, request {request_id}"),
                act=act["act"],
                request_id=act["request_id"],
            ),
            red=act["request_id"],
        )


def show_repeated(repeated: ActsRepeated) -> None:
    """Print how many lost acts are done again."""
    if repeated["done"]:
        line(say(N_("repeated lost acts: {count} · none is missing now"), count=repeated["done"]))
    else:
        line(say(N_("no act of this machine is missing")))


def show_epoch(opened: EpochOpened) -> None:
    """Print which epoch was opened."""
    _show_checkpoint(
        N_("opened epoch {epoch} of the log · up to leaf {size} · root {root}"), opened["opened"]
    )


def show_invited(changed: HomeChanged) -> None:
    """Print where the invitation is."""
    line(say(N_("wrote an invitation for one machine to {path}"), path=safe(changed["file"])))


def show_joined(changed: HomeChanged) -> None:
    """Print that this machine shares the ledger now."""
    line(say(N_("this machine has joined the wallet · {path}"), path=safe(changed["home"])))


def show_restored(changed: HomeChanged) -> None:
    """Print which copy is the ledger now."""
    line(
        say(
            N_("restored the ledger from {path} · up to entry {entry}"),
            path=safe(changed["file"]),
            entry=changed["entry"],
        )
    )
