"""The vault: keys of a home, sealing of personal data, and hashing of PINs."""

from hongbao.vault.devices import DeviceKeys, verify
from hongbao.vault.folder import KeyFolder
from hongbao.vault.notes import Notes
from hongbao.vault.primitives import Cost, KeyedHash
from hongbao.vault.tries import Tries, TriesFolder
from hongbao.vault.vault import Vault

__all__ = [
    "Cost",
    "DeviceKeys",
    "KeyFolder",
    "KeyedHash",
    "Notes",
    "Tries",
    "TriesFolder",
    "Vault",
    "verify",
]
