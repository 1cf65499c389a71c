"""An Icecast server: which page is asked, and what its answers become."""

from __future__ import annotations

import json
import unittest

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.recordings import RECORDINGS
from tests.servers.icecast_answers import IDLE, OGG, SERVER, YOUNG, Fake, xml
from tvmon.errors import BadAnswer
from tvmon.problems import ConfigError
from tvmon.servers import Answer, Found, Survey
from tvmon.servers.icecast import KIND, Icecast, IcecastOverview
from tvmon.servers.icecast_views import RETRY_SECONDS
from tvmon.servers.kinds import kinds
from tvmon.servers.site import Site
from tvmon.settings import Section
from tvmon.streams import Presence

URL = "http://ice.example:8000"
ADMIN, STATUS, PUBLIC_XML, PUBLIC_JSON = (
    "/admin/stats", "/status-json.xsl", "/admin/publicstats", "/admin/publicstats.json"
)  # fmt: skip
STATS = xml({"/a.ogg": OGG, "/-": IDLE})
PUBLIC = json.dumps({"icestats": {**SERVER, "source": {**OGG, "total_bytes_read": None}}}).encode()
HERE = RECORDINGS / "icecast"


def talk(password: str | None = "geheim", *, secret_names: bool = False) -> IcecastOverview:
    user = None if password is None else "admin"
    return Icecast(Site("ice", URL, user, password, secret_names)).begin()


class Case(SynchronousTestCase):
    """Asks."""

    def survey(self, overview: IcecastOverview, fetch: Fake) -> Survey:
        return self.successResultOf(Deferred.fromCoroutine(overview.survey(fetch)))

    def refused(self, overview: IcecastOverview, fetch: Fake, outcome: str) -> str:
        failed = Deferred.fromCoroutine(overview.survey(fetch))
        trouble = self.failureResultOf(failed, BadAnswer).value
        self.assertEqual(trouble.outcome, outcome)
        self.assertNotIn("geheim", trouble.reason)
        return str(trouble)


class SurveyTests(Case):
    """What answers become."""

    def test_every_mount(self) -> None:
        overview, fetch = talk(), Fake({ADMIN: STATS})
        survey = self.survey(overview, fetch)
        self.assertEqual(list(survey.seen), ["a.ogg", "-"])
        self.assertEqual((survey.skipped, survey.unseen), ((), {}))
        stream, measured = survey.seen["a.ogg"]
        self.assertEqual(stream.sample_interface, f"{URL}#a.ogg")
        self.assertEqual(stream.unify_name, "ice/a.ogg")
        self.assertEqual(measured.uptime_seconds, 100)  # by the server's own clock
        self.assertEqual(measured.session, ("2026-11-22T07:49:37+0000", "2026-11-22T07:50:08+0000"))
        self.assertIs(survey.seen["-"].measured.presence, Presence.ABSENT)
        self.assertEqual((overview.drift.unknown, overview.drift.missing), ({}, {}))

    def test_without_a_date_our_clock_must_do(self) -> None:
        fetch = Fake({ADMIN: STATS})
        fetch.headers = {}
        seen = self.survey(talk(), fetch).seen
        self.assertEqual(seen["a.ogg"].measured.uptime_seconds, 50)

    def test_a_server_in_its_first_second_has_no_streams(self) -> None:
        self.assertEqual(self.survey(talk(None), Fake({STATUS: YOUNG})), Survey({}))

    def test_names_are_what_they_are(self) -> None:
        names = ('a&b<c>"x.mp3', "Gr\u00f6\u00dfe \u0436.mp3", "-")
        body = xml({f"/{name}": OGG for name in names})
        self.assertEqual(tuple(self.survey(talk(), Fake({ADMIN: body})).seen), names)

    def test_mounts_that_cannot_be_used_cost_only_themselves(self) -> None:
        body = xml({"/": OGG, "/a": OGG, "/a?token=x": OGG, "/" + "x" * 501: OGG})
        survey = self.survey(talk(), Fake({ADMIN: body}))
        self.assertEqual(list(survey.seen), ["a"])
        self.assertEqual(
            survey.skipped,
            (
                "a mount is left out: it has no name",
                'mount "a" is left out: it is there twice',
                "a mount is left out: its name is longer than 500 characters",
            ),
        )

    def test_names_that_are_secrets(self) -> None:
        body = xml({"/live/geheimnis": OGG, "/live/geheimnis?x": OGG})
        survey = self.survey(talk(secret_names=True), Fake({ADMIN: body}))
        self.assertNotIn("geheimnis", repr(survey))
        self.assertEqual(len(survey.skipped), 1)

    def test_what_is_said_of_another_mount(self) -> None:
        source = {"/a.ogg": OGG, "/b.ogg": OGG}
        body = json.dumps([{"name": "icestats"}, {**SERVER, "source": source}]).encode()
        survey = self.survey(talk(None), Fake({PUBLIC_JSON: body}))
        self.assertEqual(list(survey.seen), ["a.ogg"])
        words = "the server tells of another mount under its name"
        self.assertEqual(survey.unseen, {"b.ogg": words})

    def test_fields_that_are_new_or_gone(self) -> None:
        changed = {**OGG, "colour": "red"}
        del changed["total_bytes_read"]
        overview = talk()
        body = xml({"/a.ogg": changed, "/-": IDLE}, {**SERVER, "weather": "fine"})
        self.survey(overview, Fake({ADMIN: body}))
        unknown = {"source.colour": 1, "icestats.weather": 1}
        self.assertEqual(overview.drift.unknown, unknown)
        self.assertEqual(overview.drift.missing, {"source.total_bytes_read": 1})


class ViewTests(Case):
    """Which page is asked."""

    def test_with_a_password_the_admins(self) -> None:
        overview, fetch = talk(), Fake({ADMIN: STATS, STATUS: PUBLIC})
        self.survey(overview, fetch)
        self.assertEqual(fetch.asked, [ADMIN])
        [request] = fetch.requests
        self.assertEqual(request.headers, (("Authorization", "Basic YWRtaW46Z2VoZWlt"),))
        self.assertEqual((overview.views.view.path, overview.views.why), (ADMIN, ""))

    def test_without_one_what_is_public(self) -> None:
        overview, fetch = talk(None), Fake({ADMIN: STATS, STATUS: PUBLIC})
        self.survey(overview, fetch)
        self.assertEqual(fetch.asked, [STATUS])

    def test_the_next_best_page_is_remembered_and_the_best_tried_again(self) -> None:
        overview, fetch = talk(), Fake({STATUS: PUBLIC})
        self.survey(overview, fetch)
        self.assertEqual(fetch.asked, [ADMIN, "/admin/stats.json", STATUS])
        self.assertEqual(fetch.requests[-1].headers, ())
        why = "/admin/stats answers 404, /admin/stats.json answers 404"
        self.assertEqual((overview.views.view.path, overview.views.why), (STATUS, why))
        fetch.asked.clear()
        fetch.pages[ADMIN] = STATS
        fetch.now += RETRY_SECONDS - 1
        self.survey(overview, fetch)
        self.survey(overview, fetch)
        self.assertEqual(fetch.asked, [STATUS, STATUS])
        fetch.now += 1
        self.survey(overview, fetch)
        fetch.asked.clear()
        self.survey(overview, fetch)
        self.assertEqual(fetch.asked, [ADMIN])
        self.assertEqual((overview.views.view.path, overview.views.why), (ADMIN, ""))

    def test_the_pages_of_2_5(self) -> None:
        spaced = b'<icestats xmlns="http://icecast.org/specs/legacystats-0.0.1">'
        overview = talk(None)
        fetch = Fake({STATUS: 404, PUBLIC_XML: STATS.replace(b"<icestats>", spaced)})
        self.assertEqual(list(self.survey(overview, fetch).seen), ["a.ogg", "-"])
        self.assertEqual(overview.views.view.path, PUBLIC_XML)
        body = json.dumps([{"name": "icestats"}, {**SERVER, "source": {"/a.ogg": OGG}}]).encode()
        fetch = Fake({ADMIN: 404, "/admin/stats.json": body})
        self.assertEqual(list(self.survey(talk(), fetch).seen), ["a.ogg"])

    def test_a_page_that_goes_is_looked_for_elsewhere_at_once(self) -> None:
        overview, fetch = talk(), Fake({STATUS: PUBLIC})
        self.survey(overview, fetch)
        fetch.pages = {ADMIN: STATS}
        self.survey(overview, fetch)
        self.assertEqual(overview.views.view.path, ADMIN)

    def test_a_wrong_password_is_not_covered_up(self) -> None:
        for status in (401, 403):
            fetch = Fake({ADMIN: status, STATUS: PUBLIC})
            words = f"HTTP {status}: the user or the password is refused"
            self.assertEqual(self.refused(talk(), fetch, "auth"), words)
            self.assertEqual(fetch.asked, [ADMIN])

    def test_a_password_that_is_refused_later(self) -> None:
        overview, fetch = talk(), Fake({STATUS: PUBLIC})
        self.survey(overview, fetch)
        fetch.pages[ADMIN] = 401
        fetch.now += RETRY_SECONDS
        self.survey(overview, fetch)
        self.refused(overview, fetch, "auth")
        self.refused(overview, fetch, "auth")

    def test_nothing_public_and_no_password(self) -> None:
        words = (
            "/status-json.xsl answers 404, /admin/publicstats answers {0}, "
            "/admin/publicstats.json answers {0}: "
            "give the password of the admin, or let the server show /status-json.xsl"
        )
        fetch = Fake({PUBLIC_XML: 401, PUBLIC_JSON: 401})
        self.assertEqual(self.refused(talk(None), fetch, "auth"), words.format(401))
        fetch = Fake({PUBLIC_XML: 400, PUBLIC_JSON: 400})
        self.assertEqual(self.refused(talk(None), fetch, "http"), words.format(400))

    def test_no_icecast_at_all(self) -> None:
        words = self.refused(talk(), Fake({}), "http")
        self.assertTrue(words.endswith(": this is no Icecast, or the URL is not its base"), words)

    def test_a_server_in_trouble_is_not_asked_for_less(self) -> None:
        for pages in ({ADMIN: 503}, {ADMIN: 404, STATUS: 503}):
            overview, fetch = talk(), Fake({**pages, PUBLIC_XML: STATS})
            words = self.refused(overview, fetch, "http")
            self.assertEqual(words, "HTTP 503 Service Unavailable")
            self.assertNotIn(PUBLIC_XML, fetch.asked)

    def test_hidden_mounts_are_grey_in_the_public_view(self) -> None:
        overview = talk()
        self.survey(overview, Fake({ADMIN: xml({"/a.ogg": OGG, "/hidden": OGG})}))
        fetch = Fake({STATUS: PUBLIC})
        self.assertEqual(set(self.survey(overview, fetch).unseen), {"hidden"})
        fetch.pages[STATUS] = YOUNG
        # What was shown once, and is no more, has gone.
        self.assertEqual(set(self.survey(overview, fetch).unseen), {"hidden"})
        self.assertEqual(self.survey(overview, Fake({ADMIN: STATS})).unseen, {})


class AnythingTests(Case):
    """Nothing but BadAnswer, whatever comes."""

    @given(st.binary(), st.integers(100, 599), st.booleans())
    def test_any_answer(self, body: bytes, status: int, public: bool) -> None:
        async def fetch(_request: object) -> Answer:
            return Answer(status, "x", body, {"date": "x"})

        done = Deferred.fromCoroutine(talk(None if public else "x").survey(fetch))
        done.addErrback(lambda failure: failure.trap(BadAnswer) and None)
        self.successResultOf(done)


class KindTests(unittest.TestCase):
    """The configuration, and how one is found."""

    def read(self, text: str) -> Icecast:
        section = Section.of(f'name = "ice"\nurl = "{URL}/"\n{text}', "tvmon.conf", {})
        server = KIND.configured(section)
        section.finish()
        assert isinstance(server, Icecast)
        return server

    def test_a_section(self) -> None:
        site = Site("ice", URL, "admin", "geheim")
        self.assertEqual(self.read('password = "geheim"'), Icecast(site))
        self.assertEqual(self.read(""), Icecast(Site("ice", URL)))
        self.assertNotIn("geheim", repr(self.read('password = "geheim"')))
        self.assertEqual((self.read("").name, self.read("").extra_streams), ("ice", ()))
        self.assertIs(kinds()["icecast"], KIND)
        with self.assertRaises(ConfigError):
            self.read('user = "root"')

    def test_a_sample_interface_leads_to_its_stream(self) -> None:
        assert KIND.at is not None
        server, stream = KIND.at(f"{URL}#Gr%C3%B6%20x.mp3")
        self.assertEqual((server, stream.key), (Icecast(Site("", URL)), "Gr\u00f6 x.mp3"))

    def test_what_a_probe_recognises(self) -> None:
        status, admin = KIND.probes
        options = {"url": URL, "user": "admin", "password": "${ICECAST_PASSWORD}"}
        self.assertEqual((status.path, admin.path), (STATUS, ADMIN))
        found = status.recognise(Answer(200, "OK", PUBLIC), URL)
        self.assertEqual(found, Found("Icecast 2.4.4", options))
        headers = {"server": "Icecast 2.4.4", "www-authenticate": 'Basic realm="Icecast2 Server"'}
        found = admin.recognise(Answer(401, "", b"", headers), URL)
        self.assertEqual(found, Found("Icecast 2.4.4", options))
        headers = {"www-authenticate": 'Basic realm="Icecast2 Server"'}
        self.assertEqual(
            admin.recognise(Answer(401, "", b"", headers), URL), Found("Icecast", options)
        )
        for answer in (
            Answer(404, "", PUBLIC), Answer(200, "", b"{}"), Answer(200, "", b"<html>"),
            Answer(401, "", b"", {"www-authenticate": 'Basic realm="x"', "server": "nginx"}),
        ):  # fmt: skip
            self.assertIsNone(status.recognise(answer, URL))
            self.assertIsNone(admin.recognise(answer, URL))


@unittest.skipUnless(HERE.is_dir(), f"no recordings at {HERE}; set TVMON_RECORDINGS")
class RecordedTests(Case):
    """A real server with a stream that stalls, 3 s between two answers."""

    def replay(self, overview: IcecastOverview, page: str, form: str) -> list[Survey]:
        fetch = Fake({})
        surveys = []
        for number in range(7):
            fetch.pages[page] = (HERE / form.format(number)).read_bytes()
            surveys.append(self.survey(overview, fetch))
        self.assertEqual((overview.drift.unknown, overview.drift.missing), ({}, {}))
        return surveys

    def test_the_admins_view(self) -> None:
        surveys = self.replay(talk(), ADMIN, "icecast-admin-stats.3-stalled-{}.xml")
        stalled = [survey.seen["a.ogg"].measured for survey in surveys if "a.ogg" in survey.seen]
        received = [measured.upstream_bytes_received for measured in stalled]
        self.assertEqual(received, [14606, 20157, 20157, 20157, 20157])
        self.assertEqual({measured.presence for measured in stalled}, {Presence.LIVE})
        self.assertEqual([measured.clients_connected for measured in stalled], [1] * 5)
        healthy = [survey.seen["b.mp3"].measured for survey in surveys]
        received = [measured.upstream_bytes_received for measured in healthy]
        self.assertEqual(received, [35781, 35781, 55634, 55634, 55634, 75600, 75600])

    def test_the_public_view(self) -> None:
        surveys = self.replay(talk(None), STATUS, "icecast-status.3-stalled-{}.json")
        self.assertEqual(["a.ogg" in survey.seen for survey in surveys], [True] * 5 + [False] * 2)
        self.assertEqual({survey.seen["b.mp3"].measured.audio_codec for survey in surveys}, {"MP3"})
