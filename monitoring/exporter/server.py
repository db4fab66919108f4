"""The metrics over HTTP, by prometheus-client: this process's own and those of every stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from monitoring import metrics as m
from monitoring.metrics import Metric, MetricType
from monitoring.samples import Sample, samples
from monitoring.seen import StackSeen

Family = GaugeMetricFamily | CounterMetricFamily


class Watched(Protocol):
    """The stacks that are watched: what was seen of each, and the names of those whose file has had
    a mistake from the beginning."""

    def seen(self) -> Iterable[StackSeen]: ...

    def unreadable(self) -> Iterable[str]: ...


class StacksCollector(Collector):
    """What was seen of every stack, at the moment when Prometheus asks."""

    def __init__(self, watched: Watched, version: str) -> None:
        self._watched, self._version = watched, version

    def describe(self) -> Iterable[Family]:
        return [_family(metric) for metric in m.METRICS]

    def collect(self) -> Iterator[Family]:
        families: dict[str, Family] = {}
        own = [Sample(m.EXPORTER_INFO, (self._version,), 1)]
        own += [Sample(m.STACK_READABLE, (stack,), 0) for stack in self._watched.unreadable()]
        for sample in (*own, *(each for seen in self._watched.seen() for each in samples(seen))):
            metric = sample.metric
            family = families.setdefault(metric.name, _family(metric))
            family.add_metric(list(sample.labels), float(sample.value))
        yield from families.values()


def _family(metric: Metric) -> Family:
    kind = CounterMetricFamily if metric.type is MetricType.COUNTER else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def serve(watched: Watched, version: str, address: str, port: int) -> Callable[[], None]:
    """Serves /metrics until what it returns is called. OSError if the address can't be had."""
    registry = CollectorRegistry()
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    registry.register(StacksCollector(watched, version))
    server, thread = start_http_server(port, address, registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
