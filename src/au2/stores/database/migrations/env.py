"""Runs migrations on the connection that ``Database.migrate`` hands over."""

from alembic import context

from au2.stores.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
