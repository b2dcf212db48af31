"""The three stages of the crawl, fetch → parse → index, performed by one klass as its jobs go through the pipeline.

A job carries its page along in its data, so that any worker of any machine can take it up where the last one fell.
Each stage may run twice, and then leaves the same behind: links are put with `keep`, the index replaces.
"""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from itertools import islice
from pathlib import Path
from zlib import compress, decompress

from qless_flask.bounds import MAX_BATCH, MAX_PRIORITY
from qless_flask.client import FailJob, LeasedJob, ReleaseJob, RetryJob, job
from qless_flask.client.functions import current_client
from qless_flask.demo.index import Index
from qless_flask.demo.page import package_of, page_error, parse
from qless_flask.models import Backoff, NewJob

SITE = "QLESS_DEMO_SITE"
INDEX = "QLESS_DEMO_INDEX"
"""The environment of the demo's workers names the site and the index's file, which may be others at each run."""

FETCH_SECONDS = 30.0
RETRIES = 2
BACKOFF = Backoff("exponential", 0.25, jitter="none")
"""Short, so that nobody who watches waits for the pages that fail."""


def link_job(link: str, depth: int) -> NewJob:
    """Build the job of a page: found twice it is one job, and what is near the index goes first."""
    return page.new(
        {"depth": depth},
        jid=link,
        priority=-min(depth, MAX_PRIORITY),
        tags=(package_of(link),),
    )


@job("Page", queue="fetch", pipeline=("parse", "index"), retries=RETRIES, backoff=BACKOFF, if_exists="keep")
def page(job: LeasedJob) -> None:
    """Do for a page what the queue that its job is in stands for."""
    stage = {"fetch": fetch_page, "parse": parse_page, "index": index_page}.get(job.queue)
    if stage is None:
        raise FailJob("no such stage", f"a page goes through fetch, parse and index, never through {job.queue}")
    stage(job)


def fetch_page(job: LeasedJob) -> None:
    """Fetch the page; an error page is a failure, though its status says 200."""
    html = _fetch(_environment(SITE) + job.jid)
    error = page_error(html)
    if error is not None:
        raise RetryJob(error.message, group=error.group)
    job.complete(data={**job.data, "html": _pack(html)})


def parse_page(job: LeasedJob) -> None:
    """Take the page apart, and put a job for each page that it links to."""
    found = parse(_unpack(job.data["html"]))
    client = current_client.get()
    links = (link_job(link, job.data["depth"] + 1) for link in found.links)
    while batch := list(islice(links, MAX_BATCH)):
        client.put(batch)
    job.complete(
        data={
            "depth": job.data["depth"],
            "title": found.title,
            "links": len(found.links),
            "text": _pack(found.text),
        }
    )


def index_page(job: LeasedJob) -> None:
    """Add the page to the index; of its text only the index keeps it from now on."""
    Index(Path(_environment(INDEX))).add(job.jid, job.data["title"], _unpack(job.data["text"]))
    job.complete(data={name: value for name, value in job.data.items() if name != "text"})


def _fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:
            return str(answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        raise RetryJob(str(error), group=f"HTTP {error.code}", delay=1.0) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ConnectionRefusedError):
            # The site is not there, which is no fault of the page: the crawl waits for it.
            raise ReleaseJob(1.0) from error
        raise RetryJob(str(error), group=type(reason).__name__, delay=1.0) from error


def _environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise FailJob("not set up", f"{name} is not set: these jobs are run by the workers of qless-flask demo")
    return value


def _pack(text: str) -> str:
    # The longest page has 2.7 MB, which is more than a job's data may have; packed, it is a tenth of it.
    return b64encode(compress(text.encode(), 6)).decode()


def _unpack(packed: str) -> str:
    return decompress(b64decode(packed)).decode()
