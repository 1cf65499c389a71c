"""The list of a MediaMTX that comes in pages, its restarts, and what it refuses."""

from __future__ import annotations

from unittest.mock import patch

from tests.coroutines import result_of
from tests.servers.fakes_mediamtx import FakeMediaMTX
from tests.servers.test_mediamtx import SITE, MediaMTXCase
from tvmon.errors import NoAnswer
from tvmon.servers import Answer, Request, mediamtx
from tvmon.servers.mediamtx import MediaMTX
from tvmon.servers.site import Site


class PageTests(MediaMTXCase):
    """Every path is there, whatever the pages are like."""

    def setUp(self) -> None:
        self.enterContext(patch.object(mediamtx, "PAGE", 10))

    def many(self, paths: int) -> FakeMediaMTX:
        fake = self.meet()
        for number in range(paths):
            fake.start(f"cam{number:03}")
        return fake

    def pages(self) -> list[str]:
        return [path for path in self.talk.fake.asked if "/paths/" in path]

    def test_all_pages_are_read(self) -> None:
        for paths, pages in ((0, 1), (1, 1), (10, 1), (11, 2), (25, 3)):
            self.many(paths)
            self.assertEqual(len(self.talk.look().seen), paths)
            self.assertEqual(len(self.pages()), pages, paths)
        self.assertEqual(self.pages()[1], "/v3/paths/list?itemsPerPage=10&page=1")

    def test_no_paths_may_be_null(self) -> None:
        self.many(0).lie("no_items")
        self.assertEqual(self.talk.look().seen, {})

    def test_a_server_that_has_pages_of_its_own_size(self) -> None:
        self.many(25).lie("page_size", 4)
        self.assertEqual(len(self.talk.look().seen), 25)

    def test_a_server_that_says_the_same_page_again(self) -> None:
        self.many(25).lie("ignores_page")
        self.assertEqual(len(self.talk.look().seen), 10)
        self.assertEqual(len(self.pages()), 2)

    def test_a_list_without_an_end(self) -> None:
        self.many(1).lie("endless")
        with patch.object(mediamtx, "MOST_PAGES", 20):
            trouble = self.talk.refused()
        self.assertEqual(trouble.reason, "the list of paths has more than 20 pages")

    def test_paths_that_moved_to_a_page_already_read_are_not_gone(self) -> None:
        for lie in ("shift", "swap"):
            fake = self.many(45)
            before = set(self.talk.look().seen)
            fake.lie(lie)
            survey = self.talk.look()
            self.assertIn("cam010", survey.seen)
            self.assertLessEqual(before - survey.seen.keys(), {"cam000", "cam001"})

    def test_what_may_be_there_all_the_same_is_unseen(self) -> None:
        """Both readings were disturbed: what is missing in both is not taken for gone, once."""
        fake = self.many(25)
        self.talk.look()
        fake.stop("cam024")
        fake.lie("shift")
        survey = self.talk.look()
        self.assertNotIn("cam024", survey.seen)
        self.assertIn("view incomplete", survey.unseen["cam024"])
        survey = self.talk.look()
        self.assertNotIn("cam024", survey.unseen)

    def test_what_is_gone_is_read_again_for_once(self) -> None:
        fake = self.many(25)
        self.talk.look()
        fake.stop("cam024")
        survey = self.talk.look()
        self.assertEqual((len(survey.seen), dict(survey.unseen)), (24, {}))
        self.assertEqual(len(self.pages()), 6)
        self.talk.look()
        self.assertEqual(len(self.pages()), 3)

    def test_items_of_any_kind_cost_themselves_alone(self) -> None:
        self.many(3).lie("odd_items")
        survey = self.talk.look()
        self.assertEqual(set(survey.seen), {"odd", "cam000", "cam001", "cam002"})
        self.assertIn("4 paths of the list are no objects", survey.skipped)
        self.assertEqual(survey.seen["odd"].measured.presence, "absent")


class SessionTests(MediaMTXCase):
    """What tells one life of the counters from the next."""

    def info(self) -> int:
        return self.talk.fake.asked.count("/v3/info?")

    def test_the_start_is_asked_for_once(self) -> None:
        self.meet().start("cam1")
        self.talk.look()
        self.assertEqual(self.info(), 1)
        session = self.talk.said("cam1").session
        self.assertEqual(session.server, "2026-01-02T03:20:45.000000123Z")
        self.assertTrue((session.publisher or "").startswith("rtmpConn/1-1/2026"))
        self.talk.look(3)
        self.assertEqual(self.talk.fake.asked, ["/v3/paths/list?itemsPerPage=1000&page=0"])
        self.assertEqual(self.talk.said("cam1").session, session)

    def test_a_restart(self) -> None:
        fake = self.meet()
        fake.start("cam1")
        self.talk.look(10)
        before = self.talk.said("cam1").session
        self.talk.at += 5
        fake.restart()
        fake.start("cam1")
        self.talk.look(1)
        after = self.talk.said("cam1").session
        self.assertEqual(self.info(), 1)
        self.assertNotEqual(before.server, after.server)
        self.assertNotEqual(before.publisher, after.publisher)

    def test_a_restart_after_which_nobody_came_back_yet(self) -> None:
        fake = self.meet()
        fake.start("cam1")
        self.talk.look(10)
        started = self.talk.said("cam1").session.server
        fake.restart()
        self.assertEqual(self.talk.look(5).seen, {})
        self.assertEqual(self.info(), 1)
        fake.start("cam1")
        self.talk.look(5)
        self.assertNotEqual(self.talk.said("cam1").session.server, started)

    def test_published_anew(self) -> None:
        fake = self.meet()
        fake.start("cam1")
        self.talk.look(10)
        before = self.talk.said("cam1").session
        fake.start("cam1")
        self.talk.look(5)
        after = self.talk.said("cam1").session
        self.assertEqual(before.server, after.server)
        self.assertNotEqual(before.publisher, after.publisher)

    def test_a_server_that_does_not_tell_its_start_is_asked_once(self) -> None:
        fake = self.meet()
        fake.lie("no_info")
        fake.start("cam1")
        self.talk.look()
        self.assertIsNone(self.talk.said("cam1").session.server)
        fake.stop("cam1")
        self.talk.look()
        self.assertEqual(self.info(), 0)

    def test_a_start_that_cannot_be_asked_for_costs_nothing(self) -> None:
        fake = self.meet()
        fake.start("cam1")

        async def fetch(request: Request) -> Answer:
            if request.url.endswith("/v3/info"):
                raise NoAnswer("no answer within 2.4 s", "timeout")
            return await fake.fetch(request)

        survey = result_of(_asked(self.talk.overview, fetch))
        self.assertIn("cam1", survey.seen)
        self.talk.look()
        self.assertIsNotNone(self.talk.said("cam1").session.server)


async def _asked(overview: object, fetch: object) -> object:
    return await overview.survey(fetch)  # type: ignore[attr-defined]


class RefusalTests(MediaMTXCase):
    """What fails as a whole, and in which words."""

    def test_the_words_of_the_server(self) -> None:
        fake = self.meet()
        fake.lie("error", "terminated")
        trouble = self.talk.refused()
        self.assertEqual((trouble.reason, trouble.outcome), ("HTTP 500: terminated", "http"))
        fake.lie("error", False)
        fake.lie("error_in_200", "terminated")
        trouble = self.talk.refused()
        self.assertEqual(trouble.reason, "the list of paths: terminated")
        self.assertEqual(trouble.outcome, "body")

    def test_words_that_hold_our_secret(self) -> None:
        fake = self.meet(MediaMTX(SITE, "S3CRET"))
        for lie in ("error", "error_in_200"):
            fake.lies.clear()
            fake.lie(lie, "bad token S3CRET")
            self.assertNotIn("S3CRET", self.talk.refused().reason)

    def test_a_page_of_somebody_else(self) -> None:
        self.meet().lie("html")
        reason = self.talk.refused().reason
        self.assertEqual(reason, "the list of paths is not JSON but an HTML page")

    def test_a_wrong_password(self) -> None:
        self.meet(user="admin", password="right")
        trouble = self.talk.refused()
        self.assertEqual(trouble.outcome, "auth")
        self.assertIn("asks for a user and a password", trouble.reason)
        wrong = Site("mtx", "http://mtx:9997", "admin", "WR0NG")
        self.meet(MediaMTX(wrong), user="admin", password="right")
        trouble = self.talk.refused()
        self.assertEqual(trouble.outcome, "auth")
        self.assertNotIn("WR0NG", trouble.reason)
        self.assertEqual(len(self.talk.fake.asked), 1)

    def test_a_token(self) -> None:
        self.meet(MediaMTX(SITE, "right"), token="right").start("cam1")
        self.assertEqual(set(self.talk.look().seen), {"cam1"})
        self.meet(MediaMTX(SITE, "WR0NG"), token="right")
        trouble = self.talk.refused()
        self.assertEqual(trouble.reason, "HTTP 401: the token is refused")
        self.assertEqual(trouble.outcome, "auth")
