"""
The faults that happen to the streams of a :class:`MediaScene`, and how soon each is seen.

    python -m tests.end_to_end.detection      # prints the table of docs/detection.md

All faults happen at once, each to a stream of its own; what is mended is mended some 20 s later.
How samples are counted is said in :class:`tests.end_to_end.recorder.Change`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

from tests.daemons import wait_for
from tests.end_to_end.media_scene import FAKES, LEVEL_2_SECONDS, RTMP, WITH_HLS, MediaScene
from tests.end_to_end.recorder import Change, Moment, now
from tests.media.ffmpeg import Publisher

FAULT_SECONDS = 30.0
BACK_SECONDS = 45.0
HLS = ("hls stalled",) if WITH_HLS else ()
WORKERS = ("w1", "w2", "w3", "w4")


class Row(NamedTuple):
    """What happened to a stream, the level it had then, and how long that took."""

    stream: str
    fault: str
    level: int | None
    change: Change


class Detection:
    """
    The play.

    :ivar rows: the table
    :ivar began: when the faults happened
    :ivar mended: when they were mended
    :ivar stopped: when servers were stopped after that
    """

    def __init__(self, scene: MediaScene) -> None:
        self.scene = scene
        self.rows: list[Row] = []
        self._awaited: list[tuple[str, str, int | None, Moment, float]] = []

    def play(self) -> None:
        """All of it."""
        scene = self.scene
        wait_for(self._all_good, LEVEL_2_SECONDS, f"level 2 of all of {scene.streams}")
        self.began = now()
        self._break()
        self._collect()
        self.mended = now()
        self._mend()
        self._collect()
        self.over = now()

    def row(self, stream: str, fault: str) -> Row:
        """One line of the table."""
        (row,) = (row for row in self.rows if (row.stream, row.fault) == (stream, fault))
        return row

    def _all_good(self) -> bool:
        recorder, streams = self.scene.recorder, self.scene.streams
        names = set(recorder.names())
        # On a busy machine some stream or other always has a problem at the moment.
        return all(
            name in names and any(seen.level == 2 for seen in recorder.of(name)[-3:])
            for name in streams
        )

    def _break(self) -> None:
        scene, fakes = self.scene, [self.scene.fake(server) for server in FAKES]
        _at_the_start_of_a_second()
        for name in ("stalled", "icecast stalled", *HLS):
            scene.encoders[name].freeze()
        for fake in fakes:
            fake.tell("stall", "live/stalled")
        self._await_all("stalled", (*RTMP, *FAKES, "icecast"))
        for name in HLS:
            self._await(name, "stalled", 0, 40)
        for name in ("killed", "icecast killed"):
            scene.encoders[name].kill()
        for fake in fakes:
            fake.tell("stop", "live/killed")
        self._await_all("killed", (*RTMP, *FAKES, "icecast"))
        scene.encoders["left"].kill()
        for fake in fakes:
            fake.tell("stop", "live/left", lingers=True)
        self._await_all("left", (*RTMP, *FAKES))
        for name in ("ended", "icecast ended"):
            scene.encoders[name].stop()
        self._await_all("ended", (*RTMP, "icecast"))
        scene.reloaded.reload()
        self._await("reloaded live/reloaded", "reloaded", None)

    def _await_all(self, fault: str, servers: Sequence[str]) -> None:
        """Level 0 of the stream that is named like the fault, at these servers."""
        for server in servers:
            stream = fault if server == "icecast" else f"live/{fault}"
            self._await(f"{server} {stream}", fault, 0)

    def _mend(self) -> None:
        scene = self.scene
        for name in ("stalled", "icecast stalled", *HLS):
            scene.encoders[name].thaw()
        scene.publish("killed")
        scene.publish_audio("killed")
        for server in RTMP:
            self._await(f"{server} live/stalled", "goes on", 2, BACK_SECONDS)
            self._await(f"{server} live/killed", "is published again", 2, BACK_SECONDS)
        self._await("icecast stalled", "goes on", 2, BACK_SECONDS)
        for name in HLS:
            self._await(name, "goes on", 2, BACK_SECONDS)
        self._await("icecast killed", "is published again", 2, BACK_SECONDS)
        scene.encoders["reloaded"].kill()
        scene.add_encoder("reloaded", Publisher(scene.reloaded.rtmp("reloaded")))
        self._await("reloaded live/reloaded", "is published again", 2, BACK_SECONDS)
        for server in FAKES:
            fake = scene.fake(server)
            fake.tell("resume", "live/stalled")
            self._await(f"{server} live/stalled", "goes on", 2, BACK_SECONDS)
        self._collect()
        _at_the_start_of_a_second()
        self.stopped = began = now()
        for server in FAKES:
            scene.fake(server).tell("restart")
            self._await(f"{server} live/healthy", "server restarted", 0, since=began)
        scene.workers.stop()
        for name in WORKERS:
            self._await(f"workers live/{name}", "server stopped", 0, since=began)
        self._collect()
        again = now()
        for server in FAKES:
            scene.fake(server).tell("start", "live/healthy", kbps=800)
            self._await(f"{server} live/healthy", "is published again", 2, BACK_SECONDS, again)
        scene.encoders["workers"].stop()
        scene.workers.restart()
        scene.add_encoder("workers", Publisher(*map(scene.workers.rtmp, WORKERS)))
        for name in WORKERS:
            self._await(f"workers live/{name}", "is published again", 2, BACK_SECONDS, again)

    def _await(
        self,
        stream: str,
        fault: str,
        level: int | None,
        seconds: float = FAULT_SECONDS,
        since: Moment | None = None,
    ) -> None:
        self._awaited.append((stream, fault, level, since or now(), seconds))

    def _collect(self) -> None:
        for stream, fault, level, since, seconds in self._awaited:
            change = self.scene.recorder.change(stream, level, since, seconds)
            self.rows.append(Row(stream, fault, level, change))
        self._awaited.clear()


def _at_the_start_of_a_second() -> None:
    """The API tells seconds: so no sample of the fault's own second is from before it."""
    wait_for(lambda: now().wall % 1 < 0.1, 2, "a new second")


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| stream | what happens | level | samples | resting | seconds |", "|---" * 6 + "|"]
    for stream, fault, level, change in sorted(rows, key=lambda row: (row.fault, row.stream)):
        shown = "grey" if level is None else level
        resting = "" if change.resting is None else change.resting
        cells = (stream, fault, shown, change.samples, resting, f"{change.seconds:.1f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _main() -> None:
    with MediaScene() as scene:
        detection = Detection(scene)
        try:
            detection.play()
        finally:
            lines = [table(detection.rows), ""]
            for name in scene.recorder.names():
                levels = (seen.level for seen in scene.recorder.of(name))
                marks = "".join("-" if level is None else str(level) for level in levels)
                lines.append(f"{name:28}{marks}")
            sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    _main()
