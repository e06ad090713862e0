/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "media/latents/mixing.h"

enum {
    LOGITS = 1 << 12,
    LOGIT_MAX = 2047, /* 8, in 2^-8 */
    LOGIT_STEP = 64,  /* from one of the table's to the next */
    SEEN_MAX = 160,   /* a context forgets what was longer ago */
    ONE_MIN = 24,     /* of 2^16: nothing is certain */
    WEIGHT = 10000,   /* of each at first */
    WEIGHT_MAX = 1 << 20,
    LEARNING_SHIFT = 15,
    ALWAYS = 256,
};

/* 65536 / (1 + e^-x) for x from -8 to 8 by quarters, rounded, within 1 and 65535. */
static const uint16_t sigmoids[65] = { 22,    28,    36,    47,    60,    77,    98,    126,   162,   208,   267,
                                       342,   439,   562,   720,   922,   1179,  1506,  1921,  2446,  3108,  3938,
                                       4971,  6249,  7812,  9702,  11955, 14595, 17625, 21025, 24743, 28693, 32768,
                                       36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598,
                                       62428, 63090, 63615, 64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269,
                                       65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514 };

static uint32_t sigmoid(int32_t logit)
{
    const uint32_t place = (uint32_t)(logit + LOGIT_MAX + 1), step = place / LOGIT_STEP, over = place % LOGIT_STEP;

    return (sigmoids[step] * (LOGIT_STEP - over) + sigmoids[MIN(step + 1, 64)] * over) / LOGIT_STEP;
}

/* The same for all, made by whoever needs it first, and only read after that. */
static int16_t logits_of[LOGITS];

/* Of each probability the first logit that is as large: the table read backwards. */
static void make_logits(void)
{
    int32_t logit = -LOGIT_MAX;

    for (uint32_t p = 0; p < LOGITS; p++) {
        while (logit < LOGIT_MAX && sigmoid(logit) < p * 16 + 8)
            logit++;
        logits_of[p] = (int16_t)logit;
    }
}

int mixing_init(struct mixing *m, const size_t contexts[static MIXING_CONTEXTS], size_t sets)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool all = true;

    pthread_once(&once, make_logits);
    m->logits = logits_of;
    for (size_t i = 0; i < MIXING_CONTEXTS; i++) {
        m->counts[i] = memory_alloc(contexts[i], sizeof *m->counts[i]);
        all &= m->counts[i] != NULL;
    }
    m->weights = memory_alloc(sets, sizeof *m->weights);
    if (all && m->weights)
        return 0;
    mixing_deinit(m);
    return -ENOMEM;
}

void mixing_begin_contexts(struct mixing *m, size_t number, size_t first, size_t contexts)
{
    memset(m->counts[number] + first, 0, contexts * sizeof *m->counts[number]);
}

void mixing_begin_set(struct mixing *m, size_t set)
{
    for (size_t i = 0; i < MIXING_INPUTS; i++)
        m->weights[set][i] = i < MIXING_CONTEXTS ? WEIGHT : 0;
}

void mixing_deinit(struct mixing *m)
{
    for (size_t i = 0; i < MIXING_CONTEXTS; i++) {
        free(m->counts[i]);
        m->counts[i] = NULL;
    }
    free(m->weights);
    m->weights = NULL;
}

static int32_t one_of(const struct mixing_count *c)
{
    return c->from_half + RANGE_ONE / 2;
}

/* The first bits count much, and later ones as the mean of about SEEN_MAX has it. */
static void count(struct mixing_count *c, int bit)
{
    const int32_t to = bit ? RANGE_ONE - 1 : 0;

    c->from_half = (int16_t)(c->from_half + 2 * (to - one_of(c)) / (2 * c->seen + 3));
    c->seen = (uint16_t)MIN(c->seen + 1, SEEN_MAX);
}

int mixing_count_bit(struct range *range, struct mixing_count *c, int bit)
{
    bit = range_bit(range, bit, (uint32_t)MAX(ONE_MIN, MIN(one_of(c), RANGE_ONE - ONE_MIN)));
    count(c, bit);
    return bit;
}

/* Towards the mean, so that halves go neither way. */
static int32_t shifted(int64_t x, unsigned shift)
{
    return (int32_t)(x >= 0 ? (x + (1ll << (shift - 1))) >> shift : -((-x + (1ll << (shift - 1))) >> shift));
}

static int32_t within(int32_t x, int32_t bound)
{
    return MAX(-bound, MIN(x, bound));
}

int mixing_bit(struct mixing *m, const uint32_t contexts[static MIXING_CONTEXTS], uint32_t set, int bit)
{
    int32_t *weights = m->weights[set], logits[MIXING_INPUTS], one, error;
    int64_t sum = 0;

    for (size_t i = 0; i < MIXING_CONTEXTS; i++)
        logits[i] = m->logits[one_of(&m->counts[i][contexts[i]]) >> 4];
    logits[MIXING_CONTEXTS] = ALWAYS;
    for (size_t i = 0; i < MIXING_INPUTS; i++)
        sum += (int64_t)weights[i] * logits[i];
    sum = MAX(-((int64_t)LOGIT_MAX << 16), MIN(sum, (int64_t)LOGIT_MAX << 16));
    one = (int32_t)sigmoid(shifted(sum, 16));
    one = MAX(ONE_MIN, MIN(one, RANGE_ONE - ONE_MIN));
    bit = range_bit(&m->range, bit, (uint32_t)one);
    error = (bit ? RANGE_ONE : 0) - one;
    for (size_t i = 0; i < MIXING_INPUTS; i++)
        weights[i] = within(weights[i] + shifted((int64_t)logits[i] * error, LEARNING_SHIFT), WEIGHT_MAX);
    for (size_t i = 0; i < MIXING_CONTEXTS; i++)
        count(&m->counts[i][contexts[i]], bit);
    return bit;
}
