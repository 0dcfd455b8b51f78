"""Stylesheets that say what breaks a rule of an invoice in UBL, as Schematron's do."""

from __future__ import annotations

UBL = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
BASIC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"


def stylesheet(body: str, head: str = "") -> str:
    return (
        f'<xsl:stylesheet version="3.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:ubl="{UBL}"'
        f' xmlns:cbc="{BASIC}" xmlns:svrl="http://purl.oclc.org/dsdl/svrl">{head}'
        f'<xsl:template match="/"><svrl:schematron-output>{body}</svrl:schematron-output></xsl:template>'
        "</xsl:stylesheet>"
    )


def rules_without_end() -> str:
    call = '<xsl:call-template name="again"><xsl:with-param name="n" select="%s"/></xsl:call-template>'
    again = '<xsl:template name="again"><xsl:param name="n"/>' + call % "$n + 1" + "</xsl:template>"
    return stylesheet(call % "1", again)
