"""The HTTP face: a blueprint, the Flask extension that mounts it, and an app that is nothing else."""

from __future__ import annotations

from qless_flask.web.app import create_app
from qless_flask.web.blueprint import create_blueprint
from qless_flask.web.extension import QlessFlask

__all__ = ["QlessFlask", "create_app", "create_blueprint"]
