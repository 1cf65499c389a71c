"""What a simulator may be started with: mixes, files, options."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.simulator.behaviours import KINDS, InputError, behaviour
from tvmon.simulator.channels import Server
from tvmon.simulator.media import Media
from tvmon.simulator.mix import DEFAULT_MIX, dealt, mix_of, read_mix
from tvmon.simulator.names import NAMES
from tvmon.simulator.settings import NamedStream, Settings, load
from tvmon.simulator.tap import Options, makeService

counts = st.integers(0, 400)


class MixTests(SynchronousTestCase):
    def test_the_default_is_a_lively_page_of_twenty(self) -> None:
        names = Counter(each.name for each in dealt(read_mix(DEFAULT_MIX), 20, 1))
        self.assertEqual(names["healthy"], 11)
        self.assertEqual(names["starved"], 3)
        for one in ("light", "delay", "down", "restarting", "502", "silent"):
            self.assertEqual(names[one], 1)

    def test_a_mix_is_read_as_it_is_written(self) -> None:
        mix = read_mix(" healthy=80, starved:60=10,starved=4,down=0 ")
        self.assertEqual([share.weight for share in mix], [80, 10, 4])
        self.assertEqual(mix[1].behaviours, (behaviour("starved", 60),))
        rates = [each.number for each in dealt(mix_of({"starved": 1}), 8, 1)]
        self.assertEqual(Counter(rates), {60: 2, 20: 2, 5: 2, 80: 2})

    def test_what_is_wrong_is_named(self) -> None:
        for text, words in (
            ("", "not of the form behaviour=weight"),
            ("healthy", "'healthy' is not of the form"),
            ("healthy=-1", "not of the form"),
            ("healthy=1,healthy=2", "is in the mix twice"),
            ("ill=1", "there is no behaviour 'ill'; allowed: healthy"),
            ("starved:lots=1", "'lots' in 'starved:lots' is not a number"),
            ("starved:-5=1", "kilobytes_per_second is -5"),
            ("starved:nan=1", "kilobytes_per_second is nan"),
            ("down:5=1", "down takes no number"),
            ("healthy=0", "no behaviour of the mix has any weight"),
            ("healthy=9999999999", "not a whole number"),
        ):
            self.assertIn(words, str(self.assertRaises(InputError, read_mix, text)))

    @given(st.dictionaries(st.sampled_from(sorted(KINDS)), st.integers(0, 100), min_size=1), counts)
    def test_shares_are_kept_to_within_one_stream(self, weights: dict[str, int], n: int) -> None:
        if not any(weights.values()):
            return
        hand = dealt(mix_of(weights), n, 1)
        self.assertEqual(len(hand), n)
        names = Counter(each.name for each in hand)
        for name, weight in weights.items():
            exact = weight * n / sum(weights.values())
            self.assertLess(abs(names[name] - exact), 1)

    @given(st.text())
    def test_any_text_is_a_mix_or_an_input_error(self, text: str) -> None:
        with contextlib.suppress(InputError):
            self.assertTrue(read_mix(text))


class MediaTests(SynchronousTestCase):
    def test_the_same_seed_gives_the_same_streams(self) -> None:
        def said(seed: int) -> list[object]:
            media = Media(Settings(streams=40, seed=seed), lambda: 0.0)
            return [media.counters(stream) for stream in media.streams.values()]

        self.assertEqual(said(1), said(1))
        self.assertNotEqual(said(1), said(2))

    def test_more_streams_change_nothing_about_the_first(self) -> None:
        few, many = (
            Media(Settings(streams=count, mix=read_mix("healthy=1")), lambda: 0.0)
            for count in (10, 100)
        )
        for number, stream in few.streams.items():
            self.assertEqual(few.counters(stream), many.counters(many.streams[number]))

    def test_display_names_are_in_many_scripts(self) -> None:
        media = Media(Settings(), lambda: 0.0)
        names = "".join(channel.display_name for channel in media.channels())
        self.assertTrue(any("\u4e00" <= letter <= "\u9fff" for letter in names))
        self.assertTrue(any("\u0400" <= letter <= "\u04ff" for letter in names))

    def test_no_two_streams_have_one_path_however_many_there_are(self) -> None:
        media = Media(Settings(streams=len(NAMES) * 20), lambda: 0.0)
        self.assertEqual(len(media._paths), len(NAMES) * 20)
        servers = Counter(channel.server.name for channel in media.channels())
        self.assertEqual(set(servers), {"media1"})

    def test_channels_are_dealt_out_to_the_servers(self) -> None:
        servers = tuple(Server(f"media{number}") for number in range(3))
        media = Media(Settings(streams=90, servers=servers), lambda: 0.0)
        dealt_out = Counter(channel.server.name for channel in media.channels())
        self.assertEqual(len(dealt_out), 3)
        self.assertLessEqual(max(dealt_out.values()) - min(dealt_out.values()), 1)


class FileTests(SynchronousTestCase):
    def load(self, text: str) -> dict[str, Any]:
        path = Path(self.mktemp())
        path.write_text(text)
        return load(path)

    def test_everything_may_be_in_it(self) -> None:
        found = self.load("""
            listen = ["tcp:1:interface=127.0.0.1", "tcp:2:interface=127.0.0.2"]
            streams = 3
            seed = 7
            token = "t"
            close = true
            remote_control = true
            mix = { healthy = 2, "starved:60" = 1 }
            [[server]]
            name = "north"
            [[server]]
            name = "south"
            address = "127.0.0.2:2"
            host_name = "cdn.example"
            [[stream]]
            channel_name = "one"
            server = "south"
            behaviour = "starved"
            kilobytes_per_second = 33
            needed_kilobytes_per_second = 50
            [[stream]]
            channel_name = "two"
        """)
        settings = Settings(**found)
        self.assertEqual(len(settings.listen), 2)
        self.assertEqual(settings.servers[1], Server("south", "127.0.0.2:2", "cdn.example"))
        self.assertEqual(
            settings.named,
            (
                NamedStream(
                    channel_name="one",
                    server="south",
                    behaviour=behaviour("starved", 33),
                    needed_kilobytes_per_second=50.0,
                ),
                NamedStream(channel_name="two"),
            ),
        )
        self.assertTrue(settings.close and settings.remote_control)
        self.assertEqual(len(Media(settings, lambda: 0.0).streams), 5)

    def test_every_problem_is_named_at_once(self) -> None:
        error = self.assertRaises(
            InputError,
            self.load,
            """
            stremas = 4
            streams = -1
            seed = true
            token = ""
            close = 1
            listen = []
            mix = "ill=1"
            server = [{ nme = "a" }]
            stream = [{ behaviour = "ill" }]
            """,
        )
        lines = str(error).splitlines()
        self.assertEqual(len(lines), 9)
        for words in (
            "stremas is unknown; allowed: listen, streams",
            "streams: -1 is not a whole number from 0",
            "seed: True is not a whole number",
            "token: '' is not a text",
            "close: 1 is neither true nor false",
            "listen: [] is neither",
            "mix: there is no behaviour 'ill'",
            "server: nme is unknown; allowed: name, address, host_name",
            "stream: there is no behaviour 'ill'",
        ):
            self.assertTrue(any(words in line for line in lines), words)

    def test_a_stream_needs_a_server_that_there_is(self) -> None:
        text = '[[stream]]\nchannel_name = "a"\nserver = "west"\n'
        self.assertIn("no server 'west'", str(self.assertRaises(InputError, self.load, text)))
        text = '[[server]]\nname = "a"\n[[server]]\nname = "a"\n'
        self.assertIn("two servers", str(self.assertRaises(InputError, self.load, text)))

    def test_what_is_no_file_or_no_toml_is_named(self) -> None:
        missing = Path(self.mktemp())
        self.assertIn(str(missing), str(self.assertRaises(InputError, load, missing)))
        self.assertRaises(InputError, self.load, "streams = ")


class OptionsTests(SynchronousTestCase):
    def parse(self, *arguments: str) -> Settings:
        options = Options()
        options.parseOptions(list(arguments))
        settings: Settings = options["settings"]
        return settings

    def refused(self, *arguments: str) -> str:
        return str(self.assertRaises(SystemExit, self.parse, *arguments))

    def test_without_any_it_is_the_default(self) -> None:
        self.assertEqual(self.parse(), Settings())

    def test_each_has_its_effect(self) -> None:
        settings = self.parse(
            *("--listen", "tcp:0", "-l", "unix:/tmp/s", "--streams=5", "--seed=-3"),
            *("--token=t", "--mix=down=1", "--servers=2", "--cdn=cdn.example"),
            *("--close", "--remote-control"),
        )
        expected = Settings(
            listen=("tcp:0", "unix:/tmp/s"),
            streams=5,
            mix=read_mix("down=1"),
            seed=-3,
            token="t",
            servers=tuple(Server(name, None, "cdn.example") for name in ("media1", "media2")),
            close=True,
            remote_control=True,
        )
        self.assertEqual(settings, expected)

    def test_they_win_over_the_file(self) -> None:
        path = Path(self.mktemp())
        path.write_text('streams = 3\nseed = 4\n[[server]]\nname = "north"\n')
        settings = self.parse("--config", str(path), "--streams=5", "--cdn=cdn.example")
        self.assertEqual((settings.streams, settings.seed), (5, 4))
        self.assertEqual(settings.servers, (Server("north", None, "cdn.example"),))

    def test_what_is_wrong_ends_the_start_with_words(self) -> None:
        for arguments, words in (
            (("--streams=x",), "streams: 'x' is not a whole number"),
            (("--servers=0",), "0 is not a whole number from 1 to 1000"),
            (("--mix=ill=1",), "there is no behaviour 'ill'"),
            (("--config=/nonexistent/file",), "/nonexistent/file"),
        ):
            said = self.refused(*arguments)
            self.assertTrue(said.startswith("tvie-simulator: "), said)
            self.assertIn(words, said)

    def test_two_streams_of_one_name_end_the_start_with_words(self) -> None:
        path = Path(self.mktemp())
        path.write_text('[[stream]]\nchannel_name = "a"\n[[stream]]\nchannel_name = "a"\n')
        options = Options()
        options.parseOptions(["--config", str(path)])
        said = str(self.assertRaises(SystemExit, makeService, options, object()))
        self.assertIn("there is a stream tvie/a/live already", said)
