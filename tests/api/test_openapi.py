"""The description, and whether it is true."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.api.events import read
from tests.api.support import Away, MemoryCase, Reply, failed, good
from tvmon.api.access import Access
from tvmon.api.openapi import describe
from tvmon.api.refusal import Refusal
from tvmon.api.schemas import UNITS
from tvmon.history.subjects import ALL, MACHINE, of_stream
from tvmon.streams import MEASURED

PAGE = "/samples/{offset}-{page_size}/{keyword}/{sort_by}/{sort_order}/{sort_by_status_first}"


WINDOW_OF_VHOST = "/graph/vhost/{target}_{window}.png"
GRAPHS: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("/graph/stream/{mms_stream_id}.png", "/graph/stream/1000.png", {}, 200),
    ("/graph/stream/{mms_stream_id}.png", "/graph/stream/1000.png?format=json", {}, 200),
    ("/graph/stream/{mms_stream_id}.png", "/graph/stream/1000.png?format=csv", {}, 200),
    ("/graph/stream/{mms_stream_id}.png", "/graph/stream/x.png", {}, 400),
    ("/graph/stream/{mms_stream_id}.png", "/graph/stream/9.png", {}, 404),
    ("/graph/stream/{mms_stream_id}.png", "/graph/stream/1.png?" + "x" * 5000, {}, 414),
    ("/graph_vhost", "/graph_vhost?target=hitratio&protocol=hls&format=json", {}, 200),
    ("/graph_vhost", "/graph_vhost?target=hitratio", {"If_None_Match": "*"}, 304),
    ("/graph_vhost", "/graph_vhost?target=mem", {}, 404),
    ("/graph_global", "/graph_global?target=cpu&step=1h&format=json", {}, 200),
    ("/graph_global", "/graph_global?target=cpu&step=1w", {}, 400),
    ("/graph/{target}_{window}.png", "/graph/cpu_week.png?format=json", {}, 200),
    ("/graph/{target}_{window}.png", "/graph/cpu_week.png?start=x", {}, 400),
    (WINDOW_OF_VHOST, "/graph/vhost/sent_week.png?format=json", {}, 200),
    (WINDOW_OF_VHOST, "/graph/vhost/sent_week.png?vhost=nobody", {}, 404),
    ("/history", "/history", {}, 200),
    ("/report", "/report", {}, 200),
    ("/report", "/report?each=1", {}, 200),
    ("/report", "/report?format=csv", {}, 200),
    ("/report", "/report?format=png", {}, 400),
    ("/report", "/report?vhost=nobody", {}, 404),
)


class Listening(Protocol):
    """Keeps what comes."""

    def __init__(self, heard: list[bytes]) -> None:
        self.heard = heard

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)


class DescriptionTests(SynchronousTestCase):
    """The document itself."""

    def test_it_is_openapi(self) -> None:
        OpenAPIV31SpecValidator(describe()).validate()

    def test_every_measured_field_is_explained(self) -> None:
        self.assertEqual(tuple(UNITS), MEASURED)

    def test_nothing_in_it_says_where_it_is_served(self) -> None:
        self.assertNotIn("://", str(describe()))


class TruthTests(MemoryCase):
    """Every route's real answers against what is said of them."""

    def check(self, route: str, answer: Reply) -> None:
        """The code is announced, the body is of the shape that is announced for it."""
        document = describe()
        announced = document["paths"][route]["get"]["responses"]
        self.assertIn(str(answer.code), announced, route)
        said = announced[str(answer.code)]
        if "$ref" in said:
            said = document["components"]["responses"][said["$ref"].rpartition("/")[2]]
        for name in said.get("headers", {}):
            self.assertIsNotNone(answer.header(name), (route, name))
        if "content" not in said:
            self.assertEqual(answer.body, b"")
            return
        kind = (answer.header("Content-Type") or "").partition(";")[0]
        self.assertIn(kind, said["content"])
        if kind == "application/json":
            self.validate(said["content"][kind]["schema"], answer.json)

    def validate(self, schema: dict[str, Any], value: Any) -> None:
        whole = {**schema, "components": describe()["components"]}
        Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
            value
        )

    def test_every_route_and_code(self) -> None:
        self.world.kept[1000] = [failed(3), good(0, 5, average_upstream_kbps=1.5)]
        self.world.kept[1001] = Away()
        everything = self.world.archive
        everything.files |= {ALL: "all.rrd", MACHINE: "machine.rrd", of_stream(1000): "1.rrd"}
        everything.parts[ALL] = [("edge", of_stream(1000)), ("none", of_stream(9))]
        etag = self.get("/samples").header("ETag") or ""
        servers = self.get("/servers").header("ETag") or ""
        described = self.get("/api")
        tag = described.header("ETag") or ""
        for route, path, headers, code in (
            ("/samples", "/samples", {}, 200),
            ("/samples", "/samples", {"If_None_Match": etag}, 304),
            ("/samples", "/samples?x=1", {}, 400),
            ("/samples", "/samples?" + "x" * 5000, {}, 414),
            (PAGE, "/samples/2-3/chan/score/desc/1", {}, 200),
            (PAGE, "/samples/2-3/chan/colour/desc/1", {}, 400),
            (PAGE, "/samples/2-3/%ff/score/desc/1", {}, 400),
            ("/samples/{mms_stream_id}/history", "/samples/1000/history?limit=2", {}, 200),
            ("/samples/{mms_stream_id}/history", "/samples/1000/history?limit=x", {}, 400),
            ("/samples/{mms_stream_id}/history", "/samples/1007/history", {}, 404),
            ("/samples/{mms_stream_id}/history", "/samples/1001/history", {}, 503),
            ("/servers", "/servers", {}, 200),
            ("/servers", "/servers", {"If_None_Match": servers}, 304),
            ("/servers", "/servers?x=1", {}, 400),
            ("/events", "/events?x=1", {}, 400),
            ("/metrics", "/metrics", {}, 200),
            ("/metrics", "/metrics?x=1", {}, 400),
            ("/-/healthy", "/-/healthy", {}, 200),
            ("/-/ready", "/-/ready", {}, 200),
            ("/-/ready", "/-/ready?x=1", {}, 400),
            ("/api", "/api", {}, 200),
            ("/api", "/api", {"If_None_Match": tag}, 304),
            ("/api", "/api?x=1", {}, 400),
            *GRAPHS,
        ):
            answer = self.get(path, **headers)
            self.assertEqual(answer.code, code, path)
            self.check(route, answer)
        self.world.trouble["database"] = "away"
        self.check("/-/ready", self.get("/-/ready"))
        self.assertEqual(described.json, describe())

    def test_an_order_is_good_in_any_case_here_as_in_an_address(self) -> None:
        said = describe()["paths"][PAGE]["get"]["parameters"]
        order = next(each["schema"] for each in said if each["name"] == "sort_order")
        self.assertEqual(order["pattern"], "^([aA][sS][cC]|[dD][eE][sS][cC])?$")
        for text, code in (("", 200), ("Asc", 200), ("DESC", 200), ("dEsc", 200), ("up", 400)):
            self.assertEqual(Draft202012Validator(order).is_valid(text), code == 200, text)
            self.assertEqual(self.get(f"/samples/0-0///{text}/").code, code, text)

    def test_who_is_not_let_in(self) -> None:
        self.world.access = Access(token="x")
        self.start()
        for route in describe()["paths"]:
            if route != "/-/healthy":
                answer = self.get(route.replace("{", "").replace("}", ""))
                self.assertEqual(answer.code, 401)
                self.check(route, answer)

    def test_no_graphs_without_rrdtool(self) -> None:
        self.world.rrd.missing = "rrdtool is not installed: apt-get install rrdtool"
        for route, path, _, code in GRAPHS:
            if code == 200:
                answer = self.get(path)
                self.assertEqual(answer.code, 200 if path == "/history" else 503)
                self.check(route, answer)

    def test_no_more_listeners_than_there_may_be(self) -> None:
        self.world.event_clients = 0
        self.start()
        answer = self.get("/events")
        self.assertEqual(answer.code, 503)
        self.check("/events", answer)

    def test_a_stop(self) -> None:
        for route in ("/samples", "/metrics"):
            self.start()
            asked = self.ask(route)
            self.agent.flush()
            Deferred.fromCoroutine(self.api.stop())
            answer = self.end(asked)
            self.assertEqual(answer.code, 503)
            self.check(route, answer)

    def test_events(self) -> None:
        schemas = describe()["components"]["schemas"]
        asked = self.ask("/events", Last_Event_ID="f00d-0")
        heard: list[bytes] = []

        def write(request: Any) -> None:
            request.deliverBody(Listening(heard))

        asked.addCallback(write)
        self.turns_until(lambda: heard)
        self.board.drop(1000)
        self.clock.advance(1)
        self.turns_until(lambda: b"event: gone" in b"".join(heard))
        events = read(b"".join(heard))
        self.assertEqual({event.type for event in events}, {"hello", "sample", "gone"})
        for event in events:
            shape = {"hello": "Hello", "sample": "Entry", "gone": "Gone"}[event.type]
            self.validate(schemas[shape], event.data)
        Deferred.fromCoroutine(self.api.stop())
        self.turn()

    def test_every_refusal_has_the_shape_of_an_error(self) -> None:
        for refusal in (
            Refusal("x"),
            Refusal("x", part="y"),
            Refusal("x", part="y", allowed=["a", "b"]),
        ):
            self.validate(describe()["components"]["schemas"]["Error"], refusal.as_dict())
