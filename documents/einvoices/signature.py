"""The XML signature of a Korean tax invoice: whether what is written is what was signed, and by which certificate.

Korean signatures name what they cover by an XPath filter that signxml passes over in silence. So the transforms of the
one reference are checked against a list, and the filter that the standard prescribes is applied here; the rest (digest,
signed information, key) is signxml's. Whose certificate it is, is told and not trusted: no list of Korean authorities
is here.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.exceptions import InvalidDigest, InvalidSignature, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from documents.einvoices.data import Signature
from documents.einvoices.korea import NAMESPACE

DS = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED = f"{DS}enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
C14N = frozenset(
    (
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    )
)
FILTER = (
    "not(self::*[name() = 'TaxInvoice'] | ancestor-or-self::*[name() = 'ExchangedDocument'] | "
    "ancestor-or-self::ds:Signature)"
)
"""What the standard lets the supplier sign: all but the envelope of the exchange (전자세금계산서 개발지침)."""


NONE = "The invoice carries no signature."
SOUND = "The signature matches: what is written is what was signed."
CHANGED = "The signature does not match: the invoice was changed after it was signed."
FORGED = "The signature does not match its certificate."
STRANGE = "The signature is made in a way that cannot be checked here."
COVERS_OTHER = "The signature does not cover the whole invoice."
OUT_OF_TIME = "The signature matches, but its certificate was not in force on the day of the invoice."


def check(root: etree._Element, issued_on: date | None) -> Signature:
    """`root` with its comments, as it was handed in."""
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    if not signatures:
        return Signature(False, NONE)
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        return Signature(False, COVERS_OTHER)
    certificate = _certificate(signatures[0])
    if certificate is None:
        return Signature(False, STRANGE)
    told = Signature(
        False,
        SOUND,
        _common_name(certificate.subject),
        _common_name(certificate.issuer),
        certificate.not_valid_before_utc.date(),
        certificate.not_valid_after_utc.date(),
    )
    fault = _fault(root, signatures[0], certificate)
    if fault is not None:
        return replace(told, sentence=fault)
    assert told.valid_from is not None
    assert told.valid_until is not None
    if issued_on is not None and not told.valid_from <= issued_on <= told.valid_until:
        return replace(told, sentence=OUT_OF_TIME)
    return replace(told, valid=True)


def _fault(root: etree._Element, signature: etree._Element, certificate: x509.Certificate) -> str | None:
    references = signature.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    if len(references) != 1 or references[0].get("URI") != "":
        return COVERS_OTHER
    transforms = references[0].findall(f"{{{DS}}}Transforms/{{{DS}}}Transform")
    if not all(_known(each) for each in transforms):
        return STRANGE
    # certificates run out and signatures stay: whether it was in force is asked for the day of the invoice
    config = SignatureConfiguration(location="./", verification_time=certificate.not_valid_before_utc)
    fault = STRANGE
    for verifier in (_Verifier(), _LiteralVerifier()):
        try:
            verifier.verify(root, x509_cert=certificate, expect_config=config)
        except InvalidDigest:
            fault = CHANGED
        except InvalidSignature:
            return FORGED
        except (SignXMLException, UnsupportedAlgorithm, etree.LxmlError, ValueError, TypeError):
            return STRANGE
        else:
            return None
    return fault


def _known(transform: etree._Element) -> bool:
    algorithm = transform.get("Algorithm", "")
    if algorithm == XPATH:
        written = transform.findtext(f"{{{DS}}}XPath", "")
        return "".join(written.split()) == "".join(FILTER.split())
    return algorithm == ENVELOPED or algorithm in C14N


class _Verifier(XMLVerifier):
    """With the filter. Canonical XML of a part of a document leaves open to readers what becomes of the declarations of
    an element that is itself left out: here as Apache's library writes them, once, where the element stood."""

    literal = False

    def _apply_transforms(
        self, payload: etree._Element, *, transforms_node: etree._Element | None, signature: etree._Element
    ) -> bytes:
        transforms = [] if transforms_node is None else transforms_node.findall(f"{{{DS}}}Transform")
        algorithms = [each.get("Algorithm", "") for each in transforms]
        if XPATH not in algorithms and ENVELOPED not in algorithms:
            raise InvalidSignature("a signature cannot cover itself")
        root = etree.fromstring(etree.tostring(payload))
        for each in root.findall(f"{{{DS}}}Signature"):
            _take_out(each)
        if XPATH in algorithms and root.prefix is None:  # the filter goes by names as they are written
            return _filtered(root, literal=self.literal)
        canonical = next((each for each in reversed(algorithms) if each in C14N), None)
        method = CanonicalizationMethod(canonical) if canonical else self.config.default_reference_c14n_method
        written: bytes = self._c14n(root, algorithm=method)
        return written


class _LiteralVerifier(_Verifier):
    """By the letter of Canonical XML 1.0, 2.4: elements whose ancestors are left out declare their namespaces again."""

    literal = True


def _filtered(root: etree._Element, *, literal: bool) -> bytes:
    """The document without the tags of its root, ExchangedDocument and Signature."""
    for each in root.findall(f"{{{NAMESPACE}}}ExchangedDocument"):
        _take_out(each)
    name = etree.QName(root).localname
    empty = etree.fromstring(etree.tostring(root))
    for child in list(empty):
        empty.remove(child)
    empty.text = None
    if not literal:
        empty.attrib.clear()
    declared = _canonical(empty).removeprefix(f"<{name}".encode()).removesuffix(f"></{name}>".encode())
    if not literal:
        whole = _canonical(root)
        start = etree.fromstring(etree.tostring(root))
        for child in list(start):
            start.remove(child)
        start.text = None
        opening = _canonical(start).removesuffix(f"</{name}>".encode())
        return declared + whole.removeprefix(opening).removesuffix(f"</{name}>".encode())
    parts = [declared, _text(root.text)]
    for child in root.iterchildren(tag=etree.Element):
        # a document of its own: within another one, libxml2 loses the namespace of what stands deeper
        alone = etree.fromstring(etree.tostring(child, with_tail=False))
        parts += [_canonical(alone), _text(child.tail)]
    return b"".join(parts)


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", with_comments=False)


def _text(text: str | None) -> bytes:
    return escape(text or "", {"\r": "&#xD;"}).encode()


def _take_out(element: etree._Element) -> None:
    """The element alone: what stands behind it stays."""
    parent, before = element.getparent(), element.getprevious()
    assert parent is not None
    if element.tail:
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    element.tail = None
    parent.remove(element)


def _certificate(signature: etree._Element) -> x509.Certificate | None:
    """The first in the signature is its signer's."""
    written = signature.findtext(f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate")
    try:
        return x509.load_der_x509_certificate(base64.b64decode(written or ""))
    except (ValueError, UnsupportedAlgorithm):
        return None


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
