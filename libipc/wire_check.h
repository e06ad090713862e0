/* SPDX-License-Identifier: Apache-2.0
 *
 * The validators of everything that crosses the process boundary: pure functions of a private copy, which say why.
 * Whoever receives something copies it out of shared memory (or off the socket) once, calls its validator here, and
 * from then on uses only the copy. Each has a fuzz target in tests/fuzz/.
 */
#ifndef LIBIPC_WIRE_CHECK_H
#define LIBIPC_WIRE_CHECK_H

#include "base/error.h"
#include "libipc/wire.h"

/* Computes the layout for negotiated values. WISP_E_INVALID when entries is not a power of two within the limits, or an
 * arena is out of its limits or not a whole number of pages. */
int wire_layout(uint32_t entries, uint64_t request_arena, uint64_t response_arena, struct wire_layout *out,
                struct reason *why);

/* What a submission may ask for on this channel. */
struct wire_limits {
    uint64_t features; /* of the channel */
    uint64_t request_arena;
    uint64_t response_arena;
    uint32_t rows;   /* at most, per request */
    uint64_t buffer; /* bytes of the one that the submission names; 0: there is none of its number */
};

/* What the kernel says of a descriptor that is to be a buffer. */
struct wire_memory {
    uint32_t mode;       /* st_mode */
    uint64_t filesystem; /* f_type */
    int64_t size;        /* st_size */
    uint64_t present;    /* bytes that are there: of st_blocks, asked after the seals */
    int seals;           /* F_GET_SEALS; negative: it has none */
    uint64_t first_hole; /* SEEK_HOLE: its first page that nobody has written, or its end */
};

/* Memory of somebody else that can be read as if it were one's own: plain shared memory of exactly `size` bytes, which
 * nobody can resize, whose pages are all there, and out of which nobody can take one. So no access to it raises SIGBUS
 * or waits for a hole that is being punched. Whole pages, at most WIRE_BUFFER_MAX. WISP_E_INVALID. */
int wire_check_memory(const struct wire_memory *memory, uint64_t size, struct reason *why);

/* Checks a private copy of a submission (its `seq` is the ring's affair and is not looked at): known op, zero reserved
 * bytes and flags, both ranges inside their arenas and aligned, rows within limits. WISP_E_INVALID, and says why. */
int wire_check_submission(const struct wire_submission *copy, const struct wire_limits *limits, struct reason *why);

/* Checks a received message of `length` bytes: header magic, its own length equal to `length`, a known type, and the
 * minimum size for that type; strings inside it are terminated; reserved bytes are zero. WISP_E_INVALID.
 * The message begins at a multiple of 8. */
int wire_check_message(const void *message, size_t length, struct reason *why);

/* What one end can do, for the negotiation of hello and welcome. */
struct wire_offer {
    uint16_t abi_min, abi_max;
    uint64_t features;
    uint32_t entries_default, entries_max;
    uint64_t request_default, response_default, arena_max;
};

/* The daemon's answer to a (checked) hello: the highest common ABI, the common features, sizes clamped to the offer and
 * rounded to what wire_layout() takes. Fills *welcome except epoch and name. WISP_E_VERSION when there is no common ABI
 * or a needed feature is missing; then welcome->status and welcome->text say so and it can be sent as it is. */
int wire_negotiate(const struct wire_hello *hello, const struct wire_offer *offer, struct wire_welcome *welcome);

/* The client's check of a (checked) welcome against its own hello. */
int wire_check_welcome(const struct wire_welcome *welcome, const struct wire_hello *hello, struct reason *why);

#endif
