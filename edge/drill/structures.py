"""Buildings as solids, and trees and bushes onto the canvas."""

from math import atan2, degrees

import cv2
import numpy as np

from edge.drill.draw import Polygon, Window
from edge.drill.look import Light
from edge.drill.noise import Image, Raster, generator
from edge.drill.paint import toned
from edge.drill.parts import Part, Plan, plate
from edge.drill.scene import Building, Colour, Plant, Point
from edge.drill.season import Season, leaf_colour
from edge.drill.stamp import Pose


def building_solids(building: Building, seed: int) -> tuple[Plan, Pose]:
    """A roof with its rim, ribs or vents; the frame lies in the first corner, its first edge to the right."""
    (x0, y0), (x1, y1) = building.outline[:2]
    pose = Pose(x0, y0, degrees(atan2(y1 - y0, x1 - x0)))
    local = (np.array(building.outline) - (x0, y0)) @ pose.axes.T
    roof = plate(
        tuple((float(r), float(f)) for r, f in local),
        building.height_m,
        toned(building.colour, 0.84),
        thick_m=building.height_m,
    )
    rng = generator(seed, "roof", round(x0), round(y0))
    detail = _ribs(local, building) if building.ribbed else _vents(local, building, rng)
    return (roof, *detail), pose


def _ribs(local: Polygon, building: Building) -> Plan:
    """Two slopes of sheet metal, their seams, and strips that let light in."""
    (left, rear), (right, front) = local.min(axis=0) + 0.5, local.max(axis=0) - 0.5
    up, middle, depth = building.height_m, (rear + front) / 2, front - rear
    north = _block((left, right), (middle, front), up, building.colour)
    south = _block((left, right), (rear, middle), up, toned(building.colour, 0.93))
    ridge = _block((left, right), (middle - 0.4, middle + 0.4), up, toned(building.colour, 1.08))
    seam, window = toned(building.colour, 0.89), toned(building.colour, 1.14)
    seams = (_block((at, at + 0.35), (rear, front), up, seam) for at in np.arange(left + 3, right - 1, 4.5))
    windows = (
        _block((at, at + 1.4), (start, start + 0.22 * depth), up, window)
        for at in np.arange(left + 7, right - 6, 13.5)
        for start in (rear + 0.14 * depth, middle + 0.14 * depth)
    )
    return (north, south, *seams, *windows, ridge)


def _vents(local: Polygon, building: Building, rng: np.random.Generator) -> Plan:
    """A flat roof: a lighter field inside its rim, patches, air units with their shadows."""
    field = plate(_shrunk(local, 0.8), building.height_m, building.colour, thick_m=0.0)
    (left, rear), (right, front) = local.min(axis=0) + 3, local.max(axis=0) - 3
    if right - left < 4 or front - rear < 4:
        return (field,)
    parts, area_m2 = [field], (right - left) * (front - rear)
    for _ in range(int(area_m2 / 320) + 1):
        r, f = rng.uniform(left, right), rng.uniform(rear, front)
        across, along = (r, min(r + rng.uniform(3, 14), right)), (f, min(f + rng.uniform(2, 6), front))
        parts.append(
            _block(across, along, building.height_m, toned(building.colour, rng.uniform(0.92, 1.05)))
        )
    for _ in range(int(area_m2 / 260) + 1):
        parts += _unit(rng.uniform(left, right), rng.uniform(rear, front), building, rng)
    return tuple(parts)


def _unit(right_m: float, forward_m: float, building: Building, rng: np.random.Generator) -> Plan:
    size = rng.uniform(1.0, 2.6)
    shadow = (right_m + 0.6, right_m + size + 0.9), (forward_m - 0.9, forward_m + size * 0.7)
    block = (right_m, right_m + size), (forward_m, forward_m + size * 0.8)
    tone = toned(building.colour, rng.uniform(0.85, 1.15))
    return (
        _block(*shadow, building.height_m, toned(building.colour, 0.55)),
        _block(*block, building.height_m, tone),
    )


def _block(across: Point, along: Point, up_m: float, colour: Colour) -> Part:
    """A rectangle on a roof: from, to to the right, and from, to forward."""
    (r0, r1), (f0, f1) = across, along
    corners = ((float(r0), float(f0)), (float(r1), float(f0)), (float(r1), float(f1)), (float(r0), float(f1)))
    return plate(corners, up_m, colour, thick_m=0.0)


def _shrunk(local: Polygon, by_m: float) -> tuple[Point, ...]:
    middle = local.mean(axis=0)
    inward = middle - local
    inner = local + inward / np.maximum(np.abs(inward), 1e-6) * np.minimum(by_m, np.abs(inward))
    return tuple((float(r), float(f)) for r, f in inner)


def plant_shadows(plants: tuple[Plant, ...], light: Light) -> list[Polygon]:
    """The shadow of each crown: its outline, swept from the ground to its top."""
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    ring = np.column_stack([np.cos(angles), np.sin(angles)])
    polygons = []
    for plant in plants:
        crown = ring * plant.radius_m * 0.9 + (plant.x_m, plant.y_m)
        tip = (
            ring * plant.radius_m * 0.45
            + (plant.x_m, plant.y_m)
            + 2.0 * plant.radius_m * np.array(light.per_m)
        )
        polygons.append(
            cv2.convexHull(np.concatenate([crown, tip]).astype(np.float32))[:, 0].astype(np.float64)
        )
    return polygons


def draw_plant(
    canvas: Image, plant: Plant, light: Light, raster: Raster, *, season: Season, seed: int
) -> None:
    """A crown: lumpy, lit from the side of the sun."""
    radius_px = plant.radius_m / raster.gsd_m
    x = plant.x_m / raster.gsd_m + raster.margin_px
    y = plant.y_m / raster.gsd_m + raster.margin_px
    width, height = raster.size_px
    reach = radius_px * 1.3 + 1
    window = Window(
        max(0, int(x - reach)),
        max(0, int(y - reach)),
        min(width, int(x + reach) + 1),
        min(height, int(y + reach) + 1),
    )
    if window.empty:
        return
    rng = generator(seed, "plant", round(plant.x_m * 10), round(plant.y_m * 10))
    across = (np.arange(window.left, window.right) + 0.5 - x)[None, :] / radius_px
    down = (np.arange(window.top, window.bottom) + 0.5 - y)[:, None] / radius_px
    angle = np.arctan2(down, across)
    lumps = 1 + 0.13 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.08 * np.sin(5 * angle + rng.uniform(0, 6))
    distance = np.hypot(across, down) / lumps
    cover = np.clip((1 - distance) * radius_px + 0.5, 0, 1)
    facing = (across * light.toward[0] + down * light.toward[1]) * 0.7 + 0.55
    tone = 0.45 + 0.75 * np.clip(facing, 0, 1.2) + 0.13 * rng.standard_normal(distance.shape)
    leaf = np.array(
        leaf_colour(season, generator(seed, "leaf", round(plant.x_m * 10), round(plant.y_m * 10)))
    )
    colour = leaf * np.clip(tone, 0.3, 1.4)[..., None]
    part = canvas[window.slices]
    part += cover[..., None] * (colour - part)
