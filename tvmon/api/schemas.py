"""
The shapes of the answers, as JSON schemas.

The fields of an entry are taken from where they are defined, so the description cannot fall
behind; the tests check real answers against it.
"""

from __future__ import annotations

from typing import Any, get_type_hints

from tvmon.api import history
from tvmon.api.servers import LEVELS
from tvmon.entry import FIELDS, RATE_FIELDS
from tvmon.streams import MEASURED, Measurement

Schema = dict[str, Any]

UTC: Schema = {"type": "string", "format": "date-time", "examples": ["2026-11-22T08:00:03Z"]}
LEVEL: Schema = {
    "type": ["integer", "null"],
    "enum": [0, 1, 2, None],
    "description": "0 bad, 1 some problem, 2 good, null not known",
}
SCORE: Schema = {"type": ["integer", "null"], "minimum": 0, "maximum": 100}
TEXT: Schema = {"type": "string"}
PRESENCE: Schema = {
    "enum": ["live", "absent", "unseen", None],
    "description": "live: published; absent: nobody publishes it; unseen: the server's answer does"
    " not tell, its view is incomplete",
}
TIMING: Schema = {
    "first_byte_ms": {
        "type": ["number", "null"],
        "description": "ms from asking to the first byte of the HTTP answer; null: no whole answer",
    },
    "answer_ms": {
        "type": ["number", "null"],
        "description": "ms from asking to the last byte of the HTTP answer",
    },
}
PARTS = ("live_delay", "upstream")

UNITS = {
    "total_gops": "groups of pictures received since start",
    "upstream_opened_count": "upstream connections tried since start",
    "upstream_connected_count": "upstream connections made since start",
    "upstream_connection_fail_count": "upstream connections failed since start",
    "upstream_bytes_received": "byte, since start",
    "clients_connected": "viewers now",
    "total_clients_served": "viewers since start",
    "total_bytes_sent": "byte, since start",
    "live_delay_ms": "ms that the stream runs behind; 999999 where a TVie server has no stream",
    "average_upstream_kbps": "kbit/s, the server's own average since start",
    "average_downstream_kbps": "kbit/s, the server's own average since start",
    "stream_info_audiodatarate": "kbit/s, declared",
    "stream_info_videodatarate": "kbit/s, declared",
    "stream_info_audiocodecid": "FLV codec id; 10 is AAC",
    "stream_info_audiosamplesize": "bit",
    "stream_info_audiosamplerate": "Hz",
    "stream_info_stereo": "0 or 1",
    "stream_info_videocodecid": "FLV codec id; 7 is AVC",
    "stream_info_framerate": "1/s",
    "stream_info_width": "pixel",
    "stream_info_height": "pixel",
    "media_received_ms": "ms of media received, by the media's own clock",
    "uptime_seconds": "seconds since the stream was published",
    "video_codec": "H264, H265, AV1, VP9 ...",
    "audio_codec": "AAC, MP3, Opus, Vorbis ...",
}


def schemas() -> Schema:
    """Every shape, by its name."""
    return {
        "Samples": object_of(
            {
                "total_samples": {"type": "integer", "description": "that match, before paging"},
                "samples": {"type": "array", "items": ref("Entry")},
            }
        ),
        "Entry": object_of(_entry()),
        "Rates": object_of(
            {
                name: {"type": "number", "description": "kbit/s; -1 cannot be known"}
                for name in RATE_FIELDS
                if name != "total"
            }
            | {
                "total": {
                    "type": ["number", "null"],
                    "description": "kbit/s, the server's own average since start",
                }
            }
        ),
        "Scores": object_of(dict.fromkeys(PARTS, SCORE)),
        "Levels": object_of(dict.fromkeys(PARTS, LEVEL)),
        "CounterReset": object_of(
            {
                "why": {
                    "enum": ["restarted", "republished", "error"],
                    "description": "the server restarted, the stream was published anew, or the"
                    " counter is wrong",
                },
                "time": UTC,
            }
        ),
        "Sources": object_of(
            {
                "declared": _names("said by the encoder or a playlist, true or not"),
                "estimated": _names("worked out from something else"),
            }
        )
        | {"description": "how fields came to be; all others are measured by the media server"},
        "History": object_of(
            {
                "mms_stream_id": {"type": "integer"},
                "samples": {"type": "array", "items": ref("Sample")},
            }
        ),
        "Sample": object_of(_sample()),
        "Servers": object_of({"servers": {"type": "array", "items": ref("Server")}}),
        "Server": object_of(
            {
                "name": TEXT,
                "kind": TEXT,
                "streams": {"type": "integer"},
                "levels": object_of({word: {"type": "integer"} for word in LEVELS})
                | {"description": "its streams by their score_level"},
                "trouble": {
                    "type": ["string", "null"],
                    "description": "what is wrong with its listing; null where nothing is",
                },
                "listed_time": _or_null(UTC) | {"description": "of its newest good listing"},
                "fields_unknown": _counts("its answers have and tvmon does not know"),
                "fields_missing": _counts("tvmon needs and its answers lack"),
            }
        ),
        "Hello": object_of(
            {
                "boot": TEXT | {"description": "differs from start to start of tvmon"},
                "revision": {"type": "integer", "description": "counts the changes of any entry"},
                "streams": {"type": "integer"},
                "time": UTC,
                "follows": {
                    "enum": ["changes", "missed", "everything"],
                    "description": "changes from now on; all that changed since Last-Event-ID; "
                    "or every stream, and what was known before is to be forgotten",
                },
            }
        ),
        "Gone": object_of({"mms_stream_id": {"type": "integer"}}),
        "Healthy": object_of({"healthy": {"const": True}}),
        "Ready": object_of(
            {
                "ready": {"type": "boolean"},
                "checks": {
                    "type": "object",
                    "additionalProperties": {"type": ["string", "null"]},
                    "description": "by name: null where all is well, else what is not",
                },
            }
        ),
        "Error": object_of(
            {
                "error": object_of(
                    {
                        "message": TEXT,
                        "part": TEXT | {"description": "the part of the request that is wrong"},
                        "allowed": {"type": "array", "items": TEXT},
                    },
                    optional=("part", "allowed"),
                )
            }
        ),
    }


def _entry() -> Schema:
    own: Schema = {
        "mms_stream_id": {"type": "integer", "description": "tvmon's own number of the stream"},
        "stream_id": {"type": ["integer", "null"], "description": "the media server's number"},
        "server": TEXT,
        "kind": TEXT | {"description": "of the media server"},
        "unify_name": TEXT,
        "sample_interface": TEXT,
        "average_upstream_kbps": ref("Rates"),
        "average_downstream_kbps": ref("Rates"),
        "last_sample_time": _or_null(UTC) | {"description": "of the newest good sample"},
        "sample_time": _or_null(UTC) | {"description": "of the newest sample, good or failed"},
        "is_failed": {"type": ["boolean", "null"]},
        "failed_reason": {"type": ["string", "null"]},
        **TIMING,
        "presence": PRESENCE,
        "score": SCORE,
        "score_level": LEVEL,
        "score_detail": ref("Scores"),
        "score_level_detail": ref("Levels"),
        "score_reasons": {"type": "array", "items": TEXT, "description": "what took the points"},
        "expected_kbps": {"type": ["integer", "null"], "description": "what the stream needs"},
        "expected_by": {
            "enum": ["configured", "declared", "learned", None],
            "description": "how that is known; learned: from the stream's own good past",
        },
        "counter_reset": {
            "oneOf": [ref("CounterReset"), {"type": "null"}],
            "description": "when the byte counters began anew last, and why",
        },
        "sources": ref("Sources"),
    }
    return {name: own[name] if name in own else _measured(name) for name in FIELDS}


def _sample() -> Schema:
    own: Schema = {
        "mms_stream_id": {"type": "integer"},
        "sample_time": UTC,
        "is_failed": {"type": "boolean"},
        "failed_reason": {"type": ["string", "null"]},
        **TIMING,
        "presence": PRESENCE,
        "score": SCORE,
        "score_level": LEVEL,
    }
    rate = {"type": ["number", "null"], "description": "kbit/s since the good sample before"}
    return {
        name: own.get(name) or (_measured(name) if name in MEASURED else rate)
        for name in history.FIELDS
    }


def _measured(name: str) -> Schema:
    hint = str(get_type_hints(Measurement)[name])
    kind = "number" if "float" in hint else "string" if "str" in hint else "integer"
    return {"type": [kind, "null"], "description": UNITS[name]}


def object_of(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object of these properties, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _names(what: str) -> Schema:
    return {"type": "array", "items": TEXT, "description": f"fields that are {what}"}


def _counts(what: str) -> Schema:
    return {
        "type": "object",
        "additionalProperties": {"type": "integer"},
        "description": f"fields that {what}, and in how many answers each was seen",
    }


def ref(name: str) -> Schema:
    """The shape of a name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}
