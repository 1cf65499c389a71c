"""Whatever an SRS answers, there is a survey or a reason, and never anything else."""

from __future__ import annotations

import unittest
from typing import Any

import simplejson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.coroutines import result_of
from tests.servers.anything import AnyOf, mutated, wrong_answers
from tests.servers.fakes_srs import FakeSRS
from tvmon.servers import Answer, Request
from tvmon.servers.site import Site
from tvmon.servers.srs import SRS, recognise
from tvmon.streams import MEASURED

SITE = Site("srs1", "http://srs:1985", "admin", "S3CRET")


def good(path: str) -> Any:
    """What a good server answers, as JSON."""
    fake = FakeSRS(lambda: 10.0, lambda: 10.0, version="7.0.128")
    fake.start("live/cam1", viewers=1)
    fake.start("tv/live/cam2", more={"vhost": "tv"})
    fake.start("live/cam3")
    fake.stop("live/cam3", lingers=True)
    answer = result_of(fake.fetch(Request(f"http://srs:1985{path}")))
    return simplejson.loads(answer.body)


STREAMS, VHOSTS = good("/api/v1/streams/"), good("/api/v1/vhosts/")


class AnyBytesTests(unittest.TestCase):
    """A conversation with something."""

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from((200, 200, 200, 401, 500)), st.binary()), min_size=1))
    def test_any_bytes(self, answers: list[tuple[int, bytes]]) -> None:
        given_ = [Answer(status, "S3CRET", body, {}, 1.0, 1.0) for status, body in answers]
        AnyOf(SRS(SITE).begin(), "S3CRET").talk(given_)

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_good_answers_with_anything_in_them(self, data: st.DataObject) -> None:
        talk = AnyOf(SRS(SITE).begin(), "S3CRET")
        for at in (1.0, 4.0):
            streams, vhosts = data.draw(mutated(STREAMS)), data.draw(mutated(VHOSTS))
            bodies = [
                simplejson.dumps(each, allow_nan=True).encode()
                for each in (streams, vhosts, streams)
            ]
            survey = talk.talk([Answer(200, "OK", body, {}, at, at) for body in bodies])
            if survey is not None:
                for stream, measured in survey.seen.values():
                    self.assertTrue(stream.key)
                    for name in MEASURED:
                        value = getattr(measured, name)
                        if isinstance(value, int | float):
                            self.assertGreaterEqual(value, 0, name)

    @given(wrong_answers())
    def test_a_probe_never_raises(self, answer: Answer) -> None:
        recognise(answer, "http://srs:1985")
