"""What is said to a cluster with values in it: the driver's own words, made by us."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.engines.mysql.driver import spelled

pymysql = pytest.importorskip("pymysql")

NOTHING_SPECIAL = 1 << 9

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.binary(max_size=40),
    st.text(max_size=40),
    st.text(alphabet="\\'\"\0\n\r\x1a%aé🧧", max_size=12),
)


@pytest.fixture(scope="module")
def connection() -> Any:
    return pymysql.connect(defer_connect=True, charset="utf8mb4")


@pytest.mark.parametrize("status", [0, NOTHING_SPECIAL])
@given(st.lists(values, max_size=6))
def test_values_are_spelled_as_the_driver_does(connection: Any, status: int, row: list[object]):
    """
    Also where a backslash is nothing special, and in texts with a percent sign.
    """
    connection.server_status = status
    sql = f"SELECT '100%%' {', '.join(['%s'] * len(row))}"

    assert connection.cursor().mogrify(sql, row) == spelled(connection, sql, row)
