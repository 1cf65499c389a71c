"""
Values that cost nothing to hold: what :func:`tvmon.streams.value` leaves to mypy.

In the tests each field of such a value is set once, and never again, so a test sees whoever changes
one where mypy does not look.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError

from tvmon.flow import Flow
from tvmon.health import Finding
from tvmon.servers import Answer, Request
from tvmon.streams import Health, Measurement, Rates, Sample

VALUES: tuple[type, ...] = (Answer, Finding, Flow, Health, Measurement, Rates, Request, Sample)


def hold() -> None:
    """From now on, whoever sets a field twice is refused."""
    for kind in VALUES:
        kind.__setattr__ = _set_once  # type: ignore[method-assign, assignment]


def _set_once(self: object, name: str, value: object) -> None:
    if hasattr(self, name):
        raise FrozenInstanceError(f"{name} of {type(self).__name__} is set already")
    object.__setattr__(self, name, value)
