"""Which kinds of media servers there are, and what makes one of each from its configuration."""

from __future__ import annotations

from collections.abc import Callable

from tvmon.servers import MediaServer, tvie
from tvmon.settings import Section

KINDS: dict[str, Callable[[Section], MediaServer]] = {"tvie": tvie.configured}
"""For each ``kind`` of a ``[[server]]``: reads the rest of it, and notes what is wrong."""

SAMPLERS: dict[str, Callable[[], MediaServer]] = {"tvie": tvie.sampler}
"""For each kind: a server of no configuration, which can sample a URL and list nothing."""
