"""Every route does its operation and answers with the status and the shape that the documentation gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import BackendUnavailable
from qless_flask.models import Dumped, MemoRecord, NewJob
from qless_flask.testing import ManualClock
from qless_flask.web import create_app

from .conftest import Api


class TestJobs:
    def test_one_job_put_is_created_with_its_location(self, api: Api) -> None:
        answer = api("POST queues/fetch/jobs", {"klass": "Crawl", "jid": "one", "data": {"url": "/"}})

        assert answer.status_code == 201
        assert answer.json == {"jobs": [{"jid": "one", "state": "waiting", "created": True}]}
        assert answer.headers["Location"] == "/api/v1/namespaces/crawl/jobs/one"

    def test_a_list_is_put_in_one_call(self, api: Api) -> None:
        answer = api("POST queues/fetch/jobs", [{"klass": "Crawl", "jid": "a"}, {"klass": "Crawl", "delay": 5}])

        assert answer.status_code == 201
        assert [each["state"] for each in answer.get_json()["jobs"]] == ["waiting", "scheduled"]
        assert "Location" not in answer.headers

    def test_a_put_that_creates_nothing_is_200(self, api: Api) -> None:
        api.put("one")

        answer = api("POST queues/fetch/jobs", {"klass": "Crawl", "jid": "one", "if_exists": "keep"})

        assert answer.status_code == 200
        assert answer.json == {"jobs": [{"jid": "one", "state": "waiting", "created": False}]}

    def test_a_jid_that_is_there_is_a_conflict(self, api: Api) -> None:
        api.put("one")

        problem = api.problem("POST queues/fetch/jobs", {"klass": "Crawl", "jid": "one"})

        assert (problem["status"], problem["code"], problem["subject"]) == (409, "JOB_EXISTS", "one")

    def test_every_option_of_a_put_reaches_the_job(self, api: Api) -> None:
        api.put("one", priority=7, tags=["x"], retries=2, pipeline=["parse", "index"], at=4_000_000_000)

        job = api.told("GET jobs/one")

        told = {name: job[name] for name in ("priority", "tags", "retries", "pipeline", "available_at", "state")}
        assert told == {
            "priority": 7,
            "tags": ["x"],
            "retries": 2,
            "pipeline": ["parse", "index"],
            "available_at": 4_000_000_000.0,
            "state": "scheduled",
        }

    def test_a_job_on_the_wire_has_all_its_fields(self, api: Api, clock: ManualClock) -> None:
        now = clock()
        api.put("one", data={"url": "/"})

        job = api.told("GET jobs/one")

        assert job == {
            "jid": "one",
            "klass": "Crawl",
            "queue": "fetch",
            "state": "waiting",
            "priority": 0,
            "tags": [],
            "retries": None,
            "remaining": 5,
            "losses": 0,
            "pipeline": [],
            "worker": None,
            "failure": None,
            "created_at": now,
            "available_at": now,
            "started_at": None,
            "ended_at": None,
            "depends": [],
            "on_parent_end": "wait",
            "backoff": None,
            "max_run": None,
            "expires_in": None,
            "unique": None,
            "requires": [],
            "key": None,
            "tracked": False,
            "recurrence": None,
            "due_at": None,
            "data": {"url": "/"},
            "history": [{"at": now, "event": "put", "queue": "fetch"}],
            "dependents": [],
        }

    def test_all_that_a_put_can_say_comes_back(self, api: Api) -> None:
        options: dict[str, Any] = {
            "depends": ["parent"],
            "on_parent_end": "cancel",
            "backoff": {"strategy": "fixed", "delay": 100},
            "max_run": 5,
            "expires_in": 60,
            "unique": {"key": "home", "for": 30},
            "requires": ["eu", "gpu"],
            "key": "ann",
        }
        api.put("parent")
        api.put("one", **options)

        job = api.told("GET jobs/one")

        assert job["state"] == "depends"
        assert {name: job[name] for name in options} == options
        assert api.told("GET jobs/parent")["dependents"] == ["one"]

    def test_a_held_unique_key_is_answered_with_its_holder(self, api: Api) -> None:
        api.put("one", unique={"key": "home"})

        answer = api("POST queues/fetch/jobs", {"klass": "Crawl", "unique": {"key": "home", "for": "alive"}})

        assert answer.status_code == 200
        assert answer.json == {"jobs": [{"jid": "one", "state": "waiting", "created": False}]}

    def test_what_is_not_there_to_be_waited_for_is_refused_or_let_be(self, api: Api) -> None:
        job = {"klass": "Crawl", "depends": ["nobody"]}

        problem = api.problem("POST queues/fetch/jobs", job)
        answer = api.told("POST queues/fetch/jobs", {**job, "missing": "satisfied"})

        assert (problem["status"], problem["code"], problem["subject"]) == (422, "UNKNOWN_DEPENDENCY", "nobody")
        assert answer["jobs"][0]["state"] == "waiting"

    def test_data_result_and_progress_are_not_touched(self, api: Api) -> None:
        odd = b'{"n":12345678901234567890,"x":1.10,"x":[]}'
        api("POST queues/fetch/jobs", b'{"klass":"Crawl","jid":"one","data":' + odd + b"}")
        token = api.pop().encode()
        api("POST jobs/one/heartbeat", b'{"token":"' + token + b'","progress":' + odd + b"}")
        running = api("GET jobs/one").get_data()
        follow = b'{"klass":"Parse","queue":"parse","jid":"two","data":' + odd + b"}"
        api("POST jobs/one/complete", b'{"token":"' + token + b'","result":' + odd + b',"puts":[' + follow + b"]}")

        assert b'"progress":' + odd in running
        assert b'"data":' + odd in running
        assert b'"result":' + odd in api("GET jobs/one").get_data()
        assert b'"data":' + odd in api("GET jobs/two").get_data()

    def test_one_can_wait_for_the_end_of_a_job(self, api: Api) -> None:
        api.put("one")
        token = api.pop()
        api("POST jobs/one/complete", {"token": token, "result": {"size": 3}})

        job = api.told("GET jobs/one?wait=30")

        assert (job["state"], job["result"]) == ("complete", {"size": 3})
        assert api.problem("GET jobs/nobody?wait=30")["code"] == "JOB_NOT_FOUND"

    def test_lists_leave_out_data_and_history(self, api: Api) -> None:
        api.put("one", data={"url": "/"})

        [job] = api.told("GET jobs")["jobs"]

        assert "data" not in job
        assert "history" not in job

    def test_a_list_is_filtered_and_paged(self, api: Api) -> None:
        for number in range(3):
            api.put(f"tagged-{number}", tags=["x"])
        api.put("plain")

        first = api.told("GET jobs?tag=x&state=waiting&queue=fetch&limit=2")
        second = api.told(f"GET jobs?tag=x&state=waiting&queue=fetch&limit=2&cursor={first['next']}")

        assert [job["jid"] for job in first["jobs"]] == ["tagged-0", "tagged-1"]
        assert [job["jid"] for job in second["jobs"]] == ["tagged-2"]
        assert second["next"] is None

    def test_a_list_is_of_a_time(self, api: Api) -> None:
        for jid, due in (("early", 5e9), ("late", 5e9 + 60)):
            api.put(jid, at=due)

        def found(times: str) -> list[str]:
            return [job["jid"] for job in api.told(f"GET jobs?queue=fetch&state=scheduled&{times}")["jobs"]]

        assert found("since=5000000000") == ["early", "late"]
        assert found("since=5000000000.001") == ["late"]
        assert found("until=5000000060") == ["early"]
        assert found("since=5000000000&until=5000000060") == ["early"]
        step = {"filter": {"queue": "fetch", "since": 5e9 + 1, "until": None}, "action": "cancel"}
        assert api.told("POST jobs/change", step)["changed"] == 1
        assert api.told("GET jobs/late")["state"] == "canceled"

    def test_a_patch_changes_what_it_names(self, api: Api) -> None:
        api.put("one", tags=["old"], data=1)

        answer = api("PATCH jobs/one", {"priority": 3, "data": [2], "tags": {"add": ["new"], "remove": ["old"]}})

        assert answer.status_code == 200
        job = api.told("GET jobs/one")
        assert (job["priority"], job["data"], job["tags"]) == (3, [2], ["new"])

    def test_a_delete_cancels(self, api: Api) -> None:
        api.put("one")

        assert api.told("DELETE jobs/one")["state"] == "canceled"

    def test_a_job_that_others_wait_for_is_canceled_along_or_not(self, api: Api) -> None:
        api.put("one")
        api.put("two", depends=["one"])

        problem = api.problem("DELETE jobs/one")
        canceled = api.told("DELETE jobs/one?dependents=cancel&actor=ann")

        assert (problem["status"], problem["code"], problem["subject"]) == (409, "HAS_DEPENDENTS", "one")
        assert "two" in problem["detail"]
        assert canceled["state"] == api.told("GET jobs/two")["state"] == "canceled"

    def test_what_a_person_does_is_noted_with_name_and_address(self, api: Api) -> None:
        api.put("one")
        api.told("PATCH jobs/one", {"priority": 3, "actor": "ann"})
        api.told("POST jobs/one/move", {"queue": "parse", "actor": "bob"})
        api.told("PUT jobs/one/tags/x", {"actor": "cid"})
        api.told("DELETE jobs/one?actor=dan")
        api.told("POST queues/fetch/pause", {"actor": "eve"})
        api.told("PATCH queues/fetch", {"retries": 1, "actor": "fay"})

        events = api.told("GET events?limit=100")["events"]

        assert [(each["event"], each.get("actor"), each.get("address")) for each in events] == [
            ("put", None, None),
            ("updated", "ann", "127.0.0.1"),
            ("moved", "bob", "127.0.0.1"),
            ("updated", "cid", "127.0.0.1"),
            ("canceled", "dan", "127.0.0.1"),
            ("paused", "eve", "127.0.0.1"),
            ("configured", "fay", "127.0.0.1"),
        ]

    def test_a_job_is_finished_by_hand(self, api: Api) -> None:
        api.put("one")
        api.put("two")

        complete = api.told("POST jobs/one/finish", {"state": "complete", "result": [1], "actor": "ann"})
        failed = api.told("POST jobs/two/finish", {"state": "failed", "group": "odd", "message": "it looks odd"})

        assert (complete["state"], api.told("GET jobs/one")["result"]) == ("complete", [1])
        assert (failed["state"], failed["failure"]["group"], failed["failure"]["worker"]) == ("failed", "odd", None)

    def test_dependencies_are_added_and_removed(self, api: Api) -> None:
        for jid in ("one", "/two", "three"):
            api.put(jid)

        waits = api.told("PUT jobs/one/depends/%2Ftwo", {"actor": "ann"})
        cycle = api.problem("PUT jobs/%2Ftwo/depends/one")
        freed = api.told("DELETE jobs/one/depends/%2Ftwo?actor=ann")
        absent = api.told("PUT jobs/one/depends/nobody", {"missing": "satisfied"})

        assert (waits["state"], waits["depends"]) == ("depends", ["/two"])
        assert (cycle["status"], cycle["code"]) == (422, "DEPENDENCY_CYCLE")
        assert (freed["state"], freed["depends"], absent["depends"]) == ("waiting", [], [])
        assert api.problem("PUT jobs/one/depends/nobody")["code"] == "UNKNOWN_DEPENDENCY"

    def test_a_job_is_tracked_and_found_by_that(self, api: Api) -> None:
        api.put("one")
        api.put("two")

        tracked = api.told("PUT jobs/one/tracked", {"actor": "ann"})

        assert tracked["tracked"] is True
        assert [job["jid"] for job in api.told("GET jobs?tracked=true")["jobs"]] == ["one"]
        assert [job["jid"] for job in api.told("GET jobs?tracked=false")["jobs"]] == ["two"]
        assert api.told("DELETE jobs/one/tracked?actor=ann")["tracked"] is False

    def test_all_that_match_are_changed_step_by_step(self, api: Api) -> None:
        for number in range(3):
            api.put(f"job-{number}", tags=["x"])
        api.put("other")
        change = {"filter": {"tag": "x"}, "action": "move", "queue": "parse", "limit": 2, "actor": "ann"}

        counted = api.told("POST jobs/change", {**change, "dry_run": True})
        first = api.told("POST jobs/change", change)
        second = api.told("POST jobs/change", {**change, "cursor": first["next"]})

        assert (counted["matched"], counted["changed"]) == (2, 0)
        assert (first["matched"], first["changed"]) == (2, 2)
        assert (second["changed"], second["next"]) == (1, None)
        assert api.told("GET queues/parse")["waiting"] == 3

    def test_a_move_takes_a_job_to_a_queue(self, api: Api) -> None:
        api.put("one")

        job = api.told("POST jobs/one/move", {"queue": "parse", "delay": 10})

        assert (job["queue"], job["state"]) == ("parse", "scheduled")

    def test_a_timeout_takes_the_lease_away(self, api: Api) -> None:
        api.put("one")
        api.pop()

        job = api.told("POST jobs/one/timeout")

        assert (job["state"], job["remaining"]) == ("waiting", 4)

    def test_a_timeout_of_a_job_that_does_not_run_is_a_conflict(self, api: Api) -> None:
        api.put("one")

        problem = api.problem("POST jobs/one/timeout")

        assert (problem["status"], problem["code"]) == (409, "WRONG_STATE")

    def test_tags_are_put_on_and_taken_off(self, api: Api) -> None:
        api.put("one")

        tagged = api.told("PUT jobs/one/tags/a%2Fb")
        bare = api.told("DELETE jobs/one/tags/a%2Fb")

        assert (tagged["tags"], bare["tags"]) == (["a/b"], [])

    def test_a_log_is_written_with_the_lease_and_read(self, api: Api, clock: ManualClock) -> None:
        api.put("one")
        token = api.pop()

        written = api("POST jobs/one/log", {"token": token, "message": "halfway", "data": {"at": 1}})

        assert written.status_code == 204
        assert api.told("GET jobs/one/log") == {"lines": [{"at": clock(), "message": "halfway", "data": {"at": 1}}]}

    @pytest.mark.parametrize(
        "call",
        [
            "GET jobs/nobody",
            "GET jobs/nobody/log",
            "DELETE jobs/nobody",
            "PATCH jobs/nobody",
            "POST jobs/nobody/timeout",
            "PUT jobs/nobody/tags/x",
        ],
    )
    def test_an_unknown_jid_is_not_found(self, api: Api, call: str) -> None:
        problem = api.problem(call)

        assert (problem["status"], problem["code"], problem["subject"]) == (404, "JOB_NOT_FOUND", "nobody")


class TestNamesInPaths:
    @pytest.mark.parametrize(
        ("jid", "encoded"),
        [
            ("a/b", "a%2Fb"),
            ("a/b", "a/b"),
            ("/index.html", "%2Findex.html"),
            ("a//b", "a%2F%2Fb"),
            ("a/", "a%2F"),
            ("two words", "two%20words"),
            ("50%", "50%25"),
            ("a?b#c", "a%3Fb%23c"),
            ("café 😀", "caf%C3%A9%20%F0%9F%98%80"),
            ("log", "log"),
            ("http://x.org/a?b=c", "http%3A%2F%2Fx.org%2Fa%3Fb%3Dc"),
        ],
    )
    def test_any_jid_is_reached_percent_encoded(self, api: Api, jid: str, encoded: str) -> None:
        api.put(jid)
        token = api.pop()

        assert api.told(f"GET jobs/{encoded}")["jid"] == jid
        assert api.told(f"POST jobs/{encoded}/heartbeat", {"token": token})["jid"] == jid
        assert api.told(f"PUT jobs/{encoded}/tags/x")["tags"] == ["x"]
        assert api.told(f"POST jobs/{encoded}/complete", {"token": token}) == {"jid": jid, "state": "complete"}

    def test_the_location_of_a_put_leads_to_the_job(self, api: Api) -> None:
        location = api("POST queues/fetch/jobs", {"klass": "Crawl", "jid": "/a b/ü?"}).headers["Location"]

        assert api.told(f"GET {location}")["jid"] == "/a b/ü?"

    def test_a_jid_that_ends_like_a_route_is_reached_by_operation(self, api: Api) -> None:
        api.put("a/log")

        [job] = api.told("POST operations/get", {"jids": ["a/log"]})["jobs"]

        assert job["jid"] == "a/log"

    def test_the_longest_fixed_route_wins_whatever_the_method(self, api: Api) -> None:
        api.put("a/log")

        answer = api("DELETE jobs/a/log")

        assert answer.status_code == 405
        assert api.told("GET jobs")["jobs"][0]["state"] == "waiting"

    def test_bytes_that_are_no_utf8_name_no_job(self, api: Api, app: Flask) -> None:
        api.put("\ufffd")

        path = {"PATH_INFO": "/api/v1/namespaces/crawl/jobs/\xff"}
        answer = app.test_client().get("/", environ_overrides=path)

        assert (answer.status_code, answer.get_json()["errors"]) == (422, {"jid": ["must be UTF-8, percent-encoded"]})


class TestLeases:
    def test_a_popped_job_has_data_and_a_lease_and_no_history(self, api: Api, clock: ManualClock) -> None:
        api.put("one", data={"url": "/"})

        answer = api.told("POST queues/fetch/pop", {"worker": "ann"})

        [job] = answer["jobs"]
        assert (job["jid"], job["state"], job["worker"], job["data"]) == ("one", "running", "ann", {"url": "/"})
        assert job["lease"]["expires_at"] == clock() + 60
        assert "history" not in job

    def test_an_empty_pop_says_when_to_look_again(self, api: Api, clock: ManualClock) -> None:
        api.put("later", delay=30)

        answer = api.told("POST pop", {"queues": ["fetch", "parse"], "worker": "ann"})

        assert answer == {"jobs": [], "retry_at": clock() + 30}

    def test_a_pop_of_several_queues_takes_turns_if_told_so(self, api: Api) -> None:
        api.put("a", "fetch")
        api.put("b", "fetch")
        api.put("c", "parse")

        answer = api.told(
            "POST pop", {"queues": ["fetch", "parse"], "worker": "ann", "limit": 2, "order": "round_robin"}
        )

        assert sorted(str(job["jid"]) for job in answer["jobs"]) == ["a", "c"]

    def test_the_same_request_is_given_the_same_leases(self, api: Api) -> None:
        api.put("one")
        api.put("two")

        first = api.told("POST queues/fetch/pop", {"worker": "ann", "request": "r1"})
        again = api.told("POST queues/fetch/pop", {"worker": "ann", "request": "r1"})

        assert again == first

    def test_a_heartbeat_tells_the_new_expiry(self, api: Api, clock: ManualClock) -> None:
        api.put("one")
        token = api.pop()
        clock.advance(30)

        answer = api.told("POST jobs/one/heartbeat", {"token": token})

        assert answer == {
            "jid": "one",
            "state": "running",
            "expires_at": clock() + 60,
            "quiet": False,
            "stop": False,
        }

    def test_heartbeats_in_a_list_answer_item_by_item(self, api: Api) -> None:
        api.put("one")
        token = api.pop()

        results = api.told(
            "POST heartbeat", {"leases": [{"jid": "one", "token": token}, {"jid": "one", "token": "stale"}]}
        )["results"]

        assert results[0]["state"] == "running"
        assert (results[1]["jid"], results[1]["problem"]["code"]) == ("one", "LEASE_LOST")

    @pytest.mark.parametrize(
        ("action", "options", "state"),
        [
            ("complete", {}, "complete"),
            ("complete", {"next": "parse", "delay": 5, "data": 1}, "scheduled"),
            ("retry", {"delay": 0, "group": "net", "message": "no route"}, "waiting"),
            ("retry", {"delay": 5}, "scheduled"),
            ("fail", {"group": "net", "message": "no route", "data": None}, "failed"),
            ("release", {}, "waiting"),
            ("release", {"delay": 5}, "scheduled"),
        ],
    )
    def test_a_lease_ends_as_its_settlement_says(
        self, api: Api, action: str, options: dict[str, object], state: str
    ) -> None:
        api.put("one")
        api.put("two")
        first, second = api.pop(), api.pop()

        singly = api(f"POST jobs/one/{action}", {"token": first, **options})
        listed = api("POST settle", {"settle": [{"jid": "two", "token": second, "action": action, **options}]})

        assert (singly.status_code, singly.json) == (200, {"jid": "one", "state": state})
        assert (listed.status_code, listed.json) == (200, {"results": [{"jid": "two", "state": state}]})

    def test_a_retry_that_names_no_delay_is_put_off_by_the_back_off(self, api: Api, clock: ManualClock) -> None:
        api.told("PATCH queues/fetch", {"backoff": {"strategy": "fixed", "delay": 30}})
        api.put("one")
        token = api.pop()

        api.told("POST jobs/one/retry", {"token": token})

        job = api.told("GET jobs/one")
        assert (job["state"], job["available_at"]) == ("scheduled", clock() + 30)

    @pytest.mark.parametrize("action", ["complete", "retry", "release", "heartbeat"])
    def test_a_wrong_token_is_a_conflict_and_changes_nothing(self, api: Api, action: str) -> None:
        api.put("one")
        api.pop()
        before = api.told("GET jobs/one")

        problem = api.problem(f"POST jobs/one/{action}", {"token": "made up"})

        assert (problem["status"], problem["code"], problem["subject"]) == (409, "LEASE_LOST", "one")
        assert api.told("GET jobs/one") == before

    def test_the_holder_of_a_canceled_job_is_told(self, api: Api) -> None:
        api.put("one")
        token = api.pop()
        api("DELETE jobs/one")

        problem = api.problem("POST jobs/one/heartbeat", {"token": token})

        assert (problem["status"], problem["code"]) == (409, "JOB_CANCELED")

    def test_an_exchange_settles_and_pops(self, api: Api) -> None:
        api.put("one")
        api.put("two")
        token = api.pop()

        answer = api.told(
            "POST exchange",
            {
                "settle": [{"jid": "one", "token": token, "action": "complete"}],
                "pop": {"queues": ["fetch"], "worker": "ann", "wait": 0},
            },
        )

        assert answer["results"] == [{"jid": "one", "state": "complete"}]
        assert [job["jid"] for job in answer["jobs"]] == ["two"]


class TestQueues:
    def test_a_queue_is_summed_up(self, api: Api) -> None:
        api.put("one")

        queue = api.told("GET queues/fetch")

        assert queue == {
            "name": "fetch",
            "paused": False,
            "scheduled": 0,
            "depends": 0,
            "waiting": 1,
            "running": 0,
            "stalled": 0,
            "complete": 0,
            "failed": 0,
            "canceled": 0,
            "oldest_wait": 0.0,
            "settings": {
                "heartbeat": 60.0,
                "retries": 5,
                "max_losses": 3,
                "max_run": None,
                "backoff": {"strategy": "exponential", "delay": 15, "factor": 2, "max": 3600, "jitter": "full"},
                "max_concurrency": None,
                "rate": None,
                "key_concurrency": None,
                "key_rate": None,
                "max_size": None,
                "retention": {
                    "complete": {"age": 604_800.0, "count": 50_000},
                    "canceled": {"age": 86_400.0, "count": 10_000},
                    "failed": {"age": 7_776_000.0, "count": 100_000},
                },
            },
            "own": [],
        }
        assert api.told("GET queues") == {"queues": [queue]}

    def test_settings_are_set_one_by_one(self, api: Api) -> None:
        api.told("PATCH queues/fetch", {"heartbeat": None})

        changes = {"backoff": {"strategy": "fixed", "delay": 5}, "max_run": 30, "rate": {"limit": 3, "per": 0.5}}
        queue = api.told("PATCH queues/fetch", changes)

        settings = queue["settings"]
        assert (settings["heartbeat"], settings["retries"], settings["max_run"]) == (None, 5, 30.0)
        assert (settings["backoff"], settings["rate"]) == (changes["backoff"], changes["rate"])
        assert queue["own"] == ["backoff", "heartbeat", "max_run", "rate"]

    def test_a_setting_goes_back_to_what_the_namespace_says(self, api: Api) -> None:
        api.told("PATCH settings", {"retries": 1})
        api.told("PATCH queues/fetch", {"retries": 9, "max_size": 3})

        queue = api.told("PATCH queues/fetch", {"inherit": ["retries"], "actor": "ann"})

        assert (queue["settings"]["retries"], queue["own"]) == (1, ["max_size"])

    def test_a_queue_that_is_full_takes_no_more(self, api: Api) -> None:
        api.told("PATCH queues/fetch", {"max_size": 1})
        api.put("one")

        problem = api.problem("POST queues/fetch/jobs", {"klass": "Crawl"})

        assert (problem["status"], problem["code"], problem["subject"]) == (429, "QUOTA_EXCEEDED", "fetch")

    def test_a_limit_holds_jobs_back_and_says_until_when(self, api: Api, clock: ManualClock) -> None:
        api.told("PATCH queues/fetch", {"rate": {"limit": 1, "per": 10}})
        api.put("one")
        api.put("two")
        api.pop()

        answer = api.told("POST queues/fetch/pop", {"worker": "ann"})

        assert answer == {"jobs": [], "retry_at": clock() + 10}

    def test_a_job_goes_to_a_worker_that_offers_what_it_requires(self, api: Api) -> None:
        api.put("one", requires=["gpu"], key="ann")

        nothing = api.told("POST queues/fetch/pop", {"worker": "bob"})["jobs"]
        [job] = api.told("POST queues/fetch/pop", {"worker": "ann", "capabilities": ["gpu", "eu"]})["jobs"]

        assert nothing == []
        assert (job["jid"], job["requires"], job["key"]) == ("one", ["gpu"], "ann")
        assert [each["jid"] for each in api.told("GET jobs?key=ann")["jobs"]] == ["one"]
        assert api.told("GET workers/ann")["capabilities"] == ["eu", "gpu"]

    def test_a_paused_queue_gives_nothing_until_resumed(self, api: Api) -> None:
        api.put("one")

        assert api.told("POST queues/fetch/pause")["paused"] is True
        assert api.told("POST queues/fetch/pop", {"worker": "ann"})["jobs"] == []
        assert api.told("POST queues/fetch/resume")["paused"] is False
        assert api.pop()

    def test_an_empty_queue_is_forgotten(self, api: Api) -> None:
        api.told("POST queues/fetch/pause")

        answer = api("DELETE queues/fetch")

        assert answer.status_code == 204
        assert api.problem("GET queues/fetch")["code"] == "QUEUE_NOT_FOUND"

    def test_a_queue_with_jobs_is_not_forgotten(self, api: Api) -> None:
        api.put("one")

        problem = api.problem("DELETE queues/fetch")

        assert (problem["status"], problem["code"]) == (409, "NOT_EMPTY")


class TestFailures:
    def fail(self, api: Api, jid: str, group: str) -> None:
        """Put a job and fail it."""
        api.put(jid)
        api.told(f"POST jobs/{jid}/finish", {"state": "failed", "group": group})

    def test_groups_are_summed_up(self, api: Api, clock: ManualClock) -> None:
        self.fail(api, "one", "a/b")
        clock.advance(5)
        self.fail(api, "two", "a/b")

        group = api.told("GET failures/a%2Fb")

        assert group == {
            "group": "a/b",
            "count": 2,
            "first_at": clock() - 5,
            "last_at": clock(),
            "queues": ["fetch"],
            "klasses": ["Crawl"],
        }
        assert api.told("GET failures") == {"failures": [group], "next": None}

    def test_a_group_that_nothing_is_in_is_not_found(self, api: Api) -> None:
        problem = api.problem("GET failures/net")

        assert (problem["status"], problem["code"], problem["subject"]) == (404, "NOT_FOUND", "net")

    def test_a_long_listing_goes_on_behind_the_last_name(self, api: Api) -> None:
        for group in "abc":
            self.fail(api, group, group)

        first = api.told("GET failures?limit=2")
        second = api.told(f"GET failures?limit=2&after={first['next']}")

        assert [each["group"] for each in first["failures"] + second["failures"]] == ["a", "b", "c"]
        assert second["next"] is None

    def test_a_group_is_retried_step_by_step(self, api: Api) -> None:
        for number in range(3):
            self.fail(api, f"job-{number}", "net")
        self.fail(api, "other", "disk")

        first = api.told("POST failures/net/retry", {"limit": 2, "actor": "ann"})
        second = api.told("POST failures/net/retry", {"cursor": first["next"], "queue": "parse", "delay": 5})

        assert (first["matched"], first["changed"]) == (2, 2)
        assert (second["changed"], second["next"]) == (1, None)
        assert api.told("GET queues/fetch")["waiting"] == 2
        assert api.told("GET queues/parse")["scheduled"] == 1


class TestTagsAndTracking:
    def test_a_tag_is_summed_up(self, api: Api, clock: ManualClock) -> None:
        api.put("one", tags=["a/b"])
        api.put("two", tags=["a/b"])
        clock.advance(2)
        token = api.pop()
        clock.advance(3)
        api.told("POST jobs/one/complete", {"token": token})

        tag = api.told("GET tags/a%2Fb")

        assert tag == {
            "tag": "a/b",
            "tracked": False,
            "states": {
                "scheduled": 0,
                "depends": 0,
                "waiting": 1,
                "running": 0,
                "complete": 1,
                "failed": 0,
                "canceled": 0,
            },
            "wait": {"mean": 2.0},
            "run": {"mean": 3.0},
        }
        assert api.told("GET tags") == {"tags": [tag], "next": None}

    def test_a_tag_is_tracked_before_any_job_has_it(self, api: Api) -> None:
        tracked = api.told("PUT tags/a%2Fb/tracked", {"actor": "ann"})

        assert (tracked["tracked"], tracked["wait"], tracked["run"]) == (True, {"mean": None}, {"mean": None})
        assert api.told("DELETE tags/a%2Fb/tracked?actor=ann")["tracked"] is False

    def test_all_that_is_tracked_is_told_in_one_call(self, api: Api) -> None:
        api.put("one")
        api.put("two", tags=["x"])
        api.told("PUT jobs/one/tracked")
        api.told("PUT tags/x/tracked")

        tracked = api.told("GET tracked")

        assert [(job["jid"], job["state"]) for job in tracked["jobs"]] == [("one", "waiting")]
        assert [(tag["tag"], tag["states"]["waiting"]) for tag in tracked["tags"]] == [("x", 1)]


class TestRecurrences:
    RULE = {"queue": "fetch", "klass": "Crawl", "interval": 60, "id": "every/minute"}

    def test_a_rule_without_an_id_is_given_one(self, api: Api, clock: ManualClock) -> None:
        answer = api("POST recurrences", {"queue": "fetch", "klass": "Crawl", "interval": 60})

        made = answer.get_json()
        assert answer.status_code == 201
        assert made["next_at"] == clock() + 60
        assert api.told(f"GET {answer.headers['Location']}") == made

    def test_a_rule_comes_back_with_how_far_it_is(self, api: Api) -> None:
        rule = {
            "id": "nightly",
            "queue": "fetch",
            "klass": "Crawl",
            "data": {"url": "/"},
            "cron": "0 3 * * *",
            "timezone": "Europe/Berlin",
            "first_at": 4_000_000_000,
            "overlap": "skip",
            "catchup": {"all": 3},
            "count": 5,
            "priority": 7,
            "tags": ["x"],
            "retries": 2,
            "pipeline": ["parse"],
            "backoff": {"strategy": "fixed", "delay": 100},
            "max_run": 5,
            "expires_in": 60,
            "requires": ["gpu"],
            "key": "ann",
        }

        made = api.told("POST recurrences", {**rule, "actor": "ann"})

        assert {name: made[name] for name in rule} == rule
        assert {name: made[name] for name in made.keys() - rule.keys() - {"next_at"}} == {
            "interval": None,
            "paused": False,
            "fired": 0,
            "last_at": None,
            "last_jid": None,
        }
        assert api.told("GET recurrences") == {"recurrences": [made], "next": None}

    def test_data_of_a_rule_is_not_touched(self, api: Api) -> None:
        odd = b'{"n":12345678901234567890,"x":1.10}'

        api("POST recurrences", b'{"id":"r","queue":"fetch","klass":"Crawl","interval":60,"data":' + odd + b"}")

        assert b'"data":' + odd in api("GET recurrences/r").get_data()

    def test_a_patch_changes_what_it_names_and_keeps_the_next_run(self, api: Api, clock: ManualClock) -> None:
        made = api.told("POST recurrences", self.RULE)
        clock.advance(10)

        patched = api.told("PATCH recurrences/every%2Fminute", {"priority": 3, "data": [1], "actor": "ann"})
        daily = api.told("PATCH recurrences/every%2Fminute", {"cron": "0 0 * * *"})

        assert patched == {**made, "priority": 3, "data": [1]}
        assert (daily["interval"], daily["cron"], daily["priority"]) == (None, "0 0 * * *", 3)

    def test_a_recurrence_is_paused_and_resumed(self, api: Api) -> None:
        api.told("POST recurrences", self.RULE)

        assert api.told("POST recurrences/every%2Fminute/pause", {"actor": "ann"})["paused"] is True
        assert api.told("POST recurrences/every%2Fminute/resume")["paused"] is False
        events = api.told("GET events")["events"]
        assert [(each["event"], each["recurrence"]) for each in events] == [("recurrence_changed", "every/minute")] * 3
        assert events[1]["actor"] == "ann"

    def test_a_recurrence_is_run_now(self, api: Api) -> None:
        api.told("POST recurrences", self.RULE)

        answer = api("POST recurrences/every%2Fminute/run")

        job = api.told(f"GET {answer.headers['Location']}")
        assert (answer.status_code, answer.get_json()["jid"]) == (201, job["jid"])
        assert (job["recurrence"], job["state"]) == ("every/minute", "waiting")

    def test_a_recurrence_is_deleted(self, api: Api) -> None:
        api.told("POST recurrences", self.RULE)

        assert api("DELETE recurrences/every%2Fminute?actor=ann").status_code == 204
        assert api.told("GET recurrences")["recurrences"] == []

    @pytest.mark.parametrize("call", ["GET", "PATCH", "DELETE"])
    def test_an_unknown_recurrence_is_not_found(self, api: Api, call: str) -> None:
        problem = api.problem(f"{call} recurrences/nothing")

        assert (problem["status"], problem["code"], problem["subject"]) == (404, "RECURRENCE_NOT_FOUND", "nothing")

    def test_a_preview_tells_the_times_and_makes_nothing(self, api: Api) -> None:
        told = api.told("POST recurrences/preview", {"cron": "0 0 29 2 *", "first_at": 1_800_000_000, "count": 2})

        assert told == {"next": [1_835_395_200.0, 1_961_625_600.0]}
        assert len(api.told("POST recurrences/preview", {"interval": 5})["next"]) == 10
        assert api.told("GET recurrences")["recurrences"] == []

    def test_it_fires_by_its_operation(self, api: Api, clock: ManualClock) -> None:
        made = api.told("POST recurrences", self.RULE)
        clock.advance(60)

        fired = api.told("POST operations/fire", {"id": made["id"], "expected": made["next_at"]})

        assert [put["created"] for put in fired["jobs"]] == [True]
        assert api.told("POST operations/fire", {"id": made["id"], "expected": made["next_at"]}) == {"jobs": []}


class TestStatistics:
    def work(self, api: Api, clock: ManualClock) -> None:
        """Put a job that waits for two seconds and runs for three."""
        api.put("one", tags=["a/b"])
        clock.advance(2)
        token = api.pop()
        clock.advance(3)
        api.told("POST jobs/one/complete", {"token": token})

    def test_waits_and_runs_are_summed_up(self, api: Api, clock: ManualClock) -> None:
        self.work(api, clock)

        stats = api.told("GET queues/fetch/stats")

        wait = {"count": 1, "mean": 2.0, "std": 0.0, "p50": 2.0155, "p95": 2.0155, "p99": 2.0155}
        assert {name: stats["wait"][name] for name in wait} == wait
        assert [each["count"] for each in stats["wait"]["histogram"]] == [1]
        assert stats["run"]["mean"] == 3.0
        assert (stats["failed"], stats["retried"], stats["lost"]) == (0, 0, 0)
        assert api.told("GET stats") == api.told("GET stats?queue=fetch") == stats
        assert api.told("GET stats?klass=Crawl") == api.told("GET stats?tag=a%2Fb") == stats

    def test_a_day_without_jobs_has_no_figures(self, api: Api, clock: ManualClock) -> None:
        self.work(api, clock)
        nothing: dict[str, Any] = {
            "count": 0,
            "mean": None,
            "std": None,
            "p50": None,
            "p95": None,
            "p99": None,
            "histogram": [],
        }

        assert api.told("GET stats?day=1999-12-31")["wait"] == nothing

    def test_transitions_are_counted_by_the_time(self, api: Api, clock: ManualClock) -> None:
        self.work(api, clock)

        counts = api.told(f"GET throughput?queue=fetch&since={clock() - 60}&until={clock() + 60}&step=60")

        assert len(counts["times"]) in (2, 3)
        assert {name: sum(each) for name, each in counts.items() if name != "times"} == {
            "put": 1,
            "popped": 1,
            "completed": 1,
            "failed": 0,
            "retried": 0,
            "lost": 0,
        }


class TestTheNamespaceItself:
    NAMESPACE = "/api/v1/namespaces/crawl"

    def test_its_settings_hold_for_queues_that_do_not_say(self, api: Api) -> None:
        api.put("one")

        told = api.told("PATCH settings", {"max_losses": 9, "retries": 1, "actor": "ann"})
        less = api.told("PATCH settings", {"inherit": ["retries"]})

        assert (told["own"], told["frozen"]) == (["max_losses", "retries"], False)
        assert (less["own"], less["settings"]["retries"], less["settings"]["max_losses"]) == (["max_losses"], 5, 9)
        assert api.told("GET settings") == less
        assert api.told("GET queues/fetch")["settings"] == less["settings"]

    def test_what_it_alone_has_is_set_and_told_as_json(self, api: Api) -> None:
        schema = {"type": "object", "properties": {"data": {"type": "string"}, "result": {"const": 1.5}}}
        policies = [{"name": "json_schema", "klass": "Crawl", "schema": schema}]
        backoffs = {"Crawl": {"strategy": "table", "delays": [1, 60]}, "data": {"strategy": "fixed", "delay": 5}}

        told = api.told("PATCH settings", {"policies": policies, "klass_backoff": backoffs, "actor": "ann"})

        assert (told["policies"], told["trackers"], told["klass_backoff"]) == (policies, [], backoffs)
        assert (told["own"], api.told("GET settings")) == (["klass_backoff", "policies"], told)
        less = api.told("PATCH settings", {"inherit": ["policies", "klass_backoff"]})
        assert (less["policies"], less["klass_backoff"], less["own"]) == ([], {}, [])

    def test_it_is_frozen_and_thawed(self, api: Api) -> None:
        api.put("one")

        frozen = api.told("PUT frozen", {"actor": "ann"})
        refused = api("POST queues/fetch/pop", {"worker": "ann"})
        thawed = api.told("DELETE frozen?actor=ann")

        assert (frozen["frozen"], thawed["frozen"]) == (True, False)
        assert (refused.status_code, refused.get_json()["code"]) == (503, "FROZEN")
        assert refused.get_json()["subject"] == "crawl"
        assert "namespace crawl is frozen" in refused.get_json()["detail"]
        assert refused.headers["Retry-After"] == "1"
        assert api.pop()

    def test_it_is_erased_with_one_call_where_no_steps_are_asked_for(self, api: Api) -> None:
        many = [{"klass": "Crawl", "queue": "fetch"}] * 1000
        for _ in range(2):
            api.told("POST operations/put", {"jobs": many})

        begun = api.told(f"DELETE {self.NAMESPACE}?confirm=crawl&limit=100")
        ended = api.told(f"DELETE {self.NAMESPACE}?cursor={begun['next']}")

        assert begun["next"] is not None
        assert ended["next"] is None
        assert ended["deleted"] > 1000

    def test_it_is_erased_when_it_is_empty_or_named_again(self, api: Api) -> None:
        api.put("one")

        refused = api.problem(f"DELETE {self.NAMESPACE}")
        step = api.told(f"DELETE {self.NAMESPACE}?confirm=crawl&actor=ann")
        while step["next"] is not None:
            step = api.told(f"DELETE {self.NAMESPACE}?confirm=crawl&cursor={step['next']}&limit=1000")

        assert (refused["status"], refused["code"], refused["subject"]) == (409, "NOT_EMPTY", "crawl")
        assert api.told("GET /api/v1/namespaces") == {"namespaces": []}


class TestTransfer:
    def export(self, api: Api) -> list[dict[str, Any]]:
        """Export all that there is, a record a line."""
        answer = api("GET export")
        assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
        return [json.loads(line) for line in answer.get_data().splitlines()]

    def load(self, app: Flask, body: bytes, content_type: str = "application/x-ndjson") -> TestResponse:
        """Import lines into another namespace."""
        path = "/api/v1/namespaces/other/import"
        return app.test_client().post(path, data=body, content_type=content_type)

    def test_an_export_has_a_record_a_line_and_sums_them_up(self, api: Api) -> None:
        api.told("PUT frozen")
        api.told("DELETE frozen")
        for number in range(150):
            api.put(f"job-{number}", data={"n": number})
        api.told("PUT frozen")

        *records, end = self.export(api)

        assert end["kind"] == "end"
        assert end["counts"]["job"] == 150 == sum(each["kind"] == "job" for each in records)
        assert sum(end["counts"].values()) == len(records)
        assert len(end["checksum"]) == 16

    def test_what_is_exported_is_imported_elsewhere(self, api: Api, app: Flask, backend: Backend) -> None:
        odd = b'{"n":12345678901234567890,"x":1.10,"x":[]}'
        api("POST queues/fetch/jobs", b'{"klass":"Crawl","jid":"one","data":' + odd + b"}")
        api.told("PUT frozen")
        lines = api("GET export").get_data()
        backend.namespace("other").freeze()

        answer = self.load(app, lines)

        assert (answer.status_code, answer.get_json()) == (200, {"loaded": len(lines.splitlines()) - 1})
        assert app.test_client().get("/api/v1/namespaces/other/export").get_data() == lines
        [job] = backend.namespace("other").get(["one"])
        assert job is not None
        assert job.data == odd.decode()

    def test_nothing_is_imported_where_it_could_be_popped_meanwhile(self, api: Api, app: Flask) -> None:
        api.put("one")

        answer = self.load(app, api("GET export").get_data())

        assert (answer.status_code, answer.get_json()["code"]) == (409, "NOT_FROZEN")

    def test_a_line_that_is_no_record_is_named_and_nothing_is_imported(
        self, api: Api, app: Flask, backend: Backend
    ) -> None:
        memo = b'{"kind":"memo","name":"x","value":"y"}\n'
        other = backend.namespace("other")
        other.freeze()

        answer = self.load(app, memo + b'{"kind":"memo"}\n\n{\n' + memo)

        assert (answer.status_code, set(answer.get_json()["errors"])) == (422, {"records.1", "records.2"})
        assert other.recall("x") is None

    def test_an_import_of_something_else_is_told_what_to_send(self, app: Flask) -> None:
        answer = self.load(app, b"{}", "application/json")

        assert (answer.status_code, answer.get_json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert "application/x-ndjson" in answer.get_json()["detail"]

    def test_an_export_that_breaks_off_says_so_where_its_end_would_stand(
        self, api: Api, namespace: Namespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(self: object, cursor: str | None = None, limit: int = 1000) -> Dumped:
            if cursor:
                raise BackendUnavailable("127.0.0.1:1 is down")
            return Dumped((MemoRecord(name="x", value="y"),), "c")

        monkeypatch.setattr(type(namespace), "dump", broken)

        memo, last = self.export(api)

        assert memo == {"kind": "memo", "name": "x", "value": "y"}
        assert (last["kind"], last["code"]) == ("problem", "BACKEND_UNAVAILABLE")
        assert "127.0.0.1" not in last["detail"]

    def test_an_export_that_cannot_begin_is_a_problem(self, api: Api, app: Flask) -> None:
        assert api.problem("GET export?limit=5")["code"] == "INVALID"
        assert Api(create_app("redis://127.0.0.1:1/0").test_client()).problem("GET export")["status"] == 503


class TestTheRest:
    def test_workers_are_listed_and_looked_up(self, api: Api, clock: ManualClock) -> None:
        api.put("one")
        api.pop(worker="host/1")

        worker = {"name": "host/1", "running": 1, "seen_at": clock(), "quiet": False, "stop": False, "capabilities": []}
        assert api.told("GET workers") == {"workers": [worker]}
        assert api.told("GET workers/host%2F1") == worker
        assert api.problem("GET workers/nobody")["code"] == "WORKER_NOT_FOUND"

    def test_a_worker_is_asked_to_be_quiet_and_to_stop(self, api: Api) -> None:
        api.put("one")
        api.put("two")
        token = api.pop(worker="host/1")

        quiet = api.told("POST workers/host%2F1/quiet", {"actor": "ann"})
        beat = api.told("POST jobs/one/heartbeat", {"token": token})
        popped = api.told("POST queues/fetch/pop", {"worker": "host/1"})
        again = api.told("POST workers/host%2F1/quiet", {"on": False})
        stop = api.told("POST workers/host%2F1/stop")

        assert (quiet["quiet"], quiet["stop"], beat["quiet"]) == (True, False, True)
        assert (popped["jobs"], popped["quiet"]) == ([], True)
        assert (again["quiet"], stop["stop"]) == (False, True)
        assert api.problem("POST workers/nobody/stop")["code"] == "WORKER_NOT_FOUND"

    def test_events_are_filtered(self, api: Api) -> None:
        api.put("one", tags=["x"])
        api.put("two", queue="parse")
        api.told("PUT jobs/two/tracked")

        def found(query: str) -> list[tuple[str, str]]:
            return [(each["event"], each["jid"]) for each in api.told(f"GET events?{query}")["events"]]

        assert found("jid=one") == found("queue=fetch") == found("tag=x") == [("put", "one")]
        assert found("tracked=true") == [("tracked", "two")]
        assert found("tracked=false") == [("put", "one"), ("put", "two")]

    def test_events_are_read_on_from_a_cursor(self, api: Api, clock: ManualClock) -> None:
        api.put("one")
        first = api.told("GET events")
        api.pop()

        second = api.told(f"GET events?after={first['next']}&limit=10")

        [put], [popped] = first["events"], second["events"]
        assert (put["event"], put["jid"], put["queue"], put["state"], put["at"]) == (
            "put",
            "one",
            "fetch",
            "waiting",
            clock(),
        )
        assert (popped["event"], popped["worker"], popped["klass"]) == ("popped", "ann", "Crawl")
        assert popped["waited"] == 0.0
        assert "worker" not in put

    def test_namespaces_are_listed(self, api: Api) -> None:
        api.put("one")

        assert api.told("GET /api/v1/namespaces") == {"namespaces": [{"name": "crawl"}]}

    def test_every_operation_is_reached_by_name(self, api: Api) -> None:
        api.told("POST operations/put", {"jobs": [{"klass": "Crawl", "queue": "fetch", "jid": "one"}]})

        answer = api.told("POST operations/cancel", {"jids": ["one", "two"], "actor": {"name": "ann"}})

        assert answer["results"][0]["state"] == "canceled"
        assert answer["results"][1]["problem"]["code"] == "JOB_NOT_FOUND"
        assert api.told("GET events?limit=1000")["events"][-1]["actor"] == "ann"

    def test_an_unknown_operation_is_not_found(self, api: Api) -> None:
        problem = api.problem("POST operations/shutdown")

        assert (problem["status"], problem["code"]) == (404, "NOT_FOUND")
        assert "settle" in problem["detail"]

    def test_the_mount_says_what_it_is(self, api: Api) -> None:
        assert api.told("GET /")["namespaces"] == "/api/v1/namespaces"

    def test_health_and_readiness(self, api: Api) -> None:
        assert api.told("GET /healthz") == {"status": "ok"}
        assert api.told("GET /readyz")["status"] == "ok"

    def test_readiness_says_what_the_store_puts_at_risk(self, api: Api) -> None:
        [warning] = api.told("GET /readyz")["warnings"]

        assert "synchronous is off" in warning

    def test_head_is_answered_like_get_without_a_body(self, api: Api) -> None:
        api.put("one")

        answer = api("HEAD jobs/one")

        assert (answer.status_code, answer.get_data()) == (200, b"")

    def test_options_tell_what_an_address_takes(self, api: Api) -> None:
        answer = api("OPTIONS jobs/one")

        assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, PATCH, DELETE, OPTIONS")

    def test_another_method_is_not_allowed(self, api: Api) -> None:
        problem = api.problem("PUT queues")

        assert (problem["status"], problem["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert api("PUT queues").headers["Allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("path", ["/nope", "/api", "/api/v1/", "/api/v1/namespaces/crawl/nope", "/a%0Ab"])
    def test_an_unknown_address_is_a_problem(self, api: Api, path: str) -> None:
        problem = api.problem(f"GET {path}")

        assert (problem["status"], problem["code"]) == (404, "NOT_FOUND")

    def test_answers_are_not_kept_by_caches(self, api: Api, namespace: Namespace) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])

        assert api("GET jobs/one").headers["Cache-Control"] == "no-store"
