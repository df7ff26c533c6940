"""Payments by card as one act: instructed, carried, and answered as the bank does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from hongbao.errors import Busy, NotIntact, PaymentPending, Unusable
from hongbao.home.opened import Home
from hongbao.wallet.acts import Act
from hongbao.wallet.clearing import concluded
from hongbao.wallet.releasing import catch_up
from hongbao.wallet.unit_of_work import perform, rehearsal

if TYPE_CHECKING:
    from hongbao.answers import Answer


def pay(
    home: Home,
    asked: str,
    inputs: Mapping[str, object],
    work: Callable[[Act], Answer],
    *,
    act: str,
    request_id: str | None,
    dry_run: bool,
) -> Any:
    """
    Do *work*, which instructs a payment, and return the payment's outcome.

    Raises what the bank says, and PaymentPending where it does not say anything, or where
    what it says cannot be written down now.
    """
    with rehearsal(home, dry_run):
        catch_up(home)
        home.watch.skip()
        instructed = perform(home, act, inputs, work, request_id=request_id, asked=asked)
        if "replayed" in instructed:
            return instructed
        message = home.store.message(str(cast(Any, instructed)["payment"]))
        assert message is not None
        try:
            answer = concluded(home, message.number)
        except (Busy, NotIntact, Unusable, MemoryError, OSError) as error:
            if dry_run:
                raise
            # A person who reads that nothing was changed pays again, and both payments succeed.
            raise PaymentPending(
                payment=message.id,
                amount_fen=message.amount_fen,
                card=cast(Any, instructed)["card"],
                bank=message.bank,
            ) from error
    return {**answer, "dry_run": True} if dry_run else answer
