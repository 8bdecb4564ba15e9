//! Where a face looks, estimated from its five points and a generic head.

use mfn_vision::{Landmarks, Point};

/// Nose depth over the distance from the line of the eyes to that of the mouth, in a generic head model (nose
/// tip at depth 0, eyes and mouth corners 128 behind, 320 apart).
const NOSE_DEPTH: f32 = 0.40;
/// Eye distance over the same distance in the alignment template.
const EYE_DISTANCE: f32 = 0.866;
/// How far down from eyes to mouth the nose tip is in the alignment template: a face that looks straight.
const NOSE_DROP: f32 = 0.495;

/// Where a face looks, in degrees, estimated from its five points; good to about ten degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Turned: positive when the nose points to the picture's right.
    pub yaw: f32,
    /// Nodded: positive when the face looks up.
    pub pitch: f32,
    /// Tilted: positive when the picture's right eye is the lower one.
    pub roll: f32,
}

impl Pose {
    /// Estimates the pose; all zero when the points lie on one another.
    #[must_use]
    pub fn estimate(landmarks: &Landmarks) -> Pose {
        let [left_eye, right_eye, nose, left_mouth, right_mouth] = landmarks.0;
        let (dx, dy) = (right_eye.x - left_eye.x, right_eye.y - left_eye.y);
        let eye_distance = dx.hypot(dy);
        let (eyes, mouth) = (middle(left_eye, right_eye), middle(left_mouth, right_mouth));
        // Along and across the line of the eyes, so that roll does not look like yaw or pitch.
        let (ux, uy) = (dx / eye_distance, dy / eye_distance);
        let upright = |p: Point| {
            let (x, y) = (p.x - eyes.x, p.y - eyes.y);
            Point { x: x * ux + y * uy, y: y * ux - x * uy }
        };
        let (nose, mouth) = (upright(nose), upright(mouth));
        let drop = nose.y / mouth.y;
        let beside = nose.x - mouth.x * drop;
        let pose = Pose {
            yaw: (beside / eye_distance * EYE_DISTANCE / NOSE_DEPTH).atan().to_degrees(),
            pitch: ((NOSE_DROP - drop) / NOSE_DEPTH).atan().to_degrees(),
            roll: dy.atan2(dx).to_degrees(),
        };
        let finite = pose.yaw.is_finite() && pose.pitch.is_finite() && pose.roll.is_finite();
        if finite { pose } else { Pose::default() }
    }
}

fn middle(a: Point, b: Point) -> Point {
    Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_vision::CROP_LANDMARKS;

    /// The generic head's points (x right, y down, z away) turned by yaw, pitch, roll in degrees, seen from afar.
    fn head(yaw: f32, pitch: f32, roll: f32) -> Landmarks {
        let (yaw, pitch, roll) = (yaw.to_radians(), pitch.to_radians(), roll.to_radians());
        let points = [
            (-139.0, -160.0, 128.0),
            (139.0, -160.0, 128.0),
            (0.0, 0.0, 0.0),
            (-115.0, 160.0, 128.0),
            (115.0, 160.0, 128.0),
        ];
        Landmarks(points.map(|(x, y, z): (f32, f32, f32)| {
            let (x, z) = (x * yaw.cos() - z * yaw.sin(), z * yaw.cos() + x * yaw.sin());
            let y = y * pitch.cos() + z * pitch.sin();
            Point { x: 500.0 + x * roll.cos() - y * roll.sin(), y: 500.0 + x * roll.sin() + y * roll.cos() }
        }))
    }

    #[test]
    fn the_alignment_template_looks_at_the_camera() {
        let pose = Pose::estimate(&CROP_LANDMARKS);
        assert!(pose.yaw.abs() < 1.0 && pose.pitch.abs() < 1.0 && pose.roll.abs() < 1.0, "{pose:?}");
    }

    #[test]
    fn a_turned_head_is_measured() {
        for (yaw, pitch, roll) in [
            (30.0, 0.0, 0.0),
            (-30.0, 0.0, 0.0),
            (0.0, 20.0, 0.0),
            (0.0, -20.0, 0.0),
            (0.0, 0.0, 25.0),
            (20.0, 0.0, -30.0),
        ] {
            let found = Pose::estimate(&head(yaw, pitch, roll));
            let close = |a: f32, b: f32| (a - b).abs() < 4.0;
            assert!(
                close(found.yaw, yaw) && close(found.pitch, pitch) && close(found.roll, roll),
                "{yaw} {pitch} {roll} gave {found:?}"
            );
        }
    }

    #[test]
    fn points_on_one_another_have_no_pose() {
        assert_eq!(Pose::estimate(&Landmarks([Point { x: 3.0, y: 4.0 }; 5])), Pose::default());
    }
}
