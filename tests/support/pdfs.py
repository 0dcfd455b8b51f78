"""Small PDFs of every kind that people hand in, and of the kinds that break other products. Made here, about nobody."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

A4 = b"/MediaBox[0 0 595 842]"
PAGE = b"<</Type/Page/Parent 2 0 R" + A4 + b"/Resources<<>>/Contents 4 0 R>>"
LINE = b"0 0 m 100 100 l S"


def plain_pdf(
    text: str = "Lease of eight trucks", *, pages: int = 1, change: Callable[[Pdf], None] | None = None
) -> bytes:
    """A4 pages with one line of Latin text each."""
    pdf = pikepdf.new()
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    for number in range(1, pages + 1):
        content = f"BT /F1 18 Tf 72 720 Td ({text}, page {number}) Tj ET".encode("latin-1")
        pdf.add_blank_page(page_size=(595, 842))
        page = pdf.pages[-1].obj
        page.Contents = pdf.make_stream(content)
        page.Resources = Dictionary(Font=Dictionary(F1=font))
    if change is not None:
        change(pdf)
    return saved(pdf)


def saved(pdf: Pdf, **how: object) -> bytes:
    written = io.BytesIO()
    pdf.save(written, static_id=True, **how)  # type: ignore[arg-type]  # pikepdf's own options
    return written.getvalue()


def by_hand(objects: Sequence[bytes], *, root: int = 1, trailer: bytes = b"") -> bytes:
    """A file of these objects, numbered from 1, with a sound cross-reference table: what no library would write."""
    written, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<</Size %d /Root %d 0 R%b>>\nstartxref\n" % (len(objects) + 1, root, trailer)
    written += b"%d\n%%%%EOF\n" % table
    return bytes(written)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d %b>>\nstream\n%b\nendstream" % (len(content), entries, content)


def one_page(page: bytes = PAGE, *more: bytes, catalog: bytes = b"") -> bytes:
    """By hand: 1 catalog, 2 page tree, 3 the page, 4 its content, then what is given."""
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R%b>>" % catalog,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page,
            stream(LINE),
            *more,
        ]
    )


# What is in order


def korean_pdf(text: str = "지게차 8대 임대차 계약서") -> bytes:
    """Its font is one of the reader's own, as office programs of the region leave it."""
    written = text.encode("utf-16-be").hex().encode()
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R" + A4 + b"/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>",
            stream(b"BT /F1 18 Tf 72 720 Td <%b> Tj ET" % written),
            b"<</Type/Font/Subtype/Type0/BaseFont/HYGothic-Medium/Encoding/UniKS-UTF16-H/DescendantFonts[6 0 R]>>",
            b"<</Type/Font/Subtype/CIDFontType0/BaseFont/HYGothic-Medium/FontDescriptor 7 0 R/DW 1000"
            b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Korea1)/Supplement 2>>>>",
            b"<</Type/FontDescriptor/FontName/HYGothic-Medium/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0"
            b"/Ascent 800/Descent -200/CapHeight 800/StemV 80>>",
        ]
    )


def rotated(degrees: int = 90) -> bytes:
    def turn(pdf: Pdf) -> None:
        pdf.pages[0].obj.Rotate = degrees

    return plain_pdf(change=turn)


def cropped() -> bytes:
    def crop(pdf: Pdf) -> None:
        pdf.pages[0].obj.CropBox = Array([100, 200, 400, 600])

    return plain_pdf(change=crop)


def with_object_streams() -> bytes:
    return saved(Pdf.open(io.BytesIO(plain_pdf())), object_stream_mode=pikepdf.ObjectStreamMode.generate)


def with_form(value: str = "", *, look: bool = True) -> bytes:
    """A text field; without `look`, readers are asked to make up how its value looks."""

    def add(pdf: Pdf) -> None:
        field = Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T="Amount",
            V=String(value),
            DA=String("/Helv 12 Tf 0 g"),
            F=4,
            Rect=Array([72, 600, 272, 620]),
            P=pdf.pages[0].obj,
        )
        if look:
            box = Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 200, 20]))
            field.AP = Dictionary(N=pdf.make_stream(b"0.9 g 0 0 200 20 re f", box))
        field = pdf.make_indirect(field)
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
        pdf.pages[0].obj.Annots = Array([field])
        pdf.Root.AcroForm = pdf.make_indirect(
            Dictionary(
                Fields=Array([field]),
                DR=Dictionary(Font=Dictionary(Helv=pdf.make_indirect(font))),
                DA=String("/Helv 12 Tf 0 g"),
                NeedAppearances=not look,
            )
        )

    return plain_pdf(change=add)


# What intake repairs


def junk_before_the_header() -> bytes:
    return b"From: somebody\r\n\r\n" + plain_pdf()


def junk_after_the_end(size: int = 3000) -> bytes:
    return plain_pdf() + b"\0" * size


def broken_cross_references() -> bytes:
    data = plain_pdf()
    at = data.rindex(b"startxref")
    return data[:at] + b"startxref\n77\n%%EOF\n"


def without_cross_references() -> bytes:
    """The end is missing, as after a broken download: no table, no trailer."""
    data = one_page()
    return data[: data.rindex(b"xref\n0")]


def hybrid_cross_references() -> bytes:
    """A classic table whose trailer also names a cross-reference stream (ISO 32000-2, 7.5.8.4)."""
    data = bytearray(one_page())
    table = data.rindex(b"xref\n0")
    packed = len(data)
    entries = zlib.compress(bytes([1]) + packed.to_bytes(4, "big") + bytes([0]))
    body = (
        b"<</Type/XRef/Size 6/W[1 4 1]/Index[5 1]/Root 1 0 R/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream"
        % (len(entries), entries)
    )
    data += b"5 0 obj\n%b\nendobj\n" % body
    again = len(data)
    data += bytes(data[table : data.index(b"trailer")])
    data += b"trailer\n<</Size 6/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (packed, again)
    return bytes(data)


NOTE = b"<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/Contents(a note)>>"
FIELD = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(Amount)/V(100)/Rect[72 600 272 620]>>"


def direct_annotation() -> bytes:
    """An annotation that is no object of its own: signed as it lies, the signature would be invalid."""
    return one_page(PAGE.replace(b"/Resources", b"/Annots[%b]/Resources" % NOTE))


def annotation_instead_of_a_list() -> bytes:
    return one_page(PAGE.replace(b"/Resources", b"/Annots 5 0 R/Resources"), NOTE)


def direct_fields() -> bytes:
    """Form fields that are no objects of their own, one of them below another."""
    return one_page(catalog=b"/AcroForm<</Fields[%b<</T(Group)/Kids[%b]>>]>>" % (FIELD, FIELD))


def without_stream_length() -> bytes:
    return plain_pdf().replace(b"/Length", b"/Lengzh")


def with_owner_password(password: str = "boss") -> bytes:
    pdf = Pdf.open(io.BytesIO(plain_pdf()))
    allow = pikepdf.Permissions(modify_other=False, modify_annotation=False, modify_form=False, extract=False)
    return saved(pdf, encryption=pikepdf.Encryption(owner=password, user="", R=6, allow=allow))


def with_user_password(password: str = "open sesame") -> bytes:
    return saved(Pdf.open(io.BytesIO(plain_pdf())), encryption=pikepdf.Encryption(owner="boss", user=password, R=6))


# What acts by itself


def script() -> Dictionary:
    return Dictionary(Type=Name.Action, S=Name.JavaScript, JS=String("app.alert(1)"))


def with_javascript() -> bytes:
    def add(pdf: Pdf) -> None:
        pdf.Root.OpenAction = script()

    return plain_pdf(change=add)


def with_named_javascript() -> bytes:
    def add(pdf: Pdf) -> None:
        pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("start"), pdf.make_indirect(script())])))

    return plain_pdf(change=add)


def with_disguised_javascript() -> bytes:
    """A name spelled in escapes, behind a harmless action, in a packed stream of objects."""
    link = b"<</Type/Annot/Subtype/Link/Rect[9 9 99 99]/A<</S/URI/URI(https://example.com)/Next 6 0 R>>>>"
    script = b"<</S/J#61va#53cript/#4A#53(app.alert\\(1\\))>>"
    data = one_page(PAGE.replace(b"/Resources", b"/Annots[5 0 R]/Resources"), link, script)
    return saved(Pdf.open(io.BytesIO(data)), object_stream_mode=pikepdf.ObjectStreamMode.generate)


def with_javascript_whose_kind_is_elsewhere() -> bytes:
    return one_page(PAGE, b"<</S 6 0 R/JS(app.alert\\(1\\))>>", b"/JavaScript", catalog=b"/OpenAction 5 0 R")


def with_triggers() -> bytes:
    """Actions for events of the document, a page and a field."""
    launch = b"<</O<</S/Launch/F(calc.exe)>>/K<</S/SubmitForm/F(https://example.com)>>>>"
    page = PAGE.replace(b"/Resources", b"/AA %b/Annots[5 0 R]/Resources" % launch)
    field = FIELD.replace(b"/FT", b"/AA 6 0 R/FT")
    return one_page(page, field, launch, catalog=b"/AA<</WC<</S/Named/N/Print>>>>/AcroForm<</Fields[5 0 R]>>")


def with_attachment() -> bytes:
    def add(pdf: Pdf) -> None:
        pdf.attachments["secret.txt"] = b"not for everybody"

    return plain_pdf(change=add)


def with_attachment_on_the_page() -> bytes:
    pin = b"<</Type/Annot/Subtype/FileAttachment/Rect[9 9 30 30]/FS<</Type/Filespec/F(a.exe)/EF<</F 6 0 R>>>>>>"
    return one_page(
        PAGE.replace(b"/Resources", b"/Annots[5 0 R]/Resources"), pin, stream(b"MZ-attached", b"/Type/EmbeddedFile")
    )


def with_video() -> bytes:
    screen = b"<</Type/Annot/Subtype/Screen/Rect[9 9 99 99]/A<</S/Rendition/OP 0/AN 5 0 R>>>>"
    return one_page(PAGE.replace(b"/Resources", b"/Annots[5 0 R]/Resources"), screen)


def with_static_xfa() -> bytes:
    xfa = stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")
    return one_page(PAGE, xfa, catalog=b"/AcroForm<</Fields[]/XFA 5 0 R>>")


def with_names_that_only_sound_active() -> bytes:
    """Fonts and images called like actions; a font called /AA and a graphics state called /EF must stay."""
    page = (
        b"<</Type/Page/Parent 2 0 R" + A4 + b"/Contents 4 0 R/Resources<</Font<</AA 5 0 R/JS 5 0 R/A 5 0 R>>"
        b"/ExtGState<</AA<</SMask<</S/Alpha/G 7 0 R>>>>/EF<</ca 0.5>>>>>>>>"
    )
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 6 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page,
            stream(b"/EF gs BT /AA 18 Tf 72 720 Td (Lease) Tj /JS 18 Tf ( of trucks) Tj ET"),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/StructTreeRoot/K<</Type/StructElem/S/Sound/P 6 0 R/Pg 3 0 R/K 0>>>>",
            stream(b"0 g", b"/Type/XObject/Subtype/Form/BBox[0 0 1 1]/Group<</S/Transparency>>"),
        ]
    )


# What cannot be signed


def portfolio() -> bytes:
    return one_page(catalog=b"/Collection<</View/D>>")


def dynamic_xfa() -> bytes:
    return one_page(catalog=b"/NeedsRendering true/AcroForm<</Fields[]/XFA[]>>")


def content_in_another_file() -> bytes:
    data = one_page()
    return data.replace(b"<</Length 17 >>", b"<</Length 17 /F(terms.bin)>>")


def without_pages() -> bytes:
    return by_hand([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"])


def many_pages(pages: int = 2001) -> bytes:
    kids = b" ".join(b"%d 0 R" % (3 + number) for number in range(pages))
    page = b"<</Type/Page/Parent 2 0 R" + A4 + b"/Resources<<>>>>"
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, pages),
            *[page] * pages,
        ]
    )


def missing_page() -> bytes:
    """Two pages are announced; the second one is not there."""
    return one_page().replace(b"/Kids[3 0 R]/Count 1", b"/Kids[3 0 R 9 0 R]/Count 2")


def page_count_too_small() -> bytes:
    """Some readers show one page, others two."""
    return plain_pdf(pages=2).replace(b"/Count 2", b"/Count 1")


# What is signed already


@cache
def _house() -> tuple[object, object]:
    from asn1crypto import keys, x509
    from cryptography import x509 as certificates
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    name = certificates.Name([certificates.NameAttribute(certificates.NameOID.COMMON_NAME, "Nordwerk Maschinen GmbH")])
    now = datetime.now(UTC)
    certificate = (
        certificates.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(certificates.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return (
        x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
        keys.PrivateKeyInfo.load(private),
    )


def signed_elsewhere(pdf: bytes | None = None, *, allowing: int | None = None) -> bytes:
    """Signed with another program by another house; ``allowing`` 1–3 certifies it with that DocMDP level."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers
    from pyhanko.sign.fields import MDPPerm
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    certificate, key = _house()
    how = signers.PdfSignatureMetadata(
        field_name="Nordwerk",
        md_algorithm="sha256",
        certify=allowing is not None,
        docmdp_permissions=MDPPerm(allowing or 2),
    )
    signer = signers.SimpleSigner(certificate, key, SimpleCertificateStore())  # type: ignore[no-untyped-call]  # pyHanko annotates a part
    written = io.BytesIO()
    signers.PdfSigner(how, signer).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf or plain_pdf()), strict=False), output=written
    )
    return written.getvalue()


def with_usage_rights() -> bytes:
    """What Adobe's server products add, so that the free reader may fill in a form: in the shape of a signature."""
    rights = b"<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>"
    return one_page(PAGE, rights, catalog=b"/Perms<</UR3 5 0 R>>")


# What costs too much


def packed(block: bytes, times: int) -> bytes:
    """``block`` so many times, as a zlib stream made without going through all of it."""
    first = zlib.compressobj(9)
    head = first.compress(block) + first.flush(zlib.Z_FULL_FLUSH)
    body = first.compress(block) + first.flush(zlib.Z_FULL_FLUSH)
    # The checksum at the end is wrong, which readers forgive.
    return head + body * (times - 1) + b"\x01\x00\x00\xff\xff" + bytes(4)


def decompression_bomb(megabytes: int = 3000) -> bytes:
    """A page whose content unpacks to this many megabytes, from a few kilobytes: packed twice."""
    block = b"0 0 m 1 1 l S\n" * 74_898
    content = zlib.compress(packed(block, megabytes), 9)
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE,
            stream(content, b"/Filter[/FlateDecode/FlateDecode]"),
        ]
    )


def object_stream_bomb(megabytes: int = 3000) -> bytes:
    """The catalog lies in a stream of objects that unpacks to this many megabytes of spaces."""
    inside = b"1 0 2 34 " + b"<</Type/Catalog/Pages 2 0 R>>     <</Type/Pages/Kids[3 0 R]/Count 1>>"
    first = zlib.compressobj(9)
    head = first.compress(inside) + first.flush(zlib.Z_FULL_FLUSH)
    spaces = first.compress(b" " * 1_000_000) + first.flush(zlib.Z_FULL_FLUSH)
    content = zlib.compress(head + spaces * megabytes + b"\x01\x00\x00\xff\xff" + bytes(4), 9)
    written = bytearray(b"%PDF-1.7\n")
    places = []
    bodies = [
        b"3 0 obj\n" + PAGE + b"\nendobj\n",
        b"4 0 obj\n" + stream(LINE) + b"\nendobj\n",
        b"5 0 obj\n" + stream(content, b"/Type/ObjStm/N 2/First 9/Filter[/FlateDecode/FlateDecode]") + b"\nendobj\n",
    ]
    for body in bodies:
        places.append(len(written))
        written += body
    table = len(written)
    rows = [(0, 0, 255), (2, 5, 0), (2, 5, 1), *((1, place, 0) for place in places), (1, table, 0)]
    entries = b"".join(bytes([kind]) + place.to_bytes(4, "big") + bytes([last]) for kind, place, last in rows)
    written += b"6 0 obj\n" + stream(entries, b"/Type/XRef/Size 7/W[1 4 1]/Root 1 0 R") + b"\nendobj\n"
    written += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(written)


def huge_image(side: int = 26_533, *, components: int = 3, shown: int = 1) -> bytes:
    """A page that shows an image of 704 megapixels: two gigabytes in colour, a few kilobytes in the file."""
    colours = b"/DeviceRGB" if components == 3 else b"/DeviceGray"
    content = zlib.compress(packed(b"\x20" * 1_000_000, side * side * components // 1_000_000 + 1), 9)
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R" + A4 + b"/Contents 4 0 R/Resources<</XObject<</Im 5 0 R>>>>>>",
            stream(b"q 500 0 0 500 50 50 cm /Im Do Q " * shown),
            stream(
                content,
                b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace%b"
                b"/Filter[/FlateDecode/FlateDecode]" % (side, side, colours),
            ),
        ]
    )


def enormous_page(side: int = 26_533) -> bytes:
    """One page of 704 million square points: a picture of it would fill the memory."""
    return one_page(PAGE.replace(A4, b"/MediaBox[0 0 %d %d]" % (side, side)))


def endless_strip() -> bytes:
    """A page one point wide and fourteen thousand long."""
    return one_page(PAGE.replace(A4, b"/MediaBox[0 0 1 14000]"))


def deep_page_tree(depth: int = 100_000) -> bytes:
    """One page below so many branches."""
    nodes = [
        b"<</Type/Pages/Kids[%d 0 R]/Count 1/Parent %d 0 R>>" % (number + 3, number + 1) for number in range(depth)
    ]
    leaf = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Resources<<>>>>" % (depth + 1)
    return by_hand([b"<</Type/Catalog/Pages 2 0 R>>", *nodes, leaf])


def page_tree_in_a_circle() -> bytes:
    return by_hand([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"])


def deep_direct_objects(depth: int = 100_000) -> bytes:
    return one_page(catalog=b"/Deep " + b"[" * depth + b"]" * depth)


def forms_in_forms(depth: int = 28) -> bytes:
    """Each form draws the next one twice: a quarter of a billion lines in two kilobytes."""
    page = b"<</Type/Page/Parent 2 0 R" + A4 + b"/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>"
    forms = [
        stream(
            b"/X Do /X Do",
            b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</X %d 0 R>>>>" % (number + 6),
        )
        for number in range(depth)
    ]
    forms.append(stream(LINE, b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]"))
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page,
            stream(b"/X Do"),
            *forms,
        ]
    )


def many_objects(number: int = 400_000) -> bytes:
    """A megabyte or so of tiny objects that nothing needs."""
    return one_page(PAGE, *[b"[]"] * number)


def endless_cross_references(entries: int = 1_000_000_000) -> bytes:
    """A table of cross references that takes no room in the file, as each entry is no byte wide."""
    return _with_cross_references(b"/Size %d /Index [0 %d] /W [0 0 0]" % (entries, entries), b"")


def cross_reference_bomb(megabytes: int = 2000) -> bytes:
    entries = b"/Size %d /W [1 2 1] /Filter /FlateDecode" % (megabytes * 250_000)
    return _with_cross_references(entries, packed(b"\1" * 1_000_000, megabytes))


def _with_cross_references(entries: bytes, content: bytes) -> bytes:
    start = by_hand([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"])
    start = start[: start.index(b"xref")]
    described = b"<< /Type /XRef %s /Root 1 0 R /Length %d >>" % (entries, len(content))
    return start + b"3 0 obj\n%s\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        described,
        content,
        len(start),
    )


# Text


def with_nul_in_its_text() -> bytes:
    """A font whose ToUnicode table maps the letter A to NUL."""
    table = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        b"1 begincodespacerange <00> <ff> endcodespacerange\n"
        b"2 beginbfchar <41> <0000> <42> <0042> endbfchar endcmap end end"
    )
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R" + A4 + b"/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            stream(b"BT /F1 18 Tf 72 720 Td (BAB) Tj ET"),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
            stream(table),
        ]
    )
