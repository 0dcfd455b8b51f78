"""The rules of XRechnung and Peppol BIS Billing in sentences, as `rule_sentences` has those of EN 16931.

Rules of single countries (DK-R-*, NO-R-*, …) have their own words only; Peppol's German ones say what XRechnung's say.
Source: XRechnung 3.0.2 (BR-DE-*) and its extension (BR-DEX-*), Peppol BIS Billing 3.0 (PEPPOL-EN16931-*).
"""

from __future__ import annotations

import re

_GERMAN = re.compile(r"DE-R-0(\d\d)(?:-([12]))?")


def number_in_sets(rule: str) -> str:
    """The number under which a rule stands here: Peppol writes XRechnung's BR-DE-23-a as DE-R-023-1."""
    german = _GERMAN.fullmatch(rule)
    if german:
        return f"BR-DE-{int(german[1])}" + (f"-{'ab'[int(german[2]) - 1]}" if german[2] else "")
    return "PEPPOL-EN16931-R043" if rule.startswith("PEPPOL-EN16931-R043-") else rule


SET_RULES = {
    "BR-DE-1": "The invoice does not say how it is to be paid.",
    "BR-DE-2": "The seller names nobody who can be asked.",
    "BR-DE-3": "The town in the seller's address is missing.",
    "BR-DE-4": "The postal code in the seller's address is missing.",
    "BR-DE-5": "The seller's contact has no name.",
    "BR-DE-6": "The seller's contact has no telephone number.",
    "BR-DE-7": "The seller's contact has no e-mail address.",
    "BR-DE-8": "The town in the buyer's address is missing.",
    "BR-DE-9": "The postal code in the buyer's address is missing.",
    "BR-DE-10": "The town in the delivery address is missing.",
    "BR-DE-11": "The postal code in the delivery address is missing.",
    "BR-DE-14": "The VAT breakdown lacks a rate.",
    "BR-DE-15": "The buyer's reference (Leitweg-ID) is missing.",
    "BR-DE-16": "The seller has neither a VAT number nor a tax number, nor a tax representative.",
    "BR-DE-17": "The type of document is none of those that XRechnung uses.",
    "BR-DE-18": (
        "The discount for early payment is not written as XRechnung asks: #SKONTO#TAGE=14#PROZENT=2.00# and a line end."
    ),
    "BR-DE-19": "The invoice is to be paid by SEPA transfer, but the account is no valid IBAN.",
    "BR-DE-20": "The invoice is paid by SEPA direct debit, but the account to be debited is no valid IBAN.",
    "BR-DE-21": "The specification that the invoice names is not this version of XRechnung.",
    "BR-DE-22": "Two attachments have the same file name.",
    "BR-DE-23-a": "The invoice is to be paid by transfer, but names no account.",
    "BR-DE-23-b": "The invoice is to be paid by transfer, but names a card or a direct debit as well.",
    "BR-DE-24-a": "The invoice is paid by card, but names none.",
    "BR-DE-24-b": "The invoice is paid by card, but names a transfer or a direct debit as well.",
    "BR-DE-25-a": "The invoice is paid by direct debit, but says nothing about it.",
    "BR-DE-25-b": "The invoice is paid by direct debit, but names a transfer or a card as well.",
    "BR-DE-26": "The invoice corrects another one, but does not say which.",
    "BR-DE-27": "The telephone number of the seller's contact has fewer than three digits.",
    "BR-DE-28": "The e-mail address of the seller's contact cannot be right.",
    "BR-DE-30": "The invoice is paid by direct debit, but the creditor identifier is missing.",
    "BR-DE-31": "The invoice is paid by direct debit, but the account to be debited is missing.",
    "BR-DE-CVD-01": "The contract's number is missing.",
    "BR-DE-CVD-02": "The number of the tender or lot is missing.",
    "BR-DE-CVD-03": "No line names a vehicle category (CVD) and its kind (cva).",
    "BR-DE-CVD-04": "A vehicle category (CVD) is none of those that are allowed.",
    "BR-DE-CVD-05": "The kind of a vehicle (cva) is none of those that are allowed.",
    "BR-DE-CVD-06-a": "A line names a vehicle category (CVD), but not exactly one kind (cva).",
    "BR-DE-CVD-06-b": "A line names the kind of a vehicle (cva), but not exactly one category (CVD).",
    "BR-DE-TMP-32": "The invoice says neither when it was delivered nor for which period it is.",
    "BR-DEX-02": "The net amount of a line is not what the lines below it add up to.",
    "BR-DEX-03": "A line below another one does not have exactly one VAT category.",
    "BR-DEX-09": (
        "The amount due is not the total with VAT, less what was paid, plus rounding and what is collected for others."
    ),
    "BR-DEX-10": "What is collected for others does not say of which type it is.",
    "BR-DEX-11": "What is collected for others has no amount.",
    "BR-DEX-12": "What is collected for others has no description.",
    "BR-DEX-14": "What is collected for others is in another currency than the invoice.",
    "BR-DEX-15": "The invoice has lines below lines, which XRechnung does not know in this syntax.",
    "BR-TMP-2": "The address of an attachment is no complete URL.",
    "BR-TMP-3": "The net and the gross price of an item are for different quantities or units.",
    "PEPPOL-EN16931-F001": "A day is not written as YYYY-MM-DD.",
    "PEPPOL-EN16931-P0100": "The type of document does not go with the business process.",
    "PEPPOL-EN16931-P0101": "The type of document does not go with the business process.",
    **dict.fromkeys(
        (f"PEPPOL-EN16931-P01{number:02}" for number in range(4, 12)),
        "The reason for exemption does not go with its VAT category.",
    ),
    "PEPPOL-EN16931-P0112": "Documents of the types 326 and 384 are for German sellers and buyers only.",
    "PEPPOL-EN16931-R001": "The invoice does not name its business process.",
    "PEPPOL-EN16931-R002": "The invoice has more than one note.",
    "PEPPOL-EN16931-R003": "The invoice has neither a buyer's reference nor an order number.",
    "PEPPOL-EN16931-R004": "The specification that the invoice names is not the one of this Peppol document.",
    "PEPPOL-EN16931-R005": "The accounting currency is named, although it is the invoice's own.",
    "PEPPOL-EN16931-R007": "The business process is not written as Peppol asks.",
    "PEPPOL-EN16931-R008": "The XML has empty elements.",
    "PEPPOL-EN16931-R010": "The buyer's electronic address is missing.",
    "PEPPOL-EN16931-R020": "The seller's electronic address is missing.",
    "PEPPOL-EN16931-R040": "The amount of an allowance or charge is not its base amount times its percentage.",
    "PEPPOL-EN16931-R041": "An allowance or charge has a percentage, but no base amount.",
    "PEPPOL-EN16931-R042": "An allowance or charge has a base amount, but no percentage.",
    "PEPPOL-EN16931-R043": "Whether something is an allowance or a charge is not said by true or false.",
    "PEPPOL-EN16931-R044": "A price has a charge. Only a discount may be there.",
    "PEPPOL-EN16931-R046": "The net price of an item is not its gross price less its discount.",
    "PEPPOL-EN16931-R051": "An amount is in another currency than the invoice.",
    "PEPPOL-EN16931-R053": "There is not exactly one VAT total in the invoice's currency.",
    "PEPPOL-EN16931-R054": "There is not exactly one VAT total in the accounting currency.",
    "PEPPOL-EN16931-R055": "The VAT totals in both currencies have different signs.",
    "PEPPOL-EN16931-R061": "The invoice is paid by direct debit, but the mandate is missing.",
    "PEPPOL-EN16931-R080": "The invoice names more than one project.",
    "PEPPOL-EN16931-R100": "A line names more than one object that it is for.",
    "PEPPOL-EN16931-R101": "A line refers to a document that is not the object that it is for.",
    "PEPPOL-EN16931-R110": "The period of a line begins outside the invoice's.",
    "PEPPOL-EN16931-R111": "The period of a line ends outside the invoice's.",
    "PEPPOL-EN16931-R120": "The net amount of a line is not quantity times price, less allowances, plus charges.",
    "PEPPOL-EN16931-R121": "The quantity that a price is for is not above zero.",
    "PEPPOL-EN16931-R130": "The quantity that a price is for has another unit than the invoiced one.",
}

SET_CODES = {
    "BR-DEX-01": "the media type of an attachment",
    "BR-DEX-04": "the scheme of a party's identifier (ISO 6523)",
    "BR-DEX-05": "the scheme of a registration number (ISO 6523)",
    "BR-DEX-06": "the scheme of an item's standard number (ISO 6523)",
    "BR-DEX-07": "the scheme of an electronic address (EAS)",
    "BR-DEX-08": "the scheme of the place of delivery (ISO 6523)",
    "BR-TMP-CVD-01": "the scheme of an item's classification (UNTDID 7143)",
    "PEPPOL-EN16931-CL001": "the media type of an attachment",
    "PEPPOL-EN16931-CL002": "the reason of an allowance (UNTDID 5189)",
    "PEPPOL-EN16931-CL003": "the reason of a charge (UNTDID 7161)",
    "PEPPOL-EN16931-CL006": "what the tax point depends on (UNTDID 2005)",
    "PEPPOL-EN16931-CL007": "the currency of an amount (ISO 4217)",
    "PEPPOL-EN16931-CL008": "the scheme of an electronic address (EAS)",
}
"""What is not a code of its list."""

SET_DECIMALS = {"BR-DEX-13": "the amount collected for others"}

WRONG_FORM = "An identifier does not have the form that its scheme asks for: %(what)s."
FORMS = {
    "PEPPOL-COMMON-R040": "a GLN (GS1)",
    "PEPPOL-COMMON-R041": "a Norwegian organisation number",
    "PEPPOL-COMMON-R042": "a Danish company number (CVR)",
    "PEPPOL-COMMON-R043": "a Belgian enterprise number",
    "PEPPOL-COMMON-R044": "an Italian office code (IPA)",
    "PEPPOL-COMMON-R045": "an Italian tax code (codice fiscale)",
    "PEPPOL-COMMON-R046": "an Italian tax code (codice fiscale)",
    "PEPPOL-COMMON-R047": "an Italian VAT number (partita IVA)",
    "PEPPOL-COMMON-R049": "a Swedish organisation number",
    "PEPPOL-COMMON-R050": "an Australian business number (ABN)",
    "PEPPOL-COMMON-R052": "a Danish production unit number (P)",
    "PEPPOL-COMMON-R053": "a Danish tax registration number (SE)",
}
