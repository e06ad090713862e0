/* SPDX-License-Identifier: Apache-2.0
 *
 * x = m * 2^e with m from sqrt(1/2) to sqrt(2), and ln m = 2 artanh(s) with s = (m - 1) / (m + 1), whose series has
 * converged after eleven terms, for s is at most 0.172.
 */
#include <math.h>

#include "base/size.h"
#include "media/spec/logarithm.h"

/* ln 2 in two parts; the first has so few bits that its product with an exponent is exact. */
static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;

double portable_log(double x)
{
    static const double terms[] = { 1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
                                    1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21 };
    double m, s, z, sum = 0;
    int e;

    m = frexp(x, &e);
    if (m < M_SQRT1_2) {
        m *= 2;
        e--;
    }
    s = (m - 1) / (m + 1);
    z = s * s;
    for (size_t i = ARRAY_SIZE(terms); i-- > 0;)
        sum = (sum + terms[i]) * z;
    return e * ln2_high + (e * ln2_low + 2 * s * sum + 2 * s);
}
