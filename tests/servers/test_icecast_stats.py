"""Icecast's statistics in all their forms."""

from __future__ import annotations

import contextlib
import json
import unittest

from hypothesis import given
from hypothesis import strategies as st

from tests.recordings import RECORDINGS
from tests.servers.icecast_answers import IDLE, OGG, SERVER, YOUNG, xml
from tvmon.errors import BadAnswer
from tvmon.servers.icecast_repair import repaired
from tvmon.servers.icecast_stats import Mount, parse_stats

HERE = RECORDINGS / "icecast"


def status(**more: object) -> bytes:
    return json.dumps({"icestats": {**SERVER, **more, "dummy": None}}).encode()


class XmlTests(unittest.TestCase):
    """What the admin gets."""

    def test_every_mount_with_its_fields(self) -> None:
        stats = parse_stats(xml({"/a.ogg": OGG, '/a&b<c>"x.mp3': IDLE}))
        self.assertEqual(stats.mounts, (Mount("/a.ogg", OGG), Mount('/a&b<c>"x.mp3', IDLE)))
        self.assertEqual(stats.server, SERVER)

    def test_a_namespace_and_a_report_around_it_change_nothing(self) -> None:
        plain = xml({"/a.ogg": OGG})
        spaced = plain.replace(
            b"<icestats>", b'<icestats xmlns="http://icecast.org/specs/legacystats-0.0.1">'
        )
        self.assertEqual(parse_stats(spaced), parse_stats(plain))
        inner = spaced.partition(b"\n")[2]
        report = b"<report><extension>" + inner + b"</extension></report>"
        self.assertEqual(parse_stats(report), parse_stats(plain))

    def test_what_has_elements_of_its_own_is_no_field(self) -> None:
        nested = b"<metadata><title>x</title></metadata>"
        body = xml({"/a.ogg": {}}).replace(b"</source>", nested + b"</source>")
        self.assertEqual(parse_stats(body).mounts, (Mount("/a.ogg", {}),))

    def test_a_mount_without_a_name(self) -> None:
        body = xml({"/a.ogg": IDLE}).replace(b'mount="/a.ogg"', b"")
        self.assertEqual(parse_stats(body).mounts, (Mount(None, IDLE),))

    def test_what_is_refused(self) -> None:
        for body, words in (
            (b"<icestats><a>", "Icecast's status is not XML: it breaks off or is wrong"),
            (b"<icestats/>", "not Icecast's status: there is nothing of a server in it"),
            (b"<rtmp/>", "XML, but not Icecast's status"),
            (b"<report><incident/></report>", "XML, but not Icecast's status"),
            (b"<!DOCTYPE html><html>", "an HTML page instead of Icecast's status"),
            (b'<?xml version="1.0" encoding="x"?><icestats/>', "not XML"),
            (b'<!DOCTYPE a [<!ENTITY x "y">]><icestats>&x;</icestats>', "not XML"),
        ):
            with self.subTest(body), self.assertRaises(BadAnswer) as caught:
                parse_stats(body)
            self.assertIn(words, str(caught.exception))
            self.assertEqual(caught.exception.outcome, "body")


class JsonTests(unittest.TestCase):
    """What everybody gets."""

    def test_no_source_one_and_many(self) -> None:
        one, other = Mount("/a.ogg", OGG), Mount("/idle.mp3", IDLE)
        self.assertEqual(parse_stats(status()).mounts, ())
        self.assertEqual(parse_stats(status(source=None)).mounts, ())
        self.assertEqual(parse_stats(status(source=OGG)).mounts, (one,))
        self.assertEqual(parse_stats(status(source=[OGG, IDLE])).mounts, (one, other))

    def test_the_list_of_2_5(self) -> None:
        head = {"name": "icestats", "ns": "http://icecast.org/specs/legacystats-0.0.1"}
        full = {**SERVER, "source": {"/a.ogg": OGG, "/b": {"listeners": 1}}}
        stats = parse_stats(json.dumps([head, full]).encode())
        self.assertEqual(stats.mounts, (Mount("/a.ogg", OGG), Mount("/b", {"listeners": 1})))
        self.assertEqual(parse_stats(json.dumps([head, SERVER]).encode()).mounts, ())

    def test_the_fields_of_another_mount_are_not_believed(self) -> None:
        full = [{"name": "icestats"}, {**SERVER, "source": {"/a.ogg": OGG, "/b.ogg": OGG}}]
        stats = parse_stats(json.dumps(full).encode())
        self.assertEqual(stats.mounts, (Mount("/a.ogg", OGG), Mount("/b.ogg", None)))

    def test_a_listener_url_that_leads_nowhere(self) -> None:
        for url in (None, 5, "", "a.ogg", "http://localhost:8000", "//x/y"):
            with self.subTest(url):
                stats = parse_stats(status(source=[{"listenurl": url}]))
                self.assertEqual(stats.mounts, (Mount(None, {"listenurl": url}),))

    def test_a_mount_is_not_percent_encoded(self) -> None:
        url = "http://localhost:8000/Gr\u00f6 #x%20?y.mp3"
        [mount] = parse_stats(status(source={"listenurl": url})).mounts
        self.assertEqual(mount.name, "/Gr\u00f6 #x%20?y.mp3")

    def test_what_is_refused(self) -> None:
        for body, words in (
            (b"", "Icecast's status is not JSON: it is empty"),
            (b"not found", "Icecast's status is not JSON"),
            (b'{"icestats":{"host":"x"', "it breaks off or is wrong"),
            (b'{"icestats":{"host":"x"}}}', "it breaks off or is wrong"),
            (b'\xff{"icestats":{"host":"x"}}', "is not JSON"),
            (b"{}", "there is nothing of a server in it"),
            (b"[]", "there is nothing of a server in it"),
            (b'{"icestats":[]}', "there is nothing of a server in it"),
            (b'{"icestats":{"source":"x"}}', "its mounts are neither an object nor a list"),
            (b"[" * 100_000, "is not JSON"),
        ):
            with self.subTest(body[:50]), self.assertRaises(BadAnswer) as caught:
                parse_stats(body)
            self.assertIn(words, str(caught.exception))
            self.assertEqual(caught.exception.outcome, "body")


class RepairTests(unittest.TestCase):
    """JSON that is none."""

    def test_the_first_second_of_a_server(self) -> None:
        stats = parse_stats(YOUNG)
        self.assertEqual(stats.server["server_start_iso8601"], "2026-11-25T18:38:16+0000")
        self.assertEqual(stats.mounts, ())

    def test_values_without_quotes(self) -> None:
        for bare, meant in (
            ("-", "-"), (" - ", "-"), ("-.5", "-.5"), ("12.", "12."), (" 0123 ", "0123"),
            (".5", ".5"), ("NaN", "NaN"), ("1e5", 1e5), ("true", True), (" 7 ", 7),
            ("9" * 5000, "9" * 5000),
        ):  # fmt: skip
            with self.subTest(bare[:20]):
                body = b'{"icestats":{"host":"x","source":{"title":BARE,"listeners":2}}}'
                [mount] = parse_stats(body.replace(b"BARE", bare.encode())).mounts
                self.assertEqual(mount.fields, {"title": meant, "listeners": 2})

    def test_objects_without_a_brace_in_a_list(self) -> None:
        body = b'{"icestats":{"host":"x","source":["listeners":1,"a":-},"listeners":2}]}}'
        stats = parse_stats(body)
        fields = [mount.fields for mount in stats.mounts]
        self.assertEqual(fields, [{"listeners": 1, "a": "-"}, {"listeners": 2}])

    def test_what_stands_in_quotes_is_left_alone(self) -> None:
        said = {"icestats": {"host": 'a "b": - ,{"c":-}\\', "title": "x\\", "source": []}}
        text = json.dumps(said)
        self.assertEqual(json.loads(repaired(text)), said)

    @given(st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ))  # fmt: skip
    def test_what_is_json_is_not_changed(self, value: object) -> None:
        self.assertEqual(json.loads(repaired(json.dumps(value))), value)


PIECES = st.sampled_from(
    ['"icestats"', '"source"', '"listenurl"', '"http://h/a"', ":", ",", "{", "}", "[", "]", "-",
     '"host"', "null", "1e999", "<icestats>", "<source mount='/a'>", "</source>", "</icestats>",
     "<host>x</host>", "<listeners>", "</listeners>", "\x00", '"\\ud800"', "&#0;", " "]
)  # fmt: skip


class AnythingTests(unittest.TestCase):
    """Nothing but BadAnswer, whatever comes."""

    def read(self, body: bytes) -> None:
        with contextlib.suppress(BadAnswer):
            parse_stats(body)

    @given(st.binary())
    def test_bytes(self, body: bytes) -> None:
        self.read(body)
        self.read(b"<icestats>" + body)
        self.read(b'{"icestats":' + body)

    @given(st.lists(PIECES, max_size=30))
    def test_pieces(self, pieces: list[str]) -> None:
        self.read("".join(pieces).encode())


@unittest.skipUnless(HERE.is_dir(), f"no recordings at {HERE}; set TVMON_RECORDINGS")
class RecordedTests(unittest.TestCase):
    """What a real 2.4.4 said."""

    def test_every_recorded_answer(self) -> None:
        names = {"2": 2, "3": 2, "6": 1, "7": 1, "1": 1, "0": 0, "4": 0}
        for path in sorted((*HERE.glob("*stats.*.xml"), *HERE.glob("*status.*"))):
            with self.subTest(path.name):
                body = path.read_bytes().rpartition(b"\r\n\r\n")[2]
                stats = parse_stats(body)
                self.assertEqual(stats.server["server_id"], "Icecast 2.4.4")
                most = names[path.name.split(".")[1][0]]
                self.assertIn(len(stats.mounts), {most, 1} if most == 2 else {most})
                self.assertNotIn(None, [mount.name for mount in stats.mounts])

    def test_the_odd_names(self) -> None:
        found = []
        for path in sorted(HERE.glob("*odd-name*")):
            [mount] = parse_stats(path.read_bytes()).mounts
            assert mount.fields is not None
            found.append(mount.fields["server_name"])
        odd = ["0123", 'say "hi" \\ back', "-", 1e5, True, "Gr\u00c3\u00b6\u00c3\u009fe & <b>"]
        self.assertEqual(found, odd)
