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

from tvmon.servers import Kind, hls, icecast, nginx_rtmp, node_media_server, tvie

GROUP = "tvmon.servers"

OURS = (
    tvie.KIND,
    nginx_rtmp.KIND,
    icecast.KIND,
    node_media_server.KIND,
    hls.KIND,
)


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind that can be used, by its name."""
    found = {kind.name: kind for kind in OURS}
    for name, load in _plugins().items():
        if name in found:
            continue
        try:
            kind = load()
        except Exception:  # noqa: S112 - broken() says why, where somebody wants it
            continue
        if isinstance(kind, Kind):
            found[name] = kind
    return dict(sorted(found.items()))


def broken(name: str) -> str | None:
    """Why the kind of another package cannot be used; ``None`` where there is none of that name."""
    load = _plugins().get(name)
    if load is None:
        return None
    try:
        kind = load()
    except Exception as error:
        return f"is of another package, which cannot be loaded: {type(error).__name__}: {error}"
    return f"is of another package, whose entry point is no Kind but {type(kind).__name__}"


def _plugins() -> dict[str, Callable[[], object]]:
    return {point.name: point.load for point in entry_points(group=GROUP)}
