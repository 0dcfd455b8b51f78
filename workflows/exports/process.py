"""A process for one export: what it needs of processor and memory is gone when it ends, and decisions come first."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from workflows.composition import runtime
from workflows.database import Work
from workflows.exports.model import PROCESS
from workflows.exports.steps import make
from workflows.leases import LeaseTaken, hold

GIVES_WAY = 10
"""As nice(2) counts."""
MADE_ELSEWHERE = 75


class Abandoned(Exception):
    """Whoever started this process has died: its run is started again, and makes the file anew."""


async def _work(export_id: UUID) -> int:
    engine, parent = runtime(), os.getppid()
    try:
        async with hold(engine.engine, PROCESS, export_id) as lease:

            def check(session: Work) -> None:
                if os.getppid() != parent:
                    raise Abandoned
                lease.check(session)

            await asyncio.to_thread(make, engine, export_id, check)
    except LeaseTaken:
        return MADE_ELSEWHERE
    return 0


def main() -> int:
    os.nice(GIVES_WAY)
    return asyncio.run(_work(UUID(sys.argv[1])))


if __name__ == "__main__":
    sys.exit(main())
