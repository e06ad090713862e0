/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "base/suggest.h"

enum { WORD_MAX = 63 };

static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t above = row[j + 1];

            row[j + 1] = MIN(MIN(above, row[j]) + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[length];
}

const char *suggest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;

    if (strlen(word) > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t found;

        if (!candidates[i] || strlen(candidates[i]) > WORD_MAX)
            continue;
        found = distance(word, candidates[i]);
        if (found < best_distance) {
            best_distance = found;
            best = candidates[i];
        }
    }
    return best;
}
