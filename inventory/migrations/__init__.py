"""Alembic's migrations of the store: one module for each release that changed the tables, never edited afterwards."""
