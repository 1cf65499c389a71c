"""The configurations that come along, ``etc/*.conf``."""

from __future__ import annotations

import re
import tomllib
import unittest
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from tvmon.config import load, read
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.settings import Section

ETC = Path(__file__).resolve().parent.parent / "etc"


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

    def test_the_example_names_every_option_with_its_real_default(self) -> None:
        options = re.sub(r"(?m)^#(?=[a-z_]+ = |\[)", "", (ETC / "tvmon.conf").read_text())
        written = dict(flat(tomllib.loads(options)))
        top = Section.of(options, "f", {"TVMON_TOKEN": "t", "TVMON_PASSWORD": "p"})
        read(top, Path("/"))
        top.finish()
        known = dict(asked(top))
        self.assertEqual(written.keys(), known.keys())
        for key, default in known.items():
            if default is not None:
                with self.subTest(key):
                    self.assertEqual(
                        written[key], list(default) if isinstance(default, tuple) else default
                    )

    def test_every_field_of_polling_and_scoring_is_an_option(self) -> None:
        top = Section.of("", "f", {})
        read(top, Path("/"))
        known = dict(asked(top))
        for table, values in (("polling", Polling), ("score", Scoring)):
            for field in fields(values):
                self.assertIn(f"{table}.{field.name}", known)


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
