/* SPDX-License-Identifier: Apache-2.0
 *
 * Which characters are words of their own in Chinese text, for BLEU: those that sacrebleu's tokenizer "zh" (Huang 2017)
 * takes for such, ideographs and wide punctuation among them.
 */
#ifndef FORGE_METRICS_CHINESE_H
#define FORGE_METRICS_CHINESE_H

#include <stdbool.h>
#include <stddef.h>

/* Copies valid UTF-8, a space before and behind each of them; `out` has room for three times as much. How long it is.
 */
size_t chinese_apart(const char *text, size_t length, char *out);

/* How many of them there are, and other characters but white space. */
struct chinese_count {
    size_t chinese, other;
};

void chinese_count(const char *text, size_t length, struct chinese_count *count);

#endif
