"""
Real daemons for tests: tvmon and the simulator, each a child process on ports of its own.

Everything waits for conditions with a bound, and every child is stopped by its pid.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

CHECKOUT = Path(__file__).resolve().parent.parent
TWISTD = str(Path(sys.executable).with_name("twistd"))
T = TypeVar("T")


def wait_for(condition: Callable[[], T | None], seconds: float, why: str) -> T:
    """What the condition returns once it is true; AssertionError when it is not in time."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {why}")
        time.sleep(0.05)


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, whatever the status."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def send(method: str, url: str, body: Any = None) -> tuple[int, bytes]:
    """A request with a JSON body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class Child:
    """
    A twistd in the foreground, its output in a file.

    :param folder: where it runs and where its log lies
    :param arguments: the plugin and its options
    :param clock: a file that holds by how many seconds its wall clock is wrong; may change
    :param environ: what its environment has beside ours
    """

    def __init__(
        self, folder: Path, *arguments: str, clock: Path | None = None, **environ: str
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log_path = folder / f"{arguments[0]}.log"
        python_path = [str(CHECKOUT)]
        if clock is not None:
            python_path.insert(0, str(_wrong_clock(folder, clock)))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(python_path), **environ}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # where it is installed, it is compiled
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [TWISTD, "-n", "--pidfile=", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """Everything that it has said."""
        return self.log_path.read_text("utf-8", "replace")

    def address(self, seconds: float = 20.0) -> str:
        """The first URL that it said it listens on, without the slash at its end."""

        def said() -> str | None:
            match = re.search(r"(http://127\.0\.0\.1:\d+)/?", self.log)
            if match is None and self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}:\n{self.log}")
            return match.group(1) if match else None

        return wait_for(said, seconds, f"an address in the log of {self.log_path}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Its exit code after this signal; SIGKILL after so many seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(
                    f"not ended {seconds} s after signal {number}:\n{self.log}"
                ) from None
        return self.process.returncode


def simulator(folder: Path, *options: str) -> tuple[Child, str]:
    """A simulator, and its address."""
    child = Child(folder, "tvie-simulator", "--listen", "tcp:0:interface=127.0.0.1", *options)
    return child, child.address()


def _wrong_clock(folder: Path, clock: Path) -> Path:
    """A folder whose ``sitecustomize`` makes ``time.time`` wrong before anything imports it."""
    place = folder / "wrong-clock"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(f"""
import time
right = time.time
def wrong():
    with open({str(clock)!r}) as file:
        return right() + float(file.read() or 0)
time.time = wrong
""")
    return place


def config(folder: Path, *apis: str, database: str = "embedded", more: str = "") -> Path:
    """
    A configuration for a tvmon that watches these simulators, written into the folder.

    :param more: further TOML, ahead of the servers
    """
    servers = "".join(
        f"""
[[server]]
kind = "tvie"
name = "simulator{number or ""}"
api = "{api}/api/service/media/channels/find"
token = "simulator"
"""
        for number, api in enumerate(apis)
    )
    path = folder / "tvmon.conf"
    path.write_text(f"""
[web]
listen = ["tcp:0:interface=127.0.0.1"]
[database]
url = "{database}"
directory = "{folder / "database"}"
[history]
tiers = ["5m:1d"]
{more}{servers}""")
    return path


def metric(text: bytes, name: str) -> float:
    """The value of one line of ``/metrics``, labels included in the name."""
    for line in text.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"no {name} in the metrics")


def short_folder() -> Path:
    """
    A folder with a path short enough for a unix socket, for the caller to remove.

    An embedded PostgreSQL runs as another user when we are root, and must get there.
    """
    folder = Path(tempfile.mkdtemp(prefix="tvmon-"))
    folder.chmod(0o755)
    return folder
