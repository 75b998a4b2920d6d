"""`python -m viewer`: reads the settings and serves the page."""

import sys

from runtime.service import run_service
from viewer.service import serve
from viewer.settings import ViewerSettings

if __name__ == "__main__":
    sys.exit(run_service("viewer", ViewerSettings, serve))
