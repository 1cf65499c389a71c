"""Answers of rrdtool, cut anywhere."""

from __future__ import annotations

import unittest

from hypothesis import given
from hypothesis import strategies as st

from tvmon.history.answers import MOST_BYTES, Answer, Answers, TooLongError
from tvmon.history.rrd import Output

OK = b"OK u:0.01 s:0.00 r:12.30\n"
LINES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=20
).filter(lambda line: not line.startswith(("OK u:", "ERROR: ", "image = BLOB_SIZE:")))
IMAGES = st.one_of(
    st.none(),
    st.binary(max_size=60),
    st.sampled_from([OK, b"\n" + OK, b"ERROR: x\n", b"image = BLOB_SIZE:3\n"]),
)
ANSWERS = st.builds(
    Answer,
    st.builds(Output, st.lists(LINES, max_size=4).map(tuple), IMAGES),
    st.one_of(st.none(), LINES),
)


def printed(answer: Answer) -> bytes:
    """As rrdtool prints it."""
    text = "".join(f"{line}\n" for line in answer.output.lines).encode()
    image = answer.output.image
    if image is not None:
        text += b"image = BLOB_SIZE:%d\n" % len(image) + image
    return text + (OK if answer.error is None else f"ERROR: {answer.error}\n".encode())


class AnswersTests(unittest.TestCase):
    """What is fed comes out, whatever the pieces are."""

    @given(st.lists(ANSWERS, max_size=4), st.data())
    def test_any_answers_in_any_pieces(self, answers: list[Answer], data: st.DataObject) -> None:
        whole = b"".join(map(printed, answers))
        cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=12).map(sorted))
        parser, found = Answers(MOST_BYTES), []
        for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            found += parser.feed(whole[begin:end])
        self.assertEqual(found, answers)

    @given(st.lists(ANSWERS, max_size=3))
    def test_byte_by_byte(self, answers: list[Answer]) -> None:
        parser, found = Answers(MOST_BYTES), []
        for byte in b"".join(map(printed, answers)):
            found += parser.feed(bytes([byte]))
        self.assertEqual(found, answers)

    @given(st.lists(st.binary(max_size=200), max_size=20))
    def test_any_bytes_are_answers_or_are_kept_up_to_the_bound(self, pieces: list[bytes]) -> None:
        parser = Answers(most=300)
        try:
            for piece in pieces:
                parser.feed(piece)
        except TooLongError:
            self.assertGreater(sum(map(len, pieces)), 300)

    def test_an_image_that_will_be_too_large_is_not_waited_for(self) -> None:
        with self.assertRaises(TooLongError):
            Answers(most=1000).feed(b"image = BLOB_SIZE:1001\n")

    def test_one_line_that_never_ends(self) -> None:
        parser = Answers(most=1000)
        with self.assertRaises(TooLongError):
            for _ in range(11):
                parser.feed(b"x" * 100)

    def test_many_lines_without_an_end(self) -> None:
        parser = Answers(most=1000)
        with self.assertRaises(TooLongError):
            for _ in range(11):
                parser.feed(b"x\n" * 50)
