"""What a durable claim costs: against its own SQL, and in a ledger a hundred times as long."""

import shutil
from pathlib import Path
from typing import NamedTuple

from bench.bare import connect, connect_to, copy_plain, recorded_claims, replay
from bench.homes import CLAIMER, SENDER, env_of, found, send_packets
from bench.pairs import Comparison, compare
from hongbao.wallet import Wallet

WRITES = ("BEGIN", "INSERT", "UPDATE", "COMMIT")


class Claims(NamedTuple):
    """A claim through the wallet, against its SQL; the same SQL encrypted, against it in clear."""

    against_sql: Comparison
    against_writes: Comparison
    encrypted: Comparison


def against_sql(folder: Path, pairs: int) -> Claims:
    """
    Compare a claim with the same statements said to the same ledger by nobody.

    A home with packets to claim is copied. On the first copy the wallet claims them all, and what
    it says to the ledger is written down, values and all. Then the wallet claims them on a second
    copy, and in turn the recorded statements are executed on a third: the same driver, key, pragmas
    and rows, one statement after the other, each with a commit that waits for the disk. What is
    left between the two is everything that is not SQL: reading rows into values, the rules, the
    dealing, the answer, the chain's MAC and noting the head.

    The wallet's own reads are part of both sides, so a needless one would hide. Therefore the
    claim is also compared with its writes alone.
    """
    home = folder / "home"
    found(env_of(home), SENDER, topup_fen=50_000)
    found(env_of(home), CLAIMER)
    packets = send_packets(env_of(home), pairs + 1)
    for name in ("recorded", "claimed", "replayed", "written", "encrypted"):
        shutil.copytree(home, folder / name)

    claims = recorded_claims(env_of(folder / "recorded"), CLAIMER, packets)
    for name in ("replayed", "written", "encrypted"):
        with Wallet.open(env_of(folder / name), profile=CLAIMER) as wallet:
            wallet.claim(packets[0])
    copy_plain(env_of(folder / "encrypted"), folder / "plain.db")

    writes = [[said for said in claim if said.sql.startswith(WRITES)] for claim in claims]
    replayed = connect_to(env_of(folder / "replayed"))
    written = connect_to(env_of(folder / "written"))
    encrypted = connect_to(env_of(folder / "encrypted"))
    plain = connect(folder / "plain.db", None)
    with Wallet.open(env_of(folder / "claimed"), profile=CLAIMER) as wallet:
        wallet.claim(packets[0])
        against_all = compare(
            lambda number: wallet.claim(packets[number + 1]),
            lambda number: replay(replayed, claims[number]),
            pairs,
        )
    with Wallet.open(env_of(home), profile=CLAIMER) as wallet:
        wallet.claim(packets[0])
        against_writes = compare(
            lambda number: wallet.claim(packets[number + 1]),
            lambda number: replay(written, writes[number]),
            pairs,
        )
    in_clear = compare(
        lambda number: replay(encrypted, claims[number]),
        lambda number: replay(plain, claims[number]),
        pairs,
    )
    for connection in (replayed, written, encrypted, plain):
        connection.close()
    return Claims(against_all, against_writes, in_clear)


def in_longer_ledger(longer: Path, shorter: Path, pairs: int) -> Comparison:
    """Compare a claim in the home *longer* with one in the home *shorter*."""
    to_claim = {home: send_packets(env_of(home), pairs + 1) for home in (longer, shorter)}
    with (
        Wallet.open(env_of(longer), profile=CLAIMER) as long,
        Wallet.open(env_of(shorter), profile=CLAIMER) as short,
    ):
        for wallet, home in ((long, longer), (short, shorter)):
            wallet.claim(to_claim[home][pairs])
        return compare(
            lambda number: long.claim(to_claim[longer][number]),
            lambda number: short.claim(to_claim[shorter][number]),
            pairs,
        )
