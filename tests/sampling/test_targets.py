"""URLs, as they are given, as they are sent, and where they lead."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import URI

from tvmon.sampling.targets import Origin, Targets, UnusableURLError, target_of


class TargetsCase(SynchronousTestCase):
    def test_sent(self) -> None:
        for given_, sent, netloc in (
            ("http://h", "http://h/", "h"),
            (" HTTP://H:80/ ", "http://h/", "h"),
            ("https://h:443/x", "https://h/x", "h"),
            ("https://h:80/x", "https://h:80/x", "h:80"),
            ("http://h?a=b#c", "http://h/?a=b", "h"),
            ("http://h/a b/ü%2f%zz?q=ü&r", "http://h/a%20b/%C3%BC%2f%zz?q=%C3%BC&r", "h"),
            ("http://h//a/../b", "http://h//a/../b", "h"),
            ("http://media_server:8080/", "http://media_server:8080/", "media_server:8080"),
            ("http://bücher.example/", "http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x", "[::1]:8080"),
            ("http://user:pass@h/x", "http://h/x", "h"),
        ):
            target = target_of(given_)
            self.assertEqual(target.url.to_uri().to_text(), sent)
            self.assertEqual(target.origin.netloc, netloc)

    def test_password(self) -> None:
        target = target_of("http://us%65r:p:%C3%BC@h/")
        self.assertEqual(target.authorization, "Basic dXNlcjpwOsO8")
        self.assertNotIn("user", repr(target.url))
        self.assertIsNone(target_of("http://h/").authorization)

    def test_redirects(self) -> None:
        target = target_of("http://h:8080/a/b?c#d")
        for location, leads_to in (
            ("x", "http://h:8080/a/x"),
            ("/x?y", "http://h:8080/x?y"),
            ("//z/x", "http://z/x"),
            ("?x", "http://h:8080/a/b?x"),
            ("../../x", "http://h:8080/x"),
            ("https://z/ü#e", "https://z/%C3%BC"),
            ("", "http://h:8080/a/b?c"),
        ):
            self.assertEqual(target.follow(location).url.to_text(), leads_to)
        for location in ("ftp://h/", "http://h:x/", "javascript:x", "http://[::1/"):
            self.assertRaises(UnusableURLError, target.follow, location)

    def test_kept(self) -> None:
        targets = Targets(kept=3)
        first = targets.of("http://h/0")
        for n in range(1, 10):
            targets.of(f"http://h/{n}")
            self.assertIs(targets.of("http://h/0"), first)
        self.assertEqual(len(targets), 3)

    def test_failures_are_not_kept(self) -> None:
        targets = Targets()
        for _ in range(3):
            self.assertRaises(UnusableURLError, targets.of, "x")
        self.assertEqual(len(targets), 0)

    @given(st.one_of(st.text(), st.text().map("http://".__add__), st.from_regex(r"\Ahttps?://.*")))
    def test_anything(self, text: str) -> None:
        """A URL that Twisted takes as it is meant, or UnusableURLError."""
        try:
            target = target_of(text)
        except UnusableURLError as error:
            self.assertTrue(str(error).isprintable())
            return
        sent = target.url.to_text().encode("ascii")
        self.assertNotIn(b" ", sent)
        uri = URI.fromBytes(sent)
        host = uri.host.decode("ascii").strip("[]")
        self.assertEqual(Origin(uri.scheme.decode("ascii"), host, uri.port), target.origin)
        self.assertEqual(target_of(sent.decode("ascii")).url.to_text().encode(), sent)

    @given(st.text(), st.text())
    def test_redirect_to_anything(self, path: str, location: str) -> None:
        with contextlib.suppress(UnusableURLError):
            target_of(f"http://h/{path}").follow(location)
