"""Limits in a UTC day: in China, the day's limit begins again at eight in the morning."""

from datetime import UTC, datetime

from hongbao.lab.engine import Engine


class Broken(Engine):
    name = "utc-day"

    def day(self, at: datetime) -> str:
        """Return the day in UTC, as a server's clock has it."""
        return at.astimezone(UTC).date().isoformat()
