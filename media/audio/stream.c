/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording that is read block by block. By how much it is too loud, and whether it is a sound at all, is known only
 * at its end; so it is read once for that, and then as often as anybody wants its samples.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/audio/resampler.h"
#include "media/audio/sound_reader.h"
#include "media/spec/media.h"

enum { SECONDS_MAX = 24 * 60 * 60 };

struct media_stream {
    const char *name;
    struct byte_source *source;
    uint32_t rate;
    uint64_t count;       /* samples of all, at the rate that is wished */
    struct mixdown all;   /* of the file; of its peak 0 until it has been read once */
    struct mixdown again; /* of what has been read of it this time */
    struct sound_reader *reader;
    struct resampler *resampler; /* NULL: it has that rate */
    float *frames, *mono;
    size_t at, held; /* of `mono` */
    bool ended;
};

CLEANUP_DEFINE(stream, struct media_stream, media_stream_free)

struct media_stream *media_stream_free(struct media_stream *s)
{
    if (s) {
        sound_reader_free(s->reader);
        resampler_free(s->resampler);
        free(s->frames);
        free(s->mono);
        free(s);
    }
    return NULL;
}

/* What cannot be read has become zeroes, or a sentence about them. */
static int explain(const struct media_stream *s, int result, struct reason *why)
{
    if (s->source->error)
        return refuse_errno(why, s->source->error, "cannot read %s", s->name);
    return result ? refuse_in(why, result, "%s", s->name) : 0;
}

static int begin(struct media_stream *s, struct reason *why)
{
    int result;

    s->reader = sound_reader_free(s->reader);
    s->resampler = resampler_free(s->resampler);
    s->at = s->held = 0;
    s->ended = false;
    result = sound_reader_open(s->source, &s->reader, why);
    if (!result)
        result = mixdown_begin(&s->again, s->reader->rate, s->reader->channels, SECONDS_MAX, why);
    if (!result && (uint32_t)s->reader->rate != s->rate)
        result = resampler_new(s->reader->rate, s->rate, &s->resampler, why);
    return result;
}

static int next_block(struct media_stream *s, struct reason *why)
{
    size_t count;
    int result = sound_reader_read(s->reader, s->frames, &count, why);

    if (!result)
        result = mixdown_take(&s->again, s->frames, count, s->mono, why);
    if (result)
        return result;
    mixdown_limit(&s->all, s->mono, count);
    s->ended = !count;
    s->held = count;
    s->at = 0;
    return 0;
}

/* Some of what is held, or of what is left in the resampler; *given is how many there is room for. */
static int pass_on(struct media_stream *s, float *out, size_t *given, struct reason *why)
{
    size_t taken = s->held - s->at;
    int result = 0;

    if (s->resampler) {
        result = resampler_run(s->resampler, s->ended ? NULL : s->mono + s->at, &taken, out, given);
    } else {
        *given = taken = MIN(*given, taken);
        memcpy(out, s->mono + s->at, taken * sizeof *out);
    }
    s->at += taken;
    return result ? refuse_errno(why, result, "resampling") : 0;
}

/* Some of what comes next: *given is 0 when that is nothing. */
static int give(struct media_stream *s, float *out, size_t room, size_t *given, struct reason *why)
{
    int result = 0;

    do {
        if (s->at == s->held && !s->ended)
            result = next_block(s, why);
        *given = room;
        if (!result)
            result = pass_on(s, out, given, why);
    } while (!result && !*given && !s->ended);
    return result;
}

/* The first time: how long it is, and how loud. */
static int survey(struct media_stream *s, struct reason *why)
{
    cleanup_free float *out = memory_alloc(INTAKE_BLOCK, sizeof *out);
    size_t given;
    int result = out ? begin(s, why) : refuse_errno(why, -ENOMEM, "sound");

    while (!result) {
        result = give(s, out, INTAKE_BLOCK, &given, why);
        if (!result && !given)
            break;
        s->count += result ? 0 : given;
    }
    if (!result)
        result = mixdown_end(&s->again, why);
    s->all = s->again;
    if (!result && !s->count)
        result = refuse(why, WISP_E_FORMAT, "%" PRIu64 " samples at %d Hz are no sound at %u Hz", s->all.count,
                        s->all.rate, s->rate);
    return result ? result : begin(s, why);
}

int media_stream_new(const char *name, struct byte_source *source, uint32_t rate, struct media_stream **out,
                     struct reason *why)
{
    cleanup(stream_at_exit) struct media_stream *s = calloc(1, sizeof *s);
    int result;

    if (s) {
        *s = (struct media_stream){ .name = name,
                                    .source = source,
                                    .rate = rate,
                                    .frames = memory_alloc(INTAKE_BLOCK, sizeof *s->frames),
                                    .mono = memory_alloc(INTAKE_BLOCK, sizeof *s->mono) };
    }
    if (!s || !s->frames || !s->mono)
        return refuse_errno(why, -ENOMEM, "%s", name);
    result = explain(s, survey(s, why), why);
    if (!result)
        *out = steal(&s);
    return result;
}

uint64_t media_stream_count(const struct media_stream *s)
{
    return s->count;
}

int media_stream_rewind(struct media_stream *s, struct reason *why)
{
    return explain(s, begin(s, why), why);
}

int media_stream_read(struct media_stream *s, float *out, size_t count, struct reason *why)
{
    size_t given;
    int result = 0;

    for (size_t done = 0; done < count && !result; done += given) {
        result = give(s, out + done, count - done, &given, why);
        if (!result && !given)
            result = refuse(why, WISP_E_FORMAT, "it has become shorter since it was first read");
    }
    return explain(s, result, why);
}
