"""Whatever a MediaMTX answers, there is a survey or a reason, and never anything else."""

from __future__ import annotations

import unittest
from typing import Any

import simplejson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.coroutines import result_of
from tests.servers.anything import AnyOf, json_answer, mutated, wrong_answers
from tests.servers.conversing import START
from tests.servers.fakes_mediamtx import FakeMediaMTX
from tvmon.servers import Answer, Request
from tvmon.servers.mediamtx import MediaMTX, recognise
from tvmon.servers.site import Site
from tvmon.streams import MEASURED

SERVER = MediaMTX(Site("mtx", "http://mtx:9997"), "S3CRET")


def good(path: str) -> Any:
    """What a good server answers, as JSON."""
    fake = FakeMediaMTX(lambda: 10.0, lambda: START)
    fake.start("cam1", viewers=2)
    fake.start("live/cam2")
    fake.configure("cam3", always_available=True)
    answer = result_of(fake.fetch(Request(f"http://mtx:9997{path}")))
    return simplejson.loads(answer.body)


PATHS, INFO = good("/v3/paths/list"), good("/v3/info")


class AnyBytesTests(unittest.TestCase):
    """A conversation with something."""

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from((200, 200, 401, 500)), st.binary()), min_size=1))
    def test_any_bytes(self, answers: list[tuple[int, bytes]]) -> None:
        given_ = [
            Answer(status, "S3CRET", body, {"date": "S3CRET"}, 1.0, START)
            for status, body in answers
        ]
        AnyOf(SERVER.begin(), "S3CRET").talk(given_)

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_good_answers_with_anything_in_them(self, data: st.DataObject) -> None:
        talk = AnyOf(SERVER.begin(), "S3CRET")
        for at in (START, START + 3):
            paths, info = data.draw(mutated(PATHS)), data.draw(mutated(INFO))
            survey = talk.talk([json_answer(each, at) for each in (paths, info)])
            if survey is not None:
                for stream, measured in survey.seen.values():
                    self.assertTrue(stream.key)
                    for name in MEASURED:
                        value = getattr(measured, name)
                        if isinstance(value, int | float):
                            self.assertGreaterEqual(value, 0, name)

    @settings(deadline=None)
    @given(st.text())
    def test_any_date(self, date: str) -> None:
        body = simplejson.dumps(PATHS).encode()
        survey = AnyOf(SERVER.begin(), "S3CRET").talk(
            [Answer(200, "OK", body, {"date": date}, 1.0, START)]
        )
        self.assertIsNotNone(survey)

    @given(wrong_answers())
    def test_a_probe_never_raises(self, answer: Answer) -> None:
        recognise(answer, "http://mtx:9997")
