"""What plugins add to the pages: pages of their own, and panels on the page of a job, each with buttons."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from qless_flask.errors import Forbidden, NotFound, PluginError, QlessError
from qless_flask.hookspecs import JobPanel, PageAction, PluginPage, Space
from qless_flask.models import LEAST_ROLES, Job
from qless_flask.plugins import Plugins
from qless_flask.plugins.call import BROKEN, Call
from qless_flask.web.access import known_identity
from qless_flask.web.audit import note
from qless_flask.web.current import current_service

T = TypeVar("T")

_PATH = re.compile(r"[a-z0-9-]{1,64}")

logger = logging.getLogger("qless_flask.plugins")


@dataclass(frozen=True, slots=True)
class OfferedPage:
    """A page, and the plugin that it is of."""

    call: Call
    page: PluginPage


@dataclass(frozen=True, slots=True)
class OfferedPanel:
    """A panel, and which of which plugin's it is; without a title it could not be made."""

    plugin: str
    number: int
    panel: JobPanel | None


def find_pages(plugins: Plugins) -> dict[str, OfferedPage]:
    """Ask the plugins for their pages, by path; of two with one path that counts which is asked first."""
    found: dict[str, OfferedPage] = {}
    for call in plugins.calls("register_pages"):
        try:
            pages = _answers(call, PluginPage)
        except BROKEN:
            logger.exception("plugin %s failed in register_pages", call.plugin)
            continue
        for each in pages:
            if not _PATH.fullmatch(each.path) or not _are_right(each.action, each.actions):
                logger.error("plugin %s: page %r is left out: its path, or an action, is none", call.plugin, each.path)
                continue
            found.setdefault(each.path, OfferedPage(call, each))
    return found


def find_panels(plugins: Plugins, space: Space, job: Job) -> Iterator[OfferedPanel]:
    """Ask the plugins for their panels on a job; one that fails has none, and the page is shown all the same."""
    for call in plugins.calls("job_panels"):
        try:
            panels = _answers(call, JobPanel, namespace=space, job=job)
        except BROKEN:
            logger.exception("plugin %s failed in job_panels", call.plugin)
            yield OfferedPanel(call.plugin, 0, None)
            continue
        for number, panel in enumerate(panels):
            if _are_right("get", panel.actions):
                yield OfferedPanel(call.plugin, number, panel)


def allowed(namespace: str, actions: Mapping[str, PageAction]) -> dict[str, PageAction]:
    """Pick the buttons that whoever looks may press."""
    return {name: each for name, each in actions.items() if may(each.action, namespace)}


def may(action: str, namespace: str) -> bool:
    """Tell whether whoever looks may do something."""
    identity = known_identity()
    return identity is not None and current_service().access.may(identity, action, namespace)


def do(plugin: str, actions: Mapping[str, PageAction], name: str, space: Space) -> str:
    """Press a button, and tell what is told. Raise NotFound, Forbidden, what it raises of ours, or PluginError."""
    action = actions.get(name)
    if action is None:
        raise NotFound(f"plugin {plugin} has no such button", subject=name)
    if not may(action.action, space.name):
        raise Forbidden.about(action.action)
    try:
        told = str(action.do(space))
    except QlessError:
        raise
    except BROKEN as error:
        logger.exception("plugin %s failed in %s", plugin, name)
        raise PluginError(f"plugin {plugin} failed in {name}: {type(error).__name__}", subject=plugin) from error
    # What it did is the plugin's to know: its space is no operation of whoever presses.
    note(action.action, space.name, {"plugin": plugin, "button": name})
    return told


def body_of(offered: OfferedPage, space: Space) -> str:
    """Ask a page what stands on it. Raise PluginError if it cannot say."""
    try:
        return offered.page.body(space)
    except QlessError:
        raise
    except BROKEN as error:
        plugin = offered.call.plugin
        logger.exception("plugin %s failed in page %s", plugin, offered.page.path)
        raise PluginError(f"plugin {plugin} failed to show {offered.page.path}", subject=plugin) from error


def _answers(call: Call, kind: type[T], **arguments: Any) -> list[T]:
    answer = call(**arguments)
    found = list(answer) if answer is not None else []
    for each in found:
        if not isinstance(each, kind):
            raise call.misfit(each)
    return found


def _are_right(action: str, actions: Mapping[str, PageAction]) -> bool:
    """Tell whether all actions are some of the table, and the names of buttons can stand in an address."""
    named = all(_PATH.fullmatch(name) for name in actions)
    return named and {action, *(each.action for each in actions.values())} <= LEAST_ROLES.keys()
