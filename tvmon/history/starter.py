"""
Run rrdtool in a folder, in a session of its own.

    python -I -S starter.py PARENT SIGNAL NICENESS FOLDER PROGRAM ARGUMENT...

It runs between tvmon and rrdtool and becomes the latter, as ``tvmon/store/child.py`` does for
PostgreSQL.  When the parent ends, so does the input of rrdtool, which ends then by itself; one
that may hang gets a signal besides, if that is not 0.
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
    parent, number, niceness, folder, program, *rest = arguments
    try:
        # Out of the terminal's group: an interrupt from the keyboard is for tvmon, which has
        # the last values written then.
        os.setsid()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != int(parent):
                sys.exit(126)  # it ended before we could be told
        os.nice(int(niceness))
        os.umask(0o022)
        os.chdir(folder)
        # Nobody listens any more: end.  A full disk stays an error that rrdtool can tell of,
        # as Python has it that SIGXFSZ is ignored.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.execv(program, [program, *rest])  # noqa: S606  # no shell is what is wanted
    except OSError as problem:
        sys.stderr.write(f"{problem.filename or program}: {problem.strerror}\n")
        sys.exit(126)


if __name__ == "__main__":
    main(sys.argv[1:])
