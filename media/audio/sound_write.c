/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings into files of 16 bits a sample, in the format that the file's name says, by libsndfile. The file comes
 * into being as samples come. libsndfile goes back to its beginning once it knows how long it became; where there is no
 * way back, that has been said at the beginning.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/spec/media.h"

enum {
    WAV_HEAD = 44,
    RIFF_SIZE_AT = 4,  /* of all that follows it */
    DATA_SIZE_AT = 40, /* of the samples */
};

static const struct format {
    const char *ending;
    int number;    /* libsndfile's */
    uint64_t most; /* samples */
} formats[] = { { ".wav", SF_FORMAT_WAV, (UINT32_MAX - WAV_HEAD) / sizeof(int16_t) },
                { ".flac", SF_FORMAT_FLAC, (uint64_t)1 << 36 } };

struct media_sound_writer {
    SNDFILE *file;
    int fd, error; /* -errno of writing: what libsndfile then says is not why */
    uint64_t length, at;
    bool goes;              /* what was written is gone, as in a pipe: then */
    uint8_t head[WAV_HEAD]; /* the beginning waits until something follows it */
    uint64_t announced;     /* bytes of samples */
    int16_t *block;
};

CLEANUP_DEFINE(writer, struct media_sound_writer, media_sound_writer_free)

/* Without an ending, and on standard output, it is WAV. */
static const struct format *find(const char *name)
{
    const char *ending = path_ending(name);

    for (size_t i = 0; ending && i < ARRAY_SIZE(formats); i++) {
        if (!strcasecmp(ending, formats[i].ending))
            return &formats[i];
    }
    return ending ? NULL : &formats[0];
}

int media_check_sound_name(const char *name, struct reason *why)
{
    return find(name)
               ? 0
               : refuse(why, WISP_E_INVALID,
                        "%s: recordings are written as WAV or FLAC, to a file whose name ends in .wav or .flac", name);
}

/* ---- a file, as libsndfile sees it ---- */

static sf_count_t file_length(void *user)
{
    return (sf_count_t)((const struct media_sound_writer *)user)->length;
}

static sf_count_t file_tell(void *user)
{
    return (sf_count_t)((const struct media_sound_writer *)user)->at;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *user)
{
    struct media_sound_writer *w = user;
    const sf_count_t base = whence == SEEK_CUR ? (sf_count_t)w->at : whence == SEEK_END ? (sf_count_t)w->length : 0;

    if (base + offset < 0 || base + offset > (sf_count_t)w->length)
        return -1;
    w->at = (uint64_t)(base + offset);
    return (sf_count_t)w->at;
}

static bool put(struct media_sound_writer *w, const uint8_t *bytes, size_t count, uint64_t at)
{
    for (ssize_t done = 0; count && !w->error; bytes += done, count -= (size_t)done, at += (uint64_t)done) {
        done = w->goes ? write(w->fd, bytes, count) : pwrite(w->fd, bytes, count, (off_t)at);
        if (done < 0 && errno != EINTR)
            w->error = -errno;
        done = MAX(done, (ssize_t)0);
    }
    return !w->error;
}

static void put_size(uint8_t *at, uint64_t size)
{
    const uint32_t word = htole32((uint32_t)size);

    memcpy(at, &word, sizeof word);
}

/* Where there is no way back the sizes are put in now, of which libsndfile knows nothing yet. */
static bool send_head(struct media_sound_writer *w)
{
    put_size(w->head + RIFF_SIZE_AT, WAV_HEAD - RIFF_SIZE_AT - sizeof(uint32_t) + w->announced);
    put_size(w->head + DATA_SIZE_AT, w->announced);
    return put(w, w->head, WAV_HEAD, 0);
}

static bool write_on(struct media_sound_writer *w, const uint8_t *bytes, size_t count)
{
    const size_t head = w->at < WAV_HEAD ? MIN(count, (size_t)(WAV_HEAD - w->at)) : 0;
    const bool sent = w->length > WAV_HEAD;

    if (sent && memcmp(w->head + MIN(w->at, (uint64_t)WAV_HEAD), bytes, head) != 0)
        w->error = -EIO; /* it did not become as long as was said */
    if (!sent)
        memcpy(w->head + w->at, bytes, head);
    if (!sent && count > head && !send_head(w))
        return false;
    return put(w, bytes + head, count - head, 0);
}

static sf_count_t file_write(const void *bytes, sf_count_t count, void *user)
{
    struct media_sound_writer *w = user;

    if (count <= 0 || !(w->goes ? write_on(w, bytes, (size_t)count) : put(w, bytes, (size_t)count, w->at)))
        return 0;
    w->at += (uint64_t)count;
    w->length = MAX(w->length, w->at);
    return count;
}

static sf_count_t file_read(void *out, sf_count_t count, void *user)
{
    struct media_sound_writer *w = user;
    const ssize_t got = w->goes ? 0 : pread(w->fd, out, (size_t)MAX(count, 0), (off_t)w->at);

    w->at += (uint64_t)MAX(got, (ssize_t)0);
    return MAX(got, (ssize_t)0);
}

/* ---- samples ---- */

static int refuse_writing(const struct media_sound_writer *w, struct reason *why)
{
    if (w->error)
        return refuse_errno(why, w->error, "the recording cannot be written");
    return refuse(why, WISP_E_INVALID, "the recording cannot be written: %s", sf_strerror(w->file));
}

static int open_writer(struct media_sound_writer *w, const struct format *format, uint32_t rate, struct reason *why)
{
    static SF_VIRTUAL_IO io = { file_length, file_seek, file_read, file_write, file_tell };
    SF_INFO info = { .samplerate = (int)rate, .channels = 1, .format = format->number | SF_FORMAT_PCM_16 };

    w->file = sf_open_virtual(&io, SFM_WRITE, &info, w);
    return w->file ? 0 : refuse_writing(w, why);
}

int media_sound_writer_new(const char *name, uint32_t rate, uint64_t count, int fd, struct media_sound_writer **out,
                           struct reason *why)
{
    const struct format *format = find(name);
    cleanup(writer_at_exit) struct media_sound_writer *w = NULL;
    int result;

    if (!format)
        return media_check_sound_name(name, why);
    if (count > format->most)
        return refuse(why, WISP_E_INVALID, "%s: a recording of %" PRIu64 " samples is too long for a file in %s", name,
                      count, format->ending + 1);
    w = calloc(1, sizeof *w);
    if (w) {
        *w = (struct media_sound_writer){ .fd = fd,
                                          .goes = !strcmp(name, "-"),
                                          .announced = count * sizeof(int16_t),
                                          .block = memory_alloc(INTAKE_BLOCK, sizeof *w->block) };
    }
    if (!w || !w->block)
        return refuse_errno(why, -ENOMEM, "a recording");
    result = open_writer(w, format, rate, why);
    if (!result)
        *out = steal(&w);
    return result;
}

struct media_sound_writer *media_sound_writer_free(struct media_sound_writer *w)
{
    if (w) {
        if (w->file)
            sf_close(w->file);
        free(w->block);
        free(w);
    }
    return NULL;
}

/* As reading divides by 32768. */
static int16_t sample_of(float value)
{
    const float scaled = value * 32768;

    if (!(scaled > -32768))
        return isnan(scaled) ? 0 : INT16_MIN;
    return scaled >= 32767 ? INT16_MAX : (int16_t)lroundf(scaled);
}

int media_sound_writer_add(struct media_sound_writer *w, const float *samples, size_t count, struct reason *why)
{
    for (size_t done = 0; done < count;) {
        const size_t now = MIN(count - done, (size_t)INTAKE_BLOCK);

        for (size_t i = 0; i < now; i++)
            w->block[i] = sample_of(samples[done + i]);
        if (sf_write_short(w->file, w->block, (sf_count_t)now) != (sf_count_t)now)
            return refuse_writing(w, why);
        done += now;
    }
    return 0;
}

int media_sound_writer_end(struct media_sound_writer *w, struct reason *why)
{
    const int failed = sf_close(steal(&w->file));

    return failed || w->error ? refuse_writing(w, why) : 0;
}
