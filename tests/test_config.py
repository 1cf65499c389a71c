"""The configuration: what a file becomes, what can be wrong with it, and the examples."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.configured import SERVER, ConfigTests
from tvmon.config import LOG_LEVELS, ConfigError, read
from tvmon.config.endpoints import endpoint, is_local
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.settings import Section


class GoodTests(ConfigTests):
    """What a good file becomes."""

    def test_an_empty_file_is_all_defaults(self) -> None:
        config = self.load("")
        self.assertEqual(config.web.listen, ("tcp:8080:interface=127.0.0.1",))
        self.assertFalse(config.web.allow_anonymous)
        self.assertEqual(config.database.url, "embedded")
        self.assertEqual(config.database.keep_gone_seconds, 7 * 86400)
        self.assertEqual(config.polling, Polling())
        self.assertEqual(config.scoring, Scoring())
        self.assertEqual(config.log_level, "info")
        self.assertEqual(config.servers, ())

    def test_a_relative_directory_begins_at_the_file_and_not_where_tvmon_was_started(self) -> None:
        def directory(line: str) -> Path:
            return self.load(f"[database]\n{line}").database.directory

        self.assertEqual(directory(""), self.folder.parent / "var/lib/tvmon")
        self.assertEqual(directory('directory = "data"'), self.folder / "data")
        self.assertEqual(directory('directory = "/srv/tvmon"'), Path("/srv/tvmon"))

    def test_the_deadline_follows_the_interval_unless_it_is_set(self) -> None:
        self.assertEqual(self.load("[polling]\nsampling_seconds = 10").polling.deadline_seconds, 8)
        polling = self.load("[polling]\nsampling_seconds = 10\ndeadline_seconds = 3").polling
        self.assertEqual(polling.deadline_seconds, 3)
        polling = self.load("[polling]\nlisting_seconds = 5").polling
        self.assertEqual(polling.listing_deadline_seconds, 4)

    def test_the_deadline_is_a_round_number(self) -> None:
        self.assertEqual(repr(self.load("").polling.deadline_seconds), "2.4")

    def test_treq_can_be_chosen(self) -> None:
        self.assertEqual(self.load("").polling.http, "plain")
        self.assertEqual(self.load('[polling]\nhttp = "treq"').polling.http, "treq")
        (wrong,) = self.wrong('[polling]\nhttp = "trek"')
        self.assertEqual(wrong, 'polling.http = "trek": must be plain or treq; did you mean treq?')

    def test_equal_files_are_equal_configurations_part_by_part(self) -> None:
        one = self.load(SERVER)
        other = self.load("# the same\n" + SERVER)
        self.assertEqual(one, other)
        changed = self.load(SERVER + "[log]\nlevel = 'debug'")
        self.assertNotEqual(one, changed)
        for part in ("web", "database", "polling", "scoring", "servers"):
            self.assertEqual(getattr(one, part), getattr(changed, part))
        self.assertNotEqual(one.servers, self.load(SERVER.replace("s3cret", "other")).servers)

    def test_the_representation_shows_no_secret(self) -> None:
        config = self.load(
            '[web]\ntoken = "geheim"\nuser = "u"\npassword = "geheim"\n'
            '[database]\nurl = "postgresql://u:geheim@h/d"\n' + SERVER.replace("s3cret", "geheim")
        )
        self.assertNotIn("geheim", repr(config))
        self.assertEqual(config.web.token, "geheim")

    def test_databases_that_libpq_takes(self) -> None:
        for url in (
            "embedded",
            "postgresql:///tvmon?host=/run/postgresql",
            "postgres://u:p@db1:5432,db2:5433/tvmon",
            "host=db1 user=tvmon dbname=tvmon",
        ):
            with self.subTest(url):
                self.assertEqual(self.load(f'[database]\nurl = "{url}"').database.url, url)

    def test_every_level_of_the_log(self) -> None:
        for level in LOG_LEVELS:
            self.assertEqual(self.load(f"[log]\nlevel = '{level}'").log_level, level)


class WrongTests(ConfigTests):
    """Every wrong value, with file, key, value and what is allowed."""

    def test_everything_is_told_at_once_in_the_order_of_the_file(self) -> None:
        lines = self.wrong(
            "[polling]\nsampling_seconds = 0\nbody_byte = 1\n[web]\nlisten = []\n"
            "[[server]]\nkind = 'tvei'\n[log]\nlevel = 'loud'\n[datbase]\n"
        )
        self.assertEqual(
            [line.split(" ")[0].rstrip(":") for line in lines],
            [
                "polling.sampling_seconds",
                "polling.body_byte",
                "web.listen",
                "server[1].kind",
                "server[1].name",
                "log.level",
                "datbase",
            ],
        )
        self.assertIn("did you mean body_bytes?", lines[1])
        self.assertIn("did you mean database?", lines[6])

    def test_wrong_values(self) -> None:
        for text, expected in (
            ("polling]\nlisting_seconds = 0", "listing_seconds = 0: must be a number of seconds"),
            ("polling]\nsampling_seconds = 66", "sampling_seconds = 66: must be a number of"),
            (
                "polling]\nsampling_seconds = 3\ndeadline_seconds = 3",
                "deadline_seconds = 3: must be below sampling_seconds, which is 3",
            ),
            (
                "polling]\nlisting_deadline_seconds = 60",
                "listing_deadline_seconds = 60: must be below listing_seconds, which is 60",
            ),
            ("polling]\nbody_bytes = 1.5", "body_bytes = 1.5: must be a whole number of bytes"),
            ("polling]\nlisting_body_bytes = 5", "listing_body_bytes = 5: must be a whole number"),
            (
                "score]\nupstream_weight = 0.5",
                "upstream_weight = 0.5: and live_delay_weight must add up to 1; they add up to 0.7",
            ),
            (
                "score]\nlive_delay_weight = 0.5",
                "live_delay_weight = 0.5: and upstream_weight must add up to 1; they add up to 1.3",
            ),
            ("score]\nbad_score = 90", "bad_score = 90: bad_score, 90, must be below good_score"),
            ("score]\ngood_score = 20", "good_score = 20: bad_score, 20, must be below good_score"),
            ("score]\nwindow_seconds = 116", "window_seconds = 116: must be a number of seconds"),
            ("score]\nworst_delay_ms = 0", "worst_delay_ms = 0: must be a whole number of ms"),
            ("database]\nkeep_gone_days = -1", "keep_gone_days = -1: must be a number of days"),
            ("database]\ndirectory = ''", 'directory = "": must not be empty'),
            ("web]\nevent_clients = -1", "event_clients = -1: must be a whole number of readers"),
            ("web]\ntoken = 'a b'", "token: must be ASCII without blanks"),
            ("web]\nuser = 'a:b'\npassword = 'c'", 'user = "a:b": must hold no colon'),
            ("web]\nuser = 'a'", "password: is missing: a user needs one"),
            ("web]\npassword = 'a'", "user: is missing: a password needs one"),
            (
                "web]\ntoken = 'a'\nallow_anonymous = true",
                "allow_anonymous = true: must not be true beside a token or a password",
            ),
            (
                "web]\nlisten = ['tcp:0', 'tcp:0']\nallow_anonymous = true",
                'listen[2] = "tcp:0": is there twice',
            ),
        ):
            with self.subTest(text):
                [line] = self.wrong(f"[{text}")
                section = text.partition("]")[0]
                self.assertTrue(line.startswith(f"{section}.{expected}"), line)

    def test_a_wrong_database_shows_nothing_of_its_password(self) -> None:
        for url in (
            "embeded",
            "postgresql://u:geheim@h:port/d",
            "host=h password=geh eim",
            "host=h sparoute=1 password=geheim",
        ):
            with self.subTest(url):
                [line] = self.wrong(f'[database]\nurl = "{url}"')
                self.assertTrue(line.startswith('database.url: must be "embedded", or what libpq'))
                self.assertNotIn("eim", line.partition("or what libpq")[2])

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
        st.sampled_from(["web", "database", "polling", "score", "log", "server"]),
        st.data(),
    )
    def test_any_value_in_any_place_is_read_or_told(
        self, value: object, table: str, data: st.DataObject
    ) -> None:
        empty = Section.of("", "f", {})
        read(empty, Path("/"))
        asked = next(
            (c.asked for c in empty.children if c._path == table), {"kind": "", "name": ""}
        )
        key = data.draw(st.sampled_from([*asked, "api", "token", "extra_streams"]))
        inner: object = {"kind": "tvie", "name": "a", key: value}
        content = {table: [inner] if table == "server" else {key: value}}
        top = Section(Section.of("", "f", {})._problems, {}, content)
        read(top, Path("/"))
        try:
            top.finish()
        except ConfigError as error:
            self.assertEqual(len(str(error).splitlines()), len(error.problems))


class AccessTests(ConfigTests):
    """What other machines can reach is guarded, or open in so many words."""

    OPEN = (
        "tcp:8080",
        "tcp:8080:interface=0.0.0.0",
        "tcp:8080:interface=192.0.2.1",
        "tcp:8080:0.0.0.0",
        r"tcp6:8080",
        r"tcp6:8080:interface=\:\:",
        r"tcp6:8080:interface=2001\:db8\:\:1",
        "tcp:8080:interface=tvmon.example",
        "tcp:8080:interface=127.0.0.1.example",
        "systemd:domain=INET:index=0",
        "haproxy:tcp:8080:interface=127.0.0.1",
    )
    LOCAL = (
        "tcp:8080:interface=127.0.0.1",
        "tcp:8080:127.0.0.1",
        "tcp:port=8080:interface=127.0.0.2",
        "tcp:8080:interface=localhost",
        r"tcp:8080:interface=\:\:1",
        r"tcp6:8080:interface=\:\:1",
        r"tcp6:8080:50:\:\:1",
        "unix:/run/tvmon.sock",
        "unix:/run/tvmon.sock:mode=660",
    )

    def test_an_open_address_needs_a_guard(self) -> None:
        for text in self.OPEN:
            with self.subTest(text):
                [line] = self.wrong(f"[web]\nlisten = ['{text}']")
                self.assertIn("can be reached from other machines: set token, or user and", line)

    def test_a_guard_or_so_many_words_are_enough(self) -> None:
        for text in self.OPEN:
            for guard in ("token = 't'", "user = 'u'\npassword = 'p'", "allow_anonymous = true"):
                with self.subTest(text, guard=guard):
                    self.load(f"[web]\nlisten = ['{text}']\n{guard}")

    def test_a_local_address_needs_none(self) -> None:
        for text in self.LOCAL:
            with self.subTest(text):
                self.assertEqual(self.load(f"[web]\nlisten = ['{text}']").web.listen, (text,))

    def test_each_open_address_is_named(self) -> None:
        lines = self.wrong(
            "[web]\nlisten = ['foo:1', 'tcp:1:interface=127.0.0.1', 'tcp:2', 'tcp6:3']"
        )
        self.assertEqual(
            [line.split(" ")[0] for line in lines],
            ["web.listen[1]", "web.listen[3]", "web.listen[4]"],
        )


class WebFileTests(ConfigTests):
    """The token and the password of the page, from files."""

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "secret").write_text("geheim\n")

    def test_a_file_is_as_good_as_the_value(self) -> None:
        web = self.load("[web]\ntoken_file = 'secret'\nlisten = ['tcp:8080']").web
        self.assertEqual(web.token, "geheim")
        web = self.load("[web]\nuser = 'u'\npassword_file = 'secret'\nlisten = ['tcp:8080']").web
        self.assertEqual((web.user, web.password), ("u", "geheim"))
        self.assertNotIn("geheim", repr(web))

    def test_what_is_wrong_with_it_is_told_of_the_file_alone(self) -> None:
        for text, expected in (
            ("token_file = 'no'", 'web.token_file = "no": cannot be read: No such file or'),
            ("password_file = 'secret'", "web.user: is missing: a password needs one"),
            ("user = 'u'\npassword_file = 'no'", 'web.password_file = "no": cannot be read'),
            (
                "token_file = 'secret'\nallow_anonymous = true",
                "web.allow_anonymous = true: must not be true beside a token or a password",
            ),
        ):
            with self.subTest(text):
                [line] = self.wrong(f"[web]\n{text}")
                self.assertTrue(line.startswith(expected), line)

    def test_a_token_in_a_file_is_checked_as_any(self) -> None:
        (self.folder / "secret").write_text("geheim two\n")
        [line] = self.wrong("[web]\ntoken_file = 'secret'")
        self.assertEqual(
            line,
            'web.token_file = "secret": names a file whose content must be ASCII without blanks',
        )

    def test_a_file_that_is_wrong_leaves_no_address_open(self) -> None:
        [line] = self.wrong("[web]\ntoken_file = 'no'\nlisten = ['tcp:8080']")
        self.assertIn("web.token_file", line)


class EndpointTests(unittest.TestCase):
    """Endpoint strings, looked at and not opened."""

    def test_what_is_no_endpoint(self) -> None:
        for text, why in (
            ("", "must be an endpoint such as"),
            ("8080", "no such kind"),
            ("foo:1", "no such kind"),
            ("tcp", "missing or unknown"),
            ("tcp:http", "wrong"),
            ("tcp:1:interfce=127.0.0.1", "missing or unknown"),
            ("tcp:70000", "0 to 65535"),
            ("tcp:-1", "0 to 65535"),
            ("tcp6:70000", "0 to 65535"),
            ("tcp:1:backlog=x", "wrong"),
            ("tcp:80\\", "wrong"),
            ("unix:/x:mode=9", "wrong"),
            ("systemd:index=0", "needs a domain"),
            ("ssl:443:privateKey=/nowhere.pem", "cannot be opened: /nowhere.pem: No such file"),
        ):
            with self.subTest(text):
                self.assertIn(why, str(endpoint(text)))

    def test_a_certificate_that_is_none(self) -> None:
        with tempfile.NamedTemporaryFile() as file:
            wrong = endpoint(f"ssl:443:privateKey={file.name}")
        self.assertIn("its key or certificate cannot be used", str(wrong))

    @given(st.text(alphabet="tcp6:\\=ssl uni.01[]interface") | st.text())
    def test_any_text_is_an_endpoint_or_not(self, text: str) -> None:
        if endpoint(text) is None:
            is_local(text)
