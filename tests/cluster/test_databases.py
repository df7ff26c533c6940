"""What only the engine for clusters has: its SQL, what it seals, and the nodes that it refuses."""

import resource
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hongbao.changes.packets import AddUsage
from hongbao.engines import sqlcipher
from hongbao.engines.mysql import engine
from hongbao.engines.mysql.dialect import translate
from hongbao.engines.mysql.engine import Ledger
from hongbao.engines.mysql.schema import DELETED, FORM, TABLES, UPDATED, definitions, grants
from hongbao.engines.sql.questions import ASKED
from hongbao.errors import (
    ClusterRefused,
    Damaged,
    DatabaseNotEmpty,
    HomeNotFound,
    LedgerDenied,
    NewerHome,
)
from hongbao.home.clusters import copy_to
from hongbao.questions import Question
from hongbao.store import Again, Store
from hongbao.vault import Vault
from hongbao.vault.columns import MARK
from tests.cluster.databases import SECRET, Databases
from tests.cluster.nodes import APP, OWNER, Cluster, connect
from tests.engines.acts import DAY, ZHANG, act, add, found, picture, topup
from tests.engines.cases import CASES
from tests.vault.processes import run

WRITTEN = ("Zhang", "zhang", "Phone", "phone", "Chen", "cmb-0001", "0001", "好", "luck", "红包")
"""What persons wrote in the cases of the suite."""

pytestmark = pytest.mark.cluster


def sql(node: Cluster, statement: str, *, database: str = "hongbao_ledger") -> Any:
    with connect(node, node.nodes[0], database=database) as link, link.cursor() as cursor:
        cursor.execute(statement)
        link.commit()
        return cursor.fetchall()


def test_every_question_of_the_checks_is_understood(store: Store, one_node: Cluster):
    [node] = one_node
    with connect(one_node, node, database="hongbao_ledger") as link, link.cursor() as cursor:
        for text in ASKED.values():
            words = translate(text).text.replace("%s", "?").replace("%%", "%")
            cursor.execute("PREPARE asked FROM %s", (words,))


def test_nothing_that_a_person_wrote_can_be_read_in_the_tables(store: Store):
    """Each kind of change is applied, and everything is read as an administrator reads it."""
    assert isinstance(store, Ledger)
    sealed = 0
    for case in CASES:
        with store.transaction(dry_run=True):
            store.apply((*case.before, case.change))
            for table in TABLES:
                for row in store._run(f"SELECT * FROM `{table}`", ())[1]:
                    texts = [value for value in row if isinstance(value, str | bytes)]
                    hidden = [v for v in texts if isinstance(v, bytes) and v.startswith(MARK)]
                    sealed += len(hidden)
                    for value in texts:
                        if value not in hidden:
                            assert not _tells(value), (case, table)
    assert sealed > len(CASES)


def _tells(value: str | bytes) -> bool:
    if isinstance(value, str):
        return value in WRITTEN
    return any(word.encode() in value for word in WRITTEN)


def test_a_sealed_value_that_was_altered_is_found(store: Store, one_node: Cluster):
    sql(one_node, "UPDATE profile SET name = concat(left(name, 60), 'x') WHERE id = 1")
    with pytest.raises(Damaged):
        store.profile(ZHANG)


def test_a_row_that_an_act_did_not_find_as_it_left_it_begins_again(store: Store, one_node: Cluster):
    """As on a cluster, where two nodes let their acts have the same row, and one is too late."""
    before = picture(store)
    with pytest.raises(Again):
        _too_late(store)
    assert before == picture(store)
    assert not store.in_transaction


def _too_late(store: Store) -> None:
    assert isinstance(store, Ledger)
    with store.transaction():
        act(store, transfers=[topup(ZHANG, 1)])
        store._lanes._lanes[f"profile/{ZHANG}"].version = 0


def test_after_an_error_nothing_of_the_act_goes_on(store: Store, databases: Databases):
    """A connection that is lost within an act: what comes next would commit half of it."""
    before = picture(store)
    assert isinstance(store, Ledger)
    with pytest.raises(Again) as lost:
        _goes_on(store)
    assert lost.value.elsewhere
    assert before == picture(store) == picture(databases.open())


def _goes_on(store: Ledger) -> None:
    with store.transaction():
        store._db._force_close()
        for _ in range(3):
            with pytest.raises(Again):
                act(store, transfers=[topup(ZHANG, 1)])


def test_a_connection_that_is_lost_between_acts_is_opened_anew(store: Store):
    before = picture(store)
    assert isinstance(store, Ledger)
    store._db._force_close()
    assert before == picture(store)
    store._db._force_close()
    act(store, transfers=[topup(ZHANG, 1)])


@pytest.mark.parametrize(
    ("setting", "value", "right"),
    [("innodb_flush_log_at_trx_commit", "2", "1")],
)
def test_a_node_that_may_lose_commits_is_refused_by_the_settings_name(
    setting: str, value: str, right: str, databases: Databases, store: Store, one_node: Cluster
):
    one_node.nodes[0].sql(f"SET GLOBAL {setting} = {value}")
    try:
        with pytest.raises(ClusterRefused) as refused:
            databases.open()
        facts = {"setting": setting, "value": value, "wanted": right}
        assert {"node": str(databases.address("ledger").hosts[0]), **facts} == refused.value.facts
    finally:
        one_node.nodes[0].sql(f"SET GLOBAL {setting} = {right}")
    databases.open()


@pytest.mark.parametrize("level", ["READ-UNCOMMITTED", "SERIALIZABLE"])
def test_a_session_isolates_as_it_does_whatever_the_servers_default(
    level: str, databases: Databases, store: Store, one_node: Cluster
):
    """And what another session has not committed is not seen."""
    one_node.nodes[0].sql(f"SET GLOBAL tx_isolation = '{level}'")
    try:
        other = databases.open()
        before = picture(other)
        with store.transaction():
            add(store, transfers=[topup(ZHANG, 1)])
            assert before == picture(other)
        assert before != picture(other)
    finally:
        one_node.nodes[0].sql("SET GLOBAL tx_isolation = 'READ-COMMITTED'")


def test_what_is_not_a_ledger_of_ours_is_told_as_such(
    databases: Databases, store: Store, one_node: Cluster
):
    address = databases.address("ledger")
    with pytest.raises(LedgerDenied):
        Ledger.open(address, "wrong", SECRET)
    with pytest.raises(HomeNotFound):
        Ledger.open(address._replace(database="hongbao"), databases._password, SECRET)
    sql(one_node, "UPDATE form SET number = 99")
    with pytest.raises(NewerHome):
        databases.open()
    sql(one_node, f"UPDATE form SET number = {FORM}")


@pytest.mark.parametrize("theirs", ["booking (id int)", "card (id int)", "form (id int)"])
def test_no_ledger_is_made_among_the_tables_of_something_else(
    databases: Databases, one_node: Cluster, theirs: str
):
    """One may be called as one of ours is; nothing is added to them."""
    database = one_node.create_database(f"hongbao_theirs_{theirs.partition(' ')[0]}")
    address = databases.address("ledger")._replace(database=database)
    with connect(one_node, one_node.nodes[0]) as made, made.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {database}.{theirs}")

        with pytest.raises(DatabaseNotEmpty):
            Ledger.create(address, databases._password, SECRET)

        cursor.execute(f"SHOW TABLES IN {database}")
        assert 1 == len(cursor.fetchall())
        cursor.execute(f"DROP TABLE {database}.{theirs.partition(' ')[0]}")
        cursor.execute(definitions()[0].replace("`form`", f"{database}.form"))
    Ledger.create(address, databases._password, SECRET).close()  # as one was killed there


def test_a_reference_to_nothing_is_found(store: Store, one_node: Cluster):
    assert [] == list(store.audit(Question.FILE_PROBLEMS))
    sql(one_node, "UPDATE card SET deposit = 99")
    sql(one_node, "UPDATE enrolment SET device = 98")
    sql(one_node, "UPDATE transfer SET entry = 97")
    assert ["transfer.entry: 1", "card.deposit: 1", "enrolment.device: 1"] == list(
        store.audit(Question.FILE_PROBLEMS)
    )


def test_who_acts_may_do_what_acts_do_and_change_nothing_else(
    databases: Databases, store: Store, one_node: Cluster
):
    """Each kind of change as the application's user; and no row of what is only added to."""
    for grant in grants("hongbao_ledger", f"'{APP}'@'%'"):
        sql(one_node, grant)
    address = databases.address("ledger")._replace(user=APP)
    password = one_node.password_file(APP).read_text().strip()
    app = Ledger.open(address, password, SECRET)
    for case in CASES:
        with app.transaction(dry_run=True):
            app.apply(case.before)
            add(app, case.change)
            assert case.expected == case.read(app), case
    act(app, transfers=[topup(ZHANG, 1)])
    for table in sorted(TABLES.keys() - DELETED):
        with pytest.raises(LedgerDenied):
            app.write(f"DELETE FROM {table}")
    for table in sorted(TABLES.keys() - UPDATED):
        with pytest.raises(LedgerDenied):
            app.write(f"UPDATE {table} SET {TABLES[table].split()[0]} = 1")
    app.close()


def test_another_key_opens_nothing(databases: Databases, store: Store):
    other = Ledger.open(databases.address("ledger"), databases._password, bytes(32))
    with pytest.raises(Damaged):
        other.profile(ZHANG)
    other.close()
    assert OWNER == databases.address("ledger").user


def test_a_copy_takes_no_more_memory_for_more_rows(
    databases: Databases, one_node: Cluster, tmp_path: Path
):
    """
    A hundred thousand transfers, which would be tens of megabytes if they were kept.

    In a database that no other test uses: the server is still clearing that many deleted rows away
    when the next one begins.
    """
    found(databases.create("long"))
    long = databases.address("long").database
    more = "book, debit, credit, amount_fen, reason FROM transfer"
    behind = "(SELECT count(*) FROM transfer WHERE id >= 1000000)"
    sql(one_node, f"INSERT INTO transfer SELECT 1000000, 1000000, {more} LIMIT 1", database=long)
    for _ in range(17):
        sql(
            one_node,
            f"INSERT INTO transfer SELECT id + {behind}, id + {behind}, {more} WHERE id >= 1000000",
            database=long,
        )
    databases.close()
    vault = Vault(bytes(32), 1)

    def copied() -> None:
        with closing(databases.open("long")) as ledger:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            copy_to(ledger, tmp_path / "copy", vault)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            assert grown < 30 << 10, f"{grown} KiB"

    assert 0 == run(copied)
    with closing(sqlcipher.Ledger.open(tmp_path / "copy", vault.page_key)) as copy:
        ((count, last),) = copy.rows("SELECT count(*), max(id) FROM transfer")
    assert (1 << 17) + 1 == count == last


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_chain_is_read_page_by_page(size: int, store: Store, monkeypatch: pytest.MonkeyPatch):
    """Also where one entry has more rows than a page; each row comes once, and in its order."""
    asked = (Question.SEALED_ACTS, Question.SEALED_TRANSFERS, Question.SEALED_ROWS)
    for _ in range(3):
        act(store, AddUsage(ZHANG, "topup", DAY, 1), transfers=[topup(ZHANG, 1)] * 4)
    whole = [list(store.audit(question)) for question in asked]
    assert len(whole[1]) > 12

    monkeypatch.setattr(engine, "ROWS_AT_ONCE", size)

    assert whole == [list(store.audit(question)) for question in asked]
    assert whole[1][-4:] == list(store.audit(Question.SEALED_TRANSFERS, store.head().entry - 1))
