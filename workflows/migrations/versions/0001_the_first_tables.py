"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects import postgresql

import workflows.columns
from workflows.search import schema as search

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The history, decisions and published routes are written once. The databases themselves refuse anything else.
KEPT = ("audit_event", "audit_anchor", "decision", "version", "comment", "attachment", "comment_withdrawal")
KEPT_AS_WRITTEN = {
    "sqlite": [
        f"create trigger {table}_is_kept_from_{how} before {how} on {table} "
        f"begin select raise(abort, '{table} is append-only'); end"
        for table in KEPT
        for how in ("update", "delete")
    ],
    "postgresql": [
        "create function is_kept() returns trigger language plpgsql as "
        "$$ begin raise exception '% is append-only', tg_table_name; end $$",
        *(
            f"create trigger {table}_is_kept before update or delete on {table} for each row execute function is_kept()"
            for table in KEPT
        ),
    ],
}
LET_GO = {"sqlite": [], "postgresql": ["drop function is_kept() cascade"]}


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "audit_anchor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("first_event", sa.Integer(), nullable=False),
        sa.Column("last_event", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("previous", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "audit_chain",
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("head", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.PrimaryKeyConstraint("process", "subject_id"),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("action", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column(
            "data", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("previous", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("process", "subject_id", "position"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("request_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column(
            "answer", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True
        ),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key"),
    )
    op.create_table(
        "lease",
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("place", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("until", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process", "subject_id"),
    )
    op.create_table(
        "number_range",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("to_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("to_email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
        sa.Column("timezone", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("reply_to_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reply_to_email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sender_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "payload", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("sealed_link", sa.LargeBinary(), nullable=True),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("queued", "sent", "failed", "dropped", name="mailstate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("not_before", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("claimed_until", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("outgoing_mail", schema=None) as batch_op:
        batch_op.create_index("ix_outgoing_mail_due", ["state", "not_before"], unique=False)
        batch_op.create_index("ix_outgoing_mail_subject", ["process", "subject_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outgoing_mail_task_id"), ["task_id"], unique=False)

    op.create_table(
        "route_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("published_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_by_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version"),
    )
    op.create_table(
        "run_owed",
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("label", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("launched", sa.Integer(), nullable=False),
        sa.Column("finished", sa.Integer(), nullable=False),
        sa.Column("wanted_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("launched_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("flow_run_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process", "subject_id"),
    )
    with op.batch_alter_table("run_owed", schema=None) as batch_op:
        batch_op.create_index(
            "ix_run_owed_unfinished",
            ["wanted_at"],
            unique=False,
            postgresql_where=sa.text("finished < sequence"),
            sqlite_where=sa.text("finished < sequence"),
        )
        batch_op.create_index(
            "ix_run_owed_unlaunched",
            ["not_before"],
            unique=False,
            postgresql_where=sa.text("launched < sequence"),
            sqlite_where=sa.text("launched < sequence"),
        )

    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
        sa.Column("timezone", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("password_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("manager_id", sa.Uuid(), nullable=True),
        sa.Column("authority_limit", workflows.columns.Money(length=24), nullable=True),
        sa.Column("authority_currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("stood_in_until", sa.Date(), nullable=True),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["manager_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "scopes", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("expires_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("last_used_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("revoked_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_sha256"),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_person_id"), ["person_id"], unique=False)

    op.create_table(
        "sending",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("to_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("to_email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
        sa.Column("timezone", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("with_file", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("expires_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("revoked_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("opened_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_sha256"),
    )
    with op.batch_alter_table("sending", schema=None) as batch_op:
        batch_op.create_index("ix_sending_by", ["by_id", "at"], unique=False)
        batch_op.create_index("ix_sending_subject", ["process", "subject_id", "id"], unique=False)

    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("amount", workflows.columns.Money(length=24), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=True),
        sa.Column("counterparty", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("contact_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("contact_email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=True),
        sa.Column("cancel_by", sa.Date(), nullable=True),
        sa.Column(
            "signers", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("route", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column(
            "fields", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "in_review",
                "returned",
                "approved",
                "in_signature",
                "sealing",
                "in_force",
                "expired",
                "rejected",
                "declined",
                "withdrawn",
                name="contractstate",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("state_since", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("sealed_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.create_index("ix_contract_any", ["state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contract_cancel_by"), ["cancel_by"], unique=False)
        batch_op.create_index("ix_contract_ends", ["state", "ends_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_contract_external_id"), ["external_id"], unique=False)
        batch_op.create_index("ix_contract_list", ["organisation_id", "id"], unique=False)
        batch_op.create_index("ix_contract_own", ["owner_id", "id"], unique=False)
        batch_op.create_index("ix_contract_own_state", ["owner_id", "state", "id"], unique=False)
        batch_op.create_index("ix_contract_state", ["organisation_id", "state", "id"], unique=False)

    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Enum("role", "group", name="kind", native_enum=False, length=24), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "name", "person_id"),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_membership_person_id"), ["person_id"], unique=False)

    op.create_table(
        "participant",
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("process", "subject_id", "person_id"),
    )
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.create_index("ix_participant_sees", ["person_id", "process", "subject_id"], unique=False)

    op.create_table(
        "substitution",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("substitute_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("up_to", workflows.columns.Money(length=24), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=True),
        sa.Column(
            "kinds", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("ended_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["substitute_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["made_by"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("substitution", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_substitution_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_substitution_substitute_id"), ["substitute_id"], unique=False)

    op.create_table(
        "exchange_rate",
        sa.Column("base", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
        sa.Column("units", workflows.columns.Money(length=24), nullable=False),
        sa.PrimaryKeyConstraint("base", "day", "currency"),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.Uuid(), nullable=False),
        sa.Column("route_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("route_version", sa.Integer(), nullable=False),
        sa.Column("submitter_id", sa.Uuid(), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("version_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "card", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "approved",
                "signed",
                "rejected",
                "sent_back",
                "declined",
                "withdrawn",
                "replaced",
                name="roundstate",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("closed_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column(
            "rates", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True
        ),
        sa.Column(
            "let_in", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["route_version.id"],
        ),
        sa.ForeignKeyConstraint(
            ["submitter_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("process", "subject_id", "number"),
    )
    op.create_table(
        "web_session",
        sa.Column("token_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("csrf", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("expires_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("token_sha256"),
    )
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_web_session_person_id"), ["person_id"], unique=False)

    op.create_table(
        "expiry_alert",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("what", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("given_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contract.id"],
        ),
        sa.PrimaryKeyConstraint("contract_id", "what", "day", "days_before"),
    )
    op.create_table(
        "signing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column(
            "slots", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("pdf_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("pdf_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "sealed", "ended", name="signingstate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("opened_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("sealed_key", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("sealed_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("sealed_size", sa.Integer(), nullable=True),
        sa.Column("sealed_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=True),
        sa.Column("archive_until", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("archive_tried_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("archive_failure", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["round.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("round_id"),
    )
    with op.batch_alter_table("signing", schema=None) as batch_op:
        batch_op.create_index("ix_signing_archive", ["archive_until"], unique=False)

    op.create_table(
        "stage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("parallel", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column(
            "kind", sa.Enum("approval", "signature", name="stagekind", native_enum=False, length=24), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "open",
                "blocked",
                "approved",
                "rejected",
                "skipped",
                "void",
                name="stagestate",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("approve", sa.Integer(), nullable=False),
        sa.Column("reject", sa.Integer(), nullable=False),
        sa.Column("opened_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("closed_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("due_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("due", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True),
        sa.Column("opening", sa.Integer(), nullable=False),
        sa.Column(
            "veto", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "counted", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("kept", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True),
        sa.Column("first_due_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("escalated_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("expired_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("look_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["round.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("round_id", "name"),
    )
    with op.batch_alter_table("stage", schema=None) as batch_op:
        batch_op.create_index(
            "ix_stage_blocked",
            ["round_id"],
            unique=False,
            postgresql_where=sa.text("state = 'blocked'"),
            sqlite_where=sa.text("state = 'blocked'"),
        )
        batch_op.create_index(
            "ix_stage_look_at",
            ["look_at"],
            unique=False,
            postgresql_where=sa.text("look_at is not null"),
            sqlite_where=sa.text("look_at is not null"),
        )
        batch_op.create_index(batch_op.f("ix_stage_round_id"), ["round_id"], unique=False)

    op.create_table(
        "cost_center",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("owner_email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id", "code"),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("route", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("state_since", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("syntax", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("supplier_number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("supplier_number_key", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("supplier", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("supplier_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("supplier_key", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("supplier_email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("buyer", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("buyer_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("buyer_key", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=True),
        sa.Column("net", workflows.columns.Decimals(), nullable=True),
        sa.Column("tax", workflows.columns.Decimals(), nullable=True),
        sa.Column("gross", workflows.columns.Decimals(), nullable=True),
        sa.Column("payable", workflows.columns.Decimals(), nullable=True),
        sa.Column("order_number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("contract_number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("cost_center", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("iban", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "checked",
                "matched",
                "in_approval",
                "returned",
                "approved",
                "released",
                "paid",
                "rejected",
                "disputed",
                "withdrawn",
                name="invoicestate",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("match_outcome", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("released_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("paid_amount", workflows.columns.Decimals(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index(
            "ix_invoice_again", ["organisation_id", "supplier_key", "supplier_number_key"], unique=False
        )
        batch_op.create_index("ix_invoice_any", ["state", "id"], unique=False)
        batch_op.create_index("ix_invoice_buyer", ["organisation_id", "buyer_key", "id"], unique=False)
        batch_op.create_index("ix_invoice_due", ["organisation_id", "due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_external_id"), ["external_id"], unique=False)
        batch_op.create_index("ix_invoice_list", ["organisation_id", "id"], unique=False)
        batch_op.create_index("ix_invoice_own", ["owner_id", "id"], unique=False)
        batch_op.create_index("ix_invoice_own_state", ["owner_id", "state", "id"], unique=False)
        batch_op.create_index("ix_invoice_same_day", ["organisation_id", "supplier_key", "issued_on"], unique=False)
        batch_op.create_index("ix_invoice_state", ["organisation_id", "state", "id"], unique=False)
        batch_op.create_index("ix_invoice_supplier", ["organisation_id", "supplier_key", "id"], unique=False)

    op.create_table(
        "payment_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("payment_run", schema=None) as batch_op:
        batch_op.create_index("ix_payment_run_list", ["organisation_id", "id"], unique=False)

    op.create_table(
        "payment_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "said",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("waiting", "left", "dropped", name="orderstate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("left_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["payment_run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("invoice_id"),
    )
    with op.batch_alter_table("payment_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_order_run_id"), ["run_id"], unique=False)
        batch_op.create_index("ix_payment_order_state", ["organisation_id", "state", "id"], unique=False)
        batch_op.create_index(
            "ix_payment_order_waiting",
            ["id"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "payment",
        sa.Column("amount", workflows.columns.Decimals(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("settles", sa.Boolean(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("reversed_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("reversed_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reversed_because", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index("ix_payment_invoice", ["invoice_id", "paid_on"], unique=False)

    op.create_table(
        "released_number",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_key", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("supplier_number_key", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id", "supplier_key", "supplier_number_key", "year", "kind"),
    )
    op.create_table(
        "invoice_adjustment",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("charge", sa.Boolean(), nullable=False),
        sa.Column("amount", workflows.columns.Decimals(), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("tax_category", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("tax_rate", workflows.columns.Decimals(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position"),
    )
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("description", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("quantity", workflows.columns.Decimals(), nullable=True),
        sa.Column("unit", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("price", workflows.columns.Decimals(), nullable=True),
        sa.Column("price_base", workflows.columns.Decimals(), nullable=True),
        sa.Column("net", workflows.columns.Decimals(), nullable=True),
        sa.Column("tax_category", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("tax_rate", workflows.columns.Decimals(), nullable=True),
        sa.Column("order_number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("order_line", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sellers_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("buyers_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("accounting", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "serial_numbers",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position"),
    )
    op.create_table(
        "invoice_reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "data", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "findings", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("author", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("invoice_id", "version", "number"),
    )
    op.create_table(
        "invoice_tax",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("category", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("rate", workflows.columns.Decimals(), nullable=True),
        sa.Column("taxable", workflows.columns.Decimals(), nullable=True),
        sa.Column("tax", workflows.columns.Decimals(), nullable=True),
        sa.Column("exemption_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position"),
    )

    op.create_table(
        "version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("original_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("original_size", sa.Integer(), nullable=False),
        sa.Column("file_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("readable_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("readable_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column(
            "page_sizes", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "page_starts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "findings", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("process", "subject_id", "number"),
    )

    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("stage_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "kind", sa.Enum("approval", "signature", name="stagekind", native_enum=False, length=24), nullable=False
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "open", "decided", "void", name="taskstate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column(
            "verdict",
            sa.Enum("approve", "reject", "send_back", "sign", "decline", name="verdict", native_enum=False, length=24),
            nullable=True,
        ),
        sa.Column("asked_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("closed_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("closed_because", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("opening", sa.Integer(), nullable=False),
        sa.Column("due_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("due", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True),
        sa.Column("settled_until", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("reminded_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("instead_of_id", sa.Uuid(), nullable=True),
        sa.Column("instead_of_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("handed_from_id", sa.Uuid(), nullable=True),
        sa.Column("handed_from_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("left_alone_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("review_of_id", sa.Uuid(), nullable=True),
        sa.Column("handed_to_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instead_of_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["handed_from_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["review_of_id"],
            ["task.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["round.id"],
        ),
        sa.ForeignKeyConstraint(
            ["stage_id"],
            ["stage.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index("ix_task_inbox", ["person_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_round_id"), ["round_id"], unique=False)

    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("approve", "reject", "send_back", "sign", "decline", name="verdict", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("version_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("via", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
        sa.Column("instead_of_id", sa.Uuid(), nullable=True),
        sa.Column("instead_of_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instead_of_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["round.id"],
        ),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["task.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id"),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_decision_round_id"), ["round_id"], unique=False)

    op.create_table(
        "link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Enum("act", "read", name="purpose", native_enum=False, length=24), nullable=False),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("expires_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("dead_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["task.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_sha256"),
    )
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_task_id"), ["task_id"], unique=False)

    op.create_table(
        "link_code",
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("code_hmac", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("expires_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("sent_since", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("locked_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["link_id"],
            ["link.id"],
        ),
        sa.PrimaryKeyConstraint("link_id"),
    )
    op.create_table(
        "known_device",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("first_seen", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("last_seen", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person_id", "device_sha256"),
    )
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_device_last_seen"), ["last_seen"], unique=False)

    op.create_table(
        "daily_digest",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "comment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum("inside", "shared", name="visibility", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("organisation", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "mentions", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("via", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index("ix_comment_subject", ["process", "subject_id", "id"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("comment_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("media_type", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"],
            ["comment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_comment_id"), ["comment_id"], unique=False)

    op.create_table(
        "comment_withdrawal",
        sa.Column("comment_id", sa.Uuid(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"],
            ["comment.id"],
        ),
        sa.PrimaryKeyConstraint("comment_id"),
    )
    op.create_table(
        "machine",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("serial_key", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("model", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("location", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("customer", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("installed_on", sa.Date(), nullable=True),
        sa.Column("removed_on", sa.Date(), nullable=True),
        sa.Column("contract_number", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("kept_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "serial_key"),
    )
    with op.batch_alter_table("machine", schema=None) as batch_op:
        batch_op.create_index("ix_machine_kept", ["organisation_id", "kept_at"], unique=False)
        batch_op.create_index("ix_machine_list", ["organisation_id", "id"], unique=False)

    op.create_table(
        "purchase_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("number_key", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("supplier", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("supplier_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=True),
        sa.Column("kept_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "number_key"),
    )
    with op.batch_alter_table("purchase_order", schema=None) as batch_op:
        batch_op.create_index("ix_purchase_order_kept", ["organisation_id", "kept_at"], unique=False)
        batch_op.create_index("ix_purchase_order_list", ["organisation_id", "id"], unique=False)

    op.create_table(
        "purchase_order_line",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sellers_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("buyers_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("standard_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("quantity", workflows.columns.Decimals(), nullable=True),
        sa.Column("unit", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("price", workflows.columns.Decimals(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["purchase_order.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "line"),
    )
    op.create_table(
        "matching_look",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id"),
    )
    op.create_table(
        "reply_address",
        sa.Column("token_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("asked_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["asked_by_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asked_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("token_sha256"),
    )
    with op.batch_alter_table("reply_address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reply_address_invoice_id"), ["invoice_id"], unique=False)

    op.create_table(
        "incoming_mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("from_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("from_email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("invoices", "reply", "kept", name="incomingoutcome", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column(
            "invoice_ids", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "reasons", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "files", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("settled_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.Column("settled_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("settled_because", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
    )
    with op.batch_alter_table("incoming_mail", schema=None) as batch_op:
        batch_op.create_index("ix_incoming_mail_list", ["organisation_id", "id"], unique=False)
        batch_op.create_index("ix_incoming_mail_waits", ["organisation_id", "waits", "id"], unique=False)

    op.create_table(
        "invoice_match",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("target_line", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("label", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("how", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("told_by", sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
        sa.Column("quantity", workflows.columns.Decimals(), nullable=True),
        sa.Column("net", workflows.columns.Decimals(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("undone_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("undone_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("undone_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("invoice_match", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_match_invoice_id"), ["invoice_id"], unique=False)
        batch_op.create_index("ix_invoice_match_target", ["kind", "target_id"], unique=False)

    op.create_table(
        "export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "asked", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("locale", sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
        sa.Column("timezone", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum("asked", "ready", "failed", "removed", name="exportstate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("created_at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=True),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("ready_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("expires_at", workflows.columns.UtcTime(timezone=True), nullable=True),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("file_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "failure", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("export", schema=None) as batch_op:
        batch_op.create_index("ix_export_expires", ["state", "expires_at"], unique=False)
        batch_op.create_index("ix_export_person", ["person_id", "id"], unique=False)

    op.create_table(
        "invoice_matching",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.Uuid(), nullable=False),
        sa.Column("at", workflows.columns.UtcTime(timezone=True), nullable=False),
        sa.Column("outcome", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column(
            "differences", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "tolerances", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.PrimaryKeyConstraint("invoice_id"),
    )
    op.create_table(
        "invoice_named",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("invoice_id", "kind", "key"),
    )
    with op.batch_alter_table("invoice_named", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_named_key", ["organisation_id", "kind", "key", "invoice_id"], unique=False)

    search.create(op.get_bind())
    for statement in KEPT_AS_WRITTEN[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    search.drop(op.get_bind())
    for statement in LET_GO[op.get_bind().dialect.name]:
        op.execute(statement)
    with op.batch_alter_table("incoming_mail", schema=None) as batch_op:
        batch_op.drop_index("ix_incoming_mail_waits")
        batch_op.drop_index("ix_incoming_mail_list")

    op.drop_table("incoming_mail")
    with op.batch_alter_table("reply_address", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reply_address_invoice_id"))

    op.drop_table("reply_address")
    op.drop_table("matching_look")
    with op.batch_alter_table("invoice_named", schema=None) as batch_op:
        batch_op.drop_index("ix_invoice_named_key")

    op.drop_table("invoice_named")
    op.drop_table("invoice_matching")
    with op.batch_alter_table("export", schema=None) as batch_op:
        batch_op.drop_index("ix_export_person")
        batch_op.drop_index("ix_export_expires")

    op.drop_table("export")
    with op.batch_alter_table("invoice_match", schema=None) as batch_op:
        batch_op.drop_index("ix_invoice_match_target")
        batch_op.drop_index(batch_op.f("ix_invoice_match_invoice_id"))

    op.drop_table("invoice_match")
    op.drop_table("purchase_order_line")
    with op.batch_alter_table("purchase_order", schema=None) as batch_op:
        batch_op.drop_index("ix_purchase_order_list")
        batch_op.drop_index("ix_purchase_order_kept")

    op.drop_table("purchase_order")
    with op.batch_alter_table("machine", schema=None) as batch_op:
        batch_op.drop_index("ix_machine_list")
        batch_op.drop_index("ix_machine_kept")

    op.drop_table("machine")
    op.drop_table("comment_withdrawal")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_comment_id"))

    op.drop_table("attachment")
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.drop_index("ix_comment_subject")

    op.drop_table("comment")
    op.drop_table("daily_digest")
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_known_device_last_seen"))

    op.drop_table("known_device")
    op.drop_table("link_code")
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_link_task_id"))

    op.drop_table("link")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decision_round_id"))
        batch_op.drop_index(batch_op.f("ix_decision_person_id"))

    op.drop_table("decision")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_round_id"))
        batch_op.drop_index("ix_task_inbox")

    op.drop_table("task")

    op.drop_table("version")
    op.drop_table("invoice_tax")
    op.drop_table("invoice_reading")
    op.drop_table("invoice_line")
    op.drop_table("invoice_adjustment")
    op.drop_table("released_number")
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_invoice")

    op.drop_table("payment")
    with op.batch_alter_table("payment_order", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_payment_order_waiting",
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index("ix_payment_order_state")
        batch_op.drop_index(batch_op.f("ix_payment_order_run_id"))

    op.drop_table("payment_order")
    with op.batch_alter_table("payment_run", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_run_list")

    op.drop_table("payment_run")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.drop_index("ix_invoice_supplier")
        batch_op.drop_index("ix_invoice_state")
        batch_op.drop_index("ix_invoice_same_day")
        batch_op.drop_index("ix_invoice_own_state")
        batch_op.drop_index("ix_invoice_own")
        batch_op.drop_index("ix_invoice_list")
        batch_op.drop_index(batch_op.f("ix_invoice_external_id"))
        batch_op.drop_index("ix_invoice_due")
        batch_op.drop_index("ix_invoice_buyer")
        batch_op.drop_index("ix_invoice_any")
        batch_op.drop_index("ix_invoice_again")

    op.drop_table("invoice")
    op.drop_table("cost_center")

    with op.batch_alter_table("stage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stage_round_id"))
        batch_op.drop_index("ix_stage_look_at")
        batch_op.drop_index("ix_stage_blocked")

    op.drop_table("stage")
    with op.batch_alter_table("signing", schema=None) as batch_op:
        batch_op.drop_index("ix_signing_archive")

    op.drop_table("signing")
    op.drop_table("expiry_alert")
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_web_session_person_id"))

    op.drop_table("web_session")
    op.drop_table("round")
    op.drop_table("exchange_rate")
    with op.batch_alter_table("substitution", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_substitution_substitute_id"))
        batch_op.drop_index(batch_op.f("ix_substitution_person_id"))

    op.drop_table("substitution")
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.drop_index("ix_participant_sees")

    op.drop_table("participant")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_membership_person_id"))
        batch_op.drop_index(batch_op.f("ix_membership_name"))

    op.drop_table("membership")
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.drop_index("ix_contract_state")
        batch_op.drop_index("ix_contract_own_state")
        batch_op.drop_index("ix_contract_own")
        batch_op.drop_index("ix_contract_list")
        batch_op.drop_index(batch_op.f("ix_contract_external_id"))
        batch_op.drop_index("ix_contract_ends")
        batch_op.drop_index(batch_op.f("ix_contract_cancel_by"))
        batch_op.drop_index("ix_contract_any")

    op.drop_table("contract")
    with op.batch_alter_table("sending", schema=None) as batch_op:
        batch_op.drop_index("ix_sending_subject")
        batch_op.drop_index("ix_sending_by")

    op.drop_table("sending")
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_token_person_id"))

    op.drop_table("api_token")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_organisation_id"))

    op.drop_table("person")
    with op.batch_alter_table("run_owed", schema=None) as batch_op:
        batch_op.drop_index("ix_run_owed_unlaunched")
        batch_op.drop_index("ix_run_owed_unfinished")

    op.drop_table("run_owed")
    op.drop_table("route_version")
    with op.batch_alter_table("outgoing_mail", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outgoing_mail_task_id"))
        batch_op.drop_index("ix_outgoing_mail_subject")
        batch_op.drop_index("ix_outgoing_mail_due")

    op.drop_table("outgoing_mail")
    op.drop_table("organisation")
    op.drop_table("number_range")
    op.drop_table("lease")
    op.drop_table("idempotency_key")
    op.drop_table("audit_event")
    op.drop_table("audit_chain")
    op.drop_table("audit_anchor")
    op.drop_table("attempts")
