"""Everything that may go wrong with rrdtool, provoked: nothing is lost, done twice, or hangs."""

from __future__ import annotations

import os
import signal
import sys
import textwrap

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from tests.history.tools import (
    BEGIN,
    CREATE,
    needs_rrdtool,
    picture,
    started_engine,
    temporary_folder,
    update,
    written,
)
from tests.waiting import until
from tvmon.history import child, worker
from tvmon.history import engine as engine_module
from tvmon.history.engine import NOT_INSTALLED, Engine
from tvmon.history.rrd import NoRrdtool, RrdError

GREETS = """
    import sys
    sys.stdin.readline()
    print("RRDtool 1.7.2", "OK u:0.00 s:0.00 r:0.00", sep="\\n", flush=True)
"""

DIES = """
    import os, subprocess, sys
    pipe = subprocess.PIPE
    rrdtool = subprocess.Popen(["rrdtool", "-"], stdin=pipe, stdout=pipe)

    def answer():
        lines = []
        while not lines or not lines[-1].startswith((b"OK", b"ERROR")):
            lines.append(rrdtool.stdout.readline())
        return b"".join(lines)

    for number, line in enumerate(sys.stdin.buffer):
        if number == 40:
            {does}
            os._exit(1)
        rrdtool.stdin.write(line)
        rrdtool.stdin.flush()
        sys.stdout.buffer.write(answer())
        sys.stdout.flush()
"""


def fake(test: TestCase, body: str, *, shell: bool = False) -> str:
    """A program that stands in for rrdtool: Python, or a script of the shell."""
    path = temporary_folder(test) / "rrdtool"
    head = "#!/bin/sh\n" if shell else f"#!{sys.executable} -IS\n"
    path.write_text(head + textwrap.dedent(body))
    path.chmod(0o755)
    return str(path)


async def all_ready(engine: Engine) -> list[int]:
    """The children, when all of them have answered their greetings."""
    children = [worker.child for worker in engine._workers]
    await until(lambda: all(child and child.is_ready for child in children))
    return engine.pids


@needs_rrdtool
class KilledTests(TestCase):
    """rrdtool itself is there, and is killed, or hangs."""

    async def test_the_writer_is_killed_again_and_again_amid_updates(self) -> None:
        engine = started_engine(self)
        await engine.write(CREATE.format("a.rrd"))
        writes = [Deferred.fromCoroutine(engine.write(update("a.rrd", n))) for n in range(1, 1501)]
        for done in (100, 500, 1000):
            await writes[done]
            os.kill(engine.pids[0], signal.SIGKILL)
        await gatherResults(writes)
        self.assertEqual((await engine.read("last a.rrd")).lines, (str(BEGIN + 300 * 1500),))
        # Killed amid an update rrdtool itself may lose a row; none is there twice.
        values = await written(engine, "a.rrd")
        self.assertEqual(values, sorted(set(values)))
        self.assertGreaterEqual(len(values), 1500 - 3)
        await until(lambda: engine.trouble() is None, why="all children are well")

    async def test_one_that_dies_between_updates_loses_none_and_does_none_twice(self) -> None:
        # After its 40th answer it dies: with the next update done, or not.
        for does in ("", "rrdtool.stdin.write(line); rrdtool.stdin.flush(); answer()"):
            program = fake(self, DIES.format(does=does))
            engine = started_engine(self, program=program, readers=1)
            await engine.write(CREATE.format("a.rrd"))
            await gatherResults(
                [Deferred.fromCoroutine(engine.write(update("a.rrd", n))) for n in range(1, 61)]
            )
            self.assertEqual(await written(engine, "a.rrd"), list(range(1, 61)))

    async def test_a_writer_that_hangs_is_replaced(self) -> None:
        engine = started_engine(self, write_deadline=2.0)
        await engine.write(CREATE.format("a.rrd"))
        os.kill(engine.pids[0], signal.SIGSTOP)
        writes = [Deferred.fromCoroutine(engine.write(update("a.rrd", n))) for n in range(1, 301)]
        await gatherResults(writes)
        self.assertEqual(await written(engine, "a.rrd"), list(range(1, 301)))

    async def test_readers_that_hang_are_replaced_and_the_pictures_come(self) -> None:
        engine = started_engine(self, read_deadline=2.0)
        await engine.write(CREATE.format("a.rrd"))
        for pid in (await all_ready(engine))[1:]:
            os.kill(pid, signal.SIGSTOP)
        drawn = await gatherResults(
            [Deferred.fromCoroutine(engine.read(picture("a.rrd"))) for _ in range(4)]
        )
        self.assertTrue(all(output.image for output in drawn))

    async def test_what_was_done_and_not_answered_is_not_done_twice(self) -> None:
        # The first one does everything and dies with the answers in its mouth.
        program = fake(
            self,
            """
            if [ -e ../died ]; then exec rrdtool -; fi
            touch ../died
            read line; echo "$line" | rrdtool -
            head -n 2 | rrdtool - >&2
            """,
            shell=True,
        )
        folder = temporary_folder(self)
        engine = started_engine(self, folder / "rrd", program=program, readers=0)
        writes = [engine.write(CREATE.format("a.rrd"))]
        writes += [engine.write(f"{update('a.rrd', 1)} {update('a.rrd', 2).split()[-1]}")]
        writes += [engine.write(update("a.rrd", 3))]
        await gatherResults(map(Deferred.fromCoroutine, writes))
        with self.assertRaisesRegex(RrdError, "illegal attempt"):
            await engine.write(update("a.rrd", 3))
        reader = started_engine(self, folder / "rrd")
        self.assertEqual(await written(reader, "a.rrd"), [1, 2, 3])

    async def test_a_full_disk_is_an_error_in_words_and_what_is_there_goes_on(self) -> None:
        program = fake(self, 'ulimit -f 16\nexec rrdtool "$@"', shell=True)
        engine = started_engine(self, program=program)
        small = CREATE.replace(":3000", ":300").format("small.rrd")
        await engine.write(small)
        with self.assertRaisesRegex(RrdError, "creating 'large.rrd': .* disk full"):
            await engine.write(CREATE.format("large.rrd"))
        await engine.write(update("small.rrd", 1))
        self.assertEqual(await written(engine, "small.rrd"), [1])
        self.assertIsNone(engine.trouble())


class FakeTests(TestCase):
    """Programs that are not what they should be."""

    async def test_a_command_that_kills_blocks_no_other(self) -> None:
        program = fake(
            self,
            GREETS
            + """
    for line in sys.stdin:
        if "bad" in line:
            sys.exit("cannot bear it")
        print(line.strip(), "OK u:0.00 s:0.00 r:0.00", sep="\\n", flush=True)
            """,
        )
        engine = started_engine(self, program=program, readers=1)
        before, bad, after = (
            Deferred.fromCoroutine(engine.write(f"tune {name}")) for name in ("a", "bad", "b")
        )
        with self.assertRaisesRegex(RrdError, "^rrdtool died of this command$"):
            await bad
        self.assertEqual((await before).lines, ("tune a",))
        self.assertEqual((await after).lines, ("tune b",))
        with self.assertRaisesRegex(RrdError, "^rrdtool died of this command$"):
            await engine.read("info bad")
        self.assertEqual((await engine.read("info good")).lines, ("info good",))

    async def test_one_that_ends_at_once(self) -> None:
        program = fake(self, "echo 'error while loading: libpango' >&2\nexit 127", shell=True)
        engine = started_engine(self, program=program)
        reading = Deferred.fromCoroutine(engine.read("info a"))
        words = "rrdtool does not stay alive: status 127: error while loading: libpango"
        with self.assertRaisesRegex(NoRrdtool, words):
            await reading
        self.assertEqual(engine.trouble(), words)
        with self.assertRaisesRegex(NoRrdtool, words):
            await engine.read("info a")

    async def test_writes_wait_for_a_better_one_up_to_a_bound(self) -> None:
        self.patch(engine_module, "MOST_WRITES", 50)
        folder = temporary_folder(self)
        program = fake(
            self,
            f"[ -e {folder}/good ] || exit 3\n"
            "read line\n"
            "echo RRDtool 1.8.0\n"
            "while echo OK u:0; do read line || exit; echo $line; done",
            shell=True,
        )
        engine = started_engine(self, program=program)
        writes = [Deferred.fromCoroutine(engine.write(f"tune {n}")) for n in range(50)]
        await until(lambda: engine.trouble() == "rrdtool does not stay alive: status 3")
        with self.assertRaisesRegex(NoRrdtool, "status 3"):
            await engine.write("create x")
        (folder / "good").touch()
        outputs = await gatherResults(writes)
        self.assertEqual([output.lines[0] for output in outputs][-1], "tune 49")
        await until(lambda: engine.trouble() is None)

    async def test_one_that_prints_for_ever(self) -> None:
        engine = started_engine(self, program=fake(self, "exec yes", shell=True))
        await until(lambda: engine.trouble() is not None)
        words = "rrdtool does not stay alive: an answer of more than 65536 bytes"
        self.assertEqual(engine.trouble(), words)

    async def test_one_that_prints_for_ever_when_it_is_asked(self) -> None:
        self.patch(child, "MOST_BYTES", 128 * 1024)
        program = fake(
            self, GREETS + "    while sys.stdin.readline():\n        while True: print(1)"
        )
        engine = started_engine(self, program=program)
        with self.assertRaisesRegex(RrdError, "died of this command"):
            await engine.read("info a")

    async def test_one_that_says_nothing(self) -> None:
        self.patch(child, "GREETING_SECONDS", 0.2)
        program = fake(self, "exec sleep 60", shell=True)
        engine = started_engine(self, program=program)
        with self.assertRaisesRegex(NoRrdtool, "no answer within 0.2 s"):
            await engine.read("info a")

    async def test_one_that_is_too_old(self) -> None:
        program = fake(self, GREETS.replace("1.7.2", "1.4.8") + "    sys.stdin.read()")
        engine = started_engine(self, program=program)
        with self.assertRaisesRegex(NoRrdtool, "its version is 1.4; 1.7 is the oldest"):
            await engine.read("info a")

    async def test_one_that_says_what_it_was_not_asked(self) -> None:
        program = fake(self, GREETS + "    print('OK u:', flush=True); sys.stdin.read()")
        engine = started_engine(self, program=program)
        words = "rrdtool does not stay alive: an answer to nothing"
        await until(lambda: engine.trouble() == words)

    async def test_none_is_installed_and_later_one_is(self) -> None:
        self.patch(worker, "LOOK_SECONDS", 0.05)
        program = temporary_folder(self) / "rrdtool"
        engine = started_engine(self, program=str(program))
        self.assertEqual(engine.trouble(), NOT_INSTALLED)
        for ask in (engine.read("info a"), engine.write("create a")):
            with self.assertRaisesRegex(NoRrdtool, "apt-get install rrdtool"):
                await ask
        script = fake(self, GREETS + "    while sys.stdin.readline(): print('OK u:', flush=True)")
        program.symlink_to(script)
        await until(lambda: engine.trouble() is None)
        await engine.write("tune a")

    async def test_a_folder_that_cannot_be_made(self) -> None:
        place = temporary_folder(self) / "file"
        place.touch()
        program = fake(self, "exit 1", shell=True)
        engine = started_engine(self, place / "rrd", program=program)
        self.assertEqual(engine.trouble(), f"{place}/rrd cannot be made: Not a directory")

    async def test_stop_with_one_that_does_not_listen(self) -> None:
        body = (
            GREETS + "    import signal, time\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        )
        engine = started_engine(self, program=fake(self, body + "    time.sleep(60)"))
        write = Deferred.fromCoroutine(engine.write("create a"))
        self.patch(engine_module, "FINISH_SECONDS", 0.2)
        await until(lambda: len(engine.pids) == 3)
        pids = engine.pids
        refused = self.assertFailure(write, NoRrdtool)
        await engine.stopService()
        await refused
        for pid in pids:
            self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    async def test_stop_where_the_end_of_the_killed_one_is_told_too_late(self) -> None:
        """As on a machine that is very busy: who waits is told all the same."""
        self.patch(worker, "LAST_STEPS_SECONDS", (0.0, 0.0, 0.0))
        self.patch(engine_module, "FINISH_SECONDS", 0.2)
        body = (
            GREETS + "    import signal, time\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        )
        engine = started_engine(self, program=fake(self, body + "    time.sleep(60)"))
        refused = self.assertFailure(Deferred.fromCoroutine(engine.write("create a")), NoRrdtool)
        await until(lambda: len(engine.pids) == 3)
        pids = engine.pids
        await engine.stopService()
        await refused
        await until(lambda: not engine.pids)
        for pid in pids:
            self.assertRaises(ProcessLookupError, os.kill, pid, 0)
