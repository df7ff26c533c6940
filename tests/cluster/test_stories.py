"""
The stories, with each home's ledger on a real server: every command says what it says of a file.

Who makes the homes is no owner of the tables: what acts need, `grants` has to give.
"""

import string
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hongbao.engines.mysql.address import Address
from hongbao.engines.mysql.engine import Ledger
from hongbao.errors import StoryFailed
from hongbao.story import Answered, Event, play, read, running
from hongbao.story.running import Ran, Screen
from hongbao.story.shipped import FOLDER
from tests import warm
from tests.cluster.databases import PAY, SECRET, emptied, let_in
from tests.cluster.nodes import OWNER, Cluster

pytestmark = pytest.mark.cluster

STORIES = {
    story.stem: story
    for folder in (Path(__file__).parents[1] / "stories", FOLDER)
    for story in sorted(folder.glob("*.txt"))
}

DAILY = {"one_packet", "reconcile_surplus", "request_ids", "review_releases"}

OF_FILES = {
    "backup_restore": ("restore", "database_not_empty"),
    "provable": ("rekey", "not_on_cluster"),
}
"""Stories that come to a command which is refused on a cluster, and how it is."""


@contextmanager
def homes_on(cluster: Cluster) -> Iterator[None]:
    """Have each home that a story makes keep its ledger in a database on *cluster*."""
    play_one, names = running.process, iter(string.ascii_lowercase)

    def run(
        typed: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
    ) -> Ran:
        data = Path(variables["HONGBAO_HOME"], "data")
        if "init" in typed and not any(data.glob("ledger.*")):
            address = made(cluster, f"story_{next(names)}")
            password = cluster.password_file(PAY)
            typed = [*typed, "--ledger", str(address), "--ledger-password-file", str(password)]
        return play_one(typed, folder, variables, screen)

    vars(running).update(process=run)
    try:
        yield
    finally:
        vars(running).update(process=play_one)


def made(cluster: Cluster, name: str) -> Address:
    """Return the address of a database in which a ledger's tables are, and nothing in them."""
    address = emptied(cluster, name)
    Ledger.create(address, cluster.password_file(OWNER).read_text().strip(), SECRET).close()
    let_in(cluster, address.database)
    return address._replace(user=PAY)


@pytest.mark.parametrize(
    "name",
    [
        name if name in DAILY else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted(STORIES.keys() - OF_FILES.keys())
    ],
)
def test_a_story_is_the_same_on_a_cluster(name: str, one_node: Cluster):
    with warm.stories(), homes_on(one_node), closing(play(read(STORIES[name]))) as events:
        for _event in events:
            pass


@pytest.mark.parametrize(
    "name", ["backup_restore", pytest.param("provable", marks=pytest.mark.slow)]
)
def test_what_only_a_file_has_is_refused_as_such(name: str, one_node: Cluster):
    heard: list[Event] = []
    with (
        warm.stories(),
        homes_on(one_node),
        closing(play(read(STORIES[name]))) as events,
        pytest.raises(StoryFailed) as failed,
    ):
        heard.extend(events)
    command, refusal = OF_FILES[name]
    assert f"hongbao {command} " in str(failed.value.facts["command"])
    assert isinstance(heard[-1], Answered)
    assert refusal == heard[-1].error_code
