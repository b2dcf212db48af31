"""The pages there are: each of these modules has `views`."""

from __future__ import annotations

from qless_flask.web.pages import (
    change_jobs,
    home,
    job,
    job_actions,
    job_edit,
    jobs,
    live,
    login,
    new_job,
    overview,
    plugin_pages,
    queues,
    stats,
)

PAGES = (
    *(home, login, overview, queues, jobs, change_jobs, new_job, job, job_actions, job_edit, stats),
    *(plugin_pages, live),
)
