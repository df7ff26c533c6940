"""The whole desk: every window put together."""

from hongbao.wallet.bringing import Bringing
from hongbao.wallet.challenges import Challenges
from hongbao.wallet.clock import Clock
from hongbao.wallet.devices import Devices
from hongbao.wallet.homes import Homes
from hongbao.wallet.receipting import Receipting
from hongbao.wallet.review import Review
from hongbao.wallet.risk import Risk
from hongbao.wallet.shelf import Shelf
from hongbao.wallet.showing import Showing


class Wallet(Challenges, Devices, Risk, Clock, Review, Receipting, Bringing, Showing, Shelf, Homes):
    """A home opened for one profile: everything that can be asked for at the desk."""
