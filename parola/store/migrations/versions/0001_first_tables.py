"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agents"),
    )
    op.create_index("ix_agents_created_at_agent_id", "agents", ["created_at", "agent_id"])
    op.create_index("ix_agents_name_key_agent_id", "agents", ["name_key", "agent_id"])
    op.create_table(
        "agent_tags",
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "tag", name="pk_agent_tags"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.agent_id"], name="fk_agent_tags_agent_id", ondelete="CASCADE"),
    )
    op.create_table(
        "tools",
        sa.Column("tool_id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("tool_id", name="pk_tools"),
    )
    op.create_index("ix_tools_created_at_tool_id", "tools", ["created_at", "tool_id"])
    op.create_index("ix_tools_name_key_tool_id", "tools", ["name_key", "tool_id"])
    op.create_table(
        "secrets",
        sa.Column("secret_id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("secret_id", name="pk_secrets"),
    )
    op.create_index("ix_secrets_created_at_secret_id", "secrets", ["created_at", "secret_id"])
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.String, nullable=False),
        sa.Column("hashed", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_prefix", "api_keys", ["prefix"])
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("agent_name", sa.Text),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("termination_reason", sa.Text, nullable=False),
        sa.Column("user_id", sa.String),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("text_only", sa.Boolean, nullable=False),
        sa.Column("user_messages", sa.Integer, nullable=False),
        sa.Column("agent_messages", sa.Integer, nullable=False),
        sa.Column("rating", sa.Integer),
        sa.Column("has_audio", sa.Boolean, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_status", "conversations", ["status"])
    op.create_index("ix_conversations_user_id", "conversations", ["user_id"])
    op.create_index("ix_conversations_started_at_conversation_id", "conversations", ["started_at", "conversation_id"])
    op.create_index(
        "ix_conversations_agent_id_started_at_conversation_id",
        "conversations",
        ["agent_id", "started_at", "conversation_id"],
    )
    op.create_table(
        "turns",
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("speaker", sa.String, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "position", name="pk_turns"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.conversation_id"],
            name="fk_turns_conversation_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_turns_conversation_id_speaker", "turns", ["conversation_id", "speaker"])
    op.create_table(
        "files",
        sa.Column("file_id", sa.String, nullable=False),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mime_type", sa.String, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("file_id", name="pk_files"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.conversation_id"],
            name="fk_files_conversation_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_files_conversation_id", "files", ["conversation_id"])
