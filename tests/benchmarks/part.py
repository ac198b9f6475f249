"""A part of `benchmarks.gpu` that writes one row and then ends in the way that its first argument names."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    ending, *_, out = sys.argv[1:]
    Path(out).write_text(json.dumps({"rows": [{"ending": ending}]}))
    if ending == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if ending == "error":
        raise ValueError("it does not work")
    if ending == "missing":
        import no_such_package  # type: ignore[import-not-found]  # noqa: F401
    if ending == "slow":
        time.sleep(600)


if __name__ == "__main__":
    main()
