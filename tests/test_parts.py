"""The servers that other tests rely on do what those tests assume."""

from __future__ import annotations

import io
import smtplib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx
import psycopg
import pytest
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention
from sqlalchemy.engine import URL

from tests.support import servers


def test_a_copied_postgresql_database_is_of_its_own(postgresql_server: URL) -> None:
    first = servers.create_database(postgresql_server, "signoff_test_first")
    with servers.connect(first) as connection:
        connection.execute("create table fact (name text)")
    second = servers.create_database(postgresql_server, "signoff_test_second", like="signoff_test_first")
    servers.drop_database(postgresql_server, "signoff_test_first")
    with servers.connect(second) as connection:
        assert connection.execute("select count(*) from fact").fetchone() == (0,)
    servers.drop_database(postgresql_server, "signoff_test_second")
    with pytest.raises(psycopg.OperationalError):
        servers.connect(second)


def test_the_s3_server_keeps_versions_and_holds_locked_ones(s3_server: servers.S3Server) -> None:
    client = Minio(s3_server.endpoint, access_key=s3_server.access_key, secret_key=s3_server.secret_key, secure=False)
    client.make_bucket("locked", object_lock=True)
    until = datetime.now(UTC) + timedelta(hours=1)
    first = client.put_object("locked", "a", io.BytesIO(b"one"), 3, retention=Retention(COMPLIANCE, until))
    second = client.put_object("locked", "a", io.BytesIO(b"two"), 3)
    assert client.get_object("locked", "a").read() == b"two"
    assert client.get_object("locked", "a", version_id=first.version_id).read() == b"one"
    client.remove_object("locked", "a", version_id=second.version_id)
    with pytest.raises(S3Error):
        client.remove_object("locked", "a", version_id=first.version_id)


def test_the_mail_server_receives_and_shows_what_it_got(mailpit: servers.MailServer) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "parts@example.com", "안녕하세요"
    message.set_content("hello")
    with smtplib.SMTP("127.0.0.1", mailpit.smtp_port) as client:
        client.send_message(message)
    found = httpx.get(f"{mailpit.api}/search", params={"query": "to:parts@example.com"}).json()
    assert [each["Subject"] for each in found["messages"]] == ["안녕하세요"]


def test_a_mail_server_refuses_when_told_to(start_mailpit: Callable[..., servers.MailServer]) -> None:
    server = start_mailpit()
    httpx.put(f"{server.api}/chaos", json={"Recipient": {"ErrorCode": 451, "Probability": 100}}).raise_for_status()
    with (
        smtplib.SMTP("127.0.0.1", server.smtp_port) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        client.sendmail("a@example.com", ["b@example.com"], "hello")
    assert refused.value.recipients["b@example.com"][0] == 451
