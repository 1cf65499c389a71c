"""Answers as they are passed on, made of what came."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tvmon.sampling.plain import PHRASE_CHARACTERS, Head
from tvmon.sampling.underway import UnderWay
from tvmon.servers import Answer
from tvmon.streams import Timing
from tvmon.words import cleaned

HEADER_CHARACTERS = 200
"""How much of a header is kept that somebody wants."""

_NO_HEADERS: Mapping[str, str] = {}


def plain_answer(asking: UnderWay, moment: tuple[float, float], head: Head, body: bytes) -> Answer:
    """
    A plain answer.

    :param moment: when it was complete, by the clock and by the wall
    """
    headers, wanted = _NO_HEADERS, asking.request.wanted
    if wanted:
        there = [name for name in wanted if name in head.headers]
        headers = {name: cleaned(head.headers[name], HEADER_CHARACTERS) for name in there}
    timing = _timing(asking, moment)
    return Answer(head.status, head.phrase, body, headers, *moment, timing=timing)


def whole_answer(
    asking: UnderWay, moment: tuple[float, float], response: IResponse, body: bytes
) -> Answer:
    """An answer that Twisted has read; ``moment`` as above."""
    phrase = cleaned(response.phrase.decode("latin-1"), PHRASE_CHARACTERS)
    headers = _wanted(asking.request.wanted, response.headers)
    timing = _timing(asking, moment)
    return Answer(response.code, phrase, body, headers, *moment, timing=timing)


def _timing(asking: UnderWay, moment: tuple[float, float]) -> Timing | None:
    lease = asking.lease
    if lease is None:
        return None
    began = asking.began + lease.waited
    return Timing((lease.answering_at - began) * 1000, (moment[0] - began) * 1000)


def _wanted(names: tuple[str, ...], headers: Headers) -> dict[str, str]:
    """Those of the headers that are there, cut off where they are long."""
    found = {}
    for name in names:
        values = headers.getRawHeaders(name)
        if values:
            found[name] = cleaned(values[0], HEADER_CHARACTERS)
    return found
