"""The views of pages: guarded as those of the API are, but their errors are pages, and their POSTs come from forms."""

from __future__ import annotations

import functools
from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from qless_flask.errors import TooLarge
from qless_flask.web.csrf import check_form
from qless_flask.web.current import current_service
from qless_flask.web.guard import PUBLIC
from qless_flask.web.pages.problems import refuse_on_page
from qless_flask.web.views import View, Views

MOST_OF_STRANGERS = 64 << 10
"""How many bytes a form may have that anybody may send: to read a megabyte of tiny fields takes a third of a second."""


class PageViews(Views):
    """The views of one page, at addresses below the mount."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__(prefix, refuse_on_page)

    def post(self, rule: str, action: str) -> Callable[[View], View]:
        """Answer a form that is sent to an address, for those who may do the action; it needs `csrf_field()`."""
        remember = super().post(rule, action)

        def remember_checked(view: View) -> View:
            @functools.wraps(view)
            def checked() -> Response:
                _read_form(public=action == PUBLIC)
                check_form()
                return view()

            remember(checked)
            return view

        return remember_checked


def _read_form(*, public: bool) -> None:
    """Read the form into `request.form`. Raise TooLarge where it has more bytes than it may have."""
    limit = current_service().settings.max_body_bytes
    if public:
        limit = min(limit, MOST_OF_STRANGERS)
    request.max_content_length = request.max_form_memory_size = limit
    try:
        request.form  # noqa: B018 - it is parsed when first looked at
    except RequestEntityTooLarge as error:
        raise TooLarge(f"the form may have {limit:,} bytes: send less at once") from error
