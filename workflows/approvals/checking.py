"""Check a route's text as publishing would, without publishing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from workflows.approvals import route as routes
from workflows.approvals.source import Finding
from workflows.parties.queries import by_emails


def findings_in(session: Session, source: str, *, name: str | None = None) -> Sequence[Finding]:
    """Everything that keeps the text from being published, in the order of its lines.

    ``name``: under which it is to be published; None for whichever it gives itself.
    """
    try:
        route = routes.parse(source)
    except routes.RouteRefused as refused:
        return refused.findings
    findings = list(routes.golden_failures(route))
    if name is not None and route.name != name:
        values = {"own": route.name, "name": name}
        findings.append(_found(source, route.name, "The route calls itself %(own)s, the address %(name)s.", values))
    known = {person.email for person in by_emails(session, route.people_named)}
    findings += [
        _found(source, email, "Nobody is registered with the address %(email)s.", {"email": email})
        for email in route.people_named
        if email not in known
    ]
    return sorted(findings, key=lambda each: (each.line, each.column))


def _found(source: str, word: str, sentence: str, values: Mapping[str, object]) -> Finding:
    """A finding where the word stands first."""
    for number, line in enumerate(source.splitlines(), 1):
        if (column := line.lower().find(word)) >= 0:
            return Finding(number, column + 1, sentence, values)
    return Finding(1, 1, sentence, values)
