"""The list of an SRS that comes in pages, and servers that lie about them or restart between."""

from __future__ import annotations

from unittest.mock import patch

from tests.servers.fakes_srs import FakeSRS
from tests.servers.test_srs import SRSCase
from tvmon.servers import srs
from tvmon.servers.site import Site


class PageTests(SRSCase):
    """Every stream is there, whatever the pages are like."""

    def many(self, streams: int, **options: object) -> FakeSRS:
        fake = self.meet(**options)
        for number in range(streams):
            fake.start(f"live/cam{number:04}")
        return fake

    def pages(self) -> list[str]:
        return [path for path in self.talk.fake.asked if "/streams/" in path]

    def test_all_pages_are_read(self) -> None:
        for streams, pages in ((0, 1), (1, 1), (99, 1), (100, 2), (101, 2), (250, 3)):
            self.many(streams)
            self.assertEqual(len(self.talk.look().seen), streams)
            self.assertEqual(len(self.pages()), pages, streams)
        self.assertEqual(self.pages()[1], "/api/v1/streams/?start=100&count=100")

    def test_one_page_is_one_request(self) -> None:
        self.many(99)
        self.talk.look()
        self.talk.look()
        self.assertEqual(self.talk.fake.asked, ["/api/v1/streams/?start=0&count=100"])

    def test_short_pages_are_followed_as_far_as_the_total_goes(self) -> None:
        fake = self.many(35, version="7.0.107")
        fake.lie("short_pages", 10)
        self.assertEqual(len(self.talk.look().seen), 35)
        self.assertEqual(len(self.pages()), 4)

    def test_a_total_that_lies_ends(self) -> None:
        fake = self.many(5)
        fake.version = (7, 0, 128)
        self.talk.look()
        self.assertEqual(len(self.pages()), 1)

    def test_a_server_that_does_not_know_start(self) -> None:
        fake = self.many(100)
        fake.lie("ignores_start")
        self.assertEqual(len(self.talk.look().seen), 100)
        self.assertEqual(len(self.pages()), 2)

    def test_a_server_that_does_not_know_count(self) -> None:
        fake = self.many(250)
        fake.lie("ignores_count")
        self.assertEqual(len(self.talk.look().seen), 250)
        self.assertEqual(len(self.pages()), 1)

    def test_a_list_without_an_end(self) -> None:
        self.many(1).lie("endless")
        with patch.object(srs, "MOST_PAGES", 20):
            trouble = self.talk.refused()
        self.assertEqual(trouble.reason, "the list of streams has more than 20 pages")
        self.assertEqual(len(self.pages()), 20)

    def test_a_stream_that_moved_to_a_page_already_read_is_not_gone(self) -> None:
        fake = self.many(205)
        before = set(self.talk.look().seen)
        first = min(before)
        fake.lie("shift")
        survey = self.talk.look()
        # The first reading missed one; the second one, in which another left, found it.
        self.assertLessEqual(before - set(survey.seen), {first, "live/cam0001"})
        self.assertIn("live/cam0100", survey.seen)
        self.assertEqual(len(self.pages()), 6)

    def test_what_is_gone_is_read_again_for_once(self) -> None:
        fake = self.many(150)
        self.talk.look()
        fake.stop("live/cam0149")
        self.assertNotIn("live/cam0149", self.talk.look().seen)
        self.assertEqual(len(self.pages()), 4)
        self.talk.look()
        self.assertEqual(len(self.pages()), 2)

    def test_a_restart_between_two_pages(self) -> None:
        fake = self.many(150)
        self.talk.look()
        fake.lie("restarts_between")
        survey = self.talk.look()
        self.assertEqual(len(survey.seen), 150)
        sessions = {seen.measured.session.server for seen in survey.seen.values()}
        self.assertEqual(sessions, {"s2/102"})

    def test_a_restart_between_the_lists(self) -> None:
        fake = self.many(5)
        fake.lie("restarts_between")
        self.assertEqual(self.talk.refused().reason, "the server restarted while it was asked")
        self.assertEqual(len(self.talk.look().seen), 5)

    def test_a_stream_that_is_waited_for_and_published(self) -> None:
        """Beside the one that lingers, the same name is published: that one counts."""
        for names in (("live/cam1", "live/ cam1"), ("live/ cam1", "live/cam1")):
            fake = self.meet()
            fake.start(names[0], viewers=1, more={"entry": {"name": "cam1"}})
            fake.start(names[1], viewers=1, more={"entry": {"name": "cam1"}})
            fake.stop("live/ cam1", lingers=True)
            survey = self.talk.look()
            self.assertEqual(survey.seen["live/cam1"].measured.presence, "live")
            self.assertEqual(survey.skipped, ())


class RefusalTests(SRSCase):
    """What fails as a whole, and in which words."""

    def test_an_error_code_in_a_good_answer(self) -> None:
        self.meet().lie("error_code", 2048)
        trouble = self.talk.refused()
        self.assertEqual(trouble.reason, "the list of streams: SRS answers with error code 2048")
        self.assertEqual(trouble.outcome, "body")

    def test_a_page_of_somebody_else(self) -> None:
        self.meet().lie("html")
        trouble = self.talk.refused()
        self.assertEqual(trouble.reason, "the list of streams is not JSON but an HTML page")

    def test_a_wrong_password(self) -> None:
        self.meet(user="admin", password="right")
        trouble = self.talk.refused()
        self.assertEqual(trouble.outcome, "auth")
        self.assertIn("asks for a user and a password", trouble.reason)
        wrong = Site("srs1", "http://srs:1985", "admin", "WR0NG")
        self.meet(wrong, user="admin", password="right")
        trouble = self.talk.refused()
        self.assertEqual(trouble.outcome, "auth")
        self.assertNotIn("WR0NG", trouble.reason)
        self.assertEqual(len(self.talk.fake.asked), 1)

    def test_the_right_password(self) -> None:
        site = Site("srs1", "http://srs:1985", "admin", "right")
        self.meet(site, user="admin", password="right").start("live/cam1")
        self.assertEqual(set(self.talk.look().seen), {"live/cam1"})

    def test_it_goes_on_afterwards(self) -> None:
        fake = self.meet()
        fake.start("live/cam1")
        self.talk.look()
        fake.lie("error_code", 100)
        self.talk.refused()
        fake.lie("error_code", False)
        self.assertEqual(set(self.talk.look().seen), {"live/cam1"})
