"""The source list: what is refused, and that the row is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.errors import UsageError
from parley.train.settings import OPEN_LICENCES
from parley.train.sources import listed
from tests.train.conftest import HEAD


def written(folder: Path, rows: str, head: str = HEAD) -> Path:
    (folder / "sounds" / "deep").mkdir(parents=True)
    for name in ("b.wav", "a.flac", "notes.txt", "deep/c.mp3"):
        (folder / "sounds" / name).write_bytes(b"x")
    path = folder / "sources.csv"
    path.write_text(head + rows, encoding="utf-8")
    return path


def test_a_folder_gives_its_recordings_in_order_at_any_depth(tmp_path: Path) -> None:
    found = listed(
        written(tmp_path, "sounds,CC0-1.0,given,English,ann\nsounds/b.wav,CC-BY-4.0,given,te,\n"),
        OPEN_LICENCES,
        tmp_path,
    )
    assert [Path(c.audio).name for c in found] == ["a.flac", "b.wav", "c.mp3", "b.wav"]
    assert [c.id for c in found] == ["000000", "000001", "000002", "000003"]
    assert [(c.licence, c.language, c.speaker) for c in found[2:]] == [
        ("CC0-1.0", "en", "ann"),
        ("CC-BY-4.0", "te", ""),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("sounds,,given,en,\n", ":2: licence: is empty"),
        ("sounds,CC0-1.0,,en,\n", ":2: consent: is empty"),
        (",CC0-1.0,given,en,\n", ":2: source: is empty"),
        ("sounds,CC0-1.0,given,en,\nsounds,CC-BY-NC-4.0,given,en,\n", ":3: licence: 'CC-BY-NC-4.0' is not allowed"),
        ("sounds,CC0-1.0,given,Klingonese,\n", ":2: language: 'klingonese' is no language"),
        ("sounds,CC0-1.0,given,auto,\n", ":2: language: is to be one language"),
        ("nowhere,CC0-1.0,given,en,\n", "nowhere does not exist"),
        ("", "no source is listed"),
    ],
)
def test_a_row_that_may_not_be_used_is_named(rows: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as fault:
        listed(written(tmp_path, rows), OPEN_LICENCES, tmp_path)
    assert message.lower() in str(fault.value).lower()


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the column consent is missing"):
        listed(written(tmp_path, "sounds,CC0-1.0,en,\n", "source,licence,language,speaker\n"), OPEN_LICENCES, tmp_path)


def test_the_settings_say_which_licences_are_allowed(tmp_path: Path) -> None:
    path = written(tmp_path, "sounds,CC-BY-NC-4.0,given,en,\n")
    assert len(listed(path, ["CC-BY-NC-4.0"], tmp_path)) == 3
