"""Moshi, made to speak as dialogues do: LoRA (Hu et al., 2021) on the networks of the package `moshi`.

The loss is that of its publishers (Défossez et al., 2024, "Moshi: a speech-text foundation model for real-time
dialogue"): of the words of the inner monologue, and of the codes of the model's own voice. It is written in plain
torch, for trainers of `transformers` want other packages than `moshi` does. Checkpoints are kept while it trains;
killed, the same call goes on from the last one.
"""

# Above 300 lines: one training, from its dialogues to its weights; what it may be told is in `tuning`.
from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
import yaml
from moshi.utils.compile import no_compile
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from torch.utils.tensorboard import SummaryWriter

from parley.adapters import moshi_checkpoint as checkpoint
from parley.errors import ParleyError, UsageError
from parley.models.catalogue import Model
from parley.models.interfaces import ModelSpec, TimedText
from parley.models.store import Store
from parley.train import clips
from parley.train.dialogues import LISTS, Written, written
from parley.train.folder import claim, report, save
from parley.train.speakers import HELD_OUT, TRAIN
from parley.train.training import Tell, check_memory, device, how_far
from parley.train.tuning import MoshiTuning, Needs, Stack, needs

_MOST_JUDGED = 200
"""Pieces that it is judged by."""
_LATEST_S = 1.0
"""A word that the words before it keep waiting for longer is left out."""
_MOST_GRADIENT = 1.0
_WEIGHTS = "lora.safetensors"
_FRAMES_HZ = 12.5
"""Of Mimi."""
Codes = npt.NDArray[np.int32]
"""Shape (words, the model's codebooks, the other's; frames)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    losses: list[tuple[int, float]]
    """Of the training, by step."""
    before: float
    after: float
    held_out: bool
    """Whether both losses are those on dialogues with speakers whom training did not hear."""
    left_out: int
    """Words whose text takes longer than they do."""
    hours: float
    weights: Path
    worker: Path
    """What a worker is told to load it: ``parley worker --config``."""


@dataclass(slots=True)
class _State:
    """How far it is; with the weights and the optimiser, all of a checkpoint."""

    step: int = 0
    before: float = math.inf
    best: float = math.inf
    looks: int = 0
    """Since it was best."""
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)


class Tuned:
    """One training, in a folder of its own."""

    def __init__(self, base: ModelSpec | Model, data: Path, output: Path, settings: MoshiTuning) -> None:
        """`base`: a checkpoint in the layout of the package `moshi`; `data`: a folder of dialogues.

        Raises `UsageError` where there is nothing to train on, `ModelError` where the checkpoint will not do.
        """
        self._base, self._output, self._settings = base, output, settings
        self._lists = {split: written(data, split) for split in (TRAIN, HELD_OUT)}
        if not self._lists[TRAIN]:
            raise UsageError(f"{data}: no dialogues to train on; {LISTS[TRAIN]} lists them")
        self._words = {split: [one.words() for one in listed] for split, listed in self._lists.items()}
        self._made_of = clips.digest_of(
            base.id.encode(),
            settings.model_dump_json(exclude={"usd_an_hour"}).encode(),
            msgspec.json.encode([(str(one.sound), one.seconds) for listed in self._lists.values() for one in listed]),
            msgspec.json.encode(self._words),
        )
        self._device = device()
        self._dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        self._info = checkpoint.find(_spec(base), None)
        if self._info.model_type != "moshi" or self._info.lora_weights is not None:
            raise UsageError(f"{base.id}: adapter weights are trained for Moshi itself, which this is not")
        try:
            self._outline = checkpoint.outline(self._info, self._dtype, {})
        except Exception as fault:  # what the package makes of wrong settings is of every kind
            raise UsageError(f"{base.id}: no network can be made of it ({type(fault).__name__}: {fault})") from fault
        if not self._outline.dep_q:
            raise UsageError(f"{base.id} speaks no sound (dep_q is 0): it is no model for conversations")

    def claim(self) -> None:
        """Make the folder this training's; raises `UsageError` where it is another one's."""
        claim(self._output, self._made_of)

    @cached_property
    def needs(self) -> Needs:
        """Memory, before it is taken."""
        network, frames = self._outline, self._frames
        weights, _ = checkpoint.sizes(network, 0)
        linear = [m for m in network.modules() if isinstance(m, torch.nn.Linear)]
        trained = sum(self._settings.rank * (m.in_features + m.out_features) for m in linear)
        return needs(
            weights + 4 * trained,
            trained,
            (
                Stack(network.dim, len(network.transformer.layers), frames),
                Stack(network.depformer_in[0].out_features, len(network.depformer.layers), frames * network.dep_q),
            ),
            frames * (network.text_linear.out_features + network.dep_q * network.card),
            self._settings.batch,
            value_bytes=2 if self._device.type == "cuda" else 4,
            again=True,
        )

    def run(self, tell: Tell) -> Outcome:
        """Train, and write the adapter weights; `tell` gets a line now and then.

        Raises `UsageError` where there is not enough memory, and where the folder has a training of something else;
        `ParleyError` where a recording cannot be read.
        """
        check_memory(self.needs)
        self.claim()
        left_out = self._encode(tell)
        pieces = {split: self._pieces(split) for split in self._lists}
        judged = (pieces[HELD_OUT] or pieces[TRAIN])[:_MOST_JUDGED]
        with no_compile(), SummaryWriter(str(self._output / "logs")) as board:
            run = _Run(self._network(), self._settings, self._output, tell, board)
            run.train(pieces[TRAIN], judged)
        outcome = Outcome(
            run.state.losses, run.state.before, run.state.best, bool(pieces[HELD_OUT]), left_out,
            round(run.state.seconds / 3600, 4), run.weights, self._write_worker(run.weights),
        )  # fmt: skip
        report(self._output, outcome)
        return outcome

    # -- data -----------------------------------------------------------------------------------------

    @property
    def _frames(self) -> int:
        """Of a piece."""
        return round(self._settings.seconds * _FRAMES_HZ)

    def _encode(self, tell: Tell) -> int:
        """Write the codes of each dialogue, unless they are there; returns how many words are left out."""
        codec, tokenizer, network, left_out = None, self._info.get_text_tokenizer(), self._outline, 0
        for split, listed in self._lists.items():
            for number, one in enumerate(listed):
                path = self._codes(split, number)
                if path.exists():
                    sounds = np.load(path)[1:]
                else:
                    codec = codec or self._info.get_mimi(device=self._device)
                    sounds = self._sounds(codec, one)
                text, missing = text_stream(
                    self._words[split][number], tokenizer.encode, sounds.shape[1], _FRAMES_HZ,
                    network.text_padding_token_id, network.end_of_text_padding_id,
                )  # fmt: skip
                left_out += missing
                if not path.exists():
                    tell(f"codes: {split}, {number + 1} of {len(listed)}")
                    save(path, np.concatenate([np.array([text], np.int32), sounds]))
        return left_out

    def _sounds(self, codec: Any, one: Written) -> Codes:
        """Codes of both voices, without the words; each piece is encoded by itself."""
        voices, size = [one.channel(0), one.channel(1)], self._frames * int(codec.frame_size)
        of_pieces = []
        for at in range(0, len(voices[0]), size):
            both = np.stack([voice[at : at + size] for voice in voices])
            both = np.pad(both, ((0, 0), (0, -both.shape[1] % int(codec.frame_size))))
            with torch.no_grad(), no_compile():
                codes = codec.encode(torch.from_numpy(both)[:, None].to(self._device))
            of_pieces.append(codes.flatten(0, 1).to(torch.int32).cpu().numpy())
        return np.concatenate(of_pieces, axis=1)

    def _codes(self, split: str, number: int) -> Path:
        return self._output / "codes" / f"{split}-{number:05}.npy"

    def _pieces(self, split: str) -> list[Codes]:
        """On the disk, until they are needed."""
        whole = [np.load(self._codes(split, number), mmap_mode="r") for number in range(len(self._lists[split]))]
        return [codes[:, at : at + self._frames] for codes in whole for at in range(0, codes.shape[1], self._frames)]

    # -- the network ----------------------------------------------------------------------------------

    def _network(self) -> Any:
        """With adapters that change nothing yet, which are all that is trained."""
        torch.manual_seed(self._settings.seed)
        said = {
            "lora": True, "lora_rank": self._settings.rank, "lora_scaling": self._settings.scaling,
            "gradient_checkpointing": True,
        }  # fmt: skip
        try:
            network = checkpoint.language_model(self._info, self._outline, self._device, self._dtype, said)
        except ParleyError:
            raise
        except Exception as fault:  # what the package makes of wrong files is of every kind
            raise UsageError(f"{self._base.id} cannot be loaded ({type(fault).__name__}: {fault})") from fault
        for name, weight in network.named_parameters():
            weight.requires_grad_("lora_" in name)
            if weight.requires_grad:
                weight.data = weight.data.float()
            if "lora_B" in name:
                weight.data.zero_()
        return network

    def _write_worker(self, weights: Path) -> Path:
        """What a worker loads, as it is told."""
        model: dict[str, Any] = {"id": self._base.id}
        if isinstance(self._base, ModelSpec):
            files = sorted(str(path) for path in self._base.files.values())
            model |= {"family": "moshi", "kind": "duplex", "files": files}
        model["options"] = {"lora": str(weights), "lora_scaling": self._settings.scaling}
        told = {"models": [model], "default_model_id": self._base.id}
        path = self._output / "worker.yaml"
        clips.replace(path, yaml.safe_dump(told, sort_keys=False).encode())
        return path


class _Run:
    """The steps of the optimiser."""

    def __init__(self, network: Any, settings: MoshiTuning, output: Path, tell: Tell, board: SummaryWriter) -> None:
        self._network, self._settings, self._tell, self._board = network, settings, tell, board
        self._trained = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        self._optimizer = torch.optim.AdamW(self._trained.values(), betas=(0.9, 0.95), weight_decay=0.1)
        self._kept, self.weights = output / "checkpoint.pt", (output / _WEIGHTS).resolve()
        self.state, self._since = _State(), time.monotonic()
        if self._kept.exists():
            self._resume()

    def train(self, pieces: Sequence[Codes], judged: Sequence[Codes]) -> None:
        """All steps that are left, until it gets no better by what it is judged by."""
        given, state = self._settings, self.state
        of_a_step = given.batch * given.accumulate
        steps = math.ceil(given.epochs * math.ceil(len(pieces) / of_a_step))
        if state.before == math.inf:
            state.before = self._judge(judged)
        batches = _batches(pieces, of_a_step, given.seed, state.step)
        while state.step < steps and state.looks < given.patience:
            loss = self._step(next(batches), _rate(given, state.step, steps))
            state.step += 1
            self._count()
            state.losses.append((state.step, loss))
            self._say("loss", loss, steps)
            if state.step % given.check_every == 0 or state.step == steps:
                self._look(judged, steps)

    def _step(self, several: list[Codes], rate: float) -> float:
        """One step of the optimiser; returns the loss."""
        size = self._settings.batch
        groups = [several[i : i + size] for i in range(0, len(several), size)]
        total = 0.0
        self._network.train()
        for group in groups:
            loss = self._loss(group) / len(groups)
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(self._trained.values(), _MOST_GRADIENT)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad()
        return total

    def _look(self, judged: Sequence[Codes], steps: int) -> None:
        """Judge it, keep it if it is the best so far, and make a checkpoint."""
        loss, state = self._judge(judged), self.state
        if not math.isfinite(loss):
            raise UsageError(f"step {state.step}: the loss is no number any more; take a lower learning_rate")
        self._count()
        self._say("loss on what it is judged by", loss, steps)
        if loss < state.best:
            state.best, state.looks = loss, 0
            unfinished = self.weights.with_suffix(".tmp")
            save_file({name: w.data.to(self._network.dtype) for name, w in self._trained.items()}, unfinished)
            unfinished.replace(self.weights)
        else:
            state.looks += 1
        unfinished = self._kept.with_suffix(".tmp")
        weights = {name: weight.data for name, weight in self._trained.items()}
        kept = {"state": asdict(state), "weights": weights, "optimizer": self._optimizer.state_dict()}
        torch.save(kept, unfinished)
        unfinished.replace(self._kept)

    def _resume(self) -> None:
        kept = torch.load(self._kept, map_location=self._network.device, weights_only=True)
        self.state = _State(**kept["state"])
        self._optimizer.load_state_dict(kept["optimizer"])
        with torch.no_grad():
            for name, weight in self._trained.items():
                weight.copy_(kept["weights"][name])

    def _judge(self, pieces: Sequence[Codes]) -> float:
        """The mean loss."""
        self._network.eval()
        with torch.no_grad():
            return sum(float(self._loss([piece])) for piece in pieces) / len(pieces)

    def _loss(self, pieces: Sequence[Codes]) -> torch.Tensor:
        codes = _together(pieces, self._network.zero_token_id).to(self._network.device)
        with torch.autocast(codes.device.type, torch.bfloat16, enabled=codes.device.type == "cuda"):
            found = self._network(codes)
        words, sounds = codes[:, :1], codes[:, 1 : 1 + self._network.dep_q]
        of_words = torch.ones(words.shape, device=codes.device)
        for token in (self._network.text_padding_token_id, self._network.end_of_text_padding_id):
            of_words[words == token] = self._settings.padding_weight
        of_sounds = torch.ones(sounds.shape, device=codes.device)
        of_sounds[:, 0] = self._settings.first_code_weight
        return _weighted(found.text_logits, words, found.text_mask, of_words) + _weighted(
            found.logits, sounds, found.mask, of_sounds
        )

    def _count(self) -> None:
        """Add the time since the last call, or since it began."""
        now = time.monotonic()
        self.state.seconds, self._since = self.state.seconds + now - self._since, now

    def _say(self, what: str, value: float, steps: int) -> None:
        state, given = self.state, self._settings
        self._board.add_scalar(what, value, state.step)
        if what != "loss" or state.step % max(1, given.check_every // 10) == 0:
            self._tell(how_far(state.step, steps, f"{what} {value:.3f}", state.seconds, given.usd_an_hour))


def text_stream(
    words: Sequence[TimedText], encode: Callable[[str], Sequence[int]], frames: int, rate_hz: float,
    padding: int, end: int,
) -> tuple[list[int], int]:  # fmt: skip
    """A token for each frame, and how many words are left out.

    A word begins in the frame in which it is said, or behind the word before it; `padding` stands where nothing does,
    and `end` in the last such frame before a word. A word that would come a second late is left out.
    """
    stream, at, left_out = [padding] * frames, 0, 0
    for word in words:
        said = int(word.start_s * rate_hz)
        begin = max(at, said)
        pieces = list(encode(word.text))[: max(0, frames - begin)]
        if not pieces or begin - said > _LATEST_S * rate_hz:
            left_out += 1
            continue
        if begin > at:
            stream[begin - 1] = end
        at = begin + len(pieces)
        stream[begin:at] = pieces
    return stream, left_out


def _rate(given: MoshiTuning, step: int, steps: int) -> float:
    """Of learning: rises to its highest, then falls as a cosine does."""
    rising = min(1.0, (step + 1) / (given.warmup_steps + 1))
    return given.learning_rate * rising * (1 + math.cos(math.pi * step / steps)) / 2


def _batches(pieces: Sequence[Codes], size: int, seed: int, done: int) -> Iterator[list[Codes]]:
    """The pieces in another order each time that all have been heard, from step `done` on; the same for one seed."""
    of_an_epoch = math.ceil(len(pieces) / size)
    epoch, behind = divmod(done, of_an_epoch)
    while True:
        order = torch.randperm(len(pieces), generator=torch.Generator().manual_seed(seed + epoch)).tolist()
        for number in range(behind, of_an_epoch):
            yield [pieces[i] for i in order[number * size : (number + 1) * size]]
        epoch, behind = epoch + 1, 0


def _together(pieces: Sequence[Codes], nothing: int) -> torch.Tensor:
    """A batch, shape (pieces, words and codebooks, frames of the longest)."""
    longest = max(piece.shape[1] for piece in pieces)
    padded = [np.pad(piece, ((0, 0), (0, longest - piece.shape[1])), constant_values=nothing) for piece in pieces]
    return torch.from_numpy(np.stack(padded).astype(np.int64))


def _weighted(found: torch.Tensor, right: torch.Tensor, mask: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy where `mask` is."""
    losses = cross_entropy(found[mask].float(), right[mask], reduction="none")
    return (losses * weights[mask]).sum() / weights[mask].sum().clamp(min=1e-9)


def _spec(base: ModelSpec | Model) -> ModelSpec:
    return base if isinstance(base, ModelSpec) else ModelSpec(base.id, base.family, Store().paths(base), {})
