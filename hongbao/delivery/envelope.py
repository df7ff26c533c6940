"""
The envelope of published events: CloudEvents 1.0, in binary or in structured mode.

In binary mode the attributes are headers, named as the Kafka protocol binding of CloudEvents has
them, and the value is the event's JSON alone. In structured mode all is one JSON document.
"""

from collections.abc import Mapping

from hongbao.delivery.targets import Message
from hongbao.documents import to_json
from hongbao.queries.publishing import Event, Notice
from hongbao.units import iso

VERSION = "v1"
"""The version of what events say; a field may be added to it, and none is taken away."""

NOTICE_TYPE = f"hongbao.epoch.{VERSION}"

EVENT_BYTES_MAX = 1 << 16
"""What no event is larger than: it has no text of people's, and few accounts change by one act."""


def source(mark: int) -> str:
    """Return how the wallet with that *mark* is called as the source of its events."""
    return f"urn:hongbao:{mark:06d}"


def message_of(event: Event, mark: int, *, structured: bool) -> Message:
    """Return *event*, of the wallet with that *mark*, as a message under its lane's key."""
    attributes: dict[str, str | int] = {
        "specversion": "1.0",
        "id": f"{event.epoch}/{event.lane}/{event.number}",
        "source": source(mark),
        "type": f"hongbao.{event.data['event']}.{VERSION}",
        "time": iso(event.at),
        "partitionkey": event.lane,
        "lane": event.lane,
        "number": event.number,
        "epoch": event.epoch,
        "position": event.position,
    }
    return _message(event.lane, attributes, event.data, structured=structured)


def message_of_notice(notice: Notice, mark: int, *, structured: bool) -> Message:
    """Return *notice* as a message for every partition."""
    attributes: dict[str, str | int] = {
        "specversion": "1.0",
        "id": f"{notice.epoch}/epoch",
        "source": source(mark),
        "type": NOTICE_TYPE,
        "epoch": notice.epoch,
    }
    data = {"epoch": notice.epoch, "kept": notice.kept}
    return _message(None, attributes, data, structured=structured)


def _message(
    key: str | None,
    attributes: Mapping[str, str | int],
    data: Mapping[str, object],
    *,
    structured: bool,
) -> Message:
    if structured:
        body = {**attributes, "datacontenttype": "application/json", "data": data}
        kind = "application/cloudevents+json; charset=utf-8"
        message = Message(key, to_json(body).encode(), (("content-type", kind),))
    else:
        headers = [(f"ce_{name}", str(value)) for name, value in attributes.items()]
        headers.append(("content-type", "application/json"))
        message = Message(key, to_json(data).encode(), tuple(headers))
    assert len(message.value) <= EVENT_BYTES_MAX
    return message
