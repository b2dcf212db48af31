"""The one check of the API and of the pages: who asks, how often, and whether they may do that."""

from __future__ import annotations

from flask import request

from qless_flask.errors import Forbidden
from qless_flask.models import LEAST_ROLES, ROLES, Identity
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.web.access import LOOK, remember_identity
from qless_flask.web.current import current_service

PUBLIC = "public"
"""The action of an address that asks nobody who they are."""
KNOWN = "known"
"""That of one that whoever is known there may ask, such as what there is not."""
NAMED = "named"
"""That of the one whose path names the operation."""


def admit(action: str) -> None:
    """Let a request pass to its view. Raise Unauthenticated, RateLimited or Forbidden.

    Nothing else is looked at before: to a stranger every address answers the same, whatever is there.
    """
    if action == PUBLIC:
        return
    service = current_service()
    access = service.access
    identity = access.identify()
    remember_identity(identity)
    service.limits.check(identity)
    names = request.view_args or {}
    namespace = names.get("namespace")
    if action == NAMED:
        action = names["name"] if names["name"] in OPERATIONS else KNOWN
    if action == KNOWN:
        allowed = namespace is None or access.may(identity, LOOK, namespace)
    else:
        allowed = access.may(identity, action, namespace)
    if not allowed:
        raise Forbidden(_why_not(identity, action, namespace), subject=action)


def _why_not(identity: Identity, action: str, namespace: str | None) -> str:
    """Say what is missing; it tells nothing of what is there."""
    least = LEAST_ROLES.get(action)
    if identity.role is not None and least is not None and ROLES.index(identity.role) < ROLES.index(least):
        return f"you have the role {identity.role}, and this takes {least} ({action})"
    return f"you may not do this{'' if namespace is None else f' in namespace {namespace}'} ({action})"
