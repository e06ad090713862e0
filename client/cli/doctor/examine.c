/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/doctor/examine.h"
#include "base/size.h"
#include "client/cli/doctor/checks.h"

const struct check checks[] = {
    { "answers", check_answers },
    { "time-left", check_time_left },
    { "processor-shared", check_processor_shared },
    { "processors", check_processors },
    { "quota", check_quota },
    { "batches", check_batches },
    { "failures", check_failures },
    { "connections", check_connections },
    { "spin", check_spin },
    { "loop", check_loop },
    { "kernels", check_kernels },
    { "swap", check_swap },
    { "memlock", check_memlock },
    { "huge-pages", check_huge_pages },
    { "governor", check_governor },
    { "versions", check_versions },
};

const unsigned check_count = ARRAY_SIZE(checks);
