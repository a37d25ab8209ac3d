"""Numbers that the network's torch form and its runtime twin share. Imports nothing, so that nobody waits for torch."""

KEY = 48  # channels of the keys that the affinity compares
LINEAR = 32  # channels of the solved layer's input at stride 8
LINEAR4 = 32  # at stride 4
FINE = 16  # and at stride 2
WEIGHTS = LINEAR + 1 + LINEAR4 + 1 + FINE + 1  # of the three, each with a bias at its end
CONTEXT = 16  # channels of what a memory cell says about its look
CELLS = 4  # a memory cell carries its mask as 2 x 2 sub-cells
VALUE = CELLS + 2 * CONTEXT  # channels of a memory cell
POSITION = 16  # rank of the learned place-to-place part of the affinity
RIDGE = 1e-2  # of the mean diagonal: what the solved layer pays for large weights at strides 8 and 4
FINE_RIDGE = 1e-3  # and at stride 2, where there are many more places to fit
RECENT_SHARE = 0.5  # weight of the tracker's own frames in the solved layer, against 1 for the prompted ones
