"""What the stages and kinds that we named ourselves are called in the reader's language; on pages and in mails."""

from __future__ import annotations

from documents.rendering import Reader, sentence

KINDS = {
    "lease": "Lease",
    "purchase": "Purchase",
    "service": "Services",
    "nda": "Confidentiality",
    "employment": "Employment",
    "licence": "Licence",
    "framework": "Framework",
    "other": "Other",
}
INVOICE_KINDS = {"invoice": "Invoice", "credit note": "Credit note"}
STAGES = {"manager": "Manager", "signatures": "Signatures, one after the other"}


def kind_name(kind: str, reader: Reader) -> str:
    """A kind of contract, or of invoice; one of the users' own as they wrote it."""
    return _name(kind, {**KINDS, **INVOICE_KINDS}, reader)


def stage_name(name: str, reader: Reader) -> str:
    """A stage's own name, begun with a capital."""
    return _name(name, STAGES, reader)


def _name(name: str, known: dict[str, str], reader: Reader) -> str:
    return sentence(known[name], reader.locale) if name in known else name[:1].upper() + name[1:]
