"""`qless-flask token roles`, and the page about it, docs/access.md, written from the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import click

from qless_flask.cli.output import print_table
from qless_flask.models import LEAST_ROLES, ROLES

BELOW = "/api/v1/namespaces/{namespace}"

INTRODUCTION = """\
# Who may do what

Whoever asks a server for something has a role, in some namespaces or in all: from a token, from the app that the
server is part of, or from a plugin. This page is written from the code: `qless-flask token roles --markdown`.

## Tokens

As long as nobody has made a token, nobody is asked who they are. From the first one on, every request needs one; only
`/healthz`, `/readyz`, `/login` and static files do not. All servers on the store obey within a second.

    qless-flask token create --role worker --namespace crawl --name mailer
    curl -H "Authorization: Bearer $QLESS_TOKEN" http://127.0.0.1:5000/api/v1/namespaces/crawl/queues

- A token stands in the header `Authorization` and nowhere else. It is never read from a URL, which gets written down.
- The store keeps no more than a digest (SHA-256) of its secret, which has 256 random bits.
- Without a token, and with one that is unknown, malformed, expired or revoked, every address answers 401
  `UNAUTHENTICATED`, whatever is there. What a token is not enough for is answered 403 `FORBIDDEN`; of another namespace
  that goes for all addresses, whether there is something or not.
- `token revoke` ends one. When the last one is revoked the store stays closed; `token reset` opens it again.

## The host decides

An app that mounts the blueprint may say itself who sends a request, and whether they may do something:

    def authenticate(request):
        return Identity(current_user.name, "operator", ("crawl",)) if current_user.is_authenticated else None

    def authorize(identity, action, namespace):
        return False if action == "erase" else None

    QlessFlask(app, url="redis://…", authenticate=authenticate, authorize=authorize)

`Identity` stands in `qless_flask.models`. Plugins do the same with the hooks [`authenticate`](hooks.md#authenticate)
and [`authorize`](hooks.md#authorize). The host is asked first, then the plugins, then the tokens and the roles: the
first answer that is not None counts. With an `authenticate`, whoever is not known is answered 401. An identity without
a role may do only what an `authorize` allows.

## Who did it

What is done by hand leaves events, which say who did it (`actor`) and from where (`address`). Of a request whose sender
is known that is the name of the token or identity. Where the request itself names a person, as the command line does,
both are told: `ann via deploy`.

Everything done that takes the role operator or admin is also logged, as a line of JSON at level INFO of the logger
`qless_flask.audit`: who, from where, what, on which jobs. No data, settings or secrets stand there.
"""


@click.command(short_help="Say what each role may do.")
@click.option("--markdown", is_flag=True, help="Print the page about it instead, with all addresses of the API.")
def roles(markdown: bool) -> None:
    """Say what each role may do beside what those before it may.

    \b
    qless-flask token roles
    qless-flask token roles --markdown
    """
    if markdown:
        click.echo("\n".join(_page()))
    else:
        print_table(("role", "may also"), ((role, ", ".join(_actions(role))) for role in ROLES))


def _page() -> Iterator[str]:
    # Imported when it is asked for, so that no other command waits for it.
    from qless_flask.web.blueprint import routes
    from qless_flask.web.guard import KNOWN, NAMED, PUBLIC

    told = {PUBLIC: ("", "anybody"), KNOWN: ("", "any"), NAMED: ("", "that of the operation `{name}`")}
    told |= {action: (f"`{action}`", least) for action, least in LEAST_ROLES.items()}
    addresses = [(route.address, route.method, *told[route.action]) for route in routes()]
    yield INTRODUCTION
    yield "## Roles"
    yield ""
    yield from _table(("role", "may do what those before it may, and"), ((each, _coded(each)) for each in ROLES))
    yield ""
    yield "## Addresses"
    yield ""
    yield f"Those that begin with `…` stand below `{BELOW}`. Whoever may `GET` may `HEAD`, too."
    yield ""
    rows = (
        (f"`{method}`", f"`{address.replace(BELOW, '…')}`", action, least)
        for address, method, action, least in addresses
    )
    yield from _table(("method", "address", "action", "least role"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield "|---" * len(header) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _actions(role: str) -> list[str]:
    return [action for action, least in LEAST_ROLES.items() if least == role]


def _coded(role: str) -> str:
    return ", ".join(f"`{action}`" for action in _actions(role))
