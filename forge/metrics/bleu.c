/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/metrics/bleu.h"
#include "forge/metrics/ngrams.h"

int bleu_add(struct bleu *bleu, const struct tokens *said, const struct tokens *wanted)
{
    bleu->said += said->count;
    bleu->wanted += wanted->count;
    for (size_t n = 1; n <= BLEU_ORDER; n++) {
        size_t both;

        if (ngrams_shared(said, wanted, n, &both))
            return -ENOMEM;
        bleu->correct[n - 1] += both;
        bleu->total[n - 1] += ngrams_count(said, n);
    }
    return 0;
}

double bleu_score(const struct bleu *bleu)
{
    double sum = 0, missing = 1;

    if (!bleu->correct[0] && !bleu->correct[1] && !bleu->correct[2] && !bleu->correct[3])
        return 0;
    for (size_t n = 0; n < BLEU_ORDER; n++) {
        if (!bleu->total[n])
            return 0; /* no text is so long */
        if (!bleu->correct[n])
            missing *= 2;
        sum += log((bleu->correct[n] ? (double)bleu->correct[n] : 1 / missing) / (double)bleu->total[n]);
    }
    if (bleu->said < bleu->wanted)
        sum += BLEU_ORDER * (1 - (double)bleu->wanted / (double)bleu->said);
    return 100 * exp(sum / BLEU_ORDER);
}
