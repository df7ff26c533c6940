"""The description of published events: what is really published is as it says, and all of it."""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker, ValidationError

from hongbao.delivery.envelope import message_of, message_of_notice
from hongbao.delivery.targets import Message
from hongbao.queries.publishing import EventData, Notice, NoticeData, reader_of
from tests.every import every
from tests.wallet.world import World, right

PARSER = os.environ.get("HONGBAO_ASYNCAPI")
"""Where AsyncAPI's own parser is (tools/asyncapi fetches it)."""

_READ = """
const { Parser } = require("@asyncapi/parser");
const documents = JSON.parse(require("fs").readFileSync(0, "utf8"));
const parser = new Parser();
(async () => {
    const found = [];
    for (const each of documents) found.push(await parser.validate(each));
    console.log(JSON.stringify(found));
})();
"""

DOCUMENT = json.loads(
    (Path(__file__).parents[2] / "docs/reference/events.asyncapi.json").read_text("utf-8")
)


def check(name: str, value: Any) -> None:
    """Raise ValidationError unless *value* is as the schema called *name* has it."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft7Validator(schema, format_checker=FormatChecker()).validate(value)


def check_message(message: Message, kind: str, *, structured: bool) -> None:
    headers = dict(message.headers)
    if structured:
        said = DOCUMENT["components"]["messages"][f"structured{kind.title()}"]
        assert {"content-type": said["contentType"]} == headers
        check(f"structured{kind.title()}", json.loads(message.value))
    else:
        check(f"{kind}Headers", headers)
        check(kind, json.loads(message.value))


@pytest.mark.slow
@pytest.mark.parametrize("structured", [False, True])
def test_what_is_published_is_as_described(world: World, structured: bool):
    """
    Every event of a wallet that has had payments, claims and a settlement, in either mode.
    """
    packet = world.zhang.send(500, pin=right, count=3)["packet"]
    world.li.claim(packet)
    world.turn(hours=25)
    world.zhang.refund_due()
    world.zhang.settle()
    with world.open() as wallet:
        events = reader_of(wallet.home).read(wallet.home, None, 1000).events
    assert len(events) > 10
    for event in events:
        message = message_of(event, 7, structured=structured)
        check_message(message, "event", structured=structured)
    notice = message_of_notice(Notice(19, 15), 7, structured=structured)
    check_message(notice, "notice", structured=structured)


def test_the_description_has_every_field_and_no_other():
    schemas = DOCUMENT["components"]["schemas"]
    assert EventData.__annotations__.keys() == schemas["event"]["properties"].keys()
    assert NoticeData.__annotations__.keys() == schemas["notice"]["properties"].keys()
    for schema in schemas.values():
        Draft7Validator.check_schema(schema)
        assert sorted(schema["properties"]) == schema["required"]


@every(
    ("name", "value"),
    [
        ("notice", {"epoch": 1, "kept": 0}),
        ("notice", {"epoch": 2}),
        ("notice", {"epoch": 2, "kept": 0, "more": 1}),
        ("event", {}),
        ("eventHeaders", {"ce_number": "0"}),
    ],
)
def test_the_description_refuses_what_is_not_published(name: str, value: Any):
    with pytest.raises(ValidationError):
        check(name, value)


def test_every_reference_in_the_description_leads_somewhere():
    """
    It is a document of AsyncAPI 3: channels have messages, operations name those of a channel.
    """
    found = 0
    waiting: list[Any] = [DOCUMENT]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "$ref" in part:
                at: Any = DOCUMENT
                for name in part["$ref"].removeprefix("#/").split("/"):
                    at = at[name]
                found += 1
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    assert found > 10
    assert DOCUMENT["asyncapi"].startswith("3.")
    (channel,) = DOCUMENT["channels"].values()
    (operation,) = DOCUMENT["operations"].values()
    assert len(channel["messages"]) == len(operation["messages"]) == 4


@pytest.mark.slow
@pytest.mark.skipif(
    PARSER is None or shutil.which("node") is None, reason="HONGBAO_ASYNCAPI names no parser"
)
def test_asyncapis_own_parser_has_nothing_to_say_about_the_description():
    """
    But that 3.0 has a successor; and it finds each of a few faults.
    """
    faults: list[Any] = [copy.deepcopy(DOCUMENT) for _ in range(5)]
    del faults[0]["info"]["title"]
    faults[1]["operations"]["publish"]["action"] = "publish"
    faults[2]["channels"]["ledger"]["parameters"] = {}
    faults[3]["components"]["messages"]["event"]["payload"] = {"type": "thing"}
    faults[4]["operations"]["publish"]["channel"]["$ref"] = "#/channels/other"

    right, *wrong = _read_by_parser([DOCUMENT, *faults])

    assert ["asyncapi-latest-version"] == [each["code"] for each in right]
    for found in wrong:
        assert any(each["severity"] <= 1 for each in found), found


def _read_by_parser(documents: list[Any]) -> list[list[dict[str, Any]]]:
    """Return what AsyncAPI's parser says of each of *documents*; 0 is an error, 1 a warning."""
    read = subprocess.run(
        ["node", "-e", _READ],
        input=json.dumps([json.dumps(each) for each in documents]),
        env={"PATH": os.environ["PATH"], "NODE_PATH": f"{PARSER}/node_modules"},
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=120,
    )
    found: list[list[dict[str, Any]]] = json.loads(read.stdout)
    return found
