"""Which photo a label map belongs to."""

import pytest

from folders.matching import match

FOUND = {
    "one folder": (["0001.png"], ["0001.jpg"], {"0001.png": ("0001.jpg", "path")}),
    "the whole path before the stem": (
        ["day1/1.png", "day2/1.png"],
        ["day1/1.png", "day2/1.png", "1.jpg"],
        {"day1/1.png": ("day1/1.png", "path"), "day2/1.png": ("day2/1.png", "path")},
    ),
    "folders of photos and of label maps": (
        ["labels/train/1.png", "labels/val/1.png"],
        ["images/train/1.jpg", "images/val/1.jpg"],
        {
            "labels/train/1.png": ("images/train/1.jpg", "path"),
            "labels/val/1.png": ("images/val/1.jpg", "path"),
        },
    ),
    "train and train_masks": (
        ["train_masks/1.png", "val_masks/1.png"],
        ["train/1.jpg", "val/1.jpg"],
        {"train_masks/1.png": ("train/1.jpg", "path"), "val_masks/1.png": ("val/1.jpg", "path")},
    ),
    "fewer folders": (
        ["train/1.png"],
        ["ds/train/1.jpg", "ds/val/1.jpg"],
        {"train/1.png": ("ds/train/1.jpg", "stem")},
    ),
    "the stem alone": (
        ["done/1.png"],
        ["day1/1.jpg"],
        {"done/1.png": ("day1/1.jpg", "stem in another folder")},
    ),
    "CamVid": (
        ["0001TP_006690_L.png"],
        ["0001TP_006690.png"],
        {"0001TP_006690_L.png": ("0001TP_006690.png", "ending")},
    ),
    "Cityscapes": (
        ["gtFine/train/aachen/a_000019_gtFine_labelIds.png"],
        ["leftImg8bit/train/aachen/a_000019_leftImg8bit.png"],
        {
            "gtFine/train/aachen/a_000019_gtFine_labelIds.png": (
                "leftImg8bit/train/aachen/a_000019_leftImg8bit.png",
                "ending",
            )
        },
    ),
    "masks": (
        ["a_mask.png", "b-label.png", "c_seg.png"],
        ["a.jpg", "b.jpg", "c.jpg"],
        {
            "a_mask.png": ("a.jpg", "ending"),
            "b-label.png": ("b.jpg", "ending"),
            "c_seg.png": ("c.jpg", "ending"),
        },
    ),
    "words in front": (
        ["mask_IMG_1.png", "label_0002.png", "gt-3.png"],
        ["IMG_1.JPG", "image_0002.jpg", "3.jpg"],
        {
            "mask_IMG_1.png": ("IMG_1.JPG", "beginning"),
            "label_0002.png": ("image_0002.jpg", "beginning"),
            "gt-3.png": ("3.jpg", "beginning"),
        },
    ),
    "the photo's suffix inside": (
        ["a.jpg.png", "a.png.png"],
        ["a.jpg", "a.png"],
        {"a.jpg.png": ("a.jpg", "path"), "a.png.png": ("a.png", "path")},
    ),
    "another case": (
        ["img_1.png", "IMG_2_MASK.PNG"],
        ["IMG_1.JPG", "img_2.jpeg"],
        {"img_1.png": ("IMG_1.JPG", "case"), "IMG_2_MASK.PNG": ("img_2.jpeg", "case")},
    ),
    "a photo whose name ends as a mask's does": (
        ["street_L.png"],
        ["street.jpg", "street_L.jpg"],
        {"street_L.png": ("street_L.jpg", "path")},
    ),
    "a dot in the name": (["v1.5 a.png"], ["v1.5 a.jpg"], {"v1.5 a.png": ("v1.5 a.jpg", "path")}),
}
IN_DOUBT = {
    "no photo of the name": (["2.png"], ["1.jpg"], {"2.png": ("no-image", "no photo")}),
    "two folders": (["1.png"], ["a/1.jpg", "b/1.jpg"], {"1.png": ("ambiguous", "a/1.jpg, b/1.jpg")}),
    "two suffixes": (["1.bmp"], ["1.jpg", "1.png"], {"1.bmp": ("ambiguous", "1.jpg, 1.png")}),
    "two spellings": (["a.png"], ["A.jpg", "x/A.jpg"], {"a.png": ("ambiguous", "A.jpg, x/A.jpg")}),
    "the only photo is in another folder that the pool knows": (
        ["day1/1.png"],
        ["day2/1.jpg", "day1/2.jpg"],
        {"day1/1.png": ("other-folder", "day2/1.jpg")},
    ),
    "two photos after a word in front": (
        ["mask_1.png"],
        ["img_1.jpg", "photo_1.jpg"],
        {"mask_1.png": ("ambiguous", "img_1.jpg, photo_1.jpg")},
    ),
    "two label maps of one photo": (
        ["a_gtFine_labelIds.png", "a_gtFine_labelTrainIds.png"],
        ["a_leftImg8bit.png"],
        {
            "a_gtFine_labelIds.png": ("image-taken", "a_gtFine_labelTrainIds.png"),
            "a_gtFine_labelTrainIds.png": ("image-taken", "a_gtFine_labelIds.png"),
        },
    ),
    "a photo that another label map fits better": (
        ["day1/1.png", "done/1.png"],
        ["day1/1.jpg"],
        {"done/1.png": ("image-taken", "day1/1.png")},
    ),
}


@pytest.mark.parametrize("kind", FOUND)
def test_a_label_map_finds_its_photo(kind: str) -> None:
    """By the first rule that finds one; the answer says by which."""
    label_maps, photos, expected = FOUND[kind]
    found = match(label_maps, photos)
    assert {each.label_map: (each.photo, each.by) for each in found} == expected


@pytest.mark.parametrize("kind", IN_DOUBT)
def test_nothing_is_guessed(kind: str) -> None:
    """A label map that could belong to several photos, or to none, gets none; a sentence names the choice."""
    label_maps, photos, expected = IN_DOUBT[kind]
    found = {each.label_map: each for each in match(label_maps, photos)}
    for name, (problem, words) in expected.items():
        assert (found[name].photo, found[name].problem) == (None, problem)
        assert words in found[name].reason


def test_pairs_come_first() -> None:
    """A pair decides against the name; a pair with a photo that is not there is a problem."""
    photos = ["a/1.jpg", "b/1.jpg"]
    first, second = match(["1.png", "2.png"], photos, {"1.png": "b/1.jpg", "2.png": "c.jpg"})
    assert (first.photo, first.by) == ("b/1.jpg", "pairs")
    assert (second.problem, "c.jpg" in second.reason) == ("no-image", True)
