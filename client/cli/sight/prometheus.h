/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon counted in the text format of Prometheus (version 0.0.4): base units, seconds and bytes; a counter
 * ends in _total. docs/metrics.md lists the metrics.
 */
#ifndef CLI_SIGHT_PROMETHEUS_H
#define CLI_SIGHT_PROMETHEUS_H

#include <jansson.h>
#include <stdio.h>

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* `stats`: as the daemon sent it; NULL: it did not answer, which is wisp_up 0. */
void prometheus_print(FILE *out, const json_t *stats);

#endif
