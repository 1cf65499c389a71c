"""How tvmon gets into Node-Media-Server 4, and how seldom it tries where it does not."""

from __future__ import annotations

import unittest

from tests.servers.fakes_node_media_server import URL, Fake4, result
from tvmon.errors import BadAnswer, NoAnswer, Trouble
from tvmon.servers import Answer, Request
from tvmon.servers.node_media_server_login import Login
from tvmon.servers.site import Site

HEALTH, LOGIN, STREAMS = "GET /api/v1/health", "POST /api/v1/login", "GET /api/v1/streams"
REFUSED = "HTTP 401: the user or the password is refused"


class LoginCase(unittest.TestCase):
    """A fake server and a login of it."""

    def meet(self, fake: Fake4, password: str | None = "right") -> None:
        self.fake = fake
        self.login = Login(Site("n", URL, None if password is None else "admin", password))

    def ask(self) -> Answer:
        answer = result(self.login.get(self.fake, "/api/v1/streams"))
        self.assertEqual(answer.status, 200)
        return answer

    def fails(self, outcome: str) -> str:
        with self.assertRaises(Trouble) as caught:
            self.ask()
        self.assertEqual(caught.exception.outcome, outcome)
        return caught.exception.reason

    def logins(self) -> int:
        return self.fake.took().count(LOGIN)


class GoodLoginTests(LoginCase):
    """A password that is right."""

    def test_a_login_is_for_many_questions(self) -> None:
        self.meet(Fake4())
        self.ask()
        self.assertEqual(self.fake.took(), [HEALTH, LOGIN, STREAMS])
        for _ in range(3):
            self.ask()
        self.assertEqual(self.fake.took(), [STREAMS] * 3)

    def test_the_password_goes_to_the_login_and_nowhere_else(self) -> None:
        self.meet(Fake4())
        self.ask()
        for request in self.fake.asked:
            is_login = request.url == f"{URL}/api/v1/login"
            self.assertEqual(b"right" in (request.body or b""), is_login)
            self.assertNotIn("right", repr(request.headers) + request.url + repr(request))

    def test_a_token_that_is_good_no_more_costs_one_login(self) -> None:
        self.meet(Fake4())
        self.ask()
        self.fake.took()
        self.fake.tokens.clear()
        self.ask()
        self.assertEqual(self.fake.took(), [STREAMS, HEALTH, LOGIN, STREAMS])
        self.ask()
        self.assertEqual(self.fake.took(), [STREAMS])

    def test_versions_from_4_2_8_prove_the_password_without_sending_it(self) -> None:
        self.meet(Fake4(version="4.2.8"))
        self.ask()
        self.assertNotIn(b"right", b"".join(request.body or b"" for request in self.fake.asked))
        self.assertEqual(self.fake.took(), [HEALTH, LOGIN, LOGIN, STREAMS])

    def test_versions_before_send_a_digest_of_it(self) -> None:
        self.meet(Fake4(version="4.2.4"))
        self.ask()
        self.assertEqual(self.fake.took(), [HEALTH, LOGIN, STREAMS])

    def test_a_password_of_any_characters(self) -> None:
        for version in ("4.4.3", "4.2.8", "4.2.2"):
            with self.subTest(version):
                self.meet(Fake4(version=version, password='ü"\\ 9'), 'ü"\\ 9')
                self.ask()


class RefusedLoginTests(LoginCase):
    """A server that locks the user out after five."""

    def test_one_question_is_one_login(self) -> None:
        for version in ("4.4.3", "4.2.4"):
            with self.subTest(version):
                self.meet(Fake4(version=version), "wrong")
                self.assertEqual(self.fails("auth"), REFUSED)
                self.assertEqual(self.fake.took(), [HEALTH, LOGIN])
        self.meet(Fake4(version="4.2.8"), "wrong")
        self.assertEqual(self.fails("auth"), REFUSED)
        self.assertEqual(self.fake.took(), [HEALTH, LOGIN, LOGIN])

    def test_no_other_is_tried_for_five_minutes_whoever_asks(self) -> None:
        self.meet(Fake4(), "wrong")
        self.fails("auth")
        self.fake.took()
        for _ in range(99):
            self.fake.at += 3
            self.assertEqual(self.fails("auth"), REFUSED)
            self.assertEqual(self.fake.took(), [HEALTH])
        self.fake.at += 3
        self.assertEqual(self.fails("auth"), REFUSED)
        self.assertEqual(self.fake.took(), [HEALTH, LOGIN])

    def test_a_wrong_password_is_tried_ever_more_seldom(self) -> None:
        self.meet(Fake4(), "wrong")
        tried = []
        for minute in range(0, 24 * 60, 5):
            self.fails("auth")
            tried += [minute] * self.logins()
            self.fake.at += 300.1
        self.assertEqual(tried[:6], [0, 5, 15, 35, 75, 135])
        self.assertLessEqual(len(tried), 28)

    def test_one_that_is_made_good_is_found_out(self) -> None:
        self.meet(Fake4(), "wrong")
        self.fails("auth")
        self.fake.password = "wrong"
        self.fake.at += 301
        self.ask()
        # And what failed long ago makes nothing slower.
        self.fake.password = "another"
        self.fake.tokens.clear()
        self.fails("auth")
        self.fake.password = "wrong"
        self.fake.at += 301
        self.ask()

    def test_a_user_who_is_locked_out(self) -> None:
        for status in (429, 423):
            self.meet(Fake4())
            self.fake.lies["/api/v1/login"] = status
            self.assertEqual(
                self.fails("auth"),
                f"HTTP {status}: the server lets nobody log in for a while, since too many logins "
                "failed",
            )
            self.fake.took()
            self.fails("auth")
            self.assertEqual(self.fake.took(), [HEALTH])

    def test_a_token_that_is_refused_at_once_is_no_loop(self) -> None:
        self.meet(Fake4())
        self.fake.refuses_tokens = True
        words = "HTTP 401: the token is refused though the login was good"
        self.assertEqual(self.fails("auth"), words)
        self.assertEqual(self.fake.took(), [HEALTH, LOGIN, STREAMS])
        self.assertEqual(self.fails("auth"), words)
        self.assertEqual(self.fake.took(), [HEALTH])
        self.fake.refuses_tokens = False
        self.fake.at += 301
        self.ask()
        self.fake.took()
        self.fake.refuses_tokens = True
        self.assertEqual(self.fails("auth"), words)
        self.assertEqual(self.fake.took(), [STREAMS, HEALTH, LOGIN, STREAMS])

    def test_without_a_password_nobody_is_asked(self) -> None:
        self.meet(Fake4(), None)
        self.assertEqual(self.fails("auth"), "the server asks for a user and a password")
        self.assertEqual(self.fake.took(), [])

    def test_403_is_of_a_proxy_and_shows_no_secret(self) -> None:
        self.meet(Fake4())
        self.ask()
        self.fake.lies["/api/v1/streams"] = 403
        self.assertEqual(self.fails("auth"), "HTTP 403: the user or the password is refused")


class FailedLoginTests(LoginCase):
    """What is neither a token nor a refusal."""

    def test_a_login_that_fails_otherwise_waits_a_minute(self) -> None:
        for lie in (500, Answer(200, "OK", b"{}"), Answer(200, "OK", b"<html>")):
            with self.subTest(lie):
                self.meet(Fake4())
                self.fake.lies["/api/v1/login"] = lie
                words = self.fails("http" if lie == 500 else "body")
                self.assertEqual(self.fake.took(), [HEALTH, LOGIN])
                del self.fake.lies["/api/v1/login"]
                self.fake.at += 59
                self.assertEqual(self.fails("http" if lie == 500 else "body"), words)
                self.assertEqual(self.fake.took(), [HEALTH])
                self.fake.at += 2
                self.ask()

    def test_a_login_without_an_answer_waits_too(self) -> None:
        fake = Fake4()
        self.meet(fake)
        tried = 0

        async def broken(request: Request) -> Answer:
            nonlocal tried
            if request.method == "POST":
                tried += 1
                raise NoAnswer("no answer within 3 s", "timeout")
            return await fake(request)

        for _ in range(3):
            with self.assertRaises(NoAnswer) as caught:
                result(self.login.get(broken, "/api/v1/streams"))
            self.assertEqual(caught.exception.reason, "no answer within 3 s")
        self.assertEqual(tried, 1)

    def test_tokens_and_challenges_that_are_none(self) -> None:
        for token in (None, 7, "", "a b", "a\r\nX: y", "é", "x" * 5000):
            body = Answer(200, "OK", repr({"data": {"token": token}}).replace("'", '"').encode())
            self.meet(Fake4())
            self.fake.lies["/api/v1/login"] = body
            self.fails("body")
        self.meet(Fake4(version="4.2.8"))
        self.fake.lies["/api/v1/login"] = Answer(200, "OK", b'{"data": {"challenge": 5}}')
        self.assertEqual(self.fails("body"), "the answer to the login holds no challenge")

    def test_an_api_that_is_not_there(self) -> None:
        for status, words in (
            (404, "HTTP 404 for /api/v1/health: there is no API of Node-Media-Server 4, which has "
             "one where auth.jwt is configured"),
            (502, "HTTP 502 Bad Gateway"),
        ):  # fmt: skip
            self.meet(Fake4())
            self.fake.lies["/api/v1/health"] = status
            self.assertEqual(self.fails("http"), words)
            self.assertEqual(self.fake.took(), [HEALTH])

    def test_a_status_line_that_shows_the_token(self) -> None:
        self.meet(Fake4())
        self.ask()
        token = next(iter(self.fake.tokens))
        self.fake.lies["/api/v1/streams"] = Answer(500, f"no {token}", b"")
        self.assertEqual(self.fails("http"), "HTTP 500 Internal Server Error")
        with self.assertRaises(BadAnswer):
            self.ask()
