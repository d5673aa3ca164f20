"""What trainings of models of the library transformers share: adapters by `peft`, and the library's own trainer.

It needs torch, and is imported when it is asked for. Checkpoints are kept while it trains; killed, the same call goes
on from the last one.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from parley.errors import UsageError
from parley.train import clips
from parley.train.clips import Clip
from parley.train.training import Tell, how_far
from parley.train.tuning import LayerTuning

_LOSSES = {"loss": "loss", "eval_loss": "loss on held-out clips"}


def with_adapters(model: Any, settings: LayerTuning) -> Any:
    """A model with LoRA adapters that are all that is trained; raises `UsageError` where it has no such layers."""
    lora = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules=list(settings.layers)
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks in a way that transformers will drop
            return get_peft_model(model, lora)
    except ValueError as fault:
        raise UsageError(f"layers: {fault}") from None


def parameters(model: Any) -> tuple[int, int]:
    """Bytes of all weights, and how many numbers are trained."""
    weights = list(model.parameters())
    return sum(w.nbytes for w in weights), sum(w.numel() for w in weights if w.requires_grad)


class Training:
    """The steps of the optimiser over some clips, in a folder."""

    def __init__(self, model: Any, settings: LayerTuning, output: Path, tell: Tell) -> None:
        """`tell` gets a line now and then."""
        self._model, self._settings, self._checkpoints = model, settings, output / "checkpoints"
        self._told = _Told(tell, settings.usd_an_hour, output / "seconds")
        self.losses: list[tuple[int, float]] = []
        """By step."""

    @property
    def hours(self) -> float:
        """What it took, the time before kills among it."""
        return round(self._told.seconds / 3600, 4)

    def run(
        self, collated: Callable[[Sequence[Clip]], dict[str, Any]], train: Sequence[Clip], held_out: Sequence[Clip]
    ) -> None:
        """Train; `held_out`, if any, say when it gets no better, and which state is the best."""
        given, on_gpu, judges = self._settings, torch.cuda.is_available(), bool(held_out)
        arguments = TrainingArguments(
            output_dir=str(self._checkpoints), seed=given.seed, use_cpu=not on_gpu,
            bf16=on_gpu and torch.cuda.is_bf16_supported(), fp16=on_gpu and not torch.cuda.is_bf16_supported(),
            per_device_train_batch_size=given.batch, per_device_eval_batch_size=given.batch,
            gradient_accumulation_steps=given.accumulate, learning_rate=given.learning_rate,
            warmup_steps=given.warmup_steps, num_train_epochs=given.epochs,
            logging_steps=max(1, given.check_every // 10),
            save_steps=given.check_every, eval_steps=given.check_every, eval_strategy="steps" if judges else "no",
            save_total_limit=2, load_best_model_at_end=judges, metric_for_best_model="loss" if judges else None,
            remove_unused_columns=False, label_names=["labels"], disable_tqdm=True, report_to=["tensorboard"],
            log_level="error", prediction_loss_only=True,
        )  # fmt: skip
        stops = [EarlyStoppingCallback(given.patience)] if judges else []
        trainer = Trainer(
            self._model, arguments, data_collator=collated, train_dataset=list(train),
            eval_dataset=list(held_out) or None, callbacks=[self._told, *stops],
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        # Else the library divides a loss by labels that it counts itself, and CSM has several of a frame
        trainer.model_accepts_loss_kwargs = False
        last = get_last_checkpoint(str(self._checkpoints)) if self._checkpoints.exists() else None
        trainer.train(resume_from_checkpoint=last)
        self.losses = [(entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
        self._model.eval()


class _Told(TrainerCallback):  # type: ignore[misc]
    """Tells how far it is, how long it took and will take, and what that costs; goes on counting after a kill."""

    def __init__(self, tell: Tell, usd_an_hour: float, kept: Path) -> None:
        """`kept`: the file that has the seconds up to the last checkpoint."""
        self._tell, self._usd_an_hour, self._kept = tell, usd_an_hour, kept
        self.seconds, self._since = float(kept.read_text()) if kept.exists() else 0.0, 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The time begins to count."""
        self._since = self._since or time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A step more."""
        now = time.monotonic()
        self.seconds, self._since = self.seconds + now - self._since, now

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        """A line."""
        what = next((f"{word} {logs[key]:.3f}" for key, word in _LOSSES.items() if key in logs), None)
        if what is None or not state.global_step:
            return
        self._tell(how_far(state.global_step, state.max_steps, what, self.seconds, self._usd_an_hour))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint is written."""
        clips.replace(self._kept, str(self.seconds).encode())
