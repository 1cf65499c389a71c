"""
What is installed, from a wheel, an editable install and a source distribution.

Each is really built and installed, into an environment that borrows what tvmon depends on from
the one that runs the tests; no registry is asked.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import unittest
import zipfile
from pathlib import Path

import setuptools

import tvmon
from tvmon import places

CHECKOUT = Path(__file__).resolve().parent.parent
OUR_PLUGINS = {"tvmon", "tvie-simulator"}
PURELIB = Path(sysconfig.get_paths()["purelib"])
NOT_SOURCE = shutil.ignore_patterns(
    *(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "dropin.cache*"),
    *("build", "dist", "var", "*.egg-info", "_trial_temp*"),
)

needs_setuptools = unittest.skipUnless(
    int(setuptools.__version__.partition(".")[0]) >= 77,
    f"setuptools {setuptools.__version__} does not know this pyproject.toml",
)


def run(*arguments: str | Path, cwd: Path | str = "/", **environ: str) -> str:
    """What a program prints; its errors too where it fails."""
    clean = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [str(a) for a in arguments],
        cwd=cwd,
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def build(source: Path, what: str, target: Path) -> Path:
    """A ``wheel`` or an ``sdist`` of a source tree, by its own build backend."""
    code = f"import sys, setuptools.build_meta as b; print(b.build_{what}(sys.argv[1]))"
    target.mkdir(exist_ok=True)
    return target / run(sys.executable, "-c", code, target, cwd=source).splitlines()[-1]


def files_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def plugins(python: Path | str, **environ: str) -> set[str]:
    """The commands that ``twistd --help`` lists, run by this Python."""
    code = "from twisted.scripts.twistd import run; run()"
    commands = run(python, "-c", code, "--help", **environ).partition("\nCommands:\n")[2]
    return set(re.findall(r"(?m)^    ([a-z-]+)", commands))


class Environment:
    """
    A virtual environment that finds what tvmon depends on where the tests find it.

    :param own: distributions that it has a copy of, in the folder that tvmon is installed into
    """

    def __init__(self, top: Path, own: tuple[str, ...] = ()) -> None:
        run(sys.executable, "-m", "venv", "--without-pip", top)
        self.top = top
        self.bin = top / "bin"
        self.python = self.bin / "python"
        self.packages = Path(
            run(
                self.python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"
            ).strip()
        )
        (self.packages / "zz_borrowed.pth").write_text(f"{PURELIB}\n")
        for name in own:
            self._copy(name)

    def _copy(self, name: str) -> None:
        for file in importlib.metadata.files(name) or ():
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                target = self.packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)

    def pip(self, *arguments: str | Path, **environ: str) -> None:
        """The pip that the tests' own environment has, at work in this one."""
        quiet = ("--quiet", "--disable-pip-version-check", "--no-cache-dir")
        run(sys.executable, "-m", "pip", "--python", self.python, *quiet, *arguments, **environ)

    def install(self, *arguments: str | Path, **environ: str) -> None:
        alone = ("--no-deps", "--no-index", "--no-build-isolation")
        self.pip("install", *alone, *arguments, **environ)

    def plugins(self) -> set[str]:
        """The plugins that this environment's ``twistd`` has."""
        return plugins(self.python)

    def ask(self, expression: str, **environ: str) -> str:
        """The value of an expression about tvmon, as that environment sees it."""
        code = f"import tvmon, tvmon.places as places; print({expression})"
        return run(self.python, "-c", code, **environ).strip()


class PackagingTestCase(unittest.TestCase):
    """Has a folder that goes when the class's tests are done."""

    top: Path

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.mkdtemp(prefix="tvmon-packaging-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.top = Path(folder)
        cls.source = cls.top / "checkout"
        shutil.copytree(CHECKOUT, cls.source, ignore=NOT_SOURCE)

    def assert_found(self, environment: Environment, web: Path, etc: Path) -> None:
        """twistd lists the plugins, and everything that is not Python is where it is looked for."""
        self.assertLessEqual(OUR_PLUGINS, environment.plugins())
        self.assertEqual(environment.ask("places.web()"), str(web))
        self.assertEqual(environment.ask("places.etc()"), str(etc))
        for name in ("index.html", *self.below("web")):
            self.assertTrue((web / name).is_file(), name)
        for name in ("tvmon.conf", "demo.conf", "tvmon.service"):
            self.assertTrue((etc / name).is_file(), name)
        package = Path(environment.ask("tvmon.__file__")).parent
        for name in ("py.typed", *(f"store/schema/{n}" for n in self.below("tvmon/store/schema"))):
            self.assertTrue((package / name).is_file(), name)

    def below(self, folder: str) -> list[str]:
        """Every file in a folder of the source."""
        top = self.source / folder
        return [str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()]


@needs_setuptools
class WheelTests(PackagingTestCase):
    """``pip install tvmon-....whl``, and the way back."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.wheel = build(cls.source, "wheel", cls.top / "dist")

    def test_installed_and_uninstalled_beside_twisted(self) -> None:
        environment = Environment(self.top / "venv", own=("Twisted",))
        twisted = environment.packages / "twisted"
        before = set(twisted.rglob("*.py"))
        environment.install(self.wheel)
        share = environment.top / "share/tvmon"
        self.assert_found(environment, share / "web", share / "etc")
        self.assertTrue((twisted / "plugins/tvmon_plugin.py").is_file())
        self.assertIn("usage", run(environment.bin / "tvmon", "--help").lower())
        self.assertFalse((environment.packages / "tests").exists())
        environment.pip("uninstall", "--yes", "tvmon")
        self.assertEqual(set(twisted.rglob("*.py")), before)
        self.assertFalse(OUR_PLUGINS & environment.plugins())
        left = [*share.rglob("*"), *(environment.packages / "tvmon").rglob("*")]
        self.assertEqual([path for path in left if path.is_file()], [])

    def test_only_what_is_ours_is_installed(self) -> None:
        tops = {name.partition("/")[0] for name in files_of(self.wheel)}
        about = f"tvmon-{tvmon.__version__}"
        self.assertEqual(tops, {"tvmon", "twisted", f"{about}.dist-info", f"{about}.data"})
        twisted = {name for name in files_of(self.wheel) if name.startswith("twisted/")}
        self.assertEqual(
            twisted,
            {"twisted/plugins/tvmon_plugin.py", "twisted/plugins/tvie_simulator_plugin.py"},
        )

    def test_for_one_user_it_lies_below_his_home(self) -> None:
        """As ``pip install --user`` lays it out: packages and data below the user's base."""
        environment = Environment(self.top / "user-venv")
        base = self.top / "user"
        config = environment.top / "pyvenv.cfg"
        config.write_text(config.read_text().replace("-packages = false", "-packages = true"))
        environment.install("--user", self.wheel, PYTHONUSERBASE=str(base))
        found = environment.ask("places.web()", PYTHONUSERBASE=str(base))
        self.assertEqual(found, str(base / "share/tvmon/web"))


@needs_setuptools
class EditableTests(PackagingTestCase):
    """``pip install -e .``: a tree of links."""

    def test_plugins_and_files_are_found_in_the_checkout(self) -> None:
        environment = Environment(self.top / "venv")
        environment.install("--editable", self.source)
        self.assert_found(environment, self.source / "web", self.source / "etc")


@needs_setuptools
class SourceTests(PackagingTestCase):
    """``python -m build``: the source distribution."""

    def test_it_holds_what_a_checkout_holds_and_builds_the_same_wheel(self) -> None:
        sdist = build(self.source, "sdist", self.top / "dist")
        run("tar", "-xf", sdist, cwd=self.top)
        unpacked = self.top / f"tvmon-{tvmon.__version__}"
        for name in ("Makefile", "CHANGELOG.md", "tests/conftest.py", "scripts/demo.py", ".ci/run"):
            self.assertTrue((unpacked / name).is_file(), name)
        ours = build(self.source, "wheel", self.top / "from-checkout")
        theirs = build(unpacked, "wheel", self.top / "from-sdist")
        self.assertEqual(files_of(ours), files_of(theirs))
        self.assertFalse([name for name in files_of(ours) if name.startswith("tests")])


class CheckoutTests(unittest.TestCase):
    """What is run from a checkout, with ``PYTHONPATH``."""

    def test_twistd_finds_the_plugins(self) -> None:
        self.assertLessEqual(OUR_PLUGINS, plugins(sys.executable, PYTHONPATH=str(CHECKOUT)))

    def test_files_lie_beside_the_package(self) -> None:
        self.assertEqual(places.web(), CHECKOUT / "web")
        self.assertEqual(places.etc(), CHECKOUT / "etc")

    def test_what_the_operator_chose_is_the_only_choice(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(FileNotFoundError, f"no index.html in {folder}$"):
                places.web(Path(folder))
            (Path(folder) / "index.html").touch()
            self.assertEqual(places.web(Path(folder)), Path(folder))

    def test_where_it_is_nowhere_every_place_is_named(self) -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            self.assertRaisesRegex(FileNotFoundError, f"nor in|{sys.prefix}/share/tvmon/web"),
        ):
            places.web(here=Path(folder) / "lib/tvmon/places.py")
