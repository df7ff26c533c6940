"""The description of published events: what is really published is as it says, and all of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker, ValidationError

from hongbao.delivery.envelope import message_of, message_of_notice
from hongbao.delivery.targets import Message
from hongbao.queries.publishing import EventData, Notice, NoticeData, reader_of
from tests.every import every
from tests.wallet.world import World, right

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
