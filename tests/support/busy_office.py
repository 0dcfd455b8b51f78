"""An office in full swing: contracts and invoices in every state, so that every page has something to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from uuid import UUID

from sqlmodel import select

from tests.invoices.samples import sound_ubl
from tests.support.exported import exports
from tests.support.office import PASSWORD, Office, link_in, open_office
from workflows.approvals.exchange import keep_rates
from workflows.approvals.leaving import see_off
from workflows.contracts.model import Contract
from workflows.contracts.operations import withdraw
from workflows.database import Work
from workflows.discussions.intake import take_in as take_in_file
from workflows.discussions.operations import say
from workflows.discussions.rules import checked
from workflows.invoices.intake import take_in
from workflows.invoices.letterbox import deal_with
from workflows.invoices.model import IncomingMail, Invoice
from workflows.invoices.operations import receive, send_on
from workflows.invoices.paying import pay, payments_of, reverse
from workflows.invoices.payment import make_run, note_posted, release
from workflows.papers.model import Paper
from workflows.papers.queries import subject_of
from workflows.parties.model import Person
from workflows.parties.operations import make_token, note_use, withdraw_token
from workflows.parties.queries import tokens_of
from workflows.parties.rules import Actor, Scope
from workflows.sendings.operations import open_sent, revoke, send
from workflows.sendings.rules import Addressed
from workflows.upkeep.steps import keep_deadlines

ROUTE = """\
name: two-stages
document: contract
priority: 10
when: contract.kind == "lease"
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
separation: {exclude: [submitter]}
stages:
  - name: manager
    approvers: {manager_of: submitter}
    due: 2 business days
  - name: legal
    approvers: {group: legal}
    quorum: {approve: 2, reject: 2}
    due: 3 business days
    send_back_to: [submitter, manager]
  - name: board
    when: amount >= 1000000.0
    approvers: {role: board}
  - name: checks
    parallel:
      - {name: security, approvers: {group: security}, quorum: any}
      - {name: privacy, approvers: {group: privacy}, quorum: any}
"""
ANYTHING = """\
name: anything
document: contract
priority: 1
stages:
  - name: manager
    approvers: {manager_of: submitter}
"""
NOBODY = """\
name: nobody-there
document: contract
priority: 0
when: contract.kind == "nda"
stages:
  - name: auditors
    approvers: {group: auditors}
"""

MAIL = (
    b"From: Aurora Leasing <bills@aurora.example>\r\nTo: bills@haneul.example\r\nSubject: Our terms\r\n"
    b"Content-Type: application/zip; name=terms.zip\r\nContent-Disposition: attachment\r\n\r\nPK"
)
"""Kept aside: no invoice is in it."""

INVOICE = """\
name: quick-invoice
document: invoice
priority: 5
stages:
  - {name: manager, approvers: {manager_of: submitter}}
"""

IN_TIME = """\
name: in-time
document: contract
priority: 0
when: contract.kind == "other"
calendar: {country: KR, timezone: Asia/Seoul}
stages:
  - {name: manager, approvers: {manager_of: submitter}, due: 1 business day, on_expiry: incident}
"""


@dataclass(frozen=True)
class Busy:
    office: Office
    contracts: dict[str, Contract]
    invoices: dict[str, Invoice]
    links: dict[str, str]
    """Paths of links, by what they lead to."""

    def id(self, name: str) -> str:
        return str(self.contracts[name].id)

    def address(self, template: str, lang: str) -> str:
        """Such as ``/contracts/{legal}``, ``{link asked}`` or ``/people/{person ann}``, read in a language."""
        address = template
        for name in self.contracts:
            address = address.replace("{" + name + "}", self.id(name))
        for name, invoice in self.invoices.items():
            address = address.replace("{invoice " + name + "}", str(invoice.id))
        for name, link in self.links.items():
            address = address.replace("{link " + name + "}", link)
        for name, person in self.office.people.items():
            address = address.replace("{person " + name + "}", str(person.id))
        return address + ("&" if "?" in address else "?") + f"lang={lang}"


def sample(name: str = "sample-contract-1.pdf") -> bytes:
    return files("templates").joinpath("documents").joinpath(name).read_bytes()


def busy_office(database_url: str, home: Path, *, locale: str = "en") -> Busy:
    office = open_office(database_url, home)
    office.now = datetime.now(UTC) - timedelta(hours=3)
    people(office, locale)
    for route in (ROUTE, ANYTHING, NOBODY, IN_TIME):
        office.route(route)
    contracts: dict[str, Contract] = {}
    links: dict[str, str] = {}

    def hand_in(name: str, title: str, **words: object) -> Contract:
        facts = {"amount": "84600.00", "currency": "EUR", "counterparty": "Nordwerk Maschinen GmbH", **words}
        contracts[name] = office.contract("dan", title=title, pdf=sample(), **facts)  # type: ignore[arg-type]  # words
        office.deliver()
        return contracts[name]

    def newest(email: str) -> str:
        office.deliver()
        return link_in(office.mails.to(email)[-1])

    today = office.now.date()
    term = {
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=80)).isoformat(),
        "notice_days": "60",
        "signers": ["doyun", "sarka@nordwerk.example"],
        "note": "The old lease ends on 31 December. Same maker, eight trucks instead of six.",
    }
    force = hand_in("in force", "Forklift fleet lease 2026–2029", **term)
    for name in ("mia", "ann", "bo", "sol", "pia"):
        office.decide(name, contract=force, comment="Liability cap is fine." if name == "ann" else "")
        office.deliver()
    links["approved"] = link_in(office.mails.to("ann@")[-1])
    office.carry_on(force)
    links["signed"] = newest("doyun@")
    office.sign("doyun", signed_as="박도윤 Doyun Park", contract=force)
    office.carry_on(force)
    office.deliver()
    office.sign("sarka@nordwerk.example", signed_as="Šárka Černá", contract=force)
    office.carry_on(force)
    office.deliver()
    links["sealed"] = newest("sarka@nordwerk.example")

    asked = hand_in("legal", "Forklift fleet lease, second site", **term)
    office.decide("mia", contract=asked)
    office.decide("ann", contract=asked)
    office.deliver()
    office.decide(
        "bo", "send_back", contract=asked, comment="Sixty days’ notice is too short for us. Please ask for ninety."
    )
    office.replace(
        asked,
        sample("sample-contract-2.pdf"),
        file_name="lease, version 2.pdf",
        note="Eight trucks, notice 90 days as Legal asked.",
    )
    office.deliver()
    office.decide("mia", contract=asked)
    links["changed"] = newest("ann@")
    links["asked"] = newest("cy@")

    signing = hand_in(
        "signing", "Warehouse cleaning 2027", kind="service", **{**term, "amount": "38400000", "currency": "KRW"}
    )
    office.decide("mia", contract=signing)
    office.carry_on(signing)
    links["sign"] = newest("doyun@")

    back = hand_in("returned", "Customs broker framework, Busan", signers=["doyun"])
    office.decide("mia", contract=back)
    office.deliver()
    office.decide("cy", "send_back", contract=back, comment="Whose insurance covers the transport?")
    rejected = hand_in("rejected", "Printer lease, second floor", counterparty="")
    office.decide("mia", "reject", contract=rejected)
    hand_in(
        "blocked",
        "Confidentiality agreement, Baltic Freight OÜ",
        kind="nda",
        route="nobody-there",
        amount="",
        currency="",
    )
    withdrawn = hand_in("withdrawn", "Pallet pooling", kind="service")
    links["withdrawn"] = newest("mia@")
    with office.transaction() as session:
        withdraw(
            session, withdrawn.id, comment="No longer needed.", by=office.actor("dan"), now=office.now, visible=True
        )
    office.deliver()
    office.now -= timedelta(days=10)
    hand_in("late", "Office plants", kind="service", route="in-time", currency="KRW", amount="900000")
    links["late"] = newest("mia@")
    office.now += timedelta(days=10)
    keep_deadlines(office.runtime, now=office.now)
    office.deliver()
    hand_in("manager", "Security guards, <b>Incheon</b> & Co.", kind="service", currency="KRW", amount="120000000")
    office.deliver()
    billed = invoices(office)
    links["invoice"] = newest("mia@")
    deal_with(office.runtime, MAIL, office.actor("root", via="mail"), now=office.now)
    with office.reading() as reading:
        links["mail"] = f"/incoming/{reading.exec(select(IncomingMail.id)).one()}"
    links["answer"] = answer(office, billed["wrong"])
    links |= sendings(office, contracts["in force"], billed["paid"])
    links |= exports(office, "dan", locale)
    return Busy(office, contracts, billed, links)


def in_part(session: Work, office: Office, invoice_id: UUID, by: Actor) -> None:
    """One payment that stands, and one that was taken back."""
    for amount, reference in (("40.00", "SEPA-2026-0017"), ("7.00", "<b>SEPA</b>")):
        day, some = office.now.date(), Decimal(amount)
        pay(session, invoice_id, paid_on=day, amount=some, reference=reference, by=by, now=office.now, visible=True)
        session.flush()
    mistaken = next(each.id for each in payments_of(session, invoice_id) if each.amount == Decimal("7.00"))
    reverse(session, invoice_id, mistaken, reason="It was of another invoice.", by=by, now=office.now, visible=True)


def sendings(office: Office, *papers: Paper) -> dict[str, str]:
    """In every state that what was sent for reading can be in; the links that lead somewhere, and nowhere."""
    links = {}
    for paper in papers:
        for state, email in (
            ("sent", "sora@partner.example"),
            ("revoked", "ann@haneul.example"),
            ("read", "a@b.example"),
        ):
            to, now = Addressed(email, note="Does this match your records?", days=14), office.now
            with office.transaction() as session:
                by = office.actor("dan")
                made = send(session, paper, to, by=by, now=now, outside=True, most_attached=10_000_000)
            links[state] = link_in(office.deliver()[-1])
            with office.transaction() as session:
                if state == "read":
                    open_sent(session, links[state].removeprefix("/s/"), now=now)
                if state == "revoked":
                    revoke(session, paper, made.id, by=by, now=now)
    return links


def answer(office: Office, made: Invoice) -> str:
    """Where a corrected file beside an invoice is taken as its next version."""
    file = take_in_file(sound_ubl(number="2026-0002"), file_name="corrected.xml", blobs=office.runtime.blobs)
    with office.transaction() as session:
        said, by = checked("Corrected by the supplier.", has_file=True), office.actor("dan")
        entry = say(session, subject_of(made), said, by=by, now=office.now, file=file)
        return f"/invoices/{made.id}/attachments/{entry.attachments[0].id}/version"


def invoices(office: Office) -> dict[str, Invoice]:
    """The one to approve comes last, so that the newest mail asks for it."""
    office.route(INVOICE)
    files: dict[str, tuple[str, bytes]] = {
        "paid": ("paid.xml", sound_ubl(number="2026-0001", order="PO-7")),
        "released": ("released.xml", sound_ubl(number="2026-0005")),
        "posted": ("posted.xml", sound_ubl(number="2026-0006")),
        "approved": ("approved.xml", sound_ubl(number="2026-0007")),
        "wrong": ("wrong.xml", sound_ubl(number="2026-0002", said_tax="18.00")),
        "plain": ("scan.pdf", sample()),
        "asked": ("asked.xml", sound_ubl(number="2026-0003")),
    }
    made = {name: invoice(office, file, data) for name, (file, data) in files.items()}
    paid, dan = made["paid"].id, office.actor("dan")
    office.decide("mia", contract=made["paid"])
    for name in ("released", "posted", "approved"):
        office.decide("mia", contract=made[name])
    with office.transaction() as session:
        for name in ("paid", "posted"):
            release(session, made[name].id, by=dan, now=office.now, visible=True)
        make_run(session, by=office.actor("root"), now=office.now)
        release(session, made["released"].id, by=dan, now=office.now, visible=True)
        note_posted(session, made["released"].id, "It did not answer in time.", now=office.now)
        pay(session, paid, paid_on=office.now.date(), amount=None, by=dan, now=office.now, visible=True)
        in_part(session, office, made["posted"].id, dan)
    return made


def invoice(office: Office, name: str, data: bytes) -> Invoice:
    runtime = office.runtime
    taken = take_in(data, file_name=name, blobs=runtime.blobs, limits=runtime.intake_limits)
    by = office.actor("dan")
    with office.transaction() as session:
        made = receive(session, taken.document, taken.invoice, taken.findings, by=by, now=office.now)
    with office.transaction() as session:
        return send_on(session, made.id, now=office.now, link_days=14)


def people(office: Office, locale: str) -> dict[str, Person]:
    office.person("mia", password=PASSWORD, locale=locale)
    office.person("dan", manager="mia", password=PASSWORD, locale=locale)
    office.person("doyun", password=PASSWORD, locale=locale)
    for name in ("ann", "bo", "cy"):
        office.person(name, groups=["legal"], password=PASSWORD, locale=locale)
    office.person("sol", groups=["security"], locale=locale)
    office.person("pia", groups=["privacy"], locale=locale)
    office.person("root", roles=["administrator"], password=PASSWORD, locale=locale)
    office.person("new", password=PASSWORD, locale=locale)
    office.person("gone", groups=["legal"], password=PASSWORD, locale=locale)
    tokens(office)
    for ago, won in ((8, "1571.3"), (1, "1580")):
        units, root = {"KRW": won, "USD": "1.0842", "JPY": "163.05"}, office.actor("root")
        with office.transaction() as session:
            keep_rates(session, office.now.date() - timedelta(days=ago), "EUR", units, by=root, now=office.now)
    with office.transaction() as session:
        see_off(session, office.people["gone"].id, by=office.actor("root"), now=office.now)
    return office.people


def tokens(office: Office) -> None:
    """In every state that a token can be in."""
    for name in ("dan", "ann", "gone"):
        for what, ago, days in (("night job", 1, None), ("once", 40, 30), ("scanner", 2, 90)):
            at = office.now - timedelta(days=ago)
            with office.transaction() as session:
                person = session.get_one(Person, office.people[name].id)
                make_token(session, person, name=what, scopes=list(Scope), now=at, days=days)
    for name in ("dan", "ann"):
        with office.transaction() as session:
            made = {each.name: each.id for each in tokens_of(session, office.people[name].id)}
            note_use(session, made["night job"], now=office.now)
            withdraw_token(session, made["scanner"], by=office.actor(name), now=office.now)
