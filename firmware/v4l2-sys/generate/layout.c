/* Prints sizes, alignments, field offsets and ioctl numbers of <linux/videodev2.h> as this compiler lays
 * them out; tests/layout.txt is its output. Run by generate.sh. */
#include <linux/videodev2.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>

#define TYPE(t) printf(#t " %zu %zu\n", sizeof(struct t), alignof(struct t))
#define FIELD(t, f) printf(#t "." #f " %zu\n", offsetof(struct t, f))
#define IOCTL(n) printf(#n " %lu\n", (unsigned long)n)

int main(void) {
    TYPE(timeval); TYPE(v4l2_audio); TYPE(v4l2_audioout); TYPE(v4l2_control); TYPE(v4l2_crop);
    TYPE(v4l2_cropcap); TYPE(v4l2_edid); TYPE(v4l2_enc_idx); TYPE(v4l2_encoder_cmd);
    TYPE(v4l2_exportbuffer); TYPE(v4l2_framebuffer); TYPE(v4l2_frequency); TYPE(v4l2_input);
    TYPE(v4l2_jpegcompression); TYPE(v4l2_modulator); TYPE(v4l2_output); TYPE(v4l2_pix_format_mplane);
    TYPE(v4l2_plane); TYPE(v4l2_queryctrl); TYPE(v4l2_querymenu); TYPE(v4l2_sliced_vbi_cap);
    TYPE(v4l2_standard); TYPE(v4l2_tuner); TYPE(v4l2_window);
    TYPE(v4l2_capability); FIELD(v4l2_capability, card); FIELD(v4l2_capability, bus_info);
    FIELD(v4l2_capability, version); FIELD(v4l2_capability, capabilities); FIELD(v4l2_capability, device_caps);
    TYPE(v4l2_fmtdesc); FIELD(v4l2_fmtdesc, type); FIELD(v4l2_fmtdesc, flags);
    FIELD(v4l2_fmtdesc, description); FIELD(v4l2_fmtdesc, pixelformat);
    TYPE(v4l2_pix_format); FIELD(v4l2_pix_format, height); FIELD(v4l2_pix_format, pixelformat);
    FIELD(v4l2_pix_format, field); FIELD(v4l2_pix_format, bytesperline); FIELD(v4l2_pix_format, sizeimage);
    FIELD(v4l2_pix_format, colorspace); FIELD(v4l2_pix_format, flags); FIELD(v4l2_pix_format, quantization);
    FIELD(v4l2_pix_format, xfer_func);
    TYPE(v4l2_format); FIELD(v4l2_format, type); FIELD(v4l2_format, fmt);
    TYPE(v4l2_frmsizeenum); FIELD(v4l2_frmsizeenum, pixel_format); FIELD(v4l2_frmsizeenum, type);
    FIELD(v4l2_frmsizeenum, discrete); TYPE(v4l2_frmsize_discrete); FIELD(v4l2_frmsize_discrete, height);
    TYPE(v4l2_frmsize_stepwise); FIELD(v4l2_frmsize_stepwise, min_height);
    TYPE(v4l2_frmivalenum); FIELD(v4l2_frmivalenum, width); FIELD(v4l2_frmivalenum, height);
    FIELD(v4l2_frmivalenum, type); FIELD(v4l2_frmivalenum, discrete); TYPE(v4l2_frmival_stepwise);
    TYPE(v4l2_fract); FIELD(v4l2_fract, denominator);
    TYPE(v4l2_requestbuffers); FIELD(v4l2_requestbuffers, type); FIELD(v4l2_requestbuffers, memory);
    FIELD(v4l2_requestbuffers, capabilities);
    TYPE(v4l2_buffer); FIELD(v4l2_buffer, type); FIELD(v4l2_buffer, bytesused); FIELD(v4l2_buffer, flags);
    FIELD(v4l2_buffer, field); FIELD(v4l2_buffer, timestamp); FIELD(v4l2_buffer, timecode);
    FIELD(v4l2_buffer, sequence); FIELD(v4l2_buffer, memory); FIELD(v4l2_buffer, m);
    FIELD(v4l2_buffer, length);
    TYPE(v4l2_captureparm); FIELD(v4l2_captureparm, timeperframe); TYPE(v4l2_streamparm);
    FIELD(v4l2_streamparm, type); FIELD(v4l2_streamparm, parm);
    TYPE(v4l2_ext_control); FIELD(v4l2_ext_control, size); FIELD(v4l2_ext_control, value64);
    TYPE(v4l2_ext_controls); FIELD(v4l2_ext_controls, count); FIELD(v4l2_ext_controls, controls);
    TYPE(v4l2_query_ext_ctrl); FIELD(v4l2_query_ext_ctrl, name); FIELD(v4l2_query_ext_ctrl, minimum);
    FIELD(v4l2_query_ext_ctrl, flags);
    IOCTL(VIDIOC_QUERYCAP); IOCTL(VIDIOC_ENUM_FMT); IOCTL(VIDIOC_G_FMT); IOCTL(VIDIOC_S_FMT);
    IOCTL(VIDIOC_REQBUFS); IOCTL(VIDIOC_QUERYBUF); IOCTL(VIDIOC_QBUF); IOCTL(VIDIOC_DQBUF);
    IOCTL(VIDIOC_STREAMON); IOCTL(VIDIOC_STREAMOFF); IOCTL(VIDIOC_G_PARM); IOCTL(VIDIOC_S_PARM);
    IOCTL(VIDIOC_G_EXT_CTRLS); IOCTL(VIDIOC_S_EXT_CTRLS); IOCTL(VIDIOC_ENUM_FRAMESIZES);
    IOCTL(VIDIOC_ENUM_FRAMEINTERVALS); IOCTL(VIDIOC_QUERY_EXT_CTRL);
    return 0;
}
