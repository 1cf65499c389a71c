"""A conversation with an nginx whose workers tell of their own streams only."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.nginx_pages import FakeNginx, client, page, stream
from tvmon.errors import BadAnswer, NoAnswer
from tvmon.problems import ConfigError
from tvmon.servers import Answer, Request, Survey, nginx_rtmp_view
from tvmon.servers.kinds import kinds
from tvmon.servers.nginx_rtmp import KIND, NginxRtmp, at, configured, recognise
from tvmon.servers.nginx_rtmp_workers import ASKED_IN_A_ROW
from tvmon.servers.site import Site
from tvmon.settings import Section
from tvmon.streams import Presence

URL = "http://192.0.2.1:8080/stat"


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.overview = NginxRtmp(Site("edge", URL)).begin()

    def survey(self, nginx: FakeNginx, seconds: float = 1.5) -> Survey:
        nginx.now += seconds
        return self.successResultOf(Deferred.fromCoroutine(self.overview.survey(nginx.fetch)))


class OneWorkerTests(Case):
    """What most servers are."""

    def test_a_stream_by_its_application_and_name(self) -> None:
        survey = self.survey(FakeNginx({11: [stream(players=2)]}))
        self.assertEqual(list(survey.seen), ["live/cam1"])
        seen = survey.seen["live/cam1"]
        self.assertEqual(seen.stream.sample_interface, f"{URL}#live/cam1")
        self.assertEqual(seen.stream.unify_name, "edge/live/cam1")
        self.assertIs(seen.measured.presence, Presence.LIVE)
        self.assertEqual(seen.measured.clients_connected, 2)
        self.assertEqual(survey.skipped, ())
        self.assertEqual(survey.unseen, {})

    def test_it_looks_for_other_workers_at_first_and_then_seldom(self) -> None:
        nginx = FakeNginx({11: [stream()]})
        self.survey(nginx)
        self.assertEqual(nginx.asked(), 1 + ASKED_IN_A_ROW)
        self.survey(nginx)
        self.assertEqual(nginx.asked(), 1)
        self.survey(nginx, 10)
        fresh = [request.fresh for request in nginx.requests]
        self.assertEqual(fresh, [False, True])

    def test_it_does_not_look_for_longer_than_it_may(self) -> None:
        nginx = FakeNginx({11: [stream()]})
        nginx.seconds_a_request = 0.3
        self.survey(nginx)
        self.assertEqual(nginx.asked(), 1 + 4)

    def test_a_stream_that_its_worker_lacks_is_published_by_nobody(self) -> None:
        nginx = FakeNginx({11: [stream("cam1"), stream("cam2")]})
        self.survey(nginx)
        nginx.pages[11] = [stream("cam2")]
        survey = self.survey(nginx)
        self.assertEqual(list(survey.seen), ["live/cam2"])
        self.assertEqual(survey.unseen, {})

    def test_a_stream_with_players_only_is_absent(self) -> None:
        nginx = FakeNginx({11: [stream("cam1", players=1)]})
        self.survey(nginx)
        nginx.pages[11] = [stream("cam1", publishing=False, players=2)]
        seen = self.survey(nginx).seen["live/cam1"].measured
        self.assertIs(seen.presence, Presence.ABSENT)
        self.assertEqual(seen.clients_connected, 2)
        self.assertEqual(seen.remarks, ("2 viewers wait for it",))
        self.assertIsNone(seen.session.publisher)

    def test_the_session_tells_publishers_and_processes_apart(self) -> None:
        nginx = FakeNginx({11: [stream()]})
        first = self.survey(nginx).seen["live/cam1"].measured.session
        same = self.survey(nginx).seen["live/cam1"].measured.session
        self.assertEqual(first, same)
        nginx.pages[11] = [stream(publisher=client(8, publishing=True))]
        again = self.survey(nginx).seen["live/cam1"].measured.session
        self.assertEqual(again.server, first.server)
        self.assertNotEqual(again.publisher, first.publisher)
        # In a container the process of a new nginx may have the number of the old one.
        nginx.loaded = nginx.now
        anew = self.survey(nginx).seen["live/cam1"].measured.session
        self.assertNotEqual(anew.server, first.server)

    def test_the_delay_grows_while_media_rests_and_shrinks_again(self) -> None:
        delays = []
        nginx = FakeNginx({11: []})
        for time, timestamp in ((1000, 900), (2500, 2380), (4000, 2400), (7000, 6900)):
            publisher = client(publishing=True, time=time, timestamp=timestamp)
            nginx.pages[11] = [stream(publisher=publisher)]
            delays.append(self.survey(nginx).seen["live/cam1"].measured.live_delay_ms)
        self.assertEqual(delays, [0, 20, 1499, 0])


class WorkersTests(Case):
    """An nginx of two workers."""

    def setUp(self) -> None:
        super().setUp()
        self.nginx = FakeNginx({11: [stream("cam1")], 12: [stream("cam2")]})

    def test_their_answers_are_put_together(self) -> None:
        survey = self.survey(self.nginx)
        self.assertEqual(sorted(survey.seen), ["live/cam1", "live/cam2"])
        self.assertEqual(survey.unseen, {})

    def test_each_survey_asks_until_both_have_answered(self) -> None:
        self.survey(self.nginx)
        for _ in range(40):
            survey = self.survey(self.nginx)
            self.assertEqual(sorted(survey.seen), ["live/cam1", "live/cam2"])

    def test_what_one_has_that_does_not_answer_is_unseen(self) -> None:
        self.survey(self.nginx)
        self.nginx.silent.add(12)
        survey = self.survey(self.nginx)
        self.assertEqual(list(survey.seen), ["live/cam1"])
        why = "worker 12, which had it, did not answer this time"
        self.assertEqual(survey.unseen, {"live/cam2": why})

    def test_it_is_not_asked_for_for_ever(self) -> None:
        self.survey(self.nginx)
        self.nginx.silent.add(12)
        self.nginx.asked()
        for _ in range(10):
            survey = self.survey(self.nginx)
        self.assertEqual(list(survey.unseen), ["live/cam2"])
        self.assertLess(self.nginx.asked(), 10 + 2 * ASKED_IN_A_ROW + 3)
        # It is found again all the same.
        self.nginx.silent = {11}
        self.assertIn("live/cam2", self.survey(self.nginx, 10).seen)

    def test_what_it_had_is_forgotten_after_an_hour(self) -> None:
        self.survey(self.nginx)
        self.nginx.silent.add(12)
        self.assertEqual(list(self.survey(self.nginx, 3500).unseen), ["live/cam2"])
        self.assertEqual(self.survey(self.nginx, 200).unseen, {})

    def test_so_many_are_unseen_at_most(self) -> None:
        self.patch(nginx_rtmp_view, "MOST_UNSEEN", 2)
        self.nginx.pages[12] = [stream(f"cam{number}") for number in range(2, 6)]
        self.survey(self.nginx)
        self.nginx.silent.add(12)
        self.assertEqual(sorted(self.survey(self.nginx).unseen), ["live/cam4", "live/cam5"])

    def test_a_stream_that_comes_back_elsewhere_belongs_there(self) -> None:
        self.survey(self.nginx)
        self.nginx.pages = {11: [stream("cam1"), stream("cam2")], 12: []}
        self.nginx.silent.add(12)
        survey = self.survey(self.nginx)
        self.assertEqual(survey.unseen, {})
        self.assertEqual(survey.seen["live/cam2"].measured.session.server, "11")
        self.nginx.pages[11] = [stream("cam1")]
        self.assertEqual(self.survey(self.nginx).unseen, {})

    def test_players_elsewhere_do_not_hide_it_and_are_counted(self) -> None:
        self.nginx.pages[12].append(stream("cam1", publishing=False, players=3))
        self.survey(self.nginx)
        seen = self.survey(self.nginx).seen["live/cam1"].measured
        self.assertIs(seen.presence, Presence.LIVE)
        self.assertEqual(seen.clients_connected, 3)
        self.assertEqual(seen.session.server, "11")

    def test_players_alone_say_nothing_of_a_worker_that_does_not_answer(self) -> None:
        self.survey(self.nginx)
        self.nginx.pages[11].append(stream("cam2", publishing=False, players=1))
        self.nginx.silent.add(12)
        survey = self.survey(self.nginx)
        self.assertNotIn("live/cam2", survey.seen)
        self.assertIn("live/cam2", survey.unseen)

    def test_a_copy_that_a_worker_pushed_to_another_is_not_the_stream(self) -> None:
        copy = client(9, publishing=True, flashver="APSH 0,11", pageurl="nginx-auto-push")
        relay = client(8, flashver="ngx-local-relay")
        taken_in = client(7, publishing=True) + relay
        self.nginx.pages = {
            11: [stream("cam1", publisher=taken_in, players=1)],
            12: [stream("cam1", publisher=copy, players=2, received=5)],
        }
        self.survey(self.nginx)
        seen = self.survey(self.nginx).seen["live/cam1"].measured
        self.assertEqual(seen.session.publisher, "11/7")
        self.assertEqual(seen.clients_connected, 3)
        self.nginx.kept = 12
        self.nginx.silent.add(11)
        self.assertEqual(list(self.survey(self.nginx).unseen), ["live/cam1"])

    def test_published_twice_it_stays_with_the_worker_that_had_it(self) -> None:
        self.survey(self.nginx)
        self.nginx.pages[11].append(stream("cam2"))
        self.assertEqual(self.survey(self.nginx).seen["live/cam2"].measured.session.server, "12")

    def test_after_a_reload_the_view_is_incomplete(self) -> None:
        self.survey(self.nginx)
        self.nginx.pages = {21: [], 22: []}
        self.nginx.kept, self.nginx.loaded = 21, self.nginx.now
        survey = self.survey(self.nginx, 10)
        self.assertEqual(survey.seen, {})
        why = survey.unseen["live/cam1"]
        self.assertIn("the server was reloaded: worker 2", why)
        self.assertIn("does not show what worker 11 still serves", why)
        self.assertEqual(sorted(survey.unseen), ["live/cam1", "live/cam2"])
        # Workers that will never answer again are not asked for.
        self.nginx.asked()
        self.survey(self.nginx)
        self.survey(self.nginx)
        self.assertLess(self.nginx.asked(), 2 * (1 + ASKED_IN_A_ROW) + 1)

    def test_a_server_that_refused_connections_was_not_reloaded(self) -> None:
        self.survey(self.nginx)
        self.nginx.failure = NoAnswer("connection refused", "refused")
        self.failureResultOf(Deferred.fromCoroutine(self.overview.survey(self.nginx.fetch)))
        self.nginx.failure = None
        self.nginx.pages, self.nginx.kept, self.nginx.loaded = {21: []}, 21, self.nginx.now
        self.assertEqual(self.survey(self.nginx).unseen, {})

    def test_one_good_answer_is_enough(self) -> None:
        self.survey(self.nginx)
        calls: list[Request] = []

        async def fetch(request: Request) -> Answer:
            calls.append(request)
            if request.fresh:
                raise NoAnswer("no answer within 2 s", "timeout")
            return await self.nginx.fetch(request)

        survey = self.successResultOf(Deferred.fromCoroutine(self.overview.survey(fetch)))
        self.assertEqual(list(survey.seen), ["live/cam1"])
        self.assertEqual(list(survey.unseen), ["live/cam2"])
        self.assertEqual(len(calls), 2)


class RefusedTests(Case):
    """Answers that are none."""

    def answered(self, overview: object, status: int, body: bytes = b"") -> BadAnswer:
        async def fetch(request: Request) -> Answer:
            self.requests.append(request)
            return Answer(status, "", body)

        self.requests: list[Request] = []
        coroutine = overview.survey(fetch)  # type: ignore[attr-defined]
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), BadAnswer).value

    def test_a_password_is_asked_for(self) -> None:
        wrong = self.answered(self.overview, 401)
        self.assertEqual(wrong.outcome, "auth")
        self.assertEqual(self.requests[0].headers, ())

    def test_a_password_is_refused_once(self) -> None:
        overview = NginxRtmp(Site("edge", URL, "tvmon", "hush")).begin()
        wrong = self.answered(overview, 401)
        self.assertEqual(wrong.outcome, "auth")
        self.assertNotIn("hush", wrong.reason)
        self.assertEqual(len(self.requests), 1)
        self.assertEqual(self.requests[0].headers, (("Authorization", "Basic dHZtb246aHVzaA=="),))

    def test_another_status(self) -> None:
        self.assertEqual(self.answered(self.overview, 404).reason, "HTTP 404 Not Found")


class KindTests(SynchronousTestCase):
    """How the kind is configured, and found."""

    def test_it_is_registered(self) -> None:
        self.assertIs(kinds()["nginx-rtmp"], KIND)

    def test_its_section(self) -> None:
        text = (
            'name = "edge"\nurl = "http://192.0.2.1/stat"\nuser = "tvmon"\n'
            'password = "${WORD}"\nsecret_names = true\n'
        )
        section = Section.of(text, "x.conf", {"WORD": "hush"})
        server = configured(section)
        section.finish()
        self.assertEqual(
            server, NginxRtmp(Site("edge", "http://192.0.2.1/stat", "tvmon", "hush", True))
        )
        self.assertEqual((server.name, server.extra_streams), ("edge", ()))
        self.assertNotIn("hush", repr(server))

    def test_a_section_without_url(self) -> None:
        section = Section.of('name = "edge"\n', "x.conf", {})
        configured(section)
        with self.assertRaises(ConfigError):
            section.finish()

    def test_a_sample_interface_leads_to_its_stream(self) -> None:
        server, found = at(f"{URL}#live/a%26b")
        self.assertEqual((server.site.url, found.key), (URL, "live/a&b"))

    def test_a_probe_recognises_it(self) -> None:
        found = recognise(Answer(200, "OK", page()), "http://192.0.2.1:8080")
        assert found is not None
        self.assertEqual(found.what, "nginx-rtmp-module 1.1.4 in nginx 1.22.1")
        self.assertEqual(found.options, {"url": URL})
        for status, body in ((404, page()), (200, b"<html>"), (200, b"{}"), (200, b"")):
            self.assertIsNone(recognise(Answer(status, "", body), "http://192.0.2.1"))
