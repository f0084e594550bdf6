//! The frames of a video. No codec here: each frame is a plain picture of its own shade.

use uuid::Uuid;

const WIDTH: u32 = 16;
const HEIGHT: u32 = 9;

/// The name of a frame in the storage; numbers are from 1.
pub(crate) fn frame_object(video: &Uuid, number: u32) -> String {
    format!("{video}_frames/{number:04}.bmp")
}

/// The video and the number of such a name.
pub(crate) fn frame_of(object: &str) -> Option<(Uuid, u32)> {
    let (video, number) = object.strip_suffix(".bmp")?.split_once("_frames/")?;
    Some((video.parse().ok()?, number.parse().ok()?))
}

/// A Windows bitmap of 24 bits a pixel.
pub(crate) fn picture(number: u32) -> Vec<u8> {
    let row = WIDTH * 3;
    let pixels = row * HEIGHT;
    let mut bytes = b"BM".to_vec();
    // The file's length, nothing, the offset of the pixels; then the header's length, width and height.
    for value in [54 + pixels, 0, 54, 40, WIDTH, HEIGHT] {
        bytes.extend(value.to_le_bytes());
    }
    // One plane of 24 bits; no compression, and four values that may be nothing.
    bytes.extend([1, 0, 24, 0]);
    for value in [0, pixels, 0, 0, 0, 0] {
        bytes.extend(value.to_le_bytes());
    }
    let shade = (number.wrapping_mul(60) % 256) as u8;
    bytes.extend((0..WIDTH * HEIGHT).flat_map(|_| [200, shade, 80]));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_as_long_as_it_says() {
        let picture = picture(2);
        let told = u32::from_le_bytes([picture[2], picture[3], picture[4], picture[5]]);
        assert_eq!(picture.len(), told as usize);
        assert_ne!(picture, super::picture(1));
    }

    #[test]
    fn a_frame_s_name_is_read_back() {
        let video = Uuid::from_u128(7);
        assert_eq!(frame_of(&frame_object(&video, 12)), Some((video, 12)));
        assert_eq!(frame_of("x_raw.mp4"), None);
    }
}
