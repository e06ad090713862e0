/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/convolution/convolution.h"

struct lanes convolution_lanes(const struct convolution *c)
{
    const size_t stride = c->window.stride, batch = c->batch;
    const bool whole = batch == 1 || (stride == 2 && batch <= PACK_LANES / 2);

    return whole ? (struct lanes){ stride, batch } : (struct lanes){ 1, 1 };
}
