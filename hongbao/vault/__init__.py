"""The safe: the keys of a home, the sealing of personal data and the hashing of PINs."""

from hongbao.vault.devices import DeviceKeys, verify
from hongbao.vault.folder import KeyFolder
from hongbao.vault.primitives import Cost
from hongbao.vault.safe import Vault

__all__ = ["Cost", "DeviceKeys", "KeyFolder", "Vault", "verify"]
