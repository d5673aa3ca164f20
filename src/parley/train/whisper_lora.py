"""Whisper, made to know a data set: LoRA (Hu et al., 2021) as `peft` trains it, then a model that the server loads.

It needs torch, and is imported when it is asked for. Checkpoints are kept while it trains; killed, the same call goes
on from the last one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ctranslate2.converters import TransformersConverter
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizerFast

from parley.audio.pcm import Float32, to_float, to_int16
from parley.client.word_errors import character_distance, distance
from parley.errors import UsageError
from parley.models.interfaces import MODEL_RATE_HZ
from parley.train import clips
from parley.train.clips import Clip
from parley.train.folder import claim, report, save
from parley.train.peft_trainer import Training, parameters, with_adapters
from parley.train.sound import sound_of
from parley.train.speakers import HELD_OUT
from parley.train.training import Tell, check_memory
from parley.train.tuning import Needs, Stack, WhisperTuning, needs

_IGNORED = -100
"""A label that no loss is reckoned of."""
_MOST_LABELS = 448
_MOST_JUDGED = 200
"""Clips that are written down before and after."""
_MOST_NEW = 200
_ALL_LANGUAGES = 51865
"""Words of a Whisper that knows more than English; the others have fewer."""
_FILES = ["tokenizer.json", "preprocessor_config.json"]


@dataclass(frozen=True, slots=True)
class Errors:
    """Of a model on some clips: rates against what the manifest says is said."""

    words: float
    characters: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    losses: list[tuple[int, float]]
    """Of the training, by step."""
    before: Errors
    after: Errors
    held_out: bool
    """Whether the errors are those on speakers whom training did not hear."""
    hours: float
    model: Path
    """A folder that the server loads as a recogniser."""


class Tuned:
    """One training, in a folder of its own."""

    def __init__(self, base: str, found: Sequence[Clip], output: Path, settings: WhisperTuning) -> None:
        """`base`: a checkpoint of Whisper in the form of `transformers`, a folder or the name of one on the hub.

        Raises `UsageError` where it cannot be loaded, and where there is nothing to train on.
        """
        self._output, self._settings = output, settings
        self._made_of = clips.digest_of(
            base.encode(), settings.model_dump_json(exclude={"usd_an_hour"}).encode(), clips.as_lines(found)
        )
        self._train = [clip for clip in found if clip.split != HELD_OUT]
        self._held_out = [clip for clip in found if clip.split == HELD_OUT]
        if not self._train:
            raise UsageError("the manifest has no clips to train on")
        torch.manual_seed(settings.seed)
        try:
            self._extractor = WhisperFeatureExtractor.from_pretrained(base)
            self._tokenizer = WhisperTokenizerFast.from_pretrained(base)
            model = WhisperForConditionalGeneration.from_pretrained(base)
        except (OSError, ValueError) as fault:
            first = str(fault).partition("\n")[0]
            raise UsageError(f"{base}: no checkpoint of Whisper can be loaded ({first})") from None
        self._model = with_adapters(model, settings)

    def claim(self) -> None:
        """Make the folder this training's; raises `UsageError` where it is another one's."""
        claim(self._output, self._made_of)

    @cached_property
    def needs(self) -> Needs:
        """Memory, before it is taken."""
        config = self._model.config
        return needs(
            *parameters(self._model),
            (
                Stack(config.d_model, config.encoder_layers, config.max_source_positions),
                Stack(config.d_model, config.decoder_layers, config.max_target_positions),
            ),
            config.max_target_positions * config.vocab_size,
            self._settings.batch,
            value_bytes=2 if torch.cuda.is_available() else 4,
        )

    def run(self, tell: Tell) -> Outcome:
        """Train, compare with what it was, and write the model; `tell` gets a line now and then.

        Raises `UsageError` where there is not enough memory, and where the folder has a training of something else.
        """
        check_memory(self.needs)
        self.claim()
        self._cut()
        training = Training(self._model, self._settings, self._output, tell)
        training.run(self.collated, self._train, self._held_out)
        judged = (self._held_out or self._train)[:_MOST_JUDGED]
        tell(f"writing down {len(judged)} clips, before and after")
        with self._model.disable_adapter():
            before = self._errors(judged)
        outcome = Outcome(
            training.losses, before, self._errors(judged), bool(self._held_out), training.hours, self._export(),
        )  # fmt: skip
        report(self._output, outcome)
        return outcome

    # -- data -----------------------------------------------------------------------------------------

    def _cut(self) -> None:
        """Each clip as a file of its own, in the order of the recordings: those are decoded once."""
        for clip in (*self._train, *self._held_out):
            path = self._path(clip)
            if not path.exists():
                save(path, to_int16(sound_of(clip)))

    def _path(self, clip: Clip) -> Path:
        return self._output / "clips" / f"{clip.id}.npy"

    def features(self, clip: Clip) -> Float32:
        """As Whisper hears it."""
        sound = to_float(np.load(self._path(clip)))
        return np.asarray(self._extractor(sound, sampling_rate=MODEL_RATE_HZ).input_features[0], np.float32)

    def labels(self, clip: Clip) -> list[int]:
        """What it is to say, behind the first mark, which the decoder is given."""
        if self._multilingual:
            self._tokenizer.set_prefix_tokens(language=clip.language, task="transcribe")
        return list(self._tokenizer(clip.text).input_ids)[1:_MOST_LABELS]

    @property
    def _multilingual(self) -> bool:
        return int(self._model.config.vocab_size) >= _ALL_LANGUAGES

    def collated(self, of: Sequence[Clip]) -> dict[str, Any]:
        """A batch."""
        labels = [self.labels(clip) for clip in of]
        longest = max(map(len, labels))
        padded = [row + [_IGNORED] * (longest - len(row)) for row in labels]
        return {
            "input_features": torch.from_numpy(np.stack([self.features(clip) for clip in of])),
            "labels": torch.tensor(padded),
        }

    # -- what came of it ------------------------------------------------------------------------------

    def _errors(self, judged: Iterable[Clip]) -> Errors:
        pairs = [(clip.text, self._written(clip)) for clip in judged]
        rates = []
        for measure in (distance, character_distance):
            wrong, count = np.sum([measure(said, heard) for said, heard in pairs], axis=0)
            rates.append(round(float(wrong) / max(1, int(count)), 4))
        return Errors(*rates)

    def _written(self, clip: Clip) -> str:
        features = torch.from_numpy(self.features(clip)[None]).to(self._model.device)
        how = {"language": clip.language, "task": "transcribe"} if self._multilingual else {}
        with torch.inference_mode():
            (tokens,) = self._model.generate(features, max_new_tokens=_MOST_NEW, do_sample=False, **how)
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True)).strip()

    def _export(self) -> Path:
        """The adapter by itself, and merged into a model for CTranslate2."""
        self._model.save_pretrained(self._output / "adapter")
        merged, target = self._output / "merged", self._output / "model"
        for part in (self._model.merge_and_unload(), self._tokenizer, self._extractor):
            part.save_pretrained(merged)
        TransformersConverter(str(merged), copy_files=_FILES).convert(str(target), quantization="float16", force=True)
        shutil.rmtree(merged)
        return target
