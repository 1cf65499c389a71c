"""The pure parts: tiers, subjects, names, buckets."""

from __future__ import annotations

import re
import unittest

from hypothesis import given
from hypothesis import strategies as st

from tests.history.feeding import stream
from tests.history.tools import temporary_folder
from tvmon.history.bucket import NOTHING, Bucket, Sum
from tvmon.history.files import layout_of
from tvmon.history.names import FILE, Names
from tvmon.history.sources import MACHINE_SOURCES, STREAM_SOURCES
from tvmon.history.subjects import ALL, MACHINE, Subject, groups_of, of_stream
from tvmon.history.track import bucket_end
from tvmon.streams import Level, Measurement, Sample, Timing
from tvmon.tiers import DEFAULT_TIERS, Tier, finest_that_covers, parse_tier

DAY = 86_400
PLACE = {source.name: place for place, source in enumerate(STREAM_SOURCES)}
counts = st.none() | st.integers(0, 2**63)


class TierTests(unittest.TestCase):
    def test_the_archives_are_those_of_the_table(self) -> None:
        archives = [archive for tier in DEFAULT_TIERS for archive in tier.archives]
        self.assertEqual(len(archives), 13)
        self.assertEqual(archives[0], "RRA:LAST:0.5:1:25920")
        self.assertEqual(archives[1], "RRA:AVERAGE:0.5:6:5760")
        self.assertEqual(archives[-1], "RRA:MAX:0.5:288:730")
        self.assertEqual([tier.rows for tier in DEFAULT_TIERS], [25920, 5760, 4320, 1460, 730])

    def test_a_tier_is_read_as_it_is_written(self) -> None:
        for tier in DEFAULT_TIERS:
            self.assertEqual(parse_tier(str(tier)), tier)

    def test_what_is_no_tier_is_refused_with_what_is_one(self) -> None:
        for text in ("", "5m", "5m:0d", "7m:1d", "5s:1d", "0m:1d", "5m:90", "5m:9999d", "2d:9d"):
            with self.subTest(text=text), self.assertRaisesRegex(ValueError, "30m:120d"):
                parse_tier(text)

    @given(st.text())
    def test_any_text_is_a_tier_or_a_value_error(self, text: str) -> None:
        try:
            tier = parse_tier(text)
        except ValueError:
            return
        self.assertEqual(DAY % tier.seconds, 0)
        self.assertGreaterEqual(tier.rows, 1)

    def test_what_lies_before_a_retention_is_told_by_the_next_tier(self) -> None:
        now = 2e9
        for days, name in (
            (1, "5m"),
            (90, "5m"),
            (91, "30m"),
            (300, "6h"),
            (700, "1d"),
            (9e3, "1d"),
        ):
            with self.subTest(days=days):
                tier = finest_that_covers(DEFAULT_TIERS, DEFAULT_TIERS[0], now - days * DAY, now)
                self.assertEqual(tier.name, name)
        # Words are of whole seconds, and boundaries lie up to five minutes back; now does not.
        for days, name in ((90, "5m"), (120, "30m"), (365, "6h"), (730, "1d")):
            for more in (0.37, 299.9, 600):
                tier = finest_that_covers(
                    DEFAULT_TIERS, DEFAULT_TIERS[0], now - days * DAY - more, now
                )
                self.assertEqual(tier.name, name, (days, more))
        coarse = finest_that_covers(DEFAULT_TIERS, DEFAULT_TIERS[3], now - DAY, now)
        self.assertEqual(coarse.name, "6h")
        finer = finest_that_covers(DEFAULT_TIERS[:2], Tier("1d", DAY, 1), now - 9, now)
        self.assertEqual(finer.name, "30m")


class SubjectTests(unittest.TestCase):
    @given(st.text(max_size=40), st.text(max_size=40))
    def test_no_name_reaches_a_file_name(self, server: str, key: str) -> None:
        for subject in groups_of(stream(7, server or "s", key or "k")):
            self.assertRegex(subject.file_name, r"\A[a-z0-9-]+\Z")

    def test_a_stream_belongs_to_all_that_it_is_a_part_of(self) -> None:
        self.assertEqual(
            set(groups_of(stream(1))),
            {
                ALL,
                Subject("server", "ingest"),
                Subject("application", "ingest/live"),
                Subject("protocol", "rtmp"),
            },
        )

    def test_the_layout_differs_where_sources_or_archives_do(self) -> None:
        layouts = {
            layout_of(sources, tiers)
            for sources in (STREAM_SOURCES, MACHINE_SOURCES, STREAM_SOURCES[1:])
            for tiers in (DEFAULT_TIERS, DEFAULT_TIERS[:4])
        }
        self.assertEqual(len(layouts), 6)


class NameTests(unittest.TestCase):
    def setUp(self) -> None:
        self.names = Names()
        for number, server, key in (
            (1, "ingest", "live/cam1"),
            (2, "ingest", "live/cam2"),
            (3, "radio", "/rock"),
            (4, "a/b", "c"),
        ):
            self.names.put(stream(number, server, key))

    def test_who_is_meant(self) -> None:
        for vhost, subject in (
            ("", ALL),
            ("ingest", Subject("server", "ingest")),
            ("ingest/live", Subject("application", "ingest/live")),
            ("ingest/live/cam1", of_stream(1)),
            ("radio//rock", of_stream(3)),
            ("a/b", Subject("server", "a/b")),
            ("a/b/c", of_stream(4)),
        ):
            with self.subTest(vhost=vhost):
                self.assertEqual(self.names.find(vhost), subject)

    def test_which_part_is_not_known(self) -> None:
        with self.assertRaisesRegex(LookupError, "no such media server"):
            self.names.find("inges")
        with self.assertRaisesRegex(LookupError, "ingest has no such stream"):
            self.names.find("ingest/live/cam3")

    def test_what_a_sum_is_made_of(self) -> None:
        self.assertEqual([name for name, _ in self.names.parts_of(ALL)], ["a/b", "ingest", "radio"])
        parts = self.names.parts_of(Subject("application", "ingest/live"))
        self.assertEqual(parts[0], ("ingest/live/cam1", of_stream(1)))
        self.assertEqual(len(parts), 2)
        self.assertEqual(self.names.parts_of(of_stream(1)), [])

    def test_names_are_kept(self) -> None:
        folder = temporary_folder(self)
        self.names.save(folder)
        again = Names()
        again.put(stream(1, "ingest", "live/renamed"))
        again.load(folder)
        self.assertEqual(again.find("radio"), Subject("server", "radio"))
        self.assertEqual(again.find("ingest/live/renamed"), of_stream(1))

    def test_who_stops_while_names_are_kept_has_changed_nothing(self) -> None:
        folder = temporary_folder(self)
        self.names.save(folder)
        before = (folder / FILE).read_text()
        self.names.put(stream(5, "radio", "/jazz"))
        saving = self.names.saving(folder)
        next(saving)
        self.names.put(stream(6, "radio", "/folk"))  # comes too late for this time
        saving.close()
        self.assertEqual((folder / FILE).read_text(), before)
        self.assertEqual([path.name for path in folder.iterdir()], [FILE])
        saving = self.names.saving(folder)
        next(saving)
        self.names.remove(6)
        self.assertEqual(list(saving), [None] * 5)
        again = Names()
        again.load(folder)
        self.assertEqual(sorted(again.numbers()), [1, 2, 3, 4, 5, 6])

    def test_a_person_finds_a_stream_in_one_line(self) -> None:
        folder = temporary_folder(self)
        self.names.save(folder)
        lines = (folder / FILE).read_text().splitlines()
        self.assertEqual(
            [line for line in lines if "cam2" in line],
            ['"2": {"server": "ingest", "key": "live/cam2", "unify_name": "ingest/live/cam2",'
             ' "kind": "nginx-rtmp"},'],
        )  # fmt: skip

    def test_a_file_that_holds_something_else_is_refused(self) -> None:
        folder = temporary_folder(self)
        self.names.load(folder)
        for text in ("", "[]", "{", '{"x": {}}', '{"1": {}}', '{"1": null}', "3"):
            (folder / FILE).write_text(text)
            with self.subTest(text=text), self.assertRaises(ValueError):
                self.names.load(folder)
        self.assertEqual(self.names.find("ingest/live/cam1"), of_stream(1))


class BucketTests(unittest.TestCase):
    def test_a_bucket_ends_at_the_next_boundary(self) -> None:
        self.assertEqual(bucket_end(1_499_999_699.9), 1_499_999_700)
        self.assertEqual(bucket_end(1_499_999_700), 1_500_000_000)

    def test_nothing_is_known_of_five_minutes_without_a_poll(self) -> None:
        self.assertEqual(Bucket().values, NOTHING)

    @given(
        st.lists(
            st.tuples(
                st.floats(0, 400),
                st.none()
                | st.builds(
                    Measurement,
                    upstream_bytes_received=counts,
                    total_bytes_sent=counts,
                    clients_connected=counts,
                    total_clients_served=counts,
                    upstream_opened_count=counts,
                    live_delay_ms=st.none() | st.integers(-5000, 999_999),
                    average_upstream_kbps=st.none() | st.floats(0, 1e9),
                ),
                st.none() | st.integers(0, 100),
            ),
            max_size=30,
        )
    )
    def test_whatever_is_told_no_rate_is_negative_and_no_share_beyond_100(self, told) -> None:  # type: ignore[no-untyped-def]
        bucket, before, at = Bucket(), None, 0.0
        for seconds, measured, score in told:
            at += seconds
            sample = Sample(at, at, measured, timing=Timing(1.0, 2.0))
            bucket.add(sample, score, None if score is None else Level.GOOD, before)
            before = sample if measured else before
        values = bucket.values
        for source, value in zip(STREAM_SOURCES, values, strict=True):
            if value is not None and source.name != "delay_ms":
                self.assertGreaterEqual(value, 0, source.name)
        if told:
            self.assertEqual(values[PLACE["polls"]], len(told))
            self.assertLessEqual(values[PLACE["good_share"]] or 0, 100)

    def test_who_came_and_is_not_there_has_left(self) -> None:
        bucket = Bucket()
        before = None
        for at, served, connected in (
            (0, 10, 5),
            (3, 14, 6),
            (6, 14, 4),
            (9, None, 9),
            (12, 20, 9),
        ):
            measured = Measurement(total_clients_served=served, clients_connected=connected)
            sample = Sample(at, at, measured)
            bucket.add(sample, 100, Level.GOOD, before)
            before = sample
        self.assertEqual(bucket.values[PLACE["joined"]], 4)
        self.assertEqual(bucket.values[PLACE["left"]], 3 + 2)

    def test_an_outage_of_more_than_a_step_brings_no_rate(self) -> None:
        bucket = Bucket()
        old = Sample(0, 0, Measurement(upstream_bytes_received=0))
        bucket.add(Sample(301, 301, Measurement(upstream_bytes_received=9)), 9, Level.GOOD, old)
        self.assertIsNone(bucket.values[PLACE["in_kbps"]])

    def test_only_the_one_delay_that_means_no_stream_is_not_known(self) -> None:
        for delay, known in ((999_998, 999_998), (999_999, None), (1_561_173, 1_561_173)):
            bucket = Bucket()
            bucket.add(Sample(0, 0, Measurement(live_delay_ms=delay)), 0, Level.BAD, None)
            self.assertEqual(bucket.values[PLACE["delay_ms"]], known)

    def test_a_number_that_is_none_is_not_known(self) -> None:
        for number in (float("nan"), float("inf")):
            bucket = Bucket()
            measured = Measurement(average_upstream_kbps=number)
            bucket.add(Sample(0, 0, measured), 100, Level.GOOD, None)
            self.assertIsNone(bucket.values[PLACE["in_kbps"]])
            self.assertEqual(bucket.values[PLACE["score"]], 100)

    def test_a_sum_of_nothing_known_is_not_known(self) -> None:
        total = Sum()
        self.assertEqual(total.values, NOTHING)
        values = list(NOTHING)
        values[PLACE["viewers"]], values[PLACE["score"]] = 3.0, 40.0
        total.add(tuple(values))
        values[PLACE["score"]] = 60.0
        total.add(tuple(values))
        total.add(NOTHING)
        self.assertEqual(total.values[PLACE["viewers"]], 6)
        self.assertEqual(total.values[PLACE["score"]], 50)
        self.assertIsNone(total.values[PLACE["in_kbps"]])

    def test_every_source_has_a_name_that_rrdtool_takes(self) -> None:
        for source in (*STREAM_SOURCES, *MACHINE_SOURCES):
            self.assertTrue(re.fullmatch("[a-z_]{1,19}", source.name), source.name)
        self.assertEqual(MACHINE.sources, MACHINE_SOURCES)
