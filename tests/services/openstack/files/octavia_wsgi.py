"""Octavia's API for uwsgi: Debian's packages have no script for it."""
from octavia.api import app

application = app.setup_app(argv=["octavia-api"])
