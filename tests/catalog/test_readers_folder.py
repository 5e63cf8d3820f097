"""A folder of photos → products."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.readers import Row, Source, read_rows
from mmsearch.catalog.readers.folder import title_of
from mmsearch.errors import InputError

PHOTO = b"\xff\xd8\xff\xe0 a photo"


def folder(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(PHOTO)
    return root


def opened(root: Path) -> tuple[Source, list[Row]]:
    source = read_rows(str(root))
    return source, list(source.rows)


def test_photos_become_products(tmp_path: Path) -> None:
    folder(tmp_path, "Shoes/running-shoes/RedAero_01.jpg", "Shoes/IMG_1234.PNG", "b.webp", "a b.jpeg", "鞋/红色跑鞋.avif")
    source, rows = opened(tmp_path)
    assert (source.format, source.typed, source.folder, source.notes) == ("folder", True, tmp_path, [])
    assert source.columns == ["id", "title", "category", "image"]
    assert [(row.line, row.values) for row in rows] == [
        (1, {"id": "a b", "title": "a b", "image": ["a b.jpeg"]}),
        (2, {"id": "b", "title": "b", "image": ["b.webp"]}),
        (3, {"id": "Shoes/IMG_1234", "category": "Shoes", "image": ["Shoes/IMG_1234.PNG"]}),
        (
            4,
            {
                "id": "Shoes/running-shoes/RedAero_01",
                "title": "Red Aero",
                "category": "Shoes > running shoes",
                "image": ["Shoes/running-shoes/RedAero_01.jpg"],
            },
        ),
        (5, {"id": "鞋/红色跑鞋", "title": "红色跑鞋", "category": "鞋", "image": ["鞋/红色跑鞋.avif"]}),
    ]


def test_photos_that_differ_in_a_number_are_products_of_their_own(tmp_path: Path) -> None:
    _, rows = opened(folder(tmp_path, "shoe_01.jpg", "shoe_02.jpg", "shoe_b.jpg"))
    assert [row.values["id"] for row in rows] == ["shoe_01", "shoe_02", "shoe_b"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("001_red-running_shoe_02", "red running shoe"),
        ("RedRunningShoe (2)", "Red Running Shoe"),
        ("iPhone_15", "iPhone 15"),
        ("501_jeans", "501 jeans"),
        ("T-shirt", "T shirt"),
        ("v1.5", "v1.5"),
        ("50-70 frame", "50-70 frame"),
        ("USBCable", "USB Cable"),
        ("red shoe - Copy", "red shoe"),
        ("红色跑鞋_01", "红色跑鞋"),
        ("Samsung", "Samsung"),
        *((name, "") for name in ("IMG_1234", "DSC00012", "DSCN1234", "P1010001", "PXL_20230101_123456", "IMG-20200101-WA0003", "44216")),
        *(
            (name, "")
            for name in ("WhatsApp Image 2020-01-01 at 10.00.00", "Screenshot 2020-01-01", "微信图片_2020", "a3f5b2c4d5e6f7a8", "..")
        ),
    ],
)
def test_titles(name: str, title: str) -> None:
    assert title_of(name) == title


@settings(max_examples=300, derandomize=True, deadline=None)
@given(name=st.text(st.sampled_from("aAbZ01 _-.,()atpmimgcopy红"), max_size=300))
def test_any_name_has_a_title_soon(name: str) -> None:
    title = title_of(name)
    assert title == " ".join(title.split())


def test_what_systems_leave_behind_is_skipped_in_silence(tmp_path: Path) -> None:
    folder(tmp_path, "a.jpg", ".hidden.jpg", "._a.jpg", "Thumbs.db", "@eaDir/a.jpg", "__MACOSX/a.jpg", ".git/a.jpg", "desktop.ini")
    source, rows = opened(tmp_path)
    assert ([row.values["id"] for row in rows], source.notes) == (["a"], [])


def test_what_is_no_photo_is_counted_and_named(tmp_path: Path) -> None:
    folder(tmp_path, "a.jpg", "no_suffix", "scan.dat", *(f"notes {n}.txt" for n in range(7)), "z/products.csv")
    for n in range(7):
        (tmp_path / f"notes {n}.txt").write_text("words")
    (tmp_path / "z" / "products.csv").write_text("id\n1\n")
    source, rows = opened(tmp_path)
    assert [row.values["image"] for row in rows] == [["a.jpg"], ["no_suffix"], ["scan.dat"]]  # the last two by their content
    assert source.notes == [
        "8 files that are no photos were left out: notes 0.txt, notes 1.txt, notes 2.txt, notes 3.txt, z/products.csv, …",
        f"a table may describe these photos better than their names: mmsearch ingest {tmp_path}/z/products.csv",
    ]


def test_a_folder_without_photos(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no photos"):
        opened(tmp_path)
    (tmp_path / "products.csv").write_text("id\n1\n")
    with pytest.raises(InputError, match="holds no photos") as caught:
        opened(tmp_path)
    assert f"mmsearch ingest {tmp_path}/products.csv" in str(caught.value.hint)


def test_links(tmp_path: Path) -> None:
    """Loops end, photos inside come once, a link to a photo outside is left to ingest's own check, a folder outside is not walked."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    folder(root, "a/one.jpg", "b/two.jpg")
    folder(outside, "three.jpg", "deep/four.jpg")
    (root / "a" / "loop").symlink_to(root)
    (root / "a" / "again").symlink_to(root / "b")
    (root / "b" / "self.jpg").symlink_to("self.jpg")
    (root / "c.jpg").symlink_to(outside / "three.jpg")
    (root / "d").symlink_to(outside)
    (root / "gone.jpg").symlink_to("nowhere.jpg")
    source, rows = opened(root)
    assert [row.values.get("id") for row in rows if not row.problem] == ["c", "gone", "a/one", "b/self", "b/two"]
    assert [str(row.problem) for row in rows if row.problem] == ["a link to a folder outside is not followed (d)"]
    assert source.notes == ["2 links to folders inside were not followed: their photos come once, where they lie"]
    (tmp_path / "link").symlink_to(root)
    assert len(opened(tmp_path / "link")[1]) == len(rows)


def test_many_links_to_each_other_do_not_multiply(tmp_path: Path) -> None:
    for n in range(30):
        folder(tmp_path, f"{n}/p.jpg")
        for m in range(30):
            (tmp_path / str(n) / f"to {m}").symlink_to(tmp_path / str(m))
    assert len(opened(tmp_path)[1]) == 30  # else it would not end at all


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    folder(tmp_path, "a.jpg")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.jpg")).write_bytes(PHOTO)
    except OSError:
        pytest.skip("this file system takes only names that are text")
    _, rows = opened(tmp_path)
    assert rows[1].values == {"_text": "b\\xff.jpg"}
    assert str(rows[1].problem) == "not UTF-8 (the name of the file)"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    folder(tmp_path, "a.jpg", "closed/b.jpg")
    (tmp_path / "closed").chmod(0)
    source, rows = opened(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert [row.problem and row.problem.kind for row in rows] == [None, "the folder cannot be read"]
    assert source.incomplete


def test_a_folder_that_vanishes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path, "a.jpg", "b/c.jpg", "d/e.jpg")
    source = read_rows(str(tmp_path))
    first = next(source.rows)
    (tmp_path / "b" / "c.jpg").unlink()
    (tmp_path / "b").rmdir()
    rows = [first, *source.rows]
    assert [row.problem and row.problem.kind for row in rows] == [None, "the folder cannot be read", None]
    assert source.incomplete


@pytest.mark.data
def test_a_real_folder(data: Path) -> None:
    source, rows = opened(data / "grocery")
    assert len(rows) == 891
    assert rows[0].values["title"] == "Alpro Blueberry Soyghurt"
    assert "products.csv" in source.notes[1]
