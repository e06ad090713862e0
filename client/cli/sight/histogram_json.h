/* SPDX-License-Identifier: Apache-2.0
 *
 * A histogram of the daemon's, as its JSON has it: pairs of a bucket's end and how many values are in it.
 */
#ifndef CLI_SIGHT_HISTOGRAM_JSON_H
#define CLI_SIGHT_HISTOGRAM_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/histogram.h"

/* False: it has no buckets, or some that cannot be; *out is empty then. */
bool histogram_from_json(const json_t *json, struct histogram *out);

#endif
