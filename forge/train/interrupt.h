/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGINT and SIGTERM as a wish to stop: the first is noted, a second ends the process as ever.
 */
#ifndef FORGE_TRAIN_INTERRUPT_H
#define FORGE_TRAIN_INTERRUPT_H

#include <stdbool.h>

void interrupt_catch(void);
bool interrupt_wanted(void);

#endif
