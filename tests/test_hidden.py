"""What is shown of a URL that has a secret in it."""

from __future__ import annotations

import pytest

from qless_flask.backends import open_backend
from qless_flask.errors import Invalid, QlessError
from qless_flask.hidden import shown_host, shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///qless.db", "sqlite:///qless.db"),
        (
            "sqlite:////home/ann@corp/qless.db?synchronous=normal",
            "sqlite:////home/ann@corp/qless.db?synchronous=normal",
        ),
        ("redis://localhost:6380/0", "redis://localhost:6380/0"),
        ("redis://ann:SECRET@localhost/0", "redis://ann:********@localhost/0"),
        ("redis://:SECRET@localhost/0", "redis://:********@localhost/0"),
        ("redis://SECRET@localhost/0", "redis://********@localhost/0"),
        ("redis://ann:SEC:RET@localhost/0", "redis://ann:********@localhost/0"),
        ("redis+cluster://ann:SECRET@one:1,two:2/", "redis+cluster://ann:********@one:1,two:2/"),
        ("redis+sentinel://ann:SECRET@one:1,ann:SECRET@two:2/main/0", "redis+sentinel://ann:********@two:2/main/0"),
        ("redis://localhost/0?db=1&password=SECRET", "redis://localhost/0?db=1&password=********"),
        ("https://localhost/mount?Access_Token=SECRET", "https://localhost/mount?Access_Token=********"),
        ("unix://:SECRET@/run/redis.sock?db=0", "unix://:********@/run/redis.sock?db=0"),
    ],
)
def test_the_url_of_a_store_is_shown_without_the_secrets_in_it(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize("mark", list("@/?#:[]\\& ℀"))
@pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+cluster", "redis+sentinel", "http", "strange"])
def test_a_password_that_was_not_encoded_is_shown_in_no_part(scheme: str, mark: str) -> None:
    url = f"{scheme}://ann:SEC{mark}RET@localhost:1/main"

    told = [shown_url(url)]

    # Some can be opened, but then nobody is there.
    try:
        open_backend(url).close()
    except QlessError as error:
        told += [str(error), repr(error.__cause__)]

    assert not [each for each in told if "SEC" in each or "RET" in each]


@pytest.mark.parametrize("url", ["redis+cluster://one:port", "redis://one:99999", "redis+sentinel://:1/main"])
def test_a_host_or_port_that_can_be_none_is_said(url: str) -> None:
    with pytest.raises(Invalid, match="names no host, or no port that can be"):
        open_backend(url)


def test_no_slash_at_all_shows_no_password_either() -> None:
    assert shown_url("ann:SECRET@localhost") == "ann:********@localhost"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/hook/SECRET", "https://example.com/********"),
        ("https://example.com:8443?key=SECRET", "https://example.com:8443/********"),
        ("https://ann:SECRET@example.com", "https://example.com/********"),
        ("https://example.com#SECRET", "https://example.com/********"),
        ("https://example.com/", "https://example.com/"),
        ("https://[::1]:80", "https://[::1]:80"),
    ],
)
def test_of_the_url_of_a_webhook_only_the_host_is_shown(url: str, shown: str) -> None:
    assert shown_host(url) == shown
