"""What a TVie media server lists: which streams it makes, and what costs how much of it."""

from __future__ import annotations

import copy
import unittest
from typing import Any

import simplejson
from hypothesis import given
from hypothesis import strategies as st

from tvmon.errors import BadAnswer
from tvmon.servers import Listing
from tvmon.servers.tvie import parse_listing
from tvmon.streams import Stream

CHANNEL = {
    "customer_name": "tvie",
    "channel_name": "zhso",
    "display_name": "channel_zhso",
    "server": [
        {"name": "Mehao", "ip_address": "192.0.2.7", "host_name": "cdn.example"},
        {"name": "Second", "ip_address": "192.0.2.8", "host_name": ""},
    ],
    "streams": [{"id": "294", "name": "xfw"}, {"id": 295, "name": "hd"}],
}


def channel(**changes: Any) -> dict[str, Any]:
    """A channel that differs from the usual one; a value of ``...`` leaves the field out."""
    made = copy.deepcopy(CHANNEL)
    for key, value in changes.items():
        place = made["server"][0] if key in ("name", "ip_address", "host_name") else made
        if value is ...:
            del place[key]
        else:
            place[key] = value
    return made


def listed(*channels: Any, **options: Any) -> Listing:
    return parse_listing(
        simplejson.dumps({"channels": channels}).encode(), server="east", **options
    )


def other(number: int = 1) -> dict[str, Any]:
    """A channel beside the one that is tried, which must come through unharmed."""
    return channel(channel_name=f"other{number}", streams=[{"id": 900 + number, "name": "s"}])


class StreamTests(unittest.TestCase):
    """What a channel becomes."""

    def test_each_stream_of_a_channel(self) -> None:
        listing = listed(CHANNEL)
        self.assertEqual(listing.skipped, ())
        self.assertEqual(
            listing.streams[0],
            Stream.of(
                "east",
                "294",
                294,
                "Mehao[192.0.2.7]/tvie/channel_zhso/xfw",
                "http://192.0.2.7/tag_live_monitor/tvie/zhso/xfw",
            ),
        )
        self.assertEqual([stream.stream_id for stream in listing.streams], [294, 295])

    def test_through_the_cdn_a_stream_is_there_a_second_time(self) -> None:
        streams = listed(CHANNEL, monitor_cdn=True).streams
        self.assertEqual([s.key for s in streams], ["294", "294@cdn", "295", "295@cdn"])
        self.assertEqual(
            streams[1],
            Stream.of(
                "east",
                "294@cdn",
                10294,
                "Mehao[cdn.example]/tvie/channel_zhso/xfw",
                "http://cdn.example/tag_live_monitor/tvie/zhso/xfw",
            ),
        )

    def test_there_is_no_copy_without_a_host_name(self) -> None:
        for host_name in ("", None, ...):
            listing = listed(channel(host_name=host_name), monitor_cdn=True)
            self.assertEqual([s.key for s in listing.streams], ["294", "295"])
            self.assertEqual(listing.skipped, ())

    def test_a_copy_is_not_taken_for_a_stream_of_its_number(self) -> None:
        listing = listed(
            channel(streams=[{"id": 294, "name": "a"}, {"id": 10294, "name": "b"}]),
            monitor_cdn=True,
        )
        self.assertEqual(listing.skipped, ())
        self.assertEqual(
            [(s.key, s.stream_id) for s in listing.streams],
            [("294", 294), ("294@cdn", 10294), ("10294", 10294), ("10294@cdn", 20294)],
        )
        self.assertEqual(len({s.mms_stream_id for s in listing.streams}), 4)

    def test_each_part_of_the_address_is_encoded_and_none_of_the_name(self) -> None:
        [stream] = listed(
            channel(
                customer_name="a/b c",
                channel_name="新闻?#",
                display_name="新闻 & more",
                streams=[{"id": 1, "name": "100%&é"}],
            )
        ).streams
        self.assertEqual(
            stream.sample_interface,
            "http://192.0.2.7/tag_live_monitor/a%2Fb%20c/%E6%96%B0%E9%97%BB%3F%23/100%25%26%C3%A9",
        )
        self.assertEqual(stream.unify_name, "Mehao[192.0.2.7]/a/b c/新闻 & more/100%&é")

    def test_addresses(self) -> None:
        for address, authority in (
            ("192.0.2.7:8080", "192.0.2.7:8080"),
            ("media1.example", "media1.example"),
            ("media_1.example:80", "media_1.example:80"),
            ("2001:db8::7", "[2001:db8::7]"),
            ("[2001:db8::7]:8080", "[2001:db8::7]:8080"),
            ("[2001:db8::7]", "[2001:db8::7]"),
        ):
            with self.subTest(address):
                stream = listed(channel(ip_address=address)).streams[0]
                self.assertTrue(stream.sample_interface.startswith(f"http://{authority}/tag_"))
                self.assertTrue(stream.unify_name.startswith(f"Mehao[{address}]/tvie/"))

    def test_names_that_came_as_numbers(self) -> None:
        [stream] = listed(
            channel(channel_name=324, display_name=5, streams=[{"id": "297", "name": 235}])
        ).streams
        self.assertEqual(stream.unify_name, "Mehao[192.0.2.7]/tvie/5/235")
        self.assertTrue(stream.sample_interface.endswith("/tvie/324/235"))

    def test_a_number_is_the_same_however_it_is_written(self) -> None:
        streams = [{"id": "0294", "name": "a"}, {"id": "0", "name": "b"}]
        self.assertEqual([s.key for s in listed(channel(streams=streams)).streams], ["294", "0"])

    def test_a_name_is_on_one_line(self) -> None:
        [stream] = listed(
            channel(display_name="a\nb\0c", streams=[{"id": 1, "name": "x\x1b"}])
        ).streams
        self.assertEqual(stream.unify_name, "Mehao[192.0.2.7]/tvie/a�b�c/x�")
        self.assertTrue(stream.sample_interface.endswith("/x%1B"))

    def test_a_channel_without_streams_is_one(self) -> None:
        self.assertEqual(listed(channel(streams=[])), Listing(()))
        self.assertEqual(listed(), Listing(()))

    def test_configured_streams_come_behind_the_listed_ones(self) -> None:
        extra = Stream.of("east", "7", 7, "seven", "http://h/7")
        self.assertEqual(listed(CHANNEL, extra_streams=(extra,)).streams[-1], extra)


class SkipTests(unittest.TestCase):
    """An entry that cannot be used costs itself alone, and is told."""

    def check(self, entry: Any, *sentences: str) -> None:
        listing = listed(other(1), entry, other(2), monitor_cdn=True)
        expected = listed(other(1), other(2), monitor_cdn=True)
        self.assertEqual(listing.streams, expected.streams)
        self.assertEqual(listing.skipped, sentences)

    def test_a_channel_that_lacks_a_field(self) -> None:
        who = 'channel 2 ("zhso") is left out: '
        for key in ("customer_name", "display_name", "server", "streams", "name", "ip_address"):
            for value in (..., None, {}):
                with self.subTest(key, value=value):
                    self.check(channel(**{key: value}), f'{who}it has no "{key}"')
        self.check(channel(channel_name=...), 'channel 2 is left out: it has no "channel_name"')
        self.check(channel(server=[]), f'{who}it has no "server"')
        self.check(channel(server=["x"]), f"{who}it is no JSON object")

    def test_a_field_that_is_empty_where_the_address_needs_it(self) -> None:
        for key in ("customer_name", "channel_name", "ip_address"):
            [sentence] = listed(channel(**{key: ""})).skipped
            self.assertIn(f'it has no "{key}"', sentence)

    def test_a_channel_that_is_none(self) -> None:
        for entry in (None, 3, "x", [], [[]]):
            self.check(entry, "channel 2 is left out: it is no JSON object")

    def test_a_stream_that_cannot_be_used_leaves_the_others_of_its_channel(self) -> None:
        for item, why in (
            ({"name": "a"}, 'it has no "id"'),
            ({"id": None, "name": "a"}, 'it has no "id"'),
            ({"id": 1}, 'it has no "name"'),
            ({"id": 1, "name": ""}, 'it has no "name"'),
            ({"id": "x1", "name": "a"}, 'its "id" is "x1", which is no number of a stream'),
            ({"id": "", "name": "a"}, 'its "id" is "", which is no number of a stream'),
            ({"id": "²", "name": "a"}, 'its "id" is "²", which is no number of a stream'),
            ({"id": -1, "name": "a"}, 'its "id" is -1, which is no number of a stream'),
            ({"id": 1.0, "name": "a"}, 'its "id" is 1.0, which is no number of a stream'),
            ({"id": True, "name": "a"}, 'its "id" is true, which is no number of a stream'),
            ({"id": [1], "name": "a"}, 'its "id" is no text, which is no number of a stream'),
            (
                {"id": 10**15 + 1, "name": "a"},
                'its "id" is 1000000000000001, which is no number of a stream',
            ),
            ({"id": 1, "name": ".."}, 'its "name" is "..", which cannot be in a URL'),
            ({"id": 1, "name": "x" * 201}, 'its "name" is longer than 200 characters'),
            ({"id": 1, "name": "\ud800"}, 'its "name" is no text'),
            ("294", "it is no JSON object"),
        ):
            with self.subTest(why):
                listing = listed(channel(streams=[item, {"id": 5, "name": "good"}]))
                self.assertEqual([s.key for s in listing.streams], ["5"])
                self.assertEqual(
                    listing.skipped, (f'stream 1 of channel 1 ("zhso") is left out: {why}',)
                )

    def test_a_number_that_no_float_holds(self) -> None:
        body = b'{"channels": [' + simplejson.dumps(channel()).encode() + b"]}"
        listing = parse_listing(body.replace(b'"294"', b"1e999"), server="east")
        self.assertEqual([s.key for s in listing.streams], ["295"])
        self.assertIn('its "id" is inf, which is no number of a stream', listing.skipped[0])

    def test_addresses_that_are_none(self) -> None:
        for address in (
            "a b", "user@h", "h/x", "h?x", "h#x", "h:", "h:x", "h:0", "h:65536", "h:-1", "h:\uff18",
            "[::1", "::1]", "[h]:80", "[::1]80", "[::1]:", "fe80::1%eth0", "..", "h..x",
            "\n", "hé.example", ":80",
        ):  # fmt: skip
            with self.subTest(address):
                [sentence] = listed(channel(ip_address=address)).skipped
                self.assertIn('its "ip_address" is "', sentence)
                self.assertIn("which is no address", sentence)

    def test_a_host_name_that_is_none_is_told(self) -> None:
        [sentence] = listed(channel(host_name="a b")).skipped
        self.assertIn('its "host_name" is "a b", which is no address', sentence)

    def test_of_two_streams_of_one_number_the_first_counts(self) -> None:
        again = channel(channel_name="again", streams=[{"id": "294", "name": "second"}])
        extra = Stream.of("east", "295", 295, "configured", "http://h/295")
        listing = listed(CHANNEL, again, monitor_cdn=True, extra_streams=(extra,))
        self.assertEqual(listing.streams, listed(CHANNEL, monitor_cdn=True).streams)
        name = "tvie/channel_zhso/second"
        self.assertEqual(
            listing.skipped,
            (
                f"stream 294, listed as Mehao[192.0.2.7]/{name}, is there already",
                f"stream 294 through the CDN, listed as Mehao[cdn.example]/{name},"
                " is there already",
                "stream 295, configured as configured, is there already",
            ),
        )


class NoListingTests(unittest.TestCase):
    """What is no listing is an error of the whole call."""

    def test_what_is_not_json(self) -> None:
        for body, reason in (
            (b"", "the listing is not JSON: it is empty"),
            (b"<html>", "the listing is not JSON but an HTML page"),
            (b"<error><user_key>geheim</user_key></error>", "the listing is not JSON but XML"),
            (b'{"channels": [', "the listing is not JSON: it breaks off or is wrong"),
            (b'{"channels": [NaN]}', "the listing is not JSON: it breaks off or is wrong"),
            (b"geheim", "the listing is not JSON"),
            (b"\xff\xfe", "the listing is not JSON"),
            (b"[" * 100_000, "the listing is not JSON: it breaks off or is wrong"),
            (
                b'{"a": ' + b"9" * 10_000 + b"}",
                "the listing is not JSON: it breaks off or is wrong",
            ),
        ):
            with self.subTest(body[:30]):
                self.refused(body, reason)

    def test_json_without_channels(self) -> None:
        for answer in ({}, [], None, 3, {"channels": None}, {"channels": {}}, {"error": "geheim"}):
            with self.subTest(answer):
                self.refused(
                    simplejson.dumps(answer).encode(),
                    'the listing has no "channels"; is the token right?',
                )

    def test_a_byte_order_mark_does_no_harm(self) -> None:
        self.assertEqual(parse_listing(b'\xef\xbb\xbf{"channels": []}', server="a"), Listing(()))

    def refused(self, body: bytes, reason: str) -> None:
        with self.assertRaises(BadAnswer) as caught:
            parse_listing(body, server="east")
        self.assertEqual(caught.exception.reason, reason)
        self.assertEqual(caught.exception.outcome, "body")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["192.0.2.7", "294", "tvie", "..", "h:80"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*CHANNEL, "name", "ip_address", "host_name", "id"]), inner, max_size=7
        )
    ),
    max_leaves=25,
)


class AnyTests(unittest.TestCase):
    """Whatever comes."""

    @given(st.binary(max_size=500) | JSON.map(lambda value: simplejson.dumps(value).encode()))
    def test_any_answer(self, body: bytes) -> None:
        check_any(body)

    @given(st.lists(JSON | st.just(CHANNEL), max_size=4))
    def test_any_channels(self, channels: list[Any]) -> None:
        check_any(simplejson.dumps({"channels": channels}).encode())

    @given(st.sampled_from([*CHANNEL, "name", "ip_address", "host_name"]), JSON)
    def test_any_value_in_any_field(self, key: str, value: Any) -> None:
        listing = check_any(
            simplejson.dumps({"channels": [other(1), channel(**{key: value})]}).encode()
        )
        assert listing is not None
        self.assertEqual(listing.streams[0].stream_id, 901)


def check_any(body: bytes) -> Listing | None:
    try:
        listing = parse_listing(body, server="east", monitor_cdn=True)
    except BadAnswer:
        return None
    keys = [stream.key for stream in listing.streams]
    assert len(keys) == len(set(keys))
    for stream in listing.streams:
        assert stream.sample_interface.isascii()
        assert " " not in stream.sample_interface
        assert stream.unify_name.encode().count(b"\n") == 0
    for sentence in listing.skipped:
        assert len(sentence.splitlines()) == 1
        assert len(sentence) < 400
    return listing
