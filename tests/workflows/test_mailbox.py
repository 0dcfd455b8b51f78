"""The embedded mailbox: what it has accepted is there, for every process, as it was written."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.servers import free_port
from workflows.errors import NotFound
from workflows.mailbox import Mailbox, messages, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    number = free_port()
    mailbox = Mailbox(folder, number)
    mailbox.start()
    yield number
    mailbox.stop()


def letter(subject: str = "Hello", *, to: str = "jiwoo.han@haneul.example", text: str = "Good day.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Minjun Kim <minjun.kim@haneul.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{subject.encode().hex()}@haneul.example>"
    message.set_content(text)
    return message


def deliver(port: int, *letters: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        for each in letters:
            client.send_message(each)


def test_a_delivered_mail_can_be_read(folder: Path, port: int) -> None:
    before = datetime.now(UTC)
    message = letter(
        "견적서 요청", text="안녕하세요.\n\nSee https://sign.example/t/abc-1_2. Or http://other.example/?a=b&c=d\n"
    )
    message.add_alternative("<p>안녕하세요.</p>\n", subtype="html")
    deliver(port, message)

    [found] = messages(folder)

    assert found.subject == "견적서 요청"
    assert found.sender == "Minjun Kim <minjun.kim@haneul.example>"
    assert found.to == ("jiwoo.han@haneul.example",)
    assert found.message_id == message["Message-ID"]
    assert found.text.startswith("안녕하세요.\n\nSee")
    assert found.html == "<p>안녕하세요.</p>\n"
    assert found.links == ("https://sign.example/t/abc-1_2", "http://other.example/?a=b&c=d")
    assert before - timedelta(milliseconds=1) <= found.date <= datetime.now(UTC)
    assert read(folder, found.id) == found


def test_the_newest_comes_first(folder: Path, port: int) -> None:
    deliver(port, *(letter(f"Number {each}") for each in range(5)))
    assert [each.subject for each in messages(folder, limit=3)] == ["Number 4", "Number 3", "Number 2"]


def test_mails_can_be_looked_up_by_whom_they_were_delivered_to(folder: Path, port: int) -> None:
    deliver(port, letter("First", to="a@x.example, Bo <b@x.example>"), letter("Second", to="c@x.example"))
    assert [each.subject for each in messages(folder, to="B@X.example")] == ["First"]
    assert [each.subject for each in messages(folder, to="c@x.example")] == ["Second"]
    assert messages(folder, to="x.example") == []


def test_nobody_writes_into_anothers_mailbox_by_a_header(folder: Path, port: int) -> None:
    message = letter("Mine", to="a@x.example")
    message["Delivered-To"] = "b@x.example"
    deliver(port, message)
    assert messages(folder, to="b@x.example") == []
    assert messages(folder)[0].recipients == ("a@x.example",)


def test_an_address_beyond_ascii_receives_mail(folder: Path, port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        client.send_message(letter(to="민준@하늘.example"))
    [found] = messages(folder, to="민준@하늘.example")
    assert found.to == ("민준@하늘.example",)


def test_what_was_accepted_is_whole_on_the_disk_before_the_answer(folder: Path, port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        for number in range(20):
            client.send_message(letter(f"Number {number}", text="x" * 70 + "\n" + "The end.\n"))
            kept = sorted(folder.glob("*.eml"))
            assert len(kept) == number + 1
            assert kept[-1].read_bytes().endswith(b"The end.\r\n")


def test_another_process_reads_what_this_one_serves(folder: Path, port: int) -> None:
    deliver(port, letter("Across"))
    script = (
        "import json, pathlib, sys; from workflows.mailbox import messages;"
        "print(json.dumps([each.as_data() for each in messages(pathlib.Path(sys.argv[1]))]))"
    )
    answer = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, check=True, text=True)
    [found] = json.loads(answer.stdout)
    assert found["subject"] == "Across"
    assert found["from"] == "Minjun Kim <minjun.kim@haneul.example>"
    assert found["to"] == ["jiwoo.han@haneul.example"]
    assert datetime.fromisoformat(found["date"]).tzinfo is UTC


def test_many_at_once_are_all_kept(folder: Path, port: int) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda each: deliver(port, *(letter(f"{each}-{n}") for n in range(5))), range(8)))
    assert {each.subject for each in messages(folder)} == {f"{each}-{n}" for each in range(8) for n in range(5)}


def test_a_mail_that_cannot_be_kept_is_not_accepted(folder: Path, port: int) -> None:
    folder.rmdir()
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.send_message(letter())
        assert refused.value.smtp_code == 452  # for now: whoever sent it tries again
        folder.mkdir()
        client.send_message(letter("Again"))
    assert [each.subject for each in messages(folder)] == ["Again"]


def test_an_unfinished_file_is_not_a_message(folder: Path, port: int) -> None:
    deliver(port, letter())
    [kept] = folder.glob("*.eml")
    (folder / f".{kept.stem}").write_bytes(b"Subject: half")
    (folder / "notes.txt").write_text("mine")
    (folder / "other.eml").write_text("Subject: not ours\n\n")
    assert [each.id for each in messages(folder)] == [kept.stem]


def test_a_message_that_somebody_tidied_up_is_gone(folder: Path, port: int) -> None:
    deliver(port, letter())
    [found] = messages(folder)
    (folder / f"{found.id}.eml").unlink()
    assert messages(folder) == []
    with pytest.raises(NotFound):
        read(folder, found.id)


@pytest.mark.parametrize("id", ["", "x", "../secret", "..", "00000000000000000000-00000000", "/etc/passwd"])
def test_what_is_no_message_cannot_be_read(folder: Path, port: int, id: str) -> None:
    (folder.parent / "secret.eml").write_text("Subject: secret\n\n")
    with pytest.raises(NotFound, match="There is no such message"):
        read(folder, id)


def test_a_mailbox_that_was_never_started_is_empty(tmp_path: Path) -> None:
    assert messages(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "content",
    [
        b"\r\n",
        b"Subject: =?utf-8?b?!!!?=\r\n\r\nText\r\n",
        b"Content-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        b"From: <<<>>>\r\nTo: @@\r\nSubject: \xff\r\n\r\n\xff\r\n",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nText\r\n",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%\r\n",
    ],
)
def test_a_strange_mail_hides_no_other(folder: Path, port: int, content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        client.sendmail("a@x.example", ["b@x.example"], content)
    deliver(port, letter("Ordinary"))
    found = messages(folder)
    assert len(found) == 2
    assert found[0].subject == "Ordinary"
    json.dumps(found[1].as_data(), ensure_ascii=False).encode()  # as an answer over HTTP


def test_a_started_mailbox_listens_on_this_machine_only(folder: Path, port: int) -> None:
    addresses = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        if (path := Path("/proc/net") / table).exists()
        for line in path.read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]
    if not addresses:
        pytest.skip("This system does not say what is listening.")
    assert addresses == [f"0100007F:{port:04X}"]


def test_a_taken_port_is_named(folder: Path, port: int) -> None:
    with pytest.raises(OSError, match=f"port {port} .*SIGNOFF_MAILBOX_PORT"):
        Mailbox(folder, port).start()


def test_a_mailbox_can_be_started_again_where_it_was(folder: Path) -> None:
    number = free_port()
    for round in range(3):
        mailbox = Mailbox(folder, number)
        mailbox.start()
        deliver(number, letter(f"Round {round}"))
        mailbox.stop()
    mailbox.stop()
    assert [each.subject for each in messages(folder)] == ["Round 2", "Round 1", "Round 0"]
