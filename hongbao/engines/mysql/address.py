"""
The address of a ledger on a cluster: who connects, to which nodes, and to which database.

    mysql://USER@HOST[:PORT][,HOST[:PORT]…]/DATABASE[?ca=FILE]
    mysql://USER@/DATABASE?socket=PATH

It never has a password. Connections are encrypted (TLS), except to this machine itself.
"""

import re

from hongbao.errors import InvalidLedgerAddress
from hongbao.paths import absolute_path
from hongbao.rows import Row
from hongbao.words import N_

SCHEME = "mysql://"
PORT = 3306
USER_LENGTH_MAX = 80
DATABASE_LENGTH_MAX = 64
HOSTS_MAX = 32

_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_DATABASE = re.compile(r"[A-Za-z0-9_$-]+")
_KEPT = frozenset("._~$-")


class Host(Row):
    """One node: the name or address that it is reached by, and its port."""

    name: str
    port: int = PORT

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, so that no one is in between."""
        parts = self.name.split(".")
        is_ipv4 = len(parts) == 4 and all(part.isdecimal() and int(part) < 256 for part in parts)
        return self.name in ("localhost", "::1") or (is_ipv4 and parts[0] == "127")

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == PORT else f"{name}:{self.port}"


class Address(Row):
    """
    A parsed address; `str` gives its one written form.

    There are *hosts*, tried in their order, or a *socket* of this machine. *ca* is the file of the
    authority that certificates have to be from; without one, the system's own are taken.
    """

    user: str
    hosts: tuple[Host, ...]
    database: str
    socket: str | None = None
    ca: str | None = None

    def uses_tls(self, host: Host) -> bool:
        """Return whether a connection to *host* has to be encrypted."""
        return self.ca is not None or not host.is_loopback

    def node(self, host: Host | None) -> str:
        """Return how messages name *host*; this machine's socket where there is none."""
        return str(self.socket if host is None else host)

    @property
    def where(self) -> str:
        """The address as messages name it, without the file that only connecting needs."""
        hosts = ",".join(map(str, self.hosts))
        socket = "" if self.socket is None else f"?socket={_quoted(self.socket, kept='/')}"
        return f"{SCHEME}{_quoted(self.user, kept='@')}@{hosts}/{self.database}{socket}"

    def __str__(self) -> str:
        return self.where if self.ca is None else f"{self.where}?ca={_quoted(self.ca, kept='/')}"


def parse_address(text: str) -> Address:
    """
    Parse *text*, as a person typed it or as `str` wrote it.

    >>> str(parse_address("mysql://pay@db1,db2:4000/ledger"))
    'mysql://pay@db1,db2:4000/ledger'
    >>> parse_address("mysql://pay@/ledger?socket=/run/db.sock").hosts
    ()

    Raises InvalidLedgerAddress, which repeats nothing of it: a password may be anywhere in there.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() != "mysql":
        raise InvalidLedgerAddress(reason=N_("it does not begin with `mysql://`"))
    if not rest.isprintable() or " " in rest:
        raise InvalidLedgerAddress(reason=N_("it contains spaces or control characters"))
    rest, _, query = rest.partition("?")
    authority, _, database = rest.partition("/")
    user, at, places = authority.rpartition("@")  # OceanBase's users are called user@tenant
    if ":" in user:
        raise InvalidLedgerAddress(reason=N_("it contains a password"))
    if not at or not user:
        raise InvalidLedgerAddress(reason=N_("it names no user"))
    options = _parse_options(query)
    hosts = tuple(dict.fromkeys(_parse_host(place) for place in places.split(",") if places))
    socket, ca = options.get("socket"), options.get("ca")
    if socket is None and not hosts:
        raise InvalidLedgerAddress(reason=N_("it names no host"))
    if socket is not None and hosts:
        raise InvalidLedgerAddress(reason=N_("it names a host and a socket"))
    if socket is not None and ca is not None:
        raise InvalidLedgerAddress(reason=N_("a socket is not encrypted, so it takes no ca"))
    if socket is not None and not socket.startswith("/"):
        raise InvalidLedgerAddress(reason=N_("its socket is not a path that begins with /"))
    if len(hosts) > HOSTS_MAX:
        raise InvalidLedgerAddress(reason=N_("it names too many hosts"))
    return Address(
        user=_parse_user(user),
        hosts=hosts,
        database=_parse_database(database),
        socket=socket,
        ca=None if ca is None else str(absolute_path(ca)),
    )


def _parse_user(text: str) -> str:
    user = _unquoted(text)
    if not user.isprintable() or len(user) > USER_LENGTH_MAX:
        raise InvalidLedgerAddress(reason=N_("its user's name is not usable"))
    return user


def _parse_database(text: str) -> str:
    if not text:
        raise InvalidLedgerAddress(reason=N_("it names no database"))
    if not _DATABASE.fullmatch(text) or len(text) > DATABASE_LENGTH_MAX:
        raise InvalidLedgerAddress(
            reason=N_("its database's name has other characters than letters, digits, _, $ and -")
        )
    return text


def _parse_host(text: str) -> Host:
    if text.startswith("["):
        name, bracket, port = text[1:].partition("]")
        if not bracket or not _is_ipv6(name) or (port and not port.startswith(":")):
            raise InvalidLedgerAddress(reason=N_("what is in [ ] is not an IPv6 address"))
        return Host(name.lower(), _parse_port(port[1:]) if port else PORT)
    if text.count(":") > 1:
        raise InvalidLedgerAddress(reason=N_("an IPv6 address has to be in [ ]"))
    name, colon, port = text.partition(":")
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise InvalidLedgerAddress(reason=N_("one of its hosts is neither a name nor an address"))
    return Host(name.lower(), _parse_port(port) if colon else PORT)


def _parse_port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise InvalidLedgerAddress(reason=N_("a port is not a number from 1 to 65535"))
    return int(text)


def _is_ipv6(text: str) -> bool:
    from ipaddress import IPv6Address  # which few addresses need

    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _parse_options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name not in ("ca", "socket"):
            raise InvalidLedgerAddress(
                reason=N_("behind the ? it takes ca= and socket=, each with a file")
            )
        if name in options:
            raise InvalidLedgerAddress(reason=N_("it gives an option twice"))
        options[name] = _unquoted(value)
        if not options[name]:
            raise InvalidLedgerAddress(reason=N_("it gives an option without a value"))
    return options


def _unquoted(text: str) -> str:
    """Return *text* with its %XX, which are bytes of UTF-8, as the characters that they mean."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise InvalidLedgerAddress(reason=N_("a % in it is not followed by two hex digits"))
    whole = re.sub(rb"%(..)", lambda found: bytes.fromhex(found[1].decode()), text.encode())
    try:
        decoded = whole.decode()
    except UnicodeDecodeError:
        raise InvalidLedgerAddress(reason=N_("it is not UTF-8")) from None
    if not decoded.isprintable():
        raise InvalidLedgerAddress(reason=N_("it contains spaces or control characters"))
    return decoded


def _quoted(text: str, kept: str) -> str:
    """Return *text* with what means something else in an address as %XX; letters stay letters."""
    return "".join(
        char
        if char in kept or char.isalnum() or char in _KEPT
        else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in text
    )
