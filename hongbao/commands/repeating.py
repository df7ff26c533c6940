"""
Acts that a cluster has lost, presented again: each by the command that was typed for it.

The payer types the PIN again where the act takes one, once for each profile: no machine has it, and
an act of before is no authority for one of now.
"""

from __future__ import annotations

import io
import shlex
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any, cast

from hongbao import errors
from hongbao.commands.caller import Caller
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import ActsRepeated, LostAct, RepeatedAct
    from hongbao.domain.pin import Pin

_STOPPING = (
    *(errors.Busy, errors.NotIntact, errors.Unusable, errors.Locked, errors.PinError),
    *(errors.OutcomeUnknown, errors.Unanswered, errors.Interrupted),
)
"""Refusals that say nothing of the act: the rest would be refused as well, and is left for later"""


def repeated(call: Caller) -> ActsRepeated:
    """
    Present all acts again that devices of this machine have lost, in the order of then.

    Each is what a person says yes to, and is done under its own request id, so that it is done
    once, however often this is killed and begun again. One that is refused now, or was not wanted,
    stays noted with its refusal. Raises ActsRefused if there are such; and what stops all of them,
    such as WrongPin, LogRolledBack or LedgerUnreachable.
    """
    with call.wallet() as wallet:
        lost = wallet.acts_to_repeat()
    left = set(map(_key, lost))
    pins: dict[str | None, Pin] = {}
    acts: list[RepeatedAct] = []
    for number, act in enumerate(lost, 1):
        facts = {"number": number, "count": len(lost), "line": act["line"] or act["act"]}
        ended: RepeatedAct = {**act, "refused": None, "done": True, "answer": None}
        if _key(act) in left:  # or it was done with another, as parts of one request are
            call.remark(N_("{number} of {count}: {line}"), **facts)
            ended["answer"], error = _presented(call, act, pins)
            with call.wallet() as wallet:
                left = set(map(_key, wallet.lost_acts()))
                if _key(act) in left:
                    error = error or errors.NotRepeatable(act=act["act"])
                    if isinstance(error, _STOPPING):
                        raise _after(acts, error)
                    wallet.note_refused(act, error)
                    call.remark(N_("not repeated: {problem}"), problem=error.message)
                    ended |= {"refused": error.as_dict(), "done": False}
        acts.append(ended)
    done_count = sum(act["done"] for act in acts)
    if done_count < len(acts):
        raise errors.ActsRefused(
            refused=len(acts) - done_count,
            done=done_count,
            acts=cast("list[dict[str, object]]", acts),
        )
    return {"acts": acts, "done": done_count}


def _after(acts: list[RepeatedAct], error: errors.HongbaoError) -> errors.HongbaoError:
    """Return the *error* that stops all; after *acts* it does not say that nothing was changed."""
    if not any(act["done"] for act in acts):
        return error
    error.begun = True
    return errors.Stopped() if isinstance(error, errors.Interrupted) else error


def _key(act: LostAct) -> tuple[str, int]:
    return act["request_id"], act["device_number"]


def _presented(
    call: Caller, act: LostAct, pins: dict[str | None, Pin]
) -> tuple[dict[str, object] | None, errors.HongbaoError | None]:
    """Run the command of *act*; return its answer, or what it was refused with."""
    if act["line"] is None or call.carry_out is None:
        return None, errors.NotRepeatable(act=act["act"])
    again = _Again(call, _words(call, act), pins)
    try:
        call.confirm(N_("repeat it?"))
        with redirect_stdout(io.StringIO()) if call.as_json else nullcontext():
            call.carry_out(cast("list[str]", again.typed), again)
    except errors.BadCommandLine:  # the command takes no request id
        return None, errors.NotRepeatable(act=act["act"])
    except errors.HongbaoError as error:
        return None, error
    answer = again.notes.answer
    return None if answer is None else dict(answer), None


def _words(call: Caller, act: LostAct) -> list[str]:
    """Return the words of the command of *act*, for the device that has done it."""
    assert act["line"] is not None
    words = shlex.split(act["line"])[1:]
    end = words.index("--") if "--" in words else len(words)
    options, rest = words[:end], words[end:]
    if act["profile"] is not None and act["device"] is not None:
        options = [*_without_profile(options), "-p", f"{act['profile']}@{act['device']}"]
    for option, wanted in (
        ("--json", call.as_json),
        ("--yes", call.yes),
        ("--no-input", call.no_input),
    ):
        if wanted and option not in options:
            options.append(option)
    return [*options, *rest]


def _without_profile(words: list[str]) -> list[str]:
    left, is_value = [], False
    for word in words:
        if is_value:
            is_value = False
        elif word in ("-p", "--profile"):
            is_value = True
        elif not word.startswith("--profile="):
            left.append(word)
    return left


class _Again(Caller):
    """The same person at the same terminal, who types a PIN once."""

    def __init__(self, first: Caller, words: list[str], pins: dict[str | None, Pin]) -> None:
        super().__init__(first.env, main=first.main)
        self.typed = words
        self.passphrase_file = first.passphrase_file
        self._known_passphrase = first._known_passphrase  # noqa: SLF001 - of the same person
        self._first = first
        self._pins = pins

    def pin(self) -> Pin:
        self.pin_file = self._first.pin_file or self.pin_file
        whose = self.acting_as and self.acting_as.partition("@")[0]
        if whose in self._pins:
            self._has_typed_pin = not self._pin_file()
        else:
            self._pins[whose] = super().pin()
        return self._pins[whose]

    def asks_again(self, problem: errors.HongbaoError) -> bool:
        self._pins.clear()
        return super().asks_again(problem)

    def code(self, now: Any) -> str:
        self.totp_file = self._first.totp_file or self.totp_file
        return super().code(now)
