"""The default engine: the ledger in one SQLCipher file."""

from hongbao.engines.sqlcipher.acts import Acts
from hongbao.engines.sqlcipher.audit import Audit
from hongbao.engines.sqlcipher.cases import Cases
from hongbao.engines.sqlcipher.channel import Channel
from hongbao.engines.sqlcipher.devices import Devices
from hongbao.engines.sqlcipher.external import External
from hongbao.engines.sqlcipher.packets import Packets
from hongbao.engines.sqlcipher.people import People
from hongbao.engines.sqlcipher.risk import Risk


class Ledger(People, Devices, Packets, Channel, Risk, Cases, External, Acts, Audit):
    """One open ledger: books, people, packets, payments, guards and the past."""
