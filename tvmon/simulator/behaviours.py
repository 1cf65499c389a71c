"""
What a simulated stream can be told to do: a closed set, each with at most one number.

Most are of the stream: its server answers as it should, about a good stream or a bad one.
The others are faults of the answer: the stream below goes on as a healthy one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class InputError(ValueError):
    """
    Something that was asked for and cannot be done.

    :param allowed: what would have been allowed, where that is a list
    """

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(f"{message}; allowed: {', '.join(allowed)}" if allowed else message)
        self.allowed = allowed


class MissingError(InputError):
    """Something was asked for that there is not."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """The number that a behaviour takes, with its unit in its name."""

    name: str
    default: float
    least: float
    most: float

    def check(self, number: object) -> float:
        """The number as given, if it is one and within the bounds."""
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InputError(f"{self.name} is not a number: {number!r}")
        if not (math.isfinite(number) and self.least <= number <= self.most):
            raise InputError(
                f"{self.name} is {number:.10g}, allowed: {self.least:.10g} to {self.most:.10g}"
            )
        return float(number)


@dataclass(frozen=True, slots=True)
class Kind:
    """One behaviour: its name, what it does, and the number that it takes, if any."""

    name: str
    meaning: str
    parameter: Parameter | None = None
    is_fault: bool = False


def _fault(name: str, meaning: str, parameter: Parameter | None = None) -> Kind:
    return Kind(name, meaning, parameter, is_fault=True)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """
    What one stream, the listing or a server does.

    :param number: the number that it takes, in the unit that its parameter names; else 0
    """

    name: str
    number: float
    kind: Kind

    @property
    def parameters(self) -> dict[str, float]:
        """Its number by name, as it is given and shown."""
        parameter = self.kind.parameter
        return {} if parameter is None else {parameter.name: self.number}


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("healthy", "everything that the stream needs comes in"),
        Kind(
            "light",
            "a scene of few details: this share of the needed bytes comes, and no delay",
            Parameter("share", 0.35, 0.05, 1.0),
        ),
        Kind(
            "starved",
            "the link from upstream carries only so much: the delay grows by the second",
            Parameter("kilobytes_per_second", 20, 0, 1_000_000),
        ),
        Kind("down", "no upstream: 13 lines, no rates, a delay of 999999"),
        Kind(
            "restarting",
            "healthy, and every so many seconds all its counters start again at zero",
            Parameter("seconds", 60, 1, 86_400),
        ),
        Kind(
            "delay",
            "full rate, and yet the delay grows by so much each second",
            Parameter("milliseconds_per_second", 200, 1, 1_000),
        ),
        _fault("silent", "accepts the request and never answers"),
        _fault(
            "slow",
            "answers after so many seconds",
            Parameter("seconds", 5, 0, 3_600),
        ),
        _fault(
            "drip",
            "a good answer, one byte of its body every so many seconds",
            Parameter("seconds", 1, 0.001, 3_600),
        ),
        _fault("stall", "stops in the middle of the body and keeps the connection open"),
        _fault("truncated", "closes the connection in the middle of the body"),
        _fault("reset", "resets the connection instead of an answer"),
        _fault("garbage", "200 with bytes that are no text"),
        _fault("html", "200 with a page for people"),
        _fault("502", "the answer of the proxy in front when the media server is gone"),
        _fault("redirect", "redirects to itself for ever"),
        _fault("huge", "a body without end, as fast as it is taken"),
        _fault("endless_head", "a head without end, one line every hundredth of a second"),
    )
}


STARVED_RATES = (60.0, 20.0, 5.0, 80.0)
"""kB/s; what streams get in turn where a mix says only that they starve."""


API_KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ok", "lists the channels"),
        Kind("slow", "lists the channels after so many seconds", Parameter("seconds", 5, 0, 3_600)),
        Kind("silent", "accepts the request and never answers"),
        Kind("fail", "500 Internal Server Error"),
        Kind("empty", "200 with no channel at all"),
        Kind("no_channels", "200 with JSON that says nothing of channels"),
        Kind("broken_channel", "lists the channels, the first one without its streams"),
        Kind("garbage", "200 with bytes that are no JSON"),
        Kind("html", "200 with a page for people"),
    )
}
"""What the listing can be told to do."""

SERVER_KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ok", "every stream of it answers as it should"),
        Kind("hang", "accepts every request for a stream of it and never answers"),
    )
}
"""What one of the media servers can be told to do."""


def kind_named(name: object, kinds: Mapping[str, Kind] = KINDS, key: str = "behaviour") -> Kind:
    """The one of this name; the error lists them all."""
    if isinstance(name, str) and name in kinds:
        return kinds[name]
    problem = f"{key} is missing" if name is None else f"there is no {key} {name!r}"
    raise InputError(problem, tuple(kinds))


def behaviour(
    name: object,
    number: object = None,
    kinds: Mapping[str, Kind] = KINDS,
    key: str = "behaviour",
) -> Behaviour:
    """A behaviour with its number, or with the usual one."""
    kind = kind_named(name, kinds, key)
    if kind.parameter is None:
        if number is not None:
            raise InputError(f"{kind.name} takes no number")
        return Behaviour(kind.name, 0.0, kind)
    if number is None:
        return Behaviour(kind.name, float(kind.parameter.default), kind)
    return Behaviour(kind.name, kind.parameter.check(number), kind)


def read(
    wanted: Mapping[str, Any], kinds: Mapping[str, Kind] = KINDS, key: str = "behaviour"
) -> Behaviour:
    """
    A behaviour as JSON and TOML write it: ``{"behaviour": "starved", "kilobytes_per_second": 20}``.

    Nothing else may be in it.
    """
    kind = kind_named(wanted.get(key), kinds, key)
    parameter = kind.parameter
    known = (key,) if parameter is None else (key, parameter.name)
    for other in wanted:
        if other not in known:
            raise InputError(f"{kind.name} takes no {other!r}", known)
    number = None if parameter is None else wanted.get(parameter.name)
    return behaviour(kind.name, number, kinds, key)


def described(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """All of them as JSON, with what they mean and the numbers that they take."""
    answer: dict[str, Any] = {}
    for kind in kinds.values():
        entry: dict[str, Any] = {"meaning": kind.meaning}
        if kind.parameter is not None:
            p = kind.parameter
            entry[p.name] = {"default": p.default, "least": p.least, "most": p.most}
        answer[kind.name] = entry
    return answer


HEALTHY = behaviour("healthy")
