//! Points, boxes and the five facial points, in pixels of the picture that they were found in.

/// A position in pixels; the centre of the top left pixel is (0, 0).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Rightwards.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

/// A box in pixels: top left corner, width and height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, not negative.
    pub w: f32,
    /// Height, not negative.
    pub h: f32,
}

impl Rect {
    /// Area in square pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.w * self.h
    }

    /// Intersection over union with another box, 0 to 1; 0 when both are empty.
    #[must_use]
    pub fn iou(&self, other: &Rect) -> f32 {
        let w = (self.x + self.w).min(other.x + other.w) - self.x.max(other.x);
        let h = (self.y + self.h).min(other.y + other.h) - self.y.max(other.y);
        let both = w.max(0.0) * h.max(0.0);
        let any = self.area() + other.area() - both;
        if any > 0.0 { both / any } else { 0.0 }
    }

    /// The box scaled about the origin, as when its picture is resized.
    #[must_use]
    pub fn scaled(&self, sx: f32, sy: f32) -> Rect {
        Rect { x: self.x * sx, y: self.y * sy, w: self.w * sx, h: self.h * sy }
    }
}

/// Left eye, right eye, nose tip, left and right mouth corner; left is the picture's left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Landmarks(pub [Point; 5]);

/// One face found in a frame: the output of the detector.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detection {
    /// The detector's score, 0 to 1.
    pub score: f32,
    /// The face's box in pixels of the frame.
    pub face: Rect,
    /// The five points in pixels of the frame.
    pub landmarks: Landmarks,
}
