"""``/verify``: what a sealed PDF proves, for anybody. The file is read, not kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response

from api.auth import insist_on_own_origin
from api.dependencies import Engine
from api.errors import said
from api.files import content_disposition, read_upload
from api.pages.shell import page
from api.readers import reader_of
from api.throttle import Throttle
from documents.rendering import Reader, sentence, short_hash
from signing.report import Report, Said, SignatureReport
from workflows.errors import Refused
from workflows.parties.rules import shown
from workflows.runtime import Runtime
from workflows.signatures.verification import verify

router = APIRouter(prefix="/verify", include_in_schema=False)

strangers = Throttle(per_minute=20)
"""Files looked into, by network address: it takes a while, and anybody may ask."""


@dataclass(frozen=True)
class Check:
    """``mark``: good, soon (worth knowing) or bad."""

    mark: str
    words: str
    note: str


@dataclass(frozen=True)
class Signature:
    name: str
    words: str
    at: datetime | None
    report: SignatureReport


@router.get("")
def verify_page(request: Request, runtime: Engine) -> Response:
    return _shown(request, runtime)


@router.post("")
def check(request: Request, runtime: Engine, file: Annotated[UploadFile, File()]) -> Response:
    insist_on_own_origin(request)
    address = request.client.host if request.client else ""
    strangers.insist(address)
    strangers.count(address)
    try:
        data = read_upload(file, runtime.settings.intake_file_bytes)
        report = verify(data, runtime.signer.trust_anchors, limits=runtime.intake_limits)
    except Refused as refused:
        return _shown(request, runtime, refused=refused)
    return _shown(request, runtime, report=report, file_name=shown(file.filename or ""), size=len(data))


@router.post("/report")
def report_as_file(request: Request, report: Annotated[str, Form()] = "") -> Response:
    """The report that the page holds, as a file: what was uploaded is not kept, so it cannot be looked into again."""
    insist_on_own_origin(request)
    try:
        content = json.loads(report)
        name = f"verification-{short_hash(content['sha256'])}.json"
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refused("This report cannot be read. Please check the file again.") from None
    return Response(
        json.dumps(content, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"Content-Disposition": content_disposition(name)},
    )


TONES = {
    "sealed": "good",
    "signed": "soon",
    "unsigned": "soon",
    "changed": "bad",
    "untrusted": "bad",
    "unreadable": "bad",
}


def _shown(
    request: Request,
    runtime: Runtime,
    *,
    report: Report | None = None,
    file_name: str = "",
    size: int = 0,
    refused: Refused | None = None,
) -> Response:
    reader = reader_of(request)
    return page(
        request,
        "verify.html",
        status=refused.status if refused else 200,
        here="verify",
        report=report,
        tone=TONES[report.verdict] if report else "",
        verdict=_in(report.sentence, reader) if report else "",
        checks=[_check(each.ok, each.code, each.sentence, each.note, reader) for each in report.checks]
        if report
        else [],
        signatures=[
            Signature(each.signer, _in(each.sentence, reader), each.timestamp or each.claimed_at, each)
            for each in report.signatures
        ]
        if report
        else [],
        as_json=json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if report else "",
        file_name=file_name,
        size=size,
        most=runtime.settings.intake_file_bytes,
        refused=said(refused, reader) if refused else "",
    )


def _check(ok: bool, code: str, words: Said, note: Said, reader: Reader) -> Check:
    # a file that is not yet sealed for decades is still what was signed
    mark = "good" if ok else "soon" if code in ("archive", "sealed") else "bad"
    return Check(mark, _in(words, reader), _in(note, reader))


def _in(words: str, reader: Reader) -> str:
    """What the verification says, in the reader's language."""
    return sentence(words.sentence, reader.locale, **words.values) if isinstance(words, Said) else words
