"""Two objects that come to touch, and part again, with the shipped weights: the sample's cat and its mirrored copy."""

import cv2
import numpy as np
from conftest import ROOT

from trackmask.data import State
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt, read_mask
from trackmask.runtime import OnnxRuntime
from trackmask.tracking import Tracker
from trackmask.video import open_video

SAMPLES = ROOT / "samples"
SIZE = (360, 640)
GAPS = (60, 45, 30, 15, 5, 0, 0, 0, 0, 0, 0, 0, 0, 5, 15, 30, 45)  # pixels between the two, a frame each


def test_each_of_two_that_touch_keeps_what_is_its_own():
    with open_video(SAMPLES / "bunny.mp4") as film:
        meadow = next(iter(film)).image
    with open_video(SAMPLES / "cat.mp4") as film:
        picture = next(iter(film)).image
    mask = read_mask(SAMPLES / "cat.mask.png")[1]
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    cat, shape = picture[y : y + h, x : x + w], mask[y : y + h, x : x + w]

    tracker = Tracker(OnnxRuntime(threads=2), SIZE)
    for index, gap in enumerate(GAPS):
        image, truths = meadow.copy(), []
        for left, one, its in ((320 - gap // 2 - w, cat, shape), (320 + gap - gap // 2, cat[:, ::-1], shape[:, ::-1])):
            there = np.s_[150 : 150 + h, left : left + w]
            truth = np.zeros(SIZE, bool)
            truth[there] = its
            image[truth] = one[its]
            truths.append(truth)
        masks = tracker.step(image, [Prompt(i, mask=t) for i, t in enumerate(truths, 1)] if index == 0 else ())
        for record, truth in zip(masks.objects, truths, strict=True):
            assert jaccard(masks.labels == record.id, truth) > 0.93, (index, record.id)
            assert record.state == State.TRACKED
