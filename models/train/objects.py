"""Trains the object model: `python -m models.train.objects --data DATA --out .train/objects-1 --minutes 68`.

The crops and their order follow from the seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import torch
from torch import Tensor

from models.train.augment import Examples
from models.train.data import SCENES, Part, chosen, scenes, training, validation
from models.train.loss import Targets, loss
from models.train.network import Network, read_checkpoint
from models.train.run import Run, peak_rate_argument, train

SEED = 7
BATCH = 16
MAX_GRADIENT = 20.0
VALIDATION_BATCHES = 8

Batch = tuple[Tensor, Targets]


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
def validation_loss(network: Network, fixed: Sequence[Batch]) -> dict[str, float]:
    """Mean loss of the peaks and of the boxes on crops that are not learnt from."""
    network.eval()
    peaks = boxes = 0.0
    for image, wanted in fixed:
        logits, sides = network(image)
        of_peaks, of_boxes = loss(logits, sides, wanted)
        peaks, boxes = peaks + of_peaks.item(), boxes + of_boxes.item()
    return {"validation_peaks": peaks / len(fixed), "validation_boxes": boxes / len(fixed)}


def learn(
    run: Run[Network], learnt: Sequence[Part], held_out: Sequence[Part], out: Path, minutes: float
) -> None:
    """Learn from the crops of these images until the time is used up."""
    fixed = fixed_batches(held_out)
    if run.step:
        cv2.setRNGSeed(run.step)
    source = batches(learnt, [SEED, run.step] if run.step else SEED)

    def losses(network: Network) -> dict[str, Tensor]:
        image, wanted = next(source)
        logits, sides = network(image)
        peaks, boxes = loss(logits, sides, wanted)
        return {"peaks": peaks, "boxes": boxes}

    train(run, out, minutes, losses=losses, validate=lambda network: validation_loss(network, fixed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--scenes", type=Path, help="folder that models.train.scenes wrote to")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--minutes", type=float, default=68.0, help="time budget (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="for the network (default: %(default)s)")
    parser.add_argument("--start-from", type=Path, help="checkpoint of an earlier model, see narrow.py")
    peak_rate_argument(parser)
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
    sources = chosen(without_research_only=arguments.without_research_only)
    names = (*(source.name for source in sources), *((SCENES.name,) if arguments.scenes else ()))
    run = Run.begun(
        Network,
        seed=SEED,
        sources=names,
        max_gradient=MAX_GRADIENT,
        peak_rate=arguments.peak_rate,
    )
    if arguments.start_from:
        run.start_from(read_checkpoint(arguments.start_from).ema)
    if arguments.resume:
        run.resume(arguments.out / "last.pt")
    learnt = training(arguments.data, sources)
    if arguments.scenes:
        learnt.append(scenes(arguments.scenes))
    learn(run, learnt, validation(arguments.data, sources), arguments.out, arguments.minutes)


if __name__ == "__main__":
    main()
