#!/bin/sh
# Writes ../src/bindings.rs from the kernel's <linux/videodev2.h>. Only needed to change the bindings.
# Wants libclang, the kernel's headers for x86-64 and arm64 (Debian: libclang-dev linux-libc-dev
# libc6-dev-arm64-cross) and `cargo install bindgen-cli --version 0.65.1 --locked`, the version that
# v4l2-sys-mit 0.3.0 uses. Holds what v4l 0.14 uses: the structures of its ioctls, the codecs' controls
# opaque. Stops unless both machines give the same file.
set -eu
cd "$(dirname "$0")"
structures='capability|fmtdesc|format|requestbuffers|buffer|framebuffer|exportbuffer|streamparm|standard'
structures="$structures|input|output|control|tuner|audio|audioout|queryctrl|query_ext_ctrl|querymenu|edid"
structures="$structures|modulator|frequency|cropcap|crop|jpegcompression|sliced_vbi_cap|ext_control|ext_controls"
structures="$structures|frmsizeenum|frmivalenum|frmsizetypes|frmivaltypes|enc_idx|encoder_cmd|std_id"
bind() {
    bindgen wrapper.h --no-layout-tests --opaque-type 'v4l2_ctrl_.*' \
        --allowlist-type "v4l2_($structures)|timeval|time_t" \
        --allowlist-var 'V4L2_CTRL_FLAG_NEXT_(CTRL|COMPOUND)' -- "$@"
}
cross=/usr/aarch64-linux-gnu
bind --target=x86_64-unknown-linux-gnu > x86_64.rs
bind --target=aarch64-unknown-linux-gnu --sysroot=$cross -I$cross/include > aarch64.rs
cmp x86_64.rs aarch64.rs
mv x86_64.rs ../src/bindings.rs
rustfmt --edition 2024 --config-path ../../../rustfmt.toml ../src/bindings.rs
rm aarch64.rs
# The layouts that tests/layout.rs expects, from a C compiler for each machine.
cc layout.c -o layout && ./layout > x86_64.txt
aarch64-linux-gnu-gcc -static layout.c -o layout && qemu-aarch64-static ./layout > aarch64.txt
cmp x86_64.txt aarch64.txt
mv x86_64.txt ../tests/layout.txt
rm aarch64.txt layout
