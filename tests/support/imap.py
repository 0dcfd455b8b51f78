"""Dovecot, with a mailbox of a test's own: on loopback, on a free port, stopped by its process id."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.support import parts
from tests.support.servers import free_port, listens, running

PASSWORD = "s3cret@/?#%"
CONFIGURATION = """\
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
ssl = {ssl}
{certificates}
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:{home}/mail/%u
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {secure}
    ssl = {tls}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class ImapServer:
    port: int
    scheme: str
    options: str

    def url(self, folder: str = "INBOX") -> str:
        return f"{self.scheme}://bills:{quote(PASSWORD, safe='')}@localhost:{self.port}/{quote(folder)}{self.options}"

    def put(self, message: bytes, folder: str = "INBOX") -> None:
        with self._opened() as connection:
            assert connection.append(folder, "", "", message)[0] == "OK"

    def create(self, folder: str) -> None:
        with self._opened() as connection:
            assert connection.create(folder)[0] == "OK"

    def inside(self, folder: str) -> list[bytes]:
        """The messages that lie in a folder; none where there is no such folder."""
        with self._opened() as connection:
            if connection.select(f'"{folder}"', readonly=True)[0] != "OK":
                return []
            found = connection.search(None, "ALL")[1][0].split()
            fetched = [connection.fetch(each.decode(), "(BODY.PEEK[])")[1][0] for each in found]
            return [each[1] for each in fetched if isinstance(each, tuple)]

    def unread(self, folder: str = "INBOX") -> int:
        with self._opened() as connection:
            connection.select(f'"{folder}"', readonly=True)
            return len(connection.search(None, "UNSEEN")[1][0].split())

    @contextmanager
    def _opened(self) -> Iterator[imaplib.IMAP4]:
        connection = self._connected()
        connection.login("bills", PASSWORD)
        try:
            yield connection
        finally:
            connection.logout()

    def _connected(self) -> imaplib.IMAP4:
        """Over TLS where there is no other way; whose certificate it is, does not matter to a test."""
        if self.scheme != "imaps":
            return imaplib.IMAP4("127.0.0.1", self.port, timeout=60)
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        return imaplib.IMAP4_SSL("127.0.0.1", self.port, ssl_context=anybody, timeout=60)


@contextmanager
def dovecot(
    *, certificate: Path | None = None, key: Path | None = None, ca: Path | None = None
) -> Iterator[ImapServer]:
    """With ``certificate``, ``key`` and ``ca`` it speaks TLS alone; else none of it."""
    program = parts.require("dovecot")
    # its parts run as somebody else where this is root, and pytest's own folders are closed to others
    home = Path(tempfile.mkdtemp(prefix="signoff-dovecot-"))
    home.chmod(0o755)
    account = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    for name in ("mail", "home", "run", "state"):
        (home / name).mkdir()
        os.chown(home / name, account.pw_uid, account.pw_gid)
    (home / "users").write_text(f"bills:{{PLAIN}}{PASSWORD}\n")
    plain, secure = (0, free_port()) if certificate else (free_port(), 0)
    group = grp.getgrgid(account.pw_gid).gr_name
    (home / "dovecot.conf").write_text(
        CONFIGURATION.format(
            home=home,
            ssl="required" if certificate else "no",
            tls="yes" if certificate else "no",
            certificates=f"ssl_cert = <{certificate}\nssl_key = <{key}" if certificate else "",
            user=account.pw_name,
            group=group,
            uid=account.pw_uid,
            gid=account.pw_gid,
            plain=plain,
            secure=secure,
        )
    )
    port = plain or secure
    try:
        with running([program, "-F", "-c", home / "dovecot.conf"], ready=lambda: listens(port), log=home / "log"):
            options = f"?ca={quote(str(ca))}" if ca else "?starttls=never"
            yield ImapServer(port, "imaps" if certificate else "imap", options)
    finally:
        shutil.rmtree(home, ignore_errors=True)
