"""What the file itself says is wrong with it: loaded when a ledger is checked."""

from hongbao.engines.sql.audit import dangling
from hongbao.engines.sql.engine import Engine
from hongbao.errors import Damaged


def problems(engine: Engine) -> list[str]:
    # Each row is looked up in every index, in any order, and many checks read the same tables. With
    # as much memory as the pages of 300,000 transfers take, none of them is decrypted twice.
    engine.write("PRAGMA cache_size = -262144")
    try:
        return _complaints(engine, "integrity_check") or _complaints(
            engine, "foreign_key_check"
        ) + dangling(engine)
    except Damaged as error:
        return _complaints(engine, "cipher_integrity_check") or [str(error)]


def _complaints(engine: Engine, pragma: str) -> list[str]:
    return [
        f"{pragma}: {' '.join(map(str, row))}"
        for row in engine.rows(f"PRAGMA {pragma}")
        if row != ("ok",)
    ]
