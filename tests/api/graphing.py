"""What the tests of graphs have in common."""

from __future__ import annotations

from tests.api.support import MemoryCase, Reply, report, stream
from tvmon.history.subjects import ALL, MACHINE, Subject, of_stream

HOSTILE = (
    "; rm -rf /",
    "| cat /etc/passwd",
    "$(reboot)",
    "`reboot`",
    "a\nquit",
    "a\r\nfetch ../x.rrd LAST",
    '" --daemon x "',
    "../../etc/passwd",
    "\0",
    "x" * 3000,
    "DEF:a=b.rrd:c:LAST",
    "\u2028\ud7ff\U0001f4fa",
)


class GraphCase(MemoryCase):
    """A server with a stream of each kind, all with histories."""

    streams = (
        stream(1, server="ingest"),
        stream(2, server="edge"),
    )

    def setUp(self) -> None:
        super().setUp()
        self.world.reports = [
            report("ingest", kind="nginx-rtmp"),
            report("edge", kind="hls"),
            report("edge/live", kind="tvie"),
        ]
        archive = self.archive = self.world.archive
        for name in ("ingest", "edge"):
            archive.names[name] = Subject("server", name)
            archive.names[f"{name}/live"] = Subject("application", f"{name}/live")
        archive.names["ingest/1"] = of_stream(1001)
        archive.names["edge/2"] = of_stream(1002)
        for subject in (*archive.names.values(), ALL, MACHINE, Subject("protocol", "hls")):
            archive.files[subject] = f"{subject.file_name}.rrd"
        self.commands = self.world.rrd.commands

    def drawn(self, path: str) -> str:
        """The one command that an address leads to."""
        self.commands.clear()
        self.world.now += 300  # nothing of it is kept
        answer = self.get(path)
        self.assertEqual((answer.code, answer.body), (200, self.world.rrd.image), path)
        self.assertEqual(answer.header("Content-Type"), "image/png")
        (command,) = self.commands
        return command

    def refusal(self, path: str, code: int, part: str | None) -> Reply:
        answer = self.get(path)
        self.assertEqual((answer.code, answer.error.get("part")), (code, part), path)
        self.assertEqual(self.commands, [])
        return answer


def file_of(kind: str, name: str) -> str:
    return f"{Subject(kind, name).file_name}.rrd"  # type: ignore[arg-type]
