"""Label maps of exports find their photos."""

from formats.matching import Listed, placed


def photos_of(paths: list[tuple[str, ...]], photos: list[str]) -> list[tuple[str | None, str]]:
    listed = [Listed(f"file {place}", each) for place, each in enumerate(paths)]
    return [(found.photo, found.problem) for found in placed(listed, photos)]


def test_the_first_path_that_finds_a_photo_counts() -> None:
    """Later paths are tried for what is not found, or is open, under the earlier ones."""
    assert photos_of([("x/1.png", "2.png"), ("3.png",)], ["2.jpg", "3.jpg"]) == [("2.jpg", ""), ("3.jpg", "")]
    assert photos_of([("ds0/1.png", "1.png")], ["1.jpg", "day1/1.jpg"]) == [("1.jpg", "")]
    assert photos_of([("ds0/1.png",)], ["day2/1.jpg", "day1/1.jpg"]) == [(None, "ambiguous")]


def test_no_photo_gets_two_label_maps() -> None:
    """If two files name one photo, neither is taken, and each names the other, also under the same path."""
    found = placed([Listed("one", ("a.png",)), Listed("two", ("a.png",))], ["a.jpg"])
    assert [(one.photo, one.problem) for one in found] == [(None, "image-taken")] * 2
    assert ["two" in found[0].reason, "one" in found[1].reason] == [True, True]
