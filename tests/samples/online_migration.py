"""add an age to orders and messages

A migration as one would write it for a hub that works: it adds columns, fills them and builds indexes, up and down.
"""

import sqlalchemy as sa

from hub.kit import online_migrations as online

revision = "sample_online"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = {"orders": ("order_id", "updated_at"), "inbound_messages": ("message_id", "received_at")}
"""The worker writes the one, the API the other: table -> its key, and what the new column is filled from."""


def upgrade() -> None:
    """Add, fill, index."""
    for table, (key, source) in TABLES.items():
        online.add_column(table, sa.Column("sample_year", sa.Integer(), nullable=True))
        online.backfill(
            table, key=key, assign=f"sample_year = CAST(substr(CAST({source} AS text), 1, 4) AS integer)",
            missing="sample_year IS NULL",
        )  # fmt: skip
        online.create_index(f"ix_{table}_sample_year", table, ["sample_year"], where="sample_year > 2000")


def downgrade() -> None:
    """Undo: add, fill, index."""
    for table in TABLES:
        online.drop_index(f"ix_{table}_sample_year", table)
        online.drop_column(table, "sample_year")
