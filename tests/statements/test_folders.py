"""Folders: a file in one gets the name that its readers expect, on any file system."""

import unicodedata
from datetime import timedelta

import pytest

from hongbao import statements
from hongbao.outputs import is_folder
from tests.every import every
from tests.statements.conftest import BEGUN_AT
from tests.statements.test_formats import statement


@every("format_name", statements.FORMATS)
def test_every_format_names_its_files(format_name):
    """
    By their days, and so that the name stands for the format.
    """
    name = statements.file_name(statement(), format_name)

    assert "20261101-20261130" in name
    assert format_name == statements.format_of(name)


def test_a_file_says_whose_it_is_and_its_days():
    """
    The last one is the period's own, not the one after it.
    """
    assert "hongbao-小明-20261101-20261130.csv" == statements.file_name(statement(), "csv")


def test_a_file_that_goes_up_to_now_ends_with_what_happened_last():
    """
    In China's days.
    """
    so_far = statement(since=None, until=None, begins_at=BEGUN_AT, ends_at=BEGUN_AT)

    assert "hongbao-小明-20260216-20260216.json" == statements.file_name(so_far, "json")
    later = statement(until=None, ends_at=BEGUN_AT + timedelta(hours=4), begins_at=BEGUN_AT)
    assert "hongbao-小明-20260216-20260217.json" == statements.file_name(later, "json")


@every(
    ("profile", "holder"),
    [
        ("小*", "小_"),
        ("../../etc", ".._.._etc"),
        ('a<b>c:"d"|e?f\\g', "a_b_c__d__e_f_g"),
        ("a b\nc", "a_b_c"),
        ("\u202eevil\x00", "evil"),
        ("हिन्दी", "हिन्दी"),
        ("字" * 20, "字" * 20),
    ],
)
@every("format_name", ["csv", "wechat-xlsx"])
def test_no_name_leads_elsewhere(profile, holder, format_name):
    """
    Nor is it one that some file system has no place for: masked names have stars.
    """
    name = statements.file_name(statement(profile=profile), format_name)

    assert format_name != "csv" or f"hongbao-{holder}-20261101-20261130.csv" == name
    assert not {*name} & {*'<>:"/\\|?*'}
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in name)
    assert len(name.encode()) + len(".sig") < 255


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("{folder}", True),
        ("{folder}/", True),
        ("{folder}/missing/", True),
        ("{folder}/missing", False),
        ("{folder}/november.csv", False),
        ("-", False),
        ("", False),
        ("账" * 100, False),
        ("a\0b", False),
    ],
)
def test_a_folder_is_one_that_is_there_or_ends_in_a_slash(path, expected, tmp_path):
    """
    What cannot be a name at all is for whoever tries to write there.
    """
    assert expected == is_folder(path.format(folder=tmp_path))
