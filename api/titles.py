"""What refusals are called, by their HTTP status: in problem details, and over the pages that show them."""

from __future__ import annotations

TITLES = {
    400: "The request cannot be read",
    401: "Nobody has said who they are",
    403: "Not allowed",
    404: "There is nothing at this address",
    405: "This address does not take that method",
    409: "It has changed in the meantime",
    410: "This link has done its work",
    413: "The file is too large",
    415: "This kind of file is not taken",
    422: "Not accepted",
    429: "Too many tries",
    500: "Something went wrong on our side",
    503: "Not ready",
}
