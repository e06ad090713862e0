/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings into memory: MP3 as mp3.c has it, everything else by libsndfile, from bytes that are in memory already.
 * Where the samples lie, and whether all of them are there, layout.c has found out before libsndfile sees anything.
 */
#include <sndfile.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/audio/layout.h"
#include "media/audio/mp3.h"
#include "media/spec/media.h"
#include "media/spec/sniff.h"

/* What libsndfile takes for a file: the layout's head, then its samples. */
struct stream {
    const struct layout *layout;
    const uint8_t *samples;
    size_t at;
};

static void close_sound(SNDFILE **file)
{
    if (*file)
        sf_close(*file);
}

static sf_count_t stream_length(void *user)
{
    const struct layout *layout = ((const struct stream *)user)->layout;

    return (sf_count_t)(layout->head_length + layout->length);
}

static sf_count_t stream_seek(sf_count_t offset, int whence, void *user)
{
    struct stream *stream = user;
    sf_count_t length = stream_length(user), target;
    sf_count_t base = whence == SEEK_CUR ? (sf_count_t)stream->at : whence == SEEK_END ? length : 0;

    if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > length)
        return -1;
    stream->at = (size_t)target;
    return target;
}

/* Copies what lies in `part`, which begins at `begin` of the whole; returns how much that is. */
static size_t read_part(const struct stream *stream, const uint8_t *part, size_t begin, size_t length, uint8_t *out,
                        size_t count)
{
    size_t got = stream->at < begin + length ? MIN(count, begin + length - stream->at) : 0;

    memcpy(out, part + (got ? stream->at - begin : 0), got);
    return got;
}

static sf_count_t stream_read(void *out, sf_count_t count, void *user)
{
    struct stream *stream = user;
    const struct layout *layout = stream->layout;
    size_t wanted = count > 0 ? (size_t)count : 0, got;

    got = read_part(stream, layout->head, 0, layout->head_length, out, wanted);
    stream->at += got;
    wanted -= got;
    wanted = read_part(stream, stream->samples, layout->head_length, layout->length, (uint8_t *)out + got, wanted);
    stream->at += wanted;
    return (sf_count_t)(got + wanted);
}

static sf_count_t stream_tell(void *user)
{
    return (sf_count_t)((const struct stream *)user)->at;
}

/* Only asked of files that are written. */
static sf_count_t stream_write(const void *bytes, sf_count_t count, void *user)
{
    (void)bytes, (void)count, (void)user;
    return 0;
}

static int read_samples(SNDFILE *file, const SF_INFO *info, struct intake *intake, struct reason *why)
{
    cleanup_free float *block = memory_alloc(INTAKE_BLOCK, sizeof *block);
    sf_count_t got;

    if (!block)
        return refuse_errno(why, -ENOMEM, "sound");
    while ((got = sf_readf_float(file, block, INTAKE_BLOCK / info->channels)) > 0) {
        int result = intake_take(intake, block, (size_t)got, why);

        if (result)
            return result;
    }
    if (sf_error(file))
        return refuse(why, WISP_E_FORMAT, "damaged after sample %zu: %s", intake->count, sf_strerror(file));
    if (info->frames != SF_COUNT_MAX && (uint64_t)info->frames > intake->count)
        return refuse(why, WISP_E_FORMAT, "cut off at sample %zu of %lld", intake->count, (long long)info->frames);
    return 0;
}

static int decode(SNDFILE *file, const SF_INFO *info, struct media_sound *out, struct reason *why)
{
    struct intake intake;
    int result = intake_begin(&intake, info->samplerate, info->channels, why);

    if (!result)
        result = read_samples(file, info, &intake, why);
    if (!result)
        result = intake_finish(&intake, out, why);
    intake_drop(&intake);
    return result;
}

static int decode_by_libsndfile(enum format format, const void *bytes, size_t length, struct media_sound *out,
                                struct reason *why)
{
    SF_VIRTUAL_IO io = { .get_filelen = stream_length,
                         .seek = stream_seek,
                         .read = stream_read,
                         .write = stream_write,
                         .tell = stream_tell };
    struct layout layout;
    struct stream stream = { .layout = &layout };
    struct byte_source source;
    cleanup(close_sound) SNDFILE *file = NULL;
    SF_INFO info = { .format = 0 };

    byte_source_of_memory(&source, bytes, length);
    if (layout_find(format, &source, &layout, why))
        return WISP_E_FORMAT;
    stream.samples = (const uint8_t *)bytes + layout.samples;
    if (!layout.length)
        return refuse(why, WISP_E_FORMAT, "the recording has no samples");
    file = sf_open_virtual(&io, SFM_READ, &info, &stream);
    if (!file)
        return refuse(why, WISP_E_FORMAT, "damaged, or no sound in it: %s", sf_strerror(NULL));
    return decode(file, &info, out, why);
}

static int decode_any(const void *bytes, size_t length, struct media_sound *out, struct reason *why)
{
    const char *what;
    enum format format = sniff(bytes, length, &what);
    size_t tag = sniff_id3(bytes, length);
    const uint8_t *from = (const uint8_t *)bytes + tag;

    switch (format) {
    case FORMAT_WAV:
    case FORMAT_AIFF:
    case FORMAT_AU:
    case FORMAT_FLAC:
    case FORMAT_OGG:
        return decode_by_libsndfile(format, from, length - tag, out, why);
    case FORMAT_MP3:
        return mp3_decode(bytes, length, tag, out, why);
    default:
        if (!length)
            return refuse(why, WISP_E_FORMAT, "the file is empty; a recording is expected, " FORMATS_OF_SOUNDS);
        return refuse(why, WISP_E_FORMAT, "%s; recordings are read as " FORMATS_OF_SOUNDS,
                      what ? what : "not a recording that is known here");
    }
}

int media_decode_sound(const char *name, const void *bytes, size_t length, struct media_sound *out, struct reason *why)
{
    int result = decode_any(bytes, length, out, why);

    return result ? refuse_in(why, result, "%s", name) : 0;
}
