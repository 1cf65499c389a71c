"""Addresses and answers, as every kind of media server reads them."""

from __future__ import annotations

import unittest
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from tests.recordings import TVIE, needs_recordings
from tvmon.servers.addresses import authority, http_url
from tvmon.words import any_of, cleaned


class URLTests(unittest.TestCase):
    """URLs that everybody may see."""

    def test_good_ones(self) -> None:
        for url in (
            "http://h",
            "http://h/",
            "https://media1.example:8443/tag_live_monitor/tvie/a%2Fb/c",
            "http://[2001:db8::7]:80/x",
            "http://192.0.2.7/~x/@y",
        ):
            self.assertIsNone(http_url(url), url)

    def test_wrong_ones(self) -> None:
        for url in (
            "",
            "h",
            "//h/x",
            "HTTP://h/x",
            "ftp://h/x",
            "http://",
            "http:///x",
            "http://u@h/x",
            "http://u:p@h/x",
            "http://h/x?",
            "http://h/x#y",
            "http://h:x/",
            "http://h:70000/",
            "http://::1/",
            "http://[::1/",
            "http://[::1%25eth0]/",
            "http://h/ x",
            "http://h/é",
            "http://h/\n",
            "http://h/" + "x" * 2000,
        ):
            self.assertIsNotNone(http_url(url), url)

    @given(st.text() | st.from_regex(r"https?://[\w.:@\[\]/-]{0,20}", fullmatch=True))
    def test_a_good_one_can_be_taken_apart(self, url: str) -> None:
        if http_url(url) is None:
            parts = urlsplit(url)
            self.assertTrue(parts.hostname)
            self.assertIsNone(parts.username)
            self.assertNotEqual(parts.port, 0)

    @needs_recordings
    def test_the_recorded_ones_are_good(self) -> None:
        import simplejson

        for stream in simplejson.loads((TVIE / "streams.json").read_bytes()):
            self.assertIsNone(http_url(stream["sample_interface"]))

    @given(st.text())
    def test_any_text_is_an_address_or_none(self, text: str) -> None:
        found = authority(text)
        if found is not None:
            self.assertEqual(urlsplit(f"http://{found}/").netloc, found)


class WordTests(unittest.TestCase):
    """Text for operators."""

    @given(st.text(), st.integers(4, 50))
    def test_anything_becomes_one_short_line(self, text: str, most: int) -> None:
        shown = cleaned(text, most)
        self.assertLessEqual(len(shown), most)
        self.assertLessEqual(len(shown.splitlines()), 1)
        shown.encode()

    def test_what_is_readable_stays(self) -> None:
        self.assertEqual(cleaned("新闻 & é\N{NO-BREAK SPACE}x", 20), "新闻 & é\N{NO-BREAK SPACE}x")

    def test_a_list_of_words(self) -> None:
        self.assertEqual(any_of(["a"]), "a")
        self.assertEqual(any_of(["a", "b"]), "a or b")
        self.assertEqual(any_of(["a", "b", "c"]), "a, b or c")
