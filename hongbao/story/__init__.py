"""
Stories: real commands with what they should answer, played on a throw-away home.

    # en: A claim after the last share is refused.
    # zh: 手慢了，红包派完了。
    file pin: 246810
    init 张三                             => 0
    init 李四                             => 0
    张三: topup 10                        => 0
    张三: send 8.88                       => 0  …[packet]…
    李四: claim [packet]                  => 0
    张三: claim [packet]                  => 11
        2> …every share of [packet] is taken

One file is a test, a demo and a lesson. docs/reference/stories.md says all that a story may hold.
"""

from hongbao.story.player import (
    HOME,
    Answered,
    Asked,
    AtOnce,
    Began,
    Closed,
    Event,
    Failed,
    Noted,
    Outcome,
    Paused,
    Player,
    Readied,
    Skipped,
    Told,
    perform,
    play,
)
from hongbao.story.running import Run, Screen
from hongbao.story.script import Story, parse, read

__all__ = [
    "HOME",
    "Answered",
    "Asked",
    "AtOnce",
    "Began",
    "Closed",
    "Event",
    "Failed",
    "Noted",
    "Outcome",
    "Paused",
    "Player",
    "Readied",
    "Run",
    "Screen",
    "Skipped",
    "Story",
    "Told",
    "parse",
    "perform",
    "play",
    "read",
]
