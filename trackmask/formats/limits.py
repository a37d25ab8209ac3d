"""How large may be what a file says: beyond it stands a fault or an attack, which ends in one sentence."""

MAX_SIDE = 1 << 14  # pixels: of a frame or a picture
MAX_PIXELS = 1 << 27  # of a frame or a picture: 400 MB as RGB
MAX_FRAME = 10**9  # no video has more
MAX_BYTES = 128 << 20  # of one file of annotations: masks of 200,000 objects as run lengths
MAX_VALUES = 8_000_000  # in one file of annotations: below 1 GB in memory, whatever they are
MAX_SHAPES = 500_000  # in one file or folder of annotations: an hour of five objects
MAX_CORNERS = 20_000  # of one object in one picture: drawn by hand it has a hundred
MAX_QUOTED = 60  # characters of a wrong value that a message quotes
MAX_MASKS = 4 << 30  # pixels of all masks in a file of prompts, a byte each in memory
