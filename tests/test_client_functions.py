"""`@job` makes of a function what workers run and producers put."""

from __future__ import annotations

from types import ModuleType

import pytest

from qless_flask.client import Client, JobFunction, LeasedJob, job, registry_of
from qless_flask.errors import Invalid
from qless_flask.testing import ModelBackend


@job("Crawl", queue="fetch", priority=5, retries=2, tags=("docs",), delay=60)
def crawl(job: LeasedJob) -> str:
    """Fetch a page."""
    return f"crawled {job.data['url']}"


@pytest.fixture
def client() -> Client:
    return Client(ModelBackend())


def module_of(name: str, **contents: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(contents)
    return module


def test_a_job_function_can_be_called_like_the_function_it_is(client: Client) -> None:
    client.queues["other"].put("Crawl", {"url": "/"})
    leased = client.queues["other"].pop("ann")
    assert leased is not None

    assert crawl(leased) == "crawled /"
    assert crawl.__doc__ == "Fetch a page."


def test_its_options_are_the_defaults_of_its_put(client: Client) -> None:
    made = crawl.put({"url": "/"}, client=client).get()

    assert (made.klass, made.queue, made.priority, made.retries, made.tags) == ("Crawl", "fetch", 5, 2, ("docs",))
    assert made.state == "scheduled"


def test_a_put_may_say_otherwise(client: Client) -> None:
    made = crawl.put({"url": "/"}, client=client, queue="slow", priority=0, delay=0).get()

    assert (made.queue, made.priority, made.retries, made.state) == ("slow", 0, 2, "waiting")


def test_a_time_given_now_wins_over_a_delay_by_default(client: Client) -> None:
    assert crawl.put({}, client=client, at=0).get().state == "waiting"


def test_a_queue_puts_a_job_function_with_its_defaults(client: Client) -> None:
    made = client.queues["slow"].put(crawl, {"url": "/"}, delay=0).get()

    assert (made.klass, made.queue, made.priority, made.state) == ("Crawl", "slow", 5, "waiting")


def test_a_put_outside_a_worker_needs_a_client() -> None:
    with pytest.raises(RuntimeError, match="give it a client"):
        crawl.put({"url": "/"})


def test_a_put_needs_a_queue(client: Client) -> None:
    @job("Homeless")
    def homeless(job: LeasedJob) -> None: ...

    with pytest.raises(ValueError, match="names no queue"):
        homeless.put(client=client)


def test_a_wrong_option_is_told_where_it_is_written() -> None:
    with pytest.raises(Invalid, match="priority"):
        job("Crawl", priority=100_000)(lambda job: None)


def test_a_registry_holds_the_job_functions_that_stand_in_the_modules() -> None:
    found = registry_of([module_of("pages", crawl=crawl, other=len, Client=Client), module_of("empty")])

    assert found == {"Crawl": crawl}


def test_a_function_imported_by_another_module_is_the_same_one() -> None:
    assert registry_of([module_of("pages", crawl=crawl), module_of("more", crawl=crawl)]) == {"Crawl": crawl}


def test_two_functions_for_one_klass_are_an_error_that_names_both() -> None:
    @job("Crawl")
    def other(job: LeasedJob) -> None: ...

    with pytest.raises(ValueError, match=r"two functions perform Crawl: .*test_client_functions.py:\d+ and .*:\d+"):
        registry_of([module_of("pages", crawl=crawl, other=other)])


def test_an_async_function_is_known_as_one() -> None:
    @job("Crawl")
    async def waits(job: LeasedJob) -> None: ...

    assert isinstance(waits, JobFunction)
    assert waits.is_async
    assert not crawl.is_async
