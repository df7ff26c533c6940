"""What a whole check has proven is not proven again, as long as nothing speaks against it."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.auditing import PROBLEMS, checkpoint
from hongbao.queries import check as checking
from hongbao.queries.check import Scope
from hongbao.vault import files
from hongbao.vault.checkpoint import CheckpointFile
from hongbao.wallet import Wallet, risk_control
from hongbao.wallet.restoring import restore
from tests.wallet import test_check, test_check_channel, test_check_guards
from tests.wallet.channels import demo
from tests.wallet.test_check_generated import Bench
from tests.wallet.world import YUAN, World, right

DAY = timedelta(days=1)


@pytest.fixture
def proven(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A home whose few entries were all proven, and noted as that."""
    monkeypatch.setattr(checking, "WHOLE_UPTO", 0)
    world.zhang.topup(100 * YUAN, pin=right)
    world.li.claim(world.zhang.send(10 * YUAN, count=2, pin=right)["packet"])
    assert ("none", 0) == why(world)
    return world


def check(world: World, scope: Scope = Scope.USUAL):
    with Wallet.open(world.env, trusting=True) as wallet:
        return wallet.check(scope=scope)


def why(world: World) -> tuple[str | None, int]:
    """Check the home, in which nothing is wrong; return why it was whole, and what was compared."""
    checked = check(world)
    assert [] == [finding for finding in checked["findings"] if not finding["ok"]]
    assert checked["entries"] == checked["proven"] + checked["sealed"]
    return checked["whole_because"], checked["sealed"]


def note(world: World) -> Path:
    return world.env.keys / "checkpoint"


def test_only_what_is_new_is_proven_and_the_answer_is_the_same(proven: World):
    """
    The books' digest, the head and the findings are those of a whole check, each time.
    """
    entries = check(proven, Scope.ALL)["entries"]
    assert (None, entries) == why(proven)
    proven.wang.claim(proven.zhang.send(5 * YUAN, count=2, pin=right)["packet"])

    usual, whole = check(proven), check(proven, Scope.ALL)

    assert (2, entries, 0) == (usual["proven"], usual["sealed"], usual["unread"])
    assert (entries + 2, 0, "asked") == (whole["proven"], whole["sealed"], whole["whole_because"])
    same = ("ok", "entries", "transfers", "findings", "head", "digest")
    assert [usual[key] for key in same] == [whole[key] for key in same]
    assert (None, entries + 2) == why(proven)  # what was new then is compared now


def test_a_small_ledger_is_always_proven_whole(world: World):
    """
    And nothing is noted of it.
    """
    assert ("small", 0) == why(world)
    assert not note(world).exists()


def test_only_what_is_new_is_read_where_that_is_asked(proven: World):
    """
    An edit of what is old stays where it is; the usual check finds it.
    """
    entries = check(proven)["entries"]
    proven.zhang.send(5 * YUAN, count=2, pin=right)
    new = check(proven, Scope.NEW)
    assert (1, 0, entries) == (new["proven"], new["sealed"], new["unread"])
    assert new["digest"] is None

    proven.close()
    proven.edit("UPDATE claim SET nonce = zeroblob(16)")

    assert check(proven, Scope.NEW)["ok"]
    assert ("doubt", False) == (check(proven)["whole_because"], check(proven)["ok"])


def test_what_happens_across_the_checkpoint_is_proven(
    proven: World, monkeypatch: pytest.MonkeyPatch
):
    """
    A habit goes on from what was kept of it, and an edit of what is new is found.
    """
    monkeypatch.setattr(risk_control, "KEPT_EVERY", 1)
    for _ in range(3):
        proven.zhang.send(2 * YUAN, count=2, pin=right)
    entries = check(proven, Scope.NEW)["entries"]
    assert (None, entries - 3) == why(proven)
    proven.zhang.send(2 * YUAN, count=2, pin=right)
    proven.close()
    proven.edit("UPDATE habit SET text = replace(text, '\"acts\":', '\"acts\":1')")

    found = [line["check"] for line in check(proven)["findings"] if not line["ok"]]

    assert ["habits"] == found


def test_progress_only_grows_and_ends_with_everything(proven: World):
    """
    A bar that is drawn from it neither jumps back nor stays short.
    """
    reported: list[tuple[int, int]] = []
    with Wallet.open(proven.env, trusting=True) as wallet:
        entries = wallet.check(progress=lambda *done: reported.append(done))["entries"]

    assert sorted(reported) == reported
    assert (entries, entries) == reported[-1]
    assert {entries} == {total for _done, total in reported}


def test_an_interrupted_check_notes_nothing_and_leaves_no_thread(proven: World):
    """
    Ctrl-C at any moment: what was noted before stays as it was.
    """

    def interrupt(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    before, threads = note(proven).read_bytes(), threading.active_count()
    proven.zhang.topup(YUAN, pin=right)
    with Wallet.open(proven.env, trusting=True) as wallet, pytest.raises(KeyboardInterrupt):
        wallet.check(progress=interrupt)

    assert (before, threads) == (note(proven).read_bytes(), threading.active_count())
    assert why(proven)[0] is None


# --- the note -------------------------------------------------------------------------------------


def test_a_note_that_was_taken_away_hides_nothing(proven: World):
    """
    Then everything is proven, and that is said.
    """
    note(proven).unlink()

    assert ("none", 0) == why(proven)
    assert (None, True) == (why(proven)[0], note(proven).exists())


def test_every_altered_note_is_found(proven: World):
    """
    Each byte changed, each length, nothing, and something else.
    """
    whole = note(proven).read_bytes()
    step = max(1, len(whole) // 40)
    places = range(0, len(whole), step)
    altered = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in places]
    altered += [whole[:at] for at in places]
    altered += [whole + b"x", b"\n" * 100, b"hongbao checkpoint 1 " + b"9" * 5000]
    file = CheckpointFile(proven.env.keys, proven.zhang.vault)
    for content in altered:
        note(proven).write_bytes(content)
        reasons = set()
        try:
            if file.generation() == proven.zhang.vault.generation:
                file.read()
                reasons.add("read")
        except errors.Damaged:
            pass
        assert set() == reasons, content[:40]

    assert "damaged" == why(proven)[0]
    assert why(proven)[0] is None


def test_the_note_of_another_home_is_none(proven: World, tmp_path: Path):
    """
    Its keys are others.
    """
    other = demo(tmp_path / "other")
    with Wallet.open(other.env, trusting=True) as wallet:
        assert wallet.check()["ok"]
    note(proven).write_bytes(note(other).read_bytes())

    assert ("damaged", 0) == why(proven)


def test_new_keys_a_lock_and_a_copy(proven: World, tmp_path: Path):
    """
    A rekey ends what its old keys have sealed; a home that was copied whole keeps it.
    """
    proven.zhang.rekey()
    proven.close()
    assert ("rekeyed", 0) == why(proven)
    assert why(proven.copy(tmp_path / "elsewhere"))[0] is None


def test_a_ledger_that_is_not_the_one_that_was_checked_is_proven_whole(
    proven: World, tmp_path: Path
):
    """
    An older backup that was restored lacks the entry of the checkpoint; a newer one has it.
    """
    older, newer = tmp_path / "older.db", tmp_path / "newer.db"
    proven.zhang.backup(older)
    proven.zhang.send(2 * YUAN, count=2, pin=right)
    assert why(proven)[0] is None
    proven.zhang.backup(newer)
    proven.close()
    restore(proven.env, newer, accept_older=lambda *_: True)
    assert why(proven)[0] is None
    restore(proven.env, older, accept_older=lambda *_: True)

    assert ("replaced", 0) == why(proven)


def test_a_whole_check_is_due_after_thirty_days(proven: World):
    """
    Counted from the last whole one, however often the usual one was made; and at once where the
    clock says that it has not been yet.
    """
    proven.at += 20 * DAY
    proven.zhang.topup(YUAN, pin=right)
    assert why(proven)[0] is None
    proven.at += 11 * DAY
    assert ("old", 0) == why(proven)
    assert why(proven)[0] is None
    proven.at -= 2 * DAY
    assert ("clock", 0) == why(proven)


def test_a_ledger_that_has_doubled_is_proven_whole(proven: World):
    """
    It costs twice what is new, at most.
    """
    for _ in range(check(proven)["entries"] + 1):
        proven.zhang.send(2, count=2, pin=right)

    assert ("grown", 0) == why(proven)


def test_what_other_checks_have_proven_is_proven_again(
    proven: World, monkeypatch: pytest.MonkeyPatch
):
    """
    A later version may be stricter.
    """
    monkeypatch.setattr(checkpoint, "version", lambda: "other")

    assert ("version", 0) == why(proven)


def test_a_note_that_cannot_be_written_costs_a_whole_check(
    proven: World, monkeypatch: pytest.MonkeyPatch
):
    """
    A folder that cannot be written, or another process that writes its own, fails no check.
    """

    def refuse(path: Path, _content: bytes) -> None:
        raise errors.StorageRefused(path=str(path), reason="Read-only file system")

    note(proven).unlink()
    with monkeypatch.context() as patched:
        patched.setattr(files, "replace", refuse)
        assert ("none", 0) == why(proven)
    with files.Guard(proven.env.keys / ".checkpoint")():
        assert ("none", 0) == why(proven)
    note(proven).with_name("checkpoint.new").write_bytes(b"half of")  # its writer was killed
    assert ("none", 0) == why(proven)
    assert why(proven)[0] is None


def test_nothing_of_a_person_stands_in_the_note(proven: World):
    """
    It is sealed: balances, and habits as they are kept, are in it.
    """
    with Wallet.open(proven.env, trusting=True) as wallet:
        content = CheckpointFile(proven.env.keys, wallet.vault).read()
    point = checkpoint.decode(content)

    assert point is not None
    assert {109_000, 47, 0} == set(point.balances.values())
    assert b"109000" in content
    assert b"109000" not in note(proven).read_bytes()


# --- corruptions ----------------------------------------------------------------------------------

LISTS: dict[str, tuple[Callable[[Path], World], list[tuple[str, str]]]] = {
    "between institutions": (
        lambda folder: test_check_channel.live(demo(folder)),
        [(edit.what, edit.statement) for edit in test_check_channel.EDITS],
    ),
    "guards": (
        lambda folder: test_check_guards.live(demo(folder)),
        [(edit.what, edit.statements) for edit in test_check_guards.EDITS],
    ),
}


@pytest.fixture(scope="module", params=LISTS)
def lived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Bench, list[tuple[str, str]]]]:
    make, edits = LISTS[request.param]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(risk_control, "KEPT_EVERY", 1)
        world = make(tmp_path_factory.mktemp("lived") / "home")
        world.close()
    with Wallet.open(world.env, trusting=True) as wallet:
        yield Bench(wallet), edits


@pytest.mark.slow
def test_every_corruption_is_found_behind_a_checkpoint(lived: tuple[Bench, list[tuple[str, str]]]):
    """
    What the whole check finds, the usual one finds or doubts, and then makes the whole one.
    """
    bench, edits = lived

    assert {} == unnoticed(bench, edits)


@pytest.mark.slow
def test_every_corruption_of_a_busy_life_is_found_behind_a_checkpoint(
    world: World,
):
    """
    The same of payments, packets, balances and the chain.
    """
    test_check.live(world)
    edits = [(edit.what, edit.statements) for edit in test_check.EDITS]
    with Wallet.open(world.env, trusting=True) as wallet:
        assert {} == unnoticed(Bench(wallet), edits)


def unnoticed(bench: Bench, edits: list[tuple[str, str]]) -> dict[str, bool]:
    """Make each of *edits*; return those that are not found behind the checkpoint."""
    missed = {}
    [point] = bench.points
    for what, statements in edits:
        bench.db.execute("SAVEPOINT corruption")
        bench.db.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements.split(";"):
            bench.db.execute(statement)
        bench.db.execute("PRAGMA ignore_check_constraints = OFF")
        whole = bench.findings(*PROBLEMS)
        if not (whole and bench.findings(*PROBLEMS, behind=point)):
            missed[what] = bool(whole)
        bench.db.execute("ROLLBACK TO corruption")
        bench.db.execute("RELEASE corruption")
    return missed
