"""
How long a restart takes, until the first full answer: every stream with its scores and rates.

    python -m bench.restart                     10,000 streams, 200 samples of each
    python -m bench.restart --streams 1000

Fills a database by SQL with what a tvmon of so many streams leaves behind, and starts the real
daemon on it: after an orderly stop, and after a kill -9 of the daemon and its PostgreSQL.  The
clock runs from the start of the process to the last byte of ``GET /samples``, asked from the
first moment on.  The media server takes connections and never answers, so that nothing but the
database tells of the streams; they are polled once a minute, so that what is measured is the
restart and not what polls cost that fail (``--sampling 3`` is a control room on a bad day).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extras import execute_values

from bench.processes import cpu, tree
from tests.daemons import Child, config, get, metric, short_folder, wait_for
from tvmon.streams import Stream

SECONDS = 3.0
"""Between two samples of a stream."""

KEPT = 200
PR_SET_CHILD_SUBREAPER = 36

ROW_SECONDS = 60e-6
"""What filling takes for each row at the most, so that the newest rows are of about now."""

STREAMS = """
INSERT INTO mms_stream (mms_stream_id, server, stream_key, stream_id, unify_name,
    sample_interface, first_seen) VALUES %s
"""

# One slot of all streams after the other, as a writer's batches are.  Of 20 streams one fails in
# the end, one was restarted within the window, and every other one declares what it needs.
SAMPLES = """
INSERT INTO mms_samples (mms_stream_id, slot, is_failed, sample_no, sample_time, score,
    score_live_delay, score_upstream, failed_reason, total_gops, upstream_opened_count,
    upstream_connected_count, upstream_connection_fail_count, upstream_bytes_received,
    clients_connected, total_clients_served, total_bytes_sent, live_delay_ms,
    average_upstream_kbps, average_downstream_kbps, stream_info_audiodatarate,
    stream_info_videodatarate, stream_info_audiocodecid, stream_info_audiosamplesize,
    stream_info_audiosamplerate, stream_info_stereo, stream_info_videocodecid,
    stream_info_framerate, stream_info_width, stream_info_height, first_byte_ms, answer_ms)
SELECT id, n %% 200, f, n, to_timestamp(%(end)s - (%(last)s - n) * 3.0 - (k %% 3000) / 1000.0),
    CASE WHEN f THEN 0 ELSE 99 END, CASE WHEN f THEN 0 ELSE 98 END, CASE WHEN f THEN 0 ELSE 100 END,
    CASE WHEN f THEN 'HTTP 502 Bad Gateway' END,
    g * c * 3, g, g, 0, g * c * (300000 + k %% 1000) + (k * n) %% 5000, g * k %% 50, g * c / 10,
    g * c * (600000 + k %% 1000), g * k %% 900, g * 801.25, g * 1602.5,
    CASE WHEN k %% 2 = 0 THEN g * 48 END, CASE WHEN k %% 2 = 0 THEN g * 752 END, g * 10, g * 16,
    g * 44100, g, g * 7, g * 25, g * 1280, g * 720, 1.5, 2.5
FROM (SELECT mms_stream_id AS id, row_number() OVER (ORDER BY mms_stream_id) AS k
      FROM mms_stream) s,
    LATERAL (SELECT %(n)s::bigint AS n) AS row,
    LATERAL (SELECT k %% 20 = 7 AND n > %(last)s - 3 AS f) AS failed,
    LATERAL (SELECT CASE WHEN f THEN NULL ELSE 1 END AS g,
             CASE WHEN k %% 20 = 8 AND n > %(last)s - 20 THEN n - %(last)s + 20 ELSE n END AS c)
        AS counted
"""

LEARNED = """
INSERT INTO mms_learned (mms_stream_id, rates)
SELECT mms_stream_id, array_fill(800::real, ARRAY[120]) FROM mms_stream
"""


class Restart(NamedTuple):
    """
    What one start cost.

    :ivar seconds: from the start of the process to the end of the first answer
    :ivar loaded: of them for reading what the database knew
    :ivar streams: how many there are, all of them in the answer
    :ivar full: of them with a score, and with a rate over 100 s or a reason why there is none
    :ivar turn: the longest turn of the reactor up to then, seconds
    :ivar python: processor time of tvmon up to then, seconds
    :ivar server: and of PostgreSQL
    """

    seconds: float
    loaded: float
    streams: int
    full: int
    turn: float
    python: float
    server: float


def connected(folder: Path) -> Any:
    """A session with the embedded server of a daemon."""
    connection = psycopg2.connect(
        host=str(folder / "database" / "run"), user="tvmon", dbname="postgres"
    )
    connection.autocommit = True
    return connection


def fill(folder: Path, streams: int, address: str) -> None:
    """What a tvmon of so many streams leaves behind."""
    last = 1000 + KEPT
    end = time.time() + streams * KEPT * ROW_SECONDS
    interface = f"http://{address}/tag_live_monitor"
    known = [Stream.of("bench", f"live/{n}", n, f"Kanal {n}", interface) for n in range(streams)]
    with contextlib.closing(connected(folder)) as connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            STREAMS,
            [
                (s.mms_stream_id, s.server, s.key, s.stream_id, s.unify_name, s.sample_interface)
                for s in known
            ],
            "(%s, %s, %s, %s, %s, %s, now())",
            1000,
        )
        for n in range(last - KEPT + 1, last + 1):
            cursor.execute(SAMPLES, {"n": n, "last": last, "end": end})
        cursor.execute(LEARNED)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    time.sleep(max(0.0, end - time.time()))


@contextlib.contextmanager
def silent_server(folder: Path) -> Iterator[str]:
    """The address of a server that takes connections and never answers; of last time, if any."""
    path = folder / "tvmon.conf"
    told = re.search(r'"http://127.0.0.1:(\d+)', path.read_text()) if path.exists() else None
    address = "127.0.0.1", int(told[1]) if told else 0
    with socket.create_server(address, backlog=4096) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def measured(daemon: Child, began: float, streams: int) -> Restart:
    """The first answer with all streams of a daemon that was started just now."""
    base = daemon.address()

    def answered() -> bytes | None:
        # Where loading takes longer than a request waits, an answer is one of what is there.
        status, _, body = get(f"{base}/samples")
        assert status == 200, status
        is_full = body.startswith(b'{"total_samples":%d,' % streams)
        return body if is_full else None

    body = wait_for(answered, 120, "all streams")
    took = time.monotonic() - began
    used = cpu([daemon.pid]), cpu(tree(daemon.pid))
    page = get(f"{base}/metrics")[2]
    entries = json.loads(body)["samples"]
    wait_for(lambda: "loaded from the database" in daemon.log, 120, "loaded")
    loaded = float(daemon.log.rpartition("loaded from the database in ")[2].split()[0])
    full = [
        entry
        for entry in entries
        if entry["score"] is not None
        and (
            entry["is_failed"]
            or entry["counter_reset"]
            or entry["average_upstream_kbps"]["last_100"] != -1
        )
    ]
    turn = metric(page, "tvmon_reactor_longest_turn_seconds")
    return Restart(took, loaded, streams, len(full), turn, used[0], used[1] - used[0])


def stop(daemon: Child) -> None:
    """In good order, however long it takes on a machine that is busy."""
    daemon.stop(seconds=60)


def kill_all(daemon: Child) -> None:
    """kill -9 of the daemon, of PostgreSQL and of each of its sessions, all at one moment."""
    everybody = tree(daemon.pid)
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    for pid in everybody:
        os.kill(pid, signal.SIGKILL)
    daemon.process.wait()
    for pid in everybody:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def adopt_orphans() -> None:
    """Be who takes leave of PostgreSQL's processes, at once, as init would; only Linux has it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[1])
    arguments.add_argument("--streams", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--sampling", type=int, default=60, help="seconds between two polls")
    arguments.add_argument("--folder", type=Path, help="keeps the filled database, for a next run")
    wanted = arguments.parse_args()
    adopt_orphans()
    # An operator's Python keeps what it has compiled, and so the first start of ours does.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    folder = wanted.folder or short_folder()
    try:
        with silent_server(folder) as address:
            run(folder, address, wanted)
    finally:
        if wanted.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, address: str, wanted: argparse.Namespace) -> None:
    """Fill, where that was not done before, and restart."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    polling = f"[polling]\nsampling_seconds = {wanted.sampling}\ndeadline_seconds = 2.4\n"
    path = config(folder, f"http://{address}", more=polling)
    path.write_text(path.read_text().replace('"simulator"', '"bench"', 1))
    if not (folder / "database").exists():
        with started(folder, path) as daemon:
            wait_for(lambda: "loaded from the database" in daemon.log, 60, "an empty database")
            fill(folder, wanted.streams, address)
    print("| before it | first full answer | loading | full | longest turn | tvmon | PostgreSQL |")
    print("|---|---|---|---|---|---|---|")
    ends: tuple[tuple[str, Callable[[Child], object]], ...] = (
        ("an orderly stop", stop),
        ("kill -9 of everything", kill_all),
    )
    last = ""
    for _ in range(wanted.rounds):
        for name, end in ends:
            began = time.monotonic()
            with started(folder, path, end) as daemon:
                restart = measured(daemon, began, wanted.streams)
                if last:
                    row(last, restart)
                time.sleep(SECONDS)
            last = name
    began = time.monotonic()
    with started(folder, path) as daemon:
        row(last, measured(daemon, began, wanted.streams))


@contextlib.contextmanager
def started(folder: Path, path: Path, end: Callable[[Child], object] = stop) -> Iterator[Child]:
    """A daemon; ended in this way."""
    (folder / "tvmon.log").unlink(missing_ok=True)
    daemon = Child(folder, "tvmon", "-c", str(path))
    try:
        yield daemon
        end(daemon)
    finally:
        stop(daemon)


def row(name: str, restart: Restart) -> None:
    print(
        f"| {name} | {restart.seconds:.2f} s | {restart.loaded:.1f} s"
        f" | {restart.full} of {restart.streams} | {1000 * restart.turn:.0f} ms"
        f" | {restart.python:.2f} s | {restart.server:.2f} s |",
        flush=True,
    )


if __name__ == "__main__":
    main()
