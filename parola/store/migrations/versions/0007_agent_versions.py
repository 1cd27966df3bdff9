"""Versions of agents; what an agent is now becomes its first."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("agents", sa.Column("version_id", sa.String))
    op.create_table(
        "agent_versions",
        sa.Column("version_id", sa.String, nullable=False),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("parent_id", sa.String),
        sa.Column("committed_at", sa.Double, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("version_id", name="pk_agent_versions"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.agent_id"], name="fk_agent_versions_agent_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("agent_id", "number", name="uq_agent_versions_agent_id_number"),
    )
    connection = op.get_bind()
    for (agent_id,) in connection.execute(sa.text("SELECT agent_id FROM agents")).all():
        ids = {"agent": agent_id, "version": f"agtvrsn_{secrets.token_hex(12)}"}
        connection.execute(
            sa.text(
                "INSERT INTO agent_versions (version_id, agent_id, number, name, description, committed_at, document) "
                "SELECT :version, agent_id, 1, name, '', updated_at, document FROM agents WHERE agent_id = :agent"
            ),
            ids,
        )
        connection.execute(sa.text("UPDATE agents SET version_id = :version WHERE agent_id = :agent"), ids)
