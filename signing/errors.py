"""What the signing library refuses, in sentences that people can read and translate."""

from __future__ import annotations


class SigningError(Exception):
    """`sentence` is an English message id with `%(name)s` placeholders, `values` fills them; `str()` is it, filled."""

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence = sentence
        self.values = values
        super().__init__(sentence % values)


class KeyRefused(SigningError):
    """A key or certificate cannot be used: wrong password, expired, revoked, unsuitable, damaged."""


class SigningRefused(SigningError):
    """This file cannot be signed as asked; nothing was written."""


class TokenRefused(SigningError):
    """A time stamp token does not prove what it is shown for."""


class TimestampUnavailable(SigningError):
    """A time stamp authority, or a list of withdrawn certificates, could not be reached. Worth another try."""
