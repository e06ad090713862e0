/* SPDX-License-Identifier: Apache-2.0
 *
 * MP3 by libmpg123, of its decoders the one in plain C, so that the samples are the same on every processor. libmpg123
 * looks for the next frame wherever it can and plays on: so the frames are counted here first, one behind the other,
 * and what it sees is nothing but frames. Against a file that ends between two of them helps the number of frames that
 * most encoders leave in the first.
 */
#include <inttypes.h>
#include <mpg123.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "media/audio/intake.h"
#include "media/audio/sound_reader.h"

enum {
    FRAME_HEAD = 4,
    ID3_HEAD = 10,
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
    uint64_t begin, end;
    uint64_t count;
    struct frame first;
};

struct mp3_reader {
    struct sound_reader reader;
    struct byte_source *source;
    struct frames frames;
    uint64_t at;
    mpg123_handle *handle;
    bool ended, failed;
};

static uint32_t read_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* False when there is no head of a frame of layer III. Frames of "free" length, which name none, are not read. */
static bool parse_frame(const uint8_t *at, size_t left, struct frame *out)
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

static bool read_frame(struct byte_source *source, uint64_t at, struct frame *out)
{
    uint8_t head[FRAME_HEAD];

    return parse_frame(head, byte_source_copy(source, at, head, sizeof head), out);
}

static bool begins_with(struct byte_source *source, uint64_t at, const char *what)
{
    const size_t length = strlen(what);

    return size_within(at, length, source->length) && !memcmp(byte_source_at(source, at, length), what, length);
}

/* Behind the last frame: a tag, or zeros. */
static bool is_behind(struct byte_source *source, uint64_t at)
{
    static const char *const tags[] = { "TAG", "APETAGEX", "LYRICSBEGIN", "ID3" };

    for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
        if (begins_with(source, at, tags[i]))
            return true;
    }
    while (at < source->length && !*byte_source_at(source, at, 1))
        at++;
    return at == source->length;
}

/* Bytes of an ID3 tag at `at`; 0 when there is none. */
static uint64_t tag_length(struct byte_source *source, uint64_t at)
{
    uint8_t head[ID3_HEAD] = { 0 };

    byte_source_copy(source, at, head, sizeof head);
    return sniff_id3(head, source->length - at);
}

/* Where the tags end whose length is known. */
static uint64_t skip_tags(struct byte_source *source, uint64_t at)
{
    uint64_t length;

    do {
        length = source->length - at >= ID3V1 && begins_with(source, at, "TAG") ? ID3V1 : tag_length(source, at);
        at += length;
    } while (length);
    return at;
}

/* The number of frames that the first one says there are; 0 when it says nothing. */
static uint32_t announced_frames(struct byte_source *source, const struct frames *frames)
{
    enum { VBRI_AT = FRAME_HEAD + 32 };
    const size_t left = frames->first.length, xing = FRAME_HEAD + frames->first.side;
    const uint8_t *first = byte_source_at(source, frames->begin, left);

    if (left >= xing + 12 && (!memcmp(first + xing, "Xing", 4) || !memcmp(first + xing, "Info", 4)))
        return read_be32(first + xing + 4) & 1 ? read_be32(first + xing + 8) : 0;
    if (left >= VBRI_AT + 18 && !memcmp(first + VBRI_AT, "VBRI", 4))
        return read_be32(first + VBRI_AT + 14);
    return 0;
}

/* What follows the last frame is no sound: not even that of a file that somebody put behind this one, tag and all. */
static int check_end(struct byte_source *source, uint64_t at, struct reason *why)
{
    const uint64_t behind = skip_tags(source, at);
    struct frame frame;

    if (!is_behind(source, at))
        return refuse(why, WISP_E_FORMAT, "damaged MP3 file: no frame at byte %" PRIu64 ", where one should begin",
                      source->before + at);
    if (read_frame(source, behind, &frame))
        return refuse(why, WISP_E_FORMAT, "another MP3 file begins at byte %" PRIu64 ": take them apart",
                      source->before + behind);
    return 0;
}

static int count_frames(struct byte_source *source, struct frames *out, struct reason *why)
{
    const uint64_t length = source->length, before = source->before;
    struct frame frame;
    uint64_t at = 0;
    int result;

    *out = (struct frames){ .begin = 0 };
    for (; at < length && read_frame(source, at, &frame); at += frame.length) {
        if (frame.length > length - at)
            return refuse(why, WISP_E_FORMAT, "the MP3 file is cut off at byte %" PRIu64 ", within a frame",
                          before + length);
        if (!out->count++)
            out->first = frame;
        else if (frame.rate != out->first.rate || frame.channels != out->first.channels)
            return refuse(why, WISP_E_FORMAT, "the MP3 file changes to %u Hz, %u channels at byte %" PRIu64, frame.rate,
                          frame.channels, before + at);
    }
    out->end = at;
    if (!out->count)
        return refuse(why, WISP_E_FORMAT, "damaged MP3 file: no sound at byte %" PRIu64, before + at);
    result = check_end(source, at, why);
    if (result)
        return result;
    if (announced_frames(source, out) > out->count)
        return refuse(why, WISP_E_FORMAT, "the MP3 file is cut off at byte %" PRIu64 ": %" PRIu64 " of %u frames",
                      before + length, out->count, announced_frames(source, out));
    return 0;
}

/* ---- libmpg123 ---- */

static ssize_t stream_read(void *user, void *out, size_t count)
{
    struct mp3_reader *d = user;
    const size_t got = byte_source_copy(d->source, d->at, out, (size_t)MIN((uint64_t)count, d->frames.end - d->at));

    d->at += got;
    return (ssize_t)got;
}

static off_t stream_seek(void *user, off_t offset, int whence)
{
    struct mp3_reader *d = user;
    const off_t length = (off_t)d->frames.end;
    off_t base = whence == SEEK_CUR ? (off_t)d->at : whence == SEEK_END ? length : 0, target;

    if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > length)
        return -1;
    d->at = (uint64_t)target;
    return target;
}

static void mp3_free(struct sound_reader *reader)
{
    struct mp3_reader *d = (struct mp3_reader *)reader;

    mpg123_delete(d->handle);
    free(d);
}

static int open_handle(struct mp3_reader *d)
{
    const struct frame *frame = &d->frames.first;

    if (mpg123_param(d->handle, MPG123_ADD_FLAGS, MPG123_QUIET | MPG123_GAPLESS, 0) || mpg123_format_none(d->handle) ||
        mpg123_format(d->handle, (long)frame->rate, frame->channels == 1 ? MPG123_MONO : MPG123_STEREO,
                      MPG123_ENC_FLOAT_32) ||
        mpg123_replace_reader_handle(d->handle, stream_read, stream_seek, NULL))
        return -1;
    return mpg123_open_handle(d->handle, d);
}

static int open_file(struct mp3_reader *d, struct reason *why)
{
    int result;

    if (!d->source->length)
        return refuse(why, WISP_E_FORMAT, "the file is cut off at byte %" PRIu64 ", within its ID3 tag",
                      d->source->before);
    result = count_frames(d->source, &d->frames, why);
    if (result)
        return result;
    d->reader.rate = (int)d->frames.first.rate;
    d->reader.channels = (int)d->frames.first.channels;
    d->handle = mpg123_new("generic", NULL);
    if (!d->handle)
        return refuse_errno(why, -ENOMEM, "MP3");
    if (open_handle(d))
        return refuse(why, WISP_E_FORMAT, "damaged MP3 file: %s", mpg123_strerror(d->handle));
    return 0;
}

static int mp3_open(struct byte_source *source, enum format format, struct sound_reader **out, struct reason *why)
{
    struct mp3_reader *d = calloc(1, sizeof *d);
    int result;

    (void)format;
    if (!d)
        return refuse_errno(why, -ENOMEM, "sound");
    d->source = source;
    result = open_file(d, why);
    if (result)
        mp3_free(&d->reader);
    else
        *out = &d->reader;
    return result;
}

static int check_all(const struct mp3_reader *d, struct reason *why)
{
    const uint64_t samples = d->frames.count * d->frames.first.samples;

    if (d->reader.frames + SILENCE_MAX >= samples)
        return 0;
    return refuse(why, WISP_E_FORMAT, "damaged MP3 file: %" PRIu64 " of %" PRIu64 " samples could be decoded",
                  d->reader.frames, samples);
}

static int mp3_read(struct sound_reader *reader, float *out, size_t *count, struct reason *why)
{
    struct mp3_reader *d = (struct mp3_reader *)reader;
    int status;
    size_t got = 0;

    while (!d->ended && !got) {
        status = mpg123_read(d->handle, (unsigned char *)out, INTAKE_BLOCK * sizeof *out, &got);
        d->ended = status != MPG123_OK && status != MPG123_NEW_FORMAT;
        d->failed = d->ended && status != MPG123_DONE;
    }
    *count = got / (sizeof *out * (size_t)reader->channels);
    if (*count)
        return 0;
    if (d->failed)
        return refuse(why, WISP_E_FORMAT, "damaged after sample %" PRIu64 ": %s", reader->frames,
                      mpg123_strerror(d->handle));
    return check_all(d, why);
}

const struct sound_reader_kind sound_reader_mp3 = { mp3_open, mp3_read, mp3_free };
