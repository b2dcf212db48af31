"""Plugins: the manager, and those that are built in, which use the same hooks as anyone's."""

from __future__ import annotations

from qless_flask.plugins.manager import Plugins

__all__ = ["Plugins"]
