"""Takes pictures of the pages: those that docs/pages.md shows, or of every page in each theme and width to look at.

python tests/browser/shots.py [--all FOLDER]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.scheduling import add_figures
from qless_flask.models import Complete, Fail, Lease, NewJob, Rate, Recurrence, Retry, Settlement
from qless_flask.models.scheduling import SchedulerFigures
from qless_flask.testing import ManualClock
from qless_flask.web import create_app

HERE = "/namespaces/shop/"
IMAGES = Path(__file__).parents[2] / "docs/images"
SHOWN = {
    "overview": (HERE, "light"),
    "jobs": (f"{HERE}jobs?filter=state:failed", "light"),
    "job": (f"{HERE}jobs/order-17", "dark"),
    "stats": (f"{HERE}stats?last=1h", "dark"),
}
ALL = (
    "/",
    "/login",
    "/plugins",
    HERE,
    *(
        f"{HERE}{path}"
        for path in [
            "queues",
            "queues/fetch",
            "jobs",
            "jobs?filter=state:failed",
            "jobs/order-17",
            "jobs/order-17/edit",
            "new-job",
            "change?filter=queue:mail&action=cancel",
            "failures",
            "failures/http-503",
            "workers",
            "workers/crawler-1",
            "recurrences",
            "tags",
            "tags/news",
            "tracked",
            "stats",
            "events",
            "settings",
            "jobs/nobody",
        ]
    ),
    "/namespaces/empty/",
    "/namespaces/empty/jobs",
)
WIDTHS, HEIGHT = (400, 1280, 2560), 800
MINUTES = 55
FAULT = """Traceback (most recent call last):
  File "crawl.py", line 41, in fetch
HTTPError: 503 Service Unavailable"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page, in each theme and width, into a folder")
    options = parser.parse_args()
    with _site() as address, sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        if options.all is None:
            IMAGES.mkdir(exist_ok=True)
            for name, (page, theme) in SHOWN.items():
                _shoot(browser, address + page, IMAGES / f"{name}.png", theme, 1280, whole=False)
        else:
            options.all.mkdir(parents=True, exist_ok=True)
            for number, page in enumerate(ALL):
                for theme in ("light", "dark"):
                    for width in WIDTHS:
                        name = f"{number:02}-{page.strip('/').replace('/', '-')[:40]}-{theme}-{width}.png"
                        _shoot(browser, address + page, options.all / name.replace("?", "-"), theme, width)
        browser.close()


def _shoot(browser: Browser, address: str, to: Path, theme: str, width: int, *, whole: bool = True) -> None:
    context = browser.new_context(
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": width, "height": HEIGHT},
        timezone_id="UTC",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(600)
    page.screenshot(path=to, full_page=whole)
    context.close()
    print(to)


@contextmanager
def _site() -> Iterator[str]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from browser.conftest import serving

    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        with open_backend(f"sqlite:///{folder}/jobs.db", clock=clock) as backend:
            _fill(backend, clock)
            with serving(create_app(backend=backend)) as site:
                yield site.at("").rstrip("/")


def _fill(backend: Backend, clock: ManualClock) -> None:
    """Let an hour of work go by, up to now, in which something goes wrong at the end."""
    clock.advance(time.time() - 60 * MINUTES - clock())
    draw = random.Random(7)
    shop = backend.namespace("shop")
    shop.configure("fetch", {"rate": Rate(100, 60), "key_concurrency": 2})
    shop.recur(Recurrence("Mail", queue="mail", id="daily-digest", cron="0 7 * * *"))
    number = 0
    for minute in range(MINUTES):
        jobs = []
        for _ in range(draw.randint(4, 12)):
            host = draw.choice(("a.example", "b.example", "c.example"))
            jobs.append(
                NewJob(
                    "Crawl",
                    f'{{"url": "https://{host}/{number}", "depth": {draw.randint(1, 9)}}}',
                    queue="fetch",
                    jid=f"order-{number}",
                    key=host,
                    tags=("news",) if number % 3 else ("news", "shop"),
                    pipeline=("parse", "index"),
                )
            )
            number += 1
        shop.put(jobs)
        if minute % 5 == 0:
            shop.put([NewJob("Send", '{"to": "ann"}', queue="mail", delay=3600 if minute % 2 else 0)])
        for queue in ("fetch", "parse", "index"):
            leases = shop.pop([queue], f"crawler-{minute % 3}", 12).leases
            clock.advance(draw.random() * 12)
            for lease in leases[:2]:
                shop.log(lease, f"got {draw.randint(200, 9000)} bytes")
            shop.settle([_end(lease, draw, minute) for lease in leases])
        clock.advance(60 - clock() % 60)
    shop.pop(["fetch"], "crawler-1", 3)
    shop.track("shop")
    shop.promote()
    add_figures(backend, SchedulerFigures("crawler-1-4711", clock() - 3600, clock()))


def _end(lease: Lease, draw: random.Random, minute: int) -> Settlement:
    luck = draw.random()
    if luck < (0.25 if minute > MINUTES - 8 else 0.03):
        return Fail(lease, group="http-503", message=FAULT)
    if luck < 0.1:
        return Retry(lease, delay=30, group="timeout", message="no answer within 10 s")
    return Complete(lease, result='{"status": 200}')


if __name__ == "__main__":
    main()
