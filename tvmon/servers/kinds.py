"""
Which kinds of media servers there are: those that came along, and those of other packages.

Another package adds a kind by an entry point of the group ``tvmon.servers``, which leads to a
:class:`~tvmon.servers.Kind`.  One that cannot be loaded disturbs no other, and is named where a
configuration asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points

from tvmon.servers import Kind, hls, icecast, mediamtx, nginx_rtmp, node_media_server, srs, tvie
from tvmon.words import cleaned

GROUP = "tvmon.servers"

REASON_CHARACTERS = 300
"""How much is said of what is wrong with another package."""

OURS = (
    tvie.KIND,
    nginx_rtmp.KIND,
    icecast.KIND,
    node_media_server.KIND,
    srs.KIND,
    mediamtx.KIND,
    hls.KIND,
)


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind that can be used, by its name."""
    found = {kind.name: kind for kind in OURS}
    for name, load in _plugins().items():
        kind = None if name in found else _tried(name, load)
        if isinstance(kind, Kind):
            found[name] = kind
    return dict(sorted(found.items()))


def broken(name: str) -> str | None:
    """Why the kind of another package cannot be used; ``None`` where there is none of that name."""
    load = _plugins().get(name)
    tried = None if load is None else _tried(name, load)
    return tried if isinstance(tried, str) else None


def _tried(name: str, load: Callable[[], object]) -> Kind | str:
    """The kind that an entry point leads to, or why there is none."""
    try:
        kind = load()
    except (Exception, SystemExit) as error:
        words = cleaned(f"{type(error).__name__}: {error}", REASON_CHARACTERS)
        return f"is of another package, which cannot be loaded: {words}"
    if not isinstance(kind, Kind):
        return f"is of another package, whose entry point is no Kind but {type(kind).__name__}"
    if kind.name != name:
        other = cleaned(str(kind.name), REASON_CHARACTERS)
        return f"is of another package, whose Kind has another name than its entry point: {other}"
    return kind


def _plugins() -> dict[str, Callable[[], object]]:
    return {point.name: point.load for point in entry_points(group=GROUP)}
