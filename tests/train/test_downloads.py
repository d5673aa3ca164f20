"""Recordings at addresses, on a real server of the test's own: what is fetched, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from parley.audio import files
from parley.errors import UsageError
from parley.models.fakes import tone
from parley.train import downloads
from parley.train.downloads import Fetched, fetched
from parley.train.settings import OPEN_LICENCES
from parley.train.sources import listed
from tests.train.conftest import HEAD


class Site:
    """Serves a folder, and keeps what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        site = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                site.asked.append(f"{self.command} {self.path}")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    files.write(folder / "talk.wav", tone(1.0, 16000), 16000)
    made = Site(folder)
    yield made
    made.close()


def test_a_recording_is_fetched_once_with_a_note_of_where_it_is_from(site: Site, tmp_path: Path) -> None:
    lines: list[str] = []
    path = fetched(f"{site.url}/talk.wav", "CC0-1.0", tmp_path / "work", lines.append)
    assert path.read_bytes() == (site.folder / "talk.wav").read_bytes()
    noted = msgspec.json.decode((path.parent / "fetched.json").read_bytes(), type=Fetched)
    assert (noted.source, noted.file, noted.site_licence) == (f"{site.url}/talk.wav", path.name, "")
    assert lines == [f"fetching {site.url}/talk.wav"]
    site.asked.clear()
    assert fetched(f"{site.url}/talk.wav", "CC0-1.0", tmp_path / "work", lines.append) == path
    assert site.asked == []
    path.unlink()
    assert fetched(f"{site.url}/talk.wav", "CC0-1.0", tmp_path / "work", lines.append).is_file()


def test_what_robots_txt_forbids_is_not_asked_for(site: Site, tmp_path: Path) -> None:
    (site.folder / "robots.txt").write_text("User-agent: parley\nDisallow: /talk\n\nUser-agent: *\nDisallow:\n")
    with pytest.raises(UsageError, match=r"does not want programs to read this \(robots\.txt\)"):
        fetched(f"{site.url}/talk.wav", "CC0-1.0", tmp_path / "work", lambda _: None)
    assert site.asked == ["GET /robots.txt"]
    (site.folder / "robots.txt").write_text("User-agent: other\nDisallow: /\n")
    assert fetched(f"{site.url}/talk.wav", "CC0-1.0", tmp_path / "work", lambda _: None).is_file()


@pytest.mark.parametrize(
    ("site_says", "licence", "fits"),
    [
        ("", "CC0-1.0", True),
        ("Creative Commons Attribution license (reuse allowed)", "CC-BY-4.0", True),
        ("Creative Commons Attribution license (reuse allowed)", "CC0-1.0", False),
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0", True),
        ("http://creativecommons.org/licenses/by-sa/3.0/", "CC-BY-SA-3.0", True),
        ("http://creativecommons.org/licenses/by-nc/4.0/", "CC-BY-4.0", False),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0", True),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "public-domain", True),
        ("Standard YouTube License", "CC-BY-4.0", False),
        ("CC-BY-4.0", "CC-BY-4.0", True),
    ],
)
def test_a_site_that_tells_another_licence_is_believed(site_says: str, licence: str, fits: bool) -> None:
    if fits:
        downloads._check_licence(site_says, licence)
        return
    with pytest.raises(UsageError, match=f"licence: the list says '{licence}', and the site"):
        downloads._check_licence(site_says, licence)


def test_rows_are_told_apart_and_nothing_is_fetched_before_all_are_right(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "sources.csv"
    row = f"{site.url}/talk.wav,CC0-1.0,given,en,ann\n"
    path.write_text(f"{HEAD}{row}nowhere,CC0-1.0,given,en,\n")
    with pytest.raises(UsageError, match=r":3: source: .*nowhere does not exist"):
        listed(path, OPEN_LICENCES, tmp_path / "work")
    assert site.asked == []
    path.write_text(f"{HEAD}{row}site,CC0-1.0,given,en,\n")
    first, second = listed(path, OPEN_LICENCES, tmp_path / "work")
    assert (first.source, first.speaker) == (f"{site.url}/talk.wav", "ann")
    assert Path(first.audio).parent.parent == tmp_path / "work"
    assert Path(second.audio) == site.folder / "talk.wav"


@pytest.mark.parametrize(
    ("address", "said"), [("/missing.wav", "it cannot be fetched: .*404"), ("/", "it cannot be fetched")]
)
def test_what_is_no_recording_is_named_with_its_row(site: Site, address: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "sources.csv"
    path.write_text(f"{HEAD}{site.url}{address},CC0-1.0,given,en,\n")
    with pytest.raises(UsageError, match=f":2: {site.url}{address}: {said}"):
        listed(path, OPEN_LICENCES, tmp_path / "work")


def test_a_site_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:9 cannot be reached"):
        fetched("http://127.0.0.1:9/a.wav", "CC0-1.0", tmp_path, lambda _: None)
