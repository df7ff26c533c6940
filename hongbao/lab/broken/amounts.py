"""Float amounts: yuan are kept as binary fractions, and cut off where fen are needed."""

from hongbao.lab.engine import Engine


class Broken(Engine):
    name = "float"

    def fen(self, amount: str) -> int:
        """Convert *amount* as much code does: ``4.35 * 100`` is 434.99999999999994."""
        return int(float(amount) * 100)
