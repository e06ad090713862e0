/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal of a channel: what another daemon has to know to go on with it (docs/design/restart.md).
 *
 * It is the memory that the channel's requests live in anyway, in a memfd that no client ever sees, with what was
 * agreed before them. Nothing is written for it but what the stages write of a request, in an order that makes sense of
 * a death between any two instructions: a request is TAKEN before its slot of the ring is given back, says where its
 * completion goes before that is published, and is FREE after.
 *
 * Only processes of one build read each other's: the version is of everything here, `request_size` guards against who
 * forgets to raise it, and a journal of another is dropped with its channel.
 */
#ifndef DAEMON_SHARD_JOURNAL_H
#define DAEMON_SHARD_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/shard/request.h"
#include "libipc/wire.h"

#define JOURNAL_MAGIC 0x6c6e726au /* "jrnl" */

enum { JOURNAL_VERSION = 1 };

struct journal {
    uint32_t magic;              /* once the rest is there */
    uint32_t version;            /* JOURNAL_VERSION */
    uint32_t request_size;       /* sizeof(struct request) */
    uint32_t asking;             /* 1: a question was read of which the answer has not been sent */
    uint32_t attempts;           /* to go on with it, since one did */
    struct wire_welcome welcome; /* what was agreed */
    char name[32];               /* as the client calls itself: for the log */
    struct request requests[] __attribute__((aligned(64))); /* welcome.entries of them */
};

/* Whole pages. */
static inline size_t journal_size(uint32_t entries)
{
    const size_t bytes = sizeof(struct journal) + entries * sizeof(struct request);

    return (bytes + WIRE_PAGE - 1) / WIRE_PAGE * WIRE_PAGE;
}

#endif
