"""A server of ours as a store: the contract, spoken over HTTP."""

from __future__ import annotations

from qless_flask.backends.http.engine import HTTPBackend

__all__ = ["HTTPBackend"]
