"""`qless-flask serve` where others can reach it: only with a token, over TLS, behind proxies, by its own name."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from test_cli_serve import Server, served

from qless_flask.backends import open_backend
from qless_flask.backends.tokens import Tokens
from qless_flask.cli import main
from qless_flask.web import create_app

NAMESPACES = "/api/v1/namespaces"
OPEN = "from qless_flask.hookspecs import hookimpl\n@hookimpl\ndef authenticate(request): ...\n"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'qless.db'}"


def make_token(url: str) -> str:
    with open_backend(url) as backend:
        return Tokens(backend).create("admin", ["*"]).text


def type_serve(*options: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env=env).invoke(main, ["serve", *options])


def status(server: Server, bearer: str | None = None) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{NAMESPACES}")
    if bearer:
        request.add_header("Authorization", f"Bearer {bearer}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


class TestReach:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "0"])
    def test_no_address_that_others_reach_without_a_token(self, url: str, host: str) -> None:
        result = type_serve("--host", host, "--url", url)

        assert result.exit_code == 1
        assert f"Error: {host} may be reached from other machines" in result.stderr
        assert f"token create --role admin --namespace '*' --url {url}\n" in result.stderr

    def test_the_command_that_makes_one_needs_no_url_that_the_environment_says(self, url: str) -> None:
        result = type_serve("--host", "0.0.0.0", env={"QLESS_URL": url})

        assert result.stderr.endswith("token create --role admin --namespace '*'\n")

    def test_with_a_token_it_serves_and_asks_whatever_becomes_of_the_token(self, url: str) -> None:
        token = make_token(url)
        with served(url, "--host", "0.0.0.0", "--processes", "1", "--threads", "8") as server:
            before = (status(server), status(server, token))
            with open_backend(url) as backend:
                Tokens(backend).reset()
            # A process goes by what it read of the tokens for half a second.
            while (after := (status(server), status(server, token))) == before:
                pass
            server.process.terminate()
            _, complaints = server.process.communicate(timeout=20)

        assert (before, after) == ((401, 200), (401, 401))
        assert "Warning: tokens can be read on their way: give a --certificate, or let a proxy do it.\n" in complaints

    def test_a_plugin_that_says_who_somebody_is_will_do(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "asking.py").write_text(OPEN)
        monkeypatch.chdir(tmp_path)

        with served(url, "--host", "0.0.0.0", "--processes", "1", "--threads", "8", "--plugin", "asking") as server:
            assert status(server) == 401

    def test_a_store_that_is_down_cannot_say_whether_there_is_one(self) -> None:
        result = type_serve("--host", "0.0.0.0", "--url", "redis://ann:SECRET@127.0.0.1:1")

        assert result.exit_code == 1
        assert "the store does not say whether there is" in result.stderr
        assert "SECRET" not in result.output

    def test_a_server_elsewhere_has_the_tokens(self) -> None:
        result = type_serve("--host", "0.0.0.0", "--url", "http://ann:SECRET@127.0.0.1:1")

        assert result.exit_code == 1
        assert "http://ann:********@127.0.0.1:1 is a server that has the tokens" in result.stderr

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
    def test_this_machine_alone_needs_none(self, url: str, host: str) -> None:
        with served(url, "--host", host, "--processes", "1", "--threads", "8") as server:
            assert status(server) == 200

    @pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
    def test_an_address_that_is_none_of_this_machines_is_told(self, url: str, host: str) -> None:
        make_token(url)

        result = type_serve("--host", host, "--url", url)

        assert result.exit_code == 1
        assert f"Error: cannot listen at {host}" in result.stderr


class TestLimits:
    def test_more_requests_than_it_was_told_are_refused(self, url: str) -> None:
        with served(url, "--requests-per-second", "0.01", "--processes", "1", "--threads", "8") as server:
            assert [status(server), status(server)] == [200, 429]


Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class TestCertificate:
    @pytest.fixture
    def key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @pytest.fixture
    def files(self, tmp_path: Path, key: Key) -> tuple[Path, Path]:
        """A certificate of this machine, which signed itself, and its key."""
        return write(tmp_path / "chain.pem", certificate(key)), write(tmp_path / "key.pem", dump(key))

    @pytest.fixture
    def serves(self, url: str, files: tuple[Path, Path]) -> Iterator[Server]:
        path, key_path = files
        options = ("--certificate", str(path), "--private-key", str(key_path), "--processes", "1", "--threads", "8")
        with served(url, *options, trusted=path) as server:
            yield server

    def test_it_serves_https(self, serves: Server, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))

        with open_backend(f"https://127.0.0.1:{serves.port}") as backend:
            backend.ping()
            assert backend.namespaces() == []

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_from_tls_1_2_on(self, serves: Server, files: tuple[Path, Path], version: ssl.TLSVersion) -> None:
        context = ssl.create_default_context(cafile=str(files[0]))
        context.minimum_version = context.maximum_version = version

        with urllib.request.urlopen(f"https://127.0.0.1:{serves.port}/healthz", context=context) as answer:
            assert answer.status == 200

    def test_no_one_listens_in_clear(self, serves: Server) -> None:
        with socket.create_connection(("127.0.0.1", serves.port), 10) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")

            assert not connection.recv(5).startswith(b"HTTP")

    @pytest.mark.parametrize("given", ["--certificate", "--private-key"])
    def test_one_without_the_other_is_asked_for_wrongly(self, given: str) -> None:
        result = type_serve(given, "some.pem")

        assert result.exit_code == 2
        assert "go together" in result.stderr

    @pytest.mark.parametrize(
        ("make", "told"),
        [
            (lambda _: dump(ec.generate_private_key(ec.SECP256R1())), "is not that of the certificate"),
            (lambda _: dump(rsa.generate_private_key(65537, 2048)), "is not that of the certificate"),
            (lambda key: dump(key, b"secret"), "is encrypted, which granian cannot read"),
            (
                lambda key: dump(key, b"secret", serialization.PrivateFormat.TraditionalOpenSSL),
                "is encrypted, which granian cannot read",
            ),
            (lambda _: b"no key at all", "has no line with PRIVATE KEY-----: it must be PEM"),
            (lambda _: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is broken"),
            (lambda _: b"\xff\xfe", "it must be PEM"),
        ],
        ids=["another", "of another kind", "encrypted", "encrypted long ago", "none", "broken", "bytes"],
    )
    def test_a_key_that_will_not_do_is_told_before_anything_is_served(
        self, url: str, files: tuple[Path, Path], key: Key, make: Callable[[Key], bytes], told: str
    ) -> None:
        path, key_path = files
        key_path.write_bytes(make(key))

        result = type_serve("--url", url, "--certificate", str(path), "--private-key", str(key_path))

        assert result.exit_code == 1
        assert told in result.stderr
        assert "Serving" not in result.stdout

    def test_a_file_that_is_not_there_is_named(self, url: str, files: tuple[Path, Path]) -> None:
        result = type_serve("--url", url, "--certificate", str(files[0]), "--private-key", "nowhere.pem")

        assert result.stderr == "Error: --private-key nowhere.pem cannot be read: No such file or directory\n"


def certificate(key: Key) -> bytes:
    """Let a key sign that it is this machine's."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def dump(
    key: Key,
    password: bytes | None = None,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


class TestHosts:
    """While nobody is asked who they are, a page elsewhere must not reach it by a name of its own."""

    def code(self, host: str, *names: str, token: bool = False, path: str = NAMESPACES) -> int:
        app = create_app("sqlite:////" + self.folder + "/jobs.db", host_names=names)
        if token:
            Tokens(app.extensions["qless_flask"].backend).create("admin", ["*"])
        answer = app.test_client().get(path, headers={"Host": host})
        app.extensions["qless_flask"].close()
        return answer.status_code

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(tmp_path)

    @pytest.mark.parametrize(
        "host",
        ["localhost", "LOCALHOST:5000", "localhost.", "a.localhost", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"],
    )
    def test_the_names_of_this_machine_are_answered(self, host: str) -> None:
        assert self.code(host) == 200

    @pytest.mark.parametrize(
        "host",
        ["evil.example.com", "localhost.example.com", "0.0.0.0:5000", "127.0.0.1.example.com", "[::2]", "10.0.0.1"],
    )
    def test_others_are_refused(self, host: str) -> None:
        assert self.code(host) == 403

    @pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/api/v1/namespaces/a/queues/b/jobs"])
    def test_whatever_is_asked_for(self, path: str) -> None:
        assert self.code("evil.example.com", path=path) == 403

    def test_a_name_that_was_given_is_answered(self) -> None:
        assert self.code("jobs.example.com:8080", "other", "Jobs.example.com") == 200

    def test_once_there_is_a_token_the_name_does_not_matter(self) -> None:
        assert self.code("jobs.example.com", token=True) == 401

    def test_an_app_of_ones_own_is_answered_by_any_name(self, tmp_path: Path) -> None:
        app = create_app(f"sqlite:///{tmp_path}/jobs.db")

        assert app.test_client().get(NAMESPACES, headers={"Host": "jobs.example.com"}).status_code == 200

    def test_a_store_that_is_down_is_told_to_none_but_its_own(self) -> None:
        client = create_app("redis://127.0.0.1:1", host_names=()).test_client()

        assert client.get("/healthz").status_code == 200
        assert client.get("/healthz", headers={"Host": "evil.example.com"}).status_code == 503

    def test_serve_says_why_and_what_to_do(self, url: str) -> None:
        with served(url, "--host-name", "jobs.example.com", "--processes", "1", "--threads", "8") as server:
            told = []
            for host in ("jobs.example.com", "evil.example.com"):
                request = urllib.request.Request(f"http://127.0.0.1:{server.port}{NAMESPACES}", headers={"Host": host})
                try:
                    with urllib.request.urlopen(request, timeout=10) as answer:
                        told.append((answer.status, ""))
                except urllib.error.HTTPError as error:
                    told.append((error.code, json.load(error)["detail"]))

        assert told[0] == (200, "")
        assert told[1][0] == 403
        assert "start it with --host-name evil.example.com" in told[1][1]


class TestProxies:
    FORWARDED = {
        "X-Forwarded-For": "9.9.9.9, 10.0.0.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "jobs.example.com",
        "X-Forwarded-Prefix": "/jobs",
    }

    def told(self, tmp_path: Path, proxies: int) -> tuple[str | None, str]:
        """Who sent a request that came through a proxy, and where to, as the server sees it."""
        app = create_app(f"sqlite:///{tmp_path}/jobs.db", proxies=proxies)
        seen: list[tuple[str | None, str]] = []

        def look() -> None:
            from flask import request

            seen.append((request.remote_addr, request.url_root))

        app.before_request(look)
        app.test_client().get("/healthz", headers=self.FORWARDED)
        return seen[0]

    def test_what_they_say_is_not_believed_unless_told(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, 0) == ("127.0.0.1", "http://localhost/")

    def test_the_last_is_believed_where_there_is_one(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, 1) == ("10.0.0.7", "https://jobs.example.com/jobs/")

    def test_one_fewer_than_was_told_is_not_believed(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, 3) == ("127.0.0.1", "http://localhost/")

    def test_serve_is_told_by_its_option(self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "whose.py").write_text(
            "from qless_flask.hookspecs import hookimpl\n@hookimpl\ndef authenticate(request):\n"
            "    open('seen', 'w').write(f'{request.remote_addr} {request.url}')\n"
        )
        monkeypatch.chdir(tmp_path)
        options = ("--proxies", "1", "--plugin", "whose", "--processes", "1", "--threads", "8")
        with served(url, *options) as server:
            request = urllib.request.Request(f"http://127.0.0.1:{server.port}{NAMESPACES}", headers=self.FORWARDED)
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(request, timeout=10)

        assert (tmp_path / "seen").read_text() == f"10.0.0.7 https://jobs.example.com/jobs{NAMESPACES}"
