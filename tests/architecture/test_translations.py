"""Every sentence that people may read is there in Korean, with the same places for values."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from signing.words import KOREAN
from tests.support.message_ids import Sentence, in_code, in_templates, strings

ROOT = Path(__file__).parents[2]
CATALOGS = sorted((ROOT / "templates" / "locale" / "ko").glob("*.po"))
LABEL = re.compile(r"[A-Z%].* |[A-Z][a-z]+$")  # letters of codes and names of classes are none
PLACE = re.compile(r"%(?:\((\w+)\))?([sd%])?")


def catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="ko", abort_invalid=True)


def messages() -> list[tuple[str, Message]]:
    return [(path.name, message) for path in CATALOGS for message in catalog(path) if message.id]


def forms(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def translated() -> set[str]:
    known = {forms(message.id)[0] for _, message in messages() if all(forms(message.string))}
    return known | set(KOREAN)


@pytest.mark.parametrize("where", [in_code, in_templates])
def test_every_sentence_has_its_korean(where: Callable[[Path], Iterator[Sentence]]) -> None:
    found = sorted(where(ROOT))
    assert len(found) > 50
    known = translated()
    missing = [f"{each.file}:{each.line}: {each.text}" for each in found if not each.made and each.text not in known]
    assert not missing, f"{len(missing)} sentences have no Korean in templates/locale/ko:\n" + "\n".join(missing)


def test_every_label_in_a_table_of_the_pages_has_its_korean() -> None:
    """Labels of states, kinds and scopes are chosen by a key: no search for sentences comes by them."""
    tables = [
        node.value
        for path in (*(ROOT / "api" / "pages").glob("*.py"), ROOT / "workflows" / "words.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict)
    ]
    words = {
        part.value
        for table in tables
        for label in table.values
        for part in ast.walk(label)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and LABEL.match(part.value)
    }
    assert {"Purchase order", "Withdrawn", "Verify files"} <= words
    assert sorted(words - translated()) == []


def test_no_sentence_is_put_together_where_it_is_used() -> None:
    """An f-string has as many ids as values: none of them can be found in a catalogue."""
    made = [f"{each.file}:{each.line}: {each.text}" for each in in_code(ROOT) if each.made]
    assert not made, "\n".join(made)


def test_a_translation_has_the_places_of_its_original() -> None:
    wrong = [
        f"{file}:{message.lineno}: {message.id} → {text}"
        for file, message in messages()
        for text in forms(message.string)
        if text and places(text) != places(forms(message.id)[-1])
    ]
    assert not wrong, "\n".join(wrong)


def places(text: str) -> set[str]:
    return {name or kind for name, kind in PLACE.findall(text) if kind != "%"}


def test_one_sentence_has_one_translation() -> None:
    """Catalogues are read one after the other: two translations of one sentence would depend on their order."""
    distinct = {(forms(message.id)[0], str(message.string)) for _, message in messages()}
    twice = [text for text, number in Counter(text for text, _ in distinct).items() if number > 1]
    assert not twice


def test_no_translation_is_left_over() -> None:
    """A sentence that changed in the code must change here, too."""
    used = {each.text for each in (*in_code(ROOT), *in_templates(ROOT))}
    anywhere = "\n".join(strings(ROOT))  # labels of states and the like stand in tables of their own
    left = [
        f"{file}: {text}"
        for file, message in messages()
        for text in forms(message.id)[:1]
        if text not in used and text not in anywhere
    ]
    assert not left, "\n".join(left)


def test_the_search_for_sentences_finds_each_kind(tmp_path: Path) -> None:
    for folder in ("api", "workflows", "documents", "signing", "templates/emails"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "api" / "example.py").write_text(
        "class Refused(Exception):\n"
        "    def __init__(self, sentence, **values): ...\n"
        "class Gone(Refused): ...\n"
        "class Finding:\n"
        "    line: int\n"
        "    sentence: str\n"
        "def why_not_pay(amount):\n"
        "    return None if amount else 'Nothing to pay.'\n"
        "Gone('It has ended.', code='x')\n"
        "Finding(3, 'There is' ' a gap.')\n"
        "Finding(3, sentence='Named.' if now else 'Other.')\n"
        "Refused(f'No {name}.')\n"
        "print('not this')\n"
    )
    (tmp_path / "templates" / "emails" / "body.txt").write_text("{{ _('Hello') }}{% trans %} Good bye {% endtrans %}\n")
    assert sorted(each.text for each in in_code(tmp_path)) == [
        "It has ended.",
        "Named.",
        "Nothing to pay.",
        "Other.",
        "There is a gap.",
        "f'No {name}.'",
    ]
    assert [each for each in in_code(tmp_path) if each.made] == [Sentence("api/example.py", 12, "f'No {name}.'", True)]
    assert [each.text for each in in_templates(tmp_path)] == ["Hello", "Good bye"]
