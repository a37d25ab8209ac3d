import pytest

from trackmask.formats.names import Places, stems_of

SPARSE = [f"{number:05d}.jpg" for number in (0, 5, 10, 15)]


@pytest.mark.parametrize(
    ("names", "name", "place"),
    [
        (SPARSE, "00005.jpg", 1),
        (SPARSE, "masks\\00005.png", 1),
        (SPARSE, "clip/frame_5.png", 1),
        (SPARSE, "00001.png", None),
        (SPARSE, "cover.png", None),
        (["shot1001.png", "shot1002.png"], "1002.png", 1),
        (["shot1001.png", "shot1002.png"], "00001.png", None),
        (["a.png", "b.png"], "b.json", 1),
        (["a.png", "b.png"], "00001.png", 1),
        (["a.png", "b.png"], "00002.png", None),
        (["a1.png", "b1.png"], "b1.json", 1),
        (["a1.png", "b1.png"], "00001.png", None),
        (["a.png", "a.jpg"], "a.jpg", 1),
        (["a.png", "a.jpg"], "a.json", None),
    ],
)
def test_which_picture_is_meant(names, name, place):
    assert Places(names).of(name) == place


def test_files_that_belong_to_pictures():
    assert stems_of(SPARSE) == ("00000", "00005", "00010", "00015")
    assert stems_of(["a b.png", "..png", "c*d.png"]) == ("a_b", "clip", "c_d")
    assert stems_of(["a.png", "A.jpg"]) == ()
    assert stems_of([]) == ()
