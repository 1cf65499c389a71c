"""``GET /servers``."""

from __future__ import annotations

from itertools import chain

from twisted.internet.defer import Deferred

from tests.api.support import BOOT, HOSTILE, NOW, MemoryCase, failed, report, stream
from tvmon.api.access import Access
from tvmon.entry import utc


class ServersTests(MemoryCase):
    """Each media server, and how its streams are."""

    # Healthy, starved, failed and without a sample in turn: two servers of one and a half turns.
    streams = tuple(
        stream(number, server=server)
        for number, server in enumerate(chain(["edge1"] * 6, ["edge2"] * 2))
    )

    def setUp(self) -> None:
        super().setUp()
        self.world.reports = [report("edge2", kind="icecast"), report("edge1")]

    def test_they_come_in_the_order_given_with_their_streams_counted(self) -> None:
        answer = self.get("/servers")
        self.assertEqual((answer.code, answer.header("Content-Type")), (200, "application/json"))
        first, second = answer.json["servers"]
        self.assertEqual(
            first,
            {
                "name": "edge2",
                "kind": "icecast",
                "streams": 2,
                "levels": {"bad": 1, "problem": 0, "good": 0, "unknown": 1},
                "trouble": None,
                "listed_time": utc(NOW),
                "fields_unknown": {},
                "fields_missing": {},
            },
        )
        self.assertEqual((second["name"], second["kind"], second["streams"]), ("edge1", "tvie", 6))
        self.assertEqual(sum(second["levels"].values()), 6)
        self.assertEqual(second["levels"]["good"], 2)
        self.assertEqual(second["levels"]["unknown"], 1)

    def test_what_is_wrong_with_one_and_what_is_new_in_its_answers(self) -> None:
        self.world.reports[0] = report(
            "edge2",
            trouble="listing failed: connection refused",
            listed_time=None,
            unknown={"stream.bw_data": 12},
            missing={"stream.time": 3},
        )
        told = self.get("/servers").json["servers"][0]
        self.assertEqual(told["trouble"], "listing failed: connection refused")
        self.assertIsNone(told["listed_time"])
        self.assertEqual(told["fields_unknown"], {"stream.bw_data": 12})
        self.assertEqual(told["fields_missing"], {"stream.time": 3})

    def test_one_without_streams_and_none_at_all(self) -> None:
        self.world.reports = [report("empty")]
        told = self.get("/servers").json["servers"]
        self.assertEqual([(one["name"], one["streams"]) for one in told], [("empty", 0)])
        self.world.reports = []
        self.assertEqual(self.get("/servers").json, {"servers": []})

    def test_what_has_not_changed_is_not_told_again(self) -> None:
        tag = self.get("/servers").header("ETag") or ""
        again = self.get("/servers", If_None_Match=tag)
        self.assertEqual((again.code, again.body), (304, b""))
        self.board.note(1007, failed(6))
        changed = self.get("/servers", If_None_Match=tag)
        self.assertEqual(changed.code, 200)
        self.assertNotEqual(changed.header("ETag"), tag)
        self.world.reports[1] = report("edge1", unknown={"stream.x": 1})
        again = self.get("/servers", If_None_Match=changed.header("ETag") or "")
        self.assertEqual(again.code, 200)

    def test_the_tag_holds_over_a_restart_as_it_is_of_what_is_said(self) -> None:
        tag = self.get("/servers").header("ETag") or ""
        self.world.boot = BOOT + "1"
        self.start()
        self.assertEqual(self.get("/servers", If_None_Match=tag).code, 304)

    def test_a_head_has_the_length_and_no_body(self) -> None:
        answer = self.get("/servers", "HEAD")
        self.assertEqual((answer.code, answer.body), (200, b""))
        self.assertIsNotNone(answer.header("ETag"))

    def test_it_waits_until_the_board_is_filled(self) -> None:
        self.world.filled = Deferred()
        asked = self.ask("/servers")
        self.turn()
        self.assertNoResult(asked)
        self.world.filled.callback(None)
        self.assertEqual(self.end(asked).code, 200)

    def test_nothing_but_the_address_itself_and_only_to_be_read(self) -> None:
        self.assertEqual(self.get("/servers?page=1").error["part"], "page")
        self.assertEqual(self.get("/servers/edge1").code, 404)
        self.assertEqual(self.get("/servers", "DELETE").code, 405)

    def test_who_may_read_the_streams_may_read_this(self) -> None:
        self.world.access = Access(token="x")
        self.start()
        self.assertEqual(self.get("/servers").code, 401)
        self.assertEqual(self.get("/servers", Authorization="Bearer x").code, 200)

    def test_texts_of_any_kind_stay_texts(self) -> None:
        for text in HOSTILE:
            shown = text.encode("utf-8", "replace").decode()
            self.world.reports = [report(text, trouble=text, unknown={text: 1})]
            told = self.get("/servers").json["servers"][0]
            self.assertEqual((told["name"], told["trouble"]), (shown, shown))
            self.assertEqual(told["fields_unknown"], {shown: 1})

    def test_requests_are_counted(self) -> None:
        self.get("/servers")
        text = self.get("/metrics").body.decode()
        self.assertIn('tvmon_http_requests_total{code="200",route="servers"} 1.0\n', text)
