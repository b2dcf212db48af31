"""`qless-flask token`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from qless_flask.backends import is_server
from qless_flask.backends.tokens import PREFIX, Tokens
from qless_flask.cli.command import FAILED, DefaultCommand
from qless_flask.cli.output import print_json, print_table, told_time
from qless_flask.cli.plugin_options import open_store
from qless_flask.cli.roles import roles
from qless_flask.cli.target import person, url_option
from qless_flask.errors import Invalid, NotFound
from qless_flask.hidden import shown_url
from qless_flask.models import EVERYWHERE, ROLES, Role, Token


@click.group(
    cls=DefaultCommand, default="list", bare=True, short_help="Say who may do what: make, list and revoke tokens."
)
def token() -> None:
    """List the tokens of a store, make one, or revoke some.

    A token lets whoever bears it do what its role may, in its namespaces: Authorization: Bearer TOKEN. As soon as one
    was made, the servers on the store answer nobody without. They obey within a second.

    Tokens are kept in the store itself: --url is that of the store, not of a server on it.

    \b
    qless-flask token create --role worker --namespace mail --name mailer
    qless-flask token
    qless-flask token revoke 3f9c2a7b1d04
    """


_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@token.command(short_help="Make a token.")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    required=True,
    help="What it may do; each may do what those before it may, and more: see `token roles`.",
)
@click.option(
    "--namespace",
    "-n",
    "namespaces",
    multiple=True,
    required=True,
    metavar="NAME",
    help="Where; may stand several times. '*' is everywhere.",
)
@click.option("--name", metavar="NAME", help="What events call whoever bears it.")
@click.option("--expires", type=float, metavar="SECONDS", help="How long it holds, else until it is revoked.")
@click.option("--rate", type=float, metavar="N", help="How many requests a second it may send to each process.")
@url_option
@_JSON
def create(
    url: str,
    *,
    role: Role,
    namespaces: tuple[str, ...],
    name: str | None,
    expires: float | None,
    rate: float | None,
    as_json: bool,
) -> None:
    """Make a token and print it. This is the only time: of its secret the store keeps no more than a digest.

    \b
    qless-flask token create --role viewer --namespace '*' --expires 86400
    export QLESS_TOKEN=$(qless-flask token create --role worker -n mail -n fetch --name mailer)
    """
    with _tokens(url) as tokens:
        first = not tokens.exist()
        made = tokens.create(role, namespaces, name=name, expires=expires, rate=rate, by=person().name)
    if as_json:
        print_json({"token": made.text, **_message(made.token, "id", "role", "namespaces", "expires_at")})
        return
    click.echo(made.text)
    until = "" if made.token.expires_at is None else f", until {told_time(made.token.expires_at)}"
    click.echo(
        f"{made.token.id} ({made.token.name}) may do what a {role} may in {_where(made.token)}{until}.", err=True
    )
    click.echo("It is shown this once: keep it where only its bearer can read it.", err=True)
    if first:
        click.echo(f"From now on nobody is answered without a token by servers on {shown_url(url)}.", err=True)


@token.command("list", short_help="List tokens (also: token).")
@url_option
@_JSON
def list_(url: str, as_json: bool) -> None:
    """List all tokens, the oldest first: whose they are, whether they hold, and when they were last used.

    Those that were revoked or have expired are listed for 90 days more.
    """
    with _tokens(url) as tokens:
        found = tokens.all()
        asks = tokens.exist()
    now = time.time()
    if as_json:
        print_json({"tokens": [{**_message(each, *_FIELDS), "state": each.state(now)} for each in found]})
    elif found:
        rows = ((each.id, each.name, each.role, _where(each), _told_state(each, now), _used(each)) for each in found)
        print_table(("token", "name", "role", "where", "state", "used"), rows)
    elif not asks:
        click.echo(f"No tokens in {shown_url(url)}: servers on it ask nobody who they are.")
    if asks:
        _warn_if_none_holds(found)


@token.command(short_help="Let tokens hold no longer.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@url_option
def revoke(url: str, ids: tuple[str, ...]) -> None:
    """Let the tokens of these IDs hold no longer: servers refuse them within a second.

    The ID stands in the token itself: qless_ID_SECRET. Where none is left that holds, nobody is let in.
    """
    unknown = False
    with _tokens(url) as tokens:
        for id in map(_read_id, ids):
            try:
                revoked = tokens.revoke(id, by=person().name)
            except NotFound as error:
                unknown = True
                click.echo(f"Error: {error.message}", err=True)
            else:
                click.echo(f"{revoked.id} ({revoked.name}) is revoked.")
        if tokens.exist():
            _warn_if_none_holds(tokens.all())
    if unknown:
        raise click.exceptions.Exit(FAILED)


@token.command(short_help="Delete all tokens: nobody is asked any more.")
@click.option("--yes", is_flag=True, help="Don't ask whether that is meant.")
@url_option
def reset(url: str, yes: bool) -> None:
    """Delete all tokens, and log out who has logged in: from then on servers ask nobody who they are.

    Servers that listen beyond this machine go on asking, and let nobody in until there is a token again.
    """
    with _tokens(url) as tokens:
        if not tokens.exist():
            click.echo(f"There are no tokens in {shown_url(url)}.")
            return
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("Whoever reaches a server could do anything then: add --yes if that is meant.")
            question = f"Delete all tokens of {shown_url(url)}? Whoever reaches a server on it may do anything then."
            click.confirm(question, abort=True)
        tokens.reset()
    click.echo("All tokens are deleted: servers ask nobody who they are.")


token.add_command(roles)


@contextmanager
def _tokens(url: str) -> Iterator[Tokens]:
    """Open the tokens of a store. Raise Invalid for a server, which hands none out."""
    if is_server(url):
        raise Invalid.of(
            {"url": ["is a server's; tokens are kept in its store: name the URL that it was started with"]}
        )
    with open_store(url) as backend:
        yield Tokens(backend)


def _warn_if_none_holds(tokens: Sequence[Token]) -> None:
    if not any(each.holds(time.time()) for each in tokens):
        click.echo("No token holds: nobody is let in until you make one, or delete all by `token reset`.", err=True)


def _read_id(typed: str) -> str:
    """Take the ID, or the whole token: who has found one somewhere has that."""
    prefix, _, rest = typed.partition("_")
    return rest.partition("_")[0] if prefix == PREFIX else typed


_FIELDS = (
    "id",
    "name",
    "role",
    "namespaces",
    "rate",
    "created_at",
    "created_by",
    "expires_at",
    "revoked_at",
    "revoked_by",
    "used_at",
)


def _message(token: Token, *names: str) -> dict[str, object]:
    return {name: getattr(token, name) for name in names}


def _where(token: Token) -> str:
    return ", ".join(token.namespaces).replace(EVERYWHERE, "all namespaces")


def _told_state(token: Token, now: float) -> str:
    state = token.state(now)
    if state == "holds" and token.expires_at is not None:
        return f"holds until {told_time(token.expires_at)}"
    return state


def _used(token: Token) -> str:
    return told_time(token.used_at) or "never"
