"""The store of documents that the settings name; apart from ``runtime``, with whose other parts a small process has
nothing to do."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from documents.blobs import BlobStore, FolderBlobStore
from workflows.settings import Settings


def open_blobs(settings: Settings) -> BlobStore:
    scheme, _, rest = settings.documents.partition(":")
    match scheme:
        case "file":
            return FolderBlobStore(Path(rest))
        case "s3" | "s3+http":
            from documents.minio_blobs import MinioBlobStore  # 8 MB that a folder has no use for

            parts = urlsplit(settings.documents)
            bucket = parts.path.strip("/")
            if not parts.netloc or not bucket or "/" in bucket:
                raise ValueError("SIGNOFF_DOCUMENTS_URL is s3://HOST:PORT/BUCKET")
            return MinioBlobStore(
                endpoint=parts.netloc,
                bucket=bucket,
                access_key=settings.documents_access_key,
                secret_key=settings.documents_secret_key.get_secret_value(),
                secure=scheme == "s3",
            )
        case _:
            raise ValueError(f"SIGNOFF_DOCUMENTS_URL is file:FOLDER or s3://HOST:PORT/BUCKET, not {scheme}:…")
