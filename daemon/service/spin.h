/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the shard looks before it sleeps.
 */
#ifndef DAEMON_SERVICE_SPIN_H
#define DAEMON_SERVICE_SPIN_H

#include <stdint.h>

/* On this machine; `configured_ns` may be CONFIG_SPIN_AUTO. */
uint64_t spin_choose(uint64_t configured_ns, uint32_t threads);

#endif
