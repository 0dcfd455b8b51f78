"""Codes for new devices only, where the house wants that: which device is known, for whom and how long."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from api.pages import passes
from tests.approvals.codes import World, decisions, opened
from tests.support.office import link_in
from workflows.approvals.model import KnownDevice
from workflows.upkeep.operations import tidy


def test_each_new_device_asks_where_the_house_wants_it(cautious: World) -> None:
    """Also the very first one; not again on a device where a code was entered, whatever the link."""
    first = cautious.asked("500.00")
    device = cautious.device()
    assert not device.has_document(first)
    opened(cautious, first, device)
    assert device.decide(first, cautious.office).status_code == 303
    assert decisions(cautious.office) == [("Mia", "link_and_code")]
    second = cautious.asked("500.00")
    assert device.has_document(second)
    assert not cautious.device().has_document(second)


def test_a_device_is_known_for_the_person_who_entered_the_code(cautious: World) -> None:
    first = cautious.asked("500.00")
    device = opened(cautious, first)
    device.decide(first, cautious.office)
    cautious.office.deliver()
    anns = link_in(cautious.office.mails.to("ann@")[-1])
    assert not device.has_document(anns)
    opened(cautious, anns, device, to="ann@")
    assert device.has_document(anns)


def test_a_device_is_forgotten_after_180_days_without_use(cautious: World) -> None:
    device = opened(cautious, cautious.asked("500.00"))
    secret = device.web.cookies.get(passes.DEVICE_COOKIE)
    assert secret is not None
    assert secret.partition(".")[0] not in [each.device_sha256 for each in devices(cautious)]
    for days, known in ((179, True), (179, True), (180, False)):
        long_ago(cautious, days=days)
        link = cautious.asked("500.00")
        assert device.has_document(link) is known
        if known:
            assert device.decide(link, cautious.office).status_code == 303
    [found] = devices(cautious)
    assert found.last_seen - found.first_seen == timedelta(days=358)
    now = found.last_seen + timedelta(days=180)
    for before, left in ((timedelta(seconds=1), 1), (timedelta(), 0)):
        with cautious.office.transaction() as session:
            tidy(session, now=now - before)
        assert len(devices(cautious)) == left


def long_ago(world: World, *, days: int) -> None:
    """So many days later: what was, is as much longer ago."""
    with world.office.transaction() as session:
        for each in session.exec(select(KnownDevice)):
            each.first_seen -= timedelta(days=days)
            each.last_seen -= timedelta(days=days)


def devices(world: World) -> list[KnownDevice]:
    with world.office.reading() as session:
        return list(session.exec(select(KnownDevice)))
