"""Invoices are taken in within the limits of the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from documents.einvoices.finding_words import said
from tests.invoices.samples import sound_ubl
from tests.support.einvoices import hybrid
from tests.support.office import Office
from tests.support.rules import rules_without_end
from workflows.invoices.intake import take_in


def test_rules_of_a_standard_may_take_as_long_as_the_settings_allow(office: Office, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "endless.xsl").write_text(rules_without_end())
    limits = replace(office.runtime.intake_limits, seconds=3)
    taken = take_in(sound_ubl(), file_name="a.xml", blobs=office.runtime.blobs, limits=limits, rules=rules)
    assert [said(each, "en") for each in taken.findings if each.rule == "rules"] == [
        "The rules of the standard were not checked: that takes longer than 3 seconds."
    ]


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", "Its pages say EUR 1,190.00 where its data say EUR 119.00 (To be paid)."),
        ("ko", "전자 데이터에는 EUR 119.00, 지면에는 EUR 1,190.00(으)로 되어 있습니다(청구금액)."),
    ],
)
def test_pages_that_say_another_amount_are_told_in_the_readers_words(office: Office, locale: str, words: str) -> None:
    data, runtime = hybrid(page="Total amount due 1.190,00 EUR"), office.runtime
    taken = take_in(data, file_name="a.pdf", blobs=runtime.blobs, limits=runtime.intake_limits)
    assert [said(each, locale) for each in taken.findings if each.rule == "pages"] == [words]
