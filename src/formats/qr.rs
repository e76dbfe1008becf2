//! Addresses as QR codes, for paper.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// The QR code of an address as an SVG element, black on white with its quiet zone; `None` where it is too long for one.
/// A quarter of it may be dirty (level Q of ISO/IEC 18004): paper hangs at doors.
pub fn svg(address: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(address, EcLevel::Q).ok()?;
    let file = code.render::<svg::Color<'_>>().module_dimensions(4, 4).build();
    // Within a page the declaration of a file of its own would be an error.
    let at = file.find("<svg")?;
    Some(file[at..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn an_address_becomes_one_element_and_a_novel_none() {
        let code = svg("https://info.potsdam.example").unwrap();
        assert!(code.starts_with("<svg ") && code.ends_with("</svg>") && !code.contains("<?xml"));
        assert_eq!(svg(&"x".repeat(5_000)), None);
    }
}
