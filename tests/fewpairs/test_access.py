"""`login`, `key` and `user`, as commands and from Python."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fewpairs import Client, FewpairsError
from fewpairs.cli import app
from fewpairs.credentials import key_of
from migrations import upgrade
from store import principals
from store.database import Database
from store.settings import Settings
from tests.processes import free_port
from tests.service.serving import serve

PASSWORD = "four words of hers"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service without workers, which these commands do not need."""
    with serve(Settings(data_dir=tmp_path_factory.mktemp("data"), broker_url="memory://")) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the keys of a user who has none yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def run(address: str | None, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, words, env={"FEWPAIRS_SERVER": address}, input=typed)


def printed(result: Result) -> str:
    """What a command printed, without the log of the service, which runs in the same process."""
    return "\n".join(line for line in result.stdout.splitlines() if "request_id=" not in line)


def new_user(address: str) -> str:
    name = f"ana {uuid.uuid4()}"
    made = run(address, "user", "create", name, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    return name


def test_a_login_is_kept_until_its_key_is_revoked(
    address: str, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is exchanged for a key in a file that only the user can read; it is used from then on."""
    name = new_user(address)
    monkeypatch.delenv("FEWPAIRS_API_KEY")
    assert run(address, "pool", "list").exit_code == 1
    wrong = run(None, "login", address, "--name", name, typed="four wrong words\n")
    assert (wrong.exit_code, key_of(address)) == (1, None)
    done = run(None, "login", address, "--name", name, typed=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert name in done.output
    [file] = [path for path in own_folder.rglob("*") if path.is_file()]
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()
    assert Client(address).me()["name"] == name
    [key] = json.loads(printed(run(address, "key", "list", "--json")))
    assert run(address, "key", "revoke", key["prefix"]).exit_code == 0
    assert run(address, "pool", "list").exit_code == 1


def test_a_key_is_printed_once_and_says_who_asks(address: str) -> None:
    """`key create` prints the key alone; `login` takes it in place of a password, and `key list` hides it."""
    name = f"program {uuid.uuid4()}"
    key = printed(run(address, "user", "create", name, "--key"))
    with Client(address, key) as client:
        assert client.me()["name"] == name
        with pytest.raises(FewpairsError, match="administrator"):
            list(client.users())
    listed = run(address, "key", "list", "--user", name).output
    assert key[:11] in listed
    assert key not in listed
    assert name in run(None, "login", address, "--name", "", typed=f"{key}\n").output


def test_a_user_is_disabled_and_gets_a_new_password(address: str) -> None:
    """A disabled user is out until that is undone; an administrator sets a password without the old one."""
    name = new_user(address)
    key = printed(run(address, "key", "create", "test", "--user", name))
    assert run(address, "user", "disable", name).exit_code == 0
    with pytest.raises(FewpairsError, match="not valid"):
        Client(address, key).me()
    assert run(address, "user", "disable", name, "--undo").exit_code == 0
    assert Client(address, key).me()["name"] == name
    changed = run(address, "user", "password", name, typed="four other words\nfour other words\n")
    assert changed.exit_code == 0, changed.output
    assert name in run(address, "user", "list").output


def test_the_first_administrator_is_made_without_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no service runs, the account is made in the database of the settings, with a key if asked."""
    monkeypatch.setenv("FEWPAIRS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("fewpairs.transport.DEFAULT_SERVER", f"http://127.0.0.1:{free_port()}")
    assert "fewpairs migrate" in run(None, "user", "create", "ana", "--admin", "--key").output
    database = Database(Settings().database)
    upgrade(database.url)
    made = run(None, "user", "create", "ana", "--admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    assert run(None, "user", "create", "ana", "--admin", "--key").stdout.startswith("fp_")
    assert run(None, "user", "create", "ben").exit_code == 1
    with database.read() as session:
        assert principals.has_admin(session)
        assert principals.account(session, "ben") is None
    database.close()
