"""Server-sent events, as they are written."""

from __future__ import annotations

from tvmon.api.reply import encode
from tvmon.entry import Entry

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which means nothing."""


def frame(event: bytes, event_id: str, data: bytes) -> bytes:
    """One event; the data is JSON, which holds no line end."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event_id.encode(), event, data)


def sample_frame(event_id: str, entry: Entry) -> bytes:
    """How a stream is now."""
    return frame(b"sample", event_id, entry.json)


def gone_frame(event_id: str, mms_stream_id: int) -> bytes:
    """A stream is gone."""
    return frame(b"gone", event_id, encode({"mms_stream_id": mms_stream_id}))
