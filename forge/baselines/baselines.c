/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/size.h"
#include "forge/baselines/baselines.h"
#include "forge/baselines/bicubic.h"
#include "forge/baselines/frequent.h"
#include "forge/baselines/otsu.h"
#include "forge/baselines/wiener.h"
#include "forge/data/pairs/pairs.h"
#include "forge/data/recordings/likeness.h"

int baseline_of_pictures(const struct dataset *set, const struct media *media, struct baseline *out)
{
    double value = 0;
    int result = 0;

    *out = (struct baseline){ .name = NULL };
    if (media_answer(media) == MEDIA_ANSWER_MASK) {
        *out = (struct baseline){ "Otsu's threshold", { { "IoU", "iou", otsu_iou(set, media), 1 } } };
    } else if (set->pairs->scale > 1) {
        result = bicubic_psnr(set, &value);
        *out = (struct baseline){ "bicubic interpolation", { { "PSNR", "psnr", value, 1 } } };
    }
    return result;
}

/* Mean over the recordings whose target is not silent. */
int baseline_of_sounds(const struct dataset *set, const struct media *media, struct baseline *out)
{
    const struct recordings *r = set->recordings;
    double sum = 0, one = 0;
    size_t count = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct recording_pair *pair = &r->pairs[i];
        int result = 0;

        if (!(pair->power > 0))
            continue;
        if (r->inputs == 1)
            result = wiener_si_sdr(media, pair, &one);
        else
            one = likeness_best_input(pair, r->inputs);
        if (result)
            return result;
        sum += one;
        count++;
    }
    *out = (struct baseline){ r->inputs == 1 ? "Wiener's filter" : "the best recording",
                              { { "SI-SDR", "si_sdr", sum / (double)MAX(count, (size_t)1), 1 } } };
    return 0;
}

static double ratio(double part, uint64_t all)
{
    return all ? part / (double)all : 0;
}

/* Keywords are measured by F1, as few words are some. */
int baseline_of_tags(const struct dataset *training, const struct dataset *set, struct baseline *out)
{
    struct frequent_counts c;
    const int result = frequent_tags(training, set, &c);

    *out = (struct baseline){ "each word's most frequent tag",
                              { { "accuracy", "accuracy", ratio((double)c.right, c.words), 100 } } };
    if (c.actual != c.words)
        out->figures[1] =
            (struct baseline_figure){ "F1", "f1", ratio(2.0 * (double)c.found, c.actual + c.predicted), 100 };
    return result;
}

void baseline_print(const struct baseline *baseline, FILE *to)
{
    if (!baseline->name)
        return;
    fprintf(to, "baseline, %s:", baseline->name);
    for (size_t i = 0; i < BASELINE_FIGURES && baseline->figures[i].what; i++)
        fprintf(to, "%s %s %.4g", i ? "," : "", baseline->figures[i].what,
                baseline->figures[i].value * baseline->figures[i].times);
    fputc('\n', to);
}

json_t *baseline_json(const struct baseline *baseline)
{
    json_t *object = baseline->name ? json_pack("{s:s}", "name", baseline->name) : NULL;

    for (size_t i = 0; object && i < BASELINE_FIGURES && baseline->figures[i].what; i++)
        json_object_set_new(object, baseline->figures[i].key, json_real(baseline->figures[i].value));
    return object;
}
