"""The one runtime of this process, built from the environment; for flows and the command line."""

from __future__ import annotations

from functools import cache

from workflows.approvals.delivery import mail_leaves
from workflows.approvals.wanted import mails_still_wanted
from workflows.runtime import Runtime, build
from workflows.settings import Settings


def compose(settings: Settings) -> Runtime:
    # importing the process registers what follows from its rounds
    import workflows.contracts.operations
    import workflows.invoices.operations  # noqa: F401

    return build(settings, still_wanted=mails_still_wanted, leaves=mail_leaves)


@cache
def runtime() -> Runtime:
    return compose(Settings())
