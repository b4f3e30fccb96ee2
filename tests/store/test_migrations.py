from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.schema import CheckConstraint

from partsemble_core.store.database import migrate, open_engine
from partsemble_core.store.everything import metadata

# Says that it is ready, waits for the word, migrates.
MIGRATE = """
import sys
from partsemble_core.store.database import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(sys.argv[1])
"""


def schema_of(url: str) -> dict[str, Any]:
    """Columns, constraints and indexes of every table, and the migration that it stands at."""
    engine = open_engine(url)
    try:
        seen = sa.inspect(engine)
        with engine.connect() as connection:
            version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
        return {
            "version": version,
            "tables": {
                name: (
                    [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(name)],
                    sorted(str(c["name"]) for c in seen.get_check_constraints(name)),
                    sorted(str(c["name"]) for c in seen.get_unique_constraints(name)),
                    sorted(str(c["name"]) for c in seen.get_foreign_keys(name)),
                    sorted(str(c["name"]) for c in seen.get_indexes(name)),
                )
                for name in sorted(seen.get_table_names())
            },
        }
    finally:
        engine.dispose()


def test_an_empty_database_becomes_whole(empty_database_url: str) -> None:
    migrate(empty_database_url)
    schema = schema_of(empty_database_url)
    assert sorted(schema["tables"]) == sorted([*metadata.tables, "alembic_version"])
    assert schema["version"] == ["0001"]


def test_migrating_again_changes_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url)
    before = schema_of(empty_database_url)
    migrate(empty_database_url)
    assert schema_of(empty_database_url) == before


def test_two_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert schema_of(empty_database_url)["version"] == ["0001"]


def test_the_models_ask_for_nothing_that_the_migrations_did_not_make(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_database_keeps_exactly_the_checks_that_the_models_declare(engine: sa.Engine) -> None:
    """What compare_metadata doesn't look at: names and wording of the CHECKs."""
    seen = sa.inspect(engine)
    kept = {str(check["name"]) for table in metadata.tables for check in seen.get_check_constraints(table)}
    assert kept == declared_checks(engine.dialect)


def declared_checks(dialect: sa.Dialect) -> set[str]:
    """Names of the CHECKs of the models that are meant for ``dialect``."""
    return {
        str(constraint.name)
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
        and (constraint._ddl_if is None or constraint._ddl_if.dialect == dialect.name)
    }
