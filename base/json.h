/* SPDX-License-Identifier: Apache-2.0
 *
 * jansson's values, released at the end of a scope. The header of who links jansson; base/ itself does not.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/cleanup.h"

CLEANUP_DEFINE(json, json_t, json_decref)
#define cleanup_json cleanup(json_at_exit)

#endif
