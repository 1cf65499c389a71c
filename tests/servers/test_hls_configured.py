"""Playlists in the configuration, and the secrets in it: where they go, and where not."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.hls_web import URL, Case
from tests.servers.playlists import MASTER, media
from tvmon.errors import BadAnswer
from tvmon.problems import ConfigError
from tvmon.servers import Answer, Request
from tvmon.servers.hls import KIND, Hls, at
from tvmon.servers.hls_known import Playlist
from tvmon.servers.kinds import kinds
from tvmon.settings import Section
from tvmon.streams import Stream


class SecretTests(Case):
    """Where passwords go, and what is shown of tokens."""

    def test_the_password_goes_to_the_server_of_the_playlist_alone(self) -> None:
        self.talk = self.begin(URL, password="geheim")
        other = b"https://other.example/360.m3u8"
        self.web.answers[URL] = MASTER.replace(b"video/360.m3u8?tok=1", other)
        self.web.answers[other.decode()] = media(0)
        self.listed()
        self.sample("news/720p")
        self.sample("news/360p")
        sent = [dict(request.headers).get("Authorization") for request in self.web.asked]
        self.assertEqual(sent, ["Basic dTpnZWhlaW0=", "Basic dTpnZWhlaW0=", None])

    def test_a_password_that_is_refused(self) -> None:
        self.web.answers[URL] = 401
        self.assertEqual(self.refused(), "HTTP 401 Unauthorized")
        self.talk = self.begin(URL, password="geheim")
        words = "HTTP 401: the user or the password is refused"
        self.assertEqual(self.refused(outcome="auth"), words)

    def test_no_token_is_in_anything_that_is_shown(self) -> None:
        self.talk = self.begin(f"{URL}?token=geheim")
        self.web.answers[f"{URL}?token=geheim"] = MASTER
        for stream in self.listed().streams:
            self.assertNotIn("geheim", repr(stream))
            self.assertEqual(stream.sample_interface.partition("#")[0], URL)
        server = Hls("cdn", (Playlist("news", f"{URL}?token=geheim"),), "u", "geheim")
        self.assertNotIn("geheim", repr(server))

    def test_a_token_that_comes_back_is_not_shown(self) -> None:
        url = f"{URL}?token=geheim"
        self.talk = self.begin(url)

        async def fetch(request: Request) -> Answer:
            return Answer(403, "bad token geheim", b"")

        failed = Deferred.fromCoroutine(
            self.talk.sample(Stream.of("cdn", "news", None, "news", ""), fetch)
        )
        self.assertNotIn("geheim", str(self.failureResultOf(failed, BadAnswer).value))


class ConfiguredTests(SynchronousTestCase):
    """Its section of the configuration."""

    TABLE = '[[playlists]]\nname = "{}"\nurl = "{}"\n'

    def read(self, text: str) -> Hls:
        section = Section.of(f'name = "cdn"\n{text}', "tvmon.conf", {"TOKEN": "geheim"})
        server = KIND.configured(section)
        section.finish()
        assert isinstance(server, Hls)
        return server

    def wrong(self, text: str) -> str:
        return str(self.assertRaises(ConfigError, self.read, text))

    def test_it_is_known(self) -> None:
        self.assertIs(kinds()["hls"], KIND)
        self.assertEqual((KIND.requests_at_once, KIND.keep_missing_minutes), (32, 0.0))

    def test_playlists(self) -> None:
        text = 'user = "u"\npassword = "p"\n' + self.TABLE.format("news", f"{URL}?t=${{TOKEN}}")
        found = self.read(text)
        self.assertEqual(found.playlists, (Playlist("news", f"{URL}?t=geheim"),))
        self.assertEqual((found.user, found.password), ("u", "p"))
        self.assertEqual(found, self.read(text))

    def test_what_is_wrong(self) -> None:
        good = self.TABLE.format("news", URL)
        for text, words in (
            ("", "must be one [[server.playlists]] at least"),
            (good + good, "is the name of another playlist above"),
            (self.TABLE.format("a/b", URL), "without / ? # ;"),
            (self.TABLE.format("a", "rtmp://x/y"), "must be an http:// or https:// URL"),
            (self.TABLE.format("a", "http://u:geheim@x/y"), "without user, password and fragment"),
            (self.TABLE.format("a", f"{URL}?a#b"), "without user, password and fragment"),
            (self.TABLE.format("a", f"{URL}?geheim\u00fc"), "without user, password and fragment"),
            ('[[playlists]]\nname = "a"\n', "is missing, must be an http://"),
            ('user = "u"\n' + good, "a user needs one"),
            ('password = "geheim"\n' + good, "a password needs one"),
        ):
            told = self.wrong(text)
            self.assertIn(words, told)
            self.assertNotIn("geheim", told)

    def test_a_url_alone_leads_to_its_stream(self) -> None:
        server, stream = at(f"{URL}?token=geheim#720p")
        self.assertEqual((stream.key, stream.sample_interface), ("-/720p", f"{URL}#720p"))
        self.assertEqual(server.playlists, (Playlist("-", f"{URL}?token=geheim"),))
        self.assertEqual(at(URL)[1].key, "-")
