/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings into memory: WAV, FLAC and Ogg (Vorbis, Opus) by libsndfile, from bytes that are in memory already, mixed
 * down to one channel; and from one rate to another by soxr. What leaves here is finite and within -1..1.
 */
#include <math.h>
#include <sndfile.h>
#include <soxr.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/media.h"
#include "media/riff.h"
#include "media/sniff.h"

enum {
    RATE_MIN = 1000,
    RATE_MAX = 768000,
    SOUND_CHANNELS_MAX = 32,
    SECONDS_MAX = 600,
    SAMPLES_MAX = 1 << 28, /* of all channels together, and of a resampled sound */
    BLOCK = 65536,         /* floats read at once */
};

struct stream {
    const unsigned char *bytes;
    sf_count_t length, at;
};

static void close_sound(SNDFILE **file)
{
    if (*file)
        sf_close(*file);
}

static sf_count_t stream_length(void *user)
{
    return ((const struct stream *)user)->length;
}

static sf_count_t stream_seek(sf_count_t offset, int whence, void *user)
{
    struct stream *stream = user;
    sf_count_t base = whence == SEEK_CUR ? stream->at : whence == SEEK_END ? stream->length : 0, target;

    if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > stream->length)
        return -1;
    stream->at = target;
    return target;
}

static sf_count_t stream_read(void *out, sf_count_t count, void *user)
{
    struct stream *stream = user;
    sf_count_t got = MIN(count, stream->length - stream->at);

    if (got <= 0)
        return 0;
    memcpy(out, stream->bytes + stream->at, (size_t)got);
    stream->at += got;
    return got;
}

static sf_count_t stream_tell(void *user)
{
    return ((const struct stream *)user)->at;
}

/* Only asked of files that are written. */
static sf_count_t stream_write(const void *bytes, sf_count_t count, void *user)
{
    (void)bytes, (void)count, (void)user;
    return 0;
}

static int check_header(const SF_INFO *info, struct reason *why)
{
    if (info->samplerate < RATE_MIN || info->samplerate > RATE_MAX)
        return refuse(why, WISP_E_FORMAT, "a rate of %d Hz; from %d to %d Hz is read", info->samplerate, RATE_MIN,
                      RATE_MAX);
    if (info->channels < 1 || info->channels > SOUND_CHANNELS_MAX)
        return refuse(why, WISP_E_FORMAT, "%d channels; up to %d are read", info->channels, SOUND_CHANNELS_MAX);
    return 0;
}

static int refuse_length(const SF_INFO *info, struct reason *why)
{
    return refuse(why, WISP_E_FORMAT, "a recording of more than %d s (%d channels at %d Hz), so cut it first",
                  MIN(SECONDS_MAX, SAMPLES_MAX / info->samplerate / info->channels), info->channels, info->samplerate);
}

/* A sound as it is read: grown as samples come, for what a header says of their number may be anything. */
struct intake {
    float *samples;
    size_t count, capacity;
    float peak;
};

static int grow(struct intake *intake, size_t more)
{
    size_t capacity = MAX(intake->capacity, (size_t)BLOCK);
    float *larger;

    if (intake->count + more <= intake->capacity)
        return 0;
    while (capacity < intake->count + more)
        capacity *= 2;
    larger = realloc(intake->samples, capacity * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    intake->samples = larger;
    intake->capacity = capacity;
    return 0;
}

/* Mixes frames down to one channel. */
static int take(struct intake *intake, const float *frames, size_t count, int channels, struct reason *why)
{
    if (grow(intake, count))
        return refuse_errno(why, -ENOMEM, "sound of %zu samples", intake->count + count);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        float value;

        for (int c = 0; c < channels; c++)
            sum += (double)frames[i * (size_t)channels + (size_t)c];
        value = (float)(sum / channels);
        if (!isfinite(value))
            return refuse(why, WISP_E_FORMAT, "sample %zu is not a finite number", intake->count);
        intake->samples[intake->count++] = value;
        intake->peak = fmaxf(intake->peak, fabsf(value));
    }
    return 0;
}

static int read_samples(SNDFILE *file, const SF_INFO *info, struct intake *intake, struct reason *why)
{
    cleanup_free float *block = memory_alloc(BLOCK, sizeof *block);
    size_t most = MIN((size_t)SECONDS_MAX * (size_t)info->samplerate, (size_t)(SAMPLES_MAX / info->channels));
    sf_count_t got;

    if (!block)
        return refuse_errno(why, -ENOMEM, "sound");
    while ((got = sf_readf_float(file, block, BLOCK / info->channels)) > 0) {
        int result = take(intake, block, (size_t)got, info->channels, why);

        if (result)
            return result;
        if (intake->count > most)
            return refuse_length(info, why);
    }
    if (sf_error(file))
        return refuse(why, WISP_E_FORMAT, "damaged after sample %zu: %s", intake->count, sf_strerror(file));
    if (!intake->count)
        return refuse(why, WISP_E_FORMAT, "the recording has no samples");
    if (info->frames != SF_COUNT_MAX && (uint64_t)info->frames > intake->count)
        return refuse(why, WISP_E_FORMAT, "cut off at sample %zu of %lld", intake->count, (long long)info->frames);
    return 0;
}

static int decode(SNDFILE *file, const SF_INFO *info, struct media_sound *out, struct reason *why)
{
    struct intake intake = { .samples = NULL };
    int result = check_header(info, why);

    if (!result)
        result = read_samples(file, info, &intake, why);
    if (result) {
        free(intake.samples);
        return result;
    }
    for (size_t i = 0; intake.peak > 1 && i < intake.count; i++)
        intake.samples[i] /= intake.peak;
    *out = (struct media_sound){ .rate = (uint32_t)info->samplerate, .count = intake.count, .samples = intake.samples };
    return 0;
}

static int refuse_format(const char *what, size_t length, struct reason *why)
{
    if (!length)
        return refuse(why, WISP_E_FORMAT, "the file is empty; a WAV, FLAC or Ogg recording is expected");
    return refuse(why, WISP_E_FORMAT, "%s; recordings are read as WAV, FLAC or Ogg (Vorbis, Opus)",
                  what ? what : "not a recording that is known here");
}

static int open_and_decode(const void *bytes, size_t length, struct media_sound *out, struct reason *why)
{
    SF_VIRTUAL_IO io = { .get_filelen = stream_length,
                         .seek = stream_seek,
                         .read = stream_read,
                         .write = stream_write,
                         .tell = stream_tell };
    struct stream stream = { .bytes = bytes, .length = (sf_count_t)length };
    cleanup(close_sound) SNDFILE *file = NULL;
    SF_INFO info = { .format = 0 };
    const char *what;
    enum format format = sniff(bytes, length, &what);

    if (format != FORMAT_WAV && format != FORMAT_FLAC && format != FORMAT_OGG)
        return refuse_format(what, length, why);
    if (format == FORMAT_WAV && riff_check(bytes, length, why))
        return WISP_E_FORMAT;
    file = sf_open_virtual(&io, SFM_READ, &info, &stream);
    if (!file)
        return refuse(why, WISP_E_FORMAT, "damaged, or no sound in it: %s", sf_strerror(NULL));
    return decode(file, &info, out, why);
}

int media_decode_sound(const char *name, const void *bytes, size_t length, struct media_sound *out, struct reason *why)
{
    int result = open_and_decode(bytes, length, out, why);

    return result ? refuse_in(why, result, "%s", name) : 0;
}

int media_resample(const struct media_sound *sound, double rate_out, struct media_sound *out, struct reason *why)
{
    cleanup_free float *samples = NULL;
    double room;
    size_t done = 0;
    soxr_error_t error;

    if (!(rate_out >= RATE_MIN && rate_out <= RATE_MAX) || sound->rate < RATE_MIN || sound->rate > RATE_MAX)
        return refuse(why, WISP_E_INVALID, "resampling from %u to %g Hz", sound->rate, rate_out);
    room = ceil((double)sound->count * rate_out / sound->rate) + 1;
    if (room > SAMPLES_MAX)
        return refuse(why, WISP_E_FORMAT, "%zu samples at %u Hz are too many at %g Hz", sound->count, sound->rate,
                      rate_out);
    samples = memory_alloc((size_t)room, sizeof *samples);
    if (!samples)
        return refuse_errno(why, -ENOMEM, "resampling");
    error = soxr_oneshot(sound->rate, rate_out, 1, sound->samples, sound->count, NULL, samples, (size_t)room, &done,
                         NULL, NULL, NULL);
    if (error)
        return refuse_errno(why, -ENOMEM, "resampling (%s)", error);
    if (!done)
        return refuse(why, WISP_E_FORMAT, "%zu samples at %u Hz are no sound at %g Hz", sound->count, sound->rate,
                      rate_out);
    *out = (struct media_sound){ .rate = (uint32_t)lround(rate_out), .count = done, .samples = steal(&samples) };
    return 0;
}
