"""The knowledge base."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "knowledge_documents",
        sa.Column("document_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("parent_folder_id", sa.String, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("source", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_knowledge_documents"),
    )
    for sort in ("created_at", "name_key"):
        op.create_index(f"ix_knowledge_documents_{sort}_document_id", "knowledge_documents", [sort, "document_id"])
    op.create_index("ix_knowledge_documents_parent_folder_id", "knowledge_documents", ["parent_folder_id"])
    op.create_table(
        "knowledge_texts",
        sa.Column("document_id", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_knowledge_texts"),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["knowledge_documents.document_id"],
            name="fk_knowledge_texts_document_id",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "rag_indexes",
        sa.Column("index_id", sa.String, nullable=False),
        sa.Column("document_id", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("used_bytes", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("index_id", name="pk_rag_indexes"),
        sa.UniqueConstraint("document_id", "model", name="uq_rag_indexes_document_id_model"),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["knowledge_documents.document_id"],
            name="fk_rag_indexes_document_id",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "knowledge_chunks",
        sa.Column("chunk_id", sa.String, nullable=False),
        sa.Column("index_id", sa.String, nullable=False),
        sa.Column("document_id", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("chunk_id", name="pk_knowledge_chunks"),
        sa.ForeignKeyConstraint(
            ["index_id"], ["rag_indexes.index_id"], name="fk_knowledge_chunks_index_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_knowledge_chunks_index_id", "knowledge_chunks", ["index_id"])
    op.create_index(
        "ix_knowledge_chunks_model_document_id_position", "knowledge_chunks", ["model", "document_id", "position"]
    )
