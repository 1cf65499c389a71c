"""
``make run``: tvmon on its embedded PostgreSQL, with the simulator as its media server.

    demo.py [FOLDER]

Starts both as children, prints the address, and stops both when it is told to stop (Ctrl+C,
SIGTERM) or when one of them ends.  Everything they keep lies below FOLDER, ``var/`` in the
checkout; a second one beside the first takes the next folder in it and free ports.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

HOST = "127.0.0.1"
CHECKOUT = Path(__file__).resolve().parent.parent
TWISTD = str(Path(sys.executable).with_name("twistd"))
STOP_SECONDS = 8.0
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Handle Ctrl+C, ``kill`` and a closed terminal alike."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def stop(*_: int | FrameType | None) -> None:
    """End, once: a second signal must not disturb :func:`running` at stopping the children."""
    on_signals(signal.SIG_IGN)
    raise KeyboardInterrupt


def free_port(wanted: int, claims: contextlib.ExitStack) -> int:
    """
    The wanted port, or any free one where it is taken.

    The name of an abstract socket is the claim to a port until the child listens on it, so that
    two demos that start in the same moment do not both find it free.
    """
    claim = claims.enter_context(socket.socket(socket.AF_UNIX))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            claim.bind(f"\0tvmon-demo-{wanted}")
            probe.bind((HOST, wanted))
        except OSError:
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def free_folder(top: Path, claims: contextlib.ExitStack) -> Path:
    """``demo`` below ``top``, or ``demo-2`` ... where another demo uses that."""
    for number in range(1, 100):
        folder = top / ("demo" if number == 1 else f"demo-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        lock = claims.enter_context((folder / "lock").open("w"))
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return folder
    raise SystemExit(f"tvmon: a hundred demos run in {top}")


@contextlib.contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """
    A twistd in the foreground, stopped at the end.

    It has a session of its own, so that Ctrl+C reaches it once, through us, and is told to stop by
    the kernel should we be killed.
    """

    def follow() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    child = subprocess.Popen(
        [TWISTD, "--nodaemon", "--pidfile=", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=follow,
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"tvmon: {arguments[0]} does not stop, so it is killed", flush=True)
            child.kill()
            child.wait()


def answers(port: int) -> bool:
    """Whether tvmon has streams to show."""
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/samples/0-1////")
        return b'"score"' in connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def demo(top: Path) -> int:
    """Run until told to stop, or until a child ends; the exit code."""
    with contextlib.ExitStack() as stack:
        folder = free_folder(top, stack)
        port, simulator_port = free_port(8080, stack), free_port(8090, stack)
        address = f"http://{HOST}:{port}/"
        print(f"tvmon: {address}", flush=True)
        os.environ |= {
            "PYTHONPATH": str(CHECKOUT),
            "TVMON_DEMO_PORT": str(port),
            "TVMON_DEMO_SIMULATOR_PORT": str(simulator_port),
            "TVMON_DEMO_FOLDER": str(folder),
        }
        listen = f"--listen=tcp:{simulator_port}:interface={HOST}"
        simulator = running("tvie-simulator", listen, cwd=folder)
        tvmon = running("tvmon", f"--config={CHECKOUT}/etc/demo.conf", cwd=folder)
        children = [stack.enter_context(simulator), stack.enter_context(tvmon)]
        ready = False
        while True:
            for child in children:
                if child.poll() is not None:
                    return child.returncode or 1
            if not ready and answers(port):
                ready = True
                print(f"tvmon: {address} shows simulated streams; Ctrl+C stops it", flush=True)
            time.sleep(0.2)


def main() -> int:
    """The exit code: 0 when told to stop, as that is the way to end it."""
    on_signals(stop)
    try:
        return demo(Path(sys.argv[1]).absolute() if sys.argv[1:] else CHECKOUT / "var")
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
