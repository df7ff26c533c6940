"""The default engine: the ledger in one SQLCipher file."""

from hongbao.engines.sqlcipher.engine import Ledger

__all__ = ["Ledger"]
