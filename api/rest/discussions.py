"""``/comments`` and ``/attachments`` below contracts and invoices: what people say about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import Field
from sqlmodel import Session

from api.dependencies import Engine, Now, Reading, ReadsPapers, Transaction, WritesPapers
from api.files import content_disposition, read_upload
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.papers import event_page
from api.rest.shapes import EventPage, Shape
from workflows.database import Work
from workflows.discussions import queries
from workflows.discussions.intake import take_in
from workflows.discussions.model import Attachment
from workflows.discussions.operations import say, withdraw
from workflows.discussions.queries import Entry
from workflows.discussions.rules import LONGEST_TEXT, MOST_BYTES, MOST_MENTIONS, Subject, checked, is_inside
from workflows.errors import NotFound
from workflows.papers import queries as papers
from workflows.papers.model import Paper, model_of
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

router = APIRouter(route_class=PromptRoute, prefix="/api", tags=["discussions"])

F = TypeVar("F", bound=Callable[..., Any])


def of_papers(register: Callable[..., Callable[[F], F]], path: str, **how: Any) -> Callable[[F], F]:
    """Below contracts and below invoices. ``register``: ``router.get`` or ``router.post``."""

    def registered(function: F) -> F:
        for kind in ("contracts", "invoices"):
            register(f"/{kind}/{{paper_id}}{path}", **how)(function)
        return function

    return registered


def asked_for(request: Request) -> type[Paper]:
    return model_of(request.url.path.split("/")[2].removesuffix("s"))


Papers = Annotated[type[Paper], Depends(asked_for)]

VISIBILITY = (
    "`inside`: people of the contract's own organisation alone read it. `shared`: everybody who may see the contract, "
    "the counterparty too. Without it: inside for those who are, shared for others, who cannot write inside."
)
MENTIONS = (
    "Addresses of those who get it by mail: whoever may see the contract, and colleagues of its organisation, who may "
    "see it from then on. `@Name` in the text calls whoever may see it already."
)


class CommentIn(Shape):
    text: Annotated[
        str,
        Field(
            max_length=4 * LONGEST_TEXT,
            description=f"Plain text of at most {LONGEST_TEXT} letters.",
            examples=["Is the liability cap in § 7 final, @Ann?"],
        ),
    ]
    visibility: Annotated[
        Literal["inside", "shared"] | None, Field(default=None, description=VISIBILITY, examples=["inside"])
    ]
    mentions: Annotated[
        list[str],
        Field(default_factory=list, max_length=MOST_MENTIONS, description=MENTIONS, examples=[["ann@haneul.example"]]),
    ]


class AttachmentShape(Shape):
    id: UUID
    file_name: Annotated[str, Field(examples=["견적서 2026.xlsx"])]
    media_type: Annotated[str, Field(description="As its bytes say.", examples=["application/pdf"])]
    size: Annotated[int, Field(description="Bytes.", examples=[48211])]
    sha256: Annotated[str, Field(examples=["c52e112170ad9d8bf7af4b9eebc6b7beac94717df69cbc5e26e478c5839bfc9a"])]
    links: dict[str, str]


class CommentShape(Shape):
    id: UUID
    visibility: Literal["inside", "shared"]
    author: Annotated[str, Field(description="As the name was then.", examples=["Jiwoo Han"])]
    organisation: Annotated[str, Field(examples=["Haneul Logistics"])]
    text: Annotated[str, Field(examples=["Is the liability cap in § 7 final, @Ann?"])]
    mentions: Annotated[list[str], Field(description="Names of those who got it by mail.", examples=[["Ann"]])]
    version: Annotated[int, Field(description="Of the contract that was current.", examples=[1])]
    at: datetime
    via: str
    withdrawn_at: Annotated[
        datetime | None, Field(description="Its author took it back: the text is empty and the files are gone.")
    ]
    attachments: list[AttachmentShape]
    links: dict[str, str]


class CommentPage(Shape):
    items: list[CommentShape]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last.")]


@of_papers(
    router.get,
    "/comments",
    response_model=CommentPage,
    summary="What was said, in its order",
    responses=refusals(401, 404),
)
def list_comments(
    paper_id: UUID,
    model: Papers,
    session: Reading,
    actor: ReadsPapers,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CommentPage:
    """People from outside are shown what is shared, and not told of anything else."""
    subject = _subject(session, model, paper_id, actor)
    found = queries.entries(session, subject, actor, after=cursor, limit=limit + 1)
    more = str(found[limit - 1].comment.id) if len(found) > limit else None
    return CommentPage(items=[comment_shape(subject, each) for each in found[:limit]], next_cursor=more)


@of_papers(
    router.post,
    "/comments",
    status_code=201,
    response_model=CommentShape,
    summary="Say something about it",
    responses=refusals(401, 403, 404, 422),
)
def add_comment(
    paper_id: UUID,
    model: Papers,
    body: CommentIn,
    runtime: Engine,
    actor: WritesPapers,
    now: Now,
    idempotency_key: Key = None,
) -> Any:
    """Each who is mentioned gets one mail. It cannot be changed, and withdrawn for 15 minutes."""
    said = checked(body.text, visibility=body.visibility or "", mentions=body.mentions)
    request_sha256 = request_hash(f"POST /api/{model.process}s/{paper_id}/comments", body.model_dump())

    def work(session: Work) -> dict[str, Any]:
        subject = _subject(session, model, paper_id, actor)
        return comment_shape(subject, say(session, subject, said, by=actor, now=now)).model_dump(mode="json")

    return Creation(runtime, actor, idempotency_key, request_sha256, now).answer(work)


@of_papers(
    router.post,
    "/comments/{comment_id}/withdrawal",
    status_code=201,
    response_model=CommentShape,
    summary="Take a comment of one's own back",
    responses=refusals(401, 403, 404, 409),
)
def withdrawal(
    paper_id: UUID, model: Papers, comment_id: UUID, session: Transaction, actor: WritesPapers, now: Now
) -> CommentShape:
    """Within 15 minutes. Its place stays and says so; nobody is shown its text or its files any more."""
    subject = _subject(session, model, paper_id, actor)
    return comment_shape(subject, withdraw(session, subject, comment_id, by=actor, now=now))


@of_papers(
    router.get,
    "/comments/events",
    response_model=EventPage,
    summary="The history of what was said inside",
    responses=refusals(401, 404),
)
def inside_events(
    paper_id: UUID,
    model: Papers,
    session: Reading,
    actor: ReadsPapers,
    cursor: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> EventPage:
    """A chain of its own beside the contract's history, which everybody reads. Only for people of its organisation."""
    subject = _subject(session, model, paper_id, actor)
    if not is_inside(subject, actor.organisation_id):
        raise NotFound("There is nothing at this address.")
    return event_page(queries.inside_history(session, subject, actor, after=cursor, limit=limit + 1), limit)


@of_papers(
    router.post,
    "/attachments",
    status_code=201,
    response_model=CommentShape,
    summary="Put a file beside it, with or without a comment",
    responses=refusals(401, 403, 404, 413, 415, 422),
)
def add_attachment(
    paper_id: UUID,
    model: Papers,
    runtime: Engine,
    actor: WritesPapers,
    now: Now,
    file: Annotated[UploadFile, File(description="PDF, picture, office file or plain text, at most 25 MB.")],
    text: Annotated[str, Form(description="What is said with it.", examples=["Their newest quote."])] = "",
    visibility: Annotated[str, Form(description=VISIBILITY, examples=["shared"])] = "",
    mentions: Annotated[Sequence[str], Form(description=MENTIONS, examples=[["ann@haneul.example"]])] = (),
    idempotency_key: Key = None,
) -> Any:
    """What the file is, its bytes decide. It is kept as it is, and sealing the contract does not touch it."""
    said = checked(text, visibility=visibility, mentions=mentions, has_file=True)
    data = read_upload(file, MOST_BYTES)
    words = {"text": text, "visibility": visibility, "mentions": [*mentions], "file_name": file.filename or ""}
    request_sha256 = request_hash(f"POST /api/{model.process}s/{paper_id}/attachments", words, data)
    creation = Creation(runtime, actor, idempotency_key, request_sha256, now)
    if answered := creation.answered_already():
        return answered
    with runtime.reading() as session:
        _subject(session, model, paper_id, actor)
    taken = take_in(data, file_name=file.filename or "", blobs=runtime.blobs)

    def work(session: Work) -> dict[str, Any]:
        subject = _subject(session, model, paper_id, actor)
        return comment_shape(subject, say(session, subject, said, by=actor, now=now, file=taken)).model_dump(
            mode="json"
        )

    return creation.answer(work)


@of_papers(
    router.get,
    "/attachments/{attachment_id}",
    summary="The bytes of a file",
    response_class=Response,
    responses=refusals(401, 404, 410),
)
def read_attachment(
    paper_id: UUID, model: Papers, attachment_id: UUID, runtime: Engine, session: Reading, actor: ReadsPapers
) -> Response:
    subject = _subject(session, model, paper_id, actor)
    return attachment_response(runtime, queries.attachment(session, subject, attachment_id, actor))


def attachment_response(runtime: Runtime, attachment: Attachment) -> Response:
    """Always a download: whatever stands in a file, it never runs in our own origin."""
    headers = {
        # as a header, because Starlette would name a charset to texts, which we do not know
        "Content-Type": attachment.media_type,
        "Content-Disposition": content_disposition(attachment.file_name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(runtime.blobs.get(attachment.key), headers=headers)


def comment_shape(subject: Subject, entry: Entry) -> CommentShape:
    comment, here = entry.comment, f"/api/{subject.process}s/{subject.id}"
    return CommentShape(
        id=comment.id,
        visibility=comment.visibility.value,
        author=comment.author,
        organisation=comment.organisation,
        text=entry.text,
        mentions=[each["name"] for each in comment.mentions],
        version=comment.version_number,
        at=comment.at,
        via=comment.via,
        withdrawn_at=entry.withdrawn_at,
        attachments=[
            AttachmentShape(
                id=each.id,
                file_name=each.file_name,
                media_type=each.media_type,
                size=each.size,
                sha256=each.sha256,
                links={"self": f"{here}/attachments/{each.id}"},
            )
            for each in entry.attachments
        ],
        links={"subject": here, "withdrawal": f"{here}/comments/{comment.id}/withdrawal"},
    )


def _subject(session: Session, model: type[Paper], paper_id: UUID, actor: Actor) -> Subject:
    """Raises NotFound where the actor may not know of the contract."""
    return papers.subject_of(papers.one(session, model, paper_id, actor))
