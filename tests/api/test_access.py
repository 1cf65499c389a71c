"""Who is let in."""

from __future__ import annotations

from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.api.support import MemoryCase
from tvmon.api.access import Access


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


TOKEN = Access(token="t0ken")
USER = Access(user="käthe", password="geh:eim")
BOTH = Access(token="t0ken", user="käthe", password="geh:eim")


class AccessTests(SynchronousTestCase):
    """The decision."""

    def test_nothing_configured_lets_everybody_in(self) -> None:
        self.assertTrue(Access().admits(None))
        self.assertTrue(Access().is_open)

    def test_anonymous_is_let_in_where_that_is_said_whatever_else_is_set(self) -> None:
        access = Access(token="t0ken", allow_anonymous=True)
        self.assertTrue(access.admits(None))
        self.assertTrue(access.admits(b"Bearer wrong"))

    def test_a_token_is_good_as_bearer_and_as_anybodys_password(self) -> None:
        for access in (TOKEN, BOTH):
            for header in (
                "Bearer t0ken",
                "bearer  t0ken ",
                basic("", "t0ken"),
                basic("x", "t0ken"),
            ):
                self.assertTrue(access.admits(header.encode()), header)

    def test_a_users_password_is_good_as_basic_alone(self) -> None:
        for access in (USER, BOTH):
            self.assertTrue(access.admits(basic("käthe", "geh:eim").encode()))
            self.assertFalse(access.admits(b"Bearer geh:eim"))

    def test_all_else_is_refused(self) -> None:
        wrong = [
            None,
            b"",
            b"Bearer",
            b"Bearer ",
            b"Bearer t0ke",
            b"Bearer t0ken2",
            b"Basic",
            b"Basic ",
            b"Basic !!!",
            b"Basic " + b64encode(b"nocolon"),
            b"Basic " + b64encode(b":"),
            b"Digest t0ken",
            b"\xff\xfe",
            basic("käthe", "").encode(),
            basic("", "geh:eim").encode(),
            basic("käthe", "geh").encode(),
            basic("kathe", "geh:eim").encode(),
        ]
        for access in (TOKEN, USER, BOTH):
            for header in wrong:
                self.assertFalse(access.admits(header), (access, header))

    def test_half_a_login_is_no_login(self) -> None:
        with self.assertRaises(ValueError):
            Access(user="x")
        with self.assertRaises(ValueError):
            Access(password="x", token="y")

    def test_secrets_are_not_shown(self) -> None:
        self.assertNotIn("t0ken", repr(BOTH))
        self.assertNotIn("geh", repr(BOTH))

    @given(st.binary(max_size=60))
    def test_no_header_breaks_it(self, header: bytes) -> None:
        for access in (TOKEN, USER, BOTH):
            access.admits(header)


class GateTests(MemoryCase):
    """The same at the door."""

    def test_everything_but_healthy_asks_for_it(self) -> None:
        self.world.access = BOTH
        self.start()
        for path in (
            "/",
            "/index.html",
            "/samples",
            "/samples/1000/history",
            "/events",
            "/metrics",
            "/-/ready",
            "/-/healthy/",
            "/api",
            "/nothing",
        ):
            refused = self.get(path)
            self.assertEqual(refused.code, 401, path)
            self.assertIn("token", refused.error["message"])
            self.assertEqual(
                refused.headers.getRawHeaders("WWW-Authenticate"),
                ['Basic realm="tvmon", charset="UTF-8"', 'Bearer realm="tvmon"'],
            )
        self.assertEqual(self.get("/-/healthy").code, 200)
        for header in ("Bearer t0ken", basic("käthe", "geh:eim")):
            self.assertEqual(self.get("/samples", Authorization=header).code, 200)
            self.assertEqual(self.get("/", Authorization=header).code, 200)

    def test_a_browser_is_not_told_of_a_token_where_there_is_none(self) -> None:
        self.world.access = USER
        self.start()
        self.assertEqual(
            self.get("/").header("WWW-Authenticate"), 'Basic realm="tvmon", charset="UTF-8"'
        )

    def test_a_stranger_is_not_told_what_exists(self) -> None:
        self.world.access = TOKEN
        self.start()
        self.assertEqual(self.get("/samples").body, self.get("/nothing").body)
        self.assertEqual(self.get("/samples", "POST").code, 401)
