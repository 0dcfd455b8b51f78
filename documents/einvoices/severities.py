"""How much a rule of EN 16931 weighs where an invoice follows a specification that uses it otherwise.

XRechnung's publisher keeps the Schematron of EN 16931 as it is, and says beside it which of its rules do not keep an
invoice from being accepted: code lists that lag behind the registers they were taken from, and rules that XRechnung's
extension puts others in the place of (BR-DEX-*).
Source: KoSIT, validator-configuration-xrechnung, `customLevel` of its scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from documents.einvoices.findings import Finding, Severity

XRECHNUNG: Mapping[str, Severity] = {"BR-CL-21": "warning", "BR-CL-23": "warning"}
CLEAN_VEHICLES: Mapping[str, Severity] = {**XRECHNUNG, "BR-CL-13": "information"}
EXTENSION: Mapping[str, Severity] = {
    **XRECHNUNG,
    **dict.fromkeys(("BR-CL-10", "BR-CL-11", "BR-CL-21", "BR-CL-24", "BR-CL-25", "BR-CL-26"), "information"),
    "BR-CO-16": "information",
}
SPECIFICATIONS = (
    ("kosit:extension:xrechnung_", EXTENSION),
    ("kosit:xrechnung:cvd_", CLEAN_VEHICLES),
    ("kosit:xrechnung_", XRECHNUNG),
    ("kosit:standard:xrechnung_", XRECHNUNG),
)
"""By a part of the specification identifier (BT-24); the first that is there counts."""

CODE_LISTS = (
    ("BilledQuantity", "@unitCode", "BR-CL-23"),
    ("BasisQuantity", "@unitCode", "BR-CL-23"),
    ("SpecifiedTradeProduct/GlobalID", "@schemeID", "BR-CL-21"),
    ("DesignatedProductClassification/ClassCode", "@listID", "BR-CL-13"),
    ("AttachmentBinaryObject", "@mimeCode", "BR-CL-24"),
    ("SpecifiedLegalOrganization/ID", "@schemeID", "BR-CL-11"),
    ("URIUniversalCommunication/URIID", "@schemeID", "BR-CL-25"),
    ("ShipToTradeParty/GlobalID", "@schemeID", "BR-CL-26"),
    ("TradeParty/GlobalID", "@schemeID", "BR-CL-10"),
)
"""Factur-X checks the same code lists of CII by rules of its own (FX-SCH-A-*): by the end of the place, the attribute
that is not allowed, and the rule of EN 16931 (CEN/TS 16931-3-3) that says the same."""


def weighed(findings: Iterable[Finding], specification: str) -> list[Finding]:
    """The findings as the specification (BT-24) weighs them. None is dropped, none made heavier."""
    weights: Mapping[str, Severity] = next((each for part, each in SPECIFICATIONS if part in specification.lower()), {})
    return [_weighed(each, weights) for each in findings]


def _weighed(finding: Finding, weights: Mapping[str, Severity]) -> Finding:
    lighter = weights.get(_number(finding))
    return finding if lighter is None or finding.severity != "error" else replace(finding, severity=lighter)


def _number(finding: Finding) -> str:
    """Of the rule of EN 16931, whoever's rule says it."""
    if not finding.rule.startswith("FX-SCH-"):
        return finding.rule
    return next((rule for end, attribute, rule in CODE_LISTS if _is_code(finding, end, attribute)), finding.rule)


def _is_code(finding: Finding, end: str, attribute: str) -> bool:
    return f"Value of '{attribute}' is not allowed" in finding.text and all(
        re.sub(r"\[\d+\]", "", each.path).removesuffix(f"/{attribute}").endswith(end) for each in finding.places
    )
