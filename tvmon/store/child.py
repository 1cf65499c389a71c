"""
Run a program as another user, in a session of its own, that is told when its parent ends.

    python -I -S child.py UID GID PARENT PROGRAM ARGUMENT...

It runs between tvmon and PostgreSQL and becomes the latter: what has to happen in the child
after the fork cannot be asked of ``spawnProcess``.  The order matters: a change of user takes
back the wish to be told of the parent's end.

tvmon starts it with SIGINT held back, see :func:`tvmon.interrupts.interrupts_held`: one that
comes before the program runs, from the keyboard or as a stop, would be a traceback of Python.
It is let through when Python's handler is gone, and then ends the process without a word.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> None:
    """Become the program; a fault is one line on standard error, and status 126."""
    uid, gid, parent, program, *rest = arguments
    try:
        # Out of the terminal's group: an interrupt from the keyboard is for tvmon, which
        # stops the server when the last samples are written.
        os.setsid()
        if os.geteuid() == 0 and int(uid) != 0:
            os.setgroups([])
            os.setgid(int(gid))
            os.setuid(int(uid))
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != int(parent):
                sys.exit(126)  # it ended before we could be told
        os.umask(0o077)
        os.chdir("/")
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.execv(program, [program, *rest])  # noqa: S606  # no shell is what is wanted
    except OSError as problem:
        sys.stderr.write(f"{program}: {problem.strerror}\n")
        sys.exit(126)


if __name__ == "__main__":
    main(sys.argv[1:])
