import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpu.jpeg.codec import Plane, Planes, Reduction, check_output, decode, decode_bgr, decode_luma, encode
from gpu.jpeg.header import read_header
from gpu.jpeg.rejection import PhotoRejected
from tests.hostile_images import jpeg, progressive_jpeg, scene, with_segments

LAYOUTS = {"444": (1, 1), "422": (2, 1), "420": (2, 2), "440": (1, 2), "411": (4, 1)}


def decoded(data: bytes) -> Planes:
    return decode(data, read_header(data))


def smooth_planes(width: int, height: int, subsampling: tuple[int, int], step: tuple[int, int]) -> Planes:
    """Planes that hardly change under JPEG's own loss."""
    luma = np.add.outer(np.arange(height), np.arange(width)) % 256
    rows, columns = -(-height // step[1]), -(-width // step[0])
    cb = np.add.outer(100 + np.arange(rows) % 30, np.zeros(columns))
    cr = np.add.outer(np.zeros(rows), 90 + np.arange(columns) % 30)
    return Planes(as_plane(luma), (as_plane(cb), as_plane(cr)), subsampling=subsampling, chroma_step=step)


def as_plane(samples: npt.NDArray[np.generic]) -> Plane:
    return np.asarray(samples, dtype=np.uint8)


def difference(a: Plane, b: Plane) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("size", [(320, 240), (321, 239), (17, 16), (16, 33)])
@pytest.mark.parametrize("step", [(1, 1), (2, 2)])
def test_planes_survive_a_round_trip_at_quality_100(size: tuple[int, int], step: tuple[int, int]) -> None:
    planes = smooth_planes(*size, subsampling=step, step=step)
    back = decoded(encode(planes, quality=100))
    assert planes.chroma is not None
    assert back.chroma is not None
    assert (back.subsampling, back.chroma_step) == (step, step)
    pairs = zip((planes.luma, *planes.chroma), (back.luma, *back.chroma), strict=True)
    assert max(difference(a, b) for a, b in pairs) <= 1  # one level: rounding of the two transforms


@pytest.mark.parametrize(("name", "factors"), LAYOUTS.items())
@pytest.mark.parametrize("size", [(320, 240), (37, 21)])
def test_output_keeps_size_and_subsampling(
    name: str, factors: tuple[int, int], size: tuple[int, int]
) -> None:
    header = read_header(encode(decoded(jpeg(scene(*size), subsampling=name))))
    assert (header.width, header.height, header.subsampling, header.progressive) == (*size, factors, False)


@pytest.mark.parametrize("name", LAYOUTS)
def test_luma_is_exactly_what_libjpeg_decodes(name: str) -> None:
    photo = jpeg(subsampling=name)
    reference = Image.open(io.BytesIO(photo))
    reference.draft("YCbCr", reference.size)
    assert difference(decoded(photo).luma, np.asarray(reference)[..., 0]) == 0


def test_luma_decoded_alone_is_the_luma_of_all_planes(photo: bytes) -> None:
    assert np.array_equal(decode_luma(photo, read_header(photo)), decoded(photo).luma)


def test_luma_of_an_rgb_coded_photo_is_its_grey() -> None:
    target = io.BytesIO()
    Image.fromarray(scene()).save(target, "JPEG", quality=100, keep_rgb=True)
    grey = as_plane(cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY))
    photo = target.getvalue()
    luma = decode_luma(photo, read_header(photo))
    assert difference(luma, grey) <= 2  # levels: quality 100 is not lossless


def test_chroma_of_420_is_the_stored_samples() -> None:
    planes = decoded(jpeg())
    assert planes.chroma is not None
    # at quality 100 luma and chroma are quantised alike, so a grey photo of a plane is its reference
    cb, cr = (
        decoded(encode(Planes(plane, None, subsampling=(1, 1), chroma_step=(1, 1)), quality=100)).luma
        for plane in planes.chroma
    )
    back = decoded(encode(planes, quality=100)).chroma
    assert back is not None
    assert (difference(back[0], cb), difference(back[1], cr)) == (0, 0)


@pytest.mark.parametrize("width", [64, 63, 61])
def test_reduced_chroma_stays_in_place_for_odd_sizes(width: int) -> None:
    ramp = np.tile(np.arange(width) * 2 + 60, (32, 1))
    planes = Planes(as_plane(ramp), (as_plane(ramp), as_plane(ramp)), subsampling=(4, 1), chroma_step=(1, 1))
    back = decoded(encode(planes, quality=100))
    assert back.chroma is not None
    whole = width // 4
    means = ramp[0, : 4 * whole].reshape(whole, 4).mean(axis=1)
    stored = back.chroma[0][0, 1 : 4 * whole : 4]  # libjpeg repeats each stored sample four times
    assert np.abs(stored[1:-1] - means[1:-1]).max() <= 1  # one level: rounding of mean and transforms


@pytest.mark.parametrize("factors", LAYOUTS.values())
@pytest.mark.parametrize("size", [(320, 240), (321, 239), (17, 16), (16, 17), (35, 33)])
def test_encoded_bytes_depend_on_the_samples_alone(factors: tuple[int, int], size: tuple[int, int]) -> None:
    planes = smooth_planes(*size, subsampling=factors, step=factors)
    assert planes.chroma is not None
    outputs = set()
    for beyond in (0, 130, 255):  # what happens to lie in memory after each plane
        luma, cb, cr = (
            np.pad(plane, ((0, 4), (0, 0)), constant_values=beyond)[:-4]
            for plane in (
                planes.luma,
                *planes.chroma,
            )
        )
        outputs.add(encode(Planes(luma, (cb, cr), subsampling=factors, chroma_step=factors)))
    assert len(outputs) == 1


def test_reduced_chroma_keeps_its_value_at_the_edges() -> None:
    luma, colour = np.full((33, 37), 128, np.uint8), np.full((33, 37), 200, np.uint8)
    planes = Planes(luma, (colour, colour), subsampling=(4, 1), chroma_step=(1, 1))
    back = decoded(encode(planes, quality=100))
    assert back.chroma is not None
    assert difference(back.chroma[1], colour) <= 1  # one level: rounding of the transforms


def test_layout_that_cannot_be_encoded_leaves_with_finer_chroma() -> None:
    photo = bytearray(jpeg(scene(128, 128), subsampling="411"))
    photo[photo.index(b"\xff\xc0") + 11] = 0x14  # 4:4:1: as many blocks per unit, other geometry
    planes = decoded(bytes(photo))
    assert planes.subsampling == (1, 1)
    assert read_header(encode(planes)).subsampling == (1, 1)


def test_grey_photo_stays_grey() -> None:
    luma = as_plane(cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY))
    planes = decoded(encode(Planes(luma, None, subsampling=(1, 1), chroma_step=(1, 1))))
    assert planes.chroma is None
    assert read_header(encode(planes)).colour == "grey"


def test_rgb_coded_photo_leaves_as_444_ycbcr_of_the_same_colours() -> None:
    target = io.BytesIO()
    Image.fromarray(scene()).save(target, "JPEG", quality=100, keep_rgb=True)
    output = encode(decoded(target.getvalue()), quality=100)
    header = read_header(output)
    assert (header.colour, header.subsampling) == ("ycbcr", (1, 1))
    assert (
        difference(simplejpeg.decode_jpeg(output, "RGB"), scene()) <= 8
    )  # two rounds of JPEG at quality 100


def test_progressive_photo_decodes_like_its_baseline_twin() -> None:
    target = io.BytesIO()
    Image.fromarray(scene()).save(target, "JPEG", quality=90)
    progressive, baseline = decoded(progressive_jpeg()), decoded(target.getvalue())
    assert progressive.chroma is not None
    assert baseline.chroma is not None
    assert difference(progressive.luma, baseline.luma) == 0
    assert difference(progressive.chroma[1], baseline.chroma[1]) == 0


def test_damage_in_a_chroma_scan_alone_is_found() -> None:
    photo = progressive_jpeg()
    scans = [at for at in range(len(photo) - 5) if photo[at : at + 2] == b"\xff\xda"]
    chroma = [at for at in scans if photo[at + 4] == 1 and photo[at + 5] in (2, 3)]
    assert len(chroma) == 4
    for at in chroma:
        with pytest.raises(PhotoRejected, match="strict decoder"):
            decoded(photo[: at + 100] + photo[at + 300 :])  # each of these scans is 450 bytes or more


def test_odd_metadata_neither_stops_nor_warns(photo: bytes) -> None:
    odd = with_segments(photo, (0xE0, b"JFIF\x00\x09\x09"), (0xE1, b"Exif\x00\x00II*\x00" + b"\xff" * 40))
    assert difference(decoded(odd).luma, decoded(photo).luma) == 0


def test_photo_beyond_the_decoder_librarys_own_pixel_limit_is_decoded() -> None:
    grey = np.full((9500, 9500), 130, np.uint8)  # 90 megapixels; Pillow warns from 89.5
    half = np.full((4750, 4750), 110, np.uint8)
    photo = encode(Planes(grey, (half, half), subsampling=(2, 2), chroma_step=(2, 2)))
    planes = decoded(photo)
    assert planes.chroma is not None
    assert (planes.luma[-1, -1], planes.chroma[0][-1, -1], planes.chroma[1].shape) == (130, 110, (4750, 4750))


@given(width=st.integers(16, 70), height=st.integers(16, 70), layout=st.sampled_from(sorted(LAYOUTS)))
@settings(max_examples=60, deadline=None)
def test_any_size_and_layout_comes_back(width: int, height: int, layout: str) -> None:
    output = encode(decoded(jpeg(scene(width, height), subsampling=layout)))
    check_output(output, width, height)
    assert decoded(output).luma.shape == (height, width)


def test_chroma_of_another_shape_is_a_callers_mistake() -> None:
    planes = smooth_planes(64, 48, subsampling=(2, 2), step=(1, 1))
    wrong = Planes(planes.luma, planes.chroma, subsampling=(2, 2), chroma_step=(2, 2))
    with pytest.raises(ValueError, match=r"must have shape \(24, 32\)"):
        encode(wrong)


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_off_the_scale_is_a_callers_mistake(quality: int) -> None:
    with pytest.raises(ValueError, match="quality must be 1 to 100"):
        encode(smooth_planes(32, 32, subsampling=(1, 1), step=(1, 1)), quality=quality)


def test_own_output_of_another_size_is_refused(photo: bytes) -> None:
    check_output(photo, 320, 240)
    for data, width in ((photo, 240), (photo + b"\x00", 320)):
        with pytest.raises(PhotoRejected) as rejection:
            check_output(data, width, 240)
        assert rejection.value.code == "wrong_output"


def test_damaged_own_output_is_refused(photo: bytes) -> None:
    half = len(photo) // 2
    with pytest.raises(PhotoRejected, match="strict decoder"):
        check_output(photo[:half] + photo[half + 500 :], 320, 240)


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "411"])
def test_pixels_are_those_that_other_decoders_give(subsampling: str) -> None:
    photo = jpeg(scene(37, 21), subsampling=subsampling)
    expected = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))[..., ::-1]
    assert np.array_equal(decode_bgr(photo, read_header(photo)), expected)


def test_a_grey_photo_has_three_equal_channels() -> None:
    photo = simplejpeg.encode_jpeg(scene(37, 21)[..., :1].copy(), colorspace="GRAY")
    blue, green, red = cv2.split(decode_bgr(photo, read_header(photo)))
    assert np.array_equal(blue, green)
    assert np.array_equal(green, red)


def test_pixels_of_a_cut_photo_are_refused() -> None:
    photo = jpeg(scene(320, 240))
    header = read_header(photo)
    with pytest.raises(PhotoRejected, match="strict decoder"):
        decode_bgr(photo[: len(photo) // 2] + photo[-2:], header)


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(320, 240), (325, 243)])
def test_reduced_luma_is_the_mean_of_the_pixels_it_stands_for(
    reduction: Reduction, size: tuple[int, int]
) -> None:
    ramp = as_plane(np.add.outer(np.arange(size[1]), np.arange(size[0])) // 3)
    data = encode(Planes(ramp, None, subsampling=(1, 1), chroma_step=(1, 1)), quality=100)

    reduced = decode_luma(data, read_header(data), reduction=reduction)

    assert reduced.shape == (-(-size[1] // reduction), -(-size[0] // reduction))
    rows, columns = size[1] // reduction, size[0] // reduction
    blocks = ramp[: rows * reduction, : columns * reduction].reshape(rows, reduction, columns, reduction)
    assert np.abs(reduced[:rows, :columns] - blocks.mean(axis=(1, 3))).max() <= 1.5  # levels: both round


@pytest.mark.parametrize("colour", ["grey", "rgb", "ycbcr"])
def test_reduced_luma_knows_every_colour_coding(colour: str) -> None:
    pixels = Image.fromarray(np.full((64, 96, 3), (200, 100, 50), np.uint8))
    stream = io.BytesIO()
    if colour == "rgb":
        pixels.save(stream, "JPEG", quality=95, keep_rgb=True)
    else:
        pixels.convert("L" if colour == "grey" else "RGB").save(stream, "JPEG", quality=95)
    data = stream.getvalue()
    assert read_header(data).colour == colour

    reduced = decode_luma(data, read_header(data), reduction=4)

    assert np.abs(reduced.astype(int) - 124).max() <= 1  # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_damage_is_found_at_every_size(reduction: Reduction) -> None:
    whole = jpeg(scene(320, 240))
    torn = whole[: 3 * len(whole) // 4] + b"\xff\xd9"

    with pytest.raises(PhotoRejected):
        decode_luma(torn, read_header(torn), reduction=reduction)
