"""The safe: the keys of a home, the sealing of personal data and the hashing of PINs."""

from hongbao.vault.devices import DeviceKeys, verify
from hongbao.vault.folder import KeyFolder
from hongbao.vault.primitives import Cost
from hongbao.vault.safe import Vault
from hongbao.vault.tries import Tries, TriesFolder

__all__ = ["Cost", "DeviceKeys", "KeyFolder", "Tries", "TriesFolder", "Vault", "verify"]
