"""How a clip is left where it is."""


class Stopped(Exception):
    """Raised from a clip's progress once the owner has said STOP."""
