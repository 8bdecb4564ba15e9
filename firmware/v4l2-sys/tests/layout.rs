//! The committed bindings lay structures out as a C compiler does, on x86-64 and on aarch64:
//! `layout.txt` is what `generate/layout.c` printed, the same for both.

use std::{
    collections::BTreeMap,
    mem::{align_of, offset_of, size_of},
};

use v4l::v4l2::vidioc;
use v4l2_sys_mit as sys;

/// `layout.txt`: the first word of a line, and the rest of it.
fn expected() -> BTreeMap<&'static str, &'static str> {
    include_str!("layout.txt").lines().filter_map(|line| line.split_once(' ')).collect()
}

/// The same map of the bindings; a field that bindgen gave another name is written `theirs = ours`.
macro_rules! layout {
    ($($structure:ident: $($field:ident $(= $ours:ident)?),*;)*) => {{
        let mut found = BTreeMap::new();
        $(
            let kind = stringify!($structure);
            found.insert(
                kind.to_string(),
                format!("{} {}", size_of::<sys::$structure>(), align_of::<sys::$structure>()),
            );
            $(
                let offset = layout!(@offset $structure, $field $(= $ours)?);
                found.insert(format!("{kind}.{}", stringify!($field)), offset.to_string());
            )*
        )*
        found
    }};
    (@offset $structure:ident, $field:ident = $ours:ident) => { offset_of!(sys::$structure, $ours) };
    (@offset $structure:ident, $field:ident) => { offset_of!(sys::$structure, $field) };
}

macro_rules! ioctls {
    ($($name:ident)*) => { [$((stringify!($name).to_string(), vidioc::$name.to_string())),*] };
}

#[test]
fn structures_and_ioctls_are_laid_out_as_c_lays_them_out() {
    let mut found = layout! {
        timeval: ; v4l2_audio: ; v4l2_audioout: ; v4l2_control: ; v4l2_crop: ; v4l2_cropcap: ; v4l2_edid: ;
        v4l2_enc_idx: ; v4l2_encoder_cmd: ; v4l2_exportbuffer: ; v4l2_framebuffer: ; v4l2_frequency: ;
        v4l2_input: ; v4l2_jpegcompression: ; v4l2_modulator: ; v4l2_output: ; v4l2_pix_format_mplane: ;
        v4l2_plane: ; v4l2_queryctrl: ; v4l2_querymenu: ; v4l2_sliced_vbi_cap: ; v4l2_standard: ;
        v4l2_tuner: ; v4l2_window: ;
        v4l2_capability: card, bus_info, version, capabilities, device_caps;
        v4l2_fmtdesc: type = type_, flags, description, pixelformat;
        v4l2_pix_format: height, pixelformat, field, bytesperline, sizeimage, colorspace, flags, quantization,
            xfer_func;
        v4l2_format: type = type_, fmt;
        v4l2_frmsizeenum: pixel_format, type = type_, discrete = __bindgen_anon_1;
        v4l2_frmsize_discrete: height;
        v4l2_frmsize_stepwise: min_height;
        v4l2_frmivalenum: width, height, type = type_, discrete = __bindgen_anon_1;
        v4l2_frmival_stepwise: ;
        v4l2_fract: denominator;
        v4l2_requestbuffers: type = type_, memory, capabilities;
        v4l2_buffer: type = type_, bytesused, flags, field, timestamp, timecode, sequence, memory, m, length;
        v4l2_captureparm: timeperframe;
        v4l2_streamparm: type = type_, parm;
        v4l2_ext_control: size, value64 = __bindgen_anon_1;
        v4l2_ext_controls: count, controls;
        v4l2_query_ext_ctrl: name, minimum, flags;
    };
    found.extend(ioctls! {
        VIDIOC_QUERYCAP VIDIOC_ENUM_FMT VIDIOC_G_FMT VIDIOC_S_FMT VIDIOC_REQBUFS VIDIOC_QUERYBUF VIDIOC_QBUF
        VIDIOC_DQBUF VIDIOC_STREAMON VIDIOC_STREAMOFF VIDIOC_G_PARM VIDIOC_S_PARM VIDIOC_G_EXT_CTRLS
        VIDIOC_S_EXT_CTRLS VIDIOC_ENUM_FRAMESIZES VIDIOC_ENUM_FRAMEINTERVALS VIDIOC_QUERY_EXT_CTRL
    });
    let expected = expected();
    for (name, value) in &found {
        assert_eq!(expected.get(name.as_str()), Some(&value.as_str()), "{name}");
    }
    assert_eq!(found.len(), expected.len());
}
