/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon with all models that ship.
 */
#ifndef TESTS_SYSTEM_TYPES_ALL_MODELS_H
#define TESTS_SYSTEM_TYPES_ALL_MODELS_H

#include "support/daemon.h"

void all_models_start(struct test_daemon *daemon);

/* "…/examples/file", as source_path(). */
const char *example_path(const char *file);

#endif
