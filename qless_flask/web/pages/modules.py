"""The pages there are: each of these modules has `views`."""

from __future__ import annotations

from qless_flask.web.pages import home, live, login, overview, queues

PAGES = (home, login, overview, queues, live)
