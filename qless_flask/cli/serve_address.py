"""Where `qless-flask serve` listens: whether others can reach that, and which port is free."""

from __future__ import annotations

import errno
import ipaddress
import socket

import click

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000
PORTS_TRIED = 50


def address_of(host: str) -> str:
    """Find the IP address to listen at, which may be said by a name. Raise click.ClickException for one of none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise click.ClickException(f"cannot listen at {host}: {error.strerror}") from error
    # Of a name that has both, as localhost, the older kind: it is what most would try.
    return str(min(found, key=lambda each: each[0] != socket.AF_INET)[4][0])


def is_loopback(address: str) -> bool:
    """Tell whether an address to listen at can be reached from this machine alone."""
    return ipaddress.ip_address(address).is_loopback


def choose_port(host: str, wanted: int | None) -> int:
    """Take the port that is wanted, or the next free one from 5000 on; say so where that is another.

    Raise click.ClickException where there is none.
    """
    if wanted is not None:
        if not _is_free(host, wanted):
            raise click.ClickException(
                f"port {wanted} of {host} is taken: stop what serves there, or give another --port"
            )
        return wanted
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if _is_free(host, port):
            if port != DEFAULT_PORT:
                click.echo(f"Port {DEFAULT_PORT} is taken: serving at {port}.")
            return port
    raise click.ClickException(f"ports {DEFAULT_PORT} to {DEFAULT_PORT + PORTS_TRIED - 1} are all taken: give a --port")


def url_of(host: str, port: int, *, secure: bool = False) -> str:
    """Say where a server is."""
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEPORT, which granian sets: two servers would share a port without a word.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise click.ClickException(f"cannot listen at {host}, port {port}: {error.strerror}") from error
    return True
