"""What is in a signed PDF: every signature, every revision after it, every certificate at the time it counted."""

# pyHanko annotates only a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.diff_analysis.form_rules_api import FormUpdatingRule
from pyhanko.sign.diff_analysis.policies import DEFAULT_DIFF_POLICY
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
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


def outermost_token(pdf: bytes) -> bytes | None:
    """The token of the last document time stamp; None where something else closes the file, or nothing."""
    found = signatures(PdfFileReader(io.BytesIO(pdf), strict=False))
    return token_of(found[-1]) if found and found[-1].is_timestamp else None


def holding(pdf: bytes) -> Iterator[tuple[str, str]]:
    """Field and signer of every signature whose bytes and later revisions are in order, whoever signed."""
    reader = PdfFileReader(io.BytesIO(pdf), strict=False)
    for found in signatures(reader):
        if found.signature is None or found.is_timestamp:
            continue
        found.signature.compute_integrity_info(diff_policy=STRICT)
        summary = found.signature.summarise_integrity_info()
        if summary["docmdp_ok"] is not False:
            yield found.field, common_name(found.signature)


def signatures(reader: PdfFileReader) -> list[Found]:
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


async def look(
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
        if one.is_timestamp and result.timestamp is not None and is_genuine(result):
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


def is_genuine(one: Looked) -> bool:
    """A signature of somebody trusted over the bytes it covers, whatever was done after it."""
    status = one.status
    return status is not None and bool(status.intact and status.valid and status.trusted)


def token_of(found: Found) -> bytes:
    """What stands in the field, in DER, without the zeros that fill its place."""
    assert found.signature is not None
    token: bytes = cms.ContentInfo.load(found.signature.pkcs7_content).dump()
    return token


def certifies(signature: EmbeddedPdfSignature) -> bool:
    return (
        isinstance(signature.docmdp_level, MDPPerm)
        and "/Reference" in signature.sig_object
        and any(entry.get_object()["/TransformMethod"] == "/DocMDP" for entry in signature.sig_object["/Reference"])
    )


def common_name(signature: EmbeddedPdfSignature) -> str:
    """The certificate's; whole names too long for a certificate stand in the signature."""
    name = str(signature.signer_cert.subject.native.get("common_name", ""))
    whole = str(signature.sig_object.get("/Name", ""))
    if name.endswith("…") and whole.startswith(name[:-1]):
        return whole
    return name
