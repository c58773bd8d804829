"""The types of `**changes`: every setting by name, for type checkers and editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import optax

from jaxstyle.objective.term import Mixture
from jaxstyle.optim.optimizers import Optimizer
from jaxstyle.settings import (
    BlendName,
    ColorName,
    CombinationName,
    FitName,
    OptimizerName,
    OutsideName,
    ParametrizationName,
    PrecisionName,
    SafeguardName,
)
from jaxstyle.specs import LayerRef, PaddingName, PoolingName, TileName
from jaxstyle.transfer.sources import Source
from jaxstyle.weights.registry import Weights

Floats = float | Sequence[float]
Network = str | Weights


class Changes(TypedDict, total=False):
    """Every field of `Settings`, as `stylize`, `iterate`, `stylize_grid` and studies take them."""

    size: int | str | None
    steps: int
    scales: int | None
    scale_factor: float
    coarse_steps: int
    final_steps: int | None
    enlarge: bool
    fit: FitName
    first_steps: int | None
    scale_steps: int | Sequence[int]
    style_weight: float
    content_weight: float
    content_decay: float
    smoothness: float
    metric: Mixture
    content_metric: Mixture
    regularizer: Mixture
    combination: CombinationName
    parameter: Mapping[str, float] | Sequence[tuple[str, float]]
    positions: int
    style_positions: int
    style_layers: str | LayerRef | Sequence[str | LayerRef]
    content_layers: str | LayerRef | Sequence[str | LayerRef]
    backbone: Network
    style_backbone: Network | None
    content_backbone: Network | None
    style_shares: Floats
    blend: BlendName
    style_scale: Floats
    style_rotation: Floats
    content_mask: Source | Sequence[Source]
    style_mask: Source | Sequence[Source]
    regions: Source | None
    region_labels: str | int | Sequence[str | int]
    region_border: float
    keep: Source | None
    extend: int
    outside: OutsideName
    content_weight_map: Source | None
    style_weight_map: Source | None
    color: ColorName
    color_from: Source | None
    background: str | Sequence[float] | None
    pooling: PoolingName
    padding: PaddingName
    precision: PrecisionName
    optimizer: OptimizerName | Optimizer | optax.GradientTransformation
    parametrization: ParametrizationName
    learning_rate: float | None
    final_rate: float | None
    rate_decay: Sequence[float]
    optimizer_parameter: Mapping[str, float] | Sequence[tuple[str, float]]
    average: float
    safeguard: SafeguardName
    init: Source
    init_noise: float | None
    details: bool
    tile: TileName | None
    picture_guidance: float
    seed: int
    calibrate: bool
    calibration: str | Path | Mapping[str, Sequence[float] | Sequence[Sequence[float]]] | None
    memory: str | int
    recipe: str | None
