"""Tells the outside what was found: metrics, pages, evidence, tables. Never decides."""
