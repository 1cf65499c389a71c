"""The ``[[server]]`` sections: what they become, and what can be wrong with them."""

from __future__ import annotations

import re
import unittest

from hypothesis import given
from hypothesis import strategies as st

from tests.configured import SERVER, ConfigTests
from tvmon.config import ConfigError, Rule, Watched
from tvmon.config.watched import watched
from tvmon.servers.kinds import kinds
from tvmon.servers.tvie import TVie
from tvmon.settings import Section
from tvmon.streams import Stream
from tvmon.words import any_of


class TVieTests(ConfigTests):
    """A server of kind ``tvie``, and what holds for all kinds."""

    def test_a_server_of_kind_tvie(self) -> None:
        text = (
            SERVER.replace("s3cret", "${TOKEN}")
            + "monitor_cdn = true\n"
            + """
[[server.extra_streams]]
stream_id = 294
unify_name = "Mehao[media1.example]/tvie/channel_zhso/xfw"
sample_interface = "http://media1.example/tag_live_monitor/tvie/zhso/xfw"
"""
        )
        extra = Stream.of(
            "east",
            "294",
            294,
            "Mehao[media1.example]/tvie/channel_zhso/xfw",
            "http://media1.example/tag_live_monitor/tvie/zhso/xfw",
        )
        self.assertEqual(
            self.load(text, TOKEN="a<b").servers,
            (
                Watched(
                    TVie(
                        "east",
                        "http://east.example/api",
                        "a<b",
                        monitor_cdn=True,
                        extra_streams=(extra,),
                    ),
                    "tvie",
                ),
            ),
        )

    def test_a_server_of_extra_streams_alone_needs_no_api(self) -> None:
        [watched] = self.load("""
[[server]]
kind = "tvie"
name = "east"
[[server.extra_streams]]
stream_id = 1
unify_name = "one"
sample_interface = "http://[2001:db8::1]:80/x"
""").servers
        server = watched.server
        assert isinstance(server, TVie)
        self.assertEqual(server.api, "")
        self.assertEqual([stream.key for stream in server.extra_streams], ["1"])

    def test_servers(self) -> None:
        for change, expected in (
            ("name = ''", 'server[1].name = "": must not be empty'),
            (f"name = '{'x' * 101}'", "must be 1 to 100 characters"),
            ("name = ' a'", 'server[1].name = " a": must be 1 to 100 characters, without a blank'),
            (r'name = "a\u0007"', "must be on one line, without control characters"),
            ("api = 'east.example/api'", "must be an http:// or https:// URL"),
            ("api = 'http://u:geheim@h/'", 'server[1].api = "http://...@h/": must be an http'),
            ("api = 'http://h/?key=geheim'", 'server[1].api = "http://h/?...": must be an http'),
            ("token = ''", "server[1].token: must not be empty"),
            ("token = '${NOPE}'", "server[1].token: the environment has no NOPE"),
            ("monitor_cdn = 1", "server[1].monitor_cdn = 1: must be true or false"),
            (
                "extra_streams = 3",
                "must be tables, each of which begins with [[server.extra_streams]]",
            ),
        ):
            with self.subTest(change):
                key = change.partition(" ")[0]
                text = re.sub(rf"(?m)^{key} = .*\n", "", SERVER) + change
                [line] = self.wrong(text)
                self.assertIn(expected, line)
                self.assertNotIn("geheim", line)

    def test_a_server_without_its_keys(self) -> None:
        lines = self.wrong("[[server]]")
        self.assertEqual(
            lines,
            [
                "server[1].name: is missing, must be 1 to 100 characters, without a blank at"
                " either end",
                f"server[1].kind: is missing, must be {any_of([*kinds()])}",
            ],
        )
        lines = self.wrong("[[server]]\nkind = 'tvie'\nname = 'a'\napi = 'http://h/'")
        self.assertEqual(lines, ["server[1].token: is missing, must be the read token of the API"])
        lines = self.wrong("[[server]]\nkind = 'tvie'\nname = 'a'")
        self.assertIn("server[1].api: is missing, must be an http", lines[0])

    def test_two_servers_of_one_name(self) -> None:
        [line] = self.wrong(SERVER + SERVER)
        self.assertEqual(
            line,
            'server[2].name = "east": is the name of server[1] too; each needs a name of its own',
        )

    def test_extra_streams(self) -> None:
        lines = self.wrong(
            SERVER
            + """
[[server.extra_streams]]
stream_id = -1
unify_name = "one"
sample_interface = "rtmp://h/x"
[[server.extra_streams]]
stream_id = 2
sample_interface = "http://h/x y"
[[server.extra_streams]]
stream_id = 2
unify_name = "three"
sample_interface = "http://h/x"
url = "http://h/x"
"""
        )
        self.assertEqual(
            [line.split(":")[0].split(" ")[0] for line in lines],
            [
                "server[1].extra_streams[1].stream_id",
                "server[1].extra_streams[1].sample_interface",
                "server[1].extra_streams[2].sample_interface",
                "server[1].extra_streams[2].unify_name",
                "server[1].extra_streams[3].stream_id",
                "server[1].extra_streams[3].url",
            ],
        )


NGINX = """
[[server]]
kind = "nginx-rtmp"
name = "ingest"
url = "http://10.0.0.5/stat"
"""


class TermsTests(ConfigTests):
    """On what terms a server is watched, whatever its kind."""

    def watched(self, text: str) -> Watched:
        [server] = self.load(text).servers
        return server

    def test_a_kind_has_terms_of_its_own(self) -> None:
        server = self.watched(NGINX)
        self.assertEqual((server.name, server.kind, server.rules), ("ingest", "nginx-rtmp", ()))
        self.assertEqual((server.keep_missing_seconds, server.requests_at_once), (3600.0, 0))
        self.assertEqual(self.watched(SERVER).keep_missing_seconds, 0.0)

    def test_the_configuration_has_the_last_word(self) -> None:
        server = self.watched(NGINX + "keep_missing_minutes = 0.5\nrequests_at_once = 4")
        self.assertEqual((server.keep_missing_seconds, server.requests_at_once), (30.0, 4))
        self.assertEqual(self.watched(NGINX + "keep_missing_minutes = 0").keep_missing_seconds, 0)

    def test_rules_in_their_order(self) -> None:
        server = self.watched(
            NGINX
            + """
[[server.streams]]
match = "live/news*"
expected_kbps = 4500
[[server.streams]]
match = "*/backup"
may_sleep = true
"""
        )
        self.assertEqual(
            server.rules,
            (Rule("live/news*", 4500), Rule("*/backup", may_sleep=True)),
        )

    def test_terms_make_another_server(self) -> None:
        for line in ("keep_missing_minutes = 1", "[[server.streams]]\nmatch = 'a'"):
            self.assertNotEqual(self.watched(NGINX), self.watched(f"{NGINX}{line}"))

    def test_a_new_password_in_its_file_makes_another_server(self) -> None:
        secret = self.folder / "secret"
        text = NGINX + "user = 'u'\npassword_file = 'secret'"
        secret.write_text("one\n")
        before = self.watched(text)
        self.assertEqual(before, self.watched(text))
        self.assertNotIn("one", repr(before))
        secret.write_text("two\n")
        self.assertNotEqual(before, self.watched(text))

    def test_wrong_terms(self) -> None:
        for line, expected in (
            (
                "keep_missing_minutes = -1",
                "keep_missing_minutes = -1: must be a number of minutes, 0 to 525600",
            ),
            (
                "requests_at_once = 1.5",
                "requests_at_once = 1.5: must be a whole number of requests, 0 to 100000",
            ),
            ("streams = 1", "must be tables, each of which begins with [[server.streams]]"),
            (
                "[[server.streams]]",
                'streams[1].match: is missing, must be a pattern such as "live/news*"',
            ),
            ("[[server.streams]]\nmatch = ''", 'streams[1].match = "": must not be empty'),
            (
                f"[[server.streams]]\nmatch = '{'x' * 501}'",
                'must be a pattern such as "live/news*", up to 500 characters',
            ),
            (
                "[[server.streams]]\nmatch = 'a'\nexpected_kbps = -1",
                "streams[1].expected_kbps = -1: must be a whole number of kbit/s, 0 to 10000000",
            ),
            (
                "[[server.streams]]\nmatch = 'a'\nmay_sleep = 'yes'",
                'streams[1].may_sleep = "yes": must be true or false',
            ),
            (
                "[[server.streams]]\nmatch = 'a'\nmaysleep = true",
                "streams[1].maysleep: unknown key; did you mean may_sleep?",
            ),
        ):
            with self.subTest(line):
                [told] = self.wrong(NGINX + line)
                self.assertIn(expected, told)

    def test_an_unknown_kind_is_named_with_a_near_one(self) -> None:
        [line] = self.wrong(NGINX.replace("nginx-rtmp", "nginx-rtpm"))
        self.assertIn("did you mean nginx-rtmp?", line)

    def test_a_key_of_another_kind_is_unknown(self) -> None:
        [line] = self.wrong(NGINX + "monitor_cdn = true")
        self.assertIn("server[1].monitor_cdn: unknown key;", line)


class RuleTests(unittest.TestCase):
    """Which streams a rule holds for, and what they are then."""

    STREAM = Stream.of("ingest", "live/News1", None, "ingest[10.0.0.5]/live/News1", "http://h#x")

    def test_a_pattern_is_that_of_file_names(self) -> None:
        for match, holds in (
            ("live/News1", True),
            ("live/*", True),
            ("*", True),
            ("*News?", True),
            ("live/[MN]ews1", True),
            ("ingest[[]10.0.0.5]/*", True),
            ("live/news1", False),
            ("News1", False),
            ("live", False),
        ):
            with self.subTest(match):
                self.assertEqual(Rule(match).holds_for(self.STREAM), holds)

    def test_the_first_rule_that_holds_counts(self) -> None:
        rules = (Rule("other"), Rule("live/*", 800), Rule("*", 900, may_sleep=True))
        known = Watched(TVie("ingest", "", ""), "tvie", rules).known(self.STREAM)
        self.assertEqual((known.kind, known.expected_kbps, known.may_sleep), ("tvie", 800, False))
        self.assertEqual(known.mms_stream_id, self.STREAM.mms_stream_id)

    def test_without_a_rule_nothing_is_expected_and_nothing_may_sleep(self) -> None:
        known = Watched(TVie("ingest", "", ""), "tvie", (Rule("other"),)).known(self.STREAM)
        self.assertEqual((known.expected_kbps, known.may_sleep), (None, False))


class EveryKindTests(ConfigTests):
    """What holds for all kinds."""

    @given(st.data())
    def test_any_value_in_any_key_is_read_or_told(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from([*kinds()]))
        tried = Section(Section.of("", "f", {})._problems, {}, {"name": "a"})
        kinds()[kind].configured(tried)
        values = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
        nested = values | st.lists(values | st.dictionaries(st.text(), values))
        table = data.draw(st.dictionaries(st.sampled_from([*tried.asked, "streams"]), nested))
        top = Section.of("", "f", {})
        read = Section(top._problems, {}, {"server": [{"name": "a", **table, "kind": kind}]})
        watched(read.tables("server"))
        try:
            read.finish()
        except ConfigError as error:
            self.assertEqual(len(str(error).splitlines()), len(error.problems))

    def test_a_server_of_the_simplest_kind_is_equal_to_itself_read_again(self) -> None:
        for kind in kinds():
            section = f"[[server]]\nkind = '{kind}'\nname = 'a'\n"
            lines = {
                "tvie": "api = 'http://h/x'\ntoken = 't'",
                "hls": "[[server.playlists]]\nname = 'p'\nurl = 'http://h/x.m3u8'",
            }
            text = section + lines.get(kind, "url = 'http://h/x'")
            with self.subTest(kind):
                self.assertEqual(self.load(text), self.load(text))
                self.assertEqual(hash(self.load(text).servers), hash(self.load(text).servers))
