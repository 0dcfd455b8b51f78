"""Pages and their fonts as objects of a PDF, and a file of nothing but such pages. Imports pyHanko's writing side."""

# pyHanko annotates only a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.writer import BasePdfFileWriter, PageObject, PdfFileWriter

from signing.appearance import Canvas
from signing.fonts import EmbeddedFont, FontSet, embed
from signing.paper import PAGE_HEIGHT, PAGE_WIDTH


def pdf_of(canvases: Sequence[Canvas], fonts: FontSet, *, title: str, language: str) -> bytes:
    """A file of these pages. The same pages always give the same bytes.

    `title` and `language` (BCP 47) are for screen readers and lists of files.
    """
    writer = PdfFileWriter(stream_xrefs=False)
    used = writer.add_object(resources(writer, fonts))
    for canvas in canvases:
        page = PageObject(writer.add_object(stream_of(canvas.content())), (0, 0, PAGE_WIDTH, PAGE_HEIGHT))
        page[pdf_name("/Resources")] = used
        writer.insert_page(page)
    made, written = io.BytesIO(), io.BytesIO()
    writer.write(made)
    with pikepdf.open(made) as pdf:
        del pdf.trailer["/ID"], pdf.trailer["/Info"]  # pyHanko's are of the moment
        pdf.docinfo["/Title"] = title
        pdf.Root.Lang = pikepdf.String(language)
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        pdf.save(written, deterministic_id=True, min_version="1.7")
    return written.getvalue()


def resources(writer: BasePdfFileWriter, fonts: FontSet) -> generic.DictionaryObject:
    """What a content stream with these fonts needs."""
    named = generic.DictionaryObject()
    for typeface, glyphs in fonts.used.items():
        if glyphs:
            named[pdf_name(f"/{fonts.resource(typeface)}")] = _font(writer, embed(typeface, glyphs))
    return generic.DictionaryObject({pdf_name("/Font"): named})


def _font(writer: BasePdfFileWriter, font: EmbeddedFont) -> generic.IndirectObject:
    """A Type 0 font whose character codes are glyph numbers (Identity-H)."""
    number, name = generic.NumberObject, pdf_name(f"/{font.name}")
    box = (-1000, font.descent - 800, 3000, font.ascent + 700)
    descriptor = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/FontDescriptor"),
            pdf_name("/FontName"): name,
            pdf_name("/Flags"): number(4),
            pdf_name("/FontBBox"): generic.ArrayObject(number(round(edge)) for edge in box),
            pdf_name("/ItalicAngle"): number(0),
            pdf_name("/Ascent"): number(round(font.ascent)),
            pdf_name("/Descent"): number(round(font.descent)),
            pdf_name("/CapHeight"): number(720),
            pdf_name("/StemV"): number(80),
        }
    )
    if font.is_cff:
        program = stream_of(font.program, {"/Subtype": pdf_name("/CIDFontType0C")})
        descriptor[pdf_name("/FontFile3")] = writer.add_object(program)
    else:
        program = stream_of(font.program, {"/Length1": number(len(font.program))})
        descriptor[pdf_name("/FontFile2")] = writer.add_object(program)
    widths = generic.ArrayObject()
    for code, width in font.widths.items():
        widths.extend((number(code), generic.ArrayObject([number(round(width))])))
    descendant = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/CIDFontType0" if font.is_cff else "/CIDFontType2"),
            pdf_name("/BaseFont"): name,
            pdf_name("/CIDSystemInfo"): generic.DictionaryObject(
                {
                    pdf_name("/Registry"): pdf_string("Adobe"),
                    pdf_name("/Ordering"): pdf_string("Identity"),
                    pdf_name("/Supplement"): number(0),
                }
            ),
            pdf_name("/FontDescriptor"): writer.add_object(descriptor),
            pdf_name("/W"): widths,
        }
    )
    if font.cid_to_gid is not None:
        descendant[pdf_name("/CIDToGIDMap")] = writer.add_object(stream_of(font.cid_to_gid))
    return writer.add_object(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Font"),
                pdf_name("/Subtype"): pdf_name("/Type0"),
                pdf_name("/BaseFont"): pdf_name(f"/{font.name}-Identity-H") if font.is_cff else name,
                pdf_name("/Encoding"): pdf_name("/Identity-H"),
                pdf_name("/DescendantFonts"): generic.ArrayObject([writer.add_object(descendant)]),
                pdf_name("/ToUnicode"): writer.add_object(stream_of(font.to_unicode)),
            }
        )
    )


def stream_of(data: bytes, entries: dict[str, generic.PdfObject] | None = None) -> generic.StreamObject:
    """Compressed, with these entries besides."""
    described: dict[generic.NameObject, generic.PdfObject] = {
        pdf_name(key): value for key, value in (entries or {}).items()
    }
    described[pdf_name("/Filter")] = pdf_name("/FlateDecode")
    return generic.StreamObject(described, encoded_data=zlib.compress(data))
