"""What the manners add to the web page: the hosts of a namespace, and on each job how its host does."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from qless_flask.hookspecs import JobPanel, PageAction, PluginPage, Space, hookimpl
from qless_flask.models import ENDED, Job, NewJob, Tag
from qless_polite.by_host import host_of

TAG = "host:"
"""How the tags begin that `house` puts on jobs."""


@hookimpl
def register_pages() -> Iterable[PluginPage]:
    """Add a page with all hosts."""
    return [PluginPage("hosts", "Hosts", list_hosts, action="tags")]


@hookimpl
def job_panels(namespace: Space, job: Job) -> Iterable[JobPanel]:
    """Add to a job of a host how that host does, and a button to ask it once more."""
    host = host_of(job.data or "{}")
    if host is None:
        return []
    [tag] = namespace.tags([f"{TAG}{host}"])
    told = f"{host} has {_alive(tag)} jobs to do, and {tag.states['failed']} have failed."

    def ask_once_more(space: Space) -> str:
        [made] = space.put([NewJob(job.klass, job.data or "{}", queue=job.queue, priority=job.priority, tags=job.tags)])
        return f"{made.jid} asks {host} once more."

    return [JobPanel("Host", told, {"ask": PageAction("Ask once more", ask_once_more, action="put")})]


def list_hosts(namespace: Space) -> str:
    """List the hosts, those with the most to do first."""
    hosts = [tag for tag in namespace.tags(after=TAG) if tag.name.startswith(TAG)]
    if not hosts:
        return "No job here is of a host."
    row = Markup('<tr><th scope="row">{}</th><td class="number">{}</td><td class="number">{}</td></tr>')
    rows = Markup("").join(
        row.format(tag.name.removeprefix(TAG), _alive(tag), tag.states["failed"])
        for tag in sorted(hosts, key=_alive, reverse=True)
    )
    head = Markup(
        '<tr><th scope="col">Host</th><th scope="col" class="number">To do</th>'
        '<th scope="col" class="number">Failed</th></tr>'
    )
    return Markup('<div class="table-box"><table><caption class="unseen">Hosts</caption>{}{}</table></div>').format(
        Markup("<thead>{}</thead>").format(head), Markup("<tbody>{}</tbody>").format(rows)
    )


def _alive(tag: Tag) -> int:
    return sum(count for state, count in tag.states.items() if state not in ENDED)
