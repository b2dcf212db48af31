"""The namespace policies that are built in."""

from __future__ import annotations

from qless_flask.hookspecs import Policy, hookimpl
from qless_flask.plugins.policies.allow_list import AllowList
from qless_flask.plugins.policies.defaults import Defaults
from qless_flask.plugins.policies.json_schema import JSONSchema
from qless_flask.plugins.policies.quota import Quota


@hookimpl
def namespace_policies() -> dict[str, type[Policy]]:
    """Offer them."""
    return {"allow_list": AllowList, "json_schema": JSONSchema, "defaults": Defaults, "quota": Quota}
