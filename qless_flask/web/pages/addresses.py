"""Addresses of this mount: of its views with names in them, and whether one that a browser hands over is ours."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from flask import Response, current_app, redirect, request, url_for

from qless_flask.models import Filter
from qless_flask.web.pages.filters import write_filter

_STAND_IN = re.compile("~~([a-z]+)~~")


def address_of(endpoint: str, **names: Any) -> str:
    """Tell the address of a view of this mount, every name in it percent-encoded, `/` included.

    The namespace is that of the request, unless told. What the path has no place for stands in the query; None is left
    out.
    """
    expects = current_app.url_map.is_endpoint_expecting
    full_name = f"{request.blueprint}.{endpoint}"
    here = (request.view_args or {}).get("namespace")
    if here is not None and expects(full_name, "namespace"):
        names.setdefault("namespace", here)
    in_path = {name: str(value) for name, value in names.items() if expects(full_name, name)}
    # Werkzeug leaves slashes of names as they are, and a browser would go up at `a/../b`.
    address = url_for(f".{endpoint}", **{**names, **{name: f"~~{name}~~" for name in in_path}})
    # The query is left alone: what was put into a job may stand there, and look like a stand-in.
    path, mark, query = address.partition("?")
    return _STAND_IN.sub(lambda found: quote(in_path[found[1]], safe=""), path) + mark + query


def jobs_of(**wanted: Any) -> str:
    """Tell the address of the list of jobs that match, as in `jobs_of(queue="fetch", state="failed")`."""
    query = urlencode({"filter": write_filter(Filter(**wanted))}, quote_via=quote)
    return f"{address_of('overview_page')}jobs?{query}"


def is_ours(address: str) -> bool:
    """Tell whether an address is a local one below the mount, however a browser may read it."""
    if not address.isascii() or not address.isprintable() or "\\" in address or " " in address:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    # A browser takes `//host` for another host, and goes up at `..` and at `%2e%2e`.
    local = not parts.scheme and not parts.netloc and address.startswith(url_for(".home")) and address[:2] != "//"
    return local and ".." not in unquote(parts.path).split("/")


def go(address: str) -> Response:
    """Lead a browser to another page, which it asks for by GET."""
    response = redirect(address, 303)
    response.headers["Cache-Control"] = "no-store"
    assert isinstance(response, Response)
    return response
