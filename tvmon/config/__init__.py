"""
The configuration: one TOML file, read once into frozen values.

:func:`load` returns a :class:`Config`, or raises :class:`ConfigError` with everything that is
wrong.  Two configurations of the same content are equal, part by part, so that a reload can tell
what changed; ``repr()`` shows no secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2.extensions import parse_dsn

from tvmon.config.endpoints import endpoint, is_local
from tvmon.config.watched import watched
from tvmon.health import DELAY_REPORT_SECONDS, Scoring
from tvmon.polling import HTTP, MEBIBYTE, Polling
from tvmon.problems import ConfigError, Problem
from tvmon.servers.watched import Rule, Watched
from tvmon.settings import Section
from tvmon.tiers import DEFAULT_TIERS, Tier, parse_tier
from tvmon.window import KEPT_SECONDS

__all__ = [
    "Config",
    "ConfigError",
    "Database",
    "History",
    "Problem",
    "Rule",
    "Watched",
    "Web",
    "load",
    "read",
]

LOG_LEVELS = ("debug", "info", "warn", "error", "critical")
"""What ``[log] level`` may be; each includes those after it."""
EMBEDDED = "embedded"
DEADLINE_SHARE = 0.8
"""The part of an interval that a poll may take, unless the configuration says otherwise."""

DAY_SECONDS = 86_400.0
OPEN_TO_ALL = (
    "can be reached from other machines: set token, or user and password, or allow_anonymous ="
    ' true; or listen on this machine alone, as "tcp:8080:interface=127.0.0.1" does'
)
DATABASE_URL = (
    'must be "embedded", or what libpq takes: "postgresql://USER:PASSWORD@HOST/DATABASE", or'
    ' "host=HOST user=USER dbname=DATABASE"'
)


@dataclass(frozen=True, slots=True)
class Web:
    """
    The page and the API.

    :param listen: endpoint strings
    :param token: whoever shows it may read
    :param user: and password: whoever shows both may read
    :param allow_anonymous: everybody may read, even from other machines
    :param event_clients: how many readers of ``/events`` there may be at a time
    """

    listen: tuple[str, ...]
    token: str | None = field(repr=False)
    user: str | None
    password: str | None = field(repr=False)
    allow_anonymous: bool
    event_clients: int


@dataclass(frozen=True, slots=True)
class Database:
    """
    Where samples are kept.

    :param url: ``embedded``, or what libpq takes: a URL or ``name=value`` pairs
    :param directory: where the embedded one lies; absolute
    :param keep_gone_seconds: how long a stream is kept that its media server lists no more
    """

    url: str = field(repr=False)
    directory: Path
    keep_gone_seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """
    Years of every stream, in RRDs.

    :param enabled: whether a history is kept at all
    :param directory: where the files lie; absolute
    :param tiers: the steps and how long each is kept, from the finest to the coarsest
    """

    enabled: bool
    directory: Path
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """All of the configuration; each part can be compared with that of another."""

    web: Web
    database: Database
    history: History
    polling: Polling
    scoring: Scoring
    log_level: str
    servers: tuple[Watched, ...]


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read a configuration file; ConfigError names everything that is wrong with it."""
    top = Section.open(path, environ)
    config = read(top, path.absolute().parent)
    top.finish()
    return config


def read(top: Section, folder: Path) -> Config:
    """
    The configuration that a file holds; to be believed only once ``top.finish()`` has passed.

    :param folder: where the file lies; a relative directory in it begins there
    """
    database = _database(top.table("database"), folder)
    return Config(
        _web(top.table("web")),
        database,
        _history(top.table("history"), folder, database.directory),
        _polling(top.table("polling")),
        _scoring(top.table("score")),
        top.table("log").choice("level", LOG_LEVELS, "info"),
        watched(top.tables("server")),
    )


def _web(web: Section) -> Web:
    token = web.secret("token", check=_token)
    user = web.maybe_text("user", check=_user)
    password = web.secret("password")
    anonymous = web.flag("allow_anonymous", default=False)
    has_password = web.has_secret("password")
    if "user" in web and not has_password:
        web.problem("password", "is missing: a user needs one")
    if has_password and "user" not in web:
        web.problem("user", "is missing: a password needs one")
    guarded = web.has_secret("token") or has_password
    if guarded and anonymous:
        words = "must not be true beside a token or a password, which would guard nothing"
        web.problem("allow_anonymous", words)

    def reachable_by_whom_it_may(text: str) -> str | None:
        wrong = endpoint(text)
        return wrong if wrong or guarded or anonymous or is_local(text) else OPEN_TO_ALL

    listen = web.texts("listen", ("tcp:8080:interface=127.0.0.1",), check=reachable_by_whom_it_may)
    clients = web.whole("event_clients", 200, unit="readers", least=0, most=100_000)
    return Web(listen, token, user, password, anonymous, clients)


def _database(database: Section, folder: Path) -> Database:
    url = database.text("url", EMBEDDED, check=_database_url, secret=True)
    directory = database.text("directory", "../var/lib/tvmon")
    days = database.number("keep_gone_days", 7.0, unit="days", least=0, most=3650)
    # Not the working directory: another folder to start from would be another, empty database.
    return Database(url, Path(os.path.normpath(folder / directory)), days * DAY_SECONDS)


def _history(history: Section, folder: Path, beside: Path) -> History:
    enabled = history.flag("enabled", default=True)
    directory = history.maybe_text("directory")
    place = beside / "history" if directory is None else folder / directory
    usual = tuple(map(str, DEFAULT_TIERS))
    texts = history.texts("tiers", usual, check=_tier)
    tiers = sorted((parse_tier(text) for text in texts), key=lambda tier: tier.seconds)
    steps = [tier.seconds for tier in tiers]
    if len(set(steps)) < len(steps):
        history.problem("tiers", "must hold each step once")
    return History(enabled, Path(os.path.normpath(place)), tuple(tiers) or DEFAULT_TIERS)


def _tier(text: str) -> str | None:
    try:
        parse_tier(text)
    except ValueError as problem:
        return str(problem)
    return None


def _polling(polling: Section) -> Polling:
    usual = Polling()
    # With a longer one there are not two samples in the time that rates are worked out from.
    longest = KEPT_SECONDS // 2

    def interval(name: str, default: float, most: float) -> float:
        return polling.number(name, default, unit="seconds", least=0.1, most=most)

    def deadline(name: str, default: float, interval_name: str, interval: float) -> float:
        default = min(default, round(DEADLINE_SHARE * interval, 6))
        seconds = polling.number(name, default, unit="seconds", least=0.05, most=DAY_SECONDS)
        if seconds < interval:
            return seconds
        polling.problem(name, f"must be below {interval_name}, which is {interval:g}")
        return default

    def size(name: str, default: int, most: int) -> int:
        return polling.whole(name, default, unit="bytes", least=1024, most=most)

    listing = interval("listing_seconds", usual.listing_seconds, DAY_SECONDS)
    listing_deadline = deadline(
        "listing_deadline_seconds", usual.listing_deadline_seconds, "listing_seconds", listing
    )
    sampling = interval("sampling_seconds", usual.sampling_seconds, longest)
    return Polling(
        listing,
        listing_deadline,
        sampling,
        deadline("deadline_seconds", longest, "sampling_seconds", sampling),
        size("body_bytes", usual.body_bytes, 64 * MEBIBYTE),
        size("listing_body_bytes", usual.listing_body_bytes, 1024 * MEBIBYTE),
        polling.choice("http", HTTP, usual.http),
    )


def _scoring(score: Section) -> Scoring:
    usual = Scoring()
    made = Scoring(
        upstream_weight=score.number(
            "upstream_weight", usual.upstream_weight, unit="the whole", least=0, most=1
        ),
        live_delay_weight=score.number(
            "live_delay_weight", usual.live_delay_weight, unit="the whole", least=0, most=1
        ),
        bad_score=score.whole("bad_score", usual.bad_score, unit="points", least=0, most=99),
        good_score=score.whole("good_score", usual.good_score, unit="points", least=1, most=100),
        window_seconds=score.number(
            "window_seconds",
            usual.window_seconds,
            unit="seconds",
            least=3,
            most=KEPT_SECONDS - DELAY_REPORT_SECONDS,
        ),
        worst_delay_ms=score.whole(
            "worst_delay_ms", usual.worst_delay_ms, unit="ms", least=1, most=600_000
        ),
    )
    total = made.upstream_weight + made.live_delay_weight
    if abs(total - 1) > 1e-6:
        key = "upstream_weight" if "upstream_weight" in score else "live_delay_weight"
        other = "live_delay_weight" if key == "upstream_weight" else "upstream_weight"
        score.problem(key, f"and {other} must add up to 1; they add up to {total:g}")
    if made.bad_score >= made.good_score:
        key = "bad_score" if "bad_score" in score else "good_score"
        words = f"bad_score, {made.bad_score}, must be below good_score, {made.good_score}"
        score.problem(key, words)
    return made


def _token(text: str) -> str | None:
    # It comes in an HTTP header, which holds nothing else.
    return None if text.isascii() and " " not in text else "must be ASCII without blanks"


def _user(text: str) -> str | None:
    return "must hold no colon, which ends it in HTTP" if ":" in text else None


def _database_url(text: str) -> str | None:
    if text == EMBEDDED:
        return None
    try:
        ports = parse_dsn(text).get("port", "").split(",")
    except psycopg2.Error:
        # Its words are left out, since they repeat parts of the text: of a password, too.
        return DATABASE_URL
    return None if all(not port or port.isdigit() for port in ports) else DATABASE_URL
