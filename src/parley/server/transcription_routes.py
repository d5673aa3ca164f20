"""``/v1/audio/transcriptions`` and ``/v1/audio/translations`` as the OpenAI audio interface has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from parley.audio.pcm import Float32
from parley.conversation.offline import Heard, transcribe_recording
from parley.errors import ParleyError, ProtocolError
from parley.languages import code_of, knows, name_of
from parley.models.interfaces import MODEL_RATE_HZ, Guidance, Recognizer, prompt_with
from parley.server.answers import sent_event
from parley.server.rest import caller_of
from parley.server.state import ServerState
from parley.server.subtitles import subtitles
from parley.server.verbose import segment, word
from parley.transports.mapping import check_model

router = APIRouter()
_LONGEST_PROMPT = 2000
_MOST_ENTRIES = 100
_REFUSED = {
    "include": "log probabilities are not sent by this server",
    "known_speaker_names": "speakers are not told apart by this server",
    "known_speaker_references": "speakers are not told apart by this server",
}
"""Fields of the interface that nothing here can act on."""

Format = Literal["json", "text", "verbose_json", "srt", "vtt"]


@router.post("/v1/audio/transcriptions")
async def transcriptions(
    request: Request,
    file: Annotated[UploadFile, File()],
    *,
    model: Annotated[str, Form()] = "whisper-1",
    language: Annotated[str | None, Form()] = None,
    prompt: Annotated[str | None, Form(max_length=_LONGEST_PROMPT)] = None,
    response_format: Annotated[Format, Form()] = "json",
    temperature: Annotated[float, Form(ge=0, le=1)] = 0.0,
    stream: Annotated[bool, Form()] = False,
) -> Response:
    """Transcribe a recording of up to 100 MB in any common format; `model` may name one of the recognisers here."""
    form = await request.form()
    _refuse(form)
    units = _entries(form, "timestamp_granularities")
    if units and response_format != "verbose_json":
        raise ProtocolError(
            "'timestamp_granularities' needs response_format 'verbose_json'", field="timestamp_granularities"
        )
    if odd := set(units) - {"word", "segment"}:
        raise ProtocolError(
            f"Invalid value: '{min(odd)[:40]}'. Supported values are: 'word', and 'segment'.",
            field="timestamp_granularities",
        )
    guidance = Guidance(
        prompt=prompt_with(prompt, _entries(form, "keywords")),
        languages=tuple(filter(None, (_code(entry, "languages") for entry in _entries(form, "languages")))),
        temperature=temperature,
        word_times="word" in units,
    )
    wish = _Wish(request, file, model, _code(language, "language"), guidance, response_format, units)
    return await (wish.streamed() if stream else wish.answered())


@router.post("/v1/audio/translations")
async def translations(
    request: Request,
    file: Annotated[UploadFile, File()],
    model: Annotated[str, Form()] = "whisper-1",
    prompt: Annotated[str | None, Form(max_length=_LONGEST_PROMPT)] = None,
    response_format: Annotated[Format, Form()] = "json",
    temperature: Annotated[float, Form(ge=0, le=1)] = 0.0,
) -> Response:
    """English words of a recording in any language, where one of the recognisers here translates."""
    guidance = Guidance(prompt=prompt or "", temperature=temperature, translate=True)
    return await _Wish(request, file, model, None, guidance, response_format, ()).answered()


def _refuse(form: FormData) -> None:
    for name, why in _REFUSED.items():
        if _entries(form, name):
            raise ProtocolError(f"'{name}' is not supported: {why}", field=name, code="unsupported")
    if any(strategy != "auto" for strategy in _entries(form, "chunking_strategy")):
        raise ProtocolError(
            "'chunking_strategy' can be 'auto' only: recordings are cut by voice activity here",
            field="chunking_strategy", code="unsupported",
        )  # fmt: skip


def _entries(form: FormData, name: str) -> list[str]:
    """A list's entries, whether it is written ``name[]`` or ``name``."""
    found = [entry for key in (f"{name}[]", name) for entry in form.getlist(key) if isinstance(entry, str) and entry]
    if len(found) > _MOST_ENTRIES or sum(map(len, found)) > _LONGEST_PROMPT:
        raise ProtocolError(f"'{name}' has more than {_MOST_ENTRIES} entries or {_LONGEST_PROMPT} letters", field=name)
    return found


def _code(written: str | None, field: str) -> str | None:
    try:
        return None if written is None else code_of(written)
    except ValueError as fault:
        raise ProtocolError(f"'{field}': {fault}", field=field) from None


class _Wish:
    """One recording and how its words are wanted; raises `ProtocolError` for what no recogniser here can do."""

    def __init__(
        self, request: Request, file: UploadFile, model: str, language: str | None, guidance: Guidance, form: Format,
        units: Sequence[str],
    ) -> None:  # fmt: skip
        state: ServerState = request.app.state.parley
        self._guidance, self._form, self._units = guidance, form, units
        recognizer = self._recognizer(state, model, language)
        self._recording = _Recording(state.uploads.samples(file.file, file.filename or "file"))
        self._heard = transcribe_recording(
            state.loaded_models.for_sessions.vad,
            recognizer,
            self._recording.blocks(),
            language,
            caller_of(request),
            guidance,
        )
        self._language = language

    def _recognizer(self, state: ServerState, model: str, language: str | None) -> Recognizer:
        """The one that is named, else the default; of a wish that this one cannot fulfil, what is missing is told."""
        models = state.loaded_models.for_sessions
        check_model(model, models.recognizers)
        named = models.recognizers.get(model)
        if named is None and self._guidance.translate:  # whoever can is meant
            named = next((r for r in models.recognizers.values() if "translate" in r.guided_by), None)
        recognizer = named or models.recognizer
        name = next((n for n, r in models.recognizers.items() if r is recognizer), model)
        if "translate" in self._guidance.given - set(recognizer.guided_by):
            raise ProtocolError(
                f"the recogniser '{name}' does not translate; a Whisper model does (recognizers: [whisper-base])",
                field="model", code="translation_not_supported",
            )  # fmt: skip
        fields = {"word_times": "timestamp_granularities", "prompt": "prompt", "temperature": "temperature"}
        for missing in sorted(self._guidance.given & fields.keys() - set(recognizer.guided_by)):
            raise ProtocolError(
                f"the recogniser '{name}' takes no '{fields[missing]}'", field=fields[missing], code="unsupported"
            )
        for code in filter(None, (language, *self._guidance.languages)):
            if not knows(recognizer.languages, code):
                raise ProtocolError(
                    f"the recogniser '{name}' does not hear '{code}', it hears {', '.join(recognizer.languages)}",
                    field="language", code="language_not_supported",
                )  # fmt: skip
        return recognizer

    async def streamed(self) -> Response:
        """The words as they are understood."""
        first = await anext(self._heard, None)  # what cannot be read gets its status: nothing has been sent yet
        return StreamingResponse(_events(first, self._heard), media_type="text/event-stream")

    async def answered(self) -> Response:
        """All of them at once."""
        async with aclosing(self._heard) as heard:
            found = [one async for one in heard]
        text = " ".join(one.text for one in found)
        if self._form == "text":
            return PlainTextResponse(text + "\n")
        if self._form in ("srt", "vtt"):
            return PlainTextResponse(subtitles(found, self._form))
        usage = {"type": "duration", "seconds": round(self._recording.seconds, 3)}
        if self._form == "json":
            return JSONResponse({"text": text, "usage": usage})
        return JSONResponse(self._verbose(found, text, usage))

    def _verbose(self, found: list[Heard], text: str, usage: dict[str, Any]) -> dict[str, Any]:
        translates = self._guidance.translate
        answer: dict[str, Any] = {
            "task": "translate" if translates else "transcribe",
            "language": "english" if translates else name_of(self._language or spoken_most(found)),
            "duration": round(self._recording.seconds, 3),
            "text": text,
        }
        if not self._units or "segment" in self._units:
            answer["segments"] = [segment(number, one, self._guidance.temperature) for number, one in enumerate(found)]
        if "word" in self._units:
            answer["words"] = [word(one) for heard in found for one in heard.words]
        return answer | {"usage": usage}


def spoken_most(found: Sequence[Heard]) -> str:
    """The language that was detected for most of a recording; "" where nothing was."""
    seconds: Counter[str] = Counter()
    for one in found:
        seconds[one.transcript.language] += round(1000 * (one.end_s - one.start_s))
    return max(seconds, key=seconds.__getitem__, default="")


class _Recording:
    """A recording that is transcribed while it is decoded, and how long it was so far."""

    def __init__(self, decoded: AsyncGenerator[Float32, None]) -> None:
        self._decoded = decoded
        self.seconds = 0.0

    async def blocks(self) -> AsyncGenerator[Float32, None]:
        """What is decoded, counted."""
        async with aclosing(self._decoded):
            async for block in self._decoded:
                self.seconds += len(block) / MODEL_RATE_HZ
                yield block


async def _events(first: Heard | None, others: AsyncGenerator[Heard, None]) -> AsyncIterator[bytes]:
    """Server-sent events: a delta for each segment, then the whole, or the error that ended it."""
    texts: list[str] = []
    async with aclosing(others):
        try:
            while first is not None:
                yield sent_event({"type": "transcript.text.delta", "delta": (" " if texts else "") + first.text})
                texts.append(first.text)
                first = await anext(others, None)
        except ParleyError as fault:
            yield sent_event({"type": "error", "error": {"message": str(fault)}})
            return
    yield sent_event({"type": "transcript.text.done", "text": " ".join(texts)})
