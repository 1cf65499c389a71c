"""``scripts/environment``: a missing rrdtool is installed or named, and no run fails for it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
TOOLS = ("cat", "chmod", "cut", "dirname", "flock", "mkdir", "rm", "sha256sum", "tail")


class RrdtoolTests(unittest.TestCase):
    """The script in a checkout where everything else is there, on a machine made of a few tools."""

    def setUp(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="tvmon-environment-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.bin = self.top / "bin"
        for folder in ("bin", "scripts", ".venv"):
            (self.top / folder).mkdir()
        script = (CHECKOUT / "scripts/environment").read_text()
        (self.top / "scripts/environment").write_text(
            script.replace("/usr/sbin/policy-rc.d", str(self.top / "policy")).replace(
                ":/usr/sbin", ""
            )
        )
        for name in ("pyproject.toml", "setup.py"):
            shutil.copy(CHECKOUT / name, self.top)
        whole = b"".join(
            (self.top / name).read_bytes()
            for name in ("pyproject.toml", "setup.py", "scripts/environment")
        )
        (self.top / f".venv/run-{hashlib.sha256(whole).hexdigest()[:16]}").touch()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None, tool
            (self.bin / tool).symlink_to(found)

    def program(self, name: str, body: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def machine(self, uid: int, *, apt_get_fails: bool = False) -> None:
        self.program("id", f"echo {uid}")
        self.program("apt-get", f'echo "$*" >>{self.top}/apt; exit {int(apt_get_fails)}')

    def run_it(self, what: str, **environ: str) -> tuple[int, str]:
        """Its status, and what it says."""
        done = subprocess.run(
            ["/bin/sh", str(self.top / "scripts/environment"), what],
            env={"PATH": str(self.bin), **environ},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def asked_of_apt(self) -> str:
        path = self.top / "apt"
        return path.read_text() if path.exists() else ""

    def test_nothing_is_done_or_said_where_it_is(self) -> None:
        self.machine(0)
        self.program("rrdtool", "exit 1")
        self.assertEqual(self.run_it("run"), (0, ""))
        self.assertEqual(self.asked_of_apt(), "")

    def test_root_installs_it_with_a_font(self) -> None:
        self.machine(0)
        status, said = self.run_it("run")
        self.assertEqual(status, 0, said)
        self.assertIn("installing rrdtool fonts-dejavu-core", said)
        self.assertRegex(self.asked_of_apt(), r"install -y .*rrdtool fonts-dejavu-core\n$")
        self.assertFalse((self.top / "policy").exists())

    def test_a_user_is_told_how_to_get_it_and_the_run_goes_on(self) -> None:
        self.machine(1000)
        self.assertEqual(
            self.run_it("run", CI="1"),
            (
                0,
                "tvmon: no rrdtool, so no history and no graphs;"
                " as root: apt-get install rrdtool fonts-dejavu-core\n",
            ),
        )

    def test_a_run_goes_on_where_it_cannot_be_installed(self) -> None:
        self.machine(0, apt_get_fails=True)
        status, said = self.run_it("run", CI="1")
        self.assertEqual(status, 0)
        self.assertIn("apt-get install rrdtool fonts-dejavu-core failed", said)

    def test_tests_in_ci_must_have_it(self) -> None:
        self.machine(1000)
        for name in ("chromium", "ffmpeg", "nginx", "icecast2"):
            self.program(name, "")
        status, said = self.run_it("test", CI="1")
        self.assertEqual(status, 1)
        self.assertRegex(said, "as root: apt-get install rrdtool fonts-dejavu-core")

    def test_tests_in_ci_must_have_what_tvmon_is_measured_beside(self) -> None:
        self.machine(1000)
        status, said = self.run_it("test", CI="1")
        self.assertEqual(status, 1)
        self.assertRegex(
            said, "as root: apt-get install .*nginx-light .*prometheus collectd-core( lib.*)?\n"
        )

    def test_root_installs_it_and_none_of_it_is_started(self) -> None:
        self.machine(0)
        self.program("rrdtool", "exit 1")
        self.program("update-rc.d", f'echo "$*" >>{self.top}/services')
        (stamp,) = (self.top / ".venv").glob("run-*")
        stamp.rename(stamp.with_name(stamp.name.replace("run", "test")))
        status, said = self.run_it("test")
        self.assertEqual(status, 0, said)
        self.assertRegex(self.asked_of_apt(), r"install -y .* prometheus collectd-core")
        services = (self.top / "services").read_text().splitlines()
        for service in ("nginx", "icecast2", "prometheus", "collectd"):
            self.assertIn(f"{service} disable", services)

    def test_of_another_word_it_says_which_it_knows(self) -> None:
        self.machine(0)
        status, said = self.run_it("bench")
        self.assertEqual((status, self.asked_of_apt()), (2, ""))
        self.assertEqual(said, 'tvmon: scripts/environment run, or test; not "bench"\n')
