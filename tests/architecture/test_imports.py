"""What starting up costs. (Who may import whom is import-linter's business: see pyproject.toml, ``make lint``.)"""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["api.main", "workflows.processes", "workflows.launcher"])
def test_no_prefect_where_people_wait(module: str) -> None:
    """Importing it takes two seconds and 100 MB."""
    code = f"import sys, {module}; print([name for name in sys.modules if name.partition('.')[0] == 'prefect'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
