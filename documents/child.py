"""What runs in intake's child process: everything that looks into an untrusted file."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import pikepdf
import PIL.Image
import PIL.PngImagePlugin
import pypdfium2
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

# actions that do something without being asked (ISO 32000-2, 12.6.4)
ACTING = {
    "/JavaScript": "JavaScript",
    "/Launch": "a program start",
    "/ImportData": "a data import",
    "/SubmitForm": "a form submission",
    "/ResetForm": "a form reset",
    "/Rendition": "a multimedia action",
    "/Movie": "a multimedia action",
    "/Sound": "a multimedia action",
    "/GoToE": "a jump into an embedded file",
    "/RichMediaExecute": "a multimedia action",
    "/Hide": "an action that hides",
    "/SetOCGState": "an action that switches layers",
    "/GoTo3DView": "a 3D action",
}
PLAYED = {
    "/FileAttachment": "an attached file",
    "/RichMedia": "multimedia",
    "/Movie": "multimedia",
    "/Sound": "multimedia",
    "/Screen": "multimedia",
    "/3D": "3D content",
}
DEEPEST = 60  # nested direct objects
MOST_TEXT = 5_000_000  # letters kept for the search
MOST_PIXELS = 20_000_000  # of a page image


class Refused(Exception):
    def __init__(self, code: str, **values: object) -> None:
        self.code, self.values = code, values
        super().__init__(code)


def run(pipe: Connection, work: str, memory: int, seconds: int) -> None:
    """The child's whole life: limits, one job, one answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS knows this limit and does not keep it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)  # libraries complain there about every broken file
    arguments = pipe.recv()
    data = pipe.recv_bytes()
    jobs: dict[str, Any] = {each.__name__: each for each in (nothing, take_in, page_image)}
    try:
        answer = "done", jobs[work](data, *arguments)
    except Refused as refused:
        answer = "refused", (refused.code, refused.values)
    except (MemoryError, RecursionError):
        answer = "refused", ("too_costly", {})
    except Exception:  # noqa: BLE001  # whatever a library raises on a broken file: the file is what is wrong
        answer = "refused", ("damaged", {})
    pipe.send(answer)
    pipe.close()
    sys.stdout.flush()
    os._exit(0)  # no clean-up of libraries that have read a hostile file


def nothing(_data: bytes) -> None:
    return None


def take_in(data: bytes, password: str | None, most_pages: int) -> dict[str, Any]:
    """The fields of ``intake.Accepted``."""
    with _opened(data, password) as pdf:
        pages = len(pdf.pages)
        if pages == 0:
            raise Refused("no_pages")
        if pages > most_pages:
            raise Refused("too_many_pages", pages=pages, limit=most_pages)
        signed = _holds_signature(pdf)
        encrypted = pdf.is_encrypted
        found = _acting(pdf)
        if signed:
            # a rewrite would break the signature, so what cannot be signed as it lies is refused
            if encrypted or _has_direct_fields(pdf):
                raise Refused("cannot_sign")
            normalised, stripped = data, tuple[str, ...]()
        else:
            normalised, stripped = _normalised(pdf), found
    shown = _count_pages(normalised)
    if shown != pages or (not encrypted and _count_pages(data, or_else=pages) != pages):
        raise Refused("page_lost")
    texts = _texts(normalised)
    return {
        "normalised": normalised,
        "pages": pages,
        "text": "\n".join(texts)[:MOST_TEXT],
        "page_texts": tuple(texts),
        "already_signed": signed,
        "stripped": tuple(dict.fromkeys(stripped)),
    }


def page_image(data: bytes, page: int, width: int) -> bytes:
    """A page as PNG, ``width`` pixels wide; fewer where the page would have too many."""
    pdf = pypdfium2.PdfDocument(data)
    if not 1 <= page <= len(pdf):
        raise Refused("no_page")
    wide, high = pdf[page - 1].get_size()
    if wide <= 0 or high <= 0:
        raise Refused("damaged")
    scale = min(width / wide, (MOST_PIXELS / (wide * high)) ** 0.5)
    image = pdf[page - 1].render(scale=scale, may_draw_forms=True).to_pil()
    written = io.BytesIO()
    image.convert("RGB").quantize(128, method=PIL.Image.Quantize.FASTOCTREE, dither=PIL.Image.Dither.NONE).save(
        written, "PNG"
    )
    return written.getvalue()


def _opened(data: bytes, password: str | None) -> Pdf:
    try:
        return pikepdf.open(io.BytesIO(data), password=password or "", suppress_warnings=True, attempt_recovery=True)
    except pikepdf.PasswordError:
        raise Refused("wrong_password" if password else "password") from None
    except pikepdf.PdfError:
        raise Refused("damaged") from None


def _normalised(pdf: Pdf) -> bytes:
    """Every annotation and field an object of its own, a sound cross-reference table, nothing that acts."""
    _strip(pdf)
    for page in pdf.pages:
        annotations = page.obj.get("/Annots")
        if isinstance(annotations, Array):
            page.obj["/Annots"] = Array([_indirect(pdf, each) for each in annotations if isinstance(each, Dictionary)])
        elif annotations is not None:
            del page.obj["/Annots"]
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, Dictionary):
        _make_fields_indirect(pdf, form)
        if "/NeedAppearances" in form:
            del form["/NeedAppearances"]
    pdf.trailer["/Size"] = len(pdf.objects) + 1  # qpdf leaves it out when the damaged input had none
    written = io.BytesIO()
    # streams as they are: decoding and packing them again would let a bomb go off here
    pdf.save(
        written,
        object_stream_mode=pikepdf.ObjectStreamMode.preserve,
        encryption=False,
        linearize=False,
        min_version="1.7",
        compress_streams=False,
    )
    return written.getvalue()


def _indirect(pdf: Pdf, found: Object) -> Object:
    return found if found.is_indirect else pdf.make_indirect(found)


def _make_fields_indirect(pdf: Pdf, form: Object) -> None:
    fields = form.get("/Fields")
    if not isinstance(fields, Array):
        return
    form["/Fields"] = Array([_indirect(pdf, each) for each in fields if isinstance(each, Dictionary)])
    waiting, seen = list(form["/Fields"]), set()
    while waiting:
        field = waiting.pop()
        kids = field.get("/Kids")
        if field.objgen in seen or not isinstance(kids, Array):
            continue
        seen.add(field.objgen)
        field["/Kids"] = Array([_indirect(pdf, each) for each in kids if isinstance(each, Dictionary)])
        waiting += list(field["/Kids"])


def _has_direct_fields(pdf: Pdf) -> bool:
    form = pdf.Root.get("/AcroForm")
    fields = form.get("/Fields") if isinstance(form, Dictionary) else None
    annotations = [
        each for page in pdf.pages if isinstance(page.obj.get("/Annots"), Array) for each in page.obj["/Annots"]
    ]
    return any(isinstance(each, Dictionary) and not each.is_indirect for each in (*(fields or ()), *annotations))


def _holds_signature(pdf: Pdf) -> bool:
    return any(isinstance(each, Dictionary) and "/ByteRange" in each and "/Contents" in each for each in pdf.objects)


def _containers(found: Object, depth: int = 0) -> Iterator[Object]:
    """Dictionaries directly within an object; a chain that is too deep is a reason to refuse."""
    if depth > DEEPEST:
        raise Refused("too_costly")
    if isinstance(found, Dictionary | Stream):
        yield found
        inner = [found.get(key) for key in list(found.keys())]
    elif isinstance(found, Array):
        inner = list(found)
    else:
        return
    for each in inner:
        if isinstance(each, Dictionary | Array) and not each.is_indirect:
            yield from _containers(each, depth + 1)


def _acting(pdf: Pdf) -> tuple[str, ...]:
    """What acts by itself, anywhere in the file."""
    found: list[str] = []
    for each in pdf.objects:
        for container in _containers(each):
            if "/JS" in container:
                found.append("JavaScript")
            action = container.get("/S")
            if (
                isinstance(action, Name)
                and str(action) in ACTING
                and ("/Type" not in container or container.get("/Type") == Name.Action)
            ):
                found.append(ACTING[str(action)])
            kind = container.get("/Subtype")
            if isinstance(kind, Name) and str(kind) in PLAYED and "/Rect" in container:
                found.append(PLAYED[str(kind)])
            if "/XFA" in container:
                found.append("an XFA form")
            if "/EF" in container:
                found.append("an attached file")
    return tuple(sorted(set(found)))


def _strip(pdf: Pdf) -> None:
    for each in list(pdf.objects):
        for container in _containers(each):
            _strip_container(container)
    names = pdf.Root.get("/Names")
    if isinstance(names, Dictionary):
        for key in ("/JavaScript", "/EmbeddedFiles"):
            if key in names:
                del names[key]
    for page in pdf.pages:
        annotations = page.obj.get("/Annots")
        if isinstance(annotations, Array):
            page.obj["/Annots"] = Array(
                [
                    each
                    for each in annotations
                    if isinstance(each, Dictionary) and str(each.get("/Subtype", "")) not in PLAYED
                ]
            )


def _strip_container(container: Object) -> None:
    for key in ("/AA", "/XFA", "/RichMediaContent", "/RichMediaSettings"):
        if key in container:
            del container[key]
    for key in ("/A", "/OpenAction", "/PA"):
        if key in container and _is_acting(container.get(key)):
            del container[key]
    following = container.get("/Next")
    if isinstance(following, Array):
        container["/Next"] = Array([each for each in following if not _is_acting(each)])
    elif _is_acting(following):
        del container["/Next"]
    for key in ("/JS", "/EF"):
        if key in container:
            del container[key]


def _is_acting(action: Object | None) -> bool:
    if not isinstance(action, Dictionary):
        return False
    kind = action.get("/S")
    return "/JS" in action or (isinstance(kind, Name) and str(kind) in ACTING)


def _count_pages(data: bytes, *, or_else: int = -1) -> int:
    """Pages as an independent reader counts them. ``or_else``: where it cannot read the file at all."""
    try:
        return len(pypdfium2.PdfDocument(data))
    except pypdfium2.PdfiumError:
        return or_else


def _texts(data: bytes) -> list[str]:
    pdf = pypdfium2.PdfDocument(data)
    texts, left = [], MOST_TEXT
    for number in range(len(pdf)):
        if left <= 0:
            break
        try:
            text = pdf[number].get_textpage().get_text_bounded()
        except pypdfium2.PdfiumError:  # a page without readable text is still a page
            text = ""
        # neither database takes NUL; half a surrogate pair is no text at all
        text = text.replace("\0", "").encode("utf-8", "ignore").decode()[:left]
        left -= len(text)
        texts.append(text)
    return texts
