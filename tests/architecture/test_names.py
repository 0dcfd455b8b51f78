"""Our folders are import names of their own: no package that we install may bring one of them."""

from __future__ import annotations

from importlib.metadata import distributions

OURS = {"api", "documents", "signing", "templates", "tests", "workflows"}


def test_no_dependency_brings_one_of_our_names() -> None:
    taken = {
        (distribution.name, file.parts[0].removesuffix(".py"))
        for distribution in distributions()
        if distribution.name != "signoff"
        for file in distribution.files or ()
        if file.parts[0].removesuffix(".py") in OURS
    }
    assert not taken
