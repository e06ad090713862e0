/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/partners.h"
#include "forge/data/recordings/recordings.h"

enum { BLOCKS_MAX = 50000000 };

/* Of the noise that samples are evaluated with: the same in every run. */
#define STILL_SEED 1

/* Pairs in the making. */
struct making {
    struct dataset *set;
    const struct recordings_wish *wish;
    struct mixing mixing;
    struct recording_pair *pairs;
    struct media_sound *inputs; /* of all pairs */
    char **names;               /* one a pair; NULL where the set has none */
    size_t count;
};

/* At the description's rate: the sound itself where it has that. */
static int resample(const struct making *m, const struct media_sound *in, struct media_sound *out, struct reason *why)
{
    int result;

    *out = *in;
    if (in->rate == media_sound_rate(m->wish->media))
        return 0;
    result = media_resample(in, media_sound_rate(m->wish->media), out, why);
    return result ? result : dataset_own(m->set, out->samples, why);
}

static double power_of(const struct media_sound *sound)
{
    double sum = 0;

    for (size_t i = 0; i < sound->count; i++)
        sum += (double)sound->samples[i] * (double)sound->samples[i];
    return sum / (double)sound->count;
}

static int mix(const struct making *m, struct recording_pair *pair, struct reason *why)
{
    struct rng rng = rng_make(STILL_SEED, m->count);
    int result = 0;

    for (uint32_t i = 0; i < media_recordings(m->wish->media) && !result; i++) {
        struct media_sound *input = &pair->inputs[i];

        *input = pair->target;
        input->samples = memory_alloc(input->count, sizeof *input->samples);
        if (!input->samples)
            return refuse_errno(why, -ENOMEM, "a recording of %zu samples", input->count);
        mixing_apply(&m->mixing, &rng, &pair->target, pair->power, input->samples);
        result = dataset_own(m->set, input->samples, why);
    }
    return result;
}

/* One, of which the inputs are made, or two. */
static size_t files_of_pair(const struct making *m)
{
    return m->wish->mixed ? 1 : 2;
}

static int add_pair(struct making *m, const struct partners *partners, struct reason *why)
{
    const struct dataset *set = m->set;
    struct recording_pair *pair = &m->pairs[m->count];
    char name[512];
    int result = resample(m, &set->sounds[partners->target], &pair->target, why);

    pair->power = result ? 0 : power_of(&pair->target);
    pair->inputs = &m->inputs[m->count * media_recordings(m->wish->media)];
    if (!result)
        result = m->wish->mixed ? mix(m, pair, why) : resample(m, &set->sounds[partners->input], pair->inputs, why);
    if (!result && pair->inputs->count != pair->target.count)
        result = refuse(why, WISP_E_FORMAT, "%s: the input has %zu samples at %u Hz, and the target %zu",
                        dataset_sample(set, partners->input, name, sizeof name), pair->inputs->count,
                        pair->inputs->rate, pair->target.count);
    if (result == WISP_E_FORMAT && m->wish->skip_bad) {
        dataset_skip(m->set, files_of_pair(m), why);
        return 0;
    }
    if (result)
        return result;
    if (m->names)
        m->names[m->count] = set->names[partners->input];
    m->count++;
    return 0;
}

static int find_partners(const struct making *m, struct partners *out, size_t *count, struct reason *why)
{
    struct dataset *set = m->set;

    if (!m->wish->mixed)
        return partners_find(set, m->wish->root, m->wish->skip_bad, out, count, why);
    for (uint32_t i = 0; i < set->count; i++)
        out[i] = (struct partners){ i, i };
    *count = set->count;
    return 0;
}

static void hash(struct dataset *set, const struct recordings_wish *wish)
{
    char text[256];
    int length = wish->mixed ? snprintf(text, sizeof text, "recordings %s %s %.17g %.17g %s", set->hash,
                                        wish->mixing.damages ? "damage" : "mix", wish->mixing.low, wish->mixing.high,
                                        wish->noise ? wish->noise->hash : "-")
                             : snprintf(text, sizeof text, "recordings %s -", set->hash);
    const XXH128_hash_t hash = XXH3_128bits(text, (size_t)length);

    snprintf(set->hash, sizeof set->hash, "xxh3-128:%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
}

static uint64_t count_blocks(const struct making *m)
{
    uint64_t count = 0;

    for (size_t i = 0; i < m->count; i++)
        count += media_sound_pieces(m->wish->media, m->pairs[i].target.count);
    return count;
}

/* The set's samples, in place of recordings. */
static void put_blocks(struct dataset *set, const struct making *m, struct recordings *r)
{
    size_t at = 0;

    for (uint32_t pair = 0; pair < r->count; pair++) {
        const uint64_t pieces = media_sound_pieces(m->wish->media, r->pairs[pair].target.count);

        for (uint32_t piece = 0; piece < pieces; piece++, at++) {
            r->blocks[at] = (struct recording_block){ pair, piece };
            if (m->names)
                set->names[at] = m->names[pair];
        }
    }
    set->count = at;
}

static int make_samples(struct making *m, struct reason *why)
{
    struct dataset *set = m->set;
    const uint64_t count = count_blocks(m);
    struct recordings *r;

    if (count > BLOCKS_MAX)
        return refuse(why, WISP_E_FORMAT, "more than %d blocks", BLOCKS_MAX);
    r = set->recordings = memory_zalloc(sizeof *r + count * sizeof r->blocks[0], 1);
    free(set->classes);
    set->classes = memory_zalloc(count, sizeof *set->classes);
    free(set->names);
    set->names = m->names ? memory_alloc(count, sizeof *set->names) : NULL;
    if (!r || !set->classes || (m->names && !set->names))
        return refuse_errno(why, -ENOMEM, "%zu pairs", m->count);
    r->count = m->count;
    r->inputs = media_recordings(m->wish->media);
    r->mixed = m->wish->mixed;
    r->mixing = m->mixing;
    r->pairs = m->pairs;
    put_blocks(set, m, r);
    set->files = m->count * files_of_pair(m);
    hash(set, m->wish);
    return 0;
}

/* At the rate of what they are mixed with; the set of noise stays with the other. */
static int take_noise(struct making *m, struct reason *why)
{
    const struct dataset *noise = m->set->noise = m->wish->noise;
    struct media_sound *sounds = memory_alloc(noise->count, sizeof *sounds);
    int result = sounds ? dataset_own(m->set, sounds, why) : refuse_errno(why, -ENOMEM, "noise");

    for (size_t i = 0; i < noise->count && !result; i++)
        result = resample(m, &noise->sounds[i], &sounds[i], why);
    m->mixing.noises = sounds;
    m->mixing.noise_count = noise->count;
    return result;
}

int recordings_make(struct dataset *set, const struct recordings_wish *wish, struct reason *why)
{
    cleanup_free struct partners *partners = memory_alloc(set->count, sizeof *partners);
    cleanup_free char **names = set->names ? memory_alloc(set->count, sizeof *names) : NULL;
    struct making m = { .set = set, .wish = wish, .mixing = wish->mixing, .names = names };
    size_t count = 0;
    int result = wish->noise ? take_noise(&m, why) : 0;

    if (result)
        return result;
    m.pairs = memory_alloc(set->count, sizeof *m.pairs);
    m.inputs = memory_alloc(set->count, media_recordings(wish->media) * sizeof *m.inputs);
    if (!m.pairs || !m.inputs || !partners || (set->names && !names)) {
        free(m.pairs);
        free(m.inputs);
        return refuse_errno(why, -ENOMEM, "pairs");
    }
    result = dataset_own(set, m.inputs, why);
    if (!result)
        result = dataset_own(set, m.pairs, why);
    if (!result)
        result = find_partners(&m, partners, &count, why);
    for (size_t i = 0; i < count && !result; i++)
        result = add_pair(&m, &partners[i], why);
    if (!result && !m.count)
        result = refuse(why, WISP_E_FORMAT, "%s: not one pair of recordings can be used%s%s", set->name,
                        set->skipped.count ? "; the first: " : "",
                        set->skipped.count && set->skipped.first[0] ? set->skipped.first[0] : "");
    return result ? result : make_samples(&m, why);
}

/* Where a block that is trained on begins: anywhere in the recording, or the recording anywhere in it. */
static int64_t draw_middle(const struct media *media, size_t count, struct rng *rng)
{
    const uint64_t span = media_sound_span(media);

    return count > span ? (int64_t)rng_below(rng, count - span + 1) : -(int64_t)rng_below(rng, span - count + 1);
}

/* A block of each input, with noise for the samples that its frames reach, and no others. */
static int mix_block(const struct recording_sample *s, const struct recording_pair *pair, int64_t middle,
                     struct rng *rng, struct fourier_number *out)
{
    const struct recordings *r = s->set->recordings;
    const int64_t half = media_sound_reach(s->media), last = middle + (int64_t)media_sound_span(s->media) + half;
    const size_t begin = middle > half ? (size_t)(middle - half) : 0, end = MIN(pair->target.count, (size_t)last);
    const struct media_sound clean = { pair->target.rate, end - begin, pair->target.samples + begin };
    cleanup_free float *samples = memory_alloc(clean.count, sizeof *samples);
    int result = samples ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < r->inputs && !result; i++, out += media_elements(s->media) / r->inputs) {
        mixing_apply(&r->mixing, rng, &clean, pair->power, samples);
        result = media_spectra(s->media, &(struct media_sound){ clean.rate, clean.count, samples },
                               middle - (int64_t)begin, out);
    }
    return result;
}

static int take_inputs(const struct recording_sample *s, const struct recording_pair *pair, int64_t middle,
                       struct fourier_number *out)
{
    const uint32_t inputs = s->set->recordings->inputs;
    int result = 0;

    for (uint32_t i = 0; i < inputs && !result; i++)
        result = media_spectra(s->media, &pair->inputs[i], middle, out + i * (media_elements(s->media) / inputs));
    return result;
}

int recordings_spectra(const struct recording_sample *s, struct fourier_number *in, struct fourier_number *out)
{
    const struct recordings *r = s->set->recordings;
    const struct recording_block *block = &r->blocks[s->number];
    const struct recording_pair *pair = &r->pairs[block->pair];
    struct rng rng = s->rng ? *s->rng : (struct rng){ .left = 0 };
    const int64_t middle = s->rng ? draw_middle(s->media, pair->target.count, &rng)
                                  : (int64_t)media_sound_piece(s->media, pair->target.count, block->piece);
    int result = out ? media_spectra(s->media, &pair->target, middle, out) : 0;

    if (result || !in)
        return result;
    return s->rng && r->mixed ? mix_block(s, pair, middle, &rng, in) : take_inputs(s, pair, middle, in);
}
