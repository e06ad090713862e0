/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/decoding/scores.h"
#include "base/size.h"

void decoding_scores_see(void *argument, const struct decoded *decoded)
{
    struct decoding_scores *scores = argument;
    uint64_t right = 0;

    for (size_t i = 0; i < MIN(decoded->count, decoded->target_count); i++)
        right += decoded->words[i] == decoded->target[i];
    scores->sequences++;
    scores->exact += right == decoded->count && right == decoded->target_count;
    scores->words += decoded->target_count;
    scores->said += decoded->count;
    scores->right += right;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

void decoding_scores_print(const struct decoding_scores *s, FILE *to)
{
    fprintf(to, "decoded: %.2f%% of %llu sequences exactly, %.2f%% of %llu words at their place (%llu said)\n",
            100 * share(s->exact, s->sequences), (unsigned long long)s->sequences, 100 * share(s->right, s->words),
            (unsigned long long)s->words, (unsigned long long)s->said);
}

json_t *decoding_scores_json(const struct decoding_scores *s)
{
    return json_pack("{s:I, s:f, s:I, s:I, s:I}", "sequences", (json_int_t)s->sequences, "exact_match",
                     share(s->exact, s->sequences), "words", (json_int_t)s->words, "said", (json_int_t)s->said, "right",
                     (json_int_t)s->right);
}
