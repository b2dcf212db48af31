"""What cannot be taken is refused, each with the status, the code and the fields that say why."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from qless_flask.backends.base import Backend
from qless_flask.errors import BackendUnavailable
from qless_flask.settings import Settings
from qless_flask.testing import ModelBackend
from qless_flask.web import create_app

from .conftest import Api

PUT = "POST queues/fetch/jobs"
POP = "POST queues/fetch/pop"
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'klass': 'Crawl'}",
        b'{"klass": "Crawl"} {}',
        b'{"klass": "Crawl", "data": {"a": 01}}',
        b'{"klass": "Crawl", "data": NaN}',
        b'{"klass": "Crawl", "data": "\xff"}',
        b'\xef\xbb\xbf{"klass": "Crawl"}',
        b'{"klass": "Crawl", "data": ' + DEEP + b"}",
        b'{"klass": ' + DEEP + b"}",
        b'{"klass": ' + b"[" * 50 + b"]" * 50 + b"}",
        "{}".encode("utf-16"),
        b"   ",
    ],
)
def test_what_is_no_json_is_malformed(api: Api, body: bytes) -> None:
    problem = api.problem(PUT, body)

    assert (problem["status"], problem["code"]) == (400, "MALFORMED")
    assert api.told("GET jobs")["jobs"] == []


@pytest.mark.parametrize(
    ("call", "body", "fields"),
    [
        (PUT, {}, {"klass"}),
        (PUT, "Crawl", {"body"}),
        (PUT, None, {"klass"}),
        (PUT, {"klass": "", "priority": 512, "tags": ["x"] * 33, "wat": 1}, {"klass", "priority", "tags", "wat"}),
        (PUT, {"klass": 1, "priority": "high", "delay": "1", "tags": "x"}, {"klass", "priority", "delay", "tags"}),
        (PUT, {"klass": "Crawl", "priority": True}, {"priority"}),
        (PUT, {"klass": "Crawl", "priority": 1.0}, {"priority"}),
        (PUT, {"klass": "Crawl", "priority": None}, {"priority"}),
        (PUT, {"klass": "Crawl", "tags": ["ok", 3]}, {"tags.1"}),
        (PUT, {"klass": "Crawl", "pipeline": ["parse", "no queue"]}, {"pipeline.1"}),
        (PUT, {"klass": "Crawl", "delay": -1}, {"delay"}),
        (PUT, {"klass": "Crawl", "delay": 1, "at": 1}, {"at"}),
        (PUT, {"klass": "Crawl", "if_exists": "overwrite"}, {"if_exists"}),
        (PUT, {"klass": "Crawl", "queue": "parse"}, {"queue"}),
        (PUT, {"klass": "x" * 201, "jid": "a\nb"}, {"klass", "jid"}),
        (PUT, [{"klass": "Crawl"}, 3, {"klass": "Crawl", "priority": 600}], {"jobs.1", "jobs.2.priority"}),
        (PUT, [{"klass": "Crawl"}, {"priority": 600, "wat": 1}], {"jobs.1.klass", "jobs.1.priority", "jobs.1.wat"}),
        (PUT, [{"klass": "Crawl"}] * 1001, {"jobs"}),
        (POP, {}, {"worker"}),
        (POP, {"worker": "ann", "limit": 0}, {"limit"}),
        (POP, {"worker": "ann", "limit": 1001}, {"limit"}),
        (POP, {"worker": "ann", "wait": 61}, {"wait"}),
        (POP, {"worker": "ann", "wait": -1, "order": "up"}, {"wait", "order"}),
        (POP, {"worker": "ann", "queues": ["parse"]}, {"queues"}),
        ("POST pop", {"queues": [], "worker": "ann"}, {"queues"}),
        ("POST pop", {"queues": ["fetch", "no queue"], "worker": ""}, {"queues.1", "worker"}),
        ("POST heartbeat", {"leases": [{"jid": "one"}]}, {"leases.0.token"}),
        ("POST jobs/one/complete", {}, {"token"}),
        ("POST jobs/one/complete", {"token": "t", "jid": "two"}, {"jid"}),
        ("POST jobs/one/complete", {"token": "", "delay": -1, "next": "no queue"}, {"token", "delay", "next"}),
        ("POST jobs/one/fail", {"token": "t"}, {"group"}),
        ("POST jobs/one/release", {"token": "t", "group": "net"}, {"group"}),
        ("POST jobs/one/log", {"token": "t"}, {"message"}),
        ("POST jobs/one/log", {"token": "t", "message": "x" * 40_000}, {"message"}),
        ("POST settle", {"settle": [{"jid": "one", "token": "t"}]}, {"settle.0.action"}),
        ("POST settle", {"settle": [{"jid": "a", "token": "t", "action": "ack"}]}, {"settle.0.action"}),
        (
            "POST settle",
            {"settle": [{"jid": "a", "token": "t", "action": "retry", "delay": "soon"}]},
            {"settle.0.delay"},
        ),
        ("POST exchange", {"settle": [], "pop": {"worker": "ann"}}, {"pop.queues"}),
        ("PATCH jobs/one", {"priority": 512, "tags": {"add": [""]}}, {"priority", "tags.add.0"}),
        ("PATCH jobs/one", {"tags": ["x"]}, {"tags"}),
        ("PATCH jobs/one", {"klass": "Other"}, {"klass"}),
        ("PATCH queues/fetch", {"heartbeat": 0, "retries": -1}, {"heartbeat", "retries"}),
        ("PATCH queues/fetch", {"heartbit": 5}, {"heartbit"}),
        ("POST jobs/one/move", {}, {"queue"}),
        (PUT, {"klass": "Crawl", "depends": "one", "on_parent_end": "run away"}, {"depends", "on_parent_end"}),
        (PUT, {"klass": "Crawl", "unique": {"for": "ever"}}, {"unique.key", "unique.for"}),
        (PUT, {"klass": "Crawl", "unique": "home"}, {"unique"}),
        (PUT, {"klass": "Crawl", "backoff": {"strategy": 5}}, {"backoff.strategy"}),
        (PUT, {"klass": "Crawl", "backoff": {"colour": 1, "delay": -1}}, {"backoff.colour", "backoff.delay"}),
        (PUT, {"klass": "Crawl", "backoff": {"strategy": "table", "delays": [-1]}}, {"backoff.delays.0"}),
        (PUT, {"klass": "Crawl", "max_run": 0, "expires_in": "soon"}, {"max_run", "expires_in"}),
        ("POST jobs/one/heartbeat", {"token": "t", "progress": "x" * 5000}, {"progress"}),
        (
            "POST settle",
            {"settle": [{"jid": "a", "token": "t", "action": "complete", "puts": [{"klass": "Parse"}]}]},
            {"settle.0.puts.0.queue"},
        ),
        ("PATCH queues/fetch", {"backoff": {"strategy": "fixed", "delay": -1}}, {"backoff.delay"}),
        ("POST jobs/one/finish", {"state": "done"}, {"state"}),
        ("POST jobs/one/finish", {"state": "failed", "result": 1}, {"result"}),
        ("POST jobs/one/move", {"queue": "parse", "actor": {"name": "ann"}}, {"actor"}),
        ("POST jobs/one/move", {"queue": "parse", "actor": ""}, {"actor"}),
        ("DELETE jobs/one?dependents=all", None, {"dependents"}),
        ("GET jobs/one?wait=61", None, {"wait"}),
        ("GET jobs?tracked=maybe", None, {"tracked"}),
        ("GET jobs?since=yesterday&until=2026-11-24", None, {"since", "until"}),
        ("GET jobs?since=nan&until=-1", None, {"since", "until"}),
        ("GET jobs?since=9&until=8", None, {"since"}),
        ("GET events?tracked=1&queue=no%20queue", None, {"tracked", "queue"}),
        ("POST jobs/change", {"action": "move"}, {"filter"}),
        ("POST jobs/change", {"filter": {"state": "done"}, "action": "move"}, {"filter.state"}),
        (
            "POST jobs/change",
            {"filter": {"since": "now", "until": True}, "action": "move"},
            {"filter.since", "filter.until"},
        ),
        ("POST jobs/change", {"filter": {}, "action": "delete"}, {"action"}),
        ("POST jobs/change", {"filter": {}, "action": "cancel", "queue": "parse"}, {"queue"}),
        ("POST jobs/change", {"filter": {}, "action": "timeout", "limit": 5000}, {"limit"}),
        ("POST failures/net/retry", {"delay": -1}, {"delay"}),
        ("GET failures?limit=0", None, {"limit"}),
        ("GET tags?colour=red", None, {"colour"}),
        ("POST workers/ann/quiet", {"on": "yes"}, {"on"}),
        ("POST recurrences", {"queue": "fetch"}, {"klass", "interval"}),
        ("POST recurrences", {"queue": "fetch", "klass": "Crawl", "interval": 0.5, "count": 0}, {"interval", "count"}),
        ("POST recurrences", {"queue": "fetch", "klass": "Crawl", "cron": "* * *"}, {"cron"}),
        ("POST recurrences", {"queue": "f", "klass": "C", "cron": "* * * * *", "timezone": "Mars"}, {"timezone"}),
        ("POST recurrences", {"queue": "f", "klass": "C", "interval": 5, "catchup": "all"}, {"catchup"}),
        ("POST recurrences/preview", {"interval": 5, "count": 5000}, {"count"}),
        ("POST recurrences/preview", {"interval": 5, "cron": "* * * * *"}, {"interval"}),
        ("POST recurrences/preview", {"queue": "fetch", "interval": 5}, {"queue"}),
        (PUT, {"klass": "Crawl", "requires": ["gpu", ""], "key": ""}, {"requires.1", "key"}),
        (PUT, {"klass": "Crawl", "requires": "gpu", "key": 3}, {"requires", "key"}),
        (POP, {"worker": "ann", "capabilities": ["gpu", ""]}, {"capabilities.1"}),
        (POP, {"worker": "ann", "capabilities": "gpu"}, {"capabilities"}),
        ("PATCH queues/fetch", {"rate": {"limit": 0, "per": 1}, "max_size": 0}, {"rate.limit", "max_size"}),
        ("PATCH queues/fetch", {"key_rate": {"limit": 1}}, {"key_rate.per"}),
        ("PATCH queues/fetch", {"rate": 5, "retention": None}, {"rate", "retention"}),
        ("PATCH queues/fetch", {"inherit": ["colour"]}, {"inherit.0"}),
        ("PATCH queues/fetch", {"inherit": "retries"}, {"inherit"}),
        ("PATCH settings", {"retention": {"failed": {"age": -1, "count": 1}}}, {"retention.failed.age"}),
        ("PATCH settings", {"policies": {}}, {"policies"}),
        ("PATCH settings", {"policies": [{"name": ""}, 5]}, {"policies.0.name", "policies.1"}),
        ("PATCH settings", {"trackers": [{"tags": ["*"]}]}, {"trackers.0.name"}),
        ("PATCH settings", {"klass_backoff": {"data": {"delay": -1}}}, {"klass_backoff.data.delay"}),
        ("PATCH settings", {"inherit": ["policy"]}, {"inherit.0"}),
        ("PATCH queues/fetch", {"policies": []}, {"policies"}),
        ("PATCH queues/fetch", {"inherit": ["trackers"]}, {"inherit.0"}),
        ("PUT frozen", {"on": False}, {"on"}),
        ("DELETE /api/v1/namespaces/crawl?confirm=other&limit=5", None, {"confirm"}),
        ("DELETE /api/v1/namespaces/crawl?limit=many", None, {"limit"}),
        ("GET stats?day=today", None, {"day"}),
        ("GET stats?day=2026-02-30", None, {"day"}),
        ("GET stats?klass=a&tag=b", None, {"tag"}),
        ("GET queues/fetch/stats?klass=a", None, {"klass"}),
        ("GET throughput?since=soon", None, {"since"}),
        ("GET throughput?since=nan", None, {"since"}),
        ("GET throughput?step=61", None, {"step"}),
        ("GET throughput?queue=no%20queue", None, {"queue"}),
        ("GET jobs?key=", None, {"key"}),
        ("POST operations/load", {"records": [{"kind": "memo"}]}, {"records.0"}),
        ("POST operations/load", {"records": {}}, {"records"}),
        ("POST operations/load", {}, {"records"}),
        ("POST operations/dump", {"cursor": "nonsense"}, {"cursor"}),
        ("GET jobs?state=done&limit=0x1", None, {"state", "limit"}),
        ("GET jobs?limit=5000", None, {"limit"}),
        ("GET jobs?colour=red", None, {"colour"}),
        ("GET jobs?tag=a&tag=b", None, {"tag"}),
        ("GET jobs?cursor=nonsense", None, {"cursor"}),
        ("GET events?after=nonsense", None, {"after"}),
        ("GET events?wait=soon", None, {"wait"}),
        ("GET events?wait=nan", None, {"wait"}),
        ("GET queues?names=a", None, {"names"}),
        ("GET jobs", {"state": "failed"}, {"body"}),
        ("POST queues/fetch/pause?actor=ann", None, {"actor"}),
        ("POST queues/fetch/jobs?if_exists=keep", {"klass": "Crawl"}, {"if_exists"}),
        ("GET queues/no%20queue", None, {"queue"}),
        ("PUT jobs/one/tags/a%07b", None, {"tag"}),
        ("GET workers/" + "x" * 201, None, {"worker"}),
        ("GET /api/v1/namespaces/no%20namespace/queues", None, {"namespace"}),
        ("GET /api/v1/namespaces/_/queues", None, {"namespace"}),
        ("POST operations/remember", {"name": "x", "value": "y"}, {"expected"}),
        ("POST operations/lead", {"role": 1, "holder": 2, "seconds": "3"}, {"role", "holder", "seconds"}),
    ],
)
def test_each_field_at_fault_is_named(api: Api, call: str, body: object, fields: set[str]) -> None:
    problem = api.problem(call, body)

    assert (problem["status"], problem["code"]) == (422, "INVALID")
    assert set(problem["errors"]) == fields
    assert all(name in problem["detail"] for name in fields)


def test_a_dry_run_asked_for_in_the_query_changes_nothing(api: Api) -> None:
    api.put("one")
    api.told("POST jobs/one/finish", {"state": "failed", "group": "given up"})

    problem = api.problem("POST failures/given%20up/retry?dry_run=true")

    assert problem["errors"] == {"dry_run": ["belongs in the body, not in the query"]}
    assert api.told("GET jobs/one")["state"] == "failed"


def test_a_cancel_takes_nothing_from_a_body(api: Api) -> None:
    api.put("one")

    problem = api.problem("DELETE jobs/one", {"dependents": "cancel", "actor": "ann"})

    assert problem["errors"] == {"body": ["must be empty: what this takes belongs in the query"]}
    assert api.told("DELETE jobs/one?actor=ann", {})["state"] == "canceled"


def test_one_bad_job_of_a_list_puts_none(api: Api) -> None:
    problem = api.problem(PUT, [{"klass": "Crawl"}] * 3 + [{"klass": "Crawl", "priority": 512}])

    assert problem["errors"] == {"jobs.3.priority": ["must be a whole number from -511 to 511"]}
    assert api.told("GET jobs")["jobs"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"klass": "\\ud800"}', "klass"),
        (b'{"klass": "Crawl", "data": {"deep": ["\\udfff"]}}', "data"),
        (b'{"klass": "Crawl", "data": {"\\ud800": 1}}', "data"),
        (b'[{"klass": "Crawl"}, {"klass": "Crawl", "data": "\\ud800"}]', "jobs.1.data"),
        (b'{"klass": "Crawl", "tags": ["a", "\\ud83d"]}', "tags.1"),
        (b'{"klass": "Crawl", "\\ud800": 1}', "body"),
    ],
)
def test_half_a_surrogate_pair_is_invalid(api: Api, body: bytes, field: str) -> None:
    problem = api.problem(PUT, body)

    assert (problem["status"], list(problem["errors"])) == (422, [field])


@pytest.mark.parametrize("number", [b"9" * 5000, b"1e400", b"-" + b"9" * 400])
def test_a_number_beyond_all_bounds_is_invalid(api: Api, number: bytes) -> None:
    problem = api.problem(PUT, b'{"klass": "Crawl", "priority": ' + number + b', "delay": ' + number + b"}")

    assert (problem["status"], set(problem["errors"])) == (422, {"priority", "delay"})


@pytest.mark.parametrize(
    "data",
    [
        b"12345678901234567890123456789",
        b"1.10",
        b"1e400",
        b"-0",
        b"9" * 5000,
        b"null",
        b"[]",
        b'{"a":1,"a":2}',
        b'{"data":{"data":[1.0]}}',
        b'"\\ud83d\\ude00 \\u0000 \\/"',
        '"😀 \u2028 é"'.encode(),
        b"[" * 300 + b"]" * 300,
    ],
)
def test_data_comes_out_as_it_went_in(api: Api, data: bytes) -> None:
    assert api(PUT, b'{"klass": "Crawl", "jid": "one", "data": ' + data + b"}").status_code == 201

    looked_up = api("GET jobs/one").get_data()
    popped = api(POP, {"worker": "ann"}).get_data()

    assert b'"data":' + data + b',"history"' in looked_up
    assert b'"data":' + data + b',"lease"' in popped


def test_of_a_key_that_stands_twice_the_last_one_counts(api: Api) -> None:
    api.told(PUT, b'{"klass": "Crawl", "jid": "one", "data": 1, "data": 2, "klass": "Parse"}')

    job = api.told("GET jobs/one")

    assert (job["klass"], job["data"]) == ("Parse", 2)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
def test_another_content_type_is_refused_and_told_what_to_send(app: Flask, content_type: str) -> None:
    answer = app.test_client().post(
        "/api/v1/namespaces/crawl/queues/fetch/jobs", data=b'{"klass": "Crawl"}', content_type=content_type
    )

    assert (answer.status_code, answer.get_json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "Content-Type: application/json" in answer.get_json()["detail"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.api+json"])
def test_json_by_another_name_is_taken(app: Flask, content_type: str) -> None:
    answer = app.test_client().post(
        "/api/v1/namespaces/crawl/queues/fetch/jobs", data=b'{"klass": "Crawl"}', content_type=content_type
    )

    assert answer.status_code == 201


class TestSizes:
    def test_a_body_over_the_limit_is_not_read(self, app: Flask) -> None:
        body = io.BytesIO(b" " * 9_000_000)

        answer = self._post(app, body, CONTENT_LENGTH="9000000")

        assert (answer.status_code, answer.get_json()["code"]) == (413, "TOO_LARGE")
        assert "4,000,000" in answer.get_json()["detail"]
        assert body.tell() == 0

    def test_a_chunked_body_is_read_no_further_than_the_limit(self, app: Flask) -> None:
        body = io.BytesIO(b" " * 9_000_000)

        answer = self._post(app, body, **{"wsgi.input_terminated": True, "CONTENT_LENGTH": ""})

        assert (answer.status_code, answer.get_json()["code"]) == (413, "TOO_LARGE")
        assert body.tell() < 5_000_000

    def test_a_body_of_one_byte_too_many_is_refused(self, api: Api) -> None:
        job = b'{"klass": "Crawl"}'

        assert api(PUT, job + b" " * (4_000_000 - len(job))).status_code == 201
        assert api(PUT, job + b" " * (4_000_001 - len(job))).status_code == 413

    def test_a_chunked_body_within_the_limit_is_taken(self, app: Flask) -> None:
        body = io.BytesIO(json.dumps({"klass": "Crawl"}).encode())

        answer = self._post(app, body, **{"wsgi.input_terminated": True, "CONTENT_LENGTH": ""})

        assert answer.status_code == 201

    def test_data_over_a_mebibyte_is_too_large(self, api: Api) -> None:
        problem = api.problem(PUT, {"klass": "Crawl", "jid": "one", "data": "x" * (1 << 20)})

        assert (problem["status"], problem["code"], problem["subject"]) == (413, "TOO_LARGE", "one")

    @pytest.mark.parametrize("scheme", ["sqlite", "redis"])
    def test_a_server_may_be_told_how_long_data_may_be(
        self, scheme: str, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        url = request.getfixturevalue("valkey_url") if scheme == "redis" else f"sqlite:///{tmp_path}/jobs.db"
        app = create_app(url, settings=Settings(max_data_bytes=100))
        api = Api(app.test_client())

        assert api(PUT, {"klass": "Crawl", "data": "x" * 98}).status_code == 201
        assert api(PUT, {"klass": "Crawl", "data": "x" * 99}).status_code == 413

    def _post(self, app: Flask, body: io.BytesIO, **environ: object) -> TestResponse:
        path = "/api/v1/namespaces/crawl/queues/fetch/jobs"
        return app.test_client().post(
            path, content_type="application/json", environ_overrides={"wsgi.input": body, **environ}
        )


class TestFaults:
    def test_a_store_that_is_down_is_unavailable_and_says_when_to_come_back(self) -> None:
        app = create_app("redis://127.0.0.1:1/0")

        put = Api(app.test_client())(PUT, {"klass": "Crawl"})
        ready = Api(app.test_client())("GET /readyz")

        for answer in (put, ready):
            assert (answer.status_code, answer.get_json()["code"]) == (503, "BACKEND_UNAVAILABLE")
            assert answer.headers["Retry-After"] == "1"
            assert "127.0.0.1" not in answer.get_json()["detail"]
        assert Api(app.test_client()).told("GET /healthz") == {"status": "ok"}

    def test_a_fault_of_ours_is_logged_and_told_to_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        class Broken(Exception):
            """Stands for any bug."""

        class Bug(ModelBackend):
            def namespaces(self) -> list[str]:
                raise Broken("the password is hunter2")

        app = create_app(backend=Bug())
        with caplog.at_level(logging.ERROR, "qless_flask"):
            problem = Api(app.test_client()).problem("GET /api/v1/namespaces")

        assert (problem["status"], problem["code"]) == (500, "INTERNAL")
        assert "hunter2" not in json.dumps(problem)
        assert "hunter2" in caplog.text

    def test_what_an_unreachable_store_said_is_logged(self, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
        app = create_app("redis://127.0.0.1:1/0")

        Api(app.test_client())("GET queues")

        assert "127.0.0.1:1" in caplog.text
        assert BackendUnavailable.sentence not in caplog.text
