"""What commands say of a throw-away wallet at their end: where it is kept, and what is wrong."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from hongbao.errors import ChecksFailed, MoneyLost
from hongbao.words import N_, shell_word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hongbao.answers import Checked
    from hongbao.commands.caller import Caller


def say_kept(call: "Caller", home: str, *, folder: str | None = None) -> None:
    """Say that the wallet *home* is kept, in *folder* if that is another one."""
    call.remark(
        N_("kept in {folder}; look inside with: {command}"),
        folder=folder or home,
        command=f"HONGBAO_HOME={shell_word(home)} hongbao status",
    )


@contextmanager
def kept_anyway(call: "Caller", folder: "Path", *, keep: bool) -> "Iterator[None]":
    """Say where the *folder* is that was to be kept, also if what is done in it fails."""
    try:
        yield
    except BaseException:
        if keep:
            call.remark(N_("what there is so far is kept in {folder}"), folder=folder)
        raise


def prove(lost_fen: int, total_fen: int, checked: "Checked") -> None:
    """Raise MoneyLost where money is missing, and ChecksFailed where the books are not right."""
    if lost_fen:
        raise MoneyLost(lost_fen=lost_fen, total_fen=total_fen)
    failed = [finding for finding in checked["findings"] if not finding["ok"]]
    if failed:
        raise ChecksFailed(failed=len(failed), findings=cast(list[dict[str, Any]], failed))
