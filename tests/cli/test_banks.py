"""Banks at the counter: what is typed about them, and who is asked for which PIN."""

from pathlib import Path

from hongbao.policies import text_of
from tests.cli.shell import Shell, plain

THEIRS = "975312"


def test_a_banks_code_alone_shows_it(new_year: Shell):
    """
    In capitals, too; what is no code is an unknown command, with the page that lists them.
    """
    shown = new_year.answers("bank", "show", "icbc")

    assert ("icbc", "ICBC (demo)") == (shown["bank"], shown["name"])
    assert shown == new_year.answers("bank", "icbc") == new_year.answers("bank", "ICBC")
    assert 2 == new_year("bank", "icbcx").code


def test_people_read_names_where_programs_read_codes(shell: Shell):
    """
    In both languages, in the sentence and not in the facts.
    """
    code, error = shell.refuses("topup", "444.05", HONGBAO_LANG="zh")
    said = shell("topup", "444.05", HONGBAO_LANG="zh")

    assert (22, "icbc") == (code, error["bank"])
    assert "ICBC (demo) declined the payment of 444.05 (icbc-0003)" == error["message"]
    assert "工商银行（演示）拒绝了 icbc-0003 这笔444.05元的交易" in said.err


def test_a_fault_says_how_it_ends(shell: Shell):
    """
    Whoever switches one on may not have read the page to its end.
    """
    said = shell("bank", "fault", "ICBC", "Timeout")

    assert 0 == said.code
    assert "hint: clear it with `hongbao bank fault icbc off`\n" == said.err
    assert "" == shell("bank", "fault", "icbc", "off").err
    assert [] == shell.answers("bank", "icbc")["faults"]


def test_a_dry_run_switches_nothing_on(unchanged: Shell):
    """
    It says what would go wrong.
    """
    told = unchanged.answers("bank", "fault", "icbc", "down", "-n")

    assert ["down"] == [fault["fault"] for fault in told["faults"]]
    assert told["dry_run"]


def test_the_terminal_asks_for_the_operators_pin_by_name(shell: Shell):
    """
    Nobody types their payment PIN there by mistake; a new one is typed twice.
    """
    shell.does("topup", "444.14")
    [line] = shell.refuses("reconcile")[1]["differences"]

    made = shell.at_terminal(
        "operator",
        "add",
        "老王",
        HONGBAO_PIN_FILE="",
        replies=[
            ("payment PIN: ", "246813\n"),
            ("new PIN of the operator, six digits: ", f"{THEIRS}\n"),
            ("again: ", f"{THEIRS}\n"),
        ],
    )
    put_right = shell.at_terminal(
        "reconcile",
        "resolve",
        line["message"],
        "--reason",
        "重复",
        "--operator",
        "老王",
        HONGBAO_PIN_FILE="",
        replies=[("the operator's PIN: ", f"{THEIRS}\n")],
    )

    assert "added operator 老王" in plain(made.out)
    assert "老王 credited 444.14 to icbc-0003 at ICBC (demo)" in plain(put_right.out)
    assert shell.answers("reconcile")["ok"]


def test_names_and_reasons_cannot_command_a_terminal(unchanged: Shell):
    """
    Escapes are refused, and shown as text.
    """
    for typed in (
        ("operator", "add", "\x1b[31mred"),
        ("bank", "show", "\x1b[31mred"),
        ("bank", "fault", "icbc", "\x1b[31mred"),
        ("reconcile", "--bank", "\x1b[31mred"),
        ("reconcile", "resolve", "\x1b[31m", "--reason", "x", "--operator", "\x1b[31mred"),
    ):
        said = unchanged(*typed)
        assert said.code in (2, 10)
        assert "\x1b" not in said.out + said.err


def test_a_day_without_payments_has_nothing_to_reconcile(shell: Shell):
    """
    And a day that is still to come has no statement at all.
    """
    assert [] == shell.answers("reconcile", "--date", "2000-01-02")["banks"]
    code, error = shell.refuses("reconcile", "--date", "2027-01-01")
    assert (2, "day_not_begun") == (code, error["code"])


def test_a_claim_can_be_withdrawn_when_the_policy_says(shell: Shell, tmp_path: Path):
    """
    Settled a day later (T+1): a share is credited and can be sent at once, and withdrawn from the
    next midnight in China on.
    """
    rules = tmp_path / "delayed.toml"
    text = text_of("standard").replace('name = "standard"', 'name = "delayed"', 1)
    lines = text.split("\n")
    place = next(n for n, line in enumerate(lines) if line.startswith("claims_after_days"))
    lines[place] = "claims_after_days = 1"
    rules.write_text("\n".join(lines), encoding="utf-8")
    shell.does("policy", "use", str(rules))
    shell.does("card", "add", "9999020000033334", "-p", "小红")
    before = shell.answers("balance", "-p", "小红")
    packet = shell.answers("send", "20", "--to", "小红")["packet"]
    shell.does("claim", packet, "-p", "小红")

    after = shell.answers("balance", "-p", "小红")
    code, error = shell.refuses("withdraw", f"{after['available_fen'] / 100:.2f}", "-p", "小红")

    assert before["available_fen"] + 2000 == after["available_fen"]
    assert before["withdrawable_fen"] == after["withdrawable_fen"]
    assert 2000 == after["withdrawable_later_fen"]
    assert "2026-02-17T00:00:00+08:00" == after["withdrawable_from"]
    assert (12, "not_withdrawable") == (code, error["code"])
    assert before["available_fen"] == error["withdrawable_fen"]

    shell.does("clock", "set", "2026-02-17")
    shell.does("withdraw", f"{after['available_fen'] / 100:.2f}", "-p", "小红")
    assert 0 == shell.answers("balance", "-p", "小红")["available_fen"]
    shell.does("check")
