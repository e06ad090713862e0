/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon under siege: one that hostile clients meet in one test after the other, and that must look untouched after
 * each of them.
 */
#ifndef TESTS_SYSTEM_SIEGE_H
#define TESTS_SYSTEM_SIEGE_H

#include <stdbool.h>
#include <stdint.h>

#include "system/alpha.h"

extern struct siege {
    unsigned descriptors, mappings; /* of the daemon, without a client */
    uint32_t route;                 /* to alpha */
} siege;

/* Of a group: the bed, with a daemon. */
int siege_begin(void **state);
int siege_end(void **state);

/* After every test: the daemon answers, and holds nothing of the clients that have gone. */
int siege_survived(void **state);

#define SIEGE(test) cmocka_unit_test_teardown(test, siege_survived)

/* Whether the daemon closes this socket within `ms`; what it says before is passed over. */
bool siege_closes(int socket, int ms);

/* Another daemon with these keys in its configuration; and one as before. */
void siege_with_limits(const char *yaml);
void siege_without_limits(void);

#endif
