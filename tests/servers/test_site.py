"""A media server's API: how tvmon gets in, and what of a stream's name is shown."""

from __future__ import annotations

import base64
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.errors import BadAnswer
from tvmon.problems import ConfigError
from tvmon.servers import Answer
from tvmon.servers.site import PATH_CHARACTERS, Site, Unusable
from tvmon.settings import Section
from tvmon.words import has_control_characters

URL = "http://edge.example:8080/stat"
SITE = Site("edge", URL)
GUARDED = Site("edge", URL, "admin", "geheim")
SECRET = Site("edge", URL, secret_names=True)


def configured(text: str) -> Site:
    section = Section.of(text, "tvmon.conf", {})
    site = Site.configured(section, "admin")
    section.finish()
    return site


class ConfiguredTests(SynchronousTestCase):
    """What a section says of it."""

    def wrong(self, text: str) -> str:
        with self.assertRaises(ConfigError) as caught:
            configured(text)
        self.assertNotIn("geheim", str(caught.exception))
        return str(caught.exception)

    def test_a_url_alone(self) -> None:
        self.assertEqual(configured(f'name = "edge"\nurl = "{URL}/"'), SITE)

    def test_a_password_alone_is_that_of_the_usual_user(self) -> None:
        text = f'name = "edge"\nurl = "{URL}"\npassword = "geheim"'
        self.assertEqual(configured(text), GUARDED)
        self.assertNotIn("geheim", repr(configured(text)))

    def test_a_user_without_a_password(self) -> None:
        self.assertIn("password: is missing", self.wrong(f'name = "e"\nurl = "{URL}"\nuser = "x"'))

    def test_a_url_that_holds_a_secret(self) -> None:
        for url in ("http://u:geheim@edge/stat", "http://edge/stat?key=geheim", "ftp://edge"):
            self.assertIn("url", self.wrong(f'name = "edge"\nurl = "{url}"'))


class AnswerTests(SynchronousTestCase):
    """Who is refused is told so, whatever the server says."""

    def test_the_header(self) -> None:
        [(name, value)] = GUARDED.authorization
        self.assertEqual(name, "Authorization")
        self.assertEqual(base64.b64decode(value.removeprefix("Basic ")), b"admin:geheim")
        self.assertEqual(SITE.authorization, ())

    def test_statuses(self) -> None:
        for site, status, outcome, words in (
            (GUARDED, 401, "auth", "HTTP 401: the user or the password is refused"),
            (GUARDED, 403, "auth", "HTTP 403: the user or the password is refused"),
            (SITE, 401, "auth", "HTTP 401: the server asks for a user and a password"),
            (GUARDED, 500, "http", "HTTP 500 Internal Server Error"),
            (SITE, 404, "http", "HTTP 404 no geheim here"),
        ):
            with self.assertRaises(BadAnswer) as caught:
                site.good(Answer(status, "no geheim here", b""))
            self.assertEqual((caught.exception.reason, caught.exception.outcome), (words, outcome))
        self.assertEqual(SITE.good(Answer(200, "OK", b"x")), b"x")


class NameTests(SynchronousTestCase):
    """Streams, by the path that the server has them under."""

    def test_a_stream(self) -> None:
        stream = SITE.stream("/live/cam 1/")
        self.assertEqual(stream.key, "live/cam 1")
        self.assertEqual(stream.unify_name, "edge/live/cam 1")
        self.assertEqual(stream.sample_interface, f"{URL}#live/cam%201")

    def test_tokens_behind_a_name_are_no_part_of_it(self) -> None:
        for path in ("live/cam1?token=geheim", "live/cam1;geheim", "live/cam1&key=geheim"):
            stream = SITE.stream(path)
            self.assertEqual(stream.key, "live/cam1")

    def test_names_that_are_secrets_are_shown_so_that_they_can_be_told_apart(self) -> None:
        one, other = SECRET.stream("live/sk_9f8e7d6c"), SECRET.stream("live/sk_0a0b0c0d")
        self.assertRegex(one.key, r"live/sk_~[0-9a-f]{6}")
        self.assertNotEqual(one.key, other.key)
        self.assertEqual(one, SECRET.stream("live/sk_9f8e7d6c?x=1"))
        self.assertNotIn("9f8e7d6c", repr(one))

    def test_names_that_are_none(self) -> None:
        for path in ("", "/", "?token=geheim", "x" * (PATH_CHARACTERS + 1)):
            with self.assertRaises(Unusable):
                SITE.stream(path)

    def test_a_sample_interface_leads_back(self) -> None:
        for path in ('a&b<c>"x', "Grüße", "-", "live/cam 1", "100%"):
            stream = SITE.stream(path)
            site, again = Site.at(stream.sample_interface)
            self.assertEqual((site.url, again.key), (URL, stream.key))

    @given(st.text(max_size=60))
    def test_whatever_a_server_calls_a_stream(self, path: str) -> None:
        try:
            stream = SITE.stream(path)
        except Unusable:
            return
        for text in (stream.key, stream.unify_name, stream.sample_interface):
            self.assertFalse(has_control_characters(text))
            text.encode()
        self.assertTrue(stream.sample_interface.isascii())
        self.assertEqual(unquote(stream.sample_interface.partition("#")[2]), stream.key)
