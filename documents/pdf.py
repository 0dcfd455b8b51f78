"""The structure of a PDF, made fit for signatures that hold: repaired, normalised, nothing in it that acts by itself.

For the child process only: qpdf may abort on bad files. Signing appends to a file, so all this comes before the first
signature; a file that holds one is never rewritten.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

from documents.intake import IntakeRefused

SCRIPTS = "scripts"
STARTS = "actions that start programs"
SENDS = "actions that send or fetch data"
CHANGES = "actions that change what is shown"
MEDIA = "sound, video or 3D content"
OTHER_FILES = "links into other files"
BY_ITSELF = "actions that run by themselves"
ATTACHED = "attached files"
XFA = "an XFA form"
USAGE_RIGHTS = "usage rights for another program"

ACTIVE = {
    "/JavaScript": SCRIPTS,
    "/Launch": STARTS,
    "/ImportData": SENDS,
    "/SubmitForm": SENDS,
    "/ResetForm": CHANGES,
    "/Hide": CHANGES,
    "/SetOCGState": CHANGES,
    "/Rendition": MEDIA,
    "/Movie": MEDIA,
    "/Sound": MEDIA,
    "/GoTo3DView": MEDIA,
    "/RichMediaExecute": MEDIA,
    "/GoToE": OTHER_FILES,
    "/GoToR": OTHER_FILES,  # to a file server as well, which then learns who reads
}
"""Actions (ISO 32000-2, 12.6.4) that do more than move the reader within the document or follow a link when clicked."""
ALSO_STRUCTURE = {"/Hide", "/Movie", "/Sound"}
"""Words that the kind of a structure element (14.7.2) may be as well."""
QUIET = {"/GoTo", "/GoToDp", "/Named", "/Thread", "/Trans", "/URI"}
PLAYED = {
    "/FileAttachment": ATTACHED,
    "/RichMedia": MEDIA,
    "/Movie": MEDIA,
    "/Sound": MEDIA,
    "/Screen": MEDIA,
    "/3D": MEDIA,
}
"""Annotations that carry content beside the page."""

HUGE_IMAGE = 40_000_000
"""Pixels."""
BLANK_IMAGE = 2**32
"""Bytes in four colours: PDFium leaves such an image out without a word, and people would sign an empty page."""

# What has to be looked at more closely; qpdf writes every name in one way, however the file spells it.
_SUSPICIOUS = re.compile(
    rb"/(?:JS|JavaScript|Launch|ImportData|SubmitForm|ResetForm|Hide|SetOCGState|Rendition|Movie|Sound|GoTo3DView|GoToE"
    rb"|GoToR|RichMedia\w*|AA|OpenAction|XFA|EF|EmbeddedFiles|FileAttachment|Screen|3D|Ref)(?![^\s/<>\[\]()])"
    rb"|/URI (?!\((?i:https?|mailto|tel):)"
)
_WEB = re.compile(r"(?:https?|mailto|tel):|(?!//|\\\\)[^:]*(?:[/?#]|$)", re.IGNORECASE)
"""Addresses that a click may go to: of the web, or relative to where the document lies there."""
# Old and new readers find different objects in such a file (7.5.8.4), so pyHanko takes no signature in it for valid.
_HYBRID = re.compile(rb"trailer(?:(?!startxref).){0,4000}?/XRefStm\s", re.DOTALL)
_WIDTH = re.compile(rb"/Width (\d{1,10})(?!\d)")
_HEIGHT = re.compile(rb"/Height (\d{1,10})(?!\d)")
_BITS = re.compile(rb"/BitsPerComponent (\d{1,2})(?!\d)")


def opened(data: bytes, password: str | None) -> Pdf:
    """Repaired in memory where it must be. Raises IntakeRefused."""
    try:
        return pikepdf.open(io.BytesIO(data), password=password or "", suppress_warnings=True)
    except pikepdf.PasswordError:
        if password:
            raise IntakeRefused("password", "The password does not open the file.") from None
        raise IntakeRefused(
            "password", "The file is protected with a password. Give the password as well, or remove it first."
        ) from None
    except pikepdf.PdfError as failure:
        if "encrypt" in str(failure).lower() or "security handler" in str(failure).lower():
            raise IntakeRefused(
                "cannot_sign", "The file is encrypted in a way that cannot be opened here. Remove the encryption first."
            ) from None
        raise IntakeRefused("damaged", "The file is damaged and could not be repaired.") from None


def count_pages(pdf: Pdf, most: int) -> int:
    """Raises IntakeRefused, also when qpdf has left a page out because it could not find it."""
    pages = len(pdf.pages)
    if any("Pages tree" in str(warning) for warning in pdf.get_warnings()):
        raise IntakeRefused("page_lost", "The file is damaged: a page of it is missing.")
    if pages == 0:
        raise IntakeRefused("no_pages", "The file has no pages.")
    if pages > most:
        raise IntakeRefused(
            "too_many_pages", "The file has %(pages)s pages; at most %(limit)s are accepted.", pages=pages, limit=most
        )
    return pages


def holds_signature(pdf: Pdf) -> bool:
    """Somebody's signature, also one that no field leads to. Usage rights (12.8.2.3) are nobody's signature."""
    rights = {each.objgen for each in _usage_rights(pdf)}
    return any(
        "/ByteRange" in each and "/Contents" in each
        for each in pdf.objects
        if isinstance(each, Dictionary) and each.objgen not in rights
    )


def insist_on_signing_again(pdf: Pdf, data: bytes) -> None:
    """Raises IntakeRefused when a signed file would need a change before it can be signed once more."""
    if pdf.is_encrypted:
        raise IntakeRefused(
            "cannot_sign", "The file is signed and encrypted: to decrypt it would break the signature in it."
        )
    if not data.startswith(b"%PDF-") or not _sound(data):
        raise IntakeRefused("cannot_sign", "The file is signed and damaged: a repair would break the signature in it.")
    if _certified_against_changes(pdf):
        raise IntakeRefused(
            "cannot_sign", "The signature in the file allows no further signature: it is certified against any change."
        )
    _insist_on_what_pages_show(pdf)
    # attached files stay: they only lie there
    acting = [each for each in _find(pdf) if each != ATTACHED]
    if acting:
        raise IntakeRefused(
            "cannot_sign",
            "The file is signed and holds %(found)s, which cannot be taken out without breaking the signature in it.",
            found=", ".join(acting),
        )
    if _has_direct_annotations(pdf) or _HYBRID.search(data):
        raise IntakeRefused(
            "cannot_sign", "The file is signed, and built in a way that makes a further signature invalid."
        )


def normalised(pdf: Pdf) -> tuple[bytes, list[str]]:
    """The file written anew, and what was taken out. The same file always gives the same bytes.

    Raises IntakeRefused when it cannot be signed safely, whatever is done to it.
    """
    _insist_on_what_pages_show(pdf)
    stripped = _strip(pdf)
    for page in pdf.pages:
        _make_annotations_indirect(pdf, page.obj)
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, Dictionary):
        _make_fields_indirect(pdf, form)
        _fix_appearances(pdf, form)
    elif form is not None:
        del pdf.Root["/AcroForm"]
    pdf.trailer["/Size"] = len(pdf.objects) + 1  # qpdf leaves it out when the damaged input had none
    written = io.BytesIO()
    pdf.save(
        written,
        object_stream_mode=pikepdf.ObjectStreamMode.preserve,
        encryption=False,
        min_version="1.7",
        compress_streams=False,  # streams stay as they are: unpacking them here would let a bomb go off
        deterministic_id=True,
    )
    return written.getvalue(), stripped


def insist_on_soundness(data: bytes, pages: int) -> None:
    """What was written is read once more, without any repair. Raises IntakeRefused."""
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True, attempt_recovery=False) as pdf:
            sound = len(pdf.pages) == pages
            left = _find(pdf)
    except pikepdf.PdfError:
        raise IntakeRefused("damaged", "The file is damaged and could not be repaired.") from None
    if not sound:
        raise IntakeRefused("page_lost", "The file is damaged: a page would be lost in its repair.")
    if left:
        raise IntakeRefused(
            "cannot_sign", "The file holds %(found)s, which could not be taken out.", found=", ".join(left)
        )


def pages_with_huge_images(pdf: Pdf) -> list[int]:
    """Numbers of pages (the first is 1) that show an image of more than `HUGE_IMAGE` pixels.

    Raises IntakeRefused for an image that cannot be shown at all.
    """
    huge = set()
    for each in pdf.objects:
        if isinstance(each, Stream) and each.stream_dict.get("/Subtype") == Name.Image:
            described = each.stream_dict.unparse()
            width, height, bits = (found.search(described) for found in (_WIDTH, _HEIGHT, _BITS))
            pixels = int(width[1]) * int(height[1]) if width and height else 0
            if pixels * 4 * int(bits[1] if bits else 8) // 8 >= BLANK_IMAGE:
                raise IntakeRefused(
                    "too_costly",
                    "The document holds an image of %(megapixels)s megapixels, which is too large to be shown.",
                    megapixels=pixels // 1_000_000,
                )
            if pixels > HUGE_IMAGE:
                huge.add(each.objgen)
    if not huge:
        return []
    return [number for number, page in enumerate(pdf.pages, 1) if huge & _shown_objects(page.obj)]


def _is_true(value: object) -> bool:
    return value is True  # pikepdf gives Python's own truth values, which its types do not say


def _sound(data: bytes) -> bool:
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True, attempt_recovery=False) as pdf:
            for _ in pdf.objects:  # objects are read, and complained about, when they are asked for
                pass
            return not pdf.get_warnings()
    except pikepdf.PdfError:
        return False


def _usage_rights(pdf: Pdf) -> list[Object]:
    permissions = pdf.Root.get("/Perms")
    if not isinstance(permissions, Dictionary):
        return []
    named = (permissions.get(key) for key in ("/UR", "/UR3"))
    return [each for each in named if isinstance(each, Dictionary)]


def _certified_against_changes(pdf: Pdf) -> bool:
    """DocMDP with level 1 (12.8.2.2), or a signature field's lock with that level (12.7.5.5)."""
    for each in pdf.objects:
        for found in _dictionaries(each):
            method, transform = found.get("/TransformMethod"), found.get("/TransformParams")
            if method == Name.DocMDP and isinstance(transform, Dictionary) and transform.get("/P") == 1:
                return True
            lock = found.get("/Lock")
            if "/V" in found and isinstance(lock, Dictionary) and lock.get("/P") == 1:
                return True
    return False


def _insist_on_what_pages_show(pdf: Pdf) -> None:
    """Raises IntakeRefused where people see something else than the pages hold: to sign them would mean nothing."""
    if "/Collection" in pdf.Root:
        raise IntakeRefused("cannot_sign", "The file is a folder of several documents. Hand in each by itself.")
    if _is_true(pdf.Root.get("/NeedsRendering")):
        raise IntakeRefused(
            "cannot_sign", "The pages of this form are made up when it is opened (XFA). Print it to a PDF first."
        )
    for each in pdf.objects:
        if isinstance(each, Stream) and "/F" in each.stream_dict:
            raise IntakeRefused(
                "cannot_sign", "The document takes part of its content from another file. Print it to a PDF first."
            )


def _find(pdf: Pdf) -> list[str]:
    """What acts by itself or hides, anywhere in the file, also where nothing leads to it."""
    found = set()
    for holder in _suspicious(pdf):
        if label := _label(holder):
            found.add(label)
        if _is_trigger(holder.get("/AA")):
            found.add(BY_ITSELF)
        if _is_attachment(holder):
            found.add(ATTACHED)
        if "/Fields" in holder and "/XFA" in holder:
            found.add(XFA)
        kind = holder.get("/Subtype")
        if isinstance(kind, Name) and str(kind) in PLAYED and "/Rect" in holder:
            found.add(PLAYED[str(kind)])
    found |= _named(pdf.Root.get("/Names"))
    if _starts_something(pdf.Root.get("/OpenAction")):
        found.add(BY_ITSELF)
    return sorted(found)


def _strip(pdf: Pdf) -> list[str]:
    """Takes out all that `_find` finds; returns it."""
    stripped = set(_find(pdf))
    if _usage_rights(pdf):
        stripped.add(USAGE_RIGHTS)
    for key in ("/Perms", "/AF"):
        if key in pdf.Root:
            del pdf.Root[key]
    if _starts_something(pdf.Root.get("/OpenAction")):
        del pdf.Root["/OpenAction"]
    names = pdf.Root.get("/Names")
    if isinstance(names, Dictionary):
        for key in ("/JavaScript", "/EmbeddedFiles"):
            if key in names:
                del names[key]
    for page in pdf.pages:
        annotations = page.obj.get("/Annots")
        if isinstance(annotations, Array):
            kept = [each for each in annotations if not _is_played(each)]
            if len(kept) != len(annotations):
                page.obj["/Annots"] = Array(kept)
    if not stripped:
        return []
    # first from whatever leads to them, and then themselves, so that nothing is left for what leads there otherwise
    for each in pdf.objects:
        for holder in _dictionaries(each):
            _let_go(holder)
    for holder in list(_suspicious(pdf)):
        if _is_active(holder) or (_is_played(holder) and "/Rect" in holder):
            _make_empty(holder)
        if _is_trigger(holder.get("/AA")):
            del holder["/AA"]
        if _is_attachment(holder):
            del holder["/EF"]
        if "/Fields" in holder and "/XFA" in holder:
            del holder["/XFA"]
    return sorted(stripped)


def _let_go(holder: Object) -> None:
    for key in ("/A", "/PA", "/Next"):
        if _is_active(holder.get(key)):
            del holder[key]
    following = holder.get("/Next")
    if isinstance(following, Array) and any(_is_active(each) for each in following):
        holder["/Next"] = Array([each for each in following if not _is_active(each)])


def _make_empty(holder: Object) -> None:
    for key in list(holder.keys()):
        if not (isinstance(holder, Stream) and key == "/Length"):
            del holder[key]


def _suspicious(pdf: Pdf) -> Iterator[Object]:
    """Dictionaries that may hold something active: the few worth a look, since a look from Python is slow."""
    disguised = any(isinstance(each, Name) and str(each) in ACTIVE for each in pdf.objects)
    for each in pdf.objects:
        if isinstance(each, Stream):
            text = each.stream_dict.unparse()
        elif isinstance(each, Dictionary | Array):
            text = each.unparse(resolved=True)
        else:
            continue
        if disguised or _SUSPICIOUS.search(text):
            yield from _dictionaries(each)


def _dictionaries(found: Object) -> Iterator[Object]:
    """The dictionaries that an object is made of, streams among them; not those it only refers to."""
    waiting = [found]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Dictionary | Stream):
            yield each
            inner = [each.get(key) for key in list(each.keys())]
        elif isinstance(each, Array):
            inner = list(each)
        else:
            continue
        waiting += [one for one in inner if isinstance(one, Dictionary | Array) and not one.is_indirect]


def _is_active(action: object) -> bool:
    return _label(action) is not None


def _label(action: object) -> str | None:
    """What an action does beyond moving the reader, or None where it does not, or is no action at all."""
    kind = action.get("/S") if isinstance(action, Dictionary) else None
    if not isinstance(action, Dictionary) or not isinstance(kind, Name):
        return None
    if str(kind) == "/URI":
        address = action.get("/URI")
        return OTHER_FILES if isinstance(address, pikepdf.String) and not _WEB.match(str(address).strip()) else None
    if str(kind) in ALSO_STRUCTURE and "/P" in action and action.get("/Type") != Name.Action:
        return None
    return ACTIVE.get(str(kind))


def _is_trigger(actions: object) -> bool:
    """A dictionary of actions for events (12.6.3), and not a font or the like that happens to be called AA."""
    if not isinstance(actions, Dictionary):
        return False
    values = [actions.get(key) for key in list(actions.keys())]
    kinds = [each.get("/S") for each in values if isinstance(each, Dictionary)]
    return any(isinstance(kind, Name) and str(kind) in ACTIVE.keys() | QUIET for kind in kinds)


def _starts_something(action: object) -> bool:
    """Whether opening the file does more than show a certain place in it."""
    return isinstance(action, Dictionary) and action.get("/S") not in (Name.GoTo, Name.GoToDp, None)


def _is_attachment(holder: Object) -> bool:
    files = holder.get("/EF")
    return isinstance(files, Dictionary) and set(files.keys()) <= {"/F", "/UF", "/DOS", "/Mac", "/Unix"}


def _is_played(annotation: object) -> bool:
    if not isinstance(annotation, Dictionary):
        return False
    kind = annotation.get("/Subtype")
    return isinstance(kind, Name) and str(kind) in PLAYED


def _named(names: object) -> set[str]:
    if not isinstance(names, Dictionary):
        return set()
    return {label for key, label in (("/JavaScript", SCRIPTS), ("/EmbeddedFiles", ATTACHED)) if key in names}


def _make_annotations_indirect(pdf: Pdf, page: Object) -> None:
    """A direct one makes signatures on this page invalid: pyHanko writes the page anew, and it counts as changed."""
    annotations = page.get("/Annots")
    if isinstance(annotations, Array):
        page["/Annots"] = Array([_indirect(pdf, each) for each in annotations if isinstance(each, Dictionary)])
    elif "/Annots" in page:
        del page["/Annots"]


def _make_fields_indirect(pdf: Pdf, form: Object) -> None:
    waiting, seen = [(form, "/Fields")], set()
    while waiting:
        holder, key = waiting.pop()
        fields = holder.get(key)
        if not isinstance(fields, Array):
            continue
        holder[key] = Array([_indirect(pdf, each) for each in fields if isinstance(each, Dictionary)])
        for each in holder[key]:
            if each.objgen not in seen:
                seen.add(each.objgen)
                waiting.append((each, "/Kids"))


def _indirect(pdf: Pdf, found: Object) -> Object:
    return found if found.is_indirect else pdf.make_indirect(found)


def _fix_appearances(pdf: Pdf, form: Object) -> None:
    """Readers must not make up how filled-in fields look: each would show what was signed in its own way."""
    if not _is_true(form.get("/NeedAppearances")):
        if "/NeedAppearances" in form:
            del form["/NeedAppearances"]
        return
    bare = [each for each in _fields(form) if _is_filled_in(each) and not _has_appearance(each)]
    for each in bare:
        try:
            str(each["/V"]).encode("latin-1")
        except UnicodeEncodeError:
            raise IntakeRefused(
                "cannot_sign",
                "The look of the form field %(field)s is not in the file. Print the filled-in form to a PDF first.",
                field=str(each.get("/T", ""))[:80],
            ) from None
    if bare:
        pdf.generate_appearance_streams()
    if "/NeedAppearances" in form:
        del form["/NeedAppearances"]


def _fields(form: Object) -> Iterator[Object]:
    waiting, seen = [form.get("/Fields")], set()
    while waiting:
        fields = waiting.pop()
        for each in fields if isinstance(fields, Array) else ():
            if isinstance(each, Dictionary) and each.objgen not in seen:
                seen.add(each.objgen)
                yield each
                waiting.append(each.get("/Kids"))


def _is_filled_in(field: Object) -> bool:
    value = field.get("/V")
    return isinstance(value, pikepdf.String) and bool(str(value)) and field.get("/FT") in (Name.Tx, Name.Ch)


def _has_appearance(field: Object) -> bool:
    """Its own, or of every place where it shows."""
    kids = field.get("/Kids")
    shown = [each for each in kids if isinstance(each, Dictionary)] if isinstance(kids, Array) else [field]
    return all(isinstance(each.get("/AP"), Dictionary) and "/N" in each["/AP"] for each in shown)


def _has_direct_annotations(pdf: Pdf) -> bool:
    form = pdf.Root.get("/AcroForm")
    lists = [page.obj.get("/Annots") for page in pdf.pages]
    lists.append(form.get("/Fields") if isinstance(form, Dictionary) else None)
    return any(
        isinstance(each, Dictionary) and not each.is_indirect
        for found in lists
        if isinstance(found, Array)
        for each in found
    )


def _shown_objects(page: Object) -> set[tuple[int, int]]:
    """Images and forms that a page may draw, also within each other."""
    waiting, seen = [_resources(page)], set()
    while waiting:
        resources = waiting.pop()
        drawn = resources.get("/XObject") if isinstance(resources, Dictionary) else None
        if not isinstance(drawn, Dictionary):
            continue
        for key in list(drawn.keys()):
            each = drawn.get(key)
            if isinstance(each, Stream) and each.objgen not in seen:
                seen.add(each.objgen)
                waiting.append(each.stream_dict.get("/Resources"))
    return seen


def _resources(page: Object) -> Object | None:
    """Its own, or those of the nearest branch of the page tree above it."""
    holder: Object | None = page
    for _ in range(100):
        if not isinstance(holder, Dictionary) or "/Resources" in holder:
            break
        holder = holder.get("/Parent")
    return holder.get("/Resources") if isinstance(holder, Dictionary) else None
