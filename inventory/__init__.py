"""The nouns: records, coverage, networks, identity, placement, ownership and time. Imports no other room."""
