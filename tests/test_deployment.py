"""The Dockerfile and the compose file, as far as they can be checked without a Docker engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from store.job_kinds import QUEUES

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FILES = ("docker-compose.yml", "docker-compose.tls.yml")
COMPOSE, TLS = (yaml.safe_load((ROOT / name).read_text()) for name in FILES)
CONTAINERS: dict[str, dict[str, Any]] = TLS["services"] | COMPOSE["services"]
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
    assert {"tests", "benchmarks"} <= rooms - SOURCES
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


def test_compose_files_are_valid() -> None:
    """Both files follow the schema of the Compose specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run(
        [*command, *(ROOT / name for name in FILES)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_containers_can_change_little() -> None:
    """Each container has a read-only root, no capability but the proxy's port, and limits of memory and
    processes."""
    for name, container in CONTAINERS.items():
        assert container["read_only"] is True, name
        assert container["cap_drop"] == ["ALL"], name
        assert container.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else []), name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        assert container["mem_limit"], name
        assert 0 < container["pids_limit"] <= 4096, name


def test_images_are_pinned() -> None:
    """Images of others are named with their minor version, and those of the project are not run by root."""
    images = [container["image"] for container in CONTAINERS.values() if "image" in container]
    images += re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) == 5
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []
    for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE):
        assert ("CMD [" not in stage) or ("USER fewpairs" in stage)


def test_no_password_has_a_default() -> None:
    """Compose refuses to start without both passwords, and Redis asks for its own."""
    text = "".join((ROOT / name).read_text() for name in FILES)
    passwords = re.findall(r"\$\{(\w*PASSWORD)(.*?)\}", text)
    assert {name for name, _ in passwords} == {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}
    assert {default for _, default in passwords} == {":?"}
    assert '--requirepass "$$REDISCLI_AUTH"' in CONTAINERS["redis"]["command"][-1]


def test_only_the_proxy_is_believed() -> None:
    """The service trusts the address that the proxy has, and only the proxy's ports are open to others."""
    service, proxy = CONTAINERS["service"], CONTAINERS["proxy"]
    address = proxy["networks"]["front"]["ipv4_address"]
    assert TLS["services"]["service"]["environment"]["FEWPAIRS_TRUSTED_PROXIES"] == address
    assert [port.split(":")[0] for port in service["ports"]] == ["127.0.0.1"]
    assert [name for name, each in CONTAINERS.items() if "ports" in each] == ["service", "proxy"]
