//! The text forms of cameras, sizes, paces and pins: each is read as it is written, and nothing a user can
//! type panics.

use std::time::Duration;

use mfn_board::{CameraSource, Pace, PinSource, Size};
use proptest::prelude::*;

#[test]
fn names_are_read_as_they_are_written() {
    for text in ["v4l2:/dev/video0", "photo:a.jpg", "photo:a.jpg,b c.png", "folder:.", "video:x:y.avi"] {
        assert_eq!(text.parse::<CameraSource>().unwrap().to_string(), text);
    }
    for text in ["simulated", "simulated:/tmp/line", "gpio:/dev/gpiochip0:17", "gpio:/dev/by-path/a:b:0"] {
        assert_eq!(text.parse::<PinSource>().unwrap().to_string(), text);
    }
    for text in ["own", "fastest", "12.5", "0.1"] {
        assert_eq!(text.parse::<Pace>().unwrap().to_string(), text);
    }
    assert_eq!("12.5".parse(), Ok(Pace::Every(Duration::from_millis(80))));
    assert_eq!("640x480".parse(), Ok(Size { width: 640, height: 480 }));
}

#[test]
fn wrong_names_are_told_the_right_forms() {
    for text in ["", "webcam", "v4l2:", "photo:a,,b", "video:", "usb:/dev/video0", "folder:a\0b"] {
        let error = text.parse::<CameraSource>().unwrap_err().to_string();
        assert!(error.contains("v4l2:/dev/video0") && error.contains("folder:DIR"), "{error}");
    }
    for text in ["640", "640x", "15x480", "9999x480", "640X480", "-640x480"] {
        assert!(text.parse::<Size>().unwrap_err().to_string().contains("640x480"), "{text}");
    }
    for text in ["", "0", "-5", "NaN", "inf", "1001", "fast"] {
        assert!(text.parse::<Pace>().unwrap_err().to_string().contains("fastest"), "{text}");
    }
    for text in ["", "gpio:17", "gpio::17", "gpio:/dev/gpiochip0:x", "gpio:/dev/gpiochip0:-1", "simulated:"] {
        assert!(
            text.parse::<PinSource>().unwrap_err().to_string().contains("gpio:/dev/gpiochip0:17"),
            "{text}"
        );
    }
    let long = "a".repeat(10_000);
    assert!(long.parse::<CameraSource>().unwrap_err().to_string().len() < 500);
}

proptest! {
    #[test]
    fn what_is_accepted_is_written_back(text in "(v4l2|photo|folder|video|simulated|gpio)?:?\\PC{0,30}") {
        if let Ok(source) = text.parse::<CameraSource>() {
            prop_assert_eq!(source.to_string(), text.clone());
        }
        // A line's number may be written with zeros before it.
        if let Ok(source) = text.parse::<PinSource>() {
            prop_assert_eq!(source.to_string().parse::<PinSource>().unwrap(), source);
        }
        let _ = text.parse::<Size>();
        let _ = text.parse::<Pace>();
    }
}
