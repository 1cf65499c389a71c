"""
The tables that the measurements print, and ``bench/RESULTS.md``, which keeps the latest of each.

Each measurement has a section of its own there and replaces only that; above its tables stand
the machine, the versions and the commit they come from.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import timeit
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tvmon.store.programs import installed

CHECKOUT = Path(__file__).resolve().parent.parent
SECTIONS = (
    "Beside Prometheus and collectd",
    "Many streams for long",
    "Many streams for long, some servers faulty",
    "Streams appear and vanish",
    "How cost grows",
)
"""In the order in which they stand in the file; others come behind them."""

HEAD = """\
# Results

What `make bench` measured last; each section is replaced by the command that it names. Processor
time is user plus system time of a whole process tree, so for tvmon PostgreSQL is included.
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned: the first to the left, all others to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]

    def row(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *rest]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([row(lines[0]), row(rule), *map(row, lines[1:])])


def replaced(text: str, title: str, body: str, order: Sequence[str] = SECTIONS) -> str:
    """
    The file with this section in place of the one of its title, or added at its place.

    :param body: without the title
    """
    head, *parts = re.split(r"(?m)^## ", text or HEAD)
    sections = {}
    for part in parts:
        name, _, rest = part.partition("\n")
        sections[name.strip()] = rest.strip()
    sections[title] = body.strip()
    places = {name: place for place, name in enumerate(order)}
    titles = sorted(sections, key=lambda name: places.get(name, len(places)))
    return head.strip() + "".join(f"\n\n## {name}\n\n{sections[name]}" for name in titles) + "\n"


class Report:
    """
    What a measurement says: each part is printed at once, and the whole is written at the end.

    :param title: of its section
    :param options: what it was told, with ``--results``, where the section is replaced
    """

    def __init__(self, title: str, options: argparse.Namespace) -> None:
        self._title = title
        self._path: Path | None = options.results
        self._parts: list[str] = []
        self.say(f"`{command(Path(sys.argv[0]).stem, vars(options))}`")
        self.say(machine())

    def say(self, part: str) -> None:
        """A paragraph or a table."""
        print(f"\n{part}", flush=True)
        self._parts.append(part)

    def write(self) -> None:
        """Replace the section, if a file was given; tells what the machine's pace is by now."""
        self.say(f"At the end of it, {pace()}.")
        if self._path is not None:
            old = self._path.read_text() if self._path.exists() else ""
            self._path.write_text(replaced(old, self._title, "\n\n".join(self._parts)))


def results_option(parser: argparse.ArgumentParser) -> None:
    """``--results``, which is the same for all."""
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="replace the section of this measurement there"
    )


def command(name: str, options: Mapping[str, object]) -> str:
    """What is typed for a measurement with all its options, the defaults too."""
    words = [f"python -m bench.{name}"]
    for option, value in options.items():
        if option == "results" or value is None or value is False:
            continue
        words.append(f"--{option.replace('_', '-')}")
        if isinstance(value, Sequence) and not isinstance(value, str):
            words += map(str, value)
        elif value is not True:
            words.append(f"{value:g}" if isinstance(value, float) else str(value))
    return " ".join(words)


def machine() -> str:
    """When, on what, with what and of which commit, in one line."""
    words = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"commit {commit()}",
        f"{cpu_model()} with {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before",
        pace(),
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        f"Twisted {version('twisted')}",
    ]
    words += [f"{name} {told}" for name, told in programs().items()]
    return ", ".join(words) + "."


def pace() -> str:
    """
    How fast the machine runs Python right now.

    Virtual machines share what they run on: the same one may be half as fast a minute later.
    """
    rounds = 1_000_000
    each = min(timeit.repeat(number=rounds, repeat=3)) / rounds
    return f"{1e9 * each:.0f} ns for an empty loop of Python"


def programs() -> dict[str, str]:
    """The version of each program that is there, by its name."""
    asked = {
        "PostgreSQL": [str(installed()[0].postgres), "--version"],
        "nginx": ["nginx", "-v"],
        "Prometheus": ["prometheus", "--version"],
        "collectd": ["collectd", "-h"],
    }
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    found = {}
    for name, command in asked.items():
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env={"PATH": path}
            )
        except FileNotFoundError:
            continue
        told = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
        if told:
            found[name] = told[0]
    return found


def cpu_model() -> str:
    """What the machine calls its processor."""
    told = re.search(r"(?m)^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text())
    return told[1].strip() if told else platform.machine()


def commit() -> str:
    """The commit that is measured, and whether it was changed since."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(CHECKOUT), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "tvmon")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")
