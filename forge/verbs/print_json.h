/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORGE_VERBS_PRINT_JSON_H
#define FORGE_VERBS_PRINT_JSON_H

#include <jansson.h>

/* On standard output, in one line; lets go of `object`, of which NULL means that there was no memory. An exit status:
 * of what cannot be written main() says so in the end. */
int print_json(const char *verb, json_t *object);

#endif
