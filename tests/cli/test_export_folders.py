"""``hongbao export -o FOLDER``: the file gets its usual name there."""

import json
from pathlib import Path

from tests.cli.shell import Shell

USAGE, UNUSABLE = 2, 21


def test_a_folder_gets_the_file_under_its_usual_name(new_year: Shell, tmp_path: Path):
    """
    With its signature beside it; it goes up to what happened last, because the month is not over. A
    second one is refused, as any file that is there.
    """
    asked = ("export", "--to", "2026-02", "--format", "wechat-xlsx", "-o", str(tmp_path))

    told = json.loads(new_year.does(*asked, "--json").out)

    name = "微信支付账单流水文件(20260215-20260216)_20260216200000.xlsx"
    assert (f"{tmp_path}/{name}", f"{tmp_path}/{name}.sig") == (
        told["file"],
        told["signature_file"],
    )
    assert [name, f"{name}.sig"] == sorted(path.name for path in tmp_path.iterdir())
    assert (USAGE, "file_exists") == _refusal(new_year, *asked)


def test_a_folder_says_no_format(new_year: Shell, tmp_path: Path):
    """
    Even where its own name ends in one.
    """
    folder = tmp_path / "2026.csv"
    folder.mkdir()

    assert (USAGE, "usage") == _refusal(new_year, "export", "-o", str(folder))
    assert (USAGE, "usage") == _refusal(new_year, "export", "-o", f"{tmp_path}/2027.csv/")
    assert [] == [*folder.iterdir()]


def test_a_folder_that_is_not_there_is_not_made(new_year: Shell, tmp_path: Path):
    """
    It might be a slip of the fingers.
    """
    asked = ("export", "--format", "csv", "-o", f"{tmp_path}/missing/")

    assert (UNUSABLE, "storage_refused") == _refusal(new_year, *asked)
    assert not (tmp_path / "missing").exists()


def _refusal(shell: Shell, *typed: str) -> tuple[int, str]:
    code, error = shell.refuses(*typed)
    return code, error["code"]
