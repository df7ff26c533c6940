"""Which banks of a batch can pay, to the fen."""

from types import SimpleNamespace
from typing import Any

from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.domain.settlement import Net
from hongbao.wallet.settlement import _affordable
from tests.every import every

NETS = [Net("abc", 0, 100, 0), Net("cmb", 0, 0, 130), Net("icbc", 5, 50, 0)]


@every(
    ("abc_fen", "reserve_fen", "paid"),
    [
        (100, 30, ["abc", "cmb", "icbc"]),
        (101, 29, ["abc", "icbc"]),
        (99, 30, ["icbc"]),
        (99, 130, ["cmb", "icbc"]),
        (0, 129, ["icbc"]),
    ],
)
def test_a_batch_pays_what_is_there(abc_fen, reserve_fen, paid):
    """
    All that a bank has may be asked of it; what one has paid, the platform may pay to the next.
    """
    held = {
        Account(PLATFORM, Kind.RESERVE): reserve_fen,
        Account("abc", Kind.SETTLEMENT): abc_fen,
        Account("cmb", Kind.SETTLEMENT): 0,
        Account("icbc", Kind.SETTLEMENT): 50,
    }
    home: Any = SimpleNamespace(store=SimpleNamespace(balance_fen=held.__getitem__))

    assert paid == [net.bank for net in _affordable(home, NETS)]
