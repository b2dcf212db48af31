"""The pages there are: each of these modules has `views`."""

from __future__ import annotations

from qless_flask.web.pages import (
    change_jobs,
    events,
    failures,
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
    plugins,
    queues,
    recurrence_edit,
    recurrences,
    settings,
    stats,
    tags,
    workers,
)

PAGES = (
    *(home, login, overview, queues, jobs, change_jobs, new_job, job, job_actions, job_edit, stats),
    *(failures, workers, tags, recurrences, recurrence_edit, events, settings, plugins, plugin_pages, live),
)
