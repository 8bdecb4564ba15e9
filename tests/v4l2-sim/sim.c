/* A simulated V4L2 camera below the calls that the crate `v4l` makes: open, close, mmap, poll and
 * syscall(SYS_ioctl). Preloaded into a test's process; README.md beside this file says how it is scripted.
 *
 * Errors follow the kernel's: a second QBUF of a queued buffer is EINVAL, DQBUF without a ready one EAGAIN,
 * everything but close on a device whose node is gone ENODEV. One thread uses a device at a time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEVICES = 4, BUFFERS = 8, MODES = 16, PERIOD_NS = 5000000 };

struct mode {
    char name[5];
    unsigned format, width, height, rate, pad;
};

struct device {
    int fd; /* -1: not in use */
    char node[PATH_MAX];
    struct mode modes[MODES];
    int mode_count, current, streaming, buffer_count;
    unsigned char *memory[BUFFERS];
    int queue[BUFFERS], queued; /* in the order in which they will be filled */
    unsigned sequence;
    long long next_ns;
};

static struct device devices[DEVICES] = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}};

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int fail(int error) {
    errno = error;
    return -1;
}

static struct device *find(int fd) {
    for (int i = 0; fd >= 0 && i < DEVICES; i++)
        if (devices[i].fd == fd) return &devices[i];
    return NULL;
}

/* The control file of this name in the simulation's folder; its number, 1 if it holds none, 0 if absent. */
static long control(const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", getenv("V4L2_SIM_DIR"), name);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    long number = 1;
    if (fscanf(file, "%ld", &number) != 1) number = 1;
    fclose(file);
    return number;
}

static int is_gone(const struct device *d) {
    struct stat now, opened;
    return stat(d->node, &now) || fstat(d->fd, &opened) || now.st_ino != opened.st_ino;
}

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static unsigned bytes_per_line(const struct mode *m) {
    if (m->format == V4L2_PIX_FMT_MJPEG) return 0;
    return m->width * (m->format == V4L2_PIX_FMT_YUYV ? 2 : 1) + m->pad;
}

static unsigned image_size(const struct mode *m) {
    if (m->format == V4L2_PIX_FMT_MJPEG) return m->width * m->height;
    unsigned luma = bytes_per_line(m) * m->height;
    return m->format == V4L2_PIX_FMT_NV12 ? luma + luma / 2 : luma;
}

static void load_modes(struct device *d) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/modes", getenv("V4L2_SIM_DIR"));
    FILE *file = fopen(path, "r");
    d->mode_count = 0;
    while (file && d->mode_count < MODES) {
        struct mode *m = &d->modes[d->mode_count];
        if (fscanf(file, "%4s %u %u %u %u", m->name, &m->width, &m->height, &m->rate, &m->pad) != 5) break;
        m->format = v4l2_fourcc(m->name[0], m->name[1], m->name[2], m->name[3]);
        d->mode_count++;
    }
    if (file) fclose(file);
}

/* Keeps the device's place for an opened node; -1 when the path is none of ours. */
static int sim_open(const char *path, int flags) {
    char folder[PATH_MAX], node[PATH_MAX];
    const char *configured = getenv("V4L2_SIM_DIR");
    if (!configured || !realpath(configured, folder) || !realpath(path, node)) return -2;
    size_t length = strlen(folder);
    if (strncmp(node, folder, length) || strncmp(node + length, "/video", 6)) return -2;
    if (control("deny")) return fail(EACCES);
    int (*real_open)(const char *, int, ...) = real("open");
    int fd = real_open(node, flags & ~O_CREAT);
    for (int i = 0; fd >= 0 && i < DEVICES; i++) {
        if (devices[i].fd != -1) continue;
        memset(&devices[i], 0, sizeof devices[i]);
        devices[i].fd = fd;
        strcpy(devices[i].node, node);
        load_modes(&devices[i]);
        return fd;
    }
    return fd < 0 ? fd : fail(EMFILE);
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    int fd = sim_open(path, flags);
    int (*real_open)(const char *, int, ...) = real("open");
    return fd == -2 ? real_open(path, flags, mode) : fd;
}

int close(int fd) {
    struct device *d = find(fd);
    if (d) d->fd = -1;
    int (*real_close)(int) = real("close");
    return real_close(fd);
}

void *mmap(void *start, size_t length, int prot, int flags, int fd, off_t offset) {
    struct device *d = find(fd);
    void *(*real_mmap)(void *, size_t, int, int, int, off_t) = real("mmap");
    if (!d) return real_mmap(start, length, prot, flags, fd, offset);
    void *memory = real_mmap(start, length, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    d->memory[offset / 4096 % BUFFERS] = memory;
    return memory;
}

static int is_ready(const struct device *d) {
    return d->streaming && d->queued > 0 && now_ns() >= d->next_ns && !control("stall");
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
    struct device *d = count == 1 ? find(fds[0].fd) : NULL;
    int (*real_poll)(struct pollfd *, nfds_t, int) = real("poll");
    if (!d) return real_poll(fds, count, timeout);
    long long deadline = now_ns() + timeout * 1000000LL;
    for (;;) {
        int last = timeout >= 0 && now_ns() >= deadline;
        fds[0].revents = is_gone(d) || !d->streaming ? POLLERR : is_ready(d) ? POLLIN : 0;
        if (fds[0].revents || last) return fds[0].revents != 0;
        usleep(1000);
    }
}

static int set_format(struct device *d, struct v4l2_format *f) {
    int chosen = -1;
    for (int i = 0; i < d->mode_count; i++) {
        const struct mode *m = &d->modes[i];
        if (m->format != f->fmt.pix.pixelformat) continue;
        if (chosen < 0 || (m->width == f->fmt.pix.width && m->height == f->fmt.pix.height)) chosen = i;
    }
    if (d->mode_count == 0) return fail(EINVAL);
    d->current = chosen < 0 ? 0 : chosen; /* as drivers do: another format instead of an error */
    return 0;
}

static int get_format(const struct device *d, struct v4l2_format *f) {
    const struct mode *m = &d->modes[d->current];
    if (d->mode_count == 0) return fail(EINVAL);
    memset(&f->fmt, 0, sizeof f->fmt);
    f->fmt.pix.width = m->width;
    f->fmt.pix.height = m->height;
    f->fmt.pix.pixelformat = m->format;
    f->fmt.pix.field = V4L2_FIELD_NONE;
    f->fmt.pix.bytesperline = bytes_per_line(m);
    f->fmt.pix.sizeimage = image_size(m);
    return 0;
}

/* The index-th size of a format, or with a size the index-th pace of it. */
static const struct mode *nth(const struct device *d, unsigned index, unsigned format, unsigned w, unsigned h) {
    for (int i = 0; i < d->mode_count; i++) {
        const struct mode *m = &d->modes[i];
        if (m->format == format && (!w || (m->width == w && m->height == h)) && index-- == 0) return m;
    }
    return NULL;
}

static int enum_sizes(const struct device *d, struct v4l2_frmsizeenum *s) {
    const struct mode *m = nth(d, s->index, s->pixel_format, 0, 0);
    if (!m || control("no-enumeration")) return fail(EINVAL);
    s->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    s->discrete.width = m->width;
    s->discrete.height = m->height;
    return 0;
}

static int enum_intervals(const struct device *d, struct v4l2_frmivalenum *s) {
    const struct mode *m = nth(d, s->index, s->pixel_format, s->width, s->height);
    if (!m) return fail(EINVAL);
    s->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    s->discrete.numerator = 1;
    s->discrete.denominator = m->rate;
    return 0;
}

static int queue(struct device *d, const struct v4l2_buffer *b) {
    if ((int)b->index >= d->buffer_count) return fail(EINVAL);
    for (int i = 0; i < d->queued; i++)
        if (d->queue[i] == (int)b->index) return fail(EINVAL);
    d->queue[d->queued++] = b->index;
    return 0;
}

/* The bytes of the file `picture`, as many as fit; 0 if there is no such file. */
static unsigned fill_from_file(unsigned char *memory, unsigned size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/picture", getenv("V4L2_SIM_DIR"));
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t used = fread(memory, 1, size, file);
    fclose(file);
    return used;
}

static unsigned fill(const struct device *d, unsigned char *memory) {
    const struct mode *m = &d->modes[d->current];
    unsigned used = image_size(m), n = d->sequence;
    if ((long)n < control("dark")) {
        for (unsigned i = 0; i < used; i++) memory[i] = i % 2 && m->format == V4L2_PIX_FMT_YUYV ? 128 : 16;
        return used;
    }
    unsigned given = fill_from_file(memory, used);
    if (given) return given;
    if (m->format == V4L2_PIX_FMT_MJPEG) used = used / 2 + n; /* as JPEG does, each has its own length */
    for (unsigned i = 0; i < used; i++) memory[i] = (i * 7 + n * 13 + m->name[0]) % 251;
    return used;
}

static int dequeue(struct device *d, struct v4l2_buffer *b) {
    if (!d->streaming) return fail(EINVAL);
    if (!is_ready(d)) return fail(EAGAIN);
    b->index = d->queue[0];
    memmove(d->queue, d->queue + 1, --d->queued * sizeof *d->queue);
    b->bytesused = fill(d, d->memory[b->index]);
    b->flags = 0;
    b->sequence = d->sequence++;
    b->field = V4L2_FIELD_NONE;
    if (control("damaged") && b->sequence % 3 == 1) b->flags = V4L2_BUF_FLAG_ERROR;
    if (control("damaged") && b->sequence % 3 == 2) b->bytesused /= 2;
    d->next_ns = now_ns() + PERIOD_NS;
    return 0;
}

static int request(struct device *d, struct v4l2_requestbuffers *r) {
    if (control("busy")) return fail(EBUSY);
    if (r->count > BUFFERS) r->count = BUFFERS;
    d->buffer_count = r->count;
    d->queued = 0;
    return 0;
}

static int query(const struct device *d, struct v4l2_buffer *b) {
    if ((int)b->index >= d->buffer_count) return fail(EINVAL);
    b->length = (image_size(&d->modes[d->current]) + 4095) / 4096 * 4096;
    b->m.offset = b->index * 4096;
    return 0;
}

static int stream(struct device *d, int on) {
    if (!on && control("stuck")) return fail(EIO);
    d->streaming = on;
    d->sequence = 0;
    if (!on) d->queued = 0;
    return 0;
}

static int sim_ioctl(struct device *d, unsigned long number, void *argument) {
    if (is_gone(d)) return fail(ENODEV);
    switch (number) {
    case VIDIOC_ENUM_FRAMESIZES: return enum_sizes(d, argument);
    case VIDIOC_ENUM_FRAMEINTERVALS: return enum_intervals(d, argument);
    case VIDIOC_S_FMT: return set_format(d, argument);
    case VIDIOC_G_FMT: return get_format(d, argument);
    case VIDIOC_S_PARM: return 0;
    case VIDIOC_G_PARM: return 0;
    case VIDIOC_REQBUFS: return request(d, argument);
    case VIDIOC_QUERYBUF: return query(d, argument);
    case VIDIOC_QBUF: return queue(d, argument);
    case VIDIOC_DQBUF: return dequeue(d, argument);
    case VIDIOC_STREAMON: return stream(d, 1);
    case VIDIOC_STREAMOFF: return stream(d, 0);
    default: return fail(ENOTTY);
    }
}

long syscall(long number, ...) {
    va_list list;
    long a[6];
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    struct device *d = number == SYS_ioctl ? find((int)a[0]) : NULL;
    if (d) return sim_ioctl(d, a[1], (void *)a[2]);
    long (*real_syscall)(long, ...) = real("syscall");
    return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
