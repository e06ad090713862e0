/* SPDX-License-Identifier: Apache-2.0
 *
 * Bernoulli sampling by geometric skips: from one chosen position to the next lie floor(log u / log(1 - p)) others
 * (Vitter 1984). Two passes over the same random stream: the first counts, the second fills, so that nothing grows.
 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"

/* The natural logarithm for 0 < x <= 1, by IEEE-exact operations alone: libraries differ in the last bit, and with it a
 * skip. x = m 2^e, m in [sqrt(1/2), sqrt(2)); log m = 2 artanh((m - 1) / (m + 1)), to 2^-53. */
static double exact_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent), s, z, sum = 0;

    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        exponent--;
    }
    s = (m - 1) / (m + 1);
    z = s * s;
    for (int k = 21; k >= 3; k -= 2)
        sum = (sum + 1.0 / k) * z;
    return exponent * 0x1.62e42fefa39efp-1 + 2 * (s + s * sum);
}

struct skipper {
    struct rng rng;
    double log_absent; /* log(1 - p) */
    uint64_t at, end;  /* next position to be considered; positions in all */
};

static struct skipper skipper_make(uint64_t seed, uint32_t layer, double probability, uint64_t positions)
{
    return (struct skipper){ .rng = rng_make(seed, (uint64_t)SAMPLE_CONNECTIONS << 32 | layer),
                             .log_absent = probability < 1 ? exact_log(1 - probability) : -INFINITY,
                             .end = positions };
}

/* The next chosen position; false past the end. */
static bool skipper_next(struct skipper *skipper, uint64_t *out)
{
    /* u in (0, 1]. */
    double u = (double)((rng_u64(&skipper->rng) >> 11) + 1) * 0x1p-53, skip = exact_log(u) / skipper->log_absent;

    if (skip >= (double)(skipper->end - skipper->at))
        return false;
    *out = skipper->at + (uint64_t)skip;
    skipper->at = *out + 1;
    return *out < skipper->end;
}

int sample_bernoulli(uint32_t rows, uint32_t columns, double probability, uint64_t seed, uint32_t layer,
                     struct csr *out, struct reason *why)
{
    uint64_t positions = (uint64_t)rows * columns, count = 0, position;
    struct skipper skipper;
    struct csr made;
    int result;

    if (!(probability > 0 && probability <= 1))
        return refuse(why, WISP_E_INVALID, "a probability of %g is not in (0, 1]", probability);
    for (skipper = skipper_make(seed, layer, probability, positions); skipper_next(&skipper, &position);)
        count++;
    if ((result = csr_alloc(&made, rows, columns, count)))
        return refuse_errno(why, result, "%llu connections", (unsigned long long)count);
    count = 0;
    for (skipper = skipper_make(seed, layer, probability, positions); skipper_next(&skipper, &position); count++) {
        made.starts[position / columns + 1]++;
        csr_set_column(&made, count, (uint32_t)(position % columns));
    }
    for (uint32_t r = 0; r < rows; r++)
        made.starts[r + 1] += made.starts[r];
    *out = made;
    return 0;
}
