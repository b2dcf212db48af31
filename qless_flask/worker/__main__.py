"""`python -m qless_flask.worker`: one process of a pool, started by its parent."""

import logging
import os
import sys

from qless_flask.worker.child import main

if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # Functions that would not end are left in their threads, so that nobody waits for them.
    os._exit(code)
