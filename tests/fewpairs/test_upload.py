"""`upload`, `labels` and `annotate` against a running service."""

import tarfile
from pathlib import Path

import httpx
import pytest

from fewpairs import FewpairsError, Pool
from tests import drawings
from tests.access import WITH_KEY
from tests.fewpairs.conftest import Run


def test_an_interrupted_upload_goes_on_where_it_stopped(run: Run, pool: Pool, photos: Path) -> None:
    """A second upload of a folder sends only what the server lacks."""
    files = sorted((photos / "images").iterdir())
    assert pool.upload(files[:3]).new == 3
    result = run("upload", photos / "images")
    assert result.exit_code == 0, result.output
    assert "5 new, 3 there already" in result.output
    assert pool.refresh().counts["train"]["images"] == 8


def test_of_equal_photos_the_first_by_name_counts(run: Run, pool: Pool, photos: Path) -> None:
    """Of two photos with the same bytes the one whose name comes first can be picked, in whatever order the
    service gets to see them; a selection says that the other is left out."""
    copies = [photos / "images" / name for name in ("0003 (1).png", "zz.png")]
    for copy in copies:
        copy.write_bytes((photos / "images" / "0000.png").read_bytes())
    result = run("upload", photos / "images")
    for copy in copies:
        assert f"{copy}: It has the same bytes as 0000.png." in result.output
    selected = run("select", "--budget", 8)
    assert selected.exit_code == 0, selected.output
    assert "2 photos with the bytes of another one" in selected.output
    assert not any(copy.name in selected.output for copy in copies)


def test_bad_files_are_named_and_stop_nothing(run: Run, pool: Pool, photos: Path) -> None:
    """A text file called .jpg, a truncated PNG and an empty file are refused; the others are sent."""
    folder = photos / "images"
    (folder / "a.jpg").write_text("no image")
    (folder / "b.png").write_bytes((folder / "0001.png").read_bytes()[:-900])
    (folder / "c.png").write_bytes(b"")
    result = run("upload", folder, "--split", "test")
    assert result.exit_code == 1
    assert "8 new" in result.output
    assert "3 refused" in result.output
    for name, slug in (("a.jpg", "not-an-image"), ("b.png", "truncated-image"), ("c.png", "not-an-image")):
        line = next(line for line in result.output.splitlines() if f"{folder / name}:" in line)
        assert f"({slug})" in line
    assert pool.refresh().counts["test"]["images"] == 8


def test_other_bytes_under_a_taken_name_are_refused(pool: Pool, photos: Path) -> None:
    """The bytes of a name never change; the first upload stays."""
    path = photos / "images" / "0000.png"
    pool.upload(path)
    before = [image["sha256"] for image in pool.images()]
    path.write_bytes(drawings.png(drawings.drawing(99)[0]))
    upload = pool.upload(path)
    assert [refusal.type for refusal in upload.rejected] == ["name-taken"]
    assert [image["sha256"] for image in pool.images()] == before


def test_two_files_of_one_name_in_two_folders_are_two_photos(pool: Pool, photos: Path) -> None:
    """A photo's name is its path below the folder; given one by one, the second file of a name is refused."""
    below = photos / "images" / "more"
    below.mkdir()
    (below / "0000.png").write_bytes(drawings.png(drawings.drawing(50)[0]))
    assert pool.upload(photos / "images").new == 9
    assert {"0000.png", "more/0000.png"} <= {image["name"] for image in pool.images()}
    upload = pool.upload([photos / "images" / "0000.png", below / "0000.png"])
    assert [refusal.path for refusal in upload.rejected] == [below / "0000.png"]
    assert pool.upload(below / "0000.png", under="more").unchanged == 1


def test_names_with_spaces_and_accents_arrive(pool: Pool, photos: Path) -> None:
    """A name with any characters arrives whole, and in NFC."""
    folder = photos / "odd"
    folder.mkdir()
    for number, name in enumerate(["a b#1?.png", "100%25.png", "e\u0301te\u0301.png"]):
        (folder / name).write_bytes(drawings.png(drawings.drawing(number)[0]))
    assert pool.upload(folder).rejected == []
    assert pool.upload(folder).unchanged == 3
    assert {image["name"] for image in pool.images()} == {"a b#1?.png", "100%25.png", "\u00e9t\u00e9.png"}


def test_a_name_that_cannot_be_is_refused_alone(pool: Pool, photos: Path) -> None:
    """A file whose name the service refuses is named, and the other files are sent."""
    (photos / "images" / "back\\slash.png").write_bytes(drawings.png(drawings.drawing(9)[0]))
    upload = pool.upload(photos / "images")
    assert [refusal.type for refusal in upload.rejected] == ["invalid-name"]
    assert upload.new == 8


@pytest.mark.parametrize("command", ["upload", "labels", "annotate"])
def test_a_folder_without_images_gets_a_sentence(run: Run, tmp_path: Path, command: str) -> None:
    """An empty folder, and one that does not exist, are reported in a sentence with exit code 1."""
    (tmp_path / "notes.txt").write_text("hello")
    for folder, sentence in ((tmp_path, "holds no image"), (tmp_path / "nowhere", "does not exist")):
        result = run(command, folder)
        assert result.exit_code == 1
        assert sentence in result.output
        assert "Traceback" not in result.output


def test_label_maps_are_matched_by_name(run: Run, pool: Pool, photos: Path) -> None:
    """0001.png annotates the photo 0001.png; a label map without a photo is named, the others are taken."""
    pool.upload(photos / "images")
    stray = photos / "labels" / "stray.png"
    stray.write_bytes((photos / "labels" / "0000.png").read_bytes())
    result = run("annotate", photos / "labels")
    assert result.exit_code == 1
    assert "8 new" in result.output
    assert "no photo of such a name" in result.output
    assert pool.refresh().counts["annotated"] == 8


def test_label_maps_may_lie_beside_their_photos(run: Run, server: str, pool: Pool, photos: Path) -> None:
    """Label maps that were drawn into the folder of the photos, or sent in an archive with them, are taken;
    the photos themselves are no label maps."""
    pool.upload(photos / "images")
    for number in range(4):
        (photos / "labels" / f"{number:04d}.png").rename(photos / "images" / f"{number:04d}_mask.png")
    (photos / "images" / "0005.json").write_text("{}")
    with tarfile.open(photos / "done.tar.gz", "w:gz") as archive:
        archive.add(photos / "images", "done")
    for source in (photos / "images", photos / "done.tar.gz"):
        result = run("annotate", source)
        assert result.exit_code == 0, result.output
        assert "8 files that are photos of the pool" in result.output
        assert "fewpairs import" in result.output
    assert "4 there already" in result.output
    for image in pool.images(annotated=True):
        sent = photos / "images" / image["name"].replace(".png", "_mask.png")
        address = f"{server}/images/{image['id']}/annotation"
        kept = httpx.get(address, params={"original": 1}, headers=WITH_KEY)
        assert kept.content == sent.read_bytes()
    assert pool.refresh().counts["annotated"] == 4


def test_label_maps_without_a_photo_are_told_about_pairs(run: Run, pool: Pool, photos: Path) -> None:
    """If a name does not say a photo, the answer says how to name it."""
    pool.upload(photos / "images")
    (photos / "labels" / "0000.png").rename(photos / "labels" / "first.png")
    result = run("annotate", photos / "labels")
    assert result.exit_code == 1
    assert "--pairs FILE.csv" in result.output
    (photos / "pairs.csv").write_text("label_map,photo\nfirst.png,0000.png\n")
    result = run("annotate", photos / "labels", "--pairs", photos / "pairs.csv")
    assert result.exit_code == 0, result.output
    assert pool.refresh().counts["annotated"] == 8


def test_an_annotation_is_replaced_only_on_request(run: Run, pool: Pool, photos: Path) -> None:
    """The same bytes are skipped; other bytes are refused until --replace, which makes a new revision."""
    pool.upload(photos / "images")
    pool.annotate(photos / "labels")
    assert "8 there already" in run("annotate", photos / "labels").output
    (photos / "labels" / "0003.png").write_bytes(drawings.png(drawings.drawing(77)[1]))
    refused = run("annotate", photos / "labels")
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    replaced = run("annotate", photos / "labels", "--replace")
    assert replaced.exit_code == 0, replaced.output
    assert "1 replaced, 7 there already" in replaced.output
    revisions = {image["name"]: image["annotation_revision"] for image in pool.images()}
    assert revisions["0003.png"] == 2
    assert revisions["0004.png"] == 1


def test_label_maps_that_do_not_fit_are_refused(pool: Pool, photos: Path) -> None:
    """A label map of another size is refused with its reason, and its photo stays without annotation."""
    pool.upload(photos / "images")
    (photos / "labels" / "0002.png").write_bytes(drawings.png(drawings.drawing(2)[1][:20]))
    upload = pool.annotate(photos / "labels")
    assert [(refusal.path.name, refusal.type) for refusal in upload.rejected] == [
        ("0002.png", "label-map-size")
    ]
    assert pool.refresh().counts["annotated"] == 7


def test_unpaired_label_maps_are_counted_once(run: Run, pool: Pool, photos: Path) -> None:
    """`labels` sends unpaired label maps; sending them again changes nothing."""
    assert "8 new" in run("labels", photos / "labels").output
    assert "8 there already" in run("labels", photos / "labels").output
    assert pool.refresh().counts["unpaired_label_maps"] == 8


def test_a_service_that_says_no_to_everything_stops_the_upload(pool: Pool, photos: Path) -> None:
    """An answer that is not about one file, such as a missing pool, ends the upload with its sentence."""
    pool.document["id"] = "00000000-0000-7000-8000-000000000000"
    with pytest.raises(FewpairsError) as raised:
        pool.upload(photos / "images")
    assert raised.value.status == 404


def test_a_photo_of_the_other_split_is_refused(run: Run, pool: Pool, photos: Path) -> None:
    """A photo sent to the other split is refused with a sentence, and not counted as there already."""
    pool.upload(photos / "images")
    result = run("upload", photos / "images", "--split", "test")
    assert result.exit_code == 1
    assert "there already" not in result.output
    assert "8 refused" in result.output
    assert "already in the train split" in result.output


def test_a_class_that_nobody_has_drawn_is_reported(run: Run, pool: Pool, photos: Path) -> None:
    """`annotate`, `pool show` and `train` tell the pixels of each class, and name a class without any."""
    pool.upload(photos / "images")
    told = run("annotate", photos / "labels").output
    assert "never drawn: 0 pixels in 8 label maps" in told
    ground = sum(int((drawings.drawing(seed)[1] == 0).sum()) for seed in range(8))
    assert f"ground {ground:,} (" in told
    shown = run("pool", "show", pool.name).output
    assert f"{ground:,}" in next(line for line in shown.splitlines() if " ground " in line)
    ordered = run("train", "--method", "pix2pix", "--recipe", "tiny", "--steps", 1)
    assert "never drawn: 0 pixels in the pairs" in ordered.output
    for job in pool.jobs(kind="train"):
        assert job.missing_classes == ["never drawn"]
        job.cancel()
