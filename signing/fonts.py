"""Letters of any script on a PDF page: fonts chosen by what they can draw, shaped, subset and embedded.

Latin, Greek, Cyrillic and Devanagari come from Noto Sans, Hangul, Han and Kana from Noto Sans CJK. Any further family
that is installed from PyPI as `fontpkg-…` (Arabic, Thai, Hebrew …) is used as well. A letter that no font has is
written as its code point, `[U+0627]`: a name is never shortened without a sign.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import uharfbuzz as hb

REGULAR, BOLD = 400, 600

# Format characters draw nothing and may turn text around; only the joiners change how letters look.
JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class Glyph:
    """`text` is what is copied for this glyph; empty for the further glyphs of a cluster. Units: 1/1000 em."""

    code: int
    width: float
    advance: float
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Run:
    """Neighbouring letters drawn by one typeface."""

    typeface: Typeface
    glyphs: tuple[Glyph, ...]

    @property
    def advance(self) -> float:
        return sum(glyph.advance for glyph in self.glyphs)


class Typeface:
    """One font file at one weight. Glyph numbers of the whole font serve as character codes, also in a subset."""

    def __init__(self, path: Path, weight: int) -> None:
        self.path = path
        self._face = hb.Face(hb.Blob.from_file_path(str(path)))
        self._font = hb.Font(self._face)
        self.axes = {axis.tag for axis in self._face.axis_infos}
        self.weight = weight
        if "wght" in self.axes:
            self._font.set_variations({"wght": weight})
        self.is_cff = "CFF " in self._face.table_tags
        self.scale = 1000 / self._face.upem
        extents = self._font.get_font_extents("ltr")
        self.ascent, self.descent = extents.ascender * self.scale, extents.descender * self.scale

    @property
    def is_emboldened(self) -> bool:
        """No bold cut in the file: the outline is stroked to make one."""
        return self.weight > REGULAR and "wght" not in self.axes

    @property
    def name(self) -> str:
        letters = "".join(c for c in self.path.stem.split("[")[0] if c.isalnum() or c == "-")
        return letters if self.weight == REGULAR else f"{letters}-Bold"

    def has(self, letter: str) -> bool:
        return bool(self._font.get_nominal_glyph(ord(letter)))

    def shape(self, text: str) -> tuple[Glyph, ...]:
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        # Ligatures would make a name's letters hard to copy; scripts that need them have theirs in other features.
        hb.shape(self._font, buffer, {"liga": False, "clig": False})
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        ends = dict(pairwise([*sorted({info.cluster for info in infos}), len(text)]))
        glyphs, told = [], set()
        for info, position in zip(infos, positions, strict=True):
            cluster_text = "" if info.cluster in told else text[info.cluster : ends[info.cluster]]
            told.add(info.cluster)
            glyphs.append(
                Glyph(
                    info.codepoint,
                    self._font.get_glyph_h_advance(info.codepoint) * self.scale,
                    position.x_advance * self.scale,
                    position.x_offset * self.scale,
                    position.y_offset * self.scale,
                    cluster_text,
                )
            )
        return tuple(glyphs)

    def subset(self, codes: Sequence[int]) -> tuple[bytes, dict[int, int]]:
        """The font program with these glyphs only, and where each ended up in it."""
        wanted = hb.SubsetInput()
        for code in codes:
            wanted.glyph_set.add(code)
        wanted.flags = hb.SubsetFlags.NO_LAYOUT_CLOSURE | hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
        for tag in ("GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "name", "DSIG", "STAT"):
            wanted.drop_table_tag_set.add(_tag(tag))
        wanted.pin_all_axes_to_default(self._face)
        if "wght" in self.axes:
            wanted.pin_axis_location(self._face, "wght", float(self.weight))
        plan = hb.SubsetPlan(self._face, wanted)
        places = dict(plan.old_to_new_glyph_mapping.items())
        program = plan.execute().blob.data
        return (_table(program, b"CFF ") if self.is_cff else program), places


def _tag(name: str) -> int:
    return int.from_bytes(name.encode("ascii"), "big")


def _table(font: bytes, tag: bytes) -> bytes:
    """One table out of an OpenType file."""
    for entry in range(int.from_bytes(font[4:6], "big")):
        record = font[12 + 16 * entry : 28 + 16 * entry]
        if record[:4] == tag:
            start, length = int.from_bytes(record[8:12], "big"), int.from_bytes(record[12:16], "big")
            return font[start : start + length]
    raise LookupError(tag)


@lru_cache
def typefaces(weight: int) -> tuple[Typeface, ...]:
    """In order of preference. The files are mapped into memory, not read."""
    import fontpkg_noto_sans
    import noto_cjk_sans_jp_regular

    latin = next((Path(fontpkg_noto_sans.ROOT) / "files").glob("NotoSans[[]*.ttf"))
    cjk = Path(str(noto_cjk_sans_jp_regular.FONT_PATH))
    return (Typeface(latin, weight), Typeface(cjk, weight), *_further(weight))


def _further(weight: int) -> Iterator[Typeface]:
    for entry in sorted(entry_points(group="fontpkg.family"), key=lambda entry: entry.name):
        if entry.value == "fontpkg_noto_sans":
            continue
        paths = sorted(Path(str(files(entry.value))).glob("files/*.[to]tf"))
        upright = next((path for path in paths if "Italic" not in path.name), None)
        if upright is not None:
            yield Typeface(upright, weight)


def legible(text: str) -> str:
    """Composed, without control and direction characters; tabs and line ends become spaces."""
    text = unicodedata.normalize("NFC", text)
    kept = []
    for letter in text:
        kind = unicodedata.category(letter)
        if letter in "\t\n\r\v\f\u2028\u2029":
            kept.append(" ")
        elif letter in JOINERS or kind not in ("Cc", "Cf", "Cs"):
            kept.append(letter)
    return "".join(kept)


@lru_cache(maxsize=4096)
def runs(text: str, weight: int = REGULAR) -> tuple[Run, ...]:
    """Shaped, in the order in which it is drawn."""
    available = typefaces(weight)
    parts: list[tuple[Typeface, str]] = []

    def put(typeface: Typeface, letters: str) -> None:
        if parts and parts[-1][0] is typeface:
            parts[-1] = (typeface, parts[-1][1] + letters)
            return
        if parts and _is_right_to_left(parts[-1][1]):
            # What separates it from the next word must not be drawn on its far side.
            before, ours = parts[-1]
            letters = ours[len(ours.rstrip(" ·,;:–—")) :] + letters
            parts[-1] = (before, ours.rstrip(" ·,;:–—"))
        parts.append((typeface, letters))

    for letter in legible(text):
        current = parts[-1][0] if parts else None
        if current is not None and _stays(letter) and current.has(letter):
            put(current, letter)
        elif letter in JOINERS:
            if current is not None:
                put(current, letter)
        elif (typeface := next((t for t in available if t.has(letter)), None)) is not None:
            put(typeface, letter)
        else:
            put(available[0], f"[U+{ord(letter):04X}]")
    return tuple(Run(typeface, typeface.shape(letters)) for typeface, letters in parts)


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)


def _stays(letter: str) -> bool:
    """Spaces, punctuation and combining marks take the font of what they stand beside."""
    return unicodedata.category(letter)[0] in "ZPM"


def width(text: str, size: float, weight: int = REGULAR) -> float:
    """In points."""
    return sum(run.advance for run in runs(text, weight)) * size / 1000


@dataclass
class FontSet:
    """The typefaces used in one content stream, and the glyphs used of each, for embedding once it is written."""

    used: dict[Typeface, dict[int, Glyph]] = field(default_factory=dict)

    def resource(self, typeface: Typeface) -> str:
        self.used.setdefault(typeface, {})
        return f"F{list(self.used).index(typeface) + 1}"

    def show(self, text: str, x: float, y: float, size: float, weight: int = REGULAR) -> str:
        """Operators that draw the text with its base line starting at x, y (points)."""
        drawn = []
        for run in runs(text, weight):
            name = self.resource(run.typeface)
            for glyph in run.glyphs:
                known = self.used[run.typeface].get(glyph.code)
                if known is None or not known.text:
                    self.used[run.typeface][glyph.code] = glyph
            stroke = f" 2 Tr {size * 0.028:.3f} w" if run.typeface.is_emboldened else " 0 Tr"
            drawn.append(f"BT /{name} {size:g} Tf{stroke} {x:.2f} {y:.2f} Td {_array(run.glyphs, size)} ET")
            x += run.advance * size / 1000
        return "\n".join(drawn)


def _array(glyphs: Sequence[Glyph], size: float) -> str:
    """TJ operators. Numbers move the pen left, in thousandths of the size, where shaping departs from the width."""
    lines: list[str] = []
    items: list[str] = []
    codes = ""
    shift = rise = 0.0

    def flush() -> None:
        nonlocal codes
        if codes:
            items.append(f"<{codes}>")
            codes = ""

    def finish() -> None:
        flush()
        if items:
            lines.append(f"[{''.join(items)}] TJ")
            items.clear()

    for glyph in glyphs:
        if abs(glyph.y - rise) > 0.5:
            finish()
            rise = glyph.y
            lines.append(f"{rise * size / 1000:.3f} Ts")
        before = shift + glyph.x
        if abs(before) > 0.5:
            flush()
            items.append(f"{-before:.0f}")
        codes += f"{glyph.code:04X}"
        shift = glyph.advance - glyph.width - glyph.x
    finish()
    if rise:
        lines.append("0 Ts")
    return " ".join(lines)


@dataclass(frozen=True)
class EmbeddedFont:
    """Everything that a Type 0 font dictionary (ISO 32000-2, 9.7) is written from."""

    name: str
    is_cff: bool
    program: bytes
    widths: dict[int, float]
    cid_to_gid: bytes | None
    to_unicode: bytes
    ascent: float
    descent: float


def embed(typeface: Typeface, glyphs: dict[int, Glyph]) -> EmbeddedFont:
    codes = sorted(glyphs)
    program, places = typeface.subset(codes)
    cid_to_gid = None
    if not typeface.is_cff:
        table = bytearray(2 * (codes[-1] + 1))
        for code in codes:
            table[2 * code : 2 * code + 2] = places[code].to_bytes(2, "big")
        cid_to_gid = bytes(table)
    # Six capitals mark a subset (ISO 32000-2, 9.9.2); the same glyphs give the same mark.
    digest = zlib.crc32(repr((typeface.name, codes)).encode())
    mark = "".join(chr(65 + (digest >> shift) % 26) for shift in (0, 4, 8, 12, 16, 20))
    return EmbeddedFont(
        f"{mark}+{typeface.name}",
        typeface.is_cff,
        program,
        {code: glyphs[code].width for code in codes},
        cid_to_gid,
        _to_unicode({code: glyphs[code].text for code in codes}),
        typeface.ascent,
        typeface.descent,
    )


def _to_unicode(texts: dict[int, str]) -> bytes:
    entries = [f"<{code:04X}> <{text.encode('utf-16-be').hex().upper()}>" for code, text in texts.items() if text]
    blocks = [entries[start : start + 100] for start in range(0, len(entries), 100)]
    mapping = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{mapping}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode("ascii")
