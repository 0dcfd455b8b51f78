"""The built package holds all that runs: code, templates, migrations, styles."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ("api", "documents", "signing", "templates", "workflows")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_every_file_that_runs(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for folder in SHIPPED
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(wanted) > 100
    assert wanted <= packed, sorted(wanted - packed)
    assert "prefect.yaml" in packed  # beside the packages, where the worker looks for it


def test_the_command_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import pathlib, sys, documents.rendering, workflows.schema\n"
        "from workflows.settings import Settings\n"
        "print(pathlib.Path(documents.rendering.__file__).parent.parent)\n"
        "assert documents.rendering.environment().list_templates()\n"
        "workflows.schema.migrate(Settings().database)\n"
        "sys.argv = ['signoff', '--help']\n"
        "from api.cli import app\n"
        "app()\n"
    )
    # comes before the checkout, which the environment's own packages point to
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "SIGNOFF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(tmp_path / "site")
    assert (tmp_path / "home" / "signoff.db").exists()
