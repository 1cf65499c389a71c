"""Which behaviours a number of streams get, and in what shares."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from tvmon.simulator.behaviours import (
    KINDS,
    STARVED_RATES,
    Behaviour,
    InputError,
    behaviour,
)

DEFAULT_MIX = (
    "healthy=11,light=1,starved:60=1,starved:20=1,starved:5=1,delay=1,down=1,restarting=1,"
    "502=1,silent=1"
)
"""Twenty streams, one of each kind that an operator should have seen."""


class Share(NamedTuple):
    """
    A behaviour and its weight among the others.

    :param behaviours: taken in turn; more than one only where the rates of starving are left open
    """

    behaviours: tuple[Behaviour, ...]
    weight: int


def read_mix(text: str) -> tuple[Share, ...]:
    """A mix as the command line has it: ``healthy=80,starved=10,starved:60=5,down=5``."""
    weights: dict[str, int] = {}
    for item in text.split(","):
        name, equals, weight = item.strip().partition("=")
        if not equals or not weight.strip().isascii() or not weight.strip().isdigit():
            raise InputError(f"{item.strip()!r} is not of the form behaviour=weight")
        if name.strip() in weights:
            raise InputError(f"{name.strip()!r} is in the mix twice")
        weights[name.strip()] = int(weight)
    return mix_of(weights)


def mix_of(weights: Mapping[str, object]) -> tuple[Share, ...]:
    """A mix as TOML has it: names, with ``:number`` where one is wanted, and their weights."""
    shares = []
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 10**9:
            raise InputError(f"the weight of {name!r} is not a whole number: {weight!r}")
        if weight:
            shares.append(Share(_behaviours(name), weight))
    if not shares:
        raise InputError("no behaviour of the mix has any weight", tuple(KINDS))
    return tuple(shares)


def _behaviours(text: str) -> tuple[Behaviour, ...]:
    name, colon, number = text.partition(":")
    if not colon:
        if name == "starved":
            return tuple(behaviour(name, rate) for rate in STARVED_RATES)
        return (behaviour(name),)
    try:
        wanted = float(number)
    except ValueError:
        raise InputError(f"{number!r} in {text!r} is not a number") from None
    return (behaviour(name, wanted),)


def dealt(mix: tuple[Share, ...], count: int, seed: int) -> list[Behaviour]:
    """
    The behaviours of so many streams, in the order of the streams.

    The shares are kept to within one stream; who gets which is drawn from the seed.
    """
    total = sum(share.weight for share in mix)
    exact = [share.weight * count / total for share in mix]
    counts = [int(number) for number in exact]
    by_rest = sorted(range(len(mix)), key=lambda i: counts[i] - exact[i])
    for index in by_rest[: count - sum(counts)]:
        counts[index] += 1
    hand = [
        share.behaviours[turn % len(share.behaviours)]
        for share, number in zip(mix, counts, strict=True)
        for turn in range(number)
    ]
    random.Random(f"{seed}/mix").shuffle(hand)  # noqa: S311 - a model, not a secret
    return hand
