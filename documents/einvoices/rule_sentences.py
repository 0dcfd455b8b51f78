"""The rules of EN 16931 in sentences for people who pay invoices, by the rules' numbers; English message ids.

What a rule forbids is said as what is wrong, not as what shall be. BT and BG numbers stay with the rule's own words.
Source: EN 16931-1 clause 6.4, and the artefacts of CEN/TC 434 where the standard leaves the binding to the syntax.
Those of XRechnung and Peppol are in `set_sentences`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from documents.einvoices.set_sentences import (
    FORMS,
    SET_CODES,
    SET_DECIMALS,
    SET_RULES,
    WRONG_FORM,
    number_in_sets,
)


@dataclass(frozen=True)
class RuleSaid:
    """A sentence (an English message id) with what stands in its places."""

    sentence: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    """Values that are message ids themselves."""


def sentence_of(rule: str, text: str) -> RuleSaid | None:
    """What to say of a broken rule; `text` is the rule in its own words, without its number. None: only they say it."""
    number = number_in_sets(re.sub(r"^BR-FXEXT-", "BR-", rule))
    if number in RULES:
        return RuleSaid(RULES[number])
    if number in FORMS:
        return RuleSaid(WRONG_FORM, words={"what": FORMS[number]})
    if number in DECIMALS:
        return RuleSaid(TOO_MANY_DECIMALS, words={"amount": DECIMALS[number]})
    if number in CODES:
        return RuleSaid(NO_CODE, words={"what": CODES[number]})
    category = _CATEGORY_RULE.match(number)
    if category and category[1] in CATEGORIES and category[2] in CATEGORY_RULES:
        code, name = CATEGORIES[category[1]]
        return RuleSaid(CATEGORY_RULES[category[2]], {"code": code}, {"category": name})
    if number.startswith(("UBL-CR-", "UBL-DT-", "CII-SR-", "CII-DT-")) and "should not" in text:
        return RuleSaid(SURPLUS)
    for pattern, sentence in _PROFILES:
        found = pattern.search(text)
        if found:
            return RuleSaid(sentence, {name: value.removeprefix("ram:") for name, value in found.groupdict().items()})
    return None


_CATEGORY_RULE = re.compile(r"BR-(S|Z|E|AE|IC|G|O|AF|AG)-?(\d\d)")
CATEGORIES = {
    "S": ("S", "standard rate"),
    "Z": ("Z", "zero rate"),
    "E": ("E", "exempt from VAT"),
    "AE": ("AE", "reverse charge"),
    "IC": ("K", "supply within the European Union"),
    "G": ("G", "export outside the European Union"),
    "O": ("O", "not subject to VAT"),
    "AF": ("L", "Canary Islands tax (IGIC)"),
    "AG": ("M", "tax of Ceuta and Melilla (IPSI)"),
}

CATEGORY_RULES = {
    "01": "The VAT breakdown has no entry of its own for category %(code)s (%(category)s), or one too many.",
    "02": "A line has VAT category %(code)s (%(category)s), but the VAT numbers that it asks for are missing.",
    "03": "An allowance has VAT category %(code)s (%(category)s), but the VAT numbers that it asks for are missing.",
    "04": "A charge has VAT category %(code)s (%(category)s), but the VAT numbers that it asks for are missing.",
    "05": "The VAT rate of a line does not go with its category %(code)s (%(category)s).",
    "06": "The VAT rate of an allowance does not go with its category %(code)s (%(category)s).",
    "07": "The VAT rate of a charge does not go with its category %(code)s (%(category)s).",
    "08": (
        "The taxable amount of VAT category %(code)s (%(category)s) is not the sum of its lines, "
        "less allowances, plus charges."
    ),
    "09": "The tax of VAT category %(code)s (%(category)s) is not its taxable amount times its rate.",
    "10": (
        "The reason for exemption and VAT category %(code)s (%(category)s) do not go together: "
        "one is missing, or one too many."
    ),
    "11": "VAT category %(code)s (%(category)s) stands beside others, or without a day of delivery or a period.",
    "12": "VAT category %(code)s (%(category)s) stands beside lines of others, or without the country of delivery.",
    "13": "VAT category %(code)s (%(category)s) stands beside an allowance of another category.",
    "14": "VAT category %(code)s (%(category)s) stands beside a charge of another category.",
}

TOO_MANY_DECIMALS = "Too many decimals: %(amount)s may have two at most."
DECIMALS = {
    "BR-DEC-01": "the amount of an allowance",
    "BR-DEC-02": "the base amount of an allowance",
    "BR-DEC-05": "the amount of a charge",
    "BR-DEC-06": "the base amount of a charge",
    "BR-DEC-09": "the sum of the lines",
    "BR-DEC-10": "the sum of allowances",
    "BR-DEC-11": "the sum of charges",
    "BR-DEC-12": "the total without VAT",
    "BR-DEC-13": "the total VAT",
    "BR-DEC-14": "the total with VAT",
    "BR-DEC-15": "the total VAT in the accounting currency",
    "BR-DEC-16": "the amount paid before",
    "BR-DEC-17": "the rounding amount",
    "BR-DEC-18": "the amount due",
    "BR-DEC-19": "the taxable amount of a VAT category",
    "BR-DEC-20": "the tax of a VAT category",
    "BR-DEC-23": "the net amount of a line",
    "BR-DEC-24": "the amount of a line's allowance",
    "BR-DEC-25": "the base amount of a line's allowance",
    "BR-DEC-27": "the amount of a line's charge",
    "BR-DEC-28": "the base amount of a line's charge",
    **SET_DECIMALS,
}

NO_CODE = "Not a code of its list: %(what)s."
CODES = {
    "BR-CL-01": "the type of document (UNTDID 1001)",
    "BR-CL-03": "the currency of an amount (ISO 4217)",
    "BR-CL-04": "the invoice currency (ISO 4217)",
    "BR-CL-05": "the currency of the tax (ISO 4217)",
    "BR-CL-06": "what the tax point depends on (UNTDID 2005)",
    "BR-CL-07": "the scheme of the invoiced object (UNTDID 1153)",
    "BR-CL-08": "the subject of a note (UNTDID 4451)",
    "BR-CL-10": "the scheme of a party's identifier (ISO 6523)",
    "BR-CL-11": "the scheme of a registration number (ISO 6523)",
    "BR-CL-13": "the scheme of an item's classification (UNTDID 7143)",
    "BR-CL-14": "a country (ISO 3166-1)",
    "BR-CL-15": "the country of origin (ISO 3166-1)",
    "BR-CL-16": "the means of payment (UNTDID 4461)",
    "BR-CL-17": "a VAT category (UNTDID 5305)",
    "BR-CL-18": "the VAT category of a line (UNTDID 5305)",
    "BR-CL-19": "the reason of an allowance (UNTDID 5189)",
    "BR-CL-20": "the reason of a charge (UNTDID 7161)",
    "BR-CL-21": "the scheme of an item's standard number (ISO 6523)",
    "BR-CL-22": "the reason of a VAT exemption (VATEX)",
    "BR-CL-23": "a unit of measure (UN/ECE Recommendation 20)",
    "BR-CL-24": "the media type of an attachment",
    "BR-CL-25": "the scheme of an electronic address (EAS)",
    "BR-CL-26": "the scheme of the place of delivery (ISO 6523)",
    **SET_CODES,
}

SURPLUS = "The invoice carries something that the standard does not use. Nobody need read it."

_PROFILES = (
    (
        re.compile(r"Element '(?P<element>[\w:]+)' must occur exactly (?P<times>\d+) times"),
        "There must be exactly %(times)s of %(element)s here.",
    ),
    (
        re.compile(r"Element '(?P<element>[\w:]+)' must occur at least (?P<times>\d+) times"),
        "There must be at least %(times)s of %(element)s here.",
    ),
    (
        re.compile(r"Element '(?P<element>[\w:]+)' may occur at maximum (?P<times>\d+) times"),
        "There may be %(times)s of %(element)s here at most.",
    ),
    (
        re.compile(r"Value of '(?P<element>@?[\w:]+)' is not allowed"),
        "What %(element)s says is none of the values that are allowed here.",
    ),
    (re.compile(r"Attribute '?(?P<element>@[\w:]+)'? is required"), "The attribute %(element)s is missing here."),
    (
        re.compile(r"(?:Element|Attribute) '?(?P<element>@?[\w:]+)'? (?:is )?marked as not used"),
        "%(element)s is not used in this profile; what it says may be passed over by others.",
    ),
)

RULES = {
    "BR-01": "The invoice does not say which specification it follows.",
    "BR-02": "The invoice has no number.",
    "BR-03": "The invoice has no issue date.",
    "BR-04": "The invoice does not say what type of document it is.",
    "BR-05": "The invoice does not name its currency.",
    "BR-06": "The seller's name is missing.",
    "BR-07": "The buyer's name is missing.",
    "BR-08": "The seller's address is missing.",
    "BR-09": "The country in the seller's address is missing.",
    "BR-10": "The buyer's address is missing.",
    "BR-11": "The country in the buyer's address is missing.",
    "BR-12": "The sum of the lines is missing.",
    "BR-13": "The total without VAT is missing.",
    "BR-14": "The total with VAT is missing.",
    "BR-15": "The amount due is missing.",
    "BR-16": "The invoice has no lines.",
    "BR-17": "The payee's name is missing, although somebody other than the seller is to be paid.",
    "BR-18": "The name of the seller's tax representative is missing.",
    "BR-19": "The address of the seller's tax representative is missing.",
    "BR-20": "The country in the address of the seller's tax representative is missing.",
    "BR-21": "A line has no identifier.",
    "BR-22": "A line has no quantity.",
    "BR-23": "The quantity of a line has no unit.",
    "BR-24": "A line has no net amount.",
    "BR-25": "A line does not name its item.",
    "BR-26": "A line has no net price.",
    "BR-27": "The net price of an item is negative. The quantity should be, where something is taken back.",
    "BR-28": "The gross price of an item is negative. The quantity should be, where something is taken back.",
    "BR-29": "The period of the invoice ends before it begins.",
    "BR-30": "The period of a line ends before it begins.",
    "BR-31": "An allowance has no amount.",
    "BR-32": "An allowance has no VAT category.",
    "BR-33": "An allowance has no reason.",
    "BR-36": "A charge has no amount.",
    "BR-37": "A charge has no VAT category.",
    "BR-38": "A charge has no reason.",
    "BR-41": "An allowance of a line has no amount.",
    "BR-42": "An allowance of a line has no reason.",
    "BR-43": "A charge of a line has no amount.",
    "BR-44": "A charge of a line has no reason.",
    "BR-45": "The VAT breakdown lacks a taxable amount.",
    "BR-46": "The VAT breakdown lacks a tax amount.",
    "BR-47": "The VAT breakdown lacks a category.",
    "BR-48": "The VAT breakdown lacks a rate.",
    "BR-49": "The invoice says something about payment, but not by which means.",
    "BR-50": "The invoice is to be paid by transfer, but names no account.",
    "BR-51": "The invoice shows the number of a payment card in full. Only its last digits may be shown.",
    "BR-52": "An attachment has no reference.",
    "BR-53": "The VAT total in the accounting currency is missing.",
    "BR-54": "A property of an item lacks its name or its value.",
    "BR-55": "The reference to a preceding invoice has no number.",
    "BR-56": "The VAT number of the seller's tax representative is missing.",
    "BR-57": "The country in the delivery address is missing.",
    "BR-61": "The invoice is to be paid by transfer, but the account is missing.",
    "BR-62": "The seller's electronic address does not say of which kind it is.",
    "BR-63": "The buyer's electronic address does not say of which kind it is.",
    "BR-64": "An item's standard number does not say of which kind it is.",
    "BR-65": "An item's classification does not say of which kind it is.",
    "BR-B-01": "VAT category B (split payment) is for invoices within Italy only.",
    "BR-B-02": "VAT categories B (split payment) and S (standard rate) stand in one invoice.",
    "BR-CO-03": "The invoice names both a tax point and what the tax point depends on. Only one of them may be there.",
    "BR-CO-04": "A line has no VAT category.",
    "BR-CO-05": "The reason of an allowance and its code mean different things.",
    "BR-CO-06": "The reason of a charge and its code mean different things.",
    "BR-CO-07": "The reason of a line's allowance and its code mean different things.",
    "BR-CO-08": "The reason of a line's charge and its code mean different things.",
    "BR-CO-09": "A VAT number does not begin with the code of its country.",
    "BR-CO-10": "The sum of the lines is not what the lines add up to.",
    "BR-CO-11": "The sum of allowances is not what the allowances add up to.",
    "BR-CO-12": "The sum of charges is not what the charges add up to.",
    "BR-CO-13": "The total without VAT is not the sum of the lines, less allowances, plus charges.",
    "BR-CO-14": "The VAT total is not what the VAT breakdown adds up to.",
    "BR-CO-15": "The total with VAT is not the total without VAT plus the VAT.",
    "BR-CO-16": "The amount due is not the total with VAT, less what was paid, plus rounding.",
    "BR-CO-17": "The tax of a VAT category is not its taxable amount times its rate, rounded to two decimals.",
    "BR-CO-18": "The VAT breakdown is missing.",
    "BR-CO-19": "The period of the invoice has neither a first nor a last day.",
    "BR-CO-20": "The period of a line has neither a first nor a last day.",
    "BR-CO-21": "An allowance has neither a reason nor a code for it.",
    "BR-CO-22": "A charge has neither a reason nor a code for it.",
    "BR-CO-23": "An allowance of a line has neither a reason nor a code for it.",
    "BR-CO-24": "A charge of a line has neither a reason nor a code for it.",
    "BR-CO-25": "Something is to be paid, but the invoice says neither by when nor on which terms.",
    "BR-CO-26": "Nothing identifies the seller: no identifier, no registration number, no VAT number.",
    **SET_RULES,
}
