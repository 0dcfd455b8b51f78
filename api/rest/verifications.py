"""``/api/verifications``: what a sealed PDF proves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, UploadFile

from api.dependencies import Engine, Verifies
from api.files import read_upload
from api.rest.answers import PromptRoute, refusals
from workflows.signatures.verification import verify

router = APIRouter(route_class=PromptRoute, prefix="/api/verifications", tags=["verification"])


@router.post(
    "",
    status_code=201,
    summary="Verification report for a PDF; the file is read, not kept",
    responses=refusals(401, 403, 413, 422, 503),
)
def create(runtime: Engine, actor: Verifies, file: Annotated[UploadFile, File()]) -> dict[str, Any]:
    data = read_upload(file, runtime.settings.intake_file_bytes)
    return verify(data, runtime.signer.trust_anchors, limits=runtime.intake_limits).to_dict()
