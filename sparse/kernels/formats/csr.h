/* SPDX-License-Identifier: Apache-2.0
 *
 * csr: the matrix itself, borrowed. Nothing is packed.
 */
#ifndef SPARSE_FORMAT_CSR_H
#define SPARSE_FORMAT_CSR_H

#include "sparse/kernels/formats/format.h"

struct packed_csr {
    struct packed packed;
    const struct csr *matrix;
};

static inline const struct csr *csr_of(const struct packed *packed)
{
    return ((const struct packed_csr *)packed)->matrix;
}

#endif
