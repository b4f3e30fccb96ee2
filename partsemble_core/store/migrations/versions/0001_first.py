"""The first schema, as SQL of each database: what CHECKs and triggers say differs between them.

Statements are parted by lines of ``--;;``. The scripts are frozen; changes are migrations of their own.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    bind = op.get_bind()
    script = Path(__file__).with_name(f"0001_first.{bind.dialect.name}.sql").read_text(encoding="utf-8")
    for statement in script.split("--;;\n"):
        if statement.strip():
            bind.exec_driver_sql(statement, execution_options={"no_parameters": True})
