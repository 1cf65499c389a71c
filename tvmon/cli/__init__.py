"""
``tvmon``: looks at configurations, media servers and streams for somebody at a terminal.

The daemon is ``twistd tvmon``; nothing here is part of it, and nothing here changes anything.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.python.failure import Failure

from tvmon import __version__
from tvmon.cli.listing import list_streams
from tvmon.cli.sampling import Watch, watch
from tvmon.cli.terminal import Terminal
from tvmon.config import EMBEDDED, Config, ConfigError, load
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.servers.addresses import http_url
from tvmon.servers.kinds import KINDS, SAMPLERS
from tvmon.words import cleaned

GOOD, BAD, STOPPED = 0, 1, 130
EPILOG = """\
exit codes:
  0    all is well
  1    the configuration is wrong, a media server failed, or the sample did
  2    the command line is wrong
  130  stopped by Ctrl+C
"""

Job = Callable[[Any], Coroutine[Deferred[Any], Any, int]]
"""What needs the reactor, given it; brings the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a name shows its code; that is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    terminal = Terminal(sys.stdout, sys.stderr)
    try:
        return int(options.run(options, terminal))
    except ConfigError as error:
        terminal.complain(str(error))
        return BAD
    except BrokenPipeError:
        # Whoever reads, `head` for one, has enough.  Nothing is left to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BAD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tvmon",
        description="Looks at tvmon's configuration, and at media servers and streams.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tvmon {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, what: str, more: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.{more}",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    check = command("check", "say everything that is wrong with a configuration file")
    check.add_argument("file", metavar="FILE", type=Path, help="such as etc/tvmon.conf")
    check.set_defaults(run=_check)

    listing = command("list", "list the streams of the media servers that a configuration names")
    listing.add_argument("file", metavar="FILE", type=Path, help="such as etc/tvmon.conf")
    listing.set_defaults(run=_list)

    sample = command(
        "sample",
        "take a sample of a stream, and judge it",
        "\n\nOne sample tells no flow, so mostly no score either; with --seconds 30 it does.",
    )
    sample.add_argument("url", metavar="URL", type=_url, help="the stream's sample_interface")
    sample.add_argument(
        "--seconds", type=_seconds, default=0.0, help="go on sampling for so long; one sample else"
    )
    sample.add_argument(
        "--interval", type=_interval, help="seconds from one sample to the next (3)"
    )
    sample.add_argument("--deadline", type=_interval, help="seconds for one sample (2.4)")
    sample.add_argument(
        "--kind", choices=sorted(KINDS), default="tvie", help="the media server's kind (tvie)"
    )
    sample.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=Path,
        help="take interval, deadline and the rules of the score from there",
    )
    sample.set_defaults(run=_sample, parser=sample)
    return parser


def _check(options: argparse.Namespace, terminal: Terminal) -> int:
    config = load(options.file, os.environ)
    terminal.say(f"{cleaned(str(options.file), 300)} is good: {_summary(config)}")
    return GOOD


def _summary(config: Config) -> str:
    names = [server.name for server in config.servers]
    servers = f"{len(names)} server{'' if len(names) == 1 else 's'}"
    if names:
        servers += f" ({', '.join(names)})"
    embedded = config.database.url == EMBEDDED
    database = f"embedded in {config.database.directory}" if embedded else "elsewhere"
    return f"{servers}; listens on {', '.join(config.web.listen)}; database {database}"


def _list(options: argparse.Namespace, terminal: Terminal) -> int:
    config = load(options.file, os.environ)
    return _run(lambda reactor: list_streams(reactor, config.servers, config.polling, terminal))


def _sample(options: argparse.Namespace, terminal: Terminal) -> int:
    polling, scoring = Polling(), Scoring()
    if options.config is not None:
        config = load(options.config, os.environ)
        polling, scoring = config.polling, config.scoring
    interval = options.interval or polling.sampling_seconds
    deadline = options.deadline or min(polling.deadline_seconds, 0.8 * interval)
    if options.seconds and deadline >= interval:
        options.parser.error(f"--deadline {deadline:g} must be below the interval of {interval:g}")
    job = Watch(
        options.url,
        SAMPLERS[options.kind](),
        scoring,
        seconds=options.seconds,
        interval=interval,
        deadline=deadline,
        body_bytes=polling.body_bytes,
    )
    return _run(lambda reactor: watch(reactor, job, terminal))


def _run(job: Job) -> int:
    """Run the reactor until the job is done; its exit code, or what it raised."""
    codes: list[int] = []
    failures: list[Failure] = []

    def begin(reactor: Any) -> Deferred[None]:
        running = Deferred.fromCoroutine(job(reactor))
        return running.addCallbacks(codes.append, failures.append)

    with suppress(SystemExit):
        react(begin)
    if failures:
        failures[0].raiseException()
    return codes[0] if codes else STOPPED


def _url(text: str) -> str:
    wrong = http_url(text)
    if wrong:
        raise argparse.ArgumentTypeError(wrong)
    return text


def _seconds(text: str) -> float:
    """0 to an hour."""
    return _number(text, 0.0, 3600.0)


def _interval(text: str) -> float:
    """What may lie between two samples, and what one may take."""
    return _number(text, 0.05, 65.0)


def _number(text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"must be seconds, {least:g} to {most:g}")
    return value
