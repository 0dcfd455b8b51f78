"""The dispatcher as a process of its own, with the embedded mailbox: ``python -m workflows.dispatcher_process``.

Composing a mail costs as much processor time as recording a decision. Beside those who decide, in one process, it would
halve what they get done; here it also gives way to them, and is small, as it knows neither documents nor signatures.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType

from workflows.approvals.delivery import mail_leaves
from workflows.approvals.wanted import mails_still_wanted
from workflows.database import on_commit, open_engine
from workflows.dispatcher import LOOK_AGAIN, Dispatcher, open_dispatcher
from workflows.mailbox import Mailbox
from workflows.pokes import listen
from workflows.settings import Settings

GIVES_WAY = 10  # nice(2): whoever waits for an answer goes first, where the processor is short


def main() -> int:
    settings = Settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "mail.log"):  # a line for each request to Prefect, several for each mail in the mailbox
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with suppress(OSError):
        os.nice(GIVES_WAY)
    mailbox = Mailbox(settings.home / "mailbox", settings.mailbox_smtp_port) if settings.embedded_mail else None
    if mailbox:
        mailbox.start()
    engine = open_engine(settings.database, pool_size=4)
    dispatcher = open_dispatcher(settings, engine, still_wanted=mails_still_wanted, leaves=mail_leaves)
    on_commit(engine, dispatcher.wake)  # a mail that failed owes its sender another one
    dispatcher.start()
    try:
        _pass_on_pokes(settings, dispatcher)
    finally:
        dispatcher.stop()
        if mailbox:
            mailbox.stop()
    return 0


def _pass_on_pokes(settings: Settings, dispatcher: Dispatcher) -> None:
    """Until a signal ends the process."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)

    def end(_number: int, _frame: FrameType | None) -> None:
        os.write(writable, b"!")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    datagrams = listen(settings.dispatcher_address)
    waiting: list[int | socket.socket] = [readable] if datagrams is None else [readable, datagrams]
    while True:
        woken, _, _ = select.select(waiting, [], [], LOOK_AGAIN)
        if readable in woken:
            return
        if datagrams is not None and datagrams in woken:
            with suppress(BlockingIOError):
                while datagrams.recv(16):
                    pass
            dispatcher.wake()


if __name__ == "__main__":
    sys.exit(main())
