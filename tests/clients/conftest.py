"""One server with a key, TLS and a scripted language model for all clients, and the runs of their scripts."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from parley.audio import files
from tests.clients.environments import Seen, run
from tests.clients.model import answer
from tests.clients.site import site
from tests.clients.table import SCRIPTS
from tests.conftest import Clip, RunningServer, start_server, stop_server
from tests.looking import unexpected
from tests.wild.scripted import ScriptedServer, running

KEY = "a-key-of-the-owner"
Runs = dict[str, Future[list[Seen]]]
"""What each client's script saw or will see, by its folder."""
_AT_ONCE = 2
_LIMIT_S = 240


@dataclass(frozen=True)
class Host:
    """The server, what tells its certificate, and the origin whose pages are let in."""

    server: RunningServer
    certificate: Path
    origin: str


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Log, certificate and question; in `pages`, what another origin shows."""
    found = tmp_path_factory.mktemp("clients")
    (found / "pages").mkdir()
    return found


@pytest.fixture(scope="session")
def host(folder: Path) -> Iterator[Host]:
    """A server with TLS: the Node SDK talks to wss alone, whatever its base URL says, and so all talk to this one."""
    log, certificate = folder / "serve.log", folder / "server.pem"
    # Every user's words have a blank, so that the model answers them all.
    with running(ScriptedServer({" ": answer})) as model, site(folder / "pages") as origin:
        process, server = start_server(
            log, PARLEY_LLM_BASE_URL=model.url, PARLEY_LLM="scripted", PARLEY_API_KEY=KEY, PARLEY_TLS="1",
            PARLEY_HOST="127.0.0.1", PARLEY_ALLOWED_ORIGINS=f'["{origin}"]', PARLEY_ADMISSION_WAIT_S="60",
        )  # fmt: skip
        try:
            address = urlsplit(server.url)
            certificate.write_text(ssl.get_server_certificate((str(address.hostname), int(address.port or 443))))
            yield Host(server, certificate, origin)
        finally:
            stop_server(process, server)
    assert not unexpected(log.read_text(errors="replace"))


@pytest.fixture(scope="session")
def runs(host: Host, folder: Path, question: Clip, request: pytest.FixtureRequest) -> Iterator[Runs]:
    """The scripts of the clients that were asked for, some at a time: most of their time, they listen and speak."""
    recording = folder / "question.wav"
    files.write(recording, question.samples(24000), 24000)
    environ = {
        "OPENAI_BASE_URL": f"{host.server.url}/v1",
        "OPENAI_API_KEY": KEY,
        "QUESTION": str(recording),
        "SSL_CERT_FILE": str(host.certificate),
        "NODE_EXTRA_CA_CERTS": str(host.certificate),
    }
    names = " ".join(item.name for item in request.session.items)
    pool = ThreadPoolExecutor(_AT_ONCE)
    yield {c.folder: pool.submit(run, c.folder, environ, _LIMIT_S) for c in SCRIPTS if f"[{c.folder}]" in names}
    pool.shutdown(cancel_futures=True)
