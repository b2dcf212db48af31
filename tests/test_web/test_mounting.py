"""Mounted in somebody else's app it keeps to its own addresses, and leaves everything else alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from flask import Blueprint, Flask, Response, abort, jsonify, request

from qless_flask.errors import Invalid
from qless_flask.settings import Settings
from qless_flask.web import QlessFlask, create_app, create_blueprint

from .conftest import Api


def url_of(path: Path, name: str) -> str:
    return f"sqlite:///{path}/{name}.db?synchronous=off"


def api_at(app: Flask, mount: str) -> Api:
    return Api(app.test_client(), f"{mount}/api/v1/namespaces/crawl/")


@pytest.fixture
def host() -> Flask:
    """An app with ways of its own."""
    app = Flask("host")

    @app.get("/")
    def home() -> str:
        return "the host's home"

    @app.errorhandler(404)
    def lost(error: Exception) -> tuple[str, int]:
        return "the host's 404", 404

    @app.errorhandler(Exception)
    def broken(error: Exception) -> tuple[str, int]:
        return "the host's 500", 500

    return app


def test_it_is_mounted_under_its_name(host: Flask, tmp_path: Path) -> None:
    QlessFlask(host, url=url_of(tmp_path, "a"))

    api_at(host, "/qless").put("one")

    assert api_at(host, "/qless").told("GET jobs/one")["jid"] == "one"


@pytest.mark.parametrize("prefix", ["/queue", "/deep/er/", "/"])
def test_any_prefix_will_do(tmp_path: Path, prefix: str) -> None:
    app = Flask("host")
    QlessFlask(app, url=url_of(tmp_path, "a"), url_prefix=prefix)
    mount = prefix.rstrip("/")

    answer = api_at(app, mount)("POST queues/fetch/jobs", {"klass": "Crawl", "jid": "one"})

    assert answer.headers["Location"] == f"{mount}/api/v1/namespaces/crawl/jobs/one"
    assert Api(app.test_client()).told(f"GET {mount}/healthz") == {"status": "ok"}
    assert api_at(app, mount).problem("GET nope")["code"] == "NOT_FOUND"


def test_a_server_below_a_path_of_its_own_is_told_in_locations(tmp_path: Path) -> None:
    app = create_app(url_of(tmp_path, "a"))

    answer = app.test_client().post(
        "/api/v1/namespaces/crawl/queues/fetch/jobs",
        json={"klass": "Crawl", "jid": "one"},
        environ_overrides={"SCRIPT_NAME": "/behind/a/proxy"},
    )

    assert answer.headers["Location"] == "/behind/a/proxy/api/v1/namespaces/crawl/jobs/one"


def test_init_app_mounts_later(host: Flask, tmp_path: Path) -> None:
    qless = QlessFlask(url=url_of(tmp_path, "a"))

    qless.init_app(host, url_prefix="/later")

    assert api_at(host, "/later").told("GET queues") == {"queues": []}


def test_several_in_one_app_have_stores_of_their_own(host: Flask, tmp_path: Path) -> None:
    QlessFlask(host, url=url_of(tmp_path, "a"))
    QlessFlask(host, url=url_of(tmp_path, "b"), name="other")

    api_at(host, "/qless").put("one")

    assert api_at(host, "/qless").told("GET jobs/one")["jid"] == "one"
    assert api_at(host, "/other").problem("GET jobs/one")["code"] == "JOB_NOT_FOUND"


def test_the_blueprint_can_be_registered_by_hand_and_nested(host: Flask, tmp_path: Path) -> None:
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(create_blueprint(url=url_of(tmp_path, "a")), url_prefix="/inner")
    host.register_blueprint(outer)

    api_at(host, "/outer/inner").put("one")

    assert api_at(host, "/outer/inner").told("GET jobs/one")["jid"] == "one"


def test_one_blueprint_twice_in_one_app_shares_its_store(host: Flask, tmp_path: Path) -> None:
    blueprint = create_blueprint(url=url_of(tmp_path, "a"))
    host.register_blueprint(blueprint)
    host.register_blueprint(blueprint, name="again", url_prefix="/again")

    api_at(host, "/qless").put("one")

    assert api_at(host, "/again").told("GET jobs/one")["jid"] == "one"


class TestTheHost:
    def test_its_pages_and_its_errors_stay_its_own(self, host: Flask, tmp_path: Path) -> None:
        QlessFlask(host, url=url_of(tmp_path, "a"))
        client = host.test_client()

        assert client.get("/").text == "the host's home"
        assert client.get("/nope").text == "the host's 404"

    @pytest.mark.parametrize(
        ("call", "code"),
        [
            ("GET jobs/none", "JOB_NOT_FOUND"),
            ("GET nope", "NOT_FOUND"),
            ("PUT queues", "METHOD_NOT_ALLOWED"),
            ("POST pop", "INVALID"),
        ],
    )
    def test_its_error_handlers_do_not_answer_for_ours(self, host: Flask, tmp_path: Path, call: str, code: str) -> None:
        QlessFlask(host, url=url_of(tmp_path, "a"))

        assert api_at(host, "/qless").problem(call)["code"] == code

    def test_a_body_too_large_is_ours_to_refuse(self, host: Flask, tmp_path: Path) -> None:
        QlessFlask(host, url=url_of(tmp_path, "a"), settings=Settings(max_body_bytes=100))

        problem = api_at(host, "/qless").problem("POST pop", {"worker": "x" * 100})

        assert problem["code"] == "TOO_LARGE"

    def test_what_its_own_hooks_refuse_it_answers_itself(self, host: Flask, tmp_path: Path) -> None:
        QlessFlask(host, url=url_of(tmp_path, "a"))

        @host.before_request
        def nobody() -> None:
            abort(404)

        assert host.test_client().get("/qless/healthz").text == "the host's 404"

    def test_nothing_of_it_is_changed(self, host: Flask, tmp_path: Path) -> None:
        def shown() -> tuple[object, ...]:
            handlers = {name: dict(spec) for name, spec in host.error_handler_spec.items() if name is None}
            hooks = [host.before_request_funcs, host.after_request_funcs, host.teardown_request_funcs]
            return (
                handlers,
                [str(hook) for hook in hooks],
                dict(host.config),
                dict(host.url_map.converters),
                host.json,
                host.logger.handlers,
                host.url_map.merge_slashes,
                host.url_map.strict_slashes,
                host.jinja_env.filters.keys(),
            )

        before = shown()
        QlessFlask(host, url=url_of(tmp_path, "a"))

        assert shown() == before

    def test_a_body_that_a_hook_of_its_own_has_read_is_there_still(self, host: Flask, tmp_path: Path) -> None:
        QlessFlask(host, url=url_of(tmp_path, "a"))
        seen: list[bytes] = []

        @host.before_request
        def note() -> None:
            seen.append(request.get_data())

        api_at(host, "/qless").put("one")

        assert json.loads(seen[0])["jid"] == "one"

    def test_its_own_json_stays_as_it_was(self, host: Flask, tmp_path: Path) -> None:
        QlessFlask(host, url=url_of(tmp_path, "a"))

        @host.get("/own")
        def own() -> Response:
            return jsonify(b=1, a=2)

        assert host.test_client().get("/own").json == {"a": 2, "b": 1}


class TestTheStore:
    def test_it_is_opened_when_first_needed(self, host: Flask, tmp_path: Path) -> None:
        QlessFlask(host, url=url_of(tmp_path, "a"))

        assert host.test_client().get("/qless/healthz").status_code == 200
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("url", ["shop.db", "ftp://localhost", "redis://localhost:port", "sqlite://"])
    def test_a_url_that_names_none_is_told_when_it_is_mounted(self, host: Flask, url: str) -> None:
        with pytest.raises(Invalid, match="url"):
            QlessFlask(host, url=url)
        with pytest.raises(Invalid, match="url"):
            create_blueprint(settings=Settings(url=url))

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1", "sqlite:////no/where.db"])
    def test_one_that_is_down_keeps_no_app_from_starting(self, host: Flask, url: str) -> None:
        QlessFlask(host, url=url)

        assert host.test_client().get("/qless/readyz").status_code == 503

    def test_it_is_at_hand_in_python(self, host: Flask, tmp_path: Path) -> None:
        qless = QlessFlask(host, url=url_of(tmp_path, "a"))
        api_at(host, "/qless").put("one")

        [job] = qless.namespace("crawl").get(["one"])

        assert job is not None
        qless.close()

    def test_a_forked_process_opens_its_own(self, tmp_path: Path) -> None:
        qless = QlessFlask(url=url_of(tmp_path, "a"))
        parents = qless.backend

        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, b"same" if qless.backend is parents else b"own")
            os._exit(0)
        os.waitpid(child, 0)

        assert os.read(reader, 10) == b"own"
        assert qless.backend is parents
        qless.close()

    def test_settings_out_of_bounds_are_refused(self) -> None:
        with pytest.raises(Invalid) as caught:
            Settings(max_body_bytes=0, max_waits=-1)

        assert set(caught.value.fields) == {"max_body_bytes", "max_waits"}
