/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial of an engine before anybody is served by it (docs/design/reload.md): inputs that follow from its shapes
 * alone, whose answers have to be finite numbers, and the same bits one by one and as a batch; and
 * the golden input of its file, where that has one.
 */
#ifndef DAEMON_MODELS_SELF_TEST_H
#define DAEMON_MODELS_SELF_TEST_H

#include "base/error.h"
#include "daemon/models/engine.h"

/* WISP_E_FORMAT, and says what came out; -ENOMEM. On the thread that has made the engine, before others have it. */
int engine_self_test(struct engine *engine, struct reason *why);

#endif
