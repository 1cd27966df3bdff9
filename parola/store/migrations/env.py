"""Runs the migrations on the connection it is given. For writing a new one, see ``CONTRIBUTING.md``."""

from alembic import context

from parola.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
