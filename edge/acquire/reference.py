"""TEMPORARY stand-in so that the pipeline can be tried; the owner of reference.py replaces this file."""
from __future__ import annotations
import cv2, msgspec, numpy as np, pathlib, pickle
from edge.acquire.registration import Reference

class ReferenceSettings(msgspec.Struct, frozen=True, kw_only=True):
    max_age_days: float = 45.0

def load(folder, site_id):
    p = pathlib.Path(folder) / f"{site_id}.ref"
    return pickle.loads(p.read_bytes()) if p.exists() else None

def save(folder, reference):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    (pathlib.Path(folder) / f"{reference.site_id}.ref").write_bytes(pickle.dumps(reference))

def make(tile, site, look):
    g = cv2.cvtColor(tile.pixels, cv2.COLOR_RGB2GRAY)
    k = max(1, max(g.shape) / 1024)
    g = cv2.resize(g, None, fx=1 / k, fy=1 / k, interpolation=cv2.INTER_AREA)
    return Reference(site.site_id, tile.tile_id, tile.acquired_at, tile.grid, g, np.ones(g.shape, bool))
