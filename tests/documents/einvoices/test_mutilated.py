"""Invoices with parts taken out, doubled, moved and filled with anything: they are read or refused, never more."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from documents.einvoices.as_json import from_json, to_json
from documents.einvoices.reading import read_here
from documents.einvoices.sheet import sheet
from documents.intake import IntakeRefused
from tests.support import einvoices

ANYTHING = ("", "0", "-1", "1e9", "abc", "2020-13-45", "9" * 20, "EUR", "x" * 3000, "\u202e", "٣", "true", "-0", ".")


@pytest.mark.parametrize("made", [einvoices.ubl, einvoices.cii, einvoices.signed])
def test_a_mutilated_invoice_is_read_or_refused_in_words(made: Callable[[], bytes]) -> None:
    whole = made()

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=150, deadline=None, database=None)
    def property_(chance: random.Random) -> None:
        data = mutilated(whole, chance)
        try:
            reading = read_here(data)
        except IntakeRefused:
            return
        assert reading.invoice is not None
        assert from_json(json.loads(json.dumps(to_json(reading.invoice)))) == reading.invoice
        assert sheet(reading.invoice, "ko").number == reading.invoice.number

    property_()


def mutilated(data: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.2:
        place = chance.randrange(len(data))
        return data[:place] + bytes([chance.randrange(256)]) + data[place + chance.randrange(20) :]
    root = etree.fromstring(data)
    elements = list(root.iter(etree.Element))
    for _ in range(chance.randint(1, 8)):
        each, other = chance.choice(elements), chance.choice(elements)
        parent = each.getparent()
        match chance.randrange(5):
            case 0:
                each.text = chance.choice(ANYTHING)
            case 1 if parent is not None:
                parent.remove(each)
            case 2 if parent is not None:
                parent.append(copy.deepcopy(each))
            case 3:
                for name in each.attrib:
                    each.set(name, chance.choice(ANYTHING))
            case _:
                other.append(copy.deepcopy(each))
    return etree.tostring(root)
