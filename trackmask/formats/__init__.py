"""What other tools write and read, each format in one place; for prompts, import and export alike.

    node, limits                    a stranger's values, asked for by kind; how large they may be
    shape                           what an annotation file says, whatever its format
    coco, cvat, label_studio,
    labelme, palette, via, yolo     a reader each
    runs, polygons                  masks as run lengths and as polygons, and back
    ids, names                      what a mask's picture means; which frame it is
    pictures, png                   the one place that opens pictures; PNGs written

A new format is one module with `read(...) -> Annotations`, and a line in importing/readers.py that says where its files
lie. Everything here raises DataError.
"""
