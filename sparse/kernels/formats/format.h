/* SPDX-License-Identifier: Apache-2.0
 *
 * A weight format: an order in which a matrix stands in memory, and how it gets there.
 *
 * formats.inc is the one list; a format's place in it is its number, here and in kernels->run. A matrix packed in any
 * of them gives the same bits (kernels.h), so a format is chosen by speed and memory alone (choose.h).
 *
 * Packed weights never change: any number of threads runs on them.
 */
#ifndef SPARSE_FORMAT_H
#define SPARSE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sparse/kernels/formats/batch_class.h"
#include "sparse/tensor/csr.h"

enum { WEIGHT_FORMATS_MAX = 9, PACK_LANES = 16 };

/* What a format may take for a connection: what takes more is not chosen, where it is more than FORMAT_SMALL. */
enum { FORMAT_BYTES = 40, FORMAT_SMALL = 64 << 10 };

struct weight_format;
struct kernels;

/* What all packed weights begin with. */
struct packed {
    const struct weight_format *format;
    unsigned number; /* of the format */
    uint32_t rows, columns;
    uint32_t units; /* what a run can begin and end at: rows, or slices of PACK_LANES rows */
    uint32_t grain; /* units that one thread should have together */
    /* [units + 1], where that stands: entries or steps that are stored before each; NULL: all units have as many. What
     * is borrowed may move. */
    uint64_t *const *work;
    uint32_t unit_work; /* what a unit costs besides, in those */
    size_t memory;      /* bytes, this struct included; not what is borrowed */
    bool far;           /* it comes from memory (residence.h), so a run asks for it ahead; packed_new() says no */
};

/* Nanoseconds that a batch as its class is timed with takes for each place of the matrix, connected or not, and for
 * each connection: what a format is chosen by where the clock is not asked. Fitted to times at 30, 70, 90 and 98 % of
 * 1024 x 1024, AVX-512 (docs/results/kernels.md), the means of a Zen 5 and a Zen 4 at its pace, so that either has what
 * is right there, or nearly; what counts is how they compare. */
struct format_cost {
    float place, connection;
};

struct weight_format {
    const char *name;
    struct format_cost costs[BATCH_CLASSES]; /* of classes that it takes */
    /* Whether it takes batches of this class (batch_class.h), at an expense of memory that suits the matrix. */
    bool (*can)(const struct csr *w, unsigned batch_class);
    /* Allocates what begins with a struct packed, zeroed, fills in the rest and what it needs of units, grain, work,
     * memory. -ENOMEM, after which free() is called. */
    int (*pack)(const struct csr *w, struct packed **out);
    void (*free)(struct packed *packed);
    bool borrows; /* the matrix has to stay */
};

const struct weight_format *weight_format_at(unsigned number); /* NULL past the end */
/* By name; false when there is none. */
bool weight_format_find(const char *name, unsigned *number);
/* Whether these kernels run it on such a matrix and such batches. */
bool weight_format_can(const struct kernels *kernels, unsigned number, const struct csr *w, unsigned batch_class);

/* The matrix in that format. -ENOMEM. */
int packed_new(const struct csr *w, unsigned number, struct packed **out);
struct packed *packed_free(struct packed *packed); /* accepts NULL; returns NULL */

/* What the units before `unit` cost, in entries or steps. */
static inline uint64_t packed_work(const struct packed *packed, uint32_t unit)
{
    const uint64_t *work = packed->work ? *packed->work : NULL;

    return work ? work[unit] - work[0] + (uint64_t)unit * packed->unit_work : unit;
}

/* The units that belong to `part`: as many grains as come nearest to an equal part of the work. */
void packed_share(const struct packed *packed, unsigned part, unsigned parts, uint32_t *begin, uint32_t *end);

#endif
