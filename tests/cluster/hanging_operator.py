"""The operator, and a way to make its event loop hang: SIGUSR2, for as long as a file is there.

Signal handlers run in the main thread, and so does the loop.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from homelab_netpol.cli.main import main

HANG_WHILE = "HANG_WHILE_THERE_IS"

if __name__ == "__main__":
    file = Path(os.environ[HANG_WHILE])

    def hang(*_: object) -> None:
        while file.exists():
            time.sleep(0.01)

    signal.signal(signal.SIGUSR2, hang)
    main()
