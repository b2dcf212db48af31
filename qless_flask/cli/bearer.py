"""--token-file, or what stands in the environment: the token that is shown to a server."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.decorators import FC

TOKEN = "QLESS_TOKEN"
TOKEN_FILE = "QLESS_TOKEN_FILE"

_GIVEN = "qless_flask.token_file"


def token_option(command: FC) -> FC:
    """Give a command --token-file; it asks `shown_token` for what was given."""
    # No option takes a token itself: whoever lists the processes of a machine would see it.
    return click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        envvar=TOKEN_FILE,
        show_envvar=True,
        metavar="FILE",
        expose_value=False,
        callback=_note,
        help=f"With the token for a server that asks for one; or say it in {TOKEN}.",
    )(command)


def shown_token() -> str | Path | None:
    """Answer the token that a server is to be shown, or the file in which it stands; None: none was given."""
    context = click.get_current_context(silent=True)
    given: Path | None = context.meta.get(_GIVEN) if context else None
    if given is not None:
        return given
    if file := os.environ.get(TOKEN_FILE):
        return Path(file)
    return os.environ.get(TOKEN, "").strip() or None


def _note(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.meta[_GIVEN] = value
