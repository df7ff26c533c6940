"""One small home for all damage: made once, copied for each trial."""

import pytest

from tests.corruption.trying import Truth, small_home, truth_of


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    folder = tmp_path_factory.mktemp("corruption")
    return truth_of(small_home(folder / "home", folder / "older"), folder / "older")
