/* SPDX-License-Identifier: Apache-2.0
 *
 * What a doctor knows, and what he finds.
 */
#ifndef CLI_DOCTOR_EXAMINATION_H
#define CLI_DOCTOR_EXAMINATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/cli/doctor/machine.h"

struct examination {
    const json_t *before, *now; /* the daemon's STATS, `seconds` apart */
    const json_t *models;       /* its LIST */
    double seconds;
    struct machine machine, earlier; /* `earlier` when `before` was */
    uint64_t ping_ns;                /* the median; 0: there was none */
    const char *ping_refused;        /* why there was none; NULL */
    const char *library;             /* version of this program's libwisp */
};

#endif
