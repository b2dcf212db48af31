"""The command line: putting jobs, looking them up, steering them by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.cli import main
from qless_flask.models import Backoff, Complete, Fail, Keep, NewJob, Rate, Retention


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'qless.db'}"


@pytest.fixture
def namespace(url: str) -> Namespace:
    return open_backend(url).namespace("default")


class CommandLine:
    """Types commands against one store."""

    def __init__(self, url: str) -> None:
        self._environment = {"QLESS_URL": url, "COLUMNS": "100"}

    def type(self, *words: str, given: str | None = None) -> Result:
        return CliRunner().invoke(main, words, input=given, env=self._environment, prog_name="qless-flask")

    def done(self, *words: str, given: str | None = None) -> str:
        """Type what must work, and answer with what it printed."""
        result = self.type(*words, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    def refused(self, code: int, *words: str) -> str:
        """Type what must not work, and answer with the one line of the error."""
        result = self.type(*words)
        assert (result.exit_code, result.stdout) == (code, "")
        assert "Traceback" not in result.stderr
        return result.stderr.strip()


@pytest.fixture
def line(url: str) -> CommandLine:
    return CommandLine(url)


def commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    found = [path] if path else []
    for name, command in group.commands.items():
        found += commands(command, *path, name) if isinstance(command, click.Group) else [(*path, name)]
    return found


class TestHelp:
    @pytest.mark.parametrize("path", commands(main), ids=" ".join)
    def test_every_command_has_help(self, path: tuple[str, ...]) -> None:
        result = CliRunner().invoke(main, [*path, "--help"])

        assert result.exit_code == 0
        assert "Usage: " in result.stdout

    @pytest.mark.parametrize("path", commands(main), ids=" ".join)
    def test_every_option_says_what_it_is_for(self, path: tuple[str, ...]) -> None:
        command: click.Command = main
        for name in path:
            assert isinstance(command, click.Group)
            command = command.commands[name]

        options = [each for each in command.params if isinstance(each, click.Option)]
        assert [option.name for option in options if not option.help] == []

    def test_a_slip_in_a_command_is_told(self, line: CommandLine) -> None:
        assert "No such command 'serch'" in line.refused(2, "demo", "serch", "json")
        assert "No such command 'putt'" in line.refused(2, "putt")

    def test_the_version_is_told(self, line: CommandLine) -> None:
        assert line.done("--version").startswith("qless-flask 0.")

    def test_the_module_is_the_command_too(self) -> None:
        told = subprocess.run(
            [sys.executable, "-m", "qless_flask", "--version"], capture_output=True, text=True, check=True
        )

        assert told.stdout.startswith("qless-flask 0.")


class TestPut:
    def test_a_put_prints_the_jid_alone(self, line: CommandLine, namespace: Namespace) -> None:
        jid = line.done("put", "mail", "Send", '{"to":"ann"}')

        [job] = namespace.get([jid])
        assert job is not None
        assert (job.klass, job.queue, job.state, job.data) == ("Send", "mail", "waiting", '{"to":"ann"}')

    def test_a_put_takes_all_that_a_job_can_have(self, line: CommandLine, namespace: Namespace) -> None:
        when = ("--priority", "7", "--delay", "60", "--retries", "2")
        line.done("put", "fetch", "Page", "--jid", "home", *when, "-t", "a", "-t", "b", "--then", "x", "--then", "y")

        [job] = namespace.get(["home"])
        assert job is not None
        assert (job.priority, job.state, job.retries, job.pipeline) == (7, "scheduled", 2, ("x", "y"))
        assert set(job.tags) == {"a", "b"}

    def test_a_put_says_what_a_worker_must_offer_and_what_to_count_by(
        self, line: CommandLine, namespace: Namespace
    ) -> None:
        line.done("put", "render", "Film", "--jid", "one", "--require", "gpu", "--require", "eu", "--key", "ann")

        [job] = namespace.get(["one"])
        assert job is not None
        assert (job.requires, job.key) == (("eu", "gpu"), "ann")
        assert "requires     eu, gpu" in line.done("job", "one")

    def test_a_queue_that_is_full_takes_no_more(self, line: CommandLine) -> None:
        line.done("queues", "configure", "mail", "--max-size", "1")
        line.done("put", "mail", "Send")

        assert "queue mail is full" in line.refused(1, "put", "mail", "Send")

    def test_a_put_says_what_to_wait_for_and_for_how_long(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("put", "fetch", "Page", "--jid", "home")
        waits = ("--depends", "home", "--depends", "nobody", "--missing", "satisfied", "--on-parent-end", "run")
        clocks = ("--max-run", "5", "--expires-in", "60", "--backoff", "exponential:1:3:9:none")
        line.done("put", "fetch", "Page", "--jid", "two", *waits, *clocks, "--unique", "x", "--unique-for", "30")

        [job] = namespace.get(["two"])
        assert job is not None
        assert (job.state, job.depends, job.on_parent_end) == ("depends", ("home",), "run")
        assert (job.max_run, job.expires_in) == (5, 60)
        assert job.backoff == Backoff("exponential", 1, factor=3, max=9, jitter="none")
        assert job.unique is not None
        assert (job.unique.key, job.unique.seconds) == ("x", 30)

    def test_a_key_that_is_held_is_answered_with_its_holder(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a", "--unique", "x")

        again = line.type("put", "mail", "Send", "--unique", "x")

        assert (again.exit_code, again.stdout) == (0, "a\n")
        assert "--unique" in line.refused(2, "put", "mail", "Send", "--unique-for", "5")

    @pytest.mark.parametrize(
        "typed",
        [
            "table",
            "slowly:5",
            "table:1:soon",
            "linear:1:2:3",
            "fixed:soon",
            "fixed:-1",
            "fixed:5:3",
            "exponential:1:2:3:full:more",
            '{"delay": "x"}',
            "{",
        ],
    )
    def test_a_back_off_that_is_none_is_a_mistake(self, line: CommandLine, typed: str) -> None:
        assert "no back-off like fixed:100" in line.refused(2, "put", "mail", "Send", "--backoff", typed)

    @pytest.mark.parametrize(
        ("typed", "backoff"),
        [
            ("linear:5:60", Backoff("linear", 5, max=60)),
            ("linear", Backoff("linear")),
            ("table:1:2.5:60", Backoff("table", delays=(1, 2.5, 60))),
            ('{"strategy": "by_group", "groups": {"a": null}}', Backoff("by_group", options='{"groups":{"a":null}}')),
        ],
    )
    def test_a_back_off_is_typed_and_told(
        self, line: CommandLine, namespace: Namespace, typed: str, backoff: Backoff
    ) -> None:
        line.done("put", "mail", "Send", "--jid", "a", "--backoff", typed)

        [job] = namespace.get(["a"])
        assert job is not None
        assert job.backoff == backoff
        [told] = [each for each in line.done("job", "show", "a").splitlines() if each.startswith("back-off")]
        assert told.split(None, 1)[1] == (typed if typed != "linear" else "linear:15:3600")

    def test_a_number_of_a_back_off_that_is_none_is_named(self, line: CommandLine) -> None:
        assert "delay: 'soon' is no number" in line.refused(2, "put", "mail", "Send", "--backoff", "fixed:soon")

    def test_data_can_come_from_the_standard_input(self, line: CommandLine, namespace: Namespace) -> None:
        jid = line.done("put", "mail", "Send", "-", given="[1,2]")

        [job] = namespace.get([jid])
        assert job is not None
        assert job.data == "[1,2]"

    def test_a_put_in_json_is_what_the_api_answers(self, line: CommandLine) -> None:
        told = json.loads(line.done("put", "mail", "Send", "--jid", "a", "--json"))

        assert told == {"jid": "a", "state": "waiting", "created": True}

    def test_a_jid_that_is_taken_is_an_error_unless_it_may_be_kept(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a")

        assert "job a exists already" in line.refused(1, "put", "mail", "Send", "--jid", "a")
        again = line.type("put", "mail", "Send", "--jid", "a", "--if-exists", "keep")
        assert (again.exit_code, again.stdout) == (0, "a\n")
        assert "there already" in again.stderr

    def test_what_is_wrong_is_told_in_one_line_that_names_all_of_it(self, line: CommandLine) -> None:
        told = line.refused(2, "put", "no good", "Send", "{", "-p", "9000")

        assert len(told.splitlines()) == 1
        assert all(name in told for name in ("queue:", "data:", "priority:"))


class TestJob:
    def test_a_job_is_shown_with_data_and_history(self, line: CommandLine) -> None:
        jid = line.done("put", "mail", "Send", '{"to":"ann"}')

        told = line.done("job", jid)

        assert "waiting in mail" in told
        assert '{"to":"ann"}' in told
        assert "put        mail" in told

    def test_a_failed_job_shows_why(self, line: CommandLine, namespace: Namespace) -> None:
        jid = line.done("put", "mail", "Send")
        [lease] = namespace.pop(["mail"], "bob")
        namespace.settle([Fail(lease, group="no-such-address", message="ann moved\naway")])

        told = line.done("job", "show", jid)

        assert "failed in mail" in told
        assert "no-such-address, run 1 by bob" in told
        assert "ann moved\n" in told

    def test_data_comes_out_in_json_as_it_went_in(self, line: CommandLine) -> None:
        jid = line.done("put", "mail", "Send", '{"n":12345678901234567890,"x":1.10,"x":[]}')

        assert '"data":{"n":12345678901234567890,"x":1.10,"x":[]}' in line.done("job", "--json", jid)

    def test_an_unknown_job_is_an_error(self, line: CommandLine) -> None:
        assert "no job nowhere" in line.refused(1, "job", "nowhere")

    def test_a_job_whose_jid_is_a_command_is_shown_by_show(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "cancel")

        assert "waiting in mail" in line.done("job", "show", "cancel")

    def test_jobs_are_listed_by_what_they_are(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a", "--tag", "x")
        line.done("put", "mail", "Send", "--jid", "b")

        assert "a " in line.done("job", "list", "--tag", "x")
        page = json.loads(line.done("job", "list", "--state", "waiting", "--queue", "mail", "--json"))
        assert [job["jid"] for job in page["jobs"]] == ["a", "b"]

    def test_jobs_are_listed_by_when_they_came_there(self, line: CommandLine, namespace: Namespace) -> None:
        namespace.put(
            [NewJob("Send", queue="mail", jid=jid, at=at) for jid, at in (("early", 5e9), ("late", 5e9 + 60))]
        )

        for times, jid in ((("--since", "5000000000.001"), "late"), (("--until", "5000000060"), "early")):
            [job] = json.loads(line.done("job", "list", *times, "--json"))["jobs"]
            assert job["jid"] == jid
        assert line.done("change", "cancel", "--since", "5000000060") == "1 matched, 1 changed."
        assert "since: must not be after until" in line.refused(2, "job", "list", "--since", "2", "--until", "1")

    def test_a_long_list_says_how_it_goes_on(self, line: CommandLine) -> None:
        for jid in "abc":
            line.done("put", "mail", "Send", "--jid", jid)

        first = line.type("job", "list", "--queue", "mail", "--state", "waiting", "--limit", "2")
        cursor = first.stderr.strip().rpartition("--cursor ")[2]
        rest = line.done("job", "list", "--queue", "mail", "--state", "waiting", "--cursor", cursor)

        assert [told.split()[0] for told in first.stdout.splitlines()] == ["jid", "a", "b"]
        assert [told.split()[0] for told in rest.splitlines()] == ["jid", "c"]

    def test_the_log_of_a_job_is_told_line_by_line(self, line: CommandLine, namespace: Namespace) -> None:
        jid = line.done("put", "mail", "Send")
        [lease] = namespace.pop(["mail"], "bob")
        namespace.log(lease, "half way", '{"sent":5}')

        assert line.done("job", "log", jid).endswith('half way  {"sent":5}')
        assert json.loads(line.done("job", "log", jid, "--json"))["lines"][0]["message"] == "half way"

    def test_jobs_move_to_another_queue(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("put", "mail", "Send", "--jid", "a")

        assert line.done("job", "move", "a", "--to", "post") == "a  waiting in post"
        assert namespace.queues(["post"])[0].waiting == 1

    def test_what_cannot_be_done_to_some_is_told_and_done_to_the_others(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a")

        result = line.type("job", "cancel", "nowhere", "a")

        assert result.exit_code == 1
        assert "no job nowhere" in result.stderr
        assert result.stdout == "a  canceled in mail\n"

    def test_outcomes_in_json_are_one_for_each_jid(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a")

        result = line.type("job", "cancel", "nowhere", "a", "--json")

        missing, canceled = json.loads(result.stdout)["results"]
        assert result.exit_code == 1
        assert (missing["jid"], missing["problem"]["code"]) == ("nowhere", "JOB_NOT_FOUND")
        assert (canceled["jid"], canceled["state"]) == ("a", "canceled")

    def test_a_running_job_is_taken_from_its_worker(self, line: CommandLine, namespace: Namespace) -> None:
        jid = line.done("put", "mail", "Send")
        namespace.pop(["mail"], "bob")

        assert line.done("job", "timeout", jid) == f"{jid}  waiting in mail"

    def test_jobs_are_changed(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("put", "mail", "Send", "--jid", "a", "--tag", "old")

        line.done("job", "update", "a", "-p", "5", "--tag", "new", "--untag", "old", "--retries", "1", "--data", "[]")

        [job] = namespace.get(["a"])
        assert job is not None
        assert (job.priority, job.tags, job.retries, job.data) == (5, ("new",), 1, "[]")

    def test_a_job_is_waited_for(self, line: CommandLine, namespace: Namespace) -> None:
        jid = line.done("put", "mail", "Send")
        other = line.done("put", "mail", "Send")
        first, second = namespace.pop(["mail"], "bob", 2)
        namespace.settle([Complete(first, result="[1.10]"), Fail(second, group="net")])

        assert "[1.10]" in line.done("job", "wait", jid)
        assert line.type("job", "wait", other).exit_code == 1
        late = line.done("put", "mail", "Send")
        assert "waiting still" in line.refused(1, "job", "wait", late, "--seconds", "0")

    def test_jobs_are_finished_by_hand(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("put", "mail", "Send", "--jid", "a")
        line.done("put", "mail", "Send", "--jid", "b")

        assert line.done("job", "finish", "a", "--result", "[1.10]") == "a  complete in mail"
        line.done("job", "finish", "b", "--state", "failed", "--group", "odd", "--message", "it looks odd")

        done, failed = namespace.get(["a", "b"])
        assert done is not None
        assert failed is not None
        assert done.result == "[1.10]"
        assert failed.failure is not None
        assert (failed.failure.group, failed.failure.message) == ("odd", "it looks odd")

    def test_what_a_job_waits_for_is_changed(self, line: CommandLine) -> None:
        for jid in "ab":
            line.done("put", "mail", "Send", "--jid", jid)

        assert line.done("job", "depend", "b", "--on", "a") == "b  depends in mail"
        assert "waits for    a" in line.done("job", "b")
        assert "waited for   b" in line.done("job", "a")
        assert "others wait for job a" in line.type("job", "cancel", "a").stderr
        assert line.done("job", "depend", "b", "--off", "a") == "b  waiting in mail"
        assert "Nothing to change" in line.refused(2, "job", "depend", "b")

    def test_jobs_are_canceled_along(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("put", "mail", "Send", "--jid", "a")
        line.done("put", "mail", "Send", "--jid", "b", "--depends", "a")

        line.done("job", "cancel", "a", "--dependents", "cancel")

        assert [job.state for job in namespace.get(["a", "b"]) if job] == ["canceled", "canceled"]

    def test_jobs_are_tracked(self, line: CommandLine) -> None:
        for jid in "ab":
            line.done("put", "mail", "Send", "--jid", jid)
        line.done("job", "track", "a")

        [job] = json.loads(line.done("job", "list", "--tracked", "--json"))["jobs"]
        assert job["jid"] == "a"
        assert "a " in line.done("tracked")
        line.done("job", "untrack", "a")
        assert line.done("tracked").startswith("Nothing is tracked")

    def test_a_change_of_nothing_is_a_mistake(self, line: CommandLine) -> None:
        assert "Nothing to change" in line.refused(2, "job", "update", "a")

    def test_what_is_done_by_hand_is_noted_with_who_did_it(self, line: CommandLine, namespace: Namespace) -> None:
        jid = line.done("put", "mail", "Send")
        line.done("job", "cancel", jid)

        [canceled] = [event for event in namespace.events().events if event.event == "canceled"]
        assert canceled.actor


class TestQueues:
    def test_queues_are_summed_up_in_a_table(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send")

        header, mail = line.done("queues").splitlines()

        assert header.split()[:2] == ["queue", "waiting"]
        assert mail.split()[:2] == ["mail", "1"]

    def test_queues_in_json_are_what_the_api_answers(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send")

        [queue] = json.loads(line.done("queues", "--json"))["queues"]

        assert (queue["name"], queue["waiting"], queue["paused"]) == ("mail", 1, False)
        assert queue["settings"]["retries"] == 5

    def test_a_store_without_queues_says_so(self, line: CommandLine) -> None:
        assert line.done("queues").startswith("No queues in namespace default")

    def test_an_unknown_queue_is_an_error(self, line: CommandLine) -> None:
        assert "no queue nowhere" in line.refused(1, "queues", "nowhere")

    def test_a_queue_is_paused_and_resumed(self, line: CommandLine, namespace: Namespace) -> None:
        assert line.done("queues", "pause", "mail") == "mail is paused."
        assert namespace.queues(["mail"])[0].paused

        assert line.done("queues", "resume", "mail") == "mail is open."
        assert not namespace.queues(["mail"])[0].paused

    def test_a_queue_is_configured(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("queues", "configure", "mail", "--heartbeat", "2.5", "--retries", "0", "--max-losses", "9")
        settings = namespace.queues(["mail"])[0].settings
        assert (settings.heartbeat, settings.retries, settings.max_losses) == (2.5, 0, 9)

        line.done("queues", "configure", "mail", "--max-run", "30", "--backoff", "fixed:5")
        settings = namespace.queues(["mail"])[0].settings
        assert (settings.max_run, settings.backoff) == (30, Backoff("fixed", 5))

        told = line.done("queues", "configure", "mail", "--heartbeat", "none", "--max-run", "none")
        assert told.splitlines()[:5] == [
            "heartbeat        none",
            "retries          0",
            "max-losses       9",
            "max-run          none",
            "backoff          fixed:5",
        ]
        assert "soon" in line.refused(2, "queues", "configure", "mail", "--heartbeat", "soon")

    def test_a_queue_is_limited(self, line: CommandLine, namespace: Namespace) -> None:
        limits = ("--max-concurrency", "8", "--rate", "100/60", "--key-concurrency", "1", "--key-rate", "1/0.5")
        kept = ("--retention", "failed:60:5", "--retention", "complete:0:0")
        line.done("queues", "configure", "mail", *limits, "--max-size", "1000", *kept)
        settings = namespace.queues(["mail"])[0].settings
        assert (settings.max_concurrency, settings.key_concurrency, settings.max_size) == (8, 1, 1000)
        assert (settings.rate, settings.key_rate) == (Rate(100, 60), Rate(1, 0.5))
        assert settings.retention == Retention(complete=Keep(0, 0), failed=Keep(60, 5))

        told = line.done("queues", "configure", "mail", "--rate", "none", "--max-concurrency", "none")
        assert "rate             none" in told
        assert "key-rate         1/0.5" in told
        assert "retention        complete:0:0 canceled:86400:10000 failed:60:5" in told

    @pytest.mark.parametrize(
        ("option", "typed"),
        [
            ("--rate", "100"),
            ("--rate", "0/60"),
            ("--key-rate", "many/60"),
            ("--max-concurrency", "some"),
            ("--max-size", "0"),
            ("--retention", "failed:60"),
            ("--retention", "lost:60:5"),
            ("--retention", "failed:-1:5"),
            ("--inherit", "colour"),
        ],
    )
    def test_a_limit_that_is_none_is_told(self, line: CommandLine, option: str, typed: str) -> None:
        told = line.refused(2, "queues", "configure", "mail", option, typed)

        assert not [word for word in ("convert", "literal", "unpack", "__init__") if word in told]

    def test_states_that_have_no_retention_are_told_those_that_have(self, line: CommandLine) -> None:
        told = line.refused(2, "settings", "--retention", "running:60:5")

        assert "running: must be one of complete, canceled, failed" in " ".join(told.split())

    def test_a_setting_goes_back_to_what_the_namespace_says(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("settings", "--retries", "1", "--max-losses", "9")
        line.done("queues", "configure", "mail", "--retries", "7", "--max-size", "3")

        told = line.done("queues", "configure", "mail", "--inherit", "retries", "--inherit", "max-losses")

        assert "retries          (1)" in told
        assert "max-losses       (9)" in told
        assert "max-size         3" in told
        assert namespace.queues(["mail"])[0].own == ("max_size",)

    def test_an_empty_queue_is_forgotten_and_a_full_one_is_not(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("queues", "pause", "empty")
        line.done("put", "full", "Send")

        line.done("queues", "forget", "empty")

        assert "still holds jobs" in line.refused(1, "queues", "forget", "full")
        assert [queue.name for queue in namespace.queues()] == ["full"]


class TestTheNamespaceItself:
    def test_its_settings_are_shown_and_changed(self, line: CommandLine, namespace: Namespace) -> None:
        assert "retries          (5)" in line.done("settings")

        told = line.done("settings", "--retries", "2")

        assert "retries          2" in told
        assert told.endswith("frozen           no")
        assert json.loads(line.done("settings", "--inherit", "retries", "--json"))["own"] == []
        assert namespace.settings().settings.retries == 5

    def test_what_it_alone_has_is_typed_as_json_and_told(self, line: CommandLine, namespace: Namespace) -> None:
        policies = '[{"name": "allow_list", "klasses": ["Crawl"]}]'
        trackers = '[{"name": "log", "id": "all", "tags": ["*"]}]'
        backoffs = '{"Send": {"strategy": "table", "delays": [1, 60]}, "Crawl": {"strategy": "fixed", "delay": 5}}'

        told = line.done("settings", "--policies", policies, "--trackers", trackers, "--klass-backoff", backoffs)

        assert told.splitlines()[-5:-1] == [
            'policies         {"name": "allow_list", "klasses": ["Crawl"]}',
            'trackers         {"name": "log", "id": "all", "tags": ["*"]}',
            "klass-backoff    Crawl fixed:5",
            "klass-backoff    Send table:1:60",
        ]
        assert namespace.settings().klass_backoff["Send"] == Backoff("table", delays=(1, 60))
        assert json.loads(line.done("settings", "--json"))["policies"] == json.loads(policies)
        assert "policies" not in line.done("settings", "--inherit", "policies", "--inherit", "klass-backoff")
        assert namespace.settings().own == ("trackers",)

    @pytest.mark.parametrize(
        ("option", "typed", "said"),
        [
            ("--policies", "[", "not valid JSON"),
            ("--policies", "{}", "policies: must be a list"),
            ("--trackers", '[{"tags": ["*"]}]', "trackers.0.name"),
            ("--klass-backoff", '{"Send": {"delay": -1}}', "klass_backoff.Send.delay"),
        ],
    )
    def test_what_it_cannot_have_is_a_mistake(self, line: CommandLine, option: str, typed: str, said: str) -> None:
        assert said in " ".join(line.refused(2, "settings", option, typed).split())

    def test_a_queue_is_told_nothing_that_a_namespace_alone_has(self, line: CommandLine) -> None:
        line.refused(2, "queues", "configure", "mail", "--policies", "[]")
        line.refused(2, "queues", "configure", "mail", "--inherit", "trackers")

    def test_it_is_frozen_and_thawed(self, line: CommandLine) -> None:
        assert line.done("freeze") == "default is frozen."
        assert "namespace default is frozen" in line.refused(1, "put", "mail", "Send")
        assert json.loads(line.done("thaw", "--json"))["frozen"] is False
        line.done("put", "mail", "Send")

    def test_it_is_erased_when_it_is_empty_or_named_again(self, line: CommandLine, namespace: Namespace) -> None:
        line.done("put", "mail", "Send")

        assert "not empty" in line.refused(1, "erase")
        line.refused(2, "erase", "--confirm", "another")
        assert line.done("erase", "--confirm", "default") == "default is erased."

        assert namespace.queues() == []


class TestStatistics:
    @pytest.fixture(autouse=True)
    def worked(self, namespace: Namespace) -> None:
        """Two jobs worked, one of them in vain."""
        namespace.put([NewJob("Send", queue="mail", tags=("news",)), NewJob("Call", queue="phone")])
        one, two = namespace.pop(["mail", "phone"], "bob", 2)
        namespace.settle([Complete(one), Fail(two, group="busy")])

    def test_waits_and_runs_are_summed_up(self, line: CommandLine) -> None:
        header, wait, run, ends = line.done("stats").splitlines()

        assert header.split() == ["count", "mean", "deviation", "p50", "p95", "p99"]
        assert (wait.split()[:2], run.split()[:2]) == (["wait", "2"], ["run", "2"])
        assert ends == "1 failed, 0 retried, 0 lost."

    @pytest.mark.parametrize("of", [("--queue", "mail"), ("--klass", "Send"), ("--tag", "news")])
    def test_those_of_one_thing_are(self, line: CommandLine, of: tuple[str, str]) -> None:
        stats = json.loads(line.done("stats", *of, "--json"))

        assert (stats["wait"]["count"], stats["failed"]) == (1, 0)
        assert sum(each["count"] for each in stats["run"]["histogram"]) == 1

    def test_a_day_long_ago_has_none(self, line: CommandLine) -> None:
        assert "-" in line.done("stats", "--day", "1999-12-31").splitlines()[1].split()
        line.refused(2, "stats", "--day", "today")

    def test_transitions_are_counted_by_the_time(self, line: CommandLine) -> None:
        header, *rows = line.done("throughput", "--last", "300").splitlines()
        counts = json.loads(line.done("throughput", "--queue", "mail", "--step", "3600", "--json"))

        assert header.split() == ["from", "put", "popped", "completed", "failed", "retried", "lost"]
        assert [sum(int(row.split()[column]) for row in rows) for column in (2, 3, 4, 5)] == [2, 2, 1, 1]
        assert (sum(counts["put"]), sum(counts["failed"])) == (1, 0)


class TestFailures:
    @pytest.fixture(autouse=True)
    def failed(self, namespace: Namespace) -> None:
        """Three jobs that have failed in two ways."""
        namespace.put([NewJob("Send", queue="mail", jid=jid) for jid in "abc"])
        a, b, c = namespace.pop(["mail"], "bob", 3)
        namespace.settle([Fail(a, group="net"), Fail(b, group="net"), Fail(c, group="disk")])

    def test_groups_are_summed_up(self, line: CommandLine) -> None:
        header, disk, net = line.done("failures").splitlines()

        assert header.split()[:2] == ["group", "jobs"]
        assert (disk.split()[:2], net.split()[:2]) == (["disk", "1"], ["net", "2"])
        [group] = json.loads(line.done("failures", "net", "--json"))["failures"]
        assert (group["count"], group["queues"], group["klasses"]) == (2, ["mail"], ["Send"])

    def test_a_group_is_retried(self, line: CommandLine, namespace: Namespace) -> None:
        assert line.done("failures", "retry", "net", "--dry-run") == "2 matched, 0 changed."
        assert line.done("failures", "retry", "net", "--to", "post") == "2 matched, 2 changed."
        assert namespace.queues(["post"])[0].waiting == 2

    def test_without_failures_it_says_so(self, line: CommandLine) -> None:
        assert line.done("failures", "-n", "empty") == "Nothing has failed."


class TestChange:
    def test_all_that_match_are_changed(self, line: CommandLine, namespace: Namespace) -> None:
        namespace.put([NewJob("Send", queue="mail", tags=("old",)) for _ in range(3)])

        told = json.loads(line.done("change", "move", "--tag", "old", "--to", "post", "--json"))
        assert told == {"matched": 3, "changed": 3, "next": None}
        assert line.done("change", "update", "-q", "post", "--new-priority", "5") == "3 matched, 3 changed."
        assert line.done("change", "finish", "-q", "post", "--as", "failed") == "3 matched, 3 changed."
        assert line.done("change", "timeout", "--state", "running") == "0 matched, 0 changed."
        assert line.done("change", "cancel", "--group", "finished", "--dry-run") == "3 matched, 0 changed."
        assert line.done("change", "cancel", "--group", "finished") == "3 matched, 3 changed."
        assert namespace.queues(["post"])[0].canceled == 3

    def test_a_change_of_everything_is_a_mistake(self, line: CommandLine) -> None:
        assert "say which" in line.refused(2, "change", "cancel")

    def test_an_update_of_nothing_is_a_mistake(self, line: CommandLine) -> None:
        assert "Nothing to change" in line.refused(2, "change", "update", "-q", "mail")


class TestTags:
    def test_tags_are_summed_up(self, line: CommandLine) -> None:
        assert line.done("tags").startswith("No job in namespace default")
        line.done("put", "mail", "Send", "-t", "docs")

        header, docs = line.done("tags").splitlines()

        assert header.split()[:4] == ["tag", "scheduled", "depends", "waiting"]
        assert docs.split()[:4] == ["docs", "0", "0", "1"]
        [tag] = json.loads(line.done("tags", "docs", "--json"))["tags"]
        assert (tag["tag"], tag["states"]["waiting"], tag["wait"]) == ("docs", 1, {"mean": None})

    def test_a_tag_is_tracked(self, line: CommandLine) -> None:
        assert line.done("tags", "track", "docs") == "docs is tracked."
        assert [tag["tag"] for tag in json.loads(line.done("tracked", "--json"))["tags"]] == ["docs"]
        assert "docs (tracked)" in line.done("tracked")
        assert line.done("tags", "untrack", "docs") == "docs is not tracked."


class TestWorkers:
    def test_workers_are_listed_and_asked(self, line: CommandLine, namespace: Namespace) -> None:
        assert line.done("workers").startswith("No workers in namespace default")
        namespace.pop(["mail"], "bob", capabilities=["gpu"])

        assert line.done("workers").splitlines()[1].split()[:2] == ["bob", "0"]
        assert line.done("workers", "quiet", "bob") == "bob is asked to be quiet."
        assert line.done("workers", "bob").endswith("gpu     to be quiet")
        assert line.done("workers", "quiet", "bob", "--off") == "bob is asked nothing."
        assert json.loads(line.done("workers", "stop", "bob", "--json"))["stop"] is True
        assert "no worker nobody" in line.refused(1, "workers", "stop", "nobody")


class TestRecurrences:
    def test_a_rule_is_made_shown_and_listed(self, line: CommandLine) -> None:
        assert line.done("recurrences").startswith("No recurrences in namespace default")
        cron = ("--cron", "0 7 * * mon-fri", "--timezone", "Europe/Berlin")
        made = line.done("recurrences", "add", "mail", "Digest", "[1.10]", *cron, "--id", "digest", "--catchup", "3")

        assert made == "digest"
        assert "0 7 * * mon-fri Europe/Berlin" in line.done("recurrences")
        assert "[1.10]" in line.done("recurrences", "show", "digest")
        [rule] = json.loads(line.done("recurrences", "list", "--json"))["recurrences"]
        assert (rule["id"], rule["catchup"], rule["fired"]) == ("digest", {"all": 3}, 0)

    def test_a_rule_is_paused_resumed_run_and_deleted(self, line: CommandLine, namespace: Namespace) -> None:
        rule = line.done("recurrences", "add", "mail", "Digest", "--every", "60")

        assert "next         paused" in line.done("recurrences", "pause", rule)
        assert "paused" not in line.done("recurrences", "resume", rule)
        [job] = namespace.get([line.done("recurrences", "run", rule)])
        assert job is not None
        assert job.recurrence == rule
        line.done("recurrences", "rm", rule)
        assert f"no recurrence {rule}" in line.refused(1, "recurrences", "show", rule)

    def test_a_rule_is_shown_with_all_that_its_jobs_are_given(self, line: CommandLine) -> None:
        given = ("-p", "9", "--retries", "2", "--backoff", "fixed:5", "--max-run", "30", "--expires-in", "60")
        rule = line.done("recurrences", "add", "mail", "Digest", "--every", "60", *given)

        told = line.done("recurrences", "show", rule)

        for fact in (
            "priority     9",
            "retries      2",
            "back-off     fixed:5",
            "max run      30 s",
            "expires      60 s",
        ):
            assert fact in told

    def test_what_is_no_rule_is_a_mistake(self, line: CommandLine) -> None:
        assert "interval:" in line.refused(2, "recurrences", "add", "mail", "Digest")
        assert "cron" in line.refused(2, "recurrences", "add", "mail", "Digest", "--cron", "soon")
        assert "catchup" in line.refused(2, "recurrences", "add", "mail", "X", "--every", "5", "--catchup", "all")

    def test_a_preview_tells_the_times(self, line: CommandLine) -> None:
        leap_days = ("--cron", "0 0 29 2 *", "--first-at", "1800000000", "--times", "2")

        assert json.loads(line.done("recurrences", "preview", *leap_days, "--json")) == {
            "next": [1_835_395_200.0, 1_961_625_600.0]
        }
        assert len(line.done("recurrences", "preview", "--every", "90").splitlines()) == 10


class TestEvents:
    def test_events_are_told_one_a_line(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a", "-t", "docs")
        line.done("put", "mail", "Send", "--jid", "b")
        line.done("job", "move", "a", "--to", "post")

        told = line.done("events").splitlines()

        assert len(told) == 3
        assert "put" in told[0]
        assert "mail → post" in told[2]
        assert len(line.done("events", "--tag", "docs").splitlines()) == 2
        assert len(line.done("events", "--jid", "b").splitlines()) == 1

    def test_events_go_on_from_a_cursor(self, line: CommandLine) -> None:
        for jid in "abc":
            line.done("put", "mail", "Send", "--jid", jid)

        [first, _] = [json.loads(each) for each in line.done("events", "--json", "--limit", "2").splitlines()]
        rest = [
            json.loads(each)["jid"] for each in line.done("events", "--json", "--after", first["cursor"]).split("\n")
        ]

        assert (first["jid"], rest) == ("a", ["b", "c"])

    def test_a_reader_goes_on_where_it_was(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a")
        assert len(line.done("events", "--reader", "me").splitlines()) == 1
        line.done("put", "mail", "Send", "--jid", "b")

        assert "b" in line.done("events", "--reader", "me")
        assert line.done("events", "--reader", "me") == ""

    def test_events_are_followed(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "--jid", "a")

        assert "a" in line.done("events", "--follow", "--limit", "1")


class TestWhere:
    def test_each_namespace_is_its_own(self, line: CommandLine) -> None:
        line.done("put", "mail", "Send", "-n", "shop")

        assert "mail" in line.done("queues", "-n", "shop")
        assert "No queues" in line.done("queues")

    def test_a_url_of_no_store_is_a_mistake(self, line: CommandLine) -> None:
        assert "there are redis, sqlite and http stores" in line.refused(2, "queues", "--url", "ftp://here")

    def test_a_store_that_is_down_is_an_error_in_one_line(self, line: CommandLine) -> None:
        told = line.refused(1, "queues", "--url", "redis://127.0.0.1:1")

        assert told.startswith("Error: the store cannot be reached now")
        assert len(told.splitlines()) == 1

    def test_debug_shows_the_traceback(self, line: CommandLine) -> None:
        told = line.type("queues", "--url", "ftp://here", "--debug").stderr

        assert "Traceback" in told
        assert told.splitlines()[-1].startswith("Error: ")
