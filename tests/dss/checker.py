"""What EU DSS says about signed files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import parts


@dataclass(frozen=True)
class Judgement:
    """On one signature or time stamp. `level` is empty for time stamps."""

    who: str
    indication: str
    level: str
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Opinion:
    """On one file. `error` says why there is none."""

    signatures: tuple[Judgement, ...]
    timestamps: tuple[Judgement, ...]
    error: str

    @property
    def is_flawless(self) -> bool:
        """Every signature has passed at the highest level, and there is nothing to be said about it."""
        return (
            not self.error
            and bool(self.signatures)
            and all(
                (one.indication, one.level, one.errors, one.warnings) == ("TOTAL_PASSED", "PAdES-BASELINE-LTA", (), ())
                for one in self.signatures
            )
            and all(one.indication == "PASSED" and not one.errors and not one.warnings for one in self.timestamps)
        )


def opinions(files: Sequence[Path], anchors: Sequence[Path]) -> list[Opinion]:
    """One for each file. One start of Java for all of them."""
    home, java = parts.require("dss"), parts.require("java")
    told = subprocess.run(
        [
            java,
            "-XX:TieredStopAtLevel=1",  # a short run: compiling it well would cost more
            "-cp",
            os.pathsep.join((str(home / "target" / "classes"), str(home / "lib" / "*"))),
            "DssCheck",
            ",".join(str(anchor) for anchor in anchors),
            *(str(file) for file in files),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert told.returncode == 0, told.stderr
    return [_opinion(json.loads(line)) for line in told.stdout.splitlines()]


def _opinion(told: dict[str, Any]) -> Opinion:
    return Opinion(
        tuple(_judgement(one, one.get("signer") or "") for one in told.get("signatures", ())),
        tuple(_judgement(one, one["type"]) for one in told.get("timestamps", ())),
        told.get("error", ""),
    )


def _judgement(told: dict[str, Any], who: str) -> Judgement:
    return Judgement(who, told["indication"], told.get("level", ""), tuple(told["errors"]), tuple(told["warnings"]))
