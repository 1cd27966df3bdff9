"""What API keys may do, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("scopes", sa.Text))
    op.add_column("api_keys", sa.Column("expires_at", sa.Double))
    op.add_column("api_keys", sa.Column("member_id", sa.String))
    op.add_column("api_keys", sa.Column("replaced_by", sa.String))
    op.create_table(
        "audit_log",
        sa.Column("entry_id", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("resource", sa.String, nullable=False),
        sa.Column("key_id", sa.String),
        sa.Column("result", sa.String, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_resource", "audit_log", ["resource"])
    op.create_index("ix_audit_log_key_id", "audit_log", ["key_id"])
    op.create_index("ix_audit_log_at_entry_id", "audit_log", ["at", "entry_id"])
