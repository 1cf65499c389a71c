"""
``tvmon``: looks at configurations, media servers and streams for somebody at a terminal.

The daemon is ``twistd tvmon``; nothing here is part of it, and nothing here changes anything but
``import-history``, which writes files while the daemon is stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.python.failure import Failure

from tvmon import __version__
from tvmon.cli import arguments as args
from tvmon.cli.listing import list_streams
from tvmon.cli.moving import export_history, import_history
from tvmon.cli.probing import probe
from tvmon.cli.sampling import Watch, watch
from tvmon.cli.terminal import Terminal
from tvmon.config import EMBEDDED, Config, ConfigError, Watched, load
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.servers.kinds import kinds
from tvmon.streams import Stream
from tvmon.words import any_of, cleaned

GOOD, BAD, STOPPED = 0, 1, 130
EPILOG = """\
exit codes:
  0    all is well
  1    the configuration is wrong, a media server, a sample or a file failed, or nothing was found
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
    except KeyboardInterrupt:
        return STOPPED
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

    _add_sample(command)
    _add_probe(command)
    _add_history(command)
    return parser


def _add_sample(command: Callable[..., argparse.ArgumentParser]) -> None:
    sample = command(
        "sample",
        "take a sample of a stream, and judge it",
        """

One sample tells no flow, so mostly no score either; with --seconds 30 it does.

    tvmon sample http://10.0.0.5/stat#live/cam1 --kind nginx-rtmp
    tvmon sample live/cam1 --config etc/tvmon.conf --server ingest""",
    )
    sample.add_argument(
        "url",
        metavar="URL",
        help="the stream's sample_interface; with --server its unify_name or key will do",
    )
    sample.add_argument(
        "--seconds",
        type=args.watching,
        default=0.0,
        help="go on sampling for so long; one sample else",
    )
    sample.add_argument(
        "--interval", type=args.interval, help="seconds from one sample to the next (3)"
    )
    sample.add_argument("--deadline", type=args.interval, help="seconds for one sample (2.4)")
    sample.add_argument("--kind", choices=[*kinds()], help="the media server's kind (tvie)")
    sample.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=Path,
        help="take interval, deadline and the rules of the score from there",
    )
    sample.add_argument(
        "--server",
        metavar="NAME",
        help="a media server of that configuration: its kind and its password are taken, too",
    )
    sample.set_defaults(run=_sample, parser=sample)


def _add_probe(command: Callable[..., argparse.ArgumentParser]) -> None:
    with_probes = [name for name, kind in kinds().items() if kind.probes]
    finding = command(
        "probe",
        "find out which media servers a host runs",
        f"""

Looks for {any_of(with_probes)} at their usual ports, on
that host alone, and says a section of the configuration for each one that it finds:

    tvmon probe media1.example
    tvmon probe media1.example --port 8080 18080 >>etc/tvmon.conf""",
    )
    finding.add_argument(
        "host", metavar="HOST", type=args.host, help="a name or an address; or HOST:PORT"
    )
    finding.add_argument(
        "--port",
        metavar="PORT",
        type=args.port,
        nargs="+",
        action="extend",
        default=[],
        help="look at these ports, and at no others; HTTPS at 443 and 8443",
    )
    finding.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=args.interval,
        default=3.0,
        help="seconds for each request (3)",
    )
    finding.add_argument(
        "--kind",
        metavar="KIND",
        choices=[*kinds()],
        nargs="+",
        action="extend",
        default=[],
        help="look for these kinds, and for no others",
    )
    finding.add_argument(
        "-v", "--verbose", action="store_true", help="say what was not found, too, on stderr"
    )
    finding.set_defaults(run=_probe, parser=finding)


def _add_history(command: Callable[..., argparse.ArgumentParser]) -> None:
    export = command(
        "export-history",
        "write histories as XML, for a backup or another machine",
        " Files of the same name are replaced.",
    )
    export.add_argument("folder", metavar="FOLDER", type=Path, help="where they are written")
    export.add_argument(
        "--match",
        metavar="TEXT",
        default="",
        help="only those whose file, stream or media server has TEXT in its name",
    )
    export.set_defaults(run=_export)

    restore = command(
        "import-history",
        "make histories of what export-history has written",
        " Stop tvmon first, and run this as its user.",
    )
    restore.add_argument("folder", metavar="FOLDER", type=Path, help="where they are")
    restore.add_argument("--replace", action="store_true", help="replace those that are there")
    restore.set_defaults(run=_import)
    for parser in (export, restore):
        parser.add_argument(
            "-c",
            "--config",
            metavar="FILE",
            type=Path,
            default=Path("etc/tvmon.conf"),
            help="names the history's directory (etc/tvmon.conf)",
        )


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
    servers: tuple[Watched, ...] = ()
    if options.config is not None:
        config = load(options.config, os.environ)
        polling, scoring, servers = config.polling, config.scoring, config.servers
    interval = options.interval or polling.sampling_seconds
    deadline = options.deadline or min(polling.deadline_seconds, 0.8 * interval)
    if options.seconds and deadline >= interval:
        options.parser.error(f"--deadline {deadline:g} must be below the interval of {interval:g}")
    server, stream = _sampled(options, servers)
    job = Watch(
        server,
        stream,
        options.url,
        scoring,
        polling,
        seconds=options.seconds,
        interval=interval,
        deadline=deadline,
    )
    return _run(lambda reactor: watch(reactor, job, terminal))


def _sampled(
    options: argparse.Namespace, servers: Sequence[Watched]
) -> tuple[Watched, Stream | None]:
    """The media server that is asked, and the stream where it is known by its URL alone."""
    wrong: Callable[[str], NoReturn] = options.parser.error
    if options.server is not None:
        if options.config is None:
            wrong("--server needs the --config FILE that it is in")
        if options.kind is not None:
            wrong("--kind must not be beside --server, which has a kind")
        for server in servers:
            if server.name == options.server:
                return server, None
        names = ", ".join(server.name for server in servers) or "no server at all"
        wrong(f"argument --server: the configuration has none of that name; it has {names}")
    bad_url = args.stream_url(options.url)
    if bad_url:
        wrong(f"argument URL: {bad_url}")
    kind = kinds()[options.kind or "tvie"]
    if kind.at is None:
        wrong(
            f"argument --kind: {kind.name} takes more than a URL: put the media server into a"
            " configuration, and name both by --config FILE --server NAME"
        )
    found, stream = kind.at(options.url)
    return Watched(found, kind.name), stream


def _probe(options: argparse.Namespace, terminal: Terminal) -> int:
    host, ports = options.host, options.port
    if host.port is not None:
        ports = [host.port, *ports]
    wanted = [kind for name, kind in kinds().items() if name in options.kind or not options.kind]
    blind = [kind.name for kind in wanted if not kind.probes]
    if blind and options.kind:
        options.parser.error(
            f"argument --kind: nothing on a host tells that it runs {any_of(blind)}"
        )
    return _run(
        lambda reactor: probe(
            reactor,
            host,
            wanted,
            ports,
            deadline=options.deadline,
            verbose=options.verbose,
            terminal=terminal,
        )
    )


def _export(options: argparse.Namespace, terminal: Terminal) -> int:
    directory = load(options.config, os.environ).history.directory
    return export_history(directory, options.folder, options.match, terminal)


def _import(options: argparse.Namespace, terminal: Terminal) -> int:
    directory = load(options.config, os.environ).history.directory
    return import_history(directory, options.folder, options.replace, terminal)


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
