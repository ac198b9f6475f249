"""`python -m worker --queues cpu,embed,gpu`"""

import argparse
import sys

from store.database import SchemaMismatch
from store.job_kinds import QUEUES
from store.settings import settings_or_exit
from worker.app import listen, queue_list


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Work on the jobs of some queues.")
    parser.add_argument(
        "--queues",
        type=queue_list,
        default=list(QUEUES),
        help=f"some of {','.join(QUEUES)} (default: all)",
    )
    queues = parser.parse_args().queues
    try:
        return listen(settings_or_exit(), queues)
    except SchemaMismatch as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
