/* SPDX-License-Identifier: Apache-2.0
 *
 * What libwisp-media needs of libwisp and no program does: not installed, and of a version of its own in both
 * libraries, so that the loader refuses two that are not of one build's version.
 */
#ifndef WISP_PRIVATE_H
#define WISP_PRIVATE_H

#include <stdint.h>

#include <wisp/wisp.h>

struct reason;

/* This thread's sentence (base/error.h), to be written by refuse() and by what takes a reason. */
struct reason *wisp_private_last_error(void);

/* What a library on top keeps with a model, as the first member of its own struct: immutable, released with the model.
 */
struct wisp_private_kept {
    void (*release)(struct wisp_private_kept *kept);
};

/* The one thing that is kept with this model: made by who asks first. Several threads may ask at once: what was made in
 * vain is released. NULL when make() returned that. */
struct wisp_private_kept *wisp_private_model_keep(const wisp_model *model,
                                                  struct wisp_private_kept *(*make)(const wisp_model *model));

/* When one call that begins now has waited for answer_ms: a time of CLOCK_MONOTONIC in nanoseconds; UINT64_MAX. */
uint64_t wisp_private_answer_by(const wisp_client *client);

/* Submits, waits until then, and explains: the request's status, or WISP_E_TIMEOUT. */
int wisp_private_run(wisp_request *request, uint64_t deadline_ns);

#endif
