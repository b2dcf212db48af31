"""Somebody with a browser, as far as it reads pages, keeps cookies and sends forms; scripts are for real browsers."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""What a browser accepts that opens a page."""
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor:
    """Opens pages of an app, and sends their forms; answers are werkzeug's, and redirects are not followed."""

    def __init__(self, app: Flask, mount: str = "", address: str = "127.0.0.1", site: str = "http://localhost") -> None:
        self.client: FlaskClient = app.test_client()
        self._mount = mount
        self._options = {"base_url": site, "environ_overrides": {"REMOTE_ADDR": address}}

    def open(self, path: str) -> TestResponse:
        """Open an address below the mount."""
        return self.client.get(self._mount + path, headers={"Accept": HTML}, **self._options)

    def send(self, path: str, page: str = "/login", headers: Any = None, **form: Any) -> TestResponse:
        """Send a form as it stands on a page."""
        return self.post(path, {"csrf": form_token(self.open(page)), **form}, headers)

    def post(self, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> TestResponse:
        """Send a form as it is given."""
        return self.client.post(
            self._mount + path, data=form, headers={"Accept": HTML, **(headers or {})}, **self._options
        )

    def log_in(self, token: str, next: str = "") -> TestResponse:
        """Log in."""
        return self.send("/login", token=token, next=next)

    def is_in(self) -> bool:
        """Tell whether the start page is shown, and not the login."""
        answer = self.open("/")
        assert answer.status_code in (200, 303), answer.text
        return answer.status_code == 200

    def cookie(self, purpose: str) -> str:
        """Tell the name of a cookie of ours that is kept."""
        [name] = {
            each.key for each in (self.client._cookies or {}).values() if each.key.startswith(f"qless_{purpose}_")
        }
        return name


def form_token(page: TestResponse) -> str:
    """Read the token off the form of a page."""
    found = CSRF.search(page.text)
    assert found is not None, page.text
    return found[1]
