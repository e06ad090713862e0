/* SPDX-License-Identifier: Apache-2.0
 *
 * "Did you mean …?": the nearest of a list of names to a mistyped one.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

/* The candidate at the smallest Levenshtein distance, if it is small for the word's length; NULL otherwise. */
const char *suggest(const char *word, const char *const *candidates, size_t count);

#endif
