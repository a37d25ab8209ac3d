"""Training. Needs only torch, numpy and OpenCV where the data are pictures; nothing here is imported by `run`."""
