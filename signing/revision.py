"""One revision of a PDF: what is added to the end of a file, down to the signature or time stamp that closes it.

All of pyHanko's writing side is used here, and imported with this module: half a second that only those pay who sign.
"""

# pyHanko annotates only a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.writer import PageObject
from pyhanko.sign import fields
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, InvisSigSettings, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, PdfSignedData, SignatureObject
from pyhanko.sign.validation.dss import DocumentSecurityStore

from signing.appearance import Canvas
from signing.authority import Credentials
from signing.errors import SigningRefused
from signing.fonts import FontSet
from signing.pages import resources, stream_of
from signing.paper import PAGE_HEIGHT, PAGE_WIDTH
from signing.revocation import RevocationMaterial
from signing.timestamps import Timestamper

Kind = TypeVar("Kind", bound=generic.PdfObject)

# ISO 32000-2, table 224
FORM_KEYS = ("/Fields", "/NeedAppearances", "/SigFlags", "/CO", "/DR", "/DA", "/Q", "/XFA")

RECORD_KEY = pdf_name("/SGNF_ApprovalRecord")


class Revision:
    """An update being put together. It ends with `sign` or `timestamp`, which give the whole new file."""

    def __init__(self, pdf: bytes) -> None:
        self._writer = _open(pdf)
        if self._writer.security_handler is not None:
            raise SigningRefused("An encrypted file cannot be signed.")

    def has_signatures(self) -> bool:
        return any(value is not None for _, value, _ in self._signature_fields())

    def field_names(self) -> set[str]:
        """All names that a form field has in this file."""
        return {name for name, _ in _terminal_fields(self._fields())}

    def ordinary_fields(self) -> tuple[str, ...]:
        """Fields that hold something else than a signature."""
        return tuple(sorted({name for name, kind in _terminal_fields(self._fields()) if kind != "/Sig"}))

    def open_field(self, name: str) -> str:
        """The unsigned field made for this slot: `name`, or `name-2` where the upload already had such a field."""
        pattern = re.compile(re.escape(name) + r"(?:-(\d+))?")
        found = [
            (int(match.group(1) or 1), candidate, value)
            for candidate, value, _ in self._signature_fields()
            if (match := pattern.fullmatch(candidate))
        ]
        if not found:
            raise SigningRefused("The document has no place for the signature %(field)s.", field=name)
        _, candidate, value = max(found, key=lambda item: item[0])
        if value is not None:
            raise SigningRefused("The signature %(field)s has already been given.", field=name)
        return candidate

    def give_the_form_its_own_object(self) -> None:
        """Some tools write one object as form and as document information: signing would then change the latter."""
        root, trailer = self._writer.root, self._writer.trailer
        if "/AcroForm" not in root or "/Info" not in trailer or root["/AcroForm"] is not trailer["/Info"]:
            return
        shared = root["/AcroForm"]
        form = generic.DictionaryObject({key: shared.raw_get(key) for key in shared if key in FORM_KEYS})
        root[pdf_name("/AcroForm")] = self._writer.add_object(form)
        self._writer.update_root()

    def add_field(self, name: str, *, label: str, page: int = 0, box: tuple[int, int, int, int] | None) -> None:
        """`page` counts from 0; without a box the field is invisible, and on whichever page suits."""
        fields.append_signature_field(
            self._writer,
            SigFieldSpec(
                name,
                on_page=page if box is not None else self._page_with_fields(),
                box=box,
                readable_field_name=label,
                invis_sig_settings=InvisSigSettings(box_out_of_bounds=False),
            ),
        )
        if box is not None:
            # Built as the later mark will be: EU DSS calls any other difference than the content an undefined change.
            (reference,) = (reference for found, _, reference in self._signature_fields() if found == name)
            self._appear(reference, b"", None)

    def page_count(self) -> int:
        return int(self._writer.root["/Pages"]["/Count"])

    def add_pages(self, canvases: Sequence[Canvas], fonts: FontSet) -> None:
        """Upright A4 pages at the end. Nothing is inherited from the document's own page tree."""
        used = self._writer.add_object(resources(self._writer, fonts))
        edges = generic.ArrayObject(generic.FloatObject(edge) for edge in (0, 0, PAGE_WIDTH, PAGE_HEIGHT))
        for canvas in canvases:
            page = PageObject(self._writer.add_object(stream_of(canvas.content())), (0, 0, PAGE_WIDTH, PAGE_HEIGHT))
            page[pdf_name("/Resources")] = used
            page[pdf_name("/CropBox")] = edges
            page[pdf_name("/Rotate")] = generic.NumberObject(0)
            self._writer.insert_page(page)

    def attach(self, name: str, data: bytes, *, description: str, made_at: datetime) -> None:
        """An embedded file that readers list, and that the catalog points at."""
        stream = stream_of(
            data,
            {
                "/Type": pdf_name("/EmbeddedFile"),
                "/Subtype": pdf_name("/application/json"),
                "/Params": generic.DictionaryObject(
                    {
                        pdf_name("/Size"): generic.NumberObject(len(data)),
                        pdf_name("/ModDate"): generic.pdf_date(made_at),
                    }
                ),
            },
        )
        reference = self._writer.add_object(stream)
        specification = self._writer.add_object(
            generic.DictionaryObject(
                {
                    pdf_name("/Type"): pdf_name("/Filespec"),
                    pdf_name("/F"): pdf_string(name),
                    pdf_name("/UF"): pdf_string(name),
                    pdf_name("/Desc"): pdf_string(description),
                    pdf_name("/AFRelationship"): pdf_name("/Data"),
                    pdf_name("/EF"): generic.DictionaryObject({pdf_name("/F"): reference, pdf_name("/UF"): reference}),
                }
            )
        )
        root = self._writer.root
        root[RECORD_KEY] = specification
        names = _entry(root, "/Names", generic.DictionaryObject())
        entries = _name_tree(_entry(names, "/EmbeddedFiles", generic.DictionaryObject()))
        while name in entries:
            name = f"signoff-{name}"
        entries[name] = specification
        # Readers look names up by halves: the array must be sorted, and a tree with branches becomes one array.
        flat = generic.ArrayObject(part for key in sorted(entries) for part in (pdf_string(key), entries[key]))
        kept = generic.DictionaryObject({key: names.raw_get(key) for key in names if key != "/EmbeddedFiles"})
        kept[pdf_name("/EmbeddedFiles")] = generic.DictionaryObject({pdf_name("/Names"): flat})
        root[pdf_name("/Names")] = self._writer.add_object(kept)
        self._writer.update_root()

    def sign(
        self,
        field: str,
        credentials: Credentials,
        timestamper: Timestamper,
        *,
        name: str,
        at: datetime,
        reason: str,
        mark: Callable[[float, float], Canvas] | None,
        certify: bool = False,
        locks: Sequence[str] = (),
        extra: dict[str, bytes] | None = None,
    ) -> bytes:
        """Close the revision with a PAdES B-LT signature.

        `certify`: nothing but signing and filling in forms is allowed from here on (DocMDP 2). `locks` are form fields
        whose values this signature fixes (FieldMDP, ISO 32000-2, 12.8.2.4). `mark` draws the appearance for a width
        and height. `extra` entries are kept as byte strings in the signature dictionary.
        """
        self._keep(credentials.material() | timestamper.material())
        template = credentials.template
        value = SignatureObject(
            timestamp=at,
            subfilter=SigSeedSubFilter.PADES,
            name=name,
            reason=reason or None,
            bytes_reserved=2 * (template.size_bound + timestamper.size_bound),
        )
        for key, content in (extra or {}).items():
            value[pdf_name(key)] = generic.ByteStringObject(content)
        setup = SigMDPSetup(
            md_algorithm="sha256",
            certify=certify,
            docmdp_perms=MDPPerm.FILL_FORMS if certify else None,
            field_lock=FieldMDPSpec(FieldMDPAction.INCLUDE, list(locks)) if locks else None,
        )
        return self._close(
            field, value, setup, mark, lambda digest: template.detached(digest, timestamper.token), new=False
        )

    def timestamp(self, field: str, timestamper: Timestamper, material: RevocationMaterial) -> bytes:
        """Close the revision with a document time stamp: what was B-LT becomes B-LTA."""
        self._keep(material | timestamper.material(fresh=True))
        value = DocumentTimestamp(bytes_reserved=2 * timestamper.size_bound)
        return self._close(field, value, None, None, timestamper.token, new=True)

    def _close(
        self,
        field: str,
        value: PdfSignedData,
        setup: SigMDPSetup | None,
        mark: Callable[[float, float], Canvas] | None,
        cms: Callable[[bytes], bytes],
        *,
        new: bool,
    ) -> bytes:
        self._writer.ensure_output_version((1, 7))
        if self._writer.output_version < (2, 0):
            self._writer.register_extension(ESIC_EXTENSION_1)
        spec = SigFieldSpec(
            field, on_page=self._page_with_fields(), invis_sig_settings=InvisSigSettings(box_out_of_bounds=False)
        )
        steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(field, self._writer, existing_fields_only=not new)
        reference = next(steps)
        if mark is not None:
            self._draw_mark(reference, mark)
        steps.send(SigObjSetup(value, setup))
        prepared, output = steps.send(SigIOSetup(md_algorithm="sha256", in_place=True))
        signed = cms(prepared.document_digest)
        if 2 * len(signed) > prepared.reserved_region_end - prepared.reserved_region_start - 2:
            raise SigningRefused("The signature came out larger than the place kept for it.")
        steps.send(signed)
        assert isinstance(output, io.BytesIO)
        return output.getvalue()

    def _draw_mark(self, reference: generic.IndirectObject, mark: Callable[[float, float], Canvas]) -> None:
        width, height = _size(reference.get_object())
        if width and height:
            canvas = mark(width, height)
            self._appear(reference, canvas.content(), canvas.fonts)
            self._writer.mark_update(reference)

    def _appear(self, reference: generic.IndirectObject, content: bytes, fonts: FontSet | None) -> None:
        widget = reference.get_object()
        entries: dict[str, generic.PdfObject] = {
            "/Type": pdf_name("/XObject"),
            "/Subtype": pdf_name("/Form"),
            "/BBox": generic.ArrayObject(generic.FloatObject(edge) for edge in (0, 0, *_size(widget))),
            "/Resources": generic.DictionaryObject() if fonts is None else resources(self._writer, fonts),
        }
        form = self._writer.add_object(stream_of(content, entries))
        widget[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): form})

    def _keep(self, material: RevocationMaterial) -> None:
        """Validation material goes into the same revision as the signature it belongs to."""
        DocumentSecurityStore.supply_dss_in_writer(
            self._writer,
            None,
            certs=[asn1_x509.Certificate.load(der) for der in material.certificates],
            crls=[asn1_crl.CertificateList.load(der) for der in material.crls],
            ocsps=[asn1_ocsp.OCSPResponse.load(der) for der in material.ocsps],
        )

    def _page_with_fields(self) -> int:
        """One of the last pages that has annotations already: to EU DSS a page's first is a change not allowed."""
        pages = self.page_count()
        for number in range(pages - 1, max(-1, pages - 30), -1):
            page, _ = self._writer.find_page_for_modification(number)
            if "/Annots" in page.get_object():
                return number
        return 0

    def _fields(self) -> generic.ArrayObject:
        form = _entry(self._writer.root, "/AcroForm", generic.DictionaryObject())
        return _entry(form, "/Fields", generic.ArrayObject())

    def _signature_fields(self) -> list[tuple[str, generic.PdfObject | None, generic.IndirectObject]]:
        return list(fields.enumerate_sig_fields(self._writer))


def _size(widget: generic.DictionaryObject) -> tuple[float, float]:
    left, bottom, right, top = (float(edge) for edge in widget["/Rect"])
    return abs(right - left), abs(top - bottom)


def _open(pdf: bytes) -> IncrementalPdfFileWriter:
    try:
        try:
            return IncrementalPdfFileWriter(io.BytesIO(pdf))
        except PdfError:
            # A signed upload cannot be repaired at intake; what most readers forgive is forgiven here too.
            return IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    except Exception as failure:  # damaged files make pyHanko raise more than its own errors
        raise SigningRefused("The file cannot be signed, because it is damaged.") from failure


def _entry(holder: generic.DictionaryObject, key: str, default: Kind) -> Kind:
    """The value, resolved; the default also where something of another kind stands."""
    try:
        value = holder[key]
    except KeyError:
        return default
    return value if isinstance(value, type(default)) else default


def _name_tree(node: generic.DictionaryObject, depth: int = 0) -> dict[str, generic.PdfObject]:
    if depth > 20:
        return {}
    entries: dict[str, generic.PdfObject] = {}
    names = _entry(node, "/Names", generic.ArrayObject())
    for index in range(0, len(names) - 1, 2):
        entries[str(names[index])] = names.raw_get(index + 1)
    for kid in _entry(node, "/Kids", generic.ArrayObject()):
        entries |= _name_tree(kid.get_object(), depth + 1)
    return entries


def _terminal_fields(
    nodes: generic.ArrayObject, above: str = "", kind: str = "/", depth: int = 0
) -> Iterator[tuple[str, str]]:
    """Full name and type of each field. Kids without a name of their own are places on pages where one field shows."""
    if depth > 50:
        return
    for node in nodes:
        field = node.get_object()
        if not isinstance(field, generic.DictionaryObject) or "/T" not in field:
            continue
        name = f"{above}.{field['/T']}" if above else str(field["/T"])
        own = str(_entry(field, "/FT", pdf_name(kind)))
        named = [kid for kid in _entry(field, "/Kids", generic.ArrayObject()) if "/T" in kid.get_object()]
        if named:
            yield from _terminal_fields(generic.ArrayObject(named), name, own, depth + 1)
        else:
            yield name, own
