"""Kinds of other packages: the example of ``docs/servers/adding.md``, and wrong ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import tomllib
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT = CHECKOUT / "docs/servers/adding.md"
FILES = re.compile(r"(?m)^`([\w.]+)`:\n\n((?:    .*\n|\n)+)")
SECTION = '[[server]]\nkind = "{}"\nname = "east"\nurl = "{}"\n'


class Page(BaseHTTPRequestHandler):
    """The page of the document's imaginary server, with what the document shows of it."""

    def do_GET(self) -> None:
        body = shown().encode() if self.path == "/status.json" else b"not here"
        self.send_response(200 if self.path == "/status.json" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def shown() -> str:
    """The answer in the document."""
    [answer] = re.findall(r'(?m)^    (\{"streams": .*)$', DOCUMENT.read_text())
    return str(answer)


def files() -> dict[str, str]:
    """The files in the document."""
    found = FILES.findall(DOCUMENT.read_text())
    return {name: re.sub(r"(?m)^    ", "", text).strip() + "\n" for name, text in found}


class PackageTests(unittest.TestCase):
    """Packages in a folder of their own, found as installed ones are."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def install(self, name: str, points: dict[str, str], modules: dict[str, str]) -> None:
        """Lay a package there as pip would."""
        about = self.folder / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "".join(f"{kind} = {to}\n" for kind, to in points.items())
        (about / "entry_points.txt").write_text(f"[tvmon.servers]\n{lines}")
        for file, text in modules.items():
            (self.folder / file).write_text(text)

    def run_python(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": f"{self.folder}:{CHECKOUT}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def command(self, command: str, config: str, *more: str) -> tuple[int, str, str]:
        """``tvmon COMMAND FILE``, with a configuration of that content."""
        (self.folder / "tvmon.conf").write_text(config)
        return self.run_python("-m", "tvmon.cli", command, "tvmon.conf", *more)


class ExampleTests(PackageTests):
    """The very files of the document."""

    def setUp(self) -> None:
        super().setUp()
        self.files = files()
        project = tomllib.loads(self.files["pyproject.toml"])
        modules = [f"{name}.py" for name in project["tool"]["setuptools"]["py-modules"]]
        self.install(
            project["project"]["name"],
            project["project"]["entry-points"]["tvmon.servers"],
            {name: self.files[name] for name in modules},
        )
        server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def test_its_streams_are_listed(self) -> None:
        code, out, err = self.command("list", SECTION.format("examplecast", self.url))
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            [line.split() for line in out.splitlines()[1:]],
            [["east", "examplecast", "-", "east/live/cam1", f"{self.url}#live/cam1"]],
        )

    def test_a_stream_of_it_is_sampled(self) -> None:
        config = SECTION.format("examplecast", self.url)
        (self.folder / "tvmon.conf").write_text(config)
        arguments = ("sample", "live/cam1", "--config", "tvmon.conf", "--server", "east")
        code, out, err = self.run_python("-m", "tvmon.cli", *arguments)
        self.assertEqual((code, err), (0, ""))
        [told] = json.loads(shown())["streams"]
        self.assertIn(f"upstream_bytes_received         {told['bytes']} byte\n", out)
        self.assertRegex(out, "video_codec +H264\n")

    def test_it_is_found_on_its_host(self) -> None:
        port = self.url.rpartition(":")[2]
        arguments = ("probe", "127.0.0.1", "--port", port, "--kind", "examplecast")
        code, out, err = self.run_python("-m", "tvmon.cli", *arguments)
        self.assertEqual((code, err), (0, ""))
        [section] = tomllib.loads(out)["server"]
        self.assertEqual(section, {"kind": "examplecast", "name": "127.0.0.1", "url": self.url})
        self.assertEqual(self.command("check", out)[0], 0)

    def test_its_own_test_is_good(self) -> None:
        (self.folder / "test_examplecast.py").write_text(self.files["test_examplecast.py"])
        code, _, err = self.run_python("-m", "unittest", "test_examplecast")
        self.assertEqual(code, 0, err)
        self.assertIn("Ran 2 tests", err)


class BrokenTests(PackageTests):
    """Packages that are wrong are named where somebody asks for them, and nowhere else."""

    def setUp(self) -> None:
        super().setUp()
        other = "from tvmon.servers.tvie import configured\nfrom tvmon.servers import Kind\n"
        self.install(
            "broken",
            {
                "raises": "raises:KIND",
                "exits": "exits:KIND",
                "absent": "nowhere:KIND",
                "nokind": "nokind:KIND",
                "renamed": "renamed:KIND",
                "tvie": "renamed:KIND",
            },
            {
                "raises.py": "raise OSError('two\\nlines')\n",
                "exits.py": "raise SystemExit(9)\n",
                "nokind.py": "KIND = 7\n",
                "renamed.py": f"{other}KIND = Kind('another', configured)\n",
            },
        )

    def test_a_configuration_that_asks_for_none_is_good(self) -> None:
        code, _, err = self.command("check", SECTION.format("nginx-rtmp", "http://h/stat"))
        self.assertEqual((code, err), (0, ""))

    def test_each_is_named_where_it_is_asked_for(self) -> None:
        for kind, words in (
            ("raises", "which cannot be loaded: OSError: two\N{REPLACEMENT CHARACTER}lines"),
            ("exits", "which cannot be loaded: SystemExit: 9"),
            ("absent", "which cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
            ("nokind", "whose entry point is no Kind but int"),
            ("renamed", "whose Kind has another name than its entry point: another"),
        ):
            with self.subTest(kind):
                code, out, err = self.command("check", SECTION.format(kind, "http://h"))
                self.assertEqual((code, out), (1, ""))
                self.assertEqual(
                    err,
                    f'tvmon.conf: server[1].kind = "{kind}": is of another package, {words}\n',
                )

    def test_what_is_there_already_is_not_replaced(self) -> None:
        config = '[[server]]\nkind = "tvie"\nname = "a"\napi = "http://h/x"\ntoken = "t"\n'
        code, _, err = self.command("check", config)
        self.assertEqual((code, err), (0, ""))
