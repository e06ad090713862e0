/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings into files of 16 bits a sample, in the format that the file's name says, by libsndfile. The file comes
 * into being in memory, as samples come.
 */
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/spec/media.h"

static const struct format {
    const char *ending;
    int number; /* libsndfile's */
} formats[] = { { ".wav", SF_FORMAT_WAV }, { ".flac", SF_FORMAT_FLAC } };

struct media_sound_writer {
    SNDFILE *file;
    uint8_t *bytes;
    size_t length, capacity, at;
    bool full; /* no memory: what libsndfile then says is not why */
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

/* ---- a file in memory ---- */

static sf_count_t memory_length(void *user)
{
    return (sf_count_t)((const struct media_sound_writer *)user)->length;
}

static sf_count_t memory_tell(void *user)
{
    return (sf_count_t)((const struct media_sound_writer *)user)->at;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
    struct media_sound_writer *w = user;
    const sf_count_t base = whence == SEEK_CUR ? (sf_count_t)w->at : whence == SEEK_END ? (sf_count_t)w->length : 0;

    if (base + offset < 0 || base + offset > (sf_count_t)w->length)
        return -1;
    w->at = (size_t)(base + offset);
    return (sf_count_t)w->at;
}

static bool reserve(struct media_sound_writer *w, size_t more)
{
    size_t capacity = MAX(w->capacity, (size_t)65536);
    uint8_t *larger;

    while (capacity < w->at + more)
        capacity += capacity / 2;
    if (capacity == w->capacity)
        return true;
    larger = realloc(w->bytes, capacity);
    w->full |= !larger;
    if (!larger)
        return false;
    w->bytes = larger;
    w->capacity = capacity;
    return true;
}

static sf_count_t memory_write(const void *bytes, sf_count_t count, void *user)
{
    struct media_sound_writer *w = user;

    if (count <= 0 || !reserve(w, (size_t)count))
        return 0;
    memcpy(w->bytes + w->at, bytes, (size_t)count);
    w->at += (size_t)count;
    w->length = MAX(w->length, w->at);
    return count;
}

static sf_count_t memory_read(void *out, sf_count_t count, void *user)
{
    struct media_sound_writer *w = user;
    const size_t got = MIN(count > 0 ? (size_t)count : 0, w->length - w->at);

    memcpy(out, w->bytes + w->at, got);
    w->at += got;
    return (sf_count_t)got;
}

/* ---- samples ---- */

static int refuse_writing(const struct media_sound_writer *w, struct reason *why)
{
    if (w->full)
        return refuse_errno(why, -ENOMEM, "a recording of more than %zu bytes", w->length);
    return refuse(why, WISP_E_INVALID, "the recording cannot be written: %s", sf_strerror(w->file));
}

int media_sound_writer_new(const char *name, uint32_t rate, struct media_sound_writer **out, struct reason *why)
{
    static SF_VIRTUAL_IO io = { memory_length, memory_seek, memory_read, memory_write, memory_tell };
    const struct format *format = find(name);
    cleanup(writer_at_exit) struct media_sound_writer *w = NULL;
    SF_INFO info = { .samplerate = (int)rate, .channels = 1 };

    if (!format)
        return media_check_sound_name(name, why);
    w = calloc(1, sizeof *w);
    if (w)
        w->block = memory_alloc(INTAKE_BLOCK, sizeof *w->block);
    if (!w || !w->block)
        return refuse_errno(why, -ENOMEM, "a recording");
    info.format = format->number | SF_FORMAT_PCM_16;
    w->file = sf_open_virtual(&io, SFM_WRITE, &info, w);
    if (!w->file)
        return refuse_writing(w, why);
    *out = steal(&w);
    return 0;
}

struct media_sound_writer *media_sound_writer_free(struct media_sound_writer *w)
{
    if (w) {
        if (w->file)
            sf_close(w->file);
        free(w->bytes);
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

int media_sound_writer_end(struct media_sound_writer *w, void **bytes, size_t *length, struct reason *why)
{
    const int failed = sf_close(steal(&w->file));

    if (failed || w->full)
        return refuse_writing(w, why);
    *length = w->length;
    *bytes = steal(&w->bytes);
    return 0;
}
