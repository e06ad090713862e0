/* SPDX-License-Identifier: Apache-2.0
 *
 * MP3 by libmpg123, of its decoders the one in plain C, so that the samples are the same on every processor. libmpg123
 * looks for the next frame wherever it can and plays on: so the frames are counted here first, one behind the other,
 * and what it sees is nothing but frames. Against a file that ends between two of them helps the number of frames that
 * most encoders leave in the first.
 */
#include <mpg123.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/audio/mp3.h"
#include "media/spec/sniff.h"

enum {
    FRAME_HEAD = 4,
    ID3V1 = 128,         /* bytes of the tag that stands at the end */
    SILENCE_MAX = 12000, /* samples that encoders add at both ends, and that libmpg123 takes off */
};

struct frame {
    size_t length;
    unsigned samples; /* of each channel */
    unsigned side;    /* bytes between the head and the sound */
    unsigned rate, channels;
};

/* What a file is, once its frames are counted. */
struct frames {
    const uint8_t *begin, *end;
    uint64_t count;
    struct frame first;
};

struct stream {
    const struct frames *frames;
    const uint8_t *at;
};

static uint32_t read_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* False when there is no head of a frame of layer III. Frames of "free" length, which name none, are not read. */
static bool read_frame(const uint8_t *at, size_t left, struct frame *out)
{
    static const unsigned kbits[2][16] = {
        { 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 },
        { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 },
    };
    static const unsigned rates[3] = { 44100, 48000, 32000 };
    unsigned version, kbit, rate;
    bool first;

    if (left < FRAME_HEAD || at[0] != 0xff || (at[1] & 0xe6) != 0xe2)
        return false;
    version = at[1] >> 3 & 3; /* 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5 */
    rate = at[2] >> 2 & 3;
    first = version == 3;
    kbit = kbits[!first][at[2] >> 4];
    if (version == 1 || rate == 3 || !kbit)
        return false;
    out->rate = rates[rate] >> (first ? 0 : version == 2 ? 1 : 2);
    out->channels = at[3] >> 6 == 3 ? 1 : 2;
    out->samples = first ? 1152 : 576;
    out->length = out->samples / 8 * kbit * 1000 / out->rate + (at[2] >> 1 & 1);
    out->side = first ? (out->channels == 1 ? 17 : 32) : (out->channels == 1 ? 9 : 17);
    return true;
}

/* Behind the last frame: a tag, or zeros. */
static bool is_behind(const uint8_t *at, size_t left)
{
    static const char *const tags[] = { "TAG", "APETAGEX", "LYRICSBEGIN", "ID3" };

    for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
        if (left >= strlen(tags[i]) && !memcmp(at, tags[i], strlen(tags[i])))
            return true;
    }
    while (left && !at[left - 1])
        left--;
    return !left;
}

/* Where the tags end whose length is known. */
static const uint8_t *skip_tags(const uint8_t *at, const uint8_t *end)
{
    size_t length;

    do {
        size_t left = (size_t)(end - at);

        length = left >= ID3V1 && !memcmp(at, "TAG", 3) ? ID3V1 : sniff_id3(at, left);
        at += length;
    } while (length);
    return at;
}

/* The number of frames that the first one says there are; 0 when it says nothing. */
static uint32_t announced_frames(const struct frames *frames)
{
    enum { VBRI_AT = FRAME_HEAD + 32 };
    const uint8_t *xing = frames->begin + FRAME_HEAD + frames->first.side, *vbri = frames->begin + VBRI_AT;
    size_t left = frames->first.length;

    if (left >= FRAME_HEAD + frames->first.side + 12 && (!memcmp(xing, "Xing", 4) || !memcmp(xing, "Info", 4)))
        return read_be32(xing + 4) & 1 ? read_be32(xing + 8) : 0;
    if (left >= VBRI_AT + 18 && !memcmp(vbri, "VBRI", 4))
        return read_be32(vbri + 14);
    return 0;
}

/* What follows the last frame is no sound: not even that of a file that somebody put behind this one, tag and all. */
static int check_end(const uint8_t *bytes, size_t at, size_t length, struct reason *why)
{
    const uint8_t *behind = skip_tags(bytes + at, bytes + length);
    struct frame frame;

    if (!is_behind(bytes + at, length - at))
        return refuse(why, WISP_E_FORMAT, "damaged MP3 file: no frame at byte %zu, where one should begin", at);
    if (read_frame(behind, (size_t)(bytes + length - behind), &frame))
        return refuse(why, WISP_E_FORMAT, "another MP3 file begins at byte %zu: take them apart",
                      (size_t)(behind - bytes));
    return 0;
}

static int count_frames(const uint8_t *bytes, size_t length, size_t at, struct frames *out, struct reason *why)
{
    struct frame frame;
    int result;

    *out = (struct frames){ .begin = bytes + at };
    for (; at < length && read_frame(bytes + at, length - at, &frame); at += frame.length) {
        if (frame.length > length - at)
            return refuse(why, WISP_E_FORMAT, "the MP3 file is cut off at byte %zu, within a frame", length);
        if (!out->count++)
            out->first = frame;
        else if (frame.rate != out->first.rate || frame.channels != out->first.channels)
            return refuse(why, WISP_E_FORMAT, "the MP3 file changes to %u Hz, %u channels at byte %zu", frame.rate,
                          frame.channels, at);
    }
    out->end = bytes + at;
    if (!out->count)
        return refuse(why, WISP_E_FORMAT, "damaged MP3 file: no sound at byte %zu", at);
    result = check_end(bytes, at, length, why);
    if (result)
        return result;
    if (announced_frames(out) > out->count)
        return refuse(why, WISP_E_FORMAT, "the MP3 file is cut off at byte %zu: %llu of %u frames", length,
                      (unsigned long long)out->count, announced_frames(out));
    return 0;
}

/* ---- libmpg123 ---- */

static void delete_handle(mpg123_handle **handle)
{
    mpg123_delete(*handle);
}

static ssize_t stream_read(void *user, void *out, size_t count)
{
    struct stream *stream = user;
    size_t got = MIN(count, (size_t)(stream->frames->end - stream->at));

    memcpy(out, stream->at, got);
    stream->at += got;
    return (ssize_t)got;
}

static off_t stream_seek(void *user, off_t offset, int whence)
{
    struct stream *stream = user;
    const struct frames *frames = stream->frames;
    off_t length = frames->end - frames->begin;
    off_t base = whence == SEEK_CUR ? stream->at - frames->begin : whence == SEEK_END ? length : 0, target;

    if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > length)
        return -1;
    stream->at = frames->begin + target;
    return target;
}

static int open_handle(mpg123_handle *handle, struct stream *stream, const struct frame *frame)
{
    if (mpg123_param(handle, MPG123_ADD_FLAGS, MPG123_QUIET | MPG123_GAPLESS, 0) || mpg123_format_none(handle) ||
        mpg123_format(handle, (long)frame->rate, frame->channels == 1 ? MPG123_MONO : MPG123_STEREO,
                      MPG123_ENC_FLOAT_32) ||
        mpg123_replace_reader_handle(handle, stream_read, stream_seek, NULL))
        return -1;
    return mpg123_open_handle(handle, stream);
}

static int read_samples(mpg123_handle *handle, struct intake *intake, struct reason *why)
{
    cleanup_free float *block = memory_alloc(INTAKE_BLOCK, sizeof *block);
    size_t frame = sizeof *block * (size_t)intake->channels, got = 0;
    int status, result = 0;

    if (!block)
        return refuse_errno(why, -ENOMEM, "sound");
    do {
        status = mpg123_read(handle, block, INTAKE_BLOCK * sizeof *block, &got);
        result = intake_take(intake, block, got / frame, why);
    } while (!result && (status == MPG123_OK || status == MPG123_NEW_FORMAT));
    if (!result && status != MPG123_DONE)
        return refuse(why, WISP_E_FORMAT, "damaged after sample %zu: %s", intake->count, mpg123_strerror(handle));
    return result;
}

static int decode(const struct frames *frames, struct intake *intake, struct reason *why)
{
    struct stream stream = { .frames = frames, .at = frames->begin };
    cleanup(delete_handle) mpg123_handle *handle = mpg123_new("generic", NULL);
    uint64_t samples = frames->count * frames->first.samples;
    int result;

    if (!handle)
        return refuse_errno(why, -ENOMEM, "MP3");
    if (open_handle(handle, &stream, &frames->first))
        return refuse(why, WISP_E_FORMAT, "damaged MP3 file: %s", mpg123_strerror(handle));
    result = read_samples(handle, intake, why);
    if (!result && intake->count + SILENCE_MAX < samples)
        return refuse(why, WISP_E_FORMAT, "damaged MP3 file: %zu of %llu samples could be decoded", intake->count,
                      (unsigned long long)samples);
    return result;
}

int mp3_decode(const void *bytes, size_t length, size_t tag, struct media_sound *out, struct reason *why)
{
    struct frames frames;
    struct intake intake;
    int result;

    if (tag == length)
        return refuse(why, WISP_E_FORMAT, "the file is cut off at byte %zu, within its ID3 tag", length);
    result = count_frames(bytes, length, tag, &frames, why);
    if (result)
        return result;
    result = intake_begin(&intake, (int)frames.first.rate, (int)frames.first.channels, why);
    if (!result)
        result = decode(&frames, &intake, why);
    if (!result)
        result = intake_finish(&intake, out, why);
    intake_drop(&intake);
    return result;
}
