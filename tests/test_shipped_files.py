"""What ships beside the sources: configurations that are read, stubs that are fresh."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from parley.config import load
from parley.workers.process import describe
from parley.workers.settings import read_settings
from tests.families.environments import families

ROOT = Path(__file__).parent.parent


def test_the_servers_configuration_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "PARLEY_PORT"):
        monkeypatch.delenv(name, raising=False)
    config = load(ROOT / "configs" / "orchestrator.yaml")
    assert config.has_workers
    assert config.tts == "hibari-heart"


def test_the_workers_configuration_is_read_and_its_models_are_known() -> None:
    path = ROOT / "configs" / "worker.yaml"
    settings = read_settings(path.read_text(), str(path))
    specs, offers = describe(settings)
    assert settings.default_model_id in specs
    assert set(settings.preload_model_ids) <= set(specs)
    assert {o.kind for o in offers.values()} == {"tts", "asr"}


def test_compose_starts_redis_a_server_and_a_worker() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert set(services) == {"redis", "server", "worker"}
    for name in ("server", "worker"):
        assert (ROOT / services[name]["build"]["dockerfile"]).exists()


def test_each_heavy_family_has_an_image_and_a_recipe_that_starts_its_worker() -> None:
    dockerfile, recipes = (ROOT / "deploy" / "Dockerfile").read_text(), (ROOT / "justfile").read_text()
    assert re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE) == ["base", "family", "server"]
    usual = re.search(r"^ARG FAMILY=(\w+)$", dockerfile, re.MULTILINE)
    assert usual is not None
    assert usual[1] in families()
    for family in families():
        assert re.search(rf"^run-\w+-[\w-]+ MODEL=.*\(family \"{family}\"\)$", recipes, re.MULTILINE), family


def test_the_stubs_of_the_worker_interface_are_fresh(tmp_path: Path) -> None:
    protos = sorted((ROOT / "proto").rglob("*.proto"))
    plugins = {name: shutil.which(name, path=str(Path(sys.executable).parent)) for name in PLUGINS}
    command = [
        sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", f"--python_out={tmp_path}",
        f"--grpc_python_out={tmp_path}", f"--mypy_out=quiet:{tmp_path}", f"--mypy_grpc_out=quiet:{tmp_path}",
        *(f"--plugin={name}={path}" for name, path in plugins.items() if path), *map(str, protos),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    made = {p.name: p.read_text() for p in (tmp_path / "parley" / "v1").iterdir()}
    kept = {p.name: p.read_text() for p in (ROOT / "src/parley/v1").glob("*_pb2*")}
    assert made == kept, "run: just gen-proto"


PLUGINS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_tables_of_the_documentation_are_as_the_code_says(page: Path) -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    text = page.read_text(encoding="utf-8")
    assert text == generate["filled"](text), "run 'just gen-docs'"
    assert text.count("<!-- generated: ") == text.count("<!-- end of generated -->")


def test_the_architecture_names_every_folder_of_the_source() -> None:
    source = ROOT / "src" / "parley"
    folders = {f"`{p.relative_to(source)}/`" for p in source.rglob("*") if p.is_dir() and not p.name.startswith("__")}
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert not [folder for folder in sorted(folders) if folder not in told]
