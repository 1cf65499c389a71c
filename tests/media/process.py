"""A program in the background that a test may freeze and kill, and that never outlives it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

from tests.daemons import wait_for

START_SECONDS = 20.0
STOP_SECONDS = 10.0
TRIES = 3


class Process:
    """
    A child process, its output in a file.

    :param arguments: the program and what it is told
    :param log: where its output goes
    :param death: the signal that it gets from the kernel should the test process die.  One that
        has children must be able to stop them, so it is not killed
    :param user: whom root runs it as
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        *,
        death: signal.Signals = signal.SIGKILL,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        wrapper = ["setpriv", "--pdeathsig", death.name.removeprefix("SIG")]
        if user is not None and os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            wrapper += ["--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid)]
            wrapper += ["--clear-groups"]
        self.log_path = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*wrapper, "--", *arguments],
                cwd=log.parent,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._is_started, START_SECONDS, f"the start of {arguments[0]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended; a frozen one has not."""
        return self.process.poll() is None

    @property
    def log(self) -> str:
        """Everything that it has said."""
        return self.log_path.read_text("utf-8", "replace")

    def freeze(self) -> None:
        """SIGSTOP: its connections stay open, and nothing comes over them any more."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """SIGTERM, the clean end; SIGKILL where that does not help."""
        if self.is_running:
            self.thaw()
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def close(self) -> None:
        """Stop it if it runs."""
        self.stop()

    def _is_started(self) -> bool:
        """Whether it is the program by now; before that the kernel would not stop it for us."""
        command = Path(f"/proc/{self.pid}/cmdline").read_bytes()  # empty in the midst of a start
        return bool(command and not command.startswith(b"setpriv\0")) or not self.is_running


class Server:
    """
    A server of one process and one folder; a subclass says how it is started.

    :ivar folder: its own, gone when it is closed
    :ivar http_port: where its API is
    :ivar user: whom root runs it as
    :ivar environment: what is in its environment beside ours
    """

    user: str | None = None
    death = signal.SIGKILL
    environment: Mapping[str, str] = MappingProxyType({})
    http_port: int

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"tvmon-{type(self).__name__.lower()}-"))
        self._give(self.folder)
        self.process: Process | None = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def prepare(self) -> Sequence[str]:
        """Choose ports and write the configuration; what to run."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether all its ports answer."""
        raise NotImplementedError

    def stop(self) -> None:
        """The clean end; its folder and its ports are kept."""
        if self.process is not None:
            self.process.stop()

    def kill(self) -> None:
        """The end of a crash."""
        self.running.kill()

    def restart(self) -> None:
        """Stop it, if that has not been done, and start it with the same ports."""
        self.stop()
        assert self._run(), f"no {type(self).__name__} again: {self.running.log}"

    def close(self) -> None:
        """Stop it and remove what it kept."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def running(self) -> Process:
        """Its process."""
        assert self.process is not None, "not started"
        return self.process

    @property
    def url(self) -> str:
        """Its HTTP address, without a slash at the end."""
        return f"http://127.0.0.1:{self.http_port}"

    def _start(self) -> None:
        """
        Start it on free ports.

        No server can be told to take any port and asked which afterwards, so somebody else may
        take one in the meantime; then it tries others.
        """
        for _ in range(TRIES):
            self.arguments = self.prepare()
            if self._run():
                return
        raise AssertionError(f"no start of {type(self).__name__}: {self.running.log}")

    def _run(self) -> bool:
        """Whether it answers now; it has ended where not."""
        log = self.folder / "log"
        process = Process(
            self.arguments,
            log,
            death=self.death,
            user=self.user,
            environment=self.environment,
        )
        self.process = process
        wait_for(
            lambda: self.is_ready() or not process.is_running,
            START_SECONDS,
            f"a {type(self).__name__} that answers or ends; see {log}",
        )
        return process.is_running

    def _give(self, path: Path) -> None:
        """Let the user that it runs as write there."""
        if self.user is not None and os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that the system chose, all different, free just now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def listens(port: int) -> bool:
    """Whether a connection to this port is accepted."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Whether an HTTP server answers there, with whatever status."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True
