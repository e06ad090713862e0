/* SPDX-License-Identifier: Apache-2.0
 *
 * Many samples through one model, with many requests under way, so that the daemon has batches to make: each sample is
 * filled in, and each answer is taken, in the order of their numbers, in the calling thread.
 *
 * There are as many requests as the wish, the client's memory and its entries allow, and at least one. An error ends
 * it: what is under way is cancelled.
 */
#ifndef CODECS_FLIGHT_H
#define CODECS_FLIGHT_H

#include <stdint.h>

#include <wisp/media.h>

struct flight_work {
    uint64_t count;
    /* Each 0, or a status that ends it, with the sentence in wisp_private_last_error(). */
    int (*fill)(void *user, uint64_t number, wisp_request *request);
    int (*take)(void *user, uint64_t number, const wisp_request *request);
    void *user;
};

/* `timings`: from the first request to the last answer; of the daemon's, the longest wait and the sum of each sample's
 * part of its batch's time. NULL. The status of the first request that fails; WISP_E_TIMEOUT when one took longer than
 * answer_ms; what fill() and take() return; -ENOMEM. */
int flight_run(wisp_client *client, const wisp_model *model, const struct flight_work *work,
               const struct wisp_process_options *options, struct wisp_timings *timings);

#endif
