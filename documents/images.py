"""Pages as pictures, made in the same kind of child process as intake's."""

from __future__ import annotations

from documents import sandbox
from documents.intake import AT_ONCE, ORDINARY, IntakeLimits, in_child

NARROWEST, WIDEST = 16, 2400
"""Pixels."""

# of their own, so that hostile uploads do not keep readers from their pages
_places = sandbox.Places(AT_ONCE)


def page_image(pdf: bytes, page: int, *, width_px: int, limits: IntakeLimits = ORDINARY) -> bytes:
    """A page (the first is 1) as PNG, as it is shown: cropped, turned, with its filled-in fields and signatures.

    It is `width_px` wide, within `NARROWEST` and `WIDEST`; less where the page is so long that the picture would have
    more than 20 megapixels.

    Raises:
        IntakeRefused: there is no such page, or drawing it takes more than the limits allow.
    """
    width = max(NARROWEST, min(width_px, WIDEST))
    arguments = {"page": page, "width": width}
    (picture,) = in_child("documents.drawing:draw_page", pdf, arguments, limits=limits, places=_places).parts
    return picture
