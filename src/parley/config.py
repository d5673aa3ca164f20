"""The server's configuration: defaults, a profile, a file, the environment, the command line; the last wins."""

# Above 300 lines: every setting stands here once, with its meaning, bounds and names.
from __future__ import annotations

import os
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AliasChoices, Field, IPvAnyAddress, IPvAnyNetwork, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from parley.conversation.settings import APOLOGY, DEFAULT_INSTRUCTIONS, NOT_UNDERSTOOD
from parley.errors import UsageError
from parley.languages import code_of
from parley.profiles import profile
from parley.validation import RedisUrl, explain, nearest
from parley.workers.settings import TlsSettings

_StunUrl = Annotated[str, Field(pattern=r"^stuns?:[^?:]+(:\d+)?$")]
_TurnUrl = Annotated[str, Field(pattern=r"^turns?:[^?:]+(:\d+)?(\?transport=(udp|tcp))?$")]


_OTHER_VARIABLES = frozenset({"PARLEY_HOME", "PARLEY_CLIPS", "PARLEY_PARENT_PID"})
"""Of the store, of `parley bench`, and between processes of ours."""


def _env(name: str, *others: str) -> Any:
    return AliasChoices(name, f"PARLEY_{name.upper()}", *others)


class Config(BaseSettings):
    """Everything that can be configured. Environment: ``PARLEY_`` and the name in capitals."""

    model_config = SettingsConfigDict(extra="forbid", populate_by_name=True, env_ignore_empty=True)

    profile: str | None = Field(
        None,
        validation_alias=_env("profile"),
        description="Settings that belong together, by name ('parley profiles') or a file; whatever else is set wins.",
    )
    host: str = Field("127.0.0.1", validation_alias=_env("host"), description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, validation_alias=_env("port", "PORT"), description="Port to listen on.")
    api_key: SecretStr | None = Field(
        None, validation_alias=_env("api_key"), description="Key that clients must show (Bearer)."
    )
    tls: bool = Field(
        False,
        validation_alias=_env("tls"),
        description="Serve by https with a certificate of its own, so that phones on the LAN get a microphone.",
    )
    insecure: bool = Field(
        False, validation_alias=_env("insecure"), description="Allow other addresses than localhost without a key."
    )
    allowed_origins: list[str] = Field(
        [], validation_alias=_env("allowed_origins"), description="Web origins besides the server's own."
    )
    allowed_hosts: list[str] = Field(
        [],
        validation_alias=_env("allowed_hosts"),
        description="Public names by which this server may be called (*.example.org: all below one; *: any), besides "
        "addresses, names without a dot and its own; with a key, any name unless some are given here.",
    )
    stun_servers: list[_StunUrl] = Field(
        [],
        validation_alias=_env("stun_servers"),
        description="STUN servers for WebRTC (stun:HOST:PORT); none is needed on a LAN.",
    )
    turn_servers: list[_TurnUrl] = Field(
        [],
        validation_alias=_env("turn_servers"),
        description="TURN servers for networks that block UDP (turn:HOST:PORT?transport=tcp, turns:HOST:PORT).",
    )
    turn_secret: SecretStr | None = Field(
        None,
        validation_alias=_env("turn_secret"),
        description="Their shared secret (coturn's static-auth-secret): clients get credentials for an hour.",
    )
    public_address: IPvAnyAddress | None = Field(
        None,
        validation_alias=_env("public_address"),
        description="Address by which others reach this machine when it stands behind NAT that keeps ports (most cloud "
        "hosts): WebRTC announces it beside its own.",
    )
    vad: str = Field("silero-vad", validation_alias=_env("vad"), description="Voice activity detector.")
    end_of_turn: str | None = Field(
        "smart-turn-v3", validation_alias=_env("end_of_turn"), description="Turn model; null: silence and words alone."
    )
    end_of_sentence: str | None = Field(
        "smollm2-135m",
        validation_alias=_env("end_of_sentence"),
        description="Small language model (English) that judges whether a sentence can end; null: without.",
    )
    anticipate: bool | None = Field(
        None,
        validation_alias=_env("anticipate"),
        description="Prepare answers while the user still speaks, once the words so far could be all (sooner answers, "
        "more requests), or in pauses only; null: yes, if the language model runs outside parley or on a GPU.",
    )
    echo_cancellation: bool | None = Field(
        None,
        validation_alias=_env("echo_cancellation"),
        description="Take the assistant's own voice out of the microphone while it speaks (WebRTC's AEC3), for clients "
        "without a canceller of their own; null: once it is found there.",
    )
    asr: str = Field(
        "moonshine-tiny-en", validation_alias=_env("asr", "WHISPER_MODEL"), description="Speech recogniser."
    )
    recognizers: list[str] = Field(
        [],
        validation_alias=_env("recognizers"),
        description="Further recognisers to load, which clients may choose, also in mid-conversation.",
    )
    tts: str = Field(
        "hibari-heart",
        validation_alias=_env("tts", "PIPER_VOICE"),
        description="Default voice: a model of the catalogue or a Piper .onnx file.",
    )
    voices: list[str] = Field(
        ["hibari-low", "hibari-high", "hibari-alto", "espeak"],
        validation_alias=_env("voices"),
        description="Further voices to load beside the default one.",
    )
    llm: str = Field(
        "auto",
        validation_alias=_env("llm", "LLM_MODEL"),
        description="What answers: 'auto' (a running language model server, else an embedded model), a model of the "
        "catalogue (a language model, one that hears, one that takes turns itself), a .gguf file, or a model name of "
        "the server at llm_base_url.",
    )
    light: bool = Field(
        False,
        validation_alias=_env("light"),
        description="Where no language model is named or served, keep to the tiny embedded one (two sentences an "
        "answer) instead of bringing a better one that takes over.",
    )
    llms: list[str] = Field(
        [],
        validation_alias=_env("llms"),
        description="Further models like llm that clients may choose, also in mid-conversation; with 'auto' all those "
        "that servers on this machine offer.",
    )
    delegate: str | None = Field(
        None,
        validation_alias=_env("delegate"),
        description="Language model that looks things up and calls tools for a model that takes turns itself, and "
        "whispers to it what it has to know; null: nobody does.",
    )
    llm_base_url: str | None = Field(
        None, validation_alias=_env("llm_base_url", "LLM_BASE_URL"), description="OpenAI-compatible server."
    )
    llm_api_key: SecretStr | None = Field(
        None, validation_alias=_env("llm_api_key", "LLM_API_KEY"), description="Key for that server."
    )
    llm_context: int | None = Field(
        None,
        ge=512,
        validation_alias=_env("llm_context"),
        description="Tokens that fit into the language model's context; null: ask its server (embedded: 4096).",
    )
    llm_memory: int | None = Field(
        None,
        ge=200,
        validation_alias=_env("llm_memory"),
        description="Most tokens of the conversation in a prompt; what is older is summed up. null: as many as fit.",
    )
    llm_still_s: float = Field(
        10.0,
        gt=0,
        validation_alias=_env("llm_still_s"),
        description="An answer of which no byte comes for so long has broken off and is asked for anew, from where it "
        "ended; a slow one is waited for.",
    )
    llm_prefill: bool | None = Field(
        None,
        validation_alias=_env("llm_prefill"),
        description="Send prompts ahead of their answers, so that these begin sooner; null: to servers on this machine "
        "or in this network, as others may bill it.",
    )
    llm_hears: bool | None = Field(
        None,
        validation_alias=_env("llm_hears"),
        description="Give the server's model what was said as sound (a speech LLM: Ultravox, Voxtral, Qwen-Omni); "
        "null: where its name or a llama.cpp server says that it hears.",
    )
    llm_slots: int | None = Field(
        None,
        ge=1,
        le=64,
        validation_alias=_env("llm_slots"),
        description="Prompts that an embedded language model keeps in mind; null: as many as its catalogue entry says.",
    )
    workers: list[str] = Field(
        [], validation_alias=_env("workers"), description="Addresses of model workers (host:port, unix:/path)."
    )
    redis_url: RedisUrl | None = Field(
        None,
        validation_alias=_env("redis_url", "REDIS_URL"),
        description="Redis where model workers announce themselves (redis://:PASSWORD@HOST, rediss:// for TLS).",
    )
    worker_tls: TlsSettings | None = Field(
        None,
        validation_alias=_env("worker_tls"),
        description="Mutual TLS with workers: ca, cert and key (see 'parley certs').",
    )
    worker_plaintext: bool = Field(
        False, validation_alias=_env("worker_plaintext"), description="Allow workers on other hosts without TLS."
    )
    worker_networks: list[IPvAnyNetwork] = Field(
        [],
        validation_alias=_env("worker_networks"),
        description="Where workers that Redis names are believed to be without TLS; none: private networks.",
    )
    local_voices: bool = Field(
        False,
        validation_alias=_env("local_voices"),
        description="Also keep the voices on this machine when other workers are configured.",
    )
    licences: Literal["all", "permissive"] = Field(
        "all",
        validation_alias=_env("licences"),
        description="'permissive' leaves out models with copyleft runtimes, not libraries in wheels: see Security.",
    )
    accept_unpinned: bool = Field(
        False,
        validation_alias=_env("accept_unpinned"),
        description="Pull models of whose files no hash is known, as their source delivers them.",
    )
    instructions: str = Field(
        DEFAULT_INSTRUCTIONS, validation_alias=_env("instructions"), description="The assistant's persona."
    )
    clock: bool = Field(
        True,
        validation_alias=_env("clock"),
        description="Tell the language model the date and the time at which a conversation began.",
    )
    greeting: str | None = Field(
        None, validation_alias=_env("greeting"), description="Spoken when a conversation begins."
    )
    apology: str | None = Field(
        APOLOGY, validation_alias=_env("apology"), description="Spoken when an answer fails; null: silence."
    )
    not_understood: str = Field(
        NOT_UNDERSTOOD,
        validation_alias=_env("not_understood"),
        description="Spoken when an answer is wanted to a turn whose words could not be had.",
    )
    language: str | None = Field(
        None,
        validation_alias=_env("language"),
        description="Spoken language (en, te-IN, English) unless the client says; null: the recogniser decides.",
    )
    tools: list[str] = Field(
        [],
        validation_alias=_env("tools"),
        description="Functions of the server's own that the language model may call (current_time, and those of "
        "plug-ins: see Tools).",
    )
    max_output_tokens: int = Field(
        160, ge=1, le=4096, validation_alias=_env("max_output_tokens"), description="Longest answer, tokens."
    )
    temperature: float | None = Field(
        None,
        ge=0,
        le=2,
        validation_alias=_env("temperature"),
        description="Of the language model; null: its own default, 0.2 for one that runs in here.",
    )
    max_sessions: int = Field(
        25, ge=1, validation_alias=_env("max_sessions"), description="Conversations at once; more are refused."
    )
    rest_requests: int = Field(
        32, ge=1, validation_alias=_env("rest_requests"), description="REST requests for models at once (503 beyond)."
    )
    rest_requests_per_client: int = Field(
        8, ge=1, validation_alias=_env("rest_requests_per_client"), description="Those of one address (429 beyond)."
    )
    max_sessions_per_address: int | None = Field(
        None,
        ge=1,
        validation_alias=_env("max_sessions_per_address"),
        description="Conversations of one address at once; null: four fifths of all places, all of them from this "
        "machine itself.",
    )
    admission_wait_s: float = Field(
        0.5,
        gt=0,
        validation_alias=_env("admission_wait_s"),
        description="While requests of running conversations usually wait longer than this for a model, new ones are "
        "refused with a time to come back.",
    )
    admission_cpu: float = Field(
        0.75,
        gt=0,
        le=1,
        validation_alias=_env("admission_cpu"),
        description="While parley uses more than this share of the machine's processor time, new conversations are "
        "refused beside running ones (more of them than there are processors); 1: never for that.",
    )
    admission_newcomers: int = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1),
        ge=1,
        validation_alias=_env("admission_newcomers"),
        description="Conversations that may begin within five seconds, before it shows what they cost (half as many as "
        "go on, if that is more); others wait a few seconds or are told when to come back. Default: two per core.",
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=_env("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="OpenTelemetry collector (OTLP over HTTP, e.g. http://localhost:4318) that gets a trace of each "
        "answer; needs the extra 'otel'.",
    )
    max_session_minutes: float = Field(
        60, gt=0, validation_alias=_env("max_session_minutes"), description="Longest conversation."
    )
    stop_grace_s: float = Field(
        5.0,
        ge=0,
        validation_alias=_env("stop_grace_s"),
        description="When the server is told to stop, answers that sound may go on for so long; then clients are told "
        "and closed. A second signal ends it at once.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias=_env("log_level"), description="Least urgent line that is logged."
    )
    log_folder: Path | None = Field(
        None, validation_alias=_env("log_folder"), description="Where log files go; default: PARLEY_HOME/logs."
    )
    recording_keep_hours: float = Field(
        24.0,
        ge=0,
        validation_alias=_env("recording_keep_hours"),
        description="How long the sound of a conversation is kept that all its people agreed to record; 0: nothing is "
        "recorded.",
    )
    recordings_folder: Path | None = Field(
        None, validation_alias=_env("recordings_folder"), description="Where it goes; default: PARLEY_HOME/recordings."
    )
    evidence_folder: Path | None = Field(
        None,
        validation_alias=_env("evidence_folder"),
        description="Where to record what turn-taking is decided on (times and words, no sound) for `parley replay`; "
        "null: nowhere. Ask the speakers first.",
    )

    @field_validator("language")
    @classmethod
    def _language_code(cls, given: str | None) -> str | None:
        return None if given is None else code_of(given)

    @property
    def has_workers(self) -> bool:
        """Whether other workers than the server's own are configured."""
        return bool(self.workers) or self.redis_url is not None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line first, then the environment, then the file, then the defaults."""
        files = (YamlConfigSettingsSource(settings_cls, path) for path in _FILES.get())
        return init_settings, env_settings, *files


_FILES: ContextVar[tuple[Path, ...]] = ContextVar("files", default=())
"""The files of the configuration that is being read, the first wins: whoever makes a `Config` cannot hand them over."""


def load(path: Path | None = None, **given: Any) -> Config:
    """Read the configuration; `given` are values of the command line (None: not given).

    Raises `UsageError` that names the file and the field at fault, or a variable of the environment that is none.
    """
    _check_environment()
    files = _files(path, given.get("profile"))
    token = _FILES.set(tuple(files))
    try:
        return Config(**{k: v for k, v in given.items() if v is not None})
    except ValidationError as fault:
        raise UsageError(f"{_at_fault(fault, files) or 'configuration'}: {explain(fault)}") from fault
    finally:
        _FILES.reset(token)


def _files(path: Path | None, named: str | None) -> dict[Path, dict[str, Any]]:
    """The configuration's file and its profile's, with what they hold; `named`: the profile of the command line."""
    files = {path: _read(path)} if path is not None else {}
    from_environment = next((os.environ[v] for v in variables("profile") if os.environ.get(v)), None)
    in_file = next(iter(files.values()), {}).get("profile")
    if name := named or from_environment or in_file:
        chosen = profile(str(name))
        content = _read(chosen.path)
        if "profile" in content:
            raise UsageError(f"{chosen.path}: a profile names no other profile")
        files[chosen.path] = content
    return files


def _at_fault(fault: ValidationError, files: dict[Path, dict[str, Any]]) -> Path | None:
    """The file that holds the first setting that is wrong; else the configuration's."""
    field = str(next(iter(fault.errors()[0]["loc"]), ""))
    return next((path for path, content in files.items() if field in content), next(iter(files), None))


def origins(path: Path | None = None, profile: str | None = None) -> dict[str, str]:
    """Where each setting's value comes from, the command line's other settings aside."""
    files, found = _files(path, profile), {}
    for name in Config.model_fields:
        variable = next((v for v in variables(name) if os.environ.get(v)), None)
        file = next((str(file) for file, content in files.items() if name in content), "default")
        found[name] = f"environment, {variable}" if variable else file
    return found


def variables(field: str) -> list[str]:
    """The variables of the environment that set a field, the one named after it first."""
    alias = Config.model_fields[field].validation_alias
    assert isinstance(alias, AliasChoices)
    return [str(choice) for choice in alias.choices if choice != field]


def _check_environment() -> None:
    known = {variable for field in Config.model_fields for variable in variables(field)} | _OTHER_VARIABLES
    for name in os.environ:
        if name.startswith("PARLEY_") and name not in known:
            raise UsageError(f"{name} in the environment is no setting{nearest(name, known)}")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise UsageError(f"{path}: {fault.strerror}") from fault
    except yaml.YAMLError as fault:
        raise UsageError(f"{path}: not valid YAML ({fault})") from fault
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path}: must be a mapping of settings")
    for name in content:
        if name not in Config.model_fields:
            raise UsageError(f"{path}: '{name}' is no setting{nearest(str(name), Config.model_fields)}")
    return content
