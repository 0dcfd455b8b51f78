"""What people may not do, in words they can read.

Every refusal carries an English sentence with ``%(name)s`` places and the values for them, so that the edge can say the
same in the reader's language. A refusal always means: nothing was changed.
"""

from __future__ import annotations


class Refused(Exception):
    """The request is understood and turned down. HTTP: 422."""

    status = 422
    code = "refused"

    def __init__(self, sentence: str, *, field: str | None = None, **values: object) -> None:
        self.sentence = sentence
        self.field = field
        self.values = values
        super().__init__(sentence % values if values else sentence)


class Forbidden(Refused):
    """This person may not do this. HTTP: 403."""

    status = 403
    code = "forbidden"


class NotFound(Refused):
    """It does not exist, or this person may not know that it does. HTTP: 404."""

    status = 404
    code = "not-found"


class Conflict(Refused):
    """Somebody or something was faster. HTTP: 409."""

    status = 409
    code = "conflict"


class Gone(Refused):
    """The link has done its work, or no longer leads anywhere. HTTP: 410."""

    status = 410
    code = "gone"


class TooMany(Refused):
    """Too many tries; ``retry_after`` seconds from now it may work again. HTTP: 429."""

    status = 429
    code = "too-many-tries"

    def __init__(self, sentence: str, *, retry_after: int, field: str | None = None, **values: object) -> None:
        super().__init__(sentence, field=field, **values)
        self.retry_after = retry_after


class SignIn(Refused):
    """Nobody has said who they are. HTTP: 401."""

    status = 401
    code = "sign-in"


class NotReady(Refused):
    """A part that the request needs cannot be reached just now. HTTP: 503."""

    status = 503
    code = "not-ready"
