/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/baselines/otsu.h"
#include "base/size.h"
#include "forge/data/pairs/pairs.h"

unsigned otsu_threshold(const uint64_t histogram[256])
{
    double count = 0, sum = 0, below = 0, below_sum = 0, largest = -1;
    unsigned best = 0;

    for (unsigned i = 0; i < 256; i++) {
        count += (double)histogram[i];
        sum += i * (double)histogram[i];
    }
    for (unsigned i = 0; i < 256; i++) {
        double apart, between;

        below += (double)histogram[i];
        below_sum += i * (double)histogram[i];
        if (below <= 0 || below >= count)
            continue;
        apart = below_sum / below - (sum - below_sum) / (count - below);
        between = below * (count - below) * apart * apart;
        if (between > largest) {
            largest = between;
            best = i;
        }
    }
    return best;
}

/* BT.601, as pictures become grey anywhere here. */
static unsigned grey(const struct media_picture *picture, size_t pixel)
{
    const uint8_t *p = picture->pixels + pixel * picture->channels;

    return picture->channels < 3 ? p[0] : (299u * p[0] + 587u * p[1] + 114u * p[2] + 500) / 1000;
}

static unsigned threshold_of(const struct media_picture *picture)
{
    uint64_t histogram[256] = { 0 };

    for (size_t i = 0; i < (size_t)picture->width * picture->height; i++)
        histogram[grey(picture, i)]++;
    return otsu_threshold(histogram);
}

double otsu_iou(const struct dataset *set, const struct media *media)
{
    uint64_t both = 0, either = 0;
    struct media_levels levels;

    media_answer_levels(media, 1, &levels);
    for (uint32_t pair = 0; pair < set->pairs->count; pair++) {
        const struct media_picture *in = pairs_input(set, pair), *target = pairs_target(set, pair);
        const unsigned threshold = threshold_of(in);

        for (size_t i = 0; i < (size_t)in->width * in->height; i++) {
            const bool said = grey(in, i) > threshold,
                       wanted = levels.values[0][target->pixels[i * target->channels]] > 0.5f;

            both += said && wanted;
            either += said || wanted;
        }
    }
    return either ? (double)both / (double)either : 1;
}
