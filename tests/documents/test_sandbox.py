"""Hostile files die alone: in their own process, within its limits, leaving the caller as it was."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import PIL.Image
import pytest

from documents import intake, sandbox
from documents.images import page_image
from documents.intake import IntakeLimits, IntakeRefused, accept
from tests.support import pdfs

ROOT = Path(__file__).parents[2]
SMALL = IntakeLimits(memory_bytes=600_000_000, seconds=4)

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and at a limit that only Linux keeps")


def family(pid: int | None = None) -> dict[int, str]:
    """The processes below this one, at any depth, with their states."""
    processes: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            processes[int(entry.name)] = (int(parent), state)
    found: dict[int, str] = {}
    waiting = [pid or os.getpid()]
    while waiting:
        above = waiting.pop()
        below = {each: state for each, (parent, state) in processes.items() if parent == above}
        found |= below
        waiting += below
    return found


def server_pid() -> int:
    sandbox.start()
    process = sandbox._server._process
    assert process is not None
    return process.pid


def gone(pid: int) -> bool:
    return pid not in family()


def until(true: Callable[[], bool], seconds: float = 60) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if true():
            return True
        time.sleep(0.02)
    return False


def server_at_work(program: subprocess.Popen[str]) -> int:
    """The server of a program that has said its number, once the next job has its own process there."""
    assert program.stdout is not None
    assert program.stdin is not None
    server = int(program.stdout.readline())
    assert until(lambda: not family(server)), "the job before has ended"
    program.stdin.write("go on\n")
    program.stdin.flush()
    assert until(lambda: len(family(server)) == 1)
    return server


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    "make",
    [
        pdfs.decompression_bomb,
        pdfs.object_stream_bomb,
        pdfs.forms_in_forms,
        pdfs.deep_page_tree,
        pdfs.deep_direct_objects,
    ],
)
def test_a_bomb_dies_alone_and_the_person_reads_why(make: Callable[[], bytes]) -> None:
    data = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(IntakeRefused) as asked:
        accept(data, limits=SMALL)

    assert asked.value.code in {"too_costly", "damaged"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # kilobytes on Linux
    assert accept(pdfs.plain_pdf()).pages == 1


def test_an_image_of_704_megapixels_is_tried_before_it_is_accepted() -> None:
    """What intake lets in can be shown within the same limits; what cannot is refused then, not when people look."""
    accepted = accept(pdfs.huge_image())

    picture = PIL.Image.open(io.BytesIO(page_image(accepted.normalised, 1, width_px=595))).convert("RGB")
    assert picture.getpixel((300, 842 - 300)) != (255, 255, 255)


def test_an_image_that_readers_would_leave_out_is_refused() -> None:
    with pytest.raises(IntakeRefused) as asked:
        accept(pdfs.huge_image(60_000))

    assert asked.value.code == "too_costly"
    assert str(asked.value) == ("The document holds an image of 3600 megapixels, which is too large to be shown.")


def test_an_image_that_takes_too_long_is_refused() -> None:
    with pytest.raises(IntakeRefused) as asked:
        accept(pdfs.huge_image(shown=20), limits=IntakeLimits(seconds=2))

    assert asked.value.code == "too_costly"


@linux
def test_memory_is_limited_for_each_file() -> None:
    with pytest.raises(IntakeRefused) as asked:
        accept(pdfs.many_objects(), limits=IntakeLimits(memory_bytes=200_000_000))

    assert asked.value.code == "too_costly"
    assert str(asked.value) in {
        "Reading the file takes more than 200 MB of memory.",
        "The file is damaged, or made so that reading it costs too much.",
    }


def test_processor_time_is_limited_and_the_limit_is_said() -> None:
    with pytest.raises(IntakeRefused) as asked:
        accept(pdfs.forms_in_forms(), limits=IntakeLimits(memory_bytes=8_000_000_000, seconds=1))

    assert (asked.value.code, str(asked.value)) == ("too_costly", "Reading the file takes longer than 1 seconds.")


@linux
def test_a_child_that_does_nothing_at_all_is_ended_by_the_clock() -> None:
    """Stopped, it uses no processor time and hears no alarm."""
    accept(pdfs.plain_pdf())
    server = server_pid()
    assert until(lambda: not family(server))
    answers: list[str] = []

    def work() -> None:
        with pytest.raises(sandbox.Died) as died:
            sandbox.run(
                "documents.reading:take_in",
                pdfs.forms_in_forms(),
                {"password": None, "most_pages": 10, "most_bytes": 10**6},
                places=sandbox.Places(1),
                memory_bytes=8_000_000_000,
                seconds=1,
                answer_bytes=10**6,
            )
        answers.append(died.value.reason)

    saved, sandbox.START_SECONDS = sandbox.START_SECONDS, 1
    try:
        thread = threading.Thread(target=work)
        thread.start()
        assert until(lambda: bool(family(server)))
        (child,) = family(server)
        os.kill(child, signal.SIGSTOP)
        thread.join(60)
        assert answers == ["time"]
        assert until(lambda: not alive(child))
    finally:
        sandbox.START_SECONDS = saved


@linux
def test_no_zombie_and_no_child_is_left() -> None:
    for make in (pdfs.plain_pdf, pdfs.portfolio, pdfs.deep_direct_objects, pdfs.object_stream_bomb):
        try:
            accept(make(), limits=SMALL)
        except IntakeRefused:
            continue

    server = server_pid()
    assert until(lambda: family(server) == {}), family(server)
    assert "Z" not in family().values()


@linux
def test_a_job_is_ended_when_nobody_waits_for_it_any_more() -> None:
    program = textwrap.dedent(
        """
        import signal
        import sys
        from documents import intake, sandbox
        from tests.support import pdfs

        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
        intake.accept(pdfs.plain_pdf())
        print(sandbox._server._process.pid, flush=True)
        sys.stdin.readline()
        try:
            intake.accept(pdfs.forms_in_forms(), limits=intake.IntakeLimits(memory_bytes=8_000_000_000, seconds=30))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            intake.accept(pdfs.plain_pdf())
            print("works", flush=True)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        server = server_at_work(process)
        (child,) = family(server)

        os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C in a terminal does: everybody gets it

        assert process.stdout.readline() == "interrupted\n"
        assert until(lambda: not alive(child))
        assert process.stdout.readline() == "works\n"
        assert process.wait(60) == 0
    assert until(lambda: not alive(server))


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_process_is_killed_in_the_middle(how: signal.Signals) -> None:
    program = textwrap.dedent(
        """
        import sys
        from documents import intake, sandbox
        from tests.support import pdfs

        intake.accept(pdfs.plain_pdf())
        print(sandbox._server._process.pid, flush=True)
        sys.stdin.readline()
        intake.accept(pdfs.forms_in_forms(), limits=intake.IntakeLimits(memory_bytes=8_000_000_000, seconds=60))
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = server_at_work(process)
        (child,) = family(server)
        process.send_signal(how)
        process.wait(60)

    assert until(lambda: not alive(server) and not alive(child))


@linux
def test_a_server_that_was_killed_is_started_again_and_the_job_done() -> None:
    accept(pdfs.plain_pdf())
    os.kill(server_pid(), signal.SIGKILL)

    assert accept(pdfs.plain_pdf()).pages == 1


@linux
def test_a_server_that_nobody_needs_ends_and_the_next_job_begins_another() -> None:
    server, places = sandbox.Server("json", idle_seconds=0.1), sandbox.Places(1)

    def job() -> sandbox.Answer:
        return sandbox.run(
            "tests.documents.test_sandbox:_nothing",
            b"",
            {},
            places=places,
            memory_bytes=500_000_000,
            seconds=20,
            answer_bytes=1000,
            by=server,
        )

    try:
        for _ in range(2):
            assert job().values == {"done": True}
            process = server._process
            assert process is not None
            assert until(partial(gone, process.pid)), "not even as a zombie"
    finally:
        server.stop()


def _nothing(_: bytes) -> tuple[dict[str, bool], list[bytes]]:
    return {"done": True}, []


@linux
def test_a_job_whose_server_is_killed_is_done_by_the_next_one() -> None:
    accept(pdfs.plain_pdf())
    server = server_pid()
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(accept, pdfs.many_objects())
        assert until(lambda: bool(family(server)))
        os.kill(server, signal.SIGKILL)

        assert result.result(60).pages == 1
    assert server_pid() != server


def test_twenty_threads_hand_in_at_once() -> None:
    made = [pdfs.plain_pdf(f"Contract {number}", pages=2) for number in range(20)]

    with ThreadPoolExecutor(20) as threads:
        texts = [accepted.page_texts[0] for accepted in threads.map(accept, made)]

    assert texts == [f"Contract {number}, page 1" for number in range(20)]


def test_a_thread_that_ends_does_not_take_the_server_with_it() -> None:
    sandbox.stop()
    thread = threading.Thread(target=accept, args=(pdfs.plain_pdf(),))
    thread.start()
    thread.join()
    server = server_pid()

    assert accept(pdfs.plain_pdf()).pages == 1
    assert server_pid() == server


def test_who_waits_too_long_for_a_place_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    places = sandbox.Places(1)
    monkeypatch.setattr(intake, "_places", places)

    with places.one(0), pytest.raises(IntakeRefused) as asked:
        accept(pdfs.plain_pdf(), limits=IntakeLimits(seconds=0))

    assert asked.value.code == "busy"
    assert accept(pdfs.plain_pdf()).pages == 1


def test_when_no_process_can_be_started_the_file_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.stop()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(IntakeRefused) as asked:
        accept(pdfs.plain_pdf())
    monkeypatch.undo()

    assert asked.value.code == "busy"
    assert accept(pdfs.plain_pdf()).pages == 1


def test_an_answer_that_is_larger_than_can_be_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ANSWER_BYTES", 0)

    with pytest.raises(IntakeRefused) as asked:
        accept(pdfs.plain_pdf(pages=30), limits=IntakeLimits(file_bytes=len(pdfs.plain_pdf(pages=30)) // 2 + 1))

    assert asked.value.code == "too_large"


@linux
def test_a_child_sees_no_secret_and_holds_no_file_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_SECRET", "not for a hostile file")
    sandbox.stop()
    with (tmp_path / "open").open("w"), ThreadPoolExecutor(1) as threads:
        accept(pdfs.plain_pdf())
        server = server_pid()
        assert until(lambda: not family(server))
        result = threads.submit(accept, pdfs.forms_in_forms(), limits=SMALL)
        assert until(lambda: bool(family(server)))
        (child,) = family(server)
        memory = f"Max address space         {SMALL.memory_bytes}"
        assert until(lambda: memory in Path(f"/proc/{child}/limits").read_text())
        environment = Path(f"/proc/{child}/environ").read_bytes()
        files = {str(each.readlink()) for each in Path(f"/proc/{child}/fd").iterdir()}
        limits = Path(f"/proc/{child}/limits").read_text()
        assert isinstance(result.exception(60), IntakeRefused)

    assert b"hostile" not in environment
    assert {each.partition(":")[0] for each in files} == {"/dev/null", "socket"}
    assert sum(each.startswith("socket") for each in files) == 1
    assert "Max file size             0 " in limits


def test_a_warm_server_takes_file_after_file() -> None:
    """Starting one costs half a second of importing; a job by a warm one, some hundredths."""
    accept(pdfs.plain_pdf())
    server = server_pid()

    for number in range(5):
        assert accept(pdfs.plain_pdf(pages=number + 1)).pages == number + 1
        assert server_pid() == server


def test_whoever_has_waited_longest_gets_the_next_place() -> None:
    places = sandbox.Places(1)
    order: list[str] = []
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        with places.one(60):
            order.append("the one who waited")

    with places.one(0):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waiting.wait(60)
        assert until(lambda: len(places._waiting) == 1)
    with places.one(60):
        order.append("the one who came again")
    thread.join(60)
    assert order == ["the one who waited", "the one who came again"]


def test_a_place_that_nobody_waits_for_any_more_is_not_lost() -> None:
    places = sandbox.Places(1)
    with places.one(0), pytest.raises(sandbox.Busy), places.one(0.01):
        pass
    with places.one(0):
        pass


def test_no_more_jobs_run_at_once_than_there_are_places() -> None:
    places = sandbox.Places(2)
    inside: list[int] = []
    most: list[int] = []
    both = threading.Barrier(2)

    def work(number: int) -> None:
        with places.one(60):
            inside.append(number)
            both.wait(60)  # for another, so that there are two at once
            most.append(len(inside))
            both.wait(60)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert most == [2] * 200


@pytest.mark.parametrize(
    ("work", "survived"),
    [
        ("lambda: None", True),
        ("lambda: 1 / 0", False),
        ("lambda: [bytearray(10_000_000) for _ in range(50)]", False),
        ("lambda: sum(iter(int, 1))", False),
    ],
    ids=["nothing", "an exception", "memory", "without end"],
)
def test_what_a_server_may_do_itself_is_tried_in_a_child(work: str, survived: bool) -> None:
    code = (
        f"from documents.sandbox_process import survives\nprint(survives({work}, memory_bytes=200_000_000, seconds=1))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == f"{survived}\n"
