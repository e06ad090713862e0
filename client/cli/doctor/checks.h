/* SPDX-License-Identifier: Apache-2.0
 *
 * The suspicions: each looks at what is known, and writes a finding, which is good and empty before.
 */
#ifndef CLI_DOCTOR_CHECKS_H
#define CLI_DOCTOR_CHECKS_H

#include "client/cli/doctor/examination.h"
#include "client/cli/doctor/finding.h"

typedef void check_function(const struct examination *examination, struct finding *finding);

check_function check_answers, check_spin, check_loop, check_kernels, check_versions, check_connections; /* the daemon */
check_function check_processors, check_processor_shared, check_quota, check_governor, check_swap, check_memlock,
    check_huge_pages;                                          /* the machine */
check_function check_time_left, check_batches, check_failures; /* the load */

#endif
