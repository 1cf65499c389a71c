"""``tvmon sample``: one stream, sampled and judged as the daemon does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from twisted.internet.task import deferLater

from tvmon.board import Board
from tvmon.cli.conversing import Conversation
from tvmon.cli.terminal import Terminal, aligned
from tvmon.entry import Entry, shown_timing, utc
from tvmon.errors import Trouble
from tvmon.expected import Expected
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.sampling.fetch import Fetcher
from tvmon.servers.codecs import AUDIO, VIDEO
from tvmon.servers.watched import Watched
from tvmon.streams import MEASURED, Level, Part, Sample, Stream

LEVELS = {Level.BAD: "bad", Level.PROBLEM: "a problem", Level.GOOD: "good"}
CODECS = {"stream_info_audiocodecid": AUDIO, "stream_info_videocodecid": VIDEO}
UNITS = (
    ("_bytes_received", "byte"),
    ("total_bytes_sent", "byte"),
    ("_ms", "ms"),
    ("_seconds", "s"),
    ("_kbps", "kbit/s"),
    ("datarate", "kbit/s"),
    ("samplesize", "bit"),
    ("samplerate", "Hz"),
    ("framerate", "1/s"),
    ("_width", "pixel"),
    ("_height", "pixel"),
)
"""The unit of a field, by the end of its name."""

MOST_NEAR = 5
"""How many streams are named that may have been meant."""


@dataclass(frozen=True, slots=True)
class Watch:
    """
    What is to be sampled, and how.

    :param stream: ``None`` where it is to be looked up in what the server lists
    :param wanted: what it is called there: its ``sample_interface``, ``unify_name`` or key
    :param seconds: for how long; 0 is one sample
    :param deadline: for one sample, in seconds
    """

    server: Watched
    stream: Stream | None
    wanted: str
    scoring: Scoring
    polling: Polling
    seconds: float
    interval: float
    deadline: float


async def watch(reactor: Any, job: Watch, terminal: Terminal) -> int:
    """
    Say a line for each sample where there are several, and then all about the last one.

    1 where that one failed, or there is no such stream; else 0.

    :param reactor: its time is the wall clock, as it is unless somebody changed that
    """
    fetcher = Fetcher(reactor, body_bytes=job.polling.body_bytes)
    talk = Conversation(reactor, fetcher, job.server, job.polling, job.deadline)
    try:
        stream = job.stream or await _looked_up(talk, job.wanted, terminal)
        if stream is None:
            return 1
        return await _watch(reactor, job, talk, job.server.known(stream), terminal)
    finally:
        await fetcher.close()


async def _looked_up(talk: Conversation, wanted: str, terminal: Terminal) -> Stream | None:
    """The stream of that name; ``None`` where it is said why there is none."""
    name = talk.server.name
    try:
        streams = (await talk.list_streams()).streams
    except Trouble as trouble:
        terminal.complain(f"{name}: the listing failed: {trouble}")
        return None
    for field in ("sample_interface", "key", "unify_name"):
        found = [stream for stream in streams if getattr(stream, field) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            terminal.complain(f"{name}: {len(found)} streams are called so; name one of these:")
            terminal.complain(*(f"  {stream.sample_interface}" for stream in found))
            return None
    terminal.complain(f"{name} lists no such stream; {_near(wanted, streams)}")
    return None


def _near(wanted: str, streams: Sequence[Stream]) -> str:
    """Which streams may have been meant."""
    names = {name: s.unify_name for s in streams for name in (s.key, s.unify_name)}
    folded = wanted.casefold()
    near = [names[name] for name in names if folded in name.casefold()]
    near += [names[name] for name in get_close_matches(wanted, names, MOST_NEAR, 0.5)]
    some = list(dict.fromkeys(near))[:MOST_NEAR]
    if some:
        return f"near it: {', '.join(some)}"
    return f"none of its {len(streams)} is near it" if streams else "it lists none at all"


async def _watch(
    reactor: Any, job: Watch, talk: Conversation, stream: Stream, terminal: Terminal
) -> int:
    board = Board(job.scoring)
    board.put(stream)
    start = reactor.seconds()
    count = 1 + int(job.seconds / job.interval + 1e-9)
    for number in range(count):
        wait = start + number * job.interval - reactor.seconds()
        await deferLater(reactor, max(0.0, wait))
        sample, trouble = await talk.sample(stream)
        entry = _noted(board, stream, sample)
        if count > 1:
            terminal.say(_line(sample, entry))
        if trouble is not None and trouble.outcome == "auth":
            break  # some servers lock out who tries too often
    terminal.say(*_report(sample, entry, alone=count == 1))
    terminal.complain(*talk.drifted())
    return 1 if sample.is_failed else 0


def _noted(board: Board, stream: Stream, sample: Sample) -> Entry:
    board.note(stream.mms_stream_id, sample)
    entry = board.get(stream.mms_stream_id)
    assert entry is not None, "it was put there"
    return entry


def _line(sample: Sample, entry: Entry) -> str:
    """One sample among several."""
    when = utc(sample.time)[11:]
    measured = sample.measured
    if measured is None:
        return f"{when}  failed: {sample.failed_reason}"
    rate = entry.upstream.last_10
    cells = (
        f"score {_plain(entry.health.whole.score)}",
        f"upstream {'-' if rate is None else format(rate, '.0f')} kbit/s",
        f"delay {_plain(measured.live_delay_ms)} ms",
        f"viewers {_plain(measured.clients_connected)}",
    )
    return f"{when}  " + "  ".join(cells)


def _report(sample: Sample, entry: Entry, *, alone: bool) -> Iterator[str]:
    """Everything about a sample and its score."""
    health = entry.health
    rows = [("kind", entry.stream.kind), ("sample_time", utc(sample.time))]
    if sample.measured is None:
        rows.append(("failed_reason", sample.failed_reason or ""))
    else:
        rows.append(("presence", sample.measured.presence))
        rows += [(name, _value(name, getattr(sample.measured, name))) for name in MEASURED]
    if sample.timing is not None:
        first_byte_ms, answer_ms = shown_timing(sample)
        rows += [("first_byte_ms", f"{first_byte_ms} ms"), ("answer_ms", f"{answer_ms} ms")]
    if entry.reset is not None:
        rows.append(("counter_reset", f"{entry.reset.why}, {utc(entry.reset.time)}"))
    rows += [
        ("expected_kbps", _expected(entry.expected)),
        ("score", _part(health.whole)),
        ("  upstream", _part(health.upstream)),
        ("  live_delay", _part(health.live_delay)),
    ]
    yield from aligned(rows)
    yield from (f"- {reason}" for reason in health.reasons)
    if alone and health.whole.score is None:
        yield "One sample tells no flow: --seconds 30 watches the stream until its score is known."


def _value(name: str, value: float | str | None) -> str:
    """A field with its unit."""
    if value is None:
        return "not told"
    if isinstance(value, str):
        return value
    named = CODECS.get(name, {}).get(int(value))
    if named:
        return f"{value} ({named})"
    unit = next((unit for end, unit in UNITS if name.endswith(end)), "")
    return f"{value} {unit}".rstrip()


def _expected(expected: Expected) -> str:
    """What the stream needs, and how that is known."""
    if expected.kbps is None:
        return "not known"
    return f"{expected.kbps:.0f} kbit/s, {expected.by}"


def _part(part: Part) -> str:
    if part.score is None or part.level is None:
        return "not known"
    return f"{part.score} of 100, {LEVELS[part.level]}"


def _plain(value: int | None) -> str:
    return "-" if value is None else str(value)
