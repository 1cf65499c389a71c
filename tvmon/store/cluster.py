"""
The embedded server's files: where they lie, whose they are, and who uses them.

Nothing outside of the configured directory is touched: no parent is opened, no user is made.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tvmon.folders import make_open
from tvmon.store.programs import (
    PACKAGE,
    Programs,
    User,
    installed,
    reachable_directory,
    reachable_programs,
    user_for,
)

ROLE = "tvmon"
DATABASE = "postgres"

LONGEST_SOCKET_DIRECTORY = 90
"""Bytes: the kernel takes 107 for the whole path of a socket."""

INITDB = (
    *("--username", ROLE, "--auth-local", "trust", "--auth-host", "reject"),
    *("--encoding", "UTF8", "--no-locale"),
)
"""Whoever can enter the socket's directory is trusted: that is the server's user, and root."""

NO_CHECKSUMS = ("--no-data-checksums",)
"""
For ``initdb`` from 18 on, whose default they became.  With them a page goes into the write-ahead
log before the room of its old rows is taken again, not after: half as much again for each row.
They tell of a disk that lies, not of a crash; and what lies here is worth ten minutes.
"""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "20",
    # The index of 10,000 streams is 85 MB, and every write looks into another page of it.
    "shared_buffers": "128MB",
    # One server, no replica, no archive: as little in the log as a crash needs.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # To compress a page costs more than to write it, and these programs know only the slow way.
    "wal_compression": "off",
    # A page comes into the write-ahead log whole when it is first changed after a checkpoint.
    # The ring changes each page once in ten minutes, so checkpoints cost nothing more when they
    # are many, and a server that was killed has the less to do again at its start.
    "checkpoint_timeout": "1min",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused statement is reported to tvmon, which says so; the server's own log has what
    # would otherwise be known to nobody.  %e is the SQLSTATE.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_line_prefix": "%e ",
    "log_destination": "stderr",
    "logging_collector": "off",
}


class Cluster(NamedTuple):
    """
    A data directory, and what it takes to run a server on it.

    :ivar home: what the server's user can reach; the configured directory, or one instead
    :ivar lock: the descriptor that holds the directory for this process
    """

    directory: Path
    home: Path
    socket: Path
    user: User
    programs: Programs
    lock: int

    @property
    def data(self) -> Path:
        """PostgreSQL's own directory."""
        return self.home / "data"

    @property
    def new_data(self) -> Path:
        """What becomes :attr:`data` when it is made whole."""
        return self.home / "data.new"

    @property
    def url(self) -> str:
        """The server's address."""
        return f"host='{self.socket}' user={ROLE} dbname={DATABASE}"

    @property
    def is_made(self) -> bool:
        """Whether the data directory is there, and whole."""
        return (self.data / "PG_VERSION").exists()

    def initdb(self) -> tuple[Path, Sequence[str]]:
        """The program that makes the data directory, with its arguments."""
        options = NO_CHECKSUMS if self.programs.major >= 18 else ()
        return self.programs.initdb, (*INITDB, *options, "--pgdata", str(self.new_data))

    def postgres(self) -> tuple[Path, Sequence[str]]:
        """The server, with its arguments."""
        settings = {**SETTINGS, "unix_socket_directories": str(self.socket)}
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        return self.programs.postgres, ("-D", str(self.data), *options)

    def clear_new_data(self) -> None:
        """An empty directory for ``initdb``; what an interrupted one left is removed."""
        shutil.rmtree(self.new_data, ignore_errors=True)
        _own_directory(self.new_data, self.user)

    def release(self) -> None:
        """Let another process use the directory."""
        if self.socket.parent != self.home:
            shutil.rmtree(self.socket, ignore_errors=True)
        os.close(self.lock)


def prepare(directory: Path) -> Cluster:
    """
    Make what is missing of a directory, and hold it for this process.

    :raises SystemExit: one line, where an operator must put something right
    """
    directory = directory.absolute()
    try:
        make_open(directory)
        lock = _lock(directory)
    except OSError as problem:
        raise SystemExit(f"tvmon: {directory}: {problem.strerror}") from None
    try:
        return _prepare(directory, lock)
    except OSError as problem:
        os.close(lock)
        raise SystemExit(f"tvmon: {problem.filename or directory}: {problem.strerror}") from None
    except SystemExit:
        os.close(lock)
        raise


def _prepare(directory: Path, lock: int) -> Cluster:
    user = user_for(directory)
    home = reachable_directory(user, directory)
    socket = _socket_directory(home, user)
    programs = reachable_programs(user, _programs(home / "data"), home)
    return Cluster(directory, home, socket, user, programs, lock)


def _programs(data: Path) -> Programs:
    """The newest programs, or those that the data directory was made by."""
    found = installed()
    if not found:
        raise SystemExit(
            'tvmon: [database] url = "embedded" needs the programs of the Python package'
            f" {PACKAGE}, which are not there for this system; name a PostgreSQL instead"
        )
    try:
        version = (data / "PG_VERSION").read_text("ascii").strip()
    except FileNotFoundError:
        return found[0]
    for programs in found:
        if str(programs.major) == version:
            return programs
    here = " and ".join(str(programs.major) for programs in found)
    raise SystemExit(
        f"tvmon: {data} was made by PostgreSQL {version}, and the programs here are of {here};"
        " dump and restore it, or move it away"
    )


def _lock(directory: Path) -> int:
    """
    Hold ``directory/lock``; the kernel lets go of it when this process ends, however.

    The directory may be another user's, and we may be root: nothing but a file of this name
    is opened, no other one is written to.
    """
    path = directory / "lock"
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            raise SystemExit(f"tvmon: {path} is a link, not a file; remove it") from None
        raise
    there = os.fstat(descriptor)
    if not stat.S_ISREG(there.st_mode) or there.st_nlink > 1:
        os.close(descriptor)
        raise SystemExit(f"tvmon: {path} is not a file of its own; remove it")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise SystemExit(f"tvmon: {directory} is in use by another tvmon (pid {holder})") from None
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _socket_directory(home: Path, user: User) -> Path:
    """
    Where the socket lies: ``home/run``, or, where that is too long for a socket, below ``/tmp``.

    There the name is always the same for one home, so that a killed tvmon leaves one at most;
    if somebody else has it, a new one is made.
    """
    run = home / "run"
    if len(os.fsencode(run)) <= LONGEST_SOCKET_DIRECTORY:
        _own_directory(run, user)
        return run
    mark = hashlib.blake2b(os.fsencode(home), digest_size=6).hexdigest()
    short = Path(tempfile.gettempdir(), f"tvmon-{mark}")
    try:
        _own_directory(short, user)
    except PermissionError:
        short = Path(tempfile.mkdtemp(prefix="tvmon-"))
        _own_directory(short, user)
    return short


def _own_directory(path: Path, user: User) -> None:
    """
    A directory that this user alone can enter.

    :raises PermissionError: it is somebody else's
    """
    path.mkdir(mode=0o700, exist_ok=True)
    there = path.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid not in {os.geteuid(), user.uid}:
        raise PermissionError(1, "belongs to somebody else", str(path))
    if user.is_another:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)
    path.chmod(0o700)
