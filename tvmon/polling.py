"""How often media servers are asked, and how long and how much tvmon takes from them."""

from __future__ import annotations

from dataclasses import dataclass, fields

MEBIBYTE = 1024 * 1024
LONGEST_GRACE = 0.25
"""Seconds that a fetch gets after its deadline to say by itself why there is no answer."""


HTTP = ("plain", "treq")
"""What reads answers in the plainest form of HTTP: a reader for these alone, or treq, which reads
all others in any case."""


@dataclass(frozen=True, slots=True)
class Polling:
    """
    The rhythm and the bounds of all polls.

    :param listing_seconds: from one listing of a media server to the next
    :param listing_deadline_seconds: for the whole of one listing
    :param sampling_seconds: from one poll of a stream to the next
    :param deadline_seconds: for the whole of one poll; below the interval, so polls never overlap
    :param body_bytes: the largest body of a poll's answer
    :param listing_body_bytes: the largest body of a listing's answer
    :param http: what reads plain answers, one of :data:`HTTP`
    """

    listing_seconds: float = 60.0
    listing_deadline_seconds: float = 10.0
    sampling_seconds: float = 3.0
    deadline_seconds: float = 2.4
    body_bytes: int = MEBIBYTE
    listing_body_bytes: int = 64 * MEBIBYTE
    http: str = "plain"

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "http" and not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} must be above 0")
        if self.deadline_seconds >= self.sampling_seconds:
            raise ValueError("deadline_seconds must be below sampling_seconds")

    @property
    def grace_seconds(self) -> float:
        """How long after its deadline a poll is ended by force; still inside the interval."""
        return min(LONGEST_GRACE, (self.sampling_seconds - self.deadline_seconds) / 2)
