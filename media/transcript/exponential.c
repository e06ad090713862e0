/* SPDX-License-Identifier: Apache-2.0
 *
 * x = k ln 2 + r with r from -ln 2 / 2 to ln 2 / 2, where the series has converged after fourteen terms.
 */
#include <math.h>

#include "media/transcript/exponential.h"

/* ln 2 in two parts; the first has so few bits that its product with k is exact. */
static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;

double portable_exp(double x)
{
    const double k = floor(x * M_LOG2E + 0.5), r = (x - k * ln2_high) - k * ln2_low;
    double sum = 1;

    for (int n = 14; n > 0; n--)
        sum = 1 + sum * r / n;
    return ldexp(sum, (int)k);
}
