"""Pages as pictures, made in the same kind of child process as intake's."""

from __future__ import annotations

from documents import child
from documents.intake import ORDINARY, IntakeLimits, in_child

WIDEST = 2400  # pixels


def page_image(pdf: bytes, page: int, *, width_px: int, limits: IntakeLimits = ORDINARY) -> bytes:
    """A page (the first is 1) as PNG, at most ``WIDEST`` pixels wide.

    Raises:
        IntakeRefused: there is no such page, or it takes more than the limits allow.
    """
    picture: bytes = in_child(child.page_image, pdf, limits, page, max(16, min(width_px, WIDEST)))
    return picture
