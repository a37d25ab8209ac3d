"""What the fully connected layers do in one frame of a result, as a picture."""

from trackmask.lab.explain.explain import explain

__all__ = ["explain"]
