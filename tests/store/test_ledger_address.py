"""Addresses of ledgers on clusters: what is understood, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.engines.mysql.address import Address, Host, parse_address
from hongbao.errors import InvalidLedgerAddress
from tests.every import every

UNDERSTOOD = {
    "mysql://pay@db1/ledger": Address("pay", (Host("db1"),), "ledger"),
    "MySQL://pay@DB1:4000/ledger": Address("pay", (Host("db1", 4000),), "ledger"),
    "mysql://pay@db1,db2:4000,10.0.0.3/l-1": Address(
        "pay", (Host("db1"), Host("db2", 4000), Host("10.0.0.3")), "l-1"
    ),
    "mysql://pay@db1,db1:3306/ledger": Address("pay", (Host("db1"),), "ledger"),
    "mysql://root@sys@db1/ledger": Address("root@sys", (Host("db1"),), "ledger"),
    "mysql://p%40y@[2001:DB8::1]:4000,[::1]/ledger": Address(
        "p@y", (Host("2001:db8::1", 4000), Host("::1")), "ledger"
    ),
    "mysql://pay@/ledger?socket=/run/my%20db.sock": Address(
        "pay", (), "ledger", socket="/run/my db.sock"
    ),
    "mysql://pay@db1/ledger?ca=/etc/ca.pem": Address(
        "pay", (Host("db1"),), "ledger", ca="/etc/ca.pem"
    ),
}

REFUSED = {
    "postgres://pay@db1/ledger": "it does not begin with `mysql://`",
    "mysql:pay@db1/ledger": "it does not begin with `mysql://`",
    "": "it does not begin with `mysql://`",
    "mysql://pay:hunter2@db1/ledger": "it contains a password",
    "mysql://pay:@db1/ledger": "it contains a password",
    "mysql://pay:hun@ter2@db1/ledger": "it contains a password",
    "mysql://db1/ledger": "it names no user",
    "mysql://@db1/ledger": "it names no user",
    "mysql://pay@db1": "it names no database",
    "mysql://pay@db1/": "it names no database",
    "mysql://pay@/ledger": "it names no host",
    "mysql://pay@,/ledger": "one of its hosts is neither a name nor an address",
    "mysql://pay@db1/ledger?socket=/s": "it names a host and a socket",
    "mysql://pay@/ledger?socket=s": "its socket is not a path that begins with /",
    "mysql://pay@/ledger?socket=/s&ca=/c": "a socket is not encrypted, so it takes no ca",
    "mysql://pay@db1/led`ger": (
        "its database's name has other characters than letters, digits, _, $ and -"
    ),
    "mysql://pay@db1/a/b": (
        "its database's name has other characters than letters, digits, _, $ and -"
    ),
    "mysql://pay@db1:0/ledger": "a port is not a number from 1 to 65535",
    "mysql://pay@db1:99999/ledger": "a port is not a number from 1 to 65535",
    "mysql://pay@db1:/ledger": "a port is not a number from 1 to 65535",
    "mysql://pay@::1/ledger": "an IPv6 address has to be in [ ]",
    "mysql://pay@[::1/ledger": "what is in [ ] is not an IPv6 address",
    "mysql://pay@[fe80::1%25eth0]/ledger": "what is in [ ] is not an IPv6 address",
    "mysql://pay@[db1]/ledger": "what is in [ ] is not an IPv6 address",
    "mysql://pay@-db/ledger": "one of its hosts is neither a name nor an address",
    "mysql://pay@db1/ledger?password=hunter2": (
        "behind the ? it takes ca= and socket=, each with a file"
    ),
    "mysql://pay@db1/ledger?ca=/a&ca=/b": "it gives an option twice",
    "mysql://pay@db1/ledger?ca=": "it gives an option without a value",
    "mysql://p%4@db1/ledger": "a % in it is not followed by two hex digits",
    "mysql://p%ff@db1/ledger": "it is not UTF-8",
    "mysql://p%0a@db1/ledger": "it contains spaces or control characters",
    "mysql://pay@db 1/ledger": "it contains spaces or control characters",
}


@pytest.mark.parametrize(
    "text",
    [
        "mysql://小明@db1/ledger?ca=/证书/ca.pem",
        "mysql://pay@shop@db1/ledger",
        "mysql://p%3Ay%2F%25%3F@db1/ledger",
        "mysql://@@db1/ledger",
    ],
)
def test_an_address_is_shown_as_it_was_typed(text: str):
    """
    Only what means something else in an address is written as bytes.
    """
    assert text == str(parse_address(text))


@every("text", UNDERSTOOD)
def test_an_address_says_who_connects_where(text: str):
    """
    And its written form says the same.
    """
    address = parse_address(text)

    assert UNDERSTOOD[text] == address
    assert address == parse_address(str(address))


@every("text", REFUSED)
def test_what_is_wrong_is_named_and_nothing_is_repeated(text: str):
    """
    A password may be anywhere in there.
    """
    with pytest.raises(InvalidLedgerAddress) as caught:
        parse_address(text)

    assert REFUSED[text] == caught.value.facts["reason"]
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}{caught.value.as_dict()}"


def test_only_this_machine_is_reached_without_encryption():
    """
    Unless an authority is named: then it is wanted there, too.
    """
    near = ("localhost", "127.0.0.1", "127.0.0.13", "::1")
    far = ("db1", "10.0.0.1", "127.0.0.1.example.org", "localhost.example.org", "1127.0.0.1")
    plain = Address("pay", (), "ledger")
    strict = plain._replace(ca="/ca.pem")

    assert not any(plain.uses_tls(Host(name)) for name in near)
    assert all(plain.uses_tls(Host(name)) for name in far)
    assert all(strict.uses_tls(Host(name)) for name in near + far)


_PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@given(
    st.builds(
        Address,
        user=_PRINTABLE.filter(lambda text: len(text) <= 80),
        hosts=st.just(()),
        database=st.from_regex(r"[A-Za-z0-9_$-]{1,64}", fullmatch=True),
        socket=_PRINTABLE.map(lambda text: "/" + text),
        ca=st.none(),
    )
)
def test_every_address_is_read_as_it_was_written(address: Address):
    """
    The names of its user and its socket may have any characters.
    """
    assert address == parse_address(str(address))
