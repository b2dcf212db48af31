"""The web page shows the hosts, and on each job how its host does."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from qless_polite import pages
from qless_polite.house import House

from qless_flask.models import NewJob
from qless_flask.testing import create_test_app

HERE = "/namespaces/shop"
HTML = {"Accept": "text/html"}


@pytest.fixture
def browser() -> FlaskClient:
    """A browser at a server with the plugins, and with jobs of two hosts."""
    app = create_test_app([House(), pages])
    urls = ["http://a.example/1", "http://a.example/2", "http://b.example/<i>"]
    jobs = [NewJob("Crawl", f'{{"url":"{url}"}}', queue="fetch", jid=f"job-{n}") for n, url in enumerate(urls)]
    namespace = app.extensions["qless_flask"].namespace("shop")
    namespace.put([*jobs, NewJob("Mail", queue="mail", jid="mail")])
    return app.test_client()


def test_the_hosts_are_listed_with_what_they_have_to_do(browser: FlaskClient) -> None:
    text = browser.get(f"{HERE}/plugins/hosts", headers=HTML).text

    assert re.findall(r'<th scope="row">(.*?)</th><td class="number">(\d+)', text) == [
        ("a.example", "2"),
        ("b.example", "1"),
    ]


def test_a_job_tells_how_its_host_does(browser: FlaskClient) -> None:
    text = browser.get(f"{HERE}/jobs/job-0", headers=HTML).text

    assert "a.example has 2 jobs to do, and 0 have failed." in text
    assert "jobs to do" not in browser.get(f"{HERE}/jobs/mail", headers=HTML).text


def test_a_host_is_asked_once_more(browser: FlaskClient) -> None:
    page = browser.get(f"{HERE}/jobs/job-0", headers=HTML).text
    [(address, token)] = re.findall(r'action="([^"]*/panels/[^"]*)".*?name="csrf" value="([^"]*)"', page, re.DOTALL)

    answer = browser.post(address, data={"csrf": token}, headers=HTML)

    assert answer.status_code == 303
    assert "asks a.example once more." in browser.get(f"{HERE}/jobs/job-0", headers=HTML).text
    assert "a.example has 3 jobs to do" in browser.get(f"{HERE}/jobs/job-0", headers=HTML).text
