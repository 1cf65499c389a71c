"""Strategies for answers that are nearly right, and a conversation that must survive them."""

from __future__ import annotations

import copy
from itertools import cycle
from typing import Any

import simplejson
from hypothesis import strategies as st

from tests.coroutines import result_of
from tvmon.errors import BadAnswer
from tvmon.servers import Answer, Overview, Request, Survey
from tvmon.words import has_control_characters

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["0", "-1", "live/cam1", "2026-01-02T03:04:05Z", "?", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, good: Any) -> Any:
    """A JSON value, with something else in up to four of its places."""
    value = copy.deepcopy(good)
    for _ in range(draw(st.integers(0, 4))):
        places = list(_places(value))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            holder[key] = draw(JSON)
        else:
            del holder[key]
    return value


def wrong_answers() -> st.SearchStrategy[Answer]:
    """Answers of any kind."""
    bodies = st.binary() | JSON.map(lambda value: repr(value).encode("utf-8", "replace"))
    return st.builds(Answer, st.sampled_from((200, 401, 404)), st.text(), bodies)


def json_answer(value: Any, at: float) -> Answer:
    """A good answer of this value, by both clocks at that time."""
    return Answer(200, "OK", simplejson.dumps(value, allow_nan=True).encode(), {}, at, at)


def _places(value: Any) -> Any:
    """Every place in a JSON value where something stands."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


class AnyOf:
    """A conversation that is handed answers, one after the other, and over again."""

    def __init__(self, overview: Overview, secret: str) -> None:
        self._overview, self._secret = overview, secret

    def talk(self, answers: list[Answer]) -> Survey | None:
        """What it makes of them; ``None`` where it says why it makes nothing of them."""
        left = cycle(answers)

        async def fetch(request: Request) -> Answer:
            return next(left)

        try:
            said: Survey | str = result_of(_survey(self._overview, fetch))
        except BadAnswer as trouble:
            said = trouble.reason
        assert self._secret not in repr(said)
        if isinstance(said, Survey):
            return said
        assert said
        assert not has_control_characters(said)
        return None


async def _survey(overview: Overview, fetch: Any) -> Survey:
    return await overview.survey(fetch)
