"""The manners of the house, for all namespaces: what a plugin can do that needs no settings."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import click
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily

from qless_flask import Client, LeasedJob, RetryJob
from qless_flask.hookspecs import hookimpl
from qless_flask.models import Event, Fail, Failure, NewJob, Pop, Retry, Settlement
from qless_polite.by_host import host_of

MOST_AT_ONCE = 10
MAX_TAGS = 32
TAG = "host:"

SECRET = re.compile(r"(?i)(?<=://)[^/@\s]+@|(?<=[?&])(token|password|key)=[^&\s]+")
STATUS = re.compile(r"\bHTTP (\d{3})\b")


class House:
    """The hooks, and what they count; one for each process."""

    def __init__(self) -> None:
        self._events: Counter[str] = Counter()

    @hookimpl
    def before_put(self, job: NewJob) -> NewJob | None:
        """Tag a job with its host."""
        host = host_of(job.data)
        tag = f"{TAG}{host}"
        if host is None or tag in job.tags or len(job.tags) == MAX_TAGS or len(tag.encode()) > 200:
            return None
        return replace(job, tags=(*job.tags, tag))

    @hookimpl
    def before_pop(self, pop: Pop) -> Pop | None:
        """Let nobody take all that there is."""
        return replace(pop, limit=MOST_AT_ONCE) if pop.limit > MOST_AT_ONCE else None

    @hookimpl
    def around_perform(self, job: LeasedJob, call: Callable[[], object]) -> object:
        """Tell an HTTP error by its status, and with what the server asked for."""
        try:
            result = call()
        except Exception as error:
            _tell(error)
            raise
        return _awaited(result) if inspect.isawaitable(result) else result

    @hookimpl
    def failure_group(self, failure: Failure) -> str | None:
        """Group failures by the status of HTTP."""
        found = STATUS.search(failure.message)
        return f"http-{found[1]}" if found and failure.group == "retries" else None

    @hookimpl
    def before_settle(self, settlement: Settlement) -> Settlement | None:
        """Keep what gives access out of what people read."""
        if not isinstance(settlement, (Retry, Fail)):
            return None
        message = SECRET.sub("[…]", settlement.message)
        return None if message == settlement.message else replace(settlement, message=message)

    @hookimpl
    def on_event(self, event: Event) -> None:
        """Count what happens."""
        self._events[event.event] += 1

    @hookimpl
    def metrics(self) -> Iterable[Metric]:
        """Tell the counts."""
        family = CounterMetricFamily("qless_polite_events", "Transitions that this process heard of.", labels=["event"])
        for event, count in sorted(self._events.items()):
            family.add_metric([event], count)
        return [family]

    @hookimpl
    def register_commands(self, group: click.Group) -> None:
        """Add `qless-flask hosts`."""
        group.add_command(hosts)


@click.command()
@click.option("--url", envvar="QLESS_URL", default="sqlite:///qless.db", show_default=True, help="The store.")
@click.option("--namespace", envvar="QLESS_NAMESPACE", default="default", show_default=True)
def hosts(url: str, namespace: str) -> None:
    """List hosts, and how many jobs wait for each."""
    with Client(url, namespace) as client:
        for tag in client.namespace.tags():
            if tag.name.startswith(TAG):
                click.echo(f"{tag.states.get('waiting', 0):>7}  {tag.name.removeprefix(TAG)}")


async def _awaited(call: Awaitable[Any]) -> object:
    try:
        return await call
    except Exception as error:
        _tell(error)
        raise


def _tell(error: Exception) -> None:
    """Raise, in place of an HTTP error of urllib, httpx or requests, what says in words what that one holds."""
    answer = getattr(error, "response", error)
    status = getattr(answer, "status_code", None) or getattr(answer, "code", None)
    headers = getattr(answer, "headers", None)
    if not isinstance(status, int) or headers is None:
        return
    asked = headers.get("Retry-After")
    raise RetryJob(f"HTTP {status}: {error}" + (f"\nRetry-After: {asked}" if asked else "")) from error
