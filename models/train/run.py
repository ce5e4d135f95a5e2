"""A training run of any of the networks: its weights, their moving average, and the loop over a time budget.

The learning rate follows the share of the time budget that is used up, so a run ends when it should on any
machine; a faster machine takes more steps.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from models.train.network import Checkpoint, read_checkpoint

LEARNING_RATE = 2e-3
WARMUP_STEPS = 200
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.998
LOG_STEPS = 50
SAVE_S = 180.0
VALIDATE_S = 600.0

Net = TypeVar("Net", bound=nn.Module)

Figures = Mapping[str, float]
"""What is logged, by name."""


@dataclass(slots=True, eq=False)
class Run(Generic[Net]):
    """A training run as it stands.

    ema        the moving average of the weights, which is what ships
    sources    names of the sets it learns from
    peak_rate  the largest learning rate of the run
    minutes    of the budget that are used up
    """

    net: Net
    ema: Net
    optimizer: torch.optim.AdamW
    sources: tuple[str, ...]
    max_gradient: float
    peak_rate: float = LEARNING_RATE
    step: int = 0
    minutes: float = 0.0

    @classmethod
    def begun(
        cls,
        network: Callable[[], Net],
        *,
        seed: int,
        sources: tuple[str, ...],
        max_gradient: float,
        peak_rate: float = LEARNING_RATE,
    ) -> Run[Net]:
        """A fresh run; gradients longer than max_gradient are shortened to it."""
        torch.manual_seed(seed)
        net = network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        ema = network()
        ema.load_state_dict(net.state_dict())
        optimizer = torch.optim.AdamW(net.parameters(), lr=peak_rate, weight_decay=WEIGHT_DECAY)
        return cls(net, ema, optimizer, sources, max_gradient, peak_rate)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with these weights instead of chance."""
        self.net.load_state_dict(weights)
        self.ema.load_state_dict(weights)

    def resume(self, path: Path) -> None:
        """Go on where a run was saved."""
        saved = read_checkpoint(path)
        if set(saved.sources) != set(self.sources):
            raise SystemExit(
                f"{path}: sources: expected {', '.join(self.sources)}, got {', '.join(saved.sources)}"
            )
        self.net.load_state_dict(saved.net)
        self.ema.load_state_dict(saved.ema)
        self.optimizer.load_state_dict(dict(saved.optimizer))
        self.step, self.minutes = saved.step, saved.minutes

    def save(self, path: Path) -> None:
        """Keep it, so that it can be resumed or exported."""
        state = self.net.state_dict(), self.ema.state_dict(), self.optimizer.state_dict()
        Checkpoint(*state, self.step, self.minutes, self.sources).save(path)

    def learn(self, losses: Callable[[Net], Mapping[str, Tensor]], rate: float) -> dict[str, float]:
        """One step down the sum of the losses; returns each of them."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        parts = losses(self.net)
        self.optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), self.max_gradient)
        self.optimizer.step()
        self.step += 1
        self._average()
        return {name: part.item() for name, part in parts.items()}

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        for mean, new in zip(self.ema.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.dtype == torch.int64:
                mean.copy_(new)
            else:
                mean.mul_(decay).add_(new, alpha=1 - decay)


def learning_rate(step: int, fraction: float, peak: float = LEARNING_RATE) -> float:
    """Up to peak, then down along half a cosine to a hundredth of it; fraction of the time used."""
    falling = 0.5 * (1 + math.cos(math.pi * fraction)) * 0.99 + 0.01
    return peak * min(1.0, (step + 1) / WARMUP_STEPS) * falling


def train(
    run: Run[Net],
    out: Path,
    budget_minutes: float,
    *,
    losses: Callable[[Net], Mapping[str, Tensor]],
    validate: Callable[[Net], Figures],
) -> None:
    """Learn until the time is used up; the time spent on validation is not counted.

    losses    of the next batch, by name
    validate  figures of the averaged weights on what is not learnt from
    """
    began = time.monotonic() - run.minutes * 60
    saved = validated = time.monotonic()
    since: list[Figures] = []
    while run.minutes < budget_minutes:
        rate = learning_rate(run.step, run.minutes / budget_minutes, run.peak_rate)
        since.append(run.learn(losses, rate))
        if run.step % LOG_STEPS == 0:
            _log(out, run, {"rate": rate, **_mean(since)})
            since.clear()
        if time.monotonic() - saved > SAVE_S:
            run.save(out / "last.pt")
            saved = time.monotonic()
        if time.monotonic() - validated > VALIDATE_S:
            started = time.monotonic()
            _log(out, run, validate(run.ema))
            validated = time.monotonic()
            began += validated - started
        run.minutes = (time.monotonic() - began) / 60
    run.minutes = budget_minutes
    run.save(out / "last.pt")
    _log(out, run, validate(run.ema))


def peak_rate_argument(parser: argparse.ArgumentParser) -> None:
    """Let the command line say how far a run may step: what has learnt already forgets less with less."""
    parser.add_argument(
        "--peak-rate", type=float, default=LEARNING_RATE, help="largest learning rate (default: %(default)s)"
    )


def _mean(figures: list[Figures]) -> Figures:
    return {name: sum(one[name] for one in figures) / len(figures) for name in figures[0]}


def _log(out: Path, run: Run[Net], figures: Figures) -> None:
    """One line of JSON, in the log and on the screen."""
    rounded = {name: round(value, 6) for name, value in figures.items()}
    line = json.dumps({"step": run.step, "minutes": round(run.minutes, 2), **rounded})
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")
    print(line, flush=True)
