"""Pages rendered, in an environment of our own: a host's filters, globals and templates do not mix with ours."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from flask import Response, request, url_for
from jinja2 import Environment, PackageLoader, StrictUndefined

from qless_flask.models import Identity
from qless_flask.web.access import known_identity
from qless_flask.web.assets import asset
from qless_flask.web.csrf import csrf_field
from qless_flask.web.current import current_service
from qless_flask.web.headers import PAGE


def page(template: str, status: int = 200, *, identity: Identity | None = None, **context: object) -> Response:
    """Answer with a page; `identity` is who looks at it, unless told: whoever sent this request."""
    identity = identity or known_identity()
    return _page(template, status, identity, context)


def bare_page(template: str, status: int, **context: object) -> Response:
    """Answer with a page that asks the store nothing, not even for the key that signs forms."""
    return _page(template, status, None, context)


def wants_page() -> bool:
    """Tell whether who asks would rather have a page than JSON; a browser does."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _page(template: str, status: int, identity: Identity | None, context: dict[str, Any]) -> Response:
    def may(action: str, namespace: str | None = None) -> bool:
        """Tell whether who looks may do something: what they may not is not offered."""
        return identity is not None and current_service().access.may(identity, action, namespace)

    text = _TEMPLATES.get_template(f"qless/{template}").render(identity=identity, may=may, **context)
    response = Response(text, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = PAGE
    # The same address answers with JSON to who asks for that.
    response.headers["Vary"] = "Accept, Cookie"
    return response


def _url(endpoint: str, **names: Any) -> str:
    """Tell the address of a view of this mount."""
    return url_for(f".{endpoint}", **names)


_TEMPLATES = Environment(
    loader=PackageLoader("qless_flask.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.globals.update(asset=asset, csrf_field=csrf_field, url=_url, version=version("qless-flask"))
