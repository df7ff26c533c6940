"""Requests that were made before: answered as the first time, once their payment is through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hongbao.home.opened import Home
from hongbao.wallet.unit_of_work import INSTRUCTING, replayed_answer


def earlier_answer(
    home: Home, act: str, inputs: Mapping[str, object], request_id: str | None
) -> Any:
    """Return the first answer to *request_id*, after continuing its payment; or None."""
    if request_id is not None:
        entry = home.store.request(request_id, home.me.id).act
        if entry is not None and entry.act in INSTRUCTING:
            message = home.store.message(entry=entry.entry)
            if message is not None and message.outcome is None:
                from hongbao.wallet.clearing import carry  # for payments alone

                carry(home, message.number)
    return replayed_answer(home, act, inputs, request_id)
