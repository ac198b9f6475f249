"""The Dockerfile and the compose file, as far as they can be checked without a Docker engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from store.jobs import QUEUES

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
COPIED = set(re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE))
SOURCES = {source for line in COPIED for source in line.split()}


def served(profile: str) -> list[str]:
    """The queues that the workers of a profile serve, sorted."""
    commands = [
        service["command"]
        for service in COMPOSE["services"].values()
        if profile in service.get("profiles", ())
    ]
    return sorted(queue for command in commands for queue in command[-1].split(","))


def test_what_the_images_copy_exists_and_is_not_ignored() -> None:
    """Every file and folder that the Dockerfile copies is in the project and let through by .dockerignore."""
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    assert admitted == SOURCES
    assert [source for source in SOURCES if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("room", ["service", "worker"])
def test_an_image_has_every_room_that_it_imports(room: str) -> None:
    """The service and every handler of the worker load without the project's rooms that are not copied."""
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {"scenes", "tests", "benchmarks"} <= rooms - SOURCES
    code = (
        "import importlib, pkgutil, sys\n"
        f"sys.modules.update(dict.fromkeys({rooms - SOURCES}))\n"
        f"package = importlib.import_module({room!r})\n"
        f"for module in pkgutil.walk_packages(package.__path__, {room + '.'!r}):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_compose_builds_images_that_exist() -> None:
    """Every image that the compose file builds is a stage of the Dockerfile."""
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    built = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    assert built == {"service", "worker-cpu", "worker-gpu"}
    assert built <= stages


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_each_profile_serves_every_queue_once(profile: str) -> None:
    """With either profile each queue has one worker, and no worker starts without a profile."""
    assert served(profile) == sorted(QUEUES)
    unbound = [name for name, service in COMPOSE["services"].items() if not service.get("profiles")]
    assert sorted(unbound) == ["migrate", "postgres", "redis", "service"]
