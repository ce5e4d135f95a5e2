"""Trains the change model: `python -m models.train.change.train --data DATA --out .train/change-1 --minutes 75`.

DATA holds change/ and objects/. The learning rate follows the share of the time budget that is used up, so a run
ends when it should on any machine; a faster machine takes more steps. The pairs and their order follow from the seed.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.train.change.data import Ground, Pair, grounds, pairs
from models.train.change.loss import loss
from models.train.change.network import ChangeNetwork
from models.train.change.pairs import Pairs

SEED = 11
BATCH = 12
LEARNING_RATE = 2e-3
WARMUP_STEPS = 200
WEIGHT_DECAY = 0.02
MAX_GRADIENT = 5.0
EMA_DECAY = 0.998
LOG_STEPS = 50
SAVE_S = 180.0
VALIDATE_S = 600.0

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(slots=True, eq=False)
class Run:
    """A training run as it stands."""

    net: ChangeNetwork
    ema: ChangeNetwork
    optimizer: torch.optim.AdamW
    step: int = 0
    minutes: float = 0.0

    @classmethod
    def begun(cls, start_from: Path | None) -> Run:
        """A fresh run, or one from the weights of an earlier one, or from the encoder of an object network."""
        torch.manual_seed(SEED)
        net = ChangeNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start_from is not None:
            known = torch.load(start_from, map_location="cpu", weights_only=True)["ema"]
            own = net.state_dict()
            named = {name if name in own else f"encoder.{name}": weight for name, weight in known.items()}
            same = {name: w for name, w in named.items() if name in own and w.shape == own[name].shape}
            net.load_state_dict(own | same)
        ema = ChangeNetwork()
        ema.load_state_dict(net.state_dict())
        optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        return cls(net, ema, optimizer)

    def resume(self, path: Path) -> None:
        """Go on where a run was saved."""
        saved = torch.load(path, map_location="cpu", weights_only=True)
        self.net.load_state_dict(saved["net"])
        self.ema.load_state_dict(saved["ema"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.minutes = saved["step"], saved["minutes"]

    def save(self, path: Path) -> None:
        """Keep it, whole or not at all."""
        state = {
            "net": self.net.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        whole = path.with_suffix(".tmp")
        torch.save(state | {"step": self.step, "minutes": self.minutes}, whole)
        whole.replace(path)

    def learn(self, batch: Batch, rate: float) -> tuple[float, float]:
        """One step; returns the two parts of the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        before, after, changed, weight = batch
        entropy, overlap = loss(self.net(before, after), changed, weight)
        self.optimizer.zero_grad()
        (entropy + overlap).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), MAX_GRADIENT)
        self.optimizer.step()
        self.step += 1
        self._average()
        return entropy.item(), overlap.item()

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


def image(pixels: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 to what the network takes."""
    return pixels.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)


def batches(real: Sequence[Pair], single: Sequence[Ground], seed: int | list[int]) -> Iterator[Batch]:
    """Batches without end, made by one further process."""
    loader = torch.utils.data.DataLoader(
        Pairs(real, single, seed), batch_size=BATCH, num_workers=1, prefetch_factor=6
    )
    return ((image(before), image(after), changed, weight) for before, after, changed, weight in loader)


@torch.no_grad()
def f1(network: ChangeNetwork, held_out: Sequence[Pair]) -> float:
    """Over all pixels of labelled pairs, at a half."""
    network.eval()
    right = wrong = 0.0
    for pair in held_out:
        before, after = (image(torch.from_numpy(one)[None]) for one in (pair.before, pair.after))
        found = network(before, after)[0, 0] > 0
        changed = torch.from_numpy(pair.changed)
        right += float((found & changed).sum())
        wrong += float((found ^ changed).sum())
    return 2 * right / max(2 * right + wrong, 1)


def train(run: Run, data: Path, out: Path, budget_minutes: float, *, without_research_only: bool) -> None:
    """Learn until the time is used up; the time spent on validation is not counted."""
    held_out = pairs(data / "change" / "levir-val")
    single = grounds(data / "objects", is_learnt=True, without_research_only=without_research_only)
    source = batches(pairs(data / "change" / "levir-train"), single, [SEED, run.step])
    first = next(source)
    began = time.monotonic() - run.minutes * 60
    saved = validated = time.monotonic()
    since: list[tuple[float, float]] = []
    while run.minutes < budget_minutes:
        rate = learning_rate(run.step, run.minutes / budget_minutes)
        since.append(run.learn(first, rate))
        first = next(source)
        if run.step % LOG_STEPS == 0:
            entropy, overlap = (sum(column) / len(since) for column in zip(*since, strict=True))
            _log(out, run, rate=rate, entropy=entropy, overlap=overlap)
            since.clear()
        if time.monotonic() - saved > SAVE_S:
            run.save(out / "last.pt")
            saved = time.monotonic()
        if time.monotonic() - validated > VALIDATE_S:
            started = time.monotonic()
            _log(out, run, validation_f1=f1(run.ema, held_out))
            validated = time.monotonic()
            began += validated - started
        run.minutes = (time.monotonic() - began) / 60
    run.minutes = budget_minutes
    run.save(out / "last.pt")
    _log(out, run, validation_f1=f1(run.ema, held_out))


def _log(out: Path, run: Run, **figures: float) -> None:
    """One line of JSON, in the log and on the screen."""
    rounded = {name: round(value, 6) for name, value in figures.items()}
    line = json.dumps({"step": run.step, "minutes": round(run.minutes, 2), **rounded})
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")
    print(line, flush=True)


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds change/ and objects/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--minutes", type=float, default=75.0, help="time budget (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="for the network (default: %(default)s)")
    parser.add_argument(
        "--start-from", type=Path, help="checkpoint of a change model, or of an object model for its encoder"
    )
    parser.add_argument("--resume", action="store_true", help="go on from last.pt in --out")
    parser.add_argument(
        "--without-research-only", action="store_true", help="leave out sets that are for research only"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    run = Run.begun(arguments.start_from)
    if arguments.resume:
        run.resume(arguments.out / "last.pt")
    train(
        run,
        arguments.data,
        arguments.out,
        arguments.minutes,
        without_research_only=arguments.without_research_only,
    )


if __name__ == "__main__":
    main()
