"""Trains the object model: `python -m models.train.objects --data DATA --out .train/objects-1 --minutes 68`.

The learning rate follows the share of the time budget that is used up, so a run ends when it should on any
machine; a faster machine takes more steps. The crops and their order follow from the seed.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn

from models.train.augment import Examples
from models.train.data import Part, Source, chosen, training, validation
from models.train.loss import Targets, loss
from models.train.network import Checkpoint, Network, read_checkpoint

SEED = 7
BATCH = 16
LEARNING_RATE = 2e-3
WARMUP_STEPS = 200
WEIGHT_DECAY = 0.02
MAX_GRADIENT = 20.0
EMA_DECAY = 0.998
LOG_STEPS = 50
SAVE_S = 180.0
VALIDATE_S = 600.0
VALIDATION_BATCHES = 8

Batch = tuple[Tensor, Targets]


@dataclass(slots=True, eq=False)
class Run:
    """A training run as it stands."""

    sources: tuple[Source, ...]
    net: Network
    ema: Network
    optimizer: torch.optim.AdamW
    step: int = 0
    minutes: float = 0.0

    @classmethod
    def begun(cls, sources: tuple[Source, ...]) -> Run:
        """A fresh run."""
        torch.manual_seed(SEED)
        net = Network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        ema = Network()
        ema.load_state_dict(net.state_dict())
        optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        return cls(sources, net, ema, optimizer)

    def resume(self, path: Path) -> None:
        """Go on where a run was saved."""
        saved = read_checkpoint(path)
        if set(saved.sources) != {source.name for source in self.sources}:
            raise SystemExit(f"{path}: sources: expected those of this run, got {', '.join(saved.sources)}")
        self.net.load_state_dict(saved.net)
        self.ema.load_state_dict(saved.ema)
        self.optimizer.load_state_dict(dict(saved.optimizer))
        self.step, self.minutes = saved.step, saved.minutes

    def start_from(self, path: Path) -> None:
        """Begin with the weights of an earlier model instead of chance."""
        weights = read_checkpoint(path).ema
        self.net.load_state_dict(weights)
        self.ema.load_state_dict(weights)

    def save(self, path: Path) -> None:
        """Keep it, so that it can be resumed or exported."""
        names = tuple(source.name for source in self.sources)
        state = self.net.state_dict(), self.ema.state_dict(), self.optimizer.state_dict()
        Checkpoint(*state, self.step, self.minutes, names).save(path)

    def learn(self, batch: Batch, rate: float) -> tuple[float, float]:
        """One step; returns the loss of the peaks and of the boxes."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        logits, sides = self.net(batch[0])
        peaks, boxes = loss(logits, sides, batch[1])
        self.optimizer.zero_grad()
        (peaks + boxes).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), MAX_GRADIENT)
        self.optimizer.step()
        self.step += 1
        self._average()
        return peaks.item(), boxes.item()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        for mean, new in zip(self.ema.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.dtype == torch.int64:
                mean.copy_(new)
            else:
                mean.mul_(decay).add_(new, alpha=1 - decay)


def learning_rate(step: int, fraction: float) -> float:
    """Up over the first steps, then down along half a cosine to a hundredth; fraction of the time used."""
    falling = 0.5 * (1 + math.cos(math.pi * fraction)) * 0.99 + 0.01
    return LEARNING_RATE * min(1.0, (step + 1) / WARMUP_STEPS) * falling


def batches(parts: Sequence[Part], seed: int | list[int]) -> Iterator[Batch]:
    """Batches without end, made by one further process."""
    loader = torch.utils.data.DataLoader(
        Examples(parts, seed), batch_size=BATCH, num_workers=1, prefetch_factor=6
    )
    return (_batch(raw) for raw in loader)


def fixed_batches(parts: Sequence[Part]) -> list[Batch]:
    """The same validation crops for every run, in their own colours."""
    loader = torch.utils.data.DataLoader(Examples(parts, SEED, is_learnt=False), batch_size=BATCH)
    return [_batch(raw) for raw in islice(loader, VALIDATION_BATCHES)]


def _batch(raw: Sequence[Tensor]) -> Batch:
    pixels, *wanted = raw
    image = pixels.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    return image, Targets(*wanted)


@torch.no_grad()
def validation_loss(network: Network, fixed: Sequence[Batch]) -> tuple[float, float]:
    """Mean loss of the peaks and of the boxes on crops that are not learnt from."""
    network.eval()
    peaks = boxes = 0.0
    for image, wanted in fixed:
        logits, sides = network(image)
        of_peaks, of_boxes = loss(logits, sides, wanted)
        peaks, boxes = peaks + of_peaks.item(), boxes + of_boxes.item()
    return peaks / len(fixed), boxes / len(fixed)


def train(run: Run, data: Path, out: Path, budget_minutes: float) -> None:
    """Learn until the time is used up; the time spent on validation is not counted."""
    fixed = fixed_batches(validation(data, run.sources))
    if run.step:
        cv2.setRNGSeed(run.step)
    source = batches(training(data, run.sources), [SEED, run.step] if run.step else SEED)
    began = time.monotonic() - run.minutes * 60
    saved = validated = time.monotonic()
    since: list[tuple[float, float]] = []
    while run.minutes < budget_minutes:
        rate = learning_rate(run.step, run.minutes / budget_minutes)
        since.append(run.learn(next(source), rate))
        if run.step % LOG_STEPS == 0:
            peaks, boxes = (sum(column) / len(since) for column in zip(*since, strict=True))
            _log(out, run, rate=rate, peaks=peaks, boxes=boxes)
            since.clear()
        if time.monotonic() - saved > SAVE_S:
            run.save(out / "last.pt")
            saved = time.monotonic()
        if time.monotonic() - validated > VALIDATE_S:
            started = time.monotonic()
            _log_validation(out, run, fixed)
            validated = time.monotonic()
            began += validated - started
        run.minutes = (time.monotonic() - began) / 60
    run.minutes = budget_minutes
    run.save(out / "last.pt")
    _log_validation(out, run, fixed)


def _log_validation(out: Path, run: Run, fixed: Sequence[Batch]) -> None:
    peaks, boxes = validation_loss(run.ema, fixed)
    _log(out, run, validation_peaks=peaks, validation_boxes=boxes)


def _log(out: Path, run: Run, **figures: float) -> None:
    """One line of JSON, in the log and on the screen."""
    rounded = {name: round(value, 6) for name, value in figures.items()}
    line = json.dumps({"step": run.step, "minutes": round(run.minutes, 2), **rounded})
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")
    print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--minutes", type=float, default=68.0, help="time budget (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="for the network (default: %(default)s)")
    parser.add_argument("--start-from", type=Path, help="checkpoint of an earlier model, see narrow.py")
    parser.add_argument("--resume", action="store_true", help="go on from last.pt in --out")
    parser.add_argument(
        "--without-research-only", action="store_true", help="leave out sets that are for research only"
    )
    return parser.parse_args()


def main() -> None:
    """Train as the command line says."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    run = Run.begun(chosen(without_research_only=arguments.without_research_only))
    if arguments.start_from:
        run.start_from(arguments.start_from)
    if arguments.resume:
        run.resume(arguments.out / "last.pt")
    train(run, arguments.data, arguments.out, arguments.minutes)


if __name__ == "__main__":
    main()
