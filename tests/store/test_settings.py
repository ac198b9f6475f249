"""Settings: wrong ones are named before anything starts, and misspelt ones are pointed out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.settings import Settings, WrongSettings, misspelt, read_settings, variable

PROGRAMS = ("service", "worker", "migrations", "store.settings")


def started(program: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", program],
        env=os.environ | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_names_its_wrong_settings_and_does_not_start(program: str, tmp_path: Path) -> None:
    """The output is one sentence for each wrong variable, the exit code is 1, and no file is written."""
    ended = started(program, tmp_path, FEWPAIRS_PORT="abc", FEWPAIRS_DEVICE="gpu")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "FEWPAIRS_DEVICE=gpu: give one of auto, cpu, cuda.",
        "FEWPAIRS_PORT=abc: give a whole number, at least 0 and at most 65535.",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "65536", "at least 0 and at most 65535"),
        ("PORT", "8000.5", "a whole number"),
        ("MAX_IMAGE_PIXELS", "900000000", "at least 1 and at most 250000000"),
        ("MAX_IMAGE_BYTES", "0", "a whole number, at least 1."),
        ("EMBED_CHUNK", "-4", "at least 1"),
        ("MAX_ATTEMPTS", "0", "at least 1"),
        ("LEASE_S", "0", "a number, more than 0"),
        ("ANSWER_WAIT_S", "-1", "at least 0"),
        ("ANSWER_WAIT_S", "inf", "at most 300"),
        ("JOB_DEADLINE_S", "nan", "more than 0"),
        ("ENCODER", "foo", "give resnet50, efficientnet_lite0, efficientnet_lite1"),
        ("BLOB_URL", "s3://x", "file:///ABSOLUTE/FOLDER"),
        ("BLOB_URL", "file://data/blobs", "file:///ABSOLUTE/FOLDER"),
        ("BROKER_URL", "127.0.0.1:6379", "redis://HOST:PORT/NUMBER"),
        ("BROKER_URL", "redis://host:port/0", "redis://HOST:PORT/NUMBER"),
        ("TRUSTED_PROXIES", "*", "give addresses and networks"),
        ("TRUSTED_PROXIES", "10.0.0.2, proxy", "give addresses and networks"),
        ("TRUSTED_PROXIES", "10.0.0.2/24", "give addresses and networks"),
        ("DATABASE_URL", "postgres://host/name", "postgresql+psycopg://USER"),
        ("DATABASE_URL", "postgresql+psycopg2://host/name", "postgresql+psycopg://USER"),
        ("DATABASE_URL", "postgresql://host:port/name", "postgresql+psycopg://USER"),
        ("DATABASE_URL", "sqlite://", "sqlite:////FOLDER/FILE.db"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_may_be(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence begins with the variable and its value, and says which values are possible."""
    monkeypatch.setenv(f"FEWPAIRS_{name}", value)
    with pytest.raises(WrongSettings) as raised:
        read_settings()
    assert str(raised.value).startswith(f"FEWPAIRS_{name}={value}: ")
    assert says in str(raised.value)


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong URL is shown without its user and password."""
    monkeypatch.setenv("FEWPAIRS_DATABASE_URL", "postgres://me:se/c@ret@host/name")
    with pytest.raises(WrongSettings, match=r"FEWPAIRS_DATABASE_URL=postgres://\*\*\*@host/name: "):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("BROKER_URL", "rediss://user:password@[::1]:6380/2"),
        ("BLOB_URL", "file:///mnt/blobs"),
        ("DATABASE_URL", "sqlite:////mnt/fewpairs.db"),
        ("DATABASE_URL", "postgresql://host/name"),
        ("ENCODER", "timm:resnet18"),
        ("MAX_IMAGE_PIXELS", "250000000"),
    ],
)
def test_a_valid_value_is_accepted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values at the limits of what is possible are accepted."""
    monkeypatch.setenv(f"FEWPAIRS_{name}", value)
    assert str(getattr(read_settings(), name.lower())) == value


def test_every_number_has_a_least_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """No number may be negative."""
    numbers = [name for name, field in Settings.model_fields.items() if field.annotation in (int, float)]
    assert len(numbers) > 10
    for name in numbers:
        with monkeypatch.context() as patch:
            patch.setenv(variable(name), "-1")
            with pytest.raises(WrongSettings, match=f"{variable(name)}=-1: "):
                read_settings()


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable without a value leaves the default."""
    for name in Settings.model_fields:
        monkeypatch.setenv(variable(name), "")
    settings = read_settings()
    assert settings.model_fields_set == set()
    assert (settings.port, settings.encoder, settings.resnet50_weights) == (8000, "resnet50", None)


def test_a_misspelt_variable_is_pointed_out(tmp_path: Path) -> None:
    """The program starts, and a warning names the variable that was probably meant."""
    ended = started("migrations", tmp_path, FEWPAIRS_PROT="8001", FEWPAIRS_SERVER="http://host")
    assert ended.returncode == 0
    warnings = [line for line in ended.stderr.splitlines() if "no setting" in line]
    assert warnings == ["FEWPAIRS_PROT is no setting and is ignored: did you mean FEWPAIRS_PORT?"]


def test_a_variable_like_no_setting_is_pointed_out() -> None:
    """Where no setting has a similar name, the warning says where all of them are listed."""
    assert list(misspelt({"FEWPAIRS_XYZZY": "1", "PATH": "/", "fewpairs_port": "1"})) == [
        "FEWPAIRS_XYZZY is no setting and is ignored: docs/operate.md lists all settings."
    ]


def test_the_reader_prints_values_and_which_are_set(tmp_path: Path) -> None:
    """`python -m store.settings` gives every setting as JSON, and the names of the ones that are set."""
    ended = started("store.settings", tmp_path, FEWPAIRS_PORT="8001", FEWPAIRS_DATA_DIR="/mnt/data")
    report = json.loads(ended.stdout)
    assert report["values"].keys() == Settings.model_fields.keys()
    assert (report["values"]["port"], report["values"]["data_dir"]) == (8001, "/mnt/data")
    assert {"port", "data_dir"} <= set(report["set"])
    assert "host" not in report["set"]
