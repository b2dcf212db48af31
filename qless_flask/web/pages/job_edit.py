"""The data of a job, to be changed, or to be put again with a job that is like it."""

from __future__ import annotations

from flask import Response, request

from qless_flask.errors import QlessError
from qless_flask.models import Changes, Job, Put
from qless_flask.web.outcomes import only
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.copies import again
from qless_flask.web.pages.job import find_job
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.shown import show_json, unshown_json
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

MOST_EDITED = 30_000
"""How many characters of data can be edited on a page."""


@views.get("/jobs/<path:jid>/edit", "put")
def edit_job_page() -> Response:
    """Show a job's data in a form."""
    return _edit(find_job())


@views.post("/jobs/<path:jid>/edit", "update")
def edit_job_form() -> Response:
    """Change the job's data."""
    job = find_job()

    def change() -> None:
        [outcome] = perform("update", jids=[job.jid], changes=Changes(data=unshown_json(_data())))
        only(outcome)

    return act(
        change,
        back=address_of("job_page", jid=job.jid),
        said="Its data is changed.",
        again=lambda error: _edit(job, error),
    )


@views.post("/jobs/<path:jid>/put-again", "put")
def put_job_again_form() -> Response:
    """Put a job like this one, with the data of the form if it has any."""
    job = find_job()

    def put() -> Put:
        [made] = perform("put", jobs=[again(job, unshown_json(_data()) or None)])
        assert isinstance(made, Put)
        return made

    return act(
        put,
        back=lambda made: address_of("job_page", jid=made.jid),
        said=lambda made: f"This is the new job, {made.jid}.",
        again=lambda error: _edit(job, error),
    )


def _edit(job: Job, error: QlessError | None = None) -> Response:
    shown = show_json(job.data or "{}", MOST_EDITED)
    assert shown is not None
    return page(
        "job_edit.html",
        200 if error is None else error.status,
        job=job,
        data=_data() if error is not None else shown.text,
        editable=shown.is_whole,
        most=MOST_EDITED,
        error=error,
    )


def _data() -> str:
    return request.form.get("data", "")
