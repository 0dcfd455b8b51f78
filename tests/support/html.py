"""A page as its reader's programs see it: enough of HTML to judge what we write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


@dataclass(eq=False)
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        """It and all within it, in the order of the text."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child

    @property
    def text(self) -> str:
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join("".join(parts).split())

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            each
            for each in self
            if (not tags or each.tag in tags)
            and all(each.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, *tags: str, **attributes: str) -> Element:
        found = self.all(*tags, **attributes)
        assert len(found) == 1, f"{len(found)} of {tags} {attributes}"
        return found[0]

    def within(self, tag: str) -> Element | None:
        above = self.parent
        while above is not None and above.tag != tag:
            above = above.parent
        return above

    def texts(self) -> Iterator[str]:
        """Each piece of text that is ours to show: not what somebody is typing."""
        for child in self.children:
            if isinstance(child, str):
                if words := " ".join(child.split()):
                    yield words
            elif child.tag not in ("script", "style", "textarea"):
                yield from child.texts()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._at = self.root

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attributes}, self._at)
        self._at.children.append(made)
        if tag not in VOID:
            self._at = made

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self._at.tag == tag, f"</{tag}> closes <{self._at.tag}>"
        assert self._at.parent is not None
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        self._at.children.append(data)

    def close(self) -> None:
        super().close()
        assert self._at is self.root, f"<{self._at.tag}> is not closed"


def read(page: str) -> Element:
    """The page as a tree; every element that is opened must be closed in its place."""
    builder = _Builder()
    builder.feed(page)
    builder.close()
    return builder.root


def faults(page: str) -> list[str]:
    """What keeps a page from being read by everybody, and from working under a strict Content-Security-Policy."""
    root = read(page)
    ids = [each.attributes["id"] for each in root if "id" in each.attributes]
    found = [f"the id {each} is there twice" for each in sorted(set(ids)) if ids.count(each) > 1]
    for element in root:
        found += _faults_of(element, frozenset(ids), root)
    headings = [each for each in root if each.tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
    levels = [int(each.tag[1]) for each in headings]
    if levels.count(1) != 1:
        found.append(f"{levels.count(1)} headings of the first level")
    found += [
        f"<{each.tag}> {each.text[:40]} follows a heading of level {before}"
        for before, each, level in zip(levels, headings[1:], levels[1:], strict=False)
        if level > before + 1
    ]
    found += [f"an empty <{each.tag}>" for each in headings if not each.text]
    if len(root.all("main")) != 1:
        found.append("not one <main>")
    if root.one("html").attributes.get("lang") not in ("en", "ko"):
        found.append("no language")
    return found


def _faults_of(element: Element, ids: frozenset[str], root: Element) -> list[str]:
    found, attributes, tag = [], element.attributes, element.tag
    if "style" in attributes or tag == "style":
        found.append(f"<{tag}> has a style of its own")
    if tag == "script" and (not attributes.get("src") or element.text):
        found.append("a script stands in the page")
    found += [f"<{tag}> has {name}" for name in attributes if name.startswith("on")]
    for name in ("for", "form", "list", "aria-describedby", "aria-labelledby"):
        found += [
            f"{name} names {each}, which is not there" for each in attributes.get(name, "").split() if each not in ids
        ]
    if tag == "a" and attributes.get("href", "").startswith("#") and attributes["href"][1:] not in ids:
        found.append(f"{attributes['href']} leads nowhere")
    if tag == "a" and not (element.text or any(each.attributes.get("alt") for each in element.all("img"))):
        found.append(f"a link to {attributes.get('href')} says nothing")
    if tag == "img" and "alt" not in attributes:
        found.append("a picture without words")
    if tag == "button" and not element.text:
        found.append("a button says nothing")
    if (
        tag in ("input", "select", "textarea")
        and attributes.get("type") != "hidden"
        and not _is_labelled(element, root)
    ):
        found.append(f"<{tag} name={attributes.get('name')}> has no label")
    if tag == "table" and attributes.get("role") != "table":
        found.append("a table that becomes cards needs its roles")
    return found


def _is_labelled(element: Element, root: Element) -> bool:
    mine = element.attributes.get("id")
    labels = root.all("label", **{"for": mine}) if mine else []
    return any(each.text for each in labels) or bool(element.attributes.get("aria-label"))
