"""By which names a server is reached that asks nobody who they are: not by that of a page elsewhere.

Such a page can have its own name lead to this machine once it is loaded (DNS rebinding): then the browser takes our
answers for the page's, but says in `Host` how it came here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection

from flask import request

from qless_flask.errors import Forbidden


def refuse_other_hosts(names: Collection[str], asks: Callable[[], bool]) -> None:
    """Raise Forbidden for a request to a host that is neither this machine nor one of these names.

    Only while nobody is asked who they are: a page that came by this trick has no token, and no session.
    """
    host = _bare(request.host)
    if is_this_machine(host) or host in {_bare(name) for name in names} or asks():
        return
    raise Forbidden(
        "this server asks nobody who they are, so it is answered only where it is called by a name of its machine, as"
        f" localhost, and not {host}: make a token, or start it with --host-name {host}"
    )


def is_this_machine(host: str) -> bool:
    """Tell whether a host, as a browser says it, can be none but this machine (RFC 6761, section 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bare(host: str) -> str:
    """Take the port, the brackets and the last dot from a host."""
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")
