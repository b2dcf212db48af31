"""The namespace itself: the settings that it has for its queues, its policies, trackers and back-offs, and its end."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from qless_flask.errors import FieldErrors, Invalid, QlessError
from qless_flask.models import PLAN_NAMES, Erased, NamespaceSettings
from qless_flask.models.queues import setting_message
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of, go
from qless_flask.web.pages.messages import leave
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.setting_fields import read_settings, setting_fields
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import current_namespace, perform

views = PageViews("/namespaces/<namespace>")

ERASE_SECONDS = 0.5
"""How long one request erases."""


@views.get("/settings", "settings")
def settings_page() -> Response:
    """Show the settings."""
    return _show()


@views.post("/settings/configure", "configure_namespace")
def configure_namespace_form() -> Response:
    """Set settings of the namespace, and give up others."""

    def configure() -> None:
        own = perform("settings").own
        changes, inherit = read_settings(request.form, own)
        plans, given_up = _read_plans(request.form)
        perform("configure_namespace", changes={**changes, **plans}, inherit=[*inherit, *given_up])

    return act(
        configure,
        back=address_of("settings_page"),
        said="These settings hold from now on.",
        again=lambda error: _show(error, request.form),
    )


@views.post("/settings/freeze", "freeze")
def freeze_form() -> Response:
    """Make the namespace read-only or, with `on` as `no`, let it be written again."""
    on = request.form.get("on") != "no"
    return act(
        lambda: perform("freeze", on=on),
        back=address_of("settings_page"),
        said="It is frozen: nothing is written until it is thawed." if on else "It is thawed.",
        again=_show,
    )


@views.post("/settings/erase", "erase")
def erase_form() -> Response:
    """Delete the namespace, for half a second; then tell how far that is, and where to go on."""
    name, typed = current_namespace().name, request.form.get("confirm", "").strip()
    try:
        if typed != name:
            raise Invalid.of({"confirm": [f"type {name} to erase it"]})
        step = _erase(typed, request.form.get("cursor") or None)
    except Invalid as error:
        return _show(error)
    if step.next is not None:
        return page("erasing.html", confirm=typed, cursor=step.next, deleted=_so_far() + step.deleted)
    response = go(address_of("home"))
    leave(response, f"The namespace {name} is erased.")
    return response


def _show(error: QlessError | None = None, typed: Mapping[str, str] | None = None) -> Response:
    told: NamespaceSettings = perform("settings")
    said = error.fields if error is not None and typed is not None else None
    return page(
        "settings.html",
        200 if error is None else error.status,
        fields=setting_fields(told.settings, told.own, typed, said),
        plans=[_plan(name, told, typed, said or {}) for name in PLAN_NAMES],
        frozen=told.frozen,
        error=error,
    )


def _plan(name: str, told: NamespaceSettings, typed: Mapping[str, str] | None, said: FieldErrors) -> dict[str, Any]:
    message = setting_message(getattr(told, name))
    shown = json.dumps(message, indent=2, ensure_ascii=False) if message else ""
    wrong = [
        f"{field.removeprefix(name).lstrip('.')} {', '.join(texts)}".strip()
        for field, texts in said.items()
        if field.split(".")[0] == name
    ]
    return {"name": name, "value": shown if typed is None else typed.get(name, ""), "shown": shown, "said": wrong}


def _read_plans(form: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Read those that are typed, and name those that are left empty. Raise Invalid for what is no JSON."""
    plans: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    for name in PLAN_NAMES:
        text = form.get(name, "").strip()
        if text:
            try:
                plans[name] = json.loads(text)
            except (ValueError, RecursionError) as error:
                faults[name] = [f"is not JSON: {error}"]
    if faults:
        raise Invalid.of(faults)
    return plans, [name for name in PLAN_NAMES if name in form and name not in plans]


def _erase(confirm: str, cursor: str | None) -> Erased:
    until, deleted = time.monotonic() + ERASE_SECONDS, 0
    while True:
        step: Erased = perform("erase", confirm=confirm, cursor=cursor)
        deleted, cursor = deleted + step.deleted, step.next
        if cursor is None or time.monotonic() > until:
            return Erased(deleted, cursor)


def _so_far() -> int:
    told = request.form.get("deleted", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else 0
