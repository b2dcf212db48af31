"""The plugins of a process: found, blocked, ordered, checked, called, counted, and told of."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from httpx import WSGITransport
from werkzeug.serving import make_server

from qless_flask.backends import open_backend
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.scheduling import add_figures, scheduler_figures
from qless_flask.cli import main
from qless_flask.errors import BackendUnavailable, Invalid, PluginError, Rejected
from qless_flask.hookspecs import Codec, Policy, RetryStrategy, hookimpl
from qless_flask.models import Backoff, Chosen, Failure, Identity, Job, NewJob, Plugin, PluginFailure
from qless_flask.models.plugin_figures import PluginFigures
from qless_flask.models.scheduling import SchedulerFigures, Upkept
from qless_flask.plugins import Plugins
from qless_flask.plugins.faults import ARGUMENTS, HOOKS
from qless_flask.plugins.record import MOST_IN_A_ROW
from qless_flask.plugins.reference import reference
from qless_flask.settings import PluginSettings, Settings
from qless_flask.testing import build_job
from qless_flask.testing.model import ModelBackend
from qless_flask.web import QlessFlask, create_app

FAILURE = Failure("late", "too late", 0.0, "ann", 1)


class Tagging:
    """A filter that adds its word to the tags, so that a test can see who was asked, and when."""

    def __init__(self, word: str) -> None:
        self.word = word

    @hookimpl
    def before_put(self, job: NewJob) -> NewJob:
        return replace(job, tags=(*job.tags, self.word))


class Zero(RetryStrategy):
    def next_delay(self, job: Job, failure: Failure, run: int) -> float:
        return 0.0


class One(Zero):
    def __init__(self, seconds: float, *, otherwise: float = 1.0) -> None:
        if seconds < 0:
            raise ValueError("seconds must not be less than 0")
        self.seconds = seconds


class Open(Policy):
    def check_put(self, namespace: object, job: NewJob) -> NewJob:
        return job


class Plain(Codec):
    def encode(self, text: str) -> str:
        return text

    def decode(self, text: str) -> str:
        return text


def offering(**hooks: object) -> object:
    """A plugin that answers what it is told to answer."""
    plugin = types.ModuleType("offering")
    for name, offered in hooks.items():
        setattr(plugin, name, hookimpl(specname=name)(answering(offered)))
    return plugin


def answering(answer: object) -> Callable[[], object]:
    """A function that answers this."""
    return lambda: answer


def module(source: str) -> types.ModuleType:
    """A module of this source."""
    made = types.ModuleType("made")
    exec(f"from qless_flask.hookspecs import hookimpl\n{source}", vars(made))  # noqa: S102  ours
    return made


def told(plugins: Plugins, name: str) -> Plugin:
    """What is told of a plugin."""
    [found] = [each for each in plugins.report() if each.name == name]
    return found


def tags_of(plugins: Plugins) -> tuple[str, ...]:
    """Put a job, and answer its tags: the words of the Tagging plugins, in the order in which they were asked."""
    namespace = Hooked(ModelBackend(), plugins=plugins).namespace("n")
    namespace.put([NewJob("Crawl", queue="q", jid="one")])
    [job] = namespace.get(["one"])
    assert job is not None
    return job.tags


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with entry points and modules, as pip would, for as long as the test lasts."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))

    def install(name: str, *, modules: Mapping[str, str] | None = None, **groups: Mapping[str, str]) -> None:
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [
            line
            for group, points in groups.items()
            for line in (f"[qless_flask.{group}]", *(f"{point} = {value}" for point, value in points.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for each, source in (modules or {}).items():
            (site / f"{each}.py").write_text(f"from qless_flask.hookspecs import hookimpl\n{source}")
            monkeypatch.delitem(sys.modules, each, raising=False)

    return install


FILTER = "@hookimpl\ndef before_put(namespace, job): ...\n"
MISSPELT = "@hookimpl\ndef before_putt(namespace, job): ...\n"


class TestFinding:
    def test_without_a_word_there_are_those_built_in(self) -> None:
        names = [each.name for each in Plugins(installed=False).report()]

        assert names == ["qless.metrics", "qless.trackers", "qless.policies", "qless.strategies"]

    def test_an_installed_one_has_the_name_of_its_entry_point(self, install: Install) -> None:
        install("polite", modules={"b_polite": FILTER}, plugins={"manners": "b_polite"})

        found = told(Plugins(), "manners")

        assert (found.state, found.source, found.hooks) == ("loaded", "polite 1.0", ("before_put",))

    def test_none_that_is_installed_counts_where_none_is_to(self, install: Install) -> None:
        install("polite", modules={"b_polite": FILTER}, plugins={"manners": "b_polite"})

        assert "manners" not in [each.name for each in Plugins(installed=False).report()]

    def test_two_installed_under_one_name_are_both_there(self, install: Install) -> None:
        install("polite", modules={"b_one": FILTER}, plugins={"manners": "b_one"})
        install("rude", modules={"b_two": FILTER}, plugins={"manners": "b_two"})

        names = {each.name for each in Plugins().report() if each.state == "loaded"}

        assert names > {"manners"}
        assert names & {"manners of polite 1.0", "manners of rude 1.0"}

    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("idle_plugin", "idle_plugin"),
            (Tagging("a"), f"{__name__}:Tagging"),
            (types.ModuleType("shop.plugin"), "shop.plugin"),
            (Zero, f"{__name__}:Zero"),
        ],
    )
    def test_one_given_without_a_name_is_called_as_it_is_called_where_it_stands(self, given: object, name: str) -> None:
        assert name in [each.name for each in Plugins([given], installed=False).report()]

    def test_of_two_given_that_are_called_the_same_the_second_has_a_number(self) -> None:
        names = [each.name for each in Plugins([Tagging("a"), Tagging("b")], installed=False).report()]

        assert names[:2] == [f"{__name__}:Tagging 2", f"{__name__}:Tagging"]

    def test_one_is_imported_from_where_it_is_said_to_stand(self, install: Install) -> None:
        install("shop", modules={"b_shop": f"class Plugin:\n    @hookimpl\n    def {FILTER.split('def ')[1]}"})

        assert told(Plugins(["b_shop:Plugin"]), "b_shop:Plugin").hooks == ("before_put",)

    def test_a_class_is_built(self) -> None:
        class Built:
            @hookimpl
            def before_put(self) -> None: ...

        assert told(Plugins({"built": Built}), "built").state == "loaded"

    def test_one_that_is_installed_and_given_is_there_once_as_given(self, install: Install) -> None:
        install("polite", modules={"b_polite": FILTER}, plugins={"manners": "b_polite"})

        found = [(each.name, each.source) for each in Plugins(["b_polite"]).report()]

        assert ("b_polite", "given") in found
        assert "manners" not in dict(found)

    def test_one_takes_the_place_of_another_by_taking_its_name(self) -> None:
        plugins = Plugins({"qless.strategies": offering(retry_strategies={"zero": Zero})}, installed=False)

        assert set(plugins.strategies) == {"zero"}
        assert told(plugins, "qless.strategies").source == "given"


class TestBlocking:
    def test_one_that_is_blocked_is_not_asked(self) -> None:
        plugins = Plugins({"a": Tagging("a"), "b": Tagging("b")}, blocked=["a"])

        assert tags_of(plugins) == ("b",)
        assert told(plugins, "a").state == "blocked"

    def test_one_that_is_blocked_is_not_even_imported(self, install: Install) -> None:
        install("rude", modules={"b_rude": "raise SystemExit('rude')"}, plugins={"rude": "b_rude"})

        assert told(Plugins(blocked=["rude"]), "rude").state == "blocked"
        assert "b_rude" not in sys.modules

    def test_those_built_in_can_be_blocked(self) -> None:
        plugins = Plugins(installed=False, blocked=["qless.policies"])

        assert plugins.policies == {}

    def test_a_block_mends_a_start(self) -> None:
        Plugins({"wrong": module(MISSPELT)}, blocked=["wrong"]).check()

    def test_a_name_that_is_no_plugins_is_told_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        Plugins(installed=False, blocked=["qless.policy"])

        assert "there is no plugin qless.policy to block or to order; did you mean qless.policies?" in caplog.messages


class TestOrder:
    def test_the_last_one_given_is_asked_first(self) -> None:
        assert tags_of(Plugins([Tagging("a"), Tagging("b")])) == ("b", "a")

    def test_those_that_are_named_are_asked_before_all_others(self) -> None:
        given = {name: Tagging(name) for name in "abcd"}

        assert tags_of(Plugins(given, order=["b", "a"])) == ("b", "a", "d", "c")

    def test_those_built_in_are_asked_last(self) -> None:
        names = [each.name for each in Plugins({"mine": Tagging("a")}, installed=False).report()]

        assert names[0] == "mine"

    def test_those_that_are_left_out_are_told_last(self) -> None:
        names = [each.name for each in Plugins({"bad": module(MISSPELT), "mine": Tagging("a")}).report()]

        assert (names[0], names[-1]) == ("mine", "bad")

    def test_the_first_that_offers_a_name_has_it(self) -> None:
        plugins = Plugins({"mine": offering(retry_strategies={"fixed": Zero, "zero": Zero})}, installed=False)

        assert plugins.strategies["fixed"] is Zero
        assert told(plugins, "qless.strategies").shadowed == {"strategies": ("fixed",)}
        assert told(plugins, "mine").shadowed == {}
        assert plugins.record_of("strategies", "fixed").name == "mine"

    def test_an_order_says_who_has_a_name(self) -> None:
        mine = {"mine": offering(retry_strategies={"fixed": Zero})}
        plugins = Plugins(mine, installed=False, order=["qless.strategies"])

        assert plugins.strategies["fixed"] is not Zero
        assert told(plugins, "mine").shadowed == {"strategies": ("fixed",)}


class TestFaults:
    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            (MISSPELT, "there is no hook before_putt; did you mean before_put?"),
            ("@hookimpl\ndef nonsense(): ...", "there is no hook nonsense; there are around_perform, "),
            ("@hookimpl\ndef before_put(namespace, jbo): ...", "before_put has no argument jbo: it has namespace, job"),
            ("@hookimpl\ndef before_put(**words): ...", "before_put has no argument words: it has namespace, job"),
            ("@hookimpl\ndef retry_strategies(x): ...", "retry_strategies has no argument x: it has none"),
            ("@hookimpl\nasync def before_put(job): ...", "before_put must be a plain function, not async"),
            ("@hookimpl(wrapper=True)\ndef before_put(job): yield", "before_put cannot be wrapped: implement it"),
            (
                "@hookimpl(specname='before_putt')\ndef f(): ...",
                "there is no hook before_putt; did you mean before_put?",
            ),
            (
                "def before_put(job): ...",
                "it implements no hook: mark its functions with qless_flask.hookspecs.hookimpl",
            ),
        ],
    )
    def test_a_slip_is_told_and_the_plugin_left_out(self, source: str, reason: str) -> None:
        plugins = Plugins({"wrong": module(source)}, installed=False)

        found = told(plugins, "wrong")
        assert found.state == "failed"
        assert (found.reason or "").startswith(reason)
        assert plugins.calls("before_put") == ()

    @pytest.mark.parametrize(
        ("plugin", "reason"),
        [
            (offering(retry_strategies=5), "retry_strategies: TypeError: 'int' object is not iterable"),
            (offering(retry_strategies={"": Zero}), "'' is no name: it must be 1 to 200 bytes of text"),
            (offering(retry_strategies={"zero": Zero()}), "zero must be a class derived from RetryStrategy"),
            (offering(retry_strategies={"open": Open}), "open must be a class derived from RetryStrategy"),
            (offering(namespace_policies={"p": Policy}), "p lacks check_put"),
            (offering(tag_trackers={"t": Zero}), "t must be a class derived from TagTracker"),
            (offering(data_codecs={"c": Plain}), "c must be a Codec, built"),
            (module("@hookimpl\ndef tag_trackers(): raise KeyError('k')"), "tag_trackers: KeyError: 'k'"),
        ],
    )
    def test_an_offer_of_what_is_none_leaves_the_plugin_out(self, plugin: object, reason: str) -> None:
        found = told(Plugins({"wrong": plugin}), "wrong")

        assert found.state == "failed"
        assert reason in (found.reason or "")
        assert (found.hooks, found.offers) == ((), {})

    def test_one_that_is_left_out_offers_nothing_else(self) -> None:
        plugin = offering(retry_strategies={"zero": Zero}, data_codecs={"c": Plain})

        assert "zero" not in Plugins({"wrong": plugin}).strategies

    def test_what_is_given_and_cannot_be_imported_is_an_error_at_start(self) -> None:
        with pytest.raises(PluginError, match=r"mend or block these plugins: no\.where \(given\): ModuleNotFoundError"):
            Plugins(["no.where"]).check()

    def test_a_misspelt_hook_is_an_error_at_start(self, install: Install) -> None:
        install("rude", modules={"b_rude": MISSPELT}, plugins={"rude": "b_rude"})

        with pytest.raises(PluginError, match=r"rude \(rude 1\.0\): there is no hook before_putt") as caught:
            Plugins().check()
        assert caught.value.subject == "rude"

    @pytest.mark.parametrize(
        "source", ["raise KeyError('k')", "import nothing_like_it", "raise SystemExit(3)", "def ("]
    )
    def test_what_is_installed_and_cannot_be_imported_is_told_and_stops_nothing(
        self, install: Install, source: str
    ) -> None:
        install("rude", modules={"b_rude": source}, plugins={"rude": "b_rude"})
        install("polite", modules={"b_polite": FILTER}, plugins={"polite": "b_polite"})

        plugins = Plugins()

        plugins.check()
        assert told(plugins, "rude").state == "failed"
        assert told(plugins, "polite").state == "loaded"

    def test_all_faults_are_told_at_once(self) -> None:
        with pytest.raises(PluginError, match=r"first .*before_put\?; second .*before_put\?"):
            Plugins({"first": module(MISSPELT), "second": module(MISSPELT)}).check()

    def test_where_it_went_wrong_is_for_those_who_look_closer(
        self, install: Install, caplog: pytest.LogCaptureFixture
    ) -> None:
        install("rude", modules={"b_rude": "raise KeyError('k')"}, plugins={"rude": "b_rude"})

        with caplog.at_level(logging.DEBUG, "qless_flask.plugins"):
            Plugins()

        warning, trace = caplog.records[:2]
        assert (warning.levelname, warning.exc_info) == ("WARNING", None)
        assert "plugin rude (rude 1.0) could not be loaded: KeyError: 'k'" in warning.message
        assert trace.levelname == "DEBUG"
        assert trace.exc_info is not None


class TestCalls:
    def test_a_hook_is_given_only_what_it_wants(self) -> None:
        class Wants:
            @hookimpl
            def before_put(self, namespace: str = "none") -> None:
                assert namespace == "n"

        assert tags_of(Plugins([Wants])) == ()

    def test_each_filter_sees_what_the_one_before_has_made_of_it(self) -> None:
        assert tags_of(Plugins([Tagging("c"), module(FILTER), Tagging("b"), Tagging("a")])) == ("a", "b", "c")

    def test_what_a_filter_raises_names_the_plugin(self) -> None:
        plugins = Plugins({"broken": module("@hookimpl\ndef before_put(): raise KeyError('secret')")})

        with pytest.raises(PluginError) as caught:
            tags_of(plugins)
        assert (caught.value.subject, caught.value.message) == (
            "broken",
            "plugin broken failed in before_put: KeyError",
        )

    def test_what_a_filter_answers_must_be_what_it_was_given(self) -> None:
        plugins = Plugins({"broken": module("@hookimpl\ndef before_put(): return {}")})

        with pytest.raises(PluginError, match="plugin broken failed in before_put: TypeError"):
            tags_of(plugins)
        assert told(plugins, "broken").errors == 1

    def test_a_refusal_is_no_fault(self) -> None:
        source = "from qless_flask.errors import Rejected\n@hookimpl\ndef before_put(): raise Rejected('no')"
        plugins = Plugins({"strict": module(source)})

        with pytest.raises(Rejected, match=r"^no$"):
            tags_of(plugins)
        assert (told(plugins, "strict").calls, told(plugins, "strict").errors) == (1, 0)

    def test_the_first_answer_wins(self) -> None:
        silent, a, b = (module(f"@hookimpl\ndef failure_group(): return {each}") for each in ("None", "'a'", "'b'"))
        plugins = Plugins({"b": b, "a": a, "silent": silent})

        found = plugins.first("failure_group", job=build_job(), failure=FAILURE)

        assert found is not None
        assert (found[0].plugin, found[1]) == ("a", "a")
        assert told(plugins, "b").calls == 0

    def test_where_nobody_answers_there_is_none(self) -> None:
        assert Plugins(installed=False).first("failure_group", job=build_job(), failure=FAILURE) is None

    def test_calls_are_counted_and_timed(self) -> None:
        slow = module("import time\n@hookimpl\ndef before_put(): time.sleep(0.02)")
        plugins = Plugins({"slow": slow, "quick": module(FILTER)})

        tags_of(plugins)
        tags_of(plugins)

        assert told(plugins, "slow").calls == told(plugins, "quick").calls == 2
        assert told(plugins, "slow").seconds >= 0.04 > told(plugins, "quick").seconds

    def test_the_last_error_is_told(self) -> None:
        plugins = Plugins({"broken": module("@hookimpl\ndef before_put(): raise KeyError('k')")})

        with pytest.raises(PluginError):
            tags_of(plugins)

        error = told(plugins, "broken").last_error
        assert error is not None
        assert (error.hook, error.message) == ("before_put", "KeyError: 'k'")

    def test_an_observing_hook_is_switched_off_after_ten_errors_in_a_row(self) -> None:
        record = Plugins(installed=False).record("qless.metrics")

        off = [record.missed("on_event") for _ in range(MOST_IN_A_ROW)]

        assert off == [False] * 9 + [True]
        assert record.is_off("on_event")
        assert record.told().off == ("on_event",)

    def test_a_call_that_goes_well_ends_the_row(self) -> None:
        source = "@hookimpl\ndef on_event(event):\n    if event: raise KeyError('k')"
        plugins = Plugins({"seldom": module(source)})
        [call] = plugins.calls("on_event")

        for _ in range(3):
            for _ in range(MOST_IN_A_ROW - 1):
                with pytest.raises(KeyError):
                    call(namespace="n", event=1)
                call.record.missed("on_event")
            call(namespace="n", event=0)

        assert not call.record.is_off("on_event")
        assert call.record.told().errors == 27

    def test_an_error_of_ours_is_a_fault_in_an_observing_hook(self) -> None:
        source = "from qless_flask.errors import Rejected\n@hookimpl\ndef on_event(): raise Rejected('no')"
        plugins = Plugins({"odd": module(source)})
        [call] = plugins.calls("on_event")

        with pytest.raises(Rejected):
            call(namespace="n", event=None)

        assert told(plugins, "odd").errors == 1


class TestBuilding:
    def plugins(self) -> Plugins:
        return Plugins({"mine": offering(retry_strategies={"one": One}, namespace_policies={"open": Open})})

    def test_a_strategy_is_built_with_its_options(self) -> None:
        built = self.plugins().strategy(Backoff.of({"strategy": "one", "seconds": 2.5}))

        assert isinstance(built, One)
        assert built.seconds == 2.5

    def test_what_was_built_is_used_again(self) -> None:
        plugins, backoff = self.plugins(), Backoff.of({"strategy": "one", "seconds": 2.5})

        assert plugins.strategy(backoff) is plugins.strategy(Backoff.of({"seconds": 2.5, "strategy": "one"}))

    @pytest.mark.parametrize(
        ("options", "field", "why"),
        [
            ({"strategy": "onne", "seconds": 1}, "strategy", "there is no retry strategy onne; did you mean one?"),
            ({"strategy": "one"}, "seconds", "must be given"),
            ({"strategy": "one", "seconds": 1, "x": 1}, "x", "is nothing that one takes; it takes seconds, otherwise"),
            (
                {"strategy": "one", "seconds": -1},
                "strategy",
                "one cannot be told that: seconds must not be less than 0",
            ),
            ({"strategy": "one", "seconds": "x"}, "strategy", "one cannot be told that: '<' not supported"),
        ],
    )
    def test_what_a_strategy_cannot_be_told_is_invalid(self, options: dict[str, object], field: str, why: str) -> None:
        with pytest.raises(Invalid) as caught:
            self.plugins().strategy(Backoff.of(options))
        assert caught.value.fields[field][0].startswith(why)

    def test_what_takes_any_arguments_must_be_given_none(self) -> None:
        class Taking(Zero):
            def __init__(self, *args: object, **options: object) -> None:
                self.given = args, options

        plugins = Plugins({"mine": offering(retry_strategies={"any": Taking})})

        built = plugins.strategy(Backoff.of({"strategy": "any", "seconds": 2}))

        assert isinstance(built, Taking)
        assert built.given == ((), {"seconds": 2})

    def test_a_policy_that_there_is_not_is_invalid(self) -> None:
        with pytest.raises(Invalid, match=r"name: there is no policy opn; did you mean open\?"):
            self.plugins().policy(Chosen("opn"))

    def test_a_constructor_that_breaks_is_the_plugins_fault(self) -> None:
        class Broken(Zero):
            def __init__(self) -> None:
                raise KeyError("k")

        plugins = Plugins({"mine": offering(retry_strategies={"broken": Broken})})

        with pytest.raises(PluginError, match="plugin mine failed to build retry strategy broken: KeyError"):
            plugins.strategy(Backoff.of({"strategy": "broken"}))
        assert told(plugins, "mine").errors == 1


class TestSettings:
    def test_they_say_which_plugins_there_are(self) -> None:
        settings = PluginSettings(
            plugins={"a": Tagging("a"), "b": Tagging("b"), "c": Tagging("c")},
            blocked_plugins=["c"],
            plugin_order=["a"],
            installed_plugins=False,
        )

        assert tags_of(Plugins.of(settings)) == ("a", "b")

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({"plugins": "shop.plugin"}, "plugins"),
            ({"plugins": 5}, "plugins"),
            ({"blocked_plugins": "shop"}, "blocked_plugins"),
            ({"plugin_order": [5]}, "plugin_order.0"),
            ({"installed_plugins": 1}, "installed_plugins"),
        ],
    )
    def test_what_they_cannot_be_is_invalid(self, options: dict[str, Any], field: str) -> None:
        with pytest.raises(Invalid) as caught:
            Settings(**options)
        assert list(caught.value.fields) == [field]

    def test_a_mount_has_them(self, tmp_path: Path) -> None:
        app = create_app(f"sqlite:///{tmp_path}/jobs.db", settings=Settings(plugins={"mine": Tagging("seen")}))
        client = app.test_client()

        client.post("/api/v1/namespaces/n/queues/q/jobs", json={"klass": "Crawl", "jid": "one"})

        assert client.get("/api/v1/namespaces/n/jobs/one").get_json()["tags"] == ["seen"]

    def test_a_mount_with_a_misspelt_plugin_does_not_start(self, tmp_path: Path) -> None:
        settings = Settings(plugins={"w": module(MISSPELT)})

        with pytest.raises(PluginError, match="mend or block these plugins: w"):
            QlessFlask(Flask("host"), url=f"sqlite:///{tmp_path}/jobs.db", settings=settings)

    def test_a_mount_has_the_plugins_of_the_backend_that_it_was_given(self) -> None:
        backend = Hooked(ModelBackend(), plugins=Plugins({"mine": Tagging("a")}))

        mount = QlessFlask(Flask("host"), backend=backend)

        assert mount.plugins is backend.plugins

    def test_a_process_that_was_forked_counts_for_itself(self, tmp_path: Path) -> None:
        mount = QlessFlask(url=f"sqlite:///{tmp_path}/jobs.db")
        before = mount.plugins

        child = os.fork()
        if child == 0:
            os._exit(0 if mount.plugins is not before and mount.plugins is mount.plugins else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert mount.plugins is before


STORE = (
    "from qless_flask.testing.model import ModelBackend\n"
    "def open(url, *, clock, max_data_bytes):\n"
    "    {}\n"
    "    return ModelBackend(clock=clock)\n"
)


class TestStores:
    def test_one_that_is_installed_is_opened_by_its_scheme(self, install: Install) -> None:
        install("tea", modules={"b_tea": STORE.format("")}, backends={"tea": "b_tea:open"})

        with open_backend("tea://pot") as backend:
            assert isinstance(backend, Hooked)
            assert isinstance(backend.inner, ModelBackend)

    def test_a_plugin_opens_what_no_installed_store_does(self) -> None:
        class Tea:
            @hookimpl
            def open_backend(self, url: str) -> object:
                return ModelBackend() if url.startswith("tea:") else None

        with open_backend("tea://pot", plugins=Plugins([Tea])) as backend:
            assert isinstance(backend, Hooked)

    def test_a_scheme_that_nobody_opens_is_told_with_those_that_there_are(self, install: Install) -> None:
        install("tea", modules={"b_tea": STORE.format("")}, backends={"tea": "b_tea:open"})

        with pytest.raises(Invalid, match=r"coffee: there are redis, sqlite and http stores, and installed are .*tea"):
            open_backend("coffee://pot")

    def test_what_is_no_url_is_told_so(self) -> None:
        with pytest.raises(Invalid, match="url: is no URL: "):
            open_backend("redis://[")

    def test_one_that_is_blocked_is_not_opened(self, install: Install) -> None:
        install("tea", modules={"b_tea": STORE.format("")}, backends={"tea": "b_tea:open"})

        with pytest.raises(Invalid):
            open_backend("tea://pot", plugins=Plugins(blocked=["tea"]))

    def test_none_that_is_installed_is_opened_where_none_is_to_count(self, install: Install) -> None:
        install("tea", modules={"b_tea": STORE.format("")}, backends={"tea": "b_tea:open"})

        with pytest.raises(Invalid):
            open_backend("tea://pot", plugins=Plugins(installed=False))

    @pytest.mark.parametrize("broken", ["raise KeyError('k')", "return 5"])
    def test_a_broken_one_is_named(self, install: Install, broken: str) -> None:
        install("tea", modules={"b_tea": STORE.format(broken)}, backends={"tea": "b_tea:open"})

        with pytest.raises(PluginError, match=r"tea 1\.0"):
            open_backend("tea://pot")

    def test_one_that_cannot_be_imported_is_named(self, install: Install) -> None:
        install("tea", modules={"b_tea": "import nothing_like_it"}, backends={"tea": "b_tea:open"})

        with pytest.raises(PluginError, match=r"store tea of tea 1\.0 failed: ModuleNotFoundError"):
            open_backend("tea://pot")

    def test_an_error_of_ours_stays_what_it_is(self, install: Install) -> None:
        down = "from qless_flask.errors import BackendUnavailable; raise BackendUnavailable('cold')"
        install("tea", modules={"b_tea": STORE.format(down)}, backends={"tea": "b_tea:open"})

        with pytest.raises(BackendUnavailable, match="cold"):
            open_backend("tea://pot")

    def test_no_scheme_of_ours_is_anothers(self, install: Install, tmp_path: Path) -> None:
        install("tea", modules={"b_tea": STORE.format("raise KeyError")}, backends={"sqlite": "b_tea:open"})

        open_backend(f"sqlite:///{tmp_path}/jobs.db").close()


FIGURES = SchedulerFigures(
    "ann",
    1.0,
    2.0,
    Upkept(ticks=5, fired=3),
    (
        PluginFigures(
            "ear",
            calls=12,
            errors=10,
            seconds=0.5,
            off=("on_event",),
            last_error=PluginFailure("on_event", 3.0, "KeyError: 'k'"),
        ),
    ),
)
"""What the leader of a store has written down."""


class TestReport:
    def test_the_server_tells_what_it_has(self, tmp_path: Path) -> None:
        plugin = offering(retry_strategies={"zero": Zero, "fixed": Zero})
        settings = Settings(plugins={"mine": plugin, "off": Tagging("a")}, blocked_plugins=["off"])
        client = create_app(f"sqlite:///{tmp_path}/jobs.db", settings=settings).test_client()

        told = client.get("/api/v1/plugins").get_json()

        assert told["process"].endswith(f"-{os.getpid()}")
        assert told["scheduler"] is None
        assert told["plugins"][0] == {
            "name": "mine",
            "state": "loaded",
            "source": "given",
            "reason": None,
            "hooks": ["retry_strategies"],
            "offers": {"strategies": ["fixed", "zero"]},
            "shadowed": {},
            "calls": 1,
            "errors": 0,
            "seconds": told["plugins"][0]["seconds"],
            "off": [],
            "last_error": None,
        }
        assert [each["name"] for each in told["plugins"] if each["state"] == "blocked"] == ["off"]

    def test_a_broken_one_is_named(self, install: Install, tmp_path: Path) -> None:
        install("rude", modules={"b_rude": "raise KeyError('k')"}, plugins={"rude": "b_rude"})
        client = create_app(f"sqlite:///{tmp_path}/jobs.db").test_client()

        [rude] = [each for each in client.get("/api/v1/plugins").get_json()["plugins"] if each["name"] == "rude"]

        assert (rude["state"], rude["source"], rude["reason"]) == ("failed", "rude 1.0", "KeyError: 'k'")

    def test_the_stores_that_are_installed_are_told(self, install: Install, tmp_path: Path) -> None:
        install("tea", modules={"b_tea": STORE.format("")}, backends={"tea": "b_tea:open"})
        client = create_app(f"sqlite:///{tmp_path}/jobs.db").test_client()

        assert client.get("/api/v1/plugins").get_json()["stores"]["tea"] == "tea 1.0"

    def test_what_the_schedulers_of_the_store_have_done_is_told(self) -> None:
        backend = Hooked(ModelBackend())
        add_figures(backend, FIGURES)
        client = create_app(backend=backend).test_client()

        told = client.get("/api/v1/plugins").get_json()["scheduler"]

        assert told.keys() == {"leader", "since", "last_tick_at", "plugins", *(each.name for each in fields(Upkept))}
        assert told["leader"] == "ann"
        assert (told["since"], told["last_tick_at"], told["ticks"], told["fired"]) == (1.0, 2.0, 5, 3)
        assert told["plugins"] == [
            {
                "name": "ear",
                "calls": 12,
                "errors": 10,
                "seconds": 0.5,
                "off": ["on_event"],
                "last_error": {"hook": "on_event", "at": 3.0, "message": "KeyError: 'k'"},
            }
        ]

    def test_what_a_server_tells_is_read_as_it_was_meant(self) -> None:
        backend = Hooked(ModelBackend(), plugins=Plugins({"mine": Tagging("a")}, installed=False))
        add_figures(backend, FIGURES)
        with closing(HTTPBackend("http://localhost", transport=WSGITransport(create_app(backend=backend)))) as server:
            told = server.plugin_report()

        assert told == replace(backend.plugins.reported(), scheduler=scheduler_figures(backend))

    def test_it_is_told_though_the_store_is_down(self) -> None:
        app = Flask("host")
        # Without somebody who knows who asks, the store has to say whether there are tokens.
        QlessFlask(app, url="redis://127.0.0.1:1/0", authenticate=lambda request: Identity("ann", "viewer"))

        answer = app.test_client().get("/qless/api/v1/plugins")

        assert (answer.status_code, answer.get_json()["scheduler"]) == (200, None)

    def test_a_failing_filter_is_told_to_the_client_by_name_and_no_more(self, tmp_path: Path) -> None:
        broken = module("@hookimpl\ndef before_put(): raise KeyError('secret')")
        settings = Settings(plugins={"broken": broken})
        client = create_app(f"sqlite:///{tmp_path}/jobs.db", settings=settings).test_client()

        answer = client.post("/api/v1/namespaces/n/queues/q/jobs", json={"klass": "Crawl"})

        problem = answer.get_json(force=True)
        assert (answer.status_code, problem["code"], problem["subject"]) == (500, "PLUGIN_ERROR", "broken")
        assert "plugin broken failed" in problem["detail"]
        assert "secret" not in answer.get_data(as_text=True)


@contextmanager
def running(app: Flask) -> Iterator[str]:
    """Serve an app at an address of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(20)


def type_command(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, words, env=environment)


COMMAND = '@hookimpl\ndef register_commands(group):\n    group.command("{0}")(lambda: print("{1}"))\n'


class TestCommandLine:
    def test_plugins_are_listed(self, install: Install) -> None:
        install("polite", modules={"b_polite": FILTER}, plugins={"manners": "b_polite"})

        result = type_command("plugins")

        assert result.exit_code == 0
        assert "manners           loaded  polite 1.0      0       0  0 ms" in result.stdout
        assert "manners: implements before_put" in result.stdout
        assert "qless.strategies: offers strategies by_group, exponential, fixed, linear, table" in result.stdout

    def test_in_json_they_are_what_the_server_answers(self) -> None:
        told = json.loads(type_command("plugins", "--json").stdout)

        assert set(told) == {"process", "plugins", "stores", "scheduler"}
        assert "qless.policies" in [each["name"] for each in told["plugins"]]

    @pytest.mark.parametrize("written", [str, lambda url: url.replace("http", "HTTP")], ids=["http", "HTTP"])
    def test_those_of_a_server_are_asked_for(self, written: Callable[[str], str]) -> None:
        backend = Hooked(ModelBackend(), plugins=Plugins({"far away": Tagging("a")}, installed=False))
        with running(create_app(backend=backend)) as url:
            result = type_command("plugins", QLESS_URL=written(url))

        assert result.exit_code == 0
        assert "far away" in result.stdout

    @pytest.mark.parametrize("served", [True, False])
    def test_how_they_do_where_the_scheduler_leads_is_told(self, tmp_path: Path, served: bool) -> None:
        store = f"sqlite:///{tmp_path}/jobs.db"
        with open_backend(store) as backend, ExitStack() as stack:
            add_figures(backend, FIGURES)
            url = stack.enter_context(running(create_app(backend=backend))) if served else store

            result = type_command("plugins", "--url", url)

        assert result.exit_code == 0
        assert "scheduler ann leads since" in result.stdout
        assert "ear              12      10  500 ms" in result.stdout
        assert "ear: on_event switched off\near: failed last in on_event: KeyError: 'k'\n" in result.stdout

    def test_of_a_store_that_is_down_the_rest_is_told(self) -> None:
        result = type_command("plugins", "--url", "redis://127.0.0.1:1/0")

        assert result.exit_code == 0
        assert "qless.policies" in result.stdout
        assert "Warning: the store cannot be reached now" in result.stderr

    def test_where_no_store_is_named_none_is_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

        assert type_command("plugins").exit_code == 0

        assert list(tmp_path.iterdir()) == []

    def test_a_failed_one_is_told_with_an_exit_code(self) -> None:
        result = type_command("plugins", "--plugin", "no.where")

        assert result.exit_code == 1
        assert "no.where: ModuleNotFoundError: No module named 'no'" in result.stdout

    def test_options_choose_them(self) -> None:
        result = type_command("plugins", "--json", "--plugin", "idle_plugin", "--block-plugin", "qless.policies")

        told = {each["name"]: each["state"] for each in json.loads(result.stdout)["plugins"]}
        assert (told["idle_plugin"], told["qless.policies"]) == ("loaded", "blocked")

    def test_an_order_is_kept(self) -> None:
        order = ("--plugin-order", "qless.strategies", "--plugin-order", "qless.metrics")

        names = [each["name"] for each in json.loads(type_command("plugins", "--json", *order).stdout)["plugins"]]

        assert names[:2] == ["qless.strategies", "qless.metrics"]

    def test_the_environment_chooses_them(self) -> None:
        result = type_command(
            "plugins",
            "--json",
            QLESS_PLUGINS="idle_plugin, no.where",
            QLESS_BLOCKED_PLUGINS="no.where,qless.policies",
            QLESS_PLUGIN_ORDER="qless.metrics",
        )

        told = [(each["name"], each["state"]) for each in json.loads(result.stdout)["plugins"]]
        assert told[:2] == [("qless.metrics", "loaded"), ("idle_plugin", "loaded")]
        assert {("no.where", "blocked"), ("qless.policies", "blocked")} < set(told)

    def test_a_put_by_hand_goes_by_the_plugins_of_the_environment(self, install: Install, tmp_path: Path) -> None:
        install("shop", modules={"b_shop": "@hookimpl\ndef before_put(): raise KeyError('k')"})

        result = type_command("put", "--url", f"sqlite:///{tmp_path}/jobs.db", "q", "Crawl", QLESS_PLUGINS="b_shop")

        assert result.exit_code == 1
        assert "Error: plugin b_shop failed in before_put: KeyError" in result.stderr

    @pytest.mark.parametrize("words", [["serve"], ["scheduler"], ["put", "q", "Crawl"]])
    def test_what_is_misspelt_is_told_in_a_line_and_nothing_begins(self, install: Install, words: list[str]) -> None:
        install("rude", modules={"b_rude": MISSPELT}, plugins={"rude": "b_rude"})

        result = type_command(*words, QLESS_URL="sqlite:////nowhere/jobs.db")

        assert result.exit_code == 1
        told = "rude (rude 1.0): there is no hook before_putt; did you mean before_put?"
        assert result.stderr.splitlines()[-1] == f"Error: mend or block these plugins: {told}"

    def test_the_reference_is_printed(self) -> None:
        assert type_command("plugins", "--reference").stdout == reference()


class TestCommandsOfPlugins:
    def test_one_is_found(self, install: Install) -> None:
        install("tea", modules={"b_tea": COMMAND.format("brew", "hot")}, plugins={"tea": "b_tea"})

        assert type_command("brew").stdout == "hot\n"
        assert "\n  brew" in type_command("--help").stdout

    def test_one_of_a_plugin_that_is_given_is_found(self, install: Install) -> None:
        install("tea", modules={"b_tea": COMMAND.format("brew", "hot")})

        assert type_command("brew", QLESS_PLUGINS="b_tea").stdout == "hot\n"

    def test_of_two_that_are_called_the_same_the_first_plugins_is_taken(self, install: Install) -> None:
        install("tea", modules={"b_tea": COMMAND.format("brew", "tea"), "b_beer": COMMAND.format("brew", "beer")})

        assert type_command("brew", QLESS_PLUGINS="b_tea,b_beer").stdout == "beer\n"
        assert type_command("brew", QLESS_PLUGINS="b_tea,b_beer", QLESS_PLUGIN_ORDER="b_tea").stdout == "tea\n"

    @pytest.mark.parametrize("broken", ["raise KeyError('k')", "raise SystemExit(3)"])
    def test_a_broken_one_is_told_and_breaks_no_other(self, install: Install, broken: str) -> None:
        half_done = COMMAND.format("half", "done") + f"    {broken}\n"
        install("tea", modules={"b_tea": COMMAND.format("brew", "hot")}, plugins={"tea": "b_tea"})
        install("rude", modules={"b_rude": half_done}, plugins={"rude": "b_rude"})

        result = type_command("brew")

        assert result.stdout == "hot\n"
        assert "Warning: plugin rude adds no commands: " in result.stderr
        assert type_command("half").exit_code == 2

    def test_no_command_of_ours_is_replaced(self, install: Install) -> None:
        install("rude", modules={"b_rude": COMMAND.format("plugins", "mine")}, plugins={"rude": "b_rude"})

        assert type_command("plugins").stdout != "mine\n"
        assert "Warning: plugin rude cannot replace the command plugins" in type_command("--help").stderr

    def test_a_plugin_is_not_imported_for_a_command_of_ours(self, install: Install) -> None:
        install("rude", modules={"b_rude": "raise SystemExit('rude')"}, plugins={"rude": "b_rude"})

        result = type_command("put", "--help")

        assert (result.exit_code, result.stderr) == (0, "")
        assert "b_rude" not in sys.modules

    def test_help_waits_for_nothing_that_only_plugins_and_servers_need(self) -> None:
        code = "import sys, qless_flask.cli as cli; cli.main(['-h'], standalone_mode=False); print(*sys.modules)"

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        slow = {"flask", "httpx", "jsonschema", "prometheus_client", "qless_flask.plugins.policies"}
        assert slow & set(done.stdout.split()) == set()


class TestReference:
    def test_the_page_is_written_from_the_code(self) -> None:
        page = Path(__file__).parents[1] / "docs" / "hooks.md"

        assert page.read_text() == reference(), "write it anew: qless-flask plugins --reference > docs/hooks.md"

    @pytest.mark.parametrize("hook", HOOKS)
    def test_each_hook_and_each_of_its_arguments_is_told_of(self, hook: str) -> None:
        [section] = [each for each in reference().split("\n## ") if each.startswith(f"{hook}\n")]

        assert all(f"\n- `{argument}`: " in section for argument in ARGUMENTS[hook])

    @pytest.mark.parametrize("hook", HOOKS)
    def test_each_hook_is_summed_up_in_one_sentence(self, hook: str) -> None:
        [row] = [line for line in reference().splitlines() if line.startswith(f"| [`{hook}`]")]
        sentence = row.split(" | ")[1].removesuffix(" |")

        assert sentence.endswith(".")
        assert ". " not in sentence
