"""When what is kept of a conversation is to be deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "retention",
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_retention"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.conversation_id"],
            name="fk_retention_conversation_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_retention_due_at", "retention", ["due_at"])
