"""What the encoder's units look for, and what can be read from its features, depth by depth."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

from trackmask.data import Image, box_of
from trackmask.errors import DataError
from trackmask.evaluation.dataset import Clip
from trackmask.lab.bench import Bench
from trackmask.lab.receptive import object_mask
from trackmask.network.backbone import CHANNELS, EfficientNetLite0
from trackmask.runtime import CHECKPOINT, load_network, shipped_folder
from trackmask.tracking import crop as crops

NAME = "hierarchy"
FRAMES = 10  # of each clip
STRIDES = tuple(CHANNELS)
UNITS, PATCHES = 5, 6  # of each stride, on the sheet
#: Side of a patch, pixels: the inner part of the receptive field, of 7, 19, 67 and 339 pixels, has most of its weight.
SHOWN = {2: 12, 4: 20, 8: 48, 16: 112}
CELL = 56  # pixels of a patch on the sheet
MARGIN = 8  # pixels from the frame's edge within which nothing is asked
EACH = 30  # places of each class, a frame
ORIENTATIONS = 8
STEEP = 0.9  # quantile of the gradient's length above which a place is an edge
NEAR, FAR = 0.02, 0.05  # of the crop's side: distances from the outline up to which it is near, from which it is far
FOLDS = 4
#: What a probe tells apart, and how many classes that are.
TASKS = {"edge orientation": ORIENTATIONS, "inside, outline, outside": 3, "object or background": 2}
COMPONENTS = min(CHANNELS.values())


class View(NamedTuple):
    """A frame as the network sees it."""

    clip: int
    picture: Image  # (S, S, 3)
    mask: np.ndarray  # (S, S) bool
    inside: np.ndarray  # (S, S) uint8: 0 where the crop reaches over the frame's edge, else 255


class Places(NamedTuple):
    """Places of the views with something to tell about each."""

    views: np.ndarray  # (n,) index of the view
    rows: np.ndarray  # (n,) pixels
    columns: np.ndarray
    labels: np.ndarray  # (n,) class


def run(bench: Bench) -> None:
    """hierarchy.json, hierarchy.png (accuracy against depth) and hierarchy-patches.png. Raises DataError where there
    are too few clips."""
    net = load_network(shipped_folder() / CHECKPOINT)
    views = look(bench.clips(), net.config.size)
    trained = maps(net.encoder.backbone, views)
    with bench.figure(f"{NAME}-patches", 8.6, 7.4) as figure:
        draw_patches(figure, views, trained)
    untrained = maps(random_backbone(bench.seed), views)
    questions = ask(views, bench.seed)
    figures = {
        task: {
            "places": len(places.labels),
            "chance": 1 / TASKS[task],
            "trained": {stride: probe(trained[stride], places, views) for stride in STRIDES},
            "components": {stride: probe(trained[stride], places, views, COMPONENTS) for stride in STRIDES},
            "random": {stride: probe(untrained[stride], places, views) for stride in STRIDES},
        }
        for task, places in questions.items()
    }
    with bench.figure(NAME, 10, 3.8) as figure:
        draw_curves(figure, figures)
    bench.write(NAME, {"channels": CHANNELS, "components": COMPONENTS, "tasks": figures})


def look(clips: list[Clip], size: int) -> list[View]:
    """Evenly spaced frames of each clip, in the crops that a tracker would see. Frames without the object are left
    out."""
    if len(clips) < FOLDS:
        raise DataError(f"the hierarchy needs at least {FOLDS} clips, got {len(clips)}; give more")
    views = []
    for number, clip in enumerate(clips):
        wanted = set(np.linspace(0, len(clip) - 1, FRAMES).round().astype(int).tolist()) & set(clip.truths)
        for frame in clip.frames():
            if frame.index in wanted:
                mask = object_mask(clip, frame.index)
                box = box_of(mask)
                if box is not None:
                    crop = crops.around(box, mask.shape)
                    picture = crops.cut(frame.image, crop, size)
                    inside = crops.cut(np.full(mask.shape, 255, np.uint8), crop, size, 0)
                    views.append(View(number, picture, crops.cut(mask, crop, size, 0) > 127, inside))
    return views


def away(view: View, margin: int) -> np.ndarray:
    """(S, S) bool: the places that lie farther than `margin` pixels from the edges of the frame and of the crop."""
    square = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    return cv2.erode(view.inside, square, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 127


def random_backbone(seed: int) -> EfficientNetLite0:
    """The same architecture, never trained: what depth alone gives."""
    backbone = EfficientNetLite0()
    generator = torch.Generator().manual_seed(seed)
    for layer in backbone.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # every one has it
    return backbone


def maps(backbone: EfficientNetLite0, views: list[View]) -> dict[int, np.ndarray]:
    """By stride: (views, C, S/stride, S/stride) float32."""
    with torch.inference_mode():
        seen = [backbone(torch.from_numpy(view.picture)[None]) for view in views]
        return {stride: torch.cat([features[stride] for features in seen]).numpy() for stride in STRIDES}


def ask(views: list[View], seed: int) -> dict[str, Places]:
    """For each of TASKS: as many places of each class in each view, as far as there are."""
    random = np.random.default_rng(seed)
    classes = {"edge orientation": orientation, "inside, outline, outside": part, "object or background": side}
    return {
        task: draw_places([np.where(away(view, MARGIN), classify(view), -1) for view in views], random)
        for task, classify in classes.items()
    }


def orientation(view: View) -> np.ndarray:
    """(S, S) int: the direction of the brightness's slope, without its sign, in steps; -1 where there is no edge."""
    grey = cv2.GaussianBlur(cv2.cvtColor(view.picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)
    x, y = cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1)
    step = (np.arctan2(y, x) % np.pi / np.pi * ORIENTATIONS).astype(int) % ORIENTATIONS
    length = np.hypot(x, y)
    return np.where(length > np.quantile(length, STEEP), step, -1)


def part(view: View) -> np.ndarray:
    """(S, S) int: 0 inside, 1 at the outline, 2 outside; -1 in between."""
    mask = view.mask.astype(np.uint8)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3) + cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3)
    far = depth > FAR * len(mask)
    return np.select([depth < NEAR * len(mask), far & view.mask, far], [1, 0, 2], -1)


def side(view: View) -> np.ndarray:
    """(S, S) int: 1 on the object, 0 beside it."""
    return view.mask.astype(int)


def draw_places(classes: list[np.ndarray], random: np.random.Generator) -> Places:
    """`classes`: a (S, S) map a view, -1 where a place has none."""
    found = []
    for number, view in enumerate(classes):
        for label in np.unique(view[view >= 0]):
            rows, columns = np.nonzero(view == label)
            some = random.permutation(len(rows))[:EACH]
            found.append((np.full(len(some), number), rows[some], columns[some], np.full(len(some), label)))
    return Places(*(np.concatenate(column) for column in zip(*found, strict=True)))


def probe(features: np.ndarray, places: Places, views: list[View], components: int | None = None) -> float:
    """Balanced accuracy in [0, 1] of a linear classifier that sees the features (views, C, h, w) at one place, on clips
    that it was not fitted to; through that many principal components where given."""
    x = at(features, places, len(views[0].picture))
    clips = np.array([view.clip for view in views])[places.views]
    guessed = np.empty_like(places.labels)
    for fit, test in GroupKFold(FOLDS).split(x, places.labels, clips):
        steps = [StandardScaler()] + ([PCA(components, random_state=0)] if components else [])
        model = make_pipeline(*steps, RidgeClassifier(class_weight="balanced"))
        guessed[test] = model.fit(x[fit], places.labels[fit]).predict(x[test])
    return float(balanced_accuracy_score(places.labels, guessed))


def at(features: np.ndarray, places: Places, size: int) -> np.ndarray:
    """Features (views, C, h, w) at places in pixels of views of `size`, interpolated: (n, C)."""
    x = np.empty((len(places.views), features.shape[1]), np.float32)
    for view, one in enumerate(features):
        here = places.views == view
        pixels = np.stack((places.columns[here], places.rows[here]), 1).astype(np.float32)
        spots = torch.from_numpy((2 * pixels + 1) / size - 1)[None, None]  # from -1 to 1 across the view
        read = F.grid_sample(torch.from_numpy(one)[None], spots, align_corners=False, padding_mode="border")
        x[here] = read[0, :, 0].T.numpy()
    return x


def best_patches(features: np.ndarray, views: list[View], stride: int) -> list[list[Image]]:
    """The units that stand out most, and for each the patches that excite it most, one a clip."""
    width = features.shape[3]
    flat = features.reshape(*features.shape[:2], -1)
    fits = np.stack([away(view, SHOWN[stride] // 2)[stride // 2 :: stride, stride // 2 :: stride] for view in views])
    mean, deviation = flat.mean((0, 2)), flat.std((0, 2)) + 1e-6
    flat = np.where(fits.reshape(len(views), 1, -1), flat, -np.inf)
    peaks = (flat.max(2) - mean) / deviation  # (views, C), in standard deviations
    clips = np.array([view.clip for view in views])
    firsts = np.stack([np.flatnonzero(clips == clip)[peaks[clips == clip].argmax(0)] for clip in np.unique(clips)])
    heights = np.take_along_axis(peaks, firsts, 0)  # (clips, C): the best view of each clip
    order = np.argsort(-heights, 0)[:PATCHES]
    units = np.argsort(-np.take_along_axis(heights, order, 0).mean(0))[:UNITS]
    sheet = []
    for unit in units:
        best = firsts[order[:, unit], unit]
        spots = [(view, *divmod(int(flat[view, unit].argmax()), width)) for view in best]
        places = [(views[view].picture, (row + 0.5) * stride, (column + 0.5) * stride) for view, row, column in spots]
        sheet.append([patch(*place, SHOWN[stride]) for place in places])
    return sheet


def patch(picture: Image, row: float, column: float, width: int) -> Image:
    """The square of so many pixels around a place, in the sheet's size."""
    cut = crops.cut(picture, crops.square(column, row, width), CELL)
    return cv2.copyMakeBorder(cut[1:-1, 1:-1], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def draw_patches(figure: Figure, views: list[View], features: dict[int, np.ndarray]) -> None:
    figure.suptitle("The patches that excite a unit most, one of a clip")
    for axes, stride in zip(figure.subplots(2, 2).flat, STRIDES, strict=True):
        rows = [np.concatenate(row, 1) for row in best_patches(features[stride], views, stride)]
        axes.imshow(np.concatenate(rows))
        axes.set(
            xticks=[],
            yticks=[],
            title=f"stride {stride}: {SHOWN[stride]} x {SHOWN[stride]} pixels",
            ylabel="a unit a row",
        )
        axes.spines[:].set_visible(False)


def draw_curves(figure: Figure, tasks: dict[str, dict]) -> None:
    for axes, (task, figures) in zip(figure.subplots(1, len(tasks), sharey=True), tasks.items(), strict=True):
        for kind, label, style in (
            ("trained", "all channels", "o-"),
            ("components", f"{COMPONENTS} components", "s--"),
            ("random", "untrained", "^:"),
        ):
            axes.plot(range(len(STRIDES)), [100 * figures[kind][stride] for stride in STRIDES], style, label=label)
        axes.axhline(100 * figures["chance"], color="grey", linewidth=0.8)
        axes.set(xticks=range(len(STRIDES)), xticklabels=STRIDES, xlabel="stride", title=task, ylim=(0, 100))
    figure.axes[0].set_ylabel("accuracy of a linear probe, %")
    figure.axes[0].legend(frameon=False)
