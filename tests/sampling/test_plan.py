"""The plan from the running streams to the listed ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import stream
from tvmon.sampling.plan import Plan, plan
from tvmon.streams import Stream


def made(key: str, number: int, name: str, where: str) -> Stream:
    return Stream("farm", key, None, name, f"http://{where}/{key}", number)


# Numbers collide here as often as they never do outside: key and number are drawn apart.
KEYS = ("a", "b", "c", "d", "e", "f")
SOME = st.builds(
    made,
    st.sampled_from(KEYS),
    st.integers(1, 4),
    st.sampled_from(("x", "y")),
    st.sampled_from(("one.example", "two.example")),
)
LISTED = st.lists(SOME, max_size=8)
RUNNING = LISTED.map(lambda some: {stream.mms_stream_id: stream for stream in some})


def applied(running: Mapping[int, Stream], todo: Plan) -> dict[int, Stream]:
    after = dict(running)
    for gone in todo.stop:
        del after[gone.mms_stream_id]
    for changed in todo.change:
        assert changed.mms_stream_id in after
        after[changed.mms_stream_id] = changed
    for new in todo.start:
        assert new.mms_stream_id not in after
        after[new.mms_stream_id] = new
    return after


class PlanProperties(SynchronousTestCase):
    @given(RUNNING, LISTED)
    def test_no_stream_is_in_two_parts_or_twice_in_one(
        self, running: dict[int, Stream], listed: list[Stream]
    ) -> None:
        todo = plan(running, listed)
        numbers = [s.mms_stream_id for s in (*todo.start, *todo.stop, *todo.change)]
        self.assertEqual(len(numbers), len(set(numbers)))

    @given(RUNNING, LISTED)
    def test_applied_it_gives_the_listed_streams_but_the_skipped(
        self, running: dict[int, Stream], listed: list[Stream]
    ) -> None:
        todo = plan(running, listed)
        after = applied(running, todo)
        self.assertEqual(set(after), {s.mms_stream_id for s in listed})
        self.assertTrue(set(after.values()) <= set(listed))
        self.assertEqual(len(after) + len(todo.skipped), len(listed))

    @given(RUNNING, LISTED)
    def test_of_a_number_the_running_key_counts_and_else_the_first(
        self, running: dict[int, Stream], listed: list[Stream]
    ) -> None:
        after = applied(running, plan(running, listed))
        for number, chosen in after.items():
            same = [s for s in listed if s.mms_stream_id == number]
            before = running.get(number)
            ours = [s for s in same if before is not None and s.key == before.key]
            self.assertEqual(chosen, (ours or same)[0])

    @given(RUNNING, LISTED, st.sets(st.integers(1, 4)))
    def test_what_is_lacked_for_the_first_time_is_kept(
        self, running: dict[int, Stream], listed: list[Stream], lacked: set[int]
    ) -> None:
        whole, todo = plan(running, listed), plan(running, listed, lacked)
        self.assertEqual(whole.kept, ())
        self.assertEqual({*todo.kept, *todo.stop}, set(whole.stop))
        self.assertEqual({s.mms_stream_id for s in todo.stop} - lacked, set())
        self.assertEqual({s.mms_stream_id for s in todo.kept} & lacked, set())
        self.assertEqual((todo.start, todo.change), (whole.start, whole.change))

    @given(RUNNING, LISTED)
    def test_twice_is_once(self, running: dict[int, Stream], listed: list[Stream]) -> None:
        first = plan(running, listed)
        again = plan(applied(running, first), listed)
        self.assertTrue(again.is_empty)
        self.assertEqual(len(again.skipped), len(first.skipped))

    @given(RUNNING)
    def test_what_runs_and_is_listed_needs_nothing(self, running: dict[int, Stream]) -> None:
        self.assertEqual(plan(running, running.values()), Plan())


class PlanTests(SynchronousTestCase):
    def test_the_order_of_the_listing_is_the_order_of_starting(self) -> None:
        listed = [stream(key) for key in "cab"]
        self.assertEqual(plan({}, listed).start, tuple(listed))

    def test_a_key_that_is_listed_twice_is_named(self) -> None:
        one = stream("a")
        other = replace(one, unify_name="another", sample_interface="http://other.example/a")
        todo = plan({}, [one, other])
        self.assertEqual(todo.start, (one,))
        self.assertEqual(todo.skipped, ('"another" is listed twice; the first one counts',))

    def test_a_number_that_two_keys_have_is_named_with_both(self) -> None:
        one = made("a", 7, "News", "media1.example")
        other = made("b", 7, "Sports", "media1.example")
        todo = plan({}, [one, other])
        self.assertEqual(todo.start, (one,))
        self.assertEqual(
            todo.skipped,
            (
                '"Sports" has the same mms_stream_id, 7, as another stream, "News";'
                " only the latter is watched",
            ),
        )

    def test_a_listing_in_another_order_makes_no_stream_into_another(self) -> None:
        one = made("a", 7, "News", "media1.example")
        other = made("b", 7, "Sports", "media1.example")
        todo = plan({7: one}, [other, one])
        self.assertTrue(todo.is_empty)
        self.assertIn('"Sports" has the same', todo.skipped[0])
