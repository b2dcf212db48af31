"""--url, --namespace and --json: where a command works, and how it answers."""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click
from click.decorators import FC

from qless_flask.backends.base import Namespace
from qless_flask.cli.bearer import shown_token, token_option
from qless_flask.cli.command import debug_option
from qless_flask.cli.plugin_options import open_store
from qless_flask.errors import QlessError
from qless_flask.hidden import shown_url
from qless_flask.models import Actor
from qless_flask.settings import DEFAULT_URL

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Target:
    """The store and namespace that a command works on, and the form of its answer."""

    url: str
    namespace: str
    json: bool = False

    @property
    def shown_url(self) -> str:
        """The store's URL as it may be seen."""
        return shown_url(self.url)

    @contextmanager
    def open(self) -> Iterator[Namespace]:
        """Open the namespace for as long as the context lasts."""
        with open_store(self.url, shown_token()) as backend:
            yield backend.namespace(self.namespace)


def person() -> Actor:
    """Name who types, for the events of what is done by hand."""
    try:
        return Actor(getpass.getuser())
    except (OSError, KeyError, QlessError):
        return Actor("somebody")


def command_name() -> str:
    """Tell how to type this command here: by its name, or by where it lies if its name alone is not found."""
    typed = Path(sys.argv[0])
    if typed.name == "__main__.py":
        return f"{os.path.relpath(sys.executable)} -m qless_flask"
    return typed.name if shutil.which(typed.name) else os.path.relpath(typed)


def url_option(command: FC) -> FC:
    """Give a command --url and --debug alone."""
    option = click.option(
        "--url",
        envvar="QLESS_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="The store.",
    )
    return option(debug_option(command))


def namespace_option(command: FC) -> FC:
    """Give a command --namespace alone."""
    return click.option(
        "--namespace",
        "-n",
        envvar="QLESS_NAMESPACE",
        default=DEFAULT_NAMESPACE,
        show_default=True,
        show_envvar=True,
        metavar="NAME",
        help="The namespace in it.",
    )(command)


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --url, --token-file, --namespace and --json; it gets them as one Target, its first argument."""

    @wraps(command)
    def with_target(*args: object, url: str, namespace: str, json: bool, **kwargs: object) -> None:
        command(Target(url, namespace, json), *args, **kwargs)

    json_option = click.option("--json", is_flag=True, help="Answer in JSON, as the HTTP API does.")
    return url_option(token_option(namespace_option(json_option(with_target))))
