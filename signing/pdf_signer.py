"""Signing PDFs for the long term (PAdES, EN 319 142-1).

The platform certifies, each person signs, a time stamp closes the file. Every step takes the bytes of a file and gives
the bytes of the next; what was there before stays as it was, byte for byte. The calls are synchronous and safe in
threads, also below `asyncio.to_thread`.
"""

from __future__ import annotations

import hashlib
import logging
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from signing.appearance import MARK_HEIGHT, MARK_WIDTH, Mark
from signing.authority import Authority, Credentials
from signing.errors import KeyRefused, SigningRefused, TimestampUnavailable, TokenRefused
from signing.evidence import FILE_NAME, Evidence, to_json
from signing.record import Slot, approval_record
from signing.revocation import RevocationMaterial
from signing.timestamps import Timestamper, good_until, issuer_of, material_of
from signing.words import word

if TYPE_CHECKING:
    from signing.revision import Revision

log = logging.getLogger(__name__)

Made = TypeVar("Made")

SEAL_FIELD = "Seal"
TIMESTAMP_FIELD = "Timestamp"
EVIDENCE_ENTRY = "/SGNF_ApprovalRecord"

ASKED_LAST_SECONDS = 300
"""How long a time stamp authority that failed is asked after the others: each may take ten seconds to fail again."""


@dataclass(frozen=True)
class SignerSlot:
    """`field` is the form field to be signed, such as "Signer1"."""

    field: str
    name: str
    email: str


class PdfSigner:
    def __init__(self, authority: Authority, *timestampers: Timestamper, trust_anchors: Sequence[bytes] = ()) -> None:
        """`timestampers` are asked in this order until one stamps; none: the authority's own.

        `trust_anchors` (PEM) are those of other authorities, where seal or time stamps come from one.
        """
        self.authority = authority
        self.trust_anchors = (authority.trust_anchor_pem, *trust_anchors)
        self._timestampers: tuple[Timestamper, ...] = timestampers or (authority.tsa,)
        self._failed: dict[Timestamper, float] = {}

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
        record = to_json(evidence, document_bytes=len(pdf))
        credentials = self._seal()

        def made(timestamper: Timestamper) -> tuple[bytes, bool]:
            revision = _open(pdf)
            already_signed = revision.has_signatures()
            certify = self._countersign if already_signed else self._certify
            return certify(
                revision, timestamper, credentials, record, slots, evidence, reason, locale, timezone
            ), already_signed

        prepared, already_signed = self._stamped(made)
        if already_signed:
            self._insist_on_holding(pdf, prepared)
        return prepared

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
        credentials = self.authority.issue_for(name, slot.email, organisation)

        def made(timestamper: Timestamper) -> bytes:
            revision = _open(pdf)
            return _sign(
                revision,
                revision.open_field(slot.field),
                credentials,
                timestamper,
                Mark(name, at, reason),
                locale,
                timezone,
                certify=False,
                locks=tuple(sorted(revision.field_names())) if last else (),
            )

        return self._stamped(made)

    def seal(self, pdf: bytes) -> bytes:
        """Close the document with a document time stamp: every signature in it becomes PAdES B-LTA."""
        # First of all our own lists, anew: the seal and the time stamp take theirs from there.
        return self._close(
            pdf, self.authority.revocation_material() | self.authority.seal_credentials().material(fresh=True)
        )

    def renew(self, pdf: bytes, *, at: datetime | None = None) -> bytes:
        """Time stamp a sealed document again, before the certificate behind its last time stamp ends.

        The lists that prove the last time stamp now go into the file with the new one. `at` is the time at which the
        file is judged, now otherwise.

        Raises SigningRefused when the document does not hold any more, as a new time stamp would prove nothing, and
        when a new one would last less long; KeyRefused and TimestampUnavailable as for sealing.
        """
        from signing.looking import outermost_token
        from signing.verification import verify

        report = verify(pdf, self.trust_anchors, at=at)
        last = outermost_token(pdf)
        if report.verdict != "sealed" or report.archive_until is None or last is None:
            raise SigningRefused("The document is not sealed any more: %(reason)s", reason=report.sentence)
        material = self.authority.revocation_material()
        if issuer_of(last) != self.authority.root.subject:
            material |= material_of(last, self._anchors_pem, fresh=True)
        renewed = self._close(pdf, material)
        after = verify(renewed, self.trust_anchors, at=at)
        if after.verdict != "sealed" or after.archive_until is None:
            raise SigningRefused(
                "The document does not hold with its new time stamp: %(reason)s", reason=after.sentence
            )
        if after.archive_until < report.archive_until:
            raise SigningRefused("A new time stamp would not last as long as the one that the document has.")
        return renewed

    def archive_until(self, sealed: bytes) -> datetime:
        """By then this file needs a new time stamp: the first certificate behind its last one ends.

        Raises SigningRefused when no time stamp closes the file.
        """
        from signing.looking import outermost_token

        last = outermost_token(sealed)
        if last is None:
            raise SigningRefused("No time stamp closes the document.")
        return good_until(last, self._anchors_pem)

    def stamps_until(self) -> datetime:
        """Until when a time stamp of today lasts. Raises TimestampUnavailable when none can be had."""
        return self._stamped(lambda timestamper: timestamper.good_until())

    @property
    def _anchors_pem(self) -> bytes:
        return b"\n".join(self.trust_anchors)

    def _close(self, pdf: bytes, material: RevocationMaterial) -> bytes:
        def made(timestamper: Timestamper) -> bytes:
            revision = _open(pdf)
            if not revision.has_signatures():
                raise SigningRefused("There is no signature to be sealed.")
            taken = revision.field_names()
            number = next(n for n in range(1, len(taken) + 2) if f"{TIMESTAMP_FIELD}{n}" not in taken)
            return revision.timestamp(f"{TIMESTAMP_FIELD}{number}", timestamper, material)

        return self._stamped(made)

    def _stamped(self, make: Callable[[Timestamper], Made]) -> Made:
        """What `make` makes with the first authority that stamps.

        A revision is made anew with each, as its tokens must come from the authority whose lists it holds.
        Raises TimestampUnavailable when all fail, with what each said; where there is one only, what that one raises.
        """
        if len(self._timestampers) == 1:
            return make(self._timestampers[0])
        said = []
        for timestamper in self._in_turn():
            try:
                made = make(timestamper)
            except (TimestampUnavailable, TokenRefused, KeyRefused) as failure:
                log.warning("The next time stamp authority is asked: %s", failure)
                self._failed[timestamper] = time.monotonic()
                said.append(str(failure))
            else:
                self._failed.pop(timestamper, None)
                return made
        raise TimestampUnavailable("No time stamp authority gives a time stamp. %(reasons)s", reasons=" ".join(said))

    def _in_turn(self) -> list[Timestamper]:
        now = time.monotonic()
        return sorted(
            self._timestampers, key=lambda each: now - self._failed.get(each, -ASKED_LAST_SECONDS) < ASKED_LAST_SECONDS
        )

    def _certify(
        self,
        revision: Revision,
        timestamper: Timestamper,
        credentials: Credentials,
        record: bytes,
        slots: Sequence[SignerSlot],
        evidence: Evidence,
        reason: str,
        locale: str,
        timezone: str,
    ) -> bytes:
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
        return _sign(
            revision,
            seal.field,
            credentials,
            timestamper,
            Mark(evidence.organisation, datetime.now(UTC), reason, is_seal=True),
            locale,
            timezone,
            certify=True,
            # What the upload's own form says is part of what was approved: nobody fills it in later.
            locks=ordinary,
        )

    def _countersign(
        self,
        revision: Revision,
        timestamper: Timestamper,
        credentials: Credentials,
        record: bytes,
        slots: Sequence[SignerSlot],
        evidence: Evidence,
        reason: str,
        locale: str,
        timezone: str,
    ) -> bytes:
        suffix = _free_suffix(revision.field_names(), [SEAL_FIELD, *(slot.field for slot in slots)])
        revision.add_field(SEAL_FIELD + suffix, label=word("Seal of the platform", locale), box=None)
        for slot in slots:
            label = word("Signature of %(name)s", locale, name=slot.name)
            revision.add_field(slot.field + suffix, label=label, box=None)
        return _sign(
            revision,
            SEAL_FIELD + suffix,
            credentials,
            timestamper,
            Mark(evidence.organisation, datetime.now(UTC), reason, is_seal=True),
            locale,
            timezone,
            certify=False,
            locks=(),
            extra={EVIDENCE_ENTRY: zlib.compress(record)},
        )

    def _insist_on_holding(self, before: bytes, signed: bytes) -> None:
        """Their file could not be repaired at intake. What comes out must hold, or nobody is asked to sign it."""
        from signing.verification import broken_by, verify

        if broken := broken_by(before, signed):
            raise SigningRefused(
                "The document is already signed by %(name)s in a way that allows no further signature.", name=broken
            )
        if verify(signed, self.trust_anchors).verdict in ("changed", "unreadable"):
            raise SigningRefused("The document is already signed, but the signature in it does not hold.")

    def _seal(self) -> Credentials:
        credentials = self.authority.seal_credentials()
        credentials.check(datetime.now(UTC))
        credentials.material()  # trouble with the seal's own lists is not for another time stamp authority to mend
        return credentials


def _sign(
    revision: Revision,
    field: str,
    credentials: Credentials,
    timestamper: Timestamper,
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
        timestamper,
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
