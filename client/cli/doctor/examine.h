/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of all suspicions, in the order in which they are told.
 */
#ifndef CLI_DOCTOR_EXAMINE_H
#define CLI_DOCTOR_EXAMINE_H

#include "client/cli/doctor/examination.h"
#include "client/cli/doctor/finding.h"

/* One suspicion. `name` is what it is called, in JSON too; writes *finding, which is GOOD and empty before. */
struct check {
    const char *name;
    void (*look)(const struct examination *examination, struct finding *finding);
};

/* The list of all of them, and how many there are. */
extern const struct check checks[];
extern const unsigned check_count;

#endif
