/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forge/decoding/transcripts.h"
#include "forge/train/alignment/ctc.h"
#include "media/transcript/search.h"

int transcripts_init(struct transcripts *t, const struct loss_batch *loss, uint32_t beam)
{
    *t = (struct transcripts){ .loss = loss,
                               .beam = beam,
                               .said = memory_alloc(loss->positions, sizeof *t->said),
                               .room = memory_alloc(2 * loss->positions + 2, sizeof *t->room) };
    return t->said && t->room ? 0 : -ENOMEM;
}

void transcripts_deinit(struct transcripts *t)
{
    free(t->said);
    free(t->room);
}

static int see_one(struct transcripts *t, const float *output, size_t sample, size_t count)
{
    const struct loss_batch *loss = t->loss;
    const struct transcript_scores scores = { .values = output + sample,
                                              .labels = loss->features,
                                              .label_step = loss->positions * count,
                                              .positions = loss->lengths[sample],
                                              .position_step = count };
    const int32_t *labels = loss->classes + sample;
    const struct ctc wanted = {
        .labels = labels, .label_step = count, .label_count = ctc_count(labels, count, loss->positions), .room = t->room
    };
    struct transcript said = { .labels = t->said };
    struct ctc_guess guess;

    if (transcript_search(&scores, t->beam, &said))
        return -ENOMEM;
    guess = ctc_compare(&wanted, said.labels, said.count);
    t->samples++;
    t->exact += guess.edits == 0;
    t->labels += wanted.label_count;
    t->edits += guess.edits;
    return 0;
}

int transcripts_see(void *transcripts, const uint32_t *which, size_t count, const float *output)
{
    int result = 0;

    (void)which;
    for (size_t i = 0; !result && i < count; i++)
        result = see_one(transcripts, output, i, count);
    return result;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

void transcripts_print(const struct transcripts *t, FILE *to)
{
    fprintf(to, "by a beam of %u: error rate %.2f%% (%llu edits), every label right in %.2f%%\n", t->beam,
            100 * share(t->edits, t->labels), (unsigned long long)t->edits, 100 * share(t->exact, t->samples));
}

json_t *transcripts_json(const struct transcripts *t)
{
    return json_pack("{s:i, s:f, s:I, s:f}", "beam", (int)t->beam, "error_rate", share(t->edits, t->labels), "edits",
                     (json_int_t)t->edits, "exact_match", share(t->exact, t->samples));
}
