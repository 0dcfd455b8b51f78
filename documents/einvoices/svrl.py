"""Reports of Schematron (SVRL, ISO/IEC 19757-3 annex D) and errors of XML Schema, as findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, cast

from lxml import etree

from documents.einvoices.findings import MOST_PLACES, Finding, Place, Severity
from documents.einvoices.rule_sentences import RuleSaid, sentence_of

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
MOST_SCHEMA_FINDINGS = 20
LONGEST_TEXT = 1000

_NUMBER = re.compile(r"^\W{0,4}?\[\s*([A-Za-z][A-Za-z0-9-]+)\s*\]\s*-?\s*")
_STEP = re.compile(
    r"/(?:\*\[local-name\(\)='(?P<local>[\w.-]+)'[^\]]*\]|(?:\*:|Q\{[^}]*\}|[\w.-]+:)?(?P<name>[\w.-]+))"
    r"(?:\[namespace-uri\(\)=[^\]]*\])?(?:\[(?P<number>\d+)\])?(?=/|$)"
)
"""Steps as Schematron's compilers write them: `*:name`, `Q{uri}name`, `prefix:name`, `*[local-name()='name']`."""
_ATTRIBUTE = re.compile(r"/@(?:\*:)?([\w.:-]+)(?:\[[^\]]*\])*$")

PARTS = {
    "InvoiceLine": "line %(number)s",
    "CreditNoteLine": "line %(number)s",
    "IncludedSupplyChainTradeLineItem": "line %(number)s",
    "AccountingSupplierParty": "the seller",
    "SellerTradeParty": "the seller",
    "AccountingCustomerParty": "the buyer",
    "BuyerTradeParty": "the buyer",
    "PayeeParty": "the payee",
    "PayeeTradeParty": "the payee",
    "TaxRepresentativeParty": "the tax representative",
    "SellerTaxRepresentativeTradeParty": "the tax representative",
    "Delivery": "the delivery",
    "ApplicableHeaderTradeDelivery": "the delivery",
    "PaymentMeans": "payment means %(number)s",
    "SpecifiedTradeSettlementPaymentMeans": "payment means %(number)s",
    "PaymentTerms": "the payment terms",
    "SpecifiedTradePaymentTerms": "the payment terms",
    "AllowanceCharge": "allowance or charge %(number)s",
    "SpecifiedTradeAllowanceCharge": "allowance or charge %(number)s",
    "TaxSubtotal": "VAT breakdown %(number)s",
    "ApplicableTradeTax": "VAT breakdown %(number)s",
    "TaxTotal": "the VAT total",
    "LegalMonetaryTotal": "the totals",
    "SpecifiedTradeSettlementHeaderMonetarySummation": "the totals",
    "AdditionalDocumentReference": "attachment %(number)s",
    "AdditionalReferencedDocument": "attachment %(number)s",
    "GuidelineSpecifiedDocumentContextParameter": "the specification identifier",
    "CustomizationID": "the specification identifier",
}
"""The outermost one names the place, except for those of TOO_WIDE, which give way to what is inside them."""
TOO_WIDE = frozenset({"TaxTotal"})


def broken_rules(report: str, root: etree._Element) -> list[Finding]:
    """Each rule once, with the places where it was broken. Raises nothing: what is no report says nothing."""
    if not report:
        return []
    tree = etree.fromstring(report.encode(), etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    found: dict[tuple[str, str], Finding] = {}
    for each in tree.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
        rule, text = _rule(each)
        before = found.get((rule, text))
        if before is not None and before.count >= MOST_PLACES:  # looking for a place takes time in a long invoice
            found[rule, text] = replace(before, count=before.count + 1)
        elif before is not None:
            place = place_of(each.get("location") or "", root)
            found[rule, text] = replace(before, places=(*before.places, place), count=before.count + 1)
        else:
            found[rule, text] = _finding(each, rule, text, root)
    return list(found.values())


def _rule(broken: etree._Element) -> tuple[str, str]:
    """Its number, and its words without the number."""
    told = broken.find(f"{SVRL}text")
    text = " ".join("".join(map(str, told.itertext())).split()) if told is not None else ""
    named = _NUMBER.match(text)
    return (named[1], text[named.end() :]) if named else (broken.get("id") or "", text)


def _finding(broken: etree._Element, rule: str, text: str, root: etree._Element) -> Finding:
    said = sentence_of(rule, text) or RuleSaid()
    return Finding(
        rule=rule or "profile",
        severity=_severity(broken),
        sentence=said.sentence,
        values=said.values,
        words=said.words,
        text=text[:LONGEST_TEXT],
        places=(place_of(broken.get("location") or "", root),),
    )


def _severity(broken: etree._Element) -> Severity:
    """By flag or role, as the rules say; a report without either tells what a profile leaves unused."""
    match (broken.get("flag") or broken.get("role") or "").lower():
        case "fatal" | "error":
            return "error"
        case "warning" | "warn":
            return "warning"
        case "information" | "info":
            return "information"
        case _:
            return "warning" if broken.tag == f"{SVRL}successful-report" else "error"


def broken_schema(errors: Any) -> Iterator[Finding]:
    """`errors` is lxml's log of a validation, whose type its stubs do not know to be iterable."""
    for each in islice(errors, MOST_SCHEMA_FINDINGS):
        text = re.sub(r"\{[^}]*\}", "", each.message)
        yield Finding(
            "schema",
            "error",
            "The XML does not have the form that its schema asks for.",
            text=text[:LONGEST_TEXT],
            places=(Place(re.sub(r"(^|/)[\w.-]+:", r"\1", each.path or "").strip("/"), each.line),),
        )


def place_of(location: str, root: etree._Element) -> Place:
    """`location` is an XPath of names and positions."""
    attribute = _ATTRIBUTE.search(location)
    here: etree._Element | None = None
    path: list[str] = []
    part, number, settled = "", 1, False
    for step in _STEP.finditer(location[: attribute.start()] if attribute else location):
        name = step["name"] or step["local"]
        place = int(step["number"] or 1)
        path.append(name if place == 1 else f"{name}[{place}]")
        if len(path) == 1:
            here = root
        elif here is not None:
            here = next((each for n, each in enumerate(here.iterchildren(f"{{*}}{name}"), 1) if n == place), None)
        if name in PARTS and not settled:
            part, number, settled = PARTS[name], place, name not in TOO_WIDE
    if attribute:
        path.append(f"@{attribute[1]}")
    line = None if here is None else cast("int | None", here.sourceline)
    return Place("/".join(path), line, part, number)
