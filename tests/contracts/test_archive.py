"""Sealed files get a new time stamp before the one they have ends. The clock is moved; on either database."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from documents.blobs import BlobRef, FolderBlobStore, reference
from signing.authority import Authority
from signing.pdf_signer import PdfSigner
from signing.report import Report
from signing.timestamps import check_token
from signing.verification import verify
from tests.support.office import QUICK_ROUTE, Office, authority
from workflows.audit import queries as audit
from workflows.audit.model import AuditEvent
from workflows.contracts.model import PROCESS, Contract, ContractState
from workflows.runtime import Runtime
from workflows.signatures import archive
from workflows.signatures.archive import keep_renewal
from workflows.signatures.model import Signing
from workflows.signatures.operations import signing_of
from workflows.upkeep.steps import keep_archives_valid

DAY = timedelta(days=1)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    office.route(QUICK_ROUTE)
    return office


def sealed(office: Office) -> Contract:
    contract = office.contract()
    office.decide("mia", contract=contract)
    office.carry_on(contract)
    return contract


def signing(office: Office, contract: Contract) -> Signing:
    with office.reading() as session:
        found = signing_of(session, office.round(contract).id)
        assert found is not None
        return found


def ends(office: Office, contract: Contract) -> datetime:
    until = signing(office, contract).archive_until
    assert until is not None
    return until


def years_later(office: Office, now: datetime) -> Runtime:
    """The same house, started again in another decade: its authority has a new certificate for time stamps."""
    keys = office.runtime.settings.home / f"keys-{now:%Y%m%d}"
    if not keys.exists():
        shutil.copytree(authority()._folder, keys)
    house = Authority.open(keys, passphrase="of tests only", organisation="Haneul Logistics", clock=lambda: now)
    return replace(office.runtime, authority=house, signer=PdfSigner(house))


def report(office: Office, contract: Contract, at: datetime) -> Report:
    """Of the file that is given out."""
    key = signing(office, contract).sealed_key
    assert key is not None
    return verify(office.runtime.blobs.get(key), [authority().trust_anchor_pem], at=at)


def told(office: Office, contract: Contract, action: str) -> list[AuditEvent]:
    with office.reading() as session:
        return [each for each in audit.history(session, PROCESS, contract.id) if each.action == action]


def test_how_long_a_sealed_file_lasts_is_kept_with_it(office: Office) -> None:
    contract = sealed(office)
    assert ends(office, contract) == report(office, contract, datetime.now(UTC)).archive_until


def test_a_sealed_file_is_stamped_again_in_its_last_year_and_holds_for_another_decade(office: Office) -> None:
    contract = sealed(office)
    first, before = signing(office, contract), ends(office, contract)
    now = before - 364 * DAY
    runtime = years_later(office, now)

    assert keep_archives_valid(runtime, now=now) == 1

    after = signing(office, contract)
    assert ends(office, contract) - before > 3650 * DAY - 365 * DAY
    assert after.sealed_sha256 != first.sealed_sha256
    assert report(office, contract, before + DAY).verdict == "sealed"
    assert report(office, contract, ends(office, contract) - DAY).verdict == "sealed"
    assert (after.sealed_at, after.state) == (first.sealed_at, first.state)
    assert after.sealed_token is not None
    assert after.sealed_sha256 is not None
    proven = check_token(after.sealed_token, bytes.fromhex(after.sealed_sha256), authority().trust_anchor_pem)
    assert abs(proven - now) < DAY

    assert first.sealed_key is not None
    assert after.sealed_key is not None
    kept = office.runtime.blobs.get(first.sealed_key)
    assert office.runtime.blobs.get(after.sealed_key).startswith(kept)
    (entry,) = told(office, contract, "stamped_again")
    assert (entry.data["before_sha256"], entry.data["sha256"]) == (first.sealed_sha256, after.sealed_sha256)


def test_nothing_is_stamped_again_while_the_end_is_far_away(office: Office) -> None:
    contract = sealed(office)
    now = ends(office, contract) - 366 * DAY
    before = signing(office, contract).sealed_sha256
    assert keep_archives_valid(years_later(office, now), now=now) == 0
    assert signing(office, contract).sealed_sha256 == before


def test_every_minute_is_as_once(office: Office) -> None:
    contract = sealed(office)
    now = ends(office, contract) - 300 * DAY
    runtime = years_later(office, now)
    assert [keep_archives_valid(runtime, now=now + n * timedelta(minutes=1)) for n in range(3)] == [1, 0, 0]
    assert keep_archives_valid(runtime, now=now + 2 * DAY) == 0
    assert len(told(office, contract, "stamped_again")) == 1


class CutOff(BaseException):
    """The process ends here."""


class StoreOfADyingProcess(FolderBlobStore):
    def put(self, data: bytes, *, folder: str, media_type: str, keep_until: datetime | None = None) -> BlobRef:
        super().put(data, folder=folder, media_type=media_type, keep_until=keep_until)
        raise CutOff


def test_a_crash_between_file_and_row_leaves_the_old_file_in_place_until_it_is_done_again(office: Office) -> None:
    contract = sealed(office)
    before, now = signing(office, contract), ends(office, contract) - 300 * DAY
    runtime = years_later(office, now)
    dying = replace(runtime, blobs=StoreOfADyingProcess(office.runtime.settings.home / "documents"))
    with pytest.raises(CutOff):
        keep_archives_valid(dying, now=now)
    assert signing(office, contract).sealed_sha256 == before.sealed_sha256
    assert report(office, contract, now).verdict == "sealed"

    assert keep_archives_valid(runtime, now=now + DAY) == 1
    assert report(office, contract, ends(office, contract) - DAY).verdict == "sealed"
    assert len(told(office, contract, "stamped_again")) == 1


def test_of_two_stamps_made_from_the_same_file_the_first_stays(office: Office) -> None:
    contract = sealed(office)
    base, now = signing(office, contract), ends(office, contract) - 300 * DAY
    made = [reference(name, folder="sealed", media_type="application/pdf") for name in (b"first", b"second")]
    kept = []
    for each in made:
        with office.transaction() as session:
            kept.append(
                keep_renewal(
                    session, base.id, each, archive_until=now + 99 * DAY, base_sha256=base.sealed_sha256, now=now
                )
            )
    assert kept == [True, False]
    assert signing(office, contract).sealed_sha256 == made[0].sha256
    assert len(told(office, contract, "stamped_again")) == 1


def test_a_file_that_was_damaged_in_the_store_is_told_once_and_holds_up_nobody(office: Office) -> None:
    damaged, whole = sealed(office), sealed(office)
    now = ends(office, damaged) - 300 * DAY
    key = signing(office, damaged).sealed_key
    assert key is not None
    file = office.runtime.settings.home / "documents" / key
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-1])
    runtime = years_later(office, now)

    assert [keep_archives_valid(runtime, now=now + n * DAY) for n in range(3)] == [1, 0, 0]

    (entry,) = told(office, damaged, "stamping_failed")
    assert "is not what was stored" in entry.data["failure"]
    assert len(told(office, whole, "stamped_again")) == 1


def test_no_stamp_is_made_that_would_gain_nothing(office: Office) -> None:
    """The authority still stamps with the certificate that is in the file."""
    contract = sealed(office)
    now = ends(office, contract) - 300 * DAY
    before = signing(office, contract).sealed_sha256
    assert keep_archives_valid(office.runtime, now=now) == 0
    assert signing(office, contract).sealed_sha256 == before
    assert keep_archives_valid(years_later(office, now), now=now + DAY) == 1


def test_a_few_at_a_time_are_stamped(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    contracts = [sealed(office) for _ in range(3)]
    now = ends(office, contracts[-1]) - 300 * DAY
    runtime = years_later(office, now)
    monkeypatch.setattr(archive, "AT_ONCE", 2)
    assert [keep_archives_valid(runtime, now=now) for _ in range(3)] == [2, 1, 0]
    assert all(report(office, each, ends(office, each) - DAY).verdict == "sealed" for each in contracts)


def test_a_file_whose_contract_has_ended_is_kept_valid_as_well(office: Office) -> None:
    contract = sealed(office)
    now = ends(office, contract) - 300 * DAY
    with office.transaction() as session:
        session.get_one(Contract, contract.id).state = ContractState.EXPIRED
    assert keep_archives_valid(years_later(office, now), now=now) == 1
