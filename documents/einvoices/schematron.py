"""Rules at work, in a process of their own: `prepare` in the server, once, and `check` in the child of each invoice.

Saxon (saxonche) is Java made native. Its one thread of its own, which looks after weak references, is not there in a
forked child; transformations and its collector do without. It has 32 GB of addresses reserved, so memory is limited by
what is written to. While stylesheets are compiled they may read files beside them, for `xsl:include`; when they run,
only those that we ship may (their code lists), and none may reach a network, write, or call what is outside XSLT.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor, PyXsltExecutable

from documents.einvoices import samples
from documents.einvoices.findings import Finding, to_json
from documents.einvoices.svrl import broken_rules, broken_schema
from documents.einvoices.xml import harmless, parsed
from documents.sandbox_process import survives

EXTERNAL = "http://saxon.sf.net/feature/allow-external-functions"
PROTOCOLS = "http://saxon.sf.net/feature/allowedProtocols"
NONE = "nothing"
"""A protocol that does not exist: an empty list would mean all."""


@dataclass
class _Prepared:
    saxon: PySaxonProcessor
    rules: list[PyXsltExecutable]
    schema: etree.XMLSchema | None
    unusable: list[Finding]


_prepared: list[_Prepared] = []
TRIAL_BYTES, TRIAL_SECONDS = 1_000_000_000, 3


def prepare(stylesheets: Sequence[str], schema: str | None, reads: bool) -> None:
    """Compile. What cannot be compiled is told with every invoice. `reads`: the rules have code lists in files."""
    saxon = PySaxonProcessor(license=False)
    saxon.set_configuration_property(EXTERNAL, "false")
    saxon.set_configuration_property(PROTOCOLS, "file")
    compiler = saxon.new_xslt30_processor()
    made = _Prepared(saxon, [], None, [])
    for each in stylesheets:
        try:
            made.rules.append(compiler.compile_stylesheet(stylesheet_file=each))
        except PySaxonApiError as failure:
            made.unusable.append(_unusable(Path(each).name, failure))
    if not reads:
        saxon.set_configuration_property(PROTOCOLS, NONE)
    if reads or survives(partial(_run_once, made), memory_bytes=TRIAL_BYTES, seconds=TRIAL_SECONDS):
        _run_once(made)
    if schema is not None:
        made.schema = etree.XMLSchema(etree.parse(schema, etree.XMLParser(no_network=True)))
    _prepared.append(made)


def _run_once(made: _Prepared) -> None:
    """Nothing limits the server: rules that are not ours have shown in a child that they end.

    Raises PySaxonApiError.
    """
    for sample in (samples.UBL, samples.CII):
        document = made.saxon.parse_xml(xml_text=sample.strip())
        for each in made.rules:
            each.transform_to_string(xdm_node=document)


def check(xml: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """One part: the findings as JSON.

    Raises IntakeRefused for what is no harmless XML.
    """
    made = _prepared[-1]
    root = parsed(harmless(xml))
    found = list(made.unusable)
    if made.schema is not None and not made.schema.validate(root):
        found += broken_schema(made.schema.error_log)
    # what the parser has read is what the rules see: nothing that it left out comes back
    try:
        document = made.saxon.parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
    except PySaxonApiError as failure:  # its parser has limits of its own
        return {}, _written([*found, _unusable("", failure)])
    for each in made.rules:
        try:
            report = each.transform_to_string(xdm_node=document)
        except PySaxonApiError as failure:
            found.append(_unusable("", failure))
        else:
            found += broken_rules(report or "", root)
    return {}, _written(found)


def _written(found: Sequence[Finding]) -> list[bytes]:
    return [json.dumps([to_json(each) for each in found], ensure_ascii=False).encode()]


def _unusable(name: str, failure: PySaxonApiError) -> Finding:
    reason = " ".join(str(failure).split())[:500]
    if not name:
        return Finding(
            "rules", "error", "The rules of the standard could not be run to their end: %(reason)s", {"reason": reason}
        )
    return Finding(
        "rules", "error", "The rules in %(file)s cannot be used: %(reason)s", {"file": name, "reason": reason}
    )
