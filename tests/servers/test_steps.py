"""Long answers in steps: the same comes of them as in one go."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree.ElementTree import XMLParser

import simplejson
from hypothesis import example, given
from hypothesis import strategies as st

from tests.coroutines import result_of
from tvmon.errors import BadAnswer
from tvmon.servers.json_steps import json_steps, loads
from tvmon.servers.steps import PIECE, Steps, at_once, fed, in_steps
from tvmon.servers.values import json_of

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)
PARTS = st.sampled_from([*'{}[],:" \n\t01-.e', '"a"', "true", "null", "NaN", "\\u00e9", "\ufeff"])
LEVELS = st.integers(0, 4)


def spaced(value: object, space: str) -> str:
    return space + simplejson.dumps(value, separators=(f"{space},{space}", f"{space}:{space}"))


def read(text: str, levels: int) -> Any:
    try:
        return at_once(loads(text, levels))
    except ValueError:
        return ValueError


def read_whole(text: str) -> Any:
    try:
        return simplejson.loads(text)
    except ValueError:
        return ValueError


class JsonTests(unittest.TestCase):
    @given(VALUES, LEVELS, st.sampled_from(["", " ", "\r\n\t "]))
    def test_a_value_is_that_of_the_whole(self, value: object, levels: int, space: str) -> None:
        text = spaced(value, space)
        self.assertEqual(repr(read(text, levels)), repr(simplejson.loads(text)))

    @given(VALUES, LEVELS, st.data())
    def test_what_breaks_off_is_refused(self, value: object, levels: int, data: Any) -> None:
        text = simplejson.dumps(value)
        text = text[: data.draw(st.integers(0, len(text)))]
        self.assertEqual(repr(read(text, levels)), repr(read_whole(text)))

    @given(st.lists(PARTS, max_size=12).map("".join), LEVELS)
    @example('{"a": 1, "b": 2, "a": 3}', 1)
    @example("[1,]", 1)
    @example('{"a": 1,}', 1)
    @example("[1] 2", 1)
    @example("\ufeff[1]", 1)
    @example("[" * 100_000, 2)
    def test_whatever_comes_is_taken_or_refused_as_the_whole(self, text: str, levels: int) -> None:
        try:
            whole = repr(read_whole(text))
        except RecursionError:
            self.assertRaises(RecursionError, read, text, levels)
        else:
            self.assertEqual(repr(read(text, levels)), whole)

    @given(st.binary(max_size=9))
    @example(b"")
    @example(b"<html>")
    @example(b"\xef\xbb\xbf[]")
    @example(b"[\xff]")
    def test_a_refusal_has_the_same_words(self, body: bytes) -> None:
        def told(read: Any) -> str:
            try:
                return repr(read())
            except BadAnswer as error:
                return f"{error.outcome}: {error}"

        self.assertEqual(
            told(lambda: at_once(json_steps(body, "it", 2))), told(lambda: json_of(body, "it"))
        )

    def test_a_step_for_each_element_of_the_long_list(self) -> None:
        steps = loads('{"streams": [{"a": [1, 2]}, {"a": []}, {}], "total": 3}', 2)
        self.assertEqual(len(list(steps)), 3 + 2)
        in_one_go = loads("[1, 2, 3]", 0)
        self.assertEqual(len(list(in_one_go)), 0)


class StepsTests(unittest.TestCase):
    def counted(self, upto: int) -> Steps[int]:
        for _ in range(upto):
            self.taken += 1
            yield
        return self.taken

    def setUp(self) -> None:
        self.taken = 0

    def test_they_run_wherever_coroutines_do(self) -> None:
        async def work() -> int:
            return await in_steps(self.counted(3))

        self.assertEqual(at_once(self.counted(2)), 2)
        self.assertEqual(result_of(work()), 5)
        # In a thread of its own: where a browser is tested in this process, a loop runs here.
        with ThreadPoolExecutor(1) as thread:
            self.assertEqual(thread.submit(lambda: asyncio.run(work())).result(30), 8)

    def test_what_a_step_raises_is_raised(self) -> None:
        def broken() -> Steps[int]:
            yield
            raise BadAnswer("it breaks off", "body")

        async def work() -> int:
            return await in_steps(broken())

        self.assertRaises(BadAnswer, at_once, broken())
        self.assertRaises(BadAnswer, result_of, work())

    def test_a_parser_is_fed_all_of_a_document_in_pieces(self) -> None:
        document = "<a>" + "<b/>" * PIECE + "</a>"
        for whole in (document, document.encode()):
            parser = XMLParser()
            steps: Iterator[None] = fed(parser, whole)
            self.assertEqual(len(list(steps)), len(document) // PIECE + 1)
            self.assertEqual(len(parser.close()), PIECE)


if __name__ == "__main__":
    unittest.main()
