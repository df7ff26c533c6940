"""A PIN without pepper: a thief with a copy of the ledger can try all six digits."""

from hongbao.lab.engine import Engine
from hongbao.lab.pins import fast


class Broken(Engine):
    name = "pin"

    def hashed(self, pin: str) -> str:
        """Hash *pin* with a salt and nothing that is not in the ledger itself."""
        return fast(pin)
