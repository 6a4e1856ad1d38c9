"""${message}

Revision ${up_revision}, made ${create_date.date()}.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
from hub.kit import types

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo: ${message}."""
    ${downgrades if downgrades else "pass"}
