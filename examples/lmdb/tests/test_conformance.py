"""The suite that every backend passes, over ours."""

from qless_flask.testing.conformance import *  # noqa: F403
