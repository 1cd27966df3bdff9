"""What an overview and the list's filters read of a conversation without its document."""

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

AT_ONCE = 500


def upgrade() -> None:
    op.add_column("conversations", sa.Column("ending", sa.Text, nullable=False, server_default=""))
    op.add_column("conversations", sa.Column("call_successful", sa.String, nullable=False, server_default="unknown"))
    op.add_column("conversations", sa.Column("facts", sa.LargeBinary))
    _fill(op.get_bind())
    op.drop_index("ix_conversations_started_at_conversation_id", "conversations")
    op.drop_index("ix_conversations_agent_id_started_at_conversation_id", "conversations")
    read = ["status", "call_successful", "ended_at", "ending"]
    op.create_index("ix_conversations_by_start", "conversations", ["started_at", "conversation_id", "agent_id", *read])
    op.create_index("ix_conversations_by_agent", "conversations", ["agent_id", "started_at", "conversation_id", *read])


def _fill(connection: sa.Connection) -> None:
    """Of the conversations there are, what their documents say. Their latencies stay in their transcripts."""
    table = sa.table(
        "conversations",
        sa.column("conversation_id", sa.String),
        sa.column("termination_reason", sa.Text),
        sa.column("document", sa.LargeBinary),
        sa.column("ending", sa.Text),
        sa.column("call_successful", sa.String),
        sa.column("facts", sa.LargeBinary),
    )
    c, last = table.c, ""
    change = (
        table.update()
        .where(c.conversation_id == sa.bindparam("b_id"))
        .values(
            ending=sa.bindparam("b_ending"), call_successful=sa.bindparam("b_verdict"), facts=sa.bindparam("b_facts")
        )
    )
    while True:
        wanted = sa.select(c.conversation_id, c.termination_reason, c.document).where(c.conversation_id > last)
        rows = connection.execute(wanted.order_by(c.conversation_id).limit(AT_ONCE)).all()
        if not rows:
            return
        last = rows[-1].conversation_id
        values = []
        for row in rows:
            document = orjson.loads(row.document)
            warnings = (document.get("metadata") or {}).get("warnings")
            told = [str(one)[:300] for one in warnings[:20]] if isinstance(warnings, list) else []
            values.append(
                {
                    "b_id": row.conversation_id,
                    "b_ending": row.termination_reason.partition(": ")[0][:200],
                    "b_verdict": (document.get("analysis") or {}).get("call_successful") or "unknown",
                    "b_facts": orjson.dumps({"warnings": told}),
                }
            )
        connection.execute(change, values)
