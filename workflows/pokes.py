"""Wake another process of this machine: a datagram on loopback. One that gets lost costs the seconds until it looks of
itself."""

from __future__ import annotations

import logging
import socket

log = logging.getLogger(__name__)


def poke(address: tuple[str, int]) -> None:
    """Have whoever listens there look now. Nobody there is no failure."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.setblocking(False)
            datagram.sendto(b"!", address)
    except OSError as error:
        log.debug("Nobody could be poked: %s", error)


def listen(address: tuple[str, int]) -> socket.socket | None:
    """What pokes arrive on, not blocking; None where somebody else has the address."""
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.setblocking(False)
    try:
        datagrams.bind(address)
    except OSError as error:
        datagrams.close()
        log.warning("Another process is poked at %s:%s (%s).", *address, error.strerror)
        return None
    return datagrams
