"""Brings a database to the tables this version expects, and is quick when there is nothing to do.

Alembic is imported only when an older database has to be migrated: a server must be ready within a second.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from parola.errors import StoreError
from parola.store.database import Database
from parola.store.tables import HEAD, metadata

MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(connection: Connection, database: Database) -> None:
    """Create the tables of an empty database, migrate an older one. Raises ``StoreError`` for a newer one."""
    database.before_tables(connection)
    version = _version(connection)
    if not version:
        create(connection)
    elif version != HEAD:
        migrate(connection)
    database.after_tables(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def create(connection: Connection) -> None:
    """The version comes last: what was cut short is completed by the next start."""
    metadata.create_all(connection)
    version = "version_num VARCHAR(32) NOT NULL PRIMARY KEY"
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS alembic_version ({version})"))
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"The database is of a newer version of Parola, or damaged: {error}") from error
