"""Whatever is typed gets a sentence, a hint and an exit code, and changes nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from hongbao import policies
from tests.cli.shell import Shell, plain

USAGE, NOT_FOUND, NOT_CLAIMABLE, INSUFFICIENT, LIMIT, PIN, CONFLICT = 2, 10, 11, 12, 13, 14, 18
PENDING, DECLINED = 17, 22

AMOUNTS = (
    *("0", "0.00", "-1", "-0.5", "0.001", "1e3", "1,000", "１．００", "NaN", "inf", "+1", " 5"),
    *("5.", ".5", "00.5", "5 ", "", "五", "1" + "0" * 30, "$5", "0x10", "1_000", "٣"),
)

REFUSED: dict[str, tuple[Sequence[str], int, str]] = {
    # What is typed, the exit code, and the code for programs.
    # What a packet may hold.
    "less than a fen each": (("send", "0.04", "--count", "5"), USAGE, "share_too_small"),
    "more than the cap": (("send", "500"), LIMIT, "share_above_cap"),
    "more than the cap each": (("send", "--each", "200.01"), LIMIT, "fixed_share_above_cap"),
    "more than the cap for one": (
        ("send", "300", "--to", "小红"),
        LIMIT,
        "fixed_share_above_cap",
    ),
    "too much in all": (("send", "20000.01", "--count", "100"), LIMIT, "packet_above_cap"),
    "no shares": (("send", "5", "--count", "0"), USAGE, "invalid_count"),
    "101 shares": (("send", "5", "--count", "101"), USAGE, "invalid_count"),
    "a billion shares": (("send", "5", "--count", "1000000000"), USAGE, "invalid_count"),
    "fewer than no shares": (("send", "5", "--count", "-1"), USAGE, "invalid_number"),
    "half a share": (("send", "5", "--count", "1.5"), USAGE, "invalid_number"),
    "full-width shares": (("send", "5", "--count", "１０"), USAGE, "invalid_number"),
    "shares past counting": (("send", "5", "--count", "9" * 400), USAGE, "invalid_number"),
    "no amount": (("send", "--count", "2"), USAGE, "usage"),
    "two amounts": (("send", "5", "--each", "5"), USAGE, "conflicting_options"),
    "each for one": (("send", "--each", "5", "--to", "小红"), USAGE, "conflicting_options"),
    "several for one": (("send", "5", "--to", "小红", "-c", "2"), USAGE, "conflicting_options"),
    "luck for equals": (
        ("send", "--each", "5", "--deal", "shuffled"),
        USAGE,
        "conflicting_options",
    ),
    "an unknown deal": (("send", "5", "--deal", "fair"), USAGE, "usage"),
    "to oneself": (("send", "5", "--to", "小明"), USAGE, "self_recipient"),
    "to nobody": (("send", "5", "--to", "小白"), NOT_FOUND, "profile_not_found"),
    "from no card": (("send", "5", "--from", "cmb-1234"), NOT_FOUND, "card_not_found"),
    "more than there is": (("send", "999", "--count", "9"), INSUFFICIENT, "insufficient_balance"),
    "more than the limit": (("send", "1001", "-c", "9", "-p", "小刚"), LIMIT, "limit_exceeded"),
    # Texts.
    "an escape": (("send", "5", "-g", "\x1b[2J"), USAGE, "unprintable_text"),
    "a second line": (("send", "5", "-g", "one\ntwo"), USAGE, "unprintable_text"),
    "a direction mark": (("send", "5", "-g", "\u202e倒"), USAGE, "unprintable_text"),
    "a bell in a cover": (("send", "5", "--cover", "\a"), USAGE, "unprintable_text"),
    "26 characters": (("send", "5", "-g", "福" * 26), USAGE, "invalid_greeting"),
    "a hundred kilobytes": (("send", "5", "-g", "福" * 30_000), USAGE, "invalid_greeting"),
    "a long cover": (("send", "5", "--cover", "龙" * 21), USAGE, "text_too_long"),
    "a name that paints": (("init", "\x1b[31mred"), USAGE, "invalid_name"),
    "no name": (("init", ""), USAGE, "invalid_name"),
    "a name of bidi": (("init", "a\u202eb"), USAGE, "invalid_name"),
    "a taken name": (("init", "小红"), USAGE, "name_taken"),
    "a late clock": (("init", "小白", "--clock", "2027-01-01"), USAGE, "home_exists"),
    "a late policy": (("init", "小白", "--policy", "standard"), USAGE, "home_exists"),
    # Packets.
    "one letter wrong": (("claim", "hb_7Q2M4K9W"), USAGE, "invalid_packet_id"),
    "no packet": (("claim", "hb_7Q2M4K9X"), NOT_FOUND, "packet_not_found"),
    "no packet to show": (("show", "hb_7Q2M4K9X"), NOT_FOUND, "packet_not_found"),
    "claiming twice": (("claim", "{lucky}", "-p", "小红"), NOT_CLAIMABLE, "already_claimed"),
    "one's own for another": (("claim", "{exclusive}"), NOT_CLAIMABLE, "own_packet"),
    "another's own": (("claim", "{exclusive}", "-p", "小刚"), NOT_CLAIMABLE, "not_for_you"),
    "a finished packet": (("claim", "{equal}"), NOT_CLAIMABLE, "packet_finished"),
    "a refunded packet": (("claim", "{refunded}", "-p", "小刚"), NOT_CLAIMABLE, "packet_refunded"),
    "refunding early": (("refund", "{lucky}"), NOT_CLAIMABLE, "packet_not_expired"),
    "refunding twice": (("refund", "{refunded}"), NOT_CLAIMABLE, "packet_refunded"),
    "refunding what is taken": (("refund", "{equal}"), NOT_CLAIMABLE, "nothing_to_refund"),
    "refunding another's": (("refund", "{lucky}", "-p", "小红"), NOT_CLAIMABLE, "not_your_packet"),
    "proof before the end": (("verify", "{lucky}"), NOT_CLAIMABLE, "not_yet_revealed"),
    # People and cards.
    "nobody": (("balance", "-p", "小白"), NOT_FOUND, "profile_not_found"),
    "an empty name": (("balance", "-p", ""), NOT_FOUND, "profile_not_found"),
    "nobody to use": (("use", "小白"), NOT_FOUND, "profile_not_found"),
    "a name of one letter": (
        ("identify", "-p", "小红", "--name", "x", "--id-number", "1"),
        USAGE,
        "invalid_real_name",
    ),
    "a wrong check character": (
        ("identify", "-p", "小红", "--name", "李四", "--id-number", "110105194912310021"),
        USAGE,
        "invalid_id_number",
    ),
    "another's ID number": (
        ("identify", "-p", "小红", "--name", "李四", "--id-number", "11010519491231002X"),
        USAGE,
        "identity_mismatch",
    ),
    "identified already": (
        ("identify", "--name", "张三", "--id-number", "11010519491231002X"),
        USAGE,
        "already_identified",
    ),
    "a name and a file": (
        ("identify", "--name", "张三", "--id-file", "-"),
        USAGE,
        "conflicting_options",
    ),
    "a card's typing error": (("card", "add", "9999010000000004"), USAGE, "invalid_card_number"),
    "a real card": (("card", "add", "4111111111111111"), USAGE, "unknown_bank"),
    "a card twice": (("card", "add", "9999010000000003"), USAGE, "card_in_use"),
    "no such card": (("card", "remove", "cmb-1234"), NOT_FOUND, "card_not_found"),
    "no card at all": (("topup", "5", "-p", "小红"), NOT_FOUND, "no_card"),
    "a bank that is down": (("topup", "444.08"), DECLINED, "bank_down"),
    "more than the balance": (("withdraw", "999"), INSUFFICIENT, "insufficient_balance"),
    # Times, periods and numbers.
    "no such day": (("clock", "set", "2026-02-30"), USAGE, "invalid_instant"),
    "backwards": (("clock", "set", "2026-01-01"), USAGE, "clock_backwards"),
    "no length of time": (("clock", "advance", "5"), USAGE, "invalid_duration"),
    "a period reversed": (
        ("history", "--from", "2026-3", "--to", "2026"),
        USAGE,
        "invalid_instant",
    ),
    "a period upside down": (
        ("history", "--from", "2026-03", "--to", "2026-01"),
        USAGE,
        "invalid_range",
    ),
    "an unknown kind": (("history", "--kind", "gift"), USAGE, "usage"),
    "no lines": (("history", "--limit", "0"), USAGE, "invalid_number"),
    "with nobody": (("history", "--with", "小白"), NOT_FOUND, "profile_not_found"),
    # Files and rules.
    "an unknown format": (("export", "--format", "docx"), USAGE, "usage"),
    "no such policy": (("policy", "use", "generous"), NOT_FOUND, "policy_not_found"),
    "a policy that is none": (("policy", "use", "{pin}"), USAGE, "invalid_policy"),
    "a folder for a policy": (("policy", "use", "/"), NOT_FOUND, "file_not_readable"),
    "no copy": (("restore", "/nowhere/copy"), NOT_FOUND, "file_not_readable"),
    "a copy that is none": (("restore", "{pin}"), 19, "damaged"),
    "no keyring": (("unlock", "--keyring"), 21, "keyring_unavailable"),
    "nowhere to copy to": (("backup", "/nowhere/copy"), 21, "storage_refused"),
    "a request id with a space": (
        ("topup", "5", "--request-id", "a b"),
        USAGE,
        "invalid_request_id",
    ),
    # The command line itself.
    "an unknown command": (("sned", "5"), USAGE, "usage"),
    "an unknown option": (("balance", "--fast"), USAGE, "usage"),
    "one too many": (("balance", "now"), USAGE, "usage"),
    "no subcommand": (("pin",), USAGE, "usage"),
    "an unknown shell": (("completion", "tcsh"), USAGE, "usage"),
}


def _error(text: str) -> dict[str, object]:
    return dict(json.loads(text)["error"])


def test_bad_input_is_refused_and_changes_nothing(unchanged: Shell):
    """
    Each with its own code and exit code, as one document, in one sentence with no full stop.
    """
    typed = [
        [word.format(**unchanged.packets, pin=unchanged.pin_file) for word in argv]
        for argv, _, _ in REFUSED.values()
    ]

    said = unchanged.plays(*([*argv, "--json"] for argv in typed))

    for (name, (_, exit_code, code)), each in zip(REFUSED.items(), said, strict=True):
        assert (name, "") == (name, each.out)
        error = _error(each.err)
        assert (name, exit_code, code) == (name, each.code, error["code"])
        assert not str(error["message"]).endswith(".")
        assert "\x1b" not in each.err


def test_a_missing_value_is_explained_on_the_page_of_its_command(unchanged: Shell):
    """
    And not on the page of all commands.
    """
    for command, typed in (("send", ("10", "--to")), ("card add", ("--request-id",))):
        said = unchanged("--json", *command.split(), *typed)
        assert f"hongbao {command}" == _error(said.err)["command"]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_people_get_a_sentence_and_a_next_step(unchanged: Shell, language: str):
    """
    On standard error and nowhere else, never a traceback, never a Python word.
    """
    typed = [
        [word.format(**unchanged.packets, pin=unchanged.pin_file) for word in argv]
        for argv, _, _ in REFUSED.values()
    ]

    said = unchanged.plays(*typed, HONGBAO_LANG=language)

    start = {"en": "hongbao: error: ", "zh_CN": "hongbao: 错误："}[language]
    for name, each in zip(REFUSED, said, strict=True):
        assert (name, "") == (name, each.out)
        assert (name, True) == (name, each.err.startswith(start))
        assert "Traceback" not in each.err
        assert "bug" not in each.err


def test_an_amount_is_read_one_way(unchanged: Shell):
    """
    Plain digits with at most two decimals, at least a fen: everything else would be a guess.
    """
    for command in (("send",), ("topup",), ("withdraw",), ("send", "--count", "2", "--each")):
        said = unchanged.plays(*([*command, amount, "--json"] for amount in AMOUNTS))

        codes = {
            amount: _error(each.err)["code"]
            for amount, each in zip(AMOUNTS, said, strict=True)
            if each.code == USAGE
        }
        assert dict.fromkeys(AMOUNTS, "invalid_amount") == codes


# --- by the installed command, one at a time -----------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (
            ("send", "-1"),
            2,
            (
                "hongbao: error: amount '-1' is not yuan with at most two decimals\n"
                "hongbao: hint: write it like 66.66: plain digits, no sign, no grouping,"
                " at least 0.01\n"
            ),
        ),
        (
            ("sned", "5"),
            2,
            (
                "hongbao: error: there is no command 'sned'; did you mean 'send'?\n"
                "hongbao: hint: see `hongbao --help`\n"
            ),
        ),
        (
            ("claim", "hb_7Q2M4K9X"),
            10,
            (
                "hongbao: error: there is no packet hb_7Q2M4K9X\n"
                "hongbao: hint: list the packets that you can see: `hongbao packets`\n"
            ),
        ),
    ],
)
def test_the_installed_command_refuses(new_year: Shell, typed: Sequence[str], code: int, told: str):
    """
    The whole of what a person sees, through a real process.
    """
    said = new_year(*typed)

    assert (code, "", told) == said


@pytest.mark.parametrize(
    "typed", [("topup", "1", "--pin-file"), ("policy", "use"), ("identify", "--id-file"), ("use",)]
)
def test_what_was_typed_is_told_back_harmlessly(new_year: Shell, typed: Sequence[str]):
    """
    A path or a name may hold an escape; the screen shows it and does not obey.
    """
    said = new_year(*typed, "/nowhere/\x1b[31mred")

    assert 10 == said.code
    assert "\x1b" not in said.err
    assert "\\x1b[31mred" in said.err


# --- the payment PIN -----------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["12345", "1234567", "abcdef", "", "１２３４５６", "24681 "])
def test_a_pin_is_six_digits(new_year: Shell, typed: str):
    """
    What is no PIN is not counted as a wrong one.
    """
    code, error = _with_pin(new_year, typed)

    assert (PIN, "invalid_pin") == (code, error["code"])


def _with_pin(shell: Shell, pin: str) -> tuple[int, dict[str, object]]:
    said = shell("topup", "1", "--pin-file", "-", "--json", stdin=f"{pin}\n")
    assert "" == said.out
    return said.code, _error(said.err)


def test_five_wrong_pins_lock_it(shell: Shell):
    """
    The fifth says until when; the right one does not open it then.
    """
    said = [_with_pin(shell, "135791") for _ in range(5)]

    assert [14] * 5 == [code for code, _ in said]
    assert ["wrong_pin"] * 4 + ["pin_locked"] == [error["code"] for _, error in said]
    assert [4, 3, 2, 1] == [error["attempts_left"] for _, error in said[:4]]
    assert "2026-02-16T23:00:00+08:00" == said[4][1]["locked_until_at"]
    assert "pin_locked" == _with_pin(shell, shell.pin)[1]["code"]

    shell.does("clock", "advance", "3h")
    assert 0 == shell("topup", "1").code


# --- what banks say ------------------------------------------------------------------------------

SAID_BY_BANKS: dict[str, tuple[Sequence[str], int, str]] = {
    # Amounts that fail by themselves in a demo home.
    "more than the card has": (("topup", "1000000"), INSUFFICIENT, "insufficient_card"),
    "a top-up declined": (("topup", "444.05"), DECLINED, "bank_declined"),
    "a packet declined": (
        ("send", "444.05", "--count", "5", "--from", "0003"),
        DECLINED,
        "bank_declined",
    ),
    "a withdrawal declined": (("withdraw", "444.05"), DECLINED, "bank_declined"),
    "a closed account": (("withdraw", "444.07"), DECLINED, "card_account_closed"),
}


def test_what_a_bank_declines_moves_no_money(shell: Shell):
    """
    It is written down, and the money is where it was; the same request is declined again, not paid.
    """
    before = shell.answers("balance")
    typed = [
        [*argv, "--request-id", f"r{number}", "--json"]
        for number, (argv, _, _) in enumerate(SAID_BY_BANKS.values())
    ]

    said = shell.plays(*typed, *typed)

    for (name, (_, exit_code, code)), first, again in zip(
        SAID_BY_BANKS.items(), said, said[len(typed) :], strict=False
    ):
        assert (name, exit_code, code) == (name, first.code, _error(first.err)["code"])
        assert (name, exit_code, _error(first.err)) == (name, again.code, _error(again.err))
    assert {**before, "at": ""} == {**shell.answers("balance"), "at": ""}


@pytest.mark.parametrize(
    ("typed", "act", "has_moved"),
    [
        (("topup", "444.01"), "topup", False),
        (("withdraw", "444.01"), "withdraw", True),
        (("send", "444.02", "--count", "3", "--from", "0003"), "send", False),
    ],
)
def test_a_pending_payment_reads_as_one_and_is_in_history(
    shell: Shell, typed: tuple[str, ...], act: str, has_moved: bool
):
    """
    It is no error, and it is listed beside what moved the balance until the bank has answered.
    """
    said = shell(*typed)
    chinese = shell(*typed, HONGBAO_LANG="zh_CN")
    found = shell.answers("history", "--limit", "1")
    other = shell.answers("history", "--kind", "claim")
    (screen,) = shell.screens(("history",), columns=100)
    piped = shell("history", "--limit", "1")
    shell.does("settle")
    settled = shell.answers("history", "--limit", "3")

    assert (PENDING, "") == (said.code, said.out)
    assert said.err.startswith("hongbao: pending: no answer from ICBC (demo)")
    assert "hongbao: 处理中：工商银行（演示）" in chinese.err
    (pending,) = found["pending"]
    assert (act, "icbc-0003") == (pending["act"], pending["card"])
    assert round(float(typed[1]) * 100) == pending["amount_fen"]
    assert has_moved is (found["movements"][0]["entry"] == pending["entry"])
    assert 1 == screen.count(", pending")
    assert 1 == len(piped.lines)
    assert "`hongbao settle`" in piped.err
    assert [] == other["pending"] == settled["pending"]


def test_what_a_bank_is_silent_about_is_pending(shell: Shell):
    """
    Exit code 17 and nothing booked; asked again by its request id, it is what the bank says then.
    """
    before_fen = shell.answers("balance")["available_fen"]
    typed = ("topup", "444.01", "--request-id", "r1")

    code, error = shell.refuses(*typed)
    held_fen = shell.answers("balance")["available_fen"]
    then = shell.answers(*typed)

    assert (PENDING, "payment_pending", 44401) == (code, error["code"], error["amount_fen"])
    assert (before_fen, before_fen + 44401) == (held_fen, then["balance_fen"])
    assert (error["payment"], then) == (then["payment"], {**then, "replayed": True})


# --- request ids ---------------------------------------------------------------------------------


def test_a_request_is_answered_once(shell: Shell):
    """
    The same id gets the same answer, marked; with another amount it is a conflict.
    """
    first = shell.answers("topup", "5", "--request-id", "order-17")
    again = shell.answers("topup", "5", "--request-id", "order-17")
    code, error = shell.refuses("topup", "6", "--request-id", "order-17")

    assert {**first, "replayed": True} == again
    assert (CONFLICT, "request_conflict") == (code, error["code"])


def test_a_dry_run_says_what_would_happen(unchanged: Shell):
    """
    The same answer and the same refusals as in earnest, and nothing is different afterwards.
    """
    rehearsed = unchanged.answers("withdraw", "100", "-n")
    refused = unchanged("send", "999", "--count", "9", "-n")

    assert (10_000, True) == (rehearsed["amount_fen"], rehearsed["dry_run"])
    assert INSUFFICIENT == refused.code


def test_two_things_cannot_share_standard_output(new_year: Shell):
    """
    A statement as CSV and a document for programs would be neither.
    """
    code, error = new_year.refuses("export", "--format", "csv")

    assert (USAGE, "conflicting_options") == (code, error["code"])


# --- what would help -----------------------------------------------------------------------------

CAPPED = """[[tier.limit]]
id = "topup-single"
period = "single"
amount = "20.00"
counts = ["topup"]
confidence = "C"
source = "for this test"

[[tier]]
name = "verified"
"""


def hints(shell: Shell, *lines: Sequence[str]) -> list[str]:
    """Return what each of *lines* is advised, or nothing."""
    return [
        plain(said.err).partition("hint: ")[2].rstrip("\n") if said.code else ""
        for said in shell.plays(*lines)
    ]


def test_who_has_too_little_is_told_the_way_that_is_open_to_them(empty: Shell, tmp_path: Path):
    """
    A top-up of what is missing; a card first where there is none; never more than limits let.
    """
    shell = empty.copied_to(tmp_path / "home")
    rules = policies.text_of("standard").replace('[[tier]]\nname = "verified"\n', CAPPED)
    (tmp_path / "capped.toml").write_text(rules.replace('"standard"', '"capped"', 1), "utf-8")

    _, without_card, _, with_card, too_much, withdrawal = hints(
        shell,
        ("init", "小明", "--policy", "capped.toml"),
        ("send", "15"),
        ("card", "add", "9999010000000003"),
        ("send", "15"),
        ("send", "25"),
        ("withdraw", "15"),
    )

    assert without_card == "bind a card with `hongbao card add`, then top up 15.00"
    assert with_card == "top up with `hongbao topup 15.00`"
    assert too_much == "your limits let you top up 20.00 now; see `hongbao limits`"
    assert withdrawal == with_card


def test_no_name_is_proposed_that_would_be_refused(empty: Shell, tmp_path: Path):
    """
    Neither a profile nor an operator that is not there is made with the name that was not found.
    """
    shell = empty.copied_to(tmp_path / "home")

    _, nobody, no_operator = hints(
        shell,
        ("init", "小明"),
        ("balance", "-p", "😀熊猫"),
        ("operator", "log", "😀"),
    )

    assert "see the profiles: `hongbao profiles`" == nobody
    assert "see the operators: `hongbao operator list`" == no_operator


def test_whoever_named_a_key_is_not_told_to_name_one(shell: Shell, tmp_path: Path):
    """
    The advice of a statement by an unknown key depends on whether one was named.
    """
    other = Shell(tmp_path / "other" / "home", shell.pin)
    other.plays(("init", "小白"), ("export", "-o", str(tmp_path / "theirs.json")))

    alone, named = hints(
        shell,
        ("verify-statement", str(tmp_path / "theirs.json")),
        ("verify-statement", str(tmp_path / "theirs.json"), "--key", "5d" * 32),
    )

    assert "--key KEY" in alone
    assert "--key" not in named
    assert "`hongbao key`" in named


def test_a_locked_home_is_unlocked_by_a_file_as_it_was_locked(empty: Shell, tmp_path: Path):
    """
    What takes a passphrase takes it from a file, too.
    """
    shell = empty.copied_to(tmp_path / "home")
    (tmp_path / "passphrase").write_text("correct horse battery\n")
    (tmp_path / "wrong").write_text("incorrect horse battery\n")

    _, locked, shut, wrong, opened, balance = shell.plays(
        ("init", "小明"),
        ("lock", "--passphrase-file", "passphrase"),
        ("balance",),
        ("unlock", "--passphrase-file", "wrong"),
        ("unlock", "--passphrase-file", "passphrase"),
        ("balance",),
    )

    assert [0, 20, 20, 0, 0] == [each.code for each in (locked, shut, wrong, opened, balance)]
