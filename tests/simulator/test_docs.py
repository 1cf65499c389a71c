"""The page about the simulator tells of everything, and its commands work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.talking import SimulatorTestCase
from tvmon.simulator.behaviours import API_KINDS, KINDS, SERVER_KINDS
from tvmon.simulator.settings import load
from tvmon.simulator.tap import Options

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text("utf-8")
OPTIONS = ("config", "streams", "mix", "seed", "token", "servers", "cdn", "close", "listen")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for its_language, text in found if its_language == language]


class PageTests(SynchronousTestCase):
    def test_it_names_every_behaviour_and_its_number(self) -> None:
        rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
        self.assertEqual(list(rows), list(KINDS))
        for name, kind in KINDS.items():
            number = kind.parameter
            expected = "" if number is None else f"`{number.name}`, {number.default:g}"
            self.assertEqual(rows[name].strip(), expected)

    def test_it_names_every_mode_and_option(self) -> None:
        for name in (*API_KINDS, *SERVER_KINDS):
            self.assertRegex(PAGE, rf'["`]{name}["`]')
        for option in OPTIONS:
            self.assertRegex(PAGE, rf"`--{option}[ `]")

    def test_its_file_is_taken(self) -> None:
        path = Path(self.mktemp())
        path.write_text(blocks("toml")[1])
        options = Options()
        options.parseOptions(["--config", str(path)])
        self.assertEqual(options["settings"].named[0].behaviour.number, 33)
        self.assertEqual(len(load(path)), 5)


class CommandTests(SimulatorTestCase):
    async def test_its_commands_do_what_they_say(self) -> None:
        simulator = await self.simulator()
        text = "".join(blocks("")).replace("\\\n", "")
        commands = [shlex.split(line) for line in text.splitlines() if line.startswith("curl")]
        self.assertGreater(len(commands), 15)
        for command in commands:
            url = next(word for word in command if word.startswith("http://127.0.0.1:8090/"))
            body = command[command.index("-d") + 1].encode() if "-d" in command else None
            method = "GET" if body is None else "POST"
            if "-X" in command:
                method = command[command.index("-X") + 1]
            path = url.removeprefix("http://127.0.0.1:8090/control")
            status, answer = await self.control(simulator, method, path, body)
            self.assertIn(status, (200, 201), (command, answer))
        self.assertEqual(simulator.media.streams[22].behaviour.name, "healthy")
        self.assertNotIn(21, simulator.media.streams)
        self.assertEqual(simulator.media.api.name, "ok")
