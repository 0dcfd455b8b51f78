"""What a report says of a signed PDF: its verdict, its checks and their sentences, from what was found in it."""

# pyHanko annotates only a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import DSSCompareRule
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.looking import Looked, certifies, common_name, is_genuine, token_of
from signing.report import Check, Report, Said, SignatureReport, Verdict
from signing.timestamps import good_until

# What may follow the last signature: validation material, and nothing that readers show.
MATERIAL_ONLY = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        DSSCompareRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ],
    form_rule=None,
)

RECORD_KEY = "/SGNF_ApprovalRecord"
RECORD_LIMIT = 50_000_000


def judge(
    pdf: bytes, reader: PdfFileReader, looked: Sequence[Looked], trust_anchors: Sequence[bytes], now: datetime
) -> Report:
    """`looked`: what `look` found, in the order in which the signatures were made; at least one.

    `trust_anchors` are PEM files, as in `verify`.
    """
    reports = tuple(_signature_report(one, looked) for one in looked)
    evidence = _evidence(pdf, reader, looked)
    tail = _tail(pdf, reader, looked[-1])
    intact = all(report.intact and report.valid for report in reports)
    unchanged = intact and not tail and all(report.modification != "other" for report in reports)

    people = [report for report in reports if report.kind != "timestamp"]
    trusted = [report for report in people if report.intact and report.valid and report.trusted]
    # A document that came signed keeps those signatures, whoever vouches for them; after ours nobody else's may follow.
    foreign = [report for report in people if not report.trusted and trusted and report.revision < trusted[0].revision]
    strangers = [report for report in people if not report.trusted and report not in foreign]
    vouched = bool(trusted) and not strangers
    last = reports[-1]
    closed = last.kind == "timestamp" and last.good
    proven = all(report.timestamp is not None for report in people if report not in foreign)

    checks = [
        Check(
            "unchanged",
            unchanged,
            Said("The file has not been changed since it was signed.")
            if unchanged
            else Said("The file has been changed."),
            _what_changed(pdf, reader, reports, tail)
            if not unchanged
            else Said("Its hash agrees with the signed one, up to the last byte."),
        ),
        Check(
            "signatures",
            intact,
            Said("Every signature is whole.")
            if intact
            else Said("A signature is damaged or does not belong to this file."),
            Said("Signatures and time stamps in it: %(count)s.", count=len(reports)),
        ),
        Check(
            "people",
            vouched,
            Said("The signatures belong to the people named.")
            if vouched
            else Said("Nobody trusted here vouches for the people named."),
            Said("Their certificates were valid and not withdrawn when they signed.")
            if vouched
            else Said("The certificates of %(names)s lead to no trusted root.", names=_names(strangers or people)),
        ),
        Check(
            "times",
            proven and vouched,
            Said("The times are proven.") if proven and vouched else Said("The times are not proven."),
            Said("A trusted time stamp covers each signature.")
            if proven and vouched
            else Said("At least one signature has no time stamp that is trusted here."),
        ),
        Check(
            "sealed",
            closed and unchanged,
            Said("A time stamp closes the whole file.") if closed and unchanged else Said("The file is not sealed."),
            Said("It was made by %(name)s.", name=last.signer)
            if closed and unchanged
            else Said("No trusted time stamp covers all of it: it is unfinished, or its end was cut off or changed."),
        ),
    ]
    if foreign:
        note = Said(
            "The document came signed by %(names)s; nobody trusted here vouches for them.", names=_names(foreign)
        )
        checks.append(Check("foreign", True, Said("The signatures that it came with are still whole."), note))
    if evidence is not None:
        checks.append(_record_check(pdf, evidence, unchanged=unchanged))
    archive_until = good_until(token_of(looked[-1].found), b"\n".join(trust_anchors)) if closed else None
    if archive_until is not None and unchanged:
        until = archive_until.date().isoformat()
        note = Said("All that is needed is in the file. Renew the time stamp before %(day)s.", day=until)
        checks.append(Check("archive", True, Said("It can be checked for years to come."), note))

    verdict, sentence = _verdict(unchanged, vouched, closed, reports, foreign)
    return Report(
        verdict, sentence, tuple(checks), reports, hashlib.sha256(pdf).hexdigest(), evidence, archive_until, now
    )


def _verdict(
    unchanged: bool,
    vouched: bool,
    closed: bool,
    reports: Sequence[SignatureReport],
    foreign: Sequence[SignatureReport],
) -> tuple[Verdict, Said]:
    if not unchanged:
        if any(report.kind == "timestamp" for report in reports):
            return "changed", Said("This file was changed after it was sealed. Do not rely on it.")
        return "changed", Said("This file was changed after it was signed. Do not rely on it.")
    if not vouched:
        return "untrusted", Said("This file is unchanged, but nobody trusted here vouches for those who signed it.")
    if not closed:
        return "signed", Said(
            "What is signed here is unchanged, but the file is not sealed: it is unfinished, or its end was cut off."
        )
    if foreign:
        return "sealed", Said("This file is exactly what was sealed, signatures that it came with included.")
    return "sealed", Said("This file is exactly what was sealed, and every signature in it is valid.")


def _signature_report(one: Looked, looked: Sequence[Looked]) -> SignatureReport:
    signature, status = one.found.signature, one.status
    if signature is None:
        return SignatureReport(
            one.found.field, "signature", "", "", "", "", "", None, None, 0, 0, False, False, False, "other",
            Said("This signature is damaged and cannot be read."),
        )  # fmt: skip
    certificate = signature.signer_cert
    kind = "timestamp" if one.found.is_timestamp else "certification" if certifies(signature) else "signature"
    byte_range = [int(edge) for edge in signature.byte_range] if len(signature.byte_range) == 4 else [0, 0, 0, 0]
    return SignatureReport(
        one.found.field,
        kind,
        common_name(signature),
        _email(certificate),
        f"{certificate.serial_number:x}",
        _algorithm(signature),
        _level(one, looked),
        None if one.found.is_timestamp else signature.self_reported_timestamp,
        one.timestamp,
        byte_range[2] + byte_range[3],
        one.found.revision + 1,
        status is not None and bool(status.intact),
        status is not None and bool(status.valid),
        status is not None and bool(status.trusted),
        one.modification,
        _about(one, kind),
        str(signature.sig_object.get("/Reason", "")),
    )


def _about(one: Looked, kind: str) -> Said:
    status = one.status
    if status is None or not status.intact or not status.valid:
        return Said("This signature does not fit the bytes that it should cover.")
    if one.modification == "other":
        return Said("The signature is genuine, but what it covers is not what the file shows now.")
    if not status.trusted:
        if getattr(status, "revoked", False):
            return Said("The certificate had been withdrawn.")
        return Said("The certificate leads to no trusted root, or was not valid at the time.")
    if kind == "timestamp":
        return Said("The file existed at this time, down to the last byte covered.")
    if kind == "certification":
        return Said("Certified: only signing was allowed from here on.")
    return Said("Signed by the person named, and valid.")


def _level(one: Looked, looked: Sequence[Looked]) -> str:
    """As EN 319 142-1, 6, names them."""
    assert one.found.signature is not None
    subfilter = str(one.found.signature.sig_object.get("/SubFilter", ""))
    if one.found.is_timestamp:
        return "RFC 3161"
    if subfilter != "/ETSI.CAdES.detached":
        return "CMS"
    if one.timestamp is None:
        return "PAdES-BASELINE-B"
    if not one.has_material:
        return "PAdES-BASELINE-T"
    later = any(
        other.found.is_timestamp and other.found.revision > one.found.revision and is_genuine(other) for other in looked
    )
    return "PAdES-BASELINE-LTA" if later else "PAdES-BASELINE-LT"


def _tail(pdf: bytes, reader: PdfFileReader, last: Looked) -> int:
    """How many bytes follow the last signature that have no business there; validation material may follow."""
    signature = last.found.signature
    if signature is None or signature.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return 0
    covered = int(signature.byte_range[2]) + int(signature.byte_range[3]) if len(signature.byte_range) == 4 else 0
    following = len(pdf) - covered
    if int(reader.xrefs.total_revisions) - 1 == last.found.revision:
        return following
    if not pdf.rstrip(b"\r\n").endswith(b"%%EOF"):
        return following
    try:
        difference = signature.evaluate_modifications(MATERIAL_ONLY)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 — damaged files make pyHanko raise more than its own errors
        return following
    if isinstance(difference, DiffResult) and difference.modification_level <= ModificationLevel.LTA_UPDATES:
        return 0
    return following


def _what_changed(pdf: bytes, reader: PdfFileReader, reports: Sequence[SignatureReport], tail: int) -> Said:
    intact = [report for report in reports if report.intact and report.valid]
    if len(intact) < len(reports):
        return Said("Bytes that were signed are not the same any more.")
    last = intact[-1]
    following = len(pdf) - last.covers
    pages = _changed_pages(reader, last.revision - 1)
    if pages:
        shown = ", ".join(str(page) for page in pages)
        return Said("%(bytes)s bytes follow the signed part; they change page %(pages)s.", bytes=following, pages=shown)
    if tail or following:
        return Said("%(bytes)s bytes follow the signed part that do not belong to it.", bytes=following)
    return Said("Something was altered between the signatures that no signature allows.")


def _changed_pages(reader: PdfFileReader, revision: int) -> list[int]:
    """Numbers, from 1, of pages that show something else now than in this revision."""
    try:
        old, new = (
            reader.get_historical_resolver(revision),
            reader.get_historical_resolver(reader.xrefs.total_revisions - 1),
        )
        before, after = list(_pages(old.root["/Pages"])), list(_pages(new.root["/Pages"]))
        changed = []
        for number, page in enumerate(after, start=1):
            if number > len(before) or page.raw != before[number - 1].raw or _touched(reader, page.value, revision):
                changed.append(number)
        return changed
    except Exception:  # noqa: BLE001 — an explanation, not a verdict
        return []


@dataclass(frozen=True)
class _Page:
    raw: object
    value: generic.DictionaryObject


def _pages(node: generic.DictionaryObject, depth: int = 0) -> Iterator[_Page]:
    if depth > 50:
        return
    kids = node["/Kids"]
    for index in range(len(kids)):
        kid = kids[index]
        if "/Kids" in kid:
            yield from _pages(kid, depth + 1)
        else:
            yield _Page(kids.raw_get(index), kid)


def _touched(reader: PdfFileReader, page: generic.DictionaryObject, revision: int) -> bool:
    resolver = reader.get_historical_resolver(reader.xrefs.total_revisions - 1)
    seen = set()
    for key in page:
        if key not in ("/Parent", "/Annots"):
            seen |= resolver.collect_dependencies(page.raw_get(key))
    annotations = page["/Annots"] if "/Annots" in page else generic.ArrayObject()
    for index, annotation in enumerate(annotations):
        widget, place = annotation.get_object(), annotations.raw_get(index)
        if isinstance(place, generic.IndirectObject) and not ("/FT" in widget and widget["/FT"] == "/Sig"):
            seen.add(place.reference)
    return any(reader.xrefs.get_last_change(reference) > revision for reference in seen)


def _evidence(pdf: bytes, reader: PdfFileReader, looked: Sequence[Looked]) -> dict[str, object] | None:
    """The approval record, if the platform's seal, trusted and whole, put it in."""
    for one in looked:
        signature = one.found.signature
        if signature is None or one.found.is_timestamp or one.status is None:
            continue
        if not (one.status.intact and one.status.valid and one.status.trusted):
            continue
        try:
            data = _record_bytes(reader, signature)
            record = None if data is None else json.loads(data)
        except Exception:  # noqa: BLE001, S112 — somebody else's entry of the same name
            continue
        if isinstance(record, dict) and str(record.get("format", "")).startswith("signoff-approval-record/"):
            return record
    return None


def _record_bytes(reader: PdfFileReader, signature: EmbeddedPdfSignature) -> bytes | None:
    if RECORD_KEY in signature.sig_object:
        unpacker = zlib.decompressobj()
        return unpacker.decompress(bytes(signature.sig_object[RECORD_KEY].original_bytes), RECORD_LIMIT)
    if not certifies(signature) or RECORD_KEY not in reader.root:
        return None
    # What the upload itself brought under our name was there before the revision that the platform certified.
    reference = reader.root.raw_get(RECORD_KEY).reference
    stream = reader.root[RECORD_KEY]["/EF"].raw_get("/F").reference
    if any(reader.xrefs.get_last_change(part) != signature.signed_revision for part in (reference, stream)):
        return None
    return bytes(reader.root[RECORD_KEY]["/EF"]["/F"].data)


def _record_check(pdf: bytes, record: dict[str, object], *, unchanged: bool) -> Check:
    document, decisions = record.get("document"), record.get("decisions")
    belongs = False
    if isinstance(document, dict):
        size = document.get("normalised_bytes")
        belongs = isinstance(size, int) and hashlib.sha256(pdf[:size]).hexdigest() == document.get("normalised_sha256")
    if not belongs:
        note = Said("The bytes that were decided on are not the ones that this file starts with.")
        return Check("record", False, Said("The approval record inside belongs to another document."), note)
    if not unchanged:
        note = Said("It says nothing about what was changed later.")
        return Check(
            "record", False, Said("The approval record inside belongs to the document as it was signed."), note
        )
    made = [each for each in decisions if isinstance(each, dict)] if isinstance(decisions, list) else []
    here = {document["normalised_sha256"], document.get("original_sha256")} if isinstance(document, dict) else set()
    earlier = sum(bool(each.get("version_sha256")) and each["version_sha256"] not in here for each in made)
    note = Said("Decisions in it: %(count)s. The bytes decided on are the first of this file.", count=len(made))
    if earlier:
        note = Said(
            "Decisions in it: %(count)s, of which %(earlier)s on an earlier version, as its route allows. The bytes"
            " that the others decided on are the first of this file.",
            count=len(made),
            earlier=earlier,
        )
    return Check("record", True, Said("The approval record inside belongs to this document."), note)


def _email(certificate: asn1_x509.Certificate) -> str:
    alternative = certificate.subject_alt_name_value
    for name in alternative or ():
        if name.name == "rfc822_name":
            return str(name.native)
        if name.name == "other_name" and name.chosen["type_id"].dotted == "1.3.6.1.5.5.7.8.9":
            return str(name.chosen["value"].native)
    return ""


def _algorithm(signature: EmbeddedPdfSignature) -> str:
    key = signature.signer_cert.public_key
    digest = signature.md_algorithm.upper().replace("SHA", "SHA-")
    if key.algorithm == "ec":
        curve = (
            str(key.curve[1]).replace("secp256r1", "P-256").replace("secp384r1", "P-384").replace("secp521r1", "P-521")
        )
        return f"ECDSA {curve}, {digest}"
    return f"{key.algorithm.upper()} {key.bit_size}, {digest}"


def _names(reports: Sequence[SignatureReport]) -> str:
    return ", ".join(dict.fromkeys(report.signer or report.field for report in reports))
