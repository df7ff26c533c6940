"""`hongbao why` on terminals, in pipes, and after a refusal."""

import json

from hongbao import why
from hongbao.story.script import parse
from tests.cli.shell import Shell, plain
from tests.every import every


def test_a_code_is_explained_in_the_readers_language(shell: Shell):
    """
    Meaning, example, remedy; a dash is as good as an underscore.
    """
    english = shell.does("why", "wrong-pin").out
    chinese = shell.does("why", "wrong_pin", HONGBAO_LANG="zh").out

    assert "wrong_pin · 14 PIN" == english.splitlines()[0]
    for said, told in (
        (why.explanations()["wrong_pin"].said["en"], english),
        (why.explanations()["wrong_pin"].said["zh"], chinese),
    ):
        assert said.meaning in told
        assert said.remedy in told
    assert "$ hongbao send 5 --pin-file wrong" in english
    assert "hongbao: error: wrong PIN; attempts left: 4" in english


def test_an_exit_code_is_explained_with_its_errors(shell: Shell):
    """
    As a number; one that no command ends with is none.
    """
    shown = shell.answers("why", "11")

    assert 11 == shown["exit_code"]
    assert "moves on: trying again changes nothing" == shown["script"]
    assert "packet_finished" in [row["code"] for row in shown["codes"]]
    assert {11} == {row["exit_code"] for row in shown["codes"]}
    assert (2, "no_such_code") == (shell("why", "9").code, shell.refuses("why", "9")[1]["code"])


def test_programs_get_both_languages_and_the_error_itself(shell: Shell):
    """
    The same in every language.
    """
    shown = shell.answers("why", "insufficient_balance")

    chinese = shell.does("why", "insufficient_balance", "--json", HONGBAO_LANG="zh").out
    assert shown == json.loads(chinese)
    assert {"en", "zh"} == set(shown["meaning"]) == set(shown["remedy"])
    assert "insufficient_balance" == shown["refusal"]["code"]
    assert shown["unplayed"] is None


def test_what_cannot_be_played_says_so(shell: Shell):
    """
    Its example has made-up facts, and no lines.
    """
    shown = shell.answers("why", "busy")

    assert ([], "processes") == (shown["example"], shown["unplayed"])
    assert "this example was not played: it takes two processes" in shell.does("why", "busy").out
    assert (2, "conflicting_options") == (
        shell.refuses("why", "busy", "--story")[0],
        shell.refuses("why", "busy", "--story")[1]["code"],
    )


def test_the_story_of_an_example_can_be_played(shell: Shell):
    """
    Whole, from its beginning.
    """
    told = shell.does("why", "not_for_you", "--story").out

    assert why.story_of(why.explanations()["not_for_you"]) == told
    assert "claim [own_packet]" in parse(told, "story").scenes[-1].typed  # type: ignore[union-attr]


def test_without_a_code_the_last_refusal_that_was_seen_is_explained(shell: Shell):
    """
    By the one who acted, at a terminal; what a script meets is not kept.
    """
    (shell.home / "data" / "last-refusal").unlink(missing_ok=True)
    shell("send", "1,000")
    assert "codes" in shell.answers("why")

    shell.at_terminal("claim", "hb_7Q2M4K9X")

    assert "packet_not_found" == shell.answers("why")["code"]
    assert "codes" in shell.answers("why", "-p", "小红")
    kept = (shell.home / "data" / "last-refusal").read_text()
    assert {"code", "by"} == set(json.loads(kept))
    assert "ok" in shell.answers("check")

    shell.does("use", "小红")
    assert "codes" in shell.answers("why")


def test_the_list_has_every_code(shell: Shell):
    """
    In a pipe a line each; for people under their exit codes.
    """
    listed = shell.does("why", "--all").lines

    assert why.codes() == [row.split("\t")[0] for row in listed]
    assert why.codes() == shell.does("why", "--columns", "code").lines


@every("language", ["en", "zh"])
@every("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(language: str, width: int):
    """
    But for a word or a command to copy that is.
    """
    from contextlib import redirect_stdout

    from hongbao import words
    from hongbao.commands.topics import EXIT_CODES
    from hongbao.commands.why import _explained, _lines
    from hongbao.ui import why as screen
    from hongbao.ui.script import Sheet, columns

    words.use_language("zh_CN" if language == "zh" else "en")
    meanings = {int(code): said for code, said in EXIT_CODES.items()}
    sheet = Sheet(width)
    with redirect_stdout(sheet):
        screen.show_codes({"codes": _lines()}, meanings)
        for code in why.codes()[::25]:
            screen.show_error(_explained(code), meanings)
    rows = plain(sheet.getvalue()).splitlines()
    assert [] == [
        row for row in rows if columns(row) > width and "`" not in row and " " in row.strip()
    ]
