"""Our signer beside pyHanko's stock one, on the same file with keys of the same kind."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.support.office import authority
from tests.support.pdfs import plain_pdf

SECONDS = 4.0


def run() -> dict[str, Any]:
    """Signatures a second of CMS over one document's hash, RSA-3072: the seal's key in both."""
    import hashlib

    credentials = authority().seal_credentials()
    certificate = asn1_x509.Certificate.load(credentials.certificate.public_bytes(Encoding.DER))
    key = keys.PrivateKeyInfo.load(credentials.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    stock = signers.SimpleSigner(certificate, key, SimpleCertificateStore())  # type: ignore[no-untyped-call]  # pyHanko's own
    pdf = plain_pdf("x" * 90_000)

    def by_stock() -> None:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        made = signers.PdfSigner(signers.PdfSignatureMetadata(field_name="Signature"), stock)
        asyncio.run(made.async_sign_pdf(writer))

    def by_template() -> None:
        credentials.template.detached(hashlib.sha256(pdf).digest())

    def stock_cms() -> None:
        asyncio.run(stock.async_sign(hashlib.sha256(pdf).digest(), "sha256"))

    return {
        "pyHanko SimpleSigner, whole PDF": _rate(by_stock),
        "pyHanko SimpleSigner, CMS alone": _rate(stock_cms),
        "Signoff, CMS alone (key kept, byte templates)": _rate(by_template),
        "Signoff, a time-stamp token (P-256)": _rate(lambda: authority().tsa.token(hashlib.sha256(pdf).digest())),
    }


def _rate(work: Any) -> float:
    work()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        work()
        count += 1
    return count / (time.perf_counter() - began)
