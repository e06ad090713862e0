/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORGE_OUTCOME_H
#define FORGE_OUTCOME_H

#include "base/outcome.h"

#endif
