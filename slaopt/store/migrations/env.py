"""Run the steps in the transaction that `slaopt.store.schema` has begun."""

from alembic import context

from slaopt.store.tables import VERSION, metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION)
with context.begin_transaction():
    context.run_migrations()
