"""Signing PDFs for the long term (PAdES, EN 319 142-1).

The platform certifies, each person signs, a time stamp closes the file. Every step takes the bytes of a file and gives
the bytes of the next; what was there before stays as it was, byte for byte. The calls are synchronous and safe in
threads, also below `asyncio.to_thread`.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from signing.appearance import MARK_HEIGHT, MARK_WIDTH, Mark
from signing.authority import Authority, Credentials
from signing.errors import SigningRefused
from signing.evidence import FILE_NAME, Evidence, to_json
from signing.record import Slot, approval_record
from signing.timestamps import Timestamper
from signing.words import word

if TYPE_CHECKING:
    from signing.revision import Revision

SEAL_FIELD = "Seal"
TIMESTAMP_FIELD = "Timestamp"
EVIDENCE_ENTRY = "/SGNF_ApprovalRecord"


@dataclass(frozen=True)
class SignerSlot:
    """`field` is the form field to be signed, such as "Signer1"."""

    field: str
    name: str
    email: str


class PdfSigner:
    def __init__(
        self, authority: Authority, timestamper: Timestamper | None = None, *, trust_anchors: Sequence[bytes] = ()
    ) -> None:
        """`trust_anchors` (PEM) are those of other authorities, where seal or time stamps come from one."""
        self.authority = authority
        self.trust_anchors = (authority.trust_anchor_pem, *trust_anchors)
        self.timestamper: Timestamper = timestamper or authority.tsa

    def warm_up(self) -> None:
        """Load what the first signature would otherwise wait for."""
        from signing import revision as revision
        from signing.fonts import BOLD, REGULAR, runs

        for weight in (REGULAR, BOLD):
            runs("a 한", weight)

    def prepare(
        self,
        pdf: bytes,
        *,
        evidence: Evidence,
        slots: Sequence[SignerSlot],
        reason: str,
        locale: str,
        timezone: str,
    ) -> bytes:
        """Add the approval record with a place for every signature, and certify (DocMDP 2, PAdES B-LT).

        A file that already holds somebody's signature gets no page and no visible fields, which would break that
        signature: the record goes into the seal, an ordinary signature then, and signers' fields are invisible.

        Raises SigningRefused when these bytes are not the ones that the record speaks of, and when they cannot be
        signed; KeyRefused when the seal's certificate cannot be used.
        """
        if hashlib.sha256(pdf).hexdigest() != evidence.document.normalised_sha256:
            raise SigningRefused("The approval record speaks of another version of the document.")
        if len({slot.field for slot in slots}) != len(slots) or SEAL_FIELD in {slot.field for slot in slots}:
            raise SigningRefused("Two signatures cannot share a place.")
        revision = _open(pdf)
        record = to_json(evidence, document_bytes=len(pdf))
        if revision.has_signatures():
            return self._countersign(pdf, revision, record, slots, evidence, reason, locale, timezone)

        credentials = self._seal()
        suffix = _free_suffix(revision.field_names(), [SEAL_FIELD, *(slot.field for slot in slots)])
        seal = Slot(SEAL_FIELD + suffix, credentials.name, "")
        places = [Slot(slot.field + suffix, slot.name, slot.email) for slot in slots]
        revision.give_the_form_its_own_object()
        pages = approval_record(evidence, seal, places, locale, timezone)
        ordinary = revision.ordinary_fields()
        before = revision.page_count()
        revision.add_pages(pages.pages, pages.fonts)
        revision.attach(
            FILE_NAME,
            record,
            description=word("Approval record in machine-readable form", locale),
            made_at=evidence.made_at,
        )
        labels = {slot.field: word("Signature of %(name)s", locale, name=slot.name) for slot in places}
        for place in pages.places:
            revision.add_field(
                place.field,
                label=labels.get(place.field, word("Seal of the platform", locale)),
                page=before + place.page,
                box=(place.x, place.y, place.x + MARK_WIDTH, place.y + MARK_HEIGHT),
            )
        return self._sign(
            revision,
            seal.field,
            credentials,
            Mark(evidence.organisation, datetime.now(UTC), reason, is_seal=True),
            locale,
            timezone,
            certify=True,
            # What the upload's own form says is part of what was approved: nobody fills it in later.
            locks=ordinary,
        )

    def sign(
        self,
        pdf: bytes,
        *,
        slot: SignerSlot,
        name: str,
        at: datetime,
        reason: str,
        locale: str,
        timezone: str,
        last: bool,
        organisation: str | None = None,
    ) -> bytes:
        """One person's signature (PAdES B-LT) in their place, with a visible mark. The last one locks every field.

        Raises SigningRefused when the place is missing or already signed.
        """
        revision = _open(pdf)
        field = revision.open_field(slot.field)
        credentials = self.authority.issue_for(name, slot.email, organisation)
        locks = tuple(sorted(revision.field_names())) if last else ()
        return self._sign(
            revision, field, credentials, Mark(name, at, reason), locale, timezone, certify=False, locks=locks
        )

    def seal(self, pdf: bytes) -> bytes:
        """Close the document with a document time stamp: every signature in it becomes PAdES B-LTA."""
        revision = _open(pdf)
        if not revision.has_signatures():
            raise SigningRefused("There is no signature to be sealed.")
        taken = revision.field_names()
        number = next(n for n in range(1, len(taken) + 2) if f"{TIMESTAMP_FIELD}{n}" not in taken)
        seal = self.authority.seal_credentials()
        # First of all our own lists, anew: the seal and the time stamp take theirs from there.
        material = self.authority.revocation_material() | seal.material(fresh=True)
        return revision.timestamp(f"{TIMESTAMP_FIELD}{number}", self.timestamper, material)

    def renew(self, pdf: bytes) -> bytes:
        """Time stamp a sealed document again, before the certificate behind its last time stamp ends.

        Raises SigningRefused when the document does not hold any more: a new time stamp would prove nothing.
        """
        from signing.verification import verify

        report = verify(pdf, self.trust_anchors)
        if report.verdict != "sealed":
            raise SigningRefused("The document is not sealed any more: %(reason)s", reason=report.sentence)
        return self.seal(pdf)

    def _countersign(
        self,
        pdf: bytes,
        revision: Revision,
        record: bytes,
        slots: Sequence[SignerSlot],
        evidence: Evidence,
        reason: str,
        locale: str,
        timezone: str,
    ) -> bytes:
        credentials = self._seal()
        suffix = _free_suffix(revision.field_names(), [SEAL_FIELD, *(slot.field for slot in slots)])
        revision.add_field(SEAL_FIELD + suffix, label=word("Seal of the platform", locale), box=None)
        for slot in slots:
            label = word("Signature of %(name)s", locale, name=slot.name)
            revision.add_field(slot.field + suffix, label=label, box=None)
        signed = self._sign(
            revision,
            SEAL_FIELD + suffix,
            credentials,
            Mark(evidence.organisation, datetime.now(UTC), reason, is_seal=True),
            locale,
            timezone,
            certify=False,
            locks=(),
            extra={EVIDENCE_ENTRY: zlib.compress(record)},
        )
        # Their file could not be repaired at intake. What comes out must hold, or nobody is asked to sign it.
        from signing.verification import broken_by, verify

        if broken := broken_by(pdf, signed):
            raise SigningRefused(
                "The document is already signed by %(name)s in a way that allows no further signature.", name=broken
            )
        if verify(signed, self.trust_anchors).verdict in ("changed", "unreadable"):
            raise SigningRefused("The document is already signed, but the signature in it does not hold.")
        return signed

    def _seal(self) -> Credentials:
        credentials = self.authority.seal_credentials()
        credentials.check(datetime.now(UTC))
        return credentials

    def _sign(
        self,
        revision: Revision,
        field: str,
        credentials: Credentials,
        mark: Mark,
        locale: str,
        timezone: str,
        *,
        certify: bool,
        locks: tuple[str, ...],
        extra: dict[str, bytes] | None = None,
    ) -> bytes:
        return revision.sign(
            field,
            credentials,
            self.timestamper,
            name=mark.name,
            at=mark.at,
            reason=mark.reason,
            mark=lambda width, height: mark.draw(locale, timezone, width, height),
            certify=certify,
            locks=locks,
            extra=extra,
        )


def _free_suffix(taken: set[str], wanted: Sequence[str]) -> str:
    """Empty, or `-2`, `-3` … where the upload's own form uses one of these names."""
    number = 1
    while True:
        suffix = "" if number == 1 else f"-{number}"
        if not any(name + suffix in taken for name in wanted):
            return suffix
        number += 1


def _open(pdf: bytes) -> Revision:
    # pyHanko takes half a second to import: only processes that sign pay for it.
    from signing.revision import Revision

    return Revision(pdf)
