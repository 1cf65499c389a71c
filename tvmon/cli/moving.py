"""
``tvmon export-history`` and ``tvmon import-history``: RRDs as XML, and back.

An RRD can be read by machines of the same kind as the one that wrote it, its XML by all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tvmon.cli.terminal import Terminal
from tvmon.history.engine import NOT_INSTALLED
from tvmon.history.files import SUFFIX, UNFINISHED
from tvmon.history.hold import InUse, hold
from tvmon.history.names import FILE as NAMES_FILE
from tvmon.history.names import Names
from tvmon.history.subjects import groups_of, of_stream
from tvmon.words import cleaned

AT_ONCE = 4
"""So many rrdtool run at a time."""
DEADLINE_SECONDS = 600.0
PROGRESS_STEPS = 10
"""How often it is told how far the work is."""

XML = ".xml"
_RRD = re.compile(r"[a-z0-9-]+\.[0-9a-f]+\.rrd", re.ASCII)
_REASON_CHARACTERS = 200
_PATH_CHARACTERS = 300


class Failed(Exception):  # noqa: N818 - it reads as the sentence that it is
    """Why one file was not moved."""


def export_history(directory: Path, folder: Path, match: str, terminal: Terminal) -> int:
    """
    Write every RRD of a history as XML into a folder, where one of that name is replaced.

    :param directory: of the history
    :param match: a part of the RRD's name, or of the name of the stream or the server
    :returns: the exit code: 1 where one failed, or there is none
    """
    if not _can_begin(terminal):
        return 1
    try:
        names = _labels(directory) if match else {}
    except (OSError, ValueError) as error:
        terminal.complain(f"{NAMES_FILE}: {_reason(error)}")
        return 1
    found = [
        path
        for path in _files(directory, SUFFIX)
        if match in path.name or match in names.get(path.name.partition(".")[0], "")
    ]
    if not found:
        terminal.complain(f"{_shown(directory)} has no such history")
        return 1

    def dump(path: Path) -> None:
        to = folder / path.parent.name / (path.name + XML)
        _make(to, lambda unfinished: _rrdtool("dump", str(path), str(unfinished)))
        for other in _same(to, SUFFIX + XML):
            other.unlink()  # exported before the tiers were changed

    failed = _each(found, dump, terminal)
    nameless = _try(lambda: _copy_names(directory, folder), NAMES_FILE, terminal)
    terminal.say(f"exported {_count(len(found) - failed)} to {_shown(folder)}; {failed} failed")
    return 1 if failed or nameless else 0


def import_history(directory: Path, folder: Path, replace: bool, terminal: Terminal) -> int:
    """
    Make RRDs of all that :func:`export_history` has written.  No tvmon may run there.

    :param directory: of the history; made if it is not there
    :param replace: whether those that are there already are replaced
    :returns: the exit code: 1 where one failed, or there is none
    """
    if not _can_begin(terminal):
        return 1
    found = _files(folder, SUFFIX + XML)
    if not found:
        terminal.complain(f"{_shown(folder)} has no history")
        return 1
    doubled = sorted(path for path in found if _same(path, SUFFIX + XML))
    if doubled:
        terminal.complain(
            f"{_shown(doubled[0])} and {doubled[1].name} are of one history: keep one of them"
        )
        return 1
    try:
        lock = hold(directory)
    except (InUse, OSError) as error:
        terminal.complain(f"{_shown(directory)}: {_reason(error)}")
        return 1
    try:
        return _import(directory, folder, found, replace, terminal)
    finally:
        os.close(lock)


def _import(
    directory: Path, folder: Path, found: Sequence[Path], replace: bool, terminal: Terminal
) -> int:
    refused = set() if replace else {path for path in found if _present(directory, path)}
    if refused:
        first = _shown(_target(directory, min(refused)))
        terminal.complain(
            f"{_count(len(refused))} not replaced, as there is no --replace: {first} for one"
        )

    def restore(path: Path) -> None:
        old, to = _present(directory, path), _target(directory, path)
        _make(to, lambda unfinished: _rrdtool("restore", str(path), str(unfinished)))
        for other in old:
            if other != to:
                other.unlink()

    wanted = [path for path in found if path not in refused]
    failed = _each(wanted, restore, terminal)
    nameless = _try(lambda: _add_names(directory, folder, replace), NAMES_FILE, terminal)
    made = _count(len(wanted) - failed)
    terminal.say(f"imported {made} into {_shown(directory)}; {failed} failed")
    return 1 if failed or nameless or refused else 0


def _can_begin(terminal: Terminal) -> bool:
    if shutil.which("rrdtool") is not None:
        return True
    terminal.complain(NOT_INSTALLED)
    return False


def _files(folder: Path, suffix: str) -> list[Path]:
    """``3f/stream-123.5b2c71.rrd`` and the like, with what may follow."""
    return [
        path
        for path in sorted(folder.glob(f"[0-9a-f][0-9a-f]/*{suffix}"))
        if _RRD.fullmatch(path.name.removesuffix(XML))
    ]


def _same(path: Path, suffix: str) -> list[Path]:
    """Other files beside it of the same history, with other sources or archives."""
    found = path.parent.glob(f"{path.name.partition('.')[0]}.*{suffix}")
    return sorted(other for other in found if other != path)


def _target(directory: Path, xml: Path) -> Path:
    return directory / xml.parent.name / xml.name.removesuffix(XML)


def _present(directory: Path, xml: Path) -> list[Path]:
    """The RRDs that are there of whose history this is, with whatever sources and archives."""
    target = _target(directory, xml)
    there = [target] if target.exists() else []
    return [*there, *_same(target, SUFFIX)]


def _each(paths: Sequence[Path], work: Callable[[Path], None], terminal: Terminal) -> int:
    """Do it with each, a few at a time, and say how far it is; how many failed."""
    failed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            underway = {pool.submit(work, path): path for path in paths}
            for number, done in enumerate(as_completed(underway), 1):
                path = underway[done]
                failed += _try(done.result, f"{path.parent.name}/{path.name}", terminal)
                steps = number * PROGRESS_STEPS // len(paths)
                if steps > (number - 1) * PROGRESS_STEPS // len(paths) and number < len(paths):
                    terminal.say(f"{number} of {len(paths)}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def _try(work: Callable[[], None], name: str, terminal: Terminal) -> int:
    """Do it; 1 if it failed, which is then told, else 0."""
    try:
        work()
    except (Failed, OSError, ValueError) as error:
        terminal.complain(f"{name}: {_reason(error)}")
        return 1
    return 0


def _make(path: Path, work: Callable[[Path], object]) -> None:
    """Have a file made beside its place, and put into it only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    try:
        work(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _rrdtool(*arguments: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "RRDCACHED_ADDRESS"}
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own words and paths, and no shell
            ["rrdtool", *arguments],  # noqa: S607 - wherever it is installed
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**environ, "LC_ALL": "C"},
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"rrdtool took longer than {DEADLINE_SECONDS:g} seconds") from None
    if done.returncode:
        said = (done.stderr + done.stdout).decode("utf-8", "replace")
        lines = [line for line in said.splitlines() if line.startswith("ERROR")]
        raise Failed(lines[-1] if lines else f"rrdtool ended with {done.returncode}")


def _labels(directory: Path) -> dict[str, str]:
    """By the first part of a file's name, how people call whose history it is."""
    names = Names()
    names.load(directory)
    labels = {}
    for stream in filter(None, map(names.stream, names.numbers())):
        subject = of_stream(stream.mms_stream_id)
        labels[subject.file_name] = f"{stream.server}/{stream.key} {stream.unify_name}"
        labels.update((group.file_name, group.name) for group in groups_of(stream))
    return labels


def _copy_names(directory: Path, folder: Path) -> None:
    if (directory / NAMES_FILE).exists():
        _make(folder / NAMES_FILE, lambda new: shutil.copyfile(directory / NAMES_FILE, new))


def _add_names(directory: Path, folder: Path, replace: bool) -> None:
    """Join the names that came along to those that are there; what is loaded first stays."""
    names = Names()
    for place in (folder, directory) if replace else (directory, folder):
        names.load(place)
    if len(names):
        directory.mkdir(parents=True, exist_ok=True)
        names.save(directory)


def _count(number: int) -> str:
    return f"{number} {'history' if number == 1 else 'histories'}"


def _shown(path: Path) -> str:
    return cleaned(str(path), _PATH_CHARACTERS)


def _reason(error: Exception) -> str:
    words = (isinstance(error, OSError) and error.strerror) or str(error)
    return cleaned(words, _REASON_CHARACTERS)
