"""``tvmon export-history`` and ``tvmon import-history``, with a real rrdtool."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock, skipUnless

from tests.cli.support import CommandTests
from tvmon.history.files import UNFINISHED, Files
from tvmon.history.hold import LOCK, hold
from tvmon.history.names import FILE as NAMES_FILE
from tvmon.history.names import Names
from tvmon.history.subjects import ALL, MACHINE, Subject, of_stream
from tvmon.streams import Stream
from tvmon.tiers import Tier, parse_tier

TIERS = tuple(map(parse_tier, ("5m:1d", "30m:2d", "1d:30d")))
OTHER_TIERS = TIERS[:2]
BEGAN = 1_700_006_400
STREAMS = (
    Stream("ingest", "live/cam1", None, "Camera 1", "", 1, "nginx-rtmp"),
    Stream("ingest", "live/cam2", None, "Camera 2", "", 2, "nginx-rtmp"),
    Stream("radio", "jazz", None, "Jazz", "", 3, "icecast"),
)


def rrdtool(*arguments: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        ["rrdtool", *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def make(
    directory: Path, subject: Subject, *, seed: int = 0, tiers: Sequence[Tier] = TIERS
) -> Path:
    """An RRD of two days and a half, with holes, values and whatever a float can be."""
    numbers = random.Random(seed)
    files = Files(directory, tiers)
    directory.mkdir(exist_ok=True)
    rrdtool(*files.create(subject, BEGAN).split(), folder=directory)
    path = directory / files.finish(subject)
    updates = []
    for step in range(1, 720):
        values = (numbers.choice(["U", f"{numbers.uniform(0, 99):.9g}"]) for _ in subject.sources)
        updates.append(f"{BEGAN + 300 * step}:{':'.join(values)}")
    rrdtool("update", str(path), *updates)
    return path


def contents(path: Path) -> str:
    """Every source and every row of every archive."""
    return rrdtool("dump", str(path))


def files_below(folder: Path) -> set[str]:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return found - {LOCK}


@skipUnless(shutil.which("rrdtool"), "rrdtool is not installed")
class MovingTests(CommandTests):
    """There and back."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.old, self.new = self.folder / "old", self.folder / "new"
        self.xml = self.folder / "xml"

    def run_on(self, directory: Path, command: str, *arguments: str) -> tuple[int, str, str]:
        config = self.file(f"[history]\ndirectory = '{directory}'\n")
        return self.run_main(command, "-c", config, str(self.xml), *arguments)

    def exported(self, *arguments: str) -> tuple[int, str, str]:
        return self.run_on(self.old, "export-history", *arguments)

    def imported(self, *arguments: str) -> tuple[int, str, str]:
        return self.run_on(self.new, "import-history", *arguments)

    def name(self, directory: Path, *streams: Stream) -> None:
        directory.mkdir(exist_ok=True)
        names = Names()
        for stream in streams:
            names.put(stream)
        names.save(directory)

    def names(self, directory: Path) -> dict[int, str]:
        names = Names()
        names.load(directory)
        found = {number: names.stream(number) for number in names.numbers()}
        return {number: stream.unify_name for number, stream in found.items() if stream}

    def test_a_round_trip_keeps_every_row_of_every_archive(self) -> None:
        self.name(self.old, *STREAMS)
        subjects = (of_stream(1), of_stream(2), Subject("server", "ingest"), ALL, MACHINE)
        paths = [make(self.old, subject, seed=n) for n, subject in enumerate(subjects)]
        self.assertEqual(self.exported(), (0, self.progress(5, "exported", self.xml), ""))
        self.assertEqual(
            files_below(self.xml),
            {name + ".xml" * name.endswith("rrd") for name in files_below(self.old)},
        )
        self.assertEqual(self.imported(), (0, self.progress(5, "imported", self.new), ""))
        self.assertEqual(files_below(self.new), files_below(self.old))
        for path in paths:
            before, after = contents(path), contents(self.new / path.relative_to(self.old))
            self.assertGreater(before.count("<row>"), 288 + 3 * 96 + 3 * 30 - 1)
            self.assertGreater(before.count("NaN"), 1000)
            self.assertEqual(after, before)
        self.assertEqual(self.names(self.new), {1: "Camera 1", 2: "Camera 2", 3: "Jazz"})

    def progress(self, number: int, done: str, folder: Path) -> str:
        lines = [f"{n} of {number}\n" for n in range(1, number)]
        where = "to" if done == "exported" else "into"
        histories = "history" if number == 1 else "histories"
        return "".join([*lines, f"{done} {number} {histories} {where} {folder}; 0 failed\n"])

    def test_only_those_that_match(self) -> None:
        self.name(self.old, *STREAMS)
        for subject in (of_stream(1), of_stream(2), of_stream(3), Subject("server", "radio"), ALL):
            make(self.old, subject)
        for text, found in (
            ("Camera", {"stream-1", "stream-2"}),
            ("live/cam2", {"stream-2"}),
            ("stream-3.", {"stream-3"}),
            ("radio", {"stream-3", Subject("server", "radio").file_name}),
            ("all", {"all"}),
        ):
            self.assertEqual(self.exported("--match", text)[0], 0)
            moved = files_below(self.xml) - {NAMES_FILE}
            self.assertEqual({Path(name).name.split(".")[0] for name in moved}, found)
            shutil.rmtree(self.xml)
        code, out, err = self.exported("--match", "nobody")
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, f"{self.old} has no such history\n")

    def test_what_is_there_stays_unless_it_is_to_be_replaced(self) -> None:
        self.name(self.old, *STREAMS[:2])
        self.name(self.new, replace(STREAMS[0], unify_name="Older"), STREAMS[2])
        path = make(self.old, of_stream(1), seed=1)
        make(self.old, of_stream(2))
        there = make(self.new, of_stream(1), seed=2)
        before = contents(there)
        self.exported()
        code, out, err = self.imported()
        self.assertEqual((code, out), (1, self.progress(1, "imported", self.new)))
        self.assertEqual(
            err, f"1 history not replaced, as there is no --replace: {there} for one\n"
        )
        self.assertEqual(contents(there), before)
        self.assertEqual(self.names(self.new), {1: "Older", 2: "Camera 2", 3: "Jazz"})
        self.assertEqual(self.imported("--replace")[0], 0)
        self.assertEqual(contents(there), contents(path))
        self.assertEqual(self.names(self.new), {1: "Camera 1", 2: "Camera 2", 3: "Jazz"})

    def test_one_with_other_archives_is_the_same_history(self) -> None:
        path = make(self.old, of_stream(1))
        other = make(self.new, of_stream(1), tiers=OTHER_TIERS)
        self.assertNotEqual(path.name, other.name)
        self.exported()
        self.assertEqual(self.imported()[0], 1)
        self.assertEqual([*files_below(other.parent)], [other.name])
        self.assertEqual(self.imported("--replace")[0], 0)
        self.assertEqual([*files_below(other.parent)], [path.name])

    def test_one_that_is_broken_keeps_none_of_the_others_from_being_moved(self) -> None:
        paths = [make(self.old, of_stream(number)) for number in (1, 2, 3, 4)]
        whole = paths[3].read_bytes()
        paths[3].write_bytes(whole[:5000])
        code, out, err = self.exported()
        self.assertEqual(
            (code, out.splitlines()[-1]), (1, f"exported 3 histories to {self.xml}; 1 failed")
        )
        self.assertIn(f"{paths[3].parent.name}/{paths[3].name}: ERROR: ", err)
        self.assertEqual(len(files_below(self.xml)), 3)
        first, second = (self.xml / f"{p.relative_to(self.old)}.xml" for p in paths[:2])
        first.write_text("<rrd>; rm -rf $(x)")
        second.write_bytes(second.read_bytes()[:40_000])
        code, out, err = self.imported()
        self.assertEqual(
            (code, out.splitlines()[-1]), (1, f"imported 1 history into {self.new}; 2 failed")
        )
        for path in (first, second):
            self.assertIn(f"{path.parent.name}/{path.name}: ERROR: ", err)
        self.assertEqual(len(err.splitlines()), 2)
        self.assertEqual(files_below(self.new), {str(paths[2].relative_to(self.old))})

    def test_a_broken_file_replaces_nothing(self) -> None:
        make(self.old, of_stream(1))
        there = make(self.new, of_stream(1))
        before = there.read_bytes()
        self.exported()
        for path in self.xml.rglob("*.xml"):
            path.write_bytes(path.read_bytes()[:-200])
        self.assertEqual(self.imported("--replace")[0], 1)
        self.assertEqual(there.read_bytes(), before)
        self.assertEqual([*files_below(self.new)], [str(there.relative_to(self.new))])

    def test_nothing_is_imported_under_a_tvmon_that_runs(self) -> None:
        make(self.old, of_stream(1))
        self.assertEqual(self.exported()[0], 0)
        lock = hold(self.new)
        self.addCleanup(os.close, lock)
        code, _, err = self.imported()
        self.assertEqual((code, err), (1, f"{self.new}: another tvmon keeps its history there\n"))
        self.assertEqual(files_below(self.new), set())

    def test_of_one_history_only_the_newest_is_kept_and_two_are_refused(self) -> None:
        path = make(self.old, of_stream(1))
        self.assertEqual(self.exported()[0], 0)
        path.rename(path.with_name(f"{path.name.partition('.')[0]}.0a0b0c.rrd"))
        before = next(self.xml.glob("??/*.xml"))
        text = before.read_bytes()
        self.assertEqual(self.exported()[0], 0)
        (after,) = self.xml.glob("??/*.xml")
        self.assertIn(".0a0b0c.rrd", after.name)
        before.write_bytes(text)
        code, _, err = self.imported()
        self.assertEqual(code, 1)
        self.assertIn("are of one history", err)
        self.assertEqual(files_below(self.new), set())

    def test_what_is_none_of_ours_is_left_alone(self) -> None:
        path = make(self.old, of_stream(1))
        for name in (path.name + UNFINISHED, path.name + ".broken", "x y.rrd", "-h.rrd"):
            shutil.copy(path, path.with_name(name))
        self.assertEqual(self.exported()[0], 0)
        self.assertEqual(files_below(self.xml), {f"{path.relative_to(self.old)}.xml"})
        self.assertEqual(self.exported()[0], 0)  # over what is there

    def test_names_that_cannot_be_read(self) -> None:
        make(self.old, of_stream(1))
        (self.old / NAMES_FILE).write_text("[]")
        code, _, err = self.exported("--match", "x")
        self.assertEqual((code, err), (1, "names.json: names.json does not hold names\n"))
        self.assertEqual(self.exported()[0], 0)
        code, _, err = self.imported()
        self.assertEqual((code, err), (1, "names.json: names.json does not hold names\n"))
        self.assertEqual(len(files_below(self.new)), 1)

    def test_a_folder_that_cannot_be_written_to(self) -> None:
        make(self.old, of_stream(1))
        self.xml.write_text("a file")
        code, _, err = self.exported()
        self.assertEqual(code, 1)
        self.assertIn(": Not a directory\n", err)


class NothingTests(CommandTests):
    """Nothing to be done, or nobody to do it."""

    def test_no_history(self) -> None:
        config = self.file("[history]\ndirectory = '/nowhere/a'\n")
        for command, why in (
            ("export-history", "/nowhere/a has no such history\n"),
            ("import-history", "/nowhere/b has no history\n"),
        ):
            with mock.patch("shutil.which", lambda name: name):
                told = self.run_main(command, "-c", config, "/nowhere/b")
            self.assertEqual(told, (1, "", why))

    def test_no_rrdtool(self) -> None:
        config = self.file("")
        for command in ("export-history", "import-history"):
            with mock.patch.dict(os.environ, PATH="/nowhere"):
                told = self.run_main(command, "-c", config, "/nowhere/b")
            self.assertEqual(told, (1, "", "rrdtool is not installed: apt-get install rrdtool\n"))

    def test_the_folder_must_be_named(self) -> None:
        for command in ("export-history", "import-history"):
            self.wrong("FOLDER", command)
