"""CosyVoice 2 (https://arxiv.org/abs/2412.10117) and 3 (https://arxiv.org/abs/2505.17589): a language model writes 25
codes of sound a second, a decoder sounds.

Their own code is in no package. What they are made of is: transformers has the language model, which reads text and
writes codes, chatterbox-tts the decoder of the second; that of the third is written here. What a recording says and who
speaks there are networks of ONNX (docs/adr/0034-cosyvoice-of-parts.md). All is stepped in the voice's one thread, as
with Chatterbox.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from pydantic import Field
from s3tokenizer import log_mel_spectrogram
from torch import nn
from torchaudio.compliance import kaldi
from transformers import DynamicCache, Qwen2Config, Qwen2Model, Qwen2Tokenizer, TopKLogitsWarper, TopPLogitsWarper
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

from parley.adapters import cosyvoice3_decoder
from parley.adapters.cosyvoice3_flow import Flow
from parley.adapters.cosyvoice3_vocoder import Vocoder
from parley.adapters.cosyvoice_decoder import CODES_S, RATE_HZ, SOUNDS, Decoder
from parley.adapters.drawing import Choice, choice_without_repetition
from parley.adapters.loading import files_of
from parley.adapters.onnx import session
from parley.adapters.stepped_voice import Made, in_pieces, languages_first, text_of, usual_first
from parley.adapters.torch_device import begin_thread, check_memory, device_named, dtype_named, give_back
from parley.adapters.transformers_checkpoint import CheckpointOptions
from parley.audio import files as sound_files
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle

log = structlog.get_logger("model")

_WRITER, _FLOW, _VOCODER = "llm.pt", "flow.pt", "hift.pt"
_KNOWER = "campplus.onnx"
_CONFIG, _VOCABULARY, _MERGES = "config.json", "vocab.json", "merges.txt"
_NEEDED = (_WRITER, _FLOW, _VOCODER, _KNOWER, _CONFIG, _VOCABULARY, _MERGES)
_CLONED = "seed.wav"
_END_OF_PROMPT = 3
"""So many tokens behind the vocabulary is the one between a wish and the text."""


@dataclass(frozen=True, slots=True)
class _Generation:
    """What differs between the second and the third."""

    listener: str
    """The file of the network that hears codes in a recording."""
    marks: int
    """Behind the codes, each of which ends a text."""
    begin: int
    speak: int
    """Marks in a table of embeddings: that a text begins, and that its sound does."""
    table: str
    """Which table that is."""
    opening: str
    """What stands before every text, and before each wish."""
    wishes: Mapping[str, str]
    languages: Sequence[str]
    highest_hz: int | None
    """Of the bands in which the recording is told; None: half its rate."""
    readable: re.Pattern[str]
    """Digits, and letters of its languages."""


_LETTERS = r"0-9a-zA-Zà-öø-ÿ\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_SECOND = _Generation(
    "speech_tokenizer_v2.onnx", 3, 0, 1, "llm_embedding", "",
    {mood: f"你能用{wish}的情感说吗？" for mood, wish in
     (("happy", "高兴"), ("sad", "悲伤"), ("angry", "愤怒"), ("calm", "冷静"))},
    ("zh", "en", "ja", "ko"), 8000, re.compile(f"[{_LETTERS}]"),
)  # fmt: skip
_THIRD = _Generation(
    "speech_tokenizer_v3.onnx", 200, SOUNDS, SOUNDS + 2, "speech_embedding", "You are a helpful assistant.",
    {"happy": " 请非常开心地说一句话。", "sad": " 请非常伤心地说一句话。", "angry": " 请非常生气地说一句话。",
     "calm": " Please say a sentence in a very soft voice."},
    ("zh", "en", "ja", "ko", "de", "es", "fr", "it", "ru"), None, re.compile(f"[{_LETTERS}\\u0400-\\u04ff]"),
)  # fmt: skip
"""Moods as the publishers have them."""
_LONGEST_CHARS = 150
_LEAST_CODES, _MOST_CODES = 2, 20
"""For each token of a text."""
_LONGEST_CODES = 1000
"""Forty seconds of speech."""
_LONGEST_RECORDING_S = 30
"""The network that hears was taught no more."""
_MOST_CODES_IN_ALL = _LONGEST_CODES + CODES_S * _LONGEST_RECORDING_S
_TOP_P, _TOP_K, _WINDOW = 0.8, 25, 10
"""As the publisher draws."""
_HEARS_HZ = 16000
_MORE_VOICES = "It speaks as its seed.wav does"


class CosyVoiceOptions(CheckpointOptions):
    """Options of a CosyVoice checkpoint."""

    words: str = Field("", description="What is said in seed.wav: with it, its manner is taken over too.")
    temperature: float = Field(1.0, ge=0, description="How freely it draws; 0: always the likeliest.")
    steps: int = Field(10, ge=1, le=50, description="In which the decoder makes a piece of sound; fewer are faster.")


class CosyVoiceNetwork:
    """See `VoiceNetwork`."""

    emotions: Collection[str] = ("neutral", *_SECOND.wishes)
    times_words = False
    fixed_speed = False
    sample_text = "The quick brown fox jumps over the lazy dog."
    longest_chars = _LONGEST_CHARS
    rate_hz = RATE_HZ

    def __init__(self, spec: ModelSpec) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the packages make of wrong files."""
        options = CosyVoiceOptions.model_validate(dict(spec.options))
        self._kind = _THIRD if _THIRD.listener in spec.files else _SECOND
        files = files_of(spec, *_NEEDED, self._kind.listener)
        if _CLONED not in files:
            raise ModelError(f"{spec.id}: there is no voice: it has no {_CLONED}, some seconds of whoever is to speak")
        self._name, self._device = spec.id, device_named(spec.id, options.device)
        self._temperature = options.temperature
        self.voices: Sequence[str] = usual_first(spec, [spec.id], options.voice, _MORE_VOICES)
        self.languages: Sequence[str] = languages_first(spec, self._kind.languages, options.language)
        begin_thread(options.threads)
        dtype = dtype_named(options.dtype, self._device)
        weights = files[_WRITER].stat().st_size * dtype.itemsize // 4
        check_memory(spec.id, self._device, weights + sum(files[n].stat().st_size for n in (_FLOW, _VOCODER)))
        self._reader = Qwen2Tokenizer(vocab=str(files[_VOCABULARY]), merges=str(files[_MERGES]))
        self._end_of_prompt = len(self._reader.get_vocab()) - 1 + _END_OF_PROMPT  # one of the three is in it
        self._writer: Any = _writer(files, self._kind, self._device, dtype)
        make = _third_decoder if self._kind is _THIRD else _second_decoder
        self._decoder: Any = make(files, options.steps, self._device)
        self._speaker = self._heard(files)
        opening = self._kind.opening
        self._prompts: dict[str, tuple[Sequence[int], bool]] = {
            mood: ([*self._tokens(opening + wish), self._end_of_prompt], False)
            for mood, wish in self._kind.wishes.items()
        }
        """For each mood what stands before a text, and whether the recording's codes do too."""
        led = [*self._tokens(opening), self._end_of_prompt] if opening else []
        self._prompts["neutral"] = ([*led, *self._tokens(options.words)], bool(options.words))

    def _heard(self, files: Mapping[str, Path]) -> dict[str, Any]:
        """What the decoder is told of the recording: what is said, who speaks, and how it sounds."""
        from chatterbox.models.s3gen.utils.mel import mel_spectrogram

        close, wide = (sound_files.read_float(files[_CLONED], rate)[None] for rate in (_HEARS_HZ, RATE_HZ))
        if close.shape[1] > _HEARS_HZ * _LONGEST_RECORDING_S:
            raise ModelError(f"{self._name}: {_CLONED} is longer than {_LONGEST_RECORDING_S} seconds")
        said = log_mel_spectrogram(torch.from_numpy(close)).numpy()
        codes = _run(files[self._kind.listener], said, np.array([said.shape[2]], np.int32)).reshape(1, -1)
        bands = kaldi.fbank(torch.from_numpy(close), num_mel_bins=80, sample_frequency=_HEARS_HZ)
        who = _run(files[_KNOWER], (bands - bands.mean(dim=0, keepdim=True))[None].numpy()).reshape(1, -1)
        sound = mel_spectrogram(torch.from_numpy(wide), fmax=self._kind.highest_hz).transpose(1, 2)
        count = min(codes.shape[1], sound.shape[1] // 2)
        heard = {
            "prompt_token": torch.from_numpy(codes[:, :count]).long(), "prompt_feat": sound[:, : 2 * count],
            "prompt_token_len": torch.tensor([count]), "embedding": torch.from_numpy(who),
        }  # fmt: skip
        return {name: tensor.to(self._device) for name, tensor in heard.items()} | {"prompt_feat_len": None}

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: a step for each code, and for each piece of sound."""
        text = text_of(words)
        if not self._kind.readable.search(text):
            return
        tail = self._decoder.begin()
        yield from in_pieces(
            self._written(self._tokens(text), style.emotion), self._decoder.sizes(self._speaker),
            lambda codes, last: self._decoder.piece(self._speaker, codes, tail, last=last, speed=style.speed),
        )  # fmt: skip

    def _tokens(self, text: str) -> list[int]:
        return list(self._reader(text, add_special_tokens=False).input_ids)

    def _written(self, text: Sequence[int], mood: str) -> Iterator[int]:
        """The codes that the language model writes, each a step."""
        cache, choose = DynamicCache(), self._choice()
        codes = torch.empty((1, 0), dtype=torch.long, device=self._device)
        read = self._embedded(text, mood)
        least, most = len(text) * _LEAST_CODES, min(len(text) * _MOST_CODES, _LONGEST_CODES)
        for place in range(most):
            hidden = self._writer["model"](inputs_embeds=read, cache=cache, use_cache=True).last_hidden_state
            scores = self._writer["llm_decoder"](hidden[:, -1]).float()
            if place < least:
                scores[:, SOUNDS:] = -torch.inf
            code = choose(codes, scores)
            if int(code) >= SOUNDS:
                return
            yield int(code)
            codes = torch.cat([codes, code[None]], dim=1)
            read = self._writer["speech_embedding"](code[None])
        log.warning("a sentence found no end", model=self._name, codes=most)

    def _embedded(self, text: Sequence[int], mood: str) -> torch.Tensor:
        """What the language model reads before it writes, shape (1, tokens, width)."""
        before, with_recording = self._prompts.get(mood, self._prompts["neutral"])
        marks = self._writer[self._kind.table].weight
        parts = [
            marks[None, self._kind.begin : self._kind.begin + 1],
            self._writer["model"].embed_tokens(torch.tensor([[*before, *text]], device=self._device)),
            marks[None, self._kind.speak : self._kind.speak + 1],
        ]
        if with_recording:
            parts.append(self._writer["speech_embedding"](self._speaker["prompt_token"]))
        return torch.cat(parts, dim=1)

    def _choice(self) -> Choice:
        """As the publisher chooses."""
        return choice_without_repetition(_WINDOW, self._temperature, TopPLogitsWarper(_TOP_P), TopKLogitsWarper(_TOP_K))

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        self._writer = self._decoder = None
        self._speaker = {}
        give_back(self._device)


def _writer(files: Mapping[str, Path], kind: _Generation, device: torch.device, dtype: torch.dtype) -> nn.ModuleDict:
    """The language model with its embeddings and its head, by the names in ``llm.pt``."""
    config = Qwen2Config.from_json_file(str(files[_CONFIG]))
    width, kinds = config.hidden_size, SOUNDS + kind.marks
    with torch.device("meta"):  # no time is lost on weights that are thrown away
        writer = nn.ModuleDict({
            "model": Qwen2Model(config), "speech_embedding": nn.Embedding(kinds, width),
            "llm_decoder": nn.Linear(width, kinds, bias=kind is _SECOND),
        })  # fmt: skip
        if kind is _SECOND:
            writer["llm_embedding"] = nn.Embedding(2, width)
    weights = _weights(files[_WRITER], "llm.model.")
    weights.pop("lm_head.weight", None)  # it writes no text
    writer.load_state_dict({name: weight.to(device, dtype) for name, weight in weights.items()}, assign=True)
    writer["model"].rotary_emb = Qwen2RotaryEmbedding(config).to(device)  # which is in no file
    return writer.eval()


def _second_decoder(files: Mapping[str, Path], steps: int, device: torch.device) -> Decoder:
    """That of the second generation with its weights."""
    from chatterbox.models.s3gen import S3Gen

    made = S3Gen()
    for network, name in ((made.flow, _FLOW), (made.mel2wav, _VOCODER)):
        network.load_state_dict(_weights(files[name], "generator."))
        network.to(device).eval()
    return Decoder(made.flow, made.mel2wav, steps, _MOST_CODES_IN_ALL, device)


def _third_decoder(files: Mapping[str, Path], steps: int, device: torch.device) -> cosyvoice3_decoder.Decoder:
    """That of the third generation with its weights."""
    flow = Flow.of(_weights(files[_FLOW])).to(device)
    vocoder = Vocoder.of(_weights(files[_VOCODER], "generator.")).to(device)
    return cosyvoice3_decoder.Decoder(flow, vocoder, steps, _MOST_CODES_IN_ALL, device)


def _weights(path: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    """What a file holds, read when it is used; by names without the prefix."""
    weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return {name.removeprefix(prefix): weight for name, weight in weights.items()}


def _run(network: Path, *inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The first output of a network of ONNX."""
    loaded = session(str(network))
    named = {given.name: value for given, value in zip(loaded.get_inputs(), inputs, strict=True)}
    output: np.ndarray[Any, Any] = loaded.run(None, named)[0]
    return output
