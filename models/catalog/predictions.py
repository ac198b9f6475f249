"""What a model can be asked for: a direction, and the views that a prediction is made from."""

from collections.abc import Mapping

PHOTOS_TO_LABELS, LABELS_TO_PHOTOS = DIRECTIONS = ("photos_to_labels", "labels_to_photos")

TEST_TIME: Mapping[str, str] = {
    "none": "the photo as it is",
    "flip": "the mean of the photo and its mirror image",
    "scales": "the mean of the photo and its mirror image at three sizes",
}
"""What a model that learns classes predicts a photo from: more views take more time."""
DEFAULT_TEST_TIME = "none"
