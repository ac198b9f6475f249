"""`python -m models.encoders NAME` finds or downloads an encoder's weights, or exits with 1 and a reason."""

import argparse
import logging
import sys
from pathlib import Path

from models.encoders.networks import ARCHITECTURES
from models.encoders.supplied import default_cache_dir
from models.encoders.weights import WeightsUnavailable, weights_file


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.encoders", description=__doc__)
    parser.add_argument("name", choices=list(ARCHITECTURES))
    parser.add_argument("--weights", type=Path, help="a weights file to use instead of the ImageNet ones")
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.WARNING)
    logging.getLogger("models").setLevel(logging.INFO)  # how far a download is
    try:
        path, digest = weights_file(arguments.name, arguments.weights, default_cache_dir())
    except WeightsUnavailable as error:
        sys.exit(str(error))
    sys.stdout.write(f"{path}\nSHA-256 {digest}\n")


if __name__ == "__main__":
    main()
