"""A search for a PIN before the eyes of a person at a terminal."""

from collections.abc import Callable, Iterator

from hongbao.lab.cracking import PINS, Tried, Watch, unwatched
from hongbao.ui.bars import bar
from hongbao.ui.lab import SEARCH_SECONDS, search_frame
from hongbao.ui.motion import Frames
from hongbao.ui.opening import Lines

_BAR_MAX = 60


def watched(play: Callable[[Frames, float], None]) -> Watch:
    """Return what shows a search by *play*: each frame takes it a step further, for real."""

    def watch(search: Iterator[Tried]) -> Tried:
        tried = next(search)

        def drawn(_gone: float, width: int) -> Lines:
            nonlocal tried
            tried = next(search, tried)
            done = bar(tried.tries, PINS, max(min(width, _BAR_MAX) - 1, 1))
            return search_frame(tried.pin, done, tried.per_second, width, is_found=tried.is_found)

        play(drawn, SEARCH_SECONDS)
        return tried if tried.is_found else unwatched(search)

    return watch
