"""Films: how still they are, how effective and how fast, by how frames follow one another.

    python benchmarks/video.py OUT [--size 96] [--frames 5] [--clip NAME …] [--method NAME …]
    python benchmarks/video.py OUT … --judge

Clips with known flow (`known_clips.py`), and with --real FILE … films, whose flow is estimated.
Each method paints every clip; the first frame is the same for all, and is painted once.
OUT/results.jsonl has a line for each clip and method, OUT/*.png the frames in a row. Seconds are
the process's on all cores, which machines that do other things have little influence on.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from known_clips import clips

from jaxstyle import recipes, samples
from jaxstyle.cli.compilation import start_jax
from jaxstyle.image.io import read_image, write_image
from jaxstyle.study.known_flow import KnownFrame
from jaxstyle.video.film_settings import FilmSettings

JUDGES = ("moments@alexnet", "lpips")

METHODS = {
    "frame by frame": FilmSettings(warp=False),
    "warped start": FilmSettings(temporal_weight=0),
    "temporal term": FilmSettings(),
    "absolute": FilmSettings(temporal_metric="absolute"),
    "long-term": FilmSettings(distances=(1, 10)),
    "two passes": FilmSettings(passes=2),
}


def variants(words: Sequence[str]) -> dict[str, FilmSettings]:
    """Return methods by name; `NAME:weight:steps` is one with other numbers."""
    chosen = {}
    for word in words:
        name, *numbers = word.split(":")
        film = METHODS[name]
        if numbers:
            film = replace(film, temporal_weight=float(numbers[0]), frame_steps=int(numbers[1]))
        chosen[word] = film
    return chosen


def real(path: str, size: int, frames: int) -> list[KnownFrame]:
    """Read the first frames of a film, cropped to 4:3, with estimated flow."""
    from jaxstyle.image.geometry import resize
    from jaxstyle.image.load import load_image
    from jaxstyle.video.flow import estimate, gray_of
    from jaxstyle.video.opening import clip_of
    from jaxstyle.video.trust import trust

    shape = (round(0.75 * size), size)
    pictures = []
    for frame, _ in zip(clip_of(path).frames(), range(frames), strict=False):
        picture = load_image(frame.image)
        height, width = picture.shape[:2]
        tall, wide = min(height, round(0.75 * width)), min(width, round(height / 0.75))
        top, left = (height - tall) // 2, (width - wide) // 2
        pictures.append(resize(picture[top : top + tall, left : left + wide], shape))
    nothing = np.zeros((*shape, 2), np.float32), np.zeros(shape, bool)
    known = [KnownFrame(pictures[0], *nothing)]
    for before, picture in itertools.pairwise(pictures):
        grays = gray_of(picture), gray_of(before)
        backward, forward = estimate(*grays), estimate(*reversed(grays))
        known.append(KnownFrame(picture, backward, trust(backward, forward).visible))
    return known


def paint(clip, film, style, settings, sources, first):
    """Paint a clip; return its pictures, the facts of each frame, and the first frame."""
    from jaxstyle.transfer.make_job import make_job
    from jaxstyle.video.flow import estimate
    from jaxstyle.video.painter import Painter

    painter = Painter(
        film, lambda n, gray, m, other: (estimate(gray, other), estimate(other, gray))
    )
    known, painted = {}, []

    def one(number, ways, before=None):
        began = time.process_time()
        image = clip[number].image
        job = make_job(image, style, settings, sources)
        sources.forget(image)
        others = [known.get(number + way) for way in ways]
        result = painter.paint(painter.ready(job, number, others, before))
        print(f"  frame {number}: {result.steps} steps, {result.seconds:.1f} s", flush=True)
        return replace(result, seconds=time.process_time() - began)

    for number in range(len(clip)):
        if number == 0 and first is not None:
            result, painter.constants, painter.layouts = first
        else:
            result = one(number, [-distance for distance in film.distances])
        known[number] = result.known
        painted.append(result)
    first = painted[0], painter.constants, painter.layouts
    for number in reversed(range(len(clip)) if film.passes > 1 else ()):
        again = one(number, film.distances, known.pop(number).raw)
        known[number] = again.known
        seconds, steps = painted[number].seconds + again.seconds, painted[number].steps
        painted[number] = replace(again, seconds=seconds, steps=steps + again.steps)
    return painted, first


def panel_for(clip, style_picture):
    """Return judges of effectiveness and coherence that the default objective does not use."""
    from jaxstyle.study.judging import JudgePanel, judges_of

    judges = [one for one in judges_of(JUDGES) if one.axis != "paint"]
    # Coherence is measured against another content: the first frame upside down.
    return JudgePanel(judges, [clip[0].image, clip[0].image[::-1].copy()], [style_picture])


def judged(panel, clip, pictures):
    """Return stillness, and effectiveness and coherence over the frames after the first."""
    from jaxstyle.study.films import stillness

    still = stillness(pictures, [f.backward for f in clip], [f.visible for f in clip])
    scores = np.mean([panel.scores(picture, 0, 0) for picture in pictures[1:]], axis=0)
    by_axis = {
        axis: float(
            np.mean([s for s, j in zip(scores, panel.judges, strict=True) if j.axis == axis])
        )
        for axis in ("effectiveness", "coherence")
    }
    return {"warping error": still.warping_error, "lpips": still.lpips, **by_axis}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--style", default="sample:swirls")
    parser.add_argument("--clip", nargs="*", help="of the clips with known flow [default: all]")
    parser.add_argument("--real", nargs="*", default=(), help="films")
    parser.add_argument("--method", nargs="*", default=list(METHODS))
    parser.add_argument("--judge", action="store_true", help="judge what is painted in OUT")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    start_jax()
    from jaxstyle.transfer.sources import Sources

    given.out.mkdir(parents=True, exist_ok=True)
    settings, sources = recipes.settings(size=given.size), Sources()
    of_known = clips(given.size, given.frames)
    shot = {name: of_known[name] for name in (of_known if given.clip is None else given.clip)}
    # Flow of real films is the estimate by which they are made: read it with care.
    shot |= {Path(path).stem: real(path, given.size, given.frames) for path in given.real}
    style_picture = read_image(samples.resolve(given.style), size=given.size)
    for name, clip in shot.items():
        first = None
        panel = panel_for(clip, style_picture) if given.judge else None
        for method, film in variants(given.method).items():
            stem = f"{name}-{method}".replace(" ", "_").replace(":", "-")
            place = given.out / f"{stem}.npz"
            if not given.judge:
                print(name, method, flush=True)
                painted, first = paint(clip, film, given.style, settings, sources, first)
                pictures = np.stack([one.image for one in painted])
                np.savez(
                    place,
                    pictures=pictures,
                    seconds=[one.seconds for one in painted],
                    steps=[one.steps for one in painted],
                )
                write_image(given.out / f"{stem}.png", np.concatenate(pictures, axis=1))
            elif place.exists():
                kept = np.load(place)
                row = {"clip": name, "method": method} | judged(panel, clip, kept["pictures"])
                row |= {"steps": float(np.mean(kept["steps"][1:]))}
                row |= {"seconds a frame": float(np.mean(kept["seconds"][1:]))}
                print(row, flush=True)
                with (given.out / "results.jsonl").open("a") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
