"""
Many streams for a while: is every poll taken, how late, at what cost, and does memory stay flat?

    python -m bench.soak                        1,000 streams every 3 s for two minutes
    python -m bench.soak --streams 5000 --seconds 600

Runs the real daemon on its embedded PostgreSQL against the simulator, each a process of its
own, and reads ``/metrics`` and ``/proc``.  The costs of the simulator are shown apart: they are
not tvmon's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from pathlib import Path

from tests.daemons import Child, config, get, metric, short_folder, simulator, wait_for

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in tree(int(child)))]


def cpu(pids: list[int]) -> float:
    """User and system seconds, those of children that ended included."""
    used = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        used += sum(map(int, fields[11:15]))
    return used / TICK


def rss(pid: int) -> float:
    """Resident memory in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[1])
    arguments.add_argument("--streams", type=int, default=1000)
    arguments.add_argument("--seconds", type=float, default=120.0)
    arguments.add_argument("--mix", default="healthy=90,starved=6,down=4")
    wanted = arguments.parse_args()
    folder = short_folder()
    children: list[Child] = []
    try:
        source, api = simulator(
            folder / "simulator", "--streams", str(wanted.streams), "--mix", wanted.mix
        )
        children.append(source)
        daemon = Child(folder / "tvmon", "tvmon", "-c", str(config(folder, api)))
        children.append(daemon)
        run(daemon, source, daemon.address(), wanted.streams, wanted.seconds)
    finally:
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


def run(daemon: Child, source: Child, base: str, streams: int, seconds: float) -> None:
    def page() -> bytes:
        return get(f"{base}/metrics")[2]

    count = "tvmon_poll_lateness_seconds_count"
    wait_for(lambda: metric(page(), count) >= 2 * streams, 60, "two polls of every stream")
    before, began = page(), time.monotonic()
    used, simulated = cpu(tree(daemon.pid)), cpu(tree(source.pid))
    python = cpu([daemon.pid])
    print(f"{'s':>5} {'polls':>8} {'RSS MiB':>8} {'CPU %':>6}")
    last_cpu, last = used, began
    for _ in range(max(1, round(seconds / 15))):
        time.sleep(seconds / max(1, round(seconds / 15)))
        now, spent = time.monotonic(), cpu(tree(daemon.pid))
        polls = metric(page(), count) - metric(before, count)
        share = 100 * (spent - last_cpu) / (now - last)
        print(f"{now - began:5.0f} {polls:8.0f} {rss(daemon.pid):8.1f} {share:6.1f}")
        last_cpu, last = spent, now
    after, elapsed = page(), time.monotonic() - began
    polls = metric(after, count) - metric(before, count)
    spent = cpu(tree(daemon.pid)) - used
    python = cpu([daemon.pid]) - python
    print(f"polls taken             {polls:.0f} of {streams * elapsed / 3:.0f} due")
    skipped = 'tvmon_polls_skipped_total{server="simulator"}'
    print(f"polls skipped           {metric(after, skipped) - metric(before, skipped):.0f}")
    for bound in ("0.01", "0.025", "0.05", "0.1", "0.25", "1.5"):
        name = f'tvmon_poll_lateness_seconds_bucket{{le="{bound}"}}'
        share = (metric(after, name) - metric(before, name)) / polls * 100
        print(f"started within {float(bound) * 1000:5.0f} ms {share:.3f} %")
    print(f"CPU for each poll       {spent / polls * 1e6:.0f} us, PostgreSQL included")
    print(f"  without PostgreSQL    {python / polls * 1e6:.0f} us")
    print(f"simulator               {(cpu(tree(source.pid)) - simulated) / polls * 1e6:.0f} us")
    longest = metric(after, "tvmon_reactor_longest_turn_seconds")
    print(f"longest reactor turn    {longest * 1000:.0f} ms")
    print(f"rows waiting            {metric(after, 'tvmon_pending_rows'):.0f}")


if __name__ == "__main__":
    main()
