"""One-time codes typed wrongly, late, again or at once: what still opens a link, and when nothing does."""

from __future__ import annotations

import threading

from sqlmodel import col, select

from tests.approvals.codes import World, decisions, history, kept, opened, wrong
from tests.support.html import faults, read
from tests.support.office import link_in, text_of
from workflows.approvals import codes
from workflows.approvals.handing_over import send_link_again
from workflows.approvals.model import Link, Round, Task
from workflows.errors import Refused


def test_five_wrong_codes_lock_the_link_and_its_sender_is_told(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    for left in (4, 3, 2, 1):
        answer = device.post(f"{link}/pass", code=wrong(code))
        assert answer.status_code == 422
        assert f"{left} more tr" in read(answer.text).one("main").text
        assert not faults(answer.text)
    last = device.post(f"{link}/pass", code=wrong(code))
    assert last.status_code == 410
    assert not faults(last.text)
    assert read(last.text).one("h1").text == "This link is locked"
    [told] = world.office.deliver()
    assert "dan@haneul.example" in str(told["To"])
    assert "Mia <mia@haneul.example>" in text_of(told)
    assert [each.data["to"] for each in history(world.office, "link_locked")] == ["Mia"]
    assert device.post(f"{link}/pass", code=code).status_code == 410, "not even the right one"
    assert device.post(f"{link}/codes").status_code == 410
    assert device.get(link).status_code == 410
    assert device.decide(link, world.office).status_code == 410
    assert world.device(page=False).get(link).json()["code"] == "link-locked"
    assert world.office.deliver() == []
    assert decisions(world.office) == []


def test_a_new_link_opens_after_the_old_one_was_locked(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    for _ in range(5):
        device.post(f"{link}/pass", code=wrong(code))
    with world.office.transaction() as session:
        [task] = session.exec(select(Task))
        send_link_again(session, task.id, by=world.office.actor("dan"), now=world.office.now)
    world.office.deliver()
    again = link_in(world.office.mails.to("mia@")[-1])
    assert again != link
    assert opened(world, again).decide(again, world.office).status_code == 303
    assert world.device().get(link).status_code == 200, "the old one tells what became of the task"


def test_a_new_code_brings_no_new_tries(world: World) -> None:
    link = world.asked()
    device = world.device()
    for tries in (4, 1):
        device.post(f"{link}/codes")
        code = world.code()
        answers = [device.post(f"{link}/pass", code=wrong(code)).status_code for _ in range(tries)]
    assert answers == [410]


def test_what_is_no_code_at_all_counts_as_no_try(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    for typed in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦٧", "½", code + "0"):
        assert device.post(f"{link}/pass", code=typed).status_code == 422
    assert kept(world.office).tries == 0
    assert device.post(f"{link}/pass", code=code.translate({48 + n: 0xFF10 + n for n in range(10)})).status_code == 303


def test_a_code_runs_out_after_ten_minutes(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    code = world.code()
    world.later(minutes=10)
    answer = device.post(f"{link}/pass", code=code)
    assert answer.status_code == 422
    assert read(answer.text).one("form").attributes["action"] == f"{link}/codes"
    assert kept(world.office).tries == 0
    assert not device.has_document(link)


def test_a_code_works_once(world: World) -> None:
    link = world.asked()
    first = opened(world, link)
    assert world.device().post(f"{link}/pass", code=world.code()).status_code == 422
    assert first.has_document(link)


def test_the_newest_code_alone_is_good(world: World) -> None:
    link = world.asked()
    device = world.device()
    device.post(f"{link}/codes")
    older = world.code()
    device.post(f"{link}/codes")
    newer = world.code()
    if older != newer:
        assert device.post(f"{link}/pass", code=older).status_code == 422
    assert device.post(f"{link}/pass", code=newer).status_code == 303


def test_codes_are_sent_five_times_an_hour_at_most(world: World) -> None:
    link = world.asked()
    device, program = world.device(), world.device(page=False)
    assert [device.post(f"{link}/codes").status_code for _ in range(5)] == [303] * 5
    page = device.post(f"{link}/codes")
    assert page.status_code == 429
    assert not faults(page.text)
    refused = program.post(f"{link}/codes")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3601
    assert len(world.office.deliver()) == 5
    world.later(hours=1)
    assert device.post(f"{link}/codes").status_code == 303


def at_once(world: World, typed: list[str]) -> list[object]:
    """What codes entered at the same instant, each in its own transaction, come to."""
    with world.office.reading() as session:
        found = select(Link, Task, Round).join(Task, col(Link.task_id) == Task.id)
        link, task, round = session.exec(found.join(Round, col(Task.round_id) == Round.id)).one()
    together = threading.Barrier(len(typed))
    came_to: list[object] = []

    def enter(code: str) -> None:
        together.wait()
        try:
            with world.office.transaction() as session:
                came_to.append(
                    codes.enter_code(
                        session,
                        session.get_one(Link, link.id),
                        session.get_one(Task, task.id),
                        session.get_one(Round, round.id),
                        code,
                        key=codes.key_of(world.office.runtime.settings.secret.get_secret_value()),
                        now=world.clock[0],
                    )
                )
        except Refused as refused:
            came_to.append(type(refused))

    threads = [threading.Thread(target=enter, args=(code,)) for code in typed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came_to


def test_two_tries_at_once_count_twice(world: World) -> None:
    link = world.asked()
    world.device().post(f"{link}/codes")
    code = world.code()
    assert set(at_once(world, [wrong(code)] * 3)) == {4, 3, 2}
    assert sorted(map(str, at_once(world, [wrong(code)] * 4))) == sorted(
        map(str, [1, 0, codes.LinkLocked, codes.LinkLocked])
    )
    world.office.deliver()
    assert len(world.office.mails.to("dan@")) == 1, "the sender is told once"


def test_a_code_entered_twice_at_once_opens_one_browser(world: World) -> None:
    link = world.asked()
    world.device().post(f"{link}/codes")
    came_to = at_once(world, [world.code()] * 3)
    assert came_to.count(None) == 1
    assert came_to.count(Refused) == 2


def test_two_codes_asked_for_at_once_are_both_counted(world: World) -> None:
    link = world.asked()
    devices = [world.device(page=False) for _ in range(3)]
    threads = [threading.Thread(target=each.post, args=(f"{link}/codes",)) for each in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(world.office).sent == 3
