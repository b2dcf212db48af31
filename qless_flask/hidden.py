"""What is shown in place of secrets, wherever something with one in it is shown."""

from __future__ import annotations

import re

HIDDEN = "********"
"""Stands for a secret in answers and, given for one that is there, leaves it as it is."""

_SECRET_OPTION = re.compile("pass|pwd|secret|token|auth|key|sig|cred", re.IGNORECASE)
_END_OF_HOST = re.compile(r"[/?#\\]")


def shown_url(url: str) -> str:
    """Show a store's URL without the secrets in it, though it be none: this is for errors too.

    redis://ann:********@localhost/0 · redis://localhost/0?password=********
    """
    scheme, slashes, rest = url.partition("://") if "://" in url else ("", "", url)
    where, question, query = rest.partition("?")
    if "@" in query:
        # Either mark may belong to a password.
        return f"{scheme}{slashes}{HIDDEN}"
    login, at, place = where.rpartition("@")
    # What begins with a slash is a path, and names nobody.
    if at and not where.startswith("/"):
        user, colon, _ = login.partition(":")
        where = f"{user}:{HIDDEN}@{place}" if colon else f"{HIDDEN}@{place}"
    return f"{scheme}{slashes}{where}{question}{'&'.join(map(_shown_option, query.split('&')))}"


def shown_host(url: str) -> str:
    """Show where a URL leads to, and nothing else, for all else may be secret: https://example.com/********"""
    scheme, slashes, rest = url.partition("://")
    place = _END_OF_HOST.split(rest, maxsplit=1)[0]
    if rest.rstrip("/") == place and "@" not in place:
        return url
    return f"{scheme}{slashes}{place.rpartition('@')[2]}/{HIDDEN}"


def _shown_option(option: str) -> str:
    name, equals, _ = option.partition("=")
    return f"{name}={HIDDEN}" if equals and _SECRET_OPTION.search(name) else option
