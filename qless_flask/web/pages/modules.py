"""The pages there are: each of these modules has `views`."""

from __future__ import annotations

from qless_flask.web.pages import home, job, job_actions, job_edit, live, login, overview, queues

PAGES = (home, login, overview, queues, job, job_actions, job_edit, live)
