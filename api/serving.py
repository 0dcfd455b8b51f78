"""What ``signoff serve`` becomes: the supervisor alone, as the command line has nothing more to do while it runs."""

from __future__ import annotations

import sys

from api.first_start import first_start
from workflows.processes import CannotServe, serve
from workflows.settings import Settings, UnsafeSettings

SAMPLE = "--sample"


def main() -> int | str:
    """The exit status, or why nothing was started."""
    settings = Settings()
    sample = SAMPLE in sys.argv
    try:
        return serve(settings, on_ready=lambda: first_start(settings, sample=sample))
    except (CannotServe, UnsafeSettings) as reason:
        return str(reason)


if __name__ == "__main__":
    sys.exit(main())
