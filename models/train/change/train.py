"""Trains the change model: `python -m models.train.change.train --data DATA --out OUT --minutes 75`.

DATA holds change/ and objects/. The pairs and their order follow from the seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from edge.detect.model import load
from models.train.change.data import PLACES, Ground, Pair, Place, grounds, pairs, places
from models.train.change.loss import loss
from models.train.change.network import ChangeNetwork
from models.train.change.pairs import Pairs
from models.train.change.unlabelled import without_unlabelled
from models.train.data import chosen
from models.train.run import Run, peak_rate_argument, train

SEED = 11
BATCH = 12
MAX_GRADIENT = 5.0

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def weights_of(path: Path) -> dict[str, Tensor]:
    """Those of an earlier model, or of the encoder of an object model with a fresh head."""
    known = torch.load(path, map_location="cpu", weights_only=True)["ema"]
    own = ChangeNetwork().state_dict()
    named = {name if name in own else f"encoder.{name}": weight for name, weight in known.items()}
    return own | {name: w for name, w in named.items() if name in own and w.shape == own[name].shape}


def image(pixels: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 to what the network takes."""
    return pixels.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)


def batches(
    real: Sequence[Pair], single: Sequence[Ground], rendered: Sequence[Place], seed: int | list[int]
) -> Iterator[Batch]:
    """Batches without end, made by one further process."""
    loader = torch.utils.data.DataLoader(
        Pairs(real, single, seed, rendered), batch_size=BATCH, num_workers=1, prefetch_factor=6
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


def learn(
    run: Run[ChangeNetwork], source: Iterator[Batch], held_out: Sequence[Pair], out: Path, minutes: float
) -> None:
    """Learn from the batches until the time is used up."""

    def losses(network: ChangeNetwork) -> dict[str, Tensor]:
        before, after, changed, weight = next(source)
        entropy, overlap = loss(network(before, after), changed, weight)
        return {"entropy": entropy, "overlap": overlap}

    train(
        run,
        out,
        minutes,
        losses=losses,
        validate=lambda network: {"validation_f1": f1(network, held_out)},
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds change/ and objects/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--minutes", type=float, default=75.0, help="time budget (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="for the network (default: %(default)s)")
    parser.add_argument(
        "--start-from", type=Path, help="checkpoint of a change model, or of an object model for its encoder"
    )
    peak_rate_argument(parser)
    parser.add_argument(
        "--places", type=Path, help="folder that models.train.change.places wrote, to learn from too"
    )
    parser.add_argument("--resume", action="store_true", help="go on from last.pt in --out")
    parser.add_argument(
        "--without-research-only", action="store_true", help="leave out sets that are for research only"
    )
    parser.add_argument(
        "--objects",
        type=Path,
        default=Path("models/objects.yaml"),
        help="model that finds what nobody labelled in the real pairs (default: %(default)s)",
    )
    return parser.parse_args()


def main() -> None:
    """Train as the command line says."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    sets = chosen(without_research_only=arguments.without_research_only)
    names = ("levir-train", *(source.name for source in sets), *((PLACES,) if arguments.places else ()))
    run = Run.begun(
        ChangeNetwork,
        seed=SEED,
        sources=names,
        max_gradient=MAX_GRADIENT,
        peak_rate=arguments.peak_rate,
    )
    if arguments.start_from:
        run.start_from(weights_of(arguments.start_from))
    if arguments.resume:
        run.resume(arguments.out / "last.pt")
    single = grounds(
        arguments.data / "objects",
        is_learnt=True,
        without_research_only=arguments.without_research_only,
    )
    change = arguments.data / "change"
    real = without_unlabelled(pairs(change / "levir-train"), load(arguments.objects))
    rendered = places(arguments.places, "train") if arguments.places else []
    source = batches(real, single, rendered, [SEED, run.step])
    learn(run, source, pairs(change / "levir-val"), arguments.out, arguments.minutes)


if __name__ == "__main__":
    main()
