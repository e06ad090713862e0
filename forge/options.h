/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORGE_OPTIONS_H
#define FORGE_OPTIONS_H

#include "base/options.h"

#endif
