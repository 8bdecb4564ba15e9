//! Every setting: its name, default, range and meaning. `mfn-kiosk config` prints this list.

use super::schema::{Key, Section, settings};

settings! {
    /// The networks.
    models: Models {
        /// Folder with the models. Empty: the folder that the environment variable MFN_MODELS names.
        /// --models goes before both.
        folder: String = String::new();
        /// Name of the recogniser where the folder holds several; empty: the only one, or "mobilefacenet".
        recogniser: String = String::new();
        /// The recogniser's arithmetic: "fp32"; "int8" where its folder holds such a network, for the detector too
        /// if its folder does; or "fp16", the fp32 network in 16-bit floats, for CPUs with ARMv8.2's FP16
        /// (Cortex-A55, A76 and later; fp32 on others). --precision goes before it. All share templates.
        precision: String = "fp32".to_owned();
        /// Threads that share the work on one frame, for boards with cores that have nothing else to do. More
        /// than there are idle cores make it slower.
        threads: u32 = 1, in [1.0, 8.0];
        /// File with the minisign public key of whoever signs model folders (mfn-export keygen, bundle). Empty:
        /// only models that come with this program are taken.
        public_key: String = String::new();
        /// Names of folders in the models folder that are taken without a signature.
        unsigned: Vec<String> = Vec::new();
    }

    /// The people who are known.
    gallery: Gallery {
        /// Folder that holds the gallery. --gallery goes before it. Empty: $STATE_DIRECTORY (systemd sets it),
        /// else $XDG_STATE_HOME/mfn-kiosk, else ~/.local/state/mfn-kiosk, else /var/lib/mfn-kiosk.
        folder: String = String::new();
        /// File with the gallery key; keep it on another device than the gallery. Empty: the systemd
        /// credential mfn-gallery-key where there is one, else the file beside the gallery's folder, FOLDER.key.
        key_file: String = String::new();
    }

    /// How enrol, rename, remove and the like reach a kiosk that runs.
    admin: Admin {
        /// The running kiosk's Unix socket. Empty: beside the gallery's folder, FOLDER.sock; "none": no socket,
        /// the commands change the gallery themselves and the kiosk looks at it twice a second.
        socket: String = String::new();
        /// Group whose members may open the socket: a name in /etc/group, or a number. Empty: the group that
        /// the kiosk runs as.
        group: String = String::new();
    }

    /// Where frames come from.
    camera: Camera {
        /// v4l2:DEVICE (best by a name in /dev/v4l/by-id, which survives replugging), photo:A.jpg,B.jpg,
        /// folder:DIR, or video:FILE with .y4m, .avi (MJPEG) or .mjpeg. --source goes before it.
        source: String = "v4l2:/dev/video0".to_owned();
        /// Wanted size of a frame in pixels; a V4L2 camera's nearest mode is taken, files keep their own.
        size: String = "640x480".to_owned();
        /// Pace of photographs, folders and videos: "own", "fastest" (as frames are processed, none is
        /// dropped), or pictures a second, such as "12.5".
        pace: String = "own".to_owned();
        /// true: photographs, folders and videos begin again at their end.
        repeat: bool = false;
        /// After a V4L2 camera's start so many dark frames are dropped at most, until its exposure has settled.
        settle_frames: u32 = 15, in [0.0, 300.0];
        /// A V4L2 camera that gives no frame for this many seconds has stalled; it is opened again.
        stall_s: f64 = 2.0, in [0.2, 60.0];
    }

    /// Where faces are.
    detector: Detector {
        /// Width of the detector's input in pixels, a multiple of 32. Larger sees smaller faces, slower.
        width: u32 = 320, in [32.0, 2048.0];
        /// Height of the detector's input in pixels, a multiple of 32.
        height: u32 = 256, in [32.0, 2048.0];
        /// Least score of a detection. At this one the shipped detector finds 98.3 % of 632 faces and sees one where
        /// there is none in 1 of 720 frames of many kinds, none in 140 empty rooms (models/detector/figures.md).
        score: f64 = 0.72, in [0.05, 0.99];
        /// Boxes that overlap more than this (intersection over union) are one face.
        overlap: f64 = 0.3, in [0.05, 0.95];
        /// true looks a second time at parts of the frame, for faces of half the size; takes about five
        /// times as long.
        small_faces: bool = false;
        /// How many faces of a frame are compared with the gallery, nearest first. Only the nearest one
        /// can be let in; the others are compared for the record only.
        compare: u32 = 1, in [1.0, 16.0];
    }

    /// Whom the door opens for.
    decision: Decision {
        /// Least similarity (cosine) of a vote. The false match rate (FMR) falls steeply with it. 0: what the
        /// recogniser's manifest gives for an FMR of 1 in 10,000, or 0.40 where it gives nothing. A vote of
        /// several frames adds to it. With N people a stranger's chance (FPIR) is about N times the FMR:
        /// raise it with N.
        threshold: f64 = 0.0, in [0.0, 0.95];
        /// File that `mfn-kiosk calibrate --save` has written. With it the threshold follows from what was
        /// measured, target_fpir and the number of people, anew whenever that changes, and `threshold` (or what
        /// stands for it) is the least that it may be. Empty: `threshold` alone.
        calibration: String = String::new();
        /// The share of strangers' approaches that may be let in (FPIR), for a calibration.
        target_fpir: f64 = 0.001, in [0.000001, 0.1];
        /// Least lead over the next person.
        margin: f64 = 0.05, in [0.0, 0.95];
        /// So far under the threshold a face is still nearly that person and not unknown; at most the threshold.
        near_miss: f64 = 0.1, in [0.0, 0.95];
        /// Frames that must agree on one person; at most window.
        votes: u32 = 3, in [1.0, 32.0];
        /// The last frames that they are among.
        window: u32 = 5, in [1.0, 32.0];
        /// Longest time between two frames of one approach, in seconds.
        max_frame_gap_s: f64 = 0.8, in [0.01, 5.0];
        /// Age in seconds from which a frame is no evidence any more.
        max_frame_age_s: f64 = 1.0, in [0.05, 5.0];
        /// Seconds after a grant in which the same approach gets no second one.
        hold_off_s: f64 = 5.0, in [0.0, 300.0];
        /// Seconds in which the same denial is not told again.
        denial_hold_off_s: f64 = 3.0, in [0.1, 300.0];
        /// When groups may come in, one text each: "cleaners: mon-fri 06:00-09:00, sat 10:00-12:00" or
        /// "staff: always", local time. Empty: everybody at any time. With any, people without a group may come
        /// in at any time, and people of a group that has no text never.
        schedules: Vec<String> = Vec::new();
        /// A face with this part of the nearest face's area makes it several people: nobody is let in.
        several_people_ratio: f64 = 0.5, in [0.01, 1.0];
        /// How far a face moves between two frames, in its own widths; further is somebody else.
        max_shift: f64 = 1.0, in [0.01, 2.0];
        /// How much a face grows or shrinks between two frames; more is somebody else.
        max_growth: f64 = 1.6, in [1.0, 4.0];
    }

    /// What a picture must reach before a person is known by it.
    enrolment: Enrolment {
        /// Least distance between the eyes in pixels.
        eye_distance: f64 = 24.0, in [1.0, 1000.0];
        /// Most that the face is turned to a side, in degrees.
        yaw: f64 = 30.0, in [1.0, 90.0];
        /// Most that the face looks up or down, in degrees.
        pitch: f64 = 25.0, in [1.0, 90.0];
        /// Most that the head is tilted, in degrees.
        roll: f64 = 30.0, in [1.0, 180.0];
        /// Least sharpness (variance of the Laplacian over the variance of the grey levels).
        sharpness: f64 = 0.03, in [0.0, 1.0];
        /// Least mean grey level of the face.
        darkest: f64 = 45.0, in [0.0, 255.0];
        /// Most mean grey level of the face.
        brightest: f64 = 220.0, in [0.0, 255.0];
        /// Most part of the face that is black or white.
        clipped: f64 = 0.3, in [0.0, 1.0];
        /// Somebody at least this similar to a person who is known is a look-alike, or that person again:
        /// warned of, and enrolled only with --force. 0: the same threshold as at the door.
        look_alike: f64 = 0.0, in [0.0, 0.95];
    }

    /// The door line (relay), the request-to-exit button and the door contact, all owned by a process of
    /// their own. The way out of a real door must be wired so that it needs no computer.
    door: Door {
        /// The relay's pin: "simulated", "simulated:FILE" (each change is appended to FILE), or
        /// "gpio:/dev/gpiochip0:17" (chip and line number).
        line: String = "simulated".to_owned();
        /// Level that energises the relay: "high" or "low".
        line_active: String = "high".to_owned();
        /// How long a grant releases the door, in seconds.
        pulse_s: f64 = 3.0, in [0.1, 30.0];
        /// The longest that grants which follow each other keep the line on, in seconds.
        max_pulse_s: f64 = 10.0, in [0.1, 30.0];
        /// How long a request to exit releases the door, in seconds.
        exit_pulse_s: f64 = 5.0, in [0.1, 30.0];
        /// Least break between two pulses of grants, in seconds.
        rest_s: f64 = 0.2, in [0.01, 10.0];
        /// The request-to-exit button's pin, named like line; "none": no button.
        rex: String = "none".to_owned();
        /// Level of the pressed button: "high" or "low".
        rex_active: String = "low".to_owned();
        /// The door contact's pin; "none": no contact.
        contact: String = "none".to_owned();
        /// Level of the contact while the door is open: "high" or "low".
        contact_active: String = "high".to_owned();
        /// So many seconds after the release a door that is opened is not yet forced.
        grace_s: f64 = 1.0, in [0.0, 5.0];
        /// A door that stands open longer than this many seconds is reported as held.
        held_s: f64 = 30.0, in [1.0, 3600.0];
        /// How long the button must stay pressed to count, in seconds.
        debounce_s: f64 = 0.03, in [0.0, 0.5];
    }
}
