"""
The model that ships with hongbao, learned from the simulated life of `bench.life`.

``python -m tools.default_model`` writes it anew, from the repository's top. The same seeds and
release of scikit-learn make the same file, which tests/domain/risk/test_default_model.py holds it
to; where a release makes another one, that test still checks what it was trained with.
"""

import sys
from pathlib import Path

from bench import habits
from bench.life import Life, streams_of
from hongbao import training
from hongbao.domain.risk.indicators import parse_key

MODEL = Path(__file__).parent.parent / "hongbao" / "packs" / "model.json"

NAME = "ordinary"
VERSION = 1
LIFE_SEED = 2026
SEED = 88

KEYS = tuple(
    parse_key(text)
    for text in (
        # rate and rhythm
        *("acts/10m", "acts/1h", "claims/24h", "quick_claims/10m", "reaction_ms", "steady/1h"),
        # the person's own habit
        *("unlike_self", "times_usual", "hour_rare"),
        # with whom, and what becomes of the money
        *("same_pair/24h", "senders/24h", "recipients/24h", "rounds/1h", "pass_through/24h"),
        "day_out_fen",
        # from where
        *("device_age_hours", "since_pin_change_min", "speed_kmh"),
    )
)
"""What the model looks at. No amount is compared with a threshold here: rules do that better."""


def learned_from() -> list[tuple[int, ...]]:
    """
    Return what the model is trained with: acts of two months that nobody was judged in.

    One in four is plenty: no tree is grown from more than a few hundred.
    """
    life = Life(LIFE_SEED)
    return habits.vectors(streams_of(life.people, life.events), KEYS, each=4)


def text(vectors: list[tuple[int, ...]]) -> str:
    """Return the model's text, learned from *vectors*."""
    return training.train(
        vectors,
        KEYS,
        SEED,
        name=NAME,
        version=VERSION,
        source=f"bench/life.py, seed {LIFE_SEED}, 200 people, two months, one act in 4",
    )


if __name__ == "__main__":
    MODEL.parent.mkdir(exist_ok=True)
    MODEL.write_text(text(learned_from()), encoding="utf-8")
    print(f"{MODEL.stat().st_size} bytes")
    sys.exit()
