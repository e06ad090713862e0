/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings by libsndfile. Where the samples lie, and whether all of them are there, layout.c has found out before
 * libsndfile sees anything.
 */
#include <inttypes.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/audio/layout.h"
#include "media/audio/sound_reader.h"

/* What libsndfile takes for a file is the layout's head, then its samples. */
struct sndfile_reader {
    struct sound_reader reader;
    struct byte_source *source;
    struct layout layout;
    uint64_t at;
    SNDFILE *file;
    sf_count_t announced; /* frames */
};

static sf_count_t stream_length(void *user)
{
    const struct layout *layout = &((const struct sndfile_reader *)user)->layout;

    return (sf_count_t)(layout->head_length + layout->length);
}

static sf_count_t stream_seek(sf_count_t offset, int whence, void *user)
{
    struct sndfile_reader *d = user;
    sf_count_t length = stream_length(user), target;
    sf_count_t base = whence == SEEK_CUR ? (sf_count_t)d->at : whence == SEEK_END ? length : 0;

    if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > length)
        return -1;
    d->at = (uint64_t)target;
    return target;
}

static sf_count_t stream_read(void *out, sf_count_t count, void *user)
{
    struct sndfile_reader *d = user;
    const struct layout *layout = &d->layout;
    const size_t wanted = count > 0 ? (size_t)count : 0, head = layout->head_length;
    size_t got = 0, left;

    if (d->at < head) {
        got = MIN(wanted, head - (size_t)d->at);
        memcpy(out, layout->head + d->at, got);
        d->at += got;
    }
    left = (size_t)MIN((uint64_t)(wanted - got), layout->length - (d->at - MIN(d->at, (uint64_t)head)));
    if (left)
        left = byte_source_copy(d->source, layout->samples + (d->at - head), (uint8_t *)out + got, left);
    d->at += left;
    return (sf_count_t)(got + left);
}

static sf_count_t stream_tell(void *user)
{
    return (sf_count_t)((const struct sndfile_reader *)user)->at;
}

/* Only asked of files that are written. */
static sf_count_t stream_write(const void *bytes, sf_count_t count, void *user)
{
    (void)bytes, (void)count, (void)user;
    return 0;
}

static void sndfile_free(struct sound_reader *reader)
{
    struct sndfile_reader *d = (struct sndfile_reader *)reader;

    if (d->file)
        sf_close(d->file);
    free(d);
}

static int open_file(struct sndfile_reader *d, enum format format, struct reason *why)
{
    static SF_VIRTUAL_IO io = { stream_length, stream_seek, stream_read, stream_write, stream_tell };
    SF_INFO info = { .format = 0 };

    if (layout_find(format, d->source, &d->layout, why))
        return WISP_E_FORMAT;
    if (!d->layout.length)
        return refuse(why, WISP_E_FORMAT, "the recording has no samples");
    d->file = sf_open_virtual(&io, SFM_READ, &info, d);
    if (!d->file)
        return refuse(why, WISP_E_FORMAT, "damaged, or no sound in it: %s", sf_strerror(NULL));
    d->announced = info.frames;
    d->reader.rate = info.samplerate;
    d->reader.channels = info.channels;
    return 0;
}

static int sndfile_open(struct byte_source *source, enum format format, struct sound_reader **out, struct reason *why)
{
    struct sndfile_reader *d = calloc(1, sizeof *d);
    int result;

    if (!d)
        return refuse_errno(why, -ENOMEM, "sound");
    d->source = source;
    result = open_file(d, format, why);
    if (result)
        sndfile_free(&d->reader);
    else
        *out = &d->reader;
    return result;
}

static int sndfile_read(struct sound_reader *reader, float *out, size_t *count, struct reason *why)
{
    const struct sndfile_reader *d = (const struct sndfile_reader *)reader;
    const sf_count_t got = sf_readf_float(d->file, out, INTAKE_BLOCK / reader->channels);

    *count = got > 0 ? (size_t)got : 0;
    if (*count)
        return 0;
    if (sf_error(d->file))
        return refuse(why, WISP_E_FORMAT, "damaged after sample %" PRIu64 ": %s", reader->frames, sf_strerror(d->file));
    if (d->announced != SF_COUNT_MAX && (uint64_t)d->announced > reader->frames)
        return refuse(why, WISP_E_FORMAT, "cut off at sample %" PRIu64 " of %lld", reader->frames,
                      (long long)d->announced);
    return 0;
}

const struct sound_reader_kind sound_reader_sndfile = { sndfile_open, sndfile_read, sndfile_free };
