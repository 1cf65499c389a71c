"""The engine's own numbers, for whoever watches tvmon."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class KindMeters:
    """
    The instruments of one kind of command, as they are counted.

    :ivar died: given up, because children died of it or hung
    """

    def __init__(self, kind: str, commands: Counter, seconds: Histogram, restarts: Counter) -> None:
        self.ok = commands.labels(kind, "ok")
        self.error = commands.labels(kind, "error")
        self.died = commands.labels(kind, "died")
        self.seconds = seconds.labels(kind)
        self.restarts = restarts


class EngineMeters:
    """
    The prometheus instruments of the engine.

    :param is_up: whether rrdtool can be asked
    :param waiting: by kind, how many commands wait
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        is_up: Callable[[], bool],
        waiting: Mapping[str, Callable[[], int]],
    ) -> None:
        up = Gauge("tvmon_rrdtool_up", "1 while rrdtool can be asked", registry=registry)
        up.set_function(lambda: float(is_up()))
        depth = Gauge(
            "tvmon_rrdtool_waiting", "Commands that wait to be sent", ["kind"], registry=registry
        )
        for kind, count in waiting.items():
            depth.labels(kind).set_function(count)
        commands = Counter(
            "tvmon_rrdtool_commands",
            "Commands done (ok), refused (error), or given up because rrdtool died of them (died)",
            ["kind", "outcome"],
            registry=registry,
        )
        seconds = Histogram(
            "tvmon_rrdtool_command_seconds",
            "How long rrdtool worked at a command",
            ["kind"],
            buckets=_BUCKETS,
            registry=registry,
        )
        restarts = Counter(
            "tvmon_rrdtool_restarts", "Times an rrdtool was replaced", registry=registry
        )
        self.of = {kind: KindMeters(kind, commands, seconds, restarts) for kind in waiting}
