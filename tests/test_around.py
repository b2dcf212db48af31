"""What runs around jobs, in their worker: `around_perform` of plugins, and `@job(around=[…])`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from test_worker_pool import pool
from workers import until, working

from qless_flask.client import Client, FailJob, JobFunction, JobHandle, LeasedJob, job
from qless_flask.errors import Invalid, PluginError
from qless_flask.hookspecs import hookimpl
from qless_flask.models import Failure, Plugin
from qless_flask.plugins import Plugins
from qless_flask.settings import PluginSettings
from qless_flask.testing import ModelBackend
from qless_flask.worker import Worker, WorkerOptions, WorkSettings

Call = Callable[[], Any]
KINDS = ("plain", "async")


class Around:
    """A plugin that runs a function around jobs."""

    def __init__(self, function: Callable[[LeasedJob, Call], object]) -> None:
        self._function = function

    @hookimpl
    def around_perform(self, job: LeasedJob, call: Call) -> object:
        return self._function(job, call)


@pytest.fixture
def client() -> Client:
    return Client(ModelBackend(), plugins=Plugins(installed=False))


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Client]:
    """A store that other processes reach."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    with Client(url, "around") as client:
        client.url = url  # type: ignore[attr-defined]
        yield client


def loaded(*plugins: object, **named: object) -> Plugins:
    """Load plugins, the first of them to be asked first."""
    given = {str(number): plugin for number, plugin in enumerate(plugins)} | named
    return Plugins(given, installed=False, order=list(given))


def work(client: Client, function: JobFunction, plugins: Plugins | None = None, *, jobs: int = 1) -> JobHandle:
    """Put so many jobs, let a worker run them, and answer the last."""
    handles = client.queues["fetch"].put_many(function, [{"url": "/"}] * jobs)
    Worker(client, ["fetch"], [function], WorkSettings(max_jobs=jobs, poll=0.05), name="ann", plugins=plugins).run()
    return handles[-1].refresh()


def noting(seen: list[str], name: str) -> Callable[[LeasedJob, Call], object]:
    def around(job: LeasedJob, call: Call) -> object:
        seen.append(f"{name} before {job.klass}")
        answer = call()
        seen.append(f"{name} after")
        return answer

    return around


def noting_async(seen: list[str], name: str) -> Callable[[LeasedJob, Call], Awaitable[object]]:
    async def around(job: LeasedJob, call: Call) -> object:
        seen.append(f"{name} before {job.klass}")
        answer: object = await call()
        seen.append(f"{name} after")
        return answer

    return around


def crawl_of(kind: str, function: Callable[[LeasedJob], object] = lambda job: "crawled", **options: Any) -> JobFunction:
    """Make a job function, plain or async."""
    if kind == "plain":
        return job("Crawl", **options)(function)

    async def crawl(job: LeasedJob) -> object:
        await asyncio.sleep(0)
        return function(job)

    return job("Crawl", **options)(crawl)


def failure_of(handle: JobHandle) -> Failure:
    failure = handle.get().failure
    assert failure is not None
    return failure


def counted(plugins: Plugins, name: str) -> Plugin:
    [plugin] = [each for each in plugins.report() if each.name == name]
    return plugin


# In which order


@pytest.mark.parametrize("kind", KINDS)
def test_the_plugin_that_is_asked_first_is_outermost_and_those_of_the_job_innermost(client: Client, kind: str) -> None:
    seen: list[str] = []
    make: Any = noting if kind == "plain" else noting_async
    crawl = crawl_of(kind, lambda job: seen.append("crawl"), around=[make(seen, "own first"), make(seen, "own second")])

    work(client, crawl, loaded(Around(make(seen, "outer")), Around(make(seen, "inner"))))

    assert seen == [
        "outer before Crawl",
        "inner before Crawl",
        "own first before Crawl",
        "own second before Crawl",
        "crawl",
        "own second after",
        "own first after",
        "inner after",
        "outer after",
    ]


def test_a_worker_has_the_plugins_of_its_client(client: Client) -> None:
    seen: list[str] = []
    client = Client(client.backend, plugins=loaded(Around(noting(seen, "plugin"))))

    work(client, crawl_of("plain"))

    assert seen == ["plugin before Crawl", "plugin after"]


def test_a_plugin_takes_as_many_of_the_arguments_as_it_wants(client: Client) -> None:
    class Modest:
        @hookimpl
        def around_perform(self, call: Call) -> object:
            return f"{call()}, modestly"

    assert work(client, crawl_of("plain"), loaded(Modest())).result == "crawled, modestly"


def test_they_run_around_each_job(client: Client) -> None:
    seen: list[str] = []

    work(client, crawl_of("plain"), loaded(Around(noting(seen, "plugin"))), jobs=3)

    assert seen == ["plugin before Crawl", "plugin after"] * 3


def test_who_calls_a_job_function_calls_that_alone() -> None:
    seen: list[str] = []
    crawl = crawl_of("plain", around=[noting(seen, "own")])

    assert crawl.function(None) == "crawled"  # type: ignore[arg-type]
    assert seen == []


def test_what_cannot_run_around_is_told_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="Crawl: around takes functions of a job and a call, not 'log'"):
        job("Crawl", around=["log"])(lambda job: None)  # type: ignore[list-item]


# What they can do


@pytest.mark.parametrize("kind", KINDS)
def test_the_result_is_what_the_outermost_answers(client: Client, kind: str) -> None:
    async def louder_async(job: LeasedJob, call: Call) -> str:
        return f"{await call()}!"

    louder: Any = louder_async if kind == "async" else lambda job, call: f"{call()}!"

    assert work(client, crawl_of(kind), loaded(Around(louder), Around(louder))).result == "crawled!!"


@pytest.mark.parametrize("kind", KINDS)
def test_one_may_answer_instead_of_the_job(client: Client, kind: str) -> None:
    crawl = crawl_of(kind, lambda job: pytest.fail("it ran"))

    assert work(client, crawl, loaded(Around(lambda job, call: "from the cache"))).result == "from the cache"


@pytest.mark.parametrize("kind", KINDS)
def test_an_async_one_may_await_a_plain_one_that_answers_instead(client: Client, kind: str) -> None:
    seen: list[str] = []
    cached = Around(lambda job, call: "from the cache")
    plugins = loaded(Around(noting_async(seen, "outer")), cached) if kind == "async" else loaded(cached)

    assert work(client, crawl_of(kind), plugins).result == "from the cache"


def test_a_plain_one_may_answer_what_is_to_be_awaited(client: Client) -> None:
    seen: list[str] = []

    assert work(client, crawl_of("async"), loaded(Around(noting(seen, "plugin")))).result == "crawled"


def test_one_may_run_a_job_again(client: Client) -> None:
    runs: list[int] = []

    def flaky(job: LeasedJob) -> int:
        runs.append(1)
        if len(runs) == 1:
            raise ConnectionError("the first time")
        return len(runs)

    def twice(job: LeasedJob, call: Call) -> object:
        try:
            return call()
        except ConnectionError:
            return call()

    assert work(client, crawl_of("plain", flaky), loaded(Around(twice))).result == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_sees_the_context_that_is_set_around_it(client: Client, kind: str) -> None:
    tenant: ContextVar[str] = ContextVar("tenant")

    def around(job: LeasedJob, call: Call) -> object:
        tenant.set(job.data["url"])
        return call()

    assert work(client, crawl_of(kind, lambda job: tenant.get()), loaded(Around(around))).result == "/"


# What fails


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_raises_is_the_failure_of_the_job_and_says_where_it_came_from(client: Client, kind: str) -> None:
    def guarding_the_tenant(job: LeasedJob, call: Call) -> object:
        raise PermissionError("no tenant")

    failure = failure_of(work(client, crawl_of(kind), loaded(Around(guarding_the_tenant))))

    assert failure.group == "PermissionError"
    assert "guarding_the_tenant" in failure.message
    assert failure.message.rstrip().endswith("PermissionError: no tenant")


@pytest.mark.parametrize("kind", KINDS)
def test_one_may_say_that_a_job_has_failed_for_good(client: Client, kind: str) -> None:
    async def strict_async(job: LeasedJob, call: Call) -> object:
        try:
            return await call()
        except ValueError as error:
            raise FailJob("unusable", str(error)) from error

    def strict(job: LeasedJob, call: Call) -> object:
        try:
            return call()
        except ValueError as error:
            raise FailJob("unusable", str(error)) from error

    def broken(job: LeasedJob) -> object:
        raise ValueError("no page")

    plugins = loaded(Around(strict_async if kind == "async" else strict))
    handle = work(client, crawl_of(kind, broken), plugins)

    assert (handle.state, failure_of(handle).group, failure_of(handle).message) == ("failed", "unusable", "no page")
    assert counted(plugins, "0").errors == 0


def test_an_async_one_around_a_plain_function_is_told_apart(client: Client) -> None:
    seen: list[str] = []

    failure = failure_of(work(client, crawl_of("plain"), loaded(mine=Around(noting_async(seen, "plugin")))))

    assert failure.group == "TypeError"
    assert "around_perform of plugin mine answered something to await" in failure.message
    assert "Crawl is performed by a plain function" in failure.message
    assert seen == []


def test_an_async_one_of_a_plain_job_is_named_too(client: Client) -> None:
    failure = failure_of(work(client, crawl_of("plain", around=[noting_async([], "own")])))

    assert "noting_async.<locals>.around around Crawl answered something to await" in failure.message


def test_one_that_forgets_to_await_the_job_does_not_pass_for_done(client: Client) -> None:
    def forgetful(job: LeasedJob, call: Call) -> None:
        call()

    handle = work(client, crawl_of("async"), loaded(mine=Around(forgetful)))

    assert handle.state != "complete"
    assert "around_perform of plugin mine began the job, and neither awaited nor answered" in failure_of(handle).message


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_job_raises_is_not_counted_as_a_fault_of_those_around_it(client: Client, kind: str) -> None:
    def broken(job: LeasedJob) -> object:
        raise ValueError("no page")

    async def rewording(job: LeasedJob, call: Call) -> object:
        try:
            return await call()
        except ValueError as error:
            raise LookupError("in other words") from error

    plugins = loaded(Around(rewording if kind == "async" else lambda job, call: call()))

    work(client, crawl_of(kind, broken), plugins)

    assert (counted(plugins, "0").calls, counted(plugins, "0").errors) == (1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_they_raise_themselves_is(client: Client, kind: str) -> None:
    def broken(job: LeasedJob, call: Call) -> object:
        raise ZeroDivisionError("mine")

    plugins = loaded(outer=Around(lambda job, call: call()), inner=Around(broken))

    work(client, crawl_of(kind), plugins)

    found = counted(plugins, "inner")
    assert (found.calls, found.errors, counted(plugins, "outer").errors) == (1, 1, 0)
    assert found.last_error is not None
    assert (found.last_error.hook, found.last_error.message) == ("around_perform", "ZeroDivisionError: mine")


@pytest.mark.parametrize("kind", KINDS)
def test_the_time_of_the_job_is_not_theirs(client: Client, kind: str) -> None:
    def slow(job: LeasedJob) -> None:
        threading.Event().wait(0.3)

    plugins = loaded(Around(lambda job, call: call()))

    work(client, crawl_of(kind, slow), plugins)

    assert counted(plugins, "0").seconds < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_stops_at_once_ends_what_runs_through_them(client: Client, kind: str) -> None:
    runs, ended = threading.Event(), threading.Event()

    def endless(job: LeasedJob) -> None:
        runs.set()
        while True:
            threading.Event().wait(0.005)

    async def endless_async(job: LeasedJob) -> None:
        runs.set()
        await asyncio.Event().wait()

    def tidy(job: LeasedJob, call: Call) -> object:
        try:
            return call()
        finally:
            ended.set()

    async def tidy_async(job: LeasedJob, call: Call) -> object:
        try:
            return await call()
        finally:
            ended.set()

    function = job("Crawl")(endless_async if kind == "async" else endless)
    plugins = loaded(Around(tidy_async if kind == "async" else tidy))
    handle = client.queues["fetch"].put(function, {})
    worker = Worker(client, ["fetch"], [function], WorkSettings(poll=0.05), plugins=plugins)

    with working(worker):
        assert runs.wait(10)
        worker.stop_now()
        assert ended.wait(10)

    assert handle.get().state == "waiting"
    assert counted(plugins, "0").errors == 0


# Which plugins there are


def test_a_misspelt_plugin_stops_a_worker_at_its_start(client: Client) -> None:
    with pytest.raises(PluginError, match="there is no hook around_preform; did you mean around_perform"):
        Worker(client, ["fetch"], [crawl_of("plain")], plugins=Plugins(["around_jobs:Misspelt"], installed=False))


def test_options_of_a_pool_name_plugins_by_where_they_stand() -> None:
    with pytest.raises(Invalid, match="plugins"):
        WorkerOptions("sqlite://", ("fetch",), ("shop",), plugins=PluginSettings(plugins=[object()]))


@pytest.mark.parametrize("fork", [False, True])
def test_the_processes_of_a_pool_run_them_and_read_and_write_with_codecs(stored: Client, fork: bool) -> None:
    reader = Client(stored.backend, "around", plugins=Plugins(["around_jobs:Plugin"]), codec="backwards")
    told = [reader.queues["work"].put(klass, {"url": "/"}) for klass in ("Tell", "Await")]

    settings = PluginSettings(plugins=("around_jobs:Plugin",))
    with pool(stored, modules=("around_jobs",), plugins=settings, codec="backwards", fork=fork):
        until(lambda: stored.queues["work"].counts["complete"] == 2)

    plain, later = [handle.refresh().result for handle in told]
    assert (plain["around"], plain["read"]) == ("the plugin, around Tell", {"url": "/"})
    assert later == "the plugin, around Await"
    assert "backwards" in (stored.jobs[told[0].jid].get().result or "")


def test_a_pool_ends_at_once_with_a_plugin_that_is_not_as_it_is_meant(stored: Client) -> None:
    settings = PluginSettings(plugins=("around_jobs:Misspelt",))

    with pool(stored, modules=("around_jobs",), plugins=settings) as process:
        assert process.wait(20) == 2
        assert process.stderr is not None
        assert "around_preform" in process.stderr.read()
