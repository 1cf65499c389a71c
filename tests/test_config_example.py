"""The configurations that come along, ``etc/*.conf``."""

from __future__ import annotations

import re
import tempfile
import tomllib
import unittest
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from tvmon.config import load, read
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.servers.kinds import OURS
from tvmon.settings import Section

CHECKOUT = Path(__file__).resolve().parent.parent
ETC = CHECKOUT / "etc"
OTHER_WAYS = r'(?m)^(?:[a-z]+_file = .*|token = "\$\{MTX_TOKEN\}")\n'
"""What stands in the place of another option, and is wrong beside it."""

COMMON = re.compile(r"keep_missing_minutes|requests_at_once|streams\b")


class ExampleTests(unittest.TestCase):
    """The files that come along."""

    def test_the_example_is_good_as_it_stands(self) -> None:
        config = load(ETC / "tvmon.conf", {})
        self.assertEqual([server.name for server in config.servers], ["simulator"])
        self.assertEqual(config.web.listen, ("tcp:8080:interface=127.0.0.1",))

    def test_the_demo_is_good_with_what_make_run_gives_it(self) -> None:
        config = load(
            ETC / "demo.conf",
            {
                "TVMON_DEMO_PORT": "8080",
                "TVMON_DEMO_SIMULATOR_PORT": "8090",
                "TVMON_DEMO_FOLDER": "/x/var/demo",
            },
        )
        self.assertEqual(config.database.directory, Path("/x/var/demo/database"))
        self.assertEqual(len(config.servers), 1)

    def test_every_field_of_polling_and_scoring_is_an_option(self) -> None:
        top = Section.of("", "f", {})
        read(top, Path("/"))
        known = dict(asked(top))
        for table, values in (("polling", Polling), ("score", Scoring)):
            for field in fields(values):
                self.assertIn(f"{table}.{field.name}", known)


class DocumentTests(unittest.TestCase):
    """The sections that the documents show."""

    def test_every_section_is_good(self) -> None:
        documents = [CHECKOUT / "README.md", *CHECKOUT.glob("docs/**/*.md")]
        for document in documents:
            text = document.read_text()
            for block in re.findall(r"(?m)^(    \[\[server\]\]\n(?:    .*\n|\n(?=    ))+)", text):
                with self.subTest(document.name, block=block):
                    section = re.sub(r"(?m)^    ", "", block)
                    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", section), "x")
                    top = Section.of(section, "f", environ)
                    read(top, Path("/"))
                    top.finish()

    def test_the_first_configuration_has_three_kinds(self) -> None:
        [block] = re.findall(
            r"(?m)^((?:    \[\[server\]\]\n(?:    .*\n)+\n?)+)",
            (CHECKOUT / "README.md").read_text(),
        )
        servers = tomllib.loads(re.sub(r"(?m)^    ", "", block))["server"]
        self.assertEqual(len({server["kind"] for server in servers}), 3)


class OptionTests(unittest.TestCase):
    """``etc/tvmon.conf`` with all that is commented out taken in."""

    def setUp(self) -> None:
        self.options = re.sub(r"(?m)^#(?=[a-z_]+ = |\[)", "", (ETC / "tvmon.conf").read_text())
        self.written = tomllib.loads(self.options)
        environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", self.options), "x")
        self.top = Section.of(re.sub(OTHER_WAYS, "", self.options), "f", environ)
        self.config = read(self.top, Path("/"))
        self.top.finish()
        self.servers = [c for c in self.top.children if c._path.startswith("server[")]

    def assert_told(self, written: dict[str, object], known: dict[str, object]) -> None:
        """What is written is all that there is, at its default where it has one."""
        self.assertEqual(written.keys(), known.keys())
        for key, default in known.items():
            if default is not None:
                with self.subTest(key):
                    plain = list(default) if isinstance(default, tuple) else default
                    self.assertEqual(written[key], plain)

    def test_every_option_beside_the_servers_is_there_with_its_real_default(self) -> None:
        written = {key: value for key, value in self.written.items() if key != "server"}
        known = {key: value for key, value in asked(self.top) if not key.startswith("server.")}
        self.assert_told(dict(flat(written)), known)

    def test_there_is_a_section_for_each_kind(self) -> None:
        self.assertEqual([server.kind for server in self.config.servers], [k.name for k in OURS])

    def test_every_option_of_each_kind_is_there_with_its_real_default(self) -> None:
        for number, (section, written) in enumerate(
            zip(self.servers, self.written["server"], strict=True)
        ):
            with self.subTest(written["kind"]):
                known = {key.removeprefix("server."): value for key, value in asked(section)}
                if number:  # what holds for all kinds is told once
                    known = {key: known[key] for key in known if not COMMON.match(key)}
                self.assert_told(dict(flat(written)), known)

    def test_each_section_is_good_by_itself(self) -> None:
        for section in re.split(r"(?m)^(?=\[\[server\]\])", self.options)[1:]:
            environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", section), "x")
            top = Section.of(re.sub(OTHER_WAYS, "", section), "f", environ)
            read(top, Path("/"))
            top.finish()

    def test_the_other_ways_to_give_a_secret_are_good_too(self) -> None:
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write("geheim")
            secret.flush()
            by_file = re.sub(r"(?m)^(password|token) = .*\n(?=\1_file)", "", self.options)
            by_file = re.sub(r"(?m)^([a-z]+_file) = .*", rf'\1 = "{secret.name}"', by_file)
            mtx = by_file.index('kind = "mediamtx"')
            for other in (r"token_file = .*", r"(?:user|password_file) = .*"):
                with self.subTest(other):
                    text = by_file[:mtx] + re.sub(rf"(?m)^{other}\n", "", by_file[mtx:])
                    top = Section.of(text, "f", {"NEWS_TOKEN": "t"})
                    config = read(top, Path("/"))
                    top.finish()
                    self.assertEqual(config.web.password, "geheim")
                    self.assertNotIn("geheim", repr(config))

    def test_what_is_said_of_the_defaults_of_kinds_is_true(self) -> None:
        zero = {kind.name for kind in OURS if kind.keep_missing_minutes == 0}
        self.assertEqual(zero, {"tvie", "hls"})
        self.assertEqual({kind.keep_missing_minutes for kind in OURS}, {0.0, 60.0})
        bounds = {kind.name: kind.requests_at_once for kind in OURS if kind.requests_at_once}
        self.assertEqual(bounds, {"hls": 32})


def flat(table: dict[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """Every value of a TOML file by its way there, lists of tables without their number."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{key}.")
        elif isinstance(value, list) and all(isinstance(each, dict) for each in value):
            for each in value:
                yield from flat(each, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def asked(section: Section) -> Iterator[tuple[str, object]]:
    """Every key that was asked for, with its default."""
    path = re.sub(r"\[\d+\]", "", section._path)
    below = {re.sub(r"\[\d+\]", "", child._path) for child in section.children}
    for key, default in section.asked.items():
        full = f"{path}.{key}" if path else key
        if full not in below:
            yield full, default
    for child in section.children:
        yield from asked(child)
