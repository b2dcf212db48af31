"""What the browser gets beside pages, under addresses that change with what is in it: styles, scripts, pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Response, request, url_for

from qless_flask.errors import NotFound
from qless_flask.web.guard import PUBLIC
from qless_flask.web.views import Views

SERVED = (
    *("css/*.css", "js/*.js", "img/*.svg", "img/*.png"),
    *("node_modules/uplot/dist/uPlot.esm.js", "node_modules/uplot/dist/uPlot.min.css"),
)
"""Which of the files below static/ are for browsers."""
FOREVER = "public, max-age=31536000, immutable"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

views = Views(prefix="/static")


@dataclass(frozen=True, slots=True)
class Assets:
    """All files for browsers, read once: they are few and small, and change with the version of the package only."""

    files: dict[str, bytes]
    version: str
    """A digest of them all. It stands in the path, so that what a script imports from beside it has it as well."""


@views.get("/<version>/<path:file>", PUBLIC)
def static() -> Response:
    """Answer with a file; of the version that is asked for, or of the one that is here and then not to be kept."""
    names = request.view_args or {}
    assets = read_assets()
    content = assets.files.get(names["file"])
    if content is None:
        raise NotFound(f"there is nothing at {request.path}", subject=request.path)
    response = Response(content, content_type=_TYPES[Path(names["file"]).suffix])
    response.headers["Cache-Control"] = FOREVER if names["version"] == assets.version else "no-cache"
    response.set_etag(hashlib.sha256(content).hexdigest()[:32])
    response.make_conditional(request)
    return response


def asset(file: str) -> str:
    """Tell the address of a file in this mount, as in `asset("css/qless.css")`; raise KeyError if there is none."""
    assets = read_assets()
    if file not in assets.files:
        raise KeyError(file)
    return url_for(".static", version=assets.version, file=file)


@cache
def read_assets() -> Assets:
    """Read the files: of the package or, in a checkout, of the folder beside it."""
    package = Path(__file__).parent.parent
    # An editable install finds no files in the folder that setup.py maps: that is at the top of the checkout.
    folder = next(each for each in (package / "static", package.parent / "static") if each.is_dir())
    paths = sorted(path for pattern in SERVED for path in folder.glob(pattern))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    digests = "".join(f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in files.items())
    return Assets(files, hashlib.sha256(digests.encode()).hexdigest()[:12])
