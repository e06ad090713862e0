/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json/json_memory.h"
#include "base/outcome.h"
#include "forge/plan/lineage.h"
#include "forge/verbs/print_json.h"

int print_json(const char *verb, json_t *object)
{
    int result = json_to_file(object, stdout, JSON_FORM);

    json_decref(object);
    putchar('\n');
    if (result == -ENOMEM)
        return fail(verb, EXIT_FAILED, "out of memory");
    return result ? EXIT_FAILED : EXIT_DONE;
}
