"""Documents, records and signed files that are in order; each test names only what matters to it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import pikepdf
import pypdfium2
from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.authority import Authority
from signing.evidence import Evidence, EvidenceDecision, EvidenceDocument
from signing.pdf_signer import PdfSigner, SignerSlot
from signing.revision import Revision
from tests.support.authority import authority, signer, stranger

MORNING = datetime(2026, 5, 27, 0, 31, 5, 250_000, tzinfo=UTC)
MINJUN = SignerSlot("Signer1", "김민준", "minjun.kim@example.kr")
SARKA = SignerSlot("Signer2", "Šárka Černá", "sarka.cerna@example.cz")
BOTH = (MINJUN, SARKA)


def document(
    text: str = "Forklift lease", *, pages: int = 2, rotate: int = 0, crop: bool = False, form: Sequence[str] = ()
) -> bytes:
    """A PDF as intake leaves it. Rotation and crop box are inherited from the page tree; `form` names text fields."""
    with pikepdf.new() as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        for number in range(1, pages + 1):
            page = pdf.add_blank_page(page_size=(595, 842)).obj
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(font)))
            page.Contents = pdf.make_stream(f"BT /F1 24 Tf 72 700 Td ({text}, page {number}) Tj ET".encode())
        tree = pdf.Root.Pages
        if rotate:
            tree.Rotate = rotate
        if crop:
            tree.CropBox = pikepdf.Array([100, 100, 400, 500])
        if form:
            fields = []
            for row, name in enumerate(form):
                fields.append(
                    pdf.make_indirect(
                        pikepdf.Dictionary(
                            Type=pikepdf.Name.Annot,
                            Subtype=pikepdf.Name.Widget,
                            FT=pikepdf.Name.Tx,
                            T=name,
                            V="100",
                            F=4,
                            Rect=pikepdf.Array([72, 600 - 30 * row, 272, 620 - 30 * row]),
                            P=pdf.pages[0].obj,
                        )
                    )
                )
            pdf.pages[0].obj.Annots = pikepdf.Array(fields)
            pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(fields))
        output = io.BytesIO()
        pdf.save(output, min_version="1.7", static_id=True)
        return output.getvalue()


def decision(**values: object) -> EvidenceDecision:
    settings: dict[str, object] = {
        "stage": "Legal review",
        "name": "박서연",
        "email": "seoyeon.park@example.kr",
        "verdict": "approve",
        "at": MORNING,
        "via": "link",
    }
    return EvidenceDecision(**(settings | values))  # type: ignore[arg-type]  # values of a builder


def evidence(pdf: bytes, *decisions: EvidenceDecision, title: str = "Forklift lease 2026–2029") -> Evidence:
    sha256 = hashlib.sha256(pdf).hexdigest()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        pages = len(opened.pages)
    about = EvidenceDocument(title, "C-2026-0042", 1, hashlib.sha256(b"as handed in").hexdigest(), sha256, pages)
    made = decisions or (
        decision(version_sha256=sha256),
        decision(stage="Finance", name="O’Neill", version_sha256=sha256),
    )
    return Evidence(about, made, "하늘물류 Haneul Logistics", MORNING + timedelta(hours=2), ({"action": "submitted"},))


def prepared(
    pdf: bytes, *, slots: Sequence[SignerSlot] = BOTH, record: Evidence | None = None, by: PdfSigner | None = None
) -> bytes:
    return (by or signer()).prepare(
        pdf,
        evidence=record or evidence(pdf),
        slots=slots,
        reason="Approved by everyone on its route",
        locale="en",
        timezone="Asia/Seoul",
    )


def signed(
    pdf: bytes,
    slot: SignerSlot,
    *,
    name: str | None = None,
    reason: str = "I agree to this contract",
    locale: str = "en",
    timezone: str = "Europe/Prague",
    last: bool = False,
    by: PdfSigner | None = None,
) -> bytes:
    return (by or signer()).sign(
        pdf,
        slot=slot,
        name=name or slot.name,
        at=datetime.now(UTC),
        reason=reason,
        locale=locale,
        timezone=timezone,
        last=last,
    )


def sealed(
    pdf: bytes | None = None,
    *,
    slots: Sequence[SignerSlot] = BOTH,
    record: Evidence | None = None,
    by: PdfSigner | None = None,
) -> bytes:
    """The whole life of a signed file."""
    made = prepared(document() if pdf is None else pdf, slots=slots, record=record, by=by)
    for slot in slots:
        made = signed(made, slot, last=slot is slots[-1], by=by)
    return (by or signer()).seal(made)


@cache
def sealed_lease() -> bytes:
    """One sealed file for all who only look at it."""
    return sealed()


def foreign(pdf: bytes, *, certify: bool = False, by: Authority | None = None) -> bytes:
    """A document that came signed by somebody of another house, with a visible field on its first page."""
    house = by or stranger()
    revision = Revision(pdf)
    revision.add_field("Signature1", label="Nordwerk", page=0, box=(50, 50, 250, 120))
    return revision.sign(
        "Signature1",
        house.issue_for("Jürgen Böhm", "boehm@nordwerk.example", "Nordwerk Maschinen GmbH"),
        house.tsa,
        name="Jürgen Böhm",
        at=datetime.now(UTC),
        reason="",
        mark=None,
        certify=certify,
    )


def forbidding(pdf: bytes) -> bytes:
    """Certified by pyHanko's own signer so that nothing at all may follow (DocMDP 1)."""
    person = stranger().issue_for("Jürgen Böhm", "boehm@nordwerk.example", None)
    key = person.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    stock = signers.SimpleSigner(
        x509.Certificate.load(person.certificate.public_bytes(Encoding.DER)),
        keys.PrivateKeyInfo.load(key),
        SimpleCertificateStore(),  # type: ignore[no-untyped-call]  # pyHanko annotates only a part
    )
    how = signers.PdfSignatureMetadata(
        field_name="Signature1", md_algorithm="sha256", certify=True, docmdp_permissions=MDPPerm.NO_CHANGES
    )
    output = io.BytesIO()
    signers.PdfSigner(how, stock).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=output)
    return output.getvalue()


def anchors(*more: Authority) -> list[bytes]:
    return [house.trust_anchor_pem for house in (authority(), *more)]


def text_of(pdf: bytes, page: int) -> str:
    """What is shown on a page (from 0; negative from the end), marks of signatures included."""
    with pypdfium2.PdfDocument(pdf) as opened:
        opened.init_forms()
        shown = opened[page if page >= 0 else len(opened) + page]
        shown.flatten()
        again = io.BytesIO()
        opened.save(again)
    with pypdfium2.PdfDocument(again.getvalue()) as flat:
        text = str(flat[page if page >= 0 else len(flat) + page].get_textpage().get_text_bounded())
    return text.replace("\r\n", "\n").replace("\ufffe", "-")
