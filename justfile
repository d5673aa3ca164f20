# The recipes of the project; `just --list` shows them. They use .venv where there is one.

set shell := ["bash", "-euo", "pipefail", "-c"]
# Hundreds of processes start in the tests: none should compile its modules anew
export PYTHONDONTWRITEBYTECODE := ""
export PATH := justfile_directory() / ".venv/bin" + ":" + env("PATH") + ":/usr/sbin:/sbin"

# Format, lint, import direction, circles of imports, long files
lint:
    ruff format --check .
    ruff check .
    lint-imports
    python -m tests.structure

# Mend what can be mended by itself
fix:
    ruff format .
    ruff check --fix .

# Types of sources and tests
typecheck:
    mypy

# What the tests need of the system: browsers, sound, Redis, namespaces. Debian's packages; elsewhere playwright's browser
system:
    for command in chromium firefox-esr pulseaudio redis-server turnserver ip iptables; do command -v $command >/dev/null || missing=1; done; [ -z "${missing:-}" ] \
      || (command -v apt-get >/dev/null && $([ "$(id -u)" = 0 ] || echo sudo) sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium firefox-esr pulseaudio redis-server coturn iproute2 iptables >/dev/null') \
      || command -v chromium-browser google-chrome >/dev/null || playwright install --with-deps chromium

# Redis for trying out workers, in the foreground
redis:
    redis-server --port 6379 --save ""

# All tests but those of the next four, each kind of long run once
test *ARGS: system
    python -m tests.side_by_side {{ARGS}}

# The page, in real browsers
pages *ARGS: system
    pytest tests/pages {{ARGS}}

# What the world does to a server: misbehaving models and clients, nonsense. Prints a table: case, on the release before, now
wild *ARGS: system
    pytest tests/wild {{ARGS}}

# Networks and workers that fail, in network namespaces
faults *ARGS: system
    pytest tests/faults {{ARGS}}

# Foreign clients, unchanged, each in an environment of its own; needs Node and, the first time, a network
clients *ARGS: system install-clients
    pytest tests/clients {{ARGS}}

# The environments of the foreign clients, into .venv-clients
install-clients:
    python -m tests.clients.environments

# Heavy model families: the tests of each in its environment; the first time that installs torch (docs/duplex.md says what it costs)
families *ARGS: install-families
    for list in tests/families/*/requirements.in; do name=$(basename "$(dirname "$list")"); \
      ".venv-family-$name/bin/python" -m pytest "tests/families/$name" {{ARGS}} || failed=1; done; exit "${failed:-0}"

# The environments of all heavy families
install-families:
    for list in tests/families/*/requirements.in; do just family "$(basename "$(dirname "$list")")"; done

# The environment of a heavy family, into .venv-family-NAME; its worker and its tests live there
family NAME:
    python -m tests.families.environments '{{NAME}}'

# The server and the protocol with the oldest packages that are allowed, in an environment of their own
test-oldest *ARGS:
    uv venv -q --allow-existing --python 3.11 .venv-oldest
    VIRTUAL_ENV=.venv-oldest uv pip install -q --resolution lowest-direct -e '.[dev,otel]'
    # What they need comes as new as there is, and warns of how the old ones use it
    .venv-oldest/bin/pytest -W ignore::DeprecationWarning tests/server tests/realtime tests/conformance tests/audio {{ARGS}}

# What differs between Pythons, by the oldest and the newest other one that is here; in environments of their own
pythons *ARGS:
    python -m tests.pythons {{ARGS}}

# Faults put into modules, one by one: their own tests must notice. E.g. just mutate --minutes 5 --only turns/policies
mutate *ARGS:
    python -m tests.mutation {{ARGS}}

# How much of each module its own test file runs. E.g. just coverage-own turns realtime/fitting
coverage-own *ARGS:
    python -m tests.own_coverage {{ARGS}}

# The model of going on, fitted anew to recordings with labelled turn ends and pauses: tells what it does on speakers left out
fit-turns RECORDINGS EVIDENCE='evidence.npz':
    [ -f '{{EVIDENCE}}' ] || python -m benchmarks.turn_taking gather '{{RECORDINGS}}' '{{EVIDENCE}}'
    python -m benchmarks.turn_taking fit '{{EVIDENCE}}' --write

# All tests with the full counts: thousands of generated conversations, a thousand broken connections
accept: system
    TEST_EXAMPLES=5000 TEST_DISCONNECTS=1000 TEST_INTERRUPTIONS=40 TEST_FAULTS=40 TEST_CUTS=2,10,50 TEST_FUZZ_S=150 TEST_KILLS=all pytest --ignore tests/clients --ignore tests/families --timeout 3600

# What CI runs
ci: lint typecheck test pages wild faults clients

# The server
serve *ARGS:
    parley serve {{ARGS}}

# Talk from the terminal
talk *ARGS:
    parley talk {{ARGS}}

# The server of configs/orchestrator.yaml
run-orch *ARGS:
    parley serve --config configs/orchestrator.yaml {{ARGS}}

# Workers, one for each family; those for GPUs need their family's extra or an environment of its own
run-tts-piper *ARGS:
    parley worker --config configs/worker.yaml {{ARGS}}

run-tts-espeak *ARGS:
    parley worker --model espeak {{ARGS}}

# A worker with a voice of the library transformers, in its family's environment
run-tts-transformers MODEL="mms-tts-tel" *ARGS: (family "transformers_tts")
    .venv-family-transformers_tts/bin/parley worker --model '{{MODEL}}' {{ARGS}}

# A worker with Chatterbox, in its family's environment
run-tts-chatterbox MODEL="chatterbox" *ARGS: (family "chatterbox")
    .venv-family-chatterbox/bin/parley worker --model '{{MODEL}}' {{ARGS}}

# A worker with CosyVoice 2: a folder of voice packs with a recording each, in the environment of Chatterbox
run-tts-cosyvoice PACKS="voicepacks" *ARGS: (family "chatterbox")
    .venv-family-chatterbox/bin/parley worker --voicepacks '{{PACKS}}' {{ARGS}}

# A worker with Parler-TTS, in its family's environment
run-tts-parler MODEL="indic-parler-tts" *ARGS: (family "parler_tts")
    .venv-family-parler_tts/bin/parley worker --model '{{MODEL}}' {{ARGS}}

# A worker with Qwen3-TTS, in its family's environment
run-tts-qwen3 MODEL="qwen3-tts" *ARGS: (family "qwen3_tts")
    .venv-family-qwen3_tts/bin/parley worker --model '{{MODEL}}' {{ARGS}}

# A worker with XTTS, in its family's environment; Coqui's licence forbids commercial use
run-tts-xtts MODEL="xtts-v2" *ARGS: (family "xtts")
    .venv-family-xtts/bin/parley worker --model '{{MODEL}}' {{ARGS}}

# Voices of voicepacks/ (any installed family); the first argument is the default voice
run-tts-voicepacks DEFAULT *ARGS:
    printf 'voicepacks: voicepacks\ndefault_model_id: %s\n' '{{DEFAULT}}' | parley worker --config - {{ARGS}}

# A worker with a model that takes turns itself, in its family's environment
run-duplex-moshi MODEL="moshiko" *ARGS: (family "moshi")
    .venv-family-moshi/bin/parley worker --model '{{MODEL}}' {{ARGS}}

# Talk to a running server
cli URL="ws://localhost:8000":
    parley talk {{URL}}

# Where a process spends its time: live, and as a flame graph
spy-top PID:
    uvx py-spy top --pid {{PID}}

spy-record PID SECONDS="30":
    uvx py-spy record --pid {{PID}} --duration {{SECONDS}} --output profile.svg

# What a GPU worker's kernels do; NVIDIA's nsys and ncu must be installed
nsys-tts *ARGS:
    nsys profile --trace=cuda,nvtx,osrt --output tts parley worker --config configs/worker.yaml {{ARGS}}

ncu-tts *ARGS:
    ncu --set basic --launch-count 200 --target-processes all parley worker --config configs/worker.yaml {{ARGS}}

# Renew the hash-checked lists of packages
lock:
    uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
      --custom-compile-command "just lock" -q -o requirements/serve.txt
    uv pip compile pyproject.toml --extra dev --extra docs --extra otel --universal --python-version 3.11 --generate-hashes \
      --no-emit-index-url -c requirements/serve.txt --custom-compile-command "just lock" -q -o requirements/dev.txt

# Renew what the environments of the foreign clients are made of; a newer client is named in its requirements.in or package.json
lock-clients:
    for list in tests/clients/*/requirements.in; do uv pip compile "$list" --universal --python-version 3.11 --upgrade \
      --no-annotate --no-emit-index-url --custom-compile-command "just lock-clients" -q -o "${list%.in}.txt"; done
    for list in tests/clients/*/package.json; do npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund \
      --prefix "$(dirname "$list")"; done

# Renew what the environments of the heavy families are made of; torch is named in tests/families/torch.txt
lock-families:
    for list in tests/families/*/requirements.in; do uv pip compile pyproject.toml "$list" --extra "$(basename "$(dirname "$list")")" \
      --override tests/families/without.txt --universal --python-version 3.11 --upgrade --no-annotate --no-emit-index-url \
      --custom-compile-command "just lock-families" -q -o "${list%.in}.txt"; done

# Stubs of the worker interface, from proto/; a test fails when they are not fresh
gen-proto:
    python -m grpc_tools.protoc -I proto --python_out=src --grpc_python_out=src --mypy_out=quiet:src \
      --mypy_grpc_out=quiet:src proto/parley/v1/*.proto

# Tables of the pages, from the code; a test fails when they are not fresh
gen-docs:
    python -m docs.generate

# Pictures of the page as it is now, for README and docs/page.md
pictures *FOLDER: system
    python -m docs.pictures {{FOLDER}}

# The documentation, into site/
docs:
    mkdocs build --strict
