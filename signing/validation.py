"""Looking into a signed PDF: every signature, every revision after it, every certificate at the time it counted."""

# pyHanko annotates only a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import io
import json
import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms
from asn1crypto import pem as asn1_pem
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.diff_analysis.form_rules_api import FormUpdatingRule
from pyhanko.sign.diff_analysis.policies import DEFAULT_DIFF_POLICY
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
    DSSCompareRule,
    GenericFieldModificationRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
)
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import DocumentTimestampStatus, PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from signing.timestamps import good_until
from signing.verification import Check, Report, Said, SignatureReport, Verdict, unreadable

# pyHanko 0.38 calls every later revision a change when a locked field's appearance is older than the signed revision,
# unless appearances may only be replaced, not altered in place. We never alter them in place.
STRICT = StandardDiffPolicy(
    global_rules=DEFAULT_DIFF_POLICY.global_rules,
    form_rule=FormUpdatingRule(
        field_rules=[
            SigFieldCreationRule(),
            SigFieldModificationRule(allow_in_place_appearance_stream_changes=False),
            GenericFieldModificationRule(allow_in_place_appearance_stream_changes=False),
        ]
    ),
)

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

# Whatever is wrong with somebody's file is in the report; pyHanko also writes each chain that fails into the log.
for noisy in ("pyhanko.sign", "pyhanko_certvalidator"):
    logging.getLogger(noisy).setLevel(logging.CRITICAL)

# How a certificate's not being withdrawn is shown: by a list in the file; where the certificate itself says that nobody
# keeps lists about it, by nothing.
MODES = ("require", "hard-fail")

DETACHED = ("/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/ETSI.RFC3161")


@dataclass
class Found:
    """A signed field; `signature` is None when what is in it cannot be read."""

    field: str
    signature: EmbeddedPdfSignature | None

    @property
    def is_timestamp(self) -> bool:
        return self.signature is not None and self.signature.sig_object_type == "/DocTimeStamp"

    @property
    def revision(self) -> int:
        return -1 if self.signature is None else int(self.signature.signed_revision)


@dataclass
class Looked:
    """What came out for one signature, before it is put into words."""

    found: Found
    status: PdfSignatureStatus | DocumentTimestampStatus | None
    modification: str
    timestamp: datetime | None
    has_material: bool


async def examine(pdf: bytes, trust_anchors: Sequence[bytes], now: datetime) -> Report:
    """Raises whatever a malformed file trips over; `verify` turns that into a report."""
    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 — damaged files make pyHanko raise more than its own errors
        return unreadable(pdf)
    if reader.security_handler is not None:
        return _report(pdf, "unreadable", Said("This file is encrypted; its signatures cannot be checked."))
    found = _signatures(reader)
    if not found:
        if b"/ByteRange" in pdf:
            return _changed(pdf, Said("A signature has been taken out of the file."), (), None)
        return _report(pdf, "unsigned", Said("This file is not signed."))
    anchors = [_certificate(der) for pem in trust_anchors for der in _certificates(pem)]
    looked = await _look(reader, found, anchors, now)
    return _judge(pdf, reader, looked, trust_anchors, now)


def outermost_token(pdf: bytes) -> bytes | None:
    """The token of the last document time stamp; None where something else closes the file, or nothing."""
    found = _signatures(PdfFileReader(io.BytesIO(pdf), strict=False))
    return _token(found[-1]) if found and found[-1].is_timestamp else None


def holding(pdf: bytes) -> Iterator[tuple[str, str]]:
    """Field and signer of every signature whose bytes and later revisions are in order, whoever signed."""
    reader = PdfFileReader(io.BytesIO(pdf), strict=False)
    for found in _signatures(reader):
        if found.signature is None or found.is_timestamp:
            continue
        found.signature.compute_integrity_info(diff_policy=STRICT)
        summary = found.signature.summarise_integrity_info()
        if summary["docmdp_ok"] is not False:
            yield found.field, _common_name(found.signature)


def _signatures(reader: PdfFileReader) -> list[Found]:
    """In the order in which they were made; damaged ones first."""
    found = []
    for name, value, field in enumerate_sig_fields(reader, filled_status=True):
        signature = None
        try:
            if value.get_object()["/SubFilter"] in DETACHED:
                signature = EmbeddedPdfSignature(reader, field, name)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S110 — malformed signatures raise TypeError and ValueError too
            pass
        found.append(Found(str(name), signature))
    return sorted(found, key=lambda one: one.revision)


async def _look(
    reader: PdfFileReader, found: Sequence[Found], anchors: Sequence[asn1_x509.Certificate], now: datetime
) -> list[Looked]:
    """From the last to the first: each time stamp proves what was there before it, at its own time.

    So only the outermost has to be good now. What it covers is judged at the time it gives, with the lists of that
    time, which are in the file.
    """
    material = _Material(reader, anchors)
    proven_at, is_outermost = now, True
    looked = []
    for one in reversed(found):
        try:
            if one.signature is not None:
                # The costly part, once: the validations below see what it left in the signature.
                one.signature.compute_integrity_info(diff_policy=STRICT)
            if one.is_timestamp:
                result = await _look_at_timestamp(one, material, proven_at, is_outermost)
            else:
                result = await _look_at_signature(one, material, proven_at, is_outermost)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 — damaged files make pyHanko raise more than its own errors
            result = Looked(one, None, "other", None, False)
        # Whatever came after it: what it covers existed at that time.
        if one.is_timestamp and result.timestamp is not None and _is_genuine(result):
            proven_at, is_outermost = result.timestamp, False
        looked.append(result)
    return looked[::-1]


async def _look_at_timestamp(one: Found, material: _Material, proven_at: datetime, is_outermost: bool) -> Looked:
    assert one.signature is not None
    # The outermost can have no list from today inside: it was good when it was made, and its dates have not ended.
    moment = _stamped_at(one.signature.signed_data) if is_outermost else proven_at
    for mode in MODES:
        status = await async_validate_pdf_timestamp(one.signature, material.at(moment, mode), skip_diff=True)
        if status.trusted or status.revoked:
            break
    if is_outermost and status.trusted:
        today = material.dates_only(proven_at)
        status = await async_validate_pdf_timestamp(one.signature, today, skip_diff=True)
    return Looked(one, status, _modification(one.signature, status), status.timestamp, False)


async def _look_at_signature(one: Found, material: _Material, proven_at: datetime, is_outermost: bool) -> Looked:
    if one.signature is None:
        return Looked(one, None, "other", None, False)
    signature = one.signature
    token = next(iter(extract_tst_data_iter(signature.signer_info, signed=False)), None)
    token_time = None if token is None else _stamped_at(token)
    has_material = material.is_there
    for mode in MODES:
        for_token = material.at(token_time if is_outermost and token_time else proven_at, mode)
        status = await _validate(signature, material.at(token_time or proven_at, mode), for_token)
        timestamp = _proven_time(status)
        if (status.trusted and (timestamp is not None or token is None)) or status.revoked:
            break
    if token_time is not None and timestamp is not None and is_outermost:
        status = await _validate(signature, material.at(token_time, mode), material.dates_only(proven_at))
        timestamp = _proven_time(status)
    if token is not None and timestamp is None:
        # A time stamp that proves nothing does not take us back to a day when the certificate was still good.
        status = await _validate(signature, material.at(proven_at, mode), material.at(proven_at, mode))
    if token is None and is_outermost and not status.trusted and not status.revoked:
        status = await _validate(signature, material.dates_only(proven_at), material.dates_only(proven_at))
    return Looked(one, status, _modification(signature, status), timestamp, has_material)


async def _validate(
    signature: EmbeddedPdfSignature, for_signer: ValidationContext, for_timestamp: ValidationContext
) -> PdfSignatureStatus:
    return await async_validate_pdf_signature(
        signature,
        for_signer,
        for_timestamp,
        skip_diff=True,
        # Authorities differ in which of the two a signer gets.
        key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}),
    )


class _Material:
    """Certificates and lists in the file."""

    def __init__(self, reader: PdfFileReader, anchors: Sequence[asn1_x509.Certificate]) -> None:
        self._anchors = list(anchors)
        try:
            self._store: DocumentSecurityStore | None = DocumentSecurityStore.read_dss(reader)
        except NoDSSFoundError:
            self._store = None

    @property
    def is_there(self) -> bool:
        return self._store is not None and bool(self._store.crls or self._store.ocsps)

    def at(self, moment: datetime, mode: str) -> ValidationContext:
        """For judging at this moment."""
        settings = self._settings(moment) | {"revocation_mode": mode}
        if self._store is None:
            return ValidationContext(**settings, crls=[], ocsps=[])
        return self._store.as_validation_context(settings)

    def dates_only(self, moment: datetime) -> ValidationContext:
        """For judging whether certificates lead to an anchor and have not ended."""
        certificates = [] if self._store is None else list(self._store.load_certs())
        return ValidationContext(**self._settings(moment), revocation_mode="soft-fail", other_certs=certificates)

    def _settings(self, moment: datetime) -> dict[str, Any]:
        return {
            "trust_roots": self._anchors,
            "allow_fetching": False,
            "moment": moment,
            # Lists are made after the time stamp that they speak for.
            "retroactive_revinfo": True,
            "time_tolerance": timedelta(minutes=5),
        }


def _stamped_at(signed_data: cms.SignedData) -> datetime:
    """What a time stamp token says, checked or not."""
    at: datetime = signed_data["encap_content_info"]["content"].parsed["gen_time"].native
    return at


def _proven_time(status: PdfSignatureStatus) -> datetime | None:
    validity = status.timestamp_validity
    if validity is None or not (validity.intact and validity.valid and validity.trusted):
        return None
    return validity.timestamp


def _modification(signature: EmbeddedPdfSignature, status: PdfSignatureStatus | DocumentTimestampStatus) -> str:
    if status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return "none"
    difference = status.diff_result
    if not isinstance(difference, DiffResult) or status.docmdp_ok is False:
        return "other"
    match difference.modification_level:
        case ModificationLevel.NONE:
            return "none"
        case ModificationLevel.LTA_UPDATES:
            return "archive"
        case ModificationLevel.FORM_FILLING:
            signatures = {name for name, _, _ in enumerate_sig_fields(signature.reader)}
            return "signatures" if difference.changed_form_fields <= signatures else "other"
        case _:
            return "other"


def _is_genuine(one: Looked) -> bool:
    """A signature of somebody trusted over the bytes it covers, whatever was done after it."""
    status = one.status
    return status is not None and bool(status.intact and status.valid and status.trusted)


def _judge(
    pdf: bytes, reader: PdfFileReader, looked: Sequence[Looked], trust_anchors: Sequence[bytes], now: datetime
) -> Report:
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
    archive_until = good_until(_token(looked[-1].found), b"\n".join(trust_anchors)) if closed else None
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
    kind = "timestamp" if one.found.is_timestamp else "certification" if _certifies(signature) else "signature"
    byte_range = [int(edge) for edge in signature.byte_range] if len(signature.byte_range) == 4 else [0, 0, 0, 0]
    return SignatureReport(
        one.found.field,
        kind,
        _common_name(signature),
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
        other.found.is_timestamp and other.found.revision > one.found.revision and _is_genuine(other)
        for other in looked
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
    except Exception:  # noqa: BLE001 — as above
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
    if not _certifies(signature) or RECORD_KEY not in reader.root:
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
    count = len(decisions) if isinstance(decisions, list) else 0
    note = Said("Decisions in it: %(count)s. The bytes decided on are the first of this file.", count=count)
    return Check("record", True, Said("The approval record inside belongs to this document."), note)


def _token(found: Found) -> bytes:
    assert found.signature is not None
    # without the zeros that fill its place
    token: bytes = cms.ContentInfo.load(found.signature.pkcs7_content).dump()
    return token


def _certifies(signature: EmbeddedPdfSignature) -> bool:
    return (
        isinstance(signature.docmdp_level, MDPPerm)
        and "/Reference" in signature.sig_object
        and any(entry.get_object()["/TransformMethod"] == "/DocMDP" for entry in signature.sig_object["/Reference"])
    )


def _common_name(signature: EmbeddedPdfSignature) -> str:
    """The certificate's; whole names too long for a certificate stand in the signature."""
    name = str(signature.signer_cert.subject.native.get("common_name", ""))
    whole = str(signature.sig_object.get("/Name", ""))
    if name.endswith("…") and whole.startswith(name[:-1]):
        return whole
    return name


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


def _certificates(pem: bytes) -> Iterator[bytes]:
    for _, _, der in asn1_pem.unarmor(pem, multiple=True):
        yield der


def _certificate(der: bytes) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(der)


def _report(pdf: bytes, verdict: Verdict, sentence: Said) -> Report:
    return Report(verdict, sentence, (), (), hashlib.sha256(pdf).hexdigest())


def _changed(
    pdf: bytes, note: Said, signatures: tuple[SignatureReport, ...], evidence: dict[str, object] | None
) -> Report:
    check = Check("unchanged", False, Said("The file has been changed."), note)
    sentence = Said("This file was changed after it was signed. Do not rely on it.")
    return Report("changed", sentence, (check,), signatures, hashlib.sha256(pdf).hexdigest(), evidence)
