"""The baselines that learn from the first frame, on a clip that copying the mask loses."""

import sys
from itertools import islice
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from trackmask.data import Frame
from trackmask.errors import CallError, ExtraError
from trackmask.evaluation.baselines import copy_first_mask
from trackmask.evaluation.dataset import Clip
from trackmask.evaluation.measure import evaluate
from trackmask.evaluation.methods import open_method
from trackmask.evaluation.places import EVERY, Nearest, PlaceTracker, Sample, balance, rows
from trackmask.lab.classifiers import Descended, Solved, Svm
from trackmask.lab.hog_svm import HogSvm
from trackmask.network.constants import LINEAR

SIZE = (90, 140)
FRAMES = EVERY + 2  # so that there is an update


def scene(index: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc with stripes moves 4 pixels a frame over a blurred ground: its picture and its mask (bool)."""
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 4)
    rows, columns = np.indices(SIZE)
    x, y = 30 + 4 * index, 45
    mask = (rows - y) ** 2 + (columns - x) ** 2 < 18**2
    stripes = ((rows - y) // 4 + (columns - x) // 6) % 2 * 200 + 20
    image[mask] = stripes[mask][:, None]
    return image, mask


class Scene(Clip):
    """`scene` as a clip, with two objects where `second`: the disc's halves."""

    second = False

    def frames(self):
        return (Frame(index, index / 24, scene(index)[0]) for index in range(FRAMES))

    def truth(self, index):
        labels = scene(index)[1].astype(np.uint8)
        if self.second:
            labels[45:][labels[45:] > 0] = 7
        return labels


class TwoHalves(Scene):
    second = True


def clip(kind: type[Scene] = Scene) -> Scene:
    return kind("disc", dict.fromkeys(range(FRAMES)), images=(None,) * FRAMES)


def j_of(method, of: Clip) -> float:
    return next(evaluate(method, [of], "mask")).j


class TestHogSvm:
    def test_it_follows_what_copying_loses(self):
        assert j_of(HogSvm(), clip()) > 0.8 > 0.4 > j_of(copy_first_mask, clip())

    def test_it_grows_with_the_object(self):
        """By the largest step, every frame."""

        class Growing(Scene):
            def frames(self):
                for index in range(FRAMES):
                    yield Frame(index, 0.0, cv2.warpAffine(scene(0)[0], self.turn(index), SIZE[::-1]))

            def truth(self, index):
                return cv2.warpAffine(scene(0)[1].astype(np.uint8), self.turn(index), SIZE[::-1])

            def turn(self, index):
                return cv2.getRotationMatrix2D((30, 45), 0, 1.02**index)

        assert j_of(HogSvm(), clip(Growing)) > 0.85 > j_of(copy_first_mask, clip(Growing))

    def test_several_ids(self):
        assert j_of(HogSvm(), clip(TwoHalves)) > 0.6

    def test_the_same_seed_gives_the_same_masks(self):
        first, second = (list(islice(HogSvm(3)(clip(), "mask"), 3)) for _ in range(2))
        assert (np.stack(first) == np.stack(second)).all()

    def test_it_needs_a_mask(self):
        with pytest.raises(CallError, match="'box'"):
            HogSvm()(clip(), "box")

    def test_without_its_packages_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "skimage", None)
        with pytest.raises(ExtraError, match=r"skimage.*trackmask\[lab\]"):
            HogSvm()


def two_halves(seed: int) -> Sample:
    """Features whose length is 1 at each place, alike within the left half (the object) and within the right."""
    random = np.random.default_rng(0)
    look = random.normal(size=(2, LINEAR))
    features = look[(np.arange(12) < 6).astype(int)].T[:, None].repeat(12, 1)  # (LINEAR, 12, 12)
    features = features + 0.3 * np.random.default_rng(seed).normal(size=features.shape)
    features = (features / np.linalg.norm(features, axis=0)).astype(np.float32)
    return Sample(features, np.tile(np.arange(12) < 6, (12, 1)).astype(np.float32), 1.0)


class TestClassifiers:
    @pytest.mark.parametrize("make", [Nearest, Svm, Solved, Descended])
    def test_it_finds_the_object_in_another_frame(self, make):
        classifier = make(0)
        classifier.fit([two_halves(1)])
        other = two_halves(2)
        assert ((classifier.score(other.features) > 0) == (other.mask > 0.5)).mean() > 0.98

    @pytest.mark.parametrize("make", [Nearest, Svm, Solved, Descended])
    def test_the_same_seed_gives_the_same_scores(self, make):
        scores = []
        for _ in range(2):
            classifier = make(5)
            classifier.fit([two_halves(1)])
            classifier.fit([two_halves(1), two_halves(3)._replace(share=0.5)])
            scores.append(classifier.score(two_halves(2).features))
        assert (scores[0] == scores[1]).all()

    def test_a_small_object_weighs_as_much_as_its_surroundings(self):
        y = np.r_[np.ones(4), np.zeros(96)].astype(np.float32)
        weight = balance(y)
        assert weight[:4].sum() == pytest.approx(4 / 5)
        assert weight[4:].sum() == pytest.approx(96 / 97)

    def test_a_samples_share_is_its_weight(self):
        _, _, weight = rows([two_halves(1), two_halves(2)._replace(share=0.5)])
        assert weight[:144].sum() == pytest.approx(2 * weight[144:].sum())
        assert weight.mean() == pytest.approx(1)


class Contrast:
    """A runtime whose features tell how bright a place is, and how uneven."""

    size = 64

    def encode(self, crops: np.ndarray) -> SimpleNamespace:
        grey = crops.astype(np.float32).mean(3).reshape(len(crops), 8, 8, 8, 8)
        seen = np.stack((grey.mean((2, 4)) / 255, grey.std((2, 4)) / 40, np.full((len(crops), 8, 8), 0.5)), 1)
        spread = np.random.default_rng(0).normal(size=(LINEAR, 3))
        features = np.einsum("cs,nshw->nchw", spread, seen)
        features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
        return SimpleNamespace(key=features, linear=features)


class TestPlaceTracker:
    @pytest.mark.parametrize("make", [Nearest, Svm, Solved, Descended])
    def test_it_follows_what_copying_loses(self, make):
        assert j_of(PlaceTracker(Contrast(), make, "linear"), clip()) > 0.6 > 0.4 > j_of(copy_first_mask, clip())

    def test_several_ids(self):
        masks = list(PlaceTracker(Contrast())(clip(TwoHalves), "mask"))
        assert (masks[0] == clip(TwoHalves).truth(0)).all()
        assert set(np.unique(masks[1])) == {0, 1, 7}

    def test_it_needs_a_mask(self):
        with pytest.raises(CallError, match="'none'"):
            PlaceTracker(Contrast())(clip(), "none")


@pytest.mark.parametrize("name", ["trackmask", "copy", "flow", "features", "hog-svm"])
def test_every_name_opens_a_method(name, tiny_weights):
    masks = open_method(name, tiny_weights, threads=1)(clip(), "mask")
    assert (next(masks) == scene(0)[1]).mean() > 0.95
