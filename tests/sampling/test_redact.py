"""Texts that may be logged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.sampling.redact import redact

SECRET = st.text("abcXYZ0129:%+=&;,!$*()-._~", min_size=1).map(lambda text: f"s3cret{text}")


class RedactTests(SynchronousTestCase):
    def test_what_holds_no_url_stays(self) -> None:
        for text in ("connection refused", "why? nobody knows", "a@b.example", 'line 4: "x"'):
            self.assertEqual(redact(text), text)

    def test_the_parts_that_tell_where_stay(self) -> None:
        self.assertEqual(
            redact("get 'https://joe:pw@media1.example:81/a/b?token=x#y': refused"),
            "get 'https://media1.example:81/a/b?...': refused",
        )

    @given(SECRET, SECRET, SECRET)
    def test_no_secret_of_a_url_is_left(self, user: str, query: str, fragment: str) -> None:
        text = f"at http://{user}:{user}@media1.example/a?{query}#{fragment} and on"
        self.assertEqual(redact(text), "at http://media1.example/a?... and on")
