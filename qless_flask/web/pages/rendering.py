"""Pages rendered, in an environment of our own: a host's filters, globals and templates do not mix with ours."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from flask import Response, render_template, request
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from qless_flask.models import Identity
from qless_flask.web.access import known_identity
from qless_flask.web.assets import asset
from qless_flask.web.csrf import csrf_field
from qless_flask.web.current import current_service
from qless_flask.web.headers import FRAMED, PAGE
from qless_flask.web.pages import messages, shown
from qless_flask.web.pages.addresses import address_of, jobs_of
from qless_flask.web.pages.navigation import May, navigation


def page(template: str, status: int = 200, *, identity: Identity | None = None, **context: object) -> Response:
    """Answer with a page; `identity` is who looks at it, unless told: whoever sent this request."""
    identity = identity or known_identity()

    def may(action: str, namespace: str | None = None) -> bool:
        """Tell whether who looks may do something: what they may not is not offered."""
        return identity is not None and current_service().access.may(identity, action, namespace)

    names = current_service().seen_namespaces() if known_identity() else []
    message = messages.left()
    response = _page(template, status, {"identity": identity, "message": message, **context}, may, names)
    if message is not None:
        messages.forget(response)
    return response


def bare_page(template: str, status: int, **context: object) -> Response:
    """Answer with a page that asks the store nothing, not even for the key that signs forms, nor who may do what."""
    return _page(template, status, {"identity": None, "message": None, **context}, lambda *_: False, ())


def wants_page() -> bool:
    """Tell whether who asks would rather have a page than JSON; a browser does."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _page(template: str, status: int, context: dict[str, Any], may: May, namespaces: Sequence[str]) -> Response:
    navigated = navigation(may, namespaces)
    ours = _TEMPLATES.get_template(f"qless/{template}")
    frame = current_service().host.frame
    told = {"may": may, "navigation": navigated, "only": None, **context}
    text = ours.render(told) if frame is None else _framed(frame, ours, told)
    response = Response(text, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = PAGE if frame is None else FRAMED
    # The same address answers with JSON to who asks for that.
    response.headers["Vary"] = "Accept, Cookie"
    return response


def _framed(frame: str, ours: Template, told: dict[str, Any]) -> str:
    """Render a page of ours in a template of the host's."""
    # A template that extends another knows the blocks of both only once it is rendered: base.html renders the parts.
    parts = {name: Markup(ours.render({**told, "only": name})) for name in ("title", "head", "body")}
    return render_template(frame, **{f"qless_{name}": part for name, part in parts.items()})


_TEMPLATES = Environment(
    loader=PackageLoader("qless_flask.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.globals.update(
    asset=asset, csrf_field=csrf_field, jobs_of=jobs_of, url=address_of, version=version("qless-flask")
)
_TEMPLATES.filters.update(
    number=shown.show_number, seconds=shown.show_seconds, time=shown.show_time, machine_time=shown.machine_time
)
