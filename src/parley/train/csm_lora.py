"""CSM, made to speak as one speaker of a data set: LoRA (Hu et al., 2021) on both its networks.

What it learns is what it does when it speaks: behind the text of a clip, the codes of its sound, frame by frame.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, CsmForConditionalGeneration

from parley.audio import files
from parley.errors import UsageError
from parley.models.voicepacks import LORA
from parley.train import clips
from parley.train.clips import Clip
from parley.train.folder import claim, report, save
from parley.train.peft_trainer import Training, parameters, with_adapters
from parley.train.speakers import HELD_OUT
from parley.train.training import Tell, check_memory, device
from parley.train.tuning import CsmTuning, Needs, Stack, needs

_A_NAME = re.compile(r"[^./\\]+")
_IGNORED = -100
"""A label that no loss is reckoned of."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    losses: list[tuple[int, float]]
    """Of the training, by step."""
    before: float
    after: float
    held_out: bool
    """Whether both losses are those on clips that training did not hear."""
    hours: float
    voice: Path
    """The adapter, named after the speaker."""


class Tuned:
    """One training, in a folder of its own."""

    def __init__(self, base: str, found: Sequence[Clip], speaker: str, output: Path, settings: CsmTuning) -> None:
        """`base`: a checkpoint of CSM in the form of `transformers`, a folder or the name of one on the hub.

        Raises `UsageError` where it cannot be loaded, and where `speaker` has no clips to train on.
        """
        self._output, self._settings, self._speaker = output, settings, speaker
        mine = [clip for clip in found if clip.speaker == speaker]
        if not mine:
            names = ", ".join(sorted({clip.speaker for clip in found})) or "nobody"
            raise UsageError(f"--speaker: '{speaker}' is not in the data set; it has {names}")
        if any(clip.split == HELD_OUT for clip in mine):
            raise UsageError(f"--speaker: '{speaker}' is held out: models are tried on voices that they do not know")
        if not _A_NAME.fullmatch(speaker):
            raise UsageError(f"--speaker: '{speaker}' is to name a voice, and has a dot or a slash; rename the speaker")
        judges = round(len(mine) * settings.held_out_share)
        self._train, self._judges = mine[: len(mine) - judges], mine[len(mine) - judges :]
        self._made_of = clips.digest_of(
            base.encode(), speaker.encode(), settings.model_dump_json(exclude={"usd_an_hour"}).encode(),
            clips.as_lines(mine),
        )  # fmt: skip
        torch.manual_seed(settings.seed)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(base)
            model = CsmForConditionalGeneration.from_pretrained(base)
        except (OSError, ValueError) as fault:
            first = str(fault).partition("\n")[0]
            raise UsageError(f"{base}: no checkpoint of CSM can be loaded ({first})") from None
        self._model = with_adapters(model, settings)
        self._plain: Any = model

    def claim(self) -> None:
        """Make the folder this training's; raises `UsageError` where it is another one's."""
        claim(self._output, self._made_of)

    @cached_property
    def needs(self) -> Needs:
        """Memory, before it is taken."""
        config = self._plain.config
        depth, books = config.depth_decoder_config, config.num_codebooks
        rate_hz = config.codec_config.frame_rate
        frames = max(round(clip.seconds * rate_hz) + 1 for clip in self._train)
        positions = frames + max(len(self._ids(clip)) for clip in self._train)
        return needs(
            *parameters(self._model),
            (
                Stack(config.hidden_size, config.num_hidden_layers, positions),
                Stack(depth.hidden_size, depth.num_hidden_layers, frames * books),
            ),
            (positions + frames * (books - 1)) * config.vocab_size,
            self._settings.batch,
            value_bytes=2 if torch.cuda.is_available() else 4,
        )

    def run(self, tell: Tell) -> Outcome:
        """Train, and write the adapter; `tell` gets a line now and then.

        Raises `UsageError` where there is not enough memory, and where the folder has a training of something else.
        """
        check_memory(self.needs)
        self.claim()
        self._model.to(device())
        self._encode()
        training = Training(self._model, self._settings, self._output, tell)
        training.run(self.collated, self._train, self._judges)
        judged = self._judges or self._train
        with self._model.disable_adapter():
            before = self._loss(judged)
        outcome = Outcome(
            training.losses, before, self._loss(judged), bool(self._judges), training.hours, self._export()
        )
        report(self._output, outcome)
        return outcome

    # -- data -----------------------------------------------------------------------------------------

    def _encode(self) -> None:
        """The codes of each clip as a file of its own, in the order of the recordings: those are decoded once."""
        codec = self._plain.codec_model
        rate_hz = int(self._plain.config.codec_config.sampling_rate)
        recording, whole = "", np.empty(0, np.float32)
        for clip in (*self._train, *self._judges):
            path = self._path(clip)
            if path.exists():
                continue
            if clip.audio != recording:
                recording, whole = clip.audio, files.read_float(Path(clip.audio), rate_hz)
            sound = whole[round(clip.start_s * rate_hz) : round(clip.end_s * rate_hz)]
            with torch.inference_mode():
                codes = codec.encode(torch.from_numpy(sound)[None, None].to(codec.device, codec.dtype)).audio_codes
            save(path, codes[0].T.to(torch.int32).cpu().numpy())

    def _path(self, clip: Clip) -> Path:
        return self._output / "codes" / f"{clip.id}.npy"

    def _ids(self, clip: Clip) -> list[int]:
        """The text as the model was taught to read it."""
        marks = self._tokenizer
        said = f"{marks.bos_token}[{self._settings.number}]{clip.text}{marks.eos_token}"
        return list(marks(said, add_special_tokens=False).input_ids)

    def collated(self, of: Sequence[Clip]) -> dict[str, Any]:
        """A batch: what the backbone reads, and what it is to say behind the texts."""
        rows, labels = zip(*(self._read(clip) for clip in of), strict=True)
        longest = max(len(row) for row in rows)
        pad = torch.nn.functional.pad
        return {
            "inputs_embeds": torch.stack([pad(row, (0, 0, 0, longest - len(row))) for row in rows]),
            "labels": torch.stack([pad(one, (0, 0, 0, longest - len(one)), value=_IGNORED) for one in labels]),
            "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows]),
        }

    def _read(self, clip: Clip) -> tuple[torch.Tensor, torch.Tensor]:
        """Of one clip, shapes (positions, width) and (positions, codebooks)."""
        model, place = self._plain, device()
        ids = torch.tensor(self._ids(clip), device=place)
        codes = torch.from_numpy(np.load(self._path(clip)).astype(np.int64)).to(place)
        frames = torch.cat([codes, torch.full_like(codes[:1], model.config.codebook_eos_token_id)])
        with torch.no_grad():
            text = model.embed_text_tokens(ids)
            sound = model.backbone_model.embed_tokens(frames[None])[0]
        nothing = torch.full((len(ids), frames.shape[1]), _IGNORED, device=place)
        return torch.cat([text, sound]).cpu(), torch.cat([nothing, frames]).cpu()

    # -- what came of it ------------------------------------------------------------------------------

    def _loss(self, of: Sequence[Clip]) -> float:
        total = 0.0
        for clip in of:
            batch = {name: part.to(device()) for name, part in self.collated([clip]).items()}
            with torch.inference_mode():
                total += float(self._model(**batch).loss)
        return round(total / len(of), 4)

    def _export(self) -> Path:
        """The adapter, in a folder with the speaker's name."""
        target = self._output / LORA / self._speaker
        shutil.rmtree(target, ignore_errors=True)
        self._model.save_pretrained(target)
        return target
