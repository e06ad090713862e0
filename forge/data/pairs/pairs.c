/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/data/pairs/pairs.h"
#include "forge/data/pairs/partners.h"

enum { TILES_MAX = 50000000 };

/* Pairs in the making: of partner i the pictures 2 i and 2 i + 1. */
struct making {
    struct dataset *set;
    const struct pairs_wish *wish;
    struct media_picture *pictures;
    char **names; /* one a pair; NULL where the set has none */
    size_t count;
    uint32_t width, height; /* of a tile of the input */
};

/* Files of a pair: one, of which the other picture is made, or two. */
static size_t files_of_pair(const struct making *m)
{
    return m->wish->degrading.degradation ? 1 : 2;
}

static int skip(const struct making *m, int result, const struct reason *why)
{
    if (result != WISP_E_FORMAT || !m->wish->skip_bad)
        return result;
    dataset_skip(m->set, files_of_pair(m), why);
    return 0;
}

/* In so many channels: the picture itself where it has them. */
static int convert(const struct making *m, const struct media_picture *in, uint32_t channels, struct media_picture *out,
                   struct reason *why)
{
    *out = *in;
    if (in->channels == channels)
        return 0;
    out->channels = channels;
    out->pixels = memory_alloc((size_t)in->width * in->height, channels);
    if (!out->pixels)
        return refuse_errno(why, -ENOMEM, "a picture of %u x %u", in->width, in->height);
    media_picture_channels(m->wish->media, in, channels, out->pixels);
    return dataset_own(m->set, out->pixels, why);
}

static int degrade(const struct making *m, struct media_picture *picture, struct reason *why)
{
    const struct degrading *d = &m->wish->degrading;
    struct media_picture made;

    if (!d->degradation->whole)
        return 0;
    if (d->degradation->whole(d->amount, picture, &made))
        return refuse_errno(why, -ENOMEM, "a picture of %u x %u", picture->width, picture->height);
    *picture = made;
    return dataset_own(m->set, made.pixels, why);
}

/* Of a degradation that shrinks, what the input has no pixel of is not looked at. */
static int check_sizes(const struct making *m, const char *name, const struct media_picture *in,
                       const struct media_picture *target, struct reason *why)
{
    const uint64_t scale = m->wish->scale;
    const bool made = m->wish->degrading.degradation != NULL;

    if (!made && (target->width != in->width * scale || target->height != in->height * scale))
        return refuse(why, WISP_E_FORMAT,
                      "%s: the input is %u x %u and the target %u x %u, but the network gives %" PRIu64
                      " times the size of what it takes",
                      name, in->width, in->height, target->width, target->height, scale);
    if (in->width < m->width || in->height < m->height)
        return refuse(why, WISP_E_FORMAT, "%s: an input of %u x %u is smaller than the %u x %u that the network takes",
                      name, in->width, in->height, m->width, m->height);
    return 0;
}

static int add_pair(struct making *m, const struct partners *partners, struct reason *why)
{
    const struct dataset *set = m->set;
    struct media_picture *in = &m->pictures[2 * m->count], *target = in + 1;
    char number[512];
    uint32_t dimensions[4];
    int result;

    media_shape(m->wish->media, dimensions);
    result = convert(m, &set->pictures[partners->input], dimensions[0], in, why);
    if (!result)
        result = convert(m, &set->pictures[partners->target], m->wish->channels, target, why);
    if (!result && m->wish->degrading.degradation)
        result = degrade(m, m->wish->degrading.degradation->of_target ? target : in, why);
    if (!result)
        result = check_sizes(m, dataset_sample(set, partners->input, number, sizeof number), in, target, why);
    if (result)
        return skip(m, result, why);
    if (m->names)
        m->names[m->count] = set->names[partners->input];
    m->count++;
    return 0;
}

/* How many tiles cover a side. */
static uint32_t count_along(const struct making *m, uint32_t length, uint32_t size)
{
    return (uint32_t)pieces_plan(length, size, media_overlap(m->wish->media), 1).count;
}

static uint64_t tiles_of(const struct making *m, size_t pair)
{
    const struct media_picture *in = &m->pictures[2 * pair];

    return (uint64_t)count_along(m, in->width, m->width) * count_along(m, in->height, m->height);
}

static size_t put_tiles(const struct making *m, uint32_t pair, struct tile *out)
{
    const struct media_picture *in = &m->pictures[2 * (size_t)pair];
    const uint32_t across = count_along(m, in->width, m->width), down = count_along(m, in->height, m->height);

    for (uint32_t y = 0; y < down; y++) {
        for (uint32_t x = 0; x < across; x++)
            *out++ = (struct tile){ pair, x, y };
    }
    return (size_t)across * down;
}

static void hash(struct dataset *set, const struct pairs_wish *wish)
{
    const struct degrading *d = &wish->degrading;
    char text[160];
    XXH128_hash_t hash = XXH3_128bits(text, (size_t)snprintf(text, sizeof text, "pairs %s %s %.17g", set->hash,
                                                             d->degradation ? d->degradation->name : "-",
                                                             d->degradation ? d->amount : 0));

    snprintf(set->hash, sizeof set->hash, "xxh3-128:%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
}

/* Samples in place of pictures. */
static int make_samples(struct making *m, struct reason *why)
{
    struct dataset *set = m->set;
    const struct degradation *d = m->wish->degrading.degradation;
    uint64_t count = 0;
    struct pairs *pairs;

    for (size_t i = 0; i < m->count; i++)
        count += tiles_of(m, i);
    if (count > TILES_MAX)
        return refuse(why, WISP_E_FORMAT, "more than %d tiles of %u x %u", TILES_MAX, m->width, m->height);
    pairs = set->pairs = memory_zalloc(sizeof *pairs + count * sizeof pairs->tiles[0], 1);
    free(set->classes);
    set->classes = memory_zalloc(count, sizeof *set->classes);
    free(set->names);
    set->names = m->names ? memory_alloc(count, sizeof *set->names) : NULL;
    if (!pairs || !set->classes || (m->names && !set->names))
        return refuse_errno(why, -ENOMEM, "%zu pairs", m->count);
    pairs->count = m->count;
    pairs->width = m->width;
    pairs->height = m->height;
    pairs->scale = m->wish->scale;
    pairs->overlap = media_overlap(m->wish->media);
    pairs->channels = m->wish->channels;
    pairs->noisy = d && d->noise;
    if (pairs->noisy)
        d->noise(m->wish->degrading.amount, &pairs->noise);
    for (size_t i = 0, at = 0; i < m->count; i++)
        at += put_tiles(m, (uint32_t)i, pairs->tiles + at);
    for (uint64_t i = 0; m->names && i < count; i++)
        set->names[i] = m->names[pairs->tiles[i].pair];
    free(set->pictures);
    set->pictures = steal(&m->pictures);
    set->count = count;
    set->files = m->count * files_of_pair(m);
    hash(set, m->wish);
    return 0;
}

static int find_partners(const struct making *m, struct partners *out, size_t *count, struct reason *why)
{
    struct dataset *set = m->set;

    if (m->wish->degrading.degradation) {
        for (uint32_t i = 0; i < set->count; i++)
            out[i] = (struct partners){ i, i };
        *count = set->count;
        return 0;
    }
    if (!set->names)
        return refuse(why, WISP_E_FORMAT, "%s: pictures without names are no pairs; --degrade makes inputs of them",
                      set->name);
    return partners_find(set, m->wish->root, m->wish->skip_bad, out, count, why);
}

/* Masks of numbers of objects, or of 0 and 1, are empty by a threshold for grey pictures, and an empty answer would be
 * right. What is black throughout is no mistake of the threshold. */
static int check_masks(const struct making *m, struct reason *why)
{
    const struct media *media = m->wish->media;
    struct media_levels levels;
    uint8_t most = 0;

    if (media_answer(media) != MEDIA_ANSWER_MASK)
        return 0;
    media_answer_levels(media, m->wish->channels, &levels);
    for (size_t i = 0; i < m->count; i++) {
        const struct media_picture *target = &m->pictures[2 * i + 1];
        const size_t bytes = (size_t)target->width * target->height * target->channels;

        for (size_t k = 0; k < bytes; k++)
            most = MAX(most, target->pixels[k]);
        if (levels.values[0][most] > 0.5f)
            return 0;
    }
    if (!most)
        return 0;
    return refuse(
        why, WISP_E_FORMAT,
        "%s: no pixel of any mask is set: their bytes reach %u, and one is set from the threshold of the media "
        "description on; for masks of 0 and 1, or of the numbers of objects, give \"threshold\": 1 in --media",
        m->set->name, most);
}

int pairs_make(struct dataset *set, const struct pairs_wish *wish, struct reason *why)
{
    cleanup_free struct partners *partners = memory_alloc(set->count, sizeof *partners);
    cleanup_free struct media_picture *pictures = memory_alloc(set->count, 2 * sizeof *pictures);
    cleanup_free char **names = set->names ? memory_alloc(set->count, sizeof *names) : NULL;
    struct making m = { .set = set, .wish = wish, .pictures = pictures, .names = names };
    uint32_t dimensions[4];
    size_t count = 0;
    int result;

    if (!partners || !pictures || (set->names && !names))
        return refuse_errno(why, -ENOMEM, "pairs");
    media_shape(wish->media, dimensions);
    m.height = dimensions[1];
    m.width = dimensions[2];
    result = find_partners(&m, partners, &count, why);
    for (size_t i = 0; i < count && !result; i++)
        result = add_pair(&m, &partners[i], why);
    if (!result && !m.count)
        result = refuse(why, WISP_E_FORMAT, "%s: not one pair of pictures can be used%s%s", set->name,
                        set->skipped.count ? "; the first: " : "",
                        set->skipped.count && set->skipped.first[0] ? set->skipped.first[0] : "");
    if (!result)
        result = check_masks(&m, why);
    if (!result)
        result = make_samples(&m, why);
    if (!m.pictures)
        pictures = NULL;
    return result;
}

struct crop pairs_tile(const struct dataset *set, uint32_t sample)
{
    const struct pairs *pairs = set->pairs;
    const struct tile *tile = &pairs->tiles[sample];
    const struct pieces across = pairs_across(set, tile->pair), down = pairs_down(set, tile->pair);

    return (struct crop){ .left = (uint32_t)pieces_begin(&across, tile->across),
                          .top = (uint32_t)pieces_begin(&down, tile->down),
                          .width = pairs->width,
                          .height = pairs->height };
}

struct crop pairs_crop(const struct dataset *set, uint32_t sample, struct rng *rng)
{
    const struct media_picture *in = pairs_input(set, set->pairs->tiles[sample].pair);
    struct crop crop = pairs_tile(set, sample);

    crop.left = (uint32_t)rng_below(rng, in->width - crop.width + 1);
    crop.top = (uint32_t)rng_below(rng, in->height - crop.height + 1);
    return crop;
}

/* Of the whole picture, as wisp run has it, whatever tile or crop of it is a sample. */
int pairs_scales(const struct dataset *set, const struct media *media, struct media_scale **out)
{
    const size_t count = set->pairs->count;

    *out = NULL;
    if (!media_normalises_pictures(media))
        return 0;
    *out = memory_alloc(count, sizeof **out);
    for (uint32_t pair = 0; *out && pair < count; pair++)
        media_picture_scale(media, pairs_input(set, pair), &(*out)[pair]);
    return *out ? 0 : -ENOMEM;
}
