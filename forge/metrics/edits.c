/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/metrics/edits.h"

int edits_count(const struct tokens *said, const struct tokens *wanted, size_t *out)
{
    cleanup_free size_t *row = memory_alloc(wanted->count + 1, sizeof *row);

    if (!row)
        return -ENOMEM;
    for (size_t k = 0; k <= wanted->count; k++)
        row[k] = k;
    for (size_t i = 0; i < said->count; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t k = 0; k < wanted->count; k++) {
            const size_t changed = diagonal + (said->list[i] != wanted->list[k]);

            diagonal = row[k + 1];
            row[k + 1] = MIN(changed, MIN(row[k], row[k + 1]) + 1);
        }
    }
    *out = row[wanted->count];
    return 0;
}
